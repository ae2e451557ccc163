//! [`Framework`]: the agents of a pattern as files, made for one world.
//!
//! In: a [`Pattern`] and a [`WorldProfile`]. Out: NexAU YAML that a run folder can hold and that
//! `nex run` can run. The templates stand in `frameworks/`; what a world puts in are the tools by
//! kind and the variables of the prompts.

use crate::harness::prompt_context;
use crate::{GymError, Pattern, WorldProfile};
use nex_agent::{LoadOptions, RunnableSpec, load_runnable};
use std::path::{Path, PathBuf};

/// The agents of a pattern as files, made for one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framework {
    /// The pattern's name.
    pub name: String,
    /// The world that it is made for.
    pub world: String,
    /// File names, relative to the framework's folder, and their text.
    pub files: Vec<(PathBuf, String)>,
    /// The file to run.
    pub entry: PathBuf,
}

/// Template files of one pattern; the first is the one to run.
type Templates = &'static [(&'static str, &'static str)];

const SINGLE: Templates = &[("agent.yaml", include_str!("../frameworks/single/agent.yaml"))];
const TEAM: Templates = &[
    ("coordinator.yaml", include_str!("../frameworks/team/coordinator.yaml")),
    ("researcher.yaml", include_str!("../frameworks/team/researcher.yaml")),
    ("operator.yaml", include_str!("../frameworks/team/operator.yaml")),
];
const PIPELINE: Templates = &[
    ("pipeline.yaml", include_str!("../frameworks/pipeline/pipeline.yaml")),
    ("investigator.yaml", include_str!("../frameworks/pipeline/investigator.yaml")),
    ("actor.yaml", include_str!("../frameworks/pipeline/actor.yaml")),
    ("reporter.yaml", include_str!("../frameworks/pipeline/reporter.yaml")),
];

/// The framework of `pattern` for the world of `profile`; prompts are in English unless a run says
/// otherwise.
///
/// # Errors
/// The pattern is none of the built-in ones.
pub fn framework(pattern: Pattern, profile: &WorldProfile) -> Result<Framework, GymError> {
    let templates = match pattern {
        Pattern::Single => SINGLE,
        Pattern::Team => TEAM,
        Pattern::Pipeline => PIPELINE,
        Pattern::Framework => return Err(GymError::NoTemplate(pattern)),
    };
    let files = templates.iter().map(|(name, template)| (PathBuf::from(name), fill(template, profile)));
    Ok(Framework {
        name: pattern.as_str().to_owned(),
        world: profile.name.clone(),
        files: files.collect(),
        entry: PathBuf::from(templates[0].0),
    })
}

impl Framework {
    /// Writes the files into `folder` and gives the path of the one to run.
    ///
    /// # Errors
    /// The folder cannot be made or a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<PathBuf, GymError> {
        let fail = |path: &Path, cause| GymError::Write { path: path.display().to_string(), cause };
        std::fs::create_dir_all(folder).map_err(|cause| fail(folder, cause))?;
        for (name, text) in &self.files {
            let path = folder.join(name);
            std::fs::write(&path, text).map_err(|cause| fail(&path, cause))?;
        }
        Ok(folder.join(&self.entry))
    }

    /// The agents as data, read from the files as any other framework is.
    ///
    /// # Errors
    /// A temporary folder cannot be had, or the files are wrong.
    pub fn load(&self) -> Result<RunnableSpec, GymError> {
        let folder = tempfile::tempdir()
            .map_err(|cause| GymError::Write { path: std::env::temp_dir().display().to_string(), cause })?;
        let entry = self.write(folder.path())?;
        load_runnable(&entry, &LoadOptions::default()).map_err(|cause| GymError::Framework {
            framework: self.name.clone(),
            world: self.world.clone(),
            cause: Box::new(cause),
        })
    }
}

/// The template with what the world puts in.
fn fill(template: &str, profile: &WorldProfile) -> String {
    let mut text = String::with_capacity(template.len() + 1024);
    for line in template.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        match line.trim() {
            "# @context" => {
                for (key, value) in prompt_context(&profile.briefing("en"), "en", profile) {
                    // JSON is YAML, quoted where it must be.
                    text.push_str(&format!("{indent}{key}: {value}\n"));
                }
            }
            tag if tag.starts_with("# @tools ") => {
                for operation in operations(profile, &tag["# @tools ".len()..]) {
                    text.push_str(&format!("{indent}- name: {operation}\n"));
                }
            }
            tag if tag.starts_with("description: \"@abilities ") => {
                let kind = tag["description: \"@abilities ".len()..].trim_end_matches('"');
                let verb = if kind == "read" { "Looks up records with" } else { "Makes changes with" };
                let names: Vec<&str> = operations(profile, kind).collect();
                text.push_str(&format!("{indent}description: \"{verb} {}.\"\n", names.join(", ")));
            }
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

fn operations<'a>(profile: &'a WorldProfile, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let fits = move |is_write: bool| match kind {
        "read" => !is_write,
        "write" => is_write,
        _ => true,
    };
    let operations = profile.operations.iter().filter(move |operation| fits(operation.is_write));
    operations.map(|operation| operation.name.as_str())
}

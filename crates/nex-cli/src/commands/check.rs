//! `nex check`: agents, pipelines, workflows, worlds, recipes and whole frameworks, all that is wrong
//! in them at once.

use crate::args::{CheckArgs, FileKind};
use crate::failure::{Code, Failure, Outcome};
use crate::rehearsal::ExpertRehearsal;
use crate::terminal::{Tint, print, safe, tint};
use nex_agent::{Diagnostic, LoadOptions, Severity};
use nex_agent_gen::check::check_framework;
use nex_agent_gen::forge::MANIFEST_FILE;
use nex_pipeline::Recipe;
use nex_world::World;
use std::path::{Path, PathBuf};

/// Files that a folder may hold before the check asks for a narrower one.
const MAX_FILES: usize = 10_000;

/// Checks all files and prints what is wrong.
pub(crate) fn run(args: CheckArgs) -> Outcome {
    let mut files = Vec::new();
    for path in &args.paths {
        collect(path, &mut files)?;
    }
    let (mut errors, mut warnings) = (0, 0);
    for file in &files {
        let found = check_file(file, args.kind);
        for diagnostic in &found {
            let shade = match diagnostic.severity {
                Severity::Error => Tint::Bad,
                Severity::Warning => Tint::Doubtful,
            };
            print(tint(shade, &safe(&diagnostic.to_string(), 4_000)));
            match diagnostic.severity {
                Severity::Error => errors += 1,
                Severity::Warning => warnings += 1,
            }
        }
    }
    // What the files are worth together is only looked at where each is right by itself.
    let mut played = 0;
    if errors == 0 {
        for folder in frameworks(&args.paths)? {
            let (found, rehearsed) = check_framework(&folder, &ExpertRehearsal);
            for finding in &found {
                let place = folder.join(MANIFEST_FILE);
                print(tint(Tint::Bad, &safe(&format!("{}: error: {finding}", place.display()), 4_000)));
            }
            errors += found.len();
            played += rehearsed.map_or(0, |rehearsed| rehearsed.episodes);
        }
    }
    let tasks = if played > 0 { format!(", {played} tasks solved by the expert") } else { String::new() };
    print(format!("{} files, {errors} errors, {warnings} warnings{tasks}", files.len()));
    if errors > 0 {
        return Err(Failure::new(Code::Found, ""));
    }
    Ok(())
}

/// The YAML files at or under `path`, in order of name.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    if files.len() > MAX_FILES {
        return Err(Failure::input(format!(
            "more than {MAX_FILES} files under {}: name a narrower folder",
            path.display()
        )));
    }
    let kind = std::fs::symlink_metadata(path)
        .map_err(|e| Failure::input(format!("{}: {e}", path.display())))?
        .file_type();
    if !kind.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(|e| Failure::input(format!("{}: {e}", path.display())))?;
    let mut entries: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    entries.sort();
    for entry in entries {
        let is_yaml = entry.extension().is_some_and(|e| e == "yaml" || e == "yml");
        let is_dir = std::fs::symlink_metadata(&entry).is_ok_and(|m| m.is_dir());
        if is_dir || is_yaml {
            collect(&entry, files)?;
        }
    }
    Ok(())
}

/// The frameworks at `paths` and in their folders, in order of name.
fn frameworks(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if path.join(MANIFEST_FILE).is_file() {
            found.push(path.clone());
        } else if path.is_dir() {
            let entries =
                std::fs::read_dir(path).map_err(|e| Failure::input(format!("{}: {e}", path.display())))?;
            let mut inner: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
            inner.retain(|folder| folder.join(MANIFEST_FILE).is_file());
            inner.sort();
            found.append(&mut inner);
        }
    }
    Ok(found)
}

fn check_file(path: &Path, kind: Option<FileKind>) -> Vec<Diagnostic> {
    match kind.unwrap_or_else(|| told_by_keys(path)) {
        FileKind::Agent => nex_agent::check(path, &LoadOptions::default()),
        FileKind::World => match World::load(path) {
            Ok(_) => Vec::new(),
            Err(error) => vec![Diagnostic::error(path, None, error.to_string())],
        },
        FileKind::Recipe => match Recipe::load(path) {
            Ok(_) => Vec::new(),
            Err(error) => vec![Diagnostic::error(path, None, error.to_string())],
        },
    }
}

/// A world has a line `world:`, a recipe has `worlds:` or `harnesses:`; all else is an agent.
fn told_by_keys(path: &Path) -> FileKind {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let has = |key: &str| text.lines().take(2_000).any(|line| line.starts_with(key));
    if has("world:") && has("entities:") {
        FileKind::World
    } else if has("worlds:") || has("harnesses:") || has("episodes:") {
        FileKind::Recipe
    } else {
        FileKind::Agent
    }
}

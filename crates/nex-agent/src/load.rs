//! From files to specs: [`load_agent`], [`load_runnable`], [`check`].
//!
//! In: NexAU's agent YAML, or ours for pipelines and workflows. Out: a spec with every named file read, or all
//! that is wrong with it. Relative paths resolve against the folder of the file that holds them.
//! Bounds: size and nesting of each file, levels and number of agents in a tree; a cycle of
//! sub-agents is an error that shows it. Nothing is executed and nothing outside
//! [`LoadOptions::root`] is opened.

mod agent_file;
mod pipeline_file;
mod prompt_file;
mod tool_file;
mod workflow_file;

use crate::substitute::substitute;
use crate::yaml::{MAX_FILE_BYTES, Yaml, YamlNode};
use crate::{Agent, AgentError, AgentSpec, Diagnostic, PipelineSpec, RunnableSpec, Severity, ToolBindings};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Levels of sub-agents in files.
const MAX_LEVELS: usize = 16;
/// Agents in one tree, counted as often as they are named.
const MAX_AGENTS: usize = 512;

/// How files are read.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Nothing outside this folder is read; for specs that somebody else wrote.
    pub root: Option<PathBuf>,
    /// What `${env.NAME}` reads; the process's environment where it is none.
    pub environment: Option<BTreeMap<String, String>>,
}

impl LoadOptions {
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        match &self.environment {
            Some(environment) => environment.get(name).cloned(),
            None => std::env::var(name).ok(),
        }
    }
}

/// Loads the agent in `path` with all its sub-agents. Warnings go to the log.
///
/// # Errors
/// [`AgentError::Invalid`] with all that is wrong in the files.
pub fn load_agent(path: impl AsRef<Path>, options: &LoadOptions) -> Result<AgentSpec, AgentError> {
    match load_runnable(path.as_ref(), options)? {
        RunnableSpec::Agent(agent) => Ok(agent),
        other => {
            let kind = if matches!(other, RunnableSpec::Pipeline(_)) { "pipeline" } else { "workflow" };
            let message = format!("this is a {kind}, where an agent is wanted");
            Err(AgentError::Invalid(vec![Diagnostic::error(path.as_ref(), None, message)]))
        }
    }
}

/// Loads an agent from `text`; relative paths in it resolve against the folder of `source_name`.
///
/// # Errors
/// As [`load_agent`].
pub fn load_agent_text(
    text: &str,
    source_name: &str,
    options: &LoadOptions,
) -> Result<AgentSpec, AgentError> {
    let mut loader = Loader::new(options);
    let file = Path::new(source_name);
    let root = loader.parse(text, file);
    let agent = root.and_then(|root| loader.agent(&root, file));
    loader.conclude(agent.map(|agent| AgentSpec::clone(&agent)))
}

/// Loads the agent, the pipeline or the workflow in `path`. Warnings go to the log.
///
/// # Errors
/// As [`load_agent`].
pub fn load_runnable(path: impl AsRef<Path>, options: &LoadOptions) -> Result<RunnableSpec, AgentError> {
    let mut loader = Loader::new(options);
    let spec = loader.runnable(path.as_ref());
    loader.conclude(spec)
}

/// All that is wrong with the agent, pipeline or workflow in `path`, in its files and sub-agents: what does
/// not load, what has no effect, and what cannot be compiled apart from bindings.
pub fn check(path: impl AsRef<Path>, options: &LoadOptions) -> Vec<Diagnostic> {
    let path = path.as_ref();
    let mut loader = Loader::new(options);
    let spec = loader.runnable(path);
    let mut found = loader.found;
    sort(&mut found);
    if found.iter().any(|diagnostic| diagnostic.severity == Severity::Error) {
        return found;
    }
    match spec {
        Some(RunnableSpec::Agent(agent)) => check_agent(&agent, path, &mut found),
        Some(RunnableSpec::Pipeline(pipeline)) => check_pipeline(&pipeline, path, &mut found),
        // What is wrong with a workflow itself was found when it was loaded.
        Some(RunnableSpec::Workflow(workflow)) => {
            for (_, assignment) in workflow.assignments() {
                check_agent(&assignment.agent, path, &mut found);
            }
        }
        None => {}
    }
    found
}

fn check_pipeline(pipeline: &PipelineSpec, path: &Path, found: &mut Vec<Diagnostic>) {
    for stage in &pipeline.stages {
        check_agent(&stage.agent, path, found);
    }
    let without_agents = PipelineSpec {
        stages: pipeline
            .stages
            .iter()
            .map(|stage| crate::StageSpec { agent: Arc::new(AgentSpec::new("stage")), ..stage.clone() })
            .collect(),
        ..pipeline.clone()
    };
    if let Err(error) = crate::Pipeline::compile(without_agents, &ToolBindings::new()) {
        found.push(Diagnostic::error(path, None, error.to_string()));
    }
}

/// Compiles each agent by itself, with its bound tools taken as given.
fn check_agent(agent: &AgentSpec, path: &Path, found: &mut Vec<Diagnostic>) {
    agent.walk(&mut |agent| {
        let file = if agent.source.is_empty() { path } else { Path::new(&agent.source) };
        let mut spec = agent.clone();
        for tool in &mut spec.tools {
            tool.binding = None;
        }
        match Agent::compile(spec, &ToolBindings::new()) {
            Err(error) => found.push(Diagnostic::error(file, None, error.to_string())),
            Ok(compiled) => {
                if let Some(cause) = compiled.compiled.unknown_names_in_prompt() {
                    found.push(Diagnostic::error(
                        file,
                        None,
                        format!("the prompt cannot be rendered: {cause}"),
                    ));
                }
                for name in compiled.undeclared_variables() {
                    let message = format!(
                        "the prompt reads `{name}`, which nothing defines: it renders as nothing; \
                         define it in `context`"
                    );
                    found.push(Diagnostic::warning(file, None, message));
                }
            }
        }
    });
    let mut seen: Vec<Diagnostic> = Vec::with_capacity(found.len());
    for diagnostic in found.drain(..) {
        if !seen.contains(&diagnostic) {
            seen.push(diagnostic);
        }
    }
    *found = seen;
}

/// By file and place: the order in which a person mends them.
fn sort(found: &mut [Diagnostic]) {
    found.sort_by(|a, b| (&a.file, a.at).cmp(&(&b.file, b.at)));
}

/// Reads files and gathers what is wrong with them.
struct Loader<'o> {
    options: &'o LoadOptions,
    found: Vec<Diagnostic>,
    /// The files being read, outermost first, as named and as resolved.
    stack: Vec<(PathBuf, PathBuf)>,
    /// Agents read before, with their number of agents; none for those that do not load, so that
    /// they are read and reported once.
    agents: HashMap<PathBuf, Option<(Arc<AgentSpec>, usize)>>,
}

impl<'o> Loader<'o> {
    fn new(options: &'o LoadOptions) -> Self {
        Self { options, found: Vec::new(), stack: Vec::new(), agents: HashMap::new() }
    }

    fn conclude<T>(mut self, loaded: Option<T>) -> Result<T, AgentError> {
        sort(&mut self.found);
        let is_fatal = self.found.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        match loaded {
            Some(loaded) if !is_fatal => {
                for diagnostic in &self.found {
                    tracing::warn!("{diagnostic}");
                }
                Ok(loaded)
            }
            _ => Err(AgentError::Invalid(self.found)),
        }
    }

    fn error(&mut self, file: &Path, at: Option<(u64, u64)>, message: impl Into<String>) {
        self.found.push(Diagnostic::error(file, at, message));
    }

    /// How many errors were found so far.
    fn errors(&self) -> usize {
        self.found.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    fn runnable(&mut self, path: &Path) -> Option<RunnableSpec> {
        let resolved = self.resolve(path, None)?;
        let text = self.read(path, None)?;
        let root = self.parse(&text, path)?;
        self.stack.push((path.to_owned(), resolved));
        let kind = match root.get("type").map(|kind| &kind.node) {
            Some(YamlNode::Text(kind)) => kind.as_str(),
            _ => "agent",
        };
        let loaded = match kind {
            "pipeline" => self.pipeline(&root, path).map(RunnableSpec::Pipeline),
            "workflow" => self.workflow(&root, path).map(RunnableSpec::Workflow),
            _ => self.agent(&root, path).map(|agent| RunnableSpec::Agent(AgentSpec::clone(&agent))),
        };
        self.stack.pop();
        loaded
    }

    /// The agent in `path`, which stands at `at` in `from`.
    fn agent_file(&mut self, path: &Path, from: &Path, at: (u64, u64)) -> Option<Arc<AgentSpec>> {
        let resolved = self.resolve(path, Some((from, at)))?;
        if let Some(start) = self.stack.iter().position(|(_, known)| *known == resolved) {
            let mut cycle: Vec<String> =
                self.stack[start..].iter().map(|(named, _)| named.display().to_string()).collect();
            cycle.push(path.display().to_string());
            let message =
                format!("sub-agents form a cycle: {}; remove one of these links", cycle.join(" -> "));
            self.error(from, Some(at), message);
            return None;
        }
        if let Some(known) = self.agents.get(&resolved) {
            return known.as_ref().map(|(agent, _)| agent.clone());
        }
        if self.stack.len() >= MAX_LEVELS {
            let message = format!("sub-agents are nested more than {MAX_LEVELS} levels deep");
            self.error(from, Some(at), message);
            return None;
        }
        let text = self.read(path, Some((from, at)))?;
        let root = self.parse(&text, path);
        self.stack.push((path.to_owned(), resolved.clone()));
        let agent = root.and_then(|root| self.agent(&root, path));
        self.stack.pop();
        let counted = agent.clone().map(|agent| {
            let count = 1 + agent.sub_agents.iter().map(|sub| self.count_of(&sub.agent)).sum::<usize>();
            (agent, count)
        });
        self.agents.insert(resolved, counted);
        agent
    }

    /// Agents in the tree of `agent`, itself included.
    fn count_of(&self, agent: &Arc<AgentSpec>) -> usize {
        match self.agents.values().flatten().find(|(known, _)| Arc::ptr_eq(known, agent)) {
            Some((_, count)) => *count,
            None => 1 + agent.sub_agents.iter().map(|sub| self.count_of(&sub.agent)).sum::<usize>(),
        }
    }

    /// Parses `text` and replaces what stands for something.
    fn parse(&mut self, text: &str, file: &Path) -> Option<Yaml> {
        match Yaml::parse(text, file) {
            Ok(mut root) => {
                if root.node == YamlNode::Null {
                    self.error(file, None, "the file is empty");
                    return None;
                }
                substitute(&mut root, file, self.options, &mut self.found);
                Some(root)
            }
            Err(diagnostic) => {
                self.found.push(diagnostic);
                None
            }
        }
    }

    /// The path `name` in a file of the folder of `file`.
    fn beside(file: &Path, name: &str) -> PathBuf {
        match file.parent() {
            Some(dir) if !Path::new(name).is_absolute() => dir.join(name.strip_prefix("./").unwrap_or(name)),
            _ => PathBuf::from(name),
        }
    }

    /// `path` without links and dots, if it exists and lies where it may.
    fn resolve(&mut self, path: &Path, from: Option<(&Path, (u64, u64))>) -> Option<PathBuf> {
        let (file, at) = from.map_or((path, None), |(file, at)| (file, Some(at)));
        let resolved = match path.canonicalize() {
            Ok(resolved) => resolved,
            Err(error) => {
                let message = format!("cannot read `{}`: {}", path.display(), in_words(&error));
                self.error(file, at, message);
                return None;
            }
        };
        if let Some(root) = &self.options.root {
            let inside = root.canonicalize().is_ok_and(|root| resolved.starts_with(root));
            if !inside {
                let message = format!(
                    "`{}` lies outside of `{}`, where all files must be",
                    path.display(),
                    root.display()
                );
                self.error(file, at, message);
                return None;
            }
        }
        Some(resolved)
    }

    /// The text of `path`, which stands at `at` in `from`.
    fn read(&mut self, path: &Path, from: Option<(&Path, (u64, u64))>) -> Option<String> {
        let resolved = self.resolve(path, from)?;
        let (file, at) = from.map_or((path, None), |(file, at)| (file, Some(at)));
        let text = match std::fs::metadata(&resolved) {
            Ok(meta) if !meta.is_file() => Err("it is not a regular file".to_owned()),
            Ok(meta) if meta.len() > MAX_FILE_BYTES as u64 => {
                Err(format!("it has {} bytes, at most {MAX_FILE_BYTES} are read", meta.len()))
            }
            Ok(_) => std::fs::read(&resolved).map_err(|e| in_words(&e)).and_then(|bytes| {
                String::from_utf8(bytes)
                    .map_err(|e| format!("it is not UTF-8, byte {} is wrong", e.utf8_error().valid_up_to()))
            }),
            Err(error) => Err(in_words(&error)),
        };
        match text {
            // A byte order mark, as some editors write it, is no content.
            Ok(text) => Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)),
            Err(cause) => {
                self.error(file, at, format!("cannot read `{}`: {cause}", path.display()));
                None
            }
        }
    }
}

/// The system's words without its error number.
fn in_words(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    }
}

//! What is wrong in an agent file, and where: [`Diagnostic`] and [`AgentError`].
//!
//! A file is read to its end before anyone gives up, so that one run of `nex check` shows all
//! that is wrong in it.

use std::fmt;
use std::path::PathBuf;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file loads, but part of it has no effect.
    Warning,
    /// The file does not load.
    Error,
}

impl Severity {
    /// `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One thing wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line and column, from 1, where they are known.
    pub at: Option<(u64, u64)>,
    /// Cause and way out.
    pub message: String,
}

impl Diagnostic {
    /// An error in `file`.
    pub fn error(file: impl Into<PathBuf>, at: Option<(u64, u64)>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, file: file.into(), at, message: message.into() }
    }

    /// A warning about `file`.
    pub fn warning(file: impl Into<PathBuf>, at: Option<(u64, u64)>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, file: file.into(), at, message: message.into() }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.severity.as_str(), self.message)
    }
}

/// Why an agent cannot be loaded or compiled.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum AgentError {
    /// Its files hold errors; the list may hold warnings too.
    #[error("{}", list(.0))]
    Invalid(Vec<Diagnostic>),
    /// Two of its tools have one name.
    #[error("agent `{agent}` has two tools named `{tool}`; rename one in its `tools` entry")]
    DuplicateTool {
        /// The agent.
        agent: String,
        /// The name.
        tool: String,
    },
    /// A binding that nothing implements.
    #[error(
        "agent `{agent}` binds tool `{tool}` to `{binding}`, which nothing implements here; \
         known bindings: {known}"
    )]
    UnknownBinding {
        /// The agent.
        agent: String,
        /// The tool.
        tool: String,
        /// The binding as written.
        binding: String,
        /// Nearest known ones, for a person.
        known: String,
    },
    /// A binding's factory refused.
    #[error("agent `{agent}`: cannot make tool `{tool}`: {cause}")]
    Factory {
        /// The agent.
        agent: String,
        /// The tool.
        tool: String,
        /// The factory's words.
        cause: String,
    },
    /// A tool's input schema is no JSON Schema.
    #[error("agent `{agent}`: {cause}")]
    Schema {
        /// The agent.
        agent: String,
        /// What is wrong with it, and where.
        cause: String,
    },
    /// A stop tool that the agent does not have.
    #[error("agent `{agent}` names stop tool `{tool}`, which is not among its tools: {known}")]
    UnknownStopTool {
        /// The agent.
        agent: String,
        /// The name.
        tool: String,
        /// The tools it has.
        known: String,
    },
    /// A template that does not parse.
    #[error("{place}: template error: {cause}")]
    Template {
        /// Agent or pipeline stage, and which template.
        place: String,
        /// The engine's words.
        cause: String,
    },
    /// A pipeline without stages.
    #[error("pipeline `{pipeline}` has no stages; list at least one")]
    NoStages {
        /// The pipeline.
        pipeline: String,
    },
    /// A workflow that cannot run.
    #[error("workflow `{workflow}`: {}", join(.faults))]
    Workflow {
        /// The workflow.
        workflow: String,
        /// All that is wrong with it.
        faults: Vec<crate::workflow::WorkflowFault>,
    },
    /// A limit out of its range.
    #[error("agent `{agent}`: `{limit}` is {value}, it must be at least 1")]
    Limit {
        /// The agent.
        agent: String,
        /// The limit.
        limit: &'static str,
        /// Its value.
        value: u64,
    },
}

impl AgentError {
    /// The diagnostics of [`AgentError::Invalid`]; empty for the others.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Self::Invalid(list) => list,
            _ => &[],
        }
    }
}

fn join(faults: &[crate::workflow::WorkflowFault]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

fn list(diagnostics: &[Diagnostic]) -> String {
    let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

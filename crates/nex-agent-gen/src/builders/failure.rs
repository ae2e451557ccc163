//! [`BuildFailure`]: why the builders made no framework.

use thiserror::Error;

/// Why the builders made no framework. Nothing was written in any of these cases.
#[derive(Debug, Error)]
pub enum BuildFailure {
    /// One artefact was refused again and again.
    #[error(
        "the builders could not get `{artefact}` right: {attempts} versions in a row were refused, the last because {last_error}"
    )]
    RepairLimit {
        /// What was to be written: `world`, `operation cancel_order`, `agent lead`, `framework`.
        artefact: String,
        /// Versions that were refused in a row.
        attempts: u32,
        /// What was wrong with the last.
        last_error: String,
    },
    /// The model talked and called no tool that wrote anything.
    #[error("the model answered {rounds} times in prose and built nothing; it said: {said}")]
    ProseOnly {
        /// How often it was asked.
        rounds: u32,
        /// The beginning of its last answer.
        said: String,
    },
    /// The building began and came to no end.
    #[error("the builders stopped before the framework was whole ({stop}); still missing: {}", .missing.join("; "))]
    NeverFinished {
        /// The name of what stopped the outermost builder.
        stop: String,
        /// What was missing or wrong.
        missing: Vec<String>,
    },
    /// The model, or what the builders run on, failed.
    #[error("building stopped by `{kind}`: {message}")]
    ModelFailed {
        /// A stable word for counting.
        kind: String,
        /// What happened.
        message: String,
    },
    /// Somebody stopped it.
    #[error("interrupted")]
    Interrupted,
    /// The request itself cannot be met.
    #[error(transparent)]
    Request(#[from] crate::forge::ForgeError),
    /// The builders' own files do not load.
    #[error("the builders' own agents do not load: {0}")]
    Builders(#[from] nex_agent::AgentError),
    /// No temporary folder for the checks.
    #[error("a temporary folder for the check: {0}")]
    Folder(#[from] std::io::Error),
}

impl BuildFailure {
    /// A stable word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RepairLimit { .. } => "repair_limit",
            Self::ProseOnly { .. } => "prose_only",
            Self::NeverFinished { .. } => "never_finished",
            Self::ModelFailed { .. } => "model_failed",
            Self::Interrupted => "interrupted",
            Self::Request(_) => "request",
            Self::Builders(_) => "builders",
            Self::Folder(_) => "folder",
        }
    }
}

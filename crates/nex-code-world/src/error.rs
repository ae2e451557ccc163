//! [`CodeError`]: what the surroundings of a world of programs can fail at.

use nex_tools::{SandboxError, WorkspaceError};

/// Why a task could not be made, opened or judged. What an agent does is never one.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The sandbox is not to be had, or lacks what the policy requires. Nothing was run.
    #[error("{0}")]
    Sandbox(#[from] SandboxError),
    /// There is no Python for mutations and tests.
    #[error(
        "python3 does not run in the sandbox: {cause}; install Python 3.9 or newer as /usr/bin/python3 \
         (its standard library is enough)"
    )]
    Python {
        /// What happened when it was tried.
        cause: String,
    },
    /// A part of the test runner that is not the agent's gave nonsense.
    #[error("{part} gave no usable answer: {cause}")]
    Runner {
        /// Which.
        part: &'static str,
        /// What it said.
        cause: String,
    },
    /// The folder of an episode cannot be read or written.
    #[error("{0}")]
    Workspace(#[from] WorkspaceError),
    /// A file of a task or of a repository cannot be read or written.
    #[error("`{path}`: {cause}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The task does not belong to this world.
    #[error("task `{task}` is no task of world `{world}`: {cause}")]
    OtherTask {
        /// The task.
        task: String,
        /// The world.
        world: String,
        /// What does not fit.
        cause: String,
    },
    /// No mutation that was drawn makes a task for these dials.
    #[error("seed {seed}: none of {tried} drawn mutations makes a task; {advice}")]
    NoMutant {
        /// The seed.
        seed: u64,
        /// How many were tried.
        tried: usize,
        /// What to do about it.
        advice: String,
    },
    /// The oracle's run of a drawn task is not accepted, or doing nothing is.
    #[error("seed {seed}: the drawn task cannot be proven: {cause}; draw another seed")]
    Unproven {
        /// The seed.
        seed: u64,
        /// What came out instead.
        cause: String,
    },
    /// A user's repository cannot be made tasks of.
    #[error("repository `{path}`: {cause}")]
    Repository {
        /// Where it lies.
        path: String,
        /// What is wrong and what to do.
        cause: String,
    },
}

impl CodeError {
    /// A stable word for an infra failure.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sandbox(_) => "sandbox",
            Self::Python { .. } => "python_missing",
            Self::Runner { .. } => "test_runner",
            _ => "world_state",
        }
    }
}

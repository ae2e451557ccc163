//! What can go wrong: refusals that an agent reads, and failures to make or open a task.

use crate::task::Dials;
use nex_tools::WorkspaceError;
use serde_json::{Value, json};

/// A call that was refused; the agent reads it and may try otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct FileError {
    /// A stable word: `not_found`, `invalid_path` …
    pub code: &'static str,
    /// What was wrong and what would be right.
    pub message: String,
}

impl FileError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn not_found(path: &str) -> Self {
        Self::new("not_found", format!("`{path}` does not exist; find_files and list_folder tell what does"))
    }

    pub(crate) fn not_a_file(path: &str) -> Self {
        Self::new("not_a_file", format!("`{path}` is a folder, not a file"))
    }

    pub(crate) fn not_a_folder(path: &str) -> Self {
        Self::new("not_a_folder", format!("`{path}` is a file, not a folder"))
    }

    /// The reply that says it.
    pub fn to_reply(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }
}

impl From<WorkspaceError> for FileError {
    fn from(error: WorkspaceError) -> Self {
        use WorkspaceError as E;
        match &error {
            E::NotFound { path } => Self::not_found(path),
            E::Kind { path, found: "a directory", .. } => Self::not_a_file(path),
            E::Kind { path, wanted: "a directory", .. } => Self::not_a_folder(path),
            E::Kind { .. } => Self::new("not_a_file", error.to_string()),
            E::Absolute { .. } | E::Escape { .. } | E::Malformed { .. } | E::Link { .. } => {
                Self::new("invalid_path", error.to_string())
            }
            E::TooLarge { .. } => Self::new("too_large", error.to_string()),
            E::Io { cause, .. } if cause.raw_os_error() == Some(NOT_A_DIRECTORY) => {
                Self::new("not_a_folder", error.to_string())
            }
            E::Io { .. } => Self::new("io_error", error.to_string()),
        }
    }
}

/// `ENOTDIR` on all unixes.
const NOT_A_DIRECTORY: i32 = 20;

/// Why there is no task or no session.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// No draw gave a task.
    #[error(
        "world `{world}` gave no task for seed {seed} with dials {dials:?} (last reason: {reason}); lower one of the dials or take another seed"
    )]
    Unreachable {
        /// The world.
        world: &'static str,
        /// The seed.
        seed: u64,
        /// What was asked for.
        dials: Box<Dials>,
        /// Why the last draw failed.
        reason: &'static str,
    },
    /// The task is of another world, or of a language that this one does not speak.
    #[error(
        "the task `{task}` is of world `{found}` in language `{language}`; this is `{world}` in `en` and `zh`"
    )]
    OtherWorld {
        /// The task.
        task: String,
        /// Its world.
        found: String,
        /// Its language.
        language: String,
        /// This world.
        world: &'static str,
    },
    /// The directory cannot be made.
    #[error("the workspace at `{path}` cannot be made: {cause}; check that the folder is writable")]
    Directory {
        /// Where.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The directory is not empty.
    #[error("`{path}` is not empty; a session needs a directory of its own")]
    NotEmpty {
        /// Where.
        path: String,
    },
    /// The directory cannot be opened.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

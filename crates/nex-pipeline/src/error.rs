//! What can go wrong with a run folder and its recipe. A failed rollout is not among it: that is
//! a recorded episode.

use std::path::PathBuf;

/// Why a stage could not run.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The recipe cannot be read.
    #[error("recipe {}: {cause}", path.display())]
    Recipe {
        /// The file.
        path: PathBuf,
        /// Place and cause.
        cause: String,
    },
    /// A key of the recipe has a value that cannot be.
    #[error("recipe key `{key}`: {cause}")]
    RecipeValue {
        /// The key.
        key: String,
        /// Cause and way out.
        cause: String,
    },
    /// A file of the run folder cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Cause and way out.
        cause: String,
    },
    /// The folder holds another run.
    #[error(
        "{} holds a run of another recipe (its fingerprint is {found}, this recipe's is {wanted}): \
         choose another --out, or delete the folder",
        path.display()
    )]
    AnotherRun {
        /// The folder.
        path: PathBuf,
        /// Fingerprint in the folder.
        found: String,
        /// Fingerprint of this recipe.
        wanted: String,
    },
    /// A record of a foreign file cannot be read.
    #[error("{0}")]
    Record(crate::import::Fault),
    /// A world cannot be loaded.
    #[error(transparent)]
    World(#[from] nex_world::WorldError),
    /// A task cannot be generated.
    #[error("tasks of world `{world}`: {cause}")]
    Task {
        /// The world.
        world: String,
        /// Cause and way out.
        cause: String,
    },
    /// A framework of agents cannot be built.
    #[error("harness `{harness}`: {cause}")]
    Harness {
        /// The harness.
        harness: String,
        /// Cause and way out.
        cause: String,
    },
    /// The model cannot be opened.
    #[error("driver `{driver}`: {cause}")]
    Driver {
        /// The driver.
        driver: String,
        /// Cause and way out.
        cause: String,
    },
}

impl PipelineError {
    /// A failure at `path`.
    pub(crate) fn file(path: impl Into<PathBuf>, cause: impl std::fmt::Display) -> Self {
        Self::File { path: path.into(), cause: cause.to_string() }
    }

    /// A bad value at `key`.
    pub(crate) fn value(key: impl Into<String>, cause: impl std::fmt::Display) -> Self {
        Self::RecipeValue { key: key.into(), cause: cause.to_string() }
    }
}

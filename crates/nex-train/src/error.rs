//! What can go wrong while training.

use std::path::PathBuf;
use thiserror::Error;

/// An error of training, generation or their files.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A number of the model's config makes no model.
    #[error("model config: `{field}` is {value} and must {must}")]
    Config {
        /// The field.
        field: &'static str,
        /// What it is.
        value: f64,
        /// What it must be.
        must: &'static str,
    },
    /// An option of training makes no sense.
    #[error("training option `{option}`: {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A sequence does not fit the model.
    #[error("{what}: {reason}")]
    Sequence {
        /// Which sequence.
        what: String,
        /// Why it does not fit.
        reason: String,
    },
    /// There is nothing to train on.
    #[error("no action tokens to train on: {reason}")]
    NoActionTokens {
        /// What was read and why nothing was left.
        reason: String,
    },
    /// The loss or its gradient is no longer a number.
    #[error(
        "step {step}: {what} is not finite; the state before it is kept{}; lower the learning rate, or look at the batch",
        kept.as_ref().map_or(String::new(), |path| format!(" in {}", path.display()))
    )]
    NotFinite {
        /// The step that failed; its update was not made.
        step: u64,
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// The checkpoint of the state before it, if checkpoints are written.
        kept: Option<PathBuf>,
    },
    /// A file could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, `rename` …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A checkpoint is not whole.
    #[error("checkpoint {} is damaged: {reason}; use an earlier checkpoint", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint is of another model, tokenizer or run.
    #[error("checkpoint {} does not fit: {reason}", path.display())]
    Mismatch {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// The tokenizer failed.
    #[error("tokenizer: {reason}")]
    Tokenizer {
        /// What it says.
        reason: String,
    },
    /// The store of episodes cannot be read.
    #[error("reading episodes: {0}")]
    Store(#[from] nex_trajectory::store::StoreError),
}

impl TrainError {
    /// Wraps an error of the file system.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}

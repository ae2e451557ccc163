//! What can go wrong before or between episodes; inside one it is data.

use nex_agent::AgentError;

/// Why a gym could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GymError {
    /// A framework's agents cannot be loaded or compiled.
    #[error("framework `{framework}` for world `{world}`: {cause}")]
    Framework {
        /// The framework.
        framework: String,
        /// The world.
        world: String,
        /// What is wrong.
        cause: Box<AgentError>,
    },
    /// The pattern stands for frameworks that bring their own files.
    #[error("the pattern `{0}` has no built-in agents: load them from the framework's own files")]
    NoTemplate(crate::Pattern),
    /// A framework's files cannot be written.
    #[error("cannot write `{path}`: {cause}; check that the folder exists and is writable")]
    Write {
        /// The file.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
}

//! The nouns of Nex: what was said, called, observed, rewarded, and how it is kept.
//!
//! A [`Message`] is a list of ordered [`ContentBlock`]s. A [`Trajectory`] is a graph of messages
//! in which each [`Node`] stores only what it adds; a branch from root to leaf is one training
//! sample. An [`Episode`] is a task, its trajectory and its reward.
//!
//! Pure data: no network, no clock, no other crate of the workspace.

#[cfg(test)]
mod arbitrary;
pub mod defect;
pub mod episode;
pub mod id;
#[cfg(test)]
mod laws;
pub mod message;
mod number;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod run;
pub mod schema;
pub mod stop;
pub mod store;
pub mod tool_spec;
pub mod trajectory;
pub mod turn;

pub use defect::{Defect, DefectKind};
pub use episode::{Episode, Outcome, Rating, Reward, RewardPart, TaskRecord};
pub use id::{CallId, EpisodeId, NodeId, TaskId, TrajectoryId};
pub use message::{Arguments, ContentBlock, ImageSource, Message, Role, ToolCall, ToolResult};
pub use stop::{InfraFailure, StopReason};
pub use tool_spec::ToolSpec;
pub use trajectory::{Child, Node, TokenSpan, Trajectory};
pub use turn::{FinishReason, ModelIdentity, Timing, Turn, Usage};

//! [`Environment`]: where episodes take place, whatever it is made of.
//!
//! An environment opens one [`Stage`] an episode. The stage lends its tools to the agents; what it
//! is judged by (its state, its log) never passes through their hands.

use crate::WorldProfile;
use async_trait::async_trait;
use indexmap::IndexMap;
use nex_agent::VirtualClock;
use nex_tools::Tool;
use nex_trajectory::{EpisodeId, InfraFailure, Reward};
use nex_world::task::Task;
use serde_json::Value;
use std::sync::Arc;

/// A place for episodes: a world in this process, or behind a real MCP server.
#[async_trait]
pub trait Environment: Send + Sync {
    /// The world as frameworks need to know it.
    fn profile(&self) -> &WorldProfile;

    /// How tools are reached: `in_process`, `mcp_stdio` …; noted in each episode.
    fn transport(&self) -> &str;

    /// Opens a stage in the initial state of `task`, with the tools that it offers.
    ///
    /// Called once an episode. With a virtual clock, calls let the time pass that the world says
    /// they take.
    ///
    /// # Errors
    /// The stage could not be set up; the episode is run again later.
    async fn open(
        &self,
        task: &Arc<Task>,
        episode: &EpisodeId,
        clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure>;
}

/// The environment of one episode. Dropping it unclosed gives back what it holds.
#[async_trait]
pub trait Stage: Send {
    /// The tools that the task offers, shared by all agents of the episode.
    fn tools(&self) -> Arc<[Arc<dyn Tool>]>;

    /// Ends the episode and judges it by the state it left and by `answer`.
    ///
    /// # Errors
    /// The state cannot be had: the server is gone.
    async fn close(self: Box<Self>, answer: Option<&str>) -> Result<Verdict, InfraFailure>;
}

/// What a stage says at the end.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What the episode was worth.
    pub reward: Reward,
    /// What else is known: faults that the world injected, operations called.
    pub notes: IndexMap<String, Value>,
}

//! The bounds of one agent's run. Every loop of the runtime ends by one of them at the latest.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The bounds of one agent's run.
///
/// A sub-agent keeps its own, and never gets more tokens, time or depth than its parent has left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Model calls. `N` means exactly `N`; the Python NexAU makes `N − 1` of them.
    pub max_turns: u32,
    /// Tool calls.
    pub max_tool_calls: u32,
    /// Prompt and completion tokens as the provider counts them, sub-agents included.
    pub token_budget: Option<u64>,
    /// Tokens that the model's context holds, for the record and for compaction.
    pub max_context_tokens: u64,
    /// Time for the whole run.
    pub timeout: Duration,
    /// Levels of sub-agents below this agent; 0 allows none.
    pub max_depth: u32,
    /// Sub-agents of this agent that run at the same time.
    pub max_running_subagents: u32,
    /// Calls of one reply that run at the same time.
    pub max_parallel_calls: u32,
    /// Calls of one reply that run at all; the rest get an error result.
    pub max_calls_per_turn: u32,
    /// How often the same calls may come in a row before the run stops.
    pub max_repeats: u32,
    /// Empty replies in a row before the run stops.
    pub max_empty_replies: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_turns: 100,
            max_tool_calls: 1_000,
            token_budget: None,
            max_context_tokens: 128_000,
            timeout: Duration::from_secs(300),
            max_depth: 4,
            max_running_subagents: 5,
            max_parallel_calls: 16,
            max_calls_per_turn: 64,
            max_repeats: 5,
            max_empty_replies: 3,
        }
    }
}

/// Limits that whoever starts a run sets over those of the agent file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsOverride {
    /// See [`Limits::max_turns`].
    pub max_turns: Option<u32>,
    /// See [`Limits::max_tool_calls`].
    pub max_tool_calls: Option<u32>,
    /// See [`Limits::token_budget`].
    pub token_budget: Option<u64>,
    /// See [`Limits::timeout`].
    pub timeout: Option<Duration>,
    /// See [`Limits::max_depth`].
    pub max_depth: Option<u32>,
}

impl Limits {
    /// These limits with `over` on top.
    #[must_use]
    pub fn with(&self, over: &LimitsOverride) -> Self {
        let mut limits = self.clone();
        if let Some(value) = over.max_turns {
            limits.max_turns = value;
        }
        if let Some(value) = over.max_tool_calls {
            limits.max_tool_calls = value;
        }
        if over.token_budget.is_some() {
            limits.token_budget = over.token_budget;
        }
        if let Some(value) = over.timeout {
            limits.timeout = value;
        }
        if let Some(value) = over.max_depth {
            limits.max_depth = value;
        }
        limits
    }
}

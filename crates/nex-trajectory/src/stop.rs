//! Why a trajectory stopped. Every stop has a name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why an agent's loop ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum StopReason {
    /// The model answered without calling a tool.
    FinalAnswer,
    /// A stop tool ran without error; its output is the answer.
    StopTool {
        /// The tool.
        tool: String,
    },
    /// The model calls allowed were used up.
    TurnLimit {
        /// The limit.
        max_turns: u32,
    },
    /// The tool calls allowed were used up.
    ToolCallLimit {
        /// The limit.
        max_tool_calls: u32,
    },
    /// The tokens allowed were used up.
    TokenBudget {
        /// Prompt and completion tokens used.
        used_tokens: u64,
    },
    /// The time allowed was used up.
    TimeLimit {
        /// The limit.
        limit_ms: u64,
    },
    /// A sub-agent would have been nested too deep.
    DepthLimit {
        /// The limit.
        max_depth: u32,
    },
    /// The model made the same calls again and again.
    RepetitionLoop {
        /// How often in a row.
        repeats: u32,
    },
    /// The model returned nothing, several times in a row.
    EmptyReplies {
        /// How often in a row.
        count: u32,
    },
    /// The model refused (its provider's content filter or its own refusal reason).
    Refused,
    /// The history no longer fits the model's context.
    ContextTooLong,
    /// A fixed workflow had no way on: what an agent answered leads to no stage.
    DeadEnd {
        /// The stage where it ended, by its place in the workflow.
        stage: String,
        /// Why, for a person.
        cause: String,
    },
    /// The run was told to stop.
    Cancelled,
    /// Nobody recorded why: a record that came from elsewhere simply ends.
    Unrecorded,
    /// Something that is not the model's doing broke. Never scored, never trained on.
    Infra(InfraFailure),
}

/// A failure of the surroundings: network, provider, server, disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InfraFailure {
    /// A stable word for counting: `rate_limited`, `timeout`, `server_crashed` …
    pub kind: String,
    /// For a person.
    pub message: String,
}

impl StopReason {
    /// The reason's name as written in files, for counting.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FinalAnswer => "final_answer",
            Self::StopTool { .. } => "stop_tool",
            Self::TurnLimit { .. } => "turn_limit",
            Self::ToolCallLimit { .. } => "tool_call_limit",
            Self::TokenBudget { .. } => "token_budget",
            Self::TimeLimit { .. } => "time_limit",
            Self::DepthLimit { .. } => "depth_limit",
            Self::RepetitionLoop { .. } => "repetition_loop",
            Self::EmptyReplies { .. } => "empty_replies",
            Self::Refused => "refused",
            Self::ContextTooLong => "context_too_long",
            Self::DeadEnd { .. } => "dead_end",
            Self::Cancelled => "cancelled",
            Self::Unrecorded => "unrecorded",
            Self::Infra(_) => "infra",
        }
    }

    /// Whether the surroundings failed, not the model. Such an episode has no reward.
    pub fn is_infra(&self) -> bool {
        matches!(self, Self::Infra(_) | Self::Cancelled)
    }

    /// Whether the agent itself ended with an answer.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::FinalAnswer | Self::StopTool { .. })
    }
}

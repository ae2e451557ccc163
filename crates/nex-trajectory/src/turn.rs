//! What is known about one model reply besides its content.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The facts of one model call, kept on the assistant node that it made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Turn {
    /// Which model answered.
    pub model: ModelIdentity,
    /// Why it stopped writing.
    pub finish_reason: FinishReason,
    /// Tokens, as the provider counted them.
    #[serde(default)]
    pub usage: Usage,
    /// When it was asked and how long it took.
    #[serde(default)]
    pub timing: Timing,
    /// Requests sent until this reply came; 1 means no retry.
    pub attempts: u32,
}

/// Which model made a reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ModelIdentity {
    /// `openai`, `anthropic`, `script`, `replay`, `expert`, `policy` …
    pub provider: String,
    /// The model's name at that provider.
    pub model: String,
}

/// Why a model stopped writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// End of turn, or a stop sequence.
    Stop,
    /// It wants its calls run.
    ToolCalls,
    /// The length limit cut it.
    Length,
    /// The provider's filter, or a refusal.
    ContentFilter,
    /// Anything else, as the provider named it.
    Other(String),
}

/// Tokens of one reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Tokens of the prompt, cached ones included.
    #[serde(default)]
    pub prompt_tokens: u64,
    /// Tokens written, reasoning included.
    #[serde(default)]
    pub completion_tokens: u64,
    /// Of these, reasoning.
    #[serde(default)]
    pub reasoning_tokens: u64,
    /// Of the prompt, read from the provider's cache.
    #[serde(default)]
    pub cached_tokens: u64,
}

impl Usage {
    /// Prompt and completion together.
    pub fn total_tokens(&self) -> u64 {
        self.prompt_tokens + self.completion_tokens
    }

    /// Adds `other` to this.
    pub fn add(&mut self, other: &Usage) {
        self.prompt_tokens += other.prompt_tokens;
        self.completion_tokens += other.completion_tokens;
        self.reasoning_tokens += other.reasoning_tokens;
        self.cached_tokens += other.cached_tokens;
    }
}

/// When something happened, in milliseconds; from the run's clock, which tests may set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Start, since the trajectory's root started.
    pub start_ms: u64,
    /// Until the first byte of the reply, where it was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<u64>,
    /// Until the end.
    pub duration_ms: u64,
}

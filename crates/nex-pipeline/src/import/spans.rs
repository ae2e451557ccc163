//! Spans of one trace become one episode: agents, their replies as a message graph, sub-agents.
//!
//! A span is a model call, an agent, a tool, or anything else. Model calls belong to the nearest
//! agent span above them (to their parent, where nothing is called an agent); an agent below a model
//! call's agent is its sub-agent and hangs under the reply that started it.
//!
//! Each model call holds its whole history. Histories are laid over each other: what one shares with
//! those before it is one path, where it departs (a compaction, another sub-task) it forks. Nothing
//! that was said before a rewrite is lost. A reply is trained on once, where it was sampled; a copy
//! of it on another path, and a reply that nobody was seen to sample once the agent is under way, is
//! synthetic.

mod graph;
mod tree;

pub(super) use tree::read_trace;

use nex_trajectory::{Node, ToolSpec};
use std::sync::Arc;

/// What a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    Generation,
    Agent,
    Tool,
    Other,
}

/// One span, read.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) name: String,
    pub(super) kind: SpanKind,
    /// Since the epoch; 0 where it is not said.
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    /// The model call, on generations.
    pub(super) call: Option<ModelCall>,
    /// The call that a tool span ran, where it says so.
    pub(super) call_id: Option<String>,
}

/// One model call: what it was shown and what it wrote.
#[derive(Debug)]
pub(super) struct ModelCall {
    pub(super) history: Vec<Node>,
    /// None where it failed.
    pub(super) reply: Option<Node>,
    pub(super) tools: Arc<Vec<ToolSpec>>,
    /// As `openai:gpt-…`.
    pub(super) driver: Option<String>,
}

/// Milliseconds since the epoch of an ISO 8601 time, with or without a zone (then it is UTC).
pub(super) fn milliseconds(text: &str) -> Option<u64> {
    let zoned = chrono::DateTime::parse_from_rfc3339(text).map(|time| time.timestamp_millis());
    let local = || {
        let text = text.trim_end_matches('Z').replace(' ', "T");
        let naive = chrono::NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok()?;
        Some(naive.and_utc().timestamp_millis())
    };
    u64::try_from(zoned.ok().or_else(local)?).ok()
}

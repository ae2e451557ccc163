//! Recorded calls as observations: how long, how large, how it ended.

use nex_tools::mcp::recording::{RecordedAnswer, RecordedCall, Recording};
use regex::Regex;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Observation {
    pub(super) tool: String,
    /// Which of the recording's (tool, arguments) it is.
    pub(super) group: usize,
    pub(super) session: usize,
    pub(super) at_us: u64,
    pub(super) latency_us: u64,
    pub(super) ending: Ending,
    /// Bytes of the result's JSON.
    pub(super) bytes: usize,
    /// The reply says that it was cut.
    pub(super) is_cut: bool,
    /// It found a cold server.
    pub(super) is_warm_up: bool,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ending {
    Ok,
    /// The tool says no, and nothing in its words tells that this passes.
    ToolError,
    RateLimited,
    Timeout,
    Unavailable,
    /// JSON-RPC's internal error.
    Internal,
    /// Another error of the protocol.
    Refused,
    /// No answer: the server ended.
    Gone,
}

impl Ending {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ToolError => "tool_error",
            Self::RateLimited => "rate_limited",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Refused => "refused",
            Self::Gone => "gone",
        }
    }

    /// Whether the arguments may be to blame.
    pub(super) fn may_be_deserved(self) -> bool {
        matches!(self, Self::ToolError | Self::Refused | Self::Internal)
    }
}

/// The calls of `recording` in the order in which they were sent, session by session; the first
/// `warm_up` of each tool in each session are marked.
pub(super) fn observe(recording: &Recording, warm_up: usize) -> Vec<Observation> {
    let mut groups: HashMap<(&str, String), usize> = HashMap::new();
    let mut seen = Vec::new();
    for (session, recorded) in recording.sessions.iter().enumerate() {
        let mut calls: Vec<&RecordedCall> = recorded.calls.iter().collect();
        calls.sort_by_key(|call| call.at_us);
        let mut called: HashMap<&str, usize> = HashMap::new();
        for call in calls {
            let next = groups.len();
            let group = *groups.entry((&call.tool, sorted(&call.arguments).to_string())).or_insert(next);
            let times = called.entry(&call.tool).or_default();
            *times += 1;
            let (ending, bytes, is_cut) = judge(&call.answer);
            seen.push(Observation {
                tool: call.tool.clone(),
                group,
                session,
                at_us: call.at_us,
                latency_us: call.latency_us,
                ending,
                bytes,
                is_cut,
                is_warm_up: *times <= warm_up,
            });
        }
    }
    seen
}

/// With the keys of objects in order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
            pairs.sort_unstable_by_key(|(key, _)| *key);
            pairs.into_iter().map(|(key, item)| (key.clone(), sorted(item))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        plain => plain.clone(),
    }
}

fn judge(answer: &RecordedAnswer) -> (Ending, usize, bool) {
    match answer {
        RecordedAnswer::Result { result } => {
            let bytes = result.to_string().len();
            if result["isError"] == Value::Bool(true) {
                return (kind_of(&texts(result)).unwrap_or(Ending::ToolError), bytes, false);
            }
            (Ending::Ok, bytes, is_cut(result))
        }
        RecordedAnswer::Refused { code, message, .. } => {
            let told = match code {
                -32603 => Ending::Internal,
                _ => Ending::Refused,
            };
            (kind_of(message).unwrap_or(told), 0, false)
        }
        RecordedAnswer::Lost { cause } => {
            let ending = if cause.contains("no answer within") { Ending::Timeout } else { Ending::Gone };
            (ending, 0, false)
        }
    }
}

fn texts(result: &Value) -> String {
    let blocks = result["content"].as_array().into_iter().flatten();
    blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
}

/// The kind of passing error that the words of an error tell, if any.
fn kind_of(text: &str) -> Option<Ending> {
    static KINDS: OnceLock<[(Ending, Regex); 3]> = OnceLock::new();
    let kinds = KINDS.get_or_init(|| {
        let regex = |pattern: &str| Regex::new(pattern).expect("a regular expression of ours");
        [
            (
                Ending::RateLimited,
                regex(r"(?i)rate[ _-]?limit|too many requests|\b429\b|quota (is )?exceeded|throttl"),
            ),
            (Ending::Timeout, regex(r"(?i)timed? ?out|deadline exceeded|\b504\b")),
            (
                Ending::Unavailable,
                regex(
                    r"(?i)unavailable|try again|temporar|overloaded|\b50[023]\b|connection (reset|refused)",
                ),
            ),
        ]
    });
    kinds.iter().find(|(_, pattern)| pattern.is_match(text)).map(|(ending, _)| *ending)
}

/// Whether a reply says that there is more than it holds.
fn is_cut(result: &Value) -> bool {
    let says = |data: &Value| {
        let is_true = |key: &str| data[key] == Value::Bool(true);
        let names_next = |key: &str| data[key].as_str().is_some_and(|next| !next.is_empty());
        is_true("has_more")
            || is_true("hasMore")
            || is_true("truncated")
            || is_true("is_truncated")
            || names_next("next_cursor")
            || names_next("nextCursor")
    };
    if says(&result["structuredContent"]) {
        return true;
    }
    let text = texts(result);
    match serde_json::from_str::<Value>(&text) {
        Ok(data) => says(&data),
        Err(_) => {
            let tail = &text[text.floor_char_boundary(text.len().saturating_sub(200))..];
            tail.to_lowercase().contains("truncated")
        }
    }
}

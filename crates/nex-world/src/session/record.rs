//! What a session remembers of its calls, inside and for others.

use crate::json::to_json;
use crate::state::diff::StateJson;
use crate::text::Language;
use crate::value::Value;
use crate::world::World;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::sync::Arc;

/// What the world did to a call on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It failed; a retry may succeed.
    Transient,
    /// The operation is down for the episode.
    Outage,
    /// Too many calls in the window.
    RateLimited,
    /// A list was cut short.
    Truncated,
    /// The reply carries fields that nobody needs.
    Verbose,
    /// The read saw the state before the last write.
    StaleRead,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It was refused.
    Error {
        /// The error's code.
        code: String,
    },
}

/// One call, as others read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// From 0.
    pub index: u32,
    /// The operation's name as it was called.
    pub operation: String,
    /// The arguments as understood; as given where they were not understood.
    pub arguments: Json,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Virtual milliseconds from the session's start to the call.
    pub at_ms: u64,
    /// Virtual milliseconds that it took.
    pub latency_ms: u32,
    /// What the world did to it on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Policies that it broke, where they are not enforced, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<String>,
    /// Whether it changed the state.
    pub changed: bool,
}

impl CallRecord {
    /// Whether it was done.
    pub fn is_ok(&self) -> bool {
        self.outcome == Outcome::Ok
    }
}

/// A session's state and log, for a verifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionExport {
    /// The world's name.
    pub world: String,
    /// The world's version.
    pub version: u32,
    /// The session's seed.
    pub seed: u64,
    /// The language of its words.
    pub language: Language,
    /// Virtual milliseconds since the start.
    pub clock_ms: u64,
    /// Every stored value.
    pub state: StateJson,
    /// Every call.
    pub log: Vec<CallRecord>,
}

/// One call, as the session keeps it.
#[derive(Clone, Debug)]
pub(super) struct LogEntry {
    pub(super) index: u32,
    pub(super) operation: Option<u16>,
    /// Name and arguments where there is no such operation.
    pub(super) unknown: Option<(String, Json)>,
    pub(super) args: LoggedArgs,
    pub(super) error: Option<String>,
    pub(super) at_ms: u64,
    pub(super) latency_ms: u32,
    pub(super) faults: Vec<Fault>,
    pub(super) violations: Vec<u16>,
    pub(super) has_changed: bool,
}

#[derive(Clone, Debug)]
pub(super) enum LoggedArgs {
    None,
    Raw(Json),
    /// Values and the cursor's offset.
    Typed(Arc<[Value]>, Option<usize>),
}

impl LogEntry {
    pub(super) fn new(index: u32, at_ms: u64) -> Self {
        Self {
            index,
            operation: None,
            unknown: None,
            args: LoggedArgs::None,
            error: None,
            at_ms,
            latency_ms: 0,
            faults: Vec::new(),
            violations: Vec::new(),
            has_changed: false,
        }
    }

    pub(super) fn record(&self, world: &World) -> CallRecord {
        let (operation, arguments) = match (&self.unknown, self.operation) {
            (Some((name, arguments)), _) => (name.clone(), arguments.clone()),
            (None, Some(at)) => {
                let operation = &world.operations[usize::from(at)];
                let arguments = match &self.args {
                    LoggedArgs::None => Json::Null,
                    LoggedArgs::Raw(json) => json.clone(),
                    LoggedArgs::Typed(values, cursor) => {
                        let mut arguments = world.args_json(at, values);
                        if let (Some(offset), Json::Object(map)) = (cursor, &mut arguments) {
                            map.insert(
                                "cursor".to_owned(),
                                Json::String(super::arguments::cursor_text(*offset)),
                            );
                        }
                        arguments
                    }
                };
                (operation.name.clone(), arguments)
            }
            (None, None) => (String::new(), Json::Null),
        };
        let violations =
            self.violations.iter().map(|at| world.policies[usize::from(*at)].id.clone()).collect();
        CallRecord {
            index: self.index,
            operation,
            arguments,
            outcome: match &self.error {
                None => Outcome::Ok,
                Some(code) => Outcome::Error { code: code.clone() },
            },
            at_ms: self.at_ms,
            latency_ms: self.latency_ms,
            faults: self.faults.clone(),
            violations,
            changed: self.has_changed,
        }
    }
}

impl World {
    /// Arguments of the operation at `operation` as JSON; nulls are left out.
    pub fn args_json(&self, operation: u16, values: &[Value]) -> Json {
        let args = &self.operations[usize::from(operation)].args;
        let given = args.iter().zip(values).filter(|(_, value)| !value.is_null());
        Json::Object(given.map(|(arg, value)| (arg.name.clone(), to_json(&self.schema, value))).collect())
    }
}

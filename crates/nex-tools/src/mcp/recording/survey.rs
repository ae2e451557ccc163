//! A survey: calls that are made only to learn how a server behaves, and recorded.
//!
//! In: a leased server, and calls that a person gives, or such as its schemas allow. Out: a session
//! in a recording. Invariant: without `allow_writes` no tool is called of which the server does not
//! say that it only reads; and arguments are never made up for one of which it does not.

use super::{RecordedAnswer, Recorder, RecordingError};
use crate::mcp::content::WireAnswer;
use crate::mcp::lease::McpLease;
use crate::mcp::tool_list::{CONTROL_PREFIX, ToolList};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Calls of one survey.
const MAX_CALLS: u64 = 1_000_000;
/// Levels of an argument's schema that are filled in.
const MAX_DEPTH: usize = 6;

/// How a server is surveyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyConfig {
    /// Calls of each planned call that has no number of its own.
    pub repeats: u32,
    /// Tools may be called that write, or of which the server does not say that they only read.
    pub allow_writes: bool,
    /// Between one answer and the next call.
    pub pause: Duration,
}

impl Default for SurveyConfig {
    fn default() -> Self {
        Self { repeats: 30, allow_writes: false, pause: Duration::ZERO }
    }
}

/// One call of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCall {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
    /// How often it is made; the survey's number if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

fn no_arguments() -> Value {
    json!({})
}

/// The calls of a survey.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Survey {
    /// What is called.
    pub calls: Vec<PlannedCall>,
    /// Tools that are not, and why.
    pub left_out: Vec<(String, String)>,
}

/// A survey cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SurveyError {
    /// The plan calls a tool that the server does not have.
    #[error("the server has no tool `{tool}`; it has: {known}")]
    UnknownTool {
        /// The tool.
        tool: String,
        /// The server's tools.
        known: String,
    },
    /// The plan calls a tool that may write.
    #[error(
        "the server does not say that `{tool}` only reads, so it is not called; `--allow-writes` allows the calls of your file"
    )]
    MayWrite {
        /// The tool.
        tool: String,
    },
    /// Nothing may be called.
    #[error(
        "there is no tool that may be called without being asked to: the server says of none that it only reads; give the calls in a file, with `--calls FILE --allow-writes`"
    )]
    Nothing,
    /// Too many calls.
    #[error("{0} calls are planned; at most {MAX_CALLS} are made")]
    TooMany(u64),
    /// The recording cannot be written.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

impl Survey {
    /// Calls with arguments out of the schemas, of all tools that only read, as the server says.
    ///
    /// # Errors
    /// There are none.
    pub fn of_reading_tools(list: &ToolList) -> Result<Self, SurveyError> {
        let mut survey = Self::default();
        for name in list.names().filter(|name| !name.starts_with(CONTROL_PREFIX)) {
            let Some(declaration) = list.get(name) else { continue };
            if !list.annotations(name).says_read_only() {
                let why = "the server does not say that it only reads".to_owned();
                survey.left_out.push((name.to_owned(), why));
                continue;
            }
            let schema = &declaration.spec().input_schema;
            let arguments = made_up(schema, schema, 0);
            if declaration.validator().is_valid(&arguments) {
                survey.calls.push(PlannedCall { tool: name.to_owned(), arguments, times: None });
            } else {
                let why = "no arguments could be made for its schema".to_owned();
                survey.left_out.push((name.to_owned(), why));
            }
        }
        if survey.calls.is_empty() { Err(SurveyError::Nothing) } else { Ok(survey) }
    }

    /// Calls that a person gives.
    ///
    /// # Errors
    /// One is of a tool that is not there, or may write while that is not allowed.
    pub fn of_calls(
        calls: Vec<PlannedCall>,
        list: &ToolList,
        config: &SurveyConfig,
    ) -> Result<Self, SurveyError> {
        for call in &calls {
            if list.get(&call.tool).is_none() {
                let known: Vec<&str> = list.names().collect();
                return Err(SurveyError::UnknownTool { tool: call.tool.clone(), known: known.join(", ") });
            }
            if !config.allow_writes && !list.annotations(&call.tool).says_read_only() {
                return Err(SurveyError::MayWrite { tool: call.tool.clone() });
            }
        }
        Ok(Self { calls, left_out: Vec::new() })
    }

    /// Calls in all.
    pub fn call_count(&self, config: &SurveyConfig) -> u64 {
        self.calls.iter().map(|call| u64::from(call.times.unwrap_or(config.repeats))).sum()
    }
}

/// Makes the calls one after the other, in rounds, so that what changes over time meets all tools
/// alike. `on_call` hears of each; it ends the survey by giving false. A server that goes away ends
/// it too: the call is recorded as lost.
///
/// # Errors
/// There are too many calls, or the recording cannot be written.
pub async fn run_survey(
    lease: &McpLease,
    survey: &Survey,
    config: &SurveyConfig,
    recorder: &mut Recorder,
    mut on_call: impl FnMut() -> bool,
) -> Result<(), SurveyError> {
    let count = survey.call_count(config);
    if count > MAX_CALLS {
        return Err(SurveyError::TooMany(count));
    }
    recorder.opened(lease.era(), &lease.opening())?;
    let tools: Vec<Value> = lease.list().raw().cloned().collect();
    recorder.tools(&tools)?;
    let began = Instant::now();
    let rounds = survey.calls.iter().map(|call| call.times.unwrap_or(config.repeats)).max().unwrap_or(0);
    for round in 0..rounds {
        for call in survey.calls.iter().filter(|call| round < call.times.unwrap_or(config.repeats)) {
            let sent = Instant::now();
            let answer = lease.call_wire(&call.tool, call.arguments.clone()).await;
            let latency = sent.elapsed();
            let (answer, is_gone) = match answer {
                Ok(WireAnswer::Result { json, .. }) => match serde_json::from_str(&json) {
                    Ok(result) => (RecordedAnswer::Result { result }, false),
                    Err(cause) => (RecordedAnswer::Lost { cause: cause.to_string() }, false),
                },
                Ok(WireAnswer::Refused { code, message, data }) => {
                    (RecordedAnswer::Refused { code, message, data }, false)
                }
                Err(failure) => {
                    let is_gone = failure.kind() == "server_gone";
                    (RecordedAnswer::Lost { cause: failure.to_string() }, is_gone)
                }
            };
            recorder.call(&call.tool, &call.arguments, sent - began, latency, answer)?;
            if !on_call() || is_gone {
                return Ok(());
            }
            if !config.pause.is_zero() {
                tokio::time::sleep(config.pause).await;
            }
        }
    }
    Ok(())
}

/// The plainest value that `schema` seems to allow; only what is required is filled in.
fn made_up(schema: &Value, root: &Value, depth: usize) -> Value {
    for key in ["const", "default"] {
        if let Some(value) = schema.get(key) {
            return value.clone();
        }
    }
    for key in ["examples", "enum"] {
        if let Some(value) = schema.get(key).and_then(|list| list.get(0)) {
            return value.clone();
        }
    }
    if depth > MAX_DEPTH {
        return Value::Null;
    }
    if let Some(pointer) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix('#')) {
        return root.pointer(pointer).map_or(Value::Null, |target| made_up(target, root, depth + 1));
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(first) = schema.get(key).and_then(|list| list.get(0)) {
            return made_up(first, root, depth + 1);
        }
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => schema.get("properties").map(|_| "object"),
    };
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    match kind {
        Some("object") => {
            let mut made = Map::new();
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str) {
                let inner = schema["properties"].get(name).unwrap_or(&Value::Null);
                made.insert(name.to_owned(), made_up(inner, root, depth + 1));
            }
            Value::Object(made)
        }
        Some("array") => {
            let count = number("minItems").unwrap_or(0.0).clamp(0.0, 16.0) as usize;
            let item = schema.get("items").map_or(Value::Null, |items| made_up(items, root, depth + 1));
            Value::Array(vec![item; count])
        }
        Some("integer") => {
            let least = number("minimum").or(number("exclusiveMinimum").map(|n| n + 1.0)).unwrap_or(1.0);
            json!(least.ceil() as i64)
        }
        Some("number") => {
            json!(number("minimum").or(number("exclusiveMinimum").map(|n| n + 1.0)).unwrap_or(1.0))
        }
        Some("boolean") => json!(false),
        Some("null") => Value::Null,
        _ => match schema.get("format").and_then(Value::as_str) {
            Some("date") => json!("2026-01-31"),
            Some("date-time") => json!("2026-01-31T12:00:00Z"),
            Some("time") => json!("12:00:00Z"),
            Some("uri" | "url") => json!("https://example.org/"),
            Some("email") => json!("ada@example.org"),
            Some("uuid") => json!("123e4567-e89b-42d3-a456-426614174000"),
            _ => json!("a".repeat(number("minLength").unwrap_or(1.0).clamp(1.0, 64.0) as usize)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::tool_list::WireTool;
    use expect_test::expect;

    fn list(tools: Value) -> ToolList {
        ToolList::compile(serde_json::from_value::<Vec<WireTool>>(tools).expect("tools"))
    }

    #[test]
    fn only_what_says_that_it_reads_is_called_unasked() {
        let list = list(json!([
            {"name": "look", "inputSchema": {"type": "object", "required": ["id", "kind", "when"], "properties": {
                "id": {"type": "integer", "minimum": 3}, "kind": {"enum": ["x", "y"]}, "note": {"type": "string"},
                "when": {"anyOf": [{"$ref": "#/$defs/day"}, {"type": "null"}]}},
                "$defs": {"day": {"type": "string", "format": "date"}}},
                "annotations": {"readOnlyHint": true}},
            {"name": "odd", "inputSchema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": "^[0-9]+$"}}},
                "annotations": {"readOnlyHint": true}},
            {"name": "lies", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true, "destructiveHint": true}},
            {"name": "silent", "inputSchema": {"type": "object"}},
            {"name": "nex_export", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}},
        ]));
        let survey = Survey::of_reading_tools(&list).expect("one may be called");
        let shown = serde_json::to_string(&survey.calls).expect("JSON");
        expect![[r#"[{"tool":"look","arguments":{"id":3,"kind":"x","when":"2026-01-31"}}]"#]]
            .assert_eq(&shown);
        let left_out: Vec<&str> = survey.left_out.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(left_out, ["odd", "lies", "silent"]);

        let planned =
            |tool: &str| vec![PlannedCall { tool: tool.into(), arguments: json!({}), times: Some(2) }];
        let config = SurveyConfig::default();
        let told =
            |tool| Survey::of_calls(planned(tool), &list, &config).err().map(|error| error.to_string());
        assert_eq!(told("look"), None);
        assert!(told("silent").is_some_and(|text| text.contains("--allow-writes")));
        assert!(told("gone").is_some_and(|text| text.contains("it has: look, odd, lies")));
        let allowed = SurveyConfig { allow_writes: true, ..config };
        assert_eq!(
            Survey::of_calls(planned("silent"), &list, &allowed).expect("allowed").call_count(&allowed),
            2
        );
    }

    #[test]
    fn a_server_that_says_nothing_is_left_alone() {
        let list = list(json!([{"name": "silent", "inputSchema": {"type": "object"}}]));
        assert!(matches!(Survey::of_reading_tools(&list), Err(SurveyError::Nothing)));
    }
}

//! `script:PATH`: replies from a file, by agent and turn.
//!
//! The file holds JSON lines, or one JSON list, of [`ScriptedTurn`]s:
//!
//! ```text
//! {"agent": "lead", "reasoning": "Ask first.", "calls": [{"name": "weather", "arguments": {"city": "Köln"}}]}
//! {"agent": "lead", "error": 429}
//! {"agent": "lead", "text": "It rains."}
//! {"text": "I know nothing."}
//! {"repeat": "last"}
//! ```
//!
//! An agent's turn is the number of assistant messages in its conversation plus one, so the script
//! keeps no state and serves any number of sessions. Turns count up from 1 in file order unless
//! `turn` says otherwise. Lines without `agent` serve every agent that has no lines of its own. An
//! `error` is given once, before the reply of its turn; the last one of a turn without a reply, always.

use crate::json;
use crate::{ChatModel, ChatReply, ChatRequest, LlmError};
use async_trait::async_trait;
use nex_trajectory::{
    Arguments, CallId, ContentBlock, FinishReason, Message, ModelIdentity, Role, Timing, ToolCall, Usage,
};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

/// One entry of a script.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScriptedTurn {
    /// The agent that says it; unset: every agent without entries of its own.
    pub agent: Option<String>,
    /// From 1; unset: the one after the entry before.
    pub turn: Option<u32>,
    /// Reasoning, before the text.
    pub reasoning: Option<String>,
    /// Text, before the calls.
    pub text: Option<String>,
    /// Calls, in order.
    pub calls: Vec<ScriptedCall>,
    /// Blocks as in the record, where another order or a picture is wanted; after all others.
    pub content: Vec<ContentBlock>,
    /// Unset: `tool_calls` if there are calls, else `stop`.
    pub finish_reason: Option<FinishReason>,
    /// Tokens to report.
    pub usage: Option<Usage>,
    /// Waits so long before it answers.
    pub delay_ms: u64,
    /// Fails instead of answering.
    pub error: Option<ScriptedError>,
    /// An entry with nothing but this repeats the agent's last reply for all later turns.
    pub repeat: Option<Repeat>,
}

/// What is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The last reply.
    Last,
}

/// One call of a scripted reply.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// The tool.
    pub name: String,
    /// A JSON value; or a string, taken to the letter.
    #[serde(default)]
    pub arguments: Value,
    /// Unset: made from turn and place.
    #[serde(default)]
    pub id: Option<String>,
}

/// A failure to inject: `429`, `500`, any other status; `"cut"`, `"timeout"`, `"connect"`; or
/// `{"status": 429, "message": "…", "retry_after_ms": 100}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum ScriptedError {
    /// The server answers with this status.
    Status {
        /// HTTP status.
        status: u16,
        /// The server's words.
        message: String,
        /// What the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The reply breaks off.
    Cut,
    /// The first byte does not come.
    Timeout,
    /// No connection.
    Connect,
}

impl TryFrom<Value> for ScriptedError {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let wrong = || {
            format!(
                "error `{value}` is none of: a status from 400 to 599, \"cut\", \"timeout\", \"connect\", {{\"status\": …, \"message\": …, \"retry_after_ms\": …}}"
            )
        };
        let status_of = |value: &Value| {
            let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
            status.filter(|status| (400..=599).contains(status)).ok_or_else(wrong)
        };
        match &value {
            Value::String(word) if word == "cut" => Ok(Self::Cut),
            Value::String(word) if word == "timeout" => Ok(Self::Timeout),
            Value::String(word) if word == "connect" => Ok(Self::Connect),
            Value::Number(_) => Ok(Self::Status {
                status: status_of(&value)?,
                message: "scripted".to_owned(),
                retry_after: None,
            }),
            Value::Object(map) => {
                if map.keys().any(|key| !matches!(key.as_str(), "status" | "message" | "retry_after_ms")) {
                    return Err(wrong());
                }
                let status = status_of(map.get("status").unwrap_or(&Value::Null))?;
                let message =
                    map.get("message").map_or("scripted", |said| said.as_str().unwrap_or("scripted"));
                let retry_after =
                    map.get("retry_after_ms").and_then(Value::as_u64).map(Duration::from_millis);
                Ok(Self::Status { status, message: message.to_owned(), retry_after })
            }
            _ => Err(wrong()),
        }
    }
}

impl ScriptedError {
    fn to_error(&self, source_name: &str) -> LlmError {
        let endpoint = source_name.to_owned();
        match self {
            Self::Status { status, message, retry_after } => {
                let complaint = crate::failure::Complaint { message: message.clone(), ..Default::default() };
                complaint.into_error(source_name, *status, *retry_after)
            }
            Self::Cut => LlmError::BrokenReply { endpoint, cause: "scripted cut".to_owned() },
            Self::Timeout => LlmError::Timeout { endpoint, phase: "first byte", limit: Duration::ZERO },
            Self::Connect => LlmError::Connect { endpoint, cause: "scripted refusal".to_owned() },
        }
    }
}

/// A model that answers from a script.
pub struct ScriptModel {
    source_name: String,
    agents: HashMap<Option<String>, AgentScript>,
    /// Errors given so far, where a turn has any.
    given: Mutex<HashMap<(String, String, u32), usize>>,
}

#[derive(Default)]
struct AgentScript {
    turns: BTreeMap<u32, Turn>,
    repeats_last: bool,
    last_number: u32,
    /// Errors that wait for the reply of their turn.
    has_open_turn: bool,
}

#[derive(Default)]
struct Turn {
    errors: Vec<ScriptedError>,
    reply: Option<ScriptedTurn>,
}

impl ScriptModel {
    /// The script in the file `path`.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`], with file and line: it cannot be read or is no script.
    pub fn load(path: &Path) -> Result<Self, LlmError> {
        let source_name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| LlmError::Misconfigured(format!("cannot read script {source_name}: {error}")))?;
        Self::parse(&source_name, &text)
    }

    /// The script `text`, which errors call `source_name`.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`], with name and line: it is no script.
    pub fn parse(source_name: &str, text: &str) -> Result<Self, LlmError> {
        let wrong = |lines_before: usize, error: &serde_json::Error| {
            let line = lines_before + error.line();
            LlmError::Misconfigured(format!(
                "{source_name}:{line}:{}: {}",
                error.column(),
                json::reason(error)
            ))
        };
        if text.trim_start().starts_with('[') {
            let turns: Vec<ScriptedTurn> = serde_json::from_str(text).map_err(|error| wrong(0, &error))?;
            return Self::from_turns(source_name, turns);
        }
        let mut turns = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let turn: ScriptedTurn = serde_json::from_str(line).map_err(|error| wrong(index, &error))?;
            turns.push((format!("{source_name}:{}", index + 1), turn));
        }
        Self::build(source_name, turns)
    }

    /// A script of `turns`, for callers that read other file formats.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`]: two replies for one turn, an entry that says nothing, no entry.
    pub fn from_turns(source_name: &str, turns: Vec<ScriptedTurn>) -> Result<Self, LlmError> {
        let numbered = turns.into_iter().enumerate();
        Self::build(
            source_name,
            numbered.map(|(index, turn)| (format!("{source_name}: entry {}", index + 1), turn)).collect(),
        )
    }

    fn build(source_name: &str, turns: Vec<(String, ScriptedTurn)>) -> Result<Self, LlmError> {
        if turns.is_empty() {
            return Err(LlmError::Misconfigured(format!(
                "script {source_name} is empty; write one JSON object a line, for example {{\"text\": \"Done.\"}}"
            )));
        }
        let mut agents: HashMap<Option<String>, AgentScript> = HashMap::new();
        for (place, turn) in turns {
            let agent = agents.entry(turn.agent.clone()).or_default();
            agent.add(turn).map_err(|why| LlmError::Misconfigured(format!("{place}: {why}")))?;
        }
        Ok(Self { source_name: source_name.to_owned(), agents, given: Mutex::default() })
    }

    fn not_scripted(&self, agent: &str, turn: u32) -> LlmError {
        let script = self.agents.get(&Some(agent.to_owned())).or_else(|| self.agents.get(&None));
        let known = match script {
            Some(script) => {
                format!("its script has {} turns and no {{\"repeat\": \"last\"}}", script.last_number)
            }
            None => {
                let mut names: Vec<&str> = self.agents.keys().flatten().map(String::as_str).collect();
                names.sort_unstable();
                format!("the script knows only the agents {}", names.join(", "))
            }
        };
        LlmError::NotRecorded {
            source_name: self.source_name.clone(),
            wanted: format!("turn {turn} of agent `{agent}`: {known}"),
        }
    }

    /// The next error of this turn, if one is left.
    fn next_error(&self, request: &ChatRequest<'_>, number: u32, turn: &Turn) -> Option<LlmError> {
        let last = turn.errors.last()?;
        let mut given = self.given.lock();
        let key = (request.session.to_owned(), request.agent.to_owned(), number);
        let count = given.entry(key.clone()).or_default();
        match turn.errors.get(*count) {
            Some(error) => {
                *count += 1;
                Some(error.to_error(&self.source_name))
            }
            None if turn.reply.is_none() => Some(last.to_error(&self.source_name)),
            None => {
                given.remove(&key);
                None
            }
        }
    }
}

impl AgentScript {
    fn add(&mut self, entry: ScriptedTurn) -> Result<(), String> {
        let says_nothing = entry.text.is_none()
            && entry.reasoning.is_none()
            && entry.calls.is_empty()
            && entry.content.is_empty()
            && entry.finish_reason.is_none();
        if entry.repeat == Some(Repeat::Last) {
            if !says_nothing || entry.error.is_some() {
                return Err("`repeat` stands alone on its line".to_owned());
            }
            self.repeats_last = true;
            return Ok(());
        }
        if says_nothing && entry.error.is_none() {
            return Err("the entry says nothing; give it `text`, `calls`, `error`, or `\"text\": \"\"` for an empty reply".to_owned());
        }
        let number = match entry.turn {
            Some(0) => return Err("turns count from 1".to_owned()),
            Some(number) => number,
            None if self.has_open_turn => self.last_number,
            None => self.last_number + 1,
        };
        self.last_number = number;
        let turn = self.turns.entry(number).or_default();
        match entry.error {
            Some(error) if says_nothing => turn.errors.push(error),
            Some(_) => return Err("an entry holds an error or a reply, not both".to_owned()),
            None if turn.reply.is_some() => return Err(format!("turn {number} has a reply already")),
            None => turn.reply = Some(entry),
        }
        self.has_open_turn = turn.reply.is_none();
        Ok(())
    }

    fn turn(&self, number: u32) -> Option<&Turn> {
        self.turns.get(&number).or_else(|| {
            let (last, turn) = self.turns.last_key_value()?;
            (self.repeats_last && number > *last).then_some(turn)
        })
    }
}

impl ScriptedTurn {
    fn to_message(&self, turn: u32) -> Message {
        let mut content = Vec::new();
        if let Some(text) = &self.reasoning {
            content.push(ContentBlock::Reasoning { text: text.clone(), signature: None });
        }
        if let Some(text) = self.text.as_ref().filter(|text| !text.is_empty()) {
            content.push(ContentBlock::Text { text: text.clone() });
        }
        for (place, call) in self.calls.iter().enumerate() {
            let arguments = match &call.arguments {
                Value::Null => Arguments::default(),
                Value::String(text) => Arguments::from_text(text),
                value => Arguments::from_value(value),
            };
            let id = call.id.clone().map_or_else(|| CallId(format!("call_{turn}_{}", place + 1)), CallId);
            content.push(ContentBlock::ToolCall(ToolCall { id, name: call.name.clone(), arguments }));
        }
        content.extend(self.content.iter().cloned());
        Message { role: Role::Assistant, content }
    }
}

#[async_trait]
impl ChatModel for ScriptModel {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "script".to_owned(), model: self.source_name.clone() }
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let said = request.transcript.messages().iter().filter(|message| message.role == Role::Assistant);
        let number = said.count() as u32 + 1;
        let script = self.agents.get(&Some(request.agent.to_owned())).or_else(|| self.agents.get(&None));
        let Some(turn) = script.and_then(|script| script.turn(number)) else {
            return Err(self.not_scripted(request.agent, number));
        };
        if let Some(error) = self.next_error(request, number, turn) {
            return Err(error);
        }
        let scripted = turn.reply.as_ref().expect("a turn without a reply has an error left");
        if scripted.delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(scripted.delay_ms)).await;
        }
        let mut reply = ChatReply::new(scripted.to_message(number), self.identity());
        reply.usage = scripted.usage.unwrap_or_default();
        reply.timing = Timing { start_ms: 0, first_byte_ms: None, duration_ms: scripted.delay_ms };
        if let Some(reason) = &scripted.finish_reason {
            reply.finish_reason = reason.clone();
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests;

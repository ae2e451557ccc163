//! OpenAI: fine-tuning lines and logs of chat completions and responses.
//!
//! ```text
//! {"messages": […], "tools": […]}                       fine-tuning, and a request
//! {"request": {…}, "response": {…}}                     a logged call
//! {"custom_id", "body": {"messages": …}}                a line of a batch's input
//! {"custom_id", "response": {"body": {"choices": …}}}   a line of a batch's output
//! {"choices": […]}                                      a response by itself
//! {"input": …, "output": […]}                           Responses API (`responses`)
//! ```
//! Several choices are branches of one history. What a record says besides is kept in the notes.

use super::chat::read_message;
use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::thread::Thread;
use super::{Imported, Importer, Room, Sign, SourceAbout, responses, sign};
use indexmap::IndexMap;
use nex_trajectory::{
    Defect, DefectKind, FinishReason, ModelIdentity, Node, NodeId, Timing, ToolSpec, Trajectory,
    TrajectoryId, Turn, Usage,
};
use serde_json::Value;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct OpenAi;

/// The longest value of a key that is not known here which is kept in the notes.
const MAX_NOTE_BYTES: usize = 64 << 10;

impl Importer for OpenAi {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: "openai",
            reads: "fine-tuning JSONL, logs of chat completions and responses, batch files",
        }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        let exchange = Exchange::of(record);
        if exchange.response.is_some_and(|r| r.some("choices").is_some_and(|c| c.is_array())) {
            return sign(true, 90, "`choices` of a chat completion");
        }
        if responses::is_one(exchange.request, exchange.response) {
            return sign(true, 90, "`input` or `output` items of the Responses API");
        }
        let messages = exchange.request.some("messages").filter(|messages| messages.is_array())?;
        let has = |key: &str| messages.items().any(|message| message.some(key).is_some());
        if has("tool_calls") || has("tool_call_id") || has("function_call") {
            return sign(true, 80, "`messages` with `tool_calls`");
        }
        if exchange
            .request
            .some("tools")
            .is_some_and(|tools| tools.items().any(|t| t.get("function").is_some()))
        {
            return sign(true, 80, "`messages` and `tools` with `function`");
        }
        sign(has("role"), 50, "`messages` with `role`")
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let exchange = Exchange::of(record);
        if responses::is_one(exchange.request, exchange.response) {
            return responses::read(record, &exchange, room);
        }
        let mut draft = read_chat(&exchange, room)?;
        draft.source_id = source_id(record, exchange.response);
        draft.notes = notes(record, &KNOWN);
        Ok(vec![draft.into()])
    }
}

/// Keys that the record has a place for, or that say nothing about a conversation.
const KNOWN: [&str; 15] = [
    "messages",
    "tools",
    "functions",
    "request",
    "response",
    "body",
    "choices",
    "usage",
    "model",
    "object",
    "input",
    "output",
    "instructions",
    "id",
    "custom_id",
];

/// A request and what came back, each an empty object where it is not there.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) request: Json<'a>,
    pub(super) response: Option<Json<'a>>,
}

impl<'a> Exchange<'a> {
    pub(super) fn of(record: Json<'a>) -> Self {
        let object = |json: &Json<'a>, key: &str| json.some(key).filter(Json::is_object);
        let with_body = |json: Json<'a>| object(&json, "body").unwrap_or(json);
        let response = object(&record, "response").or_else(|| object(&record, "output")).map(with_body);
        let request = object(&record, "request").or_else(|| object(&record, "input")).map(with_body);
        let request = request.or_else(|| object(&record, "body")).unwrap_or(record);
        let is_reply = |json: &Json<'a>| json.some("choices").is_some_and(|choices| choices.is_array());
        Self { request, response: response.or_else(|| Some(record).filter(is_reply)) }
    }
}

/// The trace's or request's own id.
fn source_id(record: Json<'_>, response: Option<Json<'_>>) -> Option<String> {
    let id = ["custom_id", "id", "uuid"].iter().find_map(|key| record.text_at(key));
    id.or_else(|| response?.text_at("id")).filter(|id| !id.is_empty()).map(|id| id.into_owned())
}

/// What a record says under keys that are not `known`.
pub(super) fn notes(record: Json<'_>, known: &[&str]) -> IndexMap<String, Value> {
    let mut notes = IndexMap::new();
    for (key, value) in record.entries() {
        if known.contains(&&*key) || value.is_null() {
            continue;
        }
        let kept = match value.raw().len() {
            0..=MAX_NOTE_BYTES => value.to_value(),
            bytes => format!("left out: {bytes} bytes").into(),
        };
        notes.insert(key.into_owned(), kept);
    }
    notes
}

fn read_chat(exchange: &Exchange<'_>, room: &mut Room) -> Result<Draft, Wrong> {
    let Exchange { request, response } = *exchange;
    let mut thread = Thread::default();
    match request.some("messages") {
        Some(messages) if messages.is_array() => {
            for (index, message) in messages.items().enumerate() {
                read_message(message, &mut thread).map_err(|wrong| wrong.in_item("messages", index))?;
            }
        }
        Some(other) => return Err(Wrong::wanted("messages", "a list of messages", Some(other))),
        None if response.is_some() => {}
        None => return Err(Wrong::wanted("messages", "a list of messages", None)),
    }
    let tools = request.some("tools").or_else(|| request.some("functions"));
    let tools = room.tools.read(tools).map_err(|wrong| wrong.inside("tools"))?;
    let choices = read_choices(response, &mut thread)?;
    if thread.nodes().is_empty() && choices.is_empty() {
        return Err(Wrong::at("messages", "is empty: there is nothing to learn from"));
    }
    let mut draft = Draft::new(branched(thread, choices, tools));
    let model = response.and_then(|r| r.text_at("model")).or_else(|| request.text_at("model"));
    draft.driver = model.map(|model| format!("openai:{model}"));
    Ok(draft)
}

/// The history, with each choice as a branch of its own.
pub(super) fn branched(thread: Thread, choices: Vec<Node>, tools: Arc<Vec<ToolSpec>>) -> Trajectory {
    let mut trajectory = if thread.nodes().is_empty() {
        Trajectory::new(TrajectoryId::new(""), "assistant", tools)
    } else {
        thread.into_trajectory("assistant", tools)
    };
    let parent = trajectory.nodes.len().checked_sub(1).map(|last| NodeId(last as u32));
    for mut node in choices {
        node.parent = parent;
        trajectory.push(node);
    }
    trajectory
}

fn read_choices(response: Option<Json<'_>>, thread: &mut Thread) -> Result<Vec<Node>, Wrong> {
    let Some(response) = response else { return Ok(Vec::new()) };
    let Some(choices) = response.some("choices") else {
        return Err(match response.some("error") {
            Some(error) => Wrong::at("response.error", format!("the call failed: {}", short(error.raw()))),
            None => Wrong::wanted("response.choices", "a list of choices", None),
        });
    };
    let mut nodes = Vec::new();
    for (index, choice) in choices.items().enumerate() {
        let mut read = || -> Result<Node, Wrong> {
            let message = choice.some("message").filter(Json::is_object);
            let message =
                message.ok_or_else(|| Wrong::wanted("message", "a message", choice.get("message")))?;
            read_message(message, thread).map_err(|wrong| wrong.inside("message"))?;
            let mut node = thread.pop().ok_or_else(|| Wrong::new("no message"))?;
            let finish = finish_reason(choice.text_at("finish_reason").as_deref());
            if finish == FinishReason::Length {
                let message = "the length limit cut the reply";
                node.defects.push(Defect::new(DefectKind::TruncatedReply, message));
            }
            let mut turn = turn("openai", response, finish);
            if index > 0 {
                // The counts are those of all choices together; the first has them.
                turn.usage = Usage::default();
            }
            node.turn = Some(turn);
            Ok(node)
        };
        nodes.push(read().map_err(|wrong| wrong.in_item("response.choices", index))?);
    }
    Ok(nodes)
}

/// What `response` says about the model call.
pub(super) fn turn(provider: &str, response: Json<'_>, finish_reason: FinishReason) -> Turn {
    let model = response.text_at("model").unwrap_or_default().into_owned();
    Turn {
        model: ModelIdentity { provider: provider.to_owned(), model },
        finish_reason,
        usage: response.some("usage").map(usage).unwrap_or_default(),
        timing: Timing::default(),
        attempts: 1,
    }
}

/// Token counts, by the names of the providers and of those who log them.
pub(super) fn usage(json: Json<'_>) -> Usage {
    let number = |keys: &[&str]| keys.iter().find_map(|key| json.get(key)?.as_u64()).unwrap_or(0);
    let detail =
        |outer: &[&str], key: &str| outer.iter().find_map(|outer| json.some(outer)?.get(key)?.as_u64());
    let cached = detail(&["prompt_tokens_details", "input_tokens_details"], "cached_tokens");
    let reasoning = detail(&["completion_tokens_details", "output_tokens_details"], "reasoning_tokens");
    Usage {
        prompt_tokens: number(&["prompt_tokens", "input_tokens", "promptTokens", "input", "prompt"]),
        completion_tokens: number(&[
            "completion_tokens",
            "output_tokens",
            "completionTokens",
            "output",
            "completion",
        ]),
        reasoning_tokens: reasoning
            .unwrap_or_else(|| number(&["reasoning_tokens", "output_reasoning_tokens"])),
        cached_tokens: cached
            .unwrap_or_else(|| number(&["cached_tokens", "cache_read_input_tokens", "input_cached_tokens"])),
    }
}

/// A finish reason by the names of all providers.
pub(super) fn finish_reason(name: Option<&str>) -> FinishReason {
    match name {
        None | Some("stop" | "end_turn" | "stop_sequence" | "completed" | "STOP") => FinishReason::Stop,
        Some("tool_calls" | "function_call" | "tool_use" | "tool_call") => FinishReason::ToolCalls,
        Some("length" | "max_tokens" | "max_output_tokens" | "incomplete") => FinishReason::Length,
        Some("content_filter" | "refusal") => FinishReason::ContentFilter,
        Some(other) => FinishReason::Other(other.to_owned()),
    }
}

/// The start of a text, for messages.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text.to_owned(),
    }
}

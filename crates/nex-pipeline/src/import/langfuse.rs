//! Langfuse: rows of observations (as its export API and NexGAP's downloads have them), or traces
//! with their `observations`.
//!
//! Generations hold the whole history in `input` and the reply in `output`, in OpenAI's or
//! Anthropic's shape; both are read, native calls and reasoning included. Agents are told by
//! `parentObservationId` (see `spans`).

use super::chat::read_message;
use super::draft::Draft;
use super::fault::Wrong;
use super::json::{Json, Nodes};
use super::openai::{finish_reason, notes, short, turn, usage};
use super::spans::{ModelCall, Span, SpanKind, milliseconds, read_trace};
use super::thread::{Thread, text_blocks};
use super::{Imported, Importer, Piece, Room, Sign, SourceAbout, anthropic, sign};
use nex_trajectory::{FinishReason, Node, Role};
use std::borrow::Cow;

#[derive(Debug)]
pub(super) struct Langfuse;

impl Importer for Langfuse {
    fn about(&self) -> SourceAbout {
        SourceAbout { name: "langfuse", reads: "observations as JSONL, or traces with `observations`" }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        if record.some("observations").is_some_and(|list| list.is_array()) {
            return sign(true, 100, "a trace with `observations`");
        }
        let is_row = trace_of(record).is_some()
            && (record.some("span_type").is_some() || record.some("type").is_some());
        sign(
            is_row && record.get("resource").is_none(),
            95,
            "an observation: a trace's id, a type, `startTime`",
        )
    }

    fn is_grouped(&self) -> bool {
        true
    }

    fn pieces<'a>(&self, record: Json<'a>) -> Result<Vec<Piece<'a>>, Wrong> {
        let trace =
            if record.some("observations").is_some() { record.text_at("id") } else { trace_of(record) };
        let trace = trace.ok_or_else(|| Wrong::wanted("traceId", "the trace's id", record.get("traceId")))?;
        Ok(vec![Piece { trace, json: record }])
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let mut spans = Vec::new();
        let mut about = None;
        for item in record.items() {
            match item.some("observations") {
                Some(list) => {
                    about = about.or(Some(item));
                    for (index, row) in list.items().enumerate() {
                        spans.push(span(row, room).map_err(|wrong| wrong.in_item("observations", index))?);
                    }
                }
                None => spans.push(span(item, room)?),
            }
        }
        let first = record.items().next();
        let mut draft: Draft = read_trace(spans)?;
        draft.source_id = match about {
            Some(about) => about.text_at("id").map(|id| id.into_owned()),
            None => first.and_then(trace_of).map(|id| id.into_owned()),
        };
        if let Some(about) = about {
            draft.harness =
                about.text_at("name").filter(|name| !name.is_empty()).map(|name| name.into_owned());
            draft.notes = notes(about, &["observations", "id", "input", "output"]);
        }
        Ok(vec![draft.into()])
    }
}

fn trace_of(row: Json<'_>) -> Option<Cow<'_, str>> {
    row.text_at("trace_id").or_else(|| row.text_at("traceId"))
}

fn either<'a>(row: Json<'a>, keys: &[&str]) -> Option<Json<'a>> {
    keys.iter().find_map(|key| row.some(key))
}

fn span(row: Json<'_>, room: &mut Room) -> Result<Span, Wrong> {
    let text = |keys: &[&str]| either(row, keys).and_then(|value| value.as_str()).unwrap_or_default();
    let id = text(&["span_id", "id"]);
    if id.is_empty() {
        return Err(Wrong::wanted("id", "the observation's id", row.get("id")));
    }
    let name = text(&["span_name", "name"]);
    let kind = kind_of(&text(&["span_type", "type"]), &name);
    let time =
        |keys: &[&str]| either(row, keys).and_then(|value| milliseconds(&value.as_str()?)).unwrap_or(0);
    let call = if kind == SpanKind::Generation {
        model_call(row, room).map_err(|wrong| wrong.inside(&format!("{id} ({name})")))?
    } else {
        None
    };
    let metadata = row.some("metadata");
    let call_id = either(row, &["tool_call_id"]).or_else(|| metadata?.some("tool_call_id"));
    Ok(Span {
        parent: either(row, &["parentObservationId", "parent_observation_id"])
            .and_then(|value| value.as_str())
            .filter(|parent| !parent.is_empty())
            .map(|parent| parent.into_owned()),
        id: id.into_owned(),
        kind,
        start_ms: time(&["startTime", "start_time"]),
        end_ms: time(&["endTime", "end_time"]),
        call,
        call_id: call_id.and_then(|id| id.as_str()).map(|id| id.into_owned()),
        name: bare(&name).to_owned(),
    })
}

/// NexAU writes what a span is before its name.
fn bare(name: &str) -> &str {
    let prefixes = ["Sub-agent:", "Agent:", "Tool:"];
    prefixes.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name).trim()
}

fn kind_of(kind: &str, name: &str) -> SpanKind {
    match kind.to_ascii_uppercase().as_str() {
        "GENERATION" | "LLM" => SpanKind::Generation,
        "AGENT" | "SUB_AGENT" => SpanKind::Agent,
        "TOOL" => SpanKind::Tool,
        _ if name.starts_with("Agent:") || name.starts_with("Sub-agent:") => SpanKind::Agent,
        _ if name.starts_with("Tool:") => SpanKind::Tool,
        _ => SpanKind::Other,
    }
}

/// What a generation was shown and wrote; none where neither was logged.
fn model_call(row: Json<'_>, room: &mut Room) -> Result<Option<ModelCall>, Wrong> {
    let mut thread = Thread::default();
    let (mut nodes, mut inner) = (Nodes::default(), Nodes::default());
    let text = row.some("input").and_then(|input| input.as_str());
    let input = match &text {
        // Some exporters write JSON as a string.
        Some(text) if text.trim_start().starts_with(['{', '[']) => match nodes.parse(text) {
            Ok(json) => Some(json),
            Err(_) => row.some("input"),
        },
        _ => row.some("input"),
    };
    if let Some(input) = input {
        history(input, &mut thread).map_err(|wrong| wrong.inside("input"))?;
    }
    let shown = thread.nodes().len();
    let text = row.some("output").and_then(|output| output.as_str());
    let output = match &text {
        Some(text) if text.trim_start().starts_with(['{', '[']) => {
            inner.parse(text).ok().or(row.some("output"))
        }
        _ => row.some("output"),
    };
    let reply = match output {
        Some(output) => reply(output, row, &mut thread).map_err(|wrong| wrong.inside("output"))?,
        None => None,
    };
    if shown == 0 && reply.is_none() {
        return Ok(None);
    }
    let metadata = row.some("metadata");
    let tools = input.and_then(|input| input.some("tools"));
    let tools =
        tools.or_else(|| metadata?.some("tools")).or_else(|| row.some("modelParameters")?.some("tools"));
    let tools = room.tools.read(tools).map_err(|wrong| wrong.inside("tools"))?;
    let driver = model_of(row).map(|model| format!("{}:{model}", provider_of(row)));
    Ok(Some(ModelCall { history: thread.into_nodes(), reply, tools, driver }))
}

fn model_of(row: Json<'_>) -> Option<Cow<'_, str>> {
    let model = either(row, &["model", "provided_model_name", "providedModelName"])?;
    model.as_str().filter(|model| !model.is_empty())
}

fn provider_of(row: Json<'_>) -> &'static str {
    let name = either(row, &["span_name", "name"]).and_then(|name| name.as_str()).unwrap_or_default();
    let is_claude = model_of(row).is_some_and(|model| model.contains("claude"));
    if is_claude || name.to_ascii_lowercase().contains("anthropic") { "anthropic" } else { "openai" }
}

/// The messages of `input`, in whichever shape.
fn history(input: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    if let Some(text) = input.as_str() {
        thread.push(Role::User, text_blocks(text));
        return Ok(());
    }
    if let Some(system) = input.some("system").and_then(|system| super::chat::content_of(system).ok()) {
        thread.push(Role::System, system);
    }
    let messages = if input.is_array() { Some(input) } else { input.some("messages") };
    match messages {
        Some(messages) => {
            for (index, message) in messages.items().enumerate() {
                any_message(message, thread).map_err(|wrong| wrong.in_item("", index))?;
            }
            Ok(())
        }
        None if input.some("role").is_some() => any_message(input, thread),
        None => {
            let found = short(input.raw());
            Err(Wrong::new(format!("neither messages nor text: {found}")))
        }
    }
}

/// A message of either provider.
fn any_message(message: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    if anthropic::has_blocks(message) {
        anthropic::read_message(message, thread)
    } else {
        read_message(message, thread)
    }
}

/// The reply that `output` is: a message, a list that ends with one, choices, blocks, or text.
fn reply(output: Json<'_>, row: Json<'_>, thread: &mut Thread) -> Result<Option<Node>, Wrong> {
    let choice = output.some("choices").and_then(|choices| choices.items().next());
    let message = if output.is_array() {
        output.items().filter(|item| item.is_object()).last()
    } else {
        choice.and_then(|choice| choice.some("message")).or(Some(output))
    };
    let Some(message) = message else { return Ok(None) };
    let is_blocks = output.is_array()
        && output.items().all(|item| item.get("type").is_some() && item.get("role").is_none());
    if let Some(text) = message.as_str() {
        thread.push_reply(text_blocks(text));
    } else if is_blocks {
        anthropic::read_reply(output, thread)?;
    } else if message.some("role").is_none()
        && message.get("content").is_none()
        && message.get("tool_calls").is_none()
    {
        return Err(Wrong::new(format!("neither a message nor text: {}", short(message.raw()))));
    } else if anthropic::has_blocks(message) {
        anthropic::read_reply(message.get("content").unwrap_or(message), thread)?;
    } else {
        super::chat::read_reply(message, thread)?;
    }
    let Some(mut node) = thread.pop() else { return Ok(None) };
    let finish = choice.unwrap_or(message);
    let finish = finish.text_at("finish_reason").or_else(|| finish.text_at("stop_reason"));
    let finish = match finish {
        Some(reason) => finish_reason(Some(&reason)),
        None if node.message.calls().next().is_some() => FinishReason::ToolCalls,
        None => FinishReason::Stop,
    };
    let mut turn = turn(provider_of(row), row, finish);
    if turn.model.model.is_empty() {
        turn.model.model = model_of(row).unwrap_or_default().into_owned();
    }
    if let Some(counts) = either(row, &["usageDetails", "usage_details"]).filter(Json::is_object) {
        turn.usage = usage(counts);
    }
    node.turn = Some(turn);
    node.is_synthetic = false;
    Ok(Some(node))
}

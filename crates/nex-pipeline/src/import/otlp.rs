//! OTLP/JSON traces with the GenAI semantic conventions.
//!
//! A model call is a span whose operation is `chat` (or that has messages); what it was shown and
//! wrote stands in `gen_ai.input.messages` and `gen_ai.output.messages`, or, as the conventions had
//! it before, in events `gen_ai.user.message`, `gen_ai.choice` … `invoke_agent` is an agent,
//! `execute_tool` a tool. Spans of one trace may stand in any number of exports.

mod attributes;
mod messages;

use super::fault::Wrong;
use super::json::{Json, Nodes};
use super::openai::finish_reason;
use super::spans::{ModelCall, Span, SpanKind, read_trace};
use super::thread::Thread;
use super::{Imported, Importer, Piece, Room, Sign, SourceAbout, sign};
use attributes::Attributes;
use nex_trajectory::{FinishReason, ModelIdentity, Node, Timing, Turn, Usage};

#[derive(Debug)]
pub(super) struct Otlp;

impl Importer for Otlp {
    fn about(&self) -> SourceAbout {
        SourceAbout { name: "otlp", reads: "OTLP/JSON trace exports with GenAI attributes or events" }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        sign(record.some("resourceSpans").is_some(), 100, "`resourceSpans`")
    }

    fn is_grouped(&self) -> bool {
        true
    }

    fn pieces<'a>(&self, record: Json<'a>) -> Result<Vec<Piece<'a>>, Wrong> {
        let resources = record.some("resourceSpans").filter(Json::is_array);
        let resources =
            resources.ok_or_else(|| Wrong::wanted("resourceSpans", "a list", record.get("resourceSpans")))?;
        let mut pieces = Vec::new();
        for resource in resources.items() {
            for key in ["scopeSpans", "instrumentationLibrarySpans"] {
                let scopes = resource.some(key).into_iter().flat_map(|scopes| scopes.items());
                for span in
                    scopes.flat_map(|scope| scope.some("spans").into_iter().flat_map(|spans| spans.items()))
                {
                    let trace = span.text_at("traceId");
                    let trace = trace
                        .ok_or_else(|| Wrong::wanted("traceId", "the trace's id", span.get("traceId")))?;
                    pieces.push(Piece { trace, json: span });
                }
            }
        }
        Ok(pieces)
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let mut spans = Vec::new();
        for item in record.items() {
            let name = item.text_at("name").unwrap_or_default();
            spans.push(span(item, room).map_err(|wrong| wrong.inside(&format!("span `{name}`")))?);
        }
        let mut draft = read_trace(spans)?;
        let first = record.items().next();
        draft.source_id = first.and_then(|span| span.text_at("traceId")).map(|id| id.into_owned());
        Ok(vec![draft.into()])
    }
}

fn span(json: Json<'_>, room: &mut Room) -> Result<Span, Wrong> {
    let id =
        json.text_at("spanId").ok_or_else(|| Wrong::wanted("spanId", "the span's id", json.get("spanId")))?;
    let attributes = Attributes::of(json);
    let name = json.text_at("name").unwrap_or_default();
    let kind = kind_of(&attributes, json);
    let time = |key: &str| -> u64 {
        let nanos = json.some(key).and_then(|value| match value.as_str() {
            Some(text) => text.parse().ok(),
            None => value.as_u64(),
        });
        nanos.unwrap_or(0u64) / 1_000_000
    };
    let call = if kind == SpanKind::Generation { model_call(json, &attributes, room)? } else { None };
    let agent = attributes.text("gen_ai.agent.name").filter(|_| kind == SpanKind::Agent);
    let tool = attributes.text("gen_ai.tool.name").filter(|_| kind == SpanKind::Tool);
    Ok(Span {
        id: id.into_owned(),
        parent: json
            .text_at("parentSpanId")
            .filter(|parent| !parent.is_empty())
            .map(|parent| parent.into_owned()),
        name: agent.or(tool).unwrap_or_else(|| name.into_owned()),
        kind,
        start_ms: time("startTimeUnixNano"),
        end_ms: time("endTimeUnixNano"),
        call,
        call_id: attributes.text("gen_ai.tool.call.id"),
    })
}

fn kind_of(attributes: &Attributes<'_>, json: Json<'_>) -> SpanKind {
    match attributes.text("gen_ai.operation.name").as_deref() {
        Some("chat" | "text_completion" | "generate_content") => SpanKind::Generation,
        Some("invoke_agent" | "create_agent" | "invoke_workflow") => SpanKind::Agent,
        Some("execute_tool") => SpanKind::Tool,
        Some(_) => SpanKind::Other,
        None => {
            let has_messages =
                attributes.get("gen_ai.output.messages").is_some() || messages::has_events(json);
            if has_messages { SpanKind::Generation } else { SpanKind::Other }
        }
    }
}

fn model_call(
    json: Json<'_>,
    attributes: &Attributes<'_>,
    room: &mut Room,
) -> Result<Option<ModelCall>, Wrong> {
    let mut thread = Thread::default();
    let mut replies: Vec<(Node, Option<String>)> = Vec::new();
    for key in ["gen_ai.system_instructions", "gen_ai.input.messages"] {
        if let Some(text) = attributes.json(key) {
            let mut nodes = Nodes::default();
            let list = nodes.parse(&text).map_err(|error| Wrong::at(key, format!("is no JSON: {error}")))?;
            messages::input(list, &mut thread).map_err(|wrong| wrong.inside(key))?;
        }
    }
    if let Some(text) = attributes.json("gen_ai.output.messages") {
        let key = "gen_ai.output.messages";
        let mut nodes = Nodes::default();
        let list = nodes.parse(&text).map_err(|error| Wrong::at(key, format!("is no JSON: {error}")))?;
        replies = messages::output(list, &mut thread).map_err(|wrong| wrong.inside(key))?;
    }
    if thread.nodes().is_empty() && replies.is_empty() {
        replies = messages::events(json, &mut thread)?;
    }
    if thread.nodes().is_empty() && replies.is_empty() {
        return Ok(None);
    }
    let mut tools = room.tools.read(None)?;
    if let Some(text) = attributes.json("gen_ai.tool.definitions") {
        let key = "gen_ai.tool.definitions";
        let mut nodes = Nodes::default();
        let list = nodes.parse(&text).map_err(|error| Wrong::at(key, format!("is no JSON: {error}")))?;
        tools = room.tools.read(Some(list)).map_err(|wrong| wrong.inside(key))?;
    }
    let provider = attributes.text("gen_ai.provider.name").or_else(|| attributes.text("gen_ai.system"));
    let provider = provider.unwrap_or_else(|| "unknown".to_owned());
    let model = attributes.text("gen_ai.response.model").or_else(|| attributes.text("gen_ai.request.model"));
    // Further choices are alternatives that nobody went on with; the first is the reply.
    let reply = replies.into_iter().next().map(|(mut node, finish)| {
        let stated = attributes
            .list("gen_ai.response.finish_reasons")
            .and_then(|mut list| (!list.is_empty()).then(|| list.remove(0)));
        let finish_reason = match finish.or(stated) {
            Some(reason) => finish_reason(Some(&reason)),
            None if node.message.calls().next().is_some() => FinishReason::ToolCalls,
            None => FinishReason::Stop,
        };
        node.turn = Some(Turn {
            model: ModelIdentity { provider: provider.clone(), model: model.clone().unwrap_or_default() },
            finish_reason,
            usage: usage(attributes),
            timing: Timing::default(),
            attempts: 1,
        });
        node
    });
    let driver = model.map(|model| format!("{provider}:{model}"));
    Ok(Some(ModelCall { history: thread.into_nodes(), reply, tools, driver }))
}

fn usage(attributes: &Attributes<'_>) -> Usage {
    let number = |keys: &[&str]| keys.iter().find_map(|key| attributes.number(key)).unwrap_or(0);
    Usage {
        prompt_tokens: number(&["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"]),
        completion_tokens: number(&["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"]),
        reasoning_tokens: number(&["gen_ai.usage.reasoning.output_tokens"]),
        cached_tokens: number(&[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
        ]),
    }
}

//! Anthropic: messages of content blocks, as requests, logged calls, or replies by themselves.
//!
//! A user turn may hold results and words; the results become a tool message, the words follow as
//! the user's. Thinking keeps its signature; redacted thinking is reasoning without text whose
//! signature is the encrypted part.

use super::chat::{content_of, is_muted};
use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::openai::{branched, finish_reason, notes, turn};
use super::thread::{Thread, call, text_blocks};
use super::{Imported, Importer, Room, Sign, SourceAbout, sign};
use nex_trajectory::{CallId, ContentBlock, ImageSource, Node, Role, Usage};

#[derive(Debug)]
pub(super) struct Anthropic;

impl Importer for Anthropic {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: "anthropic",
            reads: "messages of content blocks: requests, logged calls, replies",
        }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        let (request, response) = exchange(record);
        if response.is_some() {
            return sign(true, 90, "a reply of `type` message");
        }
        let messages = request.some("messages")?;
        if messages.items().any(has_blocks) {
            return sign(true, 95, "`messages` with tool_use, tool_result or thinking blocks");
        }
        let is_declared = |tool: Json<'_>| tool.get("input_schema").is_some();
        if request.some("tools").is_some_and(|tools| tools.items().any(is_declared)) {
            return sign(true, 90, "`tools` with `input_schema`");
        }
        sign(request.some("system").is_some(), 70, "`messages` with `system` beside them")
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let (request, response) = exchange(record);
        let mut thread = Thread::default();
        if let Some(system) = request.some("system") {
            let content = content_of(system).map_err(|wrong| wrong.inside("system"))?;
            thread.push(Role::System, content);
        }
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
        let mut replies = Vec::new();
        if let Some(response) = response {
            replies.push(read_response(response, &mut thread).map_err(|wrong| wrong.inside("response"))?);
        }
        if thread.nodes().is_empty() && replies.is_empty() {
            return Err(Wrong::at("messages", "is empty: there is nothing to learn from"));
        }
        let tools = room.tools.read(request.some("tools")).map_err(|wrong| wrong.inside("tools"))?;
        let mut draft = Draft::new(branched(thread, replies, tools));
        let model = response.and_then(|r| r.text_at("model")).or_else(|| request.text_at("model"));
        draft.driver = model.map(|model| format!("anthropic:{model}"));
        let id = record.text_at("custom_id").or_else(|| record.text_at("id"));
        draft.source_id = id.or_else(|| response?.text_at("id")).map(|id| id.into_owned());
        let known = [
            "messages",
            "system",
            "tools",
            "request",
            "response",
            "model",
            "id",
            "custom_id",
            "params",
            "result",
            "content",
            "role",
            "type",
            "usage",
            "stop_reason",
            "stop_sequence",
        ];
        draft.notes = notes(record, &known);
        Ok(vec![draft.into()])
    }
}

/// Request and reply of a record: a logged call, a line of a batch, either by itself.
fn exchange(record: Json<'_>) -> (Json<'_>, Option<Json<'_>>) {
    let is_reply = |json: &Json<'_>| {
        json.text_at("type").is_some_and(|kind| kind == "message") && json.some("content").is_some()
    };
    let request =
        ["request", "params", "body"].iter().find_map(|key| record.some(key).filter(Json::is_object));
    let response =
        record.some("response").or_else(|| record.some("result")?.some("message")).filter(is_reply);
    (request.unwrap_or(record), response.or_else(|| Some(record).filter(is_reply)))
}

fn read_response(response: Json<'_>, thread: &mut Thread) -> Result<Node, Wrong> {
    let content = blocks(response.get("content"), thread)?;
    thread.push_reply(content.said);
    let mut node = thread.pop().ok_or_else(|| Wrong::new("no message"))?;
    let mut turn = turn("anthropic", response, finish_reason(response.text_at("stop_reason").as_deref()));
    // Cached tokens are counted beside `input_tokens` here, and within the prompt in the record.
    if let Some(usage) = response.some("usage") {
        let number = |key: &str| usage.get(key).and_then(|n| n.as_u64()).unwrap_or(0);
        let cached = number("cache_read_input_tokens");
        turn.usage = Usage {
            prompt_tokens: number("input_tokens") + cached + number("cache_creation_input_tokens"),
            cached_tokens: cached,
            ..turn.usage
        };
    }
    node.turn = Some(turn);
    Ok(node)
}

/// Whether the content of `message` is blocks that only this API has.
pub(super) fn has_blocks(message: Json<'_>) -> bool {
    let blocks = message.some("content").into_iter().flat_map(|content| content.items());
    blocks
        .filter_map(|block| block.text_at("type"))
        .any(|kind| matches!(&*kind, "tool_use" | "tool_result" | "thinking" | "redacted_thinking"))
}

/// Adds the reply whose blocks `content` are.
pub(super) fn read_reply(content: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    let content = blocks(Some(content), thread)?;
    thread.push_reply(content.said);
    Ok(())
}

/// Adds the message `json`.
///
/// # Errors
/// It is none of this API, or holds what the record has no place for.
pub(super) fn read_message(json: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    let role =
        json.text_at("role").ok_or_else(|| Wrong::wanted("role", "user or assistant", json.get("role")))?;
    match &*role {
        "system" => {
            let content = blocks(json.get("content"), thread)?;
            thread.push(Role::System, content.said);
        }
        "assistant" => {
            let content = blocks(json.get("content"), thread)?;
            thread.push_reply(content.said).is_synthetic = is_muted(json);
        }
        "user" => {
            let content = blocks(json.get("content"), thread)?;
            let has_results = !content.results.is_empty();
            for (id, blocks, is_error) in content.results {
                thread.result(Some(id), None, blocks, is_error);
            }
            if !content.said.is_empty() || !has_results {
                thread.push(Role::User, content.said);
            }
        }
        other => {
            let message = format!("unknown role `{other}`; it is user or assistant (or system)");
            return Err(Wrong::at("role", message));
        }
    }
    Ok(())
}

/// The blocks of one message: what is said, and results.
#[derive(Default)]
struct Blocks {
    said: Vec<ContentBlock>,
    results: Vec<(CallId, Vec<ContentBlock>, bool)>,
}

fn blocks(json: Option<Json<'_>>, thread: &mut Thread) -> Result<Blocks, Wrong> {
    let mut blocks = Blocks::default();
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(blocks) };
    if let Some(text) = json.as_str() {
        blocks.said = text_blocks(text);
        return Ok(blocks);
    }
    if !json.is_array() {
        return Err(Wrong::wanted("content", "text or a list of blocks", Some(json)));
    }
    for (index, item) in json.items().enumerate() {
        block(item, &mut blocks, thread).map_err(|wrong| wrong.in_item("content", index))?;
    }
    Ok(blocks)
}

fn block(json: Json<'_>, blocks: &mut Blocks, thread: &mut Thread) -> Result<(), Wrong> {
    let text = |key: &str| json.text_at(key).ok_or_else(|| Wrong::wanted(key, "a string", json.get(key)));
    let kind = text("type")?;
    match &*kind {
        "text" => blocks.said.push(ContentBlock::Text { text: text("text")?.into_owned() }),
        "thinking" => {
            let signature = json.text_at("signature").filter(|s| !s.is_empty()).map(|s| s.into_owned());
            blocks.said.push(ContentBlock::Reasoning { text: text("thinking")?.into_owned(), signature });
        }
        "redacted_thinking" => {
            let signature = Some(text("data")?.into_owned());
            blocks.said.push(ContentBlock::Reasoning { text: String::new(), signature });
        }
        "tool_use" => {
            let id = match json.text_at("id") {
                Some(id) => CallId(id.into_owned()),
                None => thread.make_id(),
            };
            let arguments = super::chat::arguments_text(json.some("input"));
            blocks.said.push(call(id, text("name")?, arguments));
        }
        "tool_result" => {
            let id = CallId(text("tool_use_id")?.into_owned());
            let content = inner_blocks(json.get("content"))?;
            let is_error = json.get("is_error").and_then(|flag| flag.as_bool()).unwrap_or(false);
            blocks.results.push((id, content, is_error));
        }
        "image" => blocks.said.push(picture(json)?),
        other => {
            let message = format!(
                "a block of type `{other}` has no place in the record (text, thinking, tool_use, tool_result \
                 and image have)"
            );
            return Err(Wrong::at("type", message));
        }
    }
    Ok(())
}

/// What a tool gave back: text and pictures.
fn inner_blocks(json: Option<Json<'_>>) -> Result<Vec<ContentBlock>, Wrong> {
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(Vec::new()) };
    if let Some(text) = json.as_str() {
        return Ok(text_blocks(text));
    }
    let one = |item: Json<'_>| match item.text_at("type").as_deref() {
        Some("text") => {
            let text =
                item.text_at("text").ok_or_else(|| Wrong::wanted("text", "a string", item.get("text")))?;
            Ok(ContentBlock::Text { text: text.into_owned() })
        }
        Some("image") => picture(item),
        _ => Err(Wrong::at("type", "a result holds text and images only")),
    };
    json.items().enumerate().map(|(index, item)| one(item).map_err(|w| w.in_item("content", index))).collect()
}

fn picture(json: Json<'_>) -> Result<ContentBlock, Wrong> {
    let source = json.some("source").ok_or_else(|| Wrong::wanted("source", "an image's source", None))?;
    let text = |key: &str| {
        let text = source.text_at(key).map(|text| text.into_owned());
        text.ok_or_else(|| Wrong::wanted(key, "a string", source.get(key)).inside("source"))
    };
    Ok(ContentBlock::Image(match &*text("type")? {
        "base64" => ImageSource::Base64 { media_type: text("media_type")?, data: text("data")? },
        "url" => ImageSource::Url { url: text("url")? },
        other => {
            return Err(Wrong::at("source.type", format!("unknown source `{other}`; it is base64 or url")));
        }
    }))
}

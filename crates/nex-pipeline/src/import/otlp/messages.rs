//! Messages of the GenAI conventions: lists of `parts`, and the older events.

use super::attributes::{Attributes, plain};
use crate::import::chat::{self, arguments_text, result_content};
use crate::import::fault::Wrong;
use crate::import::json::{Json, Nodes};
use crate::import::thread::{Thread, call, text_blocks};
use nex_trajectory::{CallId, ContentBlock, ImageSource, Node, Role};
use serde_json::{Map, Value};

/// Adds a list of messages, or of parts of the instructions.
pub(super) fn input(list: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    if list.items().next().is_some_and(|item| item.get("role").is_none() && item.get("type").is_some()) {
        let content = parts(list, thread)?.said;
        thread.push(Role::System, content);
        return Ok(());
    }
    if let Some(text) = list.as_str() {
        thread.push(Role::User, text_blocks(text));
        return Ok(());
    }
    for (index, item) in list.items().enumerate() {
        message(item, thread).map_err(|wrong| wrong.in_item("", index))?;
    }
    Ok(())
}

/// The replies of a list of messages, with why each ended.
pub(super) fn output(list: Json<'_>, thread: &mut Thread) -> Result<Vec<(Node, Option<String>)>, Wrong> {
    let mut replies = Vec::new();
    for (index, item) in list.items().enumerate() {
        let content = match item.some("parts") {
            Some(list) => parts(list, thread).map_err(|wrong| wrong.in_item("", index))?.said,
            None => {
                chat::read_reply(item, thread).map_err(|wrong| wrong.in_item("", index))?;
                Vec::new()
            }
        };
        if item.some("parts").is_some() {
            thread.push_reply(content);
        }
        let finish = item.text_at("finish_reason").map(|reason| reason.into_owned());
        replies.extend(thread.pop().map(|node| (node, finish)));
    }
    Ok(replies)
}

fn message(json: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    let Some(list) = json.some("parts") else { return chat::read_message(json, thread) };
    let role = json.text_at("role").ok_or_else(|| Wrong::wanted("role", "a role", json.get("role")))?;
    let read = parts(list, thread)?;
    for (id, content) in read.results {
        thread.result(id, None, content, false);
    }
    match &*role {
        "system" | "developer" => drop(thread.push(Role::System, read.said)),
        "assistant" | "model" => drop(thread.push_reply(read.said)),
        "user" if !read.said.is_empty() => drop(thread.push(Role::User, read.said)),
        "tool" | "user" => {}
        other => {
            let message = format!("unknown role `{other}`; it is system, user, assistant or tool");
            return Err(Wrong::at("role", message));
        }
    }
    Ok(())
}

#[derive(Default)]
struct Parts {
    said: Vec<ContentBlock>,
    results: Vec<(Option<CallId>, Vec<ContentBlock>)>,
}

fn parts(list: Json<'_>, thread: &mut Thread) -> Result<Parts, Wrong> {
    let mut read = Parts::default();
    for (index, item) in list.items().enumerate() {
        part(item, &mut read, thread).map_err(|wrong| wrong.in_item("parts", index))?;
    }
    Ok(read)
}

fn part(json: Json<'_>, read: &mut Parts, thread: &mut Thread) -> Result<(), Wrong> {
    let kind =
        json.text_at("type").ok_or_else(|| Wrong::wanted("type", "the kind of part", json.get("type")))?;
    let id = json.text_at("id").filter(|id| !id.is_empty()).map(|id| CallId(id.into_owned()));
    let content = || json.text_at("content").unwrap_or_default().into_owned();
    match &*kind {
        "text" => read.said.push(ContentBlock::Text { text: content() }),
        "reasoning" | "thinking" => {
            read.said.push(ContentBlock::Reasoning { text: content(), signature: None })
        }
        "tool_call" => {
            let name = json.text_at("name");
            let name = name.ok_or_else(|| Wrong::wanted("name", "the tool's name", json.get("name")))?;
            let id = id.unwrap_or_else(|| thread.make_id());
            read.said.push(call(id, name, arguments_text(json.some("arguments"))));
        }
        "tool_call_response" => {
            let response = ["response", "result", "content"].iter().find_map(|key| json.some(key));
            read.results.push((id, result_content(response)?));
        }
        "uri" | "blob" if json.text_at("modality").is_none_or(|modality| modality == "image") => {
            let text = |key: &str| json.text_at(key).map(|text| text.into_owned());
            let source = match (text("uri"), text("content").or_else(|| text("data"))) {
                (Some(url), _) => ImageSource::Url { url },
                (None, Some(data)) => {
                    let media_type = text("mime_type").unwrap_or_else(|| "image/png".to_owned());
                    ImageSource::Base64 { media_type, data }
                }
                (None, None) => return Err(Wrong::wanted("uri", "an address or inline bytes", None)),
            };
            read.said.push(ContentBlock::Image(source));
        }
        other => {
            let message = format!("a part of type `{other}` has no place in the record");
            return Err(Wrong::at("type", message));
        }
    }
    Ok(())
}

const EVENTS: [&str; 5] = [
    "gen_ai.system.message",
    "gen_ai.user.message",
    "gen_ai.assistant.message",
    "gen_ai.tool.message",
    "gen_ai.choice",
];

/// Whether the span has messages as events.
pub(super) fn has_events(span: Json<'_>) -> bool {
    let events = span.some("events").into_iter().flat_map(|events| events.items());
    events.filter_map(|event| event.text_at("name")).any(|name| EVENTS.contains(&&*name))
}

/// The older form: one event a message, one a choice.
pub(super) fn events(span: Json<'_>, thread: &mut Thread) -> Result<Vec<(Node, Option<String>)>, Wrong> {
    let mut replies = Vec::new();
    for (index, event) in span.some("events").into_iter().flat_map(|events| events.items()).enumerate() {
        let Some(name) = event.text_at("name").filter(|name| EVENTS.contains(&&**name)) else { continue };
        let body = body(event);
        let mut nodes = Nodes::default();
        let wrong =
            |error: crate::import::json::JsonError| Wrong::new(error.to_string()).in_item("events", index);
        if &*name == "gen_ai.choice" {
            let message = body.get("message").cloned().unwrap_or_else(|| Value::Object(body.clone()));
            let text = message.to_string();
            let json = nodes.parse(&text).map_err(wrong)?;
            chat::read_reply(json, thread).map_err(|wrong| wrong.in_item("events", index))?;
            let finish = body.get("finish_reason").and_then(|reason| Some(reason.as_str()?.to_owned()));
            replies.extend(thread.pop().map(|node| (node, finish)));
            continue;
        }
        let role = name.trim_start_matches("gen_ai.").trim_end_matches(".message");
        let mut message = body;
        message.insert("role".to_owned(), role.into());
        if let Some(id) = message.get("id").cloned().filter(|_| role == "tool") {
            message.insert("tool_call_id".to_owned(), id);
        }
        let text = Value::Object(message).to_string();
        let json = nodes.parse(&text).map_err(wrong)?;
        chat::read_message(json, thread).map_err(|wrong| wrong.in_item("events", index))?;
    }
    Ok(replies)
}

/// What an event says: a body, a JSON text in one attribute, or attributes.
fn body(event: Json<'_>) -> Map<String, Value> {
    if let Some(Value::Object(body)) = event.some("body").map(plain) {
        return body;
    }
    let attributes = Attributes::of(event);
    for key in ["gen_ai.event.content", "event_body"] {
        if let Some(Ok(Value::Object(body))) = attributes.text(key).map(|text| serde_json::from_str(&text)) {
            return body;
        }
    }
    let parsed = |key: &str, value: Value| match (key, &value) {
        // Lists and messages are JSON texts there.
        ("tool_calls" | "message", Value::String(text)) => serde_json::from_str(text).unwrap_or(value),
        _ => value,
    };
    attributes.entries().map(|(key, value)| (key.clone(), parsed(&key, plain(value)))).collect()
}

//! One chat message in OpenAI's shape, as nearly everyone writes it down.
//!
//! Used for the OpenAI files themselves and for all that hold such messages: ms-swift, Langfuse,
//! NexGAP. What differs between writers is taken as it comes: arguments as a string or an object,
//! content as text or parts, reasoning under its several names.

use super::fault::Wrong;
use super::json::Json;
use super::thread::{Thread, call, text_blocks};
use nex_trajectory::{CallId, ContentBlock, ImageSource, Node, Role};

/// Adds the message `json` to `thread`.
///
/// # Errors
/// It is no message, or holds what the record has no place for.
pub(crate) fn read_message(json: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    if !json.is_object() {
        return Err(Wrong::new(format!("is {}, but should be a message", json.kind().words())));
    }
    let role = json.text_at("role").ok_or_else(|| Wrong::wanted("role", "a role", json.get("role")))?;
    match &*role {
        "system" | "developer" => {
            let content = content_at(json, "content")?;
            thread.push(Role::System, content);
        }
        "user" | "human" => {
            let content = content_at(json, "content")?;
            thread.push(Role::User, content).is_synthetic = false;
        }
        "assistant" | "model" | "ai" | "gpt" => read_reply(json, thread)?,
        "tool" | "function" | "ipython" | "tool_response" | "observation" => {
            let id = json.text_at("tool_call_id").map(|id| CallId(id.into_owned()));
            let name = json.text_at("name").map(|name| name.into_owned());
            let is_error = json.get("is_error").and_then(|flag| flag.as_bool()).unwrap_or(false);
            thread.result(id, name, result_content(json.get("content"))?, is_error);
        }
        // ms-swift: the call is a message of its own, which goes on the reply before it.
        "tool_call" => {
            let text = json.text_at("content");
            let text =
                text.ok_or_else(|| Wrong::wanted("content", "a call as JSON text", json.get("content")))?;
            let calls = calls_of_text(&text, thread).map_err(|wrong| wrong.inside("content"))?;
            append_calls(calls, thread, is_muted(json));
        }
        other => {
            let message = format!("unknown role `{other}`; it is system, user, assistant or tool");
            return Err(Wrong::at("role", message));
        }
    }
    Ok(())
}

/// Adds calls to the reply that `thread` ends with, or as a reply of their own: where there is none,
/// or where only one of the two takes part in the loss.
pub(crate) fn append_calls(calls: Vec<ContentBlock>, thread: &mut Thread, is_muted: bool) {
    let is_one = |last: &Node| last.message.role == Role::Assistant && last.is_synthetic == is_muted;
    let content = match thread.nodes().last().is_some_and(is_one).then(|| thread.pop()).flatten() {
        Some(last) => last.message.content.iter().cloned().chain(calls).collect(),
        None => calls,
    };
    thread.push_reply(content).is_synthetic = is_muted;
}

/// Whether the message is kept out of the loss: `weight`, `loss`, `train`.
pub(crate) fn is_muted(json: Json<'_>) -> bool {
    ["weight", "loss", "train", "loss_scale"].iter().any(|key| {
        json.get(key).is_some_and(|value| value.as_bool() == Some(false) || value.as_f64() == Some(0.0))
    })
}

/// Adds the reply `json`.
///
/// # Errors
/// It holds what the record has no place for.
pub(crate) fn read_reply(json: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    let mut content = Vec::with_capacity(2);
    // Most replies have no other key, so that the many names of rarer ones need not be looked for.
    let is_common = |key: &str| matches!(key, "role" | "content" | "tool_calls");
    let has_rare = json.entries().any(|(key, _)| !is_common(&key));
    if has_rare && let Some(text) = reasoning(json) {
        content.push(ContentBlock::Reasoning { text, signature: None });
    }
    content.extend(content_at(json, "content")?);
    if has_rare && let Some(refusal) = json.text_at("refusal").filter(|text| !text.is_empty()) {
        content.push(ContentBlock::Text { text: refusal.into_owned() });
    }
    if let Some(calls) = json.some("tool_calls") {
        if !calls.is_array() {
            return Err(Wrong::wanted("tool_calls", "a list of calls", Some(calls)));
        }
        for (index, item) in calls.items().enumerate() {
            content.push(read_call(item, thread).map_err(|wrong| wrong.in_item("tool_calls", index))?);
        }
    }
    // The shape before tools: one call and no id.
    if has_rare && let Some(function) = json.some("function_call") {
        content.push(read_call(function, thread).map_err(|wrong| wrong.inside("function_call"))?);
    }
    thread.push_reply(content).is_synthetic = has_rare && is_muted(json);
    Ok(())
}

/// The reasoning of a reply, by whichever name it has.
fn reasoning(json: Json<'_>) -> Option<String> {
    for key in ["reasoning_content", "reasoning", "thinking", "thought"] {
        if let Some(text) = json.text_at(key).filter(|text| !text.is_empty()) {
            return Some(text.into_owned());
        }
    }
    let details = json.some("reasoning_details")?;
    let texts: Vec<String> = details
        .items()
        .filter_map(|item| item.text_at("text").or_else(|| item.text_at("summary")))
        .map(|text| text.into_owned())
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// One call: `{"id", "function": {"name", "arguments"}}`, or the flat shape.
pub(crate) fn read_call(json: Json<'_>, thread: &mut Thread) -> Result<ContentBlock, Wrong> {
    if !json.is_object() {
        return Err(Wrong::new(format!("is {}, but should be a call", json.kind().words())));
    }
    let body = json.some("function").filter(Json::is_object).unwrap_or(json);
    let name = body.text_at("name").or_else(|| body.text_at("function"));
    let Some(name) = name else {
        let wrong = Wrong::wanted("name", "the tool's name", body.get("name"));
        return Err(if json.some("function").is_some() { wrong.inside("function") } else { wrong });
    };
    let id = json.text_at("id").or_else(|| json.text_at("call_id")).filter(|id| !id.is_empty());
    let id = match id {
        Some(id) => CallId(id.into_owned()),
        None => thread.make_id(),
    };
    let arguments = ["arguments", "parameters", "input", "args"].iter().find_map(|key| body.some(key));
    Ok(call(id, name, arguments_text(arguments)))
}

/// Arguments to the byte: what the string says, or the text of the object.
pub(crate) fn arguments_text(json: Option<Json<'_>>) -> String {
    match json {
        None => String::new(),
        Some(json) => match json.as_str() {
            Some(text) => text.into_owned(),
            None => json.raw().to_owned(),
        },
    }
}

/// Calls written as a text of JSON: one object, or a list of them.
///
/// # Errors
/// The text is no such JSON. The caller decides whether that is a fault or the model's mistake.
pub(crate) fn calls_of_text(text: &str, thread: &mut Thread) -> Result<Vec<ContentBlock>, Wrong> {
    let mut nodes = super::json::Nodes::default();
    let json = nodes.parse(text).map_err(|error| Wrong::new(format!("not a call as JSON: {error}")))?;
    if json.is_array() {
        let calls = json.items().enumerate();
        return calls
            .map(|(index, item)| read_call(item, thread).map_err(|w| w.in_item("", index)))
            .collect();
    }
    Ok(vec![read_call(json, thread)?])
}

/// The content at `key`: nothing, text, or parts.
pub(crate) fn content_at(json: Json<'_>, key: &str) -> Result<Vec<ContentBlock>, Wrong> {
    match json.get(key) {
        Some(content) => content_of(content).map_err(|wrong| wrong.inside(key)),
        None => Ok(Vec::new()),
    }
}

/// A result may be any JSON; what is neither text nor parts is kept as it was written.
pub(crate) fn result_content(json: Option<Json<'_>>) -> Result<Vec<ContentBlock>, Wrong> {
    let Some(json) = json.filter(|json| !json.is_null()) else { return Ok(Vec::new()) };
    if let Some(text) = json.as_str() {
        return Ok(text_blocks(text));
    }
    if json.is_array() && json.items().next().is_some_and(|item| item.get("type").is_some()) {
        return content_of(json).map_err(|wrong| wrong.inside("content"));
    }
    Ok(text_blocks(json.raw()))
}

/// Nothing, text, or parts of text and pictures.
pub(crate) fn content_of(json: Json<'_>) -> Result<Vec<ContentBlock>, Wrong> {
    if json.is_null() {
        return Ok(Vec::new());
    }
    if let Some(text) = json.as_str() {
        return Ok(text_blocks(text));
    }
    if json.is_object() {
        return Ok(vec![part(json)?]);
    }
    if !json.is_array() {
        return Err(Wrong::new(format!("is {}, but should be text or a list of parts", json.kind().words())));
    }
    json.items().enumerate().map(|(index, item)| part(item).map_err(|w| w.in_item("", index))).collect()
}

/// One part of a message, in OpenAI's two shapes and the few others in use.
fn part(json: Json<'_>) -> Result<ContentBlock, Wrong> {
    if let Some(text) = json.as_str() {
        return Ok(ContentBlock::Text { text: text.into_owned() });
    }
    let kind = json.text_at("type");
    let kind = kind.as_deref().unwrap_or(if json.get("text").is_some() { "text" } else { "" });
    match kind {
        "text" | "input_text" | "output_text" | "summary_text" | "reasoning_text" => {
            let text = json.text_at("text").or_else(|| json.text_at("content"));
            let text = text.ok_or_else(|| Wrong::wanted("text", "text", json.get("text")))?;
            Ok(ContentBlock::Text { text: text.into_owned() })
        }
        "refusal" => {
            let text = json.text_at("refusal");
            let text = text.ok_or_else(|| Wrong::wanted("refusal", "text", json.get("refusal")))?;
            Ok(ContentBlock::Text { text: text.into_owned() })
        }
        "thinking" | "reasoning" => {
            let text = ["thinking", "reasoning", "text", "content"].iter().find_map(|key| json.text_at(key));
            let signature = json.text_at("signature").map(|signature| signature.into_owned());
            Ok(ContentBlock::Reasoning { text: text.unwrap_or_default().into_owned(), signature })
        }
        "image_url" | "input_image" | "image" => {
            let place = json.some("image_url").or_else(|| json.some("url")).or_else(|| json.some("image"));
            let url = place.and_then(|place| place.as_str().or_else(|| place.text_at("url")));
            let url = url.ok_or_else(|| Wrong::wanted("image_url", "an address or inline bytes", place))?;
            Ok(ContentBlock::Image(image(&url)))
        }
        "" => Err(Wrong::wanted("type", "the kind of part", json.get("type"))),
        other => {
            let message =
                format!("a part of type `{other}` has no place in the record (text and pictures have)");
            Err(Wrong::at("type", message))
        }
    }
}

/// A picture by its address, which may hold it.
pub(crate) fn image(url: &str) -> ImageSource {
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) => {
            ImageSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => ImageSource::Url { url: url.to_owned() },
    }
}

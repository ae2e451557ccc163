//! One step: a message, or a reply with its calls and what they gave back.

use super::tokens::Stream;
use super::{Link, numbers};
use crate::import::chat::{content_at, content_of, image, read_call, result_content};
use crate::import::fault::Wrong;
use crate::import::json::Json;
use crate::import::openai::{finish_reason, usage};
use crate::import::thread::{Thread, call};
use nex_trajectory::{CallId, ContentBlock, ImageSource, ModelIdentity, Role, Turn, Usage};

pub(super) fn read(
    json: Json<'_>,
    model: Option<&str>,
    thread: &mut Thread,
    stream: &mut Stream,
    links: &mut Vec<Link>,
) -> Result<(), Wrong> {
    let source = json.text_at("source");
    let source =
        source.ok_or_else(|| Wrong::wanted("source", "system, user or agent", json.get("source")))?;
    match &*source {
        "system" => drop(thread.push(Role::System, message(json)?)),
        "user" => drop(thread.push(Role::User, message(json)?)),
        "agent" => reply(json, model, thread, stream)?,
        other => {
            let message = format!("unknown source `{other}`; it is system, user or agent");
            return Err(Wrong::at("source", message));
        }
    }
    if let Some(observation) = json.some("observation") {
        observe(observation, thread, links).map_err(|wrong| wrong.inside("observation"))?;
    }
    Ok(())
}

fn message(json: Json<'_>) -> Result<Vec<ContentBlock>, Wrong> {
    match json.some("message") {
        Some(message) if message.is_array() => parts(message).map_err(|wrong| wrong.inside("message")),
        _ => content_at(json, "message"),
    }
}

/// Text and pictures; a picture's source is a path or an address.
fn parts(json: Json<'_>) -> Result<Vec<ContentBlock>, Wrong> {
    let mut content = Vec::new();
    for (index, item) in json.items().enumerate() {
        let path = item.some("source").and_then(|source| Some((source, source.text_at("path")?)));
        match path {
            Some((source, path)) => {
                let block = match (image(&path), source.text_at("data"), source.text_at("media_type")) {
                    (_, Some(data), Some(kind)) => {
                        ImageSource::Base64 { media_type: kind.into_owned(), data: data.into_owned() }
                    }
                    (image, ..) => image,
                };
                content.push(ContentBlock::Image(block));
            }
            None => content.extend(content_of(item).map_err(|wrong| wrong.in_item("", index))?),
        }
    }
    Ok(content)
}

fn reply(json: Json<'_>, model: Option<&str>, thread: &mut Thread, stream: &mut Stream) -> Result<(), Wrong> {
    let mut content = Vec::new();
    if let Some(text) = json.text_at("reasoning_content").filter(|text| !text.is_empty()) {
        content.push(ContentBlock::Reasoning { text: text.into_owned(), signature: None });
    }
    content.extend(message(json)?);
    for (index, item) in json.some("tool_calls").into_iter().flat_map(|calls| calls.items()).enumerate() {
        let block = tool_call(item, thread).map_err(|wrong| wrong.in_item("tool_calls", index))?;
        content.push(block);
    }
    let has_calls = content.iter().any(|block| matches!(block, ContentBlock::ToolCall(_)));
    let is_copied = json.get("is_copied_context").and_then(|flag| flag.as_bool()).unwrap_or(false);
    // A step that no model call made was written by the runtime.
    let is_unsampled = json.get("llm_call_count").and_then(|count| count.as_u64()) == Some(0);
    let node = thread.push_reply(content);
    node.is_synthetic = is_copied || is_unsampled;
    if is_copied {
        return Ok(());
    }
    let metrics = json.some("metrics");
    if let Some(metrics) = metrics {
        let name = json.text_at("model_name").map(|name| name.into_owned());
        let name = name.or_else(|| model.map(str::to_owned)).unwrap_or_default();
        let finish = if has_calls { Some("tool_calls") } else { None };
        let extra = metrics.some("extra");
        let provider = extra.and_then(|extra| extra.text_at("provider")).unwrap_or("unknown".into());
        let stated = json.some("extra").and_then(|extra| extra.some("finish_reason"));
        let stated = stated.and_then(|reason| serde_json::from_str(reason.raw()).ok());
        let timing = extra.and_then(|extra| serde_json::from_str(extra.some("timing")?.raw()).ok());
        let attempts = extra.and_then(|extra| extra.get("attempts")?.as_u64());
        let reasoning = extra.and_then(|extra| extra.get("reasoning_tokens")?.as_u64());
        node.turn = Some(Turn {
            model: ModelIdentity { provider: provider.into_owned(), model: name },
            finish_reason: stated.unwrap_or_else(|| finish_reason(finish)),
            usage: Usage { reasoning_tokens: reasoning.unwrap_or(0), ..usage(metrics) },
            timing: timing.unwrap_or_default(),
            attempts: attempts.unwrap_or(1) as u32,
        });
    }
    let id = |number: Json<'_>| number.as_u64().and_then(|id| u32::try_from(id).ok());
    if let Some(completion) = numbers(metrics.and_then(|m| m.some("completion_token_ids")), id) {
        let prompt = numbers(metrics.and_then(|m| m.some("prompt_token_ids")), id);
        let logprobs = metrics.and_then(|m| m.some("logprobs"));
        let logprobs = match logprobs {
            Some(list) => {
                let read = numbers(Some(list), |number| number.as_f64().map(|number| number as f32));
                read.ok_or_else(|| Wrong::wanted("metrics.logprobs", "a list of numbers", Some(list)))?
            }
            None => Vec::new(),
        };
        let at = thread.nodes().len() - 1;
        stream.reply(at, prompt, completion, logprobs).map_err(|wrong| wrong.inside("metrics"))?;
    }
    Ok(())
}

fn tool_call(json: Json<'_>, thread: &mut Thread) -> Result<ContentBlock, Wrong> {
    let Some(name) = json.text_at("function_name") else { return read_call(json, thread) };
    let id = match json.text_at("tool_call_id").filter(|id| !id.is_empty()) {
        Some(id) => CallId(id.into_owned()),
        None => thread.make_id(),
    };
    Ok(call(id, name, crate::import::chat::arguments_text(json.some("arguments"))))
}

fn observe(json: Json<'_>, thread: &mut Thread, links: &mut Vec<Link>) -> Result<(), Wrong> {
    let Some(results) = json.some("results") else { return Ok(()) };
    let asked = thread.nodes().len().saturating_sub(1);
    for (index, item) in results.items().enumerate() {
        let content = match item.some("content") {
            Some(content) if content.is_array() => parts(content).map_err(|wrong| wrong.inside("content")),
            content => result_content(content),
        };
        let content = content.map_err(|wrong| wrong.in_item("results", index))?;
        let call_id = item.text_at("source_call_id").filter(|id| !id.is_empty());
        let call_id = call_id.map(|id| CallId(id.into_owned()));
        let references = item.some("subagent_trajectory_ref");
        for reference in references.into_iter().flat_map(|list| list.items()) {
            let id = reference.text_at("trajectory_id").or_else(|| reference.text_at("session_id"));
            if let Some(id) = id {
                links.push(Link { node: asked, call: call_id.clone(), trajectory: id.into_owned() });
            }
        }
        // It only says which sub-agent was started.
        if references.is_some() && item.some("content").is_none() {
            continue;
        }
        match call_id {
            Some(id) => {
                let is_error = item.some("extra").and_then(|e| e.get("is_error")).and_then(|e| e.as_bool());
                thread.result(Some(id), None, content, is_error.unwrap_or(false));
            }
            // Nobody asked: it is what the environment says next.
            None => drop(thread.push(Role::User, content)),
        }
    }
    Ok(())
}

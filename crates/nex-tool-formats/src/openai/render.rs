//! Rendering a conversation as one JSON document.

use crate::sample::{ReplyParts, is_trainable};
use crate::writing::declaration;
use crate::{ArgumentText, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable, json};
use nex_trajectory::{ContentBlock, ImageSource, Node, Role, ToolCall, ToolResult};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::default();
    let mut before = "{\"messages\":[";
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        for (kind, message) in messages(index, node, options)? {
            out.push(SpanKind::Scaffold, false, before);
            out.push(kind, kind.is_models() && is_trainable(node), &message.to_string());
            before = ",";
        }
    }
    if before != "," {
        out.push(SpanKind::Scaffold, false, before);
    }
    let tools: Vec<Value> = sample.tools.iter().map(declaration).collect();
    let end =
        if tools.is_empty() { "]}".to_owned() } else { format!("],\"tools\":{}}}", Value::from(tools)) };
    out.push(SpanKind::Scaffold, false, &end);
    Ok(out)
}

/// The messages that one node becomes: a tool node has one a result.
fn messages(
    index: usize,
    node: &Node,
    options: &RenderOptions,
) -> Result<Vec<(SpanKind, Value)>, Unrepresentable> {
    let role = node.message.role;
    let plain = |kind| {
        let content = content(index, node, &node.message.content)?;
        Ok(vec![(kind, json!({"role": role.as_str(), "content": content}))])
    };
    match role {
        Role::System => plain(SpanKind::System),
        Role::User => plain(SpanKind::User),
        Role::Assistant => Ok(vec![assistant(index, node, options)?]),
        Role::Tool => {
            if node.message.content.is_empty() {
                return Err(Unrepresentable::new(index, node, "a tool message without a result"));
            }
            node.message.content.iter().map(|block| result(index, node, block)).collect()
        }
    }
}

fn assistant(
    index: usize,
    node: &Node,
    options: &RenderOptions,
) -> Result<(SpanKind, Value), Unrepresentable> {
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    if !reasoning.is_empty() {
        message.insert("reasoning_content".to_owned(), reasoning.into());
    }
    let content = if text.is_empty() && !calls.is_empty() { Value::Null } else { text.into() };
    message.insert("content".to_owned(), content);
    let kind = if calls.is_empty() { SpanKind::AssistantText } else { SpanKind::Call };
    if !calls.is_empty() {
        let calls: Vec<Value> = calls
            .iter()
            .map(|call| {
                json!({
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": arguments_text(call, options)},
                })
            })
            .collect();
        message.insert("tool_calls".to_owned(), calls.into());
    }
    if !is_trainable(node) {
        message.insert("weight".to_owned(), 0.into());
    }
    Ok((kind, message.into()))
}

fn arguments_text<'a>(call: &'a ToolCall, options: &RenderOptions) -> Cow<'a, str> {
    let text = call.arguments.as_text();
    if options.arguments == ArgumentText::Verbatim || !json::is_value(text) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::new();
    json::push_respaced(&mut spaced, text);
    Cow::Owned(spaced)
}

fn result(index: usize, node: &Node, block: &ContentBlock) -> Result<(SpanKind, Value), Unrepresentable> {
    let ContentBlock::ToolResult(ToolResult { call_id, name, content: blocks, .. }) = block else {
        return Err(Unrepresentable::new(index, node, "a tool message holds results only"));
    };
    let content = content(index, node, blocks)?;
    Ok((
        SpanKind::Observation,
        json!({"role": "tool", "tool_call_id": call_id, "name": name, "content": content}),
    ))
}

/// One text as a string, anything else as parts.
fn content(index: usize, node: &Node, blocks: &[ContentBlock]) -> Result<Value, Unrepresentable> {
    match blocks {
        [] => return Ok("".into()),
        [ContentBlock::Text { text }] => return Ok(text.as_str().into()),
        _ => {}
    }
    blocks
        .iter()
        .map(|block| match block {
            ContentBlock::Text { text } => Ok(json!({"type": "text", "text": text})),
            ContentBlock::Image(image) => {
                let url = image_url(image).map_err(|reason| Unrepresentable::new(index, node, reason))?;
                Ok(json!({"type": "image_url", "image_url": {"url": url}}))
            }
            _ => Err(Unrepresentable::new(index, node, "only text and pictures have a place here")),
        })
        .collect::<Result<Vec<_>, _>>()
        .map(Value::from)
}

fn image_url(image: &ImageSource) -> Result<String, &'static str> {
    match image {
        ImageSource::Url { url } if url.starts_with("data:") => {
            Err("a `data:` address would be read back as inline bytes; keep it as base64")
        }
        ImageSource::Url { url } => Ok(url.clone()),
        ImageSource::Base64 { media_type, .. } if media_type.contains([';', ',']) => {
            Err("a media type with parameters has no place in a `data:` address")
        }
        ImageSource::Base64 { media_type, data } => Ok(format!("data:{media_type};base64,{data}")),
    }
}

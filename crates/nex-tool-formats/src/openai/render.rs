//! Rendering a conversation as one JSON document.

use crate::declaration::push_compact_array;
use crate::sample::{ReplyParts, is_trainable};
use crate::writing::results;
use crate::{ArgumentText, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable, json};
use nex_trajectory::{ContentBlock, ImageSource, Node, Role, ToolCall, ToolResult};
use std::borrow::Cow;

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut before = "{\"messages\":[";
    let mut json = String::new();
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        let mut message = |kind: SpanKind, json: &mut String| {
            out.push(SpanKind::Scaffold, false, before);
            out.push(kind, kind.is_models() && is_trainable(node), json);
            json.clear();
            before = ",";
        };
        match node.message.role {
            Role::System | Role::User => {
                json.push_str("{\"role\":");
                json::push_string(&mut json, node.message.role.as_str());
                json.push_str(",\"content\":");
                push_content(index, node, &node.message.content, &mut json)?;
                json.push('}');
                let is_system = node.message.role == Role::System;
                message(if is_system { SpanKind::System } else { SpanKind::User }, &mut json);
            }
            Role::Assistant => {
                let kind = push_assistant(index, node, options, &mut json)?;
                message(kind, &mut json);
            }
            // A tool node becomes a message a result.
            Role::Tool => {
                for result in results(index, node)? {
                    push_result(index, node, result, &mut json)?;
                    message(SpanKind::Observation, &mut json);
                }
            }
        }
    }
    if before != "," {
        out.push(SpanKind::Scaffold, false, before);
    }
    json.push(']');
    if !sample.tools.is_empty() {
        json.push_str(",\"tools\":");
        push_compact_array(&mut json, sample.tools);
    }
    json.push('}');
    out.push(SpanKind::Scaffold, false, &json);
    Ok(out)
}

fn push_assistant(
    index: usize,
    node: &Node,
    options: &RenderOptions,
    json: &mut String,
) -> Result<SpanKind, Unrepresentable> {
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    json.push_str("{\"role\":\"assistant\"");
    if !reasoning.is_empty() {
        json.push_str(",\"reasoning_content\":");
        json::push_string(json, &reasoning);
    }
    json.push_str(",\"content\":");
    if text.is_empty() && !calls.is_empty() {
        json.push_str("null");
    } else {
        json::push_string(json, &text);
    }
    let mut before = ",\"tool_calls\":[";
    for call in &calls {
        json.push_str(before);
        json.push_str("{\"id\":");
        json::push_string(json, call.id.as_str());
        json.push_str(",\"type\":\"function\",\"function\":{\"name\":");
        json::push_string(json, &call.name);
        json.push_str(",\"arguments\":");
        json::push_string(json, &arguments_text(call, options));
        json.push_str("}}");
        before = ",";
    }
    if !calls.is_empty() {
        json.push(']');
    }
    if !is_trainable(node) {
        json.push_str(",\"weight\":0");
    }
    json.push('}');
    Ok(if calls.is_empty() { SpanKind::AssistantText } else { SpanKind::Call })
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

fn push_result(
    index: usize,
    node: &Node,
    result: &ToolResult,
    json: &mut String,
) -> Result<(), Unrepresentable> {
    json.push_str("{\"role\":\"tool\",\"tool_call_id\":");
    json::push_string(json, result.call_id.as_str());
    json.push_str(",\"name\":");
    json::push_string(json, &result.name);
    json.push_str(",\"content\":");
    push_content(index, node, &result.content, json)?;
    json.push('}');
    Ok(())
}

/// One text as a string, anything else as parts.
fn push_content(
    index: usize,
    node: &Node,
    blocks: &[ContentBlock],
    json: &mut String,
) -> Result<(), Unrepresentable> {
    match blocks {
        [] => json.push_str("\"\""),
        [ContentBlock::Text { text }] => json::push_string(json, text),
        parts => {
            for (at, part) in parts.iter().enumerate() {
                json.push(if at == 0 { '[' } else { ',' });
                match part {
                    ContentBlock::Text { text } => {
                        json.push_str("{\"type\":\"text\",\"text\":");
                        json::push_string(json, text);
                    }
                    ContentBlock::Image(image) => {
                        let url = image_url(image).map_err(|why| Unrepresentable::new(index, node, why))?;
                        json.push_str("{\"type\":\"image_url\",\"image_url\":{\"url\":");
                        json::push_string(json, &url);
                        json.push('}');
                    }
                    _ => {
                        let reason = "only text and pictures have a place here";
                        return Err(Unrepresentable::new(index, node, reason));
                    }
                }
                json.push('}');
            }
            json.push(']');
        }
    }
    Ok(())
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

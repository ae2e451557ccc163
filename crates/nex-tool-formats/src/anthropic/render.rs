//! Rendering a conversation as one JSON document.

use crate::sample::is_trainable;
use crate::writing::{arguments_object, results};
use crate::{RenderOptions, Rendered, Sample, SpanKind, Unrepresentable, json};
use nex_trajectory::{ContentBlock, ImageSource, Node, Role, ToolResult};
use serde_json::{Value, json};

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut nodes = sample.nodes.iter().copied().enumerate().peekable();
    out.push(SpanKind::Scaffold, false, "{");
    if let Some((index, node)) = nodes.next_if(|(_, node)| node.message.role == Role::System) {
        out.push(SpanKind::Scaffold, false, "\"system\":");
        let blocks = plain_blocks(index, node, &node.message.content, false)?;
        out.push(SpanKind::System, false, &content(blocks));
        out.push(SpanKind::Scaffold, false, ",");
    }
    let mut before = "\"messages\":[";
    while let Some((index, node)) = nodes.next() {
        let (kind, message) = match node.message.role {
            Role::System => {
                let reason = "a system message that is not the first: the format has one, in front";
                return Err(Unrepresentable::new(index, node, reason));
            }
            Role::User => {
                let blocks = plain_blocks(index, node, &node.message.content, true)?;
                (SpanKind::User, message("user", &content(blocks)))
            }
            Role::Assistant => assistant(index, node, options)?,
            Role::Tool => {
                let mut blocks = result_blocks(index, node)?;
                while let Some((index, node)) = nodes.next_if(|(_, node)| node.message.role == Role::Tool) {
                    blocks.extend(result_blocks(index, node)?);
                }
                (SpanKind::Observation, message("user", &list(&blocks)))
            }
        };
        out.push(SpanKind::Scaffold, false, before);
        out.push(kind, kind.is_models() && is_trainable(node), &message);
        before = ",";
    }
    if before != "," {
        out.push(SpanKind::Scaffold, false, before);
    }
    let tools: Vec<Value> = sample
        .tools
        .iter()
        .map(|tool| {
            json!({"name": tool.name, "description": tool.description, "input_schema": tool.input_schema})
        })
        .collect();
    let end =
        if tools.is_empty() { "]}".to_owned() } else { format!("],\"tools\":{}}}", Value::from(tools)) };
    out.push(SpanKind::Scaffold, false, &end);
    Ok(out)
}

fn message(role: &str, content: &str) -> String {
    format!("{{\"role\":\"{role}\",\"content\":{content}}}")
}

/// Blocks as a JSON list.
fn list(blocks: &[String]) -> String {
    format!("[{}]", blocks.join(","))
}

/// What a message or a result holds: one text, or blocks.
enum Content {
    Text(String),
    Blocks(Vec<String>),
}

fn content(content: Content) -> String {
    match content {
        Content::Text(text) => Value::from(text).to_string(),
        Content::Blocks(blocks) => list(&blocks),
    }
}

/// Text, and pictures where they may be.
fn plain_blocks(
    index: usize,
    node: &Node,
    blocks: &[ContentBlock],
    allows_images: bool,
) -> Result<Content, Unrepresentable> {
    match blocks {
        [] => return Ok(Content::Text(String::new())),
        [ContentBlock::Text { text }] => return Ok(Content::Text(text.clone())),
        _ => {}
    }
    let block = |block: &ContentBlock| match block {
        ContentBlock::Text { text } => Ok(json!({"type": "text", "text": text}).to_string()),
        ContentBlock::Image(image) if allows_images => Ok(image_block(image).to_string()),
        _ => Err(Unrepresentable::new(index, node, "only text and pictures have a place here")),
    };
    Ok(Content::Blocks(blocks.iter().map(block).collect::<Result<_, _>>()?))
}

fn image_block(image: &ImageSource) -> Value {
    let source = match image {
        ImageSource::Base64 { media_type, data } => {
            json!({"type": "base64", "media_type": media_type, "data": data})
        }
        ImageSource::Url { url } => json!({"type": "url", "url": url}),
    };
    json!({"type": "image", "source": source})
}

fn assistant(
    index: usize,
    node: &Node,
    options: &RenderOptions,
) -> Result<(SpanKind, String), Unrepresentable> {
    let mut kind = SpanKind::AssistantText;
    if let [ContentBlock::Text { text }] = node.message.content.as_slice() {
        return Ok((kind, message("assistant", &Value::from(text.as_str()).to_string())));
    }
    let mut blocks = Vec::with_capacity(node.message.content.len());
    for block in &node.message.content {
        match block {
            ContentBlock::Text { text } if text.is_empty() => {}
            ContentBlock::Reasoning { text, signature: None } if text.is_empty() => {}
            ContentBlock::Text { text } => blocks.push(json!({"type": "text", "text": text}).to_string()),
            ContentBlock::Reasoning { text, signature } => {
                blocks.push(thinking_block(text, signature.as_deref()).to_string());
            }
            ContentBlock::ToolCall(call) => {
                kind = SpanKind::Call;
                let mut block = "{\"type\":\"tool_use\",\"id\":".to_owned();
                json::push_string(&mut block, call.id.as_str());
                block.push_str(",\"name\":");
                json::push_string(&mut block, &call.name);
                block.push_str(",\"input\":");
                block.push_str(&arguments_object(index, node, call, options)?);
                block.push('}');
                blocks.push(block);
            }
            ContentBlock::ToolResult(_) | ContentBlock::Image(_) => {
                let reason = "an assistant message holds text, reasoning and calls only";
                return Err(Unrepresentable::new(index, node, reason));
            }
        }
    }
    Ok((kind, message("assistant", &list(&blocks))))
}

fn thinking_block(text: &str, signature: Option<&str>) -> Value {
    match signature {
        Some(data) if text.is_empty() => json!({"type": "redacted_thinking", "data": data}),
        Some(signature) => json!({"type": "thinking", "thinking": text, "signature": signature}),
        None => json!({"type": "thinking", "thinking": text}),
    }
}

fn result_blocks(index: usize, node: &Node) -> Result<Vec<String>, Unrepresentable> {
    let block = |ToolResult { call_id, content: blocks, is_error, .. }: &ToolResult| {
        let mut block = "{\"type\":\"tool_result\",\"tool_use_id\":".to_owned();
        json::push_string(&mut block, call_id.as_str());
        block.push_str(",\"content\":");
        block.push_str(&content(plain_blocks(index, node, blocks, true)?));
        block.push_str(if *is_error { ",\"is_error\":true}" } else { "}" });
        Ok(block)
    };
    results(index, node)?.into_iter().map(block).collect()
}

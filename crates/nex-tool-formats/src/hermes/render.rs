//! Rendering a conversation with its loss mask.

use super::{
    CALL_CLOSE, CALL_OPEN, DEFAULT_SYSTEM, RESPONSE_CLOSE, RESPONSE_OPEN, TEXT_END, THINK_CLOSE, THINK_OPEN,
    TOOLS_CLOSE, TOOLS_OPEN, TURN_END, TURN_START,
};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::{Rendered, Sample, SpanKind, Unrepresentable, python_json};
use nex_trajectory::{Arguments, ContentBlock, Node, Role, ToolCall, ToolResult, ToolSpec};
use serde_json::{Value, json};
use std::borrow::Cow;

pub(super) fn render(sample: &Sample<'_>) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::default();
    let mut pairing = Pairing::default();
    let has_system = sample.nodes.first().is_some_and(|node| node.message.role == Role::System);
    if !has_system {
        system(DEFAULT_SYSTEM, sample.tools, &mut out);
    }
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System if index == 0 => {
                let text = plain_text(index, node)?;
                refuse(index, node, &text, &[TOOLS_OPEN])?;
                system(&text, sample.tools, &mut out);
            }
            Role::System => turn("system", SpanKind::System, &plain_text(index, node)?, &mut out),
            Role::User => {
                let text = plain_text(index, node)?;
                if text.starts_with(RESPONSE_OPEN) {
                    let reason = "the text begins like a tool's response and would be read as one";
                    return Err(Unrepresentable::new(index, node, reason));
                }
                turn("user", SpanKind::User, &text, &mut out);
            }
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(index, node, &mut out)?;
            }
            Role::Tool => {
                let is_tool = |node: &Node| node.message.role == Role::Tool;
                let is_first = index == 0 || !is_tool(sample.nodes[index - 1]);
                let is_last = sample.nodes.get(index + 1).is_none_or(|node| !is_tool(node));
                tool(index, node, &mut pairing, (is_first, is_last), &mut out)?;
            }
        }
    }
    Ok(out)
}

fn system(text: &str, tools: &[ToolSpec], out: &mut Rendered) {
    if tools.is_empty() {
        return turn("system", SpanKind::System, text, out);
    }
    let mut whole = format!("{text}{TOOLS_OPEN}");
    for tool in tools {
        whole.push('\n');
        whole.push_str(&escape_tags(&python_json::dumps(&declaration(tool))));
    }
    whole.push_str(TOOLS_CLOSE);
    turn("system", SpanKind::System, &whole, out);
}

/// A tool as chat templates are given it.
fn declaration(tool: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
    })
}

/// A turn that is not the model's.
fn turn(role: &str, kind: SpanKind, text: &str, out: &mut Rendered) {
    out.push(SpanKind::Scaffold, false, TURN_START);
    out.push(SpanKind::Scaffold, false, role);
    out.push(SpanKind::Scaffold, false, "\n");
    out.push(kind, false, text);
    out.push(SpanKind::Scaffold, false, TURN_END);
    out.push(SpanKind::Scaffold, false, "\n");
}

fn assistant(index: usize, node: &Node, out: &mut Rendered) -> Result<(), Unrepresentable> {
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &[TURN_START, TURN_END, TEXT_END, THINK_CLOSE, CALL_OPEN])?;
    refuse(index, node, &text, &[TURN_START, TURN_END, TEXT_END, CALL_OPEN])?;
    if reasoning.is_empty() && text.trim_start().starts_with(THINK_OPEN) {
        let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let is_trainable = is_trainable(node);
    out.push(SpanKind::Scaffold, false, TURN_START);
    out.push(SpanKind::Scaffold, false, "assistant\n");
    if !reasoning.is_empty() {
        let block = format!("{THINK_OPEN}\n{reasoning}\n{THINK_CLOSE}\n\n");
        out.push(SpanKind::Reasoning, is_trainable, &block);
    }
    out.push(SpanKind::AssistantText, is_trainable, &text);
    let mut before = if text.is_empty() { "" } else { "\n" };
    for call in calls {
        let body = call_text(index, node, call)?;
        out.push(SpanKind::Call, is_trainable, &format!("{before}{CALL_OPEN}\n{body}\n{CALL_CLOSE}"));
        before = "\n";
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), TURN_END);
    out.push(SpanKind::Scaffold, false, "\n");
    Ok(())
}

fn call_text(index: usize, node: &Node, call: &ToolCall) -> Result<String, Unrepresentable> {
    let name = serde_json::to_string(&call.name).expect("text serialises");
    let arguments = arguments_text(&call.arguments).map_err(|cause| {
        let reason = format!("arguments of call `{}` to `{}` {cause}", call.id, call.name);
        Unrepresentable::new(index, node, reason)
    })?;
    Ok(format!("{{\"name\": {}, \"arguments\": {arguments}}}", escape_tags(&name)))
}

fn arguments_text(arguments: &Arguments) -> Result<Cow<'_, str>, String> {
    let text = arguments.as_text().trim_matches([' ', '\n', '\r', '\t']);
    if text.is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    // Only checked: the text itself is what is written.
    serde_json::from_str::<&serde_json::value::RawValue>(text).map_err(|e| format!("are not JSON: {e}"))?;
    if !text.starts_with('{') {
        return Err("are not an object".to_owned());
    }
    Ok(escape_tags(text))
}

/// JSON in which no string holds a tag of the format. In valid JSON a tag is always in a string.
fn escape_tags(json: &str) -> Cow<'_, str> {
    let mut escaped = Cow::Borrowed(json);
    for tag in [CALL_OPEN, CALL_CLOSE, TURN_START, TURN_END, TEXT_END] {
        if escaped.contains(tag) {
            escaped = Cow::Owned(escaped.replace(tag, &format!("\\u003c{}", &tag[1..])));
        }
    }
    escaped
}

fn tool(
    index: usize,
    node: &Node,
    pairing: &mut Pairing,
    (is_first, is_last): (bool, bool),
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    if node.message.content.is_empty() {
        return Err(Unrepresentable::new(index, node, "a tool message without a result"));
    }
    if is_first {
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "user");
    }
    for block in &node.message.content {
        let ContentBlock::ToolResult(result) = block else {
            return Err(Unrepresentable::new(index, node, "a tool message holds results only"));
        };
        if pairing.next() != Some(&result.call_id) {
            let reason = format!(
                "the result of call `{}` does not stand in the order of the calls, which is all that pairs them",
                result.call_id
            );
            return Err(Unrepresentable::new(index, node, reason));
        }
        let text = result_text(index, node, result)?;
        out.push(SpanKind::Scaffold, false, "\n");
        out.push(SpanKind::Scaffold, false, RESPONSE_OPEN);
        out.push(SpanKind::Observation, false, &text);
        out.push(SpanKind::Scaffold, false, RESPONSE_CLOSE);
    }
    if is_last {
        out.push(SpanKind::Scaffold, false, TURN_END);
        out.push(SpanKind::Scaffold, false, "\n");
    }
    Ok(())
}

fn result_text(index: usize, node: &Node, result: &ToolResult) -> Result<String, Unrepresentable> {
    if result.content.iter().any(|block| !matches!(block, ContentBlock::Text { .. })) {
        let reason = format!("the result of call `{}` holds more than text", result.call_id);
        return Err(Unrepresentable::new(index, node, reason));
    }
    let text = result.text();
    refuse(index, node, &text, &[TURN_START, TURN_END, TEXT_END, RESPONSE_CLOSE.trim_start()])?;
    Ok(text)
}

/// The text of a system or user message.
fn plain_text(index: usize, node: &Node) -> Result<String, Unrepresentable> {
    if node.message.content.iter().any(|block| !matches!(block, ContentBlock::Text { .. })) {
        return Err(Unrepresentable::new(index, node, "the format has a place for text only here"));
    }
    let text = node.message.text();
    refuse(index, node, &text, &[TURN_START, TURN_END, TEXT_END])?;
    Ok(text)
}

/// Refuses a text that holds one of `tags`: outside JSON there is no way to write them as content.
fn refuse(index: usize, node: &Node, text: &str, tags: &[&str]) -> Result<(), Unrepresentable> {
    match tags.iter().find(|tag| text.contains(**tag)) {
        None => Ok(()),
        Some(tag) => {
            let reason = format!("the text holds `{}`, which the format cannot escape", tag.trim());
            Err(Unrepresentable::new(index, node, reason))
        }
    }
}

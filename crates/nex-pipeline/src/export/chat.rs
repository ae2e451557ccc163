//! A branch as a list of chat messages, which most trainers take: one message a tool result,
//! reasoning, text and calls of a reply apart.
//!
//! Invariant: what is accepted here stands in the message as the model wrote it; arguments are
//! spliced in as the JSON text that they are, so `1.0`, `"007"` and integers beyond 2⁵³ survive.
//! Pictures, text after a call and arguments that are no JSON object are refused with the reason.

use nex_tool_formats::Sample;
use nex_trajectory::{ContentBlock, Node, Role, ToolCall, ToolResult, ToolSpec};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// One message of a conversation.
#[derive(Clone, Debug)]
pub(super) struct ChatMessage<'a> {
    pub(super) role: Role,
    /// All text blocks, joined by line breaks; a tool's output on [`Role::Tool`].
    pub(super) text: String,
    /// Empty where there is none.
    pub(super) reasoning: String,
    pub(super) calls: Vec<&'a ToolCall>,
    /// What is answered, on [`Role::Tool`].
    pub(super) result: Option<&'a ToolResult>,
    /// A reply that nobody may train on: the runtime wrote it.
    pub(super) is_synthetic: bool,
}

/// The messages of `sample`, first to last.
///
/// # Errors
/// What has no place in a chat message.
pub(super) fn chat<'a>(sample: &Sample<'a>) -> Result<Vec<ChatMessage<'a>>, String> {
    let mut messages = Vec::with_capacity(sample.nodes.len());
    for node in &sample.nodes {
        if node.message.role == Role::Tool {
            for block in &node.message.content {
                messages.push(result(block)?);
            }
        } else {
            messages.push(spoken(node)?);
        }
    }
    Ok(messages)
}

/// As [`chat`], for readers that train on every reply.
///
/// # Errors
/// Also: the runtime wrote one of them.
pub(super) fn trained_chat<'a>(sample: &Sample<'a>) -> Result<Vec<ChatMessage<'a>>, String> {
    let messages = chat(sample)?;
    if messages.iter().any(|m| m.role == Role::Assistant && m.is_synthetic) {
        return Err("the runtime wrote one of the replies, and this target trains on all".to_owned());
    }
    Ok(messages)
}

fn spoken<'a>(node: &'a Node) -> Result<ChatMessage<'a>, String> {
    let mut message = ChatMessage {
        role: node.message.role,
        text: String::new(),
        reasoning: String::new(),
        calls: Vec::new(),
        result: None,
        is_synthetic: node.is_synthetic,
    };
    let mut has_text = false;
    for block in &node.message.content {
        match block {
            ContentBlock::Text { text } | ContentBlock::Reasoning { text, .. } if text.is_empty() => {}
            ContentBlock::Text { text } => {
                if !message.calls.is_empty() {
                    return Err("text after a call: chat messages have it only before".to_owned());
                }
                if has_text {
                    message.text.push('\n');
                }
                message.text.push_str(text);
                has_text = true;
            }
            ContentBlock::Reasoning { text, .. } if node.message.role == Role::Assistant => {
                if has_text || !message.calls.is_empty() {
                    return Err("reasoning after text or a call: chat messages have it only first".to_owned());
                }
                if !message.reasoning.is_empty() {
                    message.reasoning.push('\n');
                }
                message.reasoning.push_str(text);
            }
            ContentBlock::ToolCall(call) if node.message.role == Role::Assistant => message.calls.push(call),
            ContentBlock::Image(_) => return Err("pictures: the target takes text only".to_owned()),
            _ => {
                return Err(format!("a {} message with a block of another role", node.message.role.as_str()));
            }
        }
    }
    Ok(message)
}

fn result(block: &ContentBlock) -> Result<ChatMessage<'_>, String> {
    let ContentBlock::ToolResult(result) = block else {
        return Err("a tool message holds results only".to_owned());
    };
    if result.content.iter().any(|block| !matches!(block, ContentBlock::Text { .. })) {
        return Err("pictures: the target takes text only".to_owned());
    }
    Ok(ChatMessage {
        role: Role::Tool,
        text: result.text(),
        reasoning: String::new(),
        calls: Vec::new(),
        result: Some(result),
        is_synthetic: false,
    })
}

/// A call's arguments as a JSON object in one line, its numbers and strings as they were written.
///
/// # Errors
/// They are no JSON object.
pub(super) fn arguments(call: &ToolCall) -> Result<Box<RawValue>, String> {
    let text = call.arguments.as_text().trim();
    let text = if text.is_empty() { "{}" } else { text };
    if !text.starts_with('{') {
        return Err("arguments that are no JSON object".to_owned());
    }
    // Line breaks stand only between the values of valid JSON.
    let line: Cow<'_, str> =
        if text.contains(['\n', '\r']) { text.replace(['\n', '\r'], " ").into() } else { text.into() };
    RawValue::from_string(line.into_owned()).map_err(|_| "arguments that are no JSON object".to_owned())
}

/// `{"type":"function","function":{"name","description","parameters"}}`.
#[derive(Debug, Serialize)]
pub(super) struct Declaration<'a> {
    r#type: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

/// The tools as OpenAI declares them.
pub(super) fn declarations(tools: &[ToolSpec]) -> Vec<Declaration<'_>> {
    tools
        .iter()
        .map(|tool| Declaration {
            r#type: "function",
            function: Function {
                name: &tool.name,
                description: &tool.description,
                parameters: &tool.input_schema,
            },
        })
        .collect()
}

/// The tools as one JSON text; empty where there are none.
pub(super) fn declarations_text(tools: &[ToolSpec]) -> Result<String, String> {
    if tools.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(&declarations(tools)).map_err(|e| format!("a tool that is no JSON: {e}"))
}

/// A call as `{"name", "arguments"}`.
#[derive(Debug, Serialize)]
pub(super) struct NamedCall<'a> {
    pub(super) name: &'a str,
    pub(super) arguments: Box<RawValue>,
}

impl<'a> NamedCall<'a> {
    /// # Errors
    /// The arguments are no JSON object.
    pub(super) fn of(call: &'a ToolCall) -> Result<Self, String> {
        Ok(Self { name: &call.name, arguments: arguments(call)? })
    }
}

/// Reasoning between the tags that most open models write, before `text`.
///
/// # Errors
/// A tag stands in the reasoning itself.
pub(super) fn with_thought(reasoning: &str, text: &str) -> Result<String, String> {
    if reasoning.is_empty() {
        return Ok(text.to_owned());
    }
    if reasoning.contains("<think>") || reasoning.contains("</think>") {
        return Err("a <think> tag inside reasoning".to_owned());
    }
    Ok(format!("<think>\n{reasoning}\n</think>\n\n{text}"))
}

/// The results in the order of the calls that they answer, for readers that pair them by place.
///
/// # Errors
/// A call has no result, or a result no call.
pub(super) fn in_call_order(messages: &mut [ChatMessage<'_>]) -> Result<(), String> {
    let mut at = 0;
    while at < messages.len() {
        let ids: Vec<_> = messages[at].calls.iter().map(|call| &call.id).collect();
        let results = messages[at + 1..].iter().take_while(|m| m.role == Role::Tool).count();
        let is_last = at + 1 + results == messages.len();
        if ids.is_empty() {
            if results > 0 {
                return Err("a result without a call".to_owned());
            }
        } else if results != ids.len() {
            // The last reply's calls may not have been run.
            if !(is_last && results == 0) {
                return Err("calls and results do not pair up".to_owned());
            }
        } else {
            let place = |message: &ChatMessage<'_>| {
                ids.iter().position(|id| message.result.is_some_and(|result| result.call_id == **id))
            };
            let run = &messages[at + 1..at + 1 + results];
            let mut order: Vec<Option<usize>> = run.iter().map(place).collect();
            order.sort_unstable();
            order.dedup();
            if order.len() != ids.len() || order.contains(&None) {
                return Err("calls and results do not pair up".to_owned());
            }
            let ids: Vec<_> = ids.into_iter().cloned().collect();
            messages[at + 1..at + 1 + results].sort_by_key(|message| {
                ids.iter().position(|id| message.result.is_some_and(|result| result.call_id == *id))
            });
        }
        at += 1 + results;
    }
    Ok(())
}

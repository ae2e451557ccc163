//! Structured encoding: pieces opened by delimiters, and back.

use super::{EncodedSample, Encoder, TokenKind};
use crate::{Mark, PolicyTokenizer, TrainError};
use nex_tool_formats::Sample;
use nex_trajectory::{
    Arguments, CallId, ContentBlock, FinishReason, Message, Node, Role, ToolCall, ToolSpec,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a structured sample tells the model about its tools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declaration {
    /// Not at all: the policy knows its tools from training.
    #[default]
    None,
    /// A line a tool: `find(name: string, limit?: integer)`.
    Signatures,
    /// A line of JSON a tool: name, description, schema.
    Schemas,
}

impl Declaration {
    /// The text, if there is any.
    pub(super) fn text(self, tools: &[ToolSpec]) -> Option<String> {
        if tools.is_empty() {
            return None;
        }
        let lines: Vec<String> = match self {
            Self::None => return None,
            Self::Signatures => tools.iter().map(signature).collect(),
            Self::Schemas => tools
                .iter()
                .map(|tool| serde_json::to_string(tool).unwrap_or_else(|_| tool.name.clone()))
                .collect(),
        };
        Some(lines.join("\n"))
    }
}

fn signature(tool: &ToolSpec) -> String {
    let schema = &tool.input_schema;
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let arguments = schema["properties"].as_object().into_iter().flatten().map(|(name, property)| {
        let mark = if required.contains(&name.as_str()) { "" } else { "?" };
        match property["type"].as_str() {
            Some(kind) => format!("{name}{mark}: {kind}"),
            None => format!("{name}{mark}"),
        }
    });
    format!("{}({})", tool.name, arguments.collect::<Vec<_>>().join(", "))
}

/// The model itself ended this node's turn; the length limit did not.
pub(super) fn ended_itself(node: &Node) -> bool {
    node.turn.as_ref().is_none_or(|turn| turn.finish_reason != FinishReason::Length)
}

pub(super) fn append(
    encoder: &Encoder,
    sample: &mut EncodedSample,
    message: &Message,
    is_sampled: bool,
    ends: bool,
) -> Result<(), TrainError> {
    let is_reply = message.role == Role::Assistant;
    let is_action = is_reply && is_sampled;
    for block in &message.content {
        let Some((mark, text)) = piece_of(message.role, block) else { continue };
        let kind = kind_of(mark);
        let range = encoder.piece(sample, mark, kind, is_action, &text)?;
        match block {
            ContentBlock::ToolCall(call) => sample.open_calls.push((call.id.clone(), range)),
            ContentBlock::ToolResult(result) => sample.link(&result.call_id, range),
            _ => {}
        }
    }
    if is_reply && ends {
        sample.push(Mark::End.id(), TokenKind::End, is_action);
        sample.reply_ends.push(sample.tokens.len());
    }
    Ok(())
}

/// The delimiter and text of a block; pictures and empty reasoning have none.
fn piece_of(role: Role, block: &ContentBlock) -> Option<(Mark, String)> {
    match block {
        ContentBlock::Text { text } => {
            let mark = match role {
                Role::System => Mark::System,
                Role::User => Mark::Task,
                Role::Assistant => Mark::Answer,
                Role::Tool => Mark::Observation,
            };
            Some((mark, text.clone()))
        }
        ContentBlock::Reasoning { text, .. } => (!text.is_empty()).then(|| (Mark::Reasoning, text.clone())),
        ContentBlock::ToolCall(call) => {
            Some((Mark::Call, format!("{} {}", call.name, call.arguments.as_text())))
        }
        ContentBlock::ToolResult(result) => {
            Some((if result.is_error { Mark::Fault } else { Mark::Observation }, result.text()))
        }
        ContentBlock::Image(_) => None,
    }
}

fn kind_of(mark: Mark) -> TokenKind {
    match mark {
        Mark::Pad | Mark::System => TokenKind::System,
        Mark::Task => TokenKind::Task,
        Mark::Reasoning => TokenKind::Reasoning,
        Mark::Answer => TokenKind::Answer,
        Mark::Call => TokenKind::Call,
        Mark::Observation | Mark::Fault => TokenKind::Observation,
        Mark::End => TokenKind::End,
    }
}

/// The texts between the delimiters of a sample.
pub(super) fn texts(sample: &Sample<'_>, declaration: Declaration) -> Vec<String> {
    let blocks =
        sample.nodes.iter().flat_map(|node| node.message.content.iter().map(|b| (node.message.role, b)));
    let pieces = blocks.filter_map(|(role, block)| piece_of(role, block)).map(|(_, text)| text);
    declaration.text(sample.tools).into_iter().chain(pieces).collect()
}

/// A reply read from tokens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodedReply {
    /// Reasoning, text and calls, in order. Call ids are `call_0`, `call_1` … within the reply.
    pub content: Vec<ContentBlock>,
    /// It ended with `<|end|>`.
    pub is_ended: bool,
    /// Something in it has no place in a reply: text before the first delimiter, a delimiter of others,
    /// a call without a name. It is in `content` as text where it has any.
    pub is_malformed: bool,
}

pub(super) fn decode_reply(tokenizer: &PolicyTokenizer, tokens: &[u32]) -> Result<DecodedReply, TrainError> {
    let mut reply = DecodedReply::default();
    let mut calls = 0;
    let mut at = 0;
    while at < tokens.len() {
        let mark = Mark::of(tokens[at]);
        if mark == Some(Mark::End) {
            reply.is_ended = true;
            reply.is_malformed |= at + 1 < tokens.len();
            break;
        }
        let start = if mark.is_some() { at + 1 } else { at };
        let length = tokens[start..].iter().take_while(|id| Mark::of(**id).is_none()).count();
        at = start + length;
        let text = tokenizer.decode(&tokens[start..at])?;
        reply.content.push(match mark {
            Some(Mark::Reasoning) => ContentBlock::Reasoning { text, signature: None },
            Some(Mark::Answer) => ContentBlock::Text { text },
            Some(Mark::Call) if !text.trim_start().is_empty() && !text.starts_with(' ') => {
                let (name, arguments) = text.split_once(' ').unwrap_or((text.as_str(), ""));
                let id = CallId::new(format!("call_{calls}"));
                calls += 1;
                let arguments = Arguments::from_text(arguments);
                ContentBlock::ToolCall(ToolCall { id, name: name.to_owned(), arguments })
            }
            _ => {
                reply.is_malformed = true;
                ContentBlock::Text { text }
            }
        });
    }
    Ok(reply)
}

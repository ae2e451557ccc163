//! Reading a whole conversation back.

use super::{
    ASSISTANT, BEGIN, DeepSeek, END, OUTPUT_CLOSE, OUTPUT_OPEN, OUTPUTS_CLOSE, OUTPUTS_OPEN, THINK_CLOSE,
    THINK_OPEN, USER, Version, declarations,
};
use crate::reading::{ConversationBuilder, first_of};
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

/// The marks with which a turn begins.
const STARTS: [&str; 5] = [USER, ASSISTANT, OUTPUTS_OPEN, OUTPUT_OPEN, OUTPUTS_CLOSE];

pub(super) fn parse(
    format: &DeepSeek,
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let start = if text.starts_with(BEGIN) { BEGIN.len() } else { 0 };
    let mut at = first_of(text, start, &STARTS);
    let (instructions, tools) = declarations::read(format, &text[start..at], start)?;
    out.declare(tools);
    if !instructions.is_empty() {
        out.message(Message::system(instructions));
    }
    while at < text.len() {
        let rest = &text[at..];
        if let Some(inside) = rest.strip_prefix(USER) {
            let length = first_of(inside, 0, &STARTS);
            // Some templates end the user's turn too.
            let question = &inside[..length];
            out.message(Message::user(question.strip_suffix(END).unwrap_or(question)));
            at += USER.len() + length;
        } else if let Some(inside) = rest.strip_prefix(OUTPUT_OPEN) {
            let length = inside
                .find(OUTPUT_CLOSE)
                .ok_or_else(|| ConversationError::new(at, format!("{OUTPUT_OPEN} is not closed")))?;
            if !out.result(&inside[..length], false) {
                return Err(ConversationError::new(at, "a tool's output without a call before it"));
            }
            at += OUTPUT_OPEN.len() + length + OUTPUT_CLOSE.len();
            at = skip_line_break(text, at);
        } else if rest.starts_with(OUTPUTS_OPEN) {
            at = skip_line_break(text, at + OUTPUTS_OPEN.len());
        } else if rest.starts_with(OUTPUTS_CLOSE) {
            at += OUTPUTS_CLOSE.len();
        } else {
            at = reply(format, text, at, &mut out);
        }
    }
    Ok(out.finish())
}

/// Some templates put a line break before each output.
fn skip_line_break(text: &str, at: usize) -> usize {
    let is_there = text[at..].strip_prefix('\n').is_some_and(|rest| rest.starts_with(OUTPUT_OPEN));
    at + usize::from(is_there)
}

/// Reads the model's turn at `at`, and gives where it ends.
fn reply(format: &DeepSeek, text: &str, at: usize, out: &mut ConversationBuilder) -> usize {
    let is_announced = text[at..].starts_with(ASSISTANT);
    let mut start = at + if is_announced { ASSISTANT.len() } else { 0 };
    if is_announced && format.version == Version::V3_1 {
        let rest = &text[start..];
        let after = rest.strip_prefix(THINK_OPEN).and_then(|rest| rest.strip_prefix(THINK_CLOSE));
        // The empty pair of tags, or the closing one alone, is the prompt's.
        let after = after.or_else(|| rest.strip_prefix(THINK_CLOSE)).unwrap_or(rest);
        start = text.len() - after.len();
    }
    let end = first_of(text, start, &[END, USER]);
    let is_ended = text[end..].starts_with(END);
    let content = &text[start..end];
    // A conversation that waits for a reply ends with the prompt for it.
    if is_ended || !matches!(content.trim(), "" | THINK_OPEN) {
        out.reply(format, content, ParseOptions::default());
    }
    if is_ended { end + END.len() } else { end }
}

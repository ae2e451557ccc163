//! Reading a whole conversation back.

use super::{
    ASSISTANT, Glm, OBSERVATION, PREFIX, RESPONSE_CLOSE, RESPONSE_OPEN, SYSTEM, THINK_CLOSE, TOOLS_OPEN, USER,
};
use crate::declared::tools_of;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

const TURNS: [&str; 4] = [SYSTEM, USER, ASSISTANT, OBSERVATION];

pub(super) fn parse(
    dialect: Glm,
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let mut at = if text.starts_with(PREFIX) { PREFIX.len() } else { 0 };
    let mut is_first = true;
    while at < text.len() {
        let Some(mark) = TURNS.into_iter().find(|mark| text[at..].starts_with(mark)) else {
            return Err(ConversationError::new(
                at,
                format!("a turn begins with one of {}", TURNS.join(", ")),
            ));
        };
        at += mark.len();
        let end = TURNS.iter().filter_map(|mark| text[at..].find(mark)).min().unwrap_or(text.len() - at);
        let content = &text[at..at + end];
        let plain = content.strip_prefix(dialect.line()).unwrap_or(content);
        match mark {
            SYSTEM if is_first && content.starts_with(TOOLS_OPEN) => {
                out.declare(declarations(dialect, content, at)?);
            }
            SYSTEM => out.message(Message::system(plain)),
            // Some end a conversation with the mark that ends the model's last turn.
            USER if dialect == Glm::V45 && content.is_empty() && at == text.len() => {}
            USER => out.message(Message::user(plain)),
            OBSERVATION => results(dialect, content, at, &mut out)?,
            _ => {
                // The prompt of GLM 4.7 has opened the reasoning; this closes it at once.
                let reply = content.strip_prefix(THINK_CLOSE).unwrap_or(content);
                out.reply(&dialect, reply, ParseOptions::default());
            }
        }
        at += end;
        is_first = false;
    }
    Ok(out.finish())
}

fn declarations(dialect: Glm, content: &str, at: usize) -> Result<Vec<ToolSpec>, ConversationError> {
    let lines_at = at + TOOLS_OPEN.len();
    let lines = content[TOOLS_OPEN.len()..]
        .strip_suffix(dialect.tools_close())
        .ok_or_else(|| ConversationError::new(lines_at, "the tool declarations do not end as they should"))?;
    tools_of(lines.lines(), lines_at)
}

fn results(
    dialect: Glm,
    content: &str,
    at: usize,
    out: &mut ConversationBuilder,
) -> Result<(), ConversationError> {
    let line = dialect.line();
    let mut rest = content;
    while !rest.is_empty() {
        let fail = |message: &str| ConversationError::new(at + content.len() - rest.len(), message);
        let inside = rest.strip_prefix(line).unwrap_or(rest).strip_prefix(RESPONSE_OPEN);
        let inside = inside.ok_or_else(|| fail("text between tool responses"))?;
        let (text, after) =
            inside.split_once(RESPONSE_CLOSE).ok_or_else(|| fail("a tool response is not closed"))?;
        let text = text.strip_prefix(line).unwrap_or(text);
        if !out.result(text.strip_suffix(line).unwrap_or(text), false) {
            return Err(fail("a tool response without a call before it"));
        }
        rest = after;
    }
    Ok(())
}

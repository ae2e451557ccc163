//! Reading a whole conversation back.

use super::{
    DEFAULT_SYSTEM, MiniMaxM2, PREFIX, RESPONSE_CLOSE, RESPONSE_OPEN, TOOLS_CLOSE, TOOLS_OPEN, TURN_END,
    TURN_START,
};
use crate::chatml::{Turn, turns_between};
use crate::declared::tools_of;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

pub(super) fn parse(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let from = if text.starts_with(PREFIX) { PREFIX.len() } else { 0 };
    for (index, turn) in turns_between(text, from, TURN_START, TURN_END).enumerate() {
        let Turn { role, content, at } = turn?;
        match role {
            "system" if index == 0 => {
                let (text, tools) = declarations(content, at)?;
                out.declare(tools);
                // The template puts its own system message where the conversation has none.
                if text != DEFAULT_SYSTEM {
                    out.message(Message::system(text));
                }
            }
            "system" => out.message(Message::system(content)),
            "user" => out.message(Message::user(content)),
            "ai" => out.reply(&MiniMaxM2, content, ParseOptions::default()),
            "tool" => results(content, at, &mut out)?,
            _ => {
                let message = format!("unknown role `{role}`; it is system, user, ai or tool");
                return Err(ConversationError::new(at, message));
            }
        }
    }
    Ok(out.finish())
}

/// Takes the declarations out of the system message and gives the rest.
fn declarations(content: &str, at: usize) -> Result<(&str, Vec<ToolSpec>), ConversationError> {
    let Some((text, declared)) = content.split_once(TOOLS_OPEN) else { return Ok((content, Vec::new())) };
    let lines_at = at + text.len() + TOOLS_OPEN.len();
    let fail = |message: &str| ConversationError::new(lines_at, message);
    let lines = declared
        .strip_suffix(TOOLS_CLOSE)
        .ok_or_else(|| fail("the tool declarations do not end as they should"))?;
    let json = lines.lines().map(|line| {
        let line = line.strip_prefix("<tool>").unwrap_or(line);
        line.strip_suffix("</tool>").unwrap_or(line)
    });
    Ok((text, tools_of(json, lines_at)?))
}

fn results(content: &str, at: usize, out: &mut ConversationBuilder) -> Result<(), ConversationError> {
    let mut rest = content;
    while !rest.is_empty() {
        let fail = |message: &str| ConversationError::new(at + content.len() - rest.len(), message);
        let inside = rest.strip_prefix(RESPONSE_OPEN).ok_or_else(|| fail("text between tool responses"))?;
        let (text, after) =
            inside.split_once(RESPONSE_CLOSE).ok_or_else(|| fail("a tool response is not closed"))?;
        if !out.result(text, false) {
            return Err(fail("a tool response without a call before it"));
        }
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    Ok(())
}

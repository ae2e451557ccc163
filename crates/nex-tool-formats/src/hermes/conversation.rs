//! Reading a whole conversation back.

use super::{Hermes, RESPONSE_CLOSE, RESPONSE_OPEN, TOOLS_BEFORE, TOOLS_CLOSE, TOOLS_OPEN};
use crate::chatml::{self, Turn};
use crate::declared;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

pub(super) fn parse(
    format: &Hermes,
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    for turn in chatml::turns(text) {
        let Turn { role, content, at } = turn?;
        match role {
            "system" if out.is_empty() => {
                let (text, tools) = declarations(content, at)?;
                out.declare(tools);
                // The template puts its own system message where the conversation has none.
                if let Some(text) = text.filter(|text| format.default_system != Some(text)) {
                    out.message(Message::system(text));
                }
            }
            "system" => out.message(Message::system(content)),
            "user" | "tool" if content.starts_with(RESPONSE_OPEN) => results(content, at, &mut out)?,
            "user" => out.message(Message::user(content)),
            "assistant" => out.reply(format, content, ParseOptions::default()),
            _ => {
                let message = format!("unknown role `{role}`; it is system, user, assistant or tool");
                return Err(ConversationError::new(at, message));
            }
        }
    }
    Ok(out.finish())
}

/// Takes the declarations out of the system message and gives the rest, if there was any.
fn declarations(content: &str, at: usize) -> Result<(Option<&str>, Vec<ToolSpec>), ConversationError> {
    let Some((before, declared)) = content.split_once(TOOLS_OPEN) else {
        return Ok((Some(content), Vec::new()));
    };
    let lines_at = at + before.len() + TOOLS_OPEN.len();
    let text = before.strip_suffix(TOOLS_BEFORE);
    if text.is_none() && !before.is_empty() {
        return Err(ConversationError::new(at, "the declarations do not begin on a line of their own"));
    }
    let lines = declared
        .strip_suffix(TOOLS_CLOSE)
        .ok_or_else(|| ConversationError::new(lines_at, "the tool declarations do not end as they should"))?;
    Ok((text, declared::tools_of(lines.lines(), lines_at)?))
}

/// Reads the responses that a user turn consists of.
pub(crate) fn results(
    content: &str,
    at: usize,
    out: &mut ConversationBuilder,
) -> Result<(), ConversationError> {
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

//! Reading a whole conversation back.

use super::{
    AFTER_DEFAULT, ASSISTANT, DECLARE, DEFAULT_SYSTEM, END, KimiK2, MIDDLE, RETURN_OF, SYSTEM, USER,
};
use crate::declared::tools_in_array;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{CallId, ContentBlock, Message, ToolSpec};

pub(super) fn parse(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let mut at = 0;
    while at < text.len() {
        let fail = |message: String| ConversationError::new(at, message);
        let mark = [SYSTEM, USER, ASSISTANT].into_iter().find(|mark| text[at..].starts_with(mark));
        let mark = mark.ok_or_else(|| fail(format!("a turn begins with {SYSTEM}, {USER} or {ASSISTANT}")))?;
        let (role, rest) = text[at + mark.len()..]
            .split_once(MIDDLE)
            .ok_or_else(|| fail(format!("{mark} is followed by a role and {MIDDLE}")))?;
        let content_at = text.len() - rest.len();
        let ended = rest.split_once(END);
        let (content, after) = ended.unwrap_or((rest, ""));
        at = text.len() - after.len();
        match (mark, role) {
            (SYSTEM, DECLARE) if out.is_empty() => out.declare(tools_in_array(content, content_at)?),
            (SYSTEM, "system")
                if content == DEFAULT_SYSTEM && after.starts_with(AFTER_DEFAULT) && out.is_empty() => {}
            (SYSTEM, "system") => out.message(Message::system(content)),
            (SYSTEM, _) => result(content, content_at, &mut out)?,
            (USER, _) => out.message(Message::user(content)),
            // A conversation that waits for a reply ends with the prompt for it.
            _ if ended.is_none() && content.is_empty() => {}
            _ => out.reply(&KimiK2, content, ParseOptions::default()),
        }
        // One line break follows the template's own system message.
        at += usize::from(text[at..].starts_with(AFTER_DEFAULT));
    }
    Ok(out.finish())
}

fn result(content: &str, at: usize, out: &mut ConversationBuilder) -> Result<(), ConversationError> {
    let (id, text) = content
        .strip_prefix(RETURN_OF)
        .and_then(|rest| rest.split_once('\n'))
        .ok_or_else(|| ConversationError::new(at, format!("a result begins with `{RETURN_OF}` and an id")))?;
    out.result_of(CallId(id.to_owned()), vec![ContentBlock::Text { text: text.to_owned() }], false);
    Ok(())
}

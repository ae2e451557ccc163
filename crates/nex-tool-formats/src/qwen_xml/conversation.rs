//! Reading a whole conversation back.

use super::{QwenXml, declarations};
use crate::chatml::{self, Turn};
use crate::hermes::{RESPONSE_OPEN, conversation::results};
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

pub(super) fn parse(
    dialect: QwenXml,
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    for (index, turn) in chatml::turns(text).enumerate() {
        let Turn { role, content, at } = turn?;
        match role {
            "system" if index == 0 => {
                let (text, tools) = declarations::read(dialect, content, at, tools.is_none())?;
                out.declare(tools);
                if let Some(text) = text {
                    out.message(Message::system(text));
                }
            }
            "system" => out.message(Message::system(content)),
            "user" if content.starts_with(RESPONSE_OPEN) => results(content, at, &mut out)?,
            "user" => out.message(Message::user(content)),
            "assistant" => out.reply(&dialect, content, ParseOptions::default()),
            _ => {
                let message = format!("unknown role `{role}`; it is system, user or assistant");
                return Err(ConversationError::new(at, message));
            }
        }
    }
    Ok(out.finish())
}

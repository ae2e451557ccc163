//! Reading whole conversations back.

use super::{
    HEADER_CLOSE, HEADER_OPEN, LFM2_TEXT_START, LFM2_TOOLS_OPEN, LIST_CLOSE, LLAMA_4_TOOLS_OPEN, Pythonic,
    RESPONSE_CLOSE, RESPONSE_OPEN, TEXT_START, TURN_END,
};
use crate::chatml::{self, Turn};
use crate::declared::tools_in_array;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

pub(super) fn llama_4(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let mut at = if text.starts_with(TEXT_START) { TEXT_START.len() } else { 0 };
    while at < text.len() {
        let Some((role, content)) =
            text[at..].strip_prefix(HEADER_OPEN).and_then(|rest| rest.split_once(HEADER_CLOSE))
        else {
            let message = format!("a turn begins with {HEADER_OPEN}, its role and {HEADER_CLOSE}");
            return Err(ConversationError::new(at, message));
        };
        let content = content.strip_prefix("\n\n").unwrap_or(content);
        let content_at = text.len() - content.len();
        let length = content.find(TURN_END);
        let mark = if length.is_some() { TURN_END.len() } else { 0 };
        let content = &content[..length.unwrap_or(content.len())];
        let turn = Turn { role, content, at: content_at };
        at = content_at + content.len() + mark;
        match role {
            // A header alone is the prompt for a reply.
            "assistant" if mark == 0 && content.is_empty() => {}
            "ipython" | "tool" => {
                let text = serde_json::from_str::<String>(content).unwrap_or_else(|_| content.to_owned());
                result(&text, &turn, &mut out)?;
            }
            _ => message(Pythonic::LLAMA_4, &turn, &mut out)?,
        }
    }
    Ok(out.finish())
}

pub(super) fn lfm2(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let turns_at = if text.starts_with(LFM2_TEXT_START) { LFM2_TEXT_START.len() } else { 0 };
    for turn in chatml::turns(&text[turns_at..]) {
        let mut turn =
            turn.map_err(|error| ConversationError { offset_bytes: error.offset_bytes + turns_at, ..error })?;
        turn.at += turns_at;
        let is_prompt = turn.at == text.len() && turn.role == "assistant";
        match turn.role {
            "assistant" if is_prompt => {}
            "tool" => {
                let inside = turn.content.strip_prefix(RESPONSE_OPEN).unwrap_or(turn.content);
                result(inside.strip_suffix(RESPONSE_CLOSE).unwrap_or(inside), &turn, &mut out)?;
            }
            _ => message(Pythonic::LFM2, &turn, &mut out)?,
        }
    }
    Ok(out.finish())
}

fn message(
    format: Pythonic,
    turn: &Turn<'_>,
    out: &mut ConversationBuilder,
) -> Result<(), ConversationError> {
    match turn.role {
        "system" if out.is_empty() => {
            let (text, tools) = declarations(format, turn)?;
            out.declare(tools);
            if !text.is_empty() {
                out.message(Message::system(text));
            }
        }
        "system" => out.message(Message::system(turn.content)),
        "user" => out.message(Message::user(turn.content)),
        "assistant" => out.reply(&format, turn.content, ParseOptions::default()),
        role => {
            let message = format!("unknown role `{role}`; it is system, user, assistant or the tools'");
            return Err(ConversationError::new(turn.at, message));
        }
    }
    Ok(())
}

fn result(text: &str, turn: &Turn<'_>, out: &mut ConversationBuilder) -> Result<(), ConversationError> {
    if out.result(text, false) {
        return Ok(());
    }
    Err(ConversationError::new(turn.at, "a tool's result without a call before it"))
}

/// Takes the declarations out of the system message and gives the rest.
fn declarations<'a>(
    format: Pythonic,
    turn: &Turn<'a>,
) -> Result<(&'a str, Vec<ToolSpec>), ConversationError> {
    let open = format.either(LLAMA_4_TOOLS_OPEN, LFM2_TOOLS_OPEN);
    let Some((text, list)) = turn.content.split_once(open) else { return Ok((turn.content, Vec::new())) };
    let list = match format.either(false, true) {
        true => format!("[{}", list.strip_suffix(LIST_CLOSE).unwrap_or(list)),
        false => list.to_owned(),
    };
    let tools = tools_in_array(&list, turn.at + text.len() + open.len())?;
    Ok((text.strip_suffix('\n').unwrap_or(text), tools))
}

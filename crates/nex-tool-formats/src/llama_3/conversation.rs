//! Reading a whole conversation back.

use super::{
    DATES_CLOSE, DATES_OPEN, ENVIRONMENT, HEADER_CLOSE, HEADER_OPEN, Llama3, MESSAGE_END, TEXT_START,
    TOOLS_OPEN, TURN_END,
};
use crate::declared::Declared;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

pub(super) fn parse(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let mut at = if text.starts_with(TEXT_START) { TEXT_START.len() } else { 0 };
    let (mut is_first, mut declares) = (true, false);
    while at < text.len() {
        let fail = |message: String| Err(ConversationError::new(at, message));
        let Some((role, content)) =
            text[at..].strip_prefix(HEADER_OPEN).and_then(|rest| rest.split_once(HEADER_CLOSE))
        else {
            return fail(format!("a turn begins with {HEADER_OPEN}, its role and {HEADER_CLOSE}"));
        };
        let content = content.strip_prefix("\n\n").unwrap_or(content);
        let content_at = text.len() - content.len();
        let end = [TURN_END, MESSAGE_END].iter().filter_map(|mark| Some((content.find(mark)?, mark.len())));
        let (length, mark) = end.min().unwrap_or((content.len(), 0));
        let content = &content[..length];
        match role {
            "system" if is_first => {
                let (has_tools, instructions) = instructions(content);
                declares = has_tools;
                // The template has this turn even where the conversation has no system message.
                if !instructions.is_empty() {
                    out.message(Message::system(instructions));
                }
            }
            "system" => out.message(Message::system(content)),
            "user" if declares => {
                declares = false;
                let (text, tools) = declarations(content);
                out.declare(tools);
                out.message(Message::user(text));
            }
            "user" => out.message(Message::user(content)),
            // A header alone is the prompt for a reply.
            "assistant" if mark == 0 && content.is_empty() => {}
            "assistant" => out.reply(&Llama3, content, ParseOptions::default()),
            "ipython" | "tool" => {
                let text = serde_json::from_str::<String>(content).unwrap_or_else(|_| content.to_owned());
                if !out.result(&text, false) {
                    return fail("a tool's result without a call before it".to_owned());
                }
            }
            _ => return fail(format!("unknown role `{role}`; it is system, user, assistant or ipython")),
        }
        is_first = false;
        at = content_at + length + mark;
    }
    Ok(out.finish())
}

/// Whether tools are to follow, and the instructions without what the template puts before them.
fn instructions(content: &str) -> (bool, &str) {
    let (has_tools, rest) = match content.strip_prefix(ENVIRONMENT) {
        Some(rest) => (true, rest),
        None => (false, content),
    };
    match rest.strip_prefix(DATES_OPEN).and_then(|rest| rest.split_once(DATES_CLOSE)) {
        Some((_, instructions)) => (has_tools, instructions),
        None => (false, content),
    }
}

/// The user's words behind the declarations, and the tools.
pub(super) fn declarations(content: &str) -> (&str, Vec<ToolSpec>) {
    let mut tools = Vec::new();
    let Some(mut rest) = content.strip_prefix(TOOLS_OPEN) else { return (content, tools) };
    loop {
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Declared>();
        let Some(Ok(tool)) = values.next() else { break };
        let Some(after) = rest[values.byte_offset()..].strip_prefix("\n\n") else { break };
        let Ok(tool) = tool.spec() else { break };
        tools.push(tool);
        rest = after;
    }
    (rest, tools)
}

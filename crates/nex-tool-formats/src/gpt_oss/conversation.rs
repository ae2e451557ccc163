//! Reading a whole conversation back.

use super::header::Header;
use super::{
    CALL, END, GptOss, INSTRUCTIONS_OPEN, MESSAGE, RETURN, START, TOOLS_CLOSE, TOOLS_OPEN, typescript,
};
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

/// A message of the text.
struct Part<'a> {
    header: Header<'a>,
    content: &'a str,
    /// Behind `<|start|>` and the role of the header.
    words_at: usize,
    /// Behind the mark that ends it.
    end: usize,
}

pub(super) fn parse(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let mut at = 0;
    while at < text.len() {
        let Some(part) = part(text, at)? else { break };
        match part.header.role {
            // The template's own message; what follows it with that role is the conversation's.
            "system" if at == 0 => {}
            "developer" if out.is_empty() => {
                let (instructions, tools) = declarations(part.content);
                out.declare(tools);
                if !instructions.is_empty() {
                    out.message(Message::system(instructions));
                }
            }
            "system" | "developer" => out.message(Message::system(part.content)),
            "user" => out.message(Message::user(part.content)),
            "assistant" => {
                at = reply(text, part, &mut out)?;
                continue;
            }
            _ => {
                let content = part.content;
                let text = serde_json::from_str::<String>(content).unwrap_or_else(|_| content.to_owned());
                if !out.result(&text, false) {
                    let message = format!("a message of `{}` without a call before it", part.header.role);
                    return Err(ConversationError::new(at, message));
                }
            }
        }
        at = part.end;
    }
    Ok(out.finish())
}

/// Reads the reply that begins with `part`, and says where it ends: behind an answer, or where
/// somebody else speaks.
fn reply<'a>(
    text: &'a str,
    mut part: Part<'a>,
    out: &mut ConversationBuilder,
) -> Result<usize, ConversationError> {
    let start = part.words_at;
    while part.header.channel != Some("final") && part.end < text.len() {
        let is_models =
            text[part.end..].strip_prefix(START).is_some_and(|rest| rest.starts_with("assistant"));
        match self::part(text, part.end)? {
            Some(next) if is_models => part = next,
            _ => break,
        }
    }
    out.reply(&GptOss, &text[start..part.end], ParseOptions::default());
    Ok(part.end)
}

/// The message at `at`; none if only the prompt for a reply stands there.
fn part(text: &str, at: usize) -> Result<Option<Part<'_>>, ConversationError> {
    let Some(rest) = text[at..].strip_prefix(START) else {
        return Err(ConversationError::new(at, format!("a message begins with {START}")));
    };
    let Some((words, content)) = rest.split_once(MESSAGE) else {
        if rest == "assistant" {
            return Ok(None);
        }
        return Err(ConversationError::new(at, format!("a message has {MESSAGE} behind its header")));
    };
    let header = Header::read(words);
    let content_at = text.len() - content.len();
    // Where a message was cut off, the next one ends it.
    let marks = [END, CALL, RETURN].map(|mark| (content.find(mark), mark.len()));
    let ends = marks.into_iter().filter_map(|(at, length)| Some((at?, length)));
    let (length, mark) =
        ends.chain(content.find(START).map(|at| (at, 0))).min().unwrap_or((content.len(), 0));
    Ok(Some(Part {
        words_at: at + START.len() + if words.starts_with(header.role) { header.role.len() } else { 0 },
        header,
        content: &content[..length],
        end: content_at + length + mark,
    }))
}

/// Instructions and tools of the developer message.
fn declarations(content: &str) -> (&str, Vec<ToolSpec>) {
    let (instructions, tools) = match content.split_once(TOOLS_OPEN) {
        Some((instructions, namespace)) => {
            let namespace = namespace.strip_suffix(TOOLS_CLOSE).unwrap_or(namespace);
            (instructions, typescript::read(namespace))
        }
        None => (content, Vec::new()),
    };
    let instructions = instructions.strip_prefix(INSTRUCTIONS_OPEN).unwrap_or(instructions);
    (instructions.strip_suffix("\n\n").unwrap_or(instructions), tools)
}

//! Reading a whole conversation back.

use super::{
    DEFAULT_SYSTEM, Hermes, RESPONSE_CLOSE, RESPONSE_OPEN, TOOLS_CLOSE, TOOLS_OPEN, TURN_END, TURN_START,
};
use crate::sample::Pairing;
use crate::{Conversation, ConversationError, ToolCallFormat};
use nex_trajectory::{CallId, ContentBlock, Message, Role, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::Value;

pub(super) fn parse(text: &str) -> Result<Conversation, ConversationError> {
    let mut reader = Reader::default();
    let mut at = 0;
    while at < text.len() {
        let Some(rest) = text[at..].strip_prefix(TURN_START) else {
            return Err(error(at, format!("a turn begins with {TURN_START}")));
        };
        at += TURN_START.len();
        let (role, _) =
            rest.split_once('\n').ok_or_else(|| error(at, format!("{TURN_START} is followed by a role")))?;
        let content_at = at + role.len() + 1;
        let content = &text[content_at..];
        // A conversation that waits for a reply, or was cut, has no end of its last turn.
        let length = content.find(TURN_END).unwrap_or(content.len());
        reader.turn(role, &content[..length], content_at)?;
        at = (content_at + length + TURN_END.len()).min(text.len());
        if text[at..].starts_with('\n') {
            at += 1;
        }
    }
    Ok(reader.conversation)
}

fn error(offset_bytes: usize, message: String) -> ConversationError {
    ConversationError { offset_bytes, message }
}

#[derive(Default)]
struct Reader {
    conversation: Conversation,
    pairing: Pairing,
    calls_made: usize,
}

impl Reader {
    fn turn(&mut self, role: &str, content: &str, at: usize) -> Result<(), ConversationError> {
        let message = match role {
            "system" if self.conversation.messages.is_empty() => {
                let text = self.declarations(content, at)?;
                // The template puts its own system message where the conversation has none.
                if text == DEFAULT_SYSTEM {
                    return Ok(());
                }
                Message::system(text)
            }
            "system" => Message::system(content),
            "user" if content.starts_with(RESPONSE_OPEN) => self.results(content, at)?,
            "user" => Message::user(content),
            "assistant" => {
                let calls_made = &mut self.calls_made;
                let message = Hermes.parse(content).into_message(|| {
                    *calls_made += 1;
                    CallId(format!("call_{}", *calls_made - 1))
                });
                self.pairing.calls(message.calls().map(|call| &call.id));
                message
            }
            _ => return Err(error(at, format!("unknown role `{role}`; it is system, user or assistant"))),
        };
        self.conversation.messages.push(message);
        Ok(())
    }

    /// Takes the declarations out of the system message and gives the rest.
    fn declarations<'a>(&mut self, content: &'a str, at: usize) -> Result<&'a str, ConversationError> {
        let Some((text, declared)) = content.split_once(TOOLS_OPEN) else { return Ok(content) };
        let lines_at = at + text.len() + TOOLS_OPEN.len();
        let lines = declared
            .strip_suffix(TOOLS_CLOSE)
            .ok_or_else(|| error(lines_at, "the tool declarations do not end as they should".to_owned()))?;
        for line in lines.lines().filter(|line| !line.is_empty()) {
            let Declaration { function } = serde_json::from_str(line).map_err(|cause| {
                error(lines_at, format!("a tool declaration cannot be read: {cause}: {line}"))
            })?;
            let Function { name, description, parameters } = function;
            self.conversation.tools.push(ToolSpec { name, description, input_schema: parameters });
        }
        Ok(text)
    }

    fn results(&mut self, content: &str, at: usize) -> Result<Message, ConversationError> {
        let mut results = Vec::new();
        let mut rest = content;
        while !rest.is_empty() {
            let here = at + content.len() - rest.len();
            let inside = rest
                .strip_prefix(RESPONSE_OPEN)
                .ok_or_else(|| error(here, "text between tool responses".to_owned()))?;
            let (text, after) = inside
                .split_once(RESPONSE_CLOSE)
                .ok_or_else(|| error(here, "a tool response is not closed".to_owned()))?;
            let call_id = self
                .pairing
                .next()
                .cloned()
                .ok_or_else(|| error(here, "a tool response without a call before it".to_owned()))?;
            let calls = self.conversation.messages.iter().rev().flat_map(Message::calls);
            let name = calls.filter(|call| call.id == call_id).map(|call| call.name.clone()).next();
            results.push(ToolResult {
                call_id,
                name: name.unwrap_or_default(),
                content: vec![ContentBlock::Text { text: text.to_owned() }],
                is_error: false,
            });
            rest = after.strip_prefix('\n').unwrap_or(after);
        }
        Ok(Message { role: Role::Tool, content: results.into_iter().map(ContentBlock::ToolResult).collect() })
    }
}

#[derive(Deserialize)]
struct Declaration {
    function: Function,
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: String,
    parameters: Value,
}

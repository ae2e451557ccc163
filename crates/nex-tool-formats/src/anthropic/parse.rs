//! Reading messages: one reply, or a whole document.

use super::wire::{Blocks, NoMessage, WireMessage, block_of, blocks_of};
use crate::builder::ReplyBuilder;
use crate::document::whole_objects;
use crate::{Conversation, ConversationError};
use nex_trajectory::{Arguments, CallId, ContentBlock, DefectKind, Message, Role, ToolCall, ToolSpec};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct WireDocument<'a> {
    #[serde(borrow)]
    system: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    #[serde(default)]
    tools: Vec<WireTool>,
}

#[derive(Deserialize)]
struct WireTool {
    name: String,
    #[serde(default)]
    description: String,
    input_schema: Value,
}

/// One assistant message.
pub(super) fn reply(text: &str, out: &mut ReplyBuilder) {
    if text.is_empty() {
        return;
    }
    match WireMessage::read(text) {
        Ok(message) => push_blocks(text, message.blocks, out),
        Err(NoMessage { kind, message }) => {
            out.defect(kind, 0, format!("not an assistant message: {message}"));
            push_broken(text, out);
        }
    }
}

/// The blocks that are whole in a message that is not; the rest stays text, so that the record has
/// it.
fn push_broken(text: &str, out: &mut ReplyBuilder) {
    let mut at = 0;
    for span in whole_objects(text, 0, &BLOCKS) {
        let between = &text[at..span.start];
        if at > 0 && !between.trim_matches([',', ' ', '\n']).is_empty() {
            out.unread_call(between);
        }
        at = span.end;
        let source = &text[span];
        push_blocks(text, vec![(source, block_of(source))], out);
    }
    if !text[at..].trim().is_empty() {
        out.unread_call(&text[at..]);
    }
}

/// How a block begins, as servers and we write it.
const BLOCKS: [&str; 6] = [
    "{\"type\":\"text\"",
    "{\"type\": \"text\"",
    "{\"type\":\"thinking\"",
    "{\"type\": \"thinking\"",
    "{\"type\":\"tool_use\"",
    "{\"type\": \"tool_use\"",
];

fn push_blocks(text: &str, blocks: Blocks<'_>, out: &mut ReplyBuilder) {
    let mut last = None;
    for (source, block) in blocks {
        let start = source.as_ptr() as usize - text.as_ptr() as usize;
        let before = if last == kind_of(&block) { "\n" } else { "" };
        last = kind_of(&block);
        match block {
            Ok(ContentBlock::Text { text }) if !text.is_empty() => {
                out.text(before, start);
                out.text(&text, start);
            }
            Ok(ContentBlock::Reasoning { text, .. }) if !text.is_empty() => {
                out.reasoning(before);
                out.reasoning(&text);
            }
            Ok(ContentBlock::Text { .. } | ContentBlock::Reasoning { .. }) => {}
            Ok(ContentBlock::ToolCall(ToolCall { id, name, arguments: Arguments(arguments) })) => {
                if !arguments.starts_with('{') {
                    out.defect(DefectKind::MalformedCall, start, "`input` is not an object");
                }
                let id = Some(id).filter(|id| !id.as_str().is_empty());
                if id.is_none() {
                    out.defect(DefectKind::MalformedCall, start, "the call has no `id`");
                }
                out.call(id, name, arguments, start..start + source.len());
            }
            Ok(ContentBlock::ToolResult(_) | ContentBlock::Image(_)) => {
                let message = "an assistant message holds text, reasoning and calls only";
                out.defect(DefectKind::MalformedCall, start, message);
                out.unread_call(source);
            }
            Err(cause) => {
                out.defect(DefectKind::MalformedCall, start, cause);
                out.unread_call(source);
            }
        }
    }
}

/// Which blocks join their neighbours: texts, and reasoning.
fn kind_of(block: &Result<ContentBlock, String>) -> Option<bool> {
    match block {
        Ok(ContentBlock::Text { text }) if !text.is_empty() => Some(true),
        Ok(ContentBlock::Reasoning { text, .. }) if !text.is_empty() => Some(false),
        _ => None,
    }
}

/// A whole document.
pub(super) fn conversation(
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let document: WireDocument<'_> = serde_json::from_str(text).map_err(|cause| {
        let at = offset_of(text, &cause);
        ConversationError::new(at, format!("not a document of `system`, `messages` and `tools`: {cause}"))
    })?;
    let place = |raw: &RawValue| raw.get().as_ptr() as usize - text.as_ptr() as usize;
    let mut reader = Reader::default();
    if let Some(system) = document.system {
        let message = blocks_of(system.get()).and_then(system_message);
        reader.messages.push(message.map_err(|message| ConversationError::new(place(system), message))?);
    }
    for raw in document.messages {
        reader.message(raw.get()).map_err(|message| ConversationError::new(place(raw), message))?;
    }
    let declared = document.tools.into_iter().map(|WireTool { name, description, input_schema }| ToolSpec {
        name,
        description,
        input_schema,
    });
    let tools = tools.map_or_else(|| declared.collect(), <[ToolSpec]>::to_vec);
    Ok(Conversation { tools, messages: reader.messages })
}

fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (line_start + error.column().saturating_sub(1)).min(text.len())
}

#[derive(Default)]
struct Reader {
    messages: Vec<Message>,
    tool_names: HashMap<CallId, String>,
    calls_made: usize,
}

impl Reader {
    fn message(&mut self, source: &str) -> Result<(), String> {
        let message = WireMessage::read(source)
            .map_err(|NoMessage { message, .. }| format!("not a message: {message}"))?;
        match &*message.role {
            "user" => self.user(message.blocks),
            "assistant" => {
                self.assistant(message.blocks);
                Ok(())
            }
            "system" => {
                let message = system_message(message.blocks)?;
                self.messages.push(message);
                Ok(())
            }
            other => Err(format!("unknown role `{other}`; it is user or assistant")),
        }
    }

    fn assistant(&mut self, content: Blocks<'_>) {
        let mut blocks = Vec::new();
        for (source, block) in content {
            match block {
                Ok(ContentBlock::Text { text }) if text.is_empty() => {}
                Ok(ContentBlock::ToolCall(mut call)) => {
                    if call.id.as_str().is_empty() {
                        call.id = CallId(format!("call_{}", self.calls_made));
                    }
                    self.calls_made += 1;
                    self.tool_names.insert(call.id.clone(), call.name.clone());
                    blocks.push(ContentBlock::ToolCall(call));
                }
                Ok(block @ (ContentBlock::Text { .. } | ContentBlock::Reasoning { .. })) => {
                    blocks.push(block);
                }
                // As in a reply: what is wrong stays text.
                _ => blocks.push(ContentBlock::Text { text: source.to_owned() }),
            }
        }
        self.messages.push(Message { role: Role::Assistant, content: blocks });
    }

    /// A user turn: results are a tool message, what stands beside them is the user's.
    fn user(&mut self, content: Blocks<'_>) -> Result<(), String> {
        let (mut results, mut said) = (Vec::new(), Vec::new());
        for (_, block) in content {
            match block? {
                ContentBlock::ToolResult(mut result) => {
                    result.name = self.tool_names.get(&result.call_id).cloned().unwrap_or_default();
                    results.push(result);
                }
                ContentBlock::Text { text } if text.is_empty() => {}
                block @ (ContentBlock::Text { .. } | ContentBlock::Image(_)) => said.push(block),
                _ => return Err("a user turn holds text, pictures and results only".to_owned()),
            }
        }
        let has_results = !results.is_empty();
        if has_results {
            self.messages.push(Message::tool(results));
        }
        if !said.is_empty() || !has_results {
            self.messages.push(Message { role: Role::User, content: said });
        }
        Ok(())
    }
}

fn system_message(blocks: Blocks<'_>) -> Result<Message, String> {
    let content = blocks.into_iter().map(|(_, block)| match block? {
        block @ ContentBlock::Text { .. } => Ok(block),
        _ => Err("only text has a place here".to_owned()),
    });
    let mut content = content.collect::<Result<Vec<_>, String>>()?;
    if matches!(content.as_slice(), [ContentBlock::Text { text }] if text.is_empty()) {
        content.clear();
    }
    Ok(Message { role: Role::System, content })
}

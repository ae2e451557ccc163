//! Reading messages: one reply, or a whole document.
//!
//! Every level is taken apart on its own, so that one wrong block does not lose the others, and the
//! text of a call's `input` is kept.

use crate::builder::ReplyBuilder;
use crate::document::whole_objects;
use crate::{Conversation, ConversationError};
use nex_trajectory::{
    Arguments, CallId, ContentBlock, DefectKind, ImageSource, Message, Role, ToolCall, ToolResult, ToolSpec,
};
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

#[derive(Deserialize)]
#[serde(expecting = "an object with a `role`")]
struct WireMessage<'a> {
    role: String,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
}

/// Any block; which of these it has follows from its type.
#[derive(Deserialize)]
#[serde(expecting = "an object with a `type`")]
struct WireBlock<'a> {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<CallId>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    tool_use_id: Option<CallId>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    is_error: Option<bool>,
    source: Option<WireImage>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireImage {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

/// One assistant message.
pub(super) fn reply(text: &str, out: &mut ReplyBuilder) {
    if text.is_empty() {
        return;
    }
    let blocks = serde_json::from_str::<WireMessage<'_>>(text).and_then(|message| blocks_of(message.content));
    match blocks {
        Ok(blocks) => push_blocks(text, blocks, out),
        Err(error) => {
            let kind = if error.is_data() { DefectKind::MalformedCall } else { DefectKind::InvalidJson };
            out.defect(kind, 0, format!("not an assistant message: {error}"));
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
        let block = serde_json::from_str(&text[span.clone()]);
        let block = block.map_err(|cause| format!("not a content block: {cause}"));
        push_blocks(text, vec![(&text[span], block)], out);
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
        let block = block.and_then(content_block);
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

type Blocks<'a> = Vec<(&'a str, Result<WireBlock<'a>, String>)>;

/// The blocks of a message or a result with their source; a string is one text block.
fn blocks_of<'a>(content: Option<&'a RawValue>) -> Result<Blocks<'a>, serde_json::Error> {
    let Some(content) = content else { return Ok(Vec::new()) };
    if content.get().starts_with('"') {
        let text: String = serde_json::from_str(content.get())?;
        return Ok(vec![(content.get(), Ok(WireBlock::of_text(text)))]);
    }
    let blocks: Vec<&RawValue> = serde_json::from_str(content.get())?;
    let read = |source: &'a RawValue| {
        let block = serde_json::from_str(source.get());
        (source.get(), block.map_err(|cause| format!("not a content block: {cause}")))
    };
    Ok(blocks.into_iter().map(read).collect())
}

impl WireBlock<'_> {
    fn of_text(text: String) -> Self {
        Self {
            kind: "text".to_owned(),
            text: Some(text),
            thinking: None,
            signature: None,
            data: None,
            id: None,
            name: None,
            input: None,
            tool_use_id: None,
            content: None,
            is_error: None,
            source: None,
        }
    }
}

/// A block as the trajectory has it.
fn content_block(block: WireBlock<'_>) -> Result<ContentBlock, String> {
    let missing = |key: &str| format!("a `{}` block has no `{key}`", block.kind);
    match block.kind.as_str() {
        "text" => Ok(ContentBlock::Text { text: block.text.ok_or_else(|| missing("text"))? }),
        "thinking" => Ok(ContentBlock::Reasoning {
            text: block.thinking.ok_or_else(|| missing("thinking"))?,
            signature: block.signature.filter(|signature| !signature.is_empty()),
        }),
        "redacted_thinking" => {
            let data = block.data.ok_or_else(|| missing("data"))?;
            Ok(ContentBlock::Reasoning { text: String::new(), signature: Some(data) })
        }
        "image" => Ok(ContentBlock::Image(match block.source.ok_or_else(|| missing("source"))? {
            WireImage::Base64 { media_type, data } => ImageSource::Base64 { media_type, data },
            WireImage::Url { url } => ImageSource::Url { url },
        })),
        "tool_use" => {
            let name = block.name.ok_or_else(|| missing("name"))?;
            let input = block.input.map_or("", RawValue::get).to_owned();
            let id = block.id.unwrap_or_else(|| CallId(String::new()));
            Ok(ContentBlock::ToolCall(ToolCall { id, name, arguments: Arguments(input) }))
        }
        "tool_result" => {
            let call_id = block.tool_use_id.ok_or_else(|| missing("tool_use_id"))?;
            let content = blocks_of(block.content)
                .map_err(|cause| format!("the content of a result is neither text nor blocks: {cause}"))?;
            let content = content.into_iter().map(|(_, block)| match block.and_then(content_block)? {
                block @ (ContentBlock::Text { .. } | ContentBlock::Image(_)) => Ok(block),
                _ => Err("a result holds text and pictures only".to_owned()),
            });
            Ok(ContentBlock::ToolResult(ToolResult {
                call_id,
                name: String::new(),
                content: content.collect::<Result<_, _>>()?,
                is_error: block.is_error.unwrap_or(false),
            }))
        }
        other => Err(format!("a block of type `{other}` has no place in a trajectory")),
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
        let message = reader.plain(Role::System, Some(system));
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
        let message: WireMessage<'_> =
            serde_json::from_str(source).map_err(|cause| format!("not a message: {cause}"))?;
        match message.role.as_str() {
            "user" => self.user(message.content),
            "assistant" => self.assistant(message.content),
            "system" => {
                let message = self.plain(Role::System, message.content)?;
                self.messages.push(message);
                Ok(())
            }
            other => Err(format!("unknown role `{other}`; it is user or assistant")),
        }
    }

    fn plain(&self, role: Role, content: Option<&RawValue>) -> Result<Message, String> {
        let content = known_blocks(content)?.into_iter().map(|(_, block)| match block? {
            block @ ContentBlock::Text { .. } => Ok(block),
            block @ ContentBlock::Image(_) if role == Role::User => Ok(block),
            _ => Err("only text and pictures have a place here".to_owned()),
        });
        let mut content = content.collect::<Result<Vec<_>, String>>()?;
        if matches!(content.as_slice(), [ContentBlock::Text { text }] if text.is_empty()) {
            content.clear();
        }
        Ok(Message { role, content })
    }

    fn assistant(&mut self, content: Option<&RawValue>) -> Result<(), String> {
        let mut blocks = Vec::new();
        for (source, block) in known_blocks(content)? {
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
        Ok(())
    }

    /// A user turn: results are a tool message, what stands beside them is the user's.
    fn user(&mut self, content: Option<&RawValue>) -> Result<(), String> {
        let (mut results, mut said) = (Vec::new(), Vec::new());
        for (_, block) in known_blocks(content)? {
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

type KnownBlocks<'a> = Vec<(&'a str, Result<ContentBlock, String>)>;

fn known_blocks(content: Option<&RawValue>) -> Result<KnownBlocks<'_>, String> {
    let blocks =
        blocks_of(content).map_err(|cause| format!("`content` is neither text nor blocks: {cause}"))?;
    Ok(blocks.into_iter().map(|(source, block)| (source, block.and_then(content_block))).collect())
}

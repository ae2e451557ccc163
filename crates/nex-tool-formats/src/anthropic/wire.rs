//! Messages and blocks as they stand in JSON, found in one pass over their text.
//!
//! Every block is judged on its own, so that one wrong block does not lose the others, and the text
//! of a call's `input` is kept.

use crate::json::{self, JsonScan, Member, Step};
use nex_trajectory::{Arguments, CallId, ContentBlock, DefectKind, ImageSource, ToolCall, ToolResult};
use serde::Deserialize;
use std::borrow::Cow;

/// A message: who speaks, and its blocks.
#[derive(Debug)]
pub(super) struct WireMessage<'a> {
    pub(super) role: Cow<'a, str>,
    pub(super) blocks: Blocks<'a>,
}

/// Blocks, each with its source; a text that stands for one has that as its source.
pub(super) type Blocks<'a> = Vec<(&'a str, Result<ContentBlock, String>)>;

/// Why a text is no message.
#[derive(Debug)]
pub(super) struct NoMessage {
    pub(super) kind: DefectKind,
    pub(super) message: String,
}

impl NoMessage {
    fn shape(message: impl Into<String>) -> Self {
        Self { kind: DefectKind::MalformedCall, message: message.into() }
    }
}

/// Levels of a message: its members, the blocks of `content`, their members.
const LEVELS: usize = 3;

impl<'a> WireMessage<'a> {
    /// # Errors
    /// `text` is no object with a `role`, or its `content` is neither text nor a list.
    pub(super) fn read(text: &'a str) -> Result<Self, NoMessage> {
        let members = members(text, LEVELS)?;
        if !text.trim_start().starts_with('{') {
            return Err(NoMessage::shape("it is no object"));
        }
        let (mut role, mut content) = (None, None);
        let mut blocks = BlockReader::new(text);
        for member in members {
            let value = &text[member.value.clone()];
            match member.level {
                3 => blocks.member(&member),
                2 => blocks.end(value),
                _ => {
                    let found = blocks.take();
                    match text[member.key].trim_matches('"') {
                        "role" => role = json::unescape(value),
                        "content" => content = Some((value, found)),
                        _ => {}
                    }
                }
            }
        }
        let role = role.ok_or_else(|| NoMessage::shape("it has no `role`"))?;
        let blocks = match content {
            None => Vec::new(),
            Some((value, found)) => content_of(value, found).map_err(NoMessage::shape)?,
        };
        Ok(Self { role, blocks })
    }
}

/// The blocks that `json`, a list or a text, holds.
///
/// # Errors
/// It is neither.
pub(super) fn blocks_of(json: &str) -> Result<Blocks<'_>, String> {
    let mut blocks = BlockReader::new(json);
    for member in members(json, LEVELS - 1).map_err(|cause| cause.message)? {
        match member.level {
            2 => blocks.member(&member),
            _ => blocks.end(&json[member.value]),
        }
    }
    let found = blocks.take();
    content_of(json, found)
}

/// The one block that `json` is.
///
/// # Errors
/// It is none.
pub(super) fn block_of(json: &str) -> Result<ContentBlock, String> {
    let mut blocks = BlockReader::new(json);
    for member in members(json, 1).map_err(|cause| cause.message)? {
        blocks.member(&member);
    }
    blocks.end(json);
    blocks.take().pop().map_or_else(|| Err("there is none".to_owned()), |(_, block)| block)
}

fn members(text: &str, levels: usize) -> Result<Vec<Member>, NoMessage> {
    let mut scan = JsonScan::recording(levels);
    let mut at = 0;
    let step = match scan.feed(text.as_bytes(), &mut at) {
        Step::More => scan.finish(text.len()),
        step => step,
    };
    match step {
        Step::Done(end) if text[end..].trim().is_empty() => Ok(scan.members),
        _ => Err(NoMessage { kind: DefectKind::InvalidJson, message: json::error(text) }),
    }
}

fn content_of<'a>(value: &'a str, found: Blocks<'a>) -> Result<Blocks<'a>, String> {
    match value.as_bytes().first() {
        Some(b'[') => Ok(found),
        Some(b'"') => {
            let text = json::unescape(value).ok_or("its `content` holds half of a surrogate pair")?;
            Ok(vec![(value, Ok(ContentBlock::Text { text: text.into_owned() }))])
        }
        Some(b'n') => Ok(Vec::new()),
        _ => Err("its `content` is neither text nor a list of blocks".to_owned()),
    }
}

/// Makes blocks of their members, which come before the block that they belong to.
struct BlockReader<'a> {
    text: &'a str,
    under_way: WireBlock<'a>,
    blocks: Blocks<'a>,
}

/// Any block: the JSON of what it may have. Which of these counts follows from its type.
#[derive(Debug, Default)]
struct WireBlock<'a> {
    kind: Option<&'a str>,
    text: Option<&'a str>,
    thinking: Option<&'a str>,
    signature: Option<&'a str>,
    data: Option<&'a str>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    input: Option<&'a str>,
    tool_use_id: Option<&'a str>,
    content: Option<&'a str>,
    is_error: Option<&'a str>,
    source: Option<&'a str>,
}

impl<'a> BlockReader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, under_way: WireBlock::default(), blocks: Vec::new() }
    }

    fn member(&mut self, member: &Member) {
        let block = &mut self.under_way;
        let place = match self.text[member.key.clone()].trim_matches('"') {
            "type" => &mut block.kind,
            "text" => &mut block.text,
            "thinking" => &mut block.thinking,
            "signature" => &mut block.signature,
            "data" => &mut block.data,
            "id" => &mut block.id,
            "name" => &mut block.name,
            "input" => &mut block.input,
            "tool_use_id" => &mut block.tool_use_id,
            "content" => &mut block.content,
            "is_error" => &mut block.is_error,
            "source" => &mut block.source,
            _ => return,
        };
        *place = Some(&self.text[member.value.clone()]).filter(|value| *value != "null");
    }

    /// The block under way is over; `source` is all of it.
    fn end(&mut self, source: &'a str) {
        let block = std::mem::take(&mut self.under_way);
        let block = if source.starts_with('{') { block.content_block() } else { Err(NO_BLOCK.to_owned()) };
        self.blocks.push((source, block));
    }

    fn take(&mut self) -> Blocks<'a> {
        self.under_way = WireBlock::default();
        std::mem::take(&mut self.blocks)
    }
}

const NO_BLOCK: &str = "not a content block: it is no object with a `type`";

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireImage {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

impl WireBlock<'_> {
    /// The block as the trajectory has it.
    fn content_block(self) -> Result<ContentBlock, String> {
        let kind = self.kind.and_then(json::unescape).ok_or_else(|| NO_BLOCK.to_owned())?;
        let optional = |key: &str, value: Option<&str>| match value {
            None => Ok(None),
            Some(value) => match json::unescape(value) {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(format!("the `{key}` of a `{kind}` block is no text")),
            },
        };
        let missing = |key: &str| format!("a `{kind}` block has no `{key}`");
        let needed = |key: &str, value| optional(key, value)?.ok_or_else(|| missing(key));
        match &*kind {
            "text" => Ok(ContentBlock::Text { text: needed("text", self.text)? }),
            "thinking" => Ok(ContentBlock::Reasoning {
                text: needed("thinking", self.thinking)?,
                signature: optional("signature", self.signature)?.filter(|signature| !signature.is_empty()),
            }),
            "redacted_thinking" => {
                let data = needed("data", self.data)?;
                Ok(ContentBlock::Reasoning { text: String::new(), signature: Some(data) })
            }
            "image" => {
                let source = self.source.ok_or_else(|| missing("source"))?;
                let source = serde_json::from_str(source)
                    .map_err(|cause| format!("the `source` of an `image` block cannot be read: {cause}"))?;
                Ok(ContentBlock::Image(match source {
                    WireImage::Base64 { media_type, data } => ImageSource::Base64 { media_type, data },
                    WireImage::Url { url } => ImageSource::Url { url },
                }))
            }
            "tool_use" => Ok(ContentBlock::ToolCall(ToolCall {
                id: CallId(optional("id", self.id)?.unwrap_or_default()),
                name: needed("name", self.name)?,
                arguments: Arguments(self.input.unwrap_or_default().to_owned()),
            })),
            "tool_result" => {
                let call_id = CallId(needed("tool_use_id", self.tool_use_id)?);
                let content = blocks_of(self.content.unwrap_or("null")).map_err(|cause| {
                    format!("the content of a result is neither text nor blocks: {cause}")
                })?;
                let content = content.into_iter().map(|(_, block)| match block? {
                    block @ (ContentBlock::Text { .. } | ContentBlock::Image(_)) => Ok(block),
                    _ => Err("a result holds text and pictures only".to_owned()),
                });
                Ok(ContentBlock::ToolResult(ToolResult {
                    call_id,
                    name: String::new(),
                    content: content.collect::<Result<_, _>>()?,
                    is_error: self.is_error == Some("true"),
                }))
            }
            other => Err(format!("a block of type `{other}` has no place in a trajectory")),
        }
    }
}

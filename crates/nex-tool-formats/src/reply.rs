//! What a parser makes of one reply, whole or as it arrives.

use nex_trajectory::{Arguments, CallId, ContentBlock, Defect, DefectKind, Message, Role, ToolCall};
use std::borrow::Cow;
use std::ops::Range;

/// One reply, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedReply {
    /// What it says, in order. Text that could not be read as a call stays text, so nothing is lost;
    /// no two texts and no two reasonings are neighbours, and none is empty.
    pub blocks: Vec<ReplyBlock>,
    /// What was wrong, with offsets into the reply (decoded, where it was not UTF-8).
    pub defects: Vec<Defect>,
    /// What was mended, where [`crate::ParseOptions::repair`] asked for it.
    pub repairs: Vec<Repair>,
}

/// One piece of a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplyBlock {
    /// Reasoning, without its tags.
    Reasoning(String),
    /// Text.
    Text(String),
    /// A call.
    Call(ParsedCall),
}

/// One call in a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedCall {
    /// Its id, in formats that have one.
    pub id: Option<CallId>,
    /// The tool's name.
    pub name: String,
    /// The arguments: to the byte in formats that write them as JSON.
    pub arguments: Arguments,
    /// Where the call stands in the reply, tags included.
    pub span: Range<usize>,
}

/// Something that was mended so that a call could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repair {
    /// The defect that was there; it is among the reply's defects too.
    pub kind: DefectKind,
    /// Where, in bytes into the reply.
    pub offset_bytes: usize,
    /// What was done.
    pub message: String,
}

/// What is new in a reply that is arriving. All deltas of a reply, neighbours of one kind joined,
/// are its blocks.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplyDelta {
    /// More reasoning.
    Reasoning(String),
    /// More text.
    Text(String),
    /// A call that is complete.
    Call(ParsedCall),
}

impl ParsedReply {
    /// All reasoning, pieces joined by line breaks.
    pub fn reasoning(&self) -> Cow<'_, str> {
        joined(self.blocks.iter().filter_map(|block| match block {
            ReplyBlock::Reasoning(text) => Some(text.as_str()),
            _ => None,
        }))
    }

    /// All text outside reasoning and calls, pieces joined by line breaks.
    pub fn text(&self) -> Cow<'_, str> {
        joined(self.blocks.iter().filter_map(|block| match block {
            ReplyBlock::Text(text) => Some(text.as_str()),
            _ => None,
        }))
    }

    /// The calls, in order.
    pub fn calls(&self) -> impl Iterator<Item = &ParsedCall> {
        self.blocks.iter().filter_map(|block| match block {
            ReplyBlock::Call(call) => Some(call),
            _ => None,
        })
    }

    /// The reply as a message, its blocks in their order. `make_id` is asked for the id of each call
    /// that has none.
    pub fn into_message(self, mut make_id: impl FnMut() -> CallId) -> Message {
        let content = self.blocks.into_iter().map(|block| match block {
            ReplyBlock::Reasoning(text) => ContentBlock::Reasoning { text, signature: None },
            ReplyBlock::Text(text) => ContentBlock::Text { text },
            ReplyBlock::Call(call) => ContentBlock::ToolCall(ToolCall {
                id: call.id.unwrap_or_else(&mut make_id),
                name: call.name,
                arguments: call.arguments,
            }),
        });
        Message { role: Role::Assistant, content: content.collect() }
    }
}

fn joined<'a>(mut pieces: impl Iterator<Item = &'a str>) -> Cow<'a, str> {
    let Some(first) = pieces.next() else { return Cow::Borrowed("") };
    pieces.fold(Cow::Borrowed(first), |all, piece| Cow::Owned(format!("{all}\n{piece}")))
}

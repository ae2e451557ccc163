//! Rendered text and its loss mask.

use crate::Sample;
use nex_trajectory::ContentBlock;
use serde::{Serialize, Serializer};

/// A conversation as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// What each byte of it is: in order, with no gap and no overlap, none empty.
    pub spans: Vec<Span>,
}

/// A stretch of rendered text. Offsets are in bytes and lie between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// After the last byte.
    pub end: usize,
    /// What it is.
    pub kind: SpanKind,
    /// The model wrote it, or is to learn to write it: it takes part in the loss.
    pub is_trainable: bool,
}

/// What a stretch of rendered text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpanKind {
    /// Instructions and tool declarations.
    System,
    /// The user's words.
    User,
    /// The model's reasoning, with its tags.
    Reasoning,
    /// The model's text.
    AssistantText,
    /// A call, with its tags.
    Call,
    /// The mark with which the model ends its turn.
    EndOfTurn,
    /// What a tool gave back.
    Observation,
    /// What the template puts around all this.
    Scaffold,
}

impl SpanKind {
    /// Its name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Reasoning => "reasoning",
            Self::AssistantText => "assistant_text",
            Self::Call => "call",
            Self::EndOfTurn => "end_of_turn",
            Self::Observation => "observation",
            Self::Scaffold => "scaffold",
        }
    }

    /// Whether a model writes this kind of text.
    pub fn is_models(self) -> bool {
        matches!(self, Self::Reasoning | Self::AssistantText | Self::Call | Self::EndOfTurn)
    }
}

impl Serialize for SpanKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl Rendered {
    /// An empty text with room for `sample`, so that it seldom has to be moved as it grows.
    pub(crate) fn for_sample(sample: &Sample<'_>) -> Self {
        let messages: usize = sample.nodes.iter().map(|node| 60 + bytes_of(&node.message.content)).sum();
        Self {
            text: String::with_capacity(messages + 1000 + sample.tools.len() * 400),
            spans: Vec::with_capacity(sample.nodes.len() * 4),
        }
    }

    /// Adds `text`, which is a `kind`; joined to the last span if that is of the same sort and the
    /// kind is not [`SpanKind::Call`], of which each keeps its own.
    pub(crate) fn push(&mut self, kind: SpanKind, is_trainable: bool, text: &str) {
        debug_assert!(!is_trainable || kind.is_models(), "{kind:?} is never trained on");
        if text.is_empty() {
            return;
        }
        let start = self.text.len();
        self.text.push_str(text);
        let end = self.text.len();
        match self.spans.last_mut() {
            Some(last)
                if last.kind == kind && last.is_trainable == is_trainable && kind != SpanKind::Call =>
            {
                last.end = end;
            }
            _ => self.spans.push(Span { start, end, kind, is_trainable }),
        }
    }

    /// Bytes that take part in the loss.
    pub fn trainable_bytes(&self) -> usize {
        self.spans.iter().filter(|s| s.is_trainable).map(|s| s.end - s.start).sum()
    }
}

/// About how long `blocks` are as text.
fn bytes_of(blocks: &[ContentBlock]) -> usize {
    let bytes = blocks.iter().map(|block| match block {
        ContentBlock::Text { text } | ContentBlock::Reasoning { text, .. } => text.len(),
        ContentBlock::ToolCall(call) => call.arguments.as_text().len() + 100,
        ContentBlock::ToolResult(result) => bytes_of(&result.content) + 100,
        ContentBlock::Image(_) => 0,
    });
    bytes.sum()
}

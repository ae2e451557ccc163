//! Rendered text and its loss mask.

use serde::Serialize;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
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
    /// Whether a model writes this kind of text.
    pub fn is_models(self) -> bool {
        matches!(self, Self::Reasoning | Self::AssistantText | Self::Call | Self::EndOfTurn)
    }
}

impl Rendered {
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

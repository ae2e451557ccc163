//! A branch of a trajectory becomes tokens, with what takes part in the loss and which output answers
//! which call.
//!
//! Structured (Nexus-1 §4): a delimiter token opens each piece, `<|task|>`, `<|reasoning|>`, `<|call|>`,
//! `<|observation|>` …, and `<|end|>` closes a reply. Otherwise: the text of one of the tool-call formats,
//! whose tags are ordinary text. Either way each piece is tokenised by itself, as a model that samples
//! would have written it, and only what a model wrote is an action.

mod structured;
#[cfg(test)]
mod tests;
mod text;

pub use structured::{Declaration, DecodedReply};

use crate::{Link, Mark, PackedRow, PolicyTokenizer, TrainError};
use nex_tool_formats::{Sample, ToolCallFormat};
use nex_trajectory::{CallId, Message, ToolSpec};
use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Instructions, tools, the template's own text.
    System,
    /// What the user wants.
    Task,
    /// The model's reasoning.
    Reasoning,
    /// The model's words to the user.
    Answer,
    /// A call.
    Call,
    /// What a tool gave back.
    Observation,
    /// The end of a reply.
    End,
}

/// One training sample in tokens. The first three vectors have one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EncodedSample {
    /// Where it comes from.
    pub id: String,
    /// Token ids.
    pub tokens: Vec<u32>,
    /// What each token is.
    pub kinds: Vec<TokenKind>,
    /// The model wrote it: it takes part in the loss.
    pub is_action: Vec<bool>,
    /// Calls and the outputs that answer them.
    pub links: Vec<Link>,
    /// Ends of the replies, where the sample may be cut.
    pub reply_ends: Vec<usize>,
    /// Calls whose output has not come yet.
    pub open_calls: Vec<(CallId, Range<usize>)>,
}

impl EncodedSample {
    /// Tokens that take part in the loss; the first token of all never does.
    pub fn action_tokens(&self) -> usize {
        self.is_action.iter().skip(1).filter(|is_action| **is_action).count()
    }

    /// Where the tokens of the call `id` stand, if its output has not come yet.
    pub fn open_call(&self, id: &CallId) -> Option<Range<usize>> {
        self.open_calls.iter().find(|(call, _)| call == id).map(|(_, range)| range.clone())
    }

    /// Cuts it to at most `tokens`, behind a reply. Gives false, and changes nothing, if no reply ends
    /// early enough.
    pub fn cut_behind_reply(&mut self, tokens: usize) -> bool {
        let Some(end) = self.reply_ends.iter().copied().rfind(|end| *end <= tokens) else { return false };
        self.tokens.truncate(end);
        self.kinds.truncate(end);
        self.is_action.truncate(end);
        self.reply_ends.retain(|at| *at <= end);
        self.links.retain(|link| link.output.end <= end);
        self.open_calls.retain(|(_, range)| range.end <= end);
        true
    }

    /// Adds it to a row of samples.
    pub fn add_to(&self, row: &mut PackedRow) {
        row.push(&self.tokens, &self.is_action, &self.links);
    }

    fn push(&mut self, token: u32, kind: TokenKind, is_action: bool) {
        self.tokens.push(token);
        self.kinds.push(kind);
        self.is_action.push(is_action);
    }

    /// The output of `id` stands at `output`: pairs the two.
    fn link(&mut self, id: &CallId, output: Range<usize>) {
        if let Some(at) = self.open_calls.iter().position(|(call, _)| call == id) {
            let (_, call) = self.open_calls.remove(at);
            self.links.push(Link { call, output });
        }
    }
}

/// How samples are written.
#[derive(Clone)]
pub enum EncodingStyle {
    /// With delimiter tokens.
    Structured {
        /// How the tools are told.
        tools: Declaration,
    },
    /// As text of a tool-call format.
    Text {
        /// The format.
        format: &'static dyn ToolCallFormat,
    },
}

/// Writes samples as tokens.
#[derive(Clone)]
pub struct Encoder {
    tokenizer: PolicyTokenizer,
    style: EncodingStyle,
}

impl Encoder {
    /// An encoder with this tokenizer.
    pub fn new(tokenizer: PolicyTokenizer, style: EncodingStyle) -> Self {
        Self { tokenizer, style }
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &PolicyTokenizer {
        &self.tokenizer
    }

    /// Encodes a branch.
    ///
    /// # Errors
    /// The format cannot hold it, or the tokenizer fails.
    pub fn sample(&self, id: impl Into<String>, sample: &Sample<'_>) -> Result<EncodedSample, TrainError> {
        let mut encoded = EncodedSample { id: id.into(), ..EncodedSample::default() };
        match &self.style {
            EncodingStyle::Structured { tools } => {
                self.declare(&mut encoded, sample.tools, *tools)?;
                for node in &sample.nodes {
                    let ends = structured::ended_itself(node);
                    self.append(&mut encoded, &node.message, !node.is_synthetic, ends)?;
                }
            }
            EncodingStyle::Text { format } => text::encode(&self.tokenizer, *format, &mut encoded, sample)?,
        }
        Ok(encoded)
    }

    /// The texts that a tokenizer for this style is trained on: the pieces between delimiters.
    ///
    /// # Errors
    /// The format cannot hold the sample.
    pub fn texts(style: &EncodingStyle, sample: &Sample<'_>) -> Result<Vec<String>, TrainError> {
        match style {
            EncodingStyle::Structured { tools } => Ok(structured::texts(sample, *tools)),
            EncodingStyle::Text { format } => text::texts(*format, sample),
        }
    }

    /// Opens a structured sample with what the model is told about its tools.
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn declare(
        &self,
        sample: &mut EncodedSample,
        tools: &[ToolSpec],
        declaration: Declaration,
    ) -> Result<(), TrainError> {
        if let Some(text) = declaration.text(tools) {
            self.piece(sample, Mark::System, TokenKind::System, false, &text)?;
        }
        Ok(())
    }

    /// Appends one message to a structured sample. A reply is an action if `is_sampled`, and is closed by
    /// `<|end|>` if it `ends` by itself (the length limit did not cut it).
    ///
    /// # Errors
    /// The tokenizer fails.
    pub fn append(
        &self,
        sample: &mut EncodedSample,
        message: &Message,
        is_sampled: bool,
        ends: bool,
    ) -> Result<(), TrainError> {
        structured::append(self, sample, message, is_sampled, ends)
    }

    /// Reads the tokens of one structured reply, delimiters included.
    ///
    /// # Errors
    /// The tokenizer fails; a reply of any shape is read.
    pub fn decode_reply(&self, tokens: &[u32]) -> Result<DecodedReply, TrainError> {
        structured::decode_reply(&self.tokenizer, tokens)
    }

    /// A delimiter and the text behind it; gives where they stand.
    fn piece(
        &self,
        sample: &mut EncodedSample,
        mark: Mark,
        kind: TokenKind,
        is_action: bool,
        text: &str,
    ) -> Result<Range<usize>, TrainError> {
        let start = sample.tokens.len();
        sample.push(mark.id(), kind, is_action);
        for token in self.tokenizer.encode(text)? {
            sample.push(token, kind, is_action);
        }
        Ok(start..sample.tokens.len())
    }
}

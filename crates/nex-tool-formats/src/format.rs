//! The seam: [`ToolCallFormat`], and the formats by name.

use crate::{Conversation, Hermes, OpenAi, ParsedReply, Rendered, Sample, Unrepresentable};
use std::fmt;
use thiserror::Error;

/// A way to write tool calls as text.
pub trait ToolCallFormat: fmt::Debug + Send + Sync {
    /// The name in recipes and on the command line.
    fn name(&self) -> &'static str;

    /// A parser for one reply that arrives in pieces.
    fn parser(&self) -> Box<dyn ReplyParser>;

    /// Reads one whole reply. Never fails: what is wrong becomes a defect, and text that could not
    /// be read as a call stays text, so that the record has all that the model wrote.
    fn parse(&self, reply: &str) -> ParsedReply {
        let mut parser = self.parser();
        parser.push(reply.as_bytes());
        parser.finish()
    }

    /// Writes a whole conversation, with the spans of its loss mask.
    ///
    /// # Errors
    /// Something in it would not survive: the reason names message and cause.
    fn render(&self, sample: &Sample<'_>) -> Result<Rendered, Unrepresentable>;

    /// Whether [`ToolCallFormat::render`] accepts this.
    ///
    /// # Errors
    /// The reason why it does not.
    fn representable(&self, sample: &Sample<'_>) -> Result<(), Unrepresentable> {
        self.render(sample).map(drop)
    }

    /// Reads back what [`ToolCallFormat::render`] wrote, or what others wrote in this format.
    ///
    /// Call ids are made (`call_0`, `call_1` …) where the format has none.
    ///
    /// # Errors
    /// The text has not the shape of a conversation. A reply that is malformed inside is no error.
    fn parse_conversation(&self, text: &str) -> Result<Conversation, ConversationError>;
}

/// Reads one reply as its bytes arrive.
pub trait ReplyParser: Send {
    /// Takes further bytes; they may end inside a tag, an escape or a character.
    fn push(&mut self, bytes: &[u8]);

    /// The reply is over. What was pushed in any number of pieces gives the same result.
    fn finish(self: Box<Self>) -> ParsedReply;
}

/// A text that is no conversation of the format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {offset_bytes}: {message}")]
pub struct ConversationError {
    /// Where it ceases to be one.
    pub offset_bytes: usize,
    /// What was found, and what should be there.
    pub message: String,
}

/// All formats, in the order in which they are listed to people.
pub fn all() -> &'static [&'static dyn ToolCallFormat] {
    &[&OpenAi, &Hermes]
}

/// The format called `name`.
///
/// # Errors
/// There is none; the message lists those there are.
pub fn by_name(name: &str) -> Result<&'static dyn ToolCallFormat, UnknownFormat> {
    let known = || all().iter().map(|format| format.name()).collect();
    all()
        .iter()
        .copied()
        .find(|format| format.name() == name)
        .ok_or_else(|| UnknownFormat { name: name.to_owned(), known: known() })
}

/// No format has this name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown tool-call format `{name}`; known formats: {}", known.join(", "))]
pub struct UnknownFormat {
    /// The name asked for.
    pub name: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

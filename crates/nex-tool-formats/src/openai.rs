//! OpenAI chat completions: `{"messages":[…],"tools":[…]}`, as fine-tuning services and most
//! trainers take it.
//!
//! Arguments are a JSON *string*, so their text survives whatever it is. Reasoning stands in
//! `reasoning_content`, pictures as `image_url` parts, each tool result as a message of its own.
//! An assistant message that the runtime wrote has `"weight":0`, as OpenAI's fine-tuning has it.
//!
//! The text is one JSON document. Its spans are whole messages: which bytes a model writes is
//! decided by the chat template of whoever trains on it, and only which *messages* is known here.
//!
//! What the format has no place for, and therefore leaves out: `is_error`, signatures of
//! reasoning, and borders between text blocks of an assistant message. All else that would not
//! come back is refused.

mod parse;
mod render;
#[cfg(test)]
mod tests;

use crate::{
    Conversation, ConversationError, ParsedReply, Rendered, ReplyParser, Sample, ToolCallFormat,
    Unrepresentable,
};

/// The OpenAI chat format.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAi;

impl ToolCallFormat for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    /// A reply is one message object; it is read when it is whole. (The deltas of a streaming
    /// server are that server's protocol, not this format.)
    fn parser(&self) -> Box<dyn ReplyParser> {
        Box::<WholeReply>::default()
    }

    fn render(&self, sample: &Sample<'_>) -> Result<Rendered, Unrepresentable> {
        render::render(sample)
    }

    fn parse_conversation(&self, text: &str) -> Result<Conversation, ConversationError> {
        parse::conversation(text)
    }
}

#[derive(Debug, Default)]
struct WholeReply(Vec<u8>);

impl ReplyParser for WholeReply {
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(self: Box<Self>) -> ParsedReply {
        parse::reply(&self.0)
    }
}

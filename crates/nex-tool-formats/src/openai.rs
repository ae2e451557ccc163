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
mod wire;

use crate::document::{FRAME, WholeDocument};
use crate::engine::Machine;
use crate::format::About;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The OpenAI chat format.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenAi;

impl ToolCallFormat for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn about(&self) -> About {
        About {
            title: "OpenAI chat",
            models: "OpenAI's models, and every server that speaks its chat completions",
            limits: "reasoning only in front, text only before calls; `is_error` is not told",
        }
    }

    /// A reply is one message object; it is read when it is whole. (The deltas of a streaming
    /// server are that server's protocol, not this format.)
    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, WholeDocument(parse::reply), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        render::render(sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        parse::conversation(text, tools)
    }
}

//! Anthropic's messages: `{"system":…,"messages":[…],"tools":[…]}`, as its API takes and gives them.
//!
//! A message is a list of blocks in the order in which the model wrote them: `thinking`, `text` and
//! `tool_use` may alternate. All results of a turn stand in one *user* turn, with `is_error` and
//! pictures. A call's `input` is an object and stands there verbatim.
//!
//! Reasoning keeps its signature; reasoning that is only a signature is `redacted_thinking`, whose
//! `data` it is. Both come back from whole conversations; a single reply's reasoning is its text.
//!
//! The text is one JSON document and its spans are whole messages, as in [`crate::OpenAi`].
//!
//! What the format has no place for, and therefore leaves out: whether the runtime wrote a message
//! (only the spans say so), names of results (they follow from the calls), empty text and empty
//! reasoning without a signature. System messages after the first and arguments that are no object
//! are refused.

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

/// Anthropic's messages format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anthropic;

impl ToolCallFormat for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic"
    }

    fn about(&self) -> About {
        About {
            title: "Anthropic messages",
            models: "Claude, and every server that speaks Anthropic's messages API",
            limits: "one system message, in front; arguments must be a JSON object",
        }
    }

    /// A reply is one message object; it is read when it is whole.
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

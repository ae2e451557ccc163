//! OpenHands' text format, for models that are called without tools of their own.
//!
//! ```text
//! text
//!
//! <function=execute_bash>
//! <parameter=command>ls -la</parameter>
//! </function>
//! ```
//!
//! One call a reply. OpenHands stops the model at `</function`, so a call that lacks only that is a
//! call. The result is a user turn, `EXECUTION RESULT of [execute_bash]:` and the text. Tools are
//! declared as numbered prose behind the instructions. Messages are to the byte what
//! `openhands-sdk` makes of the same calls, without its example in the first user message (which is
//! taken off where it is read) and without its security parameter; the turns around them are ChatML
//! scaffold, and reasoning stands as `<think>`.
//!
//! A text value of several lines stands on lines of its own; other values are JSON. OpenHands itself
//! writes single booleans and nulls as Python does, strips the text before a call and every value
//! and result, and reads all but integers and arrays as text; here nothing is stripped, and types
//! follow the schema. What would end a value early is refused.
//!
//! What the format has no place for: call ids, `is_error`, signatures of reasoning, borders between
//! text blocks of one message.

mod declaration;
mod parse;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::chat_text::{self, THINK_CLOSE, THINK_OPEN};
use crate::chatml::TURN_END;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::markup_call::MarkupGrammar;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// OpenHands' text format.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenHands;

impl ToolCallFormat for OpenHands {
    fn name(&self) -> &'static str {
        "openhands"
    }

    fn about(&self) -> About {
        About {
            title: "OpenHands text",
            models: "any model under OpenHands without native tool calls; SWE-Gym, Nemotron data",
            limits: "one call a reply; no value with `</parameter>`; no pictures; errors are not told apart",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, MarkupGrammar::new(parse::OpenHandsDialect), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        chat_text::render(self, sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        chat_text::parse(self, text, tools)
    }
}

const CALL_OPEN: &str = "<function=";
const CALL_CLOSE: &str = "</function>";
/// What the model is stopped at: no value holds it.
const STOP: &str = "</function";
const PARAMETER_CLOSE: &str = "</parameter>";

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALL_OPEN],
        inside: "\n",
        after: "\n\n",
    }),
    text: TextRules { before_call: "\n\n", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

//! Llama 3.1, 3.2 and 3.3: a call is the whole reply, one JSON object.
//!
//! ```text
//! <|begin_of_text|><|start_header_id|>system<|end_header_id|>
//!
//! Environment: ipython
//! Cutting Knowledge Date: December 2023
//! Today Date: 26 Jul 2024
//!
//! …<|eot_id|><|start_header_id|>user<|end_header_id|>
//!
//! …                                   declarations, then the user's words
//! <|eot_id|><|start_header_id|>assistant<|end_header_id|>
//!
//! {"name": "find", "parameters": {"a": 1}}<|eot_id|><|start_header_id|>ipython<|end_header_id|>
//!
//! "the result as JSON"<|eot_id|>
//! ```
//!
//! Text of a conversation is byte for byte what the models' own chat template gives with the tools
//! in the first user message, which is its default; but the template trims messages, and here they
//! keep their white space. The template refuses two calls in one message and drops the text beside
//! a call; both are refused here. Models do write more: several calls joined by `;`, JSON lists,
//! `arguments` for `parameters`, and text before `<|python_tag|>` are read.
//!
//! A reply that is JSON but names no tool with `parameters` is text.
//!
//! What the format has no place for, and therefore leaves out: call ids and tool names of results,
//! `is_error`, a system message without text, and borders between text blocks. Reasoning has none
//! either; it is refused unless it is to be dropped as the template does.

mod conversation;
mod parse;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::engine::{Frame, Machine};
use crate::format::About;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The Llama 3 format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Llama3;

impl ToolCallFormat for Llama3 {
    fn name(&self) -> &'static str {
        "llama-3"
    }

    fn about(&self) -> About {
        About {
            title: "Llama 3 JSON",
            models: "Llama 3.1, 3.2 and 3.3 Instruct",
            limits: "one call a turn and no text beside it; no reasoning; no pictures",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, parse::Llama3Grammar::default(), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        render::render(sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        conversation::parse(text, tools)
    }
}

const TEXT_START: &str = "<|begin_of_text|>";
const HEADER_OPEN: &str = "<|start_header_id|>";
const HEADER_CLOSE: &str = "<|end_header_id|>";
const TURN_END: &str = "<|eot_id|>";
const MESSAGE_END: &str = "<|eom_id|>";
const TEXT_END: &str = "<|end_of_text|>";
const CALL_TAG: &str = "<|python_tag|>";

/// The marks that no text may hold.
const MARKS: [&str; 7] = [CALL_TAG, TEXT_START, HEADER_OPEN, HEADER_CLOSE, TURN_END, MESSAGE_END, TEXT_END];

static FRAME: Frame = Frame {
    reasoning: None,
    text: TextRules { before_call: "", allows_text_after_call: false },
    turn_ends: &[TURN_END, MESSAGE_END, TEXT_END],
};

/// In front of the system message, where there are tools.
const ENVIRONMENT: &str = "Environment: ipython\n";
/// In front of the system message, before and after the day.
const DATES_OPEN: &str = "Cutting Knowledge Date: December 2023\nToday Date: ";
const DATES_CLOSE: &str = "\n\n";
/// In front of the first words of the user, before the declarations.
const TOOLS_OPEN: &str = "Given the following functions, please respond with a JSON for a function call \
    with its proper arguments that best answers the given prompt.\n\n\
    Respond in the format {\"name\": function name, \"parameters\": dictionary of argument name and its value}.\
    Do not use variables.\n\n";

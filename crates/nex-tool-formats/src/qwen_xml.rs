//! The calls of Qwen3-Coder and Qwen 3.5: a tag for each argument, in ChatML.
//!
//! ```text
//! <|im_start|>assistant
//! text
//!
//! <tool_call>
//! <function=find>
//! <parameter=path>
//! src
//! </parameter>
//! </function>
//! </tool_call><|im_end|>
//! ```
//!
//! Two dialects of one format. Qwen3-Coder declares tools in XML and does not reason (reasoning
//! stands as in Qwen 3, if it is kept); Qwen 3.5 and 3.6 declare them in JSON lines before the system
//! message and have a `<think>` block in every turn behind the last question. Where all reasoning is
//! kept, every turn has one, empty or not, as Qwen 3.6 writes it when it preserves thinking. What the
//! prompt for a reply ends with, `<think>` and a line break, is not trained on; nor is an empty block.
//!
//! A text value stands on lines of its own: one line break at each side is the format's, all else is
//! the value. Values that are not text are JSON. They are written as JSON always: the templates of
//! Qwen3-Coder and Qwen 3.5 put Python's `True` and `None` for booleans and null, which is read where
//! the schema allows no text. Texts keep the white space at their ends, which the templates trim.
//!
//! Read as well: calls without `<tool_call>` (a defect), several calls in one, values without line
//! breaks. Nemotron 3 writes the same calls, and is read; its template is not written.
//!
//! What the format has no place for: call ids, tool names of results, `is_error`; in Qwen3-Coder's
//! declarations the types of a schema's own words (`True` may be a text).

mod conversation;
mod declarations;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::chatml::TURN_END;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::tagged_arguments::{Head, Syntax, TaggedCalls, Tags};
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The format of Qwen3-Coder, in its two dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QwenXml {
    /// Qwen3-Coder.
    Qwen3Coder,
    /// Qwen 3.5 and 3.6.
    Qwen35,
}

impl ToolCallFormat for QwenXml {
    fn name(&self) -> &'static str {
        match self {
            Self::Qwen3Coder => "qwen3-coder",
            Self::Qwen35 => "qwen3.5",
        }
    }

    fn about(&self) -> About {
        let (title, models) = match self {
            Self::Qwen3Coder => ("Qwen3-Coder", "Qwen3-Coder; calls of Nemotron 3"),
            Self::Qwen35 => ("Qwen 3.5", "Qwen 3.5, Qwen 3.6"),
        };
        About {
            title,
            models,
            limits: "no closing tags of its own in text values; no text after a call; no pictures; results pair with calls by their order",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, TaggedCalls::new(&SYNTAX), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        render::render(*self, sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        conversation::parse(*self, text, tools)
    }
}

const CALL_OPEN: &str = "<tool_call>";
const CALL_CLOSE: &str = "</tool_call>";
const FUNCTION_OPEN: &str = "<function=";
const FUNCTION_CLOSE: &str = "</function>";
const PARAMETER_OPEN: &str = "<parameter=";
const PARAMETER_CLOSE: &str = "</parameter>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";

static SYNTAX: Syntax = Syntax {
    section: Some(Tags { open: CALL_OPEN, close: CALL_CLOSE }),
    call: Tags { open: FUNCTION_OPEN, close: FUNCTION_CLOSE },
    argument: Tags { open: PARAMETER_OPEN, close: PARAMETER_CLOSE },
    head: Head::InTag,
    has_value_lines: true,
    has_answer_line: false,
};

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

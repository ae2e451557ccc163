//! GLM: the name, then pairs of key and value, each in tags of its own.
//!
//! ```text
//! <|assistant|>
//! <think>reasoning</think>
//! text
//! <tool_call>find
//! <arg_key>path</arg_key>
//! <arg_value>src</arg_value>
//! </tool_call><|observation|>
//! <tool_response>
//! …
//! </tool_response>
//! ```
//!
//! Two dialects: GLM 4.5 and 4.6 as above; GLM 4.7 and 5 without the line breaks, with a prompt that
//! opens the reasoning, and `</think>` alone where there is none. Values are bare text where they are
//! strings, else JSON.
//!
//! A turn has no mark at its end: the model ends it with the mark that opens the next turn, `<|user|>`
//! or, behind calls, `<|observation|>`. Where such a turn follows, that mark is trained on as the end
//! of the model's; the last turn of a conversation has none, as in the template. `<think></think>`
//! and `</think>` without reasoning are not trained on: a prompt that asks for none ends with them.
//!
//! Texts and reasoning keep the white space at their ends, which the templates trim. Read as well:
//! either dialect's line breaks, and none.
//!
//! What the format has no place for: call ids, tool names of results, `is_error`.

mod conversation;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::tagged_arguments::{Head, KEY_CLOSE, Syntax, TaggedCalls, Tags, VALUE_OPEN};
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The format of GLM, in its two dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glm {
    /// GLM 4.5 and 4.6.
    V45,
    /// GLM 4.7 and 5.
    V47,
}

impl ToolCallFormat for Glm {
    fn name(&self) -> &'static str {
        match self {
            Self::V45 => "glm-4.5",
            Self::V47 => "glm-4.7",
        }
    }

    fn about(&self) -> About {
        let (title, models) = match self {
            Self::V45 => ("GLM 4.5", "GLM 4.5, GLM 4.6"),
            Self::V47 => ("GLM 4.7", "GLM 4.7, GLM 5"),
        };
        About {
            title,
            models,
            limits: "no closing tags of its own in text values; no text after a call; no pictures; results pair with calls by their order",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        let (frame, syntax) = match self {
            Self::V45 => (&FRAME_45, &SYNTAX_45),
            Self::V47 => (&FRAME_47, &SYNTAX_47),
        };
        Box::new(Machine::new(frame, TaggedCalls::new(syntax), tools, options))
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

impl Glm {
    /// What stands between most parts.
    fn line(self) -> &'static str {
        match self {
            Self::V45 => "\n",
            Self::V47 => "",
        }
    }

    /// What stands behind the declarations.
    fn tools_close(self) -> &'static str {
        match self {
            Self::V45 => TOOLS_CLOSE_45,
            Self::V47 => TOOLS_CLOSE_47,
        }
    }
}

const PREFIX: &str = "[gMASK]<sop>";
const SYSTEM: &str = "<|system|>";
const USER: &str = "<|user|>";
const ASSISTANT: &str = "<|assistant|>";
const OBSERVATION: &str = "<|observation|>";
const TEXT_END: &str = "<|endoftext|>";
/// The marks that no text may hold.
const MARKS: [&str; 5] = [SYSTEM, USER, ASSISTANT, OBSERVATION, TEXT_END];

const CALL_OPEN: &str = "<tool_call>";
const CALL_CLOSE: &str = "</tool_call>";
const KEY_OPEN: &str = "<arg_key>";
const VALUE_CLOSE: &str = "</arg_value>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";
const RESPONSE_OPEN: &str = "<tool_response>";
const RESPONSE_CLOSE: &str = "</tool_response>";

static SYNTAX_45: Syntax = Syntax {
    section: None,
    call: Tags { open: CALL_OPEN, close: CALL_CLOSE },
    argument: Tags { open: KEY_OPEN, close: VALUE_CLOSE },
    head: Head::Pairs,
    has_value_lines: false,
    has_answer_line: true,
};

static SYNTAX_47: Syntax = Syntax { has_answer_line: false, ..SYNTAX_45 };

const REASONING: ReasoningFrame =
    ReasoningFrame { open: THINK_OPEN, tags: &[THINK_CLOSE, CALL_OPEN], inside: "", after: "" };

static FRAME_45: Frame = Frame {
    reasoning: Some(REASONING),
    text: TextRules { before_call: "\n", allows_text_after_call: false },
    turn_ends: &[USER, OBSERVATION, TEXT_END],
};

static FRAME_47: Frame =
    Frame { text: TextRules { before_call: "", allows_text_after_call: false }, ..FRAME_45 };

/// Before the declarations.
const TOOLS_OPEN: &str = "\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n\
    You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n";
const TOOLS_CLOSE_45: &str = "</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n\
    <tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key>\n<arg_value>{arg-value-1}</arg_value>\n\
    <arg_key>{arg-key-2}</arg_key>\n<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>";
const TOOLS_CLOSE_47: &str = "</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n\
    <tool_call>{function-name}<arg_key>{arg-key-1}</arg_key><arg_value>{arg-value-1}</arg_value>\
    <arg_key>{arg-key-2}</arg_key><arg_value>{arg-value-2}</arg_value>...</tool_call>";

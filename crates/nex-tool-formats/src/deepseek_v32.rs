//! DeepSeek 3.2 (DSML): all calls of a turn in one tag; each argument says whether it is a string.
//!
//! ```text
//! <｜User｜>question<｜Assistant｜></think>text
//!
//! <｜DSML｜function_calls>
//! <｜DSML｜invoke name="find">
//! <｜DSML｜parameter name="path" string="true">src</｜DSML｜parameter>
//! <｜DSML｜parameter name="limit" string="false">5</｜DSML｜parameter>
//! </｜DSML｜invoke>
//! </｜DSML｜function_calls><｜end▁of▁sentence｜>
//!
//! <function_results>
//! <result>…</result>
//! </function_results>
//!
//! </think>answer<｜end▁of▁sentence｜>
//! ```
//!
//! What is a string is said on the wire, so any value survives whatever the schema says; the schema
//! only checks. An argument that does not say it is read by the schema (a defect).
//!
//! Reasoning stands as `<think>reasoning</think>`, and a turn without it begins with `</think>`. As in
//! the template, a conversation of which no turn reasons is one without thinking; in one with it, turns
//! behind the last question that do not reason have an empty block. Where all reasoning is kept they
//! have `</think>` alone, so that a conversation that goes on begins as it did. What the prompt for a
//! reply ends with, and a block without reasoning, is not trained on.
//!
//! What the format has no place for, and which is refused therefore: a system message that is empty or
//! stands further on (the template moves it), a reply that follows neither the user nor results, and
//! results of some calls of a turn only. Left out: call ids, tool names of results, `is_error`.

mod conversation;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::tagged_arguments::{Head, Syntax, TaggedCalls, Tags};
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The format of DeepSeek 3.2.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeepSeekV32;

impl ToolCallFormat for DeepSeekV32 {
    fn name(&self) -> &'static str {
        "deepseek-v3.2"
    }

    fn about(&self) -> About {
        About {
            title: "DeepSeek 3.2 (DSML)",
            models: "DeepSeek V3.2",
            limits: "no closing tags of its own in text values; no text after a call; no pictures; all calls of a turn have results, in order",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, TaggedCalls::new(&SYNTAX), tools, options))
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

const PREFIX: &str = "<｜begin▁of▁sentence｜>";
const USER: &str = "<｜User｜>";
const ASSISTANT: &str = "<｜Assistant｜>";
const TURN_END: &str = "<｜end▁of▁sentence｜>";
/// The marks that no text may hold.
const MARKS: [&str; 4] = [PREFIX, USER, ASSISTANT, TURN_END];

const CALLS_OPEN: &str = "<｜DSML｜function_calls>";
const CALLS_CLOSE: &str = "</｜DSML｜function_calls>";
const INVOKE_OPEN: &str = "<｜DSML｜invoke name=";
const INVOKE_CLOSE: &str = "</｜DSML｜invoke>";
const PARAMETER_OPEN: &str = "<｜DSML｜parameter name=";
const PARAMETER_CLOSE: &str = "</｜DSML｜parameter>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";
const RESULTS_OPEN: &str = "\n\n<function_results>";
const RESULTS_CLOSE: &str = "\n</function_results>";
const RESULT_OPEN: &str = "\n<result>";
const RESULT_CLOSE: &str = "</result>";

static SYNTAX: Syntax = Syntax {
    section: Some(Tags { open: CALLS_OPEN, close: CALLS_CLOSE }),
    call: Tags { open: INVOKE_OPEN, close: INVOKE_CLOSE },
    argument: Tags { open: PARAMETER_OPEN, close: PARAMETER_CLOSE },
    head: Head::Typed,
    has_value_lines: false,
    has_answer_line: false,
};

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALLS_OPEN],
        inside: "",
        after: "",
    }),
    text: TextRules { before_call: "\n\n", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

/// Before the declarations.
const TOOLS_OPEN: &str = "## Tools\n\nYou have access to a set of tools you can use to answer the user's question.\n\
    You can invoke functions by writing a \"<｜DSML｜function_calls>\" block like the following as part of your reply to the user:\n\
    <｜DSML｜function_calls>\n<｜DSML｜invoke name=\"$FUNCTION_NAME\">\n\
    <｜DSML｜parameter name=\"$PARAMETER_NAME\" string=\"true|false\">$PARAMETER_VALUE</｜DSML｜parameter>\n...\n\
    </｜DSML｜invoke>\n<｜DSML｜invoke name=\"$FUNCTION_NAME2\">\n...\n</｜DSML｜invoke>\n</｜DSML｜function_calls>\n\n\
    String and scalar parameters should be specified as is without any escaping or quotes, while lists and objects should use JSON format. \
    The \"string\" attribute should be set to \"true\" for string type parameters and \"false\" for other types (numbers, booleans, arrays, objects).\n\n\
    If the thinking_mode is enabled, then after function results you should strongly consider outputting a thinking block. Here is an example:\n\n\
    <｜DSML｜function_calls>\n...\n</｜DSML｜function_calls>\n\n<function_results>\n...\n</function_results>\n\n\
    <think>...thinking about results</think>\n\nHere are the functions available in JSONSchema format:\n<functions>\n";
/// After the declarations.
const TOOLS_CLOSE: &str = "</functions>\n";

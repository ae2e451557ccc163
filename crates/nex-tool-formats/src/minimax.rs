//! MiniMax M2: all calls of a turn in one tag, each an `<invoke>` with a tag for each argument.
//!
//! ```text
//! ]~b]ai
//! <think>
//! reasoning
//! </think>
//!
//! text
//! <minimax:tool_call>
//! <invoke name="find">
//! <parameter name="path">src</parameter>
//! </invoke>
//! </minimax:tool_call>[e~[
//! ]~b]tool
//! <response>…</response>[e~[
//! ```
//!
//! Values are bare text where they are strings, else JSON. Reasoning stands on every turn that has it;
//! `<think>` and its line break end the prompt for a reply, so they are not trained on.
//!
//! Read as well: names without quotes, and calls without `<minimax:tool_call>` (a defect).
//!
//! What the format has no place for: call ids, tool names of results, `is_error`, system messages
//! further on (the template drops them, so they are refused).

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

/// The format of MiniMax M2.
#[derive(Clone, Copy, Debug, Default)]
pub struct MiniMaxM2;

impl ToolCallFormat for MiniMaxM2 {
    fn name(&self) -> &'static str {
        "minimax-m2"
    }

    fn about(&self) -> About {
        About {
            title: "MiniMax M2",
            models: "MiniMax M2, M2.1",
            limits: "no closing tags of its own in text values; no text after a call; no pictures; results pair with calls by their order",
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

const PREFIX: &str = "]~!b[";
const TURN_START: &str = "]~b]";
const TURN_END: &str = "[e~[";
/// The marks that no text may hold.
const MARKS: [&str; 3] = [PREFIX, TURN_START, TURN_END];

const CALLS_OPEN: &str = "<minimax:tool_call>";
const CALLS_CLOSE: &str = "</minimax:tool_call>";
const INVOKE_OPEN: &str = "<invoke name=";
const INVOKE_CLOSE: &str = "</invoke>";
const PARAMETER_OPEN: &str = "<parameter name=";
const PARAMETER_CLOSE: &str = "</parameter>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";
const RESPONSE_OPEN: &str = "<response>";
const RESPONSE_CLOSE: &str = "</response>";

static SYNTAX: Syntax = Syntax {
    section: Some(Tags { open: CALLS_OPEN, close: CALLS_CLOSE }),
    call: Tags { open: INVOKE_OPEN, close: INVOKE_CLOSE },
    argument: Tags { open: PARAMETER_OPEN, close: PARAMETER_CLOSE },
    head: Head::Quoted,
    has_value_lines: false,
    has_answer_line: false,
};

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALLS_OPEN],
        inside: "\n",
        after: "\n\n",
    }),
    text: TextRules { before_call: "\n", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

/// What the template says where there is no system message.
const DEFAULT_SYSTEM: &str = "You are a helpful assistant.";
/// Between the instructions and the declarations.
const TOOLS_OPEN: &str = "\n\n# Tools\nYou may call one or more tools to assist with the user query.\n\
    Here are the tools available in JSONSchema format:\n\n<tools>\n";
/// After the declarations.
const TOOLS_CLOSE: &str = "</tools>\n\nWhen making tool calls, use XML format to invoke tools and pass parameters:\n\n\
    <minimax:tool_call>\n<invoke name=\"tool-name-1\">\n<parameter name=\"param-key-1\">param-value-1</parameter>\n\
    <parameter name=\"param-key-2\">param-value-2</parameter>\n...\n</invoke>\n</minimax:tool_call>";

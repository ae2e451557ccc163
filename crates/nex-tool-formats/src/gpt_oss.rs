//! Harmony, the format of gpt-oss: everything is a message with a channel, calls have a recipient.
//!
//! ```text
//! <|start|>system<|message|>…<|end|><|start|>developer<|message|># Instructions … # Tools …<|end|>
//! <|start|>user<|message|>…<|end|>
//! <|start|>assistant<|channel|>analysis<|message|>reasoning<|end|>
//! <|start|>assistant<|channel|>commentary<|message|>text before calls<|end|>
//! <|start|>assistant to=functions.find<|channel|>commentary json<|message|>{"a": 1}<|call|>
//! <|start|>functions.find to=assistant<|channel|>commentary<|message|>"result as JSON"<|end|>
//! <|start|>assistant<|channel|>final<|message|>text<|return|>
//! ```
//!
//! (without the line breaks). A reply is what follows `<|start|>assistant`, with the headers of its
//! further messages.
//!
//! Text of a conversation is byte for byte what gpt-oss' own chat template gives, where that can be
//! read back. It differs where the template would lose something: text beside a call stands in
//! `commentary` (the template makes it reasoning), all calls of a message are written, each as a
//! message (the template writes the first), and so are system messages after the first (the template
//! leaves them out). The model ends a turn with `<|return|>` or `<|call|>`; the `<|end|>` that the
//! template puts behind answers of the past is not the model's and is never trained on.
//!
//! Recipients are read in either place of a header. Headers that models get wrong (no channel, a
//! recipient where the channel belongs, `code` for `json`, white space) are read where they are clear,
//! with a defect.
//!
//! Tools are declared in TypeScript, which does not hold a JSON schema; names, descriptions and the
//! outermost types are read back.
//!
//! What the format has no place for, and therefore leaves out: call ids (results follow from the
//! order), `is_error`, an empty system message, and borders between text blocks. Two assistant
//! messages in a row after a call would be one, and are refused.

mod conversation;
mod header;
mod parse;
mod render;
#[cfg(test)]
mod tests;
mod typescript;

use crate::builder::TextRules;
use crate::engine::{Frame, Machine};
use crate::format::About;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The harmony format.
#[derive(Clone, Copy, Debug, Default)]
pub struct GptOss;

impl ToolCallFormat for GptOss {
    fn name(&self) -> &'static str {
        "gpt-oss"
    }

    fn about(&self) -> About {
        About {
            title: "gpt-oss harmony",
            models: "gpt-oss-20b and gpt-oss-120b",
            limits: "tool schemas only in outline; no text after a call; no pictures; results pair with calls by their order",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, parse::HarmonyGrammar::default(), tools, options))
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

const START: &str = "<|start|>";
const CHANNEL: &str = "<|channel|>";
const CONSTRAIN: &str = "<|constrain|>";
const MESSAGE: &str = "<|message|>";
const END: &str = "<|end|>";
const CALL: &str = "<|call|>";
const RETURN: &str = "<|return|>";

/// The marks that no text may hold.
const MARKS: [&str; 7] = [START, CHANNEL, CONSTRAIN, MESSAGE, END, CALL, RETURN];

static FRAME: Frame = Frame {
    // Reasoning is a message like any other here.
    reasoning: None,
    text: TextRules { before_call: "", allows_text_after_call: false },
    turn_ends: &[],
};

/// The system message, before and after the day.
const SYSTEM_OPEN: &str = "You are ChatGPT, a large language model trained by OpenAI.\n\
    Knowledge cutoff: 2024-06\nCurrent date: ";
const SYSTEM_CLOSE: &str = "\n\nReasoning: medium\n\n\
    # Valid channels: analysis, commentary, final. Channel must be included for every message.";
/// What follows it where there are tools.
const SYSTEM_TOOLS: &str = "\nCalls to these tools must go to the commentary channel: 'functions'.";
const INSTRUCTIONS_OPEN: &str = "# Instructions\n\n";
const TOOLS_OPEN: &str = "# Tools\n\n## functions\n\nnamespace functions {\n\n";
const TOOLS_CLOSE: &str = "} // namespace functions";

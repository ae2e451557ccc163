//! Calls as Python writes them: Llama 4 and Liquid's LFM2.
//!
//! ```text
//! [find(what="it's", most=1, where={"a": None}), stop()]          Llama 4: the whole reply
//! text<|tool_call_start|>[find(what='it\'s', most=1, where={"a": null}), stop()]<|tool_call_end|>
//!                                                                 LFM2
//! ```
//!
//! A dialect is how the conversation around the calls is written and how values are quoted; replies
//! of both are read alike. Besides, lists without marks, calls on lines of their own (Olmo) and the
//! marks of Llama 4 (`<|python_start|>`) and Olmo (`<function_calls>`) are read.
//!
//! Values are real Python: strings with escapes, numbers, `True`, `False`, `None`, lists, tuples and
//! dictionaries. They become JSON with their digits kept, and come from it; LFM2's template
//! writes lists and dictionaries as JSON, which is read the same way.
//!
//! LFM2's conversations are byte for byte what the `lfm2_v2` template of TRL gives (LFM2's first
//! template knows no calls; later ones write a quote in a text without escaping it, which nobody can
//! read back). Reasoning stands in `<think>` in front, as later models have it; that template drops
//! it. Llama 4's pythonic template puts every value between quotes, numbers too, and escapes nothing.
//! Here values keep their types and quotes are escaped; only calls of plain texts are written alike.
//! No package of a registry holds that template, so Llama 4's conversations are not proven equal to it.
//!
//! What the format has no place for, and therefore leaves out: call ids and tool names of results,
//! `is_error`, the white space in arguments, a system message without text, borders between text
//! blocks. Names that are none and arguments that stand twice are refused; Llama 4 has no text
//! beside calls and no reasoning.

mod call_scan;
mod conversation;
mod number;
mod parse;
mod render;
mod string_scan;
#[cfg(test)]
mod tests;
mod write;

use crate::builder::TextRules;
use crate::chatml;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// The pythonic formats.
#[derive(Clone, Copy, Debug)]
pub struct Pythonic {
    dialect: Dialect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    Llama4,
    Lfm2,
}

impl Pythonic {
    /// Llama 4's.
    pub const LLAMA_4: Self = Self { dialect: Dialect::Llama4 };
    /// LFM2's.
    pub const LFM2: Self = Self { dialect: Dialect::Lfm2 };

    fn either<T>(self, llama_4: T, lfm2: T) -> T {
        match self.dialect {
            Dialect::Llama4 => llama_4,
            Dialect::Lfm2 => lfm2,
        }
    }
}

impl ToolCallFormat for Pythonic {
    fn name(&self) -> &'static str {
        self.either("llama-4", "lfm2")
    }

    fn about(&self) -> About {
        match self.dialect {
            Dialect::Llama4 => About {
                title: "Llama 4 pythonic",
                models: "Llama 4, Llama 3.2 with pythonic prompts",
                limits: "no text beside calls; no reasoning; no pictures; results pair with calls by their order",
            },
            Dialect::Lfm2 => About {
                title: "LFM2 pythonic",
                models: "LFM2 and LFM2.5",
                limits: "no text after a call; no pictures; results pair with calls by their order",
            },
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        let frame = self.either(&LLAMA_4_FRAME, &LFM2_FRAME);
        Box::new(Machine::new(frame, parse::PythonicGrammar::default(), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        render::render(*self, sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        match self.dialect {
            Dialect::Llama4 => conversation::llama_4(text, tools),
            Dialect::Lfm2 => conversation::lfm2(text, tools),
        }
    }
}

/// What opens calls, and what closes them.
const OPENERS: [&str; 3] = [CALLS_OPEN, "<|python_start|>", "<function_calls>"];
const CLOSERS: [&str; 3] = [CALLS_CLOSE, "<|python_end|>", "</function_calls>"];
const CALLS_OPEN: &str = "<|tool_call_start|>";
const CALLS_CLOSE: &str = "<|tool_call_end|>";

/// The marks of Llama 4's turns.
const LLAMA_4_MARKS: [&str; 5] = [TEXT_START, HEADER_OPEN, HEADER_CLOSE, TURN_END, "<|eom|>"];
const TEXT_START: &str = "<|begin_of_text|>";
const HEADER_OPEN: &str = "<|header_start|>";
const HEADER_CLOSE: &str = "<|header_end|>";
const TURN_END: &str = "<|eot|>";
/// Behind the instructions, before the declarations.
const LLAMA_4_TOOLS_OPEN: &str = "Here is a list of functions in JSON format that you can invoke. \
    Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]\n";

/// The marks of LFM2's turns and of what stands in them.
const LFM2_MARKS: [&str; 8] = [
    LFM2_TEXT_START,
    chatml::TURN_START,
    chatml::TURN_END,
    chatml::TEXT_END,
    LIST_OPEN,
    LIST_CLOSE,
    RESPONSE_OPEN,
    RESPONSE_CLOSE,
];
const LFM2_TEXT_START: &str = "<|startoftext|>";
const LFM2_TOOLS_OPEN: &str = "List of tools: <|tool_list_start|>[";
const LIST_OPEN: &str = "<|tool_list_start|>";
const LIST_CLOSE: &str = "<|tool_list_end|>";
const RESPONSE_OPEN: &str = "<|tool_response_start|>";
const RESPONSE_CLOSE: &str = "<|tool_response_end|>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";

static LLAMA_4_FRAME: Frame = Frame {
    reasoning: None,
    text: TextRules { before_call: "", allows_text_after_call: false },
    turn_ends: &[TURN_END, "<|eom|>"],
};

static LFM2_FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALLS_OPEN],
        inside: "",
        after: "",
    }),
    // LFM2 often says behind its calls what it is about to do.
    text: TextRules { before_call: "", allows_text_after_call: true },
    turn_ends: &[chatml::TURN_END],
};

//! Kimi K2's format: sections of calls between marks, each with an id that names the tool.
//!
//! ```text
//! <|im_system|>tool_declare<|im_middle|>[{"type": "function", …}]<|im_end|>
//! <|im_system|>system<|im_middle|>…<|im_end|><|im_user|>user<|im_middle|>…<|im_end|>
//! <|im_assistant|>assistant<|im_middle|>text<|tool_calls_section_begin|>
//!   <|tool_call_begin|>functions.find:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>   (no white space)
//! <|tool_calls_section_end|><|im_end|>
//! <|im_system|>find<|im_middle|>## Return of functions.find:0⏎…<|im_end|>
//! ```
//!
//! An id is `functions.`, the tool, and the number of calls before it in the conversation. So ids of
//! conversations are numbered anew when they are written, and a reply gives the ids of the wire: they
//! pair calls with results, in any order. Names may hold dots, dashes and colons, but no line break.
//!
//! Text of a conversation is byte for byte what the chat template of Kimi-K2-Instruct gives, its
//! system message included where there is none (a line break follows that one alone), where results
//! stand in the order of calls: in another the template gives them wrong ids. It knows no reasoning;
//! that stands as in Kimi-K2-Thinking, in tags before the text, on every turn that has it (`All`).
//!
//! What the format has no place for, and therefore leaves out: `is_error`, signatures of reasoning,
//! and borders between text blocks of one message. All else that would not come back is refused.

mod conversation;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::sections::{HeadText, Marks, SectionGrammar};
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// Kimi K2's format.
#[derive(Clone, Copy, Debug, Default)]
pub struct KimiK2;

impl ToolCallFormat for KimiK2 {
    fn name(&self) -> &'static str {
        "kimi-k2"
    }

    fn about(&self) -> About {
        About {
            title: "Kimi K2",
            models: "Kimi K2 Instruct and Thinking",
            limits: "no text after a call; no pictures; call ids are `functions.NAME:N`, numbered through",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, SectionGrammar::new(&MARKS), tools, options))
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

const SYSTEM: &str = "<|im_system|>";
const USER: &str = "<|im_user|>";
const ASSISTANT: &str = "<|im_assistant|>";
const MIDDLE: &str = "<|im_middle|>";
const END: &str = "<|im_end|>";
const SECTION_OPEN: &str = "<|tool_calls_section_begin|>";
const SECTION_CLOSE: &str = "<|tool_calls_section_end|>";
const CALL_OPEN: &str = "<|tool_call_begin|>";
const SEPARATOR: &str = "<|tool_call_argument_begin|>";
const CALL_CLOSE: &str = "<|tool_call_end|>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";
/// The marks that no text may hold.
const ALL_MARKS: [&str; 10] =
    [SYSTEM, USER, ASSISTANT, MIDDLE, END, SECTION_OPEN, SECTION_CLOSE, CALL_OPEN, SEPARATOR, CALL_CLOSE];
/// The role that declares tools.
const DECLARE: &str = "tool_declare";
/// Before the id in a result, and in an id before the name.
const RETURN_OF: &str = "## Return of ";
const FUNCTIONS: &str = "functions.";
/// What the template says where there is no system message, and what follows it.
const DEFAULT_SYSTEM: &str = "You are Kimi, an AI assistant created by Moonshot AI.";
const AFTER_DEFAULT: &str = "\n";

static MARKS: Marks = Marks {
    section_open: SECTION_OPEN,
    section_close: SECTION_CLOSE,
    call_open: CALL_OPEN,
    separator: SEPARATOR,
    call_close: CALL_CLOSE,
    head,
    has_fences: false,
};

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, SECTION_OPEN, CALL_OPEN],
        inside: "",
        after: "",
    }),
    text: TextRules { before_call: "", allows_text_after_call: false },
    turn_ends: &[END],
};

/// Takes the name out of the id; models leave out the prefix or the number at times.
fn head(id: &str) -> HeadText<'_> {
    let name = id.strip_prefix(FUNCTIONS);
    let rest = name.unwrap_or(id);
    let is_number = |number: &str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = rest.rsplit_once(':').filter(|(_, number)| is_number(number));
    let defect = (name.is_none() || numbered.is_none())
        .then(|| format!("the id `{id}` is not `functions.`, a name, a colon and a number"));
    HeadText { id: Some(id), name: numbered.map_or(rest, |(name, _)| name), defect }
}

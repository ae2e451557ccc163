//! Mistral's format, by the versions of its tokenizers: calls as a JSON array (up to v7) or one by one.
//!
//! ```text
//! v3    <s>[AVAILABLE_TOOLS] [{…}][/AVAILABLE_TOOLS][INST] system⏎⏎question[/INST] text
//!       [TOOL_CALLS] [{"name": "find", "arguments": {"a": 1}, "id": "c00000000"}, …]</s>
//!       [TOOL_RESULTS] {"content": "…", "call_id": "c00000000"}[/TOOL_RESULTS] answer</s>
//! v7    [SYSTEM_PROMPT] …[/SYSTEM_PROMPT], [TOOL_RESULTS] c00000000[TOOL_CONTENT] …[/TOOL_RESULTS]
//! v11   as v7 with no spaces; [TOOL_CALLS]find[CALL_ID]c00000000[ARGS]{"a": 1} for each call
//! v13   as v11 without ids; tools stand before the first question
//! ```
//!
//! Every version reads all these calls. `v3-tekken` (Mistral Nemo) is v3 without the spaces.
//!
//! Text of a conversation is byte for byte what Mistral's own tokenizers make of it, and the chat
//! templates where they lose nothing. Up to v11 the tools stand before the **last** question, in v3 the
//! system message too, at its beginning: what stands there depends on how the conversation goes on,
//! so the text of a turn is no prefix of the next, and training sees them as at the conversation's end.
//! v3 has no system message of its own: what is read back has it in the question. Results in v3 that
//! are JSON, spaced as Python does, stand as JSON; other JSON stays the text that it is, where
//! Mistral's code would respace it.
//!
//! Ids have nine letters and digits; others are replaced by numbers. Roles take turns as Mistral has
//! it: two questions, or two replies, in a row are refused. v3 has either text or calls by its own
//! rules, and no version before v13 has reasoning; we write both as the later versions do.
//!
//! What the format has no place for, and therefore leaves out: tool names of results, `is_error`,
//! signatures of reasoning, and borders between text blocks of one message. All else that would not
//! come back is refused.

mod conversation;
mod parse;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// Mistral's format in one of its versions.
#[derive(Clone, Copy, Debug)]
pub struct Mistral {
    name: &'static str,
    about: About,
    /// Calls are one JSON array; otherwise each is a name and its arguments.
    has_array: bool,
    /// Behind most marks, and before the model's text.
    gap: &'static str,
    /// The system message has marks of its own; otherwise it begins the last question.
    has_system: bool,
    /// The tools stand before the first question; otherwise before the last.
    is_first_told: bool,
    results: Results,
    frame: &'static Frame,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Results {
    /// An object with content and id.
    Object,
    /// The id, a mark, the content.
    Id,
    /// The content; they stand in the order of the calls, which have no ids either.
    Bare,
}

const LIMITS: &str = "no text after a call; no pictures; ids have nine letters and digits; roles take turns";
const LIMITS_V3: &str = "no text after a call; no pictures; ids have nine letters and digits; roles take turns; \
    the system message becomes part of the last question";

/// Tokenizer v3.
pub const MISTRAL_V3: Mistral = Mistral {
    name: "mistral-v3",
    about: About {
        title: "Mistral v3",
        models: "Mistral 7B v0.3, Mixtral 8x22B, Mistral Large 2407",
        limits: LIMITS_V3,
    },
    has_array: true,
    gap: " ",
    has_system: false,
    is_first_told: false,
    results: Results::Object,
    frame: &SPACED_FRAME,
};

/// Tokenizer v3 of the Tekken family.
pub const MISTRAL_V3_TEKKEN: Mistral = Mistral {
    name: "mistral-v3-tekken",
    about: About {
        title: "Mistral v3 Tekken",
        models: "Mistral Nemo, Ministral 8B 2410, Pixtral 12B",
        limits: LIMITS_V3,
    },
    gap: "",
    frame: &FRAME,
    ..MISTRAL_V3
};

/// Tokenizer v7.
pub const MISTRAL_V7: Mistral = Mistral {
    name: "mistral-v7",
    about: About { title: "Mistral v7", models: "Mistral Large 2411", limits: LIMITS },
    has_system: true,
    results: Results::Id,
    ..MISTRAL_V3
};

/// Tokenizer v11.
pub const MISTRAL_V11: Mistral = Mistral {
    name: "mistral-v11",
    about: About { title: "Mistral v11", models: "Mistral Small 3.2, Magistral 2506", limits: LIMITS },
    has_array: false,
    gap: "",
    frame: &FRAME,
    ..MISTRAL_V7
};

/// Tokenizer v13.
pub const MISTRAL_V13: Mistral = Mistral {
    name: "mistral-v13",
    about: About {
        title: "Mistral v13",
        models: "Devstral 2507, Mistral Medium 3.1, Magistral 2507",
        limits: "no text after a call; no pictures; results pair with calls by their order; roles take turns",
    },
    is_first_told: true,
    results: Results::Bare,
    ..MISTRAL_V11
};

impl ToolCallFormat for Mistral {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> About {
        self.about
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(self.frame, parse::MistralGrammar::new(self.gap), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        render::render(self, sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        conversation::parse(self, text, tools)
    }
}

const BEGIN: &str = "<s>";
const END: &str = "</s>";
const QUESTION_OPEN: &str = "[INST]";
const QUESTION_CLOSE: &str = "[/INST]";
const SYSTEM_OPEN: &str = "[SYSTEM_PROMPT]";
const SYSTEM_CLOSE: &str = "[/SYSTEM_PROMPT]";
const TOOLS_OPEN: &str = "[AVAILABLE_TOOLS]";
const TOOLS_CLOSE: &str = "[/AVAILABLE_TOOLS]";
const CALLS: &str = "[TOOL_CALLS]";
const CALL_ID: &str = "[CALL_ID]";
const ARGUMENTS: &str = "[ARGS]";
const RESULT_OPEN: &str = "[TOOL_RESULTS]";
const RESULT_MIDDLE: &str = "[TOOL_CONTENT]";
const RESULT_CLOSE: &str = "[/TOOL_RESULTS]";
const THINK_OPEN: &str = "[THINK]";
const THINK_CLOSE: &str = "[/THINK]";

/// The marks that no text may hold.
const ALL_MARKS: [&str; 17] = [
    BEGIN,
    END,
    QUESTION_OPEN,
    QUESTION_CLOSE,
    SYSTEM_OPEN,
    SYSTEM_CLOSE,
    TOOLS_OPEN,
    TOOLS_CLOSE,
    CALLS,
    CALL_ID,
    ARGUMENTS,
    RESULT_OPEN,
    RESULT_MIDDLE,
    RESULT_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    "[IMG]",
];

static FRAME: Frame = frame("");
static SPACED_FRAME: Frame = frame(" ");

const fn frame(gap: &'static str) -> Frame {
    Frame {
        reasoning: Some(ReasoningFrame {
            open: THINK_OPEN,
            tags: &[THINK_CLOSE, CALLS],
            inside: "",
            after: gap,
        }),
        text: TextRules { before_call: "", allows_text_after_call: false },
        turn_ends: &[END],
    }
}

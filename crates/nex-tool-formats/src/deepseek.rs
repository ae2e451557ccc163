//! DeepSeek's format of V3 and R1, and of V3.1: sections of calls between marks, the arguments bare JSON
//! or (V3) in a code fence. The bar in the marks is U+FF5C, the block between words U+2581.
//!
//! ```text
//! <｜begin▁of▁sentence｜>system<｜User｜>question<｜Assistant｜>text<｜tool▁calls▁begin｜>CALLS<｜tool▁calls▁end｜><｜end▁of▁sentence｜>
//! V3.1  <｜tool▁call▁begin｜>find<｜tool▁sep｜>{"a": 1}<｜tool▁call▁end｜>
//! V3    <｜tool▁call▁begin｜>function<｜tool▁sep｜>find⏎```json⏎{"a": 1}⏎```<｜tool▁call▁end｜>   with ⏎ between calls
//! ```
//!
//! Results follow as `<｜tool▁output▁begin｜>…<｜tool▁output▁end｜>`, in V3 all of a turn between marks of
//! their own, and the model goes on behind them without being announced again. V3.1 announces it
//! behind a question only, with an empty pair of thinking tags that belongs to the prompt; where a turn
//! has reasoning, it stands between them.
//!
//! Text of a conversation is byte for byte what the chat templates give, which is all that they cover:
//! they declare no tools (the model card of V3.1, and llama.cpp's template for R1 do, and their words
//! stand here), never keep reasoning, and V3's writes a second round of calls without its marks and so
//! that it cannot be told from text, where we write it as the first. A system message has its place
//! at the start; an empty one is as good as none. V3.1 cannot tell the model's words from the system's
//! before the first question.
//!
//! What the format has no place for, and therefore leaves out: call ids and tool names of results
//! (they follow from the order), `is_error`, signatures of reasoning, and borders between text
//! blocks of one message. All else that would not come back is refused.

mod conversation;
mod declarations;
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

/// DeepSeek's format.
#[derive(Clone, Copy, Debug)]
pub struct DeepSeek {
    name: &'static str,
    about: About,
    version: Version,
    frame: &'static Frame,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V3,
    V3_1,
}

const LIMITS: &str =
    "no text after a call; no pictures; results pair with calls by their order; one system message";

/// DeepSeek V3 and R1.
pub const DEEPSEEK_V3: DeepSeek = DeepSeek {
    name: "deepseek-v3",
    about: About {
        title: "DeepSeek V3",
        models: "DeepSeek V3, V3-0324, R1 and its distillations",
        limits: LIMITS,
    },
    version: Version::V3,
    frame: &V3_FRAME,
};

/// DeepSeek V3.1.
pub const DEEPSEEK_V3_1: DeepSeek = DeepSeek {
    name: "deepseek-v3.1",
    about: About { title: "DeepSeek V3.1", models: "DeepSeek V3.1 and V3.1-Terminus", limits: LIMITS },
    version: Version::V3_1,
    frame: &V3_1_FRAME,
};

impl ToolCallFormat for DeepSeek {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> About {
        self.about
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(self.frame, SectionGrammar::new(&MARKS), tools, options))
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

const BEGIN: &str = "<｜begin▁of▁sentence｜>";
const END: &str = "<｜end▁of▁sentence｜>";
const USER: &str = "<｜User｜>";
const ASSISTANT: &str = "<｜Assistant｜>";
const CALLS_OPEN: &str = "<｜tool▁calls▁begin｜>";
const CALLS_CLOSE: &str = "<｜tool▁calls▁end｜>";
const CALL_OPEN: &str = "<｜tool▁call▁begin｜>";
const CALL_CLOSE: &str = "<｜tool▁call▁end｜>";
const SEPARATOR: &str = "<｜tool▁sep｜>";
const OUTPUTS_OPEN: &str = "<｜tool▁outputs▁begin｜>";
const OUTPUTS_CLOSE: &str = "<｜tool▁outputs▁end｜>";
const OUTPUT_OPEN: &str = "<｜tool▁output▁begin｜>";
const OUTPUT_CLOSE: &str = "<｜tool▁output▁end｜>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";

/// The marks that no text may hold.
const ALL_MARKS: [&str; 13] = [
    BEGIN,
    END,
    USER,
    ASSISTANT,
    CALLS_OPEN,
    CALLS_CLOSE,
    CALL_OPEN,
    CALL_CLOSE,
    SEPARATOR,
    OUTPUTS_OPEN,
    OUTPUTS_CLOSE,
    OUTPUT_OPEN,
    OUTPUT_CLOSE,
];

static MARKS: Marks = Marks {
    section_open: CALLS_OPEN,
    section_close: CALLS_CLOSE,
    call_open: CALL_OPEN,
    separator: SEPARATOR,
    call_close: CALL_CLOSE,
    head: |name| HeadText { id: None, name, defect: None },
    has_fences: true,
};

const TEXT: TextRules = TextRules { before_call: "", allows_text_after_call: false };

static V3_FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALLS_OPEN, CALL_OPEN],
        inside: "\n",
        after: "\n\n",
    }),
    text: TEXT,
    turn_ends: &[END],
};

static V3_1_FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALLS_OPEN, CALL_OPEN],
        inside: "",
        after: "",
    }),
    text: TEXT,
    turn_ends: &[END],
};

//! Hermes, the format of the Hermes and Qwen 2.5 and 3 models: calls as tagged JSON in ChatML.
//! Two dialects of one reply: what stands around it is Qwen 2.5's ([`HERMES`]) or Qwen 3's ([`QWEN3`]).
//!
//! ```text
//! <|im_start|>system
//! …                                  instructions, then `<tools>` with one JSON a line
//! <|im_end|>
//! <|im_start|>assistant
//! <think>
//! reasoning
//! </think>
//!
//! text
//! <tool_call>
//! {"name": "find", "arguments": {"a": 1}}
//! </tool_call><|im_end|>
//! <|im_start|>user
//! <tool_response>
//! …
//! </tool_response><|im_end|>
//! ```
//!
//! Text of a conversation is byte for byte what the chat templates of Qwen2.5-Instruct and Qwen3
//! give. Qwen 2.5 has a system message of its own where there is none, and no reasoning; it stands as
//! in Qwen 3, on every turn that has it. Qwen 3 keeps reasoning after the last question only
//! (`AsTemplate`), and there a last reply without any has an empty pair of tags: so the last turn of a
//! conversation is not the same text as that turn further back. Qwen3-Instruct-2507 is Qwen 3 but
//! for that pair. Where the template strips line breaks off reasoning and text, we keep them.
//!
//! Hermes 2 Pro and 3 write the same replies, and their conversations are read (results in a turn of
//! the role `tool`). They are not rendered: their template drops the text beside calls and declares
//! tools in lines that are no JSON.
//!
//! Arguments are the exact text of the JSON value. Where a string in them holds one of the
//! format's own tags, the renderer writes its `<` as `\u003c`: the value is the same, and no
//! parser can take it for the tag. Empty arguments are written `{}`; white space around them goes.
//!
//! What the format has no place for, and therefore leaves out: call ids and tool names of results
//! (they follow from the order), `is_error`, signatures of reasoning, and borders between text
//! blocks of one message. All else that would not come back is refused.

pub(crate) mod conversation;
mod parse;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::chatml::TURN_END;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// A dialect of the Hermes format.
#[derive(Clone, Copy, Debug)]
pub struct Hermes {
    name: &'static str,
    about: About,
    /// What the template says where there is no system message.
    default_system: Option<&'static str>,
    /// Reasoning is Qwen 3's: kept after the last question, and never without its tags at the end.
    is_thinking: bool,
}

/// Hermes as Qwen 2.5 has it.
pub const HERMES: Hermes = Hermes {
    name: "hermes",
    about: About {
        title: "Hermes",
        models: "Qwen 2.5, QwQ, Hermes 2 Pro and 3",
        limits: "no text after a call; no pictures; results pair with calls by their order",
    },
    default_system: Some(DEFAULT_SYSTEM),
    is_thinking: false,
};

/// Hermes as Qwen 3 has it.
pub const QWEN3: Hermes = Hermes {
    name: "qwen3",
    about: About {
        title: "Qwen 3",
        models: "Qwen 3, but for its Coder models",
        limits: "no text after a call; no pictures; results pair with calls by their order",
    },
    default_system: None,
    is_thinking: true,
};

impl ToolCallFormat for Hermes {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> About {
        self.about
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, parse::HermesGrammar::default(), tools, options))
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

const CALL_OPEN: &str = "<tool_call>";
const CALL_CLOSE: &str = "</tool_call>";
const THINK_OPEN: &str = "<think>";
const THINK_CLOSE: &str = "</think>";
pub(crate) const RESPONSE_OPEN: &str = "<tool_response>\n";
pub(crate) const RESPONSE_CLOSE: &str = "\n</tool_response>";

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALL_OPEN],
        inside: "\n",
        after: "\n\n",
    }),
    text: TextRules { before_call: "\n", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

/// What Qwen 2.5's template says where there is no system message.
const DEFAULT_SYSTEM: &str = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";
/// Between the instructions and the declarations, where there are instructions.
const TOOLS_BEFORE: &str = "\n\n";
/// Before the declarations.
const TOOLS_OPEN: &str = "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n\
    You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
/// After the declarations.
const TOOLS_CLOSE: &str = "\n</tools>\n\nFor each function call, return a json object with function name and \
    arguments within <tool_call></tool_call> XML tags:\n<tool_call>\n\
    {\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";

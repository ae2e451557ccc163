//! NexAU's XML, which the Nex agents' models write inside ordinary messages.
//!
//! ```text
//! text
//! <tool_use>
//! <tool_name>find</tool_name>
//! <parameter>
//! <query>x &lt; y && z</query>
//! </parameter>
//! </tool_use>
//! ```
//!
//! Two calls or more are made together: `<use_parallel_tool_calls>` around one `<parallel_tool>`
//! each. Results come back as one user turn, `Tool execution results:` and a `<tool_result>` each,
//! with `<result>` or `<error>`. Tools are declared as markdown with the XML of their use behind the
//! instructions, as NexAU's own prompt has them; the turns around it are ChatML scaffold.
//!
//! Read as well: the wrappers of older versions. `<sub-agent>`, also inside
//! `<use_parallel_sub_agents>`, is read as the delegation that took its place, a call to `Agent`
//! with `sub_agent_name` and `message`; `<use_batch_agent>` as a call of that name. NexAU stops the
//! model at `</tool_use>` and `</use_parallel_tool_calls>`, so a call that lacks only that is a call.
//!
//! Values are written as they are: NexAU reads them as CDATA, so `&`, `<`, nested markup and `&lt;`
//! come through untouched, and a value of several lines stands on lines of its own. What would end
//! a value early is refused. NexAU's own parser loses white space at the borders of a value, carriage
//! returns, and the type of all that is no string; it reads `<![CDATA[` inside a value as XML, and
//! `]]>` rightly only where its fallback finds the other tags of that value plain.
//!
//! What the format has no place for: call ids, signatures of reasoning, borders between text blocks.

mod conversation;
mod parse;
mod prompt;
mod render;
#[cfg(test)]
mod tests;

use crate::builder::TextRules;
use crate::chat_text::{self, THINK_CLOSE, THINK_OPEN};
use crate::chatml::TURN_END;
use crate::engine::{Frame, Machine, ReasoningFrame};
use crate::format::About;
use crate::markup_call::MarkupGrammar;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::ToolSpec;

/// NexAU's XML format.
#[derive(Clone, Copy, Debug, Default)]
pub struct NexAu;

impl ToolCallFormat for NexAu {
    fn name(&self) -> &'static str {
        "nexau"
    }

    fn about(&self) -> About {
        About {
            title: "NexAU XML",
            models: "Nex-N1 and what runs under NexAU in its `xml` mode",
            limits: "no value with its own closing tag; no text after a call; no pictures; types only by schema",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, MarkupGrammar::new(parse::NexAuDialect), tools, options))
    }

    fn render(&self, sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
        chat_text::render(self, sample, options)
    }

    fn parse_conversation(
        &self,
        text: &str,
        tools: Option<&[ToolSpec]>,
    ) -> Result<Conversation, ConversationError> {
        chat_text::parse(self, text, tools)
    }
}

const CALL_OPEN: &str = "<tool_use>";
const CALL_CLOSE: &str = "</tool_use>";
const PARALLEL_OPEN: &str = "<use_parallel_tool_calls>";
const PARALLEL_CLOSE: &str = "</use_parallel_tool_calls>";
const PARALLEL_CALL_OPEN: &str = "<parallel_tool>";
const PARALLEL_CALL_CLOSE: &str = "</parallel_tool>";
const PARAMETER_CLOSE: &str = "</parameter>";
const SUB_AGENT_OPEN: &str = "<sub-agent>";
const SUB_AGENTS_OPEN: &str = "<use_parallel_sub_agents>";
const BATCH_OPEN: &str = "<use_batch_agent>";

/// The tags that begin a call, or several.
const OPENERS: [&str; 5] = [CALL_OPEN, PARALLEL_OPEN, SUB_AGENT_OPEN, SUB_AGENTS_OPEN, BATCH_OPEN];

/// The tool by which an agent delegates.
const DELEGATION: &str = "Agent";

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame {
        open: THINK_OPEN,
        tags: &[THINK_CLOSE, CALL_OPEN, PARALLEL_OPEN, SUB_AGENT_OPEN, SUB_AGENTS_OPEN, BATCH_OPEN],
        inside: "\n",
        after: "\n\n",
    }),
    text: TextRules { before_call: "\n", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

//! Cline's format: a call is a tag named after the tool, with a tag for each argument.
//!
//! ```text
//! text
//!
//! <read_file>
//! <path>src/main.rs</path>
//! </read_file>
//! ```
//!
//! What begins a call is told by the list of tools alone; without one, Cline's own tools are known.
//! One call a reply. The result is a user turn, `[read_file for 'src/main.rs'] Result:` and the text,
//! errors in the words that Cline has for them. A tool of an MCP server, called `mcp__SERVER__TOOL`
//! in a record, is called through `use_mcp_tool` with its arguments as JSON, and read back so if
//! the list has it. Tools are declared as prose of Cline's shape behind the instructions; types have
//! no place in it. The turns around it are ChatML scaffold, and reasoning stands as `<think>`.
//!
//! A value of several lines stands on lines of its own. Cline trims every value and every text, and
//! reads all as text; here nothing but one line break on either side is taken off, and types
//! follow the schema. What would end a value early is refused.
//!
//! What the format has no place for: call ids, signatures of reasoning, borders between text blocks
//! of one message. A call inside reasoning is not noticed.

mod conversation;
mod parse;
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

/// Cline's format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cline;

impl ToolCallFormat for Cline {
    fn name(&self) -> &'static str {
        "cline"
    }

    fn about(&self) -> About {
        About {
            title: "Cline",
            models: "any model under Cline, Roo Code and their kin; NexGAP's `openrouter`",
            limits: "one call a reply, to a tool that is declared; no value with its own closing tag; no pictures",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        let dialect = parse::ClineDialect::new(tools);
        Box::new(Machine::new(&FRAME, MarkupGrammar::new(dialect), tools, options))
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

/// The tool through which tools of MCP servers are called.
const MCP_TOOL: &str = "use_mcp_tool";
const MCP_TOOL_CLOSE: &str = "</use_mcp_tool>";
/// What the names of such tools begin with in a record.
const MCP_PREFIX: &str = "mcp__";

static FRAME: Frame = Frame {
    reasoning: Some(ReasoningFrame { open: THINK_OPEN, tags: &[THINK_CLOSE], inside: "\n", after: "\n\n" }),
    text: TextRules { before_call: "\n\n", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

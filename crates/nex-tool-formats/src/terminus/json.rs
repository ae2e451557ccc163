//! Terminus 2 by JSON.
//!
//! ```text
//! {
//!   "analysis": "…",
//!   "plan": "…",
//!   "commands": [
//!     {"keystrokes": "ls -la\n", "duration": 0.1}
//!   ],
//!   "task_complete": false
//! }
//! ```
//!
//! A command stands in the list to the byte as its arguments are. The document is read when it is
//! whole; of one that was cut off or is broken, the commands that are finished are kept.

mod parse;

use super::{Commands, check_user, declare, declared, read_user, screen};
use crate::chat_text::{self, ChatText, Declared, ResultText, ResultTurns, Sampled, UserTurn};
use crate::chatml::MARKS;
use crate::document::WholeDocument;
use crate::engine::Machine;
use crate::format::About;
use crate::json::{escape_tags, push_respaced, push_string};
use crate::sample::ReplyParts;
use crate::{
    ArgumentText, Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser,
    Sample, SpanKind, ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::{ToolCall, ToolSpec};

/// Terminus 2 by JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminusJson;

impl ToolCallFormat for TerminusJson {
    fn name(&self) -> &'static str {
        "terminus-2-json"
    }

    fn about(&self) -> About {
        About {
            title: "Terminus 2, JSON",
            models: "any model under Harbor's Terminus 2 (its default parser)",
            limits: "a terminal's keystrokes only; one screen a reply; no pictures",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&super::xml::FRAME, WholeDocument(parse::read), tools, options))
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

const INSTRUCTIONS: &str = "\nFormat your response as JSON with the following structure:\n\n{\n  \"analysis\": \
    \"Analyze the current state based on the terminal output provided. What do you see? What has been \
    accomplished? What still needs to be done?\",\n  \"plan\": \"Describe your plan for the next steps. What \
    commands will you run and why? Be specific about what you expect each command to accomplish.\",\n  \
    \"commands\": [\n    {\n      \"keystrokes\": \"ls -la\\n\",\n      \"duration\": 0.1\n    },\n    {\n      \
    \"keystrokes\": \"cd project\\n\",\n      \"duration\": 0.1\n    }\n  ],\n  \"task_complete\": true\n}\n";

impl ChatText for TerminusJson {
    fn openers(&self, _tools: &Toolset) -> Vec<String> {
        Vec::new()
    }

    fn has_own_reasoning(&self) -> bool {
        true
    }

    fn declare(&self, tools: &[ToolSpec]) -> Result<String, String> {
        declare(tools, INSTRUCTIONS)
    }

    fn declared(&self, content: &str) -> Option<Declared> {
        declared(content, INSTRUCTIONS)
    }

    fn reply(&self, parts: &ReplyParts<'_>, of: &Sampled<'_>) -> Result<Vec<(SpanKind, String)>, String> {
        let Commands { commands, is_complete } = Commands::of(&parts.calls)?;
        let (analysis, plan) = (quoted(&parts.reasoning), quoted(&parts.text));
        let mut pieces = vec![
            (SpanKind::Reasoning, format!("{{\n  \"analysis\": {analysis},\n")),
            (SpanKind::AssistantText, format!("  \"plan\": {plan},\n  \"commands\": [")),
        ];
        let mut before = "\n    ";
        for command in &commands {
            let mut arguments = escape_tags(command.arguments.trim(), &MARKS).into_owned();
            if of.options.arguments == ArgumentText::Respaced {
                let mut spaced = String::new();
                push_respaced(&mut spaced, &arguments);
                arguments = spaced;
            }
            pieces.push((SpanKind::Call, format!("{before}{arguments}")));
            before = ",\n    ";
        }
        let kind = if is_complete { SpanKind::Call } else { SpanKind::AssistantText };
        let line = if commands.is_empty() { "" } else { "\n  " };
        pieces.push((kind, format!("{line}],\n  \"task_complete\": {is_complete}\n}}")));
        Ok(pieces)
    }

    fn results(&self, calls: &[&ToolCall], results: &[ResultText<'_>]) -> Result<ResultTurns, String> {
        screen(calls, results)
    }

    fn read_user<'a>(&self, content: &'a str, calls: &[ToolCall]) -> UserTurn<'a> {
        read_user(content, calls)
    }

    fn check_user(&self, _text: &str, calls: &[ToolCall]) -> Result<(), String> {
        check_user(calls)
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::new();
    push_string(&mut json, text);
    escape_tags(&json, &MARKS).into_owned()
}

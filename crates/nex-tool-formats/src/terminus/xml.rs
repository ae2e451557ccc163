//! Terminus 2 by XML.
//!
//! ```text
//! <response>
//! <analysis>
//! …
//! </analysis>
//! <plan>
//! …
//! </plan>
//! <commands>
//! <keystrokes duration="0.1">ls -la
//! </keystrokes>
//! </commands>
//! <task_complete>false</task_complete>
//! </response>
//! ```
//!
//! Keystrokes are verbatim: nothing is escaped, no white space is taken off. Analysis and plan are
//! less one line break on either side (Harbor strips them). What Harbor would take for a section
//! elsewhere is refused. Arguments come back in the order keystrokes, duration.

mod parse;

use super::{Commands, check_user, declare, declared, read_user, screen};
use crate::builder::TextRules;
use crate::chat_text::{self, ChatText, Declared, ResultText, ResultTurns, Sampled, UserTurn, free_of};
use crate::chatml::TURN_END;
use crate::engine::{Frame, Machine};
use crate::format::About;
use crate::sample::ReplyParts;
use crate::{
    Conversation, ConversationError, ParseOptions, RenderOptions, Rendered, ReplyParser, Sample, SpanKind,
    ToolCallFormat, Toolset, Unrepresentable,
};
use nex_trajectory::{ToolCall, ToolSpec};

/// Terminus 2 by XML.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminusXml;

impl ToolCallFormat for TerminusXml {
    fn name(&self) -> &'static str {
        "terminus-2-xml"
    }

    fn about(&self) -> About {
        About {
            title: "Terminus 2, XML",
            models: "any model under Harbor's Terminus 2 with its XML parser",
            limits: "a terminal's keystrokes only; one screen a reply; no pictures",
        }
    }

    fn parser(&self, tools: &Toolset, options: ParseOptions) -> Box<dyn ReplyParser> {
        Box::new(Machine::new(&FRAME, parse::TerminusGrammar::default(), tools, options))
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

const RESPONSE_OPEN: &str = "<response>";
const RESPONSE_CLOSE: &str = "</response>";
const COMMANDS_CLOSE: &str = "</commands>";
const KEYSTROKES_CLOSE: &str = "</keystrokes>";

/// What Harbor finds wherever it stands.
const SECTIONS: [&str; 9] = [
    RESPONSE_OPEN,
    RESPONSE_CLOSE,
    "<analysis",
    "</analysis>",
    "<plan",
    "</plan>",
    "<commands",
    COMMANDS_CLOSE,
    "<task_complete",
];

pub(super) static FRAME: Frame = Frame {
    reasoning: None,
    text: TextRules { before_call: "", allows_text_after_call: false },
    turn_ends: &[TURN_END],
};

const INSTRUCTIONS: &str = "\nFormat your response as XML with the following structure:\n\n\
    <response>\n<analysis>\nAnalyze the current state based on the terminal output provided. What do you see? \
    What has been accomplished? What still needs to be done?\n</analysis>\n<plan>\nDescribe your plan for the \
    next steps. What commands will you run and why? Be specific about what you expect each command to \
    accomplish.\n</plan>\n<commands>\n<keystrokes duration=\"0.1\">ls -la\n</keystrokes>\n\
    <keystrokes duration=\"0.1\">cd project\n</keystrokes>\n</commands>\n<task_complete>true</task_complete>\n\
    </response>\n";

impl ChatText for TerminusXml {
    fn openers(&self, _tools: &Toolset) -> Vec<String> {
        SECTIONS.map(str::to_owned).to_vec()
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

    fn reply(&self, parts: &ReplyParts<'_>, _of: &Sampled<'_>) -> Result<Vec<(SpanKind, String)>, String> {
        let Commands { commands, is_complete } = Commands::of(&parts.calls)?;
        let (analysis, plan) = (&parts.reasoning, &parts.text);
        let mut pieces = vec![
            (SpanKind::Reasoning, format!("{RESPONSE_OPEN}\n<analysis>\n{analysis}\n</analysis>\n")),
            (SpanKind::AssistantText, format!("<plan>\n{plan}\n</plan>\n<commands>\n")),
        ];
        for command in commands {
            if command.has_more {
                return Err("a command has keystrokes and a duration, and no other argument".to_owned());
            }
            free_of(
                &command.keystrokes,
                &[KEYSTROKES_CLOSE, COMMANDS_CLOSE, RESPONSE_CLOSE, "<task_complete"],
            )?;
            let duration = command.duration.map(|duration| format!(" duration=\"{duration}\""));
            let (duration, keystrokes) = (duration.unwrap_or_default(), command.keystrokes);
            pieces.push((SpanKind::Call, format!("<keystrokes{duration}>{keystrokes}{KEYSTROKES_CLOSE}\n")));
        }
        let kind = if is_complete { SpanKind::Call } else { SpanKind::AssistantText };
        let end = format!("{COMMANDS_CLOSE}\n<task_complete>{is_complete}</task_complete>\n{RESPONSE_CLOSE}");
        pieces.push((kind, end));
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

//! Harbor's Terminus 2: an agent that types into a terminal, by XML or by JSON.
//!
//! A reply has an analysis, a plan, commands (keystrokes, and seconds to wait) and whether the task is
//! complete. In a record, as in Harbor's own, each command is a call to `bash_command` with
//! `keystrokes` and `duration`, and completion a call to `mark_task_complete`, always the last. The
//! analysis is the reply's reasoning and the plan its text: that comes back whole, and each has its
//! own kind in the mask. Reasoning of the model's own, in front of the reply, has no place beside
//! it, so the analysis is never dropped from history.
//!
//! The next user turn is the terminal's screen: it is the result of the last call of the reply, and
//! those before it have empty ones. Harbor puts its instructions into the first user message, which
//! a record has as it was; where the two tools are declared, the part of those instructions that
//! shows the shape of a reply stands behind the system message. The turns are ChatML scaffold.
//!
//! What the format has no place for: other tools, call ids, `is_error`, a result for each command,
//! borders between text blocks of one message.

pub(crate) mod json;
#[cfg(test)]
mod tests;
pub(crate) mod xml;

use crate::chat_text::{Declared, ResultText, ResultTurns, UserTurn};
use crate::{SpanKind, json as json_text};
use nex_trajectory::{ToolCall, ToolSpec};
use serde_json::json;
use std::borrow::Cow;

/// The tool that each command is a call to.
const COMMAND: &str = "bash_command";
/// The tool that says that the task is done.
const COMPLETE: &str = "mark_task_complete";

/// The two tools there are.
fn tools() -> Vec<ToolSpec> {
    let keystrokes = json!({"type": "string", "description": "What is typed, as it is."});
    let duration = json!({"type": "number", "description": "Seconds to wait for it."});
    let command = json!({
        "type": "object",
        "properties": {"keystrokes": keystrokes, "duration": duration},
        "required": ["keystrokes"],
    });
    let tool = |name: &str, description: &str, input_schema| ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema,
    };
    vec![
        tool(COMMAND, "Types keystrokes into the terminal.", command),
        tool(COMPLETE, "Says that the task is complete.", json!({"type": "object", "properties": {}})),
    ]
}

/// # Errors
/// Another tool is declared.
fn declare(declared: &[ToolSpec], text: &str) -> Result<String, String> {
    match declared.iter().find(|tool| ![COMMAND, COMPLETE].contains(&tool.name.as_str())) {
        Some(tool) => Err(format!("tool `{}`: the format has `{COMMAND}` and `{COMPLETE}` only", tool.name)),
        None => Ok(text.to_owned()),
    }
}

fn declared(content: &str, text: &str) -> Option<Declared> {
    Declared::find(content, text, |_| tools())
}

/// The calls of a reply as commands, and whether the task is complete.
struct Commands<'a> {
    commands: Vec<Command<'a>>,
    is_complete: bool,
}

struct Command<'a> {
    /// The arguments: a JSON object with `keystrokes`.
    arguments: &'a str,
    keystrokes: Cow<'a, str>,
    /// A JSON number.
    duration: Option<&'a str>,
    /// It has other arguments too.
    has_more: bool,
}

impl<'a> Commands<'a> {
    fn of(calls: &[&'a ToolCall]) -> Result<Self, String> {
        let mut of = Self { commands: Vec::new(), is_complete: false };
        for call in calls {
            if of.is_complete {
                return Err(format!("a call after `{COMPLETE}`, which is always the last"));
            }
            let members = json_text::members(call.arguments.as_text());
            match call.name.as_str() {
                COMMAND => {
                    let members = members.ok_or("the arguments of a command are not a JSON object")?;
                    of.commands.push(Command::of(call.arguments.as_text(), &members)?);
                }
                COMPLETE if call.arguments.as_text().trim().is_empty() => of.is_complete = true,
                COMPLETE if members.is_some_and(|members| members.is_empty()) => of.is_complete = true,
                COMPLETE => return Err(format!("`{COMPLETE}` has no arguments")),
                other => {
                    return Err(format!(
                        "a call to `{other}`: the format has `{COMMAND}` and `{COMPLETE}` only"
                    ));
                }
            }
        }
        Ok(of)
    }
}

impl<'a> Command<'a> {
    fn of(arguments: &'a str, members: &[(Cow<'_, str>, &'a str)]) -> Result<Self, String> {
        let value = |key: &str| {
            let mut values = members.iter().filter(|(name, _)| name == key).map(|(_, value)| *value);
            match (values.next(), values.next()) {
                (value, None) => Ok(value),
                _ => Err(format!("argument `{key}` of a command stands twice")),
            }
        };
        let keystrokes = value("keystrokes")?.and_then(json_text::unescape);
        let keystrokes = keystrokes.ok_or("a command without the text of its `keystrokes`")?;
        let duration = value("duration")?;
        if duration.is_some_and(|duration| !is_number(duration)) {
            return Err("the `duration` of a command is no number".to_owned());
        }
        let has_more = members.len() > 1 + usize::from(duration.is_some());
        Ok(Self { arguments, keystrokes, duration, has_more })
    }
}

fn is_number(json: &str) -> bool {
    json.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && json_text::is_value(json)
}

/// The screen after the commands, as a user turn.
fn screen(calls: &[&ToolCall], results: &[ResultText<'_>]) -> Result<ResultTurns, String> {
    let Some((last, before)) = results.split_last() else { return Ok(Vec::new()) };
    if results.len() < calls.len() || before.iter().any(|result| !result.text.is_empty()) {
        let reason =
            "commands of one reply have one result, the screen: the last has it, those before are empty";
        return Err(reason.to_owned());
    }
    Ok(vec![vec![(SpanKind::Observation, last.text.to_owned())]])
}

fn read_user<'a>(content: &'a str, calls: &[ToolCall]) -> UserTurn<'a> {
    let Some(last) = calls.len().checked_sub(1) else { return UserTurn::Words(content) };
    UserTurn::Results(
        (0..=last).map(|index| (index, if index == last { content } else { "" }, false)).collect(),
    )
}

fn check_user(calls: &[ToolCall]) -> Result<(), String> {
    if calls.is_empty() {
        return Ok(());
    }
    Err("a user's message after calls without results would be read as the terminal's screen".to_owned())
}

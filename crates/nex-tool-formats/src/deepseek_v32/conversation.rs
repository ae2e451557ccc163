//! Reading a whole conversation back.

use super::{
    ASSISTANT, DeepSeekV32, PREFIX, RESULT_CLOSE, RESULT_OPEN, RESULTS_CLOSE, RESULTS_OPEN, THINK_CLOSE,
    THINK_OPEN, TOOLS_CLOSE, TOOLS_OPEN, TURN_END, USER,
};
use crate::declared::tools_of;
use crate::reading::ConversationBuilder;
use crate::{Conversation, ConversationError, ParseOptions};
use nex_trajectory::{Message, ToolSpec};

pub(super) fn parse(text: &str, tools: Option<&[ToolSpec]>) -> Result<Conversation, ConversationError> {
    let mut out = ConversationBuilder::new(tools);
    let start = if text.starts_with(PREFIX) { PREFIX.len() } else { 0 };
    let mut rest = &text[start..];
    let system = take_until(&mut rest, &[USER, ASSISTANT]);
    let (said, tools) = declarations(system, start)?;
    out.declare(tools);
    if !said.is_empty() {
        out.message(Message::system(said));
    }
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        if let Some(after) = rest.strip_prefix(USER) {
            rest = after;
            out.message(Message::user(take_until(&mut rest, &[USER, ASSISTANT])));
        } else if let Some(after) = rest.strip_prefix(ASSISTANT) {
            rest = after;
            reply(&mut rest, &mut out);
        } else if let Some(after) = rest.strip_prefix(RESULTS_OPEN) {
            rest = results(after, at, &mut out)?;
            let next = rest.strip_prefix("\n\n");
            if let Some(next) = next.filter(|n| n.starts_with(THINK_OPEN) || n.starts_with(THINK_CLOSE)) {
                rest = next;
                reply(&mut rest, &mut out);
            }
        } else {
            let message = format!("a turn begins with {USER}, {ASSISTANT} or {}", RESULTS_OPEN.trim_start());
            return Err(ConversationError::new(at, message));
        }
    }
    Ok(out.finish())
}

fn take_until<'a>(rest: &mut &'a str, marks: &[&str]) -> &'a str {
    let end = marks.iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
    let (taken, after) = rest.split_at(end);
    *rest = after;
    taken
}

fn reply(rest: &mut &str, out: &mut ConversationBuilder) {
    let content = take_until(rest, &[TURN_END]);
    *rest = rest.strip_prefix(TURN_END).unwrap_or(rest);
    // Without reasoning there is only the tag that closes it.
    let content = content.strip_prefix(THINK_CLOSE).unwrap_or(content);
    out.reply(&DeepSeekV32, content, ParseOptions::default());
}

/// Takes the declarations out of the system message and gives the rest.
fn declarations(system: &str, at: usize) -> Result<(&str, Vec<ToolSpec>), ConversationError> {
    let Some((text, declared)) = system.split_once(TOOLS_OPEN) else { return Ok((system, Vec::new())) };
    let lines_at = at + system.len() - declared.len();
    let lines = declared
        .strip_suffix(TOOLS_CLOSE)
        .ok_or_else(|| ConversationError::new(lines_at, "the tool declarations do not end as they should"))?;
    Ok((text.strip_suffix("\n\n").unwrap_or(text), tools_of(lines.lines(), lines_at)?))
}

/// Reads results and gives what follows them. `at` is where they begin.
fn results<'a>(
    inside: &'a str,
    at: usize,
    out: &mut ConversationBuilder,
) -> Result<&'a str, ConversationError> {
    let mut rest = inside;
    loop {
        let fail = |message: &str| {
            ConversationError::new(at + RESULTS_OPEN.len() + inside.len() - rest.len(), message)
        };
        if let Some(after) = rest.strip_prefix(RESULTS_CLOSE) {
            return Ok(after);
        }
        let result = rest.strip_prefix(RESULT_OPEN).ok_or_else(|| fail("neither a result nor their end"))?;
        let (text, after) = result.split_once(RESULT_CLOSE).ok_or_else(|| fail("a result is not closed"))?;
        if !out.result(text, false) {
            return Err(fail("a result without a call before it"));
        }
        rest = after;
    }
}

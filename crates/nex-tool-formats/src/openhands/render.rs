//! Writing calls and results, and reading results.

use super::parse::is_key;
use super::{CALL_CLOSE, CALL_OPEN, OpenHands, PARAMETER_CLOSE, STOP, declaration};
use crate::chat_text::{ChatText, Declared, ResultText, ResultTurns, Sampled, UserTurn};
use crate::markup_call::written_arguments;
use crate::sample::ReplyParts;
use crate::{SpanKind, Toolset};
use nex_trajectory::{ToolCall, ToolSpec};

const RESULT: &str = "EXECUTION RESULT of [";
const RESULT_NAME_END: &str = "]:\n";

/// Around the task, where OpenHands puts an example before it.
const EXAMPLE_OPEN: &str = "Here's a running example of how to perform a task with the provided tools.";
const TASK_OPEN: &str = "\n--------------------- NEW TASK DESCRIPTION ---------------------\n";
const TASK_CLOSE: &str = "\n--------------------- END OF NEW TASK DESCRIPTION ---------------------\n";

impl ChatText for OpenHands {
    fn openers(&self, _tools: &Toolset) -> Vec<String> {
        vec![CALL_OPEN.to_owned()]
    }

    fn declare(&self, tools: &[ToolSpec]) -> Result<String, String> {
        Ok(declaration::declare(tools))
    }

    fn declared(&self, content: &str) -> Option<Declared> {
        declaration::declared(content)
    }

    fn reply(&self, parts: &ReplyParts<'_>, of: &Sampled<'_>) -> Result<Vec<(SpanKind, String)>, String> {
        let mut pieces = vec![(SpanKind::AssistantText, parts.text.clone())];
        match parts.calls.as_slice() {
            [] => {}
            [call] => {
                let before = if parts.text.is_empty() { "" } else { "\n\n" };
                pieces.push((SpanKind::Call, format!("{before}{}", call_text(call, of)?)));
            }
            calls => return Err(format!("{} calls in one reply: the format has one", calls.len())),
        }
        Ok(pieces)
    }

    fn results(&self, calls: &[&ToolCall], results: &[ResultText<'_>]) -> Result<ResultTurns, String> {
        let turns = calls.iter().zip(results).map(|(call, result)| {
            vec![
                (SpanKind::Scaffold, format!("{RESULT}{}{RESULT_NAME_END}", call.name)),
                (SpanKind::Observation, result.text.to_owned()),
            ]
        });
        Ok(turns.collect())
    }

    fn read_user<'a>(&self, content: &'a str, calls: &[ToolCall]) -> UserTurn<'a> {
        let result = content.strip_prefix(RESULT).and_then(|rest| rest.split_once(RESULT_NAME_END));
        match result {
            Some((_, text)) if !calls.is_empty() => UserTurn::Results(vec![(0, text, false)]),
            _ => UserTurn::Words(without_example(content)),
        }
    }

    fn check_user(&self, text: &str, _calls: &[ToolCall]) -> Result<(), String> {
        // OpenHands looks for it anywhere in the text.
        if text.contains(RESULT) {
            return Err(format!("the text holds `{RESULT}` and would be read as a result"));
        }
        if without_example(text).len() < text.len() {
            return Err("the text holds an example that would be taken off it".to_owned());
        }
        Ok(())
    }
}

fn without_example(content: &str) -> &str {
    if !content.starts_with(EXAMPLE_OPEN) {
        return content;
    }
    let Some((_, task)) = content.split_once(TASK_OPEN) else { return content };
    task.rsplit_once(TASK_CLOSE).map_or(task, |(task, _)| task)
}

fn call_text(call: &ToolCall, of: &Sampled<'_>) -> Result<String, String> {
    let name = &call.name;
    if name.is_empty()
        || name.len() > 200
        || name.contains(|c: char| matches!(c, '<' | '>' | ']') || c.is_whitespace())
    {
        return Err(format!("`{name}` cannot stand in a tag as a tool's name"));
    }
    let mut text = format!("{CALL_OPEN}{name}>\n");
    let closers = [PARAMETER_CLOSE, STOP];
    for (key, value) in
        written_arguments(call, of.tools, of.options, &closers, |_| PARAMETER_CLOSE.to_owned())?
    {
        if !is_key(&key) {
            return Err(format!("argument `{key}` of `{name}` has a name that cannot stand in a tag"));
        }
        text.push_str(&format!("<parameter={key}>{value}{PARAMETER_CLOSE}\n"));
    }
    text.push_str(CALL_CLOSE);
    Ok(text)
}

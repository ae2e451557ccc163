//! Writing calls, results and declarations.

use super::parse::is_key;
use super::{
    CALL_CLOSE, CALL_OPEN, NexAu, OPENERS, PARALLEL_CALL_CLOSE, PARALLEL_CALL_OPEN, PARALLEL_CLOSE,
    PARALLEL_OPEN, PARAMETER_CLOSE, conversation,
};
use crate::chat_text::{ChatText, Declared, ResultText, ResultTurns, Sampled, UserTurn, free_of};
use crate::markup_call::written_arguments;
use crate::sample::ReplyParts;
use crate::{SpanKind, Toolset};
use nex_trajectory::{ToolCall, ToolSpec};

/// Before the results.
pub(super) const RESULTS: &str = "Tool execution results:\n";
pub(super) const RESULT_OPEN: &str = "<tool_result>\n<tool_name>";
pub(super) const NAME_END: &str = "</tool_name>\n";
pub(super) const RESULT_END: &str = "\n</tool_result>";

impl ChatText for NexAu {
    fn openers(&self, _tools: &Toolset) -> Vec<String> {
        OPENERS.map(str::to_owned).to_vec()
    }

    fn declare(&self, tools: &[ToolSpec]) -> Result<String, String> {
        Ok(conversation::declare(tools))
    }

    fn declared(&self, content: &str) -> Option<Declared> {
        conversation::declared(content)
    }

    fn reply(&self, parts: &ReplyParts<'_>, of: &Sampled<'_>) -> Result<Vec<(SpanKind, String)>, String> {
        let mut pieces = vec![(SpanKind::AssistantText, parts.text.clone())];
        let before = if parts.text.is_empty() { "" } else { "\n" };
        match parts.calls.as_slice() {
            [] => {}
            [call] => {
                let call = call_xml(call, of, CALL_OPEN, CALL_CLOSE)?;
                pieces.push((SpanKind::Call, format!("{before}{call}")));
            }
            calls => {
                let mut before = format!("{before}{PARALLEL_OPEN}");
                for call in calls {
                    let call = call_xml(call, of, PARALLEL_CALL_OPEN, PARALLEL_CALL_CLOSE)?;
                    pieces.push((SpanKind::Call, format!("{before}\n{call}")));
                    before.clear();
                }
                if let Some((_, last)) = pieces.last_mut() {
                    last.push('\n');
                    last.push_str(PARALLEL_CLOSE);
                }
            }
        }
        Ok(pieces)
    }

    fn results(&self, calls: &[&ToolCall], results: &[ResultText<'_>]) -> Result<ResultTurns, String> {
        let mut pieces = vec![(SpanKind::Scaffold, RESULTS.to_owned())];
        for (index, (call, result)) in calls.iter().zip(results).enumerate() {
            let tag = if result.is_error { "error" } else { "result" };
            free_of(result.text, &[format!("</{tag}>{RESULT_END}")])?;
            // NexAU has an empty line on either side of a result, and cuts the outermost off.
            let before = if index == 0 { "" } else { "\n\n\n\n" };
            let head = format!("{before}{RESULT_OPEN}{}{NAME_END}<{tag}>", call.name);
            pieces.push((SpanKind::Scaffold, head));
            pieces.push((SpanKind::Observation, result.text.to_owned()));
            pieces.push((SpanKind::Scaffold, format!("</{tag}>{RESULT_END}")));
        }
        Ok(vec![pieces])
    }

    fn read_user<'a>(&self, content: &'a str, calls: &[ToolCall]) -> UserTurn<'a> {
        match conversation::results(content, calls) {
            Some(results) => UserTurn::Results(results),
            None => UserTurn::Words(content),
        }
    }

    fn check_user(&self, text: &str, _calls: &[ToolCall]) -> Result<(), String> {
        if conversation::begins_results(text) {
            return Err("the text begins like tools' results and would be read as them".to_owned());
        }
        Ok(())
    }
}

fn call_xml(call: &ToolCall, of: &Sampled<'_>, open: &str, close: &str) -> Result<String, String> {
    if call.name.is_empty() || call.name.trim() != call.name || call.name.contains(['<', '\n']) {
        return Err(format!("`{}` cannot stand between tags as a tool's name", call.name));
    }
    // A value that holds any of these is cut there by NexAU, wherever it stands.
    const CLOSERS: [&str; 4] = [PARAMETER_CLOSE, CALL_CLOSE, PARALLEL_CALL_CLOSE, PARALLEL_CLOSE];
    let mut xml = format!("{open}\n<tool_name>{}</tool_name>\n<parameter>\n", call.name);
    for (key, value) in written_arguments(call, of.tools, of.options, &CLOSERS, |key| format!("</{key}>"))? {
        if !is_key(&key) {
            return Err(format!("argument `{key}` of `{}` has a name that cannot be a tag", call.name));
        }
        xml.push_str(&format!("<{key}>{value}</{key}>\n"));
    }
    xml.push_str(PARAMETER_CLOSE);
    xml.push('\n');
    xml.push_str(close);
    Ok(xml)
}

//! Writing calls and results.

use super::conversation::{self, subject};
use super::parse::{is_tag, mcp_call, openers};
use super::{Cline, MCP_PREFIX, MCP_TOOL, MCP_TOOL_CLOSE};
use crate::chat_text::{ChatText, Declared, ResultText, ResultTurns, Sampled, UserTurn};
use crate::markup_call::written_arguments;
use crate::sample::ReplyParts;
use crate::{ArgumentText, SpanKind, Toolset, json};
use nex_trajectory::{ToolCall, ToolSpec};

/// In place of an empty result.
pub(super) const NOTHING: &str = "(tool did not return anything)";
pub(super) const ERROR_OPEN: &str = "The tool execution failed with the following error:\n<error>\n";
pub(super) const ERROR_CLOSE: &str = "\n</error>";

impl ChatText for Cline {
    fn openers(&self, tools: &Toolset) -> Vec<String> {
        openers(tools)
    }

    fn declare(&self, tools: &[ToolSpec]) -> Result<String, String> {
        Ok(conversation::declare(tools))
    }

    fn declared(&self, content: &str) -> Option<Declared> {
        conversation::declared(content)
    }

    fn reply(&self, parts: &ReplyParts<'_>, of: &Sampled<'_>) -> Result<Vec<(SpanKind, String)>, String> {
        let mut pieces = vec![(SpanKind::AssistantText, parts.text.clone())];
        match parts.calls.as_slice() {
            [] => {}
            [call] => {
                let before = if parts.text.is_empty() { "" } else { "\n\n" };
                let call = match call.name.strip_prefix(MCP_PREFIX).and_then(|name| name.split_once("__")) {
                    Some((server, tool)) => mcp_text(call, server, tool, of)?,
                    None => call_text(call, of)?,
                };
                pieces.push((SpanKind::Call, format!("{before}{call}")));
            }
            calls => return Err(format!("{} calls in one reply: the format has one", calls.len())),
        }
        Ok(pieces)
    }

    fn results(&self, calls: &[&ToolCall], results: &[ResultText<'_>]) -> Result<ResultTurns, String> {
        calls.iter().zip(results).map(|(call, result)| result_turn(call, result)).collect()
    }

    fn read_user<'a>(&self, content: &'a str, calls: &[ToolCall]) -> UserTurn<'a> {
        match conversation::result(content, calls) {
            Some((text, is_error)) => UserTurn::Results(vec![(0, text, is_error)]),
            None => UserTurn::Words(content),
        }
    }

    fn check_user(&self, text: &str, calls: &[ToolCall]) -> Result<(), String> {
        match conversation::result(text, calls) {
            Some(_) => Err("the text begins like the tool's result and would be read as one".to_owned()),
            None => Ok(()),
        }
    }
}

fn call_text(call: &ToolCall, of: &Sampled<'_>) -> Result<String, String> {
    let name = &call.name;
    if !openers(of.tools).contains(&format!("<{name}>")) {
        return Err(format!("`{name}` is not among the tools, whose names tell what a call is"));
    }
    if name == MCP_TOOL && mcp_call(of.tools, call.arguments.as_text()).is_some() {
        return Err(
            "the call would be read as one to the MCP server's own tool, which is declared".to_owned()
        );
    }
    let closer = format!("</{name}>");
    let mut text = format!("<{name}>\n");
    let closers = [closer.as_str(), MCP_TOOL_CLOSE];
    for (key, value) in written_arguments(call, of.tools, of.options, &closers, |key| format!("</{key}>"))? {
        if !is_tag(&key) {
            return Err(format!("argument `{key}` of `{name}` has a name that cannot be a tag"));
        }
        text.push_str(&format!("<{key}>{value}</{key}>\n"));
    }
    text.push_str(&closer);
    Ok(text)
}

/// A call to `tool` of the MCP server `server`.
fn mcp_text(call: &ToolCall, server: &str, tool: &str, of: &Sampled<'_>) -> Result<String, String> {
    if !is_tag(server) || !is_tag(tool) || !of.tools.contains(&call.name) {
        return Err(format!("`{}` is no declared tool of an MCP server", call.name));
    }
    let arguments = call.arguments.as_text().trim();
    let arguments = if arguments.is_empty() { "{}" } else { arguments };
    if !json::is_object(arguments) {
        return Err(format!("the arguments of call `{}` are not a JSON object", call.id));
    }
    let mut text = json::escape_tags(arguments, &["</arguments>", MCP_TOOL_CLOSE]).into_owned();
    if of.options.arguments == ArgumentText::Respaced {
        let mut spaced = String::new();
        json::push_respaced(&mut spaced, &text);
        text = spaced;
    }
    Ok(format!(
        "<{MCP_TOOL}>\n<server_name>{server}</server_name>\n<tool_name>{tool}</tool_name>\n\
         <arguments>\n{text}\n</arguments>\n{MCP_TOOL_CLOSE}"
    ))
}

fn result_turn(call: &ToolCall, result: &ResultText<'_>) -> Result<Vec<(SpanKind, String)>, String> {
    let head = format!("{} Result:\n", subject(call));
    let text = result.text.to_owned();
    if result.is_error {
        return Ok(vec![
            (SpanKind::Scaffold, head + ERROR_OPEN),
            (SpanKind::Observation, text),
            (SpanKind::Scaffold, ERROR_CLOSE.to_owned()),
        ]);
    }
    if text == NOTHING || (text.starts_with(ERROR_OPEN) && text.ends_with(ERROR_CLOSE)) {
        return Err("the result's text is what Cline writes for no result, or for an error".to_owned());
    }
    if text.is_empty() {
        return Ok(vec![(SpanKind::Scaffold, head + NOTHING)]);
    }
    Ok(vec![(SpanKind::Scaffold, head), (SpanKind::Observation, text)])
}

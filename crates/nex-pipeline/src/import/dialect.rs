//! Raw text of a tool-call format inside other files: replies, and results in the user's turn.
//!
//! The only place here that calls the parsers of a [`ToolCallFormat`].

use super::fault::Wrong;
use super::thread::{Thread, text_blocks};
use nex_tool_formats::{Conversation, ConversationError, ParseOptions, ToolCallFormat, Toolset};
use nex_trajectory::{ContentBlock, Message, Role, ToolSpec};

/// The marks by which the text of a format is known, most telling first.
const MARKS: [(&str, &str); 14] = [
    ("<｜DSML｜", "deepseek-v3.2"),
    ("<｜tool▁calls▁begin｜>", "deepseek-v3.1"),
    ("<|tool_calls_section_begin|>", "kimi-k2"),
    ("<minimax:tool_call>", "minimax-m2"),
    ("[TOOL_CALLS]", "mistral-v3"),
    ("<|channel|>", "gpt-oss"),
    ("<|python_tag|>", "llama-3"),
    ("<tool_use>", "nexau"),
    ("<use_parallel_tool_calls>", "nexau"),
    ("<sub-agent>", "nexau"),
    ("<arg_key>", "glm-4.5"),
    ("<tool_call>\n<function=", "qwen3-coder"),
    ("<function=", "openhands"),
    ("<tool_call>", "hermes"),
];

/// The format whose mark stands in `text`, with the mark.
pub(super) fn guess(text: &str) -> Option<(&'static str, &'static str)> {
    if !text.contains(['<', '[']) {
        return None;
    }
    MARKS.iter().find(|(mark, _)| text.contains(mark)).map(|(mark, name)| (*name, *mark))
}

/// The format called `name`.
pub(super) fn named(name: &str) -> Result<&'static dyn ToolCallFormat, Wrong> {
    nex_tool_formats::by_name(name).map_err(|error| Wrong::new(error.to_string()))
}

/// Adds the reply `text`, its calls read by `format`, to `thread`. What could not be read stays
/// text, with a defect.
pub(super) fn push_reply(
    text: &str,
    format: &dyn ToolCallFormat,
    tools: &Toolset,
    thread: &mut Thread,
    is_muted: bool,
) {
    let (message, defects) = parse(text, format, tools, thread);
    let node = thread.push_reply(message.content);
    // The parser has seen the arguments; its defects replace those of the JSON check.
    node.defects = defects;
    node.is_synthetic = is_muted;
}

/// The whole conversation that `text` is in `format`; `tools` where they stand beside it.
pub(super) fn read_conversation(
    text: &str,
    format: &dyn ToolCallFormat,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    format.parse_conversation(text, tools)
}

fn parse(
    text: &str,
    format: &dyn ToolCallFormat,
    tools: &Toolset,
    thread: &mut Thread,
) -> (Message, Vec<nex_trajectory::Defect>) {
    let mut reply = format.parse(text, tools, ParseOptions::default());
    let defects = std::mem::take(&mut reply.defects);
    (reply.into_message(|| thread.make_id()), defects)
}

/// Adds a user's turn: results, if it is made of nothing else, or words.
pub(super) fn push_user(text: &str, thread: &mut Thread) {
    let is_answer = thread.nodes().last().is_some_and(|last| last.message.calls().next().is_some());
    match results_in(text).filter(|_| is_answer) {
        Some(results) => {
            for result in results {
                thread.result(None, result.name, text_blocks(result.text), result.is_error);
            }
        }
        None => drop(thread.push(Role::User, text_blocks(text))),
    }
}

/// One result as text formats write it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextResult {
    pub(super) name: Option<String>,
    pub(super) text: String,
    pub(super) is_error: bool,
}

const OPENINGS: [(&str, &str); 2] =
    [("<tool_response>", "</tool_response>"), ("<tool_result>", "</tool_result>")];

/// The results that `text` is made of; none if it holds anything else.
pub(super) fn results_in(text: &str) -> Option<Vec<TextResult>> {
    let mut rest = text.trim_ascii();
    let mut results = Vec::new();
    while !rest.is_empty() {
        let (open, close) = OPENINGS.iter().find(|(open, _)| rest.starts_with(open))?;
        let body = &rest[open.len()..];
        let end = end_of(body, close)?;
        results.push(result(&body[..end], open));
        rest = body[end + close.len()..].trim_ascii_start();
    }
    (!results.is_empty()).then_some(results)
}

/// The closing tag after which the text ends or another result begins: a result may quote the tag.
fn end_of(body: &str, close: &str) -> Option<usize> {
    body.match_indices(close).map(|(at, _)| at).find(|at| {
        let after = body[at + close.len()..].trim_ascii_start();
        after.is_empty() || OPENINGS.iter().any(|(open, _)| after.starts_with(open))
    })
}

fn result(body: &str, open: &str) -> TextResult {
    let inner = body.strip_prefix('\n').unwrap_or(body);
    let inner = inner.strip_suffix('\n').unwrap_or(inner);
    if open == "<tool_response>" {
        return TextResult { name: None, text: inner.to_owned(), is_error: false };
    }
    let (name, rest) =
        match inner.strip_prefix("<tool_name>").and_then(|rest| rest.split_once("</tool_name>")) {
            Some((name, rest)) => (Some(name.trim().to_owned()), rest.trim_ascii_start()),
            None => (None, inner),
        };
    let within = |tag: &str| {
        let body = rest.strip_prefix(&format!("<{tag}>"))?;
        Some(body.strip_suffix(&format!("</{tag}>")).unwrap_or(body).to_owned())
    };
    match (within("result"), within("error")) {
        (Some(text), _) => TextResult { name, text, is_error: false },
        (None, Some(text)) => TextResult { name, text, is_error: true },
        (None, None) => TextResult { name, text: rest.to_owned(), is_error: false },
    }
}

/// Blocks of a message that a format read as a whole conversation.
pub(super) fn push_message(message: Message, thread: &mut Thread) {
    match message.role {
        Role::Assistant => drop(thread.push_reply(message.content)),
        Role::Tool => {
            for block in message.content {
                if let ContentBlock::ToolResult(result) = block {
                    let name = Some(result.name).filter(|name| !name.is_empty());
                    thread.result(Some(result.call_id), name, result.content, result.is_error);
                }
            }
        }
        role => drop(thread.push(role, message.content)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_names_a_format_that_exists() {
        for (mark, name) in MARKS {
            assert!(nex_tool_formats::by_name(name).is_ok(), "{mark}: {name}");
        }
    }

    #[test]
    fn a_turn_of_results_is_told_from_words_that_mention_them() {
        let texts = |text: &str| {
            results_in(text)
                .map(|results| results.into_iter().map(|r| (r.name, r.text, r.is_error)).collect::<Vec<_>>())
        };
        assert_eq!(
            texts(
                "<tool_response>\na</tool_response> b\n</tool_response>\n<tool_response>\n\nc\n\n</tool_response>\n"
            ),
            Some(vec![(None, "a</tool_response> b".to_owned(), false), (None, "\nc\n".to_owned(), false)])
        );
        assert_eq!(
            texts(
                "<tool_result>\n<tool_name>f</tool_name>\n<result>{\"a\": \"<b>\"}</result>\n</tool_result>\n<tool_result>\n<tool_name>g</tool_name>\n<error>no</error>\n</tool_result>"
            ),
            Some(vec![
                (Some("f".to_owned()), "{\"a\": \"<b>\"}".to_owned(), false),
                (Some("g".to_owned()), "no".to_owned(), true)
            ])
        );
        assert_eq!(texts("What is <tool_response>x</tool_response>?"), None);
        assert_eq!(texts("<tool_response>x</tool_response> and more"), None);
        assert_eq!(texts("  "), None);
    }
}

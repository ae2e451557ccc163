//! What renderers share: checking that a text can stand where it is put, and taking messages apart.

use crate::engine::first_tag;
use crate::sample::Pairing;
use crate::{ArgumentText, Date, ReasoningHistory, RenderOptions, Sample, Unrepresentable, json};
use nex_trajectory::{ContentBlock, Node, Role, ToolCall, ToolResult};
use std::borrow::Cow;

/// The text of a message that has nothing but text.
///
/// # Errors
/// It has something else, or holds one of `tags`.
pub(crate) fn plain_text<'a>(
    index: usize,
    node: &'a Node,
    tags: &[&str],
) -> Result<Cow<'a, str>, Unrepresentable> {
    let text = match node.message.content.as_slice() {
        [ContentBlock::Text { text }] => Cow::Borrowed(text.as_str()),
        content if content.iter().all(|block| matches!(block, ContentBlock::Text { .. })) => {
            Cow::Owned(node.message.text())
        }
        _ => return Err(Unrepresentable::new(index, node, "the format has a place for text only here")),
    };
    refuse(index, node, &text, tags)?;
    Ok(text)
}

/// Refuses a text that holds one of `tags`, or would before one: outside JSON there is no way to
/// write them as content.
///
/// # Errors
/// It does.
pub(crate) fn refuse(index: usize, node: &Node, text: &str, tags: &[&str]) -> Result<(), Unrepresentable> {
    let reason = match first_tag(text, 0, tags) {
        Some((_, tag)) => format!("the text holds `{}`, which the format cannot escape", tags[tag].trim()),
        None => match tags.iter().find(|tag| ends_into(text, tag)) {
            Some(tag) => {
                format!("the text ends so that with `{}` behind it that would begin earlier", tag.trim())
            }
            None => return Ok(()),
        },
    };
    Err(Unrepresentable::new(index, node, reason))
}

/// Whether `tag`, written behind `text`, would be found earlier: `[e~` before `[e~[`.
fn ends_into(text: &str, tag: &str) -> bool {
    let (bytes, tag) = (text.as_bytes(), tag.as_bytes());
    let tail = &bytes[bytes.len().saturating_sub(tag.len() - 1)..];
    memchr::memrchr(tag[0], tail).is_some()
        && (1..tag.len()).any(|cut| tag.starts_with(&tag[cut..]) && tail.ends_with(&tag[..cut]))
}

/// The results in a tool message, in order.
///
/// # Errors
/// There is none, or something else.
pub(crate) fn results<'a>(index: usize, node: &'a Node) -> Result<Vec<&'a ToolResult>, Unrepresentable> {
    if node.message.content.is_empty() {
        return Err(Unrepresentable::new(index, node, "a tool message without a result"));
    }
    let result = |block: &'a ContentBlock| match block {
        ContentBlock::ToolResult(result) => Ok(result),
        _ => Err(Unrepresentable::new(index, node, "a tool message holds results only")),
    };
    node.message.content.iter().map(result).collect()
}

/// The text of a result that has nothing but text.
///
/// # Errors
/// It has something else, or holds one of `tags`.
pub(crate) fn result_text<'a>(
    index: usize,
    node: &Node,
    result: &'a ToolResult,
    tags: &[&str],
) -> Result<Cow<'a, str>, Unrepresentable> {
    let text = match result.content.as_slice() {
        [ContentBlock::Text { text }] => Cow::Borrowed(text.as_str()),
        content if content.iter().all(|block| matches!(block, ContentBlock::Text { .. })) => {
            Cow::Owned(result.text())
        }
        _ => {
            let reason = format!("the result of call `{}` holds more than text", result.call_id);
            return Err(Unrepresentable::new(index, node, reason));
        }
    };
    refuse(index, node, &text, tags)?;
    Ok(text)
}

/// Checks that `result` answers the call whose turn it is, in formats that pair by position.
///
/// # Errors
/// It answers another.
pub(crate) fn in_order(
    index: usize,
    node: &Node,
    result: &ToolResult,
    pairing: &mut Pairing,
) -> Result<(), Unrepresentable> {
    if pairing.next() == Some(&result.call_id) {
        return Ok(());
    }
    let reason = format!(
        "the result of call `{}` does not stand in the order of the calls, which is all that pairs them",
        result.call_id
    );
    Err(Unrepresentable::new(index, node, reason))
}

/// Whether the node before and the node after `index` are of `role` too: formats that have one turn
/// for several messages of a role open and close it by this.
pub(crate) fn neighbours(sample: &Sample<'_>, index: usize, role: Role) -> (bool, bool) {
    let is =
        |at: Option<usize>| at.and_then(|at| sample.nodes.get(at)).is_some_and(|n| n.message.role == role);
    (is(index.checked_sub(1)), is(Some(index + 1)))
}

/// The arguments of `call` as the text of a JSON object without white space around it.
///
/// # Errors
/// They are no JSON object.
pub(crate) fn arguments_object<'a>(
    index: usize,
    node: &Node,
    call: &'a ToolCall,
    options: &RenderOptions,
) -> Result<Cow<'a, str>, Unrepresentable> {
    let text = call.arguments.as_text().trim_matches([' ', '\n', '\r', '\t']);
    if text.is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    if !json::is_object(text) {
        let what = if json::is_value(text) { "are not an object" } else { "are not JSON" };
        let reason = format!("the arguments of call `{}` to `{}` {what}", call.id, call.name);
        return Err(Unrepresentable::new(index, node, reason));
    }
    Ok(match options.arguments {
        ArgumentText::Verbatim => Cow::Borrowed(text),
        ArgumentText::Respaced => {
            let mut spaced = String::new();
            json::push_respaced(&mut spaced, text);
            Cow::Owned(spaced)
        }
    })
}

/// Whether the message at `index` keeps its reasoning. As their templates have it, most models drop
/// it before the last question.
pub(crate) fn keeps_reasoning(sample: &Sample<'_>, index: usize, options: &RenderOptions) -> bool {
    match options.reasoning {
        ReasoningHistory::All => true,
        ReasoningHistory::AsTemplate => last_question(sample).is_none_or(|question| index > question),
    }
}

/// The last message of the user.
pub(crate) fn last_question(sample: &Sample<'_>) -> Option<usize> {
    sample.nodes.iter().rposition(|node| node.message.role == Role::User)
}

/// The day as `%d %b %Y` tells it.
pub(crate) fn day_month_year(date: Date) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = MONTHS[usize::from(date.month.clamp(1, 12)) - 1];
    format!("{:02} {month} {:04}", date.day, date.year)
}

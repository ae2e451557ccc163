//! Rendering a conversation with its loss mask.

use super::{
    ALL_MARKS, ARGUMENTS, BEGIN, CALL_ID, CALLS, END, Mistral, QUESTION_CLOSE, QUESTION_OPEN, RESULT_CLOSE,
    RESULT_MIDDLE, RESULT_OPEN, Results, SYSTEM_CLOSE, SYSTEM_OPEN, THINK_CLOSE, THINK_OPEN, TOOLS_CLOSE,
    TOOLS_OPEN,
};
use crate::declaration::array_text;
use crate::json::{self, escape_tags};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::wire_ids::WireIds;
use crate::writing::{arguments_object, in_order, last_question, plain_text, refuse, result_text, results};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable};
use nex_trajectory::{Node, Role, ToolCall};

pub(super) fn render(
    format: &Mistral,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let is_kept = |id: &str| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut ids = WireIds::of(sample, is_kept, |number, _| format!("c{number:08}"));
    let question = if format.is_first_told {
        sample.nodes.iter().position(|node| node.message.role == Role::User)
    } else {
        last_question(sample)
    };
    if question.is_none() && !sample.tools.is_empty() {
        let reason = "there are tools but no question, before which they have their place".to_owned();
        return Err(Unrepresentable { message: 0, role: Role::User, reason });
    }
    // In v3: the system message, until it has found its question.
    let mut instructions = String::new();
    out.push(SpanKind::Scaffold, false, BEGIN);
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        take_turn(format, sample, index, node)?;
        match node.message.role {
            Role::System if format.has_system => {
                let text = plain_text(index, node, &ALL_MARKS)?;
                out.push(SpanKind::Scaffold, false, &format!("{SYSTEM_OPEN}{}", format.gap));
                out.push(SpanKind::System, false, &text);
                out.push(SpanKind::Scaffold, false, SYSTEM_CLOSE);
            }
            Role::System => {
                instructions = plain_text(index, node, &ALL_MARKS)?.into_owned();
                if question.is_none() {
                    let reason = "a system message without a question, at whose beginning it has its place";
                    return Err(Unrepresentable::new(index, node, reason));
                }
            }
            Role::User => {
                if question == Some(index) && !sample.tools.is_empty() {
                    let tools = array_text(sample.tools);
                    out.push(SpanKind::Scaffold, false, &format!("{TOOLS_OPEN}{}", format.gap));
                    out.push(SpanKind::System, false, &escape_tags(&tools, &ALL_MARKS));
                    out.push(SpanKind::Scaffold, false, TOOLS_CLOSE);
                }
                out.push(SpanKind::Scaffold, false, &format!("{QUESTION_OPEN}{}", format.gap));
                if question == Some(index) && !instructions.is_empty() {
                    out.push(SpanKind::System, false, &format!("{instructions}\n\n"));
                }
                out.push(SpanKind::User, false, &plain_text(index, node, &ALL_MARKS)?);
                out.push(SpanKind::Scaffold, false, QUESTION_CLOSE);
            }
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(format, index, node, &mut ids, options, &mut out)?;
            }
            Role::Tool => tool(format, index, node, &mut ids, &mut pairing, &mut out)?,
        }
    }
    // The model goes on behind a question or a result by itself: there is no prompt for a reply.
    Ok(out)
}

/// Checks that the role may follow the one before it.
fn take_turn(
    format: &Mistral,
    sample: &Sample<'_>,
    index: usize,
    node: &Node,
) -> Result<(), Unrepresentable> {
    let before = index.checked_sub(1).map(|before| sample.nodes[before].message.role);
    let role = node.message.role;
    let may_follow = match before {
        None => matches!(role, Role::User | Role::System),
        Some(Role::System) => role == Role::User || (format.has_system && role != Role::Tool),
        Some(Role::User) => role == Role::Assistant || (format.has_system && role == Role::System),
        Some(Role::Assistant) => matches!(role, Role::User | Role::Tool),
        Some(Role::Tool) => role != Role::System,
    };
    if may_follow {
        return Ok(());
    }
    let reason = match before {
        None => "the first word is the user's: roles take turns".to_owned(),
        Some(before) => {
            format!("no such message may follow one of role {}: roles take turns", before.as_str())
        }
    };
    Err(Unrepresentable::new(index, node, reason))
}

fn assistant(
    format: &Mistral,
    index: usize,
    node: &Node,
    ids: &mut WireIds<'_>,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &ALL_MARKS)?;
    refuse(index, node, &text, &ALL_MARKS)?;
    // Mistral's own code keeps reasoning from v13 on, on every turn.
    let keeps = options.reasoning == ReasoningHistory::All || format.results == Results::Bare;
    let is_trainable = is_trainable(node);
    if !reasoning.is_empty() && keeps {
        out.push(SpanKind::Reasoning, is_trainable, &format!("{THINK_OPEN}{reasoning}{THINK_CLOSE}"));
    }
    if !text.is_empty() {
        out.push(SpanKind::AssistantText, is_trainable, &format!("{}{text}", format.gap));
    }
    for (at, call) in calls.iter().enumerate() {
        let arguments = arguments_object(index, node, call, options)?;
        let arguments = escape_tags(&arguments, &ALL_MARKS);
        let id = ids.call(index, &call.id);
        let body = if format.has_array {
            let mut name = String::new();
            json::push_string(&mut name, &call.name);
            let name = escape_tags(&name, &ALL_MARKS);
            let before = if at == 0 { format!("{CALLS}{}[", format.gap) } else { ", ".to_owned() };
            let after = if at + 1 == calls.len() { "]" } else { "" };
            format!("{before}{{\"name\": {name}, \"arguments\": {arguments}, \"id\": \"{id}\"}}{after}")
        } else {
            let name = plain_name(index, node, call)?;
            let id = if format.results == Results::Bare { String::new() } else { format!("{CALL_ID}{id}") };
            format!("{CALLS}{name}{id}{ARGUMENTS}{arguments}")
        };
        out.push(SpanKind::Call, is_trainable, &body);
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), END);
    Ok(())
}

/// The name of `call` where it stands by itself.
fn plain_name<'a>(index: usize, node: &Node, call: &'a ToolCall) -> Result<&'a str, Unrepresentable> {
    let name = &call.name;
    refuse(index, node, name, &ALL_MARKS)?;
    if name.is_empty() || name.trim() != name || name.contains('{') || name.starts_with('[') {
        let reason = format!("`{name}` has no place as the name of a tool");
        return Err(Unrepresentable::new(index, node, reason));
    }
    Ok(name)
}

fn tool(
    format: &Mistral,
    index: usize,
    node: &Node,
    ids: &mut WireIds<'_>,
    pairing: &mut Pairing,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let gap = format.gap;
    for result in results(index, node)? {
        let call = ids.answered(index, node, result)?;
        // In an object tags are escaped; elsewhere they cannot be.
        let tags: &[&str] = if format.results == Results::Object { &[] } else { &ALL_MARKS };
        let text = result_text(index, node, result, tags)?;
        out.push(SpanKind::Scaffold, false, &format!("{RESULT_OPEN}{gap}"));
        match format.results {
            Results::Object => {
                out.push(SpanKind::Scaffold, false, "{\"content\": ");
                out.push(SpanKind::Observation, false, &as_json(&text));
                out.push(SpanKind::Scaffold, false, &format!(", \"call_id\": \"{}\"}}", call.id));
            }
            Results::Id => {
                out.push(SpanKind::Scaffold, false, &format!("{}{RESULT_MIDDLE}{gap}", call.id));
                out.push(SpanKind::Observation, false, &text);
            }
            Results::Bare => {
                in_order(index, node, result, pairing)?;
                out.push(SpanKind::Observation, false, &text);
            }
        }
        out.push(SpanKind::Scaffold, false, RESULT_CLOSE);
    }
    Ok(())
}

/// A result as the JSON that it is, or else as a JSON string.
fn as_json(text: &str) -> String {
    let is_spaced = || {
        let mut spaced = String::new();
        json::push_respaced(&mut spaced, text);
        spaced == text
    };
    if !text.starts_with('"')
        && json::is_value(text)
        && is_spaced()
        && !ALL_MARKS.iter().any(|mark| text.contains(mark))
    {
        return text.to_owned();
    }
    let mut quoted = String::new();
    json::push_string(&mut quoted, text);
    escape_tags(&quoted, &ALL_MARKS).into_owned()
}

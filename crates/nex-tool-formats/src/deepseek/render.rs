//! Rendering a conversation with its loss mask.

use super::declarations;
use super::{
    ALL_MARKS, ASSISTANT, BEGIN, CALL_CLOSE, CALL_OPEN, CALLS_CLOSE, CALLS_OPEN, DeepSeek, END, OUTPUT_CLOSE,
    OUTPUT_OPEN, OUTPUTS_CLOSE, OUTPUTS_OPEN, SEPARATOR, THINK_CLOSE, THINK_OPEN, USER, Version,
};
use crate::json::escape_tags;
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::writing::{arguments_object, in_order, neighbours, plain_text, refuse, result_text, results};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable};
use nex_trajectory::{Node, Role, ToolCall};

pub(super) fn render(
    format: &DeepSeek,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    out.push(SpanKind::Scaffold, false, BEGIN);
    let instructions = match sample.nodes.first() {
        Some(node) if node.message.role == Role::System => plain_text(0, node, &ALL_MARKS)?.into_owned(),
        _ => String::new(),
    };
    out.push(SpanKind::System, false, &declarations::write(format, &instructions, sample.tools)?);
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System if index == 0 => {}
            Role::System => {
                let reason = "a system message that is not the first: the format has one, at the start";
                return Err(Unrepresentable::new(index, node, reason));
            }
            Role::User => {
                out.push(SpanKind::Scaffold, false, USER);
                out.push(SpanKind::User, false, &plain_text(index, node, &ALL_MARKS)?);
            }
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(format, sample, index, options, &mut out)?;
            }
            Role::Tool => tool(format, sample, index, &mut pairing, &mut out)?,
        }
    }
    if options.prompt_for_reply {
        let last = sample.nodes.last().map(|node| node.message.role);
        match format.version {
            Version::V3 if last != Some(Role::Tool) => {
                out.push(SpanKind::Scaffold, false, &format!("{ASSISTANT}{THINK_OPEN}\n"));
            }
            Version::V3_1 if last == Some(Role::User) => {
                out.push(SpanKind::Scaffold, false, &format!("{ASSISTANT}{THINK_OPEN}{THINK_CLOSE}"));
            }
            // The model goes on by itself.
            Version::V3 | Version::V3_1 => {}
        }
    }
    Ok(out)
}

fn assistant(
    format: &DeepSeek,
    sample: &Sample<'_>,
    index: usize,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let before = index.checked_sub(1).map(|before| sample.nodes[before].message.role);
    if format.version == Version::V3_1 && matches!(before, None | Some(Role::System)) {
        let reason =
            "a reply before the first question, where the format cannot tell it from the instructions";
        return Err(Unrepresentable::new(index, node, reason));
    }
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &ALL_MARKS)?;
    refuse(index, node, &reasoning, &[THINK_CLOSE])?;
    refuse(index, node, &text, &ALL_MARKS)?;
    let shows_reasoning = !reasoning.is_empty() && options.reasoning == ReasoningHistory::All;
    if !shows_reasoning && text.trim_start().starts_with(THINK_OPEN) {
        let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let is_trainable = is_trainable(node);
    let is_announced = match format.version {
        Version::V3 => before != Some(Role::Tool),
        Version::V3_1 => before == Some(Role::User),
    };
    let (inside, after) = match format.version {
        Version::V3 => ("\n", "\n\n"),
        Version::V3_1 => ("", ""),
    };
    if is_announced {
        out.push(SpanKind::Scaffold, false, ASSISTANT);
    }
    if shows_reasoning {
        // Behind a question the opening tag is the prompt's.
        let (kind, is_models) =
            if is_announced { (SpanKind::Scaffold, false) } else { (SpanKind::Reasoning, is_trainable) };
        out.push(kind, is_models, &format!("{THINK_OPEN}{inside}"));
        out.push(SpanKind::Reasoning, is_trainable, &format!("{reasoning}{inside}{THINK_CLOSE}{after}"));
    } else if is_announced && format.version == Version::V3_1 {
        out.push(SpanKind::Scaffold, false, &format!("{THINK_OPEN}{THINK_CLOSE}"));
    }
    out.push(SpanKind::AssistantText, is_trainable, &text);
    for (at, call) in calls.iter().enumerate() {
        let body = self::call(format, index, node, call, options)?;
        let before = match (at, format.version) {
            (0, _) => CALLS_OPEN,
            (_, Version::V3) => "\n",
            (_, Version::V3_1) => "",
        };
        let after = if at + 1 == calls.len() { CALLS_CLOSE } else { "" };
        out.push(SpanKind::Call, is_trainable, &format!("{before}{body}{after}"));
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), END);
    Ok(())
}

fn call(
    format: &DeepSeek,
    index: usize,
    node: &Node,
    call: &ToolCall,
    options: &RenderOptions,
) -> Result<String, Unrepresentable> {
    let name = &call.name;
    refuse(index, node, name, &ALL_MARKS)?;
    let is_line = format.version == Version::V3_1 || !name.contains(['\n', '{', '`']);
    if name.is_empty() || name.trim() != name || !is_line {
        let reason = format!("`{name}` has no place as the name of a tool");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let arguments = arguments_object(index, node, call, options)?;
    let arguments = escape_tags(&arguments, &ALL_MARKS);
    Ok(match format.version {
        Version::V3 => {
            format!("{CALL_OPEN}function{SEPARATOR}{name}\n```json\n{arguments}\n```{CALL_CLOSE}")
        }
        Version::V3_1 => format!("{CALL_OPEN}{name}{SEPARATOR}{arguments}{CALL_CLOSE}"),
    })
}

fn tool(
    format: &DeepSeek,
    sample: &Sample<'_>,
    index: usize,
    pairing: &mut Pairing,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let (follows_tool, precedes_tool) = neighbours(sample, index, Role::Tool);
    let (_, precedes_user) = neighbours(sample, index, Role::User);
    let has_outputs = format.version == Version::V3;
    if has_outputs && !follows_tool {
        out.push(SpanKind::Scaffold, false, OUTPUTS_OPEN);
    }
    for result in results(index, node)? {
        in_order(index, node, result, pairing)?;
        let text = result_text(index, node, result, &ALL_MARKS)?;
        out.push(SpanKind::Scaffold, false, OUTPUT_OPEN);
        out.push(SpanKind::Observation, false, &text);
        out.push(SpanKind::Scaffold, false, OUTPUT_CLOSE);
    }
    if has_outputs && !precedes_tool && !precedes_user {
        out.push(SpanKind::Scaffold, false, OUTPUTS_CLOSE);
    }
    Ok(())
}

//! Rendering a conversation with its loss mask.

use super::{
    CALLS_CLOSE, CALLS_OPEN, DEFAULT_SYSTEM, INVOKE_CLOSE, INVOKE_OPEN, MARKS, PARAMETER_CLOSE,
    PARAMETER_OPEN, PREFIX, RESPONSE_CLOSE, RESPONSE_OPEN, THINK_CLOSE, THINK_OPEN, TOOLS_CLOSE, TOOLS_OPEN,
    TURN_END, TURN_START,
};
use crate::declaration::function_text;
use crate::json::escape_tags;
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::tagged_arguments::arguments_of;
use crate::writing::{in_order, keeps_reasoning, neighbours, plain_text, refuse, result_text, results};
use crate::{RenderOptions, Rendered, Sample, SpanKind, Toolset, Unrepresentable};
use nex_trajectory::{Role, ToolSpec};

/// What no value may hold.
const VALUE_TAGS: [&str; 6] = [PARAMETER_CLOSE, INVOKE_CLOSE, CALLS_CLOSE, PREFIX, TURN_START, TURN_END];

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let toolset = Toolset::new(sample.tools);
    out.push(SpanKind::Scaffold, false, PREFIX);
    if sample.nodes.first().is_none_or(|node| node.message.role != Role::System) {
        system(DEFAULT_SYSTEM, sample.tools, &mut out);
    }
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System => {
                let text = plain_text(index, node, &MARKS)?;
                refuse(index, node, &text, &[TOOLS_OPEN])?;
                if index > 0 || text.is_empty() {
                    let reason = "the template drops a system message that is empty or stands further on";
                    return Err(Unrepresentable::new(index, node, reason));
                }
                system(&text, sample.tools, &mut out);
            }
            Role::User => turn("user", SpanKind::User, &plain_text(index, node, &MARKS)?, &mut out),
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(sample, index, options, &toolset, &mut out)?;
            }
            Role::Tool => tool(sample, index, &mut pairing, &mut out)?,
        }
    }
    if options.prompt_for_reply {
        out.push(SpanKind::Scaffold, false, "]~b]ai\n<think>\n");
    }
    Ok(out)
}

fn system(text: &str, tools: &[ToolSpec], out: &mut Rendered) {
    let mut whole = text.to_owned();
    if !tools.is_empty() {
        whole.push_str(TOOLS_OPEN);
        for tool in tools {
            let json = function_text(tool);
            for part in ["<tool>", &escape_tags(&json, &MARKS), "</tool>\n"] {
                whole.push_str(part);
            }
        }
        whole.push_str(TOOLS_CLOSE);
    }
    turn("system", SpanKind::System, &whole, out);
}

fn turn(role: &str, kind: SpanKind, text: &str, out: &mut Rendered) {
    for part in [TURN_START, role, "\n"] {
        out.push(SpanKind::Scaffold, false, part);
    }
    out.push(kind, false, text);
    out.push(SpanKind::Scaffold, false, TURN_END);
    out.push(SpanKind::Scaffold, false, "\n");
}

fn assistant(
    sample: &Sample<'_>,
    index: usize,
    options: &RenderOptions,
    toolset: &Toolset,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &MARKS)?;
    refuse(index, node, &reasoning, &[THINK_CLOSE, CALLS_OPEN])?;
    refuse(index, node, &text, &MARKS)?;
    refuse(index, node, &text, &[CALLS_OPEN, INVOKE_OPEN])?;
    let shows_reasoning = !reasoning.is_empty() && keeps_reasoning(sample, index, options);
    if !shows_reasoning && text.trim_start().starts_with(THINK_OPEN) {
        let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let is_trainable = is_trainable(node);
    out.push(SpanKind::Scaffold, false, "]~b]ai\n");
    if shows_reasoning {
        out.push(SpanKind::Scaffold, false, "<think>\n");
        out.push(SpanKind::Reasoning, is_trainable, &format!("{reasoning}\n{THINK_CLOSE}\n\n"));
    }
    out.push(SpanKind::AssistantText, is_trainable, &text);
    let last = calls.len().saturating_sub(1);
    for (place, call) in calls.into_iter().enumerate() {
        let mut body = String::new();
        if place == 0 {
            body.push_str("\n<minimax:tool_call>\n");
        }
        for part in [INVOKE_OPEN, "\"", &call.name, "\">\n"] {
            body.push_str(part);
        }
        for (key, value) in arguments_of(index, node, call, toolset, options, &VALUE_TAGS)? {
            for part in [PARAMETER_OPEN, "\"", &key, "\">", &value, PARAMETER_CLOSE, "\n"] {
                body.push_str(part);
            }
        }
        body.push_str(INVOKE_CLOSE);
        body.push('\n');
        if place == last {
            body.push_str(CALLS_CLOSE);
        }
        out.push(SpanKind::Call, is_trainable, &body);
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), TURN_END);
    out.push(SpanKind::Scaffold, false, "\n");
    Ok(())
}

fn tool(
    sample: &Sample<'_>,
    index: usize,
    pairing: &mut Pairing,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let (follows_tool, precedes_tool) = neighbours(sample, index, Role::Tool);
    if !follows_tool {
        out.push(SpanKind::Scaffold, false, "]~b]tool");
    }
    for result in results(index, node)? {
        in_order(index, node, result, pairing)?;
        let text = result_text(index, node, result, &MARKS)?;
        refuse(index, node, &text, &[RESPONSE_CLOSE])?;
        out.push(SpanKind::Scaffold, false, "\n");
        out.push(SpanKind::Scaffold, false, RESPONSE_OPEN);
        out.push(SpanKind::Observation, false, &text);
        out.push(SpanKind::Scaffold, false, RESPONSE_CLOSE);
    }
    if !precedes_tool {
        out.push(SpanKind::Scaffold, false, TURN_END);
        out.push(SpanKind::Scaffold, false, "\n");
    }
    Ok(())
}

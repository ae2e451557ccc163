//! Rendering a conversation with its loss mask.

use super::{
    CALL_CLOSE, CALL_OPEN, Hermes, RESPONSE_CLOSE, RESPONSE_OPEN, THINK_CLOSE, THINK_OPEN, TOOLS_BEFORE,
    TOOLS_CLOSE, TOOLS_OPEN,
};
use crate::chatml::{MARKS, TEXT_END, TURN_END, TURN_START, end_reply, push_turn};
use crate::declaration::declaration_text;
use crate::json::{self, escape_tags};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::writing::{arguments_object, in_order, neighbours, plain_text, refuse, result_text, results};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable};
use nex_trajectory::{Role, ToolSpec};

/// The tags that JSON is kept free of.
const TAGS: [&str; 5] = [CALL_OPEN, CALL_CLOSE, TURN_START, TURN_END, TEXT_END];

pub(super) fn render(
    format: &Hermes,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let has_system = sample.nodes.first().is_some_and(|node| node.message.role == Role::System);
    if !has_system {
        system(format.default_system, sample.tools, &mut out);
    }
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System if index == 0 => {
                let text = plain_text(index, node, &MARKS)?;
                refuse(index, node, &text, &[TOOLS_OPEN])?;
                system(Some(&text), sample.tools, &mut out);
            }
            Role::System => {
                push_turn(&mut out, "system", SpanKind::System, &plain_text(index, node, &MARKS)?)
            }
            Role::User => {
                let text = plain_text(index, node, &MARKS)?;
                if text.starts_with(RESPONSE_OPEN) {
                    let reason = "the text begins like a tool's response and would be read as one";
                    return Err(Unrepresentable::new(index, node, reason));
                }
                push_turn(&mut out, "user", SpanKind::User, &text);
            }
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(format, sample, index, options, &mut out)?;
            }
            Role::Tool => tool(sample, index, &mut pairing, &mut out)?,
        }
    }
    if options.prompt_for_reply {
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "assistant\n");
    }
    Ok(out)
}

fn system(text: Option<&str>, tools: &[ToolSpec], out: &mut Rendered) {
    let mut whole = match text {
        Some(text) if tools.is_empty() => return push_turn(out, "system", SpanKind::System, text),
        None if tools.is_empty() => return,
        Some(text) => format!("{text}{TOOLS_BEFORE}{TOOLS_OPEN}"),
        None => TOOLS_OPEN.to_owned(),
    };
    for tool in tools {
        whole.push('\n');
        whole.push_str(&escape_tags(&declaration_text(tool), &TAGS));
    }
    whole.push_str(TOOLS_CLOSE);
    push_turn(out, "system", SpanKind::System, &whole);
}

fn assistant(
    format: &Hermes,
    sample: &Sample<'_>,
    index: usize,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &[TURN_START, TURN_END, TEXT_END, THINK_CLOSE, CALL_OPEN])?;
    refuse(index, node, &text, &[TURN_START, TURN_END, TEXT_END, CALL_OPEN])?;
    let shows_reasoning = if format.is_thinking {
        let is_after_question = question(sample).is_some_and(|question| index > question);
        let is_last = index + 1 == sample.nodes.len();
        match options.reasoning {
            ReasoningHistory::All if !reasoning.is_empty() => true,
            _ => is_after_question && (is_last || !reasoning.is_empty()),
        }
    } else {
        !reasoning.is_empty() && options.reasoning == ReasoningHistory::All
    };
    if !shows_reasoning && text.trim_start().starts_with(THINK_OPEN) {
        let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let is_trainable = is_trainable(node);
    out.push(SpanKind::Scaffold, false, TURN_START);
    out.push(SpanKind::Scaffold, false, "assistant\n");
    if shows_reasoning {
        let block = format!("{THINK_OPEN}\n{reasoning}\n{THINK_CLOSE}\n\n");
        out.push(SpanKind::Reasoning, is_trainable, &block);
    }
    out.push(SpanKind::AssistantText, is_trainable, &text);
    let mut before = if text.is_empty() { "" } else { "\n" };
    for call in calls {
        let mut body = format!("{before}{CALL_OPEN}\n{{\"name\": ");
        let mut name = String::new();
        json::push_string(&mut name, &call.name);
        body.push_str(&escape_tags(&name, &TAGS));
        body.push_str(", \"arguments\": ");
        body.push_str(&escape_tags(&arguments_object(index, node, call, options)?, &TAGS));
        body.push_str("}\n");
        body.push_str(CALL_CLOSE);
        out.push(SpanKind::Call, is_trainable, &body);
        before = "\n";
    }
    end_reply(out, is_trainable && ended_itself(node));
    Ok(())
}

/// The last question, as Qwen 3's template finds it.
fn question(sample: &Sample<'_>) -> Option<usize> {
    sample.nodes.iter().rposition(|node| {
        let text = node.message.text();
        let is_response =
            text.starts_with(RESPONSE_OPEN.trim_end()) && text.ends_with(RESPONSE_CLOSE.trim_start());
        node.message.role == Role::User && !is_response
    })
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
        out.push(SpanKind::Scaffold, false, TURN_START);
        out.push(SpanKind::Scaffold, false, "user");
    }
    for result in results(index, node)? {
        in_order(index, node, result, pairing)?;
        let text =
            result_text(index, node, result, &[TURN_START, TURN_END, TEXT_END, RESPONSE_CLOSE.trim_start()])?;
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

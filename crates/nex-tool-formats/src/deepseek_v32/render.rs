//! Rendering a conversation with its loss mask.

use super::{
    ASSISTANT, CALLS_CLOSE, CALLS_OPEN, INVOKE_CLOSE, INVOKE_OPEN, MARKS, PARAMETER_CLOSE, PARAMETER_OPEN,
    PREFIX, RESULT_CLOSE, RESULT_OPEN, RESULTS_CLOSE, RESULTS_OPEN, THINK_CLOSE, THINK_OPEN, TOOLS_CLOSE,
    TOOLS_OPEN, TURN_END, USER,
};
use crate::declaration::function_text;
use crate::json::{self, escape_tags};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::tagged_arguments::{check_key, check_name};
use crate::writing::{
    arguments_object, in_order, last_question, neighbours, plain_text, refuse, result_text, results,
};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable};
use nex_trajectory::{ContentBlock, Node, Role, ToolCall};
use std::borrow::Cow;

/// What no value may hold.
const VALUE_TAGS: [&str; 7] = [PARAMETER_CLOSE, INVOKE_CLOSE, CALLS_CLOSE, PREFIX, USER, ASSISTANT, TURN_END];

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let is_thinking = sample.nodes.iter().any(|node| has_reasoning(node));
    out.push(SpanKind::Scaffold, false, PREFIX);
    system(sample, &mut out)?;
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System if index == 0 => {}
            Role::System => {
                let reason = "the format has a system message only at the start";
                return Err(Unrepresentable::new(index, node, reason));
            }
            Role::User => {
                out.push(SpanKind::Scaffold, false, USER);
                out.push(SpanKind::User, false, &plain_text(index, node, &MARKS)?);
            }
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(sample, index, options, is_thinking, &mut out)?;
            }
            Role::Tool => tool(sample, index, &mut pairing, &mut out)?,
        }
    }
    let before = options.prompt_for_reply.then(|| before_reply(sample, sample.nodes.len())).flatten();
    if let Some(before) = before {
        out.push(SpanKind::Scaffold, false, before);
        out.push(SpanKind::Scaffold, false, if is_thinking { THINK_OPEN } else { "<think></think>" });
    }
    Ok(out)
}

fn has_reasoning(node: &Node) -> bool {
    let is_reasoning =
        |block: &ContentBlock| matches!(block, ContentBlock::Reasoning { text, .. } if !text.is_empty());
    node.message.role == Role::Assistant && node.message.content.iter().any(is_reasoning)
}

fn system(sample: &Sample<'_>, out: &mut Rendered) -> Result<(), Unrepresentable> {
    let mut text = String::new();
    if let Some(node) = sample.nodes.first().filter(|node| node.message.role == Role::System) {
        text = plain_text(0, node, &MARKS)?.into_owned();
        refuse(0, node, &text, &[TOOLS_OPEN])?;
        if text.is_empty() {
            return Err(Unrepresentable::new(0, node, "an empty system message would vanish"));
        }
    }
    if !sample.tools.is_empty() {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        text.push_str(TOOLS_OPEN);
        for tool in sample.tools {
            text.push_str(&escape_tags(&function_text(tool), &MARKS));
            text.push('\n');
        }
        text.push_str(TOOLS_CLOSE);
    }
    out.push(SpanKind::System, false, &text);
    Ok(())
}

/// What stands before a reply at `index`; none where the format has no place for one.
fn before_reply(sample: &Sample<'_>, index: usize) -> Option<&'static str> {
    match sample.nodes.get(index.checked_sub(1)?)?.message.role {
        Role::User => Some(ASSISTANT),
        Role::Tool => Some("\n\n"),
        Role::System | Role::Assistant => None,
    }
}

fn assistant(
    sample: &Sample<'_>,
    index: usize,
    options: &RenderOptions,
    is_thinking: bool,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &MARKS)?;
    refuse(index, node, &reasoning, &[THINK_CLOSE, CALLS_OPEN])?;
    refuse(index, node, &text, &MARKS)?;
    refuse(index, node, &text, &[CALLS_OPEN, INVOKE_OPEN])?;
    let Some(before) = before_reply(sample, index) else {
        let reason = "a reply that follows neither the user nor results: the format has no mark for it";
        return Err(Unrepresentable::new(index, node, reason));
    };
    let is_recent = last_question(sample).is_none_or(|question| index > question);
    let is_all = options.reasoning == ReasoningHistory::All;
    let shows_reasoning = !reasoning.is_empty() && (is_all || is_recent);
    if !shows_reasoning && text.trim_start().starts_with(THINK_OPEN) {
        let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let is_trainable = is_trainable(node);
    out.push(SpanKind::Scaffold, false, before);
    if shows_reasoning {
        out.push(SpanKind::Scaffold, false, THINK_OPEN);
        out.push(SpanKind::Reasoning, is_trainable, &format!("{reasoning}{THINK_CLOSE}"));
    } else {
        let has_empty_block = is_thinking && is_recent && !is_all;
        out.push(SpanKind::Scaffold, false, if has_empty_block { "<think></think>" } else { THINK_CLOSE });
    }
    out.push(SpanKind::AssistantText, is_trainable, &text);
    let last = calls.len().saturating_sub(1);
    for (place, call) in calls.into_iter().enumerate() {
        let mut body = String::new();
        if place == 0 {
            body.push_str("\n\n<｜DSML｜function_calls>\n");
        }
        push_call(&mut body, index, node, call, options)?;
        if place == last {
            body.push_str(CALLS_CLOSE);
        }
        out.push(SpanKind::Call, is_trainable, &body);
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), TURN_END);
    Ok(())
}

fn push_call(
    out: &mut String,
    index: usize,
    node: &Node,
    call: &ToolCall,
    options: &RenderOptions,
) -> Result<(), Unrepresentable> {
    check_name(index, node, &call.name)?;
    for part in [INVOKE_OPEN, "\"", &call.name, "\">\n"] {
        out.push_str(part);
    }
    let object = arguments_object(index, node, call, options)?;
    let refuse = |reason: String| Unrepresentable::new(index, node, reason);
    let members = json::members(&object)
        .ok_or_else(|| refuse(format!("a key in the arguments of `{}` is no text", call.name)))?;
    for (place, (key, json)) in members.iter().enumerate() {
        check_key(index, node, key)?;
        let fail = |why: &str| refuse(format!("argument `{key}` of `{}` {why}", call.name));
        if members[..place].iter().any(|(known, _)| known == key) {
            return Err(fail("stands twice"));
        }
        let is_text = json.starts_with('"');
        let value = if is_text {
            let text = json::unescape(json)
                .ok_or_else(|| fail("holds half of a surrogate pair, which no text can"))?;
            if let Some(tag) = VALUE_TAGS.iter().find(|tag| text.contains(**tag)) {
                return Err(fail(&format!("holds `{tag}`, which the format cannot escape")));
            }
            text
        } else {
            escape_tags(json, &VALUE_TAGS)
        };
        let value: Cow<'_, str> = value;
        let kind = if is_text { "\" string=\"true\">" } else { "\" string=\"false\">" };
        for part in [PARAMETER_OPEN, "\"", key, kind, &value, PARAMETER_CLOSE, "\n"] {
            out.push_str(part);
        }
    }
    out.push_str(INVOKE_CLOSE);
    out.push('\n');
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
        if !neighbours(sample, index, Role::Assistant).0 {
            return Err(Unrepresentable::new(index, node, "results that do not follow their calls"));
        }
        out.push(SpanKind::Scaffold, false, RESULTS_OPEN);
    }
    for result in results(index, node)? {
        in_order(index, node, result, pairing)?;
        let text = result_text(index, node, result, &MARKS)?;
        refuse(index, node, &text, &[RESULT_CLOSE])?;
        out.push(SpanKind::Scaffold, false, RESULT_OPEN);
        out.push(SpanKind::Observation, false, &text);
        out.push(SpanKind::Scaffold, false, RESULT_CLOSE);
    }
    if !precedes_tool {
        if pairing.next().is_some() {
            let reason = "a call of this turn has no result: the template would leave the results open";
            return Err(Unrepresentable::new(index, node, reason));
        }
        out.push(SpanKind::Scaffold, false, RESULTS_CLOSE);
    }
    Ok(())
}

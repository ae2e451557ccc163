//! Rendering a conversation with its loss mask.

use super::{
    ASSISTANT, CALL_CLOSE, CALL_OPEN, Glm, KEY_CLOSE, KEY_OPEN, MARKS, OBSERVATION, PREFIX, RESPONSE_CLOSE,
    RESPONSE_OPEN, SYSTEM, TEXT_END, THINK_CLOSE, THINK_OPEN, TOOLS_OPEN, USER, VALUE_CLOSE, VALUE_OPEN,
};
use crate::declaration::declaration_text;
use crate::json::escape_tags;
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::tagged_arguments::arguments_of;
use crate::writing::{in_order, keeps_reasoning, neighbours, plain_text, refuse, result_text, results};
use crate::{RenderOptions, Rendered, Sample, SpanKind, Toolset, Unrepresentable};
use nex_trajectory::{Role, ToolCall};

/// What no value may hold.
const VALUE_TAGS: [&str; 7] = [VALUE_CLOSE, CALL_CLOSE, SYSTEM, USER, ASSISTANT, OBSERVATION, TEXT_END];

pub(super) fn render(
    dialect: Glm,
    sample: &Sample<'_>,
    options: &RenderOptions,
) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let toolset = Toolset::new(sample.tools);
    out.push(SpanKind::Scaffold, false, PREFIX);
    if !sample.tools.is_empty() {
        declare(dialect, sample, &mut out);
    }
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System | Role::User => plain(dialect, sample, index, &mut out)?,
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(dialect, sample, index, options, &toolset, &mut out)?;
            }
            Role::Tool => tool(dialect, sample, index, &mut pairing, &mut out)?,
        }
    }
    if options.prompt_for_reply {
        out.push(SpanKind::Scaffold, false, ASSISTANT);
        if dialect == Glm::V47 {
            out.push(SpanKind::Scaffold, false, THINK_OPEN);
        }
    }
    Ok(out)
}

fn declare(dialect: Glm, sample: &Sample<'_>, out: &mut Rendered) {
    out.push(SpanKind::Scaffold, false, SYSTEM);
    let mut text = TOOLS_OPEN.to_owned();
    for tool in sample.tools {
        text.push_str(&escape_tags(&declaration_text(tool), &MARKS));
        text.push('\n');
    }
    text.push_str(dialect.tools_close());
    out.push(SpanKind::System, false, &text);
}

fn plain(dialect: Glm, sample: &Sample<'_>, index: usize, out: &mut Rendered) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let text = plain_text(index, node, &MARKS)?;
    if node.message.role == Role::User {
        open_turn(USER, sample, index, out);
        out.push(SpanKind::Scaffold, false, dialect.line());
        out.push(SpanKind::User, false, &text);
        return Ok(());
    }
    if format!("{}{text}", dialect.line()).starts_with(TOOLS_OPEN) {
        let reason = "the text begins like the tool declarations and would be read as them";
        return Err(Unrepresentable::new(index, node, reason));
    }
    out.push(SpanKind::Scaffold, false, SYSTEM);
    out.push(SpanKind::Scaffold, false, dialect.line());
    out.push(SpanKind::System, false, &text);
    Ok(())
}

/// Writes the mark that opens the turn at `index`: it is what the model ended the turn before with.
fn open_turn(mark: &str, sample: &Sample<'_>, index: usize, out: &mut Rendered) {
    let before = index.checked_sub(1).map(|before| sample.nodes[before]);
    match before.filter(|node| node.message.role == Role::Assistant) {
        Some(node) if node.message.calls().next().is_some() == (mark == OBSERVATION) => {
            out.push(SpanKind::EndOfTurn, is_trainable(node) && ended_itself(node), mark);
        }
        _ => out.push(SpanKind::Scaffold, false, mark),
    }
}

fn assistant(
    dialect: Glm,
    sample: &Sample<'_>,
    index: usize,
    options: &RenderOptions,
    toolset: &Toolset,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &MARKS)?;
    refuse(index, node, &reasoning, &[THINK_CLOSE, CALL_OPEN])?;
    refuse(index, node, &text, &MARKS)?;
    refuse(index, node, &text, &[CALL_OPEN])?;
    let shows_reasoning = !reasoning.is_empty() && keeps_reasoning(sample, index, options);
    if !shows_reasoning && text.trim_start().starts_with(THINK_OPEN) {
        let reason = format!("the text begins with `{THINK_OPEN}` and would be read as reasoning");
        return Err(Unrepresentable::new(index, node, reason));
    }
    let is_trainable = is_trainable(node);
    out.push(SpanKind::Scaffold, false, ASSISTANT);
    match (dialect, shows_reasoning) {
        (Glm::V45, true) => {
            let block = format!("\n{THINK_OPEN}{reasoning}{THINK_CLOSE}");
            out.push(SpanKind::Reasoning, is_trainable, &block);
        }
        (Glm::V45, false) => out.push(SpanKind::Scaffold, false, "\n<think></think>"),
        (Glm::V47, true) => {
            out.push(SpanKind::Scaffold, false, THINK_OPEN);
            out.push(SpanKind::Reasoning, is_trainable, &format!("{reasoning}{THINK_CLOSE}"));
        }
        (Glm::V47, false) => out.push(SpanKind::Scaffold, false, THINK_CLOSE),
    }
    if !text.is_empty() {
        out.push(SpanKind::AssistantText, is_trainable, &format!("{}{text}", dialect.line()));
    }
    for call in calls {
        let arguments = arguments_of(index, node, call, toolset, options, &VALUE_TAGS)?;
        out.push(SpanKind::Call, is_trainable, &call_text(dialect, call, &arguments));
    }
    Ok(())
}

fn call_text<T: AsRef<str>>(dialect: Glm, call: &ToolCall, arguments: &[(T, T)]) -> String {
    let line = dialect.line();
    let mut text = format!("{line}{CALL_OPEN}{}{line}", call.name);
    for (key, value) in arguments {
        let (key, value) = (key.as_ref(), value.as_ref());
        for part in [KEY_OPEN, key, KEY_CLOSE, line, VALUE_OPEN, value, VALUE_CLOSE, line] {
            text.push_str(part);
        }
    }
    text.push_str(CALL_CLOSE);
    text
}

fn tool(
    dialect: Glm,
    sample: &Sample<'_>,
    index: usize,
    pairing: &mut Pairing,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let (follows_tool, _) = neighbours(sample, index, Role::Tool);
    if !follows_tool {
        open_turn(OBSERVATION, sample, index, out);
    }
    let line = dialect.line();
    for result in results(index, node)? {
        in_order(index, node, result, pairing)?;
        let text = result_text(index, node, result, &MARKS)?;
        refuse(index, node, &text, &[RESPONSE_CLOSE])?;
        for part in [line, RESPONSE_OPEN, line] {
            out.push(SpanKind::Scaffold, false, part);
        }
        out.push(SpanKind::Observation, false, &text);
        out.push(SpanKind::Scaffold, false, line);
        out.push(SpanKind::Scaffold, false, RESPONSE_CLOSE);
    }
    Ok(())
}

//! Rendering a conversation with its loss mask.

use super::{
    AFTER_DEFAULT, ALL_MARKS, ASSISTANT, CALL_CLOSE, CALL_OPEN, DECLARE, DEFAULT_SYSTEM, END, FUNCTIONS,
    MIDDLE, RETURN_OF, SECTION_CLOSE, SECTION_OPEN, SEPARATOR, SYSTEM, THINK_CLOSE, THINK_OPEN, USER,
};
use crate::declaration::array_text;
use crate::json::escape_tags;
use crate::sample::{ReplyParts, ended_itself, is_trainable};
use crate::wire_ids::WireIds;
use crate::writing::{arguments_object, plain_text, refuse, result_text, results};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable};
use nex_trajectory::{Node, Role};

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut ids = WireIds::of(sample, |_| false, |number, name| format!("{FUNCTIONS}{name}:{number}"));
    if !sample.tools.is_empty() {
        let tools = array_text(sample.tools);
        turn(&mut out, SYSTEM, DECLARE, SpanKind::System, &escape_tags(&tools, &ALL_MARKS));
    }
    if sample.nodes.first().is_some_and(|node| node.message.role != Role::System) {
        turn(&mut out, SYSTEM, "system", SpanKind::System, DEFAULT_SYSTEM);
        out.push(SpanKind::Scaffold, false, AFTER_DEFAULT);
    }
    for (index, node) in sample.nodes.iter().copied().enumerate() {
        match node.message.role {
            Role::System => {
                turn(&mut out, SYSTEM, "system", SpanKind::System, &plain_text(index, node, &ALL_MARKS)?);
            }
            Role::User => turn(&mut out, USER, "user", SpanKind::User, &plain_text(index, node, &ALL_MARKS)?),
            Role::Assistant => assistant(index, node, &mut ids, options, &mut out)?,
            Role::Tool => tool(index, node, &mut ids, &mut out)?,
        }
    }
    if options.prompt_for_reply {
        open(&mut out, ASSISTANT, "assistant");
    }
    Ok(out)
}

fn open(out: &mut Rendered, mark: &str, role: &str) {
    out.push(SpanKind::Scaffold, false, &format!("{mark}{role}{MIDDLE}"));
}

fn turn(out: &mut Rendered, mark: &str, role: &str, kind: SpanKind, text: &str) {
    open(out, mark, role);
    out.push(kind, false, text);
    out.push(SpanKind::Scaffold, false, END);
}

fn assistant(
    index: usize,
    node: &Node,
    ids: &mut WireIds<'_>,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
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
    open(out, ASSISTANT, "assistant");
    if shows_reasoning {
        let block = format!("{THINK_OPEN}{reasoning}{THINK_CLOSE}");
        out.push(SpanKind::Reasoning, is_trainable, &block);
    }
    out.push(SpanKind::AssistantText, is_trainable, &text);
    for (at, call) in calls.iter().enumerate() {
        check_name(index, node, &call.name)?;
        let arguments = arguments_object(index, node, call, options)?;
        let arguments = escape_tags(&arguments, &ALL_MARKS);
        let before = if at == 0 { SECTION_OPEN } else { "" };
        let after = if at + 1 == calls.len() { SECTION_CLOSE } else { "" };
        let id = ids.call(index, &call.id);
        let body = format!("{before}{CALL_OPEN}{id}{SEPARATOR}{arguments}{CALL_CLOSE}{after}");
        out.push(SpanKind::Call, is_trainable, &body);
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), END);
    Ok(())
}

fn check_name(index: usize, node: &Node, name: &str) -> Result<(), Unrepresentable> {
    refuse(index, node, name, &ALL_MARKS)?;
    if name.is_empty() || name.contains('\n') {
        let reason = format!("`{name}` has no place as the name of a tool");
        return Err(Unrepresentable::new(index, node, reason));
    }
    Ok(())
}

fn tool(index: usize, node: &Node, ids: &mut WireIds<'_>, out: &mut Rendered) -> Result<(), Unrepresentable> {
    for result in results(index, node)? {
        let call = ids.answered(index, node, result)?;
        if matches!(call.name, "system" | DECLARE) {
            let reason = format!("a result of a tool called `{}` would be read as instructions", call.name);
            return Err(Unrepresentable::new(index, node, reason));
        }
        let text = result_text(index, node, result, &ALL_MARKS)?;
        open(out, SYSTEM, call.name);
        out.push(SpanKind::Scaffold, false, &format!("{RETURN_OF}{}\n", call.id));
        out.push(SpanKind::Observation, false, &text);
        out.push(SpanKind::Scaffold, false, END);
    }
    Ok(())
}

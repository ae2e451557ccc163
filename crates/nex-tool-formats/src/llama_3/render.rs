//! Rendering a conversation with its loss mask.

use super::{
    DATES_CLOSE, DATES_OPEN, ENVIRONMENT, HEADER_CLOSE, HEADER_OPEN, Llama3, MARKS, TEXT_START, TOOLS_OPEN,
    TURN_END, conversation,
};
use crate::declaration::declaration;
use crate::json::{self, escape_tags};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::writing::{arguments_object, day_month_year, in_order, plain_text, refuse, result_text, results};
use crate::{
    ParseOptions, ReasoningHistory, RenderOptions, Rendered, ReplyBlock, Sample, SpanKind, ToolCallFormat,
    Toolset, Unrepresentable, python_json,
};
use nex_trajectory::{Node, Role, ToolSpec};

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let toolset = Toolset::new(sample.tools);
    out.push(SpanKind::Scaffold, false, TEXT_START);
    let first_is_system = sample.nodes.first().is_some_and(|node| node.message.role == Role::System);
    let instructions = match sample.nodes.first() {
        Some(node) if first_is_system => plain_text(0, node, &MARKS)?.into_owned(),
        _ => String::new(),
    };
    let environment = if sample.tools.is_empty() { "" } else { ENVIRONMENT };
    let date = day_month_year(options.date);
    let system = format!("{environment}{DATES_OPEN}{date}{DATES_CLOSE}{instructions}");
    turn(&mut out, "system", SpanKind::System, &system);
    let first = usize::from(first_is_system);
    if !sample.tools.is_empty() && sample.nodes.get(first).is_none_or(|n| n.message.role != Role::User) {
        let role = sample.nodes.get(first).map_or(Role::User, |node| node.message.role);
        let reason = "the tools stand in the first message, which is not the user's".to_owned();
        return Err(Unrepresentable { message: first, role, reason });
    }
    for (index, node) in sample.nodes.iter().copied().enumerate().skip(first) {
        match node.message.role {
            Role::System => turn(&mut out, "system", SpanKind::System, &plain_text(index, node, &MARKS)?),
            Role::User => {
                let text = plain_text(index, node, &MARKS)?;
                open_turn(&mut out, "user");
                if index == first && !sample.tools.is_empty() {
                    let declared = declarations(sample.tools);
                    let read = conversation::declarations(&format!("{declared}{text}")).1.len();
                    if read != sample.tools.len() {
                        let reason = "the text begins like a tool's declaration and would be read as one";
                        return Err(Unrepresentable::new(index, node, reason));
                    }
                    out.push(SpanKind::System, false, &declared);
                }
                out.push(SpanKind::User, false, &text);
                out.push(SpanKind::Scaffold, false, TURN_END);
            }
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(index, node, &toolset, options, &mut out)?;
            }
            Role::Tool => {
                for result in results(index, node)? {
                    in_order(index, node, result, &mut pairing)?;
                    let mut quoted = String::new();
                    json::push_string(&mut quoted, &result_text(index, node, result, &[])?);
                    turn(&mut out, "ipython", SpanKind::Observation, &escape_tags(&quoted, &MARKS));
                }
            }
        }
    }
    if options.prompt_for_reply {
        open_turn(&mut out, "assistant");
    }
    Ok(out)
}

fn open_turn(out: &mut Rendered, role: &str) {
    for piece in [HEADER_OPEN, role, HEADER_CLOSE, "\n\n"] {
        out.push(SpanKind::Scaffold, false, piece);
    }
}

/// Writes a turn that is not the model's.
fn turn(out: &mut Rendered, role: &str, kind: SpanKind, text: &str) {
    open_turn(out, role);
    out.push(kind, false, text);
    out.push(SpanKind::Scaffold, false, TURN_END);
}

fn declarations(tools: &[ToolSpec]) -> String {
    let mut text = TOOLS_OPEN.to_owned();
    for tool in tools {
        text.push_str(&escape_tags(&python_json::dumps_indented(&declaration(tool), b"    "), &MARKS));
        text.push_str("\n\n");
    }
    text
}

fn assistant(
    index: usize,
    node: &Node,
    toolset: &Toolset,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    let fail = |reason: &str| Err(Unrepresentable::new(index, node, reason));
    if !reasoning.is_empty() && options.reasoning == ReasoningHistory::All {
        return fail("the format has no place for reasoning");
    }
    let is_trainable = is_trainable(node);
    open_turn(out, "assistant");
    match calls.as_slice() {
        [] => {
            refuse(index, node, &text, &MARKS)?;
            if !is_read_as_text(&text, toolset) {
                return fail("the text has the shape of a call and would be read as one");
            }
            out.push(SpanKind::AssistantText, is_trainable, &text);
        }
        [call] if text.is_empty() => {
            let mut body = "{\"name\": ".to_owned();
            let mut name = String::new();
            json::push_string(&mut name, &call.name);
            body.push_str(&escape_tags(&name, &MARKS));
            body.push_str(", \"parameters\": ");
            body.push_str(&escape_tags(&arguments_object(index, node, call, options)?, &MARKS));
            body.push('}');
            out.push(SpanKind::Call, is_trainable, &body);
        }
        [_] => return fail("text beside a call: the template drops it"),
        _ => return fail("several calls in one message: the template has one"),
    }
    out.push(SpanKind::EndOfTurn, is_trainable && ended_itself(node), TURN_END);
    Ok(())
}

fn is_read_as_text(text: &str, toolset: &Toolset) -> bool {
    if !text.trim_start().starts_with(['{', '[']) {
        return true;
    }
    let reply = Llama3.parse(text, toolset, ParseOptions::default());
    // With a defect it is a broken call, which would be mended on request.
    reply.defects.is_empty() && matches!(reply.blocks.as_slice(), [ReplyBlock::Text(read)] if read == text)
}

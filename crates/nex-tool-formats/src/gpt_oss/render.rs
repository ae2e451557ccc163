//! Rendering a conversation with its loss mask.

use super::{
    CALL, CHANNEL, END, INSTRUCTIONS_OPEN, MARKS, MESSAGE, RETURN, START, SYSTEM_CLOSE, SYSTEM_OPEN,
    SYSTEM_TOOLS, TOOLS_CLOSE, TOOLS_OPEN, typescript,
};
use crate::json::{self, escape_tags};
use crate::sample::{Pairing, ReplyParts, ended_itself, is_trainable};
use crate::writing::{arguments_object, in_order, plain_text, refuse, result_text, results};
use crate::{ReasoningHistory, RenderOptions, Rendered, Sample, SpanKind, Unrepresentable};
use nex_trajectory::{Node, Role};

pub(super) fn render(sample: &Sample<'_>, options: &RenderOptions) -> Result<Rendered, Unrepresentable> {
    let mut out = Rendered::for_sample(sample);
    let mut pairing = Pairing::default();
    let first_is_system = sample.nodes.first().is_some_and(|node| node.message.role == Role::System);
    let date = options.date;
    let date = format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
    let tools = if sample.tools.is_empty() { "" } else { SYSTEM_TOOLS };
    message(&mut out, "system", SpanKind::System, &format!("{SYSTEM_OPEN}{date}{SYSTEM_CLOSE}{tools}"));
    let developer = developer(sample, first_is_system)?;
    if !developer.is_empty() {
        message(&mut out, "developer", SpanKind::System, &developer);
    }
    for (index, node) in sample.nodes.iter().copied().enumerate().skip(usize::from(first_is_system)) {
        match node.message.role {
            Role::System => {
                message(&mut out, "system", SpanKind::System, &plain_text(index, node, &MARKS)?);
            }
            Role::User => message(&mut out, "user", SpanKind::User, &plain_text(index, node, &MARKS)?),
            Role::Assistant => {
                pairing.calls(node.message.calls().map(|call| &call.id));
                assistant(sample, index, options, &mut out)?;
            }
            Role::Tool => {
                for result in results(index, node)? {
                    in_order(index, node, result, &mut pairing)?;
                    let name = called(sample, index, &result.call_id).unwrap_or(&result.name);
                    is_word(index, node, name)?;
                    let mut quoted = String::new();
                    json::push_string(&mut quoted, &result_text(index, node, result, &[])?);
                    let header = format!("{START}functions.{name} to=assistant{CHANNEL}commentary{MESSAGE}");
                    out.push(SpanKind::Scaffold, false, &header);
                    out.push(SpanKind::Observation, false, &escape_tags(&quoted, &MARKS));
                    out.push(SpanKind::Scaffold, false, END);
                }
            }
        }
    }
    if options.prompt_for_reply {
        out.push(SpanKind::Scaffold, false, START);
        out.push(SpanKind::Scaffold, false, "assistant");
    }
    Ok(out)
}

/// Writes a message that is not the model's.
fn message(out: &mut Rendered, role: &str, kind: SpanKind, text: &str) {
    for piece in [START, role, MESSAGE] {
        out.push(SpanKind::Scaffold, false, piece);
    }
    out.push(kind, false, text);
    out.push(SpanKind::Scaffold, false, END);
}

/// The name that the call `id` before `index` had.
fn called<'a>(sample: &Sample<'a>, index: usize, id: &nex_trajectory::CallId) -> Option<&'a String> {
    let calls = sample.nodes[..index].iter().rev().flat_map(|node| node.message.calls());
    calls.filter(|call| call.id == *id).map(|call| &call.name).next()
}

/// Instructions and declarations.
fn developer(sample: &Sample<'_>, first_is_system: bool) -> Result<String, Unrepresentable> {
    let mut text = String::new();
    if first_is_system {
        let node = sample.nodes[0];
        let instructions = plain_text(0, node, &MARKS)?;
        refuse(0, node, &instructions, &[TOOLS_OPEN])?;
        if !instructions.is_empty() {
            text = format!("{INSTRUCTIONS_OPEN}{instructions}\n\n");
        }
    }
    if !sample.tools.is_empty() {
        let declared = typescript::declare(sample.tools);
        if let Some(mark) = MARKS.iter().find(|mark| declared.contains(**mark)) {
            let reason = format!("a tool's declaration holds `{mark}`, which the format cannot escape");
            return Err(Unrepresentable { message: 0, role: Role::System, reason });
        }
        text.push_str(TOOLS_OPEN);
        text.push_str(&declared);
        text.push_str(TOOLS_CLOSE);
    }
    Ok(text)
}

/// Names stand in headers, where white space and marks would end them.
fn is_word(index: usize, node: &Node, name: &str) -> Result<(), Unrepresentable> {
    if name.is_empty() || name.contains(|c: char| c.is_ascii_whitespace() || c == '<') {
        let reason = format!("`{name}` cannot stand in a header: it holds white space or `<`, or is empty");
        return Err(Unrepresentable::new(index, node, reason));
    }
    Ok(())
}

fn assistant(
    sample: &Sample<'_>,
    index: usize,
    options: &RenderOptions,
    out: &mut Rendered,
) -> Result<(), Unrepresentable> {
    let node = sample.nodes[index];
    let ReplyParts { reasoning, text, calls } = ReplyParts::of(index, node)?;
    refuse(index, node, &reasoning, &MARKS)?;
    refuse(index, node, &text, &MARKS)?;
    let is_last = index + 1 == sample.nodes.len();
    if !calls.is_empty() && sample.nodes.get(index + 1).is_some_and(|n| n.message.role == Role::Assistant) {
        let reason = "another assistant message follows the calls, and both would be read as one";
        return Err(Unrepresentable::new(index, node, reason));
    }
    let as_template = options.reasoning == ReasoningHistory::AsTemplate;
    let is_trainable = is_trainable(node);
    let mut writer = Writer { out, is_trainable, is_first: true };
    if !reasoning.is_empty() && (!as_template || shows_reasoning(sample, index, options)) {
        writer.message(SpanKind::Reasoning, &format!("{CHANNEL}analysis{MESSAGE}{reasoning}{END}"));
    }
    let ended = is_trainable && ended_itself(node);
    if calls.is_empty() {
        writer.message(SpanKind::AssistantText, &format!("{CHANNEL}final{MESSAGE}{text}"));
        // The template ends only the last answer as the model does.
        if is_last && !(as_template && options.prompt_for_reply) {
            writer.out.push(SpanKind::EndOfTurn, ended, RETURN);
        } else {
            writer.out.push(SpanKind::Scaffold, false, END);
        }
        return Ok(());
    }
    if !text.is_empty() {
        writer.message(SpanKind::AssistantText, &format!("{CHANNEL}commentary{MESSAGE}{text}{END}"));
    }
    let last = calls.len() - 1;
    for (position, call) in calls.into_iter().enumerate() {
        is_word(index, node, &call.name)?;
        let arguments = arguments_object(index, node, call, options)?;
        let arguments = escape_tags(&arguments, &MARKS);
        let end = if position == last { "" } else { CALL };
        let name = &call.name;
        let call = format!(" to=functions.{name}{CHANNEL}commentary json{MESSAGE}{arguments}{end}");
        writer.message(SpanKind::Call, &call);
    }
    writer.out.push(SpanKind::EndOfTurn, ended, CALL);
    Ok(())
}

/// Whether the template shows this message's reasoning: beside calls that no answer follows yet,
/// and with the answer that ends the text.
fn shows_reasoning(sample: &Sample<'_>, index: usize, options: &RenderOptions) -> bool {
    let has_calls = |node: &&Node| node.message.calls().next().is_some();
    if has_calls(&sample.nodes[index]) {
        let mut later = sample.nodes[index + 1..].iter();
        return !later.any(|node| node.message.role == Role::Assistant && !has_calls(node));
    }
    index + 1 == sample.nodes.len() && !options.prompt_for_reply
}

/// Writes the messages of one reply. The prompt has begun the first; the model writes the rest.
struct Writer<'a> {
    out: &'a mut Rendered,
    is_trainable: bool,
    is_first: bool,
}

impl Writer<'_> {
    fn message(&mut self, kind: SpanKind, text: &str) {
        let start = format!("{START}assistant");
        if std::mem::take(&mut self.is_first) {
            self.out.push(SpanKind::Scaffold, false, &start);
            self.out.push(kind, self.is_trainable, text);
        } else {
            self.out.push(kind, self.is_trainable, &format!("{start}{text}"));
        }
    }
}

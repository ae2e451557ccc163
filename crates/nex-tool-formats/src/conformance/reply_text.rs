//! A case's message as the text of one reply, made by the format's own renderer.

use super::case::Slot;
use super::marks::Marks;
use crate::{Rendered, Sample, SpanKind, ToolCallFormat, Unrepresentable};
use nex_trajectory::{Arguments, ContentBlock, Message, Node, NodeId, ToolSpec};
use std::ops::Range;

/// The bytes that a model writes when it says a message.
#[derive(Clone, Debug)]
pub(super) struct ReplyText {
    pub(super) text: String,
    /// Where each call stands, tags included.
    pub(super) calls: Vec<Range<usize>>,
    /// Where the mark that ends the turn begins; the text's end if there is none.
    pub(super) end_of_turn: usize,
    /// The prompt opens the reasoning, so that the reply begins inside it.
    pub(super) starts_in_reasoning: bool,
}

impl ReplyText {
    /// What `format` writes for `message` after a user's turn.
    ///
    /// # Errors
    /// It refuses.
    pub(super) fn of(
        format: &dyn ToolCallFormat,
        tools: &[ToolSpec],
        message: &Message,
    ) -> Result<Self, Unrepresentable> {
        let user = Node::new(None, Message::user("Go on."));
        let reply = Node::new(Some(NodeId(0)), message.clone());
        let sample = Sample { tools, nodes: vec![&user, &reply] };
        Ok(Self::cut_out(format.render(&sample, &Default::default())?))
    }

    fn cut_out(rendered: Rendered) -> Self {
        let user = rendered.spans.iter().rposition(|span| span.kind == SpanKind::User).map_or(0, |at| at + 1);
        let spans = &rendered.spans[user..];
        let (Some(first), Some(last)) =
            (spans.iter().find(|span| span.is_trainable), spans.iter().rfind(|span| span.is_trainable))
        else {
            return Self {
                text: String::new(),
                calls: Vec::new(),
                end_of_turn: 0,
                starts_in_reasoning: false,
            };
        };
        let (start, end) = (first.start, last.end);
        let calls = spans
            .iter()
            .filter(|span| span.kind == SpanKind::Call)
            .map(|span| span.start - start..span.end - start)
            .collect();
        let end_of_turn = if last.kind == SpanKind::EndOfTurn { last.start } else { end } - start;
        let starts_in_reasoning =
            first.kind == SpanKind::Reasoning && rendered.text[..start].trim_end().ends_with("<think>");
        Self { text: rendered.text[start..end].to_owned(), calls, end_of_turn, starts_in_reasoning }
    }
}

/// `message` with the marks of a format in place of its slots.
pub(super) fn fill_slots(message: &Message, marks: &Marks) -> Message {
    let mut message = message.clone();
    for block in &mut message.content {
        match block {
            ContentBlock::Text { text } | ContentBlock::Reasoning { text, .. } => {
                *text = fill(text, |mark| mark.to_owned(), marks);
            }
            ContentBlock::ToolCall(call) => {
                let in_json = |mark: &str| {
                    let quoted = serde_json::Value::from(mark).to_string();
                    quoted[1..quoted.len() - 1].to_owned()
                };
                call.arguments = Arguments::from_text(fill(call.arguments.as_text(), in_json, marks));
            }
            ContentBlock::ToolResult(_) | ContentBlock::Image(_) => {}
        }
    }
    message
}

fn fill(text: &str, write: impl Fn(&str) -> String, marks: &Marks) -> String {
    let mut filled = text.to_owned();
    for slot in Slot::ALL {
        if filled.contains(slot.char()) {
            filled = filled.replace(slot.char(), &write(marks.slot(slot)));
        }
    }
    filled
}

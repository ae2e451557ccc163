//! ChatML: turns between `<|im_start|>` and `<|im_end|>`, which several formats stand in.

use crate::{ConversationError, Rendered, SpanKind};

pub(crate) const TURN_START: &str = "<|im_start|>";
pub(crate) const TURN_END: &str = "<|im_end|>";
pub(crate) const TEXT_END: &str = "<|endoftext|>";

/// The marks that no text may hold.
pub(crate) const MARKS: [&str; 3] = [TURN_START, TURN_END, TEXT_END];

/// One turn of a text.
pub(crate) struct Turn<'a> {
    pub(crate) role: &'a str,
    pub(crate) content: &'a str,
    /// Where the content begins.
    pub(crate) at: usize,
}

/// The turns of `text`, in order.
pub(crate) fn turns(text: &str) -> impl Iterator<Item = Result<Turn<'_>, ConversationError>> {
    turns_between(text, 0, TURN_START, TURN_END)
}

/// The turns of `text` from `from` on, in formats that have other marks in their place.
pub(crate) fn turns_between<'a>(
    text: &'a str,
    from: usize,
    start: &'static str,
    end: &'static str,
) -> impl Iterator<Item = Result<Turn<'a>, ConversationError>> {
    let mut at = from;
    std::iter::from_fn(move || {
        if at >= text.len() {
            return None;
        }
        let Some(rest) = text[at..].strip_prefix(start) else {
            let error = ConversationError::new(at, format!("a turn begins with {start}"));
            at = text.len();
            return Some(Err(error));
        };
        at += start.len();
        let Some((role, _)) = rest.split_once('\n') else {
            let error = ConversationError::new(at, format!("{start} is followed by a role and a line break"));
            at = text.len();
            return Some(Err(error));
        };
        let content_at = at + role.len() + 1;
        let content = &text[content_at..];
        // A conversation that waits for a reply, or was cut, has no end of its last turn.
        let length = content.find(end).unwrap_or(content.len());
        at = (content_at + length + end.len()).min(text.len());
        if text[at..].starts_with('\n') {
            at += 1;
        }
        Some(Ok(Turn { role, content: &content[..length], at: content_at }))
    })
}

/// Writes a turn that is not the model's.
pub(crate) fn push_turn(out: &mut Rendered, role: &str, kind: SpanKind, text: &str) {
    out.push(SpanKind::Scaffold, false, TURN_START);
    out.push(SpanKind::Scaffold, false, role);
    out.push(SpanKind::Scaffold, false, "\n");
    out.push(kind, false, text);
    out.push(SpanKind::Scaffold, false, TURN_END);
    out.push(SpanKind::Scaffold, false, "\n");
}

/// Ends the model's turn.
pub(crate) fn end_reply(out: &mut Rendered, is_trainable: bool) {
    out.push(SpanKind::EndOfTurn, is_trainable, TURN_END);
    out.push(SpanKind::Scaffold, false, "\n");
}

//! Which stretches of the text are the model's turns.

use super::conversation::Part;
use super::generation::Marks;
use super::layout::locate;
use super::{MaskedTurns, NotAppendOnly, Run, TemplateError};
use nex_trajectory::Role;
use serde_json::json;
use std::ops::Range;

/// One reply in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The node that it renders; none where a template's marks do not pair with the turns.
    pub(super) node: Option<usize>,
    /// Its bytes, with what the template puts after them.
    pub(super) range: Range<usize>,
    /// The mark that ends it.
    pub(super) end_mark: Option<Range<usize>>,
    /// What follows the end mark is the template's, not the model's.
    pub(super) is_cut_at_mark: bool,
}

impl Run<'_> {
    /// The turns that the template's own marks enclose.
    pub(super) fn marked_turns(
        &self,
        text: &str,
        ranges: Vec<Range<usize>>,
    ) -> Result<Vec<Turn>, TemplateError> {
        let replies: Vec<usize> = self.replies().map(|(node, _)| node).collect();
        let is_paired = replies.len() == ranges.len();
        let all_alike = self.replies().all(|(_, part)| part.is_trainable && part.ended_itself);
        let is_last_only = self.options.turns == MaskedTurns::Last;
        if !is_paired && (!all_alike || is_last_only) {
            return Err(TemplateError::UnpairedMarks {
                template: self.template.name.clone(),
                marks: ranges.len(),
                turns: replies.len(),
            });
        }
        let tail = self.tail();
        let skipped = if is_last_only { ranges.len().saturating_sub(1) } else { 0 };
        let turn = |(index, range): (usize, Range<usize>)| {
            // What the template marks is the model's to the last byte.
            let end_mark =
                end_mark(&text[range.clone()], &tail).map(|mark| range.start + mark.start..range.end);
            Turn { node: is_paired.then(|| replies[index]), range, end_mark, is_cut_at_mark: false }
        };
        Ok(ranges.into_iter().enumerate().skip(skipped).map(turn).collect())
    }

    /// The turns as growing beginnings of the conversation show them. `whole` is all of it.
    pub(super) fn turns_by_prefixes(&self, whole: &str) -> Result<Vec<Turn>, TemplateError> {
        let tail = self.tail();
        let mut turns = Vec::new();
        let skipped = match self.options.turns {
            MaskedTurns::All => 0,
            MaskedTurns::Last => self.replies().count().saturating_sub(1),
        };
        for (node, _) in self.replies().skip(skipped) {
            let prompt = self.render(self.conversation.before(node), true, Marks::default())?;
            if !whole.starts_with(&prompt) {
                return Err(self.not_append_only(node, &prompt, whole).into());
            }
            let with_reply = self.render(self.conversation.up_to(node), false, Marks::default())?;
            let Some(end) = kept_end(&with_reply, whole, &tail).filter(|end| *end >= prompt.len()) else {
                return Err(self.not_append_only(node + 1, &with_reply, whole).into());
            };
            let range = prompt.len()..end;
            let end_mark = end_mark(&whole[range.clone()], &tail)
                .map(|mark| range.start + mark.start..range.start + mark.end);
            turns.push(Turn { node: Some(node), range, end_mark, is_cut_at_mark: true });
        }
        Ok(turns)
    }

    /// # Errors
    /// A reply's reasoning, text or call is not where the reply is.
    pub(super) fn nothing_left_out(&self, text: &str, turns: &[Turn]) -> Result<(), TemplateError> {
        for turn in turns {
            let Some(node) = turn.node.filter(|node| self.conversation.parts[*node].is_trainable) else {
                continue;
            };
            let reply = &self.conversation.parts[node].reply;
            let written = &text[turn.range.clone()];
            let has = |content: &str| content.trim().is_empty() || locate(written, content).is_some();
            let what = if !has(&reply.reasoning) {
                "the reasoning".to_owned()
            } else if !has(&reply.text) {
                "the text".to_owned()
            } else if let Some(call) = reply.calls.iter().find(|call| !written.contains(&call.name)) {
                format!("the call of `{}`", call.name)
            } else {
                continue;
            };
            return Err(TemplateError::LeftOut { template: self.template.name.clone(), message: node, what });
        }
        Ok(())
    }

    fn replies(&self) -> impl Iterator<Item = (usize, &Part<'_>)> {
        let parts = self.conversation.parts.iter().enumerate();
        parts.filter(|(_, part)| part.role == Role::Assistant)
    }

    /// What the template writes after a plain answer that ends the conversation.
    pub(super) fn tail(&self) -> String {
        const PROBE: &str = "ProbedAnswer";
        let shape = self.template.shape;
        let messages = [
            json!({"role": "user", "content": shape.text("x")}),
            json!({"role": "assistant", "content": shape.text(PROBE)}),
        ];
        let messages: Vec<_> = messages.iter().map(super::python::value_of).collect();
        match self.render(&messages, false, Marks::default()) {
            Ok(text) => text.rsplit_once(PROBE).map(|(_, tail)| tail.to_owned()).unwrap_or_default(),
            // A template that cannot do this has its end marks found by their looks.
            Err(_) => String::new(),
        }
    }

    /// Names the first message from `node` on with which `earlier` is no beginning any more.
    fn not_append_only(&self, node: usize, earlier: &str, whole: &str) -> NotAppendOnly {
        let count = self.conversation.parts.len();
        let changed = (node..count).find_map(|node| {
            let later = self.render(self.conversation.up_to(node), false, Marks::default()).ok()?;
            (!later.starts_with(earlier)).then_some((node, later))
        });
        let (message, later) = changed.unwrap_or((count.saturating_sub(1), whole.to_owned()));
        let offset_bytes = common_prefix(earlier, &later);
        NotAppendOnly {
            template: self.template.name.clone(),
            message,
            role: self.conversation.parts[message].role,
            offset_bytes,
            before: snippet(earlier, offset_bytes),
            after: snippet(&later, offset_bytes),
        }
    }
}

/// Characters shown of a text that changed.
const SNIPPET_CHARS: usize = 60;

/// The text from `start` on; from the start of the tag that it lies in, if it lies in one.
fn snippet(text: &str, start: usize) -> String {
    let tag = text[..start].rfind('<').filter(|open| !text[*open..start].contains(['>', ' ', '\n']));
    text[tag.unwrap_or(start)..].chars().take(SNIPPET_CHARS).collect()
}

/// Bytes in which both begin alike, up to a boundary between characters of both.
pub(super) fn common_prefix(a: &str, b: &str) -> usize {
    let mut length = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    while !a.is_char_boundary(length) || !b.is_char_boundary(length) {
        length -= 1;
    }
    length
}

/// Where the reply with which `with_reply` ends, ends in `whole`. What the template writes only at
/// the end of a conversation (`tail`) may be missing there, but not its first mark.
fn kept_end(with_reply: &str, whole: &str, tail: &str) -> Option<usize> {
    let alike = common_prefix(with_reply, whole);
    if alike == with_reply.len() {
        return Some(alike);
    }
    let tail_start = with_reply.strip_suffix(tail)?.len();
    let least = match first_mark(tail) {
        Some(mark) => mark.end,
        None => 0,
    };
    let is_boundary = |at: &usize| {
        let (before, after) = tail.split_at(*at);
        before.is_empty() || before.ends_with(['>', ']', '\n', ' ']) || after.starts_with(['<', '['])
    };
    let ends = (least..=tail.len()).filter(|at| tail.is_char_boundary(*at)).filter(is_boundary);
    ends.map(|at| tail_start + at).rfind(|end| *end <= alike)
}

/// The mark that ends a reply: as after a plain answer, or else what looks like one.
fn end_mark(reply: &str, tail: &str) -> Option<Range<usize>> {
    if let Some(mark) = first_mark(tail) {
        let known = &tail[mark];
        // The template may write more after it, at the end of a conversation only.
        let found = reply.rfind(known).map(|at| at..at + known.len());
        if let Some(found) = found.filter(|found| is_scaffold(&reply[found.end..], tail)) {
            return Some(found);
        }
    }
    let written = reply.trim_end();
    let start = written.rfind('<').filter(|_| written.ends_with('>'))?;
    let looks_like_one = ["<|", "<｜", "</s>", "<eos>", "<end_of_turn>"]
        .iter()
        .any(|opening| written[start..].starts_with(opening));
    looks_like_one.then_some(start..written.len())
}

/// Whether `rest` is white space, or what also stands at the end of `tail`.
fn is_scaffold(rest: &str, tail: &str) -> bool {
    rest.trim().is_empty() || tail.contains(rest)
}

/// The first thing in `tail` that is no white space: up to the end of a tag, or of all.
fn first_mark(tail: &str) -> Option<Range<usize>> {
    let start = tail.len() - tail.trim_start().len();
    let mark = tail.trim();
    let length = match mark.chars().next()? {
        '<' => mark.find('>').map_or(mark.len(), |end| end + 1),
        '[' => mark.find(']').map_or(mark.len(), |end| end + 1),
        _ => mark.find(['<', '\n']).unwrap_or(mark.len()),
    };
    Some(start..start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_of_conversation_may_go_but_not_the_first_mark() {
        let tail = "<|end|>\n<|endoftext|>";
        for (with_reply, whole, end) in [
            ("p:a<|end|>\n<|endoftext|>", "p:a<|end|>\n<|endoftext|>", Some(24)),
            ("p:a<|end|>\n<|endoftext|>", "p:a<|end|>\n<|user|>b", Some(11)),
            ("p:a<|end|>\n<|endoftext|>", "p:a<|return|>\n<|user|>b", None),
            ("p:a<|end|>\n<|endoftext|>", "p:b<|end|>\n<|user|>b", None),
        ] {
            assert_eq!(kept_end(with_reply, whole, tail), end, "{whole}");
        }
        assert_eq!(kept_end("p:a\n", "p:a <user>", "\n"), Some(3));
    }

    #[test]
    fn end_marks_are_found() {
        for (reply, tail, mark) in [
            ("a<|im_end|>\n", "<|im_end|>\n", Some("<|im_end|>")),
            ("a<|end|>\n<|endoftext|>", "<|end|>\n<|endoftext|>", Some("<|end|>")),
            ("a[e~[\n", "[e~[\n", Some("[e~[")),
            ("call<|eom_id|>", "<|eot_id|>", Some("<|eom_id|>")),
            ("a</tool_call>\n", "\n", None),
            ("a", "", None),
        ] {
            assert_eq!(end_mark(reply, tail).map(|range| &reply[range]), mark, "{reply}");
        }
    }
}

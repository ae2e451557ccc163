//! Turns and contents laid out as spans that tile the text.

use super::Run;
use super::generation::Marks;
use super::turns::{Turn, common_prefix};
use crate::{Rendered, SpanKind, python_json};
use nex_trajectory::Role;
use std::ops::Range;

/// A stretch that is not scaffold.
#[derive(Debug)]
struct Piece {
    range: Range<usize>,
    kind: SpanKind,
    is_trainable: bool,
}

impl Run<'_> {
    /// `text` with spans; what belongs to no content is scaffold.
    pub(super) fn lay_out(&self, text: &str, turns: &[Turn]) -> Rendered {
        let mut pieces = Vec::new();
        let (mut at, mut node) = (0, 0);
        for turn in turns {
            let until = turn.node.unwrap_or(node);
            self.contents(text, at..turn.range.start, node..until, &mut pieces);
            self.reply(text, turn, &mut pieces);
            at = turn.range.end;
            node = turn.node.map_or(node, |node| node + 1);
        }
        self.contents(text, at..text.len(), node..self.conversation.parts.len(), &mut pieces);
        let mut out = Rendered::default();
        for piece in pieces.iter().filter(|piece| !piece.range.is_empty()) {
            out.push(SpanKind::Scaffold, false, &text[out.text.len()..piece.range.start]);
            out.push(piece.kind, piece.is_trainable, &text[piece.range.clone()]);
        }
        out.push(SpanKind::Scaffold, false, &text[out.text.len()..]);
        out
    }

    /// The contents of messages that the model did not write, as far as they stand in `gap` in order.
    fn contents(&self, text: &str, gap: Range<usize>, nodes: Range<usize>, pieces: &mut Vec<Piece>) {
        let mut at = gap.start;
        for part in &self.conversation.parts[nodes] {
            let kind = match part.role {
                Role::System => SpanKind::System,
                Role::User => SpanKind::User,
                Role::Tool => SpanKind::Observation,
                Role::Assistant => continue,
            };
            for content in &part.contents {
                if let Some(found) = locate(&text[at..gap.end], content) {
                    let range = at + found.start..at + found.end;
                    at = range.end;
                    pieces.push(Piece { range, kind, is_trainable: false });
                }
            }
        }
    }

    fn reply(&self, text: &str, turn: &Turn, pieces: &mut Vec<Piece>) {
        let (mut is_trainable, mut is_end_trainable) = (true, true);
        let body_end = match &turn.end_mark {
            Some(mark) => mark.start,
            None if turn.is_cut_at_mark => turn.range.start + text[turn.range.clone()].trim_end().len(),
            None => turn.range.end,
        };
        let body = turn.range.start..body_end;
        match turn.node {
            Some(node) => {
                let part = &self.conversation.parts[node];
                is_trainable = part.is_trainable;
                is_end_trainable = part.is_trainable && part.ended_itself;
                self.body(text, node, body, is_trainable, pieces);
            }
            None => pieces.push(Piece { range: body, kind: SpanKind::AssistantText, is_trainable }),
        }
        if let Some(mark) = &turn.end_mark {
            pieces.push(Piece {
                range: mark.clone(),
                kind: SpanKind::EndOfTurn,
                is_trainable: is_end_trainable,
            });
        }
    }

    /// Reasoning, text and calls, as far as they can be told apart.
    fn body(&self, text: &str, node: usize, body: Range<usize>, is_trainable: bool, pieces: &mut Vec<Piece>) {
        let reply = &self.conversation.parts[node].reply;
        let mut push = |range: Range<usize>, kind| pieces.push(Piece { range, kind, is_trainable });
        let mut at = body.start;
        let reasoning = locate(&text[body.clone()], &reply.reasoning).map(|found| body.start + found.end);
        let after_reasoning = reasoning.unwrap_or(at);
        let words = locate(&text[after_reasoning..body.end], &reply.text)
            .map(|found| after_reasoning + found.start..after_reasoning + found.end);
        // Nothing of a reply that only calls stands before its first call.
        let calls_start = match &words {
            Some(words) => words.end,
            None if reply.calls.is_empty() => body.end,
            None => {
                self.call_start(text, node, &body, 0).filter(|start| *start >= after_reasoning).unwrap_or(at)
            }
        };
        let text_start = words.map_or(calls_start, |words| words.start);
        let has_reasoning = reasoning.is_some() || text[at..text_start].contains("think");
        if has_reasoning && text_start >= after_reasoning {
            push(at..text_start, SpanKind::Reasoning);
            at = text_start;
        }
        if reply.calls.is_empty() {
            push(at..body.end, SpanKind::AssistantText);
            return;
        }
        push(at..calls_start, SpanKind::AssistantText);
        at = calls_start;
        for call in 1..reply.calls.len() {
            let Some(start) = self.call_start(text, node, &body, call).filter(|start| *start > at) else {
                break;
            };
            push(at..start, SpanKind::Call);
            at = start;
        }
        push(at..body.end, SpanKind::Call);
    }

    /// Where call `index` of `node` starts: there the text parts from that without it.
    fn call_start(&self, text: &str, node: usize, body: &Range<usize>, index: usize) -> Option<usize> {
        let without = self.conversation.up_to_call(node, index);
        let without = self.render(&without, false, Marks::default()).ok()?;
        let mut start = common_prefix(&without, text);
        // Not inside a tag that both begin with.
        if let Some(open) = text[..start].rfind('<').filter(|open| !text[*open..start].contains('>')) {
            start = open;
        }
        (body.start..=body.end).contains(&start).then_some(start)
    }
}

/// Where `content` stands in `text`, or else without the white space around it, or else as JSON.
pub(super) fn locate(text: &str, content: &str) -> Option<Range<usize>> {
    let trimmed = content.trim();
    let found = |wanted: &str| text.find(wanted).map(|start| start..start + wanted.len());
    if trimmed.is_empty() {
        return None;
    }
    let escaped = || {
        let escaped = python_json::dumps(&content.into());
        found(&escaped[1..escaped.len() - 1])
    };
    found(content).or_else(|| found(trimmed)).or_else(escaped)
}

//! Parsing a reply, at once or as it arrives: both are this one state machine.
//!
//! A call ends at the first `</tool_call>` outside a JSON string. Inside a string the tag is taken
//! as content as long as the JSON around it holds; as soon as it breaks, the call is ended at that
//! tag after all and reading goes on behind it. Text is read again at most once on that way: it
//! lies inside one string, so it holds no quote that could open another.

use super::body::{self, Body};
use super::{CALL_CLOSE, CALL_OPEN, THINK_CLOSE, THINK_OPEN, TURN_END};
use crate::utf8::Utf8Decoder;
use crate::{ParsedCall, ParsedReply, ReplyParser};
use nex_trajectory::{Defect, DefectKind};
use std::ops::Range;

/// Reads one reply.
#[derive(Debug, Default)]
pub(super) struct HermesParser {
    decoder: Utf8Decoder,
    text: String,
    /// Up to here the text is understood.
    at: usize,
    state: State,
    reasoning: Option<Range<usize>>,
    /// Text outside calls, and calls that could not be read.
    pieces: Vec<Piece>,
    calls: Vec<ParsedCall>,
    defects: Vec<Defect>,
    /// Bytes looked at, to show that reading is linear.
    #[cfg(test)]
    pub(super) steps: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// Nothing but white space yet: reasoning may begin.
    #[default]
    Start,
    Text {
        from: usize,
    },
    Reasoning {
        from: usize,
    },
    Call {
        tag_at: usize,
        body: BodyScan,
    },
}

#[derive(Debug)]
struct Piece {
    range: Range<usize>,
    /// It lies behind a call.
    is_after_call: bool,
    /// It is a call that could not be read.
    is_malformed_call: bool,
}

/// How far the body of a call is understood as JSON.
#[derive(Clone, Copy, Debug, Default)]
struct BodyScan {
    mode: Mode,
    /// The first closing tag inside the current string.
    closer_in_string: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mode {
    #[default]
    Outside,
    InString,
    Escaped,
    AfterString,
    /// It is no JSON: the next tag ends it.
    Broken,
}

impl ReplyParser for HermesParser {
    fn push(&mut self, bytes: &[u8]) {
        let defects = &mut self.defects;
        self.decoder.push(bytes, &mut self.text, |at| defects.push(invalid_utf8(at)));
        self.scan();
    }

    fn finish(mut self: Box<Self>) -> ParsedReply {
        self.finish_scan();
        self.reply()
    }
}

impl HermesParser {
    /// Reads what is left at the end of the reply.
    pub(super) fn finish_scan(&mut self) {
        let defects = &mut self.defects;
        self.decoder.finish(&mut self.text, |at| defects.push(invalid_utf8(at)));
        self.scan();
        let end = self.end_of_reply();
        loop {
            match self.state {
                State::Start => self.text_piece(0..end),
                State::Text { from } => self.text_piece(from..end),
                State::Reasoning { from } => {
                    let message = format!("{THINK_OPEN} is not closed");
                    self.defects
                        .push(Defect::new(DefectKind::UnclosedTag, message).at(from - THINK_OPEN.len()));
                    self.reasoning = Some(from..end.max(from));
                }
                State::Call { tag_at, body } => {
                    if let Some(closer) = body.closer_in_string {
                        self.close_call(tag_at, closer);
                        self.scan();
                        continue;
                    }
                    self.unclosed_call(tag_at, end.max(tag_at + CALL_OPEN.len()));
                }
            }
            return;
        }
    }

    /// Counts `bytes` looked at.
    fn looked_at(&mut self, _bytes: usize) {
        #[cfg(test)]
        {
            self.steps += _bytes;
        }
    }

    /// Understands as much as is there.
    fn scan(&mut self) {
        while match self.state {
            State::Start => self.scan_start(),
            State::Text { from } => self.scan_text(from),
            State::Reasoning { from } => self.scan_reasoning(from),
            State::Call { tag_at, body } => self.scan_call(tag_at, body),
        } {}
    }

    fn scan_start(&mut self) -> bool {
        self.looked_at(self.text.len() - self.at);
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        if rest.starts_with(THINK_OPEN) {
            self.at += THINK_OPEN.len();
            self.state = State::Reasoning { from: self.at };
            return true;
        }
        if THINK_OPEN.starts_with(rest) {
            return false;
        }
        self.state = State::Text { from: 0 };
        true
    }

    fn scan_text(&mut self, from: usize) -> bool {
        let Some(tag_at) = self.find(CALL_OPEN) else { return false };
        self.text_piece(from..tag_at);
        self.open_call(tag_at);
        true
    }

    fn scan_reasoning(&mut self, from: usize) -> bool {
        let Some(close_at) = self.find(THINK_CLOSE) else { return false };
        self.reasoning = Some(from..close_at);
        self.at = close_at + THINK_CLOSE.len();
        self.state = State::Text { from: self.at };
        true
    }

    fn scan_call(&mut self, tag_at: usize, mut body: BodyScan) -> bool {
        while self.at < self.text.len() {
            self.looked_at(1);
            let byte = self.text.as_bytes()[self.at];
            if byte == b'<' && body.mode != Mode::Escaped {
                let rest = &self.text[self.at..];
                if rest.len() < CALL_CLOSE.len()
                    && (CALL_CLOSE.starts_with(rest) || CALL_OPEN.starts_with(rest))
                {
                    // A tag may be under way.
                    break;
                }
                let (is_closer, is_opener) = (rest.starts_with(CALL_CLOSE), rest.starts_with(CALL_OPEN));
                if body.mode == Mode::InString {
                    if is_closer {
                        body.closer_in_string.get_or_insert(self.at);
                    }
                } else if is_closer {
                    self.close_call(tag_at, self.at);
                    return true;
                } else if is_opener {
                    let next = self.at;
                    self.unclosed_call(tag_at, next);
                    self.open_call(next);
                    return true;
                }
            }
            body.mode = next_mode(body.mode, byte);
            match (body.mode, body.closer_in_string) {
                (Mode::Broken, Some(closer)) => {
                    self.close_call(tag_at, closer);
                    return true;
                }
                (Mode::Outside, _) => body.closer_in_string = None,
                _ => {}
            }
            self.at += 1;
        }
        self.state = State::Call { tag_at, body };
        false
    }

    /// The next `tag` from `at` on. If there is none yet, `at` moves to where one may begin.
    fn find(&mut self, tag: &str) -> Option<usize> {
        if let Some(found) = self.text[self.at..].find(tag) {
            self.looked_at(found + tag.len());
            return Some(self.at + found);
        }
        self.looked_at(self.text.len() - self.at);
        let keep = self.text.len().saturating_sub(tag.len() - 1);
        self.at = self.at.max(self.text.floor_char_boundary(keep));
        None
    }

    fn open_call(&mut self, tag_at: usize) {
        self.at = tag_at + CALL_OPEN.len();
        self.state = State::Call { tag_at, body: BodyScan::default() };
    }

    /// The call opened at `tag_at` ends with the closing tag at `closer`.
    fn close_call(&mut self, tag_at: usize, closer: usize) {
        self.at = closer + CALL_CLOSE.len();
        self.call(tag_at, tag_at + CALL_OPEN.len()..closer, self.at);
        self.state = State::Text { from: self.at };
    }

    /// The call opened at `tag_at` ends at `end` without a closing tag.
    fn unclosed_call(&mut self, tag_at: usize, end: usize) {
        let message = format!("{CALL_OPEN} is not closed");
        self.defects.push(Defect::new(DefectKind::UnclosedTag, message).at(tag_at));
        self.call(tag_at, tag_at + CALL_OPEN.len()..end, end);
    }

    fn call(&mut self, tag_at: usize, body: Range<usize>, end: usize) {
        let is_closed = body.end < end;
        let body_start = body.start;
        let flaws = match body::read(&self.text[body]) {
            Ok(Body { name, arguments, flaws }) => {
                self.calls.push(ParsedCall { id: None, name, arguments, span: tag_at..end });
                flaws
            }
            Err(flaw) => {
                self.piece(tag_at..end, true);
                // Of a call that was cut off, the unclosed tag says it all.
                if is_closed { vec![flaw] } else { Vec::new() }
            }
        };
        for flaw in flaws {
            self.defects.push(Defect::new(flaw.kind, flaw.message).at(body_start + flaw.offset_bytes));
        }
    }

    fn text_piece(&mut self, range: Range<usize>) {
        self.piece(range.start..range.end.max(range.start), false);
    }

    fn piece(&mut self, range: Range<usize>, is_malformed_call: bool) {
        self.pieces.push(Piece { range, is_after_call: !self.calls.is_empty(), is_malformed_call });
    }

    /// Where the reply ends: before its end-of-turn mark, if the server left that in.
    fn end_of_reply(&self) -> usize {
        self.text.trim_end().strip_suffix(TURN_END).map_or(self.text.len(), str::len)
    }

    fn reply(mut self) -> ParsedReply {
        let mut text = String::new();
        let reasoning_end = self.reasoning.as_ref().map(|range| range.end + THINK_CLOSE.len());
        for (index, piece) in self.pieces.iter().enumerate() {
            let mut content = &self.text[piece.range.clone()];
            if !piece.is_malformed_call {
                if reasoning_end == Some(piece.range.start) {
                    content = strip_line_break(strip_line_break(content));
                }
                let is_before_call = index + 1 < self.pieces.len()
                    || self.calls.last().is_some_and(|call| call.span.start >= piece.range.end);
                if is_before_call {
                    content = content.strip_suffix('\n').unwrap_or(content);
                }
                if index > 0 || piece.is_after_call {
                    content = strip_line_break(content);
                    if content.trim().is_empty() {
                        continue;
                    }
                }
                if piece.is_after_call {
                    let message = "text after a call, where the format has none";
                    self.defects.push(Defect::new(DefectKind::TextAfterCall, message).at(piece.range.start));
                }
            }
            if index > 0 && !text.is_empty() {
                text.push('\n');
            }
            text.push_str(content);
        }
        let reasoning = self.reasoning.map_or("", |range| {
            for (at, _) in self.text[range.clone()].match_indices(CALL_OPEN) {
                let message = "a call inside reasoning is not executed";
                self.defects.push(Defect::new(DefectKind::CallInsideReasoning, message).at(range.start + at));
            }
            let inside = strip_line_break(&self.text[range]);
            inside.strip_suffix('\n').unwrap_or(inside)
        });
        if text.is_empty() && self.calls.is_empty() {
            self.defects.push(Defect::new(DefectKind::EmptyReply, "neither text nor a call"));
        }
        self.defects.sort_by_key(|defect| defect.offset_bytes);
        ParsedReply { reasoning: reasoning.to_owned(), text, calls: self.calls, defects: self.defects }
    }
}

/// The mode after `byte`.
fn next_mode(mode: Mode, byte: u8) -> Mode {
    match (mode, byte) {
        (Mode::Broken, _) => Mode::Broken,
        (Mode::InString | Mode::Escaped, 0..0x20) => Mode::Broken,
        (Mode::InString, b'\\') => Mode::Escaped,
        (Mode::InString, b'"') => Mode::AfterString,
        (Mode::InString | Mode::Escaped, _) => Mode::InString,
        (mode, b' ' | b'\n' | b'\r' | b'\t') => mode,
        (Mode::Outside | Mode::AfterString, b'{' | b'}' | b'[' | b']' | b',' | b':')
            if mode == Mode::Outside || !matches!(byte, b'{' | b'[') =>
        {
            Mode::Outside
        }
        (Mode::Outside, b'"') => Mode::InString,
        (Mode::Outside, b'0'..=b'9' | b'-' | b'+' | b'.' | b'a'..=b'z' | b'E') => Mode::Outside,
        _ => Mode::Broken,
    }
}

fn strip_line_break(text: &str) -> &str {
    text.strip_prefix('\n').unwrap_or(text)
}

fn invalid_utf8(at: usize) -> Defect {
    Defect::new(DefectKind::InvalidUtf8, "bytes that are not UTF-8 were replaced").at(at)
}

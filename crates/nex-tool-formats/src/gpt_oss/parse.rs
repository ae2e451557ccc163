//! Reading a reply: messages, each with its channel.

use super::header::Header;
use super::{CALL, CHANNEL, END, MESSAGE, RETURN, START};
use crate::engine::{Found, Grammar, Scan};
use crate::json;
use crate::json_body::{BodyEnd, JsonBody};
use nex_trajectory::DefectKind;

/// What ends a message; the last two begin the next one.
const ENDS: [&str; 5] = [END, CALL, RETURN, START, CHANNEL];
const MARKS_OF_END: usize = 3;

/// Reads messages.
#[derive(Debug, Default)]
pub(super) struct HarmonyGrammar {
    state: State,
    /// The last words that were added, to be parted from those of the next message.
    last: Option<Words>,
    /// Nothing of this message was added yet.
    is_fresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Text,
    Reasoning,
}

#[derive(Debug)]
enum State {
    /// Before a header: white space up to `seen`.
    Before {
        seen: usize,
        is_start: bool,
    },
    /// Text without a header.
    Plain,
    Header {
        searched: usize,
    },
    /// What the model says or thinks; the header began at `open_at`.
    Said {
        words: Words,
        open_at: usize,
    },
    Call {
        open_at: usize,
        name: String,
        body: JsonBody,
        is_function: bool,
    },
    /// A message of somebody else, or to nobody known.
    Foreign {
        open_at: usize,
        searched: usize,
    },
}

impl Default for State {
    fn default() -> Self {
        Self::Before { seen: 0, is_start: true }
    }
}

impl Grammar for HarmonyGrammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        while let Some(next) = self.next(scan) {
            self.state = next;
        }
    }
}

impl HarmonyGrammar {
    fn next(&mut self, scan: &mut Scan<'_>) -> Option<State> {
        match &mut self.state {
            State::Before { seen, is_start } => before(seen, *is_start, scan),
            State::Plain => self.said(Words::Text, None, scan),
            State::Header { searched } => {
                let next = header(searched, scan);
                self.is_fresh = true;
                next
            }
            State::Said { words, open_at } => {
                let (words, open_at) = (*words, *open_at);
                self.said(words, Some(open_at), scan)
            }
            State::Call { open_at, name, body, is_function } => {
                let end = body.scan(scan, &ENDS)?;
                self.last = None;
                Some(call(*open_at, std::mem::take(name), body.start(), end, *is_function, scan))
            }
            State::Foreign { open_at, searched } => foreign(*open_at, searched, scan),
        }
    }

    /// Words up to the end of the message, which began at `open_at`, if it has a header.
    fn said(&mut self, words: Words, open_at: Option<usize>, scan: &mut Scan<'_>) -> Option<State> {
        let (end, tag) = match scan.find(&ENDS) {
            Found::NoneBefore(end) => (end, None),
            Found::Tag { at, index } => (at, Some(index)),
        };
        if end > scan.at {
            if self.is_fresh && self.last == Some(words) {
                self.add(words, "\n", scan);
            }
            self.is_fresh = false;
            self.last = Some(words);
            let text = scan.text;
            self.add(words, &text[scan.at..end], scan);
            scan.at = end;
        }
        let is_over = tag.is_some() || scan.is_end;
        if !is_over {
            return None;
        }
        // The mark behind an answer is usually gone; behind reasoning something is missing.
        let is_cut = tag.is_none() && words == Words::Reasoning;
        if let Some(open_at) = open_at.filter(|_| is_cut || tag.is_some_and(|tag| tag >= MARKS_OF_END)) {
            scan.out.defect(DefectKind::UnclosedTag, open_at, format!("the message is not ended by {END}"));
        }
        self.is_fresh = true;
        tag.map(|tag| after(end, tag, scan))
    }

    fn add(&self, words: Words, text: &str, scan: &mut Scan<'_>) {
        match words {
            Words::Text => scan.out.text(text, scan.at),
            Words::Reasoning => scan.out.reasoning(text),
        }
    }
}

/// What follows the tag with which a message ended at `end`.
fn after(end: usize, tag: usize, scan: &mut Scan<'_>) -> State {
    scan.at = end;
    if tag < MARKS_OF_END {
        scan.at = end + ENDS[tag].len();
        return State::Before { seen: scan.at, is_start: false };
    }
    State::Header { searched: end + ENDS[tag].len() }
}

/// Where a header, or text without one, begins.
fn before(seen: &mut usize, is_start: bool, scan: &mut Scan<'_>) -> Option<State> {
    *seen = scan.skip_blank(*seen);
    let at = *seen;
    if at == scan.text.len() {
        if !scan.is_end {
            return None;
        }
        if is_start {
            return (scan.at < at).then_some(State::Plain);
        }
        scan.at = at;
        return None;
    }
    let mut is_open = false;
    for tag in [START, CHANNEL, MESSAGE, "to="] {
        match scan.starts_with(at, tag) {
            Some(true) => {
                scan.at = at;
                let searched = if tag == MESSAGE { at } else { at + tag.len() };
                return Some(State::Header { searched });
            }
            Some(false) => {}
            None => is_open = true,
        }
    }
    if is_open { None } else { Some(State::Plain) }
}

/// A header that begins at `scan.at`.
fn header(searched: &mut usize, scan: &mut Scan<'_>) -> Option<State> {
    let (text, open_at) = (scan.text, scan.at);
    let fail = |end: usize, scan: &mut Scan<'_>| {
        scan.out.defect(DefectKind::MalformedCall, open_at, format!("a header without {MESSAGE}"));
        scan.out.unread_call(&text[open_at..end]);
        scan.at = end;
    };
    match scan.find_from(*searched, &[MESSAGE, END, CALL, RETURN, START]) {
        Found::NoneBefore(end) if scan.is_end => {
            fail(end, scan);
            None
        }
        Found::NoneBefore(end) => {
            *searched = end;
            None
        }
        Found::Tag { at, index: 0 } => {
            let body = at + MESSAGE.len();
            let header = Header::read(&text[open_at..at]);
            let is_known = matches!(header.role, "" | "assistant");
            for fault in &header.faults {
                scan.out.defect(DefectKind::MalformedCall, open_at, fault.clone());
            }
            scan.at = body;
            Some(match header.recipient {
                _ if !is_known => {
                    let message = format!("a message of `{}` in the model's reply", header.role);
                    scan.out.defect(DefectKind::MalformedCall, open_at, message);
                    State::Foreign { open_at, searched: body }
                }
                Some(recipient) => {
                    let function = recipient.strip_prefix("functions.");
                    if header.channel == Some("analysis") && function.is_some() {
                        let message = "a call on the channel `analysis`; it goes to `commentary`";
                        scan.out.defect(DefectKind::MalformedCall, open_at, message);
                    }
                    State::Call {
                        open_at,
                        name: function.unwrap_or(recipient).to_owned(),
                        body: JsonBody::new(body),
                        is_function: function.is_some(),
                    }
                }
                None => {
                    let is_thought = header.channel == Some("analysis");
                    let words = if is_thought { Words::Reasoning } else { Words::Text };
                    State::Said { words, open_at }
                }
            })
        }
        Found::Tag { at, index } => {
            let tag = [0, 0, 1, 2, MARKS_OF_END][index];
            fail(if tag < MARKS_OF_END { at + ENDS[tag].len() } else { at }, scan);
            Some(after(at, tag, scan))
        }
    }
}

/// The call whose header began at `open_at`, and whose arguments came out as `body`.
fn call(
    open_at: usize,
    name: String,
    body_at: usize,
    body: BodyEnd,
    is_function: bool,
    scan: &mut Scan<'_>,
) -> State {
    let text = scan.text;
    let mark = body.tag.filter(|tag| *tag < MARKS_OF_END);
    let end = body.end + mark.map_or(0, |tag| ENDS[tag].len());
    let raw = text[body_at..body.end].trim_matches([' ', '\n', '\r', '\t']);
    let mut arguments = body.value.map(|value| text[value.span].to_owned());
    if arguments.is_none() && (raw.is_empty() && body.tag.is_some() || !is_function) {
        // Nothing, or code for a tool that takes code.
        arguments = Some(raw.to_owned());
    }
    if arguments.is_none() {
        let kind = if body.tag.is_some() { DefectKind::InvalidJson } else { DefectKind::UnclosedTag };
        let message = match kind {
            DefectKind::InvalidJson => format!("the arguments are no JSON: {}", json::error(raw)),
            _ => "the call is cut off".to_owned(),
        };
        let at = if kind == DefectKind::InvalidJson { body.error_at } else { open_at };
        scan.out.defect(kind, at, message);
        if let Some(mended) = scan.out.is_repairing.then(|| json::repair(raw)).flatten() {
            scan.out.repair(kind, body_at, mended.what);
            arguments = Some(mended.json);
        }
    } else if is_function && arguments.as_ref().is_some_and(|a| !a.is_empty() && !a.starts_with('{')) {
        scan.out.defect(DefectKind::MalformedCall, body_at, "the arguments are not an object");
    }
    if arguments.is_some() && mark.is_none() && body.tag.is_some() {
        scan.out.defect(DefectKind::UnclosedTag, open_at, format!("the call is not ended by {CALL}"));
    }
    match arguments {
        Some(arguments) => scan.out.call(None, name, arguments, open_at..end),
        None => scan.out.unread_call(&text[open_at..end]),
    }
    match body.tag {
        Some(tag) => after(body.end, tag, scan),
        None => {
            scan.at = end;
            State::Before { seen: end, is_start: false }
        }
    }
}

fn foreign(open_at: usize, searched: &mut usize, scan: &mut Scan<'_>) -> Option<State> {
    let text = scan.text;
    match scan.find_from(*searched, &ENDS[..=MARKS_OF_END]) {
        Found::Tag { at, index } => {
            let mark = if index < MARKS_OF_END { ENDS[index].len() } else { 0 };
            scan.out.unread_call(&text[open_at..at + mark]);
            Some(after(at, index, scan))
        }
        Found::NoneBefore(end) if scan.is_end => {
            scan.out.unread_call(&text[open_at..end]);
            scan.at = end;
            None
        }
        Found::NoneBefore(end) => {
            *searched = end;
            None
        }
    }
}

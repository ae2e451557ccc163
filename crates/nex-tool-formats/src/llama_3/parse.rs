//! Reading a reply: text, or calls.
//!
//! Nothing marks a call but its shape, so JSON waits until it is whole, or is no JSON after all.

use super::CALL_TAG;
use crate::builder::name_of;
use crate::engine::{Found, Grammar, Scan, looked_at};
use crate::json::{self, JsonScan, Step};
use crate::json_body::JsonValue;
use crate::tagged_call::{self, Keys};
use nex_trajectory::DefectKind;

const KEYS: Keys = Keys { name: "name", arguments: &["parameters", "arguments"], id: None };

/// Reads text and calls.
#[derive(Debug, Default)]
pub(super) struct Llama3Grammar {
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing but white space, and `;` between calls, up to `seen`.
    Before {
        seen: usize,
        is_joined: bool,
        follows_call: bool,
    },
    Text,
    /// JSON that may be a call, or a list of them.
    Json(Candidate),
    /// A broken call, read to its end so that it can be mended.
    Broken {
        body_start: usize,
        searched: usize,
    },
}

#[derive(Debug)]
struct Candidate {
    start: usize,
    at: usize,
    json: JsonScan,
    /// A tag, or a call before it in the same list, says that it is a call.
    is_certain: bool,
    /// Elements of the list that were taken.
    taken: usize,
}

impl Default for State {
    fn default() -> Self {
        Self::Before { seen: 0, is_joined: false, follows_call: false }
    }
}

impl State {
    fn after_call(at: usize) -> Self {
        Self::Before { seen: at, is_joined: false, follows_call: true }
    }
}

impl Grammar for Llama3Grammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        loop {
            let next = match &mut self.state {
                State::Before { seen, is_joined, follows_call } => {
                    before(seen, is_joined, *follows_call, scan)
                }
                State::Text => text(scan),
                State::Json(candidate) => candidate.scan(scan),
                State::Broken { body_start, searched } => broken(*body_start, searched, scan),
            };
            match next {
                Some(next) => self.state = next,
                None => return,
            }
        }
    }
}

/// Where the reply, or what follows a call, begins.
fn before(seen: &mut usize, is_joined: &mut bool, follows_call: bool, scan: &mut Scan<'_>) -> Option<State> {
    loop {
        *seen = scan.skip_blank(*seen);
        let Some(&byte) = scan.text.as_bytes().get(*seen) else {
            if scan.is_end {
                return if *is_joined || !follows_call { Some(State::Text) } else { used_up(scan) };
            }
            return None;
        };
        match byte {
            b';' if follows_call && !*is_joined => {
                *is_joined = true;
                *seen += 1;
            }
            b'{' | b'[' => return Some(State::Json(Candidate::new(*seen, false))),
            b'<' if scan.starts_with(*seen, CALL_TAG)? => return Some(tagged(*seen, scan)),
            _ => return Some(State::Text),
        }
    }
}

fn used_up(scan: &mut Scan<'_>) -> Option<State> {
    scan.at = scan.text.len();
    None
}

/// The tag at `at` opens a call; what stands before it is not text.
fn tagged(at: usize, scan: &mut Scan<'_>) -> State {
    scan.at = at;
    State::Json(Candidate::new(at + CALL_TAG.len(), true))
}

fn text(scan: &mut Scan<'_>) -> Option<State> {
    match scan.find(&[CALL_TAG]) {
        Found::NoneBefore(end) => {
            scan.take_text(end);
            None
        }
        Found::Tag { at, .. } => {
            scan.take_text(at);
            Some(tagged(at, scan))
        }
    }
}

impl Candidate {
    fn new(start: usize, is_certain: bool) -> Self {
        Self { start, at: start, json: JsonScan::default(), is_certain, taken: 0 }
    }

    fn scan(&mut self, scan: &mut Scan<'_>) -> Option<State> {
        let from = self.at;
        let mut step = self.json.feed(scan.text.as_bytes(), &mut self.at);
        looked_at(self.at - from);
        if step == Step::More && scan.is_end {
            step = self.json.finish(scan.text.len());
        }
        let begins_at = self.json.start();
        let is_list = begins_at >= self.start && scan.text[begins_at..].starts_with('[');
        if is_list && !self.take_elements(scan) {
            return Some(State::Text);
        }
        match step {
            Step::More => None,
            Step::Done(end) => Some(self.done(end, is_list, scan)),
            Step::Broken(at) => self.broken(at, scan),
        }
    }

    /// Takes the calls of the list that are complete. False if it is no list of calls.
    fn take_elements(&mut self, scan: &mut Scan<'_>) -> bool {
        let text = scan.text;
        while let Some(element) = self.json.members.get(self.taken) {
            let span = element.value.clone();
            let value = JsonValue::of(&text[span.clone()]);
            looked_at(span.len());
            if !self.is_certain && !is_call(&text[span.clone()], &value, scan) {
                return false;
            }
            self.is_certain = true;
            self.taken += 1;
            let at = span.start;
            if !tagged_call::push_value(scan, &KEYS, span.clone(), &text[span.clone()], &value, at) {
                scan.out.unread_call(&text[span.clone()]);
            }
            scan.at = span.end;
        }
        true
    }

    fn done(&mut self, end: usize, is_list: bool, scan: &mut Scan<'_>) -> State {
        let text = scan.text;
        if is_list {
            if self.taken == 0 && !self.is_certain {
                return State::Text;
            }
            if self.taken == 0 {
                scan.out.defect(DefectKind::MalformedCall, self.start, "a list without calls");
                scan.out.unread_call(&text[scan.at..end]);
            }
        } else {
            let span = self.json.start()..end;
            let value = JsonValue { span: span.clone(), members: std::mem::take(&mut self.json.members) };
            if !self.is_certain && !is_call(text, &value, scan) {
                return State::Text;
            }
            let from = if self.is_certain { scan.at } else { span.start };
            if !tagged_call::push_value(scan, &KEYS, from..end, text, &value, 0) {
                scan.out.unread_call(&text[from..end]);
            }
        }
        scan.at = end;
        State::after_call(end)
    }

    fn broken(&mut self, at: usize, scan: &mut Scan<'_>) -> Option<State> {
        if !self.is_certain && !self.is_meant(at, scan)? {
            return Some(State::Text);
        }
        let is_tagged = scan.text[scan.at..].starts_with(CALL_TAG);
        let message = match scan.text[at..].chars().next() {
            Some(found) => format!("the call is no JSON: {found:?} cannot stand here"),
            None => "the call is cut off".to_owned(),
        };
        scan.out.defect(DefectKind::InvalidJson, at, message);
        if scan.out.is_repairing && self.taken == 0 {
            return Some(State::Broken { body_start: self.start, searched: self.start });
        }
        // The tag, or what follows the last call of a list: a tag may stand in the rest.
        let end = if self.taken == 0 {
            if is_tagged { self.start } else { scan.at }
        } else {
            scan.at + usize::from(at > scan.at)
        };
        scan.out.unread_call(&scan.text[scan.at..end]);
        scan.at = end;
        Some(State::Text)
    }

    /// Whether what ceases to be JSON at `at` began as a call does; none while that is not certain.
    fn is_meant(&self, at: usize, scan: &Scan<'_>) -> Option<bool> {
        let blank = [' ', '\n', '\r', '\t'];
        let read = scan.text[self.start..at].trim_start_matches('[').trim_start_matches(blank);
        let read = read.strip_prefix('{').map(|read| read.trim_start_matches(blank));
        match read {
            Some("") => Some(scan.starts_with(at, "'name'")? || scan.starts_with(at, "name")?),
            Some(read) => Some(read.starts_with("\"name\"")),
            None => Some(false),
        }
    }
}

/// Whether `value` in `text` calls a tool, as far as its keys tell.
fn is_call(text: &str, value: &JsonValue, scan: &Scan<'_>) -> bool {
    if !text[value.span.clone()].starts_with('{') {
        return false;
    }
    let (mut name, mut has_arguments) = (None, false);
    for member in &value.members {
        let key = json::unescape(&text[member.key.clone()]).unwrap_or_default();
        if key == KEYS.name {
            name = name_of(&text[member.value.clone()]);
        }
        has_arguments |= KEYS.arguments.contains(&key.as_ref());
    }
    name.is_some_and(|name| has_arguments || scan.out.tools().contains(&name))
}

/// A broken call ends where the next begins.
fn broken(body_start: usize, searched: &mut usize, scan: &mut Scan<'_>) -> Option<State> {
    let (end, is_over) = match scan.find_from(*searched, &[CALL_TAG]) {
        Found::Tag { at, .. } => (at, true),
        Found::NoneBefore(end) => (end, scan.is_end),
    };
    *searched = end;
    if !is_over {
        return None;
    }
    let (text, from) = (scan.text, scan.at);
    scan.at = end;
    if let Some(mended) = json::repair(&text[body_start..end]) {
        let value = JsonValue::of(&mended.json);
        if tagged_call::push_value(scan, &KEYS, from..end, &mended.json, &value, body_start) {
            scan.out.repair(DefectKind::InvalidJson, body_start, mended.what);
            return Some(State::after_call(end));
        }
    }
    scan.out.unread_call(&text[from..end]);
    Some(State::after_call(end))
}

//! Reading a reply: text, and calls.
//!
//! A mark settles that calls follow. Without one, only the beginning of the reply may be calls: it
//! is settled by the first call that is whole and is followed by a comma, a bracket, a line with
//! another call, or nothing.

use super::call_scan::{CallScan, ReadCall, Step, is_blank, is_name_byte, is_name_start};
use super::{CLOSERS, OPENERS};
use crate::engine::{Found, Grammar, Scan, looked_at};
use nex_trajectory::DefectKind;
use std::ops::Range;

/// Reads text and calls.
#[derive(Debug, Default)]
pub(super) struct PythonicGrammar {
    state: State,
    /// Bytes of calls that were broken and are read again as text.
    read_again: usize,
}

#[derive(Debug)]
enum State {
    /// Nothing but white space, up to `seen`.
    Start {
        seen: usize,
    },
    Text,
    Calls(Calls),
    /// A broken call: up to the next one in its list, or the mark that ends the list, it is text.
    Skipped(Skipped),
}

impl Default for State {
    fn default() -> Self {
        Self::Start { seen: 0 }
    }
}

/// Between a broken call and the parenthesis of the next there is less than this.
const MAX_GAP: usize = 256;

/// The text of a broken call.
#[derive(Debug)]
struct Skipped {
    /// Up to here there is no mark.
    searched: usize,
    /// From here on the next call of the list may begin.
    broken_at: usize,
    /// The list, if it is one: behind what opens it, and the mark that closes it.
    list: Option<(usize, Option<&'static str>)>,
}

/// Calls under way.
#[derive(Debug)]
struct Calls {
    /// Behind the mark that opens them, if one does.
    body: usize,
    at: usize,
    place: Place,
    /// Between brackets; otherwise on lines of their own.
    in_list: bool,
    /// A mark, or a call before, says that these are calls.
    is_certain: bool,
    /// The mark that closes them.
    closer: Option<&'static str>,
    call: CallScan,
    /// A call that is whole, and waits for what follows it.
    waiting: Option<(ReadCall, Range<usize>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the bracket, or the first call.
    Opened,
    /// Behind the bracket or a comma: before a call, or the end of the list.
    InList,
    Inside,
    /// Behind a call.
    Behind,
    /// Behind the list, before the mark that closes it.
    Closing {
        list_end: usize,
    },
}

enum Outcome {
    /// More text is needed.
    Wait,
    /// All calls are read, up to this offset.
    Done(usize),
    /// They cease to be calls at this offset.
    Broken(usize),
}

impl Grammar for PythonicGrammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        loop {
            let next = match &mut self.state {
                State::Start { seen } => start(seen, scan),
                State::Text => text(scan),
                State::Skipped(skipped) => skipped.read(scan),
                State::Calls(calls) => match calls.read(scan) {
                    Outcome::Wait => None,
                    Outcome::Done(end) => {
                        scan.at = end;
                        Some(State::Text)
                    }
                    Outcome::Broken(at) => Some(calls.broken(at, &mut self.read_again, scan)),
                },
            };
            match next {
                Some(next) => self.state = next,
                None => return,
            }
        }
    }
}

fn start(seen: &mut usize, scan: &mut Scan<'_>) -> Option<State> {
    *seen = scan.skip_blank((*seen).max(scan.at));
    Some(match scan.text.as_bytes().get(*seen) {
        None if !scan.is_end => return None,
        Some(&byte) if byte == b'[' || is_name_start(byte) => State::Calls(Calls::new(*seen, None)),
        _ => State::Text,
    })
}

fn text(scan: &mut Scan<'_>) -> Option<State> {
    match scan.find(&OPENERS) {
        Found::NoneBefore(end) => {
            scan.take_text(end);
            None
        }
        Found::Tag { at, index } => {
            scan.take_text(at);
            Some(State::Calls(Calls::new(at + OPENERS[index].len(), Some(CLOSERS[index]))))
        }
    }
}

impl Skipped {
    fn read(&mut self, scan: &mut Scan<'_>) -> Option<State> {
        let [close, open] = [CLOSERS, OPENERS];
        let tags = [close[0], close[1], close[2], open[0], open[1], open[2], ")"];
        let (end, next) = loop {
            match scan.find_from(self.searched, &tags) {
                Found::Tag { at, index: 6 } => {
                    match self.next_call(at, scan) {
                        // Whether it is one is told by what has not come yet.
                        Next::Wait => {
                            self.searched = at;
                            return None;
                        }
                        Next::Call(name_at, calls) => break (name_at, State::Calls(calls)),
                        Next::Not => self.searched = at + 1,
                    }
                }
                Found::Tag { at, index } if index < CLOSERS.len() => {
                    break (at + tags[index].len(), State::Text);
                }
                Found::Tag { at, .. } => break (at, State::Text),
                Found::NoneBefore(end) if scan.is_end => break (end, State::Text),
                Found::NoneBefore(end) => {
                    self.searched = end;
                    return None;
                }
            }
        };
        scan.out.unread_call(&scan.text[scan.at..end]);
        scan.at = end;
        Some(next)
    }

    /// Whether the parenthesis at `at` is followed by a comma and a further call of the list. Of a
    /// name that is no tool nothing is believed here.
    fn next_call(&self, at: usize, scan: &Scan<'_>) -> Next {
        let Some((body, closer)) = self.list.filter(|_| at >= self.broken_at) else { return Next::Not };
        let window = &scan.text.as_bytes()[at + 1..];
        let window = &window[..window.len().min(MAX_GAP)];
        let blanks = |from: usize| window[from..].iter().take_while(|byte| is_blank(**byte)).count();
        let comma_at = blanks(0);
        let name_at = if window.get(comma_at) == Some(&b',') { comma_at + 1 } else { comma_at };
        let name_at = name_at + blanks(name_at);
        let name = window[name_at..].iter().take_while(|byte| is_name_byte(**byte)).count();
        looked_at(name_at + name);
        match window.get(comma_at) {
            Some(b',') => {}
            None if window.len() < MAX_GAP && !scan.is_end => return Next::Wait,
            _ => return Next::Not,
        }
        let is_tool = || {
            let tools = scan.out.tools();
            tools.is_empty() || tools.contains(&scan.text[at + 1 + name_at..][..name])
        };
        match window.get(name_at + name) {
            None if window.len() < MAX_GAP && !scan.is_end => Next::Wait,
            Some(b'(') if is_name_start(window[name_at]) && is_tool() => {
                let name_at = at + 1 + name_at;
                let calls = Calls {
                    at: name_at,
                    place: Place::Inside,
                    in_list: true,
                    is_certain: true,
                    ..Calls::new(body, closer)
                };
                Next::Call(name_at, calls)
            }
            _ => Next::Not,
        }
    }
}

/// What follows a parenthesis in a broken call.
enum Next {
    /// More text is needed.
    Wait,
    /// A call, whose name begins at this offset.
    Call(usize, Calls),
    Not,
}

impl Calls {
    fn new(body: usize, closer: Option<&'static str>) -> Self {
        Self {
            body,
            at: body,
            place: Place::Opened,
            in_list: false,
            is_certain: closer.is_some(),
            closer,
            call: CallScan::new(),
            waiting: None,
        }
    }

    fn read(&mut self, scan: &mut Scan<'_>) -> Outcome {
        loop {
            if self.place == Place::Inside {
                let from = self.at;
                let step = self.call.feed(scan.text, &mut self.at);
                looked_at(self.at - from + 1);
                if self.is_prose(self.call.name(), scan) {
                    return Outcome::Broken(self.at);
                }
                match step {
                    Step::Call(end) => {
                        let call = self.call.take();
                        let span = call.name.start..end;
                        self.waiting = Some((call, span));
                        self.place = Place::Behind;
                    }
                    Step::Broken(at) => return Outcome::Broken(at),
                    Step::More if scan.is_end => return self.cut_off(scan),
                    Step::More => return Outcome::Wait,
                }
            }
            self.at = scan.skip_blank(self.at);
            let next = scan.text.as_bytes().get(self.at).copied();
            if next.is_none() && !scan.is_end {
                return Outcome::Wait;
            }
            let outcome = match self.place {
                Place::InList if next == Some(b'(') && !self.is_certain => match self.nameless(scan) {
                    None => Some(Outcome::Wait),
                    Some(is_nameless) => {
                        self.is_certain = is_nameless;
                        Some(Outcome::Broken(self.at))
                    }
                },
                Place::Opened | Place::InList => self.before(next),
                Place::Behind => self.behind(next, scan),
                Place::Closing { list_end } => self.closing(list_end, scan),
                Place::Inside => None,
            };
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    fn before(&mut self, next: Option<u8>) -> Option<Outcome> {
        match next {
            Some(b'[') if self.place == Place::Opened => {
                self.in_list = true;
                self.place = Place::InList;
                self.at += 1;
            }
            Some(b']') if self.place == Place::InList && self.is_certain => {
                self.at += 1;
                self.place = Place::Closing { list_end: self.at };
            }
            Some(byte) if is_name_start(byte) => self.place = Place::Inside,
            _ => return Some(Outcome::Broken(self.at)),
        }
        None
    }

    /// Whether the parenthesis at `at` begins the arguments of a call that has no name; none while
    /// that is not certain.
    fn nameless(&self, scan: &Scan<'_>) -> Option<bool> {
        let window = &scan.text.as_bytes()[self.at + 1..];
        let window = &window[..window.len().min(MAX_GAP)];
        let word = window.iter().take_while(|byte| is_name_byte(**byte)).count();
        looked_at(word);
        match window[word..] {
            [] => (window.len() == MAX_GAP || scan.is_end).then_some(false),
            [b')', ..] => Some(word == 0),
            [b'='] if !scan.is_end => None,
            [b'=', next, ..] => Some(word > 0 && next != b'='),
            _ => Some(false),
        }
    }

    fn behind(&mut self, next: Option<u8>, scan: &mut Scan<'_>) -> Option<Outcome> {
        let call_end = self.waiting.as_ref().map_or(scan.at, |(_, span)| span.end);
        match next {
            Some(byte @ (b',' | b']')) if self.in_list => {
                self.give(scan);
                self.at += 1;
                let end = Place::Closing { list_end: self.at };
                self.place = if byte == b',' { Place::InList } else { end };
                None
            }
            Some(byte)
                if !self.in_list && is_name_start(byte) && scan.text[call_end..self.at].contains('\n') =>
            {
                self.give(scan);
                self.place = Place::Inside;
                None
            }
            // Nothing follows: the list was cut off.
            None => {
                self.give(scan);
                if self.in_list {
                    self.unclosed(scan);
                    return Some(Outcome::Done(scan.text.len()));
                }
                self.place = Place::Closing { list_end: call_end };
                None
            }
            Some(_) if !self.is_certain => Some(Outcome::Broken(self.at)),
            Some(_) => {
                self.give(scan);
                if self.in_list {
                    return Some(Outcome::Broken(self.at));
                }
                self.place = Place::Closing { list_end: call_end };
                None
            }
        }
    }

    fn closing(&self, list_end: usize, scan: &mut Scan<'_>) -> Option<Outcome> {
        let Some(closer) = self.closer else { return Some(Outcome::Done(list_end)) };
        Some(match scan.starts_with(self.at, closer) {
            None => Outcome::Wait,
            Some(true) => Outcome::Done(self.at + closer.len()),
            Some(false) => {
                self.unclosed(scan);
                Outcome::Done(list_end)
            }
        })
    }

    /// The call that waited is one.
    fn give(&mut self, scan: &mut Scan<'_>) {
        if let Some((call, span)) = self.waiting.take() {
            scan.at = span.end;
            self.is_certain = true;
            let name = scan.text[call.name].to_owned();
            scan.out.call(None, name, call.arguments, span);
        }
    }

    /// Without a mark or a bracket, words with a parenthesis are prose unless they name a tool.
    fn is_prose(&self, name: Option<Range<usize>>, scan: &Scan<'_>) -> bool {
        let has_mark = self.in_list || self.closer.is_some();
        !has_mark && name.is_some_and(|name| !scan.out.tools().contains(&scan.text[name]))
    }

    /// The text ended in a call.
    fn cut_off(&mut self, scan: &mut Scan<'_>) -> Outcome {
        let (end, name) = (scan.text.len(), self.call.name());
        let is_meant = self.is_certain || self.names_a_tool(scan);
        let closers = self.call.closers().filter(|_| is_meant && scan.out.is_repairing);
        let (Some(closers), Some(name)) = (closers, name) else { return Outcome::Broken(end) };
        let whole = format!("{}{closers}", scan.text);
        if !matches!(self.call.feed(&whole, &mut self.at), Step::Call(_)) {
            return Outcome::Broken(end);
        }
        scan.out.defect(DefectKind::UnclosedTag, name.start, "the call is not closed");
        scan.out.repair(DefectKind::UnclosedTag, name.start, "closed what was cut off");
        self.waiting = Some((self.call.take(), name.start..end));
        self.give(scan);
        Outcome::Done(end)
    }

    fn unclosed(&self, scan: &mut Scan<'_>) {
        scan.out.defect(DefectKind::UnclosedTag, self.body, "the list of calls is not closed");
    }

    fn names_a_tool(&self, scan: &Scan<'_>) -> bool {
        self.call.name().is_some_and(|name| scan.out.tools().contains(&scan.text[name]))
    }

    /// They are no calls from `at` on; those that were given stay.
    fn broken(&mut self, at: usize, read_again: &mut usize, scan: &mut Scan<'_>) -> State {
        let has_calls =
            scan.at > self.body || (self.closer.is_none() && scan.at == self.body && self.is_certain);
        let names_a_tool = self.names_a_tool(scan);
        self.is_certain |= self.in_list && names_a_tool;
        let is_call = names_a_tool || (self.is_certain && (self.in_list || self.closer.is_some()));
        if is_call {
            let message = match scan.text[at..].chars().next() {
                Some(found) => format!("no Python call: {found:?} cannot stand here"),
                None => "the call is cut off".to_owned(),
            };
            scan.out.defect(DefectKind::MalformedCall, at, message);
        }
        if !self.is_certain || !is_call {
            return State::Text;
        }
        // Marks inside what was read may open calls of their own. But an endless row of broken calls,
        // each inside the texts of the one before, is not read again and again.
        let from = if has_calls { scan.at } else { self.body };
        *read_again += at.saturating_sub(from);
        State::Skipped(Skipped {
            searched: if *read_again <= 16 * (at + 64) { from } else { at },
            broken_at: at,
            list: self.in_list.then_some((self.body, self.closer)),
        })
    }
}

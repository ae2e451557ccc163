//! Reading a reply: text, and calls between tags.

use super::value::{Ended, ValueEnd};
use super::{Head, KEY_CLOSE, Syntax, VALUE_OPEN, is_key, is_name};
use crate::engine::{Found, Grammar, Scan};
use crate::json;
use crate::raw_value::ArgumentsBuilder;
use nex_trajectory::DefectKind;
use std::ops::Range;

/// Reads text and calls by a [`Syntax`].
#[derive(Debug)]
pub(crate) struct TaggedCalls {
    syntax: &'static Syntax,
    state: State,
    section: Option<Section>,
    call: Call,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Where the answer begins.
    Start,
    Text,
    /// In a section, where a call or its end is due; up to here there is only white space.
    Between {
        blank_until: usize,
    },
    /// In a section, where something else stands.
    Junk {
        searched: usize,
    },
    /// Behind the opening of a call.
    Name {
        searched: usize,
    },
    /// In a call, where an argument or its end is due.
    Arguments {
        blank_until: usize,
    },
    /// Behind the opening of an argument.
    Key {
        searched: usize,
    },
    Value {
        start: usize,
        is_text: Option<bool>,
        end: ValueEnd,
    },
    /// In a call that cannot be read.
    Broken {
        searched: usize,
    },
}

/// An open section.
#[derive(Clone, Copy, Debug)]
struct Section {
    open_at: usize,
    /// What stands in it is no call, so neither are its tags: they are text.
    is_text: bool,
    /// Nothing was read in it yet.
    is_fresh: bool,
}

/// The call under way.
#[derive(Debug, Default)]
struct Call {
    open_at: usize,
    /// Where the text begins that it is if it cannot be read.
    text_from: usize,
    argument_at: usize,
    name: String,
    key: String,
    arguments: ArgumentsBuilder,
}

impl TaggedCalls {
    pub(crate) fn new(syntax: &'static Syntax) -> Self {
        let state = if syntax.has_answer_line { State::Start } else { State::Text };
        Self { syntax, state, section: None, call: Call::default() }
    }
}

impl Grammar for TaggedCalls {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        while let Some(next) = self.step(scan) {
            self.state = next;
        }
    }
}

impl TaggedCalls {
    /// Goes on to the next state; none while that is not certain, or when all is used up.
    fn step(&mut self, scan: &mut Scan<'_>) -> Option<State> {
        match self.state {
            State::Start => {
                scan.at += usize::from(scan.starts_with(scan.at, "\n")?);
                Some(State::Text)
            }
            State::Text => self.text(scan),
            State::Between { blank_until } => self.between(blank_until, scan),
            State::Junk { searched } => self.junk(searched, scan),
            State::Name { searched } => self.name(searched, scan),
            State::Arguments { blank_until } => self.arguments(blank_until, scan),
            State::Key { searched } => self.key(searched, scan),
            State::Value { start, is_text, end } => self.value(start, is_text, end, scan),
            State::Broken { searched } => self.broken(searched, scan),
        }
    }

    fn text(&mut self, scan: &mut Scan<'_>) -> Option<State> {
        let call = self.syntax.call.open;
        let section = self.syntax.section.map_or(call, |section| section.open);
        match scan.find(&[section, call]) {
            Found::NoneBefore(end) => {
                scan.take_text(end);
                None
            }
            Found::Tag { at, index: 0 } if self.syntax.section.is_some() => {
                scan.take_text(at);
                Some(self.open_section(at, scan))
            }
            Found::Tag { at, .. } => {
                scan.take_text(at);
                if self.syntax.section.is_some() {
                    let message = format!("a call that is not inside {section}");
                    scan.out.defect(DefectKind::MalformedCall, at, message);
                }
                Some(self.open_call(at, scan))
            }
        }
    }

    fn open_section(&mut self, at: usize, scan: &mut Scan<'_>) -> State {
        self.section = Some(Section { open_at: at, is_text: false, is_fresh: true });
        scan.at = at + self.syntax.section.map_or(0, |section| section.open.len());
        State::Between { blank_until: scan.at }
    }

    fn open_call(&mut self, at: usize, scan: &mut Scan<'_>) -> State {
        let text_from = match &mut self.section {
            Some(section) if section.is_fresh => section.open_at,
            Some(section) if section.is_text => scan.at,
            _ => at,
        };
        self.call = Call { open_at: at, text_from, ..Call::default() };
        scan.at = at + self.syntax.call.open.len();
        State::Name { searched: scan.at }
    }

    fn between(&mut self, blank_until: usize, scan: &mut Scan<'_>) -> Option<State> {
        let (Some(section), Some(tags)) = (self.section, self.syntax.section) else {
            return Some(State::Text);
        };
        let at = scan.skip_blank(blank_until);
        self.state = State::Between { blank_until: at };
        if at == scan.text.len() {
            if scan.is_end {
                unclosed(section.open_at, tags.open, scan);
                self.leave_section(section, at, scan);
                scan.at = at;
            }
            return None;
        }
        if scan.starts_with(at, self.syntax.call.open)? {
            return Some(self.open_call(at, scan));
        }
        if scan.starts_with(at, tags.close)? {
            if section.is_fresh {
                scan.out.defect(
                    DefectKind::MalformedCall,
                    section.open_at,
                    format!("{} holds no call", tags.open),
                );
            }
            let end = at + tags.close.len();
            self.leave_section(section, end, scan);
            scan.at = end;
            return Some(State::Text);
        }
        if scan.starts_with(at, tags.open)? {
            unclosed(section.open_at, tags.open, scan);
            self.leave_section(section, at, scan);
            return Some(self.open_section(at, scan));
        }
        if !is_cut(&[self.syntax.call.open, tags.close], at, scan) {
            let message = format!("{}… or {} is due here", self.syntax.call.open, tags.close);
            scan.out.defect(DefectKind::MalformedCall, at, message);
        }
        Some(State::Junk { searched: at })
    }

    /// The section is over at `end`; where it holds no call, its tags are text.
    fn leave_section(&mut self, section: Section, end: usize, scan: &mut Scan<'_>) {
        if section.is_fresh {
            scan.out.unread_call(&scan.text[section.open_at..end]);
        } else if section.is_text {
            scan.out.unread_call(&scan.text[scan.at..end]);
        }
        self.section = None;
    }

    fn junk(&mut self, searched: usize, scan: &mut Scan<'_>) -> Option<State> {
        let (Some(section), Some(tags)) = (&mut self.section, self.syntax.section) else {
            return Some(State::Text);
        };
        let found = scan.find_from(searched, &[tags.close, tags.open, self.syntax.call.open]);
        let end = match found {
            Found::NoneBefore(end) if !scan.is_end => {
                self.state = State::Junk { searched: end };
                return None;
            }
            Found::NoneBefore(end) | Found::Tag { at: end, .. } => end,
        };
        let from = if section.is_fresh { section.open_at } else { scan.at };
        scan.out.unread_call(&scan.text[from..end]);
        (section.is_fresh, section.is_text) = (false, true);
        scan.at = end;
        Some(State::Between { blank_until: end })
    }

    fn name(&mut self, searched: usize, scan: &mut Scan<'_>) -> Option<State> {
        let syntax = self.syntax;
        let ends: [&str; 3] = match syntax.head {
            Head::Pairs => [syntax.argument.open, syntax.call.close, syntax.call.open],
            _ => [">", "\n", "<"],
        };
        let (at, index) = match scan.find_from(searched, &ends) {
            Found::Tag { at, index } => (at, index),
            Found::NoneBefore(end) => return self.cut_head(end, State::Name { searched: end }, scan),
        };
        if syntax.head == Head::Pairs && index == 2 {
            // Perhaps only a mention of the tag: nothing shows that this is a call.
            unclosed(self.call.open_at, syntax.call.open, scan);
            return Some(State::Broken { searched: at });
        }
        let text = &scan.text[scan.at..at];
        let name = match syntax.head {
            Head::Pairs => Some(text.trim_matches([' ', '\n', '\r', '\t'])),
            _ if index > 0 => None,
            Head::InTag => Some(text),
            Head::Quoted | Head::Typed => Some(unquoted(text)),
        };
        let Some(name) = name.filter(|name| is_name(name)) else {
            scan.out.defect(DefectKind::MalformedCall, self.call.open_at, "the call names no tool");
            return Some(State::Broken { searched: scan.at });
        };
        self.call.name.push_str(name);
        scan.at = if syntax.head == Head::Pairs { at } else { at + 1 };
        Some(State::Arguments { blank_until: scan.at })
    }

    /// The text ends inside a tag's head, so far.
    fn cut_head(&mut self, end: usize, state: State, scan: &mut Scan<'_>) -> Option<State> {
        self.state = state;
        if !scan.is_end {
            return None;
        }
        unclosed(self.call.open_at, self.syntax.call.open, scan);
        Some(State::Broken { searched: end })
    }

    fn arguments(&mut self, blank_until: usize, scan: &mut Scan<'_>) -> Option<State> {
        let (syntax, call) = (self.syntax, self.syntax.call);
        let at = scan.skip_blank(blank_until);
        self.state = State::Arguments { blank_until: at };
        if at == scan.text.len() && !scan.is_end {
            return None;
        }
        if at == scan.text.len() || is_cut(&[syntax.argument.open, call.close], at, scan) {
            unclosed(self.call.open_at, call.open, scan);
            if !scan.out.is_repairing {
                return Some(State::Broken { searched: at });
            }
            scan.out.repair(DefectKind::UnclosedTag, at, format!("closed {}", call.open));
            return Some(self.close_call(scan.text.len(), scan.text.len(), scan));
        }
        if scan.starts_with(at, syntax.argument.open)? {
            self.call.argument_at = at;
            scan.at = at + syntax.argument.open.len();
            return Some(State::Key { searched: scan.at });
        }
        if scan.starts_with(at, call.close)? {
            return Some(self.close_call(at + call.close.len(), at + call.close.len(), scan));
        }
        let section = syntax.section.unwrap_or(call);
        for next in [call.open, section.open, section.close] {
            if scan.starts_with(at, next)? {
                // All that the call has is there.
                unclosed(self.call.open_at, call.open, scan);
                return Some(self.close_call(scan.at, at, scan));
            }
        }
        let message = format!("{}… or {} is due here", syntax.argument.open, call.close);
        scan.out.defect(DefectKind::MalformedCall, at, message);
        Some(State::Broken { searched: at })
    }

    /// Adds the call, whose span ends at `end`; reading goes on at `next`.
    fn close_call(&mut self, end: usize, next: usize, scan: &mut Scan<'_>) -> State {
        let call = std::mem::take(&mut self.call);
        scan.out.call(None, call.name, call.arguments.finish(), call.open_at..end);
        scan.at = next;
        match &mut self.section {
            None => State::Text,
            Some(section) => {
                (section.is_fresh, section.is_text) = (false, false);
                State::Between { blank_until: next }
            }
        }
    }

    fn key(&mut self, searched: usize, scan: &mut Scan<'_>) -> Option<State> {
        let syntax = self.syntax;
        let ends: &[&str] = match syntax.head {
            Head::Pairs => &[VALUE_OPEN, syntax.argument.close, syntax.call.close],
            _ => &[">", "\n", "<"],
        };
        let (at, index) = match scan.find_from(searched, ends) {
            Found::Tag { at, index } => (at, index),
            Found::NoneBefore(end) => return self.cut_head(end, State::Key { searched: end }, scan),
        };
        let text = &scan.text[scan.at..at];
        let mut is_text = None;
        let key = match syntax.head {
            _ if index > 0 => None,
            Head::Pairs => text.trim_end_matches([' ', '\n', '\r', '\t']).strip_suffix(KEY_CLOSE),
            Head::InTag => Some(text),
            Head::Quoted => Some(unquoted(text)),
            Head::Typed => {
                let (key, kind) = typed(text);
                is_text = kind;
                Some(key)
            }
        };
        let Some(key) = key.filter(|key| is_key(key)) else {
            scan.out.defect(DefectKind::MalformedCall, self.call.argument_at, "the argument has no name");
            return Some(State::Broken { searched: scan.at });
        };
        if syntax.head == Head::Typed && is_text.is_none() {
            let message = format!("the argument `{key}` does not say whether it is a string");
            scan.out.defect(DefectKind::MalformedCall, self.call.argument_at, message);
        }
        self.call.key.clear();
        self.call.key.push_str(key);
        let start = at + if syntax.head == Head::Pairs { VALUE_OPEN.len() } else { 1 };
        scan.at = start;
        Some(State::Value { start, is_text, end: ValueEnd::new(start) })
    }

    fn value(
        &mut self,
        start: usize,
        is_text: Option<bool>,
        mut end: ValueEnd,
        scan: &mut Scan<'_>,
    ) -> Option<State> {
        let ended = end.find(self.syntax, scan);
        self.state = State::Value { start, is_text, end };
        let close = self.syntax.argument.close;
        let (at, next) = match ended? {
            Ended::Closed(at) => (at, at + close.len()),
            Ended::Unclosed(at) => {
                unclosed(self.call.argument_at, self.syntax.argument.open, scan);
                if !scan.out.is_repairing {
                    return Some(State::Broken { searched: at });
                }
                let message = format!("closed the argument `{}`", self.call.key);
                scan.out.repair(DefectKind::UnclosedTag, at, message);
                (at - cut_tag(&scan.text[start..at], close), at)
            }
        };
        scan.at = next;
        if self.add_value(start..at, is_text, scan) {
            Some(State::Arguments { blank_until: next })
        } else {
            Some(State::Broken { searched: next })
        }
    }

    /// Adds the value in `span`; false, with the defect reported, if it is not what it says it is.
    fn add_value(&mut self, span: Range<usize>, is_text: Option<bool>, scan: &mut Scan<'_>) -> bool {
        let mut raw = &scan.text[span.clone()];
        if self.syntax.has_value_lines {
            raw = raw.strip_prefix('\n').unwrap_or(raw);
            raw = raw.strip_suffix('\n').unwrap_or(raw);
        }
        let Call { name, key, arguments, .. } = &mut self.call;
        match is_text {
            Some(true) => arguments.push_text(key, raw),
            None => arguments.push_raw(key, raw, scan.out.types(name, key)),
            Some(false) => {
                let json = raw.trim_matches([' ', '\n', '\r', '\t']);
                if json::is_value(json) {
                    arguments.push_json(key, json);
                    return true;
                }
                let message = format!("the argument `{key}` is no JSON: {}", json::error(json));
                scan.out.defect(DefectKind::InvalidJson, span.start, message);
                if !scan.out.is_repairing {
                    return false;
                }
                let Some(mended) = json::repair(json) else { return false };
                arguments.push_json(key, &mended.json);
                scan.out.repair(DefectKind::InvalidJson, span.start, mended.what);
            }
        }
        true
    }

    fn broken(&mut self, searched: usize, scan: &mut Scan<'_>) -> Option<State> {
        let call = self.syntax.call;
        let section = self.syntax.section.unwrap_or(call);
        let mut is_section = self.section.is_some();
        let end = match scan.find_from(searched, &[call.close, call.open, section.open, section.close]) {
            Found::NoneBefore(end) if !scan.is_end => {
                self.state = State::Broken { searched: end };
                return None;
            }
            Found::NoneBefore(end) => {
                is_section = false;
                end
            }
            Found::Tag { at, index: 0 } => at + call.close.len(),
            Found::Tag { at, .. } => at,
        };
        scan.out.unread_call(&scan.text[self.call.text_from..end]);
        scan.at = end;
        match &mut self.section {
            Some(section) if is_section => {
                (section.is_fresh, section.is_text) = (false, true);
                Some(State::Between { blank_until: end })
            }
            _ => {
                self.section = None;
                Some(State::Text)
            }
        }
    }
}

fn unclosed(at: usize, tag: &str, scan: &mut Scan<'_>) {
    scan.out.defect(DefectKind::UnclosedTag, at, format!("{tag} is not closed"));
}

/// The text ends at `at` with the beginning of one of `tags`.
fn is_cut(tags: &[&str], at: usize, scan: &Scan<'_>) -> bool {
    scan.is_end && tags.iter().any(|tag| tag.starts_with(&scan.text[at..]))
}

/// `f` of `"f"`, `'f'` or `f`.
fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)) {
            return inner;
        }
    }
    text
}

/// The key, and whether the value is a string, of `"k" string="true"`.
fn typed(text: &str) -> (&str, Option<bool>) {
    for (attribute, is_text) in [(" string=\"true\"", true), (" string=\"false\"", false)] {
        if let Some(key) = text.strip_suffix(attribute) {
            return (unquoted(key), Some(is_text));
        }
    }
    (unquoted(text), None)
}

/// How many bytes at the end of `text` are the beginning of `tag`.
fn cut_tag(text: &str, tag: &str) -> usize {
    (1..tag.len()).rev().find(|n| tag.is_char_boundary(*n) && text.ends_with(&tag[..*n])).unwrap_or(0)
}

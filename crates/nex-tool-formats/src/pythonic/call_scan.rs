//! A scanner of Python calls that may be stopped and resumed at any byte.
//!
//! Bytes of `f(a='x', b=[1, None]), g()` in; out come the calls with their arguments as JSON text.
//! One pass. Strings are read with all of Python's escapes (but `\N{…}`, which stays as it is), raw
//! line breaks included; numbers keep their digits; a tuple becomes a list; names that are no
//! Python (`a-b`, `from`, `my.tool`) and JSON's `true`, `false` and `null` are read too.

use super::number::number;
use super::string_scan::StringScan;
use crate::json;
use std::ops::Range;

/// Values nested deeper are called broken.
const MAX_DEPTH: usize = 100;

/// What came of looking at further bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The call goes on.
    More,
    /// A call ends before this offset; it is in [`CallScan::take`].
    Call(usize),
    /// The byte at this offset cannot stand there.
    Broken(usize),
}

/// How far one call is understood.
#[derive(Debug)]
pub(super) struct CallScan {
    state: State,
    /// The call's name.
    name: Range<usize>,
    /// The arguments so far, as JSON.
    arguments: String,
    open: Vec<Open>,
    /// The value under way, or the last one, begins here in `arguments`.
    value_at: usize,
    string: StringScan,
}

/// A list, tuple or dictionary under way.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: Kind,
    /// Where it begins in the arguments.
    at: usize,
    /// Commas in it.
    commas: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    List,
    Tuple,
    Dict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the name.
    Start,
    Name,
    /// Before the parenthesis.
    AfterName,
    /// Before a keyword; the call may end here.
    Keyword,
    InKeyword {
        start: usize,
    },
    /// Before `=`.
    AfterKeyword,
    /// Before a value; what is open may end here if `may_close`.
    Value {
        may_close: bool,
    },
    /// Before the key of a dictionary, which may end here.
    Key,
    Text {
        is_key: bool,
    },
    Number {
        start: usize,
        is_key: bool,
    },
    Word {
        start: usize,
        is_key: bool,
    },
    /// Before `:`; a text may go on.
    AfterKey {
        is_text: bool,
    },
    /// Behind a value; a text may go on.
    AfterValue {
        is_text: bool,
    },
    Broken(usize),
}

/// A call that is complete.
#[derive(Debug)]
pub(super) struct ReadCall {
    pub(super) name: Range<usize>,
    pub(super) arguments: String,
}

/// Whether `byte` may stand in a name. More than Python allows: tools are called so.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/') || byte >= 0x80
}

/// Whether a name may begin with `byte`.
pub(super) fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

impl CallScan {
    pub(super) fn new() -> Self {
        Self {
            state: State::Start,
            name: 0..0,
            arguments: String::new(),
            open: Vec::new(),
            value_at: 0,
            string: StringScan::default(),
        }
    }

    /// Whether the name and its parenthesis are read; the name stands there.
    pub(super) fn name(&self) -> Option<Range<usize>> {
        let is_read = !matches!(self.state, State::Start | State::Name | State::AfterName);
        (is_read && !self.name.is_empty()).then(|| self.name.clone())
    }

    /// The call that is complete; the next begins anew.
    pub(super) fn take(&mut self) -> ReadCall {
        let done = std::mem::replace(self, Self::new());
        let mut arguments = done.arguments;
        arguments.push_str(if arguments.is_empty() { "{}" } else { "}" });
        ReadCall { name: done.name, arguments }
    }

    /// Looks at `text` from `at` on and moves `at` behind what is understood. `text` always begins
    /// at the same place.
    pub(super) fn feed(&mut self, text: &str, at: &mut usize) -> Step {
        let bytes = text.as_bytes();
        while let Some(&byte) = bytes.get(*at) {
            if let State::Text { is_key } = self.state {
                if self.string.feed(text, at, &mut self.arguments) {
                    self.state = after(is_key, true);
                }
                continue;
            }
            if is_blank(byte) && self.skips_blank() {
                *at += 1;
                continue;
            }
            match self.byte(byte, *at, text) {
                Next::Used => *at += 1,
                Next::Again => {}
                Next::Call => {
                    *at += 1;
                    return Step::Call(*at);
                }
                Next::Broken => {
                    self.state = State::Broken(*at);
                    return Step::Broken(*at);
                }
            }
        }
        match self.state {
            State::Broken(at) => Step::Broken(at),
            _ => Step::More,
        }
    }

    /// What would close what is open, had the call been cut off here; none where a value is missing.
    pub(super) fn closers(&self) -> Option<String> {
        let mut closers = match self.state {
            State::Text { is_key: false } => self.string.closer()?.to_owned(),
            State::Number { is_key: false, .. }
            | State::Word { is_key: false, .. }
            | State::AfterValue { .. }
            | State::Keyword
            | State::Value { may_close: true } => String::new(),
            _ => return None,
        };
        for open in self.open.iter().rev() {
            closers.push(match open.kind {
                Kind::List => ']',
                Kind::Tuple => ')',
                Kind::Dict => '}',
            });
        }
        closers.push(')');
        Some(closers)
    }

    fn skips_blank(&self) -> bool {
        !matches!(
            self.state,
            State::Name
                | State::InKeyword { .. }
                | State::Number { .. }
                | State::Word { .. }
                | State::Text { .. }
                | State::Broken(_)
        )
    }

    fn byte(&mut self, byte: u8, at: usize, text: &str) -> Next {
        match self.state {
            State::Start if is_name_start(byte) => {
                self.name = at..at + 1;
                self.goto(State::Name)
            }
            State::Name if is_name_byte(byte) => {
                self.name.end = at + 1;
                Next::Used
            }
            State::Name => self.again(State::AfterName),
            State::AfterName if byte == b'(' => self.goto(State::Keyword),
            State::Keyword if byte == b')' => Next::Call,
            State::Keyword if is_name_start(byte) => self.goto(State::InKeyword { start: at }),
            State::InKeyword { .. } if is_name_byte(byte) => Next::Used,
            State::InKeyword { start } => {
                self.arguments.push_str(if self.arguments.is_empty() { "{" } else { ", " });
                json::push_string(&mut self.arguments, &text[start..at]);
                self.arguments.push_str(": ");
                self.again(State::AfterKeyword)
            }
            State::AfterKeyword if byte == b'=' => self.goto(State::Value { may_close: false }),
            State::Value { may_close: true } if matches!(byte, b']' | b')') => self.close(byte),
            State::Key if byte == b'}' => self.close(byte),
            State::Value { .. } => self.begin(byte, at, false),
            State::Key => self.begin(byte, at, true),
            State::Number { .. } if byte.is_ascii_alphanumeric() || b"._+-".contains(&byte) => Next::Used,
            State::Number { start, is_key } => match number(&text[start..at]) {
                Some(number) => {
                    self.arguments.push_str(&number);
                    self.again(after(is_key, false))
                }
                None => Next::Broken,
            },
            State::Word { .. } if byte.is_ascii_alphanumeric() || byte == b'_' => Next::Used,
            State::Word { start, is_key } => self.end_word(&text[start..at], byte, is_key),
            State::AfterKey { is_text: true } | State::AfterValue { is_text: true } if is_quote(byte) => {
                // Texts in a row are one text.
                self.arguments.pop();
                self.string = StringScan::new(byte, false);
                let is_key = matches!(self.state, State::AfterKey { .. });
                self.goto(State::Text { is_key })
            }
            State::AfterKey { .. } if byte == b':' => {
                if !self.arguments[self.value_at..].starts_with('"') {
                    self.arguments.insert(self.value_at, '"');
                    self.arguments.push('"');
                }
                self.arguments.push_str(": ");
                self.goto(State::Value { may_close: false })
            }
            State::AfterValue { .. } if byte == b',' => self.comma(),
            State::AfterValue { .. } if matches!(byte, b']' | b')' | b'}') => self.close(byte),
            _ => Next::Broken,
        }
    }

    fn goto(&mut self, state: State) -> Next {
        self.state = state;
        Next::Used
    }

    fn again(&mut self, state: State) -> Next {
        self.state = state;
        Next::Again
    }

    /// A value, or a key, begins with `byte`.
    fn begin(&mut self, byte: u8, at: usize, is_key: bool) -> Next {
        // After a comma in a list, a tuple or a dictionary.
        if self.open.last().is_some_and(|open| open.commas > 0) && !self.arguments.ends_with(": ") {
            self.arguments.push_str(", ");
        }
        self.value_at = self.arguments.len();
        match byte {
            b'"' | b'\'' => {
                self.arguments.push('"');
                self.string = StringScan::new(byte, false);
                self.goto(State::Text { is_key })
            }
            b'0'..=b'9' | b'-' | b'+' | b'.' => self.goto(State::Number { start: at, is_key }),
            b'a'..=b'z' | b'A'..=b'Z' => self.goto(State::Word { start: at, is_key }),
            b'[' | b'(' | b'{' if !is_key && self.open.len() < MAX_DEPTH => {
                let (kind, open, next) = match byte {
                    b'[' => (Kind::List, '[', State::Value { may_close: true }),
                    b'(' => (Kind::Tuple, '[', State::Value { may_close: true }),
                    _ => (Kind::Dict, '{', State::Key),
                };
                self.open.push(Open { kind, at: self.arguments.len(), commas: 0 });
                self.arguments.push(open);
                self.goto(next)
            }
            _ => Next::Broken,
        }
    }

    fn end_word(&mut self, word: &str, byte: u8, is_key: bool) -> Next {
        if is_quote(byte) && matches!(word, "r" | "R" | "u" | "U") {
            self.arguments.push('"');
            self.string = StringScan::new(byte, word.eq_ignore_ascii_case("r"));
            return self.goto(State::Text { is_key });
        }
        let Some(json) = word_as_json(word) else { return Next::Broken };
        self.arguments.push_str(json);
        self.again(after(is_key, false))
    }

    fn comma(&mut self) -> Next {
        let Some(open) = self.open.last_mut() else { return self.goto(State::Keyword) };
        open.commas += 1;
        let is_dict = open.kind == Kind::Dict;
        self.goto(if is_dict { State::Key } else { State::Value { may_close: true } })
    }

    fn close(&mut self, byte: u8) -> Next {
        let Some(open) = self.open.pop() else {
            return if byte == b')' { Next::Call } else { Next::Broken };
        };
        let is_empty = self.arguments.len() == open.at + 1;
        match (open.kind, byte) {
            (Kind::List, b']') => self.arguments.push(']'),
            (Kind::Dict, b'}') => self.arguments.push('}'),
            // Parentheses without a comma only group.
            (Kind::Tuple, b')') if open.commas == 0 && !is_empty => {
                self.arguments.remove(open.at);
            }
            (Kind::Tuple, b')') => self.arguments.push(']'),
            _ => return Next::Broken,
        }
        self.value_at = open.at;
        self.goto(State::AfterValue { is_text: false })
    }
}

/// What became of a byte.
enum Next {
    Used,
    /// It is looked at again in another state.
    Again,
    Call,
    Broken,
}

fn after(is_key: bool, is_text: bool) -> State {
    if is_key { State::AfterKey { is_text } } else { State::AfterValue { is_text } }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

fn word_as_json(word: &str) -> Option<&'static str> {
    match word {
        "True" | "true" => Some("true"),
        "False" | "false" => Some("false"),
        "None" | "null" => Some("null"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

//! A scanner of Python strings that may be stopped and resumed at any byte.
//!
//! Bytes behind the first quote in, the inside of a JSON string and its closing quote out.

use std::fmt::Write;

/// How far one string is understood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StringScan {
    quote: u8,
    is_triple: bool,
    is_raw: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Behind the first quote: three would open a string of several lines.
    #[default]
    Opened,
    /// Behind two quotes.
    OpenedTwice,
    Inside,
    /// Inside a string of several lines, behind this many quotes.
    Quotes(u8),
    Escape,
    Hex {
        letter: u8,
        left: u8,
        value: u32,
    },
    Octal {
        left: u8,
        value: u32,
    },
}

/// The bytes that stop a run of plain ones.
static STOPS: [bool; 256] = {
    let mut stops = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        stops[byte] = true;
        byte += 1;
    }
    stops[b'"' as usize] = true;
    stops[b'\'' as usize] = true;
    stops[b'\\' as usize] = true;
    stops
};

impl StringScan {
    /// The string that `quote` opens.
    pub(super) fn new(quote: u8, is_raw: bool) -> Self {
        Self { quote, is_triple: false, is_raw, state: State::Opened }
    }

    /// Reads on at `at`, which must lie in `text`; true when the string is over.
    pub(super) fn feed(&mut self, text: &str, at: &mut usize, out: &mut String) -> bool {
        let bytes = text.as_bytes();
        while let Some(&byte) = bytes.get(*at) {
            match self.state {
                State::Opened if byte == self.quote => self.state = State::OpenedTwice,
                State::OpenedTwice if byte == self.quote => {
                    self.is_triple = true;
                    self.state = State::Inside;
                }
                State::OpenedTwice => {
                    out.push('"');
                    return true;
                }
                State::Opened => {
                    self.state = State::Inside;
                    continue;
                }
                State::Inside => {
                    let from = *at;
                    while bytes.get(*at).is_some_and(|byte| !STOPS[usize::from(*byte)]) {
                        *at += 1;
                    }
                    out.push_str(&text[from..*at]);
                    let Some(&byte) = bytes.get(*at) else { return false };
                    match byte {
                        quote if quote == self.quote && self.is_triple => self.state = State::Quotes(1),
                        quote if quote == self.quote => {
                            out.push('"');
                            *at += 1;
                            return true;
                        }
                        b'\\' => self.state = State::Escape,
                        other => push(out, char::from(other)),
                    }
                }
                State::Quotes(2) if byte == self.quote => {
                    out.push('"');
                    *at += 1;
                    return true;
                }
                State::Quotes(seen) if byte == self.quote => self.state = State::Quotes(seen + 1),
                State::Quotes(seen) => {
                    (0..seen).for_each(|_| push(out, char::from(self.quote)));
                    self.state = State::Inside;
                    continue;
                }
                State::Escape => {
                    if !self.escape(byte, out) {
                        continue;
                    }
                }
                State::Hex { letter, left, value } => match char::from(byte).to_digit(16) {
                    Some(digit) => {
                        let next = |left, value| State::Hex { letter, left, value };
                        self.digit(left, value * 16 + digit, out, next);
                    }
                    None => {
                        // No escape after all: it stands for itself.
                        let seen = usize::from(hex_digits(letter) - left);
                        let digits = if seen == 0 { String::new() } else { format!("{value:0seen$x}") };
                        write!(out, "\\\\{}{digits}", char::from(letter)).expect("a String takes all");
                        self.state = State::Inside;
                        continue;
                    }
                },
                State::Octal { left, value } => match char::from(byte).to_digit(8) {
                    Some(digit) => {
                        self.digit(left, value * 8 + digit, out, |left, value| State::Octal { left, value });
                    }
                    None => {
                        push_code(out, value);
                        self.state = State::Inside;
                        continue;
                    }
                },
            }
            *at += 1;
        }
        false
    }

    /// What would end the string here; none inside an escape.
    pub(super) fn closer(&self) -> Option<&'static str> {
        let quotes = if self.quote == b'"' { "\"\"\"" } else { "'''" };
        match self.state {
            State::Opened => Some(&quotes[..1]),
            State::Inside if self.is_triple => Some(quotes),
            State::Inside => Some(&quotes[..1]),
            State::Quotes(seen) => Some(&quotes[usize::from(seen)..]),
            _ => None,
        }
    }

    /// The byte behind a backslash. False if it is to be looked at again.
    fn escape(&mut self, byte: u8, out: &mut String) -> bool {
        self.state = State::Inside;
        if self.is_raw {
            out.push_str("\\\\");
            return if is_either_quote(byte) {
                push(out, char::from(byte));
                true
            } else if byte == b'\\' {
                out.push_str("\\\\");
                true
            } else {
                false
            };
        }
        match byte {
            b'n' => out.push_str("\\n"),
            b't' => out.push_str("\\t"),
            b'r' => out.push_str("\\r"),
            b'b' => out.push_str("\\b"),
            b'f' => out.push_str("\\f"),
            b'a' => push(out, '\u{7}'),
            b'v' => push(out, '\u{b}'),
            b'\\' | b'"' | b'\'' => push(out, char::from(byte)),
            b'\n' => {}
            b'x' | b'u' | b'U' => {
                self.state = State::Hex { letter: byte, left: hex_digits(byte), value: 0 };
            }
            b'0'..=b'7' => {
                self.state = State::Octal { left: 2, value: u32::from(byte - b'0') };
            }
            _ => {
                // No escape: the backslash stands for itself.
                out.push_str("\\\\");
                return false;
            }
        }
        true
    }

    fn digit(&mut self, left: u8, value: u32, out: &mut String, next: impl Fn(u8, u32) -> State) {
        if left == 1 {
            push_code(out, value);
            self.state = State::Inside;
        } else {
            self.state = next(left - 1, value);
        }
    }
}

/// How many digits follow `\x`, `\u` and `\U`.
fn hex_digits(letter: u8) -> u8 {
    match letter {
        b'x' => 2,
        b'u' => 4,
        _ => 8,
    }
}

fn is_either_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'')
}

/// Appends `c`, escaped where JSON asks for it.
fn push(out: &mut String, c: char) {
    match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        c if c < ' ' => write!(out, "\\u{:04x}", u32::from(c)).expect("a String takes all"),
        c => out.push(c),
    }
}

/// Appends the character `code`; half of a surrogate pair as JSON's escape, so that a pair is one.
fn push_code(out: &mut String, code: u32) {
    match char::from_u32(code) {
        Some(c) => push(out, c),
        None if code < 0x1_0000 => write!(out, "\\u{code:04x}").expect("a String takes all"),
        None => out.push(char::REPLACEMENT_CHARACTER),
    }
}

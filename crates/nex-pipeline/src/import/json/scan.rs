//! The pass over the text.

use super::{JsonError, Kind, MAX_DEPTH, Node};
use nex_tool_formats::skip_plain_json;

/// Appends the nodes of `text` to `nodes`.
pub(super) fn document(text: &str, nodes: &mut Vec<Node>) -> Result<(), JsonError> {
    if u32::try_from(text.len()).is_err() {
        let message = "longer than 4 GiB: split it into one record a line".to_owned();
        return Err(JsonError { offset_bytes: 0, message });
    }
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0, nodes };
    scanner.white();
    scanner.value(0)?;
    scanner.white();
    if scanner.at < scanner.bytes.len() {
        return Err(scanner.error("more text after the end of the value"));
    }
    Ok(())
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    nodes: &'a mut Vec<Node>,
}

impl Scanner<'_> {
    fn error(&self, message: impl Into<String>) -> JsonError {
        JsonError { offset_bytes: self.at, message: message.into() }
    }

    /// What stands here is not what should.
    fn unexpected(&self, wanted: &str) -> JsonError {
        match self.peek() {
            None => self.error(format!("the text ends where {wanted} should be: it was cut off")),
            Some(0) => self.error(format!("a NUL byte where {wanted} should be")),
            Some(byte @ 0x20..0x7f) => self.error(format!("`{}` where {wanted} should be", byte as char)),
            Some(byte) => self.error(format!("byte {byte:#04x} where {wanted} should be")),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), JsonError> {
        let index = self.nodes.len();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'"') => return self.string(),
            Some(open @ (b'{' | b'[')) => {
                if depth == MAX_DEPTH {
                    return Err(self.error(format!("nested deeper than {MAX_DEPTH}")));
                }
                let kind = if open == b'{' { Kind::Object } else { Kind::Array };
                self.nodes.push(Node { start: start as u32, end: 0, after: 0, kind });
                if open == b'{' {
                    self.object(depth)?
                } else {
                    self.array(depth)?
                }
                let after = self.nodes.len() as u32;
                let node = &mut self.nodes[index];
                (node.end, node.after) = (self.at as u32, after);
                return Ok(());
            }
            Some(b't') => self.word("true", Kind::Bool)?,
            Some(b'f') => self.word("false", Kind::Bool)?,
            Some(b'n') => self.word("null", Kind::Null)?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b'N' | b'I') => {
                let message = "NaN and Infinity are no JSON: write such a number as null";
                return Err(self.error(message));
            }
            _ => return Err(self.unexpected("a value")),
        };
        let after = index as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: self.at as u32, after, kind });
        Ok(())
    }

    fn object(&mut self, depth: u32) -> Result<(), JsonError> {
        self.at += 1;
        self.white();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in quotes"));
            }
            self.string()?;
            self.white();
            if self.peek() != Some(b':') {
                return Err(self.unexpected("`:`"));
            }
            self.at += 1;
            self.white();
            self.value(depth + 1)?;
            self.white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
            self.white();
        }
    }

    fn array(&mut self, depth: u32) -> Result<(), JsonError> {
        self.at += 1;
        self.white();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            self.white();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
            self.white();
        }
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Kind, JsonError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error(format!("neither a value nor `{word}`")));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Result<Kind, JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.unexpected("a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(Kind::Number)
    }

    fn some_digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.unexpected("a digit"));
        }
        self.digits();
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn string(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let mut kind = Kind::PlainString;
        self.at += 1;
        loop {
            self.at = skip_plain_json(self.bytes, self.at);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::EscapedString;
                    self.escape()?;
                }
                None => return Err(self.error("the text ends inside a string: it was cut off")),
                Some(byte) => {
                    return Err(self.error(format!(
                        "a bare control character ({byte:#04x}) in a string; JSON writes it \\u{byte:04x}"
                    )));
                }
            }
        }
        self.at += 1;
        let after = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: self.at as u32, after, kind });
        Ok(())
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let unit = hex4(&self.bytes[self.at + 2..]);
                let unit = unit.ok_or_else(|| self.error("`\\u` without four hexadecimal digits"))?;
                match unit {
                    0xd800..0xdc00 => {
                        let low = self.bytes[self.at + 6..].strip_prefix(b"\\u").and_then(hex4);
                        if !low.is_some_and(|low| (0xdc00..0xe000).contains(&low)) {
                            return Err(self.error(LONE));
                        }
                        self.at += 12;
                    }
                    0xdc00..0xe000 => return Err(self.error(LONE)),
                    _ => self.at += 6,
                }
                Ok(())
            }
            None => Err(self.error("the text ends inside a string: it was cut off")),
            Some(_) => Err(self.error("a backslash before what is no escape")),
        }
    }
}

const LONE: &str = "half of a surrogate pair: whoever wrote this cut a text inside a character";

fn hex4(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.first_chunk::<4>()?;
    digits.iter().try_fold(0, |sum, digit| Some(sum << 4 | (*digit as char).to_digit(16)?))
}

/// What the inside of a string says. The scanner has accepted its escapes.
pub(super) fn unescape(inside: &str) -> String {
    let mut text = String::with_capacity(inside.len());
    let mut at = 0;
    loop {
        // No bare quote or control character stands inside, so the run ends at a backslash.
        let run_end = skip_plain_json(inside.as_bytes(), at);
        text.push_str(&inside[at..run_end]);
        let Some(escape) = inside.get(run_end + 1..) else { return text };
        let (what, length) = match escape.as_bytes().first() {
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'r') => ('\r', 1),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'u') => unicode(escape),
            Some(other) => (*other as char, 1),
            None => return text,
        };
        text.push(what);
        at = run_end + 1 + length;
    }
}

/// The character of `uXXXX`, or of a surrogate pair, and the bytes it takes.
fn unicode(escape: &str) -> (char, usize) {
    let bytes = escape.as_bytes();
    let unit = hex4(&bytes[1..]).unwrap_or(0xfffd);
    if !(0xd800..0xdc00).contains(&unit) {
        return (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 5);
    }
    let low = bytes.get(7..).and_then(hex4).unwrap_or(0xdc00);
    let code = 0x10000 + ((unit - 0xd800) << 10) + (low.wrapping_sub(0xdc00) & 0x3ff);
    (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
}

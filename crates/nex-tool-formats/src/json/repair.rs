//! Mending JSON as models break it, where what was meant is clear.
//!
//! Mended are: single quotes, Python's `True`, `False` and `None`, bare keys, commas too many or
//! forgotten, raw line breaks and wrong escapes in strings, and ends that were cut off. What is a
//! value of another kind altogether (prose, code) is not touched.

use super::escape::push_string;
use super::text::is_value;

/// Values nested deeper are not mended.
const MAX_DEPTH: usize = 100;

/// A text that was mended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mended {
    /// Valid JSON.
    pub(crate) json: String,
    /// What was done, for a person.
    pub(crate) what: String,
}

/// `text` as valid JSON; none if it is no object or array, or what was meant is not clear.
pub(crate) fn repair(text: &str) -> Option<Mended> {
    let trimmed = text.trim();
    if !trimmed.starts_with(['{', '[']) {
        return None;
    }
    let mut mender =
        Mender { bytes: trimmed.as_bytes(), text: trimmed, at: 0, out: String::new(), done: Vec::new() };
    mender.value(0)?;
    mender.skip_blank();
    if mender.at < trimmed.len() {
        // A bracket too many is left off; anything else may have been meant.
        if !trimmed[mender.at..].bytes().all(|b| matches!(b, b'}' | b']' | b' ' | b'\n')) {
            return None;
        }
        mender.note("left off brackets after the end");
    }
    if mender.done.is_empty() || !is_value(&mender.out) {
        return None;
    }
    Some(Mended { json: mender.out, what: mender.done.join("; ") })
}

struct Mender<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    out: String,
    done: Vec<&'static str>,
}

impl<'a> Mender<'a> {
    fn note(&mut self, what: &'static str) {
        if !self.done.contains(&what) {
            self.done.push(what);
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_blank(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_blank();
        match self.peek() {
            Some(b'{') if depth < MAX_DEPTH => self.list(b'}', depth),
            Some(b'[') if depth < MAX_DEPTH => self.list(b']', depth),
            Some(quote @ (b'"' | b'\'')) => self.string(quote),
            Some(_) => self.word(),
            None => {
                self.note("wrote null where the value was cut off");
                self.out.push_str("null");
                Some(())
            }
        }
    }

    /// An object or array, up to `close`.
    fn list(&mut self, close: u8, depth: usize) -> Option<()> {
        self.out.push(self.bytes[self.at] as char);
        self.at += 1;
        let mut count = 0;
        loop {
            self.skip_blank();
            match self.peek() {
                None => {
                    self.note("closed what was cut off");
                    break;
                }
                Some(byte) if byte == close => {
                    self.at += 1;
                    break;
                }
                Some(b',') => {
                    self.note("left out a comma");
                    self.at += 1;
                    continue;
                }
                // The bracket of something further out: this one was forgotten.
                Some(b'}' | b']') => {
                    self.note("closed a bracket that was left open");
                    break;
                }
                Some(_) => {}
            }
            if count > 0 {
                self.out.push_str(", ");
            }
            count += 1;
            if close == b'}' {
                self.key()?;
                self.skip_blank();
                match self.peek() {
                    Some(b':') => self.at += 1,
                    None => {}
                    Some(_) => return None,
                }
                self.out.push_str(": ");
            }
            self.value(depth + 1)?;
            self.skip_blank();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.skip_blank();
                    if self.peek() == Some(close) {
                        self.note("left out a comma");
                    }
                }
                Some(b'"' | b'\'' | b'{' | b'[') => self.note("put in a comma that was forgotten"),
                _ => {}
            }
        }
        self.out.push(close as char);
        Some(())
    }

    fn key(&mut self) -> Option<()> {
        match self.peek()? {
            quote @ (b'"' | b'\'') => self.string(quote),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => {
                let key = self.run(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
                self.note("put a key in quotes");
                push_string(&mut self.out, key);
                Some(())
            }
            _ => None,
        }
    }

    /// The bytes from here on that `is_part` accepts; ASCII.
    fn run(&mut self, is_part: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&is_part) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn word(&mut self) -> Option<()> {
        let word = self.run(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
        let json = match word {
            "True" => "true",
            "False" => "false",
            "None" | "undefined" => "null",
            word if is_value(word) => {
                self.out.push_str(word);
                return Some(());
            }
            _ => return None,
        };
        self.out.push_str(json);
        self.note("wrote Python's True, False and None as JSON");
        Some(())
    }

    fn string(&mut self, quote: u8) -> Option<()> {
        let mut text = String::new();
        self.at += 1;
        if quote == b'\'' {
            self.note("put single-quoted text in double quotes");
        }
        loop {
            let start = self.at;
            while self.peek().is_some_and(|b| b != quote && b != b'\\' && b >= 0x20) {
                self.at += 1;
            }
            text.push_str(&self.text[start..self.at]);
            match self.peek() {
                None => {
                    self.note("closed what was cut off");
                    break;
                }
                Some(b'\\') => self.escape(&mut text),
                Some(byte) if byte == quote => {
                    self.at += 1;
                    break;
                }
                Some(control) => {
                    self.note("escaped raw line breaks and control characters in text");
                    text.push(control as char);
                    self.at += 1;
                }
            }
        }
        push_string(&mut self.out, &text);
        Some(())
    }

    fn escape(&mut self, text: &mut String) {
        // The longest escape, a surrogate pair, has twelve bytes.
        let lengths = [2, 6, 12];
        for length in lengths {
            let Some(escape) = self.text.get(self.at..self.at + length) else { continue };
            if let Some(read) =
                super::unescape(&format!("\"{escape}\"")).filter(|_| is_value(&format!("\"{escape}\"")))
            {
                text.push_str(&read);
                self.at += length;
                return;
            }
        }
        self.at += 1;
        match self.peek() {
            Some(b'\'') => {
                text.push('\'');
                self.at += 1;
            }
            None => {}
            Some(_) => text.push('\\'),
        }
        self.note("mended a wrong escape");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_models_break_is_mended() {
        for (broken, json) in [
            ("{'a': 'it\\'s'}", r#"{"a": "it's"}"#),
            ("{\"a\": True, \"b\": None}", r#"{"a": true, "b": null}"#),
            ("{a: 1, b-c: [1, 2,],}", r#"{"a": 1, "b-c": [1, 2]}"#),
            ("{\"a\": \"x\ny\"}", r#"{"a": "x\ny"}"#),
            ("{\"a\": {\"b\": [1, \"tw", r#"{"a": {"b": [1, "tw"]}}"#),
            ("{\"a\": 1 \"b\": 2}", r#"{"a": 1, "b": 2}"#),
            ("{\"a\": 1}}", r#"{"a": 1}"#),
            ("{\"re\": \"\\d+\"}", r#"{"re": "\\d+"}"#),
            ("{\"a\": [1, 2}", r#"{"a": [1, 2]}"#),
            ("{\"e\": \"\\ud83d\\ude00\\u00e9\",}", r#"{"e": "😀é"}"#),
            ("{\"a\":", r#"{"a": null}"#),
        ] {
            assert_eq!(repair(broken).map(|m| m.json).as_deref(), Some(json), "{broken}");
        }
    }

    #[test]
    fn what_is_not_clear_is_left_alone() {
        for text in
            ["", "hello", "{}", "{\"a\": 1}", "{\"a\": b c}", "{\"a\" 1}", "[1, 2] and more", "{1: 2}"]
        {
            assert_eq!(repair(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_json(text in "[\\{\\[\\]\\}:,\"'\\\\ a1n\n-]{0,24}") {
            if let Some(mended) = repair(&text) {
                prop_assert!(is_value(&mended.json));
            }
        }

        #[test]
        fn a_cut_text_keeps_its_beginning(cut in 1usize..60) {
            let json = r#"{"name": "write", "arguments": {"path": "a.py", "n": [1, 2, 3]}}"#;
            let cut = cut.min(json.len() - 1);
            if let Some(mended) = repair(&json[..cut]) {
                prop_assert!(is_value(&mended.json));
                prop_assert!(cut < 17 || mended.json.starts_with("{\"name\": \"write\""), "{}", mended.json);
            }
        }
    }
}

//! JSON text laid out for reading, every token exactly as it was written.
//!
//! Going through a value would lose what a record must show: key order is kept anyway, but `1.0`,
//! integers beyond 2⁵³, doubled keys and escapes would change. So only white space between tokens
//! is ours. Nothing here recurses, whatever the nesting.

use crate::text::{count, size, write_seen};
use maud::{Markup, PreEscaped};
use serde::de::IgnoredAny;

/// An object or list of at most so many characters stays on one line.
const INLINE_CHARS: usize = 84;
/// Characters shown of one document.
const SHOWN_CHARS: usize = 2_400;
/// Deeper levels are not indented further.
const INDENTED_LEVELS: usize = 24;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Open,
    Close,
    Comma,
    Colon,
    Text,
    Key,
    Number,
    Word,
}

struct Token<'a> {
    kind: Kind,
    text: &'a str,
    /// On an opening bracket: characters up to its closing one, laid out on one line.
    inline_chars: usize,
}

/// `text` laid out, or none where it is no JSON object or list.
pub(crate) fn laid_out(text: &str) -> Option<Markup> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) || serde_json::from_str::<IgnoredAny>(text).is_err() {
        return None;
    }
    Some(Layout::default().write(&tokens(text), text))
}

/// Splits text that is known to be JSON.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut found: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (kind, end) = match bytes[at] {
            b' ' | b'\t' | b'\n' | b'\r' => {
                at += 1;
                continue;
            }
            b'{' | b'[' => (Kind::Open, at + 1),
            b'}' | b']' => (Kind::Close, at + 1),
            b',' => (Kind::Comma, at + 1),
            b':' => {
                if let Some(key) = found.last_mut() {
                    key.kind = Kind::Key;
                }
                (Kind::Colon, at + 1)
            }
            b'"' => (Kind::Text, string_end(bytes, at)),
            b't' | b'f' | b'n' => (Kind::Word, word_end(bytes, at)),
            _ => (Kind::Number, word_end(bytes, at)),
        };
        found.push(Token { kind, text: &text[at..end], inline_chars: 0 });
        at = end;
    }
    measure(&mut found);
    found
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn word_end(bytes: &[u8], start: usize) -> usize {
    let rest = &bytes[start..];
    let is_end = |b: &u8| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    start + rest.iter().position(is_end).unwrap_or(rest.len())
}

/// Sets `inline_chars` of every opening bracket.
fn measure(tokens: &mut [Token<'_>]) {
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut width = 0;
    for index in 0..tokens.len() {
        if tokens[index].kind == Kind::Open {
            open.push((index, width));
        }
        width += tokens[index].text.chars().count();
        width += usize::from(matches!(tokens[index].kind, Kind::Comma | Kind::Colon));
        if tokens[index].kind == Kind::Close
            && let Some((opened, before)) = open.pop()
        {
            tokens[opened].inline_chars = width - before;
        }
    }
}

#[derive(Default)]
struct Layout {
    html: String,
    shown_chars: usize,
    /// For each open bracket, whether it is broken over lines.
    open: Vec<bool>,
}

impl Layout {
    fn write(mut self, tokens: &[Token<'_>], source: &str) -> Markup {
        for (index, token) in tokens.iter().enumerate() {
            let room = SHOWN_CHARS.saturating_sub(self.shown_chars);
            if room == 0 {
                self.state_cut(source);
                break;
            }
            if token.kind == Kind::Close && self.open.pop() == Some(true) {
                self.break_line();
            }
            let length = token.text.chars().count();
            let kept = if length > room {
                let end = token.text.char_indices().nth(room).map_or(token.text.len(), |(at, _)| at);
                &token.text[..end]
            } else {
                token.text
            };
            self.write_token(token.kind, kept);
            if length > room {
                self.state_cut(source);
                break;
            }
            let next_closes = tokens.get(index + 1).is_some_and(|next| next.kind == Kind::Close);
            match token.kind {
                Kind::Open => {
                    let is_broken = token.inline_chars > INLINE_CHARS && !next_closes;
                    self.open.push(is_broken);
                    if is_broken {
                        self.break_line();
                    }
                }
                Kind::Comma if self.open.last() == Some(&true) => self.break_line(),
                Kind::Comma | Kind::Colon => self.write_space(),
                _ => {}
            }
        }
        PreEscaped(self.html)
    }

    fn write_token(&mut self, kind: Kind, text: &str) {
        let class = match kind {
            Kind::Key => "jk",
            Kind::Text => "js",
            Kind::Number => "jn",
            Kind::Word => "jw",
            _ => "",
        };
        self.shown_chars += text.chars().count();
        if class.is_empty() {
            return write_seen(&mut self.html, text);
        }
        self.html.push_str("<span class=\"");
        self.html.push_str(class);
        self.html.push_str("\">");
        write_seen(&mut self.html, text);
        self.html.push_str("</span>");
    }

    fn write_space(&mut self) {
        self.html.push(' ');
    }

    fn break_line(&mut self) {
        let indent = 2 * self.open.len().min(INDENTED_LEVELS);
        self.html.push('\n');
        self.html.extend(std::iter::repeat_n(' ', indent));
        self.shown_chars += 1 + indent / 4;
    }

    fn state_cut(&mut self, source: &str) {
        let note = maud::html! {
            span class="cut" {
                " … cut here; the whole has " (count(source.chars().count() as u64)) " characters ("
                (size(source.len() as u64)) ")"
            }
        };
        self.html.push_str(&note.into_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn plain(text: &str) -> String {
        let html = laid_out(text).map_or("(not laid out)".to_owned(), |m| m.into_string());
        let mut plain = String::new();
        let mut is_tag = false;
        for character in html.chars() {
            match character {
                '<' => is_tag = true,
                '>' => is_tag = false,
                c if !is_tag => plain.push(c),
                _ => {}
            }
        }
        plain.replace("&quot;", "\"")
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&plain(text));
    }

    #[test]
    fn tokens_stay_as_written_and_only_white_space_changes() {
        check(
            r#"{"id":12345678901234567890, "v":1.0,"code":"007" ,"a":[1,2,{ }],"a":null}"#,
            expect![[r#"{"id": 12345678901234567890, "v": 1.0, "code": "007", "a": [1, 2, {}], "a": null}"#]],
        );
        check(
            r#"{"orders":[{"id":"O-1001","customer":"C-17","total":"129.90"},{"id":"O-1002","customer":"C-18","total":"18.00"}],"more":false}"#,
            expect![[r#"
                {
                  "orders": [
                    {"id": "O-1001", "customer": "C-17", "total": "129.90"},
                    {"id": "O-1002", "customer": "C-18", "total": "18.00"}
                  ],
                  "more": false
                }"#]],
        );
        check(r#"{"s":"\ud800 \u0041 a\"b , : {"}"#, expect![[r#"{"s": "\ud800 \u0041 a\"b , : {"}"#]]);
    }

    #[test]
    fn what_is_no_json_document_is_left_alone() {
        for text in ["", "plain", "{", "{\"a\":1,}", "[1] tail", "12"] {
            assert!(laid_out(text).is_none(), "{text}");
        }
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
        assert!(laid_out(&deep).expect("is JSON").into_string().len() < 100_000);
        let long = format!("{{\"text\":\"{}\"}}", "中".repeat(500_000));
        let html = laid_out(&long).expect("is JSON").into_string();
        assert!(html.len() < 10_000, "{}", html.len());
        assert!(html.contains("cut here; the whole has 500,011 characters (1.5 MB)"), "{html}");
    }
}

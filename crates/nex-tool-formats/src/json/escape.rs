//! JSON strings: written, read, and kept free of a format's tags.

use super::plain::skip_plain;
use crate::engine::first_tag;
use std::borrow::Cow;
use std::fmt::Write;

/// Appends `text` to `out` as a JSON string with its quotes, escaping only what must be.
pub(crate) fn push_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    write_string(text, |part| out.push_str(part));
}

/// Gives `write` the parts of `text` as a JSON string with its quotes, escaping only what must be.
#[inline]
pub fn write_string(text: &str, mut write: impl FnMut(&str)) {
    write("\"");
    let bytes = text.as_bytes();
    let mut from = 0;
    loop {
        let stop = skip_plain(bytes, from);
        // The bytes at which it stops are ASCII, so this lies between characters.
        write(&text[from..stop]);
        let Some(&byte) = bytes.get(stop) else { break };
        match byte {
            b'"' => write("\\\""),
            b'\\' => write("\\\\"),
            b'\n' => write("\\n"),
            b'\r' => write("\\r"),
            b'\t' => write("\\t"),
            0x08 => write("\\b"),
            0x0c => write("\\f"),
            control => {
                const HEX: &str = "0123456789abcdef";
                let digit = |value: u8| &HEX[usize::from(value)..=usize::from(value)];
                write("\\u00");
                write(digit(control >> 4));
                write(digit(control & 15));
            }
        }
        from = stop + 1;
    }
    write("\"");
}

/// The text of a JSON string (with its quotes) that the scanner accepted.
///
/// None if it holds half of a surrogate pair, which no text can.
pub(crate) fn unescape(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else { return Some(Cow::Borrowed(inner)) };
    let mut out = String::with_capacity(inner.len());
    out.push_str(&inner[..first]);
    let mut rest = &inner[first..];
    while let Some(after) = rest.strip_prefix('\\') {
        let kind = *after.as_bytes().first()?;
        rest = after.get(1..)?;
        match kind {
            b'n' => out.push('\n'),
            b't' => out.push('\t'),
            b'r' => out.push('\r'),
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'u' => {
                let unit = hex(rest)?;
                rest = &rest[4..];
                let code = if (0xd800..0xdc00).contains(&unit) {
                    let low = rest
                        .strip_prefix("\\u")
                        .and_then(hex)
                        .filter(|low| (0xdc00..0xe000).contains(low))?;
                    rest = &rest[6..];
                    0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
                } else {
                    unit
                };
                out.push(char::from_u32(code)?);
            }
            quote_or_slash => out.push(quote_or_slash as char),
        }
        let next = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
        out.push_str(&rest[..next]);
        rest = &rest[next..];
    }
    Some(Cow::Owned(out))
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(..4)?, 16).ok()
}

/// The same JSON with the first character of each of `tags` escaped, so that no parser can take it
/// for the tag. In valid JSON a tag that is no JSON itself always stands in a string.
pub(crate) fn escape_tags<'a>(json: &'a str, tags: &[&str]) -> Cow<'a, str> {
    let Some((first, _)) = first_tag(json, 0, tags) else { return Cow::Borrowed(json) };
    let mut out = String::with_capacity(json.len() + 16);
    let (mut from, mut next) = (0, Some(first));
    while let Some(at) = next {
        let first = json.as_bytes()[at];
        debug_assert!(
            matches!(first, b'<' | b'[' | b']'),
            "the tag begins with what may stand escaped in a string"
        );
        out.push_str(&json[from..at]);
        let _ = write!(out, "\\u00{first:02x}");
        // Behind the first character only: a tag may end as another begins.
        from = at + 1;
        next = first_tag(json, from, tags).map(|(at, _)| at);
    }
    out.push_str(&json[from..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them_and_come_back(text in "\\PC{0,12}|[\\x00-\\x7f]{0,20}|(\\\\|\"|\n|😀|a){0,20}") {
            let mut written = String::new();
            push_string(&mut written, &text);
            prop_assert_eq!(&written, &serde_json::to_string(&text).unwrap());
            prop_assert_eq!(unescape(&written).unwrap(), text);
        }

        #[test]
        fn escapes_are_read_as_serde_json_reads_them(bits in prop::collection::vec(prop::sample::select(
            vec!["\\u00e9", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\/", "\\b\\f\\r", "x", "é", "\\\\", "\\\""]), 0..8)) {
            let quoted = format!("\"{}\"", bits.concat());
            prop_assert_eq!(unescape(&quoted).map(Cow::into_owned), serde_json::from_str::<String>(&quoted).ok());
        }
    }

    #[test]
    fn a_tag_in_a_string_is_escaped_and_the_value_stays() {
        let json = r#"{"a": "</tool_call> [TOOL_CALLS]"}"#;
        let escaped = escape_tags(json, &["</tool_call>", "[TOOL_CALLS]"]);
        assert_eq!(escaped, r#"{"a": "\u003c/tool_call> \u005bTOOL_CALLS]"}"#);
        assert!(crate::json::same_value(json, &escaped));
        assert_eq!(escape_tags(r#"["]~b]~b]"]"#, &["]~b]"]), r#"["\u005d~b\u005d~b]"]"#);
    }
}

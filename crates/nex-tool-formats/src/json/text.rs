//! Whole JSON texts: taken apart, compared, spaced anew.

use super::escape::unescape;
use super::scan::{JsonScan, Step};
use std::borrow::Cow;

const BLANKS: [char; 4] = [' ', '\n', '\r', '\t'];

/// The members of an object, in order: key and the exact text of the value.
pub(crate) type Members<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Whether `text` is one JSON value, white space around it allowed.
pub(crate) fn is_value(text: &str) -> bool {
    whole(text).is_some()
}

/// Whether `text` is one JSON object, white space around it allowed.
pub(crate) fn is_object(text: &str) -> bool {
    text.trim_start_matches(BLANKS).starts_with('{') && is_value(text)
}

/// Why `text` is no JSON, in the words of the JSON library.
pub(crate) fn error(text: &str) -> String {
    match serde_json::from_str::<&serde_json::value::RawValue>(text) {
        Ok(_) => "something follows the value".to_owned(),
        Err(error) => error.to_string(),
    }
}

fn whole(text: &str) -> Option<JsonScan> {
    let mut scan = JsonScan::default();
    let mut at = 0;
    let step = match scan.feed(text.as_bytes(), &mut at) {
        Step::More => scan.finish(text.len()),
        step => step,
    };
    match step {
        Step::Done(end) if text[end..].trim_matches(BLANKS).is_empty() => Some(scan),
        _ => None,
    }
}

/// The members of the object `text`; none if it is no object, or a key is no text.
pub(crate) fn members(text: &str) -> Option<Members<'_>> {
    if !text.trim_start_matches(BLANKS).starts_with('{') {
        return None;
    }
    let scan = whole(text)?;
    scan.members.iter().map(|m| Some((unescape(&text[m.key.clone()])?, &text[m.value.clone()]))).collect()
}

/// Appends `json` to `out` as Python's `json.dumps` spaces it: `", "` and `": "`. Strings, numbers
/// and the order of keys stay as they are. `json` must be valid.
pub(crate) fn push_respaced(out: &mut String, json: &str) {
    out.reserve(json.len() + json.len() / 8);
    for token in tokens(json) {
        out.push_str(token);
        if matches!(token, "," | ":") {
            out.push(' ');
        }
    }
}

/// The tokens of a valid JSON text: strings, scalars and punctuation, without white space.
fn tokens(json: &str) -> impl Iterator<Item = &str> {
    let bytes = json.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while bytes.get(at).is_some_and(|b| matches!(b, b' ' | b'\n' | b'\r' | b'\t')) {
            at += 1;
        }
        let start = at;
        match *bytes.get(at)? {
            b'"' => {
                at += 1;
                while let Some(byte) = bytes.get(at) {
                    at += 1;
                    match byte {
                        b'"' => break,
                        b'\\' => at += 1,
                        _ => {}
                    }
                }
            }
            b'{' | b'}' | b'[' | b']' | b',' | b':' => at += 1,
            _ => {
                while bytes.get(at).is_some_and(|b| !b" \n\r\t{}[],:\"".contains(b)) {
                    at += 1;
                }
            }
        }
        at = at.min(bytes.len());
        Some(&json[start..at])
    })
}

/// Whether two JSON texts are the same value, exactly: equal numbers by their digits (`1.0` is not
/// `1`), equal strings by their characters however they are escaped, keys in the same order. Texts
/// that are no JSON are the same only if they are equal.
pub fn same_value(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    if !is_value(left) || !is_value(right) {
        return false;
    }
    let same = |(l, r): (&str, &str)| {
        l == r
            || (l.starts_with('"')
                && r.starts_with('"')
                && unescape(l).is_some()
                && unescape(l) == unescape(r))
    };
    let (mut l, mut r) = (tokens(left), tokens(right));
    loop {
        match (l.next(), r.next()) {
            (None, None) => return true,
            (Some(l), Some(r)) if same((l, r)) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_exactly() {
        for (left, right, is_same) in [
            (r#"{"a":1}"#, r#" { "a" : 1 } "#, true),
            (r#"{"a":1.0}"#, r#"{"a":1}"#, false),
            (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#, false),
            (r#""\u00e9""#, "\"é\"", true),
            (r#"["1"]"#, "[1]", false),
            ("12345678901234567890123", "12345678901234567890124", false),
            ("{", "{", true),
            ("{", "{ ", false),
        ] {
            assert_eq!(same_value(left, right), is_same, "{left} {right}");
        }
    }

    #[test]
    fn spaces_are_python_s() {
        let mut out = String::new();
        push_respaced(&mut out, "{\"a,:\" :[1,2.50,{ }],\n\"b\":\"x\\\", y\"}");
        assert_eq!(out, "{\"a,:\": [1, 2.50, {}], \"b\": \"x\\\", y\"}");
    }

    #[test]
    fn members_have_their_exact_text() {
        let text = r#"{"a": 1.0, "\u0062": {"c": [ ]}}"#;
        let found = members(text).unwrap();
        assert_eq!(found, [(Cow::from("a"), "1.0"), (Cow::from("b"), r#"{"c": [ ]}"#)]);
        assert_eq!(members("[1]"), None);
        assert_eq!(members("{\"a\": }"), None);
    }
}

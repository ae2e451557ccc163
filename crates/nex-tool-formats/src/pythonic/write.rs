//! Writing calls as Python.

use super::Dialect;
use super::call_scan::{is_name_byte, is_name_start};
use crate::json;
use nex_trajectory::ToolCall;

/// `call` as Python, without the brackets of the list.
///
/// # Errors
/// It would not come back equal; the reason is for a person.
pub(super) fn call(call: &ToolCall, dialect: Dialect) -> Result<String, String> {
    if !is_name(&call.name) {
        return Err(format!("`{}` is no name that Python could call", call.name));
    }
    let text = call.arguments.as_text();
    let members = if text.trim_matches([' ', '\n', '\r', '\t']).is_empty() {
        Vec::new()
    } else {
        json::members(text).ok_or_else(|| format!("the arguments of `{}` are no JSON object", call.name))?
    };
    let mut out = format!("{}(", call.name);
    for (index, (key, value)) in members.iter().enumerate() {
        if !is_name(key) {
            return Err(format!("`{key}`, an argument of `{}`, is no name in Python", call.name));
        }
        if members[..index].iter().any(|(known, _)| known == key) {
            return Err(format!("argument `{key}` of `{}` stands twice", call.name));
        }
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(key);
        out.push('=');
        push_value(&mut out, value, dialect)
            .ok_or_else(|| format!("argument `{key}` of `{}` holds half of a surrogate pair", call.name))?;
    }
    out.push(')');
    Ok(out)
}

fn is_name(name: &str) -> bool {
    name.bytes().next().is_some_and(is_name_start) && name.bytes().all(is_name_byte)
}

/// None if a text in it holds half of a surrogate pair.
fn push_value(out: &mut String, json: &str, dialect: Dialect) -> Option<()> {
    let is_container = json.starts_with(['[', '{']);
    if json.starts_with('"') && dialect == Dialect::Lfm2 {
        push_single_quoted(out, &json::unescape(json)?);
        return Some(());
    }
    // In its lists and dictionaries LFM2 has JSON.
    let has_python_words = dialect == Dialect::Llama4 || !is_container;
    let mut spaced = String::new();
    json::push_respaced(&mut spaced, json);
    let mut rest = spaced.as_str();
    while let Some(byte) = rest.bytes().next() {
        let length = match byte {
            b'"' => {
                let length = quoted_length(rest);
                // JSON's escapes are Python's, but for the slash and surrogates, which are not written.
                json::push_string(out, &json::unescape(&rest[..length])?);
                length
            }
            b't' | b'f' | b'n' if has_python_words => {
                let (word, python) = match byte {
                    b't' => ("true", "True"),
                    b'f' => ("false", "False"),
                    _ => ("null", "None"),
                };
                out.push_str(python);
                word.len()
            }
            _ => {
                // Punctuation and numbers; in LFM2's JSON words too.
                out.push(char::from(byte));
                1
            }
        };
        rest = &rest[length..];
    }
    Some(())
}

/// Length of the JSON string at the beginning of `json`, quotes included.
fn quoted_length(json: &str) -> usize {
    let bytes = json.as_bytes();
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Appends `text` as LFM2's template quotes it.
fn push_single_quoted(out: &mut String, text: &str) {
    out.push('\'');
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c => out.push(c),
        }
    }
    out.push('\'');
}

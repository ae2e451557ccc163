//! Writing JSON text straight into a body, without a value tree.

use crate::{LlmError, Sampling};
use serde::Serialize;
use serde::de::IgnoredAny;

/// Appends `value` as JSON.
pub(crate) fn write(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value)
        .expect("text, numbers and JSON values always serialise, and a Vec takes every write");
}

/// Appends `,"key":value`.
pub(crate) fn write_pair(out: &mut Vec<u8>, key: &str, value: &(impl Serialize + ?Sized)) {
    out.push(b',');
    write(out, key);
    out.push(b':');
    write(out, value);
}

/// What is wrong, without the line and column at the end, for callers that name the place in front.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let told = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    told.strip_suffix(&place).unwrap_or(&told).to_owned()
}

/// Whether `text` is one JSON value.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Whether `text` is one JSON object.
pub(crate) fn is_json_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && is_json(text)
}

/// What stands for arguments that are no JSON, for servers that parse them again. The record keeps
/// the model's own text.
pub(crate) fn unparsed_arguments(text: &str) -> String {
    let mut stand_in = br#"{"_unparsed":"#.to_vec();
    write(&mut stand_in, text);
    stand_in.push(b'}');
    String::from_utf8(stand_in).expect("JSON of a str is UTF-8")
}

/// The pairs of `sampling.extra`, after a check that they replace nothing that the reply's decoding
/// rests on.
pub(crate) fn write_extra(out: &mut Vec<u8>, sampling: &Sampling, reserved: &[&str]) -> Result<(), LlmError> {
    for (key, value) in &sampling.extra {
        if reserved.contains(&key.as_str()) {
            return Err(LlmError::Misconfigured(format!(
                "sampling key `{key}` belongs to the runtime and cannot be set in `extra`"
            )));
        }
        write_pair(out, key, value);
    }
    Ok(())
}

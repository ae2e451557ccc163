//! What the tags of a reply mean.

use super::{CALL_CLOSE, CALL_OPEN, PARAMETER_CLOSE, STOP};
use crate::engine::{Found, Scan, looked_at};
use crate::markup_call::{Dialect, OpenCall, Opening, Tag};

/// What OpenHands' tags mean.
pub(super) struct OpenHandsDialect;

impl Dialect for OpenHandsDialect {
    const IS_SINGLE: bool = true;
    const SECTION_END: &'static str = STOP;

    fn find(&self, scan: &Scan<'_>, from: usize) -> Opening {
        let mut from = from;
        loop {
            match scan.find_from(from, &[CALL_OPEN]) {
                Found::NoneBefore(end) => return Opening::NoneBefore(end),
                Found::Tag { at, .. } => {
                    let name_at = at + CALL_OPEN.len();
                    match is_name_at(scan, name_at) {
                        None => return Opening::NoneBefore(at),
                        Some(true) => {
                            let call = OpenCall::new(at, name_at, CALL_CLOSE.into(), "");
                            return Opening::Call { at, call: call.with_name_until(">") };
                        }
                        Some(false) => from = name_at,
                    }
                }
            }
        }
    }

    fn tag(&self, _call: &mut OpenCall, tag: &str) -> Tag {
        match tag.strip_prefix("parameter=") {
            Some(key) if is_key(key) => {
                Tag::Argument { key: key.to_owned(), closer: PARAMETER_CLOSE.to_owned() }
            }
            _ if tag == "/function" => Tag::Close,
            _ => Tag::Stray,
        }
    }

    fn is_complete(&self, _call: &OpenCall) -> bool {
        true
    }
}

/// Longer names are none.
const MAX_NAME: usize = 256;

/// Whether a tool's name stands at `at`: prose that mentions the tag goes on with a space. None while
/// that is not certain.
fn is_name_at(scan: &Scan<'_>, at: usize) -> Option<bool> {
    let rest = &scan.text.as_bytes()[at..];
    let rest = &rest[..rest.len().min(MAX_NAME)];
    looked_at(rest.len());
    match rest.iter().position(|byte| matches!(byte, b'>' | b'<') || byte.is_ascii_whitespace()) {
        Some(end) if rest[end] == b'>' => Some(end > 0),
        // A name that is cut off or not closed, rather than prose that mentions the tag.
        Some(end) => {
            let is_prose =
                matches!(rest[end], b' ' | b'\t') || !rest[..end].iter().any(u8::is_ascii_alphanumeric);
            Some(!is_prose)
        }
        None if rest.len() == MAX_NAME => Some(false),
        None if scan.is_end => Some(!rest.is_empty()),
        None => None,
    }
}

/// Whether `key` can stand in a parameter's tag.
pub(super) fn is_key(key: &str) -> bool {
    !key.is_empty() && !key.contains(['<', '>', '=', '\n'])
}

//! What the tags of a reply mean.

use super::{CALL_CLOSE, CALL_OPEN, PARAMETER_CLOSE, STOP};
use crate::engine::{Found, Scan};
use crate::markup_call::{Dialect, OpenCall, Opening, Tag};

/// What OpenHands' tags mean.
pub(super) struct OpenHandsDialect;

impl Dialect for OpenHandsDialect {
    const IS_SINGLE: bool = true;
    const SECTION_END: &'static str = STOP;

    fn find(&self, scan: &Scan<'_>, from: usize) -> Opening {
        match scan.find_from(from, &[CALL_OPEN]) {
            Found::NoneBefore(end) => Opening::NoneBefore(end),
            Found::Tag { at, .. } => {
                let call = OpenCall::new(at, at + CALL_OPEN.len(), CALL_CLOSE.into(), "");
                Opening::Call { at, call: call.with_name_until(">") }
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

/// Whether `key` can stand in a parameter's tag.
pub(super) fn is_key(key: &str) -> bool {
    !key.is_empty() && !key.contains(['<', '>', '=', '\n'])
}

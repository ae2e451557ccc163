//! Reading a reply: text, and calls between tags.

use super::{CALL_CLOSE, CALL_OPEN};
use crate::engine::{Found, Grammar, Scan};
use crate::json_body::{BodyEnd, JsonBody};
use crate::tagged_call::{self, Keys};
use nex_trajectory::DefectKind;

/// Reads text and calls.
#[derive(Debug, Default)]
pub(super) struct HermesGrammar {
    call: Option<OpenCall>,
}

#[derive(Debug)]
struct OpenCall {
    tag_at: usize,
    body: JsonBody,
}

const KEYS: Keys = Keys { name: "name", arguments: &["arguments", "parameters"], id: None };

impl Grammar for HermesGrammar {
    fn scan(&mut self, scan: &mut Scan<'_>) {
        loop {
            let Some(call) = &mut self.call else {
                match scan.find(&[CALL_OPEN]) {
                    Found::NoneBefore(end) => return scan.take_text(end),
                    Found::Tag { at, .. } => {
                        scan.take_text(at);
                        scan.at = at + CALL_OPEN.len();
                        self.call = Some(OpenCall { tag_at: at, body: JsonBody::new(scan.at) });
                        continue;
                    }
                }
            };
            let Some(end) = call.body.scan(scan, &[CALL_CLOSE, CALL_OPEN]) else { return };
            close_call(call.tag_at, call.body.start(), end, scan);
            self.call = None;
        }
    }
}

fn close_call(tag_at: usize, body_start: usize, body: BodyEnd, scan: &mut Scan<'_>) {
    let is_closed = body.tag == Some(0);
    let end = if is_closed { body.end + CALL_CLOSE.len() } else { body.end };
    if !is_closed {
        scan.out.defect(DefectKind::UnclosedTag, tag_at, format!("{CALL_OPEN} is not closed"));
    }
    tagged_call::push(scan, &KEYS, tag_at..end, body_start, body, is_closed);
    scan.at = end;
}

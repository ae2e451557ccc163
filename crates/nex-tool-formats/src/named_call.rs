//! A call whose name stands before its arguments, which are one JSON value.

use crate::engine::Scan;
use crate::json;
use crate::json_body::BodyEnd;
use nex_trajectory::{CallId, DefectKind};
use std::ops::Range;

/// What is known of a call before its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Its id, in formats that have one.
    pub(crate) id: Option<CallId>,
    /// The tool's name.
    pub(crate) name: String,
    /// Where the call begins in the reply.
    pub(crate) at: usize,
}

/// Adds the call `head` that ends at `end`, whose arguments begin at `body_start` and came out as
/// `body`, or says what is wrong and keeps it as text. `is_closed` is false where its end is missing,
/// which another defect tells.
pub(crate) fn push(
    scan: &mut Scan<'_>,
    head: Head,
    end: usize,
    body_start: usize,
    body: BodyEnd,
    is_closed: bool,
) {
    let text = scan.text;
    let span = head.at..end;
    if head.name.is_empty() {
        scan.out.defect(DefectKind::MalformedCall, head.at, "the call names no tool");
        return scan.out.unread_call(&text[span]);
    }
    if let Some(value) = body.value {
        let arguments = &text[value.span.clone()];
        return push_value(scan, head, span, value.span.start, arguments.to_owned());
    }
    let written = &text[body_start..body.end];
    if is_closed && written.trim().is_empty() {
        let message = "the call has no arguments; without any they are {}";
        scan.out.defect(DefectKind::MalformedCall, body_start, message);
        return scan.out.call(head.id, head.name, String::new(), span);
    }
    if is_closed {
        let message = format!("the arguments are no JSON: {}", json::error(written));
        scan.out.defect(DefectKind::InvalidJson, body.error_at, message);
    }
    if let Some(mended) = Some(written).filter(|_| scan.out.is_repairing).and_then(json::repair) {
        push_value(scan, head, span, body_start, mended.json);
        let kind = if is_closed { DefectKind::InvalidJson } else { DefectKind::UnclosedTag };
        return scan.out.repair(kind, body_start, mended.what);
    }
    scan.out.unread_call(&text[span]);
}

fn push_value(scan: &mut Scan<'_>, head: Head, span: Range<usize>, value_at: usize, arguments: String) {
    if !arguments.starts_with('{') {
        scan.out.defect(DefectKind::MalformedCall, value_at, "the arguments are not an object");
    }
    scan.out.call(head.id, head.name, arguments, span);
}

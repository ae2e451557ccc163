//! A call written as one JSON object that names the tool and holds the arguments.

use crate::builder::name_of;
use crate::engine::Scan;
use crate::json;
use crate::json_body::{BodyEnd, JsonValue};
use nex_trajectory::{CallId, DefectKind};
use std::ops::Range;

/// The keys of such an object.
#[derive(Debug)]
pub(crate) struct Keys {
    /// The tool's name.
    pub(crate) name: &'static str,
    /// The arguments, by any of these.
    pub(crate) arguments: &'static [&'static str],
    /// The call's id, in formats that have one.
    pub(crate) id: Option<&'static str>,
}

/// Adds the call with the span `span` whose body begins at `body_start` and came out as `body`, or
/// says what is wrong and keeps it as text. `tells_json` is false where another defect says it all
/// (a call that was cut off is no good JSON either).
pub(crate) fn push(
    scan: &mut Scan<'_>,
    keys: &Keys,
    span: Range<usize>,
    body_start: usize,
    body: BodyEnd,
    tells_json: bool,
) {
    let text = scan.text;
    if let Some(value) = body.value {
        if push_value(scan, keys, span.clone(), text, &value, 0) {
            return;
        }
    } else {
        if tells_json {
            let cause = json::error(&text[body_start..body.end]);
            scan.out.defect(DefectKind::InvalidJson, body.error_at, format!("the call is no JSON: {cause}"));
        }
        if scan.out.is_repairing
            && let Some(mended) = json::repair(&text[body_start..body.end])
        {
            let value = JsonValue::of(&mended.json);
            if push_value(scan, keys, span.clone(), &mended.json, &value, body_start) {
                let kind = if tells_json { DefectKind::InvalidJson } else { DefectKind::UnclosedTag };
                scan.out.repair(kind, body_start, mended.what);
                return;
            }
        }
    }
    scan.out.unread_call(&text[span]);
}

/// Adds the call that `value`, which stands in `text` (itself `shift` bytes into the reply), describes.
/// False, with the defects reported, if it describes none.
pub(crate) fn push_value(
    scan: &mut Scan<'_>,
    keys: &Keys,
    span: Range<usize>,
    text: &str,
    value: &JsonValue,
    shift: usize,
) -> bool {
    // Mended JSON may be longer than what stands in the reply.
    let place = |offset: usize| (shift + offset).min(span.end);
    let at = place(value.span.start);
    if !text[value.span.clone()].starts_with('{') {
        scan.out.defect(DefectKind::MalformedCall, at, "a call is an object");
        return false;
    }
    let (mut name, mut arguments, mut id) = (None, None, None);
    for member in &value.members {
        let key = json::unescape(&text[member.key.clone()]).unwrap_or_default();
        let slot = if key == keys.name {
            &mut name
        } else if keys.arguments.contains(&key.as_ref()) {
            &mut arguments
        } else if keys.id.is_some_and(|id| id == key) {
            &mut id
        } else {
            let message = format!("key `{key}` has no meaning in a call");
            scan.out.defect(DefectKind::MalformedCall, place(member.key.start), message);
            continue;
        };
        if slot.replace(&text[member.value.clone()]).is_some() {
            scan.out.defect(
                DefectKind::MalformedCall,
                place(member.key.start),
                format!("key `{key}` stands twice"),
            );
            return false;
        }
    }
    let Some(name) = name else {
        scan.out.defect(DefectKind::MalformedCall, at, format!("the call has no `{}`", keys.name));
        return false;
    };
    let Some(name) = name_of(name) else {
        scan.out.defect(DefectKind::MalformedCall, at, format!("`{}` is no text: {name}", keys.name));
        return false;
    };
    let arguments = match arguments {
        Some(arguments) => {
            if !arguments.starts_with('{') {
                let message = format!("`{}` is not an object", keys.arguments[0]);
                scan.out.defect(DefectKind::MalformedCall, at, message);
            }
            arguments.to_owned()
        }
        None => {
            let message = format!("the call has no `{}`; without any it is {{}}", keys.arguments[0]);
            scan.out.defect(DefectKind::MalformedCall, at, message);
            String::new()
        }
    };
    let id = id.and_then(name_of).map(CallId);
    scan.out.call(id, name, arguments, span);
    true
}

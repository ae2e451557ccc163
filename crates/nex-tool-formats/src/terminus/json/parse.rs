//! Reading a reply that is one JSON object, perhaps with text around it.

use crate::builder::ReplyBuilder;
use crate::engine::looked_at;
use crate::json::{self, JsonScan, Member, Step};
use crate::terminus::{COMMAND, COMPLETE};
use nex_trajectory::DefectKind;

/// Braces at which an object is looked for; a text with more before it is no reply of this format.
const MAX_STARTS: usize = 16;

pub(super) fn read(text: &str, out: &mut ReplyBuilder) {
    let Some((start, scan, step)) = find(text) else { return out.text(text, 0) };
    out.text(&text[..start], 0);
    let end = match step {
        Step::Done(end) => {
            members(text, start..end, &scan.members, out);
            end
        }
        Step::More | Step::Broken(_) => {
            let error_at = if let Step::Broken(at) = step { at } else { text.len() };
            let is_cut = error_at == text.len();
            let kind = if is_cut { DefectKind::UnclosedTag } else { DefectKind::InvalidJson };
            let what = if is_cut { "was cut off" } else { "is no JSON" };
            let mended = if out.is_repairing { json::repair(&text[start..]) } else { None };
            out.defect(kind, if is_cut { start } else { error_at }, format!("the reply {what}"));
            if let Some(mended) = mended.filter(|mended| mended.json.starts_with('{')) {
                out.repair(kind, start, mended.what);
                mended_members(&mended.json, start..text.len(), out);
            } else {
                unfinished(text, start, &scan.members, out);
            }
            text.len()
        }
    };
    out.text(&text[end..], end);
}

/// The object that is the reply: where it begins, and how far it is understood.
fn find(text: &str) -> Option<(usize, JsonScan, Step)> {
    let mut from = 0;
    for _ in 0..MAX_STARTS {
        let start = from + memchr::memchr(b'{', &text.as_bytes()[from..])?;
        let (mut scan, mut at) = (JsonScan::default(), start);
        let step = scan.feed(text.as_bytes(), &mut at);
        looked_at(at - start + 1);
        // A reply in single quotes is one too, though no JSON.
        let first = text[start + 1..].trim_start().strip_prefix(['"', '\'']).unwrap_or_default();
        let is_ours =
            ["analysis", "plan", "commands", "task_complete"].iter().any(|key| first.starts_with(key));
        if is_ours {
            return Some((start, scan, step));
        }
        from = match step {
            Step::Done(end) => end,
            Step::More | Step::Broken(_) => start + 1,
        };
    }
    None
}

fn members(text: &str, span: std::ops::Range<usize>, members: &[Member], out: &mut ReplyBuilder) {
    let value = |key: &str| find_member(text, members, key).map(|member| member.value.clone());
    words(text, members, out);
    match value("commands") {
        Some(at) if text[at.clone()].starts_with('[') => {
            commands(text, at.start, out);
        }
        Some(at) => {
            out.defect(DefectKind::MalformedCall, at.start, "`commands` is no list");
            out.unread_call(&text[at]);
        }
        None => out.defect(DefectKind::MalformedCall, span.start, "the reply has no `commands`"),
    }
    let Some(at) = value("task_complete") else { return };
    match &text[at.clone()] {
        // Harbor takes these words too.
        "true" | "\"true\"" | "\"True\"" | "\"1\"" | "\"yes\"" => {
            let key = find_member(text, members, "task_complete").map_or(at.start, |member| member.key.start);
            out.call(None, COMPLETE.to_owned(), "{}".to_owned(), key..span.end);
        }
        "false" | "null" => {}
        word if word.starts_with('"') => {}
        word => {
            let message = format!("`{word}` does not say whether the task is complete");
            out.defect(DefectKind::MalformedCall, at.start, message);
        }
    }
}

fn find_member<'a>(text: &str, members: &'a [Member], key: &str) -> Option<&'a Member> {
    members.iter().rfind(|member| json::unescape(&text[member.key.clone()]).is_some_and(|name| name == key))
}

/// The analysis, which is reasoning, and the plan.
fn words(text: &str, members: &[Member], out: &mut ReplyBuilder) {
    for key in ["analysis", "plan"] {
        let Some(Member { value, .. }) = find_member(text, members, key) else { continue };
        let words = json::unescape(&text[value.clone()]).unwrap_or_else(|| {
            out.defect(DefectKind::MalformedCall, value.start, format!("`{key}` is no text"));
            text[value.clone()].into()
        });
        if key == "analysis" {
            out.reasoning(&words);
        } else {
            out.text(&words, value.start);
        }
    }
}

/// The commands in the list that begins at `start`, as far as they are finished.
fn commands(text: &str, start: usize, out: &mut ReplyBuilder) -> usize {
    let (mut scan, mut at) = (JsonScan::default(), start);
    scan.feed(text.as_bytes(), &mut at);
    let mut end = start;
    for Member { value, .. } in scan.members {
        end = value.end;
        if json::members(&text[value.clone()]).is_some_and(has_keystrokes) {
            out.call(None, COMMAND.to_owned(), text[value.clone()].to_owned(), value);
        } else {
            out.defect(
                DefectKind::MalformedCall,
                value.start,
                "a command without the text of its `keystrokes`",
            );
            out.unread_call(&text[value]);
        }
    }
    end
}

fn has_keystrokes(members: Vec<(std::borrow::Cow<'_, str>, &str)>) -> bool {
    members.iter().any(|(key, value)| key == "keystrokes" && value.starts_with('"'))
}

/// What is finished of an object that is not.
fn unfinished(text: &str, start: usize, members: &[Member], out: &mut ReplyBuilder) {
    words(text, members, out);
    let mut end = members.last().map_or(start, |member| member.value.end);
    if let Some(member) = find_member(text, members, "commands") {
        commands(text, member.value.start, out);
    } else {
        // The list under way is no member yet.
        let rest = text[end..].trim_start_matches([' ', '\n', '\r', '\t', ',', '{']);
        let list = rest
            .strip_prefix("\"commands\"")
            .map(|rest| rest.trim_start_matches([' ', '\n', '\r', '\t', ':']));
        if let Some(list) = list.filter(|list| list.starts_with('[')) {
            end = commands(text, text.len() - list.len(), out).max(end);
        }
    }
    out.unread_call(&text[end..]);
}

/// The members of an object that was mended: it stands nowhere, so all calls have its place.
fn mended_members(json: &str, span: std::ops::Range<usize>, out: &mut ReplyBuilder) {
    let members = json::members(json).unwrap_or_default();
    let value = |key: &str| members.iter().rfind(|(name, _)| name == key).map(|(_, value)| *value);
    out.reasoning(&value("analysis").and_then(json::unescape).unwrap_or_default());
    out.text(&value("plan").and_then(json::unescape).unwrap_or_default(), span.start);
    let list = value("commands").unwrap_or_default();
    let (mut scan, mut at) = (JsonScan::default(), 0);
    scan.feed(list.as_bytes(), &mut at);
    for Member { value, .. } in scan.members {
        let arguments = &list[value];
        if json::members(arguments).is_some_and(has_keystrokes) {
            out.call(None, COMMAND.to_owned(), arguments.to_owned(), span.clone());
        } else {
            out.unread_call(arguments);
        }
    }
    if value("task_complete") == Some("true") {
        out.call(None, COMPLETE.to_owned(), "{}".to_owned(), span);
    }
}

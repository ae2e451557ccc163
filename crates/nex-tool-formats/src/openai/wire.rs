//! One message as it stands in JSON, found in one pass over its text.

use crate::json::{self, JsonScan, Step};
use nex_trajectory::{CallId, DefectKind};
use std::borrow::Cow;

/// A message, its calls not judged yet: one that is wrong must not lose the others.
#[derive(Debug)]
pub(super) struct WireMessage<'a> {
    pub(super) role: Option<Cow<'a, str>>,
    pub(super) content: Content<'a>,
    pub(super) reasoning: Option<Cow<'a, str>>,
    pub(super) calls: Vec<WireCall<'a>>,
    pub(super) tool_call_id: Option<Cow<'a, str>>,
    pub(super) name: Option<Cow<'a, str>>,
}

/// What a message says.
#[derive(Debug)]
pub(super) enum Content<'a> {
    /// A string; empty where there is none.
    Text(Cow<'a, str>),
    /// The JSON of anything else.
    Parts(&'a str),
}

/// One element of `tool_calls`.
#[derive(Debug)]
pub(super) struct WireCall<'a> {
    pub(super) id: Option<CallId>,
    /// Name and the JSON of the arguments, if it has a function.
    pub(super) function: Option<Function<'a>>,
    /// The element's text, and where it begins.
    pub(super) json: &'a str,
    pub(super) at: usize,
}

type Function<'a> = (Option<String>, Option<&'a str>);

impl<'a> WireMessage<'a> {
    /// Reads `text`.
    ///
    /// # Errors
    /// It is no JSON, or no object.
    pub(super) fn read(text: &'a str) -> Result<Self, (DefectKind, String)> {
        // Levels: message, calls, call, function.
        let mut scan = JsonScan::recording(4);
        let mut at = 0;
        match scan.feed(text.as_bytes(), &mut at) {
            Step::Done(end) if text[end..].trim().is_empty() => {}
            _ => return Err((DefectKind::InvalidJson, json::error(text))),
        }
        if !text[scan.start()..].starts_with('{') {
            return Err((DefectKind::MalformedCall, "a message is an object".to_owned()));
        }
        let mut message = Self {
            role: None,
            content: Content::Text(Cow::Borrowed("")),
            reasoning: None,
            calls: Vec::new(),
            tool_call_id: None,
            name: None,
        };
        // Members come innermost first, so what is under way belongs to the next one further out.
        let (mut inside, mut function, mut id, mut calls): (Function<'a>, _, _, _) =
            ((None, None), None, None, Vec::new());
        for member in scan.members {
            let value = &text[member.value.clone()];
            let key = text[member.key].trim_matches('"');
            match (member.level, key) {
                (4, "name") => inside.0 = json::unescape(value).map(Cow::into_owned),
                (4, "arguments") => inside.1 = Some(value),
                (4, _) => {}
                (3, key) => {
                    let inside = std::mem::take(&mut inside);
                    match key {
                        "function" => function = Some(inside),
                        "id" => id = json::unescape(value).map(|id| CallId(id.into_owned())),
                        _ => {}
                    }
                }
                (2, _) => {
                    let at = member.value.start;
                    calls.push(WireCall { id: id.take(), function: function.take(), json: value, at });
                }
                (_, key) => {
                    let calls = std::mem::take(&mut calls);
                    match key {
                        "role" => message.role = json::unescape(value),
                        "content" => match json::unescape(value) {
                            Some(content) => message.content = Content::Text(content),
                            None if value == "null" => {}
                            None => message.content = Content::Parts(value),
                        },
                        "reasoning_content" | "reasoning" => {
                            message.reasoning = message.reasoning.or(json::unescape(value));
                        }
                        "tool_calls" if value.starts_with('[') => message.calls = calls,
                        "tool_call_id" => message.tool_call_id = json::unescape(value),
                        "name" => message.name = json::unescape(value),
                        _ => {}
                    }
                }
            }
        }
        Ok(message)
    }
}

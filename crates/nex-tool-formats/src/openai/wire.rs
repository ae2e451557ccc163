//! One message as it stands in JSON, found in one pass over its text.

use crate::json::{self, JsonScan, Step};
use nex_trajectory::CallId;
use std::borrow::Cow;
use std::ops::Range;

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

impl WireMessage<'_> {
    /// Whether it has reasoning or text.
    pub(super) fn says_something(&self) -> bool {
        self.reasoning.is_some() || !matches!(&self.content, Content::Text(text) if text.is_empty())
    }
}

/// What could be read of a message.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) message: WireMessage<'a>,
    /// Where it ceases to be JSON, if it does: what stands before is in the message.
    pub(super) broken_at: Option<usize>,
}

impl<'a> WireMessage<'a> {
    /// Reads `text`, as far as it is JSON.
    ///
    /// # Errors
    /// It is no object.
    pub(super) fn read(text: &'a str) -> Result<Read<'a>, String> {
        // Levels: message, calls, call, function.
        let mut scan = JsonScan::recording(4);
        let mut at = 0;
        let broken_at = match scan.feed(text.as_bytes(), &mut at) {
            Step::Done(end) => Some(end).filter(|end| !text[*end..].trim().is_empty()),
            Step::More => Some(text.len()),
            Step::Broken(at) => Some(at),
        };
        if !text[scan.start()..].starts_with('{') {
            return Err("a message is an object".to_owned());
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
                        "tool_calls" if value.starts_with('[') => message.calls.extend(calls),
                        "tool_call_id" => message.tool_call_id = json::unescape(value),
                        "name" => message.name = json::unescape(value),
                        _ => {}
                    }
                }
            }
        }
        // The array of calls was under way when the text broke off.
        if broken_at.is_some() {
            message.calls.extend(calls.into_iter().filter(|call| call.function.is_some()));
        }
        Ok(Read { message, broken_at })
    }
}

impl<'a> WireCall<'a> {
    /// The call that the object at `at` of `text` is.
    pub(super) fn at(text: &'a str, span: Range<usize>) -> Self {
        let json = &text[span.clone()];
        let mut scan = JsonScan::recording(2);
        scan.feed(json.as_bytes(), &mut 0);
        let mut call = Self { id: None, function: None, json, at: span.start };
        let mut inside: Function<'a> = (None, None);
        for member in scan.members {
            let value = &json[member.value];
            match (member.level, json[member.key].trim_matches('"')) {
                (2, "name") => inside.0 = json::unescape(value).map(Cow::into_owned),
                (2, "arguments") => inside.1 = Some(value),
                (1, "function") => call.function = Some(std::mem::take(&mut inside)),
                (1, "id") => call.id = json::unescape(value).map(|id| CallId(id.into_owned())),
                (1, _) => inside = (None, None),
                _ => {}
            }
        }
        call
    }
}

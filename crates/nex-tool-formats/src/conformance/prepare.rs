//! A case made ready for one format: the bytes to read, and what must come of each.

use super::case::{Case, Expected, Fate, Findings, Probe};
use super::compare::{Exactness, same_arguments};
use super::limits::{Limit, listed};
use super::marks::Marks;
use super::reply_text::{ReplyText, fill_slots};
use super::run::Verdict;
use crate::ToolCallFormat;
use nex_trajectory::{Message, ToolCall, ToolSpec};

/// A case in one format.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The tools that the model was told about.
    pub tools: Vec<ToolSpec>,
    /// What the model said.
    pub message: Message,
    /// What arrives: one reply, or many where a case tries every place to cut it.
    pub replies: Vec<Reply>,
}

/// One reply that arrives, and what must come of it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where the mark that ends the turn begins; the length if there is none. Most servers keep it
    /// to themselves.
    pub end_of_turn: usize,
    /// The prompt has opened the reasoning already.
    pub starts_in_reasoning: bool,
    /// What must come of it.
    pub expected: Expected,
}

/// What should have come, and what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// What should have come.
    pub expected: String,
    /// What came.
    pub got: String,
}

/// Makes `case` ready for `format`.
///
/// # Errors
/// There is nothing to read; the verdict says why.
pub fn prepare(format: &dyn ToolCallFormat, case: &Case) -> Result<Prepared, Verdict> {
    let marks = Marks::of(format.name());
    let limit = listed(format.name(), case);
    if let Some(Limit::NotApplicable(reason)) = limit {
        return Err(Verdict::not_applicable(reason));
    }
    let mut message = fill_slots(&case.message, marks);
    let mut tools = case.tools.clone();
    if let Some(own) = marks.own_tool {
        message = own.adapt(&message);
        tools = vec![own.spec()];
    }
    let prepared = |replies| Prepared { tools: tools.clone(), message: message.clone(), replies };
    if let Probe::Written(texts, expected) = &case.probe {
        let Some((_, text)) = texts.iter().find(|(name, _)| *name == format.name()) else {
            return Err(Verdict::not_applicable("the format has no such spelling"));
        };
        return Ok(prepared(vec![Reply {
            bytes: text.as_bytes().to_vec(),
            end_of_turn: text.len(),
            starts_in_reasoning: false,
            expected: expected.clone(),
        }]));
    }
    let text = ReplyText::of(format, &tools, &message).map_err(|refusal| match limit {
        Some(Limit::MayRefuse(reason)) => Verdict::Refused { reason: format!("{reason}: {refusal}") },
        _ => Verdict::Fail {
            expected: "the message written down".to_owned(),
            got: format!("a refusal: {refusal}"),
        },
    })?;
    replies(case, &text, &message, marks).map(prepared).map_err(Verdict::not_applicable)
}

fn replies(
    case: &Case,
    text: &ReplyText,
    message: &Message,
    marks: &Marks,
) -> Result<Vec<Reply>, &'static str> {
    let calls = message.calls().count();
    let reply = |bytes: Vec<u8>, expected: Expected| {
        let end_of_turn = if bytes.ends_with(&text.text.as_bytes()[text.end_of_turn..]) {
            bytes.len() - (text.text.len() - text.end_of_turn)
        } else {
            bytes.len()
        };
        Reply { bytes, end_of_turn, starts_in_reasoning: text.starts_in_reasoning, expected }
    };
    match &case.probe {
        Probe::RoundTrip | Probe::EverySplit | Probe::Together => {
            Ok(vec![reply(text.text.clone().into_bytes(), Expected::whole(calls))])
        }
        Probe::EveryCut => {
            let last = message.calls().last().ok_or("the message has no call")?;
            let name_at = text.text.rfind(&last.name);
            let from = match (text.calls.last(), name_at) {
                (Some(span), _) if text.calls.len() == calls => span.start,
                (_, Some(name_at)) => name_at,
                _ => return Err("the reply does not hold the name of its last call"),
            };
            // Up to here it may be prose that was cut off.
            let is_surely_call = name_at.map_or(from, |at| at + last.name.len()) + 2;
            let mut fates = vec![Fate::Whole; calls];
            fates[calls - 1] = Fate::WholeOrGone;
            let expected = Expected::calls(&fates);
            let cut = |end: usize| {
                let findings = if end < is_surely_call { Findings::Any } else { Findings::SomeIfGone };
                reply(text.text.as_bytes()[..end].to_vec(), expected.clone().finds(findings))
            };
            Ok((from..text.end_of_turn).map(cut).collect())
        }
        Probe::Damaged(damage, expected) => Ok(vec![reply(damage.apply(text, marks)?, expected.clone())]),
        Probe::Written(..) => unreachable!("a reply written by hand is not rendered"),
    }
}

impl Prepared {
    /// Whether `got`, names and arguments in order, are the calls that must come of `reply`.
    ///
    /// # Errors
    /// They are not.
    pub fn judge_calls(
        &self,
        reply: &Reply,
        got: &[(String, String)],
        exactness: Exactness,
    ) -> Result<(), Mismatch> {
        let wanted: Vec<(&ToolCall, Fate)> =
            self.message.calls().zip(reply.expected.calls.iter().copied()).collect();
        if fits(&wanted, got, exactness) {
            return Ok(());
        }
        let wanted = wanted.iter().map(|(call, fate)| {
            let how = match fate {
                Fate::Whole => "",
                Fate::WholeOrGone => " (or nothing)",
                Fate::Damaged => " (in any state)",
                Fate::Gone => " (not)",
            };
            format!("{}({}){how}", call.name, call.arguments.as_text())
        });
        Err(Mismatch {
            expected: listing("calls", wanted),
            got: listing("calls", got.iter().map(|(name, arguments)| format!("{name}({arguments})"))),
        })
    }
}

fn listing(what: &str, items: impl Iterator<Item = String>) -> String {
    format!("{what} [{}]", items.collect::<Vec<_>>().join(", "))
}

/// Whether the calls of `got` can be told apart as those of `wanted`, each with its fate.
fn fits(wanted: &[(&ToolCall, Fate)], got: &[(String, String)], exactness: Exactness) -> bool {
    let Some(((call, fate), rest)) = wanted.split_first() else { return got.is_empty() };
    let is_whole = || {
        got.first().is_some_and(|(name, arguments)| {
            *name == call.name && same_arguments(arguments, call.arguments.as_text(), exactness)
        })
    };
    match fate {
        Fate::Whole => is_whole() && fits(rest, &got[1..], exactness),
        Fate::WholeOrGone => is_whole() && fits(rest, &got[1..], exactness) || fits(rest, got, exactness),
        Fate::Damaged => !got.is_empty() && fits(rest, &got[1..], exactness) || fits(rest, got, exactness),
        Fate::Gone => fits(rest, got, exactness),
    }
}

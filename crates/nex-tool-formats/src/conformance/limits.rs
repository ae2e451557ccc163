//! Where a format has no way to say what a case says: listed, so that no refusal goes unnoticed.
//!
//! A refusal by a renderer that is not listed here is a failure of the format.

use super::case::{Case, Group};
use nex_trajectory::ContentBlock;

/// Why a format stands outside a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// It may refuse: written down, the message could not be told from another.
    MayRefuse(&'static str),
    /// The case means nothing there.
    NotApplicable(&'static str),
}

struct Entry {
    formats: &'static [&'static str],
    cases: Cases,
    limit: Limit,
}

enum Cases {
    Named(&'static [&'static str]),
    Where(fn(&Case) -> bool),
}

/// The limit listed for `case` in `format`.
pub(super) fn listed(format: &str, case: &Case) -> Option<Limit> {
    let concerns = |cases: &Cases| match cases {
        Cases::Named(ids) => ids.contains(&case.id),
        Cases::Where(holds) => holds(case),
    };
    let entry = LIMITS.iter().find(|entry| entry.formats.contains(&format) && concerns(&entry.cases))?;
    Some(entry.limit)
}

/// Formats that write text between tags and have no escape for a closing tag.
const TAGGED: &[&str] = &[
    "qwen3-coder",
    "qwen3.5",
    "glm-4.5",
    "glm-4.7",
    "minimax-m2",
    "deepseek-v3.2",
    "nexau",
    "cline",
    "openhands",
    "terminus-2-xml",
];
/// Formats whose models make one call a turn.
const ONE_CALL: &[&str] = &["cline", "openhands", "llama-3"];
/// Formats without a place for reasoning.
const NO_REASONING: &[&str] =
    &["cline", "openhands", "nexau", "llama-3", "llama-4", "mistral-v3", "mistral-v11"];

/// Formats whose templates put all text before the calls.
const TEXT_FIRST: &[&str] = &[
    "openai",
    "hermes",
    "qwen3",
    "qwen3-coder",
    "qwen3.5",
    "glm-4.5",
    "glm-4.7",
    "minimax-m2",
    "deepseek-v3",
    "deepseek-v3.1",
    "deepseek-v3.2",
    "kimi-k2",
    "nexau",
    "cline",
    "openhands",
    "llama-3",
    "llama-4",
    "lfm2",
    "mistral-v3",
    "mistral-v3-tekken",
    "mistral-v7",
    "mistral-v11",
    "mistral-v13",
    "gpt-oss",
    "terminus-2-xml",
    "terminus-2-json",
];
/// Formats whose calls have no ids, or ids that follow from their order.
const NO_IDS: &[&str] = &[
    "hermes",
    "qwen3",
    "qwen3-coder",
    "qwen3.5",
    "glm-4.5",
    "glm-4.7",
    "minimax-m2",
    "deepseek-v3",
    "deepseek-v3.1",
    "deepseek-v3.2",
    "kimi-k2",
    "nexau",
    "cline",
    "openhands",
    "llama-3",
    "llama-4",
    "lfm2",
    "mistral-v11",
    "mistral-v13",
    "gpt-oss",
    "terminus-2-xml",
    "terminus-2-json",
];

/// Formats that write values without quotes and types: the schema decides what they are.
const UNTYPED: &[&str] =
    &["qwen3-coder", "qwen3.5", "glm-4.5", "glm-4.7", "minimax-m2", "nexau", "cline", "openhands"];
/// Formats whose calls are all of one tool.
const OWN_TOOL: &[&str] = &["terminus-2-xml", "terminus-2-json"];

fn has_text_and_calls(case: &Case) -> bool {
    case.message.calls().next().is_some() && !case.message.text().is_empty()
}

fn has_many_calls(case: &Case) -> bool {
    case.message.calls().count() > 1
}

fn has_reasoning(case: &Case) -> bool {
    case.message.content.iter().any(|block| matches!(block, ContentBlock::Reasoning { .. }))
}

/// The case is about names of tools, schemas or broken JSON.
fn needs_other_tools(case: &Case) -> bool {
    case.group == Group::Xml
        || ["batch.4", "batch.13", "batch.7.c", "fmt.", "gap.1", "gap.3", "gap.5", "gap.8", "gap.9.c"]
            .iter()
            .any(|id| case.id.starts_with(id))
}

const LIMITS: &[Entry] = &[
    Entry {
        formats: OWN_TOOL,
        cases: Cases::Where(needs_other_tools),
        limit: Limit::NotApplicable("the format has one tool, with one text"),
    },
    Entry {
        formats: &["llama-3"],
        cases: Cases::Where(has_text_and_calls),
        limit: Limit::MayRefuse("the template drops text beside a call"),
    },
    Entry {
        formats: &["llama-4"],
        cases: Cases::Where(has_text_and_calls),
        limit: Limit::MayRefuse("nothing would tell where text ends and a call begins"),
    },
    Entry {
        formats: &["lfm2"],
        cases: Cases::Named(&["nex.text-after-call"]),
        limit: Limit::NotApplicable("text may follow a call"),
    },
    Entry {
        formats: &["gpt-oss"],
        cases: Cases::Named(&["batch.5.a", "batch.5.d", "stream.4.a"]),
        limit: Limit::NotApplicable("what ends a call ends the turn, and servers keep it to themselves"),
    },
    Entry {
        formats: &["gpt-oss"],
        cases: Cases::Named(&["batch.8.b", "batch.8.c", "nex.text-after-call"]),
        limit: Limit::NotApplicable("a call ends the turn: what follows is inside it"),
    },
    Entry {
        formats: &["gpt-oss"],
        cases: Cases::Named(&["nex.call-in-reasoning"]),
        limit: Limit::NotApplicable("a call's marks end the reasoning they stand in"),
    },
    Entry {
        formats: &["cline"],
        cases: Cases::Named(&["batch.13.a", "batch.13.c"]),
        limit: Limit::NotApplicable("a tag that names no tool is prose"),
    },
    Entry {
        formats: UNTYPED,
        cases: Cases::Named(&["xml.2.i"]),
        limit: Limit::MayRefuse("bare digits are a number wherever the schema allows one"),
    },
    Entry {
        formats: ONE_CALL,
        cases: Cases::Where(has_many_calls),
        limit: Limit::MayRefuse("one call a turn"),
    },
    Entry {
        formats: NO_REASONING,
        cases: Cases::Where(has_reasoning),
        limit: Limit::MayRefuse("no place for reasoning"),
    },
    Entry {
        formats: TEXT_FIRST,
        cases: Cases::Named(&["nex.interleaved"]),
        limit: Limit::MayRefuse("text stands before the calls only"),
    },
    Entry {
        formats: NO_IDS,
        cases: Cases::Named(&["nex.same-id"]),
        limit: Limit::NotApplicable("the model gives its calls no ids"),
    },
    Entry {
        formats: &["mistral-v3", "mistral-v3-tekken", "mistral-v7"],
        cases: Cases::Named(&["nex.same-id"]),
        limit: Limit::NotApplicable("of calls that share an id, the second is written with another"),
    },
    Entry {
        formats: TAGGED,
        cases: Cases::Named(&["base.own-closer", "batch.30.c"]),
        limit: Limit::MayRefuse("values are written as they are, and a closing tag in one would end it"),
    },
];

/// All format names and case ids that are listed, to check them.
#[cfg(test)]
pub(super) fn names() -> (Vec<&'static str>, Vec<&'static str>) {
    let formats = LIMITS.iter().flat_map(|entry| entry.formats).copied().collect();
    let cases = LIMITS.iter().flat_map(|entry| match entry.cases {
        Cases::Named(ids) => ids,
        Cases::Where(_) => &[],
    });
    (formats, cases.copied().collect())
}

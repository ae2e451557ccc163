//! Reading a reply: calls of today's shape, and those of older versions.

use super::{
    CALL_CLOSE, CALL_OPEN, DELEGATION, OPENERS, PARALLEL_CALL_CLOSE, PARALLEL_CALL_OPEN, PARALLEL_CLOSE,
    PARALLEL_OPEN, PARAMETER_CLOSE, SUB_AGENT_OPEN, SUB_AGENTS_OPEN,
};
use crate::engine::{Found, Scan};
use crate::markup_call::{Dialect, OpenCall, Opening, Tag, Wrapper};

/// What NexAU's tags mean.
pub(super) struct NexAuDialect;

/// Sorts of calls.
const TOOL: u8 = 0;
const SUB_AGENT: u8 = 1;
const BATCH: u8 = 2;

/// How far a call to a tool has come.
const INSIDE: u8 = 1;
const BEHIND: u8 = 2;

const PARALLEL_AGENT_OPEN: &str = "<parallel_agent>";

impl Dialect for NexAuDialect {
    const SECTION_END: &'static str = PARAMETER_CLOSE;

    fn find(&self, scan: &Scan<'_>, from: usize) -> Opening {
        match scan.find_from(from, &OPENERS) {
            Found::NoneBefore(end) => Opening::NoneBefore(end),
            Found::Tag { at, index } => open(OPENERS[index], at),
        }
    }

    fn tag(&self, call: &mut OpenCall, tag: &str) -> Tag {
        if tag == &call.closer[1..call.closer.len() - 1] {
            return Tag::Close;
        }
        if call.sort == TOOL && call.stage != INSIDE {
            return match tag {
                "tool_name" if call.name.is_empty() => Tag::Name("</tool_name>"),
                "parameter" if call.stage == 0 => {
                    call.stage = INSIDE;
                    Tag::Section
                }
                _ => Tag::Stray,
            };
        }
        match tag {
            "/parameter" if call.sort == TOOL => {
                call.stage = BEHIND;
                Tag::Section
            }
            "input_data_source" | "/input_data_source" if call.sort == BATCH => Tag::Section,
            "agent_name" if call.sort == SUB_AGENT => {
                Tag::Argument { key: "sub_agent_name".to_owned(), closer: "</agent_name>".to_owned() }
            }
            _ if is_key(tag) => Tag::Argument { key: tag.to_owned(), closer: format!("</{tag}>") },
            _ => Tag::Stray,
        }
    }

    fn is_complete(&self, call: &OpenCall) -> bool {
        call.sort != TOOL || call.stage == BEHIND
    }
}

static PARALLEL_CALLS: Wrapper = Wrapper {
    closer: PARALLEL_CLOSE,
    inner: PARALLEL_CALL_OPEN,
    open: |at| open_call(PARALLEL_CALL_OPEN, at),
};
static SUB_AGENTS: Wrapper = Wrapper {
    closer: "</use_parallel_sub_agents>",
    inner: PARALLEL_AGENT_OPEN,
    open: |at| open_call(PARALLEL_AGENT_OPEN, at),
};

fn open(tag: &str, at: usize) -> Opening {
    let length = tag.len();
    match tag {
        PARALLEL_OPEN => Opening::Wrapper { at, length, kind: &PARALLEL_CALLS },
        SUB_AGENTS_OPEN => Opening::Wrapper { at, length, kind: &SUB_AGENTS },
        _ => Opening::Call { at, call: open_call(tag, at) },
    }
}

fn open_call(tag: &str, at: usize) -> OpenCall {
    let (closer, name, sort) = match tag {
        CALL_OPEN => (CALL_CLOSE, "", TOOL),
        PARALLEL_CALL_OPEN => (PARALLEL_CALL_CLOSE, "", TOOL),
        PARALLEL_AGENT_OPEN => ("</parallel_agent>", DELEGATION, SUB_AGENT),
        SUB_AGENT_OPEN => ("</sub-agent>", DELEGATION, SUB_AGENT),
        _ => ("</use_batch_agent>", "use_batch_agent", BATCH),
    };
    let mut call = OpenCall::new(at, at + tag.len(), closer.into(), name);
    call.sort = sort;
    call
}

/// Whether `tag` is one word, as NexAU's patterns have it.
pub(super) fn is_key(tag: &str) -> bool {
    !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || c == '_')
}

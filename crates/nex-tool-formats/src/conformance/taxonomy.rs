//! The cases beyond the baseline, numbered as NVIDIA's public list of parser corner cases
//! (`TOOLCALLING_CASES.md` of dynamo) numbers them, so that results can be compared; `gap.N` are
//! those that it names as tested by nobody, in its order, and `nex.*` are ours.

mod batch;
mod damaged;
mod fmt;
mod gaps;
mod nex;
mod stream;
mod typed;

use super::case::Case;

pub(super) fn cases() -> Vec<Case> {
    [
        batch::cases(),
        damaged::cases(),
        stream::cases(),
        fmt::cases(),
        typed::cases(),
        gaps::cases(),
        nex::cases(),
    ]
    .concat()
}

//! Conformance: one list of cases, run in every format.
//!
//! A [`Case`] is a message and what happens to its text on the way; it knows no format, for the
//! text is what a format's own renderer makes of the message. [`run`] reads that text back, whole,
//! in pieces or byte by byte, and gives a [`Verdict`]; [`table`] does so for all cases and formats.
//! `nex data formats --conformance` prints it.
//!
//! Invariants: arguments are compared by [`same_arguments`] and nowhere else. A renderer's refusal
//! counts only where it is listed as unavoidable, with the reason; any other is a failure.
//!
//! Other parsers can be tried on the same bytes with [`prepare`] and [`Prepared::judge_calls`].

mod base;
mod case;
mod compare;
mod damage;
mod limits;
mod marks;
mod own_tool;
mod prepare;
mod reply_text;
mod run;
mod table;
mod taxonomy;
#[cfg(test)]
mod tests;
mod tools;

pub use case::{Case, Expected, Fate, Findings, Group, Probe, Slot, TextRule};
pub use compare::{Exactness, same_arguments};
pub use damage::{Damage, Insert};
pub use prepare::{Mismatch, Prepared, Reply, prepare};
pub use run::{Mode, Verdict, run};
pub use table::{Cell, Column, RowHead, Table, Total, table};

use std::sync::LazyLock;

/// All cases: the twenty-one of the baseline first, then those of the taxonomy.
pub fn cases() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| [base::cases(), taxonomy::cases()].concat());
    &CASES
}

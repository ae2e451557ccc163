//! Goals: what a task asks for, each with the words, the calls that reach it and what it is judged
//! by.
//!
//! A goal's checks come from the facts of the office, its plan reads replies only. That the two
//! agree is proven when a task is made: the plan's run must be accepted.

mod decisions;
mod folders;
mod forbidden;
mod questions;
mod records;
mod source;
mod totals;

pub(crate) use forbidden::forbidden;
pub(crate) use source::{Rows, between, lit, pick, reply, text};

use super::office::Office;
use super::operations::operation;
use super::tree::FileTree;
use crate::task::{Check, Fact, FactKind, Paging, PlanStep, ValueSource};
use indexmap::IndexMap;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// What a goal is drawn for.
pub(crate) struct Scene<'a> {
    pub(crate) office: &'a Office,
    pub(crate) tree: &'a FileTree,
    /// Calls that the goal should take, as near as it gets.
    pub(crate) wanted: usize,
    /// Speak of files by what they are, not by their paths.
    pub(crate) is_vague: bool,
    /// Prefer what has a stale twin.
    pub(crate) is_ambiguous: bool,
    /// What other goals of the task already speak of.
    pub(crate) taken: &'a BTreeSet<String>,
}

impl Scene<'_> {
    pub(crate) fn is_free(&self, use_: &str) -> bool {
        !self.taken.contains(use_)
    }
}

/// What a task asks for, or a part of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Goal {
    pub(crate) ask: String,
    pub(crate) steps: Vec<PlanStep>,
    /// The sentence of the answer, with `{slot}` holes.
    pub(crate) says: String,
    pub(crate) slots: IndexMap<String, ValueSource>,
    pub(crate) facts: Vec<Fact>,
    /// Path to what it holds at the end; nothing where it is gone.
    pub(crate) files: BTreeMap<String, Option<String>>,
    /// Calls that the rules forbid.
    pub(crate) forbidden: Vec<Check>,
    /// What no other goal of the same task may speak of.
    pub(crate) uses: Vec<String>,
}

impl Goal {
    /// Adds a call and gives its number.
    pub(crate) fn step<const N: usize>(
        &mut self,
        name: &str,
        arguments: [(&str, ValueSource); N],
        reason: impl Into<String>,
    ) -> usize {
        let operation = operation(name).expect("goals name operations of the table");
        let arguments: IndexMap<String, ValueSource> =
            arguments.into_iter().map(|(name, source)| (name.to_owned(), source)).collect();
        let mut depends_on: Vec<usize> = arguments.values().flat_map(ValueSource::steps).collect();
        depends_on.sort_unstable();
        depends_on.dedup();
        self.steps.push(PlanStep {
            operation: name.to_owned(),
            arguments,
            reason: reason.into(),
            depends_on,
            is_write: operation.is_write,
            paging: operation.list.map(Paging::of),
            fails_with: None,
        });
        self.steps.len() - 1
    }

    /// The answer says `value`, which is `source`, under `slot`.
    pub(crate) fn slot(&mut self, slot: &str, source: ValueSource) {
        self.slots.insert(slot.to_owned(), source);
    }

    /// Asks in other words half of the time.
    pub(crate) fn or_ask(&mut self, rng: &mut ChaCha8Rng, other: String) {
        if rng.random_bool(0.5) {
            self.ask = other;
        }
    }

    pub(crate) fn fact(
        &mut self,
        about: &str,
        kind: FactKind,
        value: impl Into<serde_json::Value>,
        decoys: Vec<String>,
    ) {
        self.facts.push(Fact {
            about: about.to_owned(),
            kind,
            value: value.into(),
            accepted: Vec::new(),
            decoys,
        });
    }

    /// The path of the ledger that counts: given, or as the house rules in the workspace say.
    pub(crate) fn ledger(&mut self, scene: &Scene<'_>) -> ValueSource {
        let office = scene.office;
        if !scene.is_vague {
            return lit(office.ledger());
        }
        let readme = office.labels().readme;
        let reason = office.say(
            "There is more than one ledger; the house rules say which one counts.",
            "台账不止一份，先看说明里哪一份有效。",
        );
        let step = self.step("read_file", [("path", lit(readme))], reason);
        let after = office.say("The ledger that counts is `", "有效的台账是 `");
        between("ledger", reply(step, "/text"), after, "`")
    }

    /// How the ledger is spoken of.
    pub(crate) fn ledger_words(scene: &Scene<'_>) -> String {
        match scene.is_vague {
            true => scene.office.say("this year's ledger", "今年的台账").to_owned(),
            false => scene
                .office
                .say(format!("`{}`", scene.office.ledger()), format!(" `{}` ", scene.office.ledger())),
        }
    }

    /// Puts a step behind others: numbers in sources and dependencies grow by `by`, slots get the
    /// suffix `_tag`.
    pub(crate) fn shift(&mut self, by: usize, tag: usize) {
        for step in &mut self.steps {
            step.depends_on.iter_mut().for_each(|need| *need += by);
            step.arguments.values_mut().for_each(|source| source::shift(source, by));
        }
        let slots = std::mem::take(&mut self.slots);
        for (slot, mut source) in slots {
            source::shift(&mut source, by);
            let tagged = format!("{slot}_{tag}");
            self.says = self.says.replace(&format!("{{{slot}}}"), &format!("{{{tagged}}}"));
            self.slots.insert(tagged, source);
        }
    }
}

/// A kind of goal.
pub(crate) struct GoalKind {
    pub(crate) name: &'static str,
    /// Whether it asks for an answer and changes nothing.
    pub(crate) is_question: bool,
    pub(crate) draw: fn(&Scene<'_>, &mut ChaCha8Rng) -> Option<Goal>,
}

/// All kinds but the forbidden ones.
pub(crate) const KINDS: [GoalKind; 15] = [
    GoalKind { name: "invoice_fact", is_question: true, draw: questions::invoice_fact },
    GoalKind { name: "client_contact", is_question: true, draw: questions::client_contact },
    GoalKind { name: "project_lead", is_question: true, draw: questions::project_lead },
    GoalKind { name: "plotter_failure", is_question: true, draw: questions::plotter_failure },
    GoalKind { name: "booked_hours", is_question: true, draw: totals::booked_hours },
    GoalKind { name: "open_total", is_question: true, draw: totals::open_total },
    GoalKind { name: "open_total_file", is_question: false, draw: totals::open_total_file },
    GoalKind { name: "overdue_summary", is_question: false, draw: totals::overdue_summary },
    GoalKind { name: "apply_decisions", is_question: false, draw: decisions::apply_decisions },
    GoalKind { name: "record_offer", is_question: false, draw: decisions::record_offer },
    GoalKind { name: "new_contact", is_question: false, draw: records::new_contact },
    GoalKind { name: "book_payments", is_question: false, draw: records::book_payments },
    GoalKind { name: "archive_project", is_question: false, draw: folders::archive_project },
    GoalKind { name: "clear_drafts", is_question: false, draw: folders::clear_drafts },
    GoalKind { name: "rename_scans", is_question: false, draw: folders::rename_scans },
];

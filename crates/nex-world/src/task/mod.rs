//! Tasks: an instruction in a world, the oracle plan that proves it solvable, and the checks that
//! judge a run.
//!
//! A task is a pure function of (world, seed, dials, language). Its initial state is the world's
//! state for `state.seed` in `language`; nothing else is needed to start a session for it.

mod answer;
mod dials;
mod discover;
mod draft;
mod exact;
mod generate;
mod goals;
mod ground;
mod lookup;
mod oracle;
mod plan;
mod prose;
mod questions;
mod reasons;
mod resolve;
#[cfg(test)]
mod tests;
mod traps;
mod verify;
mod view;
mod wording;

pub(crate) use answer::Hearing;
pub use dials::{Dials, Difficulty};
pub(crate) use exact::Exact;
pub use generate::{TaskError, generate_task};
pub use oracle::{OracleError, OracleRun, run_oracle};
pub use plan::{
    Aggregate, AnswerPlan, Comparison, Fold, Operator, OraclePlan, Paging, Pick, PlanStep, RowOrder, RowTest,
    TRANSIENT_CODES, ValueSource,
};
pub(crate) use resolve::plain_text;
pub use resolve::{ResolveError, render_answer, resolve, resolve_arguments};
pub use verify::{is_success, verify, verify_session};

use indexmap::IndexMap;
use nex_trajectory::TaskRecord;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the generator, part of every task's id: raised when the same seed gives another task.
pub const GENERATOR_VERSION: u32 = 1;

/// One task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Id, world, seed, language, instruction, difficulty: what an episode keeps.
    pub record: TaskRecord,
    /// What it was asked for.
    pub dials: Dials,
    /// What the agent is told beside the instruction.
    pub briefing: Briefing,
    /// Names of the tools that are offered, in the order of the world's operations: those that
    /// the plan needs and distractors.
    pub tools: Vec<String>,
    /// Where the state comes from.
    pub state: InitialState,
    /// How the world misbehaves in this task.
    #[serde(default)]
    pub faults: Faults,
    /// How it can be solved.
    pub plan: OraclePlan,
    /// What a run is judged by.
    pub checks: Vec<Check>,
    /// How long a run may be.
    pub limits: TaskLimits,
}

/// System facts for the prompt, in the task's language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Briefing {
    /// Who the agent is and what it does.
    pub role: String,
    /// Facts that the instruction relies on: the date, the currency.
    pub facts: Vec<String>,
    /// The rules, one sentence each.
    pub policies: Vec<String>,
}

impl Briefing {
    /// The whole as a system prompt: role, facts, numbered rules.
    pub fn text(&self) -> String {
        let mut text = self.role.clone();
        for fact in &self.facts {
            text.push('\n');
            text.push_str(fact);
        }
        if !self.policies.is_empty() {
            text.push('\n');
            for (number, policy) in self.policies.iter().enumerate() {
                text.push_str(&format!("\n{}. {policy}", number + 1));
            }
        }
        text
    }
}

/// The state at the start: the world's state for a seed, in the task's language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InitialState {
    /// Seed of the state.
    pub seed: u64,
    /// The state itself, in worlds whose tasks carry it: a repository, a tree of files. Null in
    /// worlds that make it from the seed.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub given: Value,
}

/// Misbehaviour of the world in a task. What is not set is off, whatever the world file says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Faults {
    /// Chance that a call fails with `unavailable`; a retry may succeed.
    #[serde(default)]
    pub transient: f64,
    /// Chance that a list comes cut short, with a cursor.
    #[serde(default)]
    pub truncate: f64,
    /// Chance that a reply carries fields that nobody needs.
    #[serde(default)]
    pub verbose: f64,
    /// So many calls in so many seconds of virtual time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<(u32, u32)>,
    /// Chance of each operation to be down throughout.
    #[serde(default)]
    pub outage: f64,
    /// The operations that this chance takes down, for the reader.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub down: Vec<String>,
}

/// What a run is judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "check", rename_all = "snake_case")]
pub enum Check {
    /// At the end, this field of this record has this value.
    Field {
        /// The entity.
        entity: String,
        /// The record.
        id: String,
        /// The field.
        field: String,
        /// Its value.
        equals: Value,
    },
    /// At the end, there is a record that was not there, with these values.
    Created {
        /// The entity.
        entity: String,
        /// Field to value; `{"$created": n}` stands for the id of the record of the n-th
        /// `Created` check of the task.
        fields: IndexMap<String, Value>,
    },
    /// At the end, this record is gone.
    Deleted {
        /// The entity.
        entity: String,
        /// The record.
        id: String,
    },
    /// The operation succeeded with (at least) these arguments; for goals that leave no trace in
    /// the state.
    Called {
        /// The operation.
        operation: String,
        /// Arguments that count.
        arguments: IndexMap<String, Value>,
    },
    /// The operation never succeeded with these arguments: a request that had to be declined.
    NotCalled {
        /// The operation.
        operation: String,
        /// Arguments that count.
        arguments: IndexMap<String, Value>,
    },
    /// Some call that succeeded had one of these values among its arguments: the run looked at
    /// what it was to judge, instead of declining blindly.
    Consulted {
        /// What it was to judge, in the words of the instruction.
        about: String,
        /// Ids and keys of the records that decide.
        any_of: Vec<Value>,
    },
    /// The answer says this.
    Says(Fact),
    /// One of these pages was opened and is cited by the answer, and it states the value.
    Cites {
        /// What the page states, in words.
        about: String,
        /// The value as the page writes it; empty where the page as a whole is the evidence.
        value: String,
        /// Urls of the pages that state it.
        any_of: Vec<String>,
    },
}

/// Something the answer must say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is, in the words of the question.
    pub about: String,
    /// How it is compared.
    pub kind: FactKind,
    /// The exact value.
    pub value: Value,
    /// Words that say it, any one of which will do; for numbers and dates none, they are compared
    /// as such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// Other values of the same kind that this world holds: an answer that says more than two
    /// of them beside the right one is a guess.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoys: Vec<String>,
}

/// How a fact is looked for in free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// A count or other number.
    Number,
    /// An amount of money.
    Money,
    /// A date, in any usual way of writing.
    Date,
    /// A date with a time.
    Datetime,
    /// A name, id, code, enum label or other text.
    Text,
    /// That a request was declined.
    Refusal,
}

/// How long a run may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskLimits {
    /// Model replies.
    pub max_turns: u32,
    /// Tool calls.
    pub max_calls: u32,
}

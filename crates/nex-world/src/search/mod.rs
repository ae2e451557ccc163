//! The search world: questions whose answers lie some pages apart in a library that a seed makes.
//!
//! A seed gives a hidden graph of facts: towns, people, companies, instruments and awards. Pages tell
//! these facts in prose and tables, beside older versions that are out of date, things with similar
//! names, and notes that answer nothing. A task asks for what a chain of facts leads to, without
//! naming what lies in between; the answer must cite the pages that state each fact.
//!
//! Invariants: the same seed, dials and language give the same bytes; an answer follows from the
//! graph and is the only one; the plan's run is worth 1 and doing nothing 0, proven for each task
//! when it is made.

mod chain;
mod desk;
mod dials;
mod draw;
mod graph;
mod index;
mod library;
mod operations;
mod page;
mod phrase;
mod planner;
mod prose;
mod question;
mod session;
#[cfg(test)]
mod tests;
mod verify;
mod words;

pub use desk::{SearchCall, SearchDesk};
pub use dials::SearchDials;
pub use library::Library;
pub use operations::{SearchOperation, operations};
pub use session::SearchSession;

use crate::task::{Briefing, Dials, Task};
use crate::text::Language;
use crate::value::DAY_S;
use nex_trajectory::run::{EntityShape, OperationShape, WorldShape};
use std::sync::Arc;

/// The name of the search world.
pub const SEARCH_WORLD: &str = "search";

/// Why there is no task or no session.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// No draw gave a task.
    #[error(
        "world `search` gave no task for seed {seed} with dials {dials:?} (last reason: {reason}); lower one of the dials or take another seed"
    )]
    Unreachable {
        /// The seed.
        seed: u64,
        /// What was asked for.
        dials: Box<SearchDials>,
        /// Why the last draw failed.
        reason: &'static str,
    },
    /// The task is of another world, of a language that this one does not speak, or without its dials.
    #[error(
        "the task `{task}` is of world `{found}` in language `{language}`; this is `search` in `en` and `zh`, and its tasks hold their dials under `search`"
    )]
    OtherWorld {
        /// The task.
        task: String,
        /// Its world.
        found: String,
        /// Its language.
        language: String,
    },
}

/// The search world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchWorld;

impl SearchWorld {
    /// The one that is built in.
    pub fn builtin() -> Self {
        Self
    }

    /// Its name, as in tasks.
    pub fn name(self) -> &'static str {
        SEARCH_WORLD
    }

    /// Its title for people.
    pub fn title(self, language: Language) -> &'static str {
        match language {
            Language::En => "Reference library of instrument making",
            Language::Zh => "测量仪器资料库",
        }
    }

    /// When a run begins, in milliseconds since 1970.
    pub fn start_unix_ms(self) -> u64 {
        let day = crate::value::days_from_civil(graph::NOW, 6, 30);
        day.and_then(|day| u64::try_from(i64::from(day) * DAY_S * 1000).ok()).unwrap_or(0)
    }

    /// Role and rules in `language`.
    pub fn briefing(self, language: Language) -> Briefing {
        draw::briefing(language)
    }

    /// A task for the dials that all worlds share: a pure function of the arguments.
    ///
    /// # Errors
    /// [`SearchError::Unreachable`] where no draw gives a task for these dials.
    pub fn generate_task(self, seed: u64, dials: &Dials, language: Language) -> Result<Task, SearchError> {
        draw::task(seed, dials, &SearchDials::from(dials), language)
    }

    /// A task for this world's own dials.
    ///
    /// # Errors
    /// As [`Self::generate_task`].
    pub fn generate_task_with(
        self,
        seed: u64,
        dials: &SearchDials,
        language: Language,
    ) -> Result<Task, SearchError> {
        let common = Dials { hops: 2 * dials.hops, fuzziness: dials.fuzziness, ..Dials::default() };
        draw::task(seed, &common, dials, language)
    }

    /// Opens a session on the library of `task`.
    ///
    /// # Errors
    /// The task is of another world.
    pub fn open_session(self, task: &Task) -> Result<SearchSession, SearchError> {
        let record = &task.record;
        let language = record.language.parse::<Language>().ok().filter(|_| record.world == SEARCH_WORLD);
        let dials = record.dials.get("search").and_then(|dials| serde_json::from_value(dials.clone()).ok());
        let (Some(language), Some(dials)) = (language, dials) else {
            return Err(SearchError::OtherWorld {
                task: record.id.to_string(),
                found: record.world.clone(),
                language: record.language.clone(),
            });
        };
        let library = Arc::new(Library::new(task.state.seed, language, &dials));
        Ok(SearchSession::new(task, library, dials.faults))
    }

    /// Kinds of pages and operations, for a report.
    pub fn shape(self) -> WorldShape {
        let library = Library::new(0, Language::En, &SearchDials::default());
        let kinds: [(&str, &str, &[&str]); 7] = [
            ("town", "/places/", &["town"]),
            ("person", "/people/", &["town", "person"]),
            ("company", "/companies/", &["town", "person", "instrument"]),
            ("instrument", "/instruments/", &["company", "person"]),
            ("award", "/awards/", &["town", "company", "instrument"]),
            ("archived page", "/archive/", &[]),
            ("note", "/notes/", &["town", "person", "company", "instrument", "award"]),
        ];
        let count = |folder: &str| {
            let start = format!("{}{folder}", page::SITE);
            library.urls().filter(|url| url.starts_with(&start)).count() as u64
        };
        let entities = kinds.iter().map(|(name, folder, references)| EntityShape {
            name: (*name).to_owned(),
            count: count(folder),
            references: references.iter().map(|name| (*name).to_owned()).collect(),
        });
        let all: Vec<String> = kinds.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let operations = operations().iter().map(|operation| OperationShape {
            name: operation.name.to_owned(),
            kind: operation.kind.to_owned(),
            reads: all.clone(),
            writes: Vec::new(),
        });
        WorldShape {
            name: SEARCH_WORLD.to_owned(),
            title: self.title(Language::En).to_owned(),
            entities: entities.collect(),
            operations: operations.collect(),
        }
    }
}

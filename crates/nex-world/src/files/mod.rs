//! The files world: tasks on the workspace of a small office, real files in a real directory.
//!
//! A seed and a language give an office: clients, jobs, invoices, meetings, contracts,
//! configurations, mails, logs. Its facts are written into 60 to 120 text files that agree with
//! each other, beside old copies that do not. A task gives an instruction, the tools, an oracle
//! plan and checks, as in the declarative worlds; a run works in a directory of its own and is
//! judged by what lies in it at the end.
//!
//! Invariants: the same seed and language give the same bytes; the plan's run is worth 1 and doing
//! nothing 0, proven for each task when it is made; nothing outside the directory is touched.

mod desk;
mod draw;
mod error;
mod goals;
mod labels;
mod office;
mod operations;
mod oracle;
mod read;
mod rules;
mod session;
mod store;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod verify;
mod write;

pub use desk::{Desk, FileCall, FileReply};
pub use error::{FileError, FilesError};
pub(crate) use goals::{Rows, lit, pick, reply};
pub use operations::{FileOperation, operation, operations};
pub(crate) use oracle::{Order, follow};
pub use session::FilesSession;
pub use store::{DirectoryStore, FileEntry, FileStore};
pub use tree::{FileTree, SnapshotError};

use crate::task::{Briefing, Dials, Task};
use crate::text::Language;
use crate::value::DAY_S;
use nex_trajectory::run::{EntityShape, OperationShape, WorldShape};
use office::{Office, date};
use std::path::Path;

/// The name of the files world.
pub const FILES_WORLD: &str = "project_archive";

/// The files world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FilesWorld;

impl FilesWorld {
    /// The one that is built in.
    pub fn builtin() -> Self {
        Self
    }

    /// Its name, as in tasks.
    pub fn name(self) -> &'static str {
        FILES_WORLD
    }

    /// Its title for people.
    pub fn title(self, language: Language) -> &'static str {
        match language {
            Language::En => "Project files of a design office",
            Language::Zh => "设计事务所的项目文件",
        }
    }

    /// The files that the office of `seed` keeps.
    pub fn tree(self, seed: u64, language: Language) -> FileTree {
        office::files(&Office::new(seed, language), seed)
    }

    /// When a run begins, in milliseconds since 1970: before any day of an office.
    pub fn start_unix_ms(self) -> u64 {
        u64::try_from(i64::from(date(2025, 4, 7)) * DAY_S * 1000).unwrap_or(0)
    }

    /// Role and rules in `language`; a task's own briefing says the date too.
    pub fn briefing(self, language: Language) -> Briefing {
        draw::briefing(language, None)
    }

    /// A task: a pure function of the arguments.
    ///
    /// # Errors
    /// [`FilesError::Unreachable`] where no draw gives a task for these dials.
    pub fn generate_task(self, seed: u64, dials: &Dials, language: Language) -> Result<Task, FilesError> {
        draw::task(seed, dials, language)
    }

    /// Makes the files of `task` in the new or empty directory `root` and opens a session on them.
    ///
    /// # Errors
    /// The task is of another world, or the directory cannot be made.
    pub fn open_session(self, task: &Task, root: &Path) -> Result<FilesSession, FilesError> {
        let record = &task.record;
        let language = record.language.parse::<Language>().ok().filter(|_| record.world == FILES_WORLD);
        let language = language.ok_or_else(|| FilesError::OtherWorld {
            task: record.id.to_string(),
            found: record.world.clone(),
            language: record.language.clone(),
            world: FILES_WORLD,
        })?;
        FilesSession::open(task, self.tree(task.state.seed, language), root)
    }

    /// Kinds of files and operations, for a report.
    pub fn shape(self) -> WorldShape {
        let language = Language::En;
        let tree = self.tree(0, language);
        let labels = labels::Labels::of(language);
        let kinds: [(&str, &str, &[&str]); 9] = [
            ("client card", labels.clients, &[]),
            ("job paper", labels.projects, &["client card"]),
            ("contract", labels.contracts, &["client card", "job paper"]),
            ("ledger", labels.invoices, &["client card", "job paper"]),
            ("bank statement", labels.bank, &["ledger"]),
            ("meeting note", labels.meetings, &["job paper", "configuration"]),
            ("configuration", labels.config, &[]),
            ("mail", labels.mail, &["client card", "job paper"]),
            ("scan", labels.inbox, &["job paper"]),
        ];
        let count = |folder: &str| {
            let inside = tree.paths().filter(|path| path.starts_with(&format!("{folder}/")));
            inside.count() as u64
        };
        let entities = kinds.iter().map(|(name, folder, references)| EntityShape {
            name: (*name).to_owned(),
            count: count(folder),
            references: references.iter().map(|name| (*name).to_owned()).collect(),
        });
        let all: Vec<String> = kinds.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let touched = |operation: &FileOperation| match operation.name {
            "find_json_key" | "read_json_value" | "set_json_value" => vec!["configuration".to_owned()],
            "read_table" | "set_table_cell" => vec!["ledger".to_owned(), "bank statement".to_owned()],
            _ => all.clone(),
        };
        let operations = operations().iter().map(|operation| {
            let (reads, writes) = match operation.is_write {
                true => (Vec::new(), touched(operation)),
                false => (touched(operation), Vec::new()),
            };
            OperationShape { name: operation.name.to_owned(), kind: operation.kind.to_owned(), reads, writes }
        });
        WorldShape {
            name: FILES_WORLD.to_owned(),
            title: self.title(language).to_owned(),
            entities: entities.collect(),
            operations: operations.collect(),
        }
    }
}

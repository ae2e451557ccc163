//! Code worlds: a small repository with injected bugs, an issue report, tools, hidden probes.
//!
//! In: a seed, dials, a language. Out: tasks, and sessions in which they are worked on. The repository
//! is drawn from templates that are written by hand, each with public tests and with probes that stay
//! outside; the bugs are mutations that some probes, run in the sandbox, tell from the original.
//! Invariants: an accepted bug fails at least two probes of which one is never shown; its outcome and
//! the original's are the same in three runs.

mod briefing;
mod compose;
mod dials;
mod draw;
mod edit;
mod issue;
mod patch;
mod plan;
mod repository;
mod review;
mod session;
mod shell_mutation;
mod state;
mod template;
#[cfg(test)]
mod tests;
mod tools;
mod user;
mod verify;

pub use dials::CodeDials;
pub use draw::Tally;
pub(crate) use draw::{hash, rng};
pub use session::CodeSession;
pub use state::{CodeState, HiddenProbe, ProbeRole};
pub(crate) use tools::file_call;
pub use tools::operations;
pub use user::UserRepository;

use crate::workbench::{CodeLanguage, Workbench, wait_for};
use crate::{CodeError, Operation};
use nex_tools::SandboxPolicy;
use nex_trajectory::run::{EntityShape, OperationShape, WorldShape};
use nex_world::Language;
use nex_world::task::{Briefing, Dials, Task};

/// The name of the Python world.
pub const CODE_PYTHON: &str = "code_python";
/// The name of the world of shell and awk programs.
pub const CODE_SHELL: &str = "code_shell";

/// A code world.
#[derive(Clone, Debug)]
pub struct CodeWorld {
    language: CodeLanguage,
    bench: Workbench,
}

impl CodeWorld {
    /// The world of programs in `language`, in a sandbox that gives what the usual policy requires.
    pub fn new(language: CodeLanguage) -> Self {
        Self::with_policy(language, SandboxPolicy::default())
    }

    /// The same with another policy.
    pub fn with_policy(language: CodeLanguage, policy: SandboxPolicy) -> Self {
        Self { language, bench: Workbench::new(policy) }
    }

    /// The world called `name`, if it is a code world.
    pub fn builtin(name: &str) -> Option<Self> {
        match name {
            CODE_PYTHON => Some(Self::new(CodeLanguage::Python)),
            CODE_SHELL => Some(Self::new(CodeLanguage::Shell)),
            _ => None,
        }
    }

    /// Its name, as in tasks.
    pub fn name(&self) -> &'static str {
        match self.language {
            CodeLanguage::Python => CODE_PYTHON,
            CodeLanguage::Shell => CODE_SHELL,
        }
    }

    /// What its programs are written in.
    pub fn code_language(&self) -> CodeLanguage {
        self.language
    }

    /// Its sandbox.
    pub fn bench(&self) -> &Workbench {
        &self.bench
    }

    /// Its title for people.
    pub fn title(&self, language: Language) -> &'static str {
        match (self.language, language) {
            (CodeLanguage::Python, Language::En) => "Bugs in small Python repositories",
            (CodeLanguage::Python, Language::Zh) => "小型 Python 仓库中的缺陷",
            (CodeLanguage::Shell, Language::En) => "Bugs in small shell and awk programs",
            (CodeLanguage::Shell, Language::Zh) => "小型 shell 与 awk 程序中的缺陷",
        }
    }

    /// Role and rules in `language`.
    pub fn briefing(&self, language: Language) -> Briefing {
        briefing::briefing(self.language, language)
    }

    /// A task: a function of the arguments and of this machine's interpreters.
    ///
    /// Runs the sandbox on a thread of its own and waits for it: a second or less.
    ///
    /// # Errors
    /// There is no sandbox or no Python, or no mutation that is drawn makes a task.
    pub fn generate_task(&self, seed: u64, dials: &Dials, language: Language) -> Result<Task, CodeError> {
        wait_for(self.generate(seed, dials, language)).map(|(task, _)| task)
    }

    /// The same without a thread, and what became of the mutations that were tried.
    ///
    /// # Errors
    /// As of [`CodeWorld::generate_task`].
    pub async fn generate(
        &self,
        seed: u64,
        dials: &Dials,
        language: Language,
    ) -> Result<(Task, Tally), CodeError> {
        draw::task(self, seed, dials, language).await
    }

    /// Opens a session of `task` in a new folder of the sandbox.
    ///
    /// # Errors
    /// There is no sandbox or no Python, or the task is of another world.
    pub async fn open_session(&self, task: &Task) -> Result<CodeSession, CodeError> {
        CodeSession::open(self, task).await
    }

    /// What there is in it, for a report.
    pub fn shape(&self) -> WorldShape {
        let templates = template::templates(self.language);
        let entity = |name: &str, count: usize, references: &[&str]| EntityShape {
            name: name.to_owned(),
            count: count as u64,
            references: references.iter().map(|name| (*name).to_owned()).collect(),
        };
        let probes = templates.iter().map(|template| template.probes().count()).sum();
        let all = || vec!["module".to_owned(), "public test".to_owned()];
        let shape = |operation: &Operation| OperationShape {
            name: operation.name.to_owned(),
            kind: operation.kind.to_owned(),
            reads: if operation.is_write { Vec::new() } else { all() },
            writes: if operation.is_write { all() } else { Vec::new() },
        };
        WorldShape {
            name: self.name().to_owned(),
            title: self.title(Language::En).to_owned(),
            entities: vec![
                entity("module", templates.len(), &[]),
                entity("public test", templates.len(), &["module"]),
                entity("hidden probe", probes, &["module"]),
            ],
            operations: operations().iter().map(shape).collect(),
        }
    }
}

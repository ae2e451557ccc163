//! Worlds of programs: repositories with bugs to mend, and file systems with goals to reach, both in
//! the sandbox.
//!
//! ```text
//! template ─ mutate.py ─▶ mutants ─ run.py, 3 times ─▶ Task (bugs, issue report, plan, hidden probes)
//! Task ─▶ CodeSession: tools in a sandbox folder ─▶ verifier: a fresh sandbox, the hidden probes
//! ```
//! Invariants: code that an agent or a user wrote runs in the sandbox or not at all; what an answer is
//! compared with never enters a sandbox; a task is made only if its oracle is worth 1 and doing nothing
//! 0; the same seed, dials and language give the same task.

pub mod code;
pub mod error;
pub mod operation;
pub mod shell;
pub mod snapshot;
#[cfg(test)]
mod testing;
pub mod workbench;

pub use code::{CODE_PYTHON, CODE_SHELL, CodeSession, CodeWorld};
pub use error::CodeError;
pub use operation::Operation;
pub use shell::{SHELL, ShellSession, ShellWorld};
pub use snapshot::Snapshot;
pub use workbench::Workbench;

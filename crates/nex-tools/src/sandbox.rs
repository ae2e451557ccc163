//! [`Sandbox`]: where generated code and shell commands run.
//!
//! In: a [`SandboxFolder`], a private copy of a folder, and a [`SandboxCommand`]. Out: a
//! [`SandboxOutcome`], or a [`SandboxError`] if the surroundings failed. Invariants: what the policy
//! requires holds or nothing runs; whatever a command does is an outcome; when an outcome is there,
//! all that the command started is dead; the folder that was copied is never written.
//!
//! [`LinuxSandbox`] tries a ladder of levels, strongest first, and reports the one it reached.

mod cgroup;
mod child;
mod error;
mod folder;
mod ids;
mod landlock;
mod launch;
mod linux;
mod mounts;
mod output;
mod report;
mod seccomp;
mod setup_report;
mod supervisor;

pub use error::SandboxError;
pub use folder::{ChangeKind, FolderChange, SandboxFolder};
pub use linux::LinuxSandbox;
pub use report::{Guarantee, RefusedLevel, SandboxLevel, SandboxPolicy, SandboxReport};

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Runs commands that nobody trusts.
#[async_trait::async_trait]
pub trait Sandbox: Send + Sync {
    /// What holds for every command that runs here.
    fn report(&self) -> &SandboxReport;

    /// Runs one command in `folder` and waits until all of it is dead. Costs some milliseconds beside
    /// the command; several may run at once. Dropping the future ends the command.
    ///
    /// # Errors
    /// The sandbox could not be set up or the program not be started. A command that fails, is killed
    /// or is stopped by a limit is `Ok`.
    async fn run(
        &self,
        folder: &SandboxFolder,
        command: &SandboxCommand,
    ) -> Result<SandboxOutcome, SandboxError>;
}

/// One command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxCommand {
    /// A name that is looked up in the system folders, or a path inside the sandbox.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// All variables but `PATH`, `HOME`, `TMPDIR` and `LANG`, which are set unless named here.
    pub env: BTreeMap<String, String>,
    /// What it reads from its standard input.
    pub stdin: Vec<u8>,
    /// What it may cost.
    pub limits: SandboxLimits,
}

impl SandboxCommand {
    /// `program` with `args`, no input and the usual limits.
    pub fn new(program: impl Into<String>, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { program: program.into(), args, ..Self::default() }
    }

    /// `script` run by the shell.
    pub fn shell(script: impl Into<String>) -> Self {
        Self::new("/bin/sh", ["-c".to_owned(), script.into()])
    }
}

/// What a command may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxLimits {
    /// Time until everything is killed.
    pub wall_time_ms: u64,
    /// CPU time of each process.
    pub cpu_seconds: u64,
    /// Memory of all processes together where cgroups are on, else address space of each.
    pub max_memory_bytes: u64,
    /// Address space of each process where cgroups are on.
    pub max_address_space_bytes: u64,
    /// Processes and threads at once.
    pub max_processes: u64,
    /// Size of each file that is written.
    pub max_file_bytes: u64,
    /// Open descriptors of each process.
    pub max_open_files: u64,
    /// Size of the folder and all temporary files; looked at several times a second.
    pub max_disk_bytes: u64,
    /// Entries that are copied into a folder.
    pub max_folder_entries: u64,
    /// Bytes that are kept of each of the two outputs, half from its start and half from its end.
    pub max_output_bytes: usize,
    /// A command that writes more than this to one output is killed.
    pub max_written_output_bytes: u64,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            wall_time_ms: 30_000,
            cpu_seconds: 30,
            max_memory_bytes: 1024 * MIB,
            max_address_space_bytes: 8 * 1024 * MIB,
            max_processes: 128,
            max_file_bytes: 256 * MIB,
            max_open_files: 256,
            max_disk_bytes: 512 * MIB,
            max_folder_entries: 50_000,
            max_output_bytes: 64 * 1024,
            max_written_output_bytes: 64 * MIB,
        }
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxOutcome {
    /// Its own end; `None` if a limit ended everything at once.
    pub exit: Option<CommandExit>,
    /// The limit that stopped it, if one did.
    pub stopped_by: Option<LimitReached>,
    /// What it wrote to its standard output.
    pub stdout: SandboxOutput,
    /// What it wrote to its standard error.
    pub stderr: SandboxOutput,
    /// From its start to the end of all it started.
    pub wall_time_ms: u64,
    /// CPU time of the command and of its children that it waited for.
    pub cpu_time_ms: u64,
    /// The largest memory of one process.
    pub max_rss_bytes: u64,
}

impl SandboxOutcome {
    /// Whether it ended by itself with code 0.
    pub fn is_success(&self) -> bool {
        self.exit == Some(CommandExit::Code(0)) && self.stopped_by.is_none()
    }
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandExit {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// A limit that stopped a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "named after the fields of `SandboxLimits`")]
pub enum LimitReached {
    WallTime,
    CpuTime,
    Memory,
    FileSize,
    Disk,
    Output,
}

/// A bounded output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxOutput {
    /// What is kept, as text; a note stands where something is left out, and bytes that are no UTF-8
    /// are replaced.
    pub text: String,
    /// Bytes that were written.
    pub written_bytes: u64,
    /// Bytes that are left out.
    pub left_out_bytes: u64,
}

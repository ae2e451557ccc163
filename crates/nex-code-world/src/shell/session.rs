//! [`ShellSession`]: one run of a shell task in a folder of the sandbox.

use super::goal::ShellState;
use super::verify::judge;
use crate::CodeError;
use crate::code::file_call;
use crate::operation::{Operation, Refusal, Row, text};
use crate::snapshot::Snapshot;
use crate::workbench::{Workbench, reopen};
use async_trait::async_trait;
use nex_tools::sandbox::{CommandExit, SandboxLimits, SandboxOutcome, SandboxReport};
use nex_tools::{
    CallContext, LinuxSandbox, Sandbox, SandboxCommand, SandboxFolder, Tool, ToolDeclaration, ToolFailure,
    ToolOutput, Workspace, WorkspaceLimits,
};
use nex_trajectory::Reward;
use nex_world::task::Task;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Of each output, what an agent sees.
const MAX_OUTPUT_BYTES: usize = 8 * 1024;
const COMMAND_MS: u64 = 20_000;

const TABLE: [Row; 4] = [
    (
        "run_command",
        "run",
        true,
        "Runs a command line under /bin/sh in the working folder and gives its outputs and exit code. Files stay for the next command; variables and the current folder do not.",
        &[("command", "string", "The command line; several lines are allowed.")],
    ),
    (
        "list_files",
        "list",
        false,
        "Lists all files of the working folder, or those below a folder, with their sizes in bytes.",
        &[("path?", "string", "A folder, relative to the working folder; all of it if left out.")],
    ),
    (
        "read_file",
        "get",
        false,
        "Reads a text file. A long file comes in parts: give the line to start from.",
        &[
            ("path", "string", "Path of the file, relative to the working folder."),
            ("first_line?", "integer", "Line to start from; the first is 1."),
        ],
    ),
    (
        "write_file",
        "update",
        true,
        "Writes a text file, replacing what it held before. Folders on the way are made.",
        &[
            ("path", "string", "Path of the file, relative to the working folder."),
            ("content", "string", "The whole new content."),
        ],
    ),
];

/// All operations, in the order in which tools are offered.
pub fn operations() -> &'static [Operation] {
    static OPERATIONS: LazyLock<Vec<Operation>> =
        LazyLock::new(|| TABLE.iter().map(Operation::declare).collect());
    &OPERATIONS
}

/// One run of a shell task. Its folder goes when it and its tools are dropped.
pub struct ShellSession {
    desk: Arc<Desk>,
    state: ShellState,
    offered: Vec<String>,
}

struct Desk {
    sandbox: Arc<LinuxSandbox>,
    folder: SandboxFolder,
    workspace: Workspace,
}

impl ShellSession {
    pub(super) async fn open(bench: &Workbench, task: &Task) -> Result<Self, CodeError> {
        let state = ShellState::of(task)?;
        let sandbox = bench.sandbox().await?.clone();
        let folder = bench.folder().await?;
        let limits = WorkspaceLimits { max_file_bytes: MAX_FILE_BYTES, ..WorkspaceLimits::default() };
        let workspace = Workspace::open(folder.path(), limits)?;
        for (path, start) in &state.start {
            workspace.write(path, start.text.as_bytes())?;
            let place = folder.path().join(path);
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(start.mode))
                .map_err(|cause| CodeError::File { path: path.clone(), cause })?;
        }
        Ok(Self { desk: Arc::new(Desk { sandbox, folder, workspace }), state, offered: task.tools.clone() })
    }

    /// What holds in its sandbox.
    pub fn report(&self) -> &SandboxReport {
        self.desk.sandbox.report()
    }

    /// Where the files lie on the host.
    pub fn root(&self) -> PathBuf {
        self.desk.folder.path()
    }

    /// The tools that the task offers.
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        let offered =
            operations().iter().filter(|operation| self.offered.iter().any(|name| name == operation.name));
        offered
            .map(|operation| -> Arc<dyn Tool> { Arc::new(ShellTool { operation, desk: self.desk.clone() }) })
            .collect()
    }

    /// Makes one call, as the tool of that name does; the flag says whether it was refused.
    ///
    /// # Errors
    /// The sandbox failed.
    pub async fn call(&self, operation: &str, arguments: &Value) -> Result<(Value, bool), CodeError> {
        self.desk.call(operation, arguments).await
    }

    /// Judges what lies in the folder now. To be called once the agent has stopped.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn verify(&self) -> Result<Reward, CodeError> {
        reopen(&self.desk.folder);
        Ok(judge(&self.state, &Snapshot::read(&self.desk.folder.path())?))
    }
}

impl Desk {
    async fn call(&self, operation: &str, arguments: &Value) -> Result<(Value, bool), CodeError> {
        if operation == "run_command" {
            return Ok((self.run(text(arguments, "command")).await?, false));
        }
        let is_offered = operations().iter().any(|known| known.name == operation);
        let outcome = file_call(operation, &self.workspace, arguments).filter(|_| is_offered);
        let unknown =
            || Err(Refusal::new("unknown_operation", format!("there is no operation `{operation}`")));
        Ok(match outcome.unwrap_or_else(unknown) {
            Ok(reply) => (reply, false),
            Err(refusal) => (refusal.to_reply(), true),
        })
    }

    async fn run(&self, command: &str) -> Result<Value, CodeError> {
        let limits = SandboxLimits {
            wall_time_ms: COMMAND_MS,
            max_output_bytes: MAX_OUTPUT_BYTES,
            max_disk_bytes: 64 * 1024 * 1024,
            ..SandboxLimits::default()
        };
        let command = SandboxCommand { limits, ..SandboxCommand::shell(command) };
        reopen(&self.folder);
        Ok(told(&self.sandbox.run(&self.folder, &command).await?))
    }
}

/// What an agent is told of a command.
fn told(outcome: &SandboxOutcome) -> Value {
    let mut reply = json!({"stdout": outcome.stdout.text, "stderr": outcome.stderr.text});
    match outcome.exit {
        Some(CommandExit::Code(code)) => reply["exit_code"] = code.into(),
        Some(CommandExit::Signal(signal)) => reply["killed_by_signal"] = signal.into(),
        None => {}
    }
    if let Some(limit) = outcome.stopped_by {
        reply["stopped_by_limit"] = json!(limit);
    }
    reply
}

struct ShellTool {
    operation: &'static Operation,
    desk: Arc<Desk>,
}

#[async_trait]
impl Tool for ShellTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        self.operation.declaration()
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let name = self.operation.name;
        let outcome = self.desk.call(name, &arguments).await;
        let (reply, is_refused) = outcome.map_err(|cause| ToolFailure::ServerGone {
            tool: name.to_owned(),
            server: "sandbox".to_owned(),
            cause: cause.to_string(),
        })?;
        let text = reply.to_string();
        Ok(if is_refused { ToolOutput::error(text) } else { ToolOutput::text(text) })
    }

    fn is_serial(&self) -> bool {
        self.operation.is_write
    }

    fn deadline(&self) -> Option<Duration> {
        (self.operation.kind == "run").then(|| Duration::from_secs(40))
    }
}

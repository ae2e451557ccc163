//! [`CodeSession`]: one run of a code task in a folder of the sandbox.

use super::CodeWorld;
use super::state::CodeState;
use super::tools::{file_call, operations, public_tests, test_report};
use super::verify::{judge, judged_files, judging_job};
use crate::CodeError;
use crate::operation::{Operation, Refusal};
use crate::snapshot::Snapshot;
use crate::workbench::{Probe, VariantRun, Workbench, reopen};
use async_trait::async_trait;
use nex_tools::sandbox::SandboxReport;
use nex_tools::{
    CallContext, SandboxFolder, Tool, ToolDeclaration, ToolFailure, ToolOutput, Workspace, WorkspaceLimits,
};
use nex_trajectory::Reward;
use nex_world::task::Task;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The largest file that a tool reads or writes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// One run of a code task. Its folder goes when it and its tools are dropped.
pub struct CodeSession {
    desk: Arc<Desk>,
    report: SandboxReport,
    offered: Vec<String>,
}

/// What the tools of a session share.
struct Desk {
    bench: Workbench,
    state: CodeState,
    folder: SandboxFolder,
    workspace: Workspace,
}

impl CodeSession {
    pub(super) async fn open(world: &CodeWorld, task: &Task) -> Result<Self, CodeError> {
        let state = CodeState::of(task, world.name())?;
        let bench = world.bench().clone();
        let report = bench.report().await?.clone();
        let folder = bench.folder().await?;
        let limits = WorkspaceLimits { max_file_bytes: MAX_FILE_BYTES, ..WorkspaceLimits::default() };
        let workspace = Workspace::open(folder.path(), limits)?;
        for (path, text) in &state.files {
            workspace.write(path, text.as_bytes())?;
        }
        let desk = Arc::new(Desk { bench, state, folder, workspace });
        Ok(Self { desk, report, offered: task.tools.clone() })
    }

    /// What holds in its sandbox.
    pub fn report(&self) -> &SandboxReport {
        &self.report
    }

    /// Where the repository lies on the host.
    pub fn root(&self) -> PathBuf {
        self.desk.folder.path()
    }

    /// The tools that the task offers.
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        let offered =
            operations().iter().filter(|operation| self.offered.iter().any(|name| name == operation.name));
        offered
            .map(|operation| -> Arc<dyn Tool> { Arc::new(CodeTool { operation, desk: self.desk.clone() }) })
            .collect()
    }

    /// Makes one call, as the tool of that name does; the flag says whether it was refused.
    ///
    /// # Errors
    /// The sandbox failed.
    pub async fn call(&self, operation: &str, arguments: &Value) -> Result<(Value, bool), CodeError> {
        self.desk.call(operation, arguments).await
    }

    /// Judges what lies in the folder now, by hidden probes in a fresh sandbox. To be called once the
    /// agent has stopped.
    ///
    /// # Errors
    /// The sandbox failed.
    pub async fn verify(&self) -> Result<Reward, CodeError> {
        let state = &self.desk.state;
        reopen(&self.desk.folder);
        let after = Snapshot::read(&self.desk.folder.path())?;
        let files = judged_files(state, &after);
        let probes: Vec<Probe> = state.probes.iter().map(|hidden| hidden.probe.clone()).collect();
        let run =
            of_code_under_test(self.desk.bench.run(&judging_job(state, &files, &probes)).await, &probes)?;
        Ok(judge(state, &after, &run))
    }
}

impl Desk {
    async fn call(&self, operation: &str, arguments: &Value) -> Result<(Value, bool), CodeError> {
        let outcome = match file_call(operation, &self.workspace, arguments) {
            Some(outcome) => outcome,
            None if operation == "run_tests" => {
                let nothing = BTreeMap::new();
                let commands: Vec<Probe> = match self.state.is_exit_only {
                    true => self.state.probes.iter().map(|hidden| hidden.probe.clone()).collect(),
                    false => Vec::new(),
                };
                reopen(&self.folder);
                let job = public_tests(&self.state, &nothing, &commands);
                let run = of_code_under_test(self.bench.run_in(&self.folder, &job).await, &commands)?;
                Ok(test_report(&run, &commands))
            }
            None => Err(Refusal::new("unknown_operation", format!("there is no operation `{operation}`"))),
        };
        Ok(match outcome {
            Ok(reply) => (reply, false),
            Err(refusal) => (refusal.to_reply(), true),
        })
    }
}

/// The run of the one variant. A runner that gives nonsense was spoiled by the code under test, which
/// can kill it and write to its output: that is a result of the code, and no failure of the
/// surroundings.
fn of_code_under_test(
    runs: Result<Vec<VariantRun>, CodeError>,
    probes: &[Probe],
) -> Result<VariantRun, CodeError> {
    match runs {
        Ok(mut runs) => Ok(runs.swap_remove(0)),
        Err(CodeError::Runner { cause, .. }) => Ok(VariantRun {
            build: Some(format!("the code under test spoiled the test run: {cause}")),
            tests: BTreeMap::new(),
            probes: vec!["no outcome".to_owned(); probes.len()],
        }),
        Err(cause) => Err(cause),
    }
}

struct CodeTool {
    operation: &'static Operation,
    desk: Arc<Desk>,
}

#[async_trait]
impl Tool for CodeTool {
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
        // A test may write where it runs.
        self.operation.is_write || self.operation.kind == "run"
    }

    fn deadline(&self) -> Option<Duration> {
        (self.operation.kind == "run").then(|| Duration::from_secs(200))
    }
}

//! [`FilesSession`]: one run of a task on a real directory.

use super::desk::{Desk, FileCall, FileReply};
use super::error::FilesError;
use super::operations::{FileOperation, operations};
use super::store::DirectoryStore;
use super::tree::FileTree;
use super::verify::judge;
use crate::task::Task;
use async_trait::async_trait;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput, Workspace, WorkspaceLimits};
use nex_trajectory::Reward;
use parking_lot::Mutex;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file that a run may write.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// One run of a task on a real directory. The directory stays when the session is dropped.
pub struct FilesSession {
    root: PathBuf,
    before: FileTree,
    tools: Vec<String>,
    desk: Arc<Mutex<Desk<DirectoryStore>>>,
}

impl FilesSession {
    /// Writes `tree` into the new or empty directory `root` and opens it for `task`.
    pub(crate) fn open(task: &Task, tree: FileTree, root: &Path) -> Result<Self, FilesError> {
        let shown = || root.display().to_string();
        let failed = |cause| FilesError::Directory { path: shown(), cause };
        std::fs::create_dir_all(root).map_err(failed)?;
        if std::fs::read_dir(root).map_err(failed)?.next().is_some() {
            return Err(FilesError::NotEmpty { path: shown() });
        }
        tree.write_to(root).map_err(failed)?;
        let limits = WorkspaceLimits { max_file_bytes: MAX_FILE_BYTES, ..WorkspaceLimits::default() };
        let store = DirectoryStore::new(Workspace::open(root, limits)?);
        let desk = Desk::new(store, task.faults.clone(), task.record.seed);
        Ok(Self {
            root: root.to_owned(),
            before: tree,
            tools: task.tools.clone(),
            desk: Arc::new(Mutex::new(desk)),
        })
    }

    /// Where the files lie.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The files at the start.
    pub fn before(&self) -> &FileTree {
        &self.before
    }

    /// The tools that the task offers.
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        let offered =
            operations().iter().filter(|operation| self.tools.iter().any(|tool| tool == operation.name));
        offered
            .map(|operation| -> Arc<dyn Tool> {
                Arc::new(FileTool { operation, desk: Arc::clone(&self.desk) })
            })
            .collect()
    }

    /// Makes one call, as the tool of that name does.
    pub fn call(&self, operation: &str, arguments: &Value) -> FileReply {
        self.desk.lock().call(operation, arguments)
    }

    /// The calls so far.
    pub fn log(&self) -> Vec<FileCall> {
        self.desk.lock().log().to_vec()
    }

    /// Judges what the directory holds now, the calls so far and `answer`.
    pub fn verify(&self, task: &Task, answer: Option<&str>) -> Reward {
        let after = FileTree::read_from(&self.root).map_err(|error| error.to_string());
        judge(task, &self.before, after, self.desk.lock().log(), answer)
    }
}

/// An operation as a tool. It works on the calling task: its files are few and small, and calls in
/// one order on every machine are worth more than a thread.
struct FileTool {
    operation: &'static FileOperation,
    desk: Arc<Mutex<Desk<DirectoryStore>>>,
}

#[async_trait]
impl Tool for FileTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        self.operation.declaration()
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let reply = self.desk.lock().call(self.operation.name, &arguments);
        let text = reply.value.to_string();
        Ok(if reply.is_error { ToolOutput::error(text) } else { ToolOutput::text(text) })
    }

    fn is_serial(&self) -> bool {
        self.operation.is_write
    }
}

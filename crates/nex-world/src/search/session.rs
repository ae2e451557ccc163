//! [`SearchSession`]: one run of a task on its library.

use super::desk::{SearchCall, SearchDesk};
use super::library::Library;
use super::operations::{SearchOperation, operations};
use super::verify::judge;
use crate::task::Task;
use async_trait::async_trait;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::Reward;
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;

/// One run of a task on its library.
pub struct SearchSession {
    library: Arc<Library>,
    tools: Vec<String>,
    desk: Arc<Mutex<SearchDesk>>,
}

impl SearchSession {
    pub(crate) fn new(task: &Task, library: Arc<Library>, faults: f64) -> Self {
        let desk = SearchDesk::new(Arc::clone(&library), faults, task.record.seed);
        Self { library, tools: task.tools.clone(), desk: Arc::new(Mutex::new(desk)) }
    }

    /// The library.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The tools that the task offers.
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        let offered =
            operations().iter().filter(|operation| self.tools.iter().any(|tool| tool == operation.name));
        offered
            .map(|operation| -> Arc<dyn Tool> {
                Arc::new(SearchTool { operation, desk: Arc::clone(&self.desk) })
            })
            .collect()
    }

    /// Makes one call, as the tool of that name does.
    ///
    /// # Errors
    /// `{"error": {"code", "message"}}`.
    pub fn call(&self, operation: &str, arguments: &Value) -> Result<Value, Value> {
        self.desk.lock().call(operation, arguments)
    }

    /// The calls so far.
    pub fn log(&self) -> Vec<SearchCall> {
        self.desk.lock().log().to_vec()
    }

    /// Judges the calls so far and `answer`.
    pub fn verify(&self, task: &Task, answer: Option<&str>) -> Reward {
        judge(task, &self.library, self.desk.lock().log(), answer)
    }
}

/// An operation as a tool.
struct SearchTool {
    operation: &'static SearchOperation,
    desk: Arc<Mutex<SearchDesk>>,
}

#[async_trait]
impl Tool for SearchTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        self.operation.declaration()
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let reply = self.desk.lock().call(self.operation.name, &arguments);
        Ok(match reply {
            Ok(value) => ToolOutput::text(value.to_string()),
            Err(value) => ToolOutput::error(value.to_string()),
        })
    }
}

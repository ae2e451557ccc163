//! [`FnTool`]: a closure as a tool.

use crate::{CallContext, SchemaError, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use async_trait::async_trait;
use nex_trajectory::ToolSpec;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A closure as a tool. It runs on the calling task, so it must be short: no disk, no network.
pub struct FnTool<F> {
    declaration: Arc<ToolDeclaration>,
    run: F,
    is_serial: bool,
    deadline: Option<Duration>,
}

impl<F> FnTool<F>
where
    F: Fn(Value) -> Result<ToolOutput, ToolFailure> + Send + Sync,
{
    /// The tool `spec` that answers with `run`.
    ///
    /// # Errors
    /// The spec's schema is no JSON Schema.
    pub fn new(spec: ToolSpec, run: F) -> Result<Self, SchemaError> {
        Ok(Self::declared(Arc::new(ToolDeclaration::new(spec)?), run))
    }

    /// The same, with a declaration that was compiled before.
    pub fn declared(declaration: Arc<ToolDeclaration>, run: F) -> Self {
        Self { declaration, run, is_serial: false, deadline: None }
    }

    /// The same tool, never overlapping with other calls of its turn.
    #[must_use]
    pub fn serial(mut self) -> Self {
        self.is_serial = true;
        self
    }

    /// The same tool with its own deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

#[async_trait]
impl<F> Tool for FnTool<F>
where
    F: Fn(Value) -> Result<ToolOutput, ToolFailure> + Send + Sync,
{
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        (self.run)(arguments)
    }

    fn is_serial(&self) -> bool {
        self.is_serial
    }

    fn deadline(&self) -> Option<Duration> {
        self.deadline
    }
}

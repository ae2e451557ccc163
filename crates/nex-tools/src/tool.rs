//! The [`Tool`] trait: one thing that an agent can do.

use crate::ToolDeclaration;
use async_trait::async_trait;
use nex_trajectory::ContentBlock;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// One thing that an agent can do.
#[async_trait]
pub trait Tool: Send + Sync {
    /// The tool as declared to the model, with its compiled schema; shared by all sessions.
    fn declaration(&self) -> &Arc<ToolDeclaration>;

    /// Runs the tool once. `arguments` is an object that satisfies the declared schema.
    ///
    /// Called by the toolbox, which sets the deadline and caps the output; may run
    /// concurrently with other calls of the same session.
    ///
    /// # Errors
    /// Only what is not the model's doing: the server is gone, the deadline passed. A tool that
    /// says no ("order not found") is `Ok` with `is_error` set.
    async fn call(&self, arguments: Value, context: &CallContext<'_>) -> Result<ToolOutput, ToolFailure>;

    /// Calls of this tool must not overlap with any other call of the same turn.
    fn is_serial(&self) -> bool {
        false
    }

    /// The deadline of one call, where it differs from the toolbox's.
    fn deadline(&self) -> Option<Duration> {
        None
    }
}

/// What a call knows besides its arguments.
#[derive(Clone, Copy)]
pub struct CallContext<'a> {
    /// The trajectory that calls.
    pub session: &'a str,
    /// The call's id.
    pub call_id: &'a str,
    /// Set when the run is told to stop.
    pub cancel: &'a CancellationToken,
}

/// What a tool gave back.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ToolOutput {
    /// Text and images.
    pub content: Vec<ContentBlock>,
    /// The tool says that it failed; the model may try otherwise.
    pub is_error: bool,
    /// Some bytes were not UTF-8 and stand as U+FFFD; the toolbox records it as a defect.
    pub is_lossy: bool,
}

impl ToolOutput {
    /// Successful text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![ContentBlock::Text { text: text.into() }], is_error: false, is_lossy: false }
    }

    /// Text of a failure that the model may react to.
    pub fn error(text: impl Into<String>) -> Self {
        Self { content: vec![ContentBlock::Text { text: text.into() }], is_error: true, is_lossy: false }
    }
}

/// A tool broke, through no fault of the model.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ToolFailure {
    /// The call's deadline passed.
    #[error("tool `{tool}` gave no answer within {limit:?}")]
    Timeout {
        /// The tool.
        tool: String,
        /// The deadline.
        limit: Duration,
    },
    /// The server behind the tool ended or closed the connection.
    #[error("server `{server}` of tool `{tool}` is gone: {cause}")]
    ServerGone {
        /// The tool.
        tool: String,
        /// The server.
        server: String,
        /// What is known.
        cause: String,
    },
    /// The server answered with something that is no answer.
    #[error("server `{server}` broke the protocol in tool `{tool}`: {cause}")]
    Protocol {
        /// The tool.
        tool: String,
        /// The server.
        server: String,
        /// What was wrong.
        cause: String,
    },
    /// The tool's code panicked.
    #[error("tool `{tool}` panicked: {message}")]
    Panicked {
        /// The tool.
        tool: String,
        /// The panic's message.
        message: String,
    },
    /// The run was told to stop.
    #[error("cancelled")]
    Cancelled,
}

impl ToolFailure {
    /// A stable word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Timeout { .. } => "tool_timeout",
            Self::ServerGone { .. } => "server_gone",
            Self::Protocol { .. } => "protocol_error",
            Self::Panicked { .. } => "tool_panicked",
            Self::Cancelled => "cancelled",
        }
    }
}

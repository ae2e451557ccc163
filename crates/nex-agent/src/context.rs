//! [`RunContext`]: all that one run needs besides the agent.

use crate::{Clock, LimitsOverride, Observer};
use nex_llm::ChatModel;
use nex_tools::{McpPool, Tool};
use nex_trajectory::TrajectoryId;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All that one run needs besides the agent. Cheap to make, cheap to clone.
#[derive(Clone)]
pub struct RunContext {
    /// Id of the trajectory; sub-agents' ids are derived from it.
    pub trajectory_id: TrajectoryId,
    /// Answers for every agent that `models` does not name.
    pub model: Arc<dyn ChatModel>,
    /// Models by agent name, where agents of one tree have different ones.
    pub models: Option<Arc<HashMap<String, Arc<dyn ChatModel>>>>,
    /// The environment's tools, which agents take by name or pattern.
    pub environment_tools: Arc<[Arc<dyn Tool>]>,
    /// Where agents lease the MCP servers of their files.
    pub mcp: Option<Arc<McpPool>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Told when the run is to stop.
    pub cancel: CancellationToken,
    /// Limits over those of the outermost agent.
    pub limits: LimitsOverride,
    /// What happens when a tool breaks through no fault of the model.
    pub on_tool_failure: ToolFailurePolicy,
    /// Who watches.
    pub observer: Option<Arc<dyn Observer>>,
    /// Variables of the templates, over those of the agent files.
    pub variables: Option<Arc<serde_json::Map<String, serde_json::Value>>>,
}

impl RunContext {
    /// A run by `model`, without environment, with the agent's own limits.
    pub fn new(
        trajectory_id: impl Into<TrajectoryId>,
        model: Arc<dyn ChatModel>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            trajectory_id: trajectory_id.into(),
            model,
            models: None,
            environment_tools: Arc::new([]),
            mcp: None,
            clock,
            cancel: CancellationToken::new(),
            limits: LimitsOverride::default(),
            on_tool_failure: ToolFailurePolicy::default(),
            observer: None,
            variables: None,
        }
    }

    /// The same run in an environment with `tools`.
    #[must_use]
    pub fn with_environment(mut self, tools: impl Into<Arc<[Arc<dyn Tool>]>>) -> Self {
        self.environment_tools = tools.into();
        self
    }

    /// The model of `agent`.
    pub(crate) fn model_of(&self, agent: &str) -> &Arc<dyn ChatModel> {
        self.models.as_ref().and_then(|models| models.get(agent)).unwrap_or(&self.model)
    }
}

/// What happens when a tool breaks through no fault of the model. In every case the model's call
/// gets an error result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ToolFailurePolicy {
    /// The run stops with `Infra` where the tool is gone for good (its server ended or breaks the
    /// protocol); after a timeout the model may go on.
    #[default]
    StopIfGone,
    /// The run stops with `Infra` after any failure, timeouts included.
    Stop,
    /// The model sees the error and goes on.
    Continue,
}

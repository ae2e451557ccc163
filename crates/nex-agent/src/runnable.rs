//! [`Runnable`]: an agent, a pipeline or a workflow, for whoever does not care which.

use crate::{
    Agent, AgentError, AgentSpec, Pipeline, PipelineSpec, RunContext, ToolBindings, Workflow, WorkflowSpec,
};
use nex_trajectory::Trajectory;
use serde::{Deserialize, Serialize};

/// An agent, a pipeline or a workflow, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RunnableSpec {
    /// One agent, with its sub-agents.
    Agent(AgentSpec),
    /// A fixed sequence of agents.
    Pipeline(PipelineSpec),
    /// A fixed workflow of agents.
    Workflow(WorkflowSpec),
}

/// An agent, a pipeline or a workflow, ready to run. Cloning it is cheap.
#[derive(Clone)]
pub enum Runnable {
    /// One agent, with its sub-agents.
    Agent(Agent),
    /// A fixed sequence of agents.
    Pipeline(Pipeline),
    /// A fixed workflow of agents.
    Workflow(Workflow),
}

impl RunnableSpec {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => &agent.name,
            Self::Pipeline(pipeline) => &pipeline.name,
            Self::Workflow(workflow) => &workflow.name,
        }
    }
}

impl Runnable {
    /// Compiles `spec` with all its agents.
    ///
    /// # Errors
    /// See [`Agent::compile`], [`Pipeline::compile`] and [`Workflow::compile`].
    pub fn compile(spec: RunnableSpec, bindings: &ToolBindings) -> Result<Self, AgentError> {
        Ok(match spec {
            RunnableSpec::Agent(agent) => Self::Agent(Agent::compile(agent, bindings)?),
            RunnableSpec::Pipeline(pipeline) => Self::Pipeline(Pipeline::compile(pipeline, bindings)?),
            RunnableSpec::Workflow(workflow) => Self::Workflow(Workflow::compile(workflow, bindings)?),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Agent(agent) => agent.name(),
            Self::Pipeline(pipeline) => &pipeline.spec().name,
            Self::Workflow(workflow) => &workflow.spec().name,
        }
    }

    /// Runs it. Never fails: the record says how it ended.
    pub async fn run(&self, task: &str, context: RunContext) -> Trajectory {
        match self {
            Self::Agent(agent) => agent.run(task, context).await,
            Self::Pipeline(pipeline) => pipeline.run(task, context).await,
            Self::Workflow(workflow) => workflow.run(task, context).await,
        }
    }
}

impl From<Agent> for Runnable {
    fn from(agent: Agent) -> Self {
        Self::Agent(agent)
    }
}

impl From<Pipeline> for Runnable {
    fn from(pipeline: Pipeline) -> Self {
        Self::Pipeline(pipeline)
    }
}

impl From<Workflow> for Runnable {
    fn from(workflow: Workflow) -> Self {
        Self::Workflow(workflow)
    }
}

//! [`Pipeline`]: a fixed sequence of agents. Each gets the task and the answer of the one before.
//!
//! Its record is a trajectory without model turns of its own: the task, then the last stage's
//! answer as a synthetic message, with the stages' trajectories hanging under the task in order. A
//! stage that gives no answer ends the pipeline with that stage's stop reason.

use crate::prompt::{describe, engine};
use crate::run::{Scope, run_in};
use crate::spending::Spending;
use crate::{Agent, AgentError, AgentSpec, Limits, RunContext, ToolBindings};
use minijinja::{Environment, context};
use nex_trajectory::{Child, Message, Node, StopReason, Trajectory, TrajectoryId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The instruction of a stage that has none of its own.
const DEFAULT_INSTRUCTION: &str =
    "{{ task }}{% if previous %}\n\nThe stage before you reported:\n{{ previous }}{% endif %}";

/// A fixed sequence of agents, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PipelineSpec {
    /// Its name, in records.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The stages, in order; at least one.
    pub stages: Vec<StageSpec>,
    /// Bounds of the whole; only `token_budget`, `timeout`, `max_tool_calls` and `max_depth` count.
    #[serde(default)]
    pub limits: Limits,
    /// The file it came from, for messages.
    #[serde(default)]
    pub source: String,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageSpec {
    /// Its name, in records.
    pub name: String,
    /// Who does it.
    pub agent: Arc<AgentSpec>,
    /// Template of what the agent is told, over `task`, `previous` (the answer before) and
    /// `answers` (all answers so far by stage name).
    #[serde(default)]
    pub instruction: Option<String>,
}

/// A pipeline, ready to run. Cloning it is cheap.
#[derive(Clone)]
pub struct Pipeline {
    compiled: Arc<CompiledPipeline>,
}

struct CompiledPipeline {
    spec: PipelineSpec,
    agents: Vec<Agent>,
    engine: Environment<'static>,
}

impl Pipeline {
    /// Compiles `spec` and its agents.
    ///
    /// # Errors
    /// An agent or a template is wrong, or there is no stage.
    pub fn compile(spec: PipelineSpec, bindings: &ToolBindings) -> Result<Self, AgentError> {
        if spec.stages.is_empty() {
            return Err(AgentError::NoStages { pipeline: spec.name });
        }
        let mut engine = engine();
        let mut agents = Vec::with_capacity(spec.stages.len());
        for (index, stage) in spec.stages.iter().enumerate() {
            let template = stage.instruction.as_deref().unwrap_or(DEFAULT_INSTRUCTION);
            engine.add_template_owned(template_name(index), template.to_owned()).map_err(|e| {
                AgentError::Template {
                    place: format!("pipeline `{}`, instruction of stage `{}`", spec.name, stage.name),
                    cause: describe(&e),
                }
            })?;
            agents.push(Agent::compile(AgentSpec::clone(&stage.agent), bindings)?);
        }
        Ok(Self { compiled: Arc::new(CompiledPipeline { spec, agents, engine }) })
    }

    /// The pipeline as data.
    pub fn spec(&self) -> &PipelineSpec {
        &self.compiled.spec
    }

    /// The agents of its stages, in order, with the stages' names.
    pub fn stages(&self) -> impl Iterator<Item = (&str, &Agent)> {
        self.compiled.spec.stages.iter().map(|stage| stage.name.as_str()).zip(&self.compiled.agents)
    }

    /// Runs all stages on `task`. Like [`Agent::run`], it never fails.
    pub async fn run(&self, task: &str, context: RunContext) -> Trajectory {
        let spec = &self.compiled.spec;
        let context = Arc::new(context);
        let limits = spec.limits.with(&context.limits);
        let outer = Scope::outer(context.clone(), limits);
        let mut trajectory =
            Trajectory::new(context.trajectory_id.clone(), spec.name.clone(), Arc::default());
        let root = trajectory.push(Node::new(None, Message::user(task)));
        let mut answers: Vec<(String, String)> = Vec::with_capacity(spec.stages.len());
        for (index, (stage, agent)) in spec.stages.iter().zip(&self.compiled.agents).enumerate() {
            let instruction = match self.instruction(index, task, &answers) {
                Ok(instruction) => instruction,
                Err(cause) => {
                    trajectory.stop = StopReason::Infra(nex_trajectory::InfraFailure {
                        kind: "prompt_failed".to_owned(),
                        message: format!("pipeline `{}`, stage `{}`: {cause}", spec.name, stage.name),
                    });
                    return trajectory;
                }
            };
            let mut scope = outer.below(&agent.compiled, &stage.name, Vec::new());
            scope.id = TrajectoryId::new(format!("{}/{}", outer.id, stage.name));
            scope.depth = 0;
            let child = run_in(agent, &instruction, scope).await;
            let (stop, answer) = (child.stop.clone(), child.answer.clone());
            trajectory.children.push(Child { node: root, call_id: None, trajectory: child });
            match answer {
                Some(answer) if stop.is_answer() => answers.push((stage.name.clone(), answer)),
                _ => {
                    trajectory.stop = stop;
                    return trajectory;
                }
            }
        }
        let answer = answers.pop().map(|(_, answer)| answer).unwrap_or_default();
        let mut last = Node::new(Some(root), Message::assistant(answer.clone()));
        last.is_synthetic = true;
        trajectory.push(last);
        trajectory.stop = StopReason::FinalAnswer;
        trajectory.answer = Some(answer);
        trajectory
    }

    fn instruction(&self, stage: usize, task: &str, answers: &[(String, String)]) -> Result<String, String> {
        let template = self.compiled.engine.get_template(&template_name(stage)).map_err(|e| describe(&e))?;
        let previous = answers.last().map(|(_, answer)| answer.as_str()).unwrap_or_default();
        let by_name = minijinja::Value::from_pairs(
            answers.iter().map(|(name, answer)| (name.clone(), minijinja::Value::from(answer.as_str()))),
        );
        template
            .render(context! { task => task, previous => previous, answers => by_name })
            .map_err(|e| describe(&e))
    }
}

fn template_name(stage: usize) -> String {
    format!("stage {stage}")
}

impl Scope {
    /// The scope above the stages of a pipeline or a workflow.
    pub(crate) fn outer(context: Arc<RunContext>, limits: Limits) -> Self {
        let now_ms = context.clock.now_ms();
        let timeout_ms = u64::try_from(limits.timeout.as_millis()).unwrap_or(u64::MAX);
        Self {
            id: context.trajectory_id.clone(),
            depth: 0,
            // The stages are not sub-agents: they start with all levels.
            levels_left: limits.max_depth.saturating_add(1),
            deadline_ms: now_ms.saturating_add(timeout_ms),
            origin_ms: now_ms,
            spending: Arc::new(Spending::new(limits.token_budget, limits.max_tool_calls, None)),
            earlier: Vec::new(),
            limits,
            context,
        }
    }
}

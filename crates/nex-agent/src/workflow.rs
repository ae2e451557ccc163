//! [`Workflow`]: agents as the stages of a fixed workflow whose edges the runtime honours.
//!
//! ```text
//! workflow.yaml ── load_runnable ──> WorkflowSpec ── Workflow::compile ──> Workflow ── run ──> Trajectory
//! ```
//!
//! A stage is an agent or a construct of stages: sequence, router, parallel, map, loop, vote. A
//! stage may have a condition, may be optional and may write its answer to a blackboard that all
//! stages read. A [`crate::Pipeline`] is the special case of agents in sequence and leaves the
//! same record.
//!
//! Invariants: a run never fails, it stops for a named reason; every construct has a maximum, and
//! the most agents that a run may start are known before it starts; the record does not depend on
//! which branch was faster (but where a budget of the whole runs out among branches that run at the
//! same time, which of them it hits does).

mod fan;
mod graph;
mod label;
mod memory;
mod record;
mod run;
mod spec;
mod validate;
mod vote;

pub use graph::{WorkflowEdge, WorkflowGraph, WorkflowNode};
pub use record::WorkflowEvent;
pub use spec::{
    Assignment, Branch, Chooser, LoopUntil, MapOver, Parallel, Router, Vote, Voter, Work, WorkflowSpec,
    WorkflowStage,
};
pub(crate) use spec::{DEFAULT_MAX_RUNNING, DEFAULT_MAX_RUNS};
pub(crate) use validate::MAX_VOTERS;
pub use validate::WorkflowFault;

use crate::run::Scope;
use crate::{Agent, AgentError, AgentSpec, RunContext, ToolBindings};
use memory::{Memory, workflow_engine};
use minijinja::Environment;
use nex_trajectory::{StopReason, Trajectory};
use record::Log;
use run::Runner;
use std::collections::HashMap;
use std::sync::Arc;

/// A workflow, ready to run. Cloning it is cheap.
#[derive(Clone)]
pub struct Workflow {
    compiled: Arc<CompiledWorkflow>,
}

struct CompiledWorkflow {
    spec: WorkflowSpec,
    /// By the place that they work at.
    agents: HashMap<String, Agent>,
    engine: Environment<'static>,
}

impl Workflow {
    /// Compiles `spec` and its agents.
    ///
    /// # Errors
    /// [`AgentError::Workflow`] with all that is wrong with the workflow, or an agent is wrong.
    pub fn compile(spec: WorkflowSpec, bindings: &ToolBindings) -> Result<Self, AgentError> {
        let faults = spec.faults();
        if !faults.is_empty() {
            return Err(AgentError::Workflow { workflow: spec.name, faults });
        }
        let mut agents: HashMap<String, Agent> = HashMap::new();
        // An agent that works at several places is compiled once.
        let mut known: Vec<(&Arc<AgentSpec>, Agent)> = Vec::new();
        for (place, assignment) in spec.assignments() {
            let agent = match known.iter().find(|(spec, _)| Arc::ptr_eq(spec, &assignment.agent)) {
                Some((_, agent)) => agent.clone(),
                None => {
                    let agent = Agent::compile(AgentSpec::clone(&assignment.agent), bindings)?;
                    known.push((&assignment.agent, agent.clone()));
                    agent
                }
            };
            agents.insert(place, agent);
        }
        drop(known);
        Ok(Self { compiled: Arc::new(CompiledWorkflow { spec, agents, engine: workflow_engine() }) })
    }

    /// The workflow as data.
    pub fn spec(&self) -> &WorkflowSpec {
        &self.compiled.spec
    }

    /// Runs it on `task`. Like [`Agent::run`], it never fails.
    pub async fn run(&self, task: &str, context: RunContext) -> Trajectory {
        let workflow = &*self.compiled;
        let context = Arc::new(context);
        let limits = workflow.spec.limits.with(&context.limits);
        let outer = Scope::outer(context, limits);
        let runner = Runner { workflow, outer: &outer };
        let mut memory = Memory::new(task, &workflow.spec.state);
        let mut log = Log::default();
        let ending = match runner.stages(&workflow.spec.stages, "", &mut memory, &mut log).await {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(StopReason::DeadEnd {
                stage: workflow.spec.name.clone(),
                cause: "no stage gave an answer".to_owned(),
            }),
            Err(stop) => Err(stop),
        };
        log.finish(outer.id.clone(), &workflow.spec.name, task, ending)
    }
}

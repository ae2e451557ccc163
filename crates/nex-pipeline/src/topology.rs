//! [`Topology`] of a run: its worlds and its agents as the report draws them.

use nex_agent::{AgentSpec, RunnableSpec, WorkflowSpec};
use nex_gym::Harness;
use nex_trajectory::run::{AgentShape, Topology, WorldShape};
use std::sync::Arc;

/// The shapes of `harnesses` (as they are in the first world) and of `worlds`.
pub(crate) fn topology(harnesses: &[(Arc<Harness>, Arc<RunnableSpec>)], worlds: Vec<WorldShape>) -> Topology {
    let mut agents = Vec::new();
    for (harness, spec) in harnesses {
        match &**spec {
            RunnableSpec::Agent(agent) => add_agent(&mut agents, harness.name(), agent, None),
            RunnableSpec::Pipeline(pipeline) => {
                let mut before = None;
                for stage in &pipeline.stages {
                    add_agent(&mut agents, harness.name(), &stage.agent, before.as_deref());
                    before = Some(stage.agent.name.clone());
                }
            }
            RunnableSpec::Workflow(workflow) => add_workflow(&mut agents, harness.name(), workflow),
        }
    }
    Topology { agents, worlds }
}

/// The agents of a workflow, each under the first that a run may come from.
fn add_workflow(agents: &mut Vec<AgentShape>, harness: &str, workflow: &WorkflowSpec) {
    let graph = workflow.graph();
    let agent_of =
        |id: &str| graph.nodes.iter().find(|node| node.id == id).and_then(|node| node.agent.as_deref());
    for (place, assignment) in workflow.assignments() {
        let before = graph.edges.iter().filter(|edge| edge.to == place).find_map(|edge| agent_of(&edge.from));
        add_agent(agents, harness, &assignment.agent, before);
    }
}

fn add_agent(agents: &mut Vec<AgentShape>, harness: &str, agent: &AgentSpec, parent: Option<&str>) {
    agents.push(AgentShape {
        harness: harness.to_owned(),
        name: agent.name.clone(),
        description: agent.description.clone(),
        parent: parent.map(str::to_owned),
        tools: agent.tools.iter().map(|tool| tool.name.clone()).collect(),
    });
    for sub in &agent.sub_agents {
        add_agent(agents, harness, &sub.agent, Some(&agent.name));
    }
}

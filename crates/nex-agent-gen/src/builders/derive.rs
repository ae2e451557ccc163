//! From the files of a framework back to its plan: what the manifest says of agents and world.

use super::agent_draft::AgentDraft;
use crate::framework::{AgentPlan, Duty, FrameworkPlan, WorkflowPattern};
use crate::world::{Complexity, PlannedEntity, PlannedOperation, PlannedPolicy, Shape, WorldPlan, domains};
use nex_agent::workflow::{Chooser, Work};
use nex_agent::{RunnableSpec, WorkflowSpec};
use nex_world::World;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The plan of `agents`, which `spec` runs: the one that leads first, or in the order in which they run.
pub(super) fn framework_plan(
    spec: &RunnableSpec,
    agents: &[&AgentDraft],
    pattern: WorkflowPattern,
    world: &World,
) -> FrameworkPlan {
    let mut order: Vec<&AgentDraft> = Vec::new();
    let mut waiting: VecDeque<String> = entries(spec).into();
    while let Some(name) = waiting.pop_front() {
        let Some(draft) = agents.iter().find(|draft| draft.name == name) else { continue };
        if order.iter().any(|known| known.name == name) {
            continue;
        }
        order.push(draft);
        waiting.extend(draft.sub_agents.iter().cloned());
    }
    // Whatever nothing leads to stays in the plan, so that the check finds it.
    for draft in agents {
        if !order.iter().any(|known| known.name == draft.name) {
            order.push(draft);
        }
    }
    let roles = roles(spec);
    let place = |name: &String| order.iter().position(|draft| draft.name == *name);
    let plans = order
        .iter()
        .enumerate()
        .map(|(at, draft)| AgentPlan {
            name: draft.name.clone(),
            duty: roles.get(&draft.name).copied().unwrap_or_else(|| duty(draft, at == 0, world)),
            description: draft.description.clone(),
            operations: draft.tools.clone(),
            sub_agents: draft.sub_agents.iter().filter_map(place).collect(),
            prompt: draft.whole_prompt(world),
        })
        .collect();
    FrameworkPlan { pattern, world: world.name().to_owned(), agents: plans }
}

/// The agents that `spec` itself runs, in order.
fn entries(spec: &RunnableSpec) -> Vec<String> {
    match spec {
        RunnableSpec::Agent(agent) => vec![agent.name.clone()],
        RunnableSpec::Pipeline(pipeline) => {
            pipeline.stages.iter().map(|stage| stage.agent.name.clone()).collect()
        }
        RunnableSpec::Workflow(workflow) => {
            workflow.assignments().iter().map(|(_, assignment)| assignment.agent.name.clone()).collect()
        }
    }
}

/// Duties that follow from the place in a workflow.
fn roles(spec: &RunnableSpec) -> BTreeMap<String, Duty> {
    let mut found = BTreeMap::new();
    let RunnableSpec::Workflow(workflow) = spec else { return found };
    for stage in &workflow.stages {
        stage.walk(&mut |stage| match &stage.work {
            Work::Router(router) => {
                if let Chooser::Agent(assignment) = &router.chooser {
                    found.insert(assignment.agent.name.clone(), Duty::Router);
                }
            }
            Work::Vote(vote) => {
                for voter in &vote.voters {
                    found.insert(voter.assignment.agent.name.clone(), Duty::Voter);
                }
            }
            _ => {}
        });
    }
    found
}

fn duty(draft: &AgentDraft, is_first: bool, world: &World) -> Duty {
    if !draft.sub_agents.is_empty() {
        return if is_first { Duty::Lead } else { Duty::Head };
    }
    let writes: Vec<bool> =
        draft.tools.iter().filter_map(|tool| Some(world.operation(tool)?.kind.is_write())).collect();
    match (writes.contains(&true), writes.contains(&false)) {
        (true, true) => Duty::Specialist,
        (true, false) => Duty::Changer,
        (false, true) => Duty::Reader,
        (false, false) => Duty::Reporter,
    }
}

/// Whether `workflow` has the construct by which `pattern` is known; if not, what is missing.
pub(super) fn lacks_construct(workflow: &WorkflowSpec, pattern: WorkflowPattern) -> Option<&'static str> {
    let mut kinds: BTreeSet<&'static str> = BTreeSet::new();
    for stage in &workflow.stages {
        stage.walk(&mut |stage| {
            kinds.insert(stage.kind());
            if stage.when.is_some() {
                kinds.insert("when");
            }
            if stage.writes.is_some() {
                kinds.insert("writes");
            }
        });
    }
    let has = |kind: &str| kinds.contains(kind);
    match pattern {
        WorkflowPattern::ConditionalPhases if !has("when") => Some("a stage with `when`"),
        WorkflowPattern::Router if !has("router") => Some("a stage with `router`"),
        WorkflowPattern::MapReduce if !has("map") && !has("parallel") => {
            Some("a stage with `map` or `parallel`")
        }
        WorkflowPattern::PlanExecute if !has("map") && !has("loop") => Some("a stage with `map` or `loop`"),
        WorkflowPattern::CriticReviser if !has("loop") => Some("a stage with `loop`"),
        WorkflowPattern::DebateVote if !has("vote") => Some("a stage with `vote`"),
        WorkflowPattern::Blackboard if !has("writes") => Some("stages with `writes`"),
        _ => None,
    }
}

/// What `world` is made of.
pub(super) fn world_plan(world: &World) -> WorldPlan {
    let shape = world.shape();
    let entities = shape
        .entities
        .iter()
        .map(|entity| PlannedEntity {
            role: None,
            name: entity.name.clone(),
            fields: world.schema().entity_named(&entity.name).map_or(0, |known| known.fields.len()),
            refers_to: entity.references.clone(),
        })
        .collect::<Vec<_>>();
    let operations: Vec<PlannedOperation> = shape
        .operations
        .iter()
        .map(|operation| PlannedOperation {
            name: operation.name.clone(),
            family: operation.kind.clone(),
            kind: operation.kind.clone(),
        })
        .collect();
    let policies = world
        .policies()
        .iter()
        .map(|policy| PlannedPolicy {
            id: policy.id.clone(),
            family: "written".to_owned(),
            is_enforced: policy.enforce,
        })
        .collect();
    let dynamics = match serde_json::to_value(world.dynamics()) {
        Ok(serde_json::Value::Object(keys)) => keys.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let level = match operations.len() {
        0..=10 => 1,
        11..=15 => 2,
        16..=20 => 3,
        21..=27 => 4,
        _ => 5,
    };
    let domain = world.domain().to_owned();
    let family = domains().iter().find(|known| known.id == domain).map(|known| known.family.clone());
    WorldPlan {
        family: family.unwrap_or_else(|| domain.clone()),
        domain,
        complexity: Complexity::new(level).unwrap_or_default(),
        shape: graph_shape(&entities),
        remedies: world
            .operations()
            .iter()
            .map(|operation| operation.requires.iter().filter(|require| require.remedy.is_some()).count())
            .sum(),
        entities,
        operations,
        policies,
        dynamics,
        attempts: 1,
    }
}

/// The shape of the graph of references, in the words of composed worlds.
fn graph_shape(entities: &[PlannedEntity]) -> Shape {
    let most_out = entities.iter().map(|entity| entity.refers_to.len()).max().unwrap_or(0);
    let referred = |name: &String| entities.iter().filter(|entity| entity.refers_to.contains(name)).count();
    let most_in = entities.iter().map(|entity| referred(&entity.name)).max().unwrap_or(0);
    let hubs = entities.iter().filter(|entity| entity.refers_to.len() > 1).count();
    match (most_out, most_in, hubs) {
        (0..=1, 0..=1, _) => Shape::Chain,
        (0..=1, _, _) => Shape::Tree,
        (_, _, 1) => Shape::Star,
        _ => Shape::Mesh,
    }
}

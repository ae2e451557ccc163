//! [`FrameworkPlan`]: the agents of a framework as data.

use super::desks::{Access, Desk, reading, share_out};
use super::names::Names;
use super::{WorkflowPattern, prompt};
use nex_trajectory::run::WorldShape;
use nex_world::World;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The agents of a framework as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkPlan {
    /// How they work together.
    pub pattern: WorkflowPattern,
    /// The world that they act in.
    pub world: String,
    /// The agents. Where one of them leads, it is the first; otherwise they stand as they run.
    pub agents: Vec<AgentPlan>,
}

/// One agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPlan {
    /// Its name: unique in the framework, letters, digits and `_`.
    pub name: String,
    /// What it is there for.
    pub duty: Duty,
    /// What its parent is told of it.
    pub description: String,
    /// Operations of the world that are its tools.
    pub operations: Vec<String>,
    /// Indices of the agents that it may call.
    pub sub_agents: Vec<usize>,
    /// Its system prompt, a Jinja template over `world_title`, `role`, `policies` and `sub_agents`.
    pub prompt: String,
}

/// What an agent is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Takes the request, hands out the work, answers.
    Lead,
    /// Leads one area for the lead.
    Head,
    /// Looks records up.
    Reader,
    /// Changes records.
    Changer,
    /// Does both.
    Specialist,
    /// Checks what others did, by reading.
    Auditor,
    /// Puts what was found into the answer.
    Reporter,
    /// Says who, or which phases, the request needs.
    Router,
    /// Cuts the request into parts or steps.
    Planner,
    /// Judges the work of another, and approves it or says what is wrong.
    Critic,
    /// Looks, argues, and votes on what is to be done.
    Voter,
}

/// Why there is no such framework.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The pattern does not go with so many agents.
    #[error("{pattern} takes {least} to {most} agents, not {asked}")]
    AgentCount {
        /// The pattern.
        pattern: WorkflowPattern,
        /// Its least number of agents.
        least: usize,
        /// Its greatest number of agents.
        most: usize,
        /// The number that was asked for.
        asked: usize,
    },
    /// The world has no operations to hand out.
    #[error("the world `{0}` has no operations, so its agents would have nothing to do")]
    NoOperations(String),
}

/// Plans a framework of `pattern` with about `agents` agents for `world`; fewer where the world has
/// too few operations to go round.
///
/// # Errors
/// The pattern does not take so many agents, or the world has no operations.
pub fn plan_framework(
    world: &World,
    pattern: WorkflowPattern,
    agents: usize,
    seed: u64,
) -> Result<FrameworkPlan, PlanError> {
    let counts = pattern.agent_counts();
    if !counts.contains(&agents) {
        let (least, most) = (*counts.start(), *counts.end());
        return Err(PlanError::AgentCount { pattern, least, most, asked: agents });
    }
    let shape = world.shape();
    if shape.operations.is_empty() {
        return Err(PlanError::NoOperations(shape.name));
    }
    let mut planner = Planner {
        shape: &shape,
        rng: ChaCha8Rng::seed_from_u64(seed),
        names: Names::default(),
        agents: Vec::new(),
    };
    match pattern {
        WorkflowPattern::SingleAgent => planner.single(),
        WorkflowPattern::HubAndSpoke => planner.hub_and_spoke(agents),
        WorkflowPattern::TwoLayers => planner.two_layers(agents),
        WorkflowPattern::ThreeLayers => planner.three_layers(agents),
        WorkflowPattern::Sequential => planner.sequential(agents),
        WorkflowPattern::ConditionalPhases => planner.conditional_phases(agents),
        WorkflowPattern::Router => planner.router(agents),
        WorkflowPattern::MapReduce | WorkflowPattern::PlanExecute => planner.planned(agents),
        WorkflowPattern::CriticReviser => planner.critic_reviser(agents),
        WorkflowPattern::DebateVote => planner.debate_vote(agents),
        WorkflowPattern::Blackboard => planner.blackboard(agents),
    }
    let Planner { mut rng, agents: mut plans, .. } = planner;
    prompt::write_all(&mut plans, pattern, &mut rng);
    Ok(FrameworkPlan { pattern, world: shape.name, agents: plans })
}

impl FrameworkPlan {
    /// From which agent work goes to which, as indices: delegation where an agent leads, else the
    /// ways that the runtime takes.
    pub fn edges(&self) -> Vec<(usize, usize)> {
        let of = |duty: Duty| self.agents.iter().position(|agent| agent.duty == duty);
        let last = self.agents.len().saturating_sub(1);
        let chain = |from: usize, to: usize| (from..to).map(|at| (at, at + 1)).collect::<Vec<_>>();
        match self.pattern {
            WorkflowPattern::Router => (1..=last).map(|desk| (0, desk)).collect(),
            WorkflowPattern::ConditionalPhases => {
                (1..last).flat_map(|desk| [(0, desk), (desk, last)]).collect()
            }
            WorkflowPattern::DebateVote => (0..last).map(|voter| (voter, last)).collect(),
            WorkflowPattern::CriticReviser => {
                let mut edges = chain(0, last);
                edges.extend(of(Duty::Critic).map(|critic| (critic, 0)));
                edges
            }
            // Round and round, until the report.
            WorkflowPattern::Blackboard if last > 1 => {
                let mut edges = chain(0, last);
                edges.push((last - 1, 0));
                edges
            }
            pattern if pattern.is_fixed() => chain(0, last),
            _ => {
                let agents = self.agents.iter().enumerate();
                agents.flat_map(|(at, agent)| agent.sub_agents.iter().map(move |sub| (at, *sub))).collect()
            }
        }
    }

    /// Levels of delegation: 1 for a single agent or a sequence of them.
    pub fn depth(&self) -> usize {
        fn below(plan: &FrameworkPlan, index: usize) -> usize {
            1 + plan.agents[index].sub_agents.iter().map(|sub| below(plan, *sub)).max().unwrap_or(0)
        }
        (0..self.agents.len()).map(|index| below(self, index)).max().unwrap_or(0)
    }
}

pub(super) struct Planner<'a> {
    pub(super) shape: &'a WorldShape,
    pub(super) rng: ChaCha8Rng,
    pub(super) names: Names,
    agents: Vec<AgentPlan>,
}

impl Planner<'_> {
    pub(super) fn add(
        &mut self,
        name: String,
        duty: Duty,
        description: String,
        operations: Vec<String>,
    ) -> usize {
        let (sub_agents, prompt) = (Vec::new(), String::new());
        self.agents.push(AgentPlan { name, duty, description, operations, sub_agents, prompt });
        self.agents.len() - 1
    }

    pub(super) fn all_operations(&self) -> Vec<String> {
        self.shape.operations.iter().map(|operation| operation.name.clone()).collect()
    }

    fn single(&mut self) {
        let operations = self.all_operations();
        let name = self.names.one("assistant".to_owned());
        self.add(
            name,
            Duty::Specialist,
            "Answers requests with all tools of its world.".to_owned(),
            operations,
        );
    }

    fn hub_and_spoke(&mut self, count: usize) {
        let name = self.names.hub(&mut self.rng);
        let description = "Takes the request, looks records up, and hands changes to its spokes.".to_owned();
        let hub = self.add(name, Duty::Lead, description, reading(self.shape));
        self.specialists(hub, count - 1);
    }

    fn two_layers(&mut self, count: usize) {
        let name = self.names.lead(&mut self.rng);
        let lead = self.add(
            name,
            Duty::Lead,
            "Takes the request, hands out the work, answers.".to_owned(),
            Vec::new(),
        );
        self.specialists(lead, count - 1);
    }

    fn three_layers(&mut self, count: usize) {
        let name = self.names.lead(&mut self.rng);
        let lead =
            self.add(name, Duty::Lead, "Takes the request, leads the heads, answers.".to_owned(), Vec::new());
        // A head for about every three specialists, and two at least.
        let heads = ((count - 1) / 4).max(2);
        let mut desks = share_out(self.shape, count - 1 - heads);
        let heads = heads.min(desks.len());
        // Desks of one entity sit under one head.
        desks.sort_by(|left, right| left.entities.cmp(&right.entities));
        let per_head = desks.len().div_ceil(heads);
        for area in desks.chunks(per_head) {
            let entity = area[0].entities[0].clone();
            let name = self.names.head(&entity, &mut self.rng);
            let mut entities: Vec<&String> = area.iter().flat_map(|desk| &desk.entities).collect();
            entities.dedup();
            let description = format!("Leads all work on {} records.", spoken(&listed(&entities)));
            let head = self.add(name, Duty::Head, description, Vec::new());
            self.agents[lead].sub_agents.push(head);
            for desk in area {
                self.desk(head, desk);
            }
        }
        self.fill_up(lead, count);
    }

    fn specialists(&mut self, parent: usize, count: usize) {
        for desk in share_out(self.shape, count) {
            self.desk(parent, &desk);
        }
        self.fill_up(parent, count + 1);
    }

    /// Where the world has too few operations to go round, one more duty makes sense.
    fn fill_up(&mut self, parent: usize, count: usize) {
        if self.agents.len() < count {
            let name = self.names.one("auditor".to_owned());
            let description = "Checks by reading that what was done is what was asked for.".to_owned();
            let auditor = self.add(name, Duty::Auditor, description, reading(self.shape));
            self.agents[parent].sub_agents.push(auditor);
        }
    }

    fn desk(&mut self, parent: usize, desk: &Desk) {
        let name = self.names.desk(desk, &mut self.rng);
        let (duty, verb) = match desk.access {
            Access::Reads => (Duty::Reader, "Looks up"),
            Access::Changes => (Duty::Changer, "Changes"),
            Access::Both => (Duty::Specialist, "Looks up and changes"),
        };
        let description =
            format!("{verb} {} records, with {}.", spoken(&listed(&desk.entities)), listed(&desk.operations));
        let index = self.add(name, duty, description, desk.operations.clone());
        self.agents[parent].sub_agents.push(index);
    }
}

/// A name as people say it.
pub(super) fn spoken(name: &str) -> String {
    name.replace('_', " ")
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(names: &[impl AsRef<str>]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., last] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", rest.join(", "), last.as_ref())
        }
    }
}

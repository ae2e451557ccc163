//! A workflow as data: [`WorkflowSpec`], its stages and what each of them does.

use crate::{AgentSpec, Limits, PipelineSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A fixed workflow, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowSpec {
    /// Its name, in records.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// What the blackboard holds at the start.
    #[serde(default)]
    pub state: Map<String, Value>,
    /// The stages, in order; at least one.
    pub stages: Vec<WorkflowStage>,
    /// Bounds of the whole; only `token_budget`, `timeout`, `max_tool_calls` and `max_depth` count.
    #[serde(default)]
    pub limits: Limits,
    /// Agents that one run may start at the very most, every loop and list counted full.
    #[serde(default = "default_max_runs")]
    pub max_runs: u32,
    /// The file it came from, for messages.
    #[serde(default)]
    pub source: String,
}

/// One stage: an agent, or stages put together by a construct.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkflowStage {
    /// Its name, unique in the workflow: in ids, and in `answers`.
    pub name: String,
    /// An expression; the stage is skipped where it does not hold.
    #[serde(default)]
    pub when: Option<String>,
    /// Without its answer the workflow goes on.
    #[serde(default)]
    pub is_optional: bool,
    /// The key of the blackboard that its answer is written to.
    #[serde(default)]
    pub writes: Option<String>,
    /// The answer is added to the list under that key (a map's answers one by one).
    #[serde(default)]
    pub is_appending: bool,
    /// What it does.
    pub work: Work,
}

/// What a stage does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// One agent; its answer is the stage's.
    Agent(Assignment),
    /// Stages in order; the last answer is the stage's.
    Sequence(Vec<WorkflowStage>),
    /// One of several branches; the label chosen is the stage's answer.
    Router(Router),
    /// Branches at the same time; their answers in declared order are the stage's.
    Parallel(Parallel),
    /// Stages for each item of a list; the answers in the list's order are the stage's.
    Map(MapOver),
    /// Stages again and again.
    Loop(LoopUntil),
    /// Several answers to one question, and one of them chosen.
    Vote(Vote),
}

/// An agent and what it is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assignment {
    /// Who does it.
    pub agent: Arc<AgentSpec>,
    /// Template of what the agent is told, over `task`, `previous`, `answers` and `state`.
    #[serde(default)]
    pub instruction: Option<String>,
}

/// Picks exactly one branch by its label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Router {
    /// What says the label.
    pub chooser: Chooser,
    /// The branches; labels are distinct, also without regard to case.
    pub branches: Vec<Branch>,
    /// What is done where the label names no branch; without it the workflow ends there.
    #[serde(default)]
    pub otherwise: Option<Box<WorkflowStage>>,
}

/// What says the label of a router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chooser {
    /// An agent's answer.
    Agent(Assignment),
    /// An expression.
    Rule(String),
}

/// One branch of a router.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// What the chooser must say.
    pub label: String,
    /// What is done then.
    pub stage: WorkflowStage,
}

/// Branches that do not see each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parallel {
    /// The branches.
    pub branches: Vec<WorkflowStage>,
    /// How many run at the same time.
    #[serde(default = "default_max_running")]
    pub max_running: u32,
}

/// Stages for each item of a list. They see the item as `item` and its number, from 1, as `index`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapOver {
    /// An expression that gives a list, or text that is a JSON list or one item a line.
    pub over: String,
    /// Items that are worked on; the rest is left out, and the record says so.
    pub max_items: u32,
    /// One item after the other, each seeing what those before wrote.
    #[serde(default)]
    pub is_in_order: bool,
    /// What is done for each.
    pub stages: Vec<WorkflowStage>,
    /// How many run at the same time.
    #[serde(default = "default_max_running")]
    pub max_running: u32,
}

/// Stages again and again. They see the number of the round, from 1, as `round`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoopUntil {
    /// One round.
    pub stages: Vec<WorkflowStage>,
    /// An expression, looked at after each round; the loop ends where it holds.
    pub until: String,
    /// Rounds at the most.
    pub max_rounds: u32,
    /// The stage whose last answer is the loop's; the last answer of all where it is none.
    #[serde(default)]
    pub answer: Option<String>,
}

/// Several answers to one question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vote {
    /// Who answers; at least two.
    pub voters: Vec<Voter>,
    /// What may be answered; any answer's last line where it is empty.
    #[serde(default)]
    pub labels: Vec<String>,
    /// Rounds; from the second on each voter sees the others' last answers.
    pub rounds: u32,
    /// Who decides a tie; without it the label declared first, or given first, wins.
    #[serde(default)]
    pub judge: Option<Assignment>,
    /// The judge decides always, having seen all answers.
    #[serde(default)]
    pub is_judged: bool,
    /// How many run at the same time.
    #[serde(default = "default_max_running")]
    pub max_running: u32,
}

/// One voter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voter {
    /// Its name in records.
    pub name: String,
    /// Who it is.
    pub assignment: Assignment,
}

pub(crate) const DEFAULT_MAX_RUNS: u32 = 1_000;
pub(crate) const DEFAULT_MAX_RUNNING: u32 = 5;

fn default_max_runs() -> u32 {
    DEFAULT_MAX_RUNS
}

fn default_max_running() -> u32 {
    DEFAULT_MAX_RUNNING
}

impl WorkflowSpec {
    /// The agents of the stages in the order of the file, each with the place that it works at:
    /// the stage, and in votes the voter.
    pub fn assignments(&self) -> Vec<(String, &Assignment)> {
        let mut found = Vec::new();
        for stage in &self.stages {
            stage.walk(&mut |stage| stage.own_assignments(&mut found));
        }
        found
    }

    /// The workflow with `change` made to each agent of a stage.
    #[must_use]
    pub fn map_agents(mut self, change: &mut impl FnMut(&AgentSpec) -> AgentSpec) -> Self {
        for stage in &mut self.stages {
            stage.for_each_assignment(&mut |assignment| {
                assignment.agent = Arc::new(change(&assignment.agent));
            });
        }
        self
    }
}

impl From<PipelineSpec> for WorkflowSpec {
    /// The workflow that runs as `pipeline` does and leaves the same record.
    fn from(pipeline: PipelineSpec) -> Self {
        let stages = pipeline.stages.into_iter().map(|stage| WorkflowStage {
            name: stage.name,
            when: None,
            is_optional: false,
            writes: None,
            is_appending: false,
            work: Work::Agent(Assignment { agent: stage.agent, instruction: stage.instruction }),
        });
        let stages: Vec<WorkflowStage> = stages.collect();
        Self {
            name: pipeline.name,
            description: pipeline.description,
            state: Map::new(),
            max_runs: DEFAULT_MAX_RUNS.max(u32::try_from(stages.len()).unwrap_or(u32::MAX)),
            stages,
            limits: pipeline.limits,
            source: pipeline.source,
        }
    }
}

impl WorkflowStage {
    /// A stage that is `agent` at work.
    pub fn agent(name: impl Into<String>, agent: AgentSpec) -> Self {
        let work = Work::Agent(Assignment { agent: Arc::new(agent), instruction: None });
        Self { name: name.into(), when: None, is_optional: false, writes: None, is_appending: false, work }
    }

    /// Calls `visit` on this stage and all within it, outer ones first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a WorkflowStage)) {
        visit(self);
        for stage in self.inner() {
            stage.walk(visit);
        }
    }

    /// The stages directly within it.
    pub fn inner(&self) -> Vec<&WorkflowStage> {
        match &self.work {
            Work::Agent(_) | Work::Vote(_) => Vec::new(),
            Work::Sequence(stages) => stages.iter().collect(),
            Work::Router(router) => router
                .branches
                .iter()
                .map(|branch| &branch.stage)
                .chain(router.otherwise.as_deref())
                .collect(),
            Work::Parallel(parallel) => parallel.branches.iter().collect(),
            Work::Map(map) => map.stages.iter().collect(),
            Work::Loop(rounds) => rounds.stages.iter().collect(),
        }
    }

    /// The word for what it does.
    pub fn kind(&self) -> &'static str {
        match &self.work {
            Work::Agent(_) => "agent",
            Work::Sequence(_) => "sequence",
            Work::Router(_) => "router",
            Work::Parallel(_) => "parallel",
            Work::Map(_) => "map",
            Work::Loop(_) => "loop",
            Work::Vote(_) => "vote",
        }
    }

    fn own_assignments<'a>(&'a self, found: &mut Vec<(String, &'a Assignment)>) {
        match &self.work {
            Work::Agent(assignment) => found.push((self.name.clone(), assignment)),
            Work::Router(Router { chooser: Chooser::Agent(assignment), .. }) => {
                found.push((self.name.clone(), assignment));
            }
            Work::Vote(vote) => {
                for voter in &vote.voters {
                    found.push((voter_place(&self.name, &voter.name), &voter.assignment));
                }
                if let Some(judge) = &vote.judge {
                    found.push((judge_place(&self.name), judge));
                }
            }
            _ => {}
        }
    }

    fn for_each_assignment(&mut self, change: &mut dyn FnMut(&mut Assignment)) {
        match &mut self.work {
            Work::Agent(assignment) => change(assignment),
            Work::Sequence(stages) => stages.iter_mut().for_each(|stage| stage.for_each_assignment(change)),
            Work::Router(router) => {
                if let Chooser::Agent(assignment) = &mut router.chooser {
                    change(assignment);
                }
                for stage in
                    router.branches.iter_mut().map(|b| &mut b.stage).chain(router.otherwise.as_deref_mut())
                {
                    stage.for_each_assignment(change);
                }
            }
            Work::Parallel(parallel) => {
                parallel.branches.iter_mut().for_each(|stage| stage.for_each_assignment(change));
            }
            Work::Map(map) => map.stages.iter_mut().for_each(|stage| stage.for_each_assignment(change)),
            Work::Loop(rounds) => {
                rounds.stages.iter_mut().for_each(|stage| stage.for_each_assignment(change))
            }
            Work::Vote(vote) => {
                vote.voters.iter_mut().for_each(|voter| change(&mut voter.assignment));
                vote.judge.iter_mut().for_each(change);
            }
        }
    }
}

/// Where voter `voter` of stage `stage` works.
pub(crate) fn voter_place(stage: &str, voter: &str) -> String {
    format!("{stage}/{voter}")
}

/// Where the judge of stage `stage` works; no voter can have this name.
pub(crate) fn judge_place(stage: &str) -> String {
    format!("{stage}[judge]")
}

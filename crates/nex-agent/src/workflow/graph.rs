//! The nodes and edges of a workflow as data, for pictures and reports: [`WorkflowGraph`].
//!
//! Nodes are `start`, `end`, the agents of the stages, and routers that decide by a rule. An edge
//! is a way that a run may go, with the condition or label under which it goes there. Sub-agents
//! are not shown: they belong to their agent's own spec.

use super::spec::{
    Chooser, LoopUntil, Router, Vote, Work, WorkflowSpec, WorkflowStage, judge_place, voter_place,
};
use serde::{Deserialize, Serialize};

/// A workflow as nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowGraph {
    /// `start` first, then in the order of the file, `end` last.
    pub nodes: Vec<WorkflowNode>,
    /// In the order in which they are found; no two are equal.
    pub edges: Vec<WorkflowEdge>,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowNode {
    /// Unique: the stage's name, for voters `stage/voter`, for judges `stage[judge]`.
    pub id: String,
    /// `start`, `end`, `agent`, `router`, `voter` or `judge`.
    pub kind: String,
    /// The agent's name; none for `start`, `end` and rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

/// One edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowEdge {
    /// A node's id.
    pub from: String,
    /// A node's id.
    pub to: String,
    /// When the run goes this way; none for always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The ends of the ways so far: a node, and the label of the edge that will leave it.
type Frontier = Vec<(String, Option<String>)>;

impl WorkflowSpec {
    /// The workflow as nodes and edges.
    pub fn graph(&self) -> WorkflowGraph {
        let mut graph = WorkflowGraph::default();
        let start = graph.node("start", "start", None);
        let ends = graph.stages(&self.stages, vec![(start, None)]);
        let end = graph.node("end", "end", None);
        graph.connect(&ends, &end);
        graph
    }
}

impl WorkflowGraph {
    fn node(&mut self, id: &str, kind: &str, agent: Option<&str>) -> String {
        if !self.nodes.iter().any(|node| node.id == id) {
            let agent = agent.map(str::to_owned);
            self.nodes.push(WorkflowNode { id: id.to_owned(), kind: kind.to_owned(), agent });
        }
        id.to_owned()
    }

    fn connect(&mut self, frontier: &Frontier, to: &str) {
        for (from, label) in frontier {
            let edge = WorkflowEdge { from: from.clone(), to: to.to_owned(), label: label.clone() };
            if !self.edges.contains(&edge) {
                self.edges.push(edge);
            }
        }
    }

    fn stages(&mut self, stages: &[WorkflowStage], frontier: Frontier) -> Frontier {
        stages.iter().fold(frontier, |frontier, stage| self.stage(stage, frontier))
    }

    fn stage(&mut self, stage: &WorkflowStage, frontier: Frontier) -> Frontier {
        let mut past = Vec::new();
        let frontier = match &stage.when {
            Some(when) => {
                past = labelled(&frontier, &format!("not ({when})"));
                labelled(&frontier, when)
            }
            None => frontier,
        };
        let mut ends = match &stage.work {
            Work::Agent(assignment) => {
                let node = self.node(&stage.name, "agent", Some(&assignment.agent.name));
                self.connect(&frontier, &node);
                vec![(node, None)]
            }
            Work::Sequence(stages) => self.stages(stages, frontier),
            Work::Router(router) => self.router(router, &stage.name, &frontier),
            Work::Parallel(parallel) => {
                parallel.branches.iter().flat_map(|branch| self.stage(branch, frontier.clone())).collect()
            }
            Work::Map(map) => self.stages(&map.stages, labelled(&frontier, &format!("each of {}", map.over))),
            Work::Loop(rounds) => self.rounds(rounds, frontier),
            Work::Vote(vote) => self.vote(vote, &stage.name, &frontier),
        };
        for way in past {
            if !ends.contains(&way) {
                ends.push(way);
            }
        }
        ends
    }

    fn router(&mut self, router: &Router, name: &str, frontier: &Frontier) -> Frontier {
        let agent = match &router.chooser {
            Chooser::Agent(assignment) => Some(assignment.agent.name.as_str()),
            Chooser::Rule(_) => None,
        };
        let node = self.node(name, "router", agent);
        self.connect(frontier, &node);
        let mut ends = Vec::new();
        for branch in &router.branches {
            ends.extend(self.stage(&branch.stage, vec![(node.clone(), Some(branch.label.clone()))]));
        }
        if let Some(otherwise) = &router.otherwise {
            ends.extend(self.stage(otherwise, vec![(node, Some(super::run::OTHERWISE.to_owned()))]));
        }
        ends
    }

    fn rounds(&mut self, rounds: &LoopUntil, frontier: Frontier) -> Frontier {
        let ends = self.stages(&rounds.stages, frontier);
        // Once more from its own end: what is new are the edges that lead back.
        self.stages(&rounds.stages, labelled(&ends, &format!("not ({})", rounds.until)));
        ends
    }

    fn vote(&mut self, vote: &Vote, name: &str, frontier: &Frontier) -> Frontier {
        let mut ends = Vec::new();
        for voter in &vote.voters {
            let agent = Some(voter.assignment.agent.name.as_str());
            let node = self.node(&voter_place(name, &voter.name), "voter", agent);
            self.connect(frontier, &node);
            ends.push((node, None));
        }
        if vote.rounds > 1 {
            for (to, _) in &ends {
                let others: Frontier = ends.iter().filter(|(from, _)| from != to).cloned().collect();
                self.connect(&labelled(&others, "next round"), to);
            }
        }
        let Some(judge) = &vote.judge else { return ends };
        let node = self.node(&judge_place(name), "judge", Some(&judge.agent.name));
        if vote.is_judged {
            self.connect(&ends, &node);
            return vec![(node, None)];
        }
        self.connect(&labelled(&ends, "tie"), &node);
        ends.push((node, None));
        ends
    }
}

/// `frontier` with `label` on each way, after what is there.
fn labelled(frontier: &Frontier, label: &str) -> Frontier {
    let add = |before: &Option<String>| match before {
        Some(before) => format!("{before}; {label}"),
        None => label.to_owned(),
    };
    frontier.iter().map(|(node, before)| (node.clone(), Some(add(before)))).collect()
}

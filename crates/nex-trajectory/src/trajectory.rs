//! The trajectory: a message graph.
//!
//! Each [`Node`] stores only what it adds to its parent, so a long conversation costs its length
//! once. A path from the root to a leaf (a *branch*) is what a model saw and wrote in one go, and
//! is one training sample. Where a history is rewritten (compaction), the new history forks from
//! the last node it keeps. A sub-agent's trajectory hangs under the call that started it.
//!
//! Invariants: a node's parent comes before it; node 0 is the root; a child's `node` exists.

use crate::{CallId, Defect, Message, NodeId, Role, StopReason, Timing, ToolSpec, TrajectoryId, Turn};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The record of one agent at work, with those of its sub-agents.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trajectory {
    /// Unique within the episode.
    pub id: TrajectoryId,
    /// The agent's name.
    pub agent: String,
    /// The tools it was given, as declared to the model; shared by all runs of one agent.
    #[serde(default)]
    pub tools: Arc<Vec<ToolSpec>>,
    /// The messages, parents first.
    pub nodes: Vec<Node>,
    /// Sub-agents' trajectories, in the order in which they were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Child>,
    /// Why it ended.
    pub stop: StopReason,
    /// The answer given to whoever asked, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// One message in the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Node {
    /// The message before it; none for a root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<NodeId>,
    /// What it adds; shared with the conversation that the model sees, so it is kept once.
    pub message: Arc<Message>,
    /// The model call that made it, on assistant nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// When its calls ran, on tool nodes: one entry a result, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub call_timings: Vec<Timing>,
    /// The tokens it adds, where they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenSpan>,
    /// What was wrong in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
    /// It was written by the runtime (a summary, a copied answer), not sampled: never trained on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_synthetic: bool,
}

/// The tokens that a node adds, as they were served to or sampled from the model.
///
/// All vectors that are not empty have the length of `ids`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokenSpan {
    /// Token ids.
    pub ids: Vec<u32>,
    /// Behaviour log-probabilities in nats, of sampled tokens; 0 where `is_sampled` is false.
    /// Finite: whoever fills this replaces a server's -inf by a large negative number.
    #[serde(default, skip_serializing_if = "Vec::is_empty", serialize_with = "crate::number::all_finite")]
    #[schemars(with = "Vec<f32>")]
    pub logprobs: Vec<f32>,
    /// The model sampled this token: it takes part in the loss.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is_sampled: Vec<bool>,
    /// The token is content, not the template's scaffold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub is_content: Vec<bool>,
}

/// A sub-agent's trajectory and where it hangs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Child {
    /// The parent's node that started it.
    pub node: NodeId,
    /// The call in that node; none where a fixed pipeline started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// What it did.
    pub trajectory: Trajectory,
}

impl Node {
    /// A node that only adds `message` under `parent`.
    pub fn new(parent: Option<NodeId>, message: impl Into<Arc<Message>>) -> Self {
        Self {
            parent,
            message: message.into(),
            turn: None,
            call_timings: Vec::new(),
            tokens: None,
            defects: Vec::new(),
            is_synthetic: false,
        }
    }
}

impl Trajectory {
    /// An empty trajectory of `agent`; its stop reason is set when it ends.
    pub fn new(id: TrajectoryId, agent: impl Into<String>, tools: Arc<Vec<ToolSpec>>) -> Self {
        Self {
            id,
            agent: agent.into(),
            tools,
            nodes: Vec::new(),
            children: Vec::new(),
            stop: StopReason::Cancelled,
            answer: None,
        }
    }

    /// Adds `node` and gives its id.
    ///
    /// # Panics
    /// The parent does not exist: a bug in the caller.
    pub fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        assert!(node.parent.is_none_or(|p| p.index() < self.nodes.len()), "parent must come first");
        self.nodes.push(node);
        id
    }

    /// The nodes without a child: the ends of the branches, in order.
    pub fn leaves(&self) -> Vec<NodeId> {
        let mut has_child = vec![false; self.nodes.len()];
        for parent in self.nodes.iter().filter_map(|n| n.parent) {
            has_child[parent.index()] = true;
        }
        (0..self.nodes.len()).filter(|i| !has_child[*i]).map(|i| NodeId(i as u32)).collect()
    }

    /// The path from the root to `leaf`: one training sample.
    pub fn branch(&self, leaf: NodeId) -> Vec<&Node> {
        let mut path = Vec::new();
        let mut at = Some(leaf);
        while let Some(id) = at {
            let node = &self.nodes[id.index()];
            path.push(node);
            at = node.parent;
        }
        path.reverse();
        path
    }

    /// Calls `visit` on this trajectory and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Trajectory)) {
        visit(self);
        for child in &self.children {
            child.trajectory.walk(visit);
        }
    }

    /// Model replies in this trajectory and all below it.
    pub fn turn_count(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |t| {
            count += t.nodes.iter().filter(|n| n.message.role == Role::Assistant && !n.is_synthetic).count();
        });
        count
    }

    /// Tool calls in this trajectory and all below it.
    pub fn call_count(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |t| count += t.nodes.iter().map(|n| n.message.calls().count()).sum::<usize>());
        count
    }
}

//! The record of a workflow: [`WorkflowEvent`]s between its stages' trajectories.
//!
//! In: what happened, in an order that does not depend on which branch was faster. Out: a
//! trajectory without model turns of its own. Node 0 is the task; each event is a synthetic node
//! that holds it as JSON; a stage's trajectory hangs under the node that came before it; the last
//! node is the answer. A workflow that is agents in sequence has no events.

use nex_trajectory::{Child, Message, Node, NodeId, StopReason, Trajectory, TrajectoryId};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that the runtime decided between two stages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WorkflowEvent {
    /// A stage's condition did not hold.
    Skipped {
        /// The stage, by its place.
        stage: String,
        /// The condition.
        when: String,
    },
    /// An optional stage gave no answer.
    Passed {
        /// The stage, by its place.
        stage: String,
        /// The name of its stop reason.
        stop: String,
    },
    /// A router chose.
    Routed {
        /// The router, by its place.
        stage: String,
        /// The branch's label; none for `otherwise`.
        label: Option<String>,
    },
    /// The branches of a parallel stage begin.
    Forked {
        /// The stage, by its place.
        stage: String,
        /// How many.
        branches: usize,
    },
    /// The items of a map begin.
    Mapped {
        /// The stage, by its place.
        stage: String,
        /// How many are worked on.
        items: usize,
        /// How many the list holds beyond `max_items`.
        left_out: usize,
    },
    /// A loop ended.
    Looped {
        /// The loop, by its place.
        stage: String,
        /// Rounds that were run.
        rounds: u32,
        /// `condition` or `max_rounds`.
        stop: String,
    },
    /// A vote ended.
    Voted {
        /// The vote, by its place.
        stage: String,
        /// Each voter and what it voted for; none for one whose answer cannot be counted.
        ballots: Vec<(String, Option<String>)>,
        /// What won.
        winner: String,
        /// `majority`, `tie_order` or `judge`.
        by: String,
    },
}

impl WorkflowEvent {
    /// The events in the record of a workflow, in order.
    pub fn of(trajectory: &Trajectory) -> Vec<WorkflowEvent> {
        // The last node is the answer, which may look like anything.
        let end = trajectory.nodes.len() - usize::from(trajectory.answer.is_some());
        let synthetic = trajectory.nodes[..end].iter().filter(|node| node.is_synthetic);
        synthetic.filter_map(|node| serde_json::from_str(&node.message.text()).ok()).collect()
    }
}

/// What happened in a part of a run, in order.
#[derive(Default)]
pub(crate) struct Log {
    entries: Vec<Entry>,
}

enum Entry {
    Event(WorkflowEvent),
    Run(Box<Trajectory>),
}

impl Log {
    pub(crate) fn event(&mut self, event: WorkflowEvent) {
        self.entries.push(Entry::Event(event));
    }

    pub(crate) fn run(&mut self, trajectory: Trajectory) {
        self.entries.push(Entry::Run(Box::new(trajectory)));
    }

    pub(crate) fn append(&mut self, other: Log) {
        self.entries.extend(other.entries);
    }

    /// The latest run.
    pub(crate) fn last_run(&mut self) -> Option<&mut Trajectory> {
        self.entries.iter_mut().rev().find_map(|entry| match entry {
            Entry::Run(trajectory) => Some(&mut **trajectory),
            Entry::Event(_) => None,
        })
    }

    /// The record of workflow `name`, which ended with `ending`.
    pub(crate) fn finish(
        self,
        id: TrajectoryId,
        name: &str,
        task: &str,
        ending: Result<String, StopReason>,
    ) -> Trajectory {
        let mut trajectory = Trajectory::new(id, name, Arc::default());
        let mut last = trajectory.push(Node::new(None, Message::user(task)));
        for entry in self.entries {
            match entry {
                Entry::Event(event) => {
                    let text = serde_json::to_string(&event).expect("an event is plain data");
                    last = push_synthetic(&mut trajectory, last, text);
                }
                Entry::Run(run) => {
                    trajectory.children.push(Child { node: last, call_id: None, trajectory: *run });
                }
            }
        }
        match ending {
            Ok(answer) => {
                push_synthetic(&mut trajectory, last, answer.clone());
                trajectory.stop = StopReason::FinalAnswer;
                trajectory.answer = Some(answer);
            }
            Err(stop) => trajectory.stop = stop,
        }
        trajectory
    }
}

fn push_synthetic(trajectory: &mut Trajectory, parent: NodeId, text: String) -> NodeId {
    let mut node = Node::new(Some(parent), Message::assistant(text));
    node.is_synthetic = true;
    trajectory.push(node)
}

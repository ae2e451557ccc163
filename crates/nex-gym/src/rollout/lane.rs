//! [`Lane`]: assignments that queue behind each other, and the choice among lanes.

use crate::Assignment;
use indexmap::IndexMap;
use std::iter::Peekable;

/// Assignments of one world, with ascending indices; made as they are needed.
pub struct Lane {
    assignments: Peekable<Box<dyn Iterator<Item = Assignment> + Send>>,
    running: usize,
}

impl Lane {
    /// The lane of `assignments`, whose indices must ascend.
    pub fn new(assignments: impl Iterator<Item = Assignment> + Send + 'static) -> Self {
        let assignments: Box<dyn Iterator<Item = Assignment> + Send> = Box::new(assignments);
        Self { assignments: assignments.peekable(), running: 0 }
    }

    /// One lane for each world of `assignments`, in the order in which they appear.
    pub fn by_world(assignments: impl IntoIterator<Item = Assignment>) -> Vec<Self> {
        let mut worlds: IndexMap<String, Vec<Assignment>> = IndexMap::new();
        for assignment in assignments {
            worlds.entry(assignment.task.record.world.clone()).or_default().push(assignment);
        }
        worlds.into_values().map(|lane| Self::new(lane.into_iter())).collect()
    }
}

/// All lanes of a rollout.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    /// Where the search starts, so that lanes with equally many under way take turns.
    turn: usize,
}

impl Lanes {
    pub(crate) fn new(lanes: Vec<Lane>) -> Self {
        Self { lanes, turn: 0 }
    }

    /// The next assignment: of the lanes whose head `admits` lets through, from that with the
    /// fewest under way.
    pub(crate) fn next(&mut self, admits: impl Fn(u64) -> bool) -> Option<(usize, Assignment)> {
        let count = self.lanes.len();
        let mut best: Option<usize> = None;
        for offset in 0..count {
            let at = (self.turn + offset) % count;
            let is_ready = self.lanes[at].assignments.peek().is_some_and(|head| admits(head.index));
            if is_ready && best.is_none_or(|best| self.lanes[at].running < self.lanes[best].running) {
                best = Some(at);
            }
        }
        let at = best?;
        let assignment = self.lanes[at].assignments.next()?;
        self.lanes[at].running += 1;
        self.turn = (at + 1) % count;
        Some((at, assignment))
    }

    /// The least index that has not been taken.
    pub(crate) fn first_index(&mut self) -> Option<u64> {
        self.lanes.iter_mut().filter_map(|lane| Some(lane.assignments.peek()?.index)).min()
    }

    /// One assignment of lane number `lane` is done.
    pub(crate) fn finished(&mut self, lane: usize) {
        self.lanes[lane].running -= 1;
    }

    /// Whether every assignment has been taken.
    pub(crate) fn are_empty(&mut self) -> bool {
        self.lanes.iter_mut().all(|lane| lane.assignments.peek().is_none())
    }
}

//! One branch of one agent's trajectory, with where it comes from: one sample.

use nex_tool_formats::Sample;
use nex_trajectory::{Episode, NodeId, Role, StopReason, Trajectory};
use serde::Serialize;

/// One sample to be, borrowed from its episode.
#[derive(Clone, Debug)]
pub(super) struct Branch<'a> {
    pub(super) episode: &'a Episode,
    pub(super) trajectory: &'a Trajectory,
    pub(super) leaf: NodeId,
    pub(super) sample: Sample<'a>,
}

/// Where a sample comes from, as files name it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Source<'a> {
    pub(super) id: String,
    episode: &'a str,
    trajectory: &'a str,
    agent: &'a str,
    world: &'a str,
    language: &'a str,
    difficulty: &'a str,
    driver: &'a str,
    pub(super) reward: Option<f64>,
}

impl<'a> Branch<'a> {
    /// The branch of `trajectory`, which is one of `episode`'s, that ends at `leaf`.
    pub(super) fn of(episode: &'a Episode, trajectory: &'a Trajectory, leaf: NodeId) -> Self {
        Self { episode, trajectory, leaf, sample: Sample::from_branch(trajectory, leaf) }
    }

    /// The branches of `episode` in which a model wrote something: parents first, by leaf.
    pub(super) fn all_of(episode: &'a Episode) -> Vec<Self> {
        let mut branches = Vec::new();
        episode.trajectory.walk(&mut |trajectory| {
            branches.extend(trajectory.leaves().into_iter().filter_map(|leaf| {
                let branch = Self::of(episode, trajectory, leaf);
                // The root of a fixed pipeline holds the task and a copied answer: nothing was sampled.
                let is_sampled =
                    branch.sample.nodes.iter().any(|n| n.message.role == Role::Assistant && !n.is_synthetic);
                is_sampled.then_some(branch)
            }));
        });
        branches
    }

    /// Whether anyone may train on it.
    ///
    /// # Errors
    /// Its agent was stopped by a failure of the surroundings.
    pub(super) fn check(&self) -> Result<(), String> {
        match &self.trajectory.stop {
            StopReason::Infra(failure) => {
                Err(format!("its agent was stopped by a failure of the surroundings: {}", failure.kind))
            }
            _ => Ok(()),
        }
    }

    /// Unique in a dataset.
    pub(super) fn id(&self) -> String {
        format!("{}#{}", self.trajectory.id, self.leaf.0)
    }

    /// Task and agent: samples that may be compared with each other.
    pub(super) fn group(&self) -> String {
        format!("{}/{}", self.episode.task.id, self.trajectory.agent)
    }

    /// The episode's reward, where it was judged.
    pub(super) fn reward(&self) -> Option<f64> {
        self.episode.reward.as_ref().map(|reward| reward.total)
    }

    /// Where it comes from.
    pub(super) fn source(&self) -> Source<'a> {
        let Self { episode, trajectory, .. } = self;
        Source {
            id: self.id(),
            episode: episode.id.as_str(),
            trajectory: trajectory.id.as_str(),
            agent: &trajectory.agent,
            world: &episode.task.world,
            language: &episode.task.language,
            difficulty: &episode.task.difficulty,
            driver: &episode.driver,
            reward: self.reward(),
        }
    }
}

//! Which episodes a reader is shown: a few of each kind, the same ones every time.
//!
//! Kinds are world × outcome × harness × difficulty. Episodes are picked one by one, each time from
//! the kind whose world, outcome, harness and difficulty were met least so far, so that a run with
//! more kinds than places still shows every world and every way to fail. Within a kind the order is
//! that of a hash of the episode's id, so it does not depend on which finished first.

use nex_trajectory::{EpisodeId, Outcome};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};

/// What an episode is sampled by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    world: String,
    outcome: u8,
    harness: String,
    difficulty: String,
}

/// What the sampler reads of an episode; the rest of its record is passed over.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Sketch {
    pub(crate) id: EpisodeId,
    pub(crate) task: TaskSketch,
    pub(crate) harness: String,
    pub(crate) outcome: Outcome,
}

/// What the sampler reads of a task.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TaskSketch {
    pub(crate) world: String,
    pub(crate) difficulty: String,
}

/// The ids of a run's episodes by kind.
#[derive(Default)]
pub(crate) struct Sampler {
    kinds: BTreeMap<Kind, BTreeMap<[u8; 32], EpisodeId>>,
    offered: u64,
}

impl Sampler {
    /// Takes note of `episode`.
    pub(crate) fn offer(&mut self, episode: Sketch) {
        let kind = Kind {
            world: episode.task.world,
            outcome: match episode.outcome {
                Outcome::Success => 0,
                Outcome::Failure => 1,
                Outcome::Infra => 2,
                Outcome::Unscored => 3,
            },
            harness: episode.harness,
            difficulty: episode.task.difficulty,
        };
        self.offered += 1;
        self.kinds.entry(kind).or_default().insert(hash(episode.id.as_str()), episode.id);
    }

    /// How many were offered.
    pub(crate) fn offered(&self) -> u64 {
        self.offered
    }

    /// At most `places` ids, the most wanted first.
    pub(crate) fn pick(mut self, places: usize) -> Vec<EpisodeId> {
        let mut met: HashMap<(u8, String), u64> = HashMap::new();
        let mut taken: BTreeMap<Kind, u64> = BTreeMap::new();
        let mut picked = Vec::new();
        while picked.len() < places {
            let wanted = |kind: &Kind| {
                let met_before: u64 =
                    marks(kind).iter().map(|mark| met.get(mark).copied().unwrap_or(0)).sum();
                (taken.get(kind).copied().unwrap_or(0), met_before)
            };
            let Some(kind) = self.kinds.keys().min_by_key(|kind| wanted(kind)).cloned() else { break };
            for mark in marks(&kind) {
                *met.entry(mark).or_default() += 1;
            }
            let episodes = self.kinds.get_mut(&kind).expect("the key was just read");
            picked.extend(episodes.pop_first().map(|(_, id)| id));
            if episodes.is_empty() {
                self.kinds.remove(&kind);
            }
            *taken.entry(kind).or_default() += 1;
        }
        picked
    }
}

fn marks(kind: &Kind) -> [(u8, String); 4] {
    [
        (0, kind.world.clone()),
        (1, kind.outcome.to_string()),
        (2, kind.harness.clone()),
        (3, kind.difficulty.clone()),
    ]
}

fn hash(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(number: u32, world: &str, outcome: Outcome, difficulty: &str) -> Sketch {
        let task = TaskSketch { world: world.to_owned(), difficulty: difficulty.to_owned() };
        Sketch { id: EpisodeId::new(format!("e{number}")), task, harness: "single".to_owned(), outcome }
    }

    fn picked(sketches: &[Sketch], places: usize) -> Vec<String> {
        let mut sampler = Sampler::default();
        for sketch in sketches {
            sampler.offer(sketch.clone());
        }
        sampler.pick(places).into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn every_world_and_outcome_is_met_before_any_kind_comes_again() {
        let mut sketches: Vec<Sketch> =
            (0..500).map(|n| sketch(n, "bank", Outcome::Success, "easy")).collect();
        sketches.push(sketch(900, "bank", Outcome::Failure, "hard"));
        sketches.push(sketch(901, "clinic", Outcome::Infra, "easy"));
        let picked = picked(&sketches, 4);
        assert_eq!(picked.len(), 4);
        assert!(
            picked[..3].contains(&"e900".to_owned()) && picked[..3].contains(&"e901".to_owned()),
            "{picked:?}"
        );
    }

    #[test]
    fn with_fewer_places_than_kinds_each_value_is_still_met() {
        let mut sketches = Vec::new();
        for (number, world) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
            for (index, outcome) in
                [Outcome::Success, Outcome::Failure, Outcome::Infra].into_iter().enumerate()
            {
                for (level, difficulty) in ["easy", "medium", "hard"].into_iter().enumerate() {
                    let id = (number * 100 + index * 10 + level) as u32;
                    sketches.push(sketch(id, world, outcome, difficulty));
                }
            }
        }
        let picked = picked(&sketches, 6);
        let of = |id: &String| sketches.iter().find(|sketch| sketch.id.as_str() == id).expect("is there");
        let worlds: std::collections::BTreeSet<_> =
            picked.iter().map(|id| of(id).task.world.clone()).collect();
        let levels: std::collections::BTreeSet<_> =
            picked.iter().map(|id| of(id).task.difficulty.clone()).collect();
        assert_eq!((worlds.len(), levels.len()), (6, 3), "{picked:?}");
    }

    #[test]
    fn the_order_of_the_episodes_does_not_matter() {
        let mut sketches: Vec<Sketch> = (0..60)
            .map(|n| sketch(n, ["bank", "clinic"][n as usize % 2], Outcome::Success, "easy"))
            .collect();
        let forward = picked(&sketches, 20);
        sketches.reverse();
        assert_eq!(picked(&sketches, 20), forward);
        assert_eq!(picked(&sketches, 1_000).len(), 60);
        assert!(picked(&[], 5).is_empty());
    }
}

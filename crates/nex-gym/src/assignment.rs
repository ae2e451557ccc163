//! [`Assignment`]: one episode that is to be made, and its id.

use crate::{Environment, Harness};
use nex_trajectory::EpisodeId;
use nex_world::task::Task;
use std::sync::Arc;

/// One episode that is to be made.
#[derive(Clone)]
pub struct Assignment {
    /// Its place in the plan: ascending, each once.
    pub index: u64,
    /// What is to be done.
    pub task: Arc<Task>,
    /// Where.
    pub environment: Arc<dyn Environment>,
    /// By which agents.
    pub harness: Arc<Harness>,
    /// Which attempt at this task, from 0.
    pub attempt: u32,
}

impl Assignment {
    /// The episode's id in a run with `seed` by `driver`.
    pub fn episode_id(&self, seed: u64, driver: &str) -> EpisodeId {
        episode_id(seed, self.task.record.id.as_str(), self.harness.name(), driver, self.attempt)
    }
}

/// The id of an episode: a function of what makes it.
pub fn episode_id(seed: u64, task: &str, harness: &str, driver: &str, attempt: u32) -> EpisodeId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"nex episode 1");
    hasher.update(&seed.to_le_bytes());
    for part in [task, harness, driver] {
        // With its length, so that no two different lists of parts hash the same bytes.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.update(&attempt.to_le_bytes());
    EpisodeId::new(format!("ep-{}", &hasher.finalize().to_hex()[..24]))
}

/// The seed of all chance in an episode.
pub fn episode_seed(id: &EpisodeId) -> u64 {
    let digest = blake3::hash(id.as_str().as_bytes());
    u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_part_counts_in_an_id() {
        let ids = [
            episode_id(1, "t", "single", "expert", 0),
            episode_id(2, "t", "single", "expert", 0),
            episode_id(1, "u", "single", "expert", 0),
            episode_id(1, "t", "team", "expert", 0),
            episode_id(1, "t", "single", "null", 0),
            episode_id(1, "t", "single", "expert", 1),
            episode_id(1, "ts", "ingle", "expert", 0),
        ];
        let distinct: HashSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(ids[0], episode_id(1, "t", "single", "expert", 0));
    }
}

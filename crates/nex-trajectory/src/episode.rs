//! An episode: a task, the trajectory that tried it, and its reward.

use crate::{EpisodeId, StopReason, TaskId, Trajectory};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Version of the episode record; a reader refuses a newer one.
pub const EPISODE_VERSION: u32 = 1;

/// One attempt at one task (Nexus-1 §3: description, reasoning and calls, inputs and outputs of
/// each call, binary outcome, rating 1 to 5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Episode {
    /// [`EPISODE_VERSION`] of the writer.
    #[serde(deserialize_with = "known_version")]
    #[schemars(with = "u32")]
    pub version: u32,
    /// A function of task, attempt, seed, harness and model.
    pub id: EpisodeId,
    /// What was to be done.
    pub task: TaskRecord,
    /// The agent, team or pipeline that tried it.
    pub harness: String,
    /// What drove it: `expert`, `openai:gpt-…`, `script:…`. Never omitted, so that what the
    /// built-in expert made cannot pass for an LLM's work.
    pub driver: String,
    /// Which attempt at this task, from 0.
    pub attempt: u32,
    /// What happened.
    pub trajectory: Trajectory,
    /// What it was worth; none where the surroundings failed or nobody judged.
    pub reward: Option<Reward>,
    /// Success, failure, or neither: the surroundings failed, or nobody judged.
    pub outcome: Outcome,
    /// Ratings of quality, if any were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ratings: Vec<Rating>,
    /// Anything else that a stage wants to keep: injected faults, the expert's dials …
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub notes: IndexMap<String, Value>,
}

/// Fails on the version number itself, before fields that only a newer Nex knows are dropped.
fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if version > EPISODE_VERSION {
        return Err(D::Error::custom(format_args!(
            "episode has version {version}, this program knows up to {EPISODE_VERSION}; update nex"
        )));
    }
    Ok(version)
}

impl Episode {
    /// Why the outermost agent stopped.
    pub fn stop(&self) -> &StopReason {
        &self.trajectory.stop
    }
}

/// The task as it was put, enough to make it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskRecord {
    /// A function of world, generator version, seed and dials.
    pub id: TaskId,
    /// The world it is set in.
    pub world: String,
    /// Seed of state and task.
    pub seed: u64,
    /// `en` or `zh`.
    pub language: String,
    /// What the agent is told.
    pub instruction: String,
    /// `easy`, `medium` or `hard`, from the dials.
    pub difficulty: String,
    /// The generator's dials by name (hops, breadth, distractors …).
    #[serde(default)]
    pub dials: IndexMap<String, Value>,
    /// Operations in the oracle plan.
    pub oracle_calls: u32,
}

/// What an episode was worth. `total` is in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reward {
    /// Σ weight·score over the parts, the weights summing to 1.
    #[serde(serialize_with = "crate::number::finite")]
    #[schemars(with = "f64")]
    pub total: f64,
    /// The parts, in a fixed order.
    pub parts: Vec<RewardPart>,
}

/// One part of a reward, with what it was judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RewardPart {
    /// `final_state`, `answer`, `policy`, `no_collateral`, `test_pass_rate` …
    pub name: String,
    /// In [0, 1].
    #[serde(serialize_with = "crate::number::finite")]
    #[schemars(with = "f64")]
    pub score: f64,
    /// In [0, 1]; 0 for a part that only informs.
    #[serde(serialize_with = "crate::number::finite")]
    #[schemars(with = "f64")]
    pub weight: f64,
    /// What was wrong, in words; empty where nothing was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
}

/// The binary outcome, and the two cases that are neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The verifier accepts it whole.
    Success,
    /// It does not.
    Failure,
    /// The surroundings failed: not scored, not trained on, run again.
    Infra,
    /// Nobody judged it: a record that came from elsewhere without a verdict.
    Unscored,
}

/// A rating of an episode's quality.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rating {
    /// 1 (poor) to 5 (excellent).
    pub stars: u8,
    /// Who gave it: a person, `rules`, a judge model.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

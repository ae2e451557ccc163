//! The nouns of a run folder: what was asked for, what came out, and what it was made of.
//!
//! ```text
//! runs/<name>/
//!   run.json        RunManifest: config, seed, versions
//!   tasks.jsonl     one task a line
//!   episodes/       segments of checksummed lines (see `store`)
//!   dataset/        exports, with a dataset card
//!   metrics.json    RunMetrics
//!   topology.json   Topology
//!   report.html
//! ```

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a run was asked to do. Written once, checked when the run is resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunManifest {
    /// Version of this record.
    pub version: u32,
    /// The run's name.
    pub name: String,
    /// Version of `nex` that made it.
    pub nex_version: String,
    /// The seed from which everything follows.
    pub seed: u64,
    /// What drove the agents: `expert`, `openai:…`.
    pub driver: String,
    /// The resolved recipe.
    pub recipe: Value,
    /// BLAKE3 of the resolved recipe and of every file it names; a resumed run must have the same.
    pub fingerprint: String,
}

/// What came out of a run. A function of its episodes, so the same seed gives the same figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunMetrics {
    /// Stages from tasks to samples, in order, with how many reached each.
    pub funnel: Vec<Count>,
    /// Success by difficulty, world and harness.
    pub success: Vec<SuccessRow>,
    /// Episodes by stop reason.
    pub stops: Vec<Count>,
    /// Failures by named reason (reward part and first finding's kind, infra kind).
    pub failures: Vec<Count>,
    /// Defects by kind.
    pub defects: Vec<Count>,
    /// Episodes by number of model turns.
    pub turns: Histogram,
    /// Episodes by number of tool calls.
    pub tool_calls: Histogram,
    /// Further figures by name.
    #[serde(default)]
    pub totals: IndexMap<String, Value>,
}

/// A named count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// What is counted.
    pub name: String,
    /// How many.
    pub count: u64,
}

/// Successes of one slice of the episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SuccessRow {
    /// `difficulty`, `world` or `harness`.
    pub axis: String,
    /// Its value.
    pub value: String,
    /// Episodes with a reward (infra failures left out).
    pub episodes: u64,
    /// Of these, successes.
    pub successes: u64,
    /// Mean reward.
    pub mean_reward: f64,
}

/// Counts of a whole number, by value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// `(value, count)`, ascending, no zero counts.
    pub bins: Vec<(u64, u64)>,
}

/// What a run's agents and worlds look like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Topology {
    /// Agents of all harnesses.
    pub agents: Vec<AgentShape>,
    /// Worlds.
    pub worlds: Vec<WorldShape>,
}

/// One agent in its harness.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentShape {
    /// The harness: `single`, `team`, `pipeline` …
    pub harness: String,
    /// The agent.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Who calls it (team) or comes before it (pipeline).
    #[serde(default)]
    pub parent: Option<String>,
    /// Its tools by name, or a pattern over operation kinds (`*`, `read`, `write`).
    #[serde(default)]
    pub tools: Vec<String>,
}

/// One world's entities and operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WorldShape {
    /// The world.
    pub name: String,
    /// Its title for people.
    #[serde(default)]
    pub title: String,
    /// Entities with what they reference.
    pub entities: Vec<EntityShape>,
    /// Operations with what they touch.
    pub operations: Vec<OperationShape>,
}

/// One entity of a world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EntityShape {
    /// Its name.
    pub name: String,
    /// Records at the start.
    pub count: u64,
    /// Entities it refers to.
    #[serde(default)]
    pub references: Vec<String>,
}

/// One operation of a world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OperationShape {
    /// Its name, which is the tool's.
    pub name: String,
    /// `find`, `get`, `list`, `create`, `update` …
    pub kind: String,
    /// Entities it reads.
    #[serde(default)]
    pub reads: Vec<String>,
    /// Entities it writes.
    #[serde(default)]
    pub writes: Vec<String>,
}

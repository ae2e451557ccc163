//! The dials of the task generator.

use serde::{Deserialize, Serialize};

/// What kind of task is wanted. Each dial makes tasks harder as it goes up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dials {
    /// Calls of the oracle plan, 1 to 20.
    pub hops: u8,
    /// Goals that do not depend on each other, so that their calls may run in parallel; 1 to 8.
    pub breadth: u8,
    /// Tools that are offered beside those the plan needs; all of the world's at most.
    pub distractor_tools: u8,
    /// Records that fit a vague description, so that a look-up must decide: chance, 0 to 1.
    pub ambiguity: f64,
    /// Requests that a policy forbids, or allows only after another step; 0 to 2.
    pub policy_traps: u8,
    /// Transient faults, rate limits, cut lists and operations that are down: 0 to 1.
    pub faults: f64,
    /// How vaguely the instruction speaks of dates and amounts: 0 to 1.
    pub fuzziness: f64,
    /// Share of goals that are questions: 0 to 1.
    pub questions: f64,
}

impl Default for Dials {
    fn default() -> Self {
        Self::preset(Difficulty::Medium)
    }
}

/// The presets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Difficulty {
    /// One goal, few calls, nothing goes wrong.
    Easy,
    /// Some calls, some distractors.
    Medium,
    /// Long, several goals, vague words, faults and traps.
    Hard,
}

impl Difficulty {
    /// `easy`, `medium`, `hard`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Easy => "easy",
            Self::Medium => "medium",
            Self::Hard => "hard",
        }
    }
}

impl Dials {
    /// The dials of a preset.
    pub fn preset(difficulty: Difficulty) -> Self {
        match difficulty {
            Difficulty::Easy => Self {
                hops: 2,
                breadth: 1,
                distractor_tools: 2,
                ambiguity: 0.0,
                policy_traps: 0,
                faults: 0.0,
                fuzziness: 0.0,
                questions: 0.5,
            },
            Difficulty::Medium => Self {
                hops: 5,
                breadth: 2,
                distractor_tools: 6,
                ambiguity: 0.3,
                policy_traps: 0,
                faults: 0.2,
                fuzziness: 0.3,
                questions: 0.4,
            },
            Difficulty::Hard => Self {
                hops: 10,
                breadth: 3,
                distractor_tools: 16,
                ambiguity: 0.6,
                policy_traps: 1,
                faults: 0.5,
                fuzziness: 0.7,
                questions: 0.3,
            },
        }
    }

    /// The difficulty these dials amount to, by the calls needed and by what stands in the way.
    pub fn difficulty(&self) -> Difficulty {
        let weight = f64::from(self.hops)
            + 2.0 * f64::from(self.policy_traps)
            + 2.0 * (self.ambiguity + self.faults + self.fuzziness);
        match weight {
            w if w < 4.5 => Difficulty::Easy,
            w if w < 10.0 => Difficulty::Medium,
            _ => Difficulty::Hard,
        }
    }
}

impl Dials {
    /// The dials by name.
    pub(crate) fn as_map(&self) -> indexmap::IndexMap<String, serde_json::Value> {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(object)) => object.into_iter().collect(),
            _ => indexmap::IndexMap::new(),
        }
    }
}

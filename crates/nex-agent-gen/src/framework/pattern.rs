//! [`WorkflowPattern`]: how the agents of a framework work together.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// How the agents of a framework work together (Nex-N1 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowPattern {
    /// One agent in a loop of reasoning and acting.
    SingleAgent,
    /// A hub that reads by itself and hands all else to its spokes.
    HubAndSpoke,
    /// A lead without tools of the world, above specialists.
    TwoLayers,
    /// A lead above heads, each above specialists of one area.
    ThreeLayers,
    /// A fixed sequence of agents: each gets the answer of the one before.
    Sequential,
}

impl WorkflowPattern {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::SingleAgent, Self::HubAndSpoke, Self::TwoLayers, Self::ThreeLayers, Self::Sequential];

    /// Its name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SingleAgent => "single_agent",
            Self::HubAndSpoke => "hub_and_spoke",
            Self::TwoLayers => "two_layers",
            Self::ThreeLayers => "three_layers",
            Self::Sequential => "sequential",
        }
    }

    /// The pattern called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pattern| pattern.as_str() == name)
    }

    /// The numbers of agents that make sense of it.
    pub fn agent_counts(self) -> RangeInclusive<usize> {
        match self {
            Self::SingleAgent => 1..=1,
            Self::HubAndSpoke | Self::TwoLayers => 3..=12,
            Self::ThreeLayers => 5..=34,
            Self::Sequential => 2..=12,
        }
    }

    /// Words in a sentence that ask for it, lower-case.
    pub(crate) fn cues(self) -> &'static [&'static str] {
        match self {
            Self::SingleAgent => &["single agent", "one agent", "an assistant", "react loop"],
            Self::HubAndSpoke => &["hub and spoke", "hub", "dispatcher", "front desk"],
            Self::TwoLayers => &["two layers", "two-layer", "two levels", "team lead", "coordinator", "team"],
            Self::ThreeLayers => &[
                "three layers",
                "three-layer",
                "three levels",
                "hierarchy",
                "departments",
                "teams",
                "divisions",
            ],
            Self::Sequential => {
                &["pipeline", "step by step", "sequence", "sequential", "assembly line", "stages"]
            }
        }
    }
}

impl fmt::Display for WorkflowPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
    /// A fixed sequence whose phases run only where the first agent says that they are needed.
    ConditionalPhases,
    /// One agent picks the desk that does the work.
    Router,
    /// The work is cut into parts, each is done by itself, and the results are put together.
    MapReduce,
    /// One does the work, another judges it, until it is approved.
    CriticReviser,
    /// Several look and argue in rounds, a vote decides what is done, and one does it.
    DebateVote,
    /// A plan is made, its steps are done one after the other, and the result is reported.
    PlanExecute,
    /// Specialists add to shared notes in turn, until the request is met.
    Blackboard,
}

impl WorkflowPattern {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::SingleAgent,
        Self::HubAndSpoke,
        Self::TwoLayers,
        Self::ThreeLayers,
        Self::Sequential,
        Self::ConditionalPhases,
        Self::Router,
        Self::MapReduce,
        Self::CriticReviser,
        Self::DebateVote,
        Self::PlanExecute,
        Self::Blackboard,
    ];

    /// Its name in files and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SingleAgent => "single_agent",
            Self::HubAndSpoke => "hub_and_spoke",
            Self::TwoLayers => "two_layers",
            Self::ThreeLayers => "three_layers",
            Self::Sequential => "sequential",
            Self::ConditionalPhases => "conditional_phases",
            Self::Router => "router",
            Self::MapReduce => "map_reduce",
            Self::CriticReviser => "critic_reviser",
            Self::DebateVote => "debate_vote",
            Self::PlanExecute => "plan_execute",
            Self::Blackboard => "blackboard",
        }
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::SingleAgent => "one agent",
            Self::HubAndSpoke => "a hub and its spokes",
            Self::TwoLayers => "a team of two layers",
            Self::ThreeLayers => "a hierarchy of three layers",
            Self::Sequential => "a fixed sequence",
            Self::ConditionalPhases => "phases that run where they are needed",
            Self::Router => "a router and its desks",
            Self::MapReduce => "map and reduce",
            Self::CriticReviser => "critic and reviser",
            Self::DebateVote => "debate and vote",
            Self::PlanExecute => "plan and execute",
            Self::Blackboard => "a shared blackboard",
        }
    }

    /// The pattern called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pattern| pattern.as_str() == name)
    }

    /// Whether the runtime decides who is next, and no agent.
    pub fn is_fixed(self) -> bool {
        !matches!(self, Self::SingleAgent | Self::HubAndSpoke | Self::TwoLayers | Self::ThreeLayers)
    }

    /// Levels of agents that call each other.
    pub(crate) fn levels(self) -> usize {
        match self {
            Self::HubAndSpoke | Self::TwoLayers => 2,
            Self::ThreeLayers => 3,
            _ => 1,
        }
    }

    /// The numbers of agents that make sense of it.
    pub fn agent_counts(self) -> RangeInclusive<usize> {
        match self {
            Self::SingleAgent => 1..=1,
            Self::HubAndSpoke | Self::TwoLayers => 3..=12,
            Self::ThreeLayers => 5..=34,
            Self::Sequential => 2..=12,
            Self::ConditionalPhases | Self::Router => 3..=10,
            Self::MapReduce | Self::PlanExecute => 3..=4,
            Self::CriticReviser => 2..=3,
            Self::DebateVote => 3..=7,
            Self::Blackboard => 3..=9,
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
            Self::ConditionalPhases => &["phases", "if needed", "where needed", "only when", "conditional"],
            Self::Router => &["router", "routes", "triage", "forwards", "switchboard"],
            Self::MapReduce => &["map and reduce", "map-reduce", "in parallel", "split the work"],
            Self::CriticReviser => &["critic", "reviser", "quality check", "critic and reviser"],
            Self::DebateVote => &["debate", "vote", "jury", "committee", "panel"],
            Self::PlanExecute => &["plan and execute", "planner", "executor"],
            Self::Blackboard => &["blackboard", "shared notes", "whiteboard"],
        }
    }
}

impl fmt::Display for WorkflowPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

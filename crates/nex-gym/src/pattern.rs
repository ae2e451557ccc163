//! [`Pattern`]: the shapes of frameworks that come with Nex.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How agents are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One agent with all offered tools.
    Single,
    /// A coordinator without tools of the world, above a researcher that reads and an operator
    /// that writes.
    Team,
    /// A fixed sequence: investigate, act, report.
    Pipeline,
}

impl Pattern {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Single, Self::Team, Self::Pipeline];

    /// `single`, `team`, `pipeline`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Team => "team",
            Self::Pipeline => "pipeline",
        }
    }

    /// The pattern called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pattern| pattern.as_str() == name)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! [`Pattern`]: how the agents of a framework are put together.

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
    /// Put together in any way: a team, a workflow, read from files.
    Framework,
}

impl Pattern {
    /// Those that are built in and made for any world.
    pub const ALL: [Self; 3] = [Self::Single, Self::Team, Self::Pipeline];

    /// `single`, `team`, `pipeline`, `framework`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Team => "team",
            Self::Pipeline => "pipeline",
            Self::Framework => "framework",
        }
    }

    /// The built-in pattern called `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pattern| pattern.as_str() == name)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

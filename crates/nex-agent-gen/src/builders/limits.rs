//! What builders may use up.

use std::time::Duration;

/// What builders may use up. Whatever goes over one of these is refused, or ends the building by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildLimits {
    /// Bytes of one thing that a builder writes.
    pub max_file_bytes: usize,
    /// Agents of a framework.
    pub max_agents: usize,
    /// Records that a world starts with, at the most.
    pub max_records: u64,
    /// Items of all generated lists of a world's start, at the most.
    pub max_list_items: u64,
    /// Time that making and proving a world's tasks may take.
    pub max_trial: Duration,
    /// Versions of one artefact that may be refused in a row; at least 1.
    pub max_repairs: u32,
    /// How often the MetaAgent is reminded after it stopped before the end.
    pub max_reminders: u32,
    /// Tokens for all builders together.
    pub token_budget: Option<u64>,
    /// Time for all builders together.
    pub timeout: Duration,
}

impl Default for BuildLimits {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 * 1024,
            max_agents: 34,
            max_records: 5_000,
            max_list_items: 50_000,
            max_trial: Duration::from_secs(20),
            max_repairs: 4,
            max_reminders: 2,
            token_budget: None,
            timeout: Duration::from_secs(3_600),
        }
    }
}

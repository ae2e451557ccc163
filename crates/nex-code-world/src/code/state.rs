//! [`CodeState`]: what a code task carries: the repository at its start, and what stays hidden.

use crate::CodeError;
use crate::workbench::{CodeLanguage, Probe};
use nex_world::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The repository of a task and what its runs are judged by. Agents never see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeState {
    /// How its tests and probes are run.
    pub runner: CodeLanguage,
    /// The files at the start, bugs included.
    pub files: BTreeMap<String, String>,
    /// Test files, by path: what an agent must leave alone, and what is put back before judging.
    pub tests: Vec<String>,
    /// Files that the judging adds and an agent never sees.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withheld: BTreeMap<String, String>,
    /// What is asked of the code in the end.
    pub probes: Vec<HiddenProbe>,
    /// Whether only the exit code of a probe counts, as of a test command.
    #[serde(default)]
    pub is_exit_only: bool,
    /// CPU time of each probe.
    pub cpu_ms: u64,
    /// Lines that the known repair changes.
    pub repair_lines: usize,
}

/// One input and the outcome that the original had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenProbe {
    /// The input.
    #[serde(flatten)]
    pub probe: Probe,
    /// The right outcome.
    pub expected: String,
    /// What it is there for.
    pub role: ProbeRole,
    /// Whether the issue report shows it.
    #[serde(default)]
    pub is_shown: bool,
}

/// What a probe is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeRole {
    /// It fails at the start.
    FailToPass,
    /// It passes at the start and must go on doing so.
    PassToPass,
}

impl CodeState {
    /// The state that `task` carries.
    ///
    /// # Errors
    /// It carries none, or another.
    pub fn of(task: &Task, world: &str) -> Result<Self, CodeError> {
        let other = |cause: String| CodeError::OtherTask {
            task: task.record.id.to_string(),
            world: world.to_owned(),
            cause,
        };
        if task.record.world != world {
            return Err(other(format!("it is of world `{}`", task.record.world)));
        }
        serde_json::from_value(task.state.given.clone()).map_err(|cause| other(cause.to_string()))
    }
}

//! [`Goal`]: the files at the start, what is wanted in the end, the words and a command that gets there.

use crate::CodeError;
use nex_world::Language;
use nex_world::task::Task;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One errand.
#[derive(Clone, Debug, Default)]
pub(super) struct Goal {
    /// Path to text and permission bits.
    pub(super) start: BTreeMap<String, Start>,
    pub(super) wants: BTreeMap<String, Want>,
    pub(super) ask: String,
    pub(super) command: String,
    /// Why the command does it.
    pub(super) reason: String,
}

/// A file at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Its text.
    pub text: String,
    /// Its permission bits.
    pub mode: u32,
}

/// What is wanted at a path in the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// A file with this text; the end of its last line may be missing.
    Text {
        /// The text.
        text: String,
    },
    /// The file as it was, with these permission bits.
    Mode {
        /// The bits.
        mode: u32,
    },
    /// Nothing.
    Gone,
}

/// What a shell task carries. Agents never see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellState {
    /// The files at the start.
    pub start: BTreeMap<String, Start>,
    /// What is wanted, by path; all else is to stay.
    pub wants: BTreeMap<String, Want>,
}

impl ShellState {
    pub(super) fn of_goals(goals: Vec<Goal>) -> Self {
        let mut state = Self::default();
        for goal in goals {
            state.start.extend(goal.start);
            state.wants.extend(goal.wants);
        }
        state
    }

    pub(super) fn of(task: &Task) -> Result<Self, CodeError> {
        let other = |cause: String| CodeError::OtherTask {
            task: task.record.id.to_string(),
            world: super::SHELL.to_owned(),
            cause,
        };
        if task.record.world != super::SHELL {
            return Err(other(format!("it is of world `{}`", task.record.world)));
        }
        serde_json::from_value(task.state.given.clone()).map_err(|cause| other(cause.to_string()))
    }
}

impl Goal {
    pub(super) fn file(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.start.insert(path.into(), Start { text: text.into(), mode: 0o644 });
    }

    pub(super) fn want(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.wants.insert(path.into(), Want::Text { text: text.into() });
    }

    pub(super) fn gone(&mut self, path: impl Into<String>) {
        self.wants.insert(path.into(), Want::Gone);
    }

    /// The words in `language`, and the command.
    pub(super) fn said(
        mut self,
        language: Language,
        [english, chinese]: [String; 2],
        command: String,
        [why, why_chinese]: [&str; 2],
    ) -> Self {
        let (ask, reason) = match language {
            Language::En => (english, why),
            Language::Zh => (chinese, why_chinese),
        };
        self.ask = ask;
        self.reason = reason.to_owned();
        self.command = command;
        self
    }
}

//! [`FilesEnvironment`]: the files world, a directory on the disk for each episode.

use crate::{Environment, OperationProfile, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use indexmap::IndexMap;
use nex_agent::VirtualClock;
use nex_tools::Tool;
use nex_trajectory::{EpisodeId, InfraFailure};
use nex_world::Language;
use nex_world::files::{FilesSession, FilesWorld, operations};
use nex_world::task::Task;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The files world, a directory on the disk for each episode, gone when the episode is over.
pub struct FilesEnvironment {
    profile: WorldProfile,
    /// Where the directories are made; none for the system's place for such.
    parent: Option<PathBuf>,
}

impl FilesEnvironment {
    /// Episodes in temporary directories.
    pub fn new() -> Self {
        Self { profile: profile(), parent: None }
    }

    /// The same with the directories in `parent`, which must be there.
    #[must_use]
    pub fn below(mut self, parent: impl Into<PathBuf>) -> Self {
        self.parent = Some(parent.into());
        self
    }
}

impl Default for FilesEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

fn profile() -> WorldProfile {
    let world = FilesWorld::builtin();
    let languages = [Language::En, Language::Zh];
    let operations = operations().iter().map(|operation| OperationProfile {
        name: operation.name.to_owned(),
        description: operation.declaration().spec().description.clone(),
        is_write: operation.is_write,
    });
    WorldProfile {
        name: world.name().to_owned(),
        title: languages
            .map(|language| (language.as_str().to_owned(), world.title(language).to_owned()))
            .into(),
        briefing: languages.map(|language| (language.as_str().to_owned(), world.briefing(language))).into(),
        operations: operations.collect(),
        start_unix_ms: world.start_unix_ms(),
    }
}

#[async_trait]
impl Environment for FilesEnvironment {
    fn profile(&self) -> &WorldProfile {
        &self.profile
    }

    fn transport(&self) -> &str {
        "in_process"
    }

    async fn open(
        &self,
        task: &Arc<Task>,
        _episode: &EpisodeId,
        _clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure> {
        let (task, parent) = (task.clone(), self.parent.clone());
        let opened = tokio::task::spawn_blocking(move || open(task, parent.as_deref())).await;
        let stage = opened.map_err(|cause| failure(&cause))??;
        Ok(Box::new(stage))
    }
}

fn open(task: Arc<Task>, parent: Option<&Path>) -> Result<FilesStage, InfraFailure> {
    let folder = match parent {
        Some(parent) => TempDir::with_prefix_in("nex-files-", parent),
        None => TempDir::with_prefix("nex-files-"),
    };
    let folder = folder.map_err(|cause| failure(&cause))?;
    let session = FilesWorld::builtin()
        .open_session(&task, &folder.path().join("office"))
        .map_err(|cause| failure(&cause))?;
    Ok(FilesStage { tools: session.tools().into(), task, session, folder })
}

fn failure(cause: &dyn std::fmt::Display) -> InfraFailure {
    InfraFailure { kind: "world_state".to_owned(), message: cause.to_string() }
}

struct FilesStage {
    task: Arc<Task>,
    session: FilesSession,
    tools: Arc<[Arc<dyn Tool>]>,
    folder: TempDir,
}

#[async_trait]
impl Stage for FilesStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let answer = answer.map(str::to_owned);
        let closed = tokio::task::spawn_blocking(move || {
            let Self { task, session, folder, .. } = *self;
            let verdict = judge(&task, &session, answer.as_deref());
            drop(folder);
            verdict
        });
        closed.await.map_err(|cause| failure(&cause))
    }
}

fn judge(task: &Task, session: &FilesSession, answer: Option<&str>) -> Verdict {
    let mut faults: IndexMap<String, u64> = IndexMap::new();
    for fault in session.log().into_iter().flat_map(|call| call.faults) {
        *faults.entry(fault).or_default() += 1;
    }
    let mut notes = IndexMap::new();
    if !faults.is_empty() {
        faults.sort_keys();
        notes.insert("faults".to_owned(), serde_json::json!(faults));
    }
    Verdict { reward: session.verify(task, answer), notes }
}

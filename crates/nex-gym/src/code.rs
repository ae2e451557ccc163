//! [`CodeEnvironment`]: the code worlds, a repository in the sandbox for each episode.

use crate::{Environment, OperationProfile, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use indexmap::IndexMap;
use nex_agent::VirtualClock;
use nex_code_world::{CodeError, CodeSession, CodeWorld, Operation, code};
use nex_tools::Tool;
use nex_tools::sandbox::SandboxReport;
use nex_trajectory::{EpisodeId, InfraFailure};
use nex_world::Language;
use nex_world::task::{Briefing, Task};
use serde_json::{Value, json};
use std::sync::Arc;

/// A code world, a repository in the sandbox for each episode, gone when the episode is over.
pub struct CodeEnvironment {
    world: CodeWorld,
    profile: WorldProfile,
}

impl CodeEnvironment {
    /// Episodes in `world`, whose sandbox is opened with the first one.
    pub fn new(world: CodeWorld) -> Self {
        let profile = profile(
            world.name(),
            |language| (world.title(language), world.briefing(language)),
            code::operations(),
        );
        Self { world, profile }
    }
}

/// When runs in worlds of programs begin, in milliseconds since 1970: in May 2025.
const START_UNIX_MS: u64 = 1_746_435_600_000;

/// The profile of a world of programs.
pub(crate) fn profile(
    name: &str,
    told: impl Fn(Language) -> (&'static str, Briefing),
    operations: &[Operation],
) -> WorldProfile {
    let languages = [Language::En, Language::Zh];
    let operations = operations.iter().map(|operation| OperationProfile {
        name: operation.name.to_owned(),
        description: operation.declaration().spec().description.clone(),
        is_write: operation.is_write,
    });
    WorldProfile {
        name: name.to_owned(),
        title: languages.map(|language| (language.as_str().to_owned(), told(language).0.to_owned())).into(),
        briefing: languages.map(|language| (language.as_str().to_owned(), told(language).1)).into(),
        operations: operations.collect(),
        start_unix_ms: START_UNIX_MS,
    }
}

/// A failure of the sandbox or of what runs in it, by its name.
pub(crate) fn failure(cause: &CodeError) -> InfraFailure {
    InfraFailure { kind: cause.kind().to_owned(), message: cause.to_string() }
}

/// What was reached of the sandbox, for the episode's notes.
pub(crate) fn sandbox_notes(report: &SandboxReport) -> IndexMap<String, Value> {
    [("sandbox".to_owned(), json!({"level": report.level, "guarantees": report.guarantees}))].into()
}

#[async_trait]
impl Environment for CodeEnvironment {
    fn profile(&self) -> &WorldProfile {
        &self.profile
    }

    fn transport(&self) -> &str {
        "sandbox"
    }

    async fn open(
        &self,
        task: &Arc<Task>,
        _episode: &EpisodeId,
        _clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure> {
        let session = self.world.open_session(task).await.map_err(|cause| failure(&cause))?;
        Ok(Box::new(CodeStage { tools: session.tools().into(), session }))
    }
}

struct CodeStage {
    session: CodeSession,
    tools: Arc<[Arc<dyn Tool>]>,
}

#[async_trait]
impl Stage for CodeStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, _answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let reward = self.session.verify().await.map_err(|cause| failure(&cause))?;
        Ok(Verdict { reward, notes: sandbox_notes(self.session.report()) })
    }
}

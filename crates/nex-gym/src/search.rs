//! [`SearchEnvironment`]: the search world, a library in memory for each episode.

use crate::{Environment, OperationProfile, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use indexmap::IndexMap;
use nex_agent::VirtualClock;
use nex_tools::Tool;
use nex_trajectory::{EpisodeId, InfraFailure};
use nex_world::Language;
use nex_world::search::{SearchSession, SearchWorld, operations};
use nex_world::task::Task;
use std::sync::Arc;

/// The search world, a library in memory for each episode.
pub struct SearchEnvironment {
    profile: WorldProfile,
}

impl SearchEnvironment {
    /// The built-in world.
    pub fn new() -> Self {
        let world = SearchWorld::builtin();
        let languages = [Language::En, Language::Zh];
        let operations = operations().iter().map(|operation| OperationProfile {
            name: operation.name.to_owned(),
            description: operation.declaration().spec().description.clone(),
            is_write: false,
        });
        let profile = WorldProfile {
            name: world.name().to_owned(),
            title: languages
                .map(|language| (language.as_str().to_owned(), world.title(language).to_owned()))
                .into(),
            briefing: languages
                .map(|language| (language.as_str().to_owned(), world.briefing(language)))
                .into(),
            operations: operations.collect(),
            start_unix_ms: world.start_unix_ms(),
        };
        Self { profile }
    }
}

impl Default for SearchEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Environment for SearchEnvironment {
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
        let failure = |cause: &dyn std::fmt::Display| InfraFailure {
            kind: "world_state".to_owned(),
            message: cause.to_string(),
        };
        // A library takes milliseconds to write and index.
        let opening = task.clone();
        let opened = tokio::task::spawn_blocking(move || SearchWorld::builtin().open_session(&opening)).await;
        let session = opened.map_err(|cause| failure(&cause))?.map_err(|cause| failure(&cause))?;
        Ok(Box::new(SearchStage { task: task.clone(), tools: session.tools().into(), session }))
    }
}

struct SearchStage {
    task: Arc<Task>,
    session: SearchSession,
    tools: Arc<[Arc<dyn Tool>]>,
}

#[async_trait]
impl Stage for SearchStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let mut notes = IndexMap::new();
        let opened = self.session.log().iter().filter(|call| call.operation == "fetch").count();
        notes.insert("pages_opened".to_owned(), opened.into());
        Ok(Verdict { reward: self.session.verify(&self.task, answer), notes })
    }
}

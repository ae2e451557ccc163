//! [`DialogueEnvironment`]: a dialogue world, a conversation for each episode.

use crate::{Environment, OperationProfile, Stage, Verdict, WorldProfile};
use async_trait::async_trait;
use indexmap::IndexMap;
use nex_agent::VirtualClock;
use nex_tools::Tool;
use nex_trajectory::{EpisodeId, InfraFailure};
use nex_world::Language;
use nex_world::dialogue::{DialogueEvent, DialogueSession, DialogueWorld};
use nex_world::task::Task;
use std::sync::Arc;

/// A dialogue world, a conversation for each episode.
pub struct DialogueEnvironment {
    world: DialogueWorld,
    profile: WorldProfile,
}

impl DialogueEnvironment {
    /// Episodes in `world`.
    pub fn new(world: DialogueWorld) -> Self {
        let both_sides = WorldProfile::of(world.world());
        // The agent's tools only: what is the user's own is none of a framework's business. Speaking
        // may move the user to act, so it counts as a write.
        let operations = world.agent_tools().map(|declaration| {
            let spec = declaration.spec();
            let known = both_sides.operations.iter().find(|operation| operation.name == spec.name);
            OperationProfile {
                name: spec.name.clone(),
                description: spec.description.clone(),
                is_write: known.is_none_or(|operation| operation.is_write),
            }
        });
        let operations = operations.collect();
        let languages = [Language::En, Language::Zh];
        let briefing =
            languages.map(|language| (language.as_str().to_owned(), world.briefing(language))).into();
        Self { profile: WorldProfile { operations, briefing, ..both_sides }, world }
    }
}

#[async_trait]
impl Environment for DialogueEnvironment {
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
        let session = self
            .world
            .open_session(task)
            .map_err(|cause| InfraFailure { kind: "world_state".to_owned(), message: cause.to_string() })?;
        Ok(Box::new(DialogueStage { task: task.clone(), tools: session.tools().into(), session }))
    }
}

struct DialogueStage {
    task: Arc<Task>,
    session: DialogueSession,
    tools: Arc<[Arc<dyn Tool>]>,
}

#[async_trait]
impl Stage for DialogueStage {
    fn tools(&self) -> Arc<[Arc<dyn Tool>]> {
        self.tools.clone()
    }

    async fn close(self: Box<Self>, answer: Option<&str>) -> Result<Verdict, InfraFailure> {
        let events = self.session.events();
        let count = |is: &dyn Fn(&DialogueEvent) -> bool| events.iter().filter(|event| is(event)).count();
        let mut notes = IndexMap::new();
        let messages = count(&|event| matches!(event, DialogueEvent::Said { .. }));
        let user_calls = count(&|event| matches!(event, DialogueEvent::Called { by_user: true, .. }));
        notes.insert("messages_to_user".to_owned(), messages.into());
        notes.insert("calls_of_user".to_owned(), user_calls.into());
        if let Some(reason) = self.session.ended() {
            notes.insert("user_left".to_owned(), reason.into());
        }
        Ok(Verdict { reward: self.session.verify(&self.task, answer), notes })
    }
}

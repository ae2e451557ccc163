//! [`Driver`]: what answers for the agents of an episode.

use crate::Pattern;
use indexmap::IndexMap;
use nex_agent::RunnableSpec;
use nex_llm::ChatModel;
use nex_trajectory::EpisodeId;
use nex_world::task::Task;
use serde_json::Value;
use std::sync::Arc;

/// Makes the model of each episode.
pub trait Driver: Send + Sync {
    /// As it stands in the record: `expert`, `openai:gpt-…`.
    fn name(&self) -> &str;

    /// Which clock its episodes go by.
    fn time(&self) -> DriverTime;

    /// The model that plays all agents of one episode. Called once an episode; cheap.
    fn cast(&self, casting: &Casting<'_>) -> EpisodeModel;
}

/// Which clock episodes go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriverTime {
    /// Replies take no time: timings are the world's, and the same in every run.
    Virtual,
    /// Replies take as long as they take.
    Wall,
}

/// The episode that a model is wanted for.
#[derive(Clone, Copy)]
pub struct Casting<'a> {
    /// The task.
    pub task: &'a Arc<Task>,
    /// How the agents are put together.
    pub pattern: Pattern,
    /// The agents as data; none where the framework's files are wrong.
    pub framework: Option<&'a RunnableSpec>,
    /// The episode.
    pub episode: &'a EpisodeId,
    /// Seed of all chance in this episode, a function of its id.
    pub seed: u64,
}

/// The model of one episode.
pub struct EpisodeModel {
    /// Answers for every agent.
    pub model: Arc<dyn ChatModel>,
    /// What is to be noted of it, asked at the end of the episode.
    pub notes: Option<Arc<dyn DriverNotes>>,
}

/// What a driver wants to keep in the episode's notes.
pub trait DriverNotes: Send + Sync {
    /// Notes by name; called once, when the agents have stopped.
    fn notes(&self) -> IndexMap<String, Value>;
}

/// One model for all episodes: an LLM server, a script, a cassette.
#[derive(Clone)]
pub struct SharedModel {
    name: String,
    model: Arc<dyn ChatModel>,
    time: DriverTime,
}

impl SharedModel {
    /// `model` under `name`, by the machine's clock.
    pub fn new(name: impl Into<String>, model: Arc<dyn ChatModel>) -> Self {
        Self { name: name.into(), model, time: DriverTime::Wall }
    }

    /// The same by a virtual clock, for models whose episodes must come out the same to the byte.
    #[must_use]
    pub fn with_virtual_time(mut self) -> Self {
        self.time = DriverTime::Virtual;
        self
    }
}

impl Driver for SharedModel {
    fn name(&self) -> &str {
        &self.name
    }

    fn time(&self) -> DriverTime {
        self.time
    }

    fn cast(&self, _casting: &Casting<'_>) -> EpisodeModel {
        EpisodeModel { model: self.model.clone(), notes: None }
    }
}

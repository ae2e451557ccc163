//! [`Harness`]: turns a task into an episode.
//!
//! In: an [`Assignment`]'s parts and a [`Driver`]. Out: an [`Episode`], always; only a cancelled
//! one has no use. The agents never see what they are judged by. Invariant: an infra failure has
//! no reward.

mod tailor;

use crate::{
    Casting, Driver, DriverTime, Environment, EpisodeModel, GymError, Pattern, WorldProfile, episode_seed,
    framework,
};
use indexmap::IndexMap;
use nex_agent::{
    Clock, LimitsOverride, RunContext, Runnable, RunnableSpec, SystemClock, ToolBindings, VirtualClock,
};
use nex_tools::Tool;
use nex_trajectory::{
    Episode, EpisodeId, InfraFailure, Message, Node, Outcome, StopReason, Trajectory, TrajectoryId, episode,
};
use nex_world::task::{Faults, Task};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tailor::{Cut, tailor};

pub(crate) use tailor::context as prompt_context;
use tokio_util::sync::CancellationToken;

/// Compiled frameworks that are kept. Tasks offer many different sets of tools, so the cache starts
/// anew when it is full.
const MAX_COMPILED: usize = 512;

/// How many times the calls of one agent a framework may make.
const FRAMEWORK_CALLS: u32 = 8;

/// Whoever verifies a total of 1 means all of it; the rest is rounding.
const FULL_REWARD: f64 = 1.0 - 1e-9;

/// Agents put together in one way, for any world.
pub struct Harness {
    name: String,
    pattern: Pattern,
    source: SpecSource,
    specs: Mutex<HashMap<String, Arc<RunnableSpec>>>,
    compiled: Mutex<HashMap<Cut, Runnable>>,
}

/// Gives the framework for a world.
type SpecSource = Box<dyn Fn(&WorldProfile) -> Result<RunnableSpec, GymError> + Send + Sync>;

impl Harness {
    /// The harness `name` whose framework for a world is what `source` gives, once a world.
    pub fn from_source(
        name: impl Into<String>,
        pattern: Pattern,
        source: impl Fn(&WorldProfile) -> Result<RunnableSpec, GymError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            pattern,
            source: Box::new(source),
            specs: Mutex::default(),
            compiled: Mutex::default(),
        }
    }

    /// The built-in framework of `pattern`, made for each world.
    pub fn builtin(pattern: Pattern) -> Self {
        Self::from_source(pattern.as_str(), pattern, move |profile| framework(pattern, profile)?.load())
    }

    /// The harness `name` with the same agents in every world.
    pub fn from_spec(name: impl Into<String>, pattern: Pattern, spec: RunnableSpec) -> Self {
        Self::from_source(name, pattern, move |_| Ok(spec.clone()))
    }

    /// Its name, part of episode ids.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How its agents are put together.
    pub fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// The agents for the world of `profile`, as data.
    ///
    /// # Errors
    /// The framework's files are wrong.
    pub fn spec(&self, profile: &WorldProfile) -> Result<Arc<RunnableSpec>, GymError> {
        let mut specs = self.specs.lock();
        if let Some(spec) = specs.get(&profile.name) {
            return Ok(spec.clone());
        }
        let spec = Arc::new((self.source)(profile)?);
        specs.insert(profile.name.clone(), spec.clone());
        Ok(spec)
    }

    /// Tries `task` once.
    ///
    /// Never fails: what breaks outside the model is an episode with [`Outcome::Infra`]. When
    /// `cancel` fires the episode ends soon, with the stop reason `cancelled`.
    pub async fn run(
        &self,
        task: &Arc<Task>,
        environment: &dyn Environment,
        driver: &dyn Driver,
        id: EpisodeId,
        attempt: u32,
        cancel: &CancellationToken,
    ) -> Episode {
        let framework = self.spec(environment.profile()).ok();
        let casting = Casting {
            task,
            pattern: self.pattern,
            framework: framework.as_deref(),
            episode: &id,
            seed: episode_seed(&id),
        };
        let EpisodeModel { model, notes: driver_notes } = driver.cast(&casting);
        let time = Time::of(driver, environment.profile());
        let mut notes = IndexMap::new();
        notes.insert("transport".to_owned(), environment.transport().into());
        let played = self.play(task, environment, &id, &time, model, cancel).await;
        let (trajectory, reward) = match played {
            Ok((trajectory, verdict)) => {
                let reward = verdict.map(|verdict| {
                    notes.extend(verdict.notes);
                    verdict.reward
                });
                (trajectory, reward)
            }
            Err((trajectory, failure)) => (failed(trajectory, failure), None),
        };
        if let Some(driver_notes) = driver_notes {
            notes.extend(driver_notes.notes());
        }
        let outcome = match &reward {
            _ if trajectory.stop.is_infra() => Outcome::Infra,
            None => Outcome::Infra,
            Some(reward) if reward.total >= FULL_REWARD => Outcome::Success,
            Some(_) => Outcome::Failure,
        };
        Episode {
            version: episode::EPISODE_VERSION,
            id,
            task: task.record.clone(),
            harness: self.name.clone(),
            driver: driver.name().to_owned(),
            attempt,
            trajectory,
            reward: reward.filter(|_| outcome != Outcome::Infra),
            outcome,
            ratings: Vec::new(),
            notes,
        }
    }

    async fn play(
        &self,
        task: &Arc<Task>,
        environment: &dyn Environment,
        id: &EpisodeId,
        time: &Time,
        model: Arc<dyn nex_llm::ChatModel>,
        cancel: &CancellationToken,
    ) -> Result<(Trajectory, Option<crate::Verdict>), (Trajectory, InfraFailure)> {
        let nothing_yet = || unplayed(id, task, &self.name);
        let opening = environment.open(task, id, time.virtual_clock());
        let stage = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok((nothing_yet(), None)),
            stage = opening => stage.map_err(|failure| (nothing_yet(), failure))?,
        };
        let tools = stage.tools();
        let runnable = self.runnable(environment.profile(), task, &tools).map_err(|error| {
            let failure = InfraFailure { kind: "framework".to_owned(), message: error.to_string() };
            (nothing_yet(), failure)
        })?;
        let mut context = RunContext::new(TrajectoryId::new(id.as_str()), model, time.clock());
        context.environment_tools = tools;
        context.cancel = cancel.clone();
        context.limits = self.limits(task, time);
        let trajectory = runnable.run(&task.record.instruction, context).await;
        if trajectory.stop.is_infra() {
            return Ok((trajectory, None));
        }
        match stage.close(trajectory.answer.as_deref()).await {
            Ok(verdict) => Ok((trajectory, Some(verdict))),
            Err(failure) => Err((trajectory, failure)),
        }
    }

    /// The task's limits, with room for what a framework adds: turns of a coordinator, calls of
    /// agents.
    fn limits(&self, task: &Task, time: &Time) -> LimitsOverride {
        // The generator counts the plan's calls; faults make some of them again, some many times.
        let slack = if task.faults == Faults::default() { 1 } else { 2 };
        let turns = task.limits.max_turns.saturating_mul(slack);
        let calls = match self.pattern {
            Pattern::Single => task.limits.max_calls.saturating_mul(slack),
            Pattern::Team | Pattern::Pipeline => task.limits.max_calls.saturating_mul(2 * slack),
            // Each of many agents may look by itself.
            Pattern::Framework => task.limits.max_calls.saturating_mul(slack).saturating_mul(FRAMEWORK_CALLS),
        };
        let turns = match self.pattern {
            Pattern::Framework => turns.saturating_mul(2),
            _ => turns,
        };
        LimitsOverride {
            max_turns: (turns > 0).then_some(turns),
            max_tool_calls: (calls > 0).then_some(calls),
            // Virtual time costs nothing: waiting for a rate limit must not end the episode.
            timeout: time.virtual_clock().map(|_| Duration::from_secs(86_400)),
            ..LimitsOverride::default()
        }
    }

    fn runnable(
        &self,
        profile: &WorldProfile,
        task: &Task,
        tools: &[Arc<dyn Tool>],
    ) -> Result<Runnable, GymError> {
        let offered: Vec<String> = tools.iter().map(|tool| tool.declaration().spec().name.clone()).collect();
        let cut = Cut {
            world: profile.name.clone(),
            language: task.record.language.clone(),
            briefing: task.briefing.text(),
            offered,
        };
        if let Some(runnable) = self.compiled.lock().get(&cut) {
            return Ok(runnable.clone());
        }
        let spec = tailor(&*self.spec(profile)?, &cut, &task.briefing, profile);
        let runnable =
            Runnable::compile(spec, &ToolBindings::new()).map_err(|cause| GymError::Framework {
                framework: self.name.clone(),
                world: profile.name.clone(),
                cause: Box::new(cause),
            })?;
        let mut compiled = self.compiled.lock();
        if compiled.len() >= MAX_COMPILED {
            compiled.clear();
        }
        compiled.insert(cut, runnable.clone());
        Ok(runnable)
    }
}

/// The clock of one episode.
enum Time {
    Virtual(VirtualClock),
    Wall(SystemClock),
}

impl Time {
    fn of(driver: &dyn Driver, profile: &WorldProfile) -> Self {
        match driver.time() {
            DriverTime::Virtual => Self::Virtual(VirtualClock::new(profile.start_unix_ms)),
            DriverTime::Wall => Self::Wall(SystemClock::start()),
        }
    }

    fn clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Virtual(clock) => Arc::new(clock.clone()),
            Self::Wall(clock) => Arc::new(*clock),
        }
    }

    fn virtual_clock(&self) -> Option<&VirtualClock> {
        match self {
            Self::Virtual(clock) => Some(clock),
            Self::Wall(_) => None,
        }
    }
}

/// A trajectory that holds the task and nothing else, stopped as `cancelled`.
pub(crate) fn unplayed(id: &EpisodeId, task: &Task, agent: &str) -> Trajectory {
    let mut trajectory = Trajectory::new(TrajectoryId::new(id.as_str()), agent, Arc::default());
    trajectory.push(Node::new(None, Message::user(task.record.instruction.clone())));
    trajectory
}

/// `trajectory`, stopped by `failure`.
fn failed(mut trajectory: Trajectory, failure: InfraFailure) -> Trajectory {
    trajectory.stop = StopReason::Infra(failure);
    trajectory
}

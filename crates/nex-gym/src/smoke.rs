//! A smoke run: the expert plays a framework for a few tasks of its world before anybody relies on it.
//!
//! In: agents as data, a world, seeds. Out: how many tasks were tried and solved, or the first that
//! was not, with the reason. Deterministic: the same agents, world and seeds give the same outcome.

use crate::{Environment, Expert, Harness, InProcess, Pattern, episode_id};
use nex_agent::{AgentSpec, RunnableSpec};
use nex_trajectory::{Episode, Outcome, StopReason};
use nex_world::task::{Dials, Difficulty, generate_task};
use nex_world::{Language, World};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a smoke run saw: every task was solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmokeRun {
    /// Episodes that were played, each of another task.
    pub episodes: usize,
    /// Model replies in all of them.
    pub turns: u64,
}

/// Why a framework does not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmokeError {
    /// The runtime of the run cannot be made.
    #[error("the run cannot start: {0}")]
    Start(String),
    /// There is no task of this kind.
    #[error("there is no {difficulty} task for seed {seed}: {cause}")]
    Task {
        /// Of which difficulty.
        difficulty: &'static str,
        /// The task's seed.
        seed: u64,
        /// What the generator said.
        cause: String,
    },
    /// The expert does not get through it with these agents.
    #[error(
        "the expert does not solve the {difficulty} task of seed {seed} with these agents: {cause}; \
         the task: {instruction}"
    )]
    Unsolved {
        /// Of which difficulty.
        difficulty: &'static str,
        /// The task's seed.
        seed: u64,
        /// How the episode ended.
        cause: String,
        /// The task's instruction.
        instruction: String,
    },
}

/// Plays `framework` by the expert for a task of each difficulty for each of `seeds`. Blocks until
/// it is over: some milliseconds an episode.
///
/// # Errors
/// The first task that there is none of, or that is not solved.
pub fn smoke_run(
    framework: &RunnableSpec,
    world: &Arc<World>,
    seeds: impl IntoIterator<Item = u64>,
) -> Result<SmokeRun, SmokeError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|cause| SmokeError::Start(cause.to_string()))?;
    let harness = Harness::from_spec("smoke", Pattern::Framework, without_servers(framework));
    let environment = InProcess::new(world.clone());
    let mut run = SmokeRun { episodes: 0, turns: 0 };
    for seed in seeds {
        for level in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
            let difficulty = level.as_str();
            let task = generate_task(world, seed, &Dials::preset(level), Language::En)
                .map_err(|cause| SmokeError::Task { difficulty, seed, cause: cause.to_string() })?;
            let instruction = task.record.instruction.clone();
            let episode = runtime.block_on(play(&harness, Arc::new(task), &environment));
            if episode.outcome != Outcome::Success {
                let cause = how_it_ended(&episode);
                return Err(SmokeError::Unsolved { difficulty, seed, cause, instruction });
            }
            run.episodes += 1;
            run.turns += turns(&episode);
        }
    }
    Ok(run)
}

/// The same agents without MCP servers: no program is started for a smoke run.
fn without_servers(framework: &RunnableSpec) -> RunnableSpec {
    fn agent(spec: &AgentSpec) -> AgentSpec {
        let mut spec = spec.clone();
        spec.mcp_servers.clear();
        for sub in &mut spec.sub_agents {
            sub.agent = Arc::new(agent(&sub.agent));
        }
        spec
    }
    match framework {
        RunnableSpec::Agent(spec) => RunnableSpec::Agent(agent(spec)),
        RunnableSpec::Pipeline(pipeline) => {
            let mut pipeline = pipeline.clone();
            for stage in &mut pipeline.stages {
                stage.agent = Arc::new(agent(&stage.agent));
            }
            RunnableSpec::Pipeline(pipeline)
        }
        RunnableSpec::Workflow(workflow) => {
            RunnableSpec::Workflow(workflow.clone().map_agents(&mut |spec| agent(spec)))
        }
    }
}

async fn play(harness: &Harness, task: Arc<nex_world::task::Task>, environment: &dyn Environment) -> Episode {
    let id = episode_id(0, task.record.id.as_str(), harness.name(), "expert", 0);
    harness.run(&task, environment, &Expert::default(), id, 0, &CancellationToken::new()).await
}

fn turns(episode: &Episode) -> u64 {
    let mut turns = 0;
    episode.trajectory.walk(&mut |trajectory| {
        let replies =
            trajectory.nodes.iter().filter(|node| node.message.role == nex_trajectory::Role::Assistant);
        turns += replies.count() as u64;
    });
    turns
}

fn how_it_ended(episode: &Episode) -> String {
    let stop = &episode.trajectory.stop;
    if let StopReason::Infra(failure) = stop {
        return format!("{}: {}", failure.kind, failure.message);
    }
    if !stop.is_answer() {
        return format!("it stopped with `{}`", stop.name());
    }
    let findings = episode.reward.iter().flat_map(|reward| &reward.parts).flat_map(|part| &part.findings);
    let findings: Vec<&str> = findings.map(String::as_str).take(3).collect();
    match (findings.is_empty(), &episode.trajectory.answer) {
        (false, _) => format!("the verifier found: {}", findings.join("; ")),
        (true, Some(answer)) => format!("it answered: {answer}"),
        (true, None) => "it gave no answer".to_owned(),
    }
}

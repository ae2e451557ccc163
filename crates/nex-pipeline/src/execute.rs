//! Execution: the plan's episodes are made and stored, those of an earlier call skipped.

use crate::in_order::PLAN_INDEX;
use crate::plan::{Plan, PlannedEpisode, TaskFile};
use crate::recipe::{Recipe, Transport};
use crate::{PipelineError, RunFolder, WorldSource};
use nex_gym::rollout::{Order, RolloutControl};
use nex_gym::{
    Assignment, Driver, Environment, Harness, Lane, Progress, Rollout, RolloutError, RolloutOptions,
    RolloutSummary,
};
use nex_trajectory::store::{OpenReport, Reader, Store, StoreError};
use nex_trajectory::{Episode, EpisodeId};
use parking_lot::Mutex;
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Arc;

/// Where the episodes of each world take place, in the order of [`Plan::worlds`].
pub type Environments = Vec<Arc<dyn Environment>>;

/// Told of each start and end, and of what the store repaired when it was opened.
pub trait ExecuteObserver: Send {
    /// The store was opened; `report` says what a crash had left in it.
    fn on_open(&mut self, _report: &OpenReport) {}
    /// An episode started or ended.
    fn on_progress(&mut self, _progress: &Progress) {}
}

/// Makes the episodes that are missing. At most `limit` are started in this call.
///
/// # Errors
/// The store cannot be opened or written, or a task cannot be read. What was stored stays.
#[allow(clippy::too_many_arguments, reason = "the stage's inputs, each of another kind")]
pub async fn execute(
    recipe: &Recipe,
    folder: &RunFolder,
    plan: &Plan,
    tasks: Arc<TaskFile>,
    environments: &Environments,
    driver: Arc<dyn Driver>,
    limit: Option<u64>,
    control: &RolloutControl,
    observer: &mut dyn ExecuteObserver,
) -> Result<RolloutSummary, PipelineError> {
    let dir = folder.episodes_dir();
    let (store, report) = Store::<Episode>::open(&dir).map_err(|e| PipelineError::file(&dir, e))?;
    observer.on_open(&report);
    let done = finished_ids(folder)?;
    let harnesses = plan.open_harnesses()?;
    let broken_task: Arc<Mutex<Option<PipelineError>>> = Arc::default();
    let lanes = lanes(
        plan,
        &tasks,
        environments,
        &harnesses,
        limit.map(|l| (l, &done, recipe, &*driver)),
        &broken_task,
    );
    let options = RolloutOptions {
        seed: recipe.seed,
        concurrency: recipe.concurrency,
        order: Order::Finished,
        ..RolloutOptions::default()
    };
    let rollout = Rollout::new(driver, options).skipping(done);
    let sink = |index: u64, mut episode: Episode| {
        episode.notes.insert(PLAN_INDEX.to_owned(), index.into());
        store.append(&episode)
    };
    let summary = rollout
        .run(lanes, sink, control, |progress| observer.on_progress(progress))
        .await
        .map_err(|RolloutError::Sink { cause, .. }| PipelineError::file(&dir, cause))?;
    store.sync().map_err(|e| PipelineError::file(&dir, e))?;
    if let Some(error) = broken_task.lock().take() {
        return Err(error);
    }
    Ok(summary)
}

/// The environments that the recipe asks for.
///
/// `server_command` starts an MCP server of the world whose file is appended to it.
///
/// # Errors
/// The folder for the files of episodes cannot be made.
pub fn open_environments(
    recipe: &Recipe,
    plan: &Plan,
    folder: &RunFolder,
    server_command: &[String],
) -> Result<Environments, PipelineError> {
    let pool = match recipe.transport {
        Transport::InProcess => None,
        Transport::Mcp => Some(nex_gym::McpStdio::pool(recipe.concurrency)),
    };
    let mut environments: Environments = Vec::new();
    for world in &plan.worlds {
        environments.push(match (world, &pool) {
            (WorldSource::Declared(world), None) => Arc::new(nex_gym::InProcess::new(world.clone())),
            (WorldSource::Declared(world), Some(pool)) => {
                let mut command = server_command.to_vec();
                let file = folder.worlds_dir().join(format!("{}.yaml", world.name()));
                command.push(file.display().to_string());
                Arc::new(nex_gym::McpStdio::new(world.clone(), pool.clone(), &command))
            }
            // Real files are reached as such, whatever the transport of the others.
            (WorldSource::Files(_), _) => {
                let scratch = folder.scratch_dir();
                std::fs::create_dir_all(&scratch).map_err(|e| PipelineError::file(&scratch, e))?;
                Arc::new(nex_gym::files::FilesEnvironment::new().below(&scratch))
            }
            // The sandbox is the place, whatever the transport of the others.
            (WorldSource::Code(code), _) => Arc::new(nex_gym::CodeEnvironment::new(code.clone())),
            (WorldSource::Shell(shell), _) => Arc::new(nex_gym::ShellEnvironment::new(shell.clone())),
            (WorldSource::Search(_), _) => Arc::new(nex_gym::SearchEnvironment::new()),
            (WorldSource::Dialogue(world), _) => Arc::new(nex_gym::DialogueEnvironment::new(world.clone())),
        });
    }
    Ok(environments)
}

/// Ids of the episodes that are stored.
///
/// # Errors
/// A segment cannot be read.
pub fn finished_ids(folder: &RunFolder) -> Result<HashSet<EpisodeId>, PipelineError> {
    #[derive(Deserialize)]
    struct Head {
        id: EpisodeId,
    }
    let dir = folder.episodes_dir();
    let mut ids = HashSet::new();
    for head in Reader::<Head>::open(&dir).map_err(|e| PipelineError::file(&dir, e))? {
        match head {
            Ok(head) => {
                ids.insert(head.id);
            }
            Err(error @ StoreError::Io { .. }) => return Err(PipelineError::file(&dir, error)),
            // A damaged line is an episode that has to be made again.
            Err(_) => {}
        }
    }
    Ok(ids)
}

/// A limit on the episodes of one call, with what tells which are done already.
type Limit<'a> = (u64, &'a HashSet<EpisodeId>, &'a Recipe, &'a dyn Driver);

fn lanes(
    plan: &Plan,
    tasks: &Arc<TaskFile>,
    environments: &Environments,
    harnesses: &[Arc<Harness>],
    limit: Option<Limit<'_>>,
    broken_task: &Arc<Mutex<Option<PipelineError>>>,
) -> Vec<Lane> {
    let mut by_world: Vec<Vec<PlannedEpisode>> = vec![Vec::new(); plan.worlds.len()];
    let mut left = limit.as_ref().map_or(u64::MAX, |(limit, ..)| *limit);
    for episode in plan.episodes() {
        let planned = &plan.tasks[episode.task];
        if let Some((_, done, recipe, driver)) = &limit
            && !done.is_empty()
            && is_done(tasks, episode, &planned.harness, done, recipe, *driver)
        {
            continue;
        }
        if left == 0 {
            break;
        }
        left -= 1;
        by_world[planned.world].push(episode);
    }
    by_world
        .into_iter()
        .enumerate()
        .map(|(world, episodes)| {
            let (tasks, broken_task) = (tasks.clone(), broken_task.clone());
            let environment = environments[world].clone();
            let harness_of: Vec<Arc<Harness>> = episodes
                .iter()
                .map(|e| {
                    let name = &plan.tasks[e.task].harness;
                    let found = harnesses.iter().find(|h| h.name() == name);
                    found.expect("the plan takes its harnesses from the recipe").clone()
                })
                .collect();
            // A task that cannot be read ends its lane; the stage reports it at the end.
            let assignments = episodes.into_iter().zip(harness_of).map_while(move |(episode, harness)| {
                match tasks.get(episode.task) {
                    Ok(task) => Some(Assignment {
                        index: episode.index,
                        task: Arc::new(task),
                        environment: environment.clone(),
                        harness,
                        attempt: episode.attempt,
                    }),
                    Err(error) => {
                        broken_task.lock().get_or_insert(error);
                        None
                    }
                }
            });
            Lane::new(assignments)
        })
        .collect()
}

fn is_done(
    tasks: &TaskFile,
    episode: PlannedEpisode,
    harness: &str,
    done: &HashSet<EpisodeId>,
    recipe: &Recipe,
    driver: &dyn Driver,
) -> bool {
    tasks.get(episode.task).is_ok_and(|task| {
        let id = task.record.id.as_str();
        done.contains(&nex_gym::episode_id(recipe.seed, id, harness, driver.name(), episode.attempt))
    })
}

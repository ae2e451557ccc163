//! [`Rollout`]: many episodes at once, with bounded memory.
//!
//! In: assignments in lanes (one a world), a driver, the ids that are already there. Out: episodes
//! to a sink, one at a time. Invariants:
//! - at most `concurrency` episodes are under way, and in plan order at most `window` wait for an
//!   earlier one; nothing else is kept;
//! - the next episode comes from the lane with the fewest under way, so that a slow world cannot
//!   keep the others from going on;
//! - a panic or an infra failure ends one episode, and is recorded as one after the retries;
//! - an episode that was cancelled is not given to the sink: it is made again by the next run.

mod lane;
mod progress;
mod window;

pub use lane::Lane;
pub use progress::{Progress, failure_reason};

use crate::harness::unplayed;
use crate::{Assignment, Driver};
use futures_util::FutureExt;
use lane::Lanes;
use nex_trajectory::{Episode, EpisodeId, InfraFailure, Outcome, StopReason, episode};
use std::any::Any;
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use window::Window;

/// How episodes are made.
#[derive(Clone, Debug)]
pub struct RolloutOptions {
    /// Everything random follows from it, by way of the episode ids.
    pub seed: u64,
    /// Episodes under way at once; at least 1.
    pub concurrency: usize,
    /// How often an episode is run again after an infra failure before that is recorded.
    pub max_infra_retries: u32,
    /// In which order the sink gets the episodes.
    pub order: Order,
}

impl Default for RolloutOptions {
    fn default() -> Self {
        Self { seed: 0, concurrency: 64, max_infra_retries: 2, order: Order::Finished }
    }
}

/// In which order the sink gets the episodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they finish.
    Finished,
    /// By their index in the plan. An episode is started only if it is less than `window` places
    /// after the first that the sink lacks, so at most that many are held back.
    Plan {
        /// Places; at least 1. Several times the concurrency keeps all slots busy.
        window: u64,
    },
}

/// What stops a rollout early.
#[derive(Clone, Debug, Default)]
pub struct RolloutControl {
    /// No further episode is started; those under way are finished.
    pub drain: CancellationToken,
    /// Those under way are cut short as well, and lost.
    pub abort: CancellationToken,
}

/// Why a rollout ended before its plan.
#[derive(Debug, thiserror::Error)]
pub enum RolloutError<E> {
    /// The sink refused an episode. Those before it are safe; the next run makes it again.
    #[error("episode `{episode}` could not be kept: {cause}")]
    Sink {
        /// The episode.
        episode: EpisodeId,
        /// The sink's words.
        cause: E,
    },
}

/// What a rollout did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RolloutSummary {
    /// The last progress.
    pub progress: Progress,
    /// The plan was not carried out to its end.
    pub was_stopped: bool,
}

/// Makes episodes.
pub struct Rollout {
    driver: Arc<dyn Driver>,
    options: RolloutOptions,
    done: Arc<HashSet<EpisodeId>>,
}

/// An episode that is done, with its place in the plan.
struct Finished {
    index: u64,
    lane: usize,
    retries: u32,
    episode: Episode,
}

impl Rollout {
    /// A rollout by `driver`.
    pub fn new(driver: Arc<dyn Driver>, options: RolloutOptions) -> Self {
        Self { driver, options, done: Arc::default() }
    }

    /// The same without the episodes in `done`, which an earlier run made.
    #[must_use]
    pub fn skipping(mut self, done: HashSet<EpisodeId>) -> Self {
        self.done = Arc::new(done);
        self
    }

    /// Makes all episodes of `lanes` and gives each to `sink` with its place in the plan.
    ///
    /// The sink is called by one task at a time. `on_progress` is told after each start and end.
    ///
    /// # Errors
    /// The sink failed; what was under way is cut short then.
    pub async fn run<E>(
        &self,
        lanes: Vec<Lane>,
        mut sink: impl FnMut(u64, Episode) -> Result<(), E>,
        control: &RolloutControl,
        mut on_progress: impl FnMut(&Progress),
    ) -> Result<RolloutSummary, RolloutError<E>> {
        let mut lanes = Lanes::new(lanes);
        let mut window = Window::new(self.options.order);
        let mut progress = Progress::default();
        let mut running: JoinSet<Finished> = JoinSet::new();
        loop {
            while running.len() < self.options.concurrency.max(1) && !control.drain.is_cancelled() {
                if running.is_empty()
                    && let Some(first) = lanes.first_index()
                {
                    // The plan may have gaps: nothing under way will ever fill them.
                    for (index, episode) in window.skip_to(first) {
                        give(&mut sink, index, episode)?;
                    }
                }
                let Some((lane, assignment)) = lanes.next(|index| window.admits(index)) else { break };
                let id = assignment.episode_id(self.options.seed, self.driver.name());
                if self.done.contains(&id) {
                    lanes.finished(lane);
                    progress.skipped += 1;
                    self.deliver(&mut window, assignment.index, None, &mut sink)?;
                    continue;
                }
                progress.started += 1;
                progress.running += 1;
                self.start(&mut running, lane, assignment, id, &control.abort);
                on_progress(&progress);
            }
            let joined = tokio::select! {
                biased;
                () = control.abort.cancelled() => {
                    // The episodes hear of it themselves and end soon; their records are void.
                    running.shutdown().await;
                    return Ok(RolloutSummary { progress, was_stopped: true });
                }
                joined = running.join_next() => joined,
            };
            let Some(joined) = joined else { break };
            let finished = joined.expect("an episode catches its panics and is never aborted");
            lanes.finished(finished.lane);
            progress.add(&finished.episode, finished.retries);
            if finished.episode.trajectory.stop == StopReason::Cancelled {
                continue;
            }
            self.deliver(&mut window, finished.index, Some(finished.episode), &mut sink)?;
            on_progress(&progress);
        }
        let was_stopped = control.drain.is_cancelled() && !lanes.are_empty();
        // After a drain there may be gaps; what was made is kept all the same.
        for (index, episode) in window.drain() {
            give(&mut sink, index, episode)?;
        }
        Ok(RolloutSummary { progress, was_stopped })
    }

    fn start(
        &self,
        running: &mut JoinSet<Finished>,
        lane: usize,
        assignment: Assignment,
        id: EpisodeId,
        abort: &CancellationToken,
    ) {
        let (driver, abort) = (self.driver.clone(), abort.clone());
        let max_retries = self.options.max_infra_retries;
        running.spawn(async move {
            let mut retries = 0;
            loop {
                let mut episode = attempt(&assignment, &*driver, &id, &abort).await;
                let is_infra = episode.outcome == Outcome::Infra;
                let is_cancelled = episode.trajectory.stop == StopReason::Cancelled;
                if is_infra && !is_cancelled && retries < max_retries && !abort.is_cancelled() {
                    retries += 1;
                    continue;
                }
                if retries > 0 {
                    episode.notes.insert("infra_retries".to_owned(), retries.into());
                }
                return Finished { index: assignment.index, lane, retries, episode };
            }
        });
    }

    /// Gives to `sink` whatever may go now that the episode at `index` is there (or was before).
    fn deliver<E>(
        &self,
        window: &mut Window,
        index: u64,
        episode: Option<Episode>,
        sink: &mut impl FnMut(u64, Episode) -> Result<(), E>,
    ) -> Result<(), RolloutError<E>> {
        for (index, episode) in window.finished(index, episode) {
            give(sink, index, episode)?;
        }
        Ok(())
    }
}

fn give<E>(
    sink: &mut impl FnMut(u64, Episode) -> Result<(), E>,
    index: u64,
    episode: Episode,
) -> Result<(), RolloutError<E>> {
    let id = episode.id.clone();
    sink(index, episode).map_err(|cause| RolloutError::Sink { episode: id, cause })
}

/// One attempt; a panic becomes an infra failure of this episode.
async fn attempt(
    assignment: &Assignment,
    driver: &dyn Driver,
    id: &EpisodeId,
    abort: &CancellationToken,
) -> Episode {
    let Assignment { task, environment, harness, attempt, .. } = assignment;
    let run = harness.run(task, &**environment, driver, id.clone(), *attempt, abort);
    AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|panic| {
        let mut trajectory = unplayed(id, task, harness.name());
        trajectory.stop = StopReason::Infra(InfraFailure {
            kind: "panic".to_owned(),
            message: format!("a bug ended this episode: {}", panic_message(&*panic)),
        });
        Episode {
            version: episode::EPISODE_VERSION,
            id: id.clone(),
            task: task.record.clone(),
            harness: harness.name().to_owned(),
            driver: driver.name().to_owned(),
            attempt: *attempt,
            trajectory,
            reward: None,
            outcome: Outcome::Infra,
            ratings: Vec::new(),
            notes: Default::default(),
        }
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

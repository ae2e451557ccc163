//! Rollouts: the same episodes whatever the concurrency, after a stop in the middle, and around
//! panics and failures of the surroundings.

mod support;

use async_trait::async_trait;
use nex_agent::VirtualClock;
use nex_gym::{
    Assignment, Environment, Expert, Lane, Order, Progress, Rollout, RolloutControl, RolloutOptions, Stage,
    WorldProfile,
};
use nex_trajectory::{Episode, EpisodeId, InfraFailure, Outcome, StopReason};
use nex_world::task::Task;
use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{assignments, first_environment, harnesses, tasks, worlds};

fn plan(count: usize) -> Vec<Assignment> {
    let world = worlds().remove(0);
    assignments(&first_environment(), &tasks(&world, 1, count), &harnesses(), 0)
}

fn options(concurrency: usize, order: Order) -> RolloutOptions {
    RolloutOptions { seed: 11, concurrency, max_infra_retries: 2, order }
}

/// Episode texts by plan index, in the order in which the sink got them.
async fn run(plan: Vec<Assignment>, options: RolloutOptions, done: HashSet<EpisodeId>) -> Vec<(u64, String)> {
    let mut got = Vec::new();
    let sink = |index, episode: Episode| {
        got.push((index, serde_json::to_string(&episode).expect("an episode serialises")));
        Ok::<(), Infallible>(())
    };
    let rollout = Rollout::new(Arc::new(Expert::default()), options).skipping(done);
    rollout
        .run(Lane::by_world(plan), sink, &RolloutControl::default(), |_| {})
        .await
        .expect("the sink takes all");
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrency_changes_no_byte_and_plan_order_holds() {
    let one = run(plan(8), options(1, Order::Finished), HashSet::new()).await;
    let many = run(plan(8), options(64, Order::Finished), HashSet::new()).await;
    let ordered = run(plan(8), options(64, Order::Plan { window: 5 }), HashSet::new()).await;
    assert_eq!(one.len(), 24);
    let by_index: BTreeMap<u64, String> = one.into_iter().collect();
    assert_eq!(many.into_iter().collect::<BTreeMap<_, _>>(), by_index);
    let indices: Vec<u64> = ordered.iter().map(|(index, _)| *index).collect();
    assert_eq!(indices, (0..24).collect::<Vec<_>>());
    assert_eq!(ordered.into_iter().collect::<BTreeMap<_, _>>(), by_index);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_stopped_rollout_goes_on_to_the_same_set() {
    let whole: BTreeMap<u64, String> =
        run(plan(8), options(8, Order::Finished), HashSet::new()).await.into_iter().collect();
    for (is_abort, stop_after) in [(false, 1), (false, 9), (true, 5), (true, 20)] {
        let control = RolloutControl::default();
        let mut kept: BTreeMap<u64, String> = BTreeMap::new();
        let mut ids = HashSet::new();
        let token = if is_abort { control.abort.clone() } else { control.drain.clone() };
        let sink = |index, episode: Episode| {
            assert!(ids.insert(episode.id.clone()), "an episode came twice");
            kept.insert(index, serde_json::to_string(&episode).expect("an episode serialises"));
            if kept.len() == stop_after {
                token.cancel();
            }
            Ok::<(), Infallible>(())
        };
        let rollout = Rollout::new(Arc::new(Expert::default()), options(4, Order::Finished));
        let summary =
            rollout.run(Lane::by_world(plan(8)), sink, &control, |_| {}).await.expect("no sink error");
        assert!(summary.was_stopped);
        assert!((stop_after..24).contains(&kept.len()), "{} episodes after the stop", kept.len());
        let rest = run(plan(8), options(8, Order::Plan { window: 3 }), ids).await;
        assert_eq!(rest.len(), 24 - kept.len(), "nothing is made twice");
        kept.extend(rest);
        assert_eq!(kept, whole);
    }
}

#[tokio::test]
async fn a_sink_that_fails_ends_the_rollout_with_its_words() {
    let mut count = 0;
    let sink = |_, _| {
        count += 1;
        if count == 3 { Err("the disk is full") } else { Ok(()) }
    };
    let rollout = Rollout::new(Arc::new(Expert::default()), options(2, Order::Finished));
    let error =
        rollout.run(Lane::by_world(plan(4)), sink, &RolloutControl::default(), |_| {}).await.unwrap_err();
    assert!(error.to_string().ends_with("could not be kept: the disk is full"), "{error}");
}

/// An environment whose stages cannot be opened at times.
struct Shaky {
    inner: Arc<dyn Environment>,
    opened: AtomicUsize,
    /// What happens at the n-th opening.
    trouble: fn(usize) -> Trouble,
}

enum Trouble {
    None,
    Infra,
    Panic,
}

#[async_trait]
impl Environment for Shaky {
    fn profile(&self) -> &WorldProfile {
        self.inner.profile()
    }

    fn transport(&self) -> &str {
        "shaky"
    }

    async fn open(
        &self,
        task: &Arc<Task>,
        episode: &EpisodeId,
        clock: Option<&VirtualClock>,
    ) -> Result<Box<dyn Stage>, InfraFailure> {
        match (self.trouble)(self.opened.fetch_add(1, Ordering::Relaxed)) {
            Trouble::None => self.inner.open(task, episode, clock).await,
            Trouble::Infra => {
                Err(InfraFailure { kind: "server_gone".to_owned(), message: "gone".to_owned() })
            }
            Trouble::Panic => panic!("a bug in the environment"),
        }
    }
}

async fn run_shaky(trouble: fn(usize) -> Trouble) -> (Vec<Episode>, Progress) {
    let world = worlds().remove(0);
    let shaky: Arc<dyn Environment> =
        Arc::new(Shaky { inner: first_environment(), opened: AtomicUsize::new(0), trouble });
    let plan = assignments(&shaky, &tasks(&world, 1, 3), &harnesses()[..1], 0);
    let mut episodes = Vec::new();
    let sink = |_, episode| {
        episodes.push(episode);
        Ok::<(), Infallible>(())
    };
    let rollout = Rollout::new(Arc::new(Expert::default()), options(1, Order::Finished));
    let summary = rollout
        .run(Lane::by_world(plan), sink, &RolloutControl::default(), |_| {})
        .await
        .expect("no sink error");
    assert!(!summary.was_stopped);
    (episodes, summary.progress)
}

#[tokio::test]
async fn an_infra_failure_is_retried_and_then_recorded_without_a_score() {
    let (episodes, progress) = run_shaky(|opening| match opening {
        // The first episode recovers at its third try, the second never does.
        0 | 1 | 3..=5 => Trouble::Infra,
        _ => Trouble::None,
    })
    .await;
    let outcomes: Vec<Outcome> = episodes.iter().map(|episode| episode.outcome).collect();
    assert_eq!(outcomes, [Outcome::Success, Outcome::Infra, Outcome::Success]);
    assert_eq!(episodes[0].notes["infra_retries"], 2);
    assert_eq!(episodes[1].reward, None);
    assert_eq!((progress.succeeded, progress.infra, progress.retries), (2, 1, 4));
    assert_eq!(progress.reasons["infra: server_gone"], 1);
}

#[tokio::test]
async fn a_panic_is_one_infra_episode() {
    let (episodes, progress) = run_shaky(|opening| match opening {
        0..=2 => Trouble::Panic,
        _ => Trouble::None,
    })
    .await;
    assert_eq!(episodes.len(), 3);
    match &episodes[0].trajectory.stop {
        StopReason::Infra(failure) => {
            assert_eq!(failure.kind, "panic");
            assert!(failure.message.contains("a bug in the environment"));
        }
        other => panic!("stopped by {other:?}"),
    }
    assert_eq!((progress.succeeded, progress.infra), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lanes_take_turns_and_progress_adds_up() {
    let world = worlds().remove(0);
    let environment = first_environment();
    let harnesses = harnesses();
    // Two lanes, the first much longer: the second must not wait for its end.
    let long = assignments(&environment, &tasks(&world, 1, 10), &harnesses, 0);
    let short = assignments(&environment, &tasks(&world, 500, 2), &harnesses[..1], 100);
    let mut order = Vec::new();
    let mut last = Progress::default();
    let sink = |index, _| {
        order.push(index);
        Ok::<(), Infallible>(())
    };
    let on_progress = |progress: &Progress| {
        assert!(progress.running <= 2);
        assert_eq!(progress.started, progress.running + progress.finished());
        last = progress.clone();
    };
    let rollout = Rollout::new(Arc::new(Expert::default()), options(2, Order::Finished));
    let lanes = vec![Lane::new(long.into_iter()), Lane::new(short.into_iter())];
    rollout.run(lanes, sink, &RolloutControl::default(), on_progress).await.expect("no sink error");
    assert_eq!(last.finished(), 32);
    let place = order.iter().position(|index| *index == 101).expect("it was made");
    assert!(place < 8, "the short lane came last: {order:?}");
}

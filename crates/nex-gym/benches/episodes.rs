//! What an episode costs: CPU of full expert episodes in process, and memory of many at once.
//!
//! `cargo bench -p nex-gym --bench episodes`; Linux, since it reads `/proc`.

#![allow(clippy::print_stdout, reason = "a bench prints its figures")]
#![allow(missing_docs, reason = "a program")]

use async_trait::async_trait;
use nex_gym::{
    Assignment, Casting, Driver, DriverTime, Environment, EpisodeModel, Expert, Harness, InProcess, Lane,
    Pattern, Rollout, RolloutControl, RolloutOptions, episode_id,
};
use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError};
use nex_trajectory::{ModelIdentity, Outcome};
use nex_world::task::{Dials, Task, generate_task, verify, verify_session};
use nex_world::{Language, World, builtin_worlds};
use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Model latency of the concurrent part.
const LATENCY: Duration = Duration::from_millis(50);

fn main() {
    let worlds: Vec<Arc<World>> = builtin_worlds().iter().map(|w| w.load().expect("it loads")).collect();
    let sets: Vec<(Arc<World>, Vec<Arc<Task>>)> =
        worlds.into_iter().map(|world| (world.clone(), tasks(&world, 12))).collect();
    parts(&sets);
    for pattern in Pattern::ALL {
        one_by_one(&sets, pattern);
    }
    for concurrency in [500, 5_000] {
        at_once(&sets, concurrency);
    }
}

/// Tasks of exactly 8 calls.
fn tasks(world: &Arc<World>, count: usize) -> Vec<Arc<Task>> {
    let dials = Dials { hops: 8, breadth: 2, ..Dials::default() };
    (1..500)
        .filter_map(|seed| generate_task(world, seed, &dials, Language::En).ok())
        .filter(|task| task.plan.steps.len() == 8)
        .take(count)
        .map(Arc::new)
        .collect()
}

/// What a session, its export and its verdict cost by themselves.
fn parts(sets: &[(Arc<World>, Vec<Arc<Task>>)]) {
    let all: Vec<(&Arc<World>, &Arc<Task>)> =
        sets.iter().flat_map(|(world, tasks)| tasks.iter().map(move |task| (world, task))).collect();
    let time = |name: &str, work: &dyn Fn(&Arc<World>, &Task)| {
        let start = cpu();
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            all.iter().for_each(|(world, task)| work(world, task));
        }
        let each = (cpu() - start).as_secs_f64() * 1e3 / (ROUNDS * all.len()) as f64;
        println!("{name:<28} {each:8.3} CPU ms");
    };
    let start = cpu();
    let seeds = 1_000_000..1_000_040u64;
    for (world, _) in sets {
        for seed in seeds.clone() {
            black_box(world.initial_state(seed, Language::En).expect("a state"));
        }
    }
    let each = (cpu() - start).as_secs_f64() * 1e3 / (sets.len() * seeds.count()) as f64;
    println!("{:<28} {each:8.3} CPU ms", "state, first seen");
    time("session, state seen before", &|world, task| {
        black_box(task.session(world).expect("a session"));
    });
    let exports: Vec<_> = all.iter().map(|(world, task)| task.session(world).expect("a session")).collect();
    let start = cpu();
    exports.iter().for_each(|session| {
        black_box(session.export());
    });
    println!("{:<28} {:8.3} CPU ms", "export", (cpu() - start).as_secs_f64() * 1e3 / exports.len() as f64);
    let start = cpu();
    for ((_, task), session) in all.iter().zip(&exports) {
        black_box(verify_session(session, task, None));
    }
    let each = (cpu() - start).as_secs_f64() * 1e3 / exports.len() as f64;
    println!("{:<28} {each:8.3} CPU ms", "verdict on the session");
    let exports: Vec<_> = exports.iter().map(|session| session.export()).collect();
    let start = cpu();
    for ((world, task), export) in all.iter().zip(&exports) {
        black_box(verify(world, task, export, None));
    }
    println!(
        "{:<28} {:8.3} CPU ms",
        "verdict on the export",
        (cpu() - start).as_secs_f64() * 1e3 / exports.len() as f64
    );
}

fn one_by_one(sets: &[(Arc<World>, Vec<Arc<Task>>)], pattern: Pattern) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let harness = Harness::builtin(pattern);
    let (mut episodes, mut successes, mut calls) = (0u32, 0u32, 0usize);
    let mut measured = Duration::ZERO;
    for round in 0..20u64 {
        let start = cpu();
        for (world, tasks) in sets {
            let environment = InProcess::new(world.clone());
            for task in tasks {
                let id = episode_id(round, task.record.id.as_str(), harness.name(), "expert", 0);
                let cancel = CancellationToken::new();
                let run = harness.run(task, &environment, &*EXPERT, id, 0, &cancel);
                let episode = runtime.block_on(run);
                // The first round fills caches, as a long run would have them.
                if round > 0 {
                    episodes += 1;
                    successes += u32::from(episode.outcome == Outcome::Success);
                    calls += episode.trajectory.call_count();
                }
            }
        }
        if round > 0 {
            measured += cpu() - start;
        }
    }
    let each = measured.as_secs_f64() * 1e3 / f64::from(episodes);
    println!(
        "{:<28} {each:8.3} CPU ms an episode, {:.0} episodes/s on one core, {:.1} calls, {successes} of {episodes} solved",
        format!("expert, {pattern}"),
        1e3 / each,
        calls as f64 / f64::from(episodes)
    );
}

static EXPERT: std::sync::LazyLock<Expert> = std::sync::LazyLock::new(Expert::default);

fn at_once(sets: &[(Arc<World>, Vec<Arc<Task>>)], concurrency: usize) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let harness = Arc::new(Harness::builtin(Pattern::Single));
    let environments: Vec<Arc<dyn Environment>> =
        sets.iter().map(|(world, _)| Arc::new(InProcess::new(world.clone())) as _).collect();
    let per_world = concurrency.div_ceil(sets.len());
    let mut turns = 0;
    let lanes = sets.iter().zip(&environments).enumerate().map(|(lane, ((_, tasks), environment))| {
        turns = turns.max(tasks.iter().map(|task| task.plan.steps.len() + 1).max().unwrap_or(0));
        let (tasks, environment, harness) = (tasks.clone(), environment.clone(), harness.clone());
        Lane::new((0..per_world).map(move |n| Assignment {
            index: (lane * per_world + n) as u64,
            task: tasks[n % tasks.len()].clone(),
            environment: environment.clone(),
            harness: harness.clone(),
            attempt: n as u32,
        }))
    });
    let lanes: Vec<Lane> = lanes.collect();
    let before = resident_kib();
    let (wall, start) = (Instant::now(), cpu());
    let mut peak = before;
    let (mut solved, mut model_turns) = (0u32, 0usize);
    let options = RolloutOptions { concurrency, ..RolloutOptions::default() };
    let rollout = Rollout::new(Arc::new(Slow), options);
    let sink = |_, episode: nex_trajectory::Episode| {
        solved += u32::from(episode.outcome == Outcome::Success);
        model_turns = model_turns.max(episode.trajectory.turn_count());
        peak = peak.max(resident_kib());
        Ok::<(), Infallible>(())
    };
    let control = RolloutControl::default();
    let run = rollout.run(lanes, sink, &control, |_| {});
    let finished = runtime.block_on(run).expect("the sink takes all").progress.finished();
    let ideal = LATENCY.as_secs_f64() * model_turns as f64;
    println!(
        "{:<28} {:.2} s wall, {:.2} × the longest episode's waiting, {:.3} CPU ms an episode, {:.0} KiB an episode, {solved} of {finished} solved",
        format!("{concurrency} at once, 50 ms a turn"),
        wall.elapsed().as_secs_f64(),
        wall.elapsed().as_secs_f64() / ideal,
        (cpu() - start).as_secs_f64() * 1e3 / finished as f64,
        peak.saturating_sub(before) as f64 / concurrency as f64,
    );
}

/// The expert behind a model that takes its time.
struct Slow;

struct SlowModel(Arc<dyn ChatModel>);

impl Driver for Slow {
    fn name(&self) -> &str {
        "expert"
    }

    fn time(&self) -> DriverTime {
        DriverTime::Wall
    }

    fn cast(&self, casting: &Casting<'_>) -> EpisodeModel {
        let cast = EXPERT.cast(casting);
        EpisodeModel { model: Arc::new(SlowModel(cast.model)), notes: cast.notes }
    }
}

#[async_trait]
impl ChatModel for SlowModel {
    fn identity(&self) -> ModelIdentity {
        self.0.identity()
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        tokio::time::sleep(LATENCY).await;
        self.0.complete(request).await
    }
}

/// CPU time of this process, user and system, in the kernel's ticks of 10 ms at worst.
fn cpu() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    let main_thread_ns: u64 = schedstat.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
    let others = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten().filter_map(|task| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(others.sum::<u64>().max(main_thread_ns))
}

/// Memory of this process in KiB.
fn resident_kib() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4
}

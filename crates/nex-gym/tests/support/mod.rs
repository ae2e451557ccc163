//! Worlds, tasks and episodes for the tests of this crate.

#![allow(dead_code, reason = "each test file uses its part")]

use nex_gym::{Assignment, Driver, Environment, Harness, InProcess, Pattern, episode_id};
use nex_trajectory::Episode;
use nex_world::task::{Dials, Difficulty, Task, generate_task};
use nex_world::{Language, World, builtin_worlds};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// All built-in worlds.
pub(crate) fn worlds() -> Vec<Arc<World>> {
    builtin_worlds().iter().map(|world| world.load().expect("a built-in world loads")).collect()
}

/// The environment of the first built-in world.
pub(crate) fn first_environment() -> Arc<dyn Environment> {
    Arc::new(InProcess::new(worlds().remove(0)))
}

/// Tasks of `world`: difficulties and languages in turn, seeds from `first_seed`. Seeds for which
/// the world has no task are left out.
pub(crate) fn tasks(world: &Arc<World>, first_seed: u64, count: usize) -> Vec<Arc<Task>> {
    let difficulties = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];
    let languages = [Language::En, Language::Zh];
    (first_seed..first_seed + 4 * count as u64)
        .filter_map(|seed| {
            let dials = Dials::preset(difficulties[(seed % 3) as usize]);
            let language = languages[(seed / 3 % 2) as usize];
            generate_task(world, seed, &dials, language).ok().map(Arc::new)
        })
        .take(count)
        .collect()
}

/// One episode.
pub(crate) async fn play(
    harness: &Harness,
    task: &Arc<Task>,
    environment: &dyn Environment,
    driver: &dyn Driver,
    seed: u64,
) -> Episode {
    let id = episode_id(seed, task.record.id.as_str(), harness.name(), driver.name(), 0);
    harness.run(task, environment, driver, id, 0, &CancellationToken::new()).await
}

/// Every task by every harness, in that order.
pub(crate) fn assignments(
    environment: &Arc<dyn Environment>,
    tasks: &[Arc<Task>],
    harnesses: &[Arc<Harness>],
    first_index: u64,
) -> Vec<Assignment> {
    let pairs = tasks.iter().flat_map(|task| harnesses.iter().map(move |harness| (task, harness)));
    pairs
        .zip(first_index..)
        .map(|((task, harness), index)| Assignment {
            index,
            task: task.clone(),
            environment: environment.clone(),
            harness: harness.clone(),
            attempt: 0,
        })
        .collect()
}

/// The three built-in harnesses.
pub(crate) fn harnesses() -> Vec<Arc<Harness>> {
    Pattern::ALL.map(|pattern| Arc::new(Harness::builtin(pattern))).into()
}

/// The transcript of an episode for a failing test: roles, texts, calls, results.
pub(crate) fn show(episode: &Episode) -> String {
    let mut text = format!(
        "{} {} {} stop={:?}\n{}\n",
        episode.task.id,
        episode.harness,
        episode.task.instruction,
        episode.trajectory.stop,
        serde_json::to_string(&episode.reward).expect("a reward serialises"),
    );
    episode.trajectory.walk(&mut |trajectory| {
        text.push_str(&format!("--- {} ({}) stop={:?}\n", trajectory.id, trajectory.agent, trajectory.stop));
        for node in &trajectory.nodes {
            if node.message.role == nex_trajectory::Role::System {
                continue;
            }
            text.push_str(&format!("[{}] {}\n", node.message.role.as_str(), node.message.text()));
            for call in node.message.calls() {
                text.push_str(&format!("    > {} {}\n", call.name, call.arguments.as_text()));
            }
            for result in node.message.results() {
                text.push_str(&format!("    < {} {}\n", result.is_error, result.text()));
            }
        }
    });
    text.push_str(&format!("{:?}\n", episode.notes));
    text
}

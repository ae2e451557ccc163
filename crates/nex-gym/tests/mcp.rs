//! Episodes over real MCP: the world in a child process, reached by its tools alone.

mod support;

use nex_gym::{
    Assignment, Environment, Expert, Harness, InProcess, Lane, McpStdio, Rollout, RolloutControl,
    RolloutOptions,
};
use nex_trajectory::{Episode, Outcome};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use support::{assignments, harnesses, play, show, tasks, worlds};

/// The example `gym_world_server`, which cargo builds beside the tests.
fn server(world: &str) -> Vec<String> {
    let test = std::env::current_exe().expect("a test knows its file");
    let target = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps/TEST");
    vec![target.join("examples").join("gym_world_server").display().to_string(), world.to_owned()]
}

/// What must be the same whichever way tools are reached.
fn essence(episode: &Episode) -> (Outcome, Option<f64>, Vec<String>) {
    let mut texts = Vec::new();
    episode.trajectory.walk(&mut |trajectory| {
        for node in &trajectory.nodes {
            let message = serde_json::to_string(&node.message).expect("a message serialises");
            texts.push(format!("{} {message}", trajectory.agent));
        }
    });
    (episode.outcome, episode.reward.as_ref().map(|reward| reward.total), texts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_mcp_the_same_episodes_come_out_as_in_process() {
    let pool = McpStdio::pool(4);
    for world in worlds().into_iter().take(2) {
        let remote = McpStdio::new(world.clone(), pool.clone(), &server(world.name()));
        let local = InProcess::new(world.clone());
        for task in tasks(&world, 1, 6) {
            for harness in &harnesses() {
                let there = play(harness, &task, &remote, &Expert::default(), 5).await;
                let here = play(harness, &task, &local, &Expert::default(), 5).await;
                assert_eq!(there.outcome, Outcome::Success, "{}", show(&there));
                assert_eq!(there.notes["transport"], "mcp_stdio");
                assert_eq!(essence(&there), essence(&here));
                let is_control = |name: &str| name.starts_with("nex_") || name == "reset_world";
                there.trajectory.walk(&mut |trajectory| {
                    assert!(
                        !trajectory.tools.iter().any(|tool| is_control(&tool.name)),
                        "{:?}",
                        trajectory.tools
                    );
                });
            }
        }
    }
    let stats = pool.stats();
    assert_eq!(stats.started, 2, "one server a world serves all its episodes in turn: {stats:?}");
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn episodes_at_the_same_time_do_not_share_a_world() {
    let world = worlds().remove(0);
    let pool = McpStdio::pool(6);
    let environment: Arc<dyn Environment> =
        Arc::new(McpStdio::new(world.clone(), pool.clone(), &server(world.name())));
    let harnesses: Vec<Arc<Harness>> = harnesses();
    let plan: Vec<Assignment> = assignments(&environment, &tasks(&world, 1, 6), &harnesses, 0);
    let mut outcomes = BTreeMap::new();
    let sink = |index, episode: Episode| {
        outcomes.insert(index, episode.outcome);
        Ok::<(), Infallible>(())
    };
    let options = RolloutOptions { concurrency: 6, ..RolloutOptions::default() };
    let rollout = Rollout::new(Arc::new(Expert::default()), options);
    rollout
        .run(Lane::by_world(plan), sink, &RolloutControl::default(), |_| {})
        .await
        .expect("the sink takes all");
    assert_eq!(outcomes.len(), 18);
    assert!(outcomes.values().all(|outcome| *outcome == Outcome::Success), "{outcomes:?}");
    pool.close().await;
}

#[tokio::test]
async fn a_server_that_cannot_be_started_is_an_infra_episode() {
    let world = worlds().remove(0);
    let command = ["/nonexistent/server".to_owned()];
    let environment = McpStdio::new(world.clone(), McpStdio::pool(1), &command);
    let episode = play(&harnesses()[0], &tasks(&world, 1, 1)[0], &environment, &Expert::default(), 5).await;
    assert_eq!((episode.outcome, &episode.reward), (Outcome::Infra, &None));
    assert_eq!(episode.stop().name(), "infra");
}

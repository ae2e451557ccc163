//! The search world behind the same harnesses as the declarative ones: the expert solves all of
//! it, the null model nothing, chance next to nothing.

mod support;

use nex_gym::{Environment, Expert, ExpertDials, NullDriver, RandomDriver, SearchEnvironment};
use nex_trajectory::Outcome;
use nex_world::Language;
use nex_world::search::SearchWorld;
use nex_world::task::{Dials, Difficulty, Task};
use std::sync::Arc;
use support::{harnesses, play, show};

fn tasks(seeds: std::ops::Range<u64>) -> Vec<Arc<Task>> {
    let languages = [Language::En, Language::Zh];
    let difficulties = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];
    seeds
        .map(|seed| {
            let dials = Dials::preset(difficulties[(seed % 3) as usize]);
            let language = languages[(seed / 3 % 2) as usize];
            let task = SearchWorld::builtin().generate_task(seed, &dials, language);
            Arc::new(task.expect("there is a task for every seed"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expert_solves_every_task_in_every_harness() {
    let environment = SearchEnvironment::new();
    let mut failures: Vec<String> = Vec::new();
    for task in tasks(0..36) {
        for harness in harnesses() {
            let episode = play(&harness, &task, &environment, &Expert::default(), 5).await;
            if episode.outcome != Outcome::Success {
                failures.push(show(&episode));
            }
        }
    }
    let first = failures.first().cloned().unwrap_or_default();
    assert!(failures.is_empty(), "{} fail:\n{first}", failures.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_is_the_same_each_time() {
    let environment = SearchEnvironment::new();
    for task in tasks(3..7) {
        for harness in harnesses() {
            let first = play(&harness, &task, &environment, &Expert::default(), 5).await;
            let second = play(&harness, &task, &environment, &Expert::default(), 5).await;
            assert_eq!(first, second);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_null_model_gets_nothing_chance_next_to_nothing_and_mistakes_cost() {
    let environment = SearchEnvironment::new();
    let harness = &harnesses()[0];
    let dials = ExpertDials { error_propagation: 1.0, feedback_neglect: 1.0, ..ExpertDials::default() };
    let (mut lucky, mut wrong, mut total) = (0, 0, 0.0);
    let all = tasks(0..60);
    for task in &all {
        let null = play(harness, task, &environment, &NullDriver, 1).await;
        assert_eq!(null.reward.as_ref().map(|reward| reward.total), Some(0.0), "{}", show(&null));
        let random = play(harness, task, &environment, &RandomDriver, 1).await;
        lucky += usize::from(random.outcome == Outcome::Success);
        total += random.reward.as_ref().map_or(0.0, |reward| reward.total);
        let sloppy = play(harness, task, &environment, &Expert::new(dials), 1).await;
        assert_ne!(sloppy.outcome, Outcome::Infra, "{}", show(&sloppy));
        wrong += usize::from(sloppy.outcome == Outcome::Failure);
    }
    assert_eq!(lucky, 0, "chance solves tasks");
    assert!(total / (all.len() as f64) < 0.03, "chance earns {total} over {} tasks", all.len());
    assert!(2 * wrong > all.len(), "only {wrong} of {} sloppy episodes fail", all.len());
    assert_eq!(environment.profile().is_write("fetch"), Some(false));
}

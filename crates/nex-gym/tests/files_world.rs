//! The files world behind the same harnesses as the declarative ones: the expert solves all of it,
//! the null model nothing, and no directory outlives its episode.

mod support;

use nex_gym::{Environment, Expert, ExpertDials, FilesEnvironment, NullDriver};
use nex_trajectory::Outcome;
use nex_world::Language;
use nex_world::files::FilesWorld;
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
            let task = FilesWorld::builtin().generate_task(seed, &dials, language);
            Arc::new(task.expect("there is a task for every seed"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expert_solves_every_task_in_every_harness() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let environment = FilesEnvironment::new().below(folder.path());
    let mut failures: Vec<String> = Vec::new();
    for task in tasks(0..36) {
        for harness in harnesses() {
            let episode = play(&harness, &task, &environment, &Expert::default(), 5).await;
            if episode.outcome != Outcome::Success {
                failures.push(show(&episode));
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} fail:\n{}",
        failures.len(),
        failures[..failures.len().min(3)].join("\n")
    );
    let left = std::fs::read_dir(folder.path()).expect("the folder is there").count();
    assert_eq!(left, 0, "directories outlive their episodes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_episode_is_the_same_each_time() {
    let environment = FilesEnvironment::new();
    for task in tasks(3..9) {
        for harness in harnesses() {
            let first = play(&harness, &task, &environment, &Expert::default(), 5).await;
            let second = play(&harness, &task, &environment, &Expert::default(), 5).await;
            assert_eq!(first, second);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_null_model_gets_nothing_and_mistakes_cost() {
    let environment = FilesEnvironment::new();
    let dials = ExpertDials { error_propagation: 1.0, feedback_neglect: 1.0, ..ExpertDials::default() };
    let (mut wrong, mut count) = (0, 0);
    for task in tasks(0..12) {
        for harness in harnesses() {
            let null = play(&harness, &task, &environment, &NullDriver, 1).await;
            assert_eq!(null.reward.as_ref().map(|reward| reward.total), Some(0.0), "{}", show(&null));
            let sloppy = play(&harness, &task, &environment, &Expert::new(dials), 1).await;
            assert_ne!(sloppy.outcome, Outcome::Infra, "{}", show(&sloppy));
            wrong += usize::from(sloppy.outcome == Outcome::Failure);
            count += 1;
        }
    }
    assert!(2 * wrong > count, "only {wrong} of {count} sloppy episodes fail");
    assert_eq!(environment.profile().is_write("move_file"), Some(true));
    assert_eq!(environment.profile().is_write("search_text"), Some(false));
}

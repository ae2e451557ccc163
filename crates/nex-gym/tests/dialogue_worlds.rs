//! The dialogue worlds behind the same harnesses as the declarative ones: the expert solves all of
//! them, the null model and chance nothing.

mod support;

use nex_gym::{DialogueEnvironment, Environment, Expert, NullDriver, RandomDriver};
use nex_trajectory::Outcome;
use nex_world::Language;
use nex_world::dialogue::{DialogueWorld, dialogue_worlds};
use nex_world::task::{Dials, Difficulty, Task};
use std::sync::Arc;
use support::{harnesses, play, show};

fn worlds() -> Vec<DialogueWorld> {
    let open = |name: &str| DialogueWorld::open(name).expect("its file is right").expect("it is there");
    dialogue_worlds().map(open).into()
}

fn tasks(world: &DialogueWorld, seeds: std::ops::Range<u64>) -> Vec<Arc<Task>> {
    let languages = [Language::En, Language::Zh];
    let difficulties = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];
    seeds
        .map(|seed| {
            let dials = Dials::preset(difficulties[(seed % 3) as usize]);
            let language = languages[(seed / 3 % 2) as usize];
            Arc::new(world.generate_task(seed, &dials, language).expect("there is a task for every seed"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expert_solves_every_task_in_every_harness() {
    let mut failures: Vec<String> = Vec::new();
    for world in worlds() {
        let environment = DialogueEnvironment::new(world.clone());
        for task in tasks(&world, 0..24) {
            for harness in harnesses() {
                let episode = play(&harness, &task, &environment, &Expert::default(), 5).await;
                if episode.outcome != Outcome::Success {
                    failures.push(show(&episode));
                }
            }
        }
    }
    let first = failures.first().cloned().unwrap_or_default();
    assert!(failures.is_empty(), "{} fail:\n{first}", failures.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn idleness_and_chance_get_nothing_and_an_episode_is_the_same_each_time() {
    for world in worlds() {
        let environment = DialogueEnvironment::new(world.clone());
        let harness = &harnesses()[0];
        for task in tasks(&world, 0..18) {
            for driver in [&NullDriver as &dyn nex_gym::Driver, &RandomDriver] {
                let episode = play(harness, &task, &environment, driver, 1).await;
                assert_eq!(
                    episode.reward.as_ref().map(|reward| reward.total),
                    Some(0.0),
                    "{}",
                    show(&episode)
                );
            }
            let first = play(harness, &task, &environment, &Expert::default(), 5).await;
            assert_eq!(first, play(harness, &task, &environment, &Expert::default(), 5).await);
            assert!(first.notes.contains_key("messages_to_user"), "{:?}", first.notes);
        }
        assert_eq!(environment.profile().is_write("message_user"), Some(true));
        assert_eq!(environment.profile().is_write("pay_bill"), None);
    }
}

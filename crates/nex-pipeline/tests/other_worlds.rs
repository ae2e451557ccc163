//! Worlds that are not declared in YAML, from recipe to dataset: what `nex synth` does.

use nex_gym::Expert;
use nex_gym::rollout::RolloutControl;
use nex_pipeline::execute::ExecuteObserver;
use nex_pipeline::{Recipe, Synthesis, WorldSource};
use std::sync::Arc;

struct Silent;

impl ExecuteObserver for Silent {}

/// Runs a recipe whole and checks that the expert solved all of it.
async fn synthesise(worlds: &str, episodes: u64) {
    let recipe = Recipe::from_yaml(&format!(
        "worlds: {worlds}\nepisodes: {episodes}\nseed: 11\nlanguages: {{en: 0.5, zh: 0.5}}\n"
    ))
    .expect("the recipe is right");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = Synthesis::open(recipe, folder.path().join("run"), Vec::new()).expect("the run opens");
    run.write_frameworks().expect("the frameworks are written");
    let tasks = run.make_tasks(&|_| {}).expect("the tasks are made");
    let control = RolloutControl::default();
    run.execute(tasks, Arc::new(Expert::default()), None, &control, &mut Silent)
        .await
        .expect("the episodes are made");
    let exported = run.export().expect("the dataset is written");
    let rows = exported.metrics.success.iter().filter(|row| row.axis == "world");
    let (mut made, mut solved) = (0, 0);
    for row in rows {
        made += row.episodes;
        solved += row.successes;
    }
    assert_eq!((made, solved), (episodes, episodes), "{:?}", exported.metrics.failures);
    let samples = exported.files.iter().filter(|(name, _)| name.ends_with(".jsonl"));
    for (name, report) in samples {
        assert!(report.samples >= episodes, "{name} holds {} samples", report.samples);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_world_goes_from_recipe_to_dataset() {
    synthesise("[search]", 18).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dialogue_worlds_go_from_recipe_to_dataset() {
    synthesise("[dialogue_telecom, dialogue_travel, dialogue_cards]", 27).await;
}

#[test]
fn a_misspelt_world_is_told_its_name() {
    let told = WorldSource::open("serch").expect_err("there is none").to_string();
    assert!(told.contains("did you mean `search`"), "{told}");
}

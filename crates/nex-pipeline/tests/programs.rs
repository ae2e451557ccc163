//! A recipe that names the worlds of programs, from plan to episodes.
#![allow(clippy::print_stderr, reason = "what was not tested is worth knowing")]

use nex_gym::{Expert, RolloutControl};
use nex_pipeline::execute::ExecuteObserver;
use nex_pipeline::{Recipe, Synthesis};
use nex_trajectory::{Episode, Outcome, store::Reader};
use std::sync::Arc;

struct Silent;

impl ExecuteObserver for Silent {}

/// Tasks and episodes of a run; none on a machine without sandbox or Python, where `NEX_SKIP_PEERS=1` says
/// that this is known.
async fn run(recipe: &Recipe, folder: &std::path::Path) -> Option<(String, Vec<Episode>)> {
    let synthesis = Synthesis::open(recipe.clone(), folder, Vec::new()).unwrap();
    let tasks = match synthesis.make_tasks(&|_| {}) {
        Ok(tasks) => tasks,
        Err(cause) if std::env::var("NEX_SKIP_PEERS").is_ok_and(|skip| skip == "1") => {
            eprintln!("not tested: {cause}");
            return None;
        }
        Err(cause) => panic!("{cause}; these worlds need a sandbox and python3, or NEX_SKIP_PEERS=1"),
    };
    let text = std::fs::read_to_string(synthesis.folder().tasks_path()).unwrap();
    let control = RolloutControl::default();
    synthesis.execute(tasks, Arc::new(Expert::default()), None, &control, &mut Silent).await.unwrap();
    let episodes = Reader::<Episode>::open(synthesis.folder().episodes_dir()).unwrap();
    Some((text, episodes.map(Result::unwrap).collect()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipe_makes_episodes_in_the_worlds_of_programs() {
    let recipe = Recipe {
        name: "programs".to_owned(),
        seed: 11,
        episodes: 6,
        worlds: ["code_python", "code_shell", "shell"].map(str::to_owned).into(),
        harnesses: vec!["single".to_owned()],
        ..Recipe::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let Some((tasks, episodes)) = run(&recipe, &folder.path().join("first")).await else { return };
    assert_eq!(episodes.len(), 6);
    for episode in &episodes {
        assert_eq!(episode.outcome, Outcome::Success, "{}: {:?}", episode.task.instruction, episode.reward);
        assert_eq!(episode.notes["transport"], "sandbox");
        assert!(episode.notes["sandbox"]["guarantees"].is_array());
    }
    let again = run(&recipe, &folder.path().join("second")).await;
    assert_eq!(again, Some((tasks, episodes)), "the same seed gives the same tasks and episodes");
}

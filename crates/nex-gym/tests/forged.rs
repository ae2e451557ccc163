//! The expert plays frameworks that were forged, of every pattern and size.

mod support;

use nex_agent::{LoadOptions, RunnableSpec, load_runnable};
use nex_agent_gen::forge::{ForgeRequest, forge, write};
use nex_agent_gen::framework::WorkflowPattern;
use nex_gym::{
    Environment, Expert, ExpertDials, Harness, InProcess, NullDriver, Pattern, SmokeError, smoke_run,
};
use nex_trajectory::Outcome;
use nex_world::World;
use std::sync::Arc;
use support::{play, show, tasks};

/// A forged framework, ready to be played.
struct Stage {
    harness: Harness,
    environment: Arc<dyn Environment>,
    world: Arc<World>,
}

fn stage(pattern: WorkflowPattern, agents: usize, seed: u64) -> Stage {
    let request = ForgeRequest { pattern: Some(pattern), agents: Some(agents), seed, ..Default::default() };
    let forged = forge(&request).expect("it is forged");
    let folder = tempfile::tempdir().expect("a folder");
    write(&forged.files, folder.path()).expect("files are written");
    let entry = folder.path().join(&forged.manifest.entry);
    let spec = load_runnable(&entry, &LoadOptions::default()).expect("it loads");
    let world = World::load(folder.path().join(&forged.manifest.world_file)).expect("the world loads");
    Stage {
        harness: Harness::from_spec(forged.manifest.name, Pattern::Framework, spec),
        environment: Arc::new(InProcess::new(world.clone())),
        world,
    }
}

#[tokio::test]
async fn forged_frameworks_of_every_pattern_solve_their_tasks() {
    let (mut played, mut failed) = (0, Vec::new());
    for pattern in WorkflowPattern::ALL {
        let counts = pattern.agent_counts();
        let middle = (counts.start() + counts.end()) / 2;
        for (agents, seed) in [(*counts.start(), 1), (middle, 2), (*counts.end(), 3)] {
            let stage = stage(pattern, agents, seed);
            for task in tasks(&stage.world, 100 * seed, 12) {
                let episode = play(&stage.harness, &task, &*stage.environment, &Expert::default(), 7).await;
                played += 1;
                if episode.outcome != Outcome::Success {
                    failed.push(format!("{pattern} {agents}\n{}", show(&episode)));
                }
            }
        }
    }
    assert_eq!(played, 3 * 12 * WorkflowPattern::ALL.len());
    // A world may make the order of two changes count that no precondition speaks of.
    assert!(failed.len() * 100 <= played, "{} of {played}\n{}", failed.len(), failed.join("\n\n"));
}

/// Mistakes are played in any framework, those that are noticed are repaired, and nothing breaks.
#[tokio::test]
async fn mistakes_are_played_in_forged_frameworks_too() {
    let dials = |recovery| ExpertDials {
        error_propagation: 0.7,
        shallow_exploration: 0.5,
        feedback_neglect: 0.7,
        recovery,
    };
    let mut solved = [0, 0];
    let mut played = 0;
    for pattern in WorkflowPattern::ALL {
        let stage = stage(pattern, *pattern.agent_counts().start(), 5);
        for task in tasks(&stage.world, 40, 10) {
            played += 1;
            for (at, recovery) in [0.0, 1.0].into_iter().enumerate() {
                let expert = Expert::new(dials(recovery));
                let episode = play(&stage.harness, &task, &*stage.environment, &expert, 7).await;
                assert!(!episode.trajectory.stop.is_infra(), "{}", show(&episode));
                solved[at] += usize::from(episode.outcome == Outcome::Success);
            }
        }
    }
    let [carried_on, repaired] = solved;
    assert!(carried_on * 2 < played, "{carried_on} of {played} although nothing is repaired");
    assert!(repaired > carried_on * 3 / 2, "{repaired} repaired, {carried_on} not, of {played}");
}

/// The same agents, task and seed give the same episode to the byte.
#[tokio::test]
async fn a_forged_episode_is_the_same_every_time() {
    for pattern in WorkflowPattern::ALL {
        let stage = stage(pattern, *pattern.agent_counts().start(), 9);
        let task = &tasks(&stage.world, 3, 1)[0];
        let mut texts = Vec::new();
        for _ in 0..2 {
            let episode = play(&stage.harness, task, &*stage.environment, &Expert::default(), 1).await;
            texts.push(serde_json::to_string(&episode).expect("an episode serialises"));
        }
        assert_eq!(texts[0], texts[1], "{pattern}");
    }
}

/// Who does nothing earns nothing, whatever the agents are.
#[tokio::test]
async fn doing_nothing_earns_nothing_in_any_framework() {
    for pattern in WorkflowPattern::ALL {
        let stage = stage(pattern, *pattern.agent_counts().start(), 11);
        for task in tasks(&stage.world, 70, 4) {
            let episode = play(&stage.harness, &task, &*stage.environment, &NullDriver, 1).await;
            let total = episode.reward.as_ref().map_or(0.0, |reward| reward.total);
            assert_eq!(total, 0.0, "{}", show(&episode));
        }
    }
}

#[test]
fn a_smoke_run_counts_what_was_solved_and_names_what_was_not() {
    let whole = stage(WorkflowPattern::TwoLayers, 3, 1);
    let profile = whole.environment.profile();
    let spec = whole.harness.spec(profile).expect("it loads");
    let run = smoke_run(&spec, &whole.world, [1, 2]).expect("the expert gets through");
    assert_eq!(run.episodes, 6);
    assert!(run.turns >= 12, "{run:?}");
    let RunnableSpec::Agent(mut lead) = (*spec).clone() else { panic!("a team has a lead") };
    lead.sub_agents.clear();
    let alone = smoke_run(&RunnableSpec::Agent(lead), &whole.world, [1]).unwrap_err();
    assert!(matches!(alone, SmokeError::Unsolved { .. }), "{alone}");
    assert!(alone.to_string().starts_with("the expert does not solve the easy task of seed 1"), "{alone}");
}

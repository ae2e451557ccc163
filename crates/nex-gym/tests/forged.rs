//! The expert plays frameworks that were forged, of every pattern and size.

mod support;

use nex_agent::{LoadOptions, load_runnable};
use nex_agent_gen::forge::{ForgeRequest, forge, write};
use nex_agent_gen::framework::WorkflowPattern;
use nex_gym::{Environment, Expert, Harness, InProcess, Pattern};
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
    let world = World::load(&folder.path().join(&forged.manifest.world_file)).expect("the world loads");
    Stage {
        harness: Harness::from_spec(forged.manifest.name, Pattern::Framework, spec),
        environment: Arc::new(InProcess::new(world.clone())),
        world,
    }
}

#[tokio::test]
async fn forged_frameworks_of_every_pattern_solve_their_tasks() {
    let (mut played, mut solved) = (0, 0);
    let mut failed = Vec::new();
    for pattern in WorkflowPattern::ALL {
        let counts = pattern.agent_counts();
        let middle = (counts.start() + counts.end()) / 2;
        let (mut here, mut well) = (0, 0);
        for (agents, seed) in [(*counts.start(), 1), (middle, 2), (*counts.end(), 3)] {
            let stage = stage(pattern, agents, seed);
            for task in tasks(&stage.world, 100 * seed, 12) {
                let episode = play(&stage.harness, &task, &*stage.environment, &Expert::default(), 7).await;
                here += 1;
                if episode.outcome == nex_trajectory::Outcome::Success {
                    well += 1;
                } else {
                    failed.push(format!("{pattern} {agents}\n{}", show(&episode)));
                }
            }
        }
        eprintln!("{pattern}: {well}/{here}");
        played += here;
        solved += well;
    }
    if let Ok(path) = std::env::var("SHOW") {
        std::fs::write(path, failed.join("\n=========\n")).unwrap();
    }
    assert!(solved * 100 >= played * 95, "{solved}/{played}\n{}", failed.join("\n\n"));
}

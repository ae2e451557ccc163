//! Whether a world is sound: it loads, tasks of every difficulty can be made of it, and their
//! oracle earns 1 where doing nothing earns 0.

use nex_world::task::{Dials, Difficulty, generate_task, is_success, run_oracle, verify};
use nex_world::{Language, SessionOptions, World, WorldSession};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a check saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorldCheck {
    /// Tasks that were made and proven.
    pub tasks: usize,
    /// Operations that some oracle plan called.
    pub called: BTreeSet<String>,
    /// Operations of the world that none called, in the order of the file.
    pub uncalled: Vec<String>,
}

/// Why a world is not sound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It does not load.
    #[error("it does not load: {0}")]
    Load(String),
    /// There is no task.
    #[error("it has no {difficulty} task for seed {seed}: {cause}")]
    Task {
        /// Of which difficulty.
        difficulty: &'static str,
        /// The task's seed.
        seed: u64,
        /// What the generator said.
        cause: String,
    },
    /// The oracle fails, or doing nothing is rewarded.
    #[error("in its {difficulty} task for seed {seed} {cause}")]
    Proof {
        /// Of which difficulty.
        difficulty: &'static str,
        /// The task's seed.
        seed: u64,
        /// What was wrong.
        cause: String,
    },
}

/// Checks the world file `yaml`, called `name` in messages, with a task of each difficulty for
/// each of `seeds`.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_world(
    yaml: &str,
    name: &str,
    seeds: impl IntoIterator<Item = u64> + Clone,
) -> Result<WorldCheck, CheckError> {
    let world = World::from_yaml(yaml, name).map_err(|cause| CheckError::Load(cause.to_string()))?;
    let mut check = WorldCheck { tasks: 0, called: BTreeSet::new(), uncalled: Vec::new() };
    for level in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
        let difficulty = level.as_str();
        for seed in seeds.clone() {
            let proof = |cause: String| CheckError::Proof { difficulty, seed, cause };
            let task = generate_task(&world, seed, &Dials::preset(level), Language::En)
                .map_err(|cause| CheckError::Task { difficulty, seed, cause: cause.to_string() })?;
            let run =
                run_oracle(&world, &task).map_err(|cause| proof(format!("the oracle fails: {cause}")))?;
            let reward = verify(&world, &task, &run.export, Some(&run.answer));
            if !is_success(&reward) {
                return Err(proof(format!("the oracle earns {}", reward.total)));
            }
            let idle = WorldSession::new(
                world.clone(),
                task.state.seed,
                SessionOptions { calm: true, ..SessionOptions::default() },
            )
            .map_err(|cause| proof(format!("no state can be made: {cause}")))?;
            let nothing = verify(&world, &task, &idle.export(), None);
            if nothing.total > 0.0 {
                return Err(proof(format!("doing nothing earns {}", nothing.total)));
            }
            check.tasks += 1;
            check.called.extend(task.plan.steps.iter().map(|step| step.operation.clone()));
        }
    }
    check.uncalled =
        world.operations().iter().map(|op| op.name.clone()).filter(|op| !check.called.contains(op)).collect();
    Ok(check)
}

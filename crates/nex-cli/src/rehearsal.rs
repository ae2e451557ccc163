//! Playing a framework by the built-in expert before it is given out or called sound.

use nex_agent::{LoadOptions, load_runnable};
use nex_agent_gen::check::Finding;
use nex_agent_gen::forge::{Rehearsal, Rehearsed};
use nex_world::World;
use std::path::Path;
use std::sync::Arc;

/// Seeds of tasks; each gives one of every difficulty.
const SEEDS: u64 = 2;

/// The expert, which is no language model, plays the agents.
pub(crate) struct ExpertRehearsal;

impl Rehearsal for ExpertRehearsal {
    fn rehearse(&self, entry: &Path, world: &Arc<World>, seed: u64) -> Result<Option<Rehearsed>, Finding> {
        let smoke = |cause: String| Finding::new("smoke", cause);
        let spec = load_runnable(entry, &LoadOptions::default()).map_err(|cause| smoke(cause.to_string()))?;
        let seeds = (0..SEEDS).map(|at| seed.wrapping_add(at));
        let run = nex_gym::smoke_run(&spec, world, seeds).map_err(|cause| smoke(cause.to_string()))?;
        Ok(Some(Rehearsed { driver: "expert".to_owned(), episodes: run.episodes, turns: run.turns }))
    }
}

//! [`Rehearsal`]: agents are played before a framework is given out.
//!
//! This crate builds frameworks and does not know what plays them; whoever does implements the trait.

use crate::check::Finding;
use nex_world::World;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;

/// Plays the agents of a framework for a few tasks.
pub trait Rehearsal: Send + Sync {
    /// Plays the agents in the file `entry` for tasks of `world` that follow from `seed`. Called from
    /// several threads at once; the same arguments give the same outcome.
    ///
    /// # Errors
    /// What keeps the framework from being used, under the rule `smoke`.
    fn rehearse(&self, entry: &Path, world: &Arc<World>, seed: u64) -> Result<Option<Rehearsed>, Finding>;
}

/// Nobody plays them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRehearsal;

impl Rehearsal for NoRehearsal {
    fn rehearse(&self, _: &Path, _: &Arc<World>, _: u64) -> Result<Option<Rehearsed>, Finding> {
        Ok(None)
    }
}

/// What playing a framework showed: all of it was solved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// Who played the agents: `expert`, which is no language model.
    pub driver: String,
    /// Episodes, each of another task.
    pub episodes: usize,
    /// Model replies in all of them.
    pub turns: u64,
}

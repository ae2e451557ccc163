//! Episodes of a run in the order of its plan.
//!
//! Rollouts finish in any order and are stored as they finish. One light pass notes where each
//! episode stands; a second reads them in plan order. Memory: one place an episode.

use crate::{PipelineError, RunFolder};
use nex_trajectory::store::{Place, Reader, StoreError, fetch};
use nex_trajectory::{Episode, EpisodeId};
use serde::Deserialize;
use std::collections::HashMap;

/// What the first pass reads of an episode.
#[derive(Deserialize)]
struct Head {
    id: EpisodeId,
    notes: HeadNotes,
}

#[derive(Deserialize)]
struct HeadNotes {
    plan_index: u64,
}

/// The key under which an episode's notes hold its place in the plan.
pub const PLAN_INDEX: &str = "plan_index";

/// Where the episodes of a run stand, in plan order.
pub struct EpisodesInOrder {
    places: Vec<(u64, Place)>,
    /// Damaged lines that were passed over, in words.
    pub damage: Vec<String>,
}

impl EpisodesInOrder {
    /// Finds the episodes of `folder`. An episode that was stored twice counts once.
    ///
    /// # Errors
    /// A segment cannot be read.
    pub fn open(folder: &RunFolder) -> Result<Self, PipelineError> {
        let dir = folder.episodes_dir();
        let mut reader = Reader::<Head>::open(&dir).map_err(|e| PipelineError::file(&dir, e))?;
        let mut by_id: HashMap<EpisodeId, (u64, Place)> = HashMap::new();
        let mut damage = Vec::new();
        while let Some(head) = reader.next() {
            match head {
                Ok(head) => {
                    let place = reader.last_place().expect("a record was just read");
                    by_id.insert(head.id, (head.notes.plan_index, place));
                }
                Err(error @ StoreError::Io { .. }) => return Err(PipelineError::file(&dir, error)),
                Err(error) => damage.push(error.to_string()),
            }
        }
        let mut places: Vec<(u64, Place)> = by_id.into_values().collect();
        places.sort_by_key(|(index, _)| *index);
        Ok(Self { places, damage })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where they stand, in plan order.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.iter().map(|(_, place)| place)
    }

    /// The episodes, in plan order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Episode, PipelineError>> {
        self.places
            .iter()
            .map(|(_, place)| fetch::<Episode>(place).map_err(|e| PipelineError::file("episodes", e)))
    }
}

//! The episodes that wait for an earlier one, where the sink wants them in plan order.

use super::Order;
use nex_trajectory::Episode;
use std::collections::BTreeMap;

/// What waits, and how far ahead of it episodes may be started.
pub(crate) struct Window {
    width: Option<u64>,
    /// The first index that the sink has neither got nor been told to do without.
    next: u64,
    /// Indices from `next` on: done, with the episode unless an earlier run made it.
    held: BTreeMap<u64, Option<Episode>>,
}

impl Window {
    pub(crate) fn new(order: Order) -> Self {
        let width = match order {
            Order::Finished => None,
            Order::Plan { window } => Some(window.max(1)),
        };
        Self { width, next: 0, held: BTreeMap::new() }
    }

    /// Whether the episode at `index` may be started now.
    pub(crate) fn admits(&self, index: u64) -> bool {
        self.width.is_none_or(|width| index < self.next.saturating_add(width))
    }

    /// The episode at `index` is there (none: an earlier run made it); those that may go now.
    pub(crate) fn finished(&mut self, index: u64, episode: Option<Episode>) -> Vec<(u64, Episode)> {
        if self.width.is_none() {
            return episode.map(|episode| (index, episode)).into_iter().collect();
        }
        self.held.insert(index, episode);
        let mut free = Vec::new();
        while let Some(episode) = self.held.remove(&self.next) {
            free.extend(episode.map(|episode| (self.next, episode)));
            self.next += 1;
        }
        free
    }

    /// No episode before `index` will come any more; those that may go now.
    pub(crate) fn skip_to(&mut self, index: u64) -> Vec<(u64, Episode)> {
        if self.width.is_none() || index <= self.next {
            return Vec::new();
        }
        let later = self.held.split_off(&index);
        let free = std::mem::replace(&mut self.held, later);
        self.next = index;
        free.into_iter().filter_map(|(index, episode)| Some((index, episode?))).collect()
    }

    /// Whatever is still held, in plan order.
    pub(crate) fn drain(&mut self) -> Vec<(u64, Episode)> {
        let held = std::mem::take(&mut self.held);
        held.into_iter().filter_map(|(index, episode)| Some((index, episode?))).collect()
    }
}

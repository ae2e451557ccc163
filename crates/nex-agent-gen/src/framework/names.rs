//! Names of agents: a noun for the duty, drawn by seed, and the entity that it is about.

use super::desks::{Access, Desk};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

const LEADS: &[&str] = &["coordinator", "lead", "dispatcher", "director", "chief_of_desk", "case_manager"];
const HUBS: &[&str] = &["front_desk", "hub", "intake", "concierge", "switchboard"];
const HEADS: &[&str] = &["head", "supervisor", "section_lead", "manager"];
const READERS: &[&str] = &["researcher", "records_clerk", "investigator", "analyst", "lookup"];
const CHANGERS: &[&str] = &["operator", "handler", "change_desk", "processor", "officer"];
const BOTH: &[&str] = &["specialist", "desk", "agent", "clerk", "steward"];

/// Gives each name once.
#[derive(Debug, Default)]
pub(super) struct Names {
    taken: HashSet<String>,
}

impl Names {
    pub(super) fn lead(&mut self, rng: &mut ChaCha8Rng) -> String {
        self.one(pick(LEADS, rng).to_owned())
    }

    pub(super) fn hub(&mut self, rng: &mut ChaCha8Rng) -> String {
        self.one(pick(HUBS, rng).to_owned())
    }

    pub(super) fn head(&mut self, entity: &str, rng: &mut ChaCha8Rng) -> String {
        self.one(format!("{entity}_{}", pick(HEADS, rng)))
    }

    pub(super) fn desk(&mut self, desk: &Desk, rng: &mut ChaCha8Rng) -> String {
        let nouns = match desk.access {
            Access::Reads => READERS,
            Access::Changes => CHANGERS,
            Access::Both => BOTH,
        };
        self.one(format!("{}_{}", desk.entities[0], pick(nouns, rng)))
    }

    /// `name`, or `name_2` and so on where it is taken.
    pub(super) fn one(&mut self, name: String) -> String {
        let mut free = name.clone();
        let mut number = 2;
        while !self.taken.insert(free.clone()) {
            free = format!("{name}_{number}");
            number += 1;
        }
        free
    }
}

fn pick<'a>(words: &[&'a str], rng: &mut ChaCha8Rng) -> &'a str {
    words[rng.random_range(0..words.len())]
}

//! A fleet: many frameworks from one seed, spread over patterns, sizes and domains, without near
//! duplicates.

use super::{ForgeError, ForgeRequest, Forged, forge};
use crate::diversity::{Diversity, Shingles};
use crate::framework::WorkflowPattern;
use crate::world::domains;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::thread;

/// How like two frameworks may be: the share of word sequences that they have in common.
pub(crate) const NEAR_DUPLICATE: f64 = 0.9;
/// Seeds that are tried for one place in the fleet.
const TRIES: u64 = 8;

/// How many, and from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FleetRequest {
    /// Frameworks.
    pub count: usize,
    /// All chance follows from it.
    pub seed: u64,
    /// Threads that make them; they do not change what is made.
    pub threads: usize,
}

/// Many frameworks, and how they differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Fleet {
    /// In the order of their places.
    pub frameworks: Vec<Forged>,
    /// Candidates that were too like an earlier one.
    pub near_duplicates: usize,
    /// How they differ.
    pub diversity: Diversity,
}

/// Makes a fleet. `progress` is told of each framework that is done.
///
/// # Errors
/// A framework cannot be made, or only near duplicates of others come out.
pub fn forge_fleet(request: &FleetRequest, mut progress: impl FnMut(&Forged)) -> Result<Fleet, ForgeError> {
    let places = places(request);
    let threads = request.threads.clamp(1, places.len().max(1));
    let first: Vec<Result<Forged, ForgeError>> = thread::scope(|scope| {
        let places = &places;
        let work = |thread: usize| {
            move || places.iter().skip(thread).step_by(threads).map(forge).collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(work(thread))).collect();
        let mut made: Vec<_> = workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker does not panic").into_iter())
            .collect();
        (0..places.len()).map(|place| made[place % threads].next().expect("one a place")).collect()
    });
    let (mut frameworks, mut near_duplicates) = (Vec::with_capacity(places.len()), 0);
    let mut known: Vec<Shingles> = Vec::with_capacity(places.len());
    for (place, made) in places.iter().zip(first) {
        let mut made = made?;
        let mut shingles = Shingles::of(&made);
        for again in 1..TRIES {
            if known.iter().all(|other| shingles.likeness(other) < NEAR_DUPLICATE) {
                break;
            }
            near_duplicates += 1;
            made = forge(&ForgeRequest { seed: place.seed.wrapping_add(again << 32), ..place.clone() })?;
            shingles = Shingles::of(&made);
        }
        progress(&made);
        known.push(shingles);
        frameworks.push(made);
    }
    let diversity = Diversity::of(&frameworks, &known);
    Ok(Fleet { frameworks, near_duplicates, diversity })
}

/// What each place asks for: at even places all sizes in turn, at odd ones all patterns, so that
/// large frameworks, which are of few patterns, do not crowd out the rest; domains in turn.
fn places(request: &FleetRequest) -> Vec<ForgeRequest> {
    let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
    let mut ids: Vec<&str> = domains().iter().map(|domain| domain.id.as_str()).collect();
    ids.shuffle(&mut rng);
    let all = WorkflowPattern::ALL;
    let most = all.into_iter().map(|pattern| *pattern.agent_counts().end()).max().unwrap_or(1);
    (0..request.count)
        .map(|place| {
            let turn = place / 2;
            let (pattern, agents) = if place % 2 == 0 {
                let agents = 1 + turn % most;
                let fitting: Vec<WorkflowPattern> =
                    all.into_iter().filter(|pattern| pattern.agent_counts().contains(&agents)).collect();
                (fitting[rng.random_range(0..fitting.len())], agents)
            } else {
                let pattern = all[turn % all.len()];
                (pattern, rng.random_range(pattern.agent_counts()))
            };
            ForgeRequest {
                sentence: String::new(),
                pattern: Some(pattern),
                agents: Some(agents),
                domain: Some(ids[place % ids.len()].to_owned()),
                seed: rng.random(),
            }
        })
        .collect()
}

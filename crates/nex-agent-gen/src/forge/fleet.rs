//! A fleet: many frameworks from one seed, spread over patterns, sizes and domains, without near
//! duplicates.

use super::{ForgeError, ForgeRequest, Forged, Rehearsal, forge_rehearsed};
use crate::diversity::{Diversity, Shingles};
use crate::framework::WorkflowPattern;
use crate::world::domains;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{sync::mpsc, thread};

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

/// Makes a fleet, each framework of which was played by `rehearsal`. `progress` is told each time that
/// a framework is done.
///
/// # Errors
/// A framework cannot be made, or only near duplicates of others come out.
pub fn forge_fleet(
    request: &FleetRequest,
    rehearsal: &dyn Rehearsal,
    progress: impl FnMut(),
) -> Result<Fleet, ForgeError> {
    let places = places(request);
    let mut chosen = Chosen::default();
    for (place, made) in first_of_each(&places, request.threads, rehearsal, progress).into_iter().enumerate()
    {
        let again = |attempt: u64| {
            let seed = places[place].seed.wrapping_add(attempt << 32);
            forge_rehearsed(&ForgeRequest { seed, ..places[place].clone() }, rehearsal)
        };
        chosen.take(place, made?, NEAR_DUPLICATE, again)?;
    }
    let Chosen { frameworks, shingles, near_duplicates } = chosen;
    let diversity = Diversity::of(&frameworks, &shingles);
    Ok(Fleet { frameworks, near_duplicates, diversity })
}

/// What each place gives with its own seed, on `threads` threads.
fn first_of_each(
    places: &[ForgeRequest],
    threads: usize,
    rehearsal: &dyn Rehearsal,
    mut progress: impl FnMut(),
) -> Vec<Result<Forged, ForgeError>> {
    let threads = threads.clamp(1, places.len().max(1));
    let (done, results) = mpsc::channel();
    thread::scope(|scope| {
        for thread in 0..threads {
            let done = done.clone();
            scope.spawn(move || {
                for (place, request) in places.iter().enumerate().skip(thread).step_by(threads) {
                    // Nobody listens any more only when the whole is given up.
                    let _ = done.send((place, forge_rehearsed(request, rehearsal)));
                }
            });
        }
        drop(done);
        let mut made: Vec<(usize, Result<Forged, ForgeError>)> =
            results.into_iter().inspect(|_| progress()).collect();
        made.sort_by_key(|(place, _)| *place);
        made.into_iter().map(|(_, made)| made).collect()
    })
}

/// The frameworks so far, none of them a near duplicate of another.
#[derive(Debug, Default)]
struct Chosen {
    frameworks: Vec<Forged>,
    shingles: Vec<Shingles>,
    near_duplicates: usize,
}

impl Chosen {
    /// Takes `made`, or, where it is too like one that is there, what `again` makes in its place.
    fn take(
        &mut self,
        place: usize,
        mut made: Forged,
        limit: f64,
        again: impl Fn(u64) -> Result<Forged, ForgeError>,
    ) -> Result<(), ForgeError> {
        for attempt in 1..=TRIES {
            let shingles = Shingles::of(&made);
            if self.shingles.iter().all(|other| shingles.likeness(other) < limit) {
                self.shingles.push(shingles);
                self.frameworks.push(made);
                return Ok(());
            }
            self.near_duplicates += 1;
            made = again(attempt)?;
        }
        Err(ForgeError::NearDuplicate(place))
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::forge;

    #[test]
    fn a_near_duplicate_is_made_anew_and_an_endless_row_of_them_is_an_error() {
        let with_seed = |seed| forge(&ForgeRequest { agents: Some(1), seed, ..ForgeRequest::default() });
        let mut chosen = Chosen::default();
        let unasked = |_| -> Result<Forged, ForgeError> { panic!("nothing is like the first") };
        chosen.take(0, with_seed(1).unwrap(), NEAR_DUPLICATE, unasked).unwrap();
        chosen.take(1, with_seed(1).unwrap(), NEAR_DUPLICATE, |attempt| with_seed(1 + attempt)).unwrap();
        assert_eq!((chosen.frameworks.len(), chosen.near_duplicates), (2, 1));
        assert_eq!(chosen.frameworks[1], with_seed(2).unwrap());
        let error = chosen.take(2, with_seed(1).unwrap(), NEAR_DUPLICATE, |_| with_seed(1)).unwrap_err();
        assert!(matches!(error, ForgeError::NearDuplicate(2)), "{error}");
        assert_eq!(chosen.frameworks.len(), 2);
    }
}

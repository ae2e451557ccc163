//! The chances of one call: a function of the session's seed and the call's number.
//!
//! Everything is drawn in a fixed order whether it is needed or not, so that switching one fault
//! on or off leaves the others where they were.

use crate::spec::LatencySpec;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Streams of the seed that are not calls.
const OUTAGE_STREAM: u64 = 1 << 40;
const CALL_STREAM: u64 = 1 << 41;

/// What chance says about one call; the shares are uniform in [0, 1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    latency: u16,
    pub(super) transient: f64,
    pub(super) truncate: f64,
    pub(super) verbose: f64,
    pub(super) stale: f64,
    /// Records that a truncated list keeps, 1 to 3.
    pub(super) short_page: usize,
    /// For made-up ids in noise.
    pub(super) noise: u64,
}

impl Chance {
    pub(super) fn draw(seed: u64, call: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(CALL_STREAM + u64::from(call));
        Self {
            latency: rng.random(),
            transient: rng.random(),
            truncate: rng.random(),
            verbose: rng.random(),
            stale: rng.random(),
            short_page: rng.random_range(1..=3),
            noise: rng.random(),
        }
    }

    /// Log-normal with σ = 0.5 around the typical value, by a table of its sixteenths so that the
    /// bits are the same on every machine; the last sixteenth reaches to the worst.
    pub(super) fn latency_ms(&self, spec: LatencySpec) -> u32 {
        /// exp(0.5 z) at k/16 for k = 0 … 15, in thousandths; 0.2 stands for the least.
        const SIXTEENTHS: [u64; 16] =
            [200, 464, 563, 642, 714, 783, 853, 924, 1000, 1082, 1173, 1277, 1401, 1558, 1777, 2154];
        let (place, within) = (usize::from(self.latency >> 12), u64::from(self.latency & 0xfff));
        let typical = u64::from(spec.typical);
        let at = |k: usize| match SIXTEENTHS.get(k) {
            Some(thousandths) => (typical * thousandths / 1000).min(u64::from(spec.worst)),
            None => u64::from(spec.worst),
        };
        let (low, high) = (at(place), at(place + 1));
        (low + (high - low) * within / 4096) as u32
    }
}

/// Whether the operation is down for the whole episode.
pub(super) fn is_down(seed: u64, operation: u16, share: f64) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(OUTAGE_STREAM + u64::from(operation));
    rng.random::<f64>() < share
}

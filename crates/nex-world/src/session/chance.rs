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
/// Standard deviation of the logarithm of a latency that says nothing about it.
const PLAIN_SPREAD: f64 = 0.5;

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

    /// What a call takes, in whole milliseconds.
    pub(super) fn latency_ms(&self, spec: LatencySpec) -> u32 {
        let is_whole = |ms: crate::spec::Millis| ms.micros().is_multiple_of(1000);
        match (spec.spread, spec.least) {
            (None, None) if is_whole(spec.typical) && is_whole(spec.worst) => self.plain_latency_ms(spec),
            _ => self.shaped_latency_ms(spec),
        }
    }

    /// `least + (typical - least) · exp(spread · z)`, cut at the worst and rounded.
    fn shaped_latency_ms(&self, spec: LatencySpec) -> u32 {
        let least = spec.least.map_or(0.0, |least| least.micros() as f64);
        let above = (spec.typical.micros() as f64 - least).max(0.0);
        let drawn = least + above * exp(spec.spread.unwrap_or(PLAIN_SPREAD) * normal(self.latency));
        let micros = drawn.min(spec.worst.micros() as f64);
        ((micros + 500.0) / 1000.0) as u32
    }

    /// Log-normal with σ = 0.5 around the typical value, by a table of its sixteenths so that the
    /// bits are the same on every machine; the last sixteenth reaches to the worst.
    fn plain_latency_ms(&self, spec: LatencySpec) -> u32 {
        /// exp(0.5 z) at k/16 for k = 0 … 15, in thousandths; 0.2 stands for the least.
        const SIXTEENTHS: [u64; 16] =
            [200, 464, 563, 642, 714, 783, 853, 924, 1000, 1082, 1173, 1277, 1401, 1558, 1777, 2154];
        let (place, within) = (usize::from(self.latency >> 12), u64::from(self.latency & 0xfff));
        let (typical, worst) = (spec.typical.micros() / 1000, spec.worst.micros() / 1000);
        let at = |k: usize| match SIXTEENTHS.get(k) {
            Some(thousandths) => (typical * thousandths / 1000).min(worst),
            None => worst,
        };
        let (low, high) = (at(place), at(place + 1));
        (low + (high - low) * within / 4096) as u32
    }
}

/// The standard normal quantile at (draw + 1/2) / 65536, to 0.03: between knots at 2^-17 … 2^-7 and
/// at each sixty-fourth it is a straight line. Only operations that IEEE 754 rounds exactly.
fn normal(draw: u16) -> f64 {
    /// At 2^-17, 2^-16 … 2^-7.
    const TAIL: [f64; 11] =
        [-4.3249, -4.1696, -4.0088, -3.8419, -3.6683, -3.4871, -3.2972, -3.0973, -2.8856, -2.6601, -2.4176];
    /// At 1/64 … 32/64.
    const BODY: [f64; 32] = [
        -2.1539, -1.8627, -1.6759, -1.5341, -1.4178, -1.318, -1.2299, -1.1503, -1.0775, -1.01, -0.9468,
        -0.8871, -0.8305, -0.7764, -0.7245, -0.6745, -0.6261, -0.5791, -0.5334, -0.4888, -0.4451, -0.4023,
        -0.3601, -0.3186, -0.2777, -0.2372, -0.1971, -0.1573, -0.1178, -0.0784, -0.0392, 0.0,
    ];
    // In 2^-17ths: odd, so never on a knot of the body, and the first is on the first of the tail.
    let place = 2 * u32::from(draw) + 1;
    let (place, sign) = if place < 1 << 16 { (place, 1.0) } else { ((1 << 17) - place, -1.0) };
    let (low, high, from, length) = if place >= 1 << 11 {
        let k = (place >> 11) as usize - 1;
        (BODY[k], BODY[(k + 1).min(31)], (place >> 11) << 11, 1 << 11)
    } else {
        let octave = place.ilog2();
        let k = octave as usize;
        (TAIL[k], TAIL.get(k + 1).copied().unwrap_or(BODY[0]), 1 << octave, 1 << octave)
    };
    sign * (low + (high - low) * f64::from(place - from) / f64::from(length))
}

/// e^x to 14 digits for |x| up to 20, the same bits on every machine: powers of two are taken off,
/// the rest is a Taylor polynomial.
fn exp(x: f64) -> f64 {
    let halvings = (x / std::f64::consts::LN_2 + 0.5).floor();
    let rest = x - halvings * std::f64::consts::LN_2;
    let mut sum = 1.0;
    for k in (1..=14).rev() {
        sum = 1.0 + sum * rest / f64::from(k);
    }
    sum * f64::from_bits(((1023 + halvings.clamp(-1000.0, 1000.0) as i64) as u64) << 52)
}

/// What calls of these latencies take, in whole milliseconds: the same draws that sessions make.
pub(crate) fn latencies_ms(spec: LatencySpec, seed: u64, count: u32) -> Vec<u32> {
    (0..count).map(|call| Chance::draw(seed, call).latency_ms(spec)).collect()
}

/// Whether the operation is down for the whole episode.
pub(super) fn is_down(seed: u64, operation: u16, share: f64) -> bool {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(OUTAGE_STREAM + u64::from(operation));
    rng.random::<f64>() < share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_and_normal_are_what_they_say() {
        for x in [-20.0, -3.3, -1.0, -0.1, 0.0, 1e-9, 0.5, 1.0, 7.7, 20.0_f64] {
            let error = exp(x) / x.exp() - 1.0;
            assert!(error.abs() < 1e-14, "{x}: {error}");
        }
        // Φ(z) = (1 + erf(z / √2)) / 2 at knots and between them.
        for (draw, z) in
            [(0, -4.325), (1, -4.076), (32767, 0.0), (49152, 0.6745), (64511, 2.154), (65535, 4.325)]
        {
            assert!((normal(draw) - z).abs() < 0.03, "{draw}: {} for {z}", normal(draw));
        }
        let all: Vec<f64> = (0..=u16::MAX).map(normal).collect();
        assert!(all.is_sorted(), "a greater draw is a greater value");
        let mean = all.iter().sum::<f64>() / 65536.0;
        let variance = all.iter().map(|z| z * z).sum::<f64>() / 65536.0;
        assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 0.01, "{mean} {variance}");
    }
}

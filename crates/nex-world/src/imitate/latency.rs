//! The distribution of latencies: a shifted log-normal by quantiles.

use super::distance::{ks_distance, quantile};
use crate::session::latencies_ms;
use crate::spec::{LatencySpec, Millis};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

/// The standard normal quantile at 90 %.
const Z90: f64 = 1.281_552;
/// Samples of the bootstrap.
const RESAMPLES: usize = 200;
/// Draws of the imitation that are compared with what was recorded.
const DRAWS: u32 = 20_000;
/// Below so many calls nothing is held out.
const MIN_HELD_OUT: usize = 40;
const SPREADS: (f64, f64) = (0.01, 3.0);

/// A latency, and how near it is to what was recorded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyFit {
    /// The latency.
    pub spec: LatencySpec,
    /// Calls that it was learned from.
    pub calls: usize,
    /// 95 % interval of `typical`, in milliseconds.
    pub typical_interval_ms: (f64, f64),
    /// 95 % interval of `spread`.
    pub spread_interval: (f64, f64),
    /// What was recorded beside what is imitated, both in milliseconds.
    pub quantiles: Vec<QuantileRow>,
    /// Kolmogorov-Smirnov distance of all calls from the imitation, both in whole milliseconds.
    pub ks: f64,
    /// The same where every other call was held out: learned from one half, compared with the other.
    pub ks_held_out: Option<f64>,
    /// A distance over this would be seen in one of twenty samples of this size if the imitation were
    /// exact: `1.358 √(1/n + 1/m)`.
    pub ks_by_chance: f64,
}

/// One quantile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileRow {
    /// The share of calls that are as fast.
    pub share: f64,
    /// As recorded.
    pub real_ms: f64,
    /// As imitated: whole milliseconds.
    pub imitated_ms: f64,
}

/// Learns from latencies in microseconds, in the order of their calls; `None` from fewer than two.
pub fn fit_latency(latencies_us: &[u64], seed: u64) -> Option<LatencyFit> {
    if latencies_us.len() < 2 {
        return None;
    }
    let all = sorted_ms(latencies_us.iter().copied());
    let spec = estimate(&all);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut typicals, mut spreads) = (Vec::new(), Vec::new());
    for _ in 0..RESAMPLES {
        let mut sample: Vec<f64> = (0..all.len()).map(|_| all[rng.random_range(0..all.len())]).collect();
        sample.sort_by(f64::total_cmp);
        let resampled = estimate(&sample);
        typicals.push(resampled.typical.as_f64());
        spreads.push(resampled.spread.unwrap_or_default());
    }
    let interval = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        (quantile(values, 0.025), quantile(values, 0.975))
    };
    let imitated = draws(spec, seed);
    let shares = [0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];
    let quantiles = shares.map(|share| QuantileRow {
        share,
        real_ms: quantile(&all, share),
        imitated_ms: quantile(&imitated, share),
    });
    let ks_held_out = (latencies_us.len() >= MIN_HELD_OUT).then(|| {
        let half = |odd: usize| sorted_ms(latencies_us.iter().skip(odd).step_by(2).copied());
        ks_distance(&whole(&half(1)), &draws(estimate(&half(0)), seed))
    });
    let (n, m) = (all.len() as f64, f64::from(DRAWS));
    Some(LatencyFit {
        spec,
        calls: all.len(),
        typical_interval_ms: interval(&mut typicals),
        spread_interval: interval(&mut spreads),
        quantiles: quantiles.to_vec(),
        ks: ks_distance(&whole(&all), &imitated),
        ks_held_out,
        ks_by_chance: 1.358 * (1.0 / n + 1.0 / m).sqrt(),
    })
}

/// The parameters out of sorted milliseconds, see the head of [`super`].
fn estimate(sorted: &[f64]) -> LatencySpec {
    let (a, m, b) = (quantile(sorted, 0.1), quantile(sorted, 0.5), quantile(sorted, 0.9));
    let (fastest, slowest) = (sorted[0], sorted[sorted.len() - 1]);
    let skew = a + b - 2.0 * m;
    // No skew to the right: no shift makes the logarithm symmetric, the nearest is none.
    let least = if skew > 1e-9 { ((a * b - m * m) / skew).clamp(0.0, fastest) } else { 0.0 };
    let spread = if m > least && b > least { ((b - least) / (m - least)).ln() / Z90 } else { 0.0 };
    let millis = |ms: f64| Millis::from_micros((ms * 1000.0).round() as u64);
    let typical = millis(m);
    LatencySpec {
        typical,
        worst: millis(slowest).max(typical),
        spread: Some((spread.clamp(SPREADS.0, SPREADS.1) * 1e4).round() / 1e4),
        least: Some(millis(least).min(typical)),
    }
}

fn sorted_ms(latencies_us: impl Iterator<Item = u64>) -> Vec<f64> {
    let mut ms: Vec<f64> = latencies_us.map(|us| us as f64 / 1000.0).collect();
    ms.sort_by(f64::total_cmp);
    ms
}

/// As the world's clock would show them.
fn whole(sorted_ms: &[f64]) -> Vec<f64> {
    sorted_ms.iter().map(|ms| (ms + 0.5).floor()).collect()
}

fn draws(spec: LatencySpec, seed: u64) -> Vec<f64> {
    let mut drawn: Vec<f64> = latencies_ms(spec, seed, DRAWS).into_iter().map(f64::from).collect();
    drawn.sort_by(f64::total_cmp);
    drawn
}

//! Numbers about samples: quantiles, rates with their intervals, the distance of two samples.

use serde::{Deserialize, Serialize};

/// The 97.5 % point of the normal distribution.
const Z95: f64 = 1.959_964;

/// How often something happened.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Times that it did.
    pub hits: usize,
    /// Times that it could have.
    pub of: usize,
    /// `hits / of`; 0 of nothing.
    pub share: f64,
    /// Lower end of the Wilson 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

impl Rate {
    /// `hits` times out of `of`.
    ///
    /// The Wilson interval is `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`; from 0 to 1 where
    /// n is 0.
    pub fn new(hits: usize, of: usize) -> Self {
        if of == 0 {
            return Self { hits, of, share: 0.0, low: 0.0, high: 1.0 };
        }
        let n = of as f64;
        let share = hits as f64 / n;
        let scale = 1.0 + Z95 * Z95 / n;
        let middle = share + Z95 * Z95 / (2.0 * n);
        let half = Z95 * (share * (1.0 - share) / n + Z95 * Z95 / (4.0 * n * n)).sqrt();
        let (low, high) = (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0));
        Self { hits, of, share, low, high }
    }
}

/// The quantile of `sorted` at `share`, between neighbours by a straight line; NaN of nothing.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

/// The Kolmogorov-Smirnov distance: the greatest difference of the shares at or below any value.
/// Both samples are sorted and not empty.
pub fn ks_distance(a: &[f64], b: &[f64]) -> f64 {
    let (mut at_a, mut at_b, mut distance) = (0, 0, 0.0_f64);
    while at_a < a.len() && at_b < b.len() {
        let value = a[at_a].min(b[at_b]);
        at_a += a[at_a..].iter().take_while(|x| **x <= value).count();
        at_b += b[at_b..].iter().take_while(|x| **x <= value).count();
        distance = distance.max((at_a as f64 / a.len() as f64 - at_b as f64 / b.len() as f64).abs());
    }
    distance
}

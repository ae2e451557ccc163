//! The few formulas behind the figures.

use nex_trajectory::run::Histogram;

/// z of a two-sided 95 % interval.
const Z95: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % score interval of a share: `(p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
///
/// Unlike `p ± z·√(p(1−p)/n)` it stays in [0, 1] and is honest at 0, at 1 and for small `n`.
/// None where there is nothing to count.
pub(crate) fn wilson_interval(successes: u64, n: u64) -> Option<(f64, f64)> {
    if n == 0 {
        return None;
    }
    let n = n as f64;
    let p = (successes as f64 / n).min(1.0);
    let z2 = Z95 * Z95;
    let scale = 1.0 + z2 / n;
    let middle = (p + z2 / (2.0 * n)) / scale;
    let half = Z95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / scale;
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

/// The lower median of a histogram; none of an empty one.
pub(crate) fn median(histogram: &Histogram) -> Option<u64> {
    let total = total(histogram);
    let mut seen = 0;
    histogram.bins.iter().find_map(|(value, count)| {
        seen += count;
        (total > 0 && seen * 2 >= total).then_some(*value)
    })
}

/// How many a histogram counts.
pub(crate) fn total(histogram: &Histogram) -> u64 {
    histogram.bins.iter().map(|(_, count)| count).sum()
}

/// The mean of a histogram; none of an empty one.
pub(crate) fn mean(histogram: &Histogram) -> Option<f64> {
    let total = total(histogram);
    let sum: f64 = histogram.bins.iter().map(|(value, count)| *value as f64 * *count as f64).sum();
    (total > 0).then(|| sum / total as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_gives_the_textbook_intervals() {
        let rounded = |s, n| wilson_interval(s, n).map(|(a, b)| (format!("{a:.4}"), format!("{b:.4}")));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        // Newcombe (1998), table I, method 3.
        assert_eq!(rounded(81, 263), pair("0.2553", "0.3662"));
        assert_eq!(rounded(15, 148), pair("0.0624", "0.1605"));
        assert_eq!(rounded(0, 20), pair("0.0000", "0.1611"));
        assert_eq!(rounded(1, 29), pair("0.0061", "0.1718"));
        assert_eq!(rounded(29, 29), pair("0.8830", "1.0000"));
        assert_eq!(rounded(0, 0), None);
    }

    #[test]
    fn median_and_mean_are_of_the_counted_things() {
        let histogram = Histogram { bins: vec![(2, 1), (5, 2), (9, 3)] };
        assert_eq!((median(&histogram), mean(&histogram)), (Some(5), Some(39.0 / 6.0)));
        assert_eq!((median(&Histogram::default()), mean(&Histogram::default())), (None, None));
    }
}

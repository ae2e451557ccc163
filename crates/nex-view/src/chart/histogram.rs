//! Histograms of whole numbers: columns, a few lines to measure by, and the median.

use crate::statistics::{mean, median, total};
use crate::text::count;
use maud::{Markup, html};
use nex_trajectory::run::Histogram;

/// At most so many columns; more values share columns of a round width.
const COLUMNS: u64 = 36;
/// Share of the width that the scale at the left takes.
const LEFT: f64 = 9.0;
const TOP: f64 = 22.0;
const HEIGHT: f64 = 150.0;

/// A column: the least value it counts, and how many have one of its values.
type Column = (u64, u64);

/// The histogram of `unit` (`turns`, `calls`) over episodes.
pub(crate) fn histogram(histogram: &Histogram, unit: &str) -> Markup {
    let Some(median) = median(histogram) else {
        return html! { p.empty { "Nothing was counted." } };
    };
    let (width, columns) = columns(histogram);
    let step = round_up(columns.iter().map(|c| c.1).max().unwrap_or(1).div_ceil(3));
    let top = (step * 3) as f64;
    let slot = (100.0 - LEFT) / columns.len() as f64;
    let y_of = |n: u64| TOP + HEIGHT * (1.0 - n as f64 / top);
    let median_at = columns.iter().position(|c| median < c.0.saturating_add(width)).unwrap_or(0);
    let median_x = percent(LEFT + slot * (median_at as f64 + 0.5));
    let label_every = columns.len().div_ceil(10);
    html! {
        svg.histogram width="100%" height=(TOP + HEIGHT + 24.0) role="img"
            aria-label={ "Histogram of " (unit) ": median " (median) ", " (count(total(histogram))) " episodes" } {
            @for n in [0, step, step * 2, step * 3] {
                line.grid x1=(percent(LEFT)) x2="100%" y1=(y_of(n)) y2=(y_of(n)) {}
                text.axis x=(percent(LEFT - 1.2)) y=(y_of(n) + 4.0) text-anchor="end" { (count(n)) }
            }
            @for (index, (from, n)) in columns.iter().enumerate() {
                @let x = LEFT + slot * index as f64;
                @if *n > 0 {
                    rect.column x=(percent(x + slot * 0.09)) width=(percent(slot * 0.82))
                        y=(format!("{:.1}", y_of(*n))) height=(format!("{:.1}", TOP + HEIGHT - y_of(*n))) {
                        title { (values(*from, width)) " " (unit) ": " (count(*n)) " episodes" }
                    }
                }
                @if index % label_every == 0 {
                    text.axis x=(percent(x + slot * 0.5)) y=(TOP + HEIGHT + 17.0) text-anchor="middle" {
                        (values(*from, width))
                    }
                }
            }
            line.median x1=(median_x) x2=(median_x) y1=(TOP - 4.0) y2=(TOP + HEIGHT) {}
            text.median-label x=(median_x) y=(TOP - 9.0) text-anchor=(if median_at * 3 > columns.len() * 2 { "end" } else { "middle" }) {
                "median " (count(median)) ", mean " (format!("{:.1}", mean(histogram).unwrap_or(0.0)))
            }
        }
    }
}

/// Neighbouring columns from the least to the largest value, none left out, and their width.
fn columns(histogram: &Histogram) -> (u64, Vec<Column>) {
    let least = histogram.bins.iter().map(|bin| bin.0).min().unwrap_or(0);
    let largest = histogram.bins.iter().map(|bin| bin.0).max().unwrap_or(0);
    let width = round_up((largest - least).saturating_add(1).div_ceil(COLUMNS));
    let start = least / width * width;
    let mut columns: Vec<Column> = (0..=(largest - start) / width).map(|i| (start + i * width, 0)).collect();
    for (value, n) in &histogram.bins {
        columns[((value - start) / width) as usize].1 += n;
    }
    (width, columns)
}

fn values(from: u64, width: u64) -> String {
    if width == 1 { from.to_string() } else { format!("{from}–{}", from.saturating_add(width - 1)) }
}

/// The least of 1, 2, 5, 10, 20, 50 … that is no less than `n`.
fn round_up(n: u64) -> u64 {
    let mut step = 1_u64;
    for factor in [2, 5, 10].iter().cycle().take(57) {
        if step >= n {
            break;
        }
        let decade = 10_u64.pow(step.ilog10());
        step = decade.saturating_mul(*factor);
    }
    step.max(1)
}

fn percent(x: f64) -> String {
    format!("{x:.2}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        let table: Vec<u64> = [0, 1, 2, 3, 5, 6, 11, 21, 99, 101, 4_999].map(round_up).to_vec();
        assert_eq!(table, [1, 1, 2, 5, 5, 10, 20, 50, 100, 200, 5_000]);
        assert!(round_up(u64::MAX) > 0);
    }

    #[test]
    fn columns_count_every_value_once_and_leave_no_gap() {
        let small = Histogram { bins: vec![(2, 4), (5, 1)] };
        assert_eq!(columns(&small), (1, vec![(2, 4), (3, 0), (4, 0), (5, 1)]));
        let wide = Histogram { bins: vec![(3, 1), (4, 1), (90, 5)] };
        let (width, columns) = columns(&wide);
        assert_eq!((width, columns.len(), columns[0]), (5, 19, (0, 2)));
        assert_eq!(columns.iter().map(|c| c.1).sum::<u64>(), 7);
        assert_eq!(super::columns(&Histogram { bins: vec![(0, 1), (u64::MAX - 1, 1)] }).1.len(), 19);
    }
}

//! Horizontal bars: shares with their intervals, and plain counts.

use super::{length, share};
use crate::statistics::wilson_interval;
use crate::text::{Name, count, percent};
use maud::{Markup, html};

/// Rows of one figure; the rest is summed up in words.
const SHOWN_ROWS: usize = 30;

/// One row of [`rate_bars`].
pub(crate) struct RateRow<'a> {
    pub(crate) name: &'a str,
    pub(crate) n: u64,
    pub(crate) successes: u64,
    pub(crate) mean_reward: f64,
}

/// Success rates with Wilson intervals, one row a slice.
pub(crate) fn rate_bars(axis: &str, rows: &[RateRow<'_>]) -> Markup {
    html! {
        table.bars.rates {
            thead {
                tr {
                    th scope="col" { (axis) }
                    th.plot scope="col" { span.visually-hidden { "Share and interval" } }
                    th.number scope="col" { "success" }
                    th.number scope="col" { "n" }
                    th.number scope="col" { "mean reward" }
                }
            }
            tbody {
                @for row in rows.iter().take(SHOWN_ROWS) {
                    tr {
                        th scope="row" { (Name(row.name)) }
                        td.plot { (rate_plot(row)) }
                        @if row.n == 0 {
                            td.number { "–" }
                        } @else {
                            td.number { strong { (percent(share(row.successes, row.n))) } (interval_words(row)) }
                        }
                        td.number { (count(row.n)) }
                        td.number { @if row.n == 0 { "–" } @else { (format!("{:.3}", row.mean_reward)) } }
                    }
                }
            }
        }
        (rest_note(rows.len()))
    }
}

fn interval_words(row: &RateRow<'_>) -> Markup {
    html! {
        @if let Some((low, high)) = wilson_interval(row.successes, row.n) {
            " " span.interval { (format!("{:.1}–{:.1}", low * 100.0, high * 100.0)) }
        }
    }
}

fn rate_plot(row: &RateRow<'_>) -> Markup {
    html! {
        svg width="100%" height="20" aria-hidden="true" focusable="false" {
            rect.track x="0" y="4" width="100%" height="12" rx="2" {}
            @if let Some((low, high)) = wilson_interval(row.successes, row.n) {
                rect.good x="0" y="4" width=(length(share(row.successes, row.n))) height="12" rx="2" {}
                line.whisker x1=(length(low)) x2=(length(high)) y1="10" y2="10" {}
                line.whisker x1=(length(low)) x2=(length(low)) y1="5.5" y2="14.5" {}
                line.whisker x1=(length(high)) x2=(length(high)) y1="5.5" y2="14.5" {}
            }
        }
    }
}

/// One row of [`count_bars`].
pub(crate) struct CountRow<'a> {
    /// As written in files.
    pub(crate) name: &'a str,
    /// What it means, for people; may be empty.
    pub(crate) meaning: &'static str,
    pub(crate) count: u64,
    /// The class that colours its bar.
    pub(crate) tone: &'static str,
}

/// Counts, one row a name, with the share that each has of `whole`.
pub(crate) fn count_bars(heading: &str, unit: &str, rows: &[CountRow<'_>], whole: u64) -> Markup {
    let largest = rows.iter().map(|row| row.count).max().unwrap_or(0);
    html! {
        table.bars.counts {
            thead {
                tr {
                    th scope="col" { (heading) }
                    th.plot scope="col" { span.visually-hidden { "Bar" } }
                    th.number scope="col" { (unit) }
                    th.number scope="col" { "share" }
                }
            }
            tbody {
                @for row in rows.iter().take(SHOWN_ROWS) {
                    tr {
                        th scope="row" {
                            code { (Name(row.name)) }
                            @if !row.meaning.is_empty() { span.meaning { (row.meaning) } }
                        }
                        td.plot {
                            svg width="100%" height="20" aria-hidden="true" focusable="false" {
                                rect class=(row.tone) x="0" y="4" height="12" rx="2"
                                    width=(length(share(row.count, largest))) {}
                            }
                        }
                        td.number { strong { (count(row.count)) } }
                        td.number { @if whole == 0 { "–" } @else { (percent(share(row.count, whole))) } }
                    }
                }
            }
        }
        (rest_note(rows.len()))
    }
}

fn rest_note(rows: usize) -> Markup {
    html! {
        @if rows > SHOWN_ROWS {
            p.rest { "and " (count((rows - SHOWN_ROWS) as u64)) " more rows, not shown" }
        }
    }
}

/// A small bar for a score in [0, 1].
pub(crate) fn score_bar(score: f64) -> Markup {
    html! {
        svg.score width="100%" height="8" aria-hidden="true" focusable="false" {
            rect.track x="0" y="0" width="100%" height="8" rx="2" {}
            rect.good x="0" y="0" width=(length(score)) height="8" rx="2" {}
        }
    }
}

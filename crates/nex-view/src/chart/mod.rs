//! Figures as inline SVG in HTML tables: funnel, bars, histograms, graphs.
//!
//! Positions along x are percentages of the drawing's width, so a figure fits a telephone and a
//! sheet of paper with its letters at their size. Numbers stand beside the marks as text: a figure
//! can be read without seeing colours, or anything at all.

mod bars;
mod dots;
mod funnel;
mod graph;
mod histogram;
mod layers;

pub(crate) use bars::{CountRow, RateRow, count_bars, rate_bars, score_bar};
pub(crate) use dots::{Dot, dots, small_graph};
pub(crate) use funnel::funnel;
pub(crate) use graph::{Card, CardLine, Mark, graph};
pub(crate) use histogram::histogram;

/// A share in [0, 1] as an SVG length.
fn length(share: f64) -> String {
    format!("{:.2}%", share.clamp(0.0, 1.0) * 100.0)
}

/// `part / whole`, 0 where there is no whole.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

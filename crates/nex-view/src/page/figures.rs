//! The figures of the whole run: success, length, failures.

use super::figure;
use super::vocabulary::{defect_meaning, stop_meaning, stop_tone};
use crate::chart::{CountRow, RateRow, count_bars, histogram, rate_bars};
use crate::statistics::total;
use crate::text::words;
use maud::{Markup, html};
use nex_trajectory::run::{Count, RunMetrics, SuccessRow};

/// Success by each axis.
pub(crate) fn success(metrics: &RunMetrics) -> Markup {
    let mut axes: Vec<&str> = Vec::new();
    for row in &metrics.success {
        if !axes.contains(&row.axis.as_str()) {
            axes.push(&row.axis);
        }
    }
    html! {
        section #success {
            h2 { "Success" }
            @if axes.is_empty() {
                p.empty { "No episode has a reward yet." }
            } @else {
                p.lead {
                    "Share of episodes that the verifier accepts whole. Whiskers and the small figures are \
                     Wilson 95 % intervals; " i { "n" } " counts episodes with a reward, so those in which \
                     the surroundings failed are left out."
                }
                div.stacked {
                    @for axis in axes.iter().take(8) { (axis_figure(axis, metrics)) }
                }
            }
        }
    }
}

fn axis_figure(axis: &str, metrics: &RunMetrics) -> Markup {
    let mut rows: Vec<&SuccessRow> = metrics.success.iter().filter(|row| row.axis == axis).collect();
    if axis == "difficulty" {
        let rank =
            |value: &str| ["easy", "medium", "hard"].iter().position(|name| *name == value).unwrap_or(3);
        rows.sort_by_key(|row| rank(&row.value));
    }
    let rows: Vec<RateRow<'_>> = rows
        .iter()
        .map(|row| RateRow {
            name: &row.value,
            n: row.episodes,
            successes: row.successes,
            mean_reward: row.mean_reward,
        })
        .collect();
    let axis = crate::text::label(&words(axis), 40);
    figure(
        &format!("By {axis}"),
        &rate_bars(&axis, &rows),
        "Unit: episodes. Bar: share of successes. Mean reward is over the same episodes.",
    )
}

/// How long the episodes are.
pub(crate) fn shape(metrics: &RunMetrics) -> Markup {
    html! {
        section #length {
            h2 { "Length of episodes" }
            div.columns {
                (figure(
                    "Turns",
                    &histogram(&metrics.turns, "turns"),
                    "Episodes by number of turns: model replies of all agents of the episode, sub-agents \
                     included. The dashed line is the median.",
                ))
                (figure(
                    "Tool calls",
                    &histogram(&metrics.tool_calls, "calls"),
                    "Episodes by number of tool calls of all agents of the episode. A call that starts a \
                     sub-agent counts as one.",
                ))
            }
        }
    }
}

/// Why episodes stopped and failed, and what was wrong in model output.
pub(crate) fn failures(metrics: &RunMetrics) -> Markup {
    let stops: Vec<CountRow<'_>> = rows(&metrics.stops, stop_meaning, stop_tone);
    let failures: Vec<CountRow<'_>> = rows(&metrics.failures, |_| "", |_| "bad");
    let defects: Vec<CountRow<'_>> = rows(&metrics.defects, defect_meaning, |_| "warn");
    let sum = |counts: &[Count]| counts.iter().map(|count| count.count).sum::<u64>();
    let stopped = sum(&metrics.stops).max(total(&metrics.turns));
    html! {
        section #failures {
            h2 { "Failures" }
            div.stacked {
                (counted("Failure reasons", "reason", "episodes", &failures, sum(&metrics.failures),
                    "No episode failed.",
                    "Unit: episodes that failed, by the named reason: the part of the reward that was not \
                     met and its first finding, or the failure of the surroundings. Share of all rows."))
                (counted("Stop reasons", "reason", "episodes", &stops, stopped,
                    "No episode has stopped yet.",
                    "Unit: episodes, by why the outermost agent stopped. Blue: it ended with an answer; \
                     orange: a limit or the model ended it; grey: the surroundings did."))
                (counted("Defects", "kind", "defects", &defects, sum(&metrics.defects),
                    "No defect was recorded.",
                    "Unit: defects in model or tool output, of which an episode may have many. A defect \
                     never ends a run: the model is told and may correct itself."))
            }
        }
    }
}

fn rows<'a>(
    counts: &'a [Count],
    meaning: impl Fn(&str) -> &'static str,
    tone: impl Fn(&str) -> &'static str,
) -> Vec<CountRow<'a>> {
    let mut rows: Vec<CountRow<'a>> = counts
        .iter()
        .filter(|count| count.count > 0)
        .map(|count| CountRow {
            name: &count.name,
            meaning: meaning(&count.name),
            count: count.count,
            tone: tone(&count.name),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

fn counted(
    heading: &str,
    column: &str,
    unit: &str,
    rows: &[CountRow<'_>],
    whole: u64,
    none: &str,
    caption: &str,
) -> Markup {
    if rows.is_empty() {
        return figure(heading, &html! { p.empty { (none) } }, caption);
    }
    figure(heading, &count_bars(column, unit, rows, whole), caption)
}

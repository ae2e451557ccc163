//! The head of the page: what the run was, who drove it, and its main figures.

use super::figure;
use super::vocabulary::driver_meaning;
use crate::chart::funnel;
use crate::json::laid_out;
use crate::report::ReportInput;
use crate::statistics::{median, wilson_interval};
use crate::text::{Cut, Name, count, label, percent, shown, words};
use maud::{Markup, html};
use nex_trajectory::run::RunMetrics;
use serde_json::Value;

/// Further figures shown.
const SHOWN_TOTALS: usize = 40;

/// Title, provenance, main figures, funnel.
pub(crate) fn overview(input: &ReportInput) -> Markup {
    let manifest = &input.manifest;
    html! {
        header.masthead {
            p.kind { "Run report" }
            h1 { (Name(&manifest.name)) }
            p.driver {
                span.driver-label { "driver" } " "
                strong { (Name(&manifest.driver)) } " "
                span { "(" (driver_meaning(&manifest.driver)) ")" }
            }
            dl.provenance {
                div { dt { "Seed" } dd { code { (manifest.seed) } } }
                div { dt { "Nex" } dd { code { (Name(&manifest.nex_version)) } } }
                div.wide { dt { "Fingerprint" } dd { code { (Name(&manifest.fingerprint)) } } }
            }
            details.recipe {
                summary { "Recipe" }
                div.code { (value_text(&manifest.recipe)) }
            }
            @if !input.notes.is_empty() {
                ul.notes {
                    @for note in &input.notes { li { (shown(note, Cut::SHORT)) } }
                }
            }
        }
        section #overview {
            h2 { "Overview" }
            (key_figures(&input.metrics))
            div.columns {
                @if !input.metrics.funnel.is_empty() {
                    (figure(
                        "From tasks to samples",
                        &funnel(&input.metrics.funnel),
                        "How many reach each stage, and their share of the stage before. The unit is the \
                         one that the stage names: tasks, then episodes (one attempt at one task), then \
                         samples (one branch of one agent's trajectory, so an episode may give several).",
                    ))
                }
                @if !input.metrics.totals.is_empty() { (totals(&input.metrics)) }
            }
        }
    }
}

fn value_text(value: &Value) -> Markup {
    let text = value.to_string();
    laid_out(&text).unwrap_or_else(|| shown(&text, Cut::MEDIUM))
}

/// The rows of one axis hold every scored episode once, so any complete axis gives the whole.
fn whole(metrics: &RunMetrics) -> Option<(u64, u64, f64)> {
    let axis = &metrics.success.first()?.axis;
    let rows = metrics.success.iter().filter(|row| row.axis == *axis);
    let (mut n, mut successes, mut reward) = (0, 0, 0.0);
    for row in rows {
        n += row.episodes;
        successes += row.successes;
        reward += row.mean_reward * row.episodes as f64;
    }
    (n > 0).then(|| (n, successes, reward / n as f64))
}

fn key_figures(metrics: &RunMetrics) -> Markup {
    let whole = whole(metrics);
    let defects: u64 = metrics.defects.iter().map(|count| count.count).sum();
    html! {
        dl.key-figures {
            @if let Some((n, successes, reward)) = whole {
                @let (low, high) = wilson_interval(successes, n).unwrap_or((0.0, 1.0));
                (key("Success", &percent(successes as f64 / n as f64),
                    &format!("95 % interval {:.1}–{:.1} %", low * 100.0, high * 100.0)))
                (key("Scored episodes", &count(n), &format!("{} succeeded", count(successes))))
                (key("Mean reward", &format!("{reward:.3}"), "of scored episodes, 0 to 1"))
            }
            @if let Some(turns) = median(&metrics.turns) {
                (key("Median turns", &count(turns), "model replies an episode"))
            }
            @if let Some(calls) = median(&metrics.tool_calls) {
                (key("Median tool calls", &count(calls), "an episode, sub-agents included"))
            }
            (key("Defects", &count(defects), "faults in model output, kept as data"))
        }
    }
}

fn key(name: &str, figure: &str, meaning: &str) -> Markup {
    html! {
        div { dt { (name) } dd { strong { (figure) } span { (meaning) } } }
    }
}

fn totals(metrics: &RunMetrics) -> Markup {
    let drawing = html! {
        table.totals {
            tbody {
                @for (name, value) in metrics.totals.iter().take(SHOWN_TOTALS) {
                    tr { th scope="row" { (Name(&words(name))) } td { (total(value)) } }
                }
            }
        }
    };
    figure("Further figures", &drawing, "As the run counted them, over all its episodes.")
}

fn total(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_u64().map_or_else(|| number.to_string(), count),
        Value::String(text) => label(text, 200),
        other => label(&other.to_string(), 200),
    }
}

//! The funnel: how many reach each stage, from tasks to samples.

use super::{length, share};
use crate::text::{Name, count, percent, words};
use maud::{Markup, html};
use nex_trajectory::run::Count;

/// Heights of a stage's bar and of the slope to the next one, in the drawing's units.
const BAR: f64 = 30.0;
const SLOPE: f64 = 16.0;

/// The stages from top to bottom, widths in proportion to their counts.
pub(crate) fn funnel(stages: &[Count]) -> Markup {
    let largest = stages.iter().map(|stage| stage.count).max().unwrap_or(0);
    html! {
        table.funnel {
            thead.visually-hidden {
                tr { th { "Stage" } th { "Funnel" } th { "Count" } th { "Of the stage before" } }
            }
            tbody {
                @for (index, stage) in stages.iter().enumerate() {
                    @let next = stages.get(index + 1).map(|next| share(next.count, largest));
                    tr {
                        th scope="row" { (Name(&words(&stage.name))) }
                        td.plot { (stage_plot(share(stage.count, largest), next)) }
                        td.number { strong { (count(stage.count)) } }
                        td.number.quiet {
                            @if let Some(before) = index.checked_sub(1).map(|i| stages[i].count) {
                                (of_before(stage.count, before))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn stage_plot(here: f64, next: Option<f64>) -> Markup {
    let edge = |width: f64| (50.0 - width * 50.0, 50.0 + width * 50.0);
    let height = BAR + SLOPE;
    html! {
        svg width="100%" height=(height) viewBox={ "0 0 100 " (height) } preserveAspectRatio="none"
            aria-hidden="true" focusable="false" {
            rect.stage x=(format!("{:.2}", edge(here).0)) y="0" width=(length(here)) height=(BAR) {}
            @if let Some(next) = next {
                polygon.slope points=(format!(
                    "{:.2},{BAR} {:.2},{BAR} {:.2},{height} {:.2},{height}",
                    edge(here).0, edge(here).1, edge(next).1, edge(next).0
                )) {}
            }
        }
    }
}

/// A share, or a factor where a stage holds more than the one before it (samples of an episode).
fn of_before(here: u64, before: u64) -> String {
    match (here, before) {
        (_, 0) => "–".to_owned(),
        (here, before) if here > before => format!("× {:.2}", share(here, before)),
        (here, before) => percent(share(here, before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_compared_with_the_one_before_it() {
        let table = [of_before(50, 100), of_before(100, 100), of_before(240, 100), of_before(3, 0)];
        assert_eq!(table, ["50.0 %", "100.0 %", "× 2.40", "–"]);
    }
}

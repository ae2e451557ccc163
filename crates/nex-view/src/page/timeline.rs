//! One episode over time: a row for each agent, a mark for each model reply and tool call.

use crate::text::{Name, duration, label};
use maud::{Markup, html};
use nex_trajectory::{Timing, Trajectory};

const SHOWN_ROWS: usize = 14;
const SHOWN_MARKS: usize = 240;
const SHOWN_DEPTH: usize = 12;

struct Row<'a> {
    agent: &'a str,
    depth: usize,
    /// Model replies, then tool calls.
    replies: Vec<Timing>,
    calls: Vec<(Timing, &'a str)>,
}

/// The timeline, or nothing where no time passed (a clock that stands, as the built-in driver has).
pub(crate) fn timeline(trajectory: &Trajectory) -> Markup {
    let mut rows = Vec::new();
    collect(trajectory, 0, &mut rows);
    let end = |timing: &Timing| timing.start_ms.saturating_add(timing.duration_ms);
    let ends =
        rows.iter().flat_map(|row| row.replies.iter().chain(row.calls.iter().map(|call| &call.0))).map(end);
    let total = ends.max().unwrap_or(0);
    if total == 0 {
        return html! {};
    }
    let x = |ms: u64| format!("{:.2}%", ms.min(total) as f64 / total as f64 * 100.0);
    html! {
        div.timeline {
            p.part { "Time " span.quiet { (duration(total)) " · wide: model replies · narrow: tool calls" } }
            @for row in rows.iter().take(SHOWN_ROWS) {
                div.lane {
                    span.lane-name data-depth=(row.depth.min(4)) { (Name(row.agent)) }
                    svg width="100%" height="18" role="img" aria-label={ "Timeline of " (label(row.agent, 60)) } {
                        line.grid x1="0" x2="100%" y1="9" y2="9" {}
                        @for timing in row.replies.iter().take(SHOWN_MARKS) {
                            rect.reply x=(x(timing.start_ms)) y="3" height="12" width=(x(timing.duration_ms)) {
                                title { "model reply, " (duration(timing.duration_ms)) }
                            }
                        }
                        @for (timing, tool) in row.calls.iter().take(SHOWN_MARKS) {
                            rect.call-mark x=(x(timing.start_ms)) y="6" height="6" width=(x(timing.duration_ms)) {
                                title { (label(tool, 60)) ", " (duration(timing.duration_ms)) }
                            }
                        }
                    }
                }
            }
            @if rows.len() > SHOWN_ROWS {
                p.rest { "and " (rows.len() - SHOWN_ROWS) " more agents, not shown" }
            }
        }
    }
}

fn collect<'a>(trajectory: &'a Trajectory, depth: usize, rows: &mut Vec<Row<'a>>) {
    if depth > SHOWN_DEPTH {
        return;
    }
    let mut row = Row { agent: &trajectory.agent, depth, replies: Vec::new(), calls: Vec::new() };
    for node in &trajectory.nodes {
        row.replies.extend(node.turn.as_ref().map(|turn| turn.timing));
        let names = node.message.results().map(|result| result.name.as_str());
        row.calls.extend(node.call_timings.iter().copied().zip(names));
    }
    rows.push(row);
    for child in &trajectory.children {
        collect(&child.trajectory, depth + 1, rows);
    }
}

//! The page as a whole, from its input to its text.

use crate::page;
use crate::policy::{SCRIPT, STYLE, content_security_policy};
use crate::text::{count, label};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use nex_trajectory::Episode;
use nex_trajectory::run::{RunManifest, RunMetrics, Topology};

/// Bytes of HTML that the sample of trajectories may take.
const SAMPLE_BYTES: usize = 3_600_000;

/// All that the report is made of.
#[derive(Clone, Debug)]
pub struct ReportInput {
    /// What the run was asked to do.
    pub manifest: RunManifest,
    /// What came out of it.
    pub metrics: RunMetrics,
    /// What its agents and worlds look like.
    pub topology: Topology,
    /// A sample of its episodes, the most wanted first: those that no longer fit are left out.
    pub episodes: Vec<Episode>,
    /// Episodes in the run, of which `episodes` are a sample.
    pub episodes_total: u64,
    /// Sentences for the reader, shown under the title.
    pub notes: Vec<String>,
}

/// The whole page. A function of its input: no clock, no file, no chance.
pub fn render_report(input: &ReportInput) -> String {
    let title = format!("{} · run report", label(&input.manifest.name, 80));
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#overview" { "Skip to the figures" }
                (navigation())
                main {
                    (page::overview(input))
                    (page::success(&input.metrics))
                    (page::shape(&input.metrics))
                    (page::failures(&input.metrics))
                    (page::agents(&input.topology))
                    (page::worlds(&input.topology))
                    (trajectories(input))
                }
                footer {
                    p {
                        "Made by nex " (label(&input.manifest.nex_version, 40)) " from the run folder. This page is one \
                         file; it loads nothing and sends nothing."
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn navigation() -> Markup {
    let places = [
        ("overview", "Overview"),
        ("success", "Success"),
        ("length", "Length"),
        ("failures", "Failures"),
        ("agents", "Agents"),
        ("worlds", "Worlds"),
        ("trajectories", "Trajectories"),
    ];
    html! {
        nav aria-label="Sections" {
            ul { @for (anchor, name) in places { li { a href={ "#" (anchor) } { (name) } } } }
        }
    }
}

fn trajectories(input: &ReportInput) -> Markup {
    let kept = fitting(&input.episodes);
    let episodes: Vec<&Episode> = kept.iter().map(|(episode, _)| *episode).collect();
    let left_out = input.episodes.len() - kept.len();
    html! {
        section #trajectories {
            h2 { "Trajectories" }
            @if kept.is_empty() {
                p.empty { "No episode is shown." }
            } @else {
                p.lead {
                    (count(kept.len() as u64)) " of " (count(input.episodes_total)) " episodes, drawn so that \
                     worlds, outcomes, harnesses and difficulties are all met; not a fair sample to compute \
                     shares from. Open one to see its task, its reward and what was said and called; a sub-agent \
                     stands under the call that started it. Characters that cannot be seen are spelled out, like "
                    span.unseen { "\\u{1B}" } "."
                    @if left_out > 0 { " " (count(left_out as u64)) " more were left out for size." }
                }
                (page::filters(&episodes))
                div #episodes { @for (_, html) in &kept { (html) } }
                p #none-found hidden { "No episode in this sample matches." }
            }
        }
    }
}

/// The episodes that fit, rendered, in the order in which a reader looks for one.
fn fitting(episodes: &[Episode]) -> Vec<(&Episode, Markup)> {
    let mut left = SAMPLE_BYTES;
    let mut kept = Vec::new();
    for (number, episode) in episodes.iter().enumerate() {
        let html = page::episode(episode, number + 1);
        if html.0.len() <= left {
            left -= html.0.len();
            kept.push((episode, html));
        }
    }
    let key = |e: &Episode| (e.task.world.clone(), e.harness.clone(), difficulty_rank(e), e.id.clone());
    kept.sort_by_cached_key(|(episode, _)| key(episode));
    kept
}

fn difficulty_rank(episode: &Episode) -> usize {
    ["easy", "medium", "hard"].iter().position(|name| *name == episode.task.difficulty).unwrap_or(3)
}

//! One episode: a line to find it by, then its task, its reward and its tree.

use super::timeline::timeline;
use super::tree::tree;
use crate::chart::score_bar;
use crate::text::{Cut, Name, label, plural, shown, words};
use maud::{Markup, html};
use nex_trajectory::{Episode, Outcome, Reward};
use serde_json::Value;
use std::collections::BTreeSet;

const SHOWN_FACTS: usize = 30;
const SHOWN_PARTS: usize = 24;
const SHOWN_FINDINGS: usize = 12;
/// Letters of the values that episodes are filtered by.
const VALUE: usize = 80;

/// The controls over the list. Without scripts they stay hidden, as they would do nothing.
pub(crate) fn filters(episodes: &[&Episode]) -> Markup {
    let values = |of: fn(&Episode) -> &str| -> BTreeSet<String> {
        episodes.iter().map(|episode| label(of(episode), VALUE)).collect()
    };
    let selects: [(&str, &str, BTreeSet<String>); 4] = [
        ("outcome", "Outcome", values(|e| outcome_word(e.outcome))),
        ("world", "World", values(|e| &e.task.world)),
        ("harness", "Harness", values(|e| &e.harness)),
        ("difficulty", "Difficulty", values(|e| &e.task.difficulty)),
    ];
    html! {
        form #filters hidden autocomplete="off" {
            @for (key, title, values) in &selects {
                label {
                    span { (title) }
                    select data-filter=(key) {
                        option value="" { "all" }
                        @for value in values { option value=(value) { (value) } }
                    }
                }
            }
            label.search {
                span { "Text" }
                input #search type="search" placeholder="find in tasks, calls, results" spellcheck="false";
            }
            p #found role="status" aria-live="polite" {}
        }
    }
}

/// One episode, folded; `number` is its anchor.
pub(crate) fn episode(episode: &Episode, number: usize) -> Markup {
    let task = &episode.task;
    html! {
        details.episode id={ "episode-" (number) } data-outcome=(outcome_word(episode.outcome))
            data-world=(label(&task.world, VALUE)) data-harness=(label(&episode.harness, VALUE))
            data-difficulty=(label(&task.difficulty, VALUE)) {
            summary {
                span.outcome.(outcome_tone(episode.outcome)) { (outcome_sign(episode.outcome)) " " (outcome_word(episode.outcome)) }
                span.where { (Name(&task.world)) span.quiet { (Name(&task.difficulty)) " · " (Name(&episode.harness)) } }
                span.told dir="auto" { (label(&task.instruction, 170)) }
                span.figures {
                    (plural(episode.trajectory.turn_count() as u64, "turn", "turns")) br;
                    (plural(episode.trajectory.call_count() as u64, "call", "calls"))
                }
                span.worth { (worth(episode.reward.as_ref())) }
            }
            div.episode-body {
                div.columns.facts {
                    (task_part(episode))
                    (reward_part(episode))
                }
                (timeline(&episode.trajectory))
                div.tree {
                    p.part {
                        "Trajectory "
                        span.tree-buttons hidden {
                            button type="button" data-open="calls" { "open all calls" } " "
                            button type="button" data-close="calls" { "close all calls" }
                        }
                    }
                    (tree(&episode.trajectory))
                }
            }
        }
    }
}

fn worth(reward: Option<&Reward>) -> Markup {
    html! {
        @match reward {
            Some(reward) => { strong { (format!("{:.2}", reward.total)) } (score_bar(reward.total)) },
            None => span.quiet { "not scored" },
        }
    }
}

fn task_part(episode: &Episode) -> Markup {
    let task = &episode.task;
    let lang = match task.language.as_str() {
        "en" => Some("en"),
        "zh" => Some("zh"),
        _ => None,
    };
    html! {
        div.block {
            h4 { "Task" }
            div.text.instruction dir="auto" lang=[lang] { (shown(&task.instruction, Cut::LONG)) }
            @if let Some(answer) = &episode.trajectory.answer {
                h4 { "Answer" }
                div.text dir="auto" { (shown(answer, Cut::LONG)) }
            }
            dl.facts {
                div { dt { "episode" } dd { code { (Name(episode.id.as_str())) } } }
                div { dt { "task" } dd { code { (Name(task.id.as_str())) } } }
                div { dt { "driver" } dd { (Name(&episode.driver)) " " span.quiet { "(" (super::vocabulary::driver_meaning(&episode.driver)) ")" } } }
                div { dt { "attempt" } dd { (episode.attempt) } }
                div { dt { "seed" } dd { (task.seed) } }
                div { dt { "language" } dd { (Name(&task.language)) } }
                div { dt { "oracle calls" } dd { (task.oracle_calls) } }
                @for (name, value) in task.dials.iter().chain(&episode.notes).take(SHOWN_FACTS) {
                    div { dt { (Name(&words(name))) } dd { (value_words(value)) } }
                }
            }
        }
    }
}

fn value_words(value: &Value) -> String {
    match value {
        Value::String(text) => label(text, 160),
        other => label(&other.to_string(), 160),
    }
}

fn reward_part(episode: &Episode) -> Markup {
    html! {
        div.block {
            h4 { "Reward" }
            @match &episode.reward {
                None => p.image { "Not scored: the surroundings failed." },
                Some(reward) => {
                    table.parts {
                        thead { tr { th { "part" } th { span.visually-hidden { "bar" } } th.number { "score" } th.number { "weight" } } }
                        tbody {
                            @for part in reward.parts.iter().take(SHOWN_PARTS) {
                                tr {
                                    th scope="row" { (Name(&words(&part.name))) }
                                    td.plot { (score_bar(part.score)) }
                                    td.number { (format!("{:.2}", part.score)) }
                                    td.number.quiet { (format!("{:.2}", part.weight)) }
                                }
                                @if !part.findings.is_empty() {
                                    tr.findings { td colspan="4" { ul {
                                        @for finding in part.findings.iter().take(SHOWN_FINDINGS) {
                                            li dir="auto" { (shown(finding, Cut::SHORT)) }
                                        }
                                        @if part.findings.len() > SHOWN_FINDINGS {
                                            li.quiet { "and " (part.findings.len() - SHOWN_FINDINGS) " more" }
                                        }
                                    } } }
                                }
                            }
                        }
                        tfoot { tr { th scope="row" { "total" } td.plot { (score_bar(reward.total)) } td.number { strong { (format!("{:.3}", reward.total)) } } td {} } }
                    }
                },
            }
            @for rating in episode.ratings.iter().take(SHOWN_PARTS) {
                p.rating {
                    span.stars aria-hidden="true" { (stars(rating.stars)) } " "
                    (rating.stars) " of 5, by " (Name(&rating.by))
                    @if !rating.reason.is_empty() { ": " (shown(&rating.reason, Cut::SHORT)) }
                }
            }
        }
    }
}

fn stars(stars: u8) -> String {
    let full = usize::from(stars.min(5));
    "★".repeat(full) + &"☆".repeat(5 - full)
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Infra => "infra",
        Outcome::Unscored => "unscored",
    }
}

fn outcome_tone(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "good",
        Outcome::Failure => "bad",
        Outcome::Infra | Outcome::Unscored => "neutral",
    }
}

fn outcome_sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "✓",
        Outcome::Failure => "✕",
        Outcome::Infra => "○",
        Outcome::Unscored => "·",
    }
}

//! What a run was worth, judged by the pages it opened and by its answer.
//!
//! | part | weight | score |
//! |---|---|---|
//! | `answer` | 0.5 | 1 if the line `Answer:` says the fact and nothing else of its kind, and the page of the last hop was opened |
//! | `hops` | 0.25 | share of the hops whose page was opened after those of all hops before it |
//! | `citations` | 0.25 | share of the hops whose page was opened and is cited and says the value; halved by each citation that stands for nothing |
//!
//! A citation stands for nothing if the page is not there, was never opened, or has been superseded,
//! and where more than twice the pages that are needed are cited. A run without an answer gets 0.

use super::desk::SearchCall;
use super::library::{Library, full_url};
use crate::task::{Check, Fact, Hearing, Task};
use nex_trajectory::{Reward, RewardPart};
use regex::Regex;
use std::collections::BTreeSet;
use std::sync::LazyLock;

const ANSWER_WEIGHT: f64 = 0.5;
const HOPS_WEIGHT: f64 = 0.25;
const CITATIONS_WEIGHT: f64 = 0.25;

static URL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:https?://)?library\.example/[^\s,，、;；。)）\]】>"'”]+"#)
        .expect("the pattern is constant")
});

/// An answer taken apart.
struct Given {
    /// What stands behind `Answer:`, or all but the sources.
    answer: String,
    /// Full urls, each once, in their order.
    cited: Vec<String>,
}

/// Judges a run of `task` on `library` by its calls and its answer.
pub(crate) fn judge(task: &Task, library: &Library, log: &[SearchCall], answer: Option<&str>) -> Reward {
    let given = take_apart(answer.unwrap_or_default());
    let opened: BTreeSet<String> = log.iter().filter_map(SearchCall::opened).collect();
    let facts: Vec<&Fact> = task
        .checks
        .iter()
        .filter_map(|check| if let Check::Says(fact) = check { Some(fact) } else { None })
        .collect();
    let hearing = Hearing { facts: &facts, instruction: "", year: super::graph::NOW };
    let mut unsaid: Vec<String> = hearing.judge(&given.answer).into_iter().flatten().collect();
    let hops = Hops::new(task, library, &opened, &given.cited);
    if !hops.last_opened && unsaid.is_empty() {
        unsaid.push("says the fact, but never opened a page that states it".to_owned());
    }
    let has_answer = !given.answer.trim().is_empty();
    let answer_score = if has_answer && unsaid.is_empty() { 1.0 } else { 0.0 };
    let parts = vec![
        part("answer", answer_score, ANSWER_WEIGHT, unsaid),
        part("hops", if has_answer { hops.opened_share } else { 0.0 }, HOPS_WEIGHT, hops.unopened),
        part("citations", if has_answer { hops.cited_share } else { 0.0 }, CITATIONS_WEIGHT, hops.uncited),
    ];
    let total: f64 = parts.iter().map(|part| part.weight * part.score).sum();
    let all = parts.iter().all(|part| part.score >= 1.0);
    Reward { total: if all { 1.0 } else { total.clamp(0.0, 0.999) }, parts }
}

fn part(name: &str, score: f64, weight: f64, findings: Vec<String>) -> RewardPart {
    RewardPart { name: name.to_owned(), score, weight, findings }
}

/// The hops of a task against what was opened and cited.
struct Hops {
    opened_share: f64,
    cited_share: f64,
    last_opened: bool,
    unopened: Vec<String>,
    uncited: Vec<String>,
}

impl Hops {
    fn new(task: &Task, library: &Library, opened: &BTreeSet<String>, cited: &[String]) -> Self {
        let mut hops = Self {
            opened_share: 0.0,
            cited_share: 0.0,
            last_opened: false,
            unopened: Vec::new(),
            uncited: Vec::new(),
        };
        let (mut count, mut reached, mut supported) = (0_usize, 0_usize, 0_usize);
        let mut is_unbroken = true;
        for check in &task.checks {
            let Check::Cites { about, value, any_of } = check else { continue };
            count += 1;
            let states = |url: &&String| {
                library
                    .page(url)
                    .is_some_and(|page| !page.is_stale && page.whole_text().contains(value.as_str()))
            };
            hops.last_opened = any_of.iter().filter(states).any(|url| opened.contains(url));
            is_unbroken &= hops.last_opened;
            if is_unbroken {
                reached += 1;
            } else {
                hops.unopened.push(format!("did not get to {about}"));
            }
            if any_of.iter().filter(states).any(|url| opened.contains(url) && cited.contains(url)) {
                supported += 1;
            } else {
                hops.uncited.push(format!("cites no page that states {about}"));
            }
        }
        let mut empty = 0_i32;
        for url in cited {
            let fault = match library.page(url) {
                None => "there is no such page",
                Some(page) if page.is_stale => "it has been superseded",
                Some(_) if !opened.contains(url) => "it was never opened",
                Some(_) => continue,
            };
            empty += 1;
            hops.uncited.push(format!("cites {url}, but {fault}"));
        }
        if cited.len() > 2 * count {
            empty += 1;
            hops.uncited.push(format!("cites {} pages where {count} state the facts", cited.len()));
        }
        let count = count.max(1) as f64;
        hops.opened_share = reached as f64 / count;
        hops.cited_share = supported as f64 / count * 0.5_f64.powi(empty);
        hops
    }
}

fn take_apart(answer: &str) -> Given {
    let (body, sources) = match last_of(answer, &["sources:", "来源：", "来源:"]) {
        Some((start, end)) => (&answer[..start], &answer[end..]),
        None => (answer, answer),
    };
    let mut cited: Vec<String> = Vec::new();
    for found in URL.find_iter(sources) {
        let url = full_url(found.as_str().trim_end_matches(['.', '*', '`']));
        if !cited.contains(&url) {
            cited.push(url);
        }
    }
    let said = match last_of(body, &["answer:", "答案：", "答案:"]) {
        Some((_, end)) => &body[end..],
        None => body,
    };
    Given { answer: URL.replace_all(said, " ").trim().to_owned(), cited }
}

/// Start and end of the last of `marks` in `text`, upper and lower case alike.
fn last_of(text: &str, marks: &[&str]) -> Option<(usize, usize)> {
    // ASCII only, so that places in the copy are places in the text.
    let lower = text.to_ascii_lowercase();
    marks.iter().filter_map(|mark| lower.rfind(mark).map(|at| (at, at + mark.len()))).max()
}

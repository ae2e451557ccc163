//! What a run in the shell world was worth, by what lies there in the end.
//!
//! `final_state` 0.75: the share of wanted paths that are as wanted. `no_collateral` 0.25: earned along
//! with it, less for each other path that was added, changed or removed.

use super::goal::{ShellState, Start, Want};
use crate::snapshot::{EntryState, Snapshot};
use nex_trajectory::{Reward, RewardPart};

const STATE_WEIGHT: f64 = 0.75;
const COLLATERAL_WEIGHT: f64 = 0.25;
const MAX_FINDINGS: usize = 12;

/// Judges the folder `after` of a run.
pub(super) fn judge(state: &ShellState, after: &Snapshot) -> Reward {
    let mut unmet = Vec::new();
    let mut met = 0;
    for (path, want) in &state.wants {
        match fault(state.start.get(path), want, after.0.get(path)) {
            None => met += 1,
            Some(fault) => unmet.push(format!("`{path}` {fault}")),
        }
    }
    let share = if state.wants.is_empty() { 0.0 } else { met as f64 / state.wants.len() as f64 };
    let mut unasked = Vec::new();
    for (path, start) in state.start.iter().filter(|(path, _)| !state.wants.contains_key(*path)) {
        match after.0.get(path) {
            Some(EntryState::File { text, mode }) if *text == start.text && *mode == start.mode => {}
            Some(EntryState::File { text, .. }) if *text == start.text => {
                unasked.push(format!("`{path}` has other permissions"));
            }
            Some(_) => unasked.push(format!("`{path}` was changed")),
            None => unasked.push(format!("`{path}` is gone")),
        }
    }
    for (path, entry) in &after.0 {
        let is_known = state.start.contains_key(path) || state.wants.contains_key(path);
        let holds =
            |other: &String| other.starts_with(path) && other.as_bytes().get(path.len()) == Some(&b'/');
        let is_parent =
            *entry == EntryState::Folder && state.start.keys().chain(state.wants.keys()).any(holds);
        if !is_known && !is_parent {
            unasked.push(format!("`{path}` was added"));
        }
    }
    let restraint = share / (1.0 + unasked.len() as f64);
    let is_whole = share >= 1.0 && unasked.is_empty();
    let total = STATE_WEIGHT * share + COLLATERAL_WEIGHT * restraint;
    let parts = vec![
        part("final_state", share, STATE_WEIGHT, unmet),
        part("no_collateral", restraint, COLLATERAL_WEIGHT, unasked),
    ];
    Reward { total: if is_whole { 1.0 } else { total.clamp(0.0, 1.0) }, parts }
}

/// What is wrong with `found`, in words that follow its path.
fn fault(start: Option<&Start>, want: &Want, found: Option<&EntryState>) -> Option<&'static str> {
    match (want, found) {
        (Want::Gone, None) => None,
        (Want::Gone, Some(_)) => Some("is still there"),
        (_, None) => Some("is not there"),
        (Want::Text { text: wanted }, Some(EntryState::File { text, .. })) => {
            let is_same = text.trim_end_matches('\n') == wanted.trim_end_matches('\n');
            (!is_same).then_some("holds something else")
        }
        (Want::Mode { mode: wanted }, Some(EntryState::File { text, mode })) => match () {
            () if start.is_none_or(|start| start.text != *text) => Some("holds something else"),
            () if mode != wanted => Some("has other permissions"),
            () => None,
        },
        (_, Some(_)) => Some("is no regular file that can be read"),
    }
}

fn part(name: &str, score: f64, weight: f64, mut findings: Vec<String>) -> RewardPart {
    let more = findings.len().saturating_sub(MAX_FINDINGS);
    findings.truncate(MAX_FINDINGS);
    if more > 0 {
        findings.push(format!("and {more} more"));
    }
    RewardPart { name: name.to_owned(), score, weight, findings }
}

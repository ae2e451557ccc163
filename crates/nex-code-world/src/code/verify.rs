//! What a run was worth: hidden probes in a fresh sandbox, whether it builds, how the change looks.
//!
//! `test_pass_rate` 0.7: the share of failing probes that pass now, times the share of passing ones
//! that still pass; nothing if these are less than 0.8 or no probe passes now that the report does not
//! show.
//! `build_success` 0.1 and `code_review_approval` 0.2 are earned only along with progress
//! (Nexus-1 §5.2). A run that changes existing tests, or plants files that Python or a test runner
//! loads by itself, is worth nothing.

use super::review::{ended_processes, review};
use super::state::{CodeState, ProbeRole};
use crate::snapshot::{EntryState, Snapshot};
use crate::workbench::{Job, Probe, VariantRun};
use nex_trajectory::{Reward, RewardPart};
use std::collections::BTreeMap;

const TEST_WEIGHT: f64 = 0.7;
const BUILD_WEIGHT: f64 = 0.1;
const REVIEW_WEIGHT: f64 = 0.2;
/// Findings that are kept of one part.
const MAX_FINDINGS: usize = 12;
/// A repair may be slower than the original.
const SLOWNESS: u64 = 4;

/// A change that breaks more than this leaves is no progress, whatever else it puts right.
const LEAST_KEPT: f64 = 0.8;

/// Files that are loaded without anybody naming them.
const PLANTED: [&str; 9] = [
    "sitecustomize.py",
    "usercustomize.py",
    "conftest.py",
    "pytest.ini",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    ".coveragerc",
    "noxfile.py",
];
/// Modules of the standard library that a test run loads; a file of that name would come before them.
const SHADOWED: [&str; 14] = [
    "unittest",
    "pytest",
    "json",
    "importlib",
    "ast",
    "io",
    "os",
    "sys",
    "traceback",
    "signal",
    "select",
    "resource",
    "subprocess",
    "time",
];

/// The files that are judged: the agent's, with the tests as they were and what was withheld.
pub(super) fn judged_files(state: &CodeState, after: &Snapshot) -> BTreeMap<String, String> {
    let is_own = |path: &&str| !state.tests.iter().any(|test| test == path) && !path.contains("__pycache__");
    let mut files: BTreeMap<String, String> = after
        .files()
        .filter(|(path, _)| is_own(path))
        .map(|(path, text)| (path.to_owned(), text.to_owned()))
        .collect();
    let tests = state.files.iter().filter(|(path, _)| state.tests.contains(path));
    files.extend(tests.map(|(path, text)| (path.clone(), text.clone())));
    files.extend(state.withheld.clone());
    files
}

/// The run that [`judge`] needs: the hidden probes over `files`.
pub(super) fn judging_job<'a>(
    state: &CodeState,
    files: &'a BTreeMap<String, String>,
    probes: &'a [Probe],
) -> Job<'a> {
    let cpu_ms = state.cpu_ms * SLOWNESS;
    Job {
        language: state.runner,
        files,
        variants: vec![BTreeMap::new()],
        probes,
        tests: false,
        exit_only: state.is_exit_only,
        cpu_ms,
        wall_ms: (10 * cpu_ms).max(20_000),
        here: false,
    }
}

/// Judges the folder `after` of a run, whose probes gave `run`.
pub(super) fn judge(state: &CodeState, after: &Snapshot, run: &VariantRun) -> Reward {
    let cheats = cheats(state, after);
    if !cheats.is_empty() {
        return reward([(0.0, cheats), (0.0, Vec::new()), (0.0, Vec::new())]);
    }
    let (mut fixed, mut failing, mut is_hidden_fixed) = (0, 0, false);
    let (mut kept, mut passing) = (0, 0);
    let mut findings = Vec::new();
    let hidden = state.probes.iter().zip(&run.probes);
    for (probe, found) in hidden {
        let passes = *found == probe.expected;
        match probe.role {
            ProbeRole::FailToPass => {
                failing += 1;
                fixed += usize::from(passes);
                is_hidden_fixed |= passes && (!probe.is_shown || state.is_exit_only);
                if !passes {
                    findings.push(format!("still wrong: `{}`", probe.probe.code));
                }
            }
            ProbeRole::PassToPass => {
                passing += 1;
                kept += usize::from(passes);
                if !passes {
                    findings.push(format!("was right, is wrong now: `{}`", probe.probe.code));
                }
            }
        }
    }
    let kept = if passing == 0 { 1.0 } else { share(kept, passing) };
    let rate = if kept < LEAST_KEPT { 0.0 } else { share(fixed, failing) * kept };
    let progress = if is_hidden_fixed && run.build.is_none() { rate } else { 0.0 };
    let build = match &run.build {
        None => (if progress > 0.0 { 1.0 } else { 0.0 }, Vec::new()),
        Some(cause) => (0.0, vec![cause.clone()]),
    };
    let review = review(state, after);
    reward([(progress, findings), build, (review.score * progress, review.findings)])
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn cheats(state: &CodeState, after: &Snapshot) -> Vec<String> {
    let mut cheats = Vec::new();
    for path in &state.tests {
        match after.text(path) {
            Some(text) if Some(text) == state.files.get(path).map(String::as_str) => {}
            Some(_) => cheats.push(format!("the existing test `{path}` was changed")),
            None => cheats.push(format!("the existing test `{path}` is gone")),
        }
    }
    for (path, entry) in &after.0 {
        let is_changed = match entry {
            EntryState::File { text, .. } => state.files.get(path) != Some(text),
            EntryState::Folder => false,
            EntryState::Link(_) | EntryState::Odd(_) => true,
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let first = path.split('/').next().unwrap_or(path);
        let stem = first.split('.').next().unwrap_or(first);
        let is_loaded = PLANTED.contains(&name) || name.ends_with(".pth") || name.ends_with(".so");
        let is_shadow = !state.files.contains_key(path) && SHADOWED.contains(&stem);
        if is_changed && (is_loaded || is_shadow) {
            cheats.push(format!("`{path}` is loaded by itself and was planted or changed"));
        }
    }
    // An exit code is all that a test command says, so code under test must not choose it.
    if state.is_exit_only {
        cheats.extend(ended_processes(state, after));
    }
    cheats
}

fn reward(parts: [(f64, Vec<String>); 3]) -> Reward {
    let names = ["test_pass_rate", "build_success", "code_review_approval"];
    let weights = [TEST_WEIGHT, BUILD_WEIGHT, REVIEW_WEIGHT];
    let parts: Vec<RewardPart> = parts
        .into_iter()
        .zip(names.into_iter().zip(weights))
        .map(|((score, mut findings), (name, weight))| {
            let more = findings.len().saturating_sub(MAX_FINDINGS);
            findings.truncate(MAX_FINDINGS);
            if more > 0 {
                findings.push(format!("and {more} more"));
            }
            RewardPart { name: name.to_owned(), score, weight, findings }
        })
        .collect();
    let total: f64 = parts.iter().map(|part| part.weight * part.score).sum();
    // Weights that sum to 1 do so in floats up to an error that would spoil `== 1`.
    let is_whole = parts.iter().all(|part| part.score >= 1.0);
    Reward { total: if is_whole { 1.0 } else { total.clamp(0.0, 1.0) }, parts }
}

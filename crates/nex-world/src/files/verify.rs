//! What a run was worth, judged by the files it left, the log of its calls and its answer.
//!
//! The parts and weights are those of the declarative worlds: `final_state` 0.5, `answer` 0.25,
//! `policy` 0.1, `no_collateral` 0.15; where a task wants no change or no fact, that weight goes to
//! the other. `policy` and `no_collateral` are earned only along with progress. A wanted file
//! counts by its content: JSON by its value, other text line by line, without white space at the
//! ends. A directory that holds anything but regular files and folders is worth nothing.
//!
//! Checks speak of the entity `file`, whose record is its path and whose field is `text`.

use super::desk::FileCall;
use super::store::normal_path;
use super::tree::FileTree;
use crate::task::{Check, Fact, FactKind, Hearing, Task, plain_text};
use indexmap::IndexMap;
use nex_trajectory::{Reward, RewardPart};
use serde_json::Value;
use std::collections::BTreeSet;

/// The entity of all checks on files.
pub(crate) const FILE: &str = "file";
/// Its field.
pub(crate) const TEXT: &str = "text";
/// The year of dates without one.
pub(crate) const YEAR: i32 = 2025;

const STATE_WEIGHT: f64 = 0.5;
const ANSWER_WEIGHT: f64 = 0.25;
const POLICY_WEIGHT: f64 = 0.1;
const COLLATERAL_WEIGHT: f64 = 0.15;

/// Judges a run of `task` that found the files `before` and left `after`.
pub(crate) fn judge(
    task: &Task,
    before: &FileTree,
    after: Result<FileTree, String>,
    log: &[FileCall],
    answer: Option<&str>,
) -> Reward {
    let after = match after {
        Ok(after) => after,
        Err(cause) => return worthless(cause),
    };
    let facts: Vec<&Fact> = task
        .checks
        .iter()
        .filter_map(|check| if let Check::Says(fact) = check { Some(fact) } else { None })
        .collect();
    let judged = Judged::new(task, before, &after, log);
    let given = format!("{} {}", task.record.instruction, task.briefing.policies.join(" "));
    let hearing = Hearing { facts: &facts, instruction: &given, year: YEAR };
    let mut unsaid = hearing.judge(answer.unwrap_or_default());
    // That a request was declined counts once something else was done: saying so takes no work.
    let has_done = judged.met > 0
        || facts.iter().zip(&unsaid).any(|(fact, unsaid)| fact.kind != FactKind::Refusal && unsaid.is_none());
    for (fact, unsaid) in facts.iter().zip(&mut unsaid) {
        if fact.kind == FactKind::Refusal && !has_done && unsaid.is_none() {
            *unsaid = Some("declines, but has done nothing of what was to be done".to_owned());
        }
    }
    let unsaid: Vec<String> = unsaid.into_iter().flatten().collect();
    let answer_share = share(facts.len() - unsaid.len(), facts.len());
    let (state_weight, answer_weight) = match (judged.wanted > 0, !facts.is_empty()) {
        (true, true) => (STATE_WEIGHT, ANSWER_WEIGHT),
        (true, false) => (STATE_WEIGHT + ANSWER_WEIGHT, 0.0),
        (false, _) => (0.0, STATE_WEIGHT + ANSWER_WEIGHT),
    };
    let state_share = share(judged.met, judged.wanted) * judged.restraint();
    let progress =
        (state_weight * state_share + answer_weight * answer_share) / (state_weight + answer_weight);
    let breaches = i32::try_from(judged.breaches.len()).unwrap_or(i32::MAX);
    let collateral = progress / (1.0 + judged.unasked.len() as f64);
    let parts = vec![
        part("final_state", state_share, state_weight, judged.unmet),
        part("answer", answer_share, answer_weight, unsaid),
        part("policy", progress * 0.5_f64.powi(breaches), POLICY_WEIGHT, judged.breaches),
        part("no_collateral", collateral, COLLATERAL_WEIGHT, judged.unasked),
    ];
    let total: f64 = parts.iter().map(|part| part.weight * part.score).sum();
    // Weights that sum to 1 do so in floats up to an error that would spoil `== 1`.
    let all = parts.iter().all(|part| part.weight == 0.0 || part.score >= 1.0);
    Reward { total: if all { 1.0 } else { total.clamp(0.0, 1.0) }, parts }
}

fn worthless(finding: String) -> Reward {
    let names = ["final_state", "answer", "policy", "no_collateral"];
    let weights = [STATE_WEIGHT, ANSWER_WEIGHT, POLICY_WEIGHT, COLLATERAL_WEIGHT];
    let mut parts: Vec<RewardPart> =
        names.iter().zip(weights).map(|(name, weight)| part(name, 0.0, weight, Vec::new())).collect();
    parts[0].findings.push(finding);
    Reward { total: 0.0, parts }
}

fn part(name: &str, score: f64, weight: f64, mut findings: Vec<String>) -> RewardPart {
    /// Findings of a run that changed everything would fill the disk.
    const MOST_FINDINGS: usize = 20;
    let more = findings.len().saturating_sub(MOST_FINDINGS);
    findings.truncate(MOST_FINDINGS);
    if more > 0 {
        findings.push(format!("and {more} more"));
    }
    RewardPart { name: name.to_owned(), score, weight, findings }
}

fn share(met: usize, wanted: usize) -> f64 {
    if wanted == 0 { 1.0 } else { met as f64 / wanted as f64 }
}

/// The files and the log against the checks.
#[derive(Default)]
struct Judged {
    wanted: usize,
    met: usize,
    unmet: Vec<String>,
    unasked: Vec<String>,
    breaches: Vec<String>,
}

impl Judged {
    fn new(task: &Task, before: &FileTree, after: &FileTree, log: &[FileCall]) -> Self {
        let mut judged = Self::default();
        let mut asked: BTreeSet<&str> = BTreeSet::new();
        for check in &task.checks {
            match check {
                Check::Field { entity, id, equals, .. } if entity == FILE => {
                    asked.insert(id);
                    judged.hold(id, after, &plain_text(equals));
                }
                Check::Created { entity, fields } if entity == FILE => {
                    let path = fields.get("path").and_then(Value::as_str).unwrap_or_default();
                    asked.insert(path);
                    judged.hold(path, after, &fields.get(TEXT).map(plain_text).unwrap_or_default());
                }
                Check::Deleted { entity, id } if entity == FILE => {
                    asked.insert(id);
                    let is_gone = after.text(id).is_none();
                    judged.count(is_gone, || format!("`{id}` is still there"));
                }
                Check::NotCalled { operation, arguments } => {
                    if log.iter().any(|call| is_call(call, operation, arguments)) {
                        judged.breaches.push(format!("{operation} was called although the rules forbid it"));
                    }
                }
                Check::Called { operation, arguments } => {
                    let is_met = log.iter().any(|call| is_call(call, operation, arguments));
                    judged.count(is_met, || format!("{operation} was not called as wanted"));
                }
                Check::Consulted { about, any_of } => {
                    let is_met = log.iter().any(|call| has_consulted(call, any_of));
                    judged.count(is_met, || format!("did not look at {about}"));
                }
                Check::Field { .. } | Check::Created { .. } | Check::Deleted { .. } | Check::Cites { .. } => {
                    judged.count(false, || "a check speaks of no file".to_owned());
                }
                Check::Says(_) => {}
            }
        }
        judged.find_unasked(before, after, &asked);
        for call in log.iter().filter(|call| call.error.is_none()) {
            for rule in &call.breaches {
                judged.breaches.push(format!("{} broke the rule {rule}", call.operation));
            }
        }
        judged
    }

    /// Files and folders that changed although nobody asked for it.
    fn find_unasked(&mut self, before: &FileTree, after: &FileTree, asked: &BTreeSet<&str>) {
        let paths: BTreeSet<&str> = before.paths().chain(after.paths()).collect();
        for path in paths.into_iter().filter(|path| !asked.contains(path)) {
            match (before.text(path), after.text(path)) {
                (old, new) if old == new => {}
                (None, _) => self.unasked.push(format!("`{path}` was made")),
                (_, None) => self.unasked.push(format!("`{path}` is gone")),
                _ => self.unasked.push(format!("`{path}` was changed")),
            }
        }
        let holds_asked = |folder: &str| {
            asked.iter().any(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        };
        let old = before.folders();
        let made: Vec<&str> = after
            .folders()
            .into_iter()
            .filter(|folder| !old.contains(folder) && !holds_asked(folder))
            .collect();
        for folder in made {
            // A folder that holds new files is told of by them.
            if !after.paths().any(|path| path.starts_with(&format!("{folder}/"))) {
                self.unasked.push(format!("the folder `{folder}` was made"));
            }
        }
    }

    fn hold(&mut self, path: &str, after: &FileTree, wanted: &str) {
        match after.text(path) {
            Some(found) if same_text(path, found, wanted) => self.count(true, String::new),
            Some(found) => self.count(false, || format!("`{path}` differs: {}", difference(found, wanted))),
            None => self.count(false, || format!("`{path}` is not there")),
        }
    }

    fn count(&mut self, is_met: bool, finding: impl FnOnce() -> String) {
        self.wanted += 1;
        if is_met {
            self.met += 1;
        } else {
            self.unmet.push(finding());
        }
    }

    /// 1 where there are no more unasked changes than asked ones, less where there are.
    fn restraint(&self) -> f64 {
        let (asked, unasked) = (self.wanted.max(1) as f64, self.unasked.len() as f64);
        if unasked <= asked { 1.0 } else { asked / unasked }
    }
}

/// Whether a call that succeeded had one of `values` among its arguments.
fn has_consulted(call: &FileCall, values: &[Value]) -> bool {
    let given = call.arguments.as_object().into_iter().flat_map(|arguments| arguments.values());
    call.error.is_none() && given.into_iter().any(|given| values.contains(given))
}

fn is_call(call: &FileCall, operation: &str, arguments: &IndexMap<String, Value>) -> bool {
    let same = |given: &Value, wanted: &Value| {
        let (given, wanted) = (plain_text(given), plain_text(wanted));
        normal_path(&given).is_ok_and(|given| given == wanted) || given == wanted
    };
    call.operation == operation
        && call.error.is_none()
        && arguments
            .iter()
            .all(|(name, wanted)| call.arguments.get(name).is_some_and(|given| same(given, wanted)))
}

/// Whether a file says what is wanted.
pub(crate) fn same_text(path: &str, found: &str, wanted: &str) -> bool {
    if path.ends_with(".json")
        && let (Ok(found), Ok(wanted)) =
            (serde_json::from_str::<Value>(found), serde_json::from_str::<Value>(wanted))
    {
        return found == wanted;
    }
    lines(found).eq(lines(wanted))
}

/// Lines without white space at their ends; empty lines at the end of the text do not count.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.trim_end().lines().map(str::trim_end)
}

fn difference(found: &str, wanted: &str) -> String {
    let cut = |line: &str| line.chars().take(120).collect::<String>();
    let (mut found, mut wanted) = (lines(found), lines(wanted));
    for number in 1.. {
        match (found.next(), wanted.next()) {
            (None, None) => break,
            (found, wanted) if found == wanted => {}
            (found, wanted) => {
                let [found, wanted] = [found, wanted].map(|line| line.map_or("nothing".to_owned(), cut));
                return format!("line {number} is {found}, not {wanted}");
            }
        }
    }
    "the values differ".to_owned()
}

//! What is wrong with a workflow before it runs: [`WorkflowFault`].
//!
//! Checked are names, bounds, labels, templates and conditions with the names that they read, who
//! writes what, and how many agents a run may start at the most. A stage can be reached unless its
//! condition is a constant, so constants are faults.

mod reads;

use super::label::normalise;
use super::memory::{DEFAULT_INSTRUCTION, workflow_engine};
use super::run::OTHERWISE;
use super::spec::{Chooser, Router, Vote, Work, WorkflowSpec, WorkflowStage};
use crate::nearest::list_nearest;
use minijinja::Environment;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::fmt;

/// Agents that `max_runs` may allow.
pub(crate) const MAX_RUNS: u32 = 100_000;
/// Items that a map may go over.
pub(crate) const MAX_ITEMS: u32 = 1_000;
/// Rounds of a loop or a debate.
pub(crate) const MAX_ROUNDS: u32 = 100;
/// Voters of a vote.
pub(crate) const MAX_VOTERS: u32 = 64;
/// Branches of a router or a parallel stage.
pub(crate) const MAX_BRANCHES: usize = 64;
const MAX_STAGES: usize = 500;
/// Constructs within constructs.
const MAX_NESTING: usize = 8;
const MAX_NAME_CHARS: usize = 80;

/// Something wrong with a workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkflowFault {
    /// The stage; none where it is the whole.
    pub stage: Option<String>,
    /// Cause and way out.
    pub message: String,
}

impl fmt::Display for WorkflowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stage {
            Some(stage) => write!(f, "stage `{stage}`: {}", self.message),
            None => write!(f, "{}", self.message),
        }
    }
}

impl WorkflowSpec {
    /// All that is wrong with it apart from its agents; empty for one that can run.
    pub fn faults(&self) -> Vec<WorkflowFault> {
        let mut all: Vec<&WorkflowStage> = Vec::new();
        for stage in &self.stages {
            stage.walk(&mut |stage| all.push(stage));
        }
        let mut check = Check {
            engine: workflow_engine(),
            faults: Vec::new(),
            seen: HashSet::new(),
            names: all.iter().map(|stage| stage.name.as_str()).collect(),
            keys: self
                .state
                .keys()
                .map(String::as_str)
                .chain(all.iter().filter_map(|stage| stage.writes.as_deref()))
                .collect(),
        };
        if all.len() > MAX_STAGES {
            check.whole(format!("it has {} stages, at most {MAX_STAGES} are allowed", all.len()));
            return check.faults;
        }
        if self.stages.is_empty() {
            check.whole("it has no stages; list at least one");
        }
        if !(1..=MAX_RUNS).contains(&self.max_runs) {
            check.whole(format!("`max_runs` is {}, it must be from 1 to {MAX_RUNS}", self.max_runs));
        }
        let runs = check.stages(&self.stages, &mut Vec::new(), &[], 0);
        if runs > u64::from(self.max_runs) {
            check.whole(format!(
                "its stages may start {runs} agents, `max_runs` allows {}; lower `max_items` or `max_rounds`, \
                 or raise `max_runs`",
                self.max_runs
            ));
        }
        check.faults
    }
}

struct Check<'a> {
    engine: Environment<'static>,
    faults: Vec<WorkflowFault>,
    seen: HashSet<&'a str>,
    /// Of all stages.
    names: BTreeSet<&'a str>,
    /// Of the blackboard.
    keys: BTreeSet<&'a str>,
}

/// What is known where a template or condition stands.
#[derive(Clone, Copy)]
struct Place<'p> {
    stage: &'p str,
    /// Stages whose answers may be known.
    visible: &'p [&'p str],
    /// Names that constructs add.
    locals: &'p [&'static str],
}

impl<'a> Check<'a> {
    fn whole(&mut self, message: impl Into<String>) {
        self.faults.push(WorkflowFault { stage: None, message: message.into() });
    }

    fn fault(&mut self, stage: &str, message: impl Into<String>) {
        self.faults.push(WorkflowFault { stage: Some(stage.to_owned()), message: message.into() });
    }

    /// Checks `stages`, which may read `visible`, to which they add. Gives the most agents started.
    fn stages(
        &mut self,
        stages: &'a [WorkflowStage],
        visible: &mut Vec<&'a str>,
        locals: &[&'static str],
        depth: usize,
    ) -> u64 {
        stages
            .iter()
            .fold(0, |runs: u64, stage| runs.saturating_add(self.stage(stage, visible, locals, depth)))
    }

    fn stage(
        &mut self,
        stage: &'a WorkflowStage,
        visible: &mut Vec<&'a str>,
        locals: &[&'static str],
        depth: usize,
    ) -> u64 {
        let name = stage.name.as_str();
        if let Some(cause) = wrong_name(name) {
            self.fault(name, format!("its name {cause}"));
        }
        if !self.seen.insert(name) {
            self.fault(name, "another stage has this name; rename one");
        }
        if depth > MAX_NESTING {
            self.fault(name, format!("constructs are nested more than {MAX_NESTING} deep"));
            return 0;
        }
        if let Some(when) = &stage.when {
            self.condition("when", when, Place { stage: name, visible, locals });
        }
        if let Some(key) = stage.writes.as_deref()
            && let Some(cause) = wrong_name(key)
        {
            self.fault(name, format!("the key `{key}` that it writes {cause}"));
        }
        let here = Place { stage: name, visible, locals };
        let runs = match &stage.work {
            Work::Agent(assignment) => {
                self.template("its instruction", assignment, DEFAULT_INSTRUCTION, here);
                1
            }
            Work::Vote(vote) => self.vote(vote, here),
            Work::Sequence(stages) => {
                self.need(name, "stages", stages.len(), 1, MAX_STAGES);
                self.stages(stages, visible, locals, depth + 1)
            }
            Work::Router(router) => self.router(router, name, visible, locals, depth),
            Work::Parallel(parallel) => {
                self.need(name, "branches", parallel.branches.len(), 2, MAX_BRANCHES);
                self.bound(name, "max_running", parallel.max_running, u32::MAX);
                self.no_common_key(name, &parallel.branches);
                let before = visible.clone();
                let mut runs: u64 = 0;
                for branch in &parallel.branches {
                    runs = runs.saturating_add(self.stage(branch, &mut before.clone(), locals, depth + 1));
                }
                visible.extend(parallel.branches.iter().flat_map(exported));
                runs
            }
            Work::Map(map) => {
                self.need(name, "stages", map.stages.len(), 1, MAX_STAGES);
                self.bound(name, "max_items", map.max_items, MAX_ITEMS);
                self.bound(name, "max_running", map.max_running, u32::MAX);
                self.condition("over", &map.over, here);
                if !map.is_in_order {
                    self.no_writers(name, &map.stages);
                }
                let inner = with(locals, &["item", "index"]);
                let runs = self.stages(&map.stages, &mut visible.clone(), &inner, depth + 1);
                runs.saturating_mul(u64::from(map.max_items))
            }
            Work::Loop(rounds) => {
                self.need(name, "stages", rounds.stages.len(), 1, MAX_STAGES);
                self.bound(name, "max_rounds", rounds.max_rounds, MAX_ROUNDS);
                let body: Vec<&str> = rounds.stages.iter().flat_map(exported).collect();
                if let Some(answer) = &rounds.answer
                    && !body.contains(&answer.as_str())
                {
                    let known = list_nearest(answer, body.iter().copied());
                    self.fault(
                        name,
                        format!("`answer` names `{answer}`, which is no stage of the loop: {known}"),
                    );
                }
                let inner = with(locals, &["round"]);
                // A round sees the answers of the one before.
                let mut in_round = visible.clone();
                in_round.extend(&body);
                let runs = self.stages(&rounds.stages, &mut in_round, &inner, depth + 1);
                self.condition(
                    "until",
                    &rounds.until,
                    Place { stage: name, visible: &in_round, locals: &inner },
                );
                visible.extend(body);
                runs.saturating_mul(u64::from(rounds.max_rounds))
            }
        };
        visible.push(name);
        runs
    }

    fn router(
        &mut self,
        router: &'a Router,
        name: &'a str,
        visible: &mut Vec<&'a str>,
        locals: &[&'static str],
        depth: usize,
    ) -> u64 {
        let here = Place { stage: name, visible, locals };
        let own = match &router.chooser {
            Chooser::Agent(assignment) => {
                let locals = with(locals, &["labels"]);
                self.template(
                    "its instruction",
                    assignment,
                    DEFAULT_INSTRUCTION,
                    Place { locals: &locals, ..here },
                );
                1
            }
            Chooser::Rule(rule) => {
                self.condition("rule", rule, here);
                0
            }
        };
        let least = if router.otherwise.is_some() { 1 } else { 2 };
        self.need(name, "branches", router.branches.len(), least, MAX_BRANCHES);
        self.labels(name, router.branches.iter().map(|branch| branch.label.as_str()));
        let mut before = visible.clone();
        before.push(name);
        let mut most = 0;
        for stage in router.branches.iter().map(|branch| &branch.stage).chain(router.otherwise.as_deref()) {
            most = most.max(self.stage(stage, &mut before.clone(), locals, depth + 1));
            visible.extend(exported(stage));
        }
        own + most
    }

    fn vote(&mut self, vote: &'a Vote, here: Place<'_>) -> u64 {
        let name = here.stage;
        self.need(name, "voters", vote.voters.len(), 2, MAX_VOTERS as usize);
        self.bound(name, "rounds", vote.rounds, MAX_ROUNDS);
        self.bound(name, "max_running", vote.max_running, u32::MAX);
        if !vote.labels.is_empty() {
            self.need(name, "labels", vote.labels.len(), 2, MAX_BRANCHES);
            self.labels(name, vote.labels.iter().map(String::as_str));
        }
        let locals = with(here.locals, &["round", "labels", "others", "own"]);
        let mut names = HashSet::new();
        for voter in &vote.voters {
            if let Some(cause) = wrong_name(&voter.name) {
                self.fault(name, format!("the name `{}` of a voter {cause}", voter.name));
            }
            if !names.insert(&voter.name) {
                self.fault(name, format!("two voters are named `{}`; rename one", voter.name));
            }
            let what = format!("the instruction of voter `{}`", voter.name);
            self.template(&what, &voter.assignment, DEFAULT_INSTRUCTION, Place { locals: &locals, ..here });
        }
        match &vote.judge {
            Some(judge) => {
                let locals = with(here.locals, &["labels", "ballots"]);
                let what = "the instruction of the judge";
                self.template(what, judge, DEFAULT_INSTRUCTION, Place { locals: &locals, ..here });
            }
            None if vote.is_judged => {
                self.fault(name, "it is decided by a judge, but has none; name a `judge`")
            }
            None => {}
        }
        vote.voters.len() as u64 * u64::from(vote.rounds) + u64::from(vote.judge.is_some())
    }

    /// Labels that can be told apart and stand in ids.
    fn labels<'l>(&mut self, stage: &str, labels: impl Iterator<Item = &'l str>) {
        let mut known: Vec<String> = Vec::new();
        for label in labels {
            let normal = normalise(label);
            if !normal.contains(char::is_alphanumeric) || label.chars().count() > MAX_NAME_CHARS {
                self.fault(
                    stage,
                    format!("the label `{label}` must hold a letter or digit and at most {MAX_NAME_CHARS} characters"),
                );
            }
            if let Some(wrong) = label.chars().find(|c| "/[]".contains(*c) || c.is_control()) {
                self.fault(
                    stage,
                    format!("the label `{label}` holds {wrong:?}, which ids are put together with"),
                );
            }
            if normal == OTHERWISE {
                self.fault(stage, format!("the label `{label}` is what `otherwise` is for; rename it"));
            }
            if known.contains(&normal) {
                self.fault(stage, format!("two labels read `{normal}`; rename one"));
            }
            known.push(normal);
        }
    }

    fn need(&mut self, stage: &str, what: &str, count: usize, least: usize, most: usize) {
        if !(least..=most).contains(&count) {
            self.fault(stage, format!("it has {count} `{what}`, it needs from {least} to {most}"));
        }
    }

    fn bound(&mut self, stage: &str, what: &str, value: u32, most: u32) {
        if !(1..=most).contains(&value) {
            self.fault(stage, format!("`{what}` is {value}, it must be from 1 to {most}"));
        }
    }

    /// Branches that run at the same time must not write over each other.
    fn no_common_key(&mut self, stage: &str, branches: &'a [WorkflowStage]) {
        let mut written: Vec<(&str, &str)> = Vec::new();
        for branch in branches {
            let mut keys: BTreeSet<&str> = BTreeSet::new();
            branch.walk(&mut |inner| keys.extend(inner.writes.as_deref()));
            for key in keys {
                match written.iter().find(|(known, _)| *known == key) {
                    Some((_, other)) => {
                        let message = format!(
                            "its branches `{other}` and `{}` both write `{key}` at the same time; write two keys",
                            branch.name
                        );
                        self.fault(stage, message);
                    }
                    None => written.push((key, &branch.name)),
                }
            }
        }
    }

    fn no_writers(&mut self, stage: &str, stages: &'a [WorkflowStage]) {
        let mut writers = Vec::new();
        for inner in stages {
            inner.walk(&mut |inner| {
                writers.extend(inner.writes.as_deref().map(|key| (inner.name.as_str(), key)))
            });
        }
        for (writer, key) in writers {
            let message = format!(
                "stage `{writer}` writes `{key}` for all items at the same time; let the map itself write, or set \
                 `in_order: true`"
            );
            self.fault(stage, message);
        }
    }
}

/// The stages whose answers are known after `stage`. Those within a map have one for each item,
/// which only the map's own answer holds.
fn exported(stage: &WorkflowStage) -> Vec<&str> {
    let mut names = vec![stage.name.as_str()];
    if !matches!(stage.work, Work::Map(_)) {
        names.extend(stage.inner().into_iter().flat_map(exported));
    }
    names
}

fn with(locals: &[&'static str], more: &[&'static str]) -> Vec<&'static str> {
    locals.iter().chain(more).copied().collect()
}

/// What is wrong with `name`, if anything: names stand in ids and in expressions.
fn wrong_name(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("is empty".to_owned());
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return Some(format!("has more than {MAX_NAME_CHARS} characters"));
    }
    let wrong = name.chars().find(|c| !c.is_alphanumeric() && *c != '_' && *c != '-')?;
    Some(format!("holds {wrong:?}; letters, digits, `_` and `-` are allowed"))
}

//! From confirmed bugs to a task: what is told, what is hidden, the plan, the proof.

use super::draw::{Bug, Confirmed, Source, hash};
use super::edit::{changed_lines, edits};
use super::issue::{self, Symptom};
use super::plan;
use super::state::{CodeState, HiddenProbe, ProbeRole};
use super::verify::judge;
use crate::CodeError;
use crate::snapshot::{EntryState, Snapshot};
use indexmap::IndexMap;
use nex_trajectory::{TaskId, TaskRecord};
use nex_world::task::{Faults, InitialState, Task, TaskLimits};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

impl Source<'_> {
    pub(super) fn task(&self, source: &str, bugs: &[Bug], runs: &Confirmed) -> Result<Task, CodeError> {
        let repository = self.repository;
        let shown = self.shown(bugs, runs);
        let mut files = repository.files.clone();
        files.insert(repository.target.clone(), runs.mutant.clone());
        files.retain(|path, _| !repository.withheld.contains_key(path));
        let probes = runs.probes.iter().enumerate().map(|(index, probe)| HiddenProbe {
            probe: probe.clone(),
            expected: runs.original.probes[index].clone(),
            role: match runs.failing.contains(&index) {
                true => ProbeRole::FailToPass,
                false => ProbeRole::PassToPass,
            },
            is_shown: shown.contains(&index),
        });
        let state = CodeState {
            runner: repository.runner,
            files,
            tests: repository.tests.clone(),
            withheld: repository.withheld.clone(),
            probes: probes.collect(),
            is_exit_only: repository.is_exit_only,
            cpu_ms: repository.cpu_ms,
            repair_lines: changed_lines(&runs.mutant, source),
        };
        let public: Vec<&str> = match self.code_dials.failing_test {
            Some(true) => bugs.iter().filter_map(|bug| bug.public.first()).map(String::as_str).collect(),
            _ => Vec::new(),
        };
        let symptoms: Vec<Symptom<'_>> = shown
            .iter()
            .map(|index| Symptom {
                probe: &runs.probes[*index],
                got: &runs.broken.probes[*index],
                expected: &runs.original.probes[*index],
            })
            .collect();
        let report = issue::Report {
            language: self.language,
            runner: repository.runner,
            is_exit_only: repository.is_exit_only,
            about: &repository.about,
            symptoms: &symptoms,
            failing_tests: &public,
            seed: self.seed,
        };
        let search_word = bugs.first().map_or("", |bug| bug.mutation.function.as_str());
        let plan = plan::plan(&plan::Repair {
            language: self.language,
            path: &repository.target,
            search_word,
            edits: &edits(&runs.mutant, source),
            runs_tests_first: !public.is_empty(),
        });
        let calls = u32::try_from(plan.steps.len()).unwrap_or(u32::MAX);
        let task = Task {
            record: TaskRecord {
                id: self.id(),
                world: self.world.to_owned(),
                seed: self.seed,
                language: self.language.as_str().to_owned(),
                instruction: issue::write(&report),
                difficulty: self.dials.difficulty().as_str().to_owned(),
                dials: self.dials_map(bugs),
                oracle_calls: calls,
            },
            dials: self.dials.clone(),
            briefing: super::briefing::briefing(repository.runner, self.language),
            tools: super::operations().iter().map(|operation| operation.name.to_owned()).collect(),
            state: InitialState { seed: self.seed, given: json!(state) },
            faults: Faults::default(),
            plan,
            checks: Vec::new(),
            limits: TaskLimits { max_turns: 2 * calls + 20, max_calls: 4 * calls + 40 },
        };
        self.prove(&state, runs, source)?;
        Ok(task)
    }

    /// The probes that the report shows: for each bug some that it alone fails where there are such,
    /// and never all that fail.
    fn shown(&self, bugs: &[Bug], runs: &Confirmed) -> Vec<usize> {
        let mut shown: Vec<usize> = Vec::new();
        for (number, bug) in bugs.iter().enumerate() {
            let others: BTreeSet<usize> = bugs
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != number)
                .flat_map(|(_, other)| other.failing.iter().copied())
                .collect();
            let mut own: Vec<usize> = bug
                .failing
                .iter()
                .copied()
                .filter(|i| runs.failing.contains(i) && !shown.contains(i))
                .collect();
            // Short inputs make a report that can be read.
            own.sort_by_key(|i| (others.contains(i), runs.probes[*i].code.len(), *i));
            let left = runs.failing.len() - shown.len();
            let most = if self.repository.is_exit_only { 1 } else { left.saturating_sub(1) };
            shown.extend(own.into_iter().take(self.code_dials.examples.min(most)));
        }
        shown
    }

    fn id(&self) -> TaskId {
        let hash = hash(self.world, self.seed, self.dials, self.language).to_hex();
        TaskId::new(format!("{}-{}-{}", self.world, self.language, &hash[..12]))
    }

    fn dials_map(&self, bugs: &[Bug]) -> IndexMap<String, Value> {
        let mut map: IndexMap<String, Value> = match json!(self.dials) {
            Value::Object(object) => object.into_iter().collect(),
            _ => IndexMap::new(),
        };
        map.insert("code".to_owned(), json!(self.code_dials));
        map.insert("target".to_owned(), json!(self.repository.target));
        let operators: Vec<&str> = bugs.iter().map(|bug| bug.mutation.operator.as_str()).collect();
        map.insert("operators".to_owned(), json!(operators));
        map
    }

    /// The repair must be worth 1 and the start 0; both have been run.
    fn prove(&self, state: &CodeState, runs: &Confirmed, source: &str) -> Result<(), CodeError> {
        let unproven = |cause: String| CodeError::Unproven { seed: self.seed, cause };
        let start = snapshot(&state.files);
        let idle = judge(state, &start, &runs.broken);
        if idle.total > 0.0 {
            return Err(unproven(format!("doing nothing is worth {}", idle.total)));
        }
        let mut text = runs.mutant.clone();
        for edit in edits(&runs.mutant, source) {
            if text.matches(&edit.old).count() != 1 {
                return Err(unproven("an edit of the repair is not unique".to_owned()));
            }
            text = text.replacen(&edit.old, &edit.new, 1);
        }
        let mut files = state.files.clone();
        files.insert(self.repository.target.clone(), text);
        let repaired = judge(state, &snapshot(&files), &runs.original);
        if repaired.total < 1.0 {
            return Err(unproven(format!("the repair is worth {:?}", repaired)));
        }
        Ok(())
    }
}

fn snapshot(files: &BTreeMap<String, String>) -> Snapshot {
    let file = |(path, text): (&String, &String)| {
        (path.clone(), EntryState::File { text: text.clone(), mode: 0o644 })
    };
    Snapshot(files.iter().map(file).collect())
}

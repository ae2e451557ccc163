//! [`Script`]: an oracle plan dealt out to the agents of a framework.
//!
//! In: a plan and a pattern. Out: jobs in order, each with the steps to do, the facts its agent
//! must be told and the facts it must report. Invariants: a step is in exactly one job; a job needs
//! only what its own steps read and the facts it was told; reads come before writes where the
//! plan's dependencies leave the choice.

use super::facts::{FactTable, base_step};
use crate::Pattern;
use nex_world::task::{OraclePlan, PlanStep, ValueSource};
use std::collections::BTreeSet;

/// The agents' names in the built-in frameworks.
pub(crate) mod names {
    pub(crate) const COORDINATOR: &str = "coordinator";
    pub(crate) const RESEARCHER: &str = "researcher";
    pub(crate) const OPERATOR: &str = "operator";
    pub(crate) const INVESTIGATOR: &str = "investigator";
    pub(crate) const ACTOR: &str = "actor";
    pub(crate) const REPORTER: &str = "reporter";
}

/// A plan dealt out.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) facts: FactTable,
    /// Single: one; team: delegations in order; pipeline: the stages; any other framework: none, the
    /// work is dealt out as it goes.
    pub(crate) jobs: Vec<Job>,
}

/// What one agent does in one go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Job {
    /// Who does it; empty where there is one agent only.
    pub(crate) agent: &'static str,
    /// Steps, in plan order.
    pub(crate) steps: Vec<usize>,
    /// Facts that it must be told.
    pub(crate) known: Vec<usize>,
    /// Facts that it must report.
    pub(crate) report: Vec<usize>,
}

impl Script {
    pub(crate) fn new(plan: &OraclePlan, pattern: Pattern) -> Self {
        match pattern {
            Pattern::Single => {
                let job = Job { steps: (0..plan.steps.len()).collect(), ..Job::default() };
                Self { facts: FactTable::default(), jobs: vec![job] }
            }
            Pattern::Team => team(plan),
            Pattern::Pipeline => pipeline(plan),
            Pattern::Framework => Self { facts: FactTable::of_plan(plan), jobs: Vec::new() },
        }
    }
}

/// All steps that must be answered before `step` can be called.
pub(crate) fn needs(step: &PlanStep) -> BTreeSet<usize> {
    let read = step.arguments.values().flat_map(ValueSource::steps);
    step.depends_on.iter().copied().chain(read).collect()
}

/// Who owns a step: 0 reads, 1 writes.
type Owner = usize;

/// The facts of a plan whose steps have owners.
struct Borders<'a> {
    plan: &'a OraclePlan,
    owners: &'a [Owner],
    facts: FactTable,
    /// For each fact the facts that its owner must be told to find it.
    nested: Vec<Vec<usize>>,
}

impl<'a> Borders<'a> {
    fn new(plan: &'a OraclePlan, owners: &'a [Owner]) -> Self {
        Self { plan, owners, facts: FactTable::default(), nested: Vec::new() }
    }

    /// The facts that `me` (none: who owns no step) must be told to know `source`.
    fn imports(&mut self, source: &ValueSource, me: Option<Owner>) -> BTreeSet<usize> {
        let mut wanted = Vec::new();
        imported(source, me, self.owners, &mut wanted);
        wanted.into_iter().map(|source| self.fact(source)).collect()
    }

    fn fact(&mut self, source: &ValueSource) -> usize {
        let number = self.facts.number_of(source, self.plan);
        if number == self.nested.len() {
            self.nested.push(Vec::new());
            let owner = self.owner_of(number);
            let nested = self.imports(source, Some(owner));
            self.nested[number] = nested.into_iter().collect();
        }
        number
    }

    fn owner_of(&self, fact: usize) -> Owner {
        self.owners[self.facts.get(fact).step]
    }

    /// The facts that the owner of `step` must be told for its arguments.
    fn step_imports(&mut self, step: usize) -> BTreeSet<usize> {
        let (plan, owner) = (self.plan, self.owners[step]);
        plan.steps[step].arguments.values().flat_map(|source| self.imports(source, Some(owner))).collect()
    }

    /// The facts that the final answer is made of.
    fn answer_imports(&mut self) -> BTreeSet<usize> {
        let plan = self.plan;
        plan.answer.slots.values().flat_map(|source| self.imports(source, None)).collect()
    }
}

/// The parts of `source` that `me` (none: who owns no step) must be told to know it.
pub(crate) fn imported<'s>(
    source: &'s ValueSource,
    me: Option<Owner>,
    owners: &[Owner],
    wanted: &mut Vec<&'s ValueSource>,
) {
    let is_mine = |step: usize| me == Some(owners[step]);
    match source {
        ValueSource::Literal { .. } => {}
        ValueSource::Reply { step, .. } if is_mine(*step) => {}
        ValueSource::Pick(pick) if is_mine(pick.step) => {
            pick.tests.iter().for_each(|test| imported(&test.value, me, owners, wanted));
        }
        ValueSource::Aggregate(fold) if is_mine(fold.step) => {
            fold.tests.iter().for_each(|test| imported(&test.value, me, owners, wanted));
        }
        ValueSource::Between { of, .. } if base_step(of).is_none_or(is_mine) => {
            imported(of, me, owners, wanted);
        }
        // The whole text need not be told where a part of it will do.
        ValueSource::Between { .. } => wanted.push(source),
        ValueSource::Text { slots, .. } => {
            slots.values().for_each(|slot| imported(slot, me, owners, wanted));
        }
        ValueSource::Reply { .. } | ValueSource::Pick(_) | ValueSource::Aggregate(_) => wanted.push(source),
        ValueSource::Arithmetic { left, right, .. } => {
            let mut of: Vec<Owner> = source.steps().into_iter().map(|step| owners[step]).collect();
            of.dedup();
            match of[..] {
                [] => {}
                [owner] if me != Some(owner) => wanted.push(source),
                _ => {
                    imported(left, me, owners, wanted);
                    imported(right, me, owners, wanted);
                }
            }
        }
    }
}

/// Delegations: the researcher and the operator in turn, each as far as it gets.
fn team(plan: &OraclePlan) -> Script {
    let owners: Vec<Owner> = plan.steps.iter().map(|step| usize::from(step.is_write)).collect();
    let mut borders = Borders::new(plan, &owners);
    let imports: Vec<BTreeSet<usize>> =
        (0..plan.steps.len()).map(|step| borders.step_imports(step)).collect();
    borders.answer_imports();
    let all_facts: Vec<usize> = (0..borders.nested.len()).collect();
    let mut is_done = vec![false; plan.steps.len()];
    let mut told: [BTreeSet<usize>; 2] = Default::default();
    let mut reported: BTreeSet<usize> = BTreeSet::new();
    let mut jobs = Vec::new();
    loop {
        let count = jobs.len();
        for owner in [0, 1] {
            let mut steps: Vec<usize> = Vec::new();
            // In plan order, a step can only wait for earlier ones: one pass is enough.
            for (index, step) in plan.steps.iter().enumerate() {
                let can_go = owners[index] == owner
                    && !is_done[index]
                    && needs(step).into_iter().all(|need| is_done[need] || steps.contains(&need))
                    && imports[index].is_subset(&reported);
                if can_go {
                    steps.push(index);
                }
            }
            let report: Vec<usize> = all_facts
                .iter()
                .copied()
                .filter(|fact| {
                    let source = &borders.facts.get(*fact).source;
                    borders.owner_of(*fact) == owner
                        && !reported.contains(fact)
                        && borders.nested[*fact].iter().all(|nested| reported.contains(nested))
                        && source
                            .steps()
                            .into_iter()
                            .filter(|step| owners[*step] == owner)
                            .all(|step| is_done[step] || steps.contains(&step))
                })
                .collect();
            if steps.is_empty() && report.is_empty() {
                continue;
            }
            let for_steps = steps.iter().flat_map(|step| imports[*step].iter().copied());
            let for_report = report.iter().flat_map(|fact| borders.nested[*fact].iter().copied());
            let known: BTreeSet<usize> =
                for_steps.chain(for_report).filter(|fact| !told[owner].contains(fact)).collect();
            told[owner].extend(&known);
            reported.extend(&report);
            steps.iter().for_each(|step| is_done[*step] = true);
            let agent = [names::RESEARCHER, names::OPERATOR][owner];
            jobs.push(Job { agent, steps, known: known.into_iter().collect(), report });
        }
        if jobs.len() == count {
            break;
        }
    }
    debug_assert!(is_done.iter().all(|done| *done), "a plan's steps depend on earlier ones only");
    Script { facts: borders.facts, jobs }
}

/// Stages: reads that need no write, then all else, then the answer.
fn pipeline(plan: &OraclePlan) -> Script {
    let owners = stages(plan);
    let mut borders = Borders::new(plan, &owners);
    let first: Vec<usize> = (0..plan.steps.len()).filter(|step| owners[*step] == 0).collect();
    let second: Vec<usize> = (0..plan.steps.len()).filter(|step| owners[*step] == 1).collect();
    let answer = borders.answer_imports();
    let mut passed: BTreeSet<usize> = second.iter().flat_map(|step| borders.step_imports(*step)).collect();
    passed.extend(&answer);
    for fact in answer.iter().chain(&passed.clone()) {
        passed.extend(&borders.nested[*fact]);
    }
    passed.retain(|fact| borders.owner_of(*fact) == 0);
    let passed: Vec<usize> = passed.into_iter().collect();
    let answer: Vec<usize> = answer.into_iter().collect();
    let jobs = vec![
        Job { agent: names::INVESTIGATOR, steps: first, known: Vec::new(), report: passed.clone() },
        Job { agent: names::ACTOR, steps: second, known: passed, report: answer.clone() },
        Job { agent: names::REPORTER, steps: Vec::new(), known: answer, report: Vec::new() },
    ];
    Script { facts: borders.facts, jobs }
}

/// The stage of each step: 0 for reads that depend on reads only and whose rows are not chosen by
/// what a later stage finds out.
fn stages(plan: &OraclePlan) -> Vec<Owner> {
    let mut owners: Vec<Owner> = plan.steps.iter().map(|step| usize::from(step.is_write)).collect();
    loop {
        let before = owners.clone();
        for (index, step) in plan.steps.iter().enumerate() {
            if needs(step).into_iter().any(|need| owners[need] == 1) {
                owners[index] = 1;
            }
        }
        let sources =
            plan.steps.iter().flat_map(|step| step.arguments.values()).chain(plan.answer.slots.values());
        for source in sources {
            pull_lists(source, &mut owners);
        }
        if owners == before {
            return owners;
        }
    }
}

/// Moves lists from which rows are chosen by values of stage 1 into that stage.
fn pull_lists(source: &ValueSource, owners: &mut [Owner]) {
    let tests = match source {
        ValueSource::Literal { .. } | ValueSource::Reply { .. } => return,
        ValueSource::Arithmetic { left, right, .. } => {
            pull_lists(left, owners);
            return pull_lists(right, owners);
        }
        ValueSource::Between { of, .. } => return pull_lists(of, owners),
        ValueSource::Text { slots, .. } => {
            return slots.values().for_each(|slot| pull_lists(slot, owners));
        }
        ValueSource::Pick(pick) => &pick.tests,
        ValueSource::Aggregate(fold) => &fold.tests,
    };
    for test in tests {
        pull_lists(&test.value, owners);
        if test.value.steps().into_iter().any(|step| owners[step] == 1)
            && let Some(list) = base_step(source)
        {
            owners[list] = 1;
        }
    }
}

//! From a seed to bugs: a repository, mutations, runs of original and mutants.

use super::repository::Repository;
use super::{CodeDials, CodeWorld, shell_mutation};
use crate::CodeError;
use crate::workbench::{Job, Mutation, Probe, VariantRun, Workbench};
use nex_world::Language;
use nex_world::task::{Dials, Task};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// Raised when the same seed gives another task.
const GENERATOR_VERSION: u32 = 1;
/// Mutants that run in one sandbox, for each bug that is wanted.
const BATCH: usize = 6;
/// Mutants that are tried for one task.
const MAX_TRIED: usize = 72;
/// Runs of original and mutant whose outcomes must agree.
const RUNS: usize = 3;
/// Time of one variant.
const WALL_MS: u64 = 30_000;
const DOES_NOT_END: &str = "does not end";

/// What became of the mutations that were tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Mutants that were run.
    pub tried: usize,
    /// No probe fails: equivalent, or not told apart.
    pub survived: usize,
    /// Some probe fails, but too few that none could stay hidden.
    pub too_few: usize,
    /// Left out because it cannot be built or something never ends.
    pub unusable: usize,
    /// Killed, but not what the dials ask for.
    pub unfitting: usize,
    /// Left out because outcomes differed from run to run.
    pub flaky: usize,
    /// Pairs of bugs of which one hides the other.
    pub hidden_by_other: usize,
    /// Bugs of the task.
    pub accepted: usize,
}

/// A mutation that probes tell from the original.
#[derive(Clone)]
pub(super) struct Bug {
    pub(super) mutation: Mutation,
    /// Indices of probes that fail.
    pub(super) failing: BTreeSet<usize>,
    /// Public tests that fail.
    pub(super) public: Vec<String>,
}

pub(super) async fn task(
    world: &CodeWorld,
    seed: u64,
    dials: &Dials,
    language: Language,
) -> Result<(Task, Tally), CodeError> {
    let name = world.name();
    let mut rng = rng(name, seed, dials, language);
    let code_dials = CodeDials::of(dials);
    let repository = Repository::draw(world.code_language(), code_dials.other_modules, language, &mut rng);
    let source = Source { world: name, repository: &repository, seed, dials, code_dials, language };
    let (mut task, tally) = source.draw(world.bench(), &mut rng).await?;
    task.briefing = world.briefing(language);
    Ok((task, tally))
}

pub(crate) fn rng(world: &str, seed: u64, dials: &Dials, language: Language) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(*hash(world, seed, dials, language).as_bytes())
}

pub(crate) fn hash(world: &str, seed: u64, dials: &Dials, language: Language) -> blake3::Hash {
    let dials = serde_json::to_string(dials).unwrap_or_default();
    blake3::hash(format!("{world} {GENERATOR_VERSION} {seed} {dials} {language}").as_bytes())
}

/// What a task is drawn from.
pub(super) struct Source<'a> {
    pub(super) world: &'a str,
    pub(super) repository: &'a Repository,
    pub(super) seed: u64,
    pub(super) dials: &'a Dials,
    pub(super) code_dials: CodeDials,
    pub(super) language: Language,
}

impl Source<'_> {
    pub(super) async fn draw(
        &self,
        bench: &Workbench,
        rng: &mut ChaCha8Rng,
    ) -> Result<(Task, Tally), CodeError> {
        let repository = self.repository;
        let source = &repository.files[&repository.target];
        let mut mutations = match repository.target.ends_with(".py") {
            true => bench.mutations(source).await?,
            false => shell_mutation::mutations(source),
        };
        mutations.shuffle(rng);
        let mut tally = Tally::default();
        let (mut first_choice, mut second_choice): (Vec<Bug>, Vec<Bug>) = Default::default();
        let mut refused: Vec<Vec<Mutation>> = Vec::new();
        for batch in mutations[..mutations.len().min(MAX_TRIED)].chunks(BATCH * self.code_dials.bugs) {
            for bug in self.killed(bench, source, batch, &mut tally).await? {
                match self.fits(&bug) {
                    true => first_choice.push(bug),
                    false => second_choice.push(bug),
                }
            }
            // A second choice does where the first is not to be had soon.
            let candidates = first_choice.iter().chain(second_choice.iter().filter(|_| self.is_lenient()));
            for bugs in groups(candidates, self.code_dials.bugs) {
                let is_same = |group: &Vec<Mutation>| group.iter().eq(bugs.iter().map(|bug| &bug.mutation));
                if refused.iter().any(is_same) {
                    continue;
                }
                match self.confirmed(bench, source, &bugs).await? {
                    Confirmation::Holds(runs) => {
                        tally.accepted = bugs.len();
                        let spare = first_choice.len() + second_choice.len();
                        tally.unfitting = spare - tally.accepted.min(spare);
                        return Ok((self.task(source, &bugs, &runs)?, tally));
                    }
                    refusal => {
                        match refusal {
                            Confirmation::Flaky => tally.flaky += 1,
                            _ => tally.hidden_by_other += 1,
                        }
                        refused.push(bugs.into_iter().map(|bug| bug.mutation).collect());
                    }
                }
            }
        }
        let advice = match tally.tried {
            0 => "the file has nothing that can be mutated".to_owned(),
            _ => "draw another seed, or ask for easier dials".to_owned(),
        };
        Err(CodeError::NoMutant { seed: self.seed, tried: tally.tried, advice })
    }

    fn fits(&self, bug: &Bug) -> bool {
        self.code_dials.failing_test.is_none_or(|wanted| wanted != bug.public.is_empty())
    }

    /// A named failing test is promised by the dial; its absence is only preferred.
    fn is_lenient(&self) -> bool {
        self.code_dials.failing_test != Some(true)
    }

    /// The mutants of `batch` that enough probes tell from the original.
    async fn killed(
        &self,
        bench: &Workbench,
        source: &str,
        batch: &[Mutation],
        tally: &mut Tally,
    ) -> Result<Vec<Bug>, CodeError> {
        let repository = self.repository;
        let mut variants = vec![BTreeMap::new()];
        let mutants = batch.iter().map(|mutation| mutation.apply(source).unwrap_or_default());
        variants.extend(mutants.map(|text| BTreeMap::from([(repository.target.clone(), text)])));
        let runs = bench.run(&self.job(variants, &repository.probes, &repository.files)).await?;
        let (original, mutants) = runs.split_first().expect("there is a run for each variant");
        self.must_work(original)?;
        tally.tried += batch.len();
        let mut bugs = Vec::new();
        for (mutation, run) in batch.iter().zip(mutants) {
            let failing: BTreeSet<usize> =
                (0..repository.probes.len()).filter(|i| run.probes[*i] != original.probes[*i]).collect();
            let is_unusable = run.probes.iter().any(|value| value == DOES_NOT_END)
                || run.tests.values().any(|outcome| outcome.as_deref() == Some(DOES_NOT_END))
                || run.build.is_some();
            match () {
                () if is_unusable => tally.unusable += 1,
                () if failing.is_empty() => tally.survived += 1,
                () if failing.len() < repository.min_failing => tally.too_few += 1,
                () => {
                    let failed = |name: &&String| !matches!(run.tests.get(*name), Some(None));
                    let public = original.tests.keys().filter(failed).cloned().collect();
                    bugs.push(Bug { mutation: mutation.clone(), failing, public });
                }
            }
        }
        Ok(bugs)
    }

    /// The working code must pass its own tests.
    fn must_work(&self, original: &VariantRun) -> Result<(), CodeError> {
        let failed = original.tests.iter().find_map(|(name, outcome)| Some((name, outcome.as_ref()?)));
        let cause = match (&original.build, failed) {
            (Some(cause), _) => cause.clone(),
            (None, Some((name, cause))) => format!("test {name} fails without any mutation: {cause}"),
            (None, None) if self.repository.is_exit_only => {
                match self.repository.probes.iter().zip(&original.probes).find(|(_, v)| *v != "[exit 0]") {
                    Some((probe, value)) => {
                        format!("`{}` fails without any mutation: {value}", probe.code)
                    }
                    None => return Ok(()),
                }
            }
            (None, None) => return Ok(()),
        };
        Err(CodeError::Repository { path: self.repository.target.clone(), cause })
    }

    fn job<'j>(
        &self,
        variants: Vec<BTreeMap<String, String>>,
        probes: &'j [Probe],
        files: &'j BTreeMap<String, String>,
    ) -> Job<'j> {
        let repository = self.repository;
        Job {
            language: repository.runner,
            files,
            variants,
            probes,
            tests: !repository.is_exit_only,
            exit_only: repository.is_exit_only,
            cpu_ms: repository.cpu_ms,
            wall_ms: WALL_MS.max(repository.cpu_ms * 6),
            here: false,
        }
    }

    /// Runs original and mutant three times.
    async fn confirmed(
        &self,
        bench: &Workbench,
        source: &str,
        bugs: &[Bug],
    ) -> Result<Confirmation, CodeError> {
        let repository = self.repository;
        let probes: Vec<Probe> = repository.probes.iter().chain(&repository.other_probes).cloned().collect();
        let mutant = mutated(source, bugs);
        let variants = vec![BTreeMap::new(), [(repository.target.clone(), mutant.clone())].into()];
        // Separate interpreters: each draws its own order of hashing.
        let mut first: Option<Vec<VariantRun>> = None;
        for _ in 0..RUNS {
            let runs = bench.run(&self.job(variants.clone(), &probes, &repository.files)).await?;
            match &first {
                Some(first) if *first != runs => return Ok(Confirmation::Flaky),
                Some(_) => {}
                None => first = Some(runs),
            }
        }
        let runs = first.unwrap_or_default();
        let [original, broken]: [VariantRun; 2] = runs.try_into().unwrap_or_default();
        let failing: BTreeSet<usize> =
            (0..probes.len()).filter(|i| original.probes[*i] != broken.probes[*i]).collect();
        // Bugs can hide each other; each must still be seen by something that is its own.
        let is_seen =
            |bug: &Bug| bug.failing.iter().filter(|i| failing.contains(i)).count() >= repository.min_failing;
        let is_usable = bugs.iter().all(is_seen) && !broken.probes.iter().any(|value| value == DOES_NOT_END);
        Ok(match is_usable {
            true => Confirmation::Holds(Confirmed { probes, mutant, original, broken, failing }),
            false => Confirmation::Unseen,
        })
    }
}

/// What came of running original and mutant several times.
enum Confirmation {
    Holds(Confirmed),
    /// Some outcome differs from run to run.
    Flaky,
    /// Together, bugs hide each other or something does not end.
    Unseen,
}

/// Original and mutant, the same in every run.
pub(super) struct Confirmed {
    pub(super) probes: Vec<Probe>,
    /// The target's text with the bugs.
    pub(super) mutant: String,
    pub(super) original: VariantRun,
    pub(super) broken: VariantRun,
    /// Probes that the mutant fails.
    pub(super) failing: BTreeSet<usize>,
}

/// `source` with all `bugs`.
fn mutated(source: &str, bugs: &[Bug]) -> String {
    let mut mutations: Vec<&Mutation> = bugs.iter().map(|bug| &bug.mutation).collect();
    // From the end, so that offsets stay right.
    mutations.sort_by_key(|mutation| std::cmp::Reverse(mutation.start));
    mutations.into_iter().fold(source.to_owned(), |text, m| m.apply(&text).unwrap_or(text))
}

/// Groups of `size` bugs that lie in different functions, as many as matter.
fn groups<'a>(bugs: impl Iterator<Item = &'a Bug>, size: usize) -> Vec<Vec<Bug>> {
    const MAX_GROUPS: usize = 6;
    let bugs: Vec<&Bug> = bugs.collect();
    if size <= 1 {
        return bugs.into_iter().take(MAX_GROUPS).map(|bug| vec![bug.clone()]).collect();
    }
    let mut groups = Vec::new();
    for (index, first) in bugs.iter().enumerate() {
        for second in &bugs[index + 1..] {
            let is_apart = match first.mutation.function.is_empty() {
                true => first.mutation.line.abs_diff(second.mutation.line) > 2,
                false => first.mutation.function != second.mutation.function,
            };
            // Each must have probes that the other does not reach.
            let has_own = |a: &Bug, b: &Bug| a.failing.difference(&b.failing).next().is_some();
            if is_apart && has_own(first, second) && has_own(second, first) {
                groups.push(vec![(*first).clone(), (*second).clone()]);
            }
        }
    }
    groups.truncate(MAX_GROUPS);
    groups
}

//! Draws a task: goals until the plan has the wanted length, words for them, and the proof.
//!
//! Nothing is returned unproven: the oracle's run is accepted with a reward of 1, the empty run
//! gets 0, every look-up leads to one record, and no value that a run depends on changes with the
//! order in which goals are reached.

use super::dials::Dials;
use super::draft::{Draft, Reject, call_whole};
use super::goals::Wish;
use super::ground::Ground;
use super::oracle::run_oracle;
use super::plan::{AnswerPlan, OraclePlan};
use super::resolve::{resolve, resolve_arguments, same};
use super::verify::{changes_as_checks, verify};
use super::{Briefing, Check, Faults, GENERATOR_VERSION, InitialState, Task, TaskLimits, prose};
use crate::text::Language;
use crate::value::write_datetime;
use crate::world::World;
use nex_trajectory::{TaskId, TaskRecord};
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value as Json;
use std::sync::Arc;

/// Whole drafts that are begun before a task counts as impossible.
const ATTEMPTS: u32 = 60;
/// Tries for one more goal.
const GOAL_TRIES: usize = 40;
/// Chance of each operation to be down, in tasks with faults.
const OUTAGE: f64 = 0.12;
/// Most goals of a task: nobody asks for more in one breath.
const MOST_GOALS: usize = 9;

/// Why there is no task.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TaskError {
    /// A dial is out of its range.
    #[error("dial `{dial}` is {value}; it goes from {from} to {to}")]
    DialOutOfRange {
        /// The dial.
        dial: &'static str,
        /// What it was set to.
        value: f64,
        /// Its least value.
        from: f64,
        /// Its greatest.
        to: f64,
    },
    /// The world's state cannot be made.
    #[error("world `{world}`: {cause}")]
    State {
        /// The world.
        world: String,
        /// What the world's generators say.
        cause: String,
    },
    /// No draw gave a task.
    #[error(
        "world `{world}` gave no task of {hops} calls with {breadth} goals and {policy_traps} policy traps in {attempts} draws (longest plan: {longest} calls; last reason: {reason}); lower one of the dials or take another seed"
    )]
    Unreachable {
        /// The world.
        world: String,
        /// The dial.
        hops: u8,
        /// The dial.
        breadth: u8,
        /// The dial.
        policy_traps: u8,
        /// Draws made.
        attempts: u32,
        /// Calls of the longest plan that was drawn.
        longest: usize,
        /// Why the last draw failed.
        reason: String,
    },
}

/// A task of `world`: a pure function of the arguments.
///
/// # Errors
/// [`TaskError::Unreachable`] where the world has no task for these dials, with the longest plan
/// that could be drawn.
pub fn generate_task(
    world: &Arc<World>,
    seed: u64,
    dials: &Dials,
    language: Language,
) -> Result<Task, TaskError> {
    dials.check()?;
    let state = InitialState { seed, ..InitialState::default() };
    let start = super::oracle::session_for(world, &state, language, &Faults::default())
        .map_err(|cause| TaskError::State { world: world.name().to_owned(), cause: cause.to_string() })?;
    let calm = Ground::new(world, start.clone(), language, dials.clone(), Vec::new());
    let outage = Faults { outage: OUTAGE, ..Faults::default() };
    let down = if dials.faults > 0.0 {
        super::oracle::operations_down(world, &state, language, &outage)
            .map_err(|cause| TaskError::State { world: world.name().to_owned(), cause: cause.to_string() })?
    } else {
        Vec::new()
    };
    let stormy = Ground::new(world, start, language, dials.clone(), down);
    let mut longest = 0;
    let mut reason = Reject("nothing was drawn");
    for attempt in 0..ATTEMPTS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(attempt) + (1 << 40));
        // With operations down, a task may be out of reach; then it is drawn without.
        let ground = if stormy.down.is_empty() || attempt >= ATTEMPTS / 4 { &calm } else { &stormy };
        match draw(ground, &mut rng, &mut longest) {
            Ok(draft) => match finish(world, ground, draft, seed, &mut rng) {
                Ok(task) => return Ok(task),
                Err(reject) => reason = reject,
            },
            Err(reject) => reason = reject,
        }
    }
    Err(TaskError::Unreachable {
        world: world.name().to_owned(),
        hops: dials.hops,
        breadth: dials.breadth,
        policy_traps: dials.policy_traps,
        attempts: ATTEMPTS,
        longest,
        reason: reason.0.to_owned(),
    })
}

impl Dials {
    /// Whether every dial is in its range.
    ///
    /// # Errors
    /// [`TaskError::DialOutOfRange`] names the first that is not.
    pub fn check(&self) -> Result<(), TaskError> {
        let ranges = [
            ("hops", f64::from(self.hops), 1.0, 20.0),
            ("breadth", f64::from(self.breadth), 1.0, 8.0),
            ("ambiguity", self.ambiguity, 0.0, 1.0),
            ("policy_traps", f64::from(self.policy_traps), 0.0, 2.0),
            ("faults", self.faults, 0.0, 1.0),
            ("fuzziness", self.fuzziness, 0.0, 1.0),
            ("questions", self.questions, 0.0, 1.0),
        ];
        for (dial, value, from, to) in ranges {
            if !(from..=to).contains(&value) {
                return Err(TaskError::DialOutOfRange { dial, value, from, to });
            }
        }
        Ok(())
    }
}

/// Goals until the plan has as many calls as the dial says.
fn draw<'g>(ground: &'g Ground<'g>, rng: &mut impl Rng, longest: &mut usize) -> Result<Draft<'g>, Reject> {
    let hops = usize::from(ground.dials.hops);
    let breadth = usize::from(ground.dials.breadth).min(hops);
    let mut draft = Draft::new(ground, hops);
    let mut goals = 0;
    while draft.steps.len() < hops || goals < breadth {
        if goals == MOST_GOALS {
            return Err(Reject("the calls wanted take too many goals"));
        }
        let left = hops - draft.steps.len();
        let is_fresh = goals < breadth;
        let later = breadth.saturating_sub(goals + 1);
        let wish = Wish {
            is_chained: !is_fresh && rng.random_bool(0.75),
            is_trap: draft.traps < ground.dials.policy_traps,
        };
        let wanted = if is_fresh { left / (later + 1) } else { left.min(5) };
        let mut best: Option<Draft<'g>> = None;
        let mut last = Reject("no goal fits");
        for _ in 0..GOAL_TRIES {
            let mut trial = draft.clone();
            trial.budget = hops.saturating_sub(later);
            if let Err(reject) = trial.add_goal(wish, rng) {
                last = reject;
                continue;
            }
            // Without the dial, a goal that a policy makes harder is for other tasks.
            if trial.traps > ground.dials.policy_traps.max(1) && ground.dials.policy_traps == 0 {
                continue;
            }
            let cost = |other: &Draft<'_>| (other.steps.len() - draft.steps.len()).abs_diff(wanted.max(1));
            if trial.steps.len() == draft.steps.len() && left > 0 {
                last = Reject("a goal needs no call");
                continue;
            }
            if best.as_ref().is_none_or(|best| cost(&trial) < cost(best)) {
                let is_exact = cost(&trial) == 0;
                best = Some(trial);
                if is_exact {
                    break;
                }
            }
        }
        draft = best.ok_or(last)?;
        draft.budget = hops;
        goals += 1;
        *longest = (*longest).max(draft.steps.len());
    }
    if draft.traps < ground.dials.policy_traps {
        return Err(Reject("no request that a policy makes harder"));
    }
    Ok(draft)
}

/// Words, checks, tools and faults for a draft, then the proof.
fn finish(
    world: &Arc<World>,
    ground: &Ground<'_>,
    draft: Draft<'_>,
    seed: u64,
    rng: &mut impl Rng,
) -> Result<Task, Reject> {
    is_order_free(ground, &draft)?;
    let instruction = prose::compose(&draft.asks, ground.language, rng);
    let is_leaking = draft.known.keys().any(|record| instruction.contains(&ground.schema().id_text(*record)));
    if is_leaking {
        return Err(Reject("the instruction gives an id away"));
    }
    let mut checks = changes_as_checks(ground.schema(), ground.start.state(), draft.session.state());
    checks.extend(draft.checks.iter().cloned());
    checks.extend(draft.facts.iter().map(|(fact, _)| Check::Says(fact.clone())));
    let space = if ground.language == Language::En { " " } else { "" };
    let plan = OraclePlan {
        answer: AnswerPlan {
            template: draft.answer.join(space),
            slots: draft.slots.clone(),
            wording: draft.wording.clone(),
        },
        steps: draft.steps.clone(),
    };
    let calls = u32::try_from(plan.steps.len()).unwrap_or(u32::MAX);
    let mut task = Task {
        record: TaskRecord {
            id: task_id(world, seed, &ground.dials, ground.language),
            world: world.name().to_owned(),
            seed,
            language: ground.language.as_str().to_owned(),
            instruction,
            difficulty: ground.dials.difficulty().as_str().to_owned(),
            dials: ground.dials.as_map(),
            oracle_calls: calls,
        },
        dials: ground.dials.clone(),
        briefing: briefing(world, ground),
        tools: tools(world, &plan, &checks, ground.dials.distractor_tools, rng),
        state: InitialState { seed, ..InitialState::default() },
        faults: faults(ground, &draft, rng),
        plan,
        checks,
        limits: TaskLimits { max_turns: 2 * calls + 10, max_calls: 3 * calls + 15 },
    };
    prove(world, &mut task)?;
    Ok(task)
}

/// The oracle must be accepted, the empty run must get nothing, and faults must be met.
fn prove(world: &Arc<World>, task: &mut Task) -> Result<(), Reject> {
    let wanted = task.dials.faults > 0.0;
    for _ in 0..4 {
        let run = run_oracle(world, task).map_err(|_| Reject("the oracle's run failed"))?;
        let reward = verify(world, task, &run.export, Some(&run.answer));
        if !super::verify::is_success(&reward) {
            return Err(Reject("the oracle's run is not accepted"));
        }
        if wanted && run.faults_met == 0 && task.plan.steps.len() > 1 && task.faults.transient < 0.55 {
            task.faults.transient += 0.12;
            continue;
        }
        let empty = super::oracle::empty_export(world, task).map_err(|_| Reject("the empty run failed"))?;
        if verify(world, task, &empty, None).total > 0.0 {
            return Err(Reject("doing nothing is rewarded"));
        }
        return Ok(());
    }
    Err(Reject("no fault is met on the way"))
}

/// Nothing that is looked up may depend on whether the writes were made before or after.
fn is_order_free(ground: &Ground<'_>, draft: &Draft<'_>) -> Result<(), Reject> {
    let early = replay_reads(draft, &ground.start);
    for (at, step) in draft.steps.iter().enumerate() {
        let arguments =
            resolve_arguments(step, &early).map_err(|_| Reject("a look-up holds only after a write"))?;
        if !same_arguments(&arguments, &draft.resolved[at]) {
            return Err(Reject("a look-up changes with a write"));
        }
    }
    for replies in [early, replay_reads(draft, &draft.session)] {
        for (fact, source) in &draft.facts {
            let Some(source) = source else { continue };
            let value = resolve(source, &replies).map_err(|_| Reject("an answer holds only for a while"))?;
            if !same(&value, &fact.value) {
                return Err(Reject("an answer changes with a write"));
            }
        }
    }
    Ok(())
}

fn same_arguments(a: &Json, b: &Json) -> bool {
    match (a.as_object(), b.as_object()) {
        (Some(a), Some(b)) => {
            a.len() == b.len()
                && a.iter().all(|(key, value)| b.get(key).is_some_and(|other| same(value, other)))
        }
        _ => a == b,
    }
}

/// The replies of the reads in another state; those that need the writes stay as they were.
fn replay_reads(draft: &Draft<'_>, state: &crate::session::WorldSession) -> Vec<Option<Json>> {
    let mut session = state.clone();
    draft
        .steps
        .iter()
        .enumerate()
        .map(|(at, step)| {
            if step.is_write || step.fails_with.is_some() {
                return draft.replies[at].clone();
            }
            let reply = call_whole(&mut session, &step.operation, &draft.resolved[at], step.paging.as_ref());
            reply.ok().or_else(|| draft.replies[at].clone())
        })
        .collect()
}

fn task_id(world: &World, seed: u64, dials: &Dials, language: Language) -> TaskId {
    let dials = serde_json::to_string(dials).unwrap_or_default();
    let text = format!("{} {} {GENERATOR_VERSION} {seed} {dials} {language}", world.name(), world.version());
    let hash = blake3::hash(text.as_bytes()).to_hex();
    TaskId::new(format!("{}-{language}-{}", world.name(), &hash[..12]))
}

fn briefing(world: &World, ground: &Ground<'_>) -> Briefing {
    let mut now = String::new();
    write_datetime(&mut now, world.start_time());
    Briefing {
        role: ground.text(world.role()).to_owned(),
        facts: vec![ground.speech().now(&now)],
        policies: world.policies().iter().map(|policy| ground.text(&policy.text).to_owned()).collect(),
    }
}

fn tools(
    world: &World,
    plan: &OraclePlan,
    checks: &[Check],
    distractors: u8,
    rng: &mut impl Rng,
) -> Vec<String> {
    // What is forbidden is offered, or it would be no temptation.
    let is_tempting = |name: &str| {
        checks.iter().any(|check| matches!(check, Check::NotCalled { operation, .. } if operation == name))
    };
    let is_needed = |name: &str| plan.steps.iter().any(|step| step.operation == name) || is_tempting(name);
    let mut others: Vec<&str> =
        world.operations().iter().map(|op| op.name.as_str()).filter(|name| !is_needed(name)).collect();
    others.shuffle(rng);
    others.truncate(usize::from(distractors));
    world
        .operations()
        .iter()
        .map(|op| op.name.clone())
        .filter(|name| is_needed(name) || others.contains(&name.as_str()))
        .collect()
}

fn faults(ground: &Ground<'_>, draft: &Draft<'_>, rng: &mut impl Rng) -> Faults {
    let level = ground.dials.faults;
    if level <= 0.0 {
        return Faults::default();
    }
    Faults {
        transient: hundredths(0.05 + 0.2 * level),
        truncate: hundredths(0.4 * level),
        verbose: hundredths(0.3 * level),
        rate_limit: rng.random_bool((0.4 * level).clamp(0.0, 1.0)).then_some((4, 60)),
        outage: if draft.has_vain_call { OUTAGE } else { 0.0 },
        down: if draft.has_vain_call { ground.down.clone() } else { Vec::new() },
    }
}

fn hundredths(share: f64) -> f64 {
    (share * 100.0).round() / 100.0
}

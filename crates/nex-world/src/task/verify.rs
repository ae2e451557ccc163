//! What a run was worth, judged by the state it left, the log of its calls and its answer.
//!
//! | part | weight | score |
//! |---|---|---|
//! | `final_state` | 0.5 | share of the wanted changes that are there |
//! | `answer` | 0.25 | share of the wanted facts that the answer says; a refusal counts only after a look |
//! | `policy` | 0.1 | 1 without a breach; halved by each one |
//! | `no_collateral` | 0.15 | 1 / (1 + changes that nobody asked for) |
//!
//! Where a task wants no change, or no fact, the weight of that part goes to the other. `policy`
//! and `no_collateral` are earned only along with progress: both are multiplied by the share of
//! the other two, so that an idle run gets 0. Where there are more unasked changes than asked
//! ones, the credit for the asked ones shrinks in proportion: who changes everything has not
//! solved anything. `total` is 1 exactly if every part is.

use super::answer::Hearing;
use super::oracle::initial_state;
use super::resolve::{plain_text, same};
use super::{Check, Fact, FactKind, Task};
use crate::json::to_json;
use crate::schema::Schema;
use crate::session::{CallRecord, Outcome, SessionExport, WorldSession};
use crate::state::State;
use crate::state::diff::{Change, diff};
use crate::text::Language;
use crate::value::{DAY_S, Value, civil_from_days};
use crate::world::World;
use indexmap::IndexMap;
use nex_trajectory::{Reward, RewardPart};
use serde_json::Value as Json;

const STATE_WEIGHT: f64 = 0.5;
const ANSWER_WEIGHT: f64 = 0.25;
const POLICY_WEIGHT: f64 = 0.1;
const COLLATERAL_WEIGHT: f64 = 0.15;

/// Judges a run of `task` by what the session exports and by the final answer.
///
/// An export of another world or a damaged one gets 0 with a finding that says so.
pub fn verify(world: &World, task: &Task, export: &SessionExport, answer: Option<&str>) -> Reward {
    let schema = world.schema();
    let states = initial_state(world, task)
        .and_then(|before| Ok((before, State::from_json(schema, &export.state).map_err(|e| e.to_string())?)));
    match states {
        Ok((before, after)) if export.world == world.name() => {
            judge(world, task, &before, &after, &export.log, answer)
        }
        Ok(_) => worthless(format!("the export is of world `{}`, not `{}`", export.world, world.name())),
        Err(cause) => worthless(cause),
    }
}

/// The same for a session in this process: what [`verify`] gives for its export, without writing
/// and reading the state as JSON.
pub fn verify_session(session: &WorldSession, task: &Task, answer: Option<&str>) -> Reward {
    let world = session.world();
    match initial_state(world, task) {
        Ok(before) => judge(world, task, &before, session.state(), &session.log(), answer),
        Err(cause) => worthless(cause),
    }
}

fn judge(
    world: &World,
    task: &Task,
    before: &State,
    after: &State,
    log: &[CallRecord],
    answer: Option<&str>,
) -> Reward {
    let changes = diff(world.schema(), before, after);
    let judged = Judged::new(world, task, after, &changes, log);
    let facts: Vec<&Fact> = task
        .checks
        .iter()
        .filter_map(|check| if let Check::Says(fact) = check { Some(fact) } else { None })
        .collect();
    let year = civil_from_days(i32::try_from(world.start_time().div_euclid(DAY_S)).unwrap_or(0)).0;
    let given = format!("{} {}", task.record.instruction, task.briefing.policies.join(" "));
    let hearing = Hearing { facts: &facts, instruction: &given, year };
    let heard = facts.iter().zip(hearing.judge(answer.unwrap_or_default()));
    let unsaid: Vec<String> = heard
        .filter_map(|(fact, unsaid)| {
            // Who did not look does not decline: it does nothing.
            let is_blind = fact.kind == FactKind::Refusal && judged.unlooked.contains(&fact.about);
            unsaid.or_else(|| is_blind.then(|| format!("declined without a look: {}", fact.about)))
        })
        .collect();
    let answer_share = share(facts.len() - unsaid.len().min(facts.len()), facts.len());

    let (state_weight, answer_weight) = match (judged.wanted > 0, !facts.is_empty()) {
        (true, true) => (STATE_WEIGHT, ANSWER_WEIGHT),
        (true, false) => (STATE_WEIGHT + ANSWER_WEIGHT, 0.0),
        (false, _) => (0.0, STATE_WEIGHT + ANSWER_WEIGHT),
    };
    let state_share = share(judged.met, judged.wanted) * judged.restraint();
    let progress =
        (state_weight * state_share + answer_weight * answer_share) / (state_weight + answer_weight);
    let breaches = i32::try_from(judged.breaches.len()).unwrap_or(i32::MAX);
    let parts = vec![
        part("final_state", state_share, state_weight, judged.unmet.clone()),
        part("answer", answer_share, answer_weight, unsaid),
        part("policy", progress * 0.5_f64.powi(breaches), POLICY_WEIGHT, judged.breaches.clone()),
        part(
            "no_collateral",
            progress / (1.0 + judged.unasked.len() as f64),
            COLLATERAL_WEIGHT,
            judged.unasked.clone(),
        ),
    ];
    let total: f64 = parts.iter().map(|part| part.weight * part.score).sum();
    // Weights that sum to 1 do so in floats up to an error that would spoil `== 1`.
    let all = parts.iter().all(|part| part.weight == 0.0 || part.score >= 1.0);
    Reward { total: if all { 1.0 } else { total.clamp(0.0, 1.0) }, parts }
}

/// Whether a run is accepted whole.
pub fn is_success(reward: &Reward) -> bool {
    reward.total >= 1.0
}

fn worthless(finding: String) -> Reward {
    let names = ["final_state", "answer", "policy", "no_collateral"];
    let weights = [STATE_WEIGHT, ANSWER_WEIGHT, POLICY_WEIGHT, COLLATERAL_WEIGHT];
    let mut parts: Vec<RewardPart> =
        names.iter().zip(weights).map(|(name, weight)| part(name, 0.0, weight, Vec::new())).collect();
    parts[0].findings.push(finding);
    Reward { total: 0.0, parts }
}

fn part(name: &str, score: f64, weight: f64, findings: Vec<String>) -> RewardPart {
    /// Findings of a run that changed everything would fill the disk.
    const MOST_FINDINGS: usize = 20;
    let mut findings = findings;
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

/// The state and the log against the checks.
#[derive(Default)]
struct Judged {
    wanted: usize,
    met: usize,
    unmet: Vec<String>,
    unasked: Vec<String>,
    breaches: Vec<String>,
    /// What was to be declined and was not looked at.
    unlooked: Vec<String>,
}

impl Judged {
    fn new(world: &World, task: &Task, after: &State, changes: &[Change], log: &[CallRecord]) -> Self {
        let schema = world.schema();
        let mut judged = Self::default();
        // Which changes some check asked for.
        let mut asked = vec![false; changes.len()];
        // Ids of the records that stand for the `Created` checks.
        let mut made: Vec<Option<String>> = Vec::new();
        for check in &task.checks {
            match check {
                Check::Field { entity, id, field, equals } => {
                    let record = schema.entity_named(entity).and_then(|def| schema.parse_id(def.id, id));
                    let (Some(record), Some((at, def))) =
                        (record, schema.entity_named(entity).and_then(|def| def.field_named(field)))
                    else {
                        judged.miss(format!("{id}.{field} is no field of this world"));
                        continue;
                    };
                    let now = def.slot.and_then(|slot| after.stored(record, slot));
                    let is_met =
                        now.is_some_and(|now| same_value(schema, world, now, &made_value(equals, &made)));
                    // A wrong value where a change was wanted is a miss, not a collateral change.
                    for (change, asked) in changes.iter().zip(&mut asked) {
                        *asked |= matches!(change, Change::Changed { record: r, field: f, .. } if *r == record && *f == at);
                    }
                    judged.count(is_met, || {
                        let now = now.map_or("nothing".to_owned(), |now| plain_text(&to_json(schema, now)));
                        format!("{id}.{field} is {now}, not {}", plain_text(equals))
                    });
                }
                Check::Created { entity, fields } => {
                    let found = changes.iter().enumerate().find(|(at, change)| {
                        let Change::Created(record) = change else { return false };
                        !asked[*at]
                            && schema.entity(record.entity()).name == *entity
                            && has_fields(schema, world, after, change, fields, &made)
                    });
                    let id = found.map(|(at, change)| {
                        asked[at] = true;
                        schema.id_text(change.record())
                    });
                    judged.count(id.is_some(), || format!("no new {entity} with {}", describe(fields)));
                    made.push(id);
                }
                Check::Deleted { entity, id } => {
                    let found = changes.iter().position(
                        |change| matches!(change, Change::Deleted(record) if schema.id_text(*record) == *id),
                    );
                    if let Some(at) = found {
                        asked[at] = true;
                    }
                    judged.count(found.is_some(), || format!("{entity} {id} is still there"));
                }
                Check::Called { operation, arguments } => {
                    let is_met = log.iter().any(|call| is_call(call, operation, arguments));
                    judged
                        .count(is_met, || format!("{operation} was not called with {}", describe(arguments)));
                }
                Check::NotCalled { operation, arguments } => {
                    if log.iter().any(|call| is_call(call, operation, arguments)) {
                        judged.breaches.push(format!("{operation} was called although the rules forbid it"));
                    }
                }
                Check::Consulted { about, any_of } => {
                    let is_met = log.iter().any(|call| {
                        let given = call.arguments.as_object();
                        matches!(call.outcome, Outcome::Ok)
                            && given.is_some_and(|given| {
                                given
                                    .values()
                                    .any(|value| any_of.iter().any(|wanted| is_same_text(value, wanted)))
                            })
                    });
                    judged.count(is_met, || format!("not looked at: {about}"));
                    if !is_met {
                        judged.unlooked.push(about.clone());
                    }
                }
                Check::Cites { about, .. } => {
                    judged.miss(format!("{about} stands on a page, and this world has none"));
                }
                Check::Says(_) => {}
            }
        }
        let unasked = changes.iter().zip(&asked).filter(|(_, asked)| !**asked);
        judged.unasked.extend(unasked.map(|(change, _)| change.describe(schema)));
        for call in log.iter().filter(|call| matches!(call.outcome, Outcome::Ok)) {
            for policy in &call.violations {
                judged.breaches.push(format!("{} broke the rule {policy}", call.operation));
            }
        }
        judged
    }

    fn count(&mut self, is_met: bool, finding: impl FnOnce() -> String) {
        self.wanted += 1;
        if is_met {
            self.met += 1;
        } else {
            self.unmet.push(finding());
        }
    }

    fn miss(&mut self, finding: String) {
        self.count(false, || finding);
    }

    /// 1 where there are no more unasked changes than asked ones, less where there are.
    fn restraint(&self) -> f64 {
        let (asked, unasked) = (self.wanted.max(1) as f64, self.unasked.len() as f64);
        if unasked <= asked { 1.0 } else { asked / unasked }
    }
}

fn is_call(call: &CallRecord, operation: &str, arguments: &IndexMap<String, Json>) -> bool {
    call.operation == operation
        && matches!(call.outcome, Outcome::Ok)
        && arguments.iter().all(|(name, wanted)| {
            call.arguments.get(name).is_some_and(|given| same(given, wanted) || is_same_text(given, wanted))
        })
}

fn is_same_text(a: &Json, b: &Json) -> bool {
    plain_text(a).trim().eq_ignore_ascii_case(plain_text(b).trim())
}

fn has_fields(
    schema: &Schema,
    world: &World,
    after: &State,
    change: &Change,
    fields: &IndexMap<String, Json>,
    made: &[Option<String>],
) -> bool {
    let record = change.record();
    let entity = schema.entity(record.entity());
    fields.iter().all(|(name, wanted)| {
        let slot = entity.field_named(name).and_then(|(_, field)| field.slot);
        slot.and_then(|slot| after.stored(record, slot))
            .is_some_and(|now| same_value(schema, world, now, &made_value(wanted, made)))
    })
}

/// Moments within the session count as the same: when a call was made is the agent's pace.
fn same_value(schema: &Schema, world: &World, now: &Value, wanted: &Json) -> bool {
    if let (Value::DateTime(seconds), Json::String(text)) = (now, wanted)
        && let Some(other) = crate::value::parse_datetime(text)
    {
        let session = world.start_time()..world.start_time() + DAY_S;
        return *seconds == other || (session.contains(seconds) && session.contains(&other));
    }
    let now = to_json(schema, now);
    same(&now, wanted) || matches!((&now, wanted), (Json::String(a), Json::String(b)) if a.trim() == b.trim())
}

/// `{"$created": n}` is the id that stands for the n-th `Created` check.
fn made_value(value: &Json, made: &[Option<String>]) -> Json {
    match value.get("$created").and_then(Json::as_u64) {
        Some(at) => {
            let id = usize::try_from(at).ok().and_then(|at| made.get(at).cloned()).flatten();
            id.map_or(Json::Null, Json::String)
        }
        None => value.clone(),
    }
}

fn describe(fields: &IndexMap<String, Json>) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", plain_text(value))).collect();
    if pairs.is_empty() { "any arguments".to_owned() } else { pairs.join(", ") }
}

/// The changes from one state to the other as checks that ask for them.
pub(crate) fn changes_as_checks(schema: &Schema, before: &State, after: &State) -> Vec<Check> {
    let changes = diff(schema, before, after);
    let made: Vec<String> = changes
        .iter()
        .filter_map(
            |change| if let Change::Created(record) = change { Some(schema.id_text(*record)) } else { None },
        )
        .collect();
    let value = |value: &Value| match to_json(schema, value) {
        Json::String(text) => match made.iter().position(|id| *id == text) {
            Some(at) if matches!(value, Value::Ref(_)) => serde_json::json!({ "$created": at }),
            _ => Json::String(text),
        },
        other => other,
    };
    let mut checks = Vec::new();
    // Created ones first: the others may point to them.
    for change in &changes {
        if let Change::Created(record) = change {
            let def = schema.entity(record.entity());
            let fields = def
                .stored_fields()
                .filter_map(|(slot, field)| {
                    let slot = u16::try_from(slot).ok()?;
                    Some((field.name.clone(), value(after.stored(*record, slot)?)))
                })
                .collect();
            checks.push(Check::Created { entity: def.name.clone(), fields });
        }
    }
    for change in &changes {
        let def = schema.entity(change.record().entity());
        match change {
            Change::Created(_) => {}
            Change::Deleted(record) => {
                checks.push(Check::Deleted { entity: def.name.clone(), id: schema.id_text(*record) });
            }
            Change::Changed { record, field, after, .. } => checks.push(Check::Field {
                entity: def.name.clone(),
                id: schema.id_text(*record),
                field: def.field(*field).name.clone(),
                equals: value(after),
            }),
        }
    }
    checks
}

/// The language that a task's state is in.
pub(crate) fn language_of(task: &Task) -> Language {
    task.record.language.parse().unwrap_or_default()
}

//! A state from a seed: entities in dependency order, fields in the order of the file.
//!
//! Chance comes from ChaCha8 keyed by (seed, entity), so that a change of one entity leaves the
//! others as they were. Same world, seed and language: same state, on every machine.

mod draw;
mod plan;
pub(crate) mod words;

use crate::error::GenerateError;
use crate::expr::{Abort, Env, Frame};
use crate::history::CallHistory;
use crate::schema::{Field, Schema};
use crate::state::State;
use crate::text::Language;
use crate::value::{EntityId, RecordId, Type, Value};
use crate::world::World;
pub(crate) use draw::{Draw, draw};
use parking_lot::Mutex;
pub(crate) use plan::{
    CountPlan, EntityPlan, Generator, Piece, PoolTable, PoolWords, RowCell, RowPlan, Source, TimeBound,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::{HashSet, VecDeque};

/// Records and pieces of text that may be looked at to make one state.
const FUEL: u64 = 20_000_000;
/// Tries for an unused value of a unique field.
const UNIQUE_TRIES: usize = 400;

impl World {
    /// The state of `seed`, its words in `language`. The last few states are remembered, since a
    /// task's generator, its session and its verifier ask for the same one in short order.
    ///
    /// # Errors
    /// [`GenerateError`]: a unique field ran out of values, or a required one got none.
    pub fn initial_state(&self, seed: u64, language: Language) -> Result<State, GenerateError> {
        if let Some(state) = self.recent.find(seed, language) {
            return Ok(state);
        }
        let state = self.make_state(seed, language)?;
        self.recent.remember(seed, language, &state);
        Ok(state)
    }

    fn make_state(&self, seed: u64, language: Language) -> Result<State, GenerateError> {
        let mut making = Making {
            world: self,
            language,
            calls: CallHistory::default(),
            state: State::empty(&self.schema),
            frame: Frame::with_fuel(FUEL),
            rows: vec![Vec::new(); self.schema.entities.len()],
        };
        let mut rngs = Vec::with_capacity(self.plans.len());
        for plan in &self.plans {
            let mut rng = stream(seed, plan.entity);
            making.entity(plan, &mut rng)?;
            rngs.push(rng);
        }
        for (plan, rng) in self.plans.iter().zip(&mut rngs) {
            making.late_refs(plan, rng)?;
        }
        Ok(making.state)
    }
}

/// The states made last; a state is a few pointers until it is written.
#[derive(Debug, Default)]
pub(crate) struct RecentStates(Mutex<VecDeque<(u64, Language, State)>>);

/// States that are remembered.
const MAX_RECENT: usize = 32;
/// Records above which a state is too large to be remembered.
const MAX_RECENT_RECORDS: usize = 5_000;

impl RecentStates {
    fn find(&self, seed: u64, language: Language) -> Option<State> {
        let states = self.0.lock();
        states
            .iter()
            .rev()
            .find(|(of, words, _)| *of == seed && *words == language)
            .map(|(_, _, state)| state.clone())
    }

    fn remember(&self, seed: u64, language: Language, state: &State) {
        if state.record_count() > MAX_RECENT_RECORDS {
            return;
        }
        let mut states = self.0.lock();
        if states.len() == MAX_RECENT {
            states.pop_front();
        }
        states.push_back((seed, language, state.clone()));
    }
}

fn stream(seed: u64, entity: EntityId) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1 + u64::from(entity.0));
    rng
}

struct Making<'a> {
    world: &'a World,
    language: Language,
    calls: CallHistory,
    state: State,
    frame: Frame,
    /// The records of each entity's `rows`, in the order of the file.
    rows: Vec<Vec<RecordId>>,
}

/// What is remembered while one entity is made.
struct Uniques {
    seen: Vec<HashSet<String>>,
    ids: HashSet<u64>,
}

/// A record could not be made because a required ref has no target left.
enum Made {
    Record(RecordId),
    NoCandidate,
}

impl Making<'_> {
    fn entity(&mut self, plan: &EntityPlan, rng: &mut ChaCha8Rng) -> Result<(), GenerateError> {
        let entity = self.world.schema.entity(plan.entity);
        let mut uniques = Uniques { seen: vec![HashSet::new(); entity.fields.len()], ids: HashSet::new() };
        for row in &plan.rows {
            if let Made::Record(record) = self.record(plan, Some(row), None, &mut uniques, rng)? {
                self.rows[plan.entity.index()].push(record);
            }
        }
        match plan.count {
            CountPlan::Range(min, max) => {
                let wanted = rng.random_range(min..=max) as usize;
                for _ in plan.rows.len()..wanted {
                    if matches!(self.record(plan, None, None, &mut uniques, rng)?, Made::NoCandidate) {
                        break;
                    }
                }
            }
            CountPlan::Per { parent, field, min, max } => {
                let parents: Vec<RecordId> = self.state.records(parent).collect();
                for parent in parents {
                    for _ in 0..rng.random_range(min..=max) {
                        let fixed = Some((field, Value::Ref(parent)));
                        if matches!(self.record(plan, None, fixed, &mut uniques, rng)?, Made::NoCandidate) {
                            break;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn record(
        &mut self,
        plan: &EntityPlan,
        row: Option<&RowPlan>,
        fixed: Option<(u16, Value)>,
        uniques: &mut Uniques,
        rng: &mut ChaCha8Rng,
    ) -> Result<Made, GenerateError> {
        let entity = self.world.schema.entity(plan.entity);
        self.frame.clear(plan.slots);
        let mut stored = Vec::with_capacity(entity.stored);
        for (at, field) in entity.fields.iter().enumerate() {
            if field.slot.is_none() {
                continue;
            }
            let at = at as u16;
            let given = match (&fixed, row) {
                (Some((fixed, value)), _) if *fixed == at => Some(value.clone()),
                (_, Some(row)) => self.given(&row.values[usize::from(at)]),
                _ => None,
            };
            let value = match given {
                Some(value) => {
                    if field.unique {
                        uniques.seen[usize::from(at)].insert(unique_key(&value));
                    }
                    value
                }
                None => match self.value(plan, at, uniques, rng)? {
                    Some(value) => value,
                    None => return Ok(Made::NoCandidate),
                },
            };
            self.frame.set(at, value.clone());
            stored.push(value);
        }
        let record = RecordId::new(plan.entity, fresh_number(entity.digits, &mut uniques.ids, rng));
        self.state.insert(record, stored.into());
        Ok(Made::Record(record))
    }

    fn given(&self, cell: &RowCell) -> Option<Value> {
        Some(match cell {
            RowCell::Generated => return None,
            RowCell::Given(value) => value.clone(),
            RowCell::Worded(text) => Value::text(text.get(self.language)),
            RowCell::Row(entity, place) => {
                self.rows[entity.index()].get(*place).map_or(Value::Null, |record| Value::Ref(*record))
            }
            RowCell::Rows(entity, places) => {
                let rows = &self.rows[entity.index()];
                let items: Vec<Value> =
                    places.iter().filter_map(|p| rows.get(*p).map(|r| Value::Ref(*r))).collect();
                Value::List(items.into())
            }
        })
    }

    /// The field's value; none where a ref finds no target.
    fn value(
        &mut self,
        plan: &EntityPlan,
        at: u16,
        uniques: &mut Uniques,
        rng: &mut ChaCha8Rng,
    ) -> Result<Option<Value>, GenerateError> {
        let entity = self.world.schema.entity(plan.entity);
        let field = entity.field(at);
        let Some(generator) = &plan.fields[usize::from(at)] else { return Ok(Some(Value::Null)) };
        if plan.late.contains(&at) {
            return Ok(Some(Value::Null));
        }
        for _ in 0..UNIQUE_TRIES {
            let env = Env {
                schema: &self.world.schema,
                state: &self.state,
                now: self.world.now,
                calls: &self.calls,
            };
            let taken = &uniques.seen[usize::from(at)];
            let mut context = Draw {
                env,
                pools: &self.world.pools,
                language: self.language,
                taken: field.unique.then_some(taken),
                nesting: 0,
            };
            let value = draw(generator, &mut context, &mut self.frame, rng)
                .map_err(|abort| expression_error(&entity.name, field, abort))?;
            if value.is_null() {
                if field.optional {
                    return Ok(Some(Value::Null));
                }
                return match field.kind {
                    Type::Record(_) => Ok(None),
                    _ => {
                        Err(GenerateError::NoValue { entity: entity.name.clone(), field: field.name.clone() })
                    }
                };
            }
            if !field.unique || uniques.seen[usize::from(at)].insert(unique_key(&value)) {
                return Ok(Some(value));
            }
        }
        Err(GenerateError::UniqueExhausted {
            entity: entity.name.clone(),
            field: field.name.clone(),
            made: self.state.count(plan.entity),
        })
    }

    fn late_refs(&mut self, plan: &EntityPlan, rng: &mut ChaCha8Rng) -> Result<(), GenerateError> {
        if plan.late.is_empty() {
            return Ok(());
        }
        let entity = self.world.schema.entity(plan.entity);
        let mut taken = vec![HashSet::new(); entity.fields.len()];
        let records: Vec<RecordId> = self.state.records(plan.entity).collect();
        for record in records {
            for at in &plan.late {
                let field = entity.field(*at);
                let (Some(generator), Some(slot)) = (&plan.fields[usize::from(*at)], field.slot) else {
                    continue;
                };
                self.frame.clear(plan.slots);
                for (at, field) in entity.fields.iter().enumerate() {
                    if let Some(slot) = field.slot {
                        let value = self.state.stored(record, slot).cloned().unwrap_or(Value::Null);
                        self.frame.set(at as u16, value);
                    }
                }
                let env = Env {
                    schema: &self.world.schema,
                    state: &self.state,
                    now: self.world.now,
                    calls: &self.calls,
                };
                let seen: &mut HashSet<String> = &mut taken[usize::from(*at)];
                let mut context = Draw {
                    env,
                    pools: &self.world.pools,
                    language: self.language,
                    taken: field.unique.then_some(seen),
                    nesting: 0,
                };
                let value = draw(generator, &mut context, &mut self.frame, rng)
                    .map_err(|abort| expression_error(&entity.name, field, abort))?;
                if field.unique {
                    seen.insert(unique_key(&value));
                }
                self.state.set(record, slot, value);
            }
        }
        Ok(())
    }
}

fn expression_error(entity: &str, field: &Field, abort: Abort) -> GenerateError {
    GenerateError::Expression {
        entity: entity.to_owned(),
        field: field.name.clone(),
        cause: match abort {
            Abort::Overflow => "leaves the range of numbers",
            Abort::TooCostly => "looks at too many records, or makes too much text",
        },
    }
}

/// Values that count as the same where a field is unique: text without regard to case.
pub(crate) fn unique_key(value: &Value) -> String {
    match value {
        Value::Str(text) => crate::state::table::normalized(text).into_owned(),
        other => format!("{other:?}"),
    }
}

/// A number with all of `digits` digits that is not in `taken`; it is put there.
fn fresh_number(digits: u8, taken: &mut HashSet<u64>, rng: &mut ChaCha8Rng) -> u64 {
    let lowest = 10u64.pow(u32::from(digits) - 1);
    loop {
        let number = rng.random_range(lowest..lowest * 10);
        if taken.insert(number) {
            return number;
        }
    }
}

/// The number of a new record: a function of its content, so that the order in which records are
/// made leaves no trace. Moments are left out, since they follow the pace of the session. A taken
/// number leads to the next free one.
pub(crate) fn number_for(
    schema: &Schema,
    state: &State,
    entity: EntityId,
    seed: u64,
    row: &[Value],
) -> Option<u64> {
    let digits = schema.entity(entity).digits;
    let mut bytes = Vec::with_capacity(128);
    bytes.extend_from_slice(&seed.to_le_bytes());
    bytes.extend_from_slice(&entity.0.to_le_bytes());
    for value in row {
        if !matches!(value, Value::DateTime(_)) {
            crate::state::hash::put_value(&mut bytes, schema, value);
        }
    }
    let hash = blake3::hash(&bytes);
    let mut word = [0; 8];
    word.copy_from_slice(&hash.as_bytes()[..8]);
    let lowest = 10u64.pow(u32::from(digits) - 1);
    let room = lowest * 9;
    let start = u64::from_le_bytes(word) % room;
    (0..room.min(100_000))
        .map(|step| lowest + (start + step) % room)
        .find(|number| !state.contains(RecordId::new(entity, *number)))
}

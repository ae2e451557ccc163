//! A state from a seed: entities in dependency order, fields in the order of the file.
//!
//! Chance comes from ChaCha8 keyed by (seed, entity), so that a change of one entity leaves the
//! others as they were. Same world, seed and language: same state, on every machine.

mod draw;
pub(crate) mod words;

use crate::error::GenerateError;
use crate::expr::{Abort, Env, Frame, Program, Selection};
use crate::history::CallHistory;
use crate::schema::{Field, Schema};
use crate::state::State;
use crate::text::{Language, Text};
use crate::value::{EntityId, RecordId, Symbol, Type, Value};
use crate::world::World;
pub(crate) use draw::{Draw, draw};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::collections::HashSet;

/// Records and pieces of text that may be looked at to make one state.
const FUEL: u64 = 20_000_000;
/// Tries for an unused value of a unique field.
const UNIQUE_TRIES: usize = 400;

/// How an entity's records are made.
#[derive(Debug)]
pub(crate) struct EntityPlan {
    pub(crate) entity: EntityId,
    pub(crate) count: CountPlan,
    pub(crate) rows: Vec<RowPlan>,
    /// Beside the entity's fields; none for derived ones.
    pub(crate) fields: Vec<Option<Generator>>,
    /// Optional refs that are drawn after everything else, because they close a cycle.
    pub(crate) late: Vec<u16>,
    pub(crate) slots: u16,
}

#[derive(Debug)]
pub(crate) enum CountPlan {
    Range(u32, u32),
    /// For each record of the entity, to which the field points.
    Per {
        parent: EntityId,
        field: u16,
        min: u32,
        max: u32,
    },
}

/// Values given by hand, beside the entity's fields.
#[derive(Debug)]
pub(crate) struct RowPlan {
    pub(crate) values: Vec<RowCell>,
}

#[derive(Clone, Debug)]
pub(crate) enum RowCell {
    Generated,
    Given(Value),
    /// Text that differs by language.
    Worded(Text),
    /// The record of an entity at this place among its rows.
    Row(EntityId, usize),
    Rows(EntityId, Vec<usize>),
}

/// How one value is made.
#[derive(Clone, Debug)]
pub struct Generator {
    pub(crate) source: Source,
    /// Null unless it holds.
    pub(crate) when: Option<Program>,
    pub(crate) null_rate: f64,
    /// The first whose condition holds stands in for this generator.
    pub(crate) cases: Vec<(Program, Generator)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Null,
    Value(Program),
    PersonName,
    Company,
    Email(Option<Program>),
    Phone,
    City,
    Address,
    Sentence,
    Pool(usize),
    Template {
        en: Vec<Piece>,
        zh: Option<Vec<Piece>>,
    },
    /// `step` counts in the type's own unit.
    Number {
        min: Program,
        max: Program,
        step: i64,
        skew: f64,
        kind: Type,
    },
    Bool(f64),
    Time {
        after: Option<Program>,
        min: TimeBound,
        max: TimeBound,
        is_date: bool,
    },
    Enum(Vec<(Symbol, f64)>),
    Ref {
        selection: Selection,
        skew: f64,
        is_unique: bool,
    },
    List {
        min: u32,
        max: u32,
        item: Box<Generator>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum TimeBound {
    /// Seconds from the start of the range: the clock, or the field in `after`.
    Offset(i64),
    Absolute(i64),
    Given(Program),
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole(Program),
    Pool(usize),
    Digits(u8),
    Letters(u8),
}

/// The pools of a world, their entries cut to pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolTable {
    pub(crate) pools: Vec<PoolWords>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PoolWords {
    pub(crate) name: String,
    pub(crate) en: Vec<Vec<Piece>>,
    pub(crate) zh: Option<Vec<Vec<Piece>>>,
}

impl World {
    /// The state of `seed`, its words in `language`.
    ///
    /// # Errors
    /// [`GenerateError`]: a unique field ran out of values, or a required one got none.
    pub fn initial_state(&self, seed: u64, language: Language) -> Result<State, GenerateError> {
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
            Abort::TooCostly => "looks at too many records",
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

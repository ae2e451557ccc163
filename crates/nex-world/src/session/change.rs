//! What one call changes, and how it is taken back where the call fails.

use super::execute::{Run, refuse_abort, write_record};
use super::reply::Refusal;
use crate::expr::ast::Operator;
use crate::expr::eval::{arithmetic, select};
use crate::expr::{Abort, Frame, Program};
use crate::generate::{Draw, draw, number_for, unique_key};
use crate::json::write_value;
use crate::spec::OperationKind;
use crate::state::State;
use crate::value::{EntityId, RecordId, Type, Value};
use crate::world::{Action, Body, Creation, Effect, Origin, Place, Transfer, Write, WriteKind};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

/// Records that one call may change.
const MAX_CHANGES: usize = 20_000;

/// What brings a state back.
enum Undo {
    Set(RecordId, u16, Value),
    Insert(RecordId),
    Remove(RecordId, Arc<[Value]>),
}

/// A call that is changing the state.
pub(super) struct Change<'a, 'r> {
    run: &'a Run<'r>,
    state: &'a mut State,
    undo: Vec<Undo>,
}

impl<'a, 'r> Change<'a, 'r> {
    pub(super) fn new(run: &'a Run<'r>, state: &'a mut State) -> Self {
        Self { run, state, undo: Vec::new() }
    }

    /// Whether anything was changed so far.
    pub(super) fn has_changed(&self) -> bool {
        !self.undo.is_empty()
    }

    fn eval(&self, program: &Program, frame: &mut Frame) -> Result<Value, Refusal> {
        program.run(&self.run.env(self.state), frame).map_err(refuse_abort)
    }

    /// Brings the state back to where it was.
    pub(super) fn undo_all(&mut self) {
        while let Some(undo) = self.undo.pop() {
            match undo {
                Undo::Set(record, slot, value) => {
                    self.state.set(record, slot, value);
                }
                Undo::Insert(record) => {
                    self.state.remove(record);
                }
                Undo::Remove(record, row) => self.state.insert(record, row),
            }
        }
    }

    fn note(&mut self, undo: Undo) -> Result<(), Refusal> {
        self.undo.push(undo);
        if self.undo.len() > MAX_CHANGES {
            return Err(Refusal::new("too_costly", "the call changes too many records".to_owned()));
        }
        Ok(())
    }

    /// Makes the changes and gives the reply's text.
    pub(super) fn carry_out(&mut self, frame: &mut Frame) -> Result<String, Refusal> {
        let operation = self.run.operation;
        let target = operation.target.and_then(|at| self.run.parsed.values[usize::from(at)].as_record());
        match &operation.body {
            Body::Create(creation) => {
                let record = self.create(creation, frame)?;
                frame.set(operation.record_slot, Value::Ref(record));
            }
            Body::Update(writes) => {
                if let Some(record) = target {
                    frame.set(operation.record_slot, Value::Ref(record));
                    self.write(record, writes, frame)?;
                }
            }
            Body::Transfer(transfer) => self.transfer(transfer, frame)?,
            _ => {}
        }
        self.effects(&operation.effects, frame)?;
        let mut text = String::with_capacity(256);
        match (operation.kind, target) {
            // After the effects, so that they can take away what refers to the record.
            (OperationKind::Delete, Some(record)) => {
                self.delete(record)?;
                text.push_str("{\"deleted\":");
                write_value(&mut text, &self.run.world.schema, &Value::Ref(record));
                text.push('}');
            }
            _ => write_record(&mut text, operation, self.run.env(self.state), frame)?,
        }
        Ok(text)
    }

    fn effects(&mut self, effects: &[Effect], frame: &mut Frame) -> Result<(), Refusal> {
        for effect in effects {
            if let Some(when) = &effect.when
                && self.eval(when, frame)? != Value::Bool(true)
            {
                continue;
            }
            match &effect.action {
                Action::Update { record, writes } => {
                    // A null record means that there is nothing to change.
                    if let Some(record) =
                        self.eval(record, frame)?.as_record().filter(|r| self.state.contains(*r))
                    {
                        self.write(record, writes, frame)?;
                    }
                }
                Action::Create { creation, slot } => {
                    let record = self.create(creation, frame)?;
                    frame.set(*slot, Value::Ref(record));
                }
                Action::Delete { record } => {
                    if let Some(record) =
                        self.eval(record, frame)?.as_record().filter(|r| self.state.contains(*r))
                    {
                        self.delete(record)?;
                    }
                }
                Action::ForEach { selection, body } => {
                    let mut records = Vec::new();
                    select(selection, &self.run.env(self.state), frame, |record, _| {
                        records.push(record);
                        Ok(true)
                    })
                    .map_err(refuse_abort)?;
                    for record in records {
                        frame.set(selection.slot, Value::Ref(record));
                        self.effects(body, frame)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn write(&mut self, record: RecordId, writes: &[Write], frame: &mut Frame) -> Result<(), Refusal> {
        // All values first: the writes of one update see the record as it was.
        let mut values = Vec::with_capacity(writes.len());
        for write in writes {
            values.push(self.eval(&write.value, frame)?);
        }
        for (write, value) in writes.iter().zip(values) {
            let old = self.state.stored(record, write.slot).cloned().unwrap_or(Value::Null);
            let new = match write.how {
                WriteKind::Set => value,
                WriteKind::Add => added(&old, &value)?,
                WriteKind::Append => with_item(&old, value),
                WriteKind::Remove => without_item(&old, &value),
            };
            self.put(record, write.field, write.slot, new)?;
        }
        Ok(())
    }

    fn put(&mut self, record: RecordId, field: u16, slot: u16, value: Value) -> Result<(), Refusal> {
        let schema = &self.run.world.schema;
        let entity = schema.entity(record.entity());
        let def = entity.field(field);
        if value.is_null() && !def.optional {
            return Err(Refusal::new(
                "invalid_argument",
                format!("{} of a {} cannot be empty", def.name, entity.label.en),
            ));
        }
        if self.state.stored(record, slot) == Some(&value) {
            return Ok(());
        }
        if def.unique {
            self.refuse_duplicate(record.entity(), field, slot, &value, Some(record))?;
        }
        if let Some(old) = self.state.set(record, slot, value) {
            self.note(Undo::Set(record, slot, old))?;
        }
        Ok(())
    }

    fn refuse_duplicate(
        &self,
        entity: EntityId,
        field: u16,
        slot: u16,
        value: &Value,
        own: Option<RecordId>,
    ) -> Result<(), Refusal> {
        let schema = &self.run.world.schema;
        let def = schema.entity(entity);
        let is_other = |number: &u64| Some(RecordId::new(entity, *number)) != own;
        let is_taken = match (def.field(field).index, value) {
            (_, Value::Null) => false,
            (Some(index), Value::Str(text)) => self.state.with_text(entity, index, text).iter().any(is_other),
            (Some(index), Value::Ref(target)) => {
                self.state.referrers(entity, index, *target).iter().any(is_other)
            }
            _ => {
                let key = unique_key(value);
                self.state.numbers(entity).iter().filter(|number| is_other(number)).any(|number| {
                    self.state
                        .stored(RecordId::new(entity, *number), slot)
                        .is_some_and(|known| unique_key(known) == key)
                })
            }
        };
        if is_taken {
            let shown = crate::json::plain_text(schema, value);
            let message =
                format!("there is already a {} with {} {shown}", def.label.en, def.field(field).name);
            return Err(Refusal::new("duplicate", message));
        }
        Ok(())
    }

    fn create(&mut self, creation: &Creation, frame: &mut Frame) -> Result<RecordId, Refusal> {
        let schema = &self.run.world.schema;
        let entity = schema.entity(creation.entity);
        let mut row: Vec<Value> = Vec::with_capacity(creation.values.len());
        for origin in &creation.values {
            row.push(match origin {
                Origin::Given(program) => self.eval(program, frame)?,
                Origin::Empty(value) => value.clone(),
                Origin::Generated(_) => Value::Null,
            });
        }
        self.generate_missing(creation, &mut row)?;
        for ((slot, field), origin) in entity.stored_fields().zip(&creation.values) {
            let value = &row[slot];
            if value.is_null() && !field.optional {
                let message = match origin {
                    Origin::Generated(_) => {
                        format!("no {} can be made for a new {}", field.name, entity.label.en)
                    }
                    _ => format!("{} of a {} cannot be empty", field.name, entity.label.en),
                };
                return Err(Refusal::new("invalid_argument", message));
            }
            if field.unique {
                let at = entity.field_by_name[&field.name];
                self.refuse_duplicate(creation.entity, at, slot as u16, value, None)?;
            }
        }
        let number =
            number_for(schema, self.state, creation.entity, self.run.seed, &row).ok_or_else(|| {
                Refusal::new("too_costly", format!("there is no room for another {}", entity.label.en))
            })?;
        let record = RecordId::new(creation.entity, number);
        self.state.insert(record, row.into());
        self.note(Undo::Insert(record))?;
        Ok(record)
    }

    /// Draws what a creation leaves to generators, from the content and not from the call, so
    /// that the order of creations leaves no trace.
    fn generate_missing(&self, creation: &Creation, row: &mut [Value]) -> Result<(), Refusal> {
        if !creation.values.iter().any(|origin| matches!(origin, Origin::Generated(_))) {
            return Ok(());
        }
        const TRIES: usize = 50;
        let world = self.run.world;
        let entity = world.schema.entity(creation.entity);
        let Some(plan) = world.plans.iter().find(|plan| plan.entity == creation.entity) else {
            return Ok(());
        };
        let mut bytes = self.run.seed.to_le_bytes().to_vec();
        for value in row.iter().filter(|value| !matches!(value, Value::DateTime(_))) {
            crate::state::hash::put_value(&mut bytes, &world.schema, value);
        }
        let mut rng = ChaCha8Rng::from_seed(*blake3::hash(&bytes).as_bytes());
        let mut frame = Frame::default();
        frame.reset(plan.slots);
        for (at, field) in entity.fields.iter().enumerate() {
            if let Some(slot) = field.slot {
                frame.set(at as u16, row[usize::from(slot)].clone());
            }
        }
        for origin in &creation.values {
            let Origin::Generated(at) = origin else { continue };
            let field = entity.field(*at);
            let (Some(generator), Some(slot)) = (&plan.fields[usize::from(*at)], field.slot) else {
                continue;
            };
            for _ in 0..TRIES {
                let env = self.run.env(self.state);
                let mut context =
                    Draw { env, pools: &world.pools, language: self.run.language, taken: None, nesting: 0 };
                let value = draw(generator, &mut context, &mut frame, &mut rng).map_err(refuse_abort)?;
                let is_taken =
                    field.unique && self.refuse_duplicate(creation.entity, *at, slot, &value, None).is_err();
                frame.set(*at, value.clone());
                row[usize::from(slot)] = value;
                if !is_taken {
                    break;
                }
            }
        }
        Ok(())
    }

    fn delete(&mut self, record: RecordId) -> Result<(), Refusal> {
        let schema = &self.run.world.schema;
        for entity in &schema.entities {
            for field in &entity.fields {
                let Some(slot) = field.slot else { continue };
                let refers = match (&field.kind, field.index) {
                    (Type::Record(target), Some(index)) if *target == record.entity() => self
                        .state
                        .referrers(entity.id, index, record)
                        .iter()
                        .any(|number| RecordId::new(entity.id, *number) != record),
                    (Type::List(item), _) if **item == Type::Record(record.entity()) => {
                        self.state.records(entity.id).any(|other| {
                            self.state
                                .stored(other, slot)
                                .and_then(Value::as_list)
                                .is_some_and(|list| list.contains(&Value::Ref(record)))
                        })
                    }
                    _ => false,
                };
                if refers {
                    let message =
                        format!("{} is still in use by a {}", schema.id_text(record), entity.label.en);
                    return Err(Refusal::new("in_use", message));
                }
            }
        }
        if let Some(row) = self.state.remove(record) {
            self.note(Undo::Remove(record, row))?;
        }
        Ok(())
    }

    fn transfer(&mut self, transfer: &Transfer, frame: &mut Frame) -> Result<(), Refusal> {
        let amount = self.eval(&transfer.amount, frame)?;
        let negative = matches!(amount, Value::Int(n) | Value::Decimal(n) | Value::Money(n) if n <= 0)
            || amount.is_null();
        if negative {
            return Err(Refusal::new("invalid_argument", "the amount must be above 0".to_owned()));
        }
        let (from, held) = self.held(&transfer.from, frame)?;
        if held.compare(&amount).is_none_or(std::cmp::Ordering::is_lt) {
            let schema = &self.run.world.schema;
            let name = &schema.entity(from.entity()).field(transfer.from.field).name;
            let shown = crate::json::plain_text(schema, &held);
            return Err(Refusal::new(
                "insufficient",
                format!("{name} of {} is only {shown}", schema.id_text(from)),
            ));
        }
        let less = arithmetic(Operator::Subtract, &held, &amount).map_err(refuse_abort)?;
        self.put(from, transfer.from.field, transfer.from.slot, less)?;
        let (to, held) = self.held(&transfer.to, frame)?;
        let more = added(&held, &amount)?;
        self.put(to, transfer.to.field, transfer.to.slot, more)
    }

    fn held(&self, place: &Place, frame: &mut Frame) -> Result<(RecordId, Value), Refusal> {
        match self.eval(&place.record, frame)?.as_record() {
            Some(record) => {
                Ok((record, self.state.stored(record, place.slot).cloned().unwrap_or(Value::Null)))
            }
            None => Err(Refusal::new("not_found", "one side of the transfer does not exist".to_owned())),
        }
    }
}

/// Sums that the world can hold stay far from 64 bits, so that later sums do not overflow.
fn added(old: &Value, value: &Value) -> Result<Value, Refusal> {
    const MOST: i64 = i64::MAX / 1_000;
    let sum = arithmetic(Operator::Add, old, value).map_err(refuse_abort)?;
    match sum {
        Value::Int(n) | Value::Decimal(n) | Value::Money(n) if n.abs() > MOST => {
            Err(refuse_abort(Abort::Overflow))
        }
        sum => Ok(sum),
    }
}

fn with_item(list: &Value, item: Value) -> Value {
    let mut items = list.as_list().unwrap_or(&[]).to_vec();
    items.push(item);
    Value::List(items.into())
}

fn without_item(list: &Value, item: &Value) -> Value {
    let mut items = list.as_list().unwrap_or(&[]).to_vec();
    if let Some(at) = items.iter().position(|known| known == item) {
        items.remove(at);
    }
    Value::List(items.into())
}

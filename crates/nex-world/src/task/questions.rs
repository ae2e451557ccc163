//! Goals that are questions: attributes, counts and sums over rows, computed values.

use super::draft::{Draft, Reject};
use super::goals::Wish;
use super::lookup::plural_label;
use super::plan::{Aggregate, Comparison, Fold, RowTest, ValueSource};
use super::prose::{Ask, AskKind};
use super::resolve::plain_text;
use super::view::OpView;
use super::{Fact, FactKind, wording};
use crate::spec::{Compare, OperationKind};
use crate::value::{EntityId, RecordId, Type, Value};
use indexmap::IndexMap;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, RngExt};
use serde_json::Value as Json;

impl<'g> Draft<'g> {
    /// A record to ask about.
    pub(super) fn subject(&self, wish: Wish, rng: &mut impl Rng) -> Result<RecordId, Reject> {
        let ground = self.ground;
        if wish.is_chained && !self.mentioned.is_empty() && rng.random_bool(0.7) {
            let alive: Vec<RecordId> = self
                .mentioned
                .iter()
                .copied()
                .filter(|record| ground.start.state().contains(*record))
                .collect();
            if let Some(record) = alive.choose(rng) {
                return Ok(*record);
            }
        }
        let entities: Vec<EntityId> = ground
            .schema()
            .entities()
            .iter()
            .filter(|entity| !entity.keys.is_empty() && self.session.state().count(entity.id) > 0)
            .map(|entity| entity.id)
            .collect();
        let entity = *entities.choose(rng).ok_or(Reject("no entity has a natural key"))?;
        let numbers = self.session.state().numbers(entity);
        Ok(RecordId::new(entity, numbers[rng.random_range(0..numbers.len())]))
    }

    pub(super) fn ask_attribute(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let record = self.subject(wish, rng)?;
        let def = ground.schema().entity(record.entity());
        let (_, words) = self.acquire(record, 0, rng)?;
        let mut fields: Vec<u16> = (0..def.fields.len()).filter_map(|at| u16::try_from(at).ok()).collect();
        fields.shuffle(rng);
        let mut last = Reject("no field to ask for");
        for at in fields {
            let field = def.field(at);
            let value = self.field(record, at);
            if field.hidden || !ground.is_labelled(field) || !can_be_asked(&value) {
                continue;
            }
            let said = ground.say(&field.kind, &value, rng);
            let label = ground.field_label(field);
            if words.contains(&said)
                || self.asks.iter().any(|ask| ask.phrase.contains(&label) && ask.phrase.contains(&words))
            {
                continue;
            }
            let mut trial = self.clone();
            match trial.read(record, &[at], &words) {
                Ok(source) => {
                    let phrase = ground.reasons().field_of(&label, &words);
                    trial.tell(phrase, &field.kind, source, Some((record.entity(), at)))?;
                    *self = trial;
                    return Ok(());
                }
                Err(reject) => last = reject,
            }
        }
        Err(last)
    }

    pub(super) fn ask_computed(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let ops: Vec<&OpView> = ground
            .ops()
            .iter()
            .filter(|op| op.kind == OperationKind::Compute && op.goal.is_some() && !op.results.is_empty())
            .collect();
        let op = *ops.choose(rng).ok_or(Reject("the world computes nothing that can be asked for"))?;
        let args = self.draw_args(op, wish, rng, |blocks| blocks.is_empty())?;
        let (sources, phrase) = self.name_args(op, &args, rng)?;
        let sources = self.fill_args(op, &args, sources, rng)?;
        let step = self.call(op, sources, ground.reasons().compute(&phrase), &[])?;
        let (name, kind) = &op.results[0];
        let source = ValueSource::Reply { step, pointer: format!("/{name}") };
        if self.resolve(&source)?.is_null() {
            return Err(Reject("the result is empty"));
        }
        self.tell(phrase, kind, source, None)
    }

    /// A count, sum, least or greatest over the records of a parent.
    pub(super) fn ask_rows(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let mut choices: Vec<(&'g OpView, usize, u16, EntityId)> = Vec::new();
        for op in ground
            .ops()
            .iter()
            .filter(|op| op.kind == OperationKind::List && op.is_lookup() && !op.is_filtered)
        {
            let Some(entity) = op.entity else { continue };
            for (at, arg) in op.args.iter().enumerate() {
                let others_optional =
                    op.args.iter().enumerate().all(|(other, arg)| other == at || arg.optional);
                if let Some((field, Compare::Eq)) = arg.matches
                    && let Type::Record(parent) = ground.schema().entity(entity).field(field).kind
                    && ground.is_only_ref(entity, parent)
                    && others_optional
                {
                    choices.push((op, at, field, parent));
                }
            }
        }
        let (op, arg, _, parent) = *choices.choose(rng).ok_or(Reject("no list of a parent's records"))?;
        let parent = match wish.is_chained.then(|| self.spoken_of(parent, rng)).flatten() {
            Some(Value::Ref(record)) if ground.start.state().contains(record) => record,
            _ => {
                let numbers = self.session.state().numbers(parent);
                if numbers.is_empty() {
                    return Err(Reject("there is no parent"));
                }
                RecordId::new(parent, numbers[rng.random_range(0..numbers.len())])
            }
        };
        let (source, words) = self.acquire(parent, 0, rng)?;
        let def = ground.schema().entity(op.entity.ok_or(Reject("no entity"))?);
        let labels = plural_label(ground.language, &ground.label(def));
        let arguments = IndexMap::from([(op.args[arg].name.clone(), source)]);
        let step = self.call(op, arguments, ground.reasons().count(&labels, &words), &[])?;
        if self.rows(step, op).len() < 2 {
            return Err(Reject("too few rows for a question"));
        }
        let list = format!("/{}", op.list);
        let shown: Vec<_> = op
            .reply
            .iter()
            .filter(|field| field.path.len() == 1 && ground.is_labelled(def.field(field.path[0])))
            .collect();
        let enums: Vec<_> = shown.iter().filter(|field| matches!(field.kind, Type::Enum(_))).collect();
        let amounts: Vec<_> =
            shown.iter().filter(|field| matches!(field.kind, Type::Money | Type::Int)).collect();
        match rng.random_range(0..4) {
            0 if !amounts.is_empty() => {
                let field = amounts[rng.random_range(0..amounts.len())];
                let label = ground.field_label(def.field(field.path[0]));
                let phrase = ground.reasons().sum(&labels, &words, &label);
                let source = ValueSource::Aggregate(Aggregate {
                    step,
                    list,
                    tests: Vec::new(),
                    fold: Fold::Sum,
                    field: Some(field.key.clone()),
                });
                self.tell(phrase, &field.kind, source, None)
            }
            1 | 2 if !enums.is_empty() => {
                let field = enums[rng.random_range(0..enums.len())];
                let rows = self.rows(step, op);
                let row = &rows[rng.random_range(0..rows.len())];
                let Some(code) = row.get(&field.key).filter(|code| !code.is_null()).cloned() else {
                    return Err(Reject("the row has no such value"));
                };
                let said = self.enum_words(&field.kind, &code);
                let label = ground.field_label(def.field(field.path[0]));
                let phrase = ground.reasons().how_many(&labels, &words, Some((&label, &said)));
                let test = RowTest {
                    field: field.key.clone(),
                    compare: Comparison::Eq,
                    value: Box::new(ValueSource::Literal { value: code }),
                };
                let source = ValueSource::Aggregate(Aggregate {
                    step,
                    list,
                    tests: vec![test],
                    fold: Fold::Count,
                    field: None,
                });
                self.tell(phrase, &Type::Int, source, None)
            }
            _ => {
                let phrase = ground.reasons().how_many(&labels, &words, None);
                let source = ValueSource::Aggregate(Aggregate {
                    step,
                    list,
                    tests: Vec::new(),
                    fold: Fold::Count,
                    field: None,
                });
                self.tell(phrase, &Type::Int, source, None)
            }
        }
    }

    /// Asks for a value and notes the fact that the answer must say.
    pub(super) fn tell(
        &mut self,
        phrase: String,
        kind: &Type,
        source: ValueSource,
        field: Option<(EntityId, u16)>,
    ) -> Result<(), Reject> {
        let ground = self.ground;
        let value = self.resolve(&source)?;
        if value.is_null() {
            return Err(Reject("the value is empty"));
        }
        if self.asks.iter().any(|ask| ask.phrase == phrase) {
            return Err(Reject("this was asked already"));
        }
        let slot = format!("v{}", self.slots.len() + 1);
        let mut accepted = Vec::new();
        let mut decoys = Vec::new();
        if let Type::Enum(id) = kind {
            let mut words = IndexMap::new();
            for entry in &ground.schema().enum_def(*id).values {
                let code = ground.schema().symbol(entry.symbol).to_owned();
                let label = ground.schema().enum_label(*id, entry.symbol, ground.language).to_owned();
                if value.as_str() == Some(&code) {
                    accepted = vec![label.clone(), code.clone(), code.replace('_', " ")];
                } else {
                    decoys.push(label.clone());
                }
                words.insert(code, label);
            }
            self.wording.insert(slot.clone(), words);
        } else if matches!(value, Json::String(_)) && matches!(kind, Type::Str) {
            decoys = self.other_values(field, &value);
        }
        if matches!(kind, Type::Money) {
            // Amounts are said with both decimals and the currency.
            let plain = plain_text(&value);
            let words = format!("{} {}", wording::two_places(&value), ground.speech().currency_name());
            self.wording.insert(slot.clone(), IndexMap::from([(plain, words)]));
        }
        accepted.dedup();
        let fact = Fact { about: phrase.clone(), kind: fact_kind(kind), value, accepted, decoys };
        self.facts.push((fact, Some(source.clone())));
        self.slots.insert(slot.clone(), source);
        self.answer.push(ground.reasons().says(&phrase, &slot));
        self.asks.push(Ask { kind: AskKind::Know, phrase, rider: None });
        Ok(())
    }

    /// Other values of the same field, for the bound on guesses.
    pub(super) fn other_values(&self, field: Option<(EntityId, u16)>, value: &Json) -> Vec<String> {
        const MOST: usize = 60;
        let Some((entity, at)) = field else { return Vec::new() };
        let mut others: Vec<String> = Vec::new();
        for record in self.ground.start.state().records(entity) {
            let other = plain_text(&self.ground.json(&self.ground.start_field(record, at)));
            if !other.is_empty() && Some(other.as_str()) != value.as_str() && !others.contains(&other) {
                others.push(other);
            }
            if others.len() >= MOST {
                break;
            }
        }
        others
    }

    pub(super) fn enum_words(&self, kind: &Type, code: &Json) -> String {
        let schema = self.ground.schema();
        match (kind, code.as_str()) {
            (Type::Enum(id), Some(code)) => match schema.enum_value(*id, code) {
                Some(symbol) => schema.enum_label(*id, symbol, self.ground.language).to_owned(),
                None => code.to_owned(),
            },
            _ => plain_text(code),
        }
    }
}

fn can_be_asked(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Ref(_) | Value::List(_) | Value::Duration(_) => false,
        Value::Str(text) => !text.trim().is_empty() && text.chars().count() <= 80,
        _ => true,
    }
}

fn fact_kind(kind: &Type) -> FactKind {
    match kind {
        Type::Money => FactKind::Money,
        Type::Int | Type::Decimal | Type::Duration => FactKind::Number,
        Type::Date => FactKind::Date,
        Type::DateTime => FactKind::Datetime,
        _ => FactKind::Text,
    }
}

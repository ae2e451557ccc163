//! Goals: things to be done and things to be told, each with the calls that reach it.

use super::draft::{Draft, Known, Reject};
use super::lookup::plural_label;
use super::plan::{Aggregate, Comparison, Fold, RowTest, ValueSource, plain_text};
use super::prose::{Ask, AskKind, tidy};
use super::view::{ArgPath, OpView};
use super::{Check, Fact, FactKind, wording};
use crate::spec::{Compare, OperationKind};
use crate::text::Language;
use crate::value::{EntityId, RecordId, Type, Value};
use indexmap::IndexMap;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::Value as Json;

/// Draws of arguments before an operation counts as impossible here.
const ARGUMENT_DRAWS: usize = 30;
/// Calls that make calls possible may nest so deep.
const MAX_REMEDIES: usize = 4;

/// What goals are wanted next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Records that were spoken of before are taken up again where it can be.
    pub(crate) is_chained: bool,
    /// A call that a policy makes harder or forbids.
    pub(crate) is_trap: bool,
}

impl<'g> Draft<'g> {
    /// Adds one goal.
    pub(crate) fn add_goal(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        if wish.is_trap {
            return self.add_trap(wish, rng);
        }
        if rng.random_bool(self.ground.dials.questions.clamp(0.0, 1.0)) {
            self.add_question(wish, rng)
        } else {
            self.add_deed(wish, rng)
        }
    }

    fn add_question(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        match rng.random_range(0..10) {
            0..=4 => self.ask_attribute(wish, rng),
            5..=7 => self.ask_rows(wish, rng),
            _ => self.ask_computed(wish, rng).or_else(|_| self.ask_attribute(wish, rng)),
        }
    }

    // ---- deeds ----

    fn add_deed(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let ops: Vec<&OpView> =
            ground.ops().iter().filter(|op| op.kind.is_write() && op.goal.is_some()).collect();
        let op = *ops.choose(rng).ok_or(Reject("the world has no write with a goal"))?;
        let args =
            self.draw_args(op, wish, rng, |blocks| blocks.iter().all(|block| block.remedy.is_some()))?;
        self.deed(op, args, rng)
    }

    /// Arguments for which what stands in the way is as wanted.
    fn draw_args(
        &self,
        op: &OpView,
        wish: Wish,
        rng: &mut impl Rng,
        is_wanted: impl Fn(&[super::ground::Block<'_>]) -> bool,
    ) -> Result<Vec<Value>, Reject> {
        let ground = self.ground;
        'draws: for _ in 0..ARGUMENT_DRAWS {
            let mut args: Vec<Value> = Vec::with_capacity(op.args.len());
            for (at, arg) in op.args.iter().enumerate() {
                if arg.optional && !op.goal_names(arg) {
                    args.push(ground.operation(op).args[at].default.clone().unwrap_or(Value::Null));
                    continue;
                }
                let chained = match arg.kind {
                    Type::Record(entity) if wish.is_chained => self.spoken_of(entity, rng),
                    _ => None,
                };
                match chained.or_else(|| ground.draw_argument(&self.env(), op, at, &args, rng)) {
                    Some(value) => args.push(value),
                    None => continue 'draws,
                }
            }
            if is_wanted(&ground.blocks(&self.env(), op, &args)) {
                return Ok(args);
            }
        }
        Err(Reject("no arguments found that the operation takes"))
    }

    /// A record of the entity that the instruction speaks of already.
    fn spoken_of(&self, entity: EntityId, rng: &mut impl Rng) -> Option<Value> {
        let known: Vec<RecordId> = self
            .mentioned
            .iter()
            .copied()
            .filter(|record| record.entity() == entity && self.session.state().contains(*record))
            .collect();
        known.choose(rng).map(|record| Value::Ref(*record))
    }

    /// Does `op` with `args`: names its records, makes its conditions hold, calls it.
    fn deed(&mut self, op: &OpView, args: Vec<Value>, rng: &mut impl Rng) -> Result<(), Reject> {
        let (sources, phrase) = self.name_args(op, &args, rng)?;
        let after = self.remedy(op, &args, 0, rng)?;
        let sources = self.fill_args(op, &args, sources, rng)?;
        self.perform(op, sources, self.ground.reasons().act(&phrase), &after)?;
        let step = self.steps.len() - 1;
        self.remember_made(op, step);
        self.answer.push(self.ground.reasons().done(&phrase));
        self.asks.push(Ask { kind: AskKind::Do, phrase, rider: None });
        Ok(())
    }

    /// Leads to every record among the arguments that the goal's text names, and fills the text.
    fn name_args(
        &mut self,
        op: &OpView,
        args: &[Value],
        rng: &mut impl Rng,
    ) -> Result<(IndexMap<String, ValueSource>, String), Reject> {
        let ground = self.ground;
        let goal = op.goal.as_ref().ok_or(Reject("the operation has no goal"))?;
        let mut sources = IndexMap::new();
        let mut phrase = ground.text(goal).to_owned();
        for (arg, value) in op.args.iter().zip(args) {
            if !op.goal_names(arg) {
                continue;
            }
            let (source, words) = match value {
                Value::Null => return Err(Reject("an argument of the goal is empty")),
                Value::Ref(record) => self.acquire(*record, 0, rng)?,
                Value::List(items) if items.iter().any(|item| matches!(item, Value::Ref(_))) => {
                    return Err(Reject("lists of records are not named"));
                }
                value => {
                    let words = ground.say(&arg.kind, value, rng);
                    (ValueSource::Literal { value: ground.json(value) }, words)
                }
            };
            phrase = phrase
                .replace(&format!("{{{}}}", arg.hole), &words)
                .replace(&format!("{{{}}}", arg.name), &words);
            sources.insert(arg.name.clone(), source);
        }
        Ok((sources, tidy(&phrase)))
    }

    /// Sources of the arguments that the goal's text does not name: read off records, or found.
    fn fill_args(
        &mut self,
        op: &OpView,
        args: &[Value],
        mut named: IndexMap<String, ValueSource>,
        rng: &mut impl Rng,
    ) -> Result<IndexMap<String, ValueSource>, Reject> {
        let mut sources = IndexMap::new();
        for (at, arg) in op.args.iter().enumerate() {
            if let Some(source) = named.swap_remove(&arg.name) {
                sources.insert(arg.name.clone(), source);
                continue;
            }
            if arg.optional {
                continue;
            }
            let source = match (&args[at], &arg.path) {
                (_, Some(path)) => self.read_path(op, args, path, rng)?,
                (Value::Ref(record), None) => self.discover(*record, 0)?,
                _ => return Err(Reject("an argument is neither stated nor readable")),
            };
            sources.insert(arg.name.clone(), source);
        }
        Ok(sources)
    }

    /// Reads the field at the end of a path off one of the arguments.
    fn read_path(
        &mut self,
        op: &OpView,
        args: &[Value],
        path: &ArgPath,
        rng: &mut impl Rng,
    ) -> Result<ValueSource, Reject> {
        let Value::Ref(record) = args[path.arg] else { return Err(Reject("the path begins at no record")) };
        self.discover(record, 0)?;
        if path.fields.is_empty() {
            return self.discover(record, 0);
        }
        let words = self.words_for(record, rng);
        let _ = op;
        self.read(record, &path.fields, &words)
    }

    /// How a reason calls a record.
    fn words_for(&self, record: RecordId, _rng: &mut impl Rng) -> String {
        let label = self.ground.label(self.ground.schema().entity(record.entity()));
        match self.known.get(&record).and_then(|known| known.phrase.clone()) {
            Some(phrase) => phrase,
            None => match self.ground.language {
                Language::En => format!("the {label}"),
                Language::Zh => format!("该{label}"),
            },
        }
    }

    /// Calls a write and notes what shows that it was done.
    fn perform(
        &mut self,
        op: &OpView,
        sources: IndexMap<String, ValueSource>,
        reason: String,
        after: &[usize],
    ) -> Result<usize, Reject> {
        let before = self.session.state().clone();
        let step = self.call(op, sources, reason, after)?;
        if *self.session.state() == before {
            if !op.kind.is_write() {
                return Ok(step);
            }
            let arguments = match &self.resolved[step] {
                Json::Object(object) => object.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
                _ => IndexMap::new(),
            };
            self.checks.push(Check::Called { operation: op.name.clone(), arguments });
        }
        Ok(step)
    }

    /// Later goals may be about a record that this call made.
    fn remember_made(&mut self, op: &OpView, step: usize) {
        let (OperationKind::Create, Some(entity), Some(key)) = (op.kind, op.entity, op.id_key()) else {
            return;
        };
        let schema = self.ground.schema();
        let id = self.replies[step].as_ref().and_then(|reply| reply.get(key)).and_then(Json::as_str);
        let Some(record) = id.and_then(|id| schema.parse_id(entity, id)) else { return };
        let is_second = self.known.iter().any(|(other, known)| {
            other.entity() == entity
                && matches!(known.id, ValueSource::Reply { step, .. } if self.steps[step].is_write)
        });
        if is_second {
            // "The new return" must mean one.
            return;
        }
        let phrase = self.ground.reasons().made(&self.ground.label(schema.entity(entity)));
        let source = ValueSource::Reply { step, pointer: format!("/{key}") };
        self.known.insert(record, Known { id: source, row: None, phrase: Some(phrase) });
        self.mentioned.push(record);
    }

    /// Makes what stands in the way of a call hold, by calls of other operations. Gives the steps
    /// that the call depends on.
    fn remedy(
        &mut self,
        op: &OpView,
        args: &[Value],
        depth: usize,
        rng: &mut impl Rng,
    ) -> Result<Vec<usize>, Reject> {
        let mut after = Vec::new();
        for _ in 0..MAX_REMEDIES {
            let blocks = self.ground.blocks(&self.env(), op, args);
            let Some(block) = blocks.first() else { return Ok(after) };
            if depth >= MAX_REMEDIES {
                return Err(Reject("conditions nest too deep"));
            }
            let remedy = block.remedy.ok_or(Reject("nothing makes a condition hold"))?;
            if block.policy.is_some() {
                self.traps = self.traps.saturating_add(1);
            }
            let helper = &self.ground.ops()[usize::from(remedy.operation)];
            after.push(self.run_remedy(op, args, helper, remedy, depth, rng)?);
        }
        Err(Reject("a remedy does not help"))
    }

    fn run_remedy(
        &mut self,
        op: &OpView,
        args: &[Value],
        helper: &OpView,
        remedy: &crate::world::Remedy,
        depth: usize,
        rng: &mut impl Rng,
    ) -> Result<usize, Reject> {
        let ground = self.ground;
        let given = ground.remedy_args(&self.env(), op, remedy, args);
        let mut values: Vec<Value> = Vec::with_capacity(helper.args.len());
        let mut sources: IndexMap<String, ValueSource> = IndexMap::new();
        let mut must_say = false;
        for (at, arg) in helper.args.iter().enumerate() {
            let from_need = given.iter().find(|(to, _, _)| usize::from(*to) == at);
            let (value, source) = match from_need {
                Some((_, Value::Ref(record), _)) => (Value::Ref(*record), Some(self.discover(*record, 0)?)),
                Some((_, value, Some(path))) if !path.fields.is_empty() => {
                    (value.clone(), Some(self.read_path(op, args, path, rng)?))
                }
                Some((_, value, _)) => {
                    (value.clone(), Some(ValueSource::Literal { value: ground.json(value) }))
                }
                None if arg.optional => (Value::Null, None),
                None => {
                    let value = ground
                        .draw_argument(&self.env(), helper, at, &values, rng)
                        .ok_or(Reject("a remedy lacks an argument"))?;
                    // What cannot be read must be told.
                    must_say |= arg.path.is_none();
                    (value, None)
                }
            };
            values.push(value);
            if let Some(source) = source {
                sources.insert(arg.name.clone(), source);
            }
        }
        let mut reason = ground.reasons().before(&op.name);
        if must_say {
            let (named, phrase) = self.name_args(helper, &values, rng)?;
            reason = ground.reasons().act(&phrase);
            for (name, source) in named {
                sources.entry(name).or_insert(source);
            }
            self.answer.push(ground.reasons().done(&phrase));
            self.asks.push(Ask { kind: AskKind::Do, phrase, rider: None });
        }
        let after = self.remedy(helper, &values, depth + 1, rng)?;
        let sources = self.fill_args(helper, &values, sources, rng)?;
        self.perform(helper, sources, reason, &after)
    }

    // ---- traps ----

    /// A request that a policy allows only after another step, or not at all.
    fn add_trap(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let ops: Vec<&OpView> = ground
            .ops()
            .iter()
            .filter(|op| op.goal.is_some() && !ground.operation(op).policies.is_empty())
            .collect();
        let op = *ops.choose(rng).ok_or(Reject("no policy is about an operation with a goal"))?;
        if rng.random_bool(0.5) {
            let args = self.draw_args(op, wish, rng, |blocks| {
                blocks.iter().all(|block| block.remedy.is_some())
                    && blocks.iter().any(|block| block.policy.is_some())
            })?;
            return self.deed(op, args, rng);
        }
        // Only the policy stands in the way: else the refusal would have another reason.
        let args = self.draw_args(op, wish, rng, |blocks| {
            !blocks.is_empty() && blocks.iter().all(|block| block.policy.is_some() && block.remedy.is_none())
        })?;
        self.decline(op, &args, rng)
    }

    /// Asks for what a policy forbids: the right plan reads what decides, and says no.
    fn decline(&mut self, op: &OpView, args: &[Value], rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let policy = ground
            .blocks(&self.env(), op, args)
            .first()
            .and_then(|block| block.policy)
            .ok_or(Reject("no policy stands in the way"))?;
        let first = self.steps.len();
        let (sources, phrase) = self.name_args(op, args, rng)?;
        let mut read = false;
        for path in ground.evidence(op, policy) {
            if self.read_path(op, args, &path, rng).is_ok() {
                read = true;
            }
        }
        if !read {
            return Err(Reject("nothing shows that the policy forbids it"));
        }
        let mut arguments = IndexMap::new();
        for (arg, value) in op.args.iter().zip(args) {
            // The same request with other words is as forbidden: only records and amounts count.
            if matches!(value, Value::Ref(_)) && sources.contains_key(&arg.name) {
                arguments.insert(arg.name.clone(), ground.json(value));
            }
        }
        let mut any_of: Vec<Json> =
            args.iter().filter(|v| matches!(v, Value::Ref(_))).map(|v| ground.json(v)).collect();
        for step in &self.resolved[first.min(self.resolved.len())..] {
            any_of.extend(step.as_object().into_iter().flat_map(|object| object.values().cloned()));
        }
        self.checks.push(Check::Consulted { about: phrase.clone(), any_of });
        self.checks.push(Check::NotCalled { operation: op.name.clone(), arguments });
        let rule = ground.text(&ground.world.policies()[usize::from(policy)].text).to_owned();
        self.facts.push((
            Fact {
                about: phrase.clone(),
                kind: FactKind::Refusal,
                value: Json::Null,
                accepted: Vec::new(),
                decoys: Vec::new(),
            },
            None,
        ));
        self.answer.push(ground.reasons().declined(&phrase, &rule));
        let rider = rng.random_bool(0.5).then(|| ground.reasons().unless_forbidden().to_owned());
        self.asks.push(Ask { kind: AskKind::Do, phrase, rider });
        self.traps = self.traps.saturating_add(1);
        Ok(())
    }

    // ---- questions ----

    /// A record to ask about.
    fn subject(&self, wish: Wish, rng: &mut impl Rng) -> Result<RecordId, Reject> {
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

    fn ask_attribute(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let record = self.subject(wish, rng)?;
        let def = ground.schema().entity(record.entity());
        let (_, words) = self.acquire(record, 0, rng)?;
        let mut fields: Vec<u16> = (0..def.fields.len()).filter_map(|at| u16::try_from(at).ok()).collect();
        rand::seq::SliceRandom::shuffle(fields.as_mut_slice(), rng);
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

    fn ask_computed(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
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
    fn ask_rows(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
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
    fn tell(
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
            let words = format!("{} {}", wording::two_places(&value), ground.world.currency());
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
    fn other_values(&self, field: Option<(EntityId, u16)>, value: &Json) -> Vec<String> {
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

    fn enum_words(&self, kind: &Type, code: &Json) -> String {
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

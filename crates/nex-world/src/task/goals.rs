//! Goals: things to be done and things to be told, each with the calls that reach it.

use super::Check;
use super::draft::{Draft, Known, Reject};
use super::plan::ValueSource;
use super::prose::{Ask, AskKind, tidy};
use super::view::{ArgPath, OpView};
use crate::spec::OperationKind;
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

    pub(super) fn add_question(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        match rng.random_range(0..10) {
            0..=4 => self.ask_attribute(wish, rng),
            5..=7 => self.ask_rows(wish, rng),
            _ => self.ask_computed(wish, rng).or_else(|_| self.ask_attribute(wish, rng)),
        }
    }

    // ---- deeds ----

    pub(super) fn add_deed(&mut self, wish: Wish, rng: &mut impl Rng) -> Result<(), Reject> {
        let ground = self.ground;
        let ops: Vec<&OpView> =
            ground.ops().iter().filter(|op| op.kind.is_write() && op.goal.is_some()).collect();
        let op = *ops.choose(rng).ok_or(Reject("the world has no write with a goal"))?;
        let args =
            self.draw_args(op, wish, rng, |blocks| blocks.iter().all(|block| block.remedy.is_some()))?;
        self.deed(op, args, rng)
    }

    /// Arguments for which what stands in the way is as wanted.
    pub(super) fn draw_args(
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
    pub(super) fn spoken_of(&self, entity: EntityId, rng: &mut impl Rng) -> Option<Value> {
        let known: Vec<RecordId> = self
            .mentioned
            .iter()
            .copied()
            .filter(|record| record.entity() == entity && self.session.state().contains(*record))
            .collect();
        known.choose(rng).map(|record| Value::Ref(*record))
    }

    /// Does `op` with `args`: names its records, makes its conditions hold, calls it.
    pub(super) fn deed(&mut self, op: &OpView, args: Vec<Value>, rng: &mut impl Rng) -> Result<(), Reject> {
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
    pub(super) fn name_args(
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
    pub(super) fn fill_args(
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
    pub(super) fn read_path(
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
    pub(super) fn words_for(&self, record: RecordId, _rng: &mut impl Rng) -> String {
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
    pub(super) fn perform(
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
    pub(super) fn remember_made(&mut self, op: &OpView, step: usize) {
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
    pub(super) fn remedy(
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

    pub(super) fn run_remedy(
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
}

//! The world under a task: its operations as the generator looks at them, its initial session,
//! and how things are said in the task's language.

use super::dials::Dials;
use super::reasons::Reasons;
use super::view::{ArgPath, ArgView, OpView, ReplyField};
use super::wording::Speech;
use crate::expr::{Env, Expr, Frame, Program};
use crate::generate::{Draw, Generator, Source, draw};
use crate::history::CallHistory;
use crate::json;
use crate::schema::{Entity, Field, Schema};
use crate::session::WorldSession;
use crate::spec::OperationKind;
use crate::text::{Language, Text};
use crate::value::{DAY_S, EntityId, RecordId, Type, Value};
use crate::world::{Operation, Remedy, World};
use rand::{Rng, RngExt};
use serde_json::Value as Json;

/// What all draws of a task share.
pub(crate) struct Ground<'w> {
    pub(crate) world: &'w World,
    pub(crate) language: Language,
    pub(crate) dials: Dials,
    /// The initial session, without faults. Never called, only cloned.
    pub(crate) start: WorldSession,
    /// Operations that are down in this task.
    pub(crate) down: Vec<String>,
    no_calls: CallHistory,
    ops: Vec<OpView>,
}

/// Why a call would be refused, or break a rule.
#[derive(Debug)]
pub(crate) struct Block<'w> {
    /// The policy, by position; none for a condition of the operation.
    pub(crate) policy: Option<u16>,
    pub(crate) remedy: Option<&'w Remedy>,
}

impl<'w> Ground<'w> {
    pub(crate) fn new(
        world: &'w World,
        start: WorldSession,
        language: Language,
        dials: Dials,
        down: Vec<String>,
    ) -> Self {
        let ops = world.operations().iter().map(|op| view(world.schema(), op)).collect();
        Self { world, language, dials, start, down, no_calls: CallHistory::default(), ops }
    }

    pub(crate) fn schema(&self) -> &'w Schema {
        self.world.schema()
    }

    pub(crate) fn ops(&self) -> &[OpView] {
        &self.ops
    }

    /// The operation behind a view.
    pub(crate) fn operation(&self, op: &OpView) -> &'w Operation {
        &self.world.operations()[usize::from(op.index)]
    }

    /// Find and list operations that give ids of `entity`.
    pub(crate) fn lookups(&self, entity: EntityId) -> impl Iterator<Item = &OpView> {
        self.ops.iter().filter(move |op| op.entity == Some(entity) && op.is_lookup())
    }

    pub(crate) fn reasons(&self) -> Reasons {
        Reasons(self.language)
    }

    pub(crate) fn speech(&self) -> Speech<'_> {
        Speech {
            language: self.language,
            today: i32::try_from(self.world.start_time().div_euclid(DAY_S)).unwrap_or(0),
            currency: self.world.currency(),
            fuzziness: self.dials.fuzziness,
        }
    }

    pub(crate) fn text<'t>(&self, text: &'t Text) -> &'t str {
        text.get(self.language).trim()
    }

    pub(crate) fn label(&self, entity: &Entity) -> String {
        self.text(&entity.label).to_owned()
    }

    pub(crate) fn field_label(&self, field: &Field) -> String {
        self.text(&field.label).to_owned()
    }

    /// Whether the field has a name in the task's language.
    pub(crate) fn is_labelled(&self, field: &Field) -> bool {
        self.language == Language::En || field.label.zh.is_some()
    }

    /// The label at the end of a path of fields.
    pub(crate) fn path_label(&self, entity: EntityId, fields: &[u16]) -> String {
        let mut entity = entity;
        let mut label = String::new();
        for &at in fields {
            let field = self.schema().entity(entity).field(at);
            label = self.field_label(field);
            if let Type::Record(next) = field.kind {
                entity = next;
            }
        }
        label
    }

    /// Whether `entity` refers to `parent` by one field only, so that "the order of the customer"
    /// means one thing.
    pub(crate) fn is_only_ref(&self, entity: EntityId, parent: EntityId) -> bool {
        let def = self.schema().entity(entity);
        def.fields.iter().filter(|field| field.kind == Type::Record(parent)).count() == 1
    }

    pub(crate) fn json(&self, value: &Value) -> Json {
        json::to_json(self.schema(), value)
    }

    /// How people say a value.
    pub(crate) fn say(&self, kind: &Type, value: &Value, rng: &mut impl Rng) -> String {
        let speech = self.speech();
        let plain = json::plain_text(self.schema(), value);
        match (kind, value) {
            (_, Value::Date(_)) => speech.date(&plain, rng),
            (_, Value::DateTime(_)) => speech.datetime(&plain, rng),
            (_, Value::Money(_)) => speech.money(&self.json(value), rng),
            (Type::Enum(id), Value::Enum(symbol)) => {
                self.schema().enum_label(*id, *symbol, self.language).to_owned()
            }
            (Type::List(item), Value::List(items)) => {
                let words: Vec<String> = items.iter().map(|value| self.say(item, value, rng)).collect();
                match (self.language, words.as_slice()) {
                    (_, [one]) => one.clone(),
                    (Language::Zh, words) => words.join("、"),
                    (Language::En, [rest @ .., last]) => format!("{} and {last}", rest.join(", ")),
                    (Language::En, []) => String::new(),
                }
            }
            (_, Value::Decimal(_)) => {
                super::exact::Exact::parse(&plain).map_or(plain, super::exact::Exact::to_text)
            }
            (_, Value::Bool(truth)) => match (self.language, truth) {
                (Language::En, true) => "on".to_owned(),
                (Language::En, false) => "off".to_owned(),
                (Language::Zh, true) => "是".to_owned(),
                (Language::Zh, false) => "否".to_owned(),
            },
            _ => plain,
        }
    }

    /// What expressions read in the initial state.
    pub(crate) fn start_env(&self) -> Env<'_> {
        Env {
            schema: self.schema(),
            state: self.start.state(),
            now: self.world.start_time(),
            calls: &self.no_calls,
        }
    }

    /// The value of a field, stored or derived, in the initial state.
    pub(crate) fn start_field(&self, record: RecordId, field: u16) -> Value {
        field_of(&self.start_env(), record, field)
    }

    /// Whether no other record of the initial state has the same values in these fields.
    pub(crate) fn singles_out(&self, record: RecordId, fields: &[u16]) -> bool {
        let wanted: Vec<Value> = fields.iter().map(|&at| self.start_field(record, at)).collect();
        let alike = |other: &RecordId| {
            fields.iter().zip(&wanted).all(|(&at, wanted)| is_alike(&self.start_field(*other, at), wanted))
        };
        self.start.state().contains(record)
            && self.start.state().records(record.entity()).filter(alike).take(2).count() == 1
    }

    /// Arguments as the world reads them; null where one is left out or unreadable.
    pub(crate) fn typed(&self, op: &OpView, arguments: &Json) -> Vec<Value> {
        let read = |arg: &crate::world::Arg| {
            let given = arguments.get(&arg.name).filter(|given| !given.is_null());
            let given = given.and_then(|given| json::from_json(self.schema(), &arg.kind, given).ok());
            given.or_else(|| arg.default.clone()).unwrap_or(Value::Null)
        };
        self.operation(op).args.iter().map(read).collect()
    }

    /// A value for an argument, given those before it; none where nothing fits.
    pub(crate) fn draw_argument(
        &self,
        env: &Env<'_>,
        op: &OpView,
        at: usize,
        earlier: &[Value],
        rng: &mut impl Rng,
    ) -> Option<Value> {
        let operation = self.operation(op);
        let arg = &operation.args[at];
        if let Some(generator) = &arg.generator {
            let mut frame = Frame::default();
            frame.reset(operation.slots);
            for (at, value) in earlier.iter().enumerate() {
                frame.set(u16::try_from(at).ok()?, value.clone());
            }
            let mut context = Draw {
                env: *env,
                pools: &self.world.pools,
                language: self.language,
                taken: None,
                nesting: 0,
            };
            return draw(generator, &mut context, &mut frame, rng).ok().filter(|value| !value.is_null());
        }
        match &arg.kind {
            Type::Record(entity) => {
                let numbers = env.state.numbers(*entity);
                let number = numbers.get(rng.random_range(0..numbers.len().max(1)))?;
                Some(Value::Ref(RecordId::new(*entity, *number)))
            }
            Type::Enum(id) => {
                let values = &self.schema().enum_def(*id).values;
                Some(Value::Enum(values.get(rng.random_range(0..values.len().max(1)))?.symbol))
            }
            Type::Bool => Some(Value::Bool(rng.random_bool(0.5))),
            _ => None,
        }
    }

    /// What stands in the way of a call; nothing where it would succeed and break no rule.
    pub(crate) fn blocks(&self, env: &Env<'_>, op: &OpView, args: &[Value]) -> Vec<Block<'w>> {
        let operation = self.operation(op);
        let mut blocks = Vec::new();
        for &at in &operation.policies {
            let policy = &self.world.policies()[usize::from(at)];
            for rule in policy.rules.iter().filter(|rule| rule.operation == op.index) {
                if !holds(&rule.allow_if, env, operation, args) {
                    blocks.push(Block { policy: Some(at), remedy: rule.remedy.as_ref() });
                }
            }
        }
        for require in &operation.requires {
            if !holds(&require.that, env, operation, args) {
                blocks.push(Block { policy: None, remedy: require.remedy.as_ref() });
            }
        }
        blocks
    }

    /// The remedy's arguments: position, value and, where it is read off an argument of the
    /// operation in need, the path.
    pub(crate) fn remedy_args(
        &self,
        env: &Env<'_>,
        op: &OpView,
        remedy: &Remedy,
        args: &[Value],
    ) -> Vec<(u16, Value, Option<ArgPath>)> {
        let operation = self.operation(op);
        remedy
            .args
            .iter()
            .map(|(at, program)| {
                let value = run(program, env, operation, args).unwrap_or(Value::Null);
                (*at, value, arg_path(self.schema(), operation, &program.expr))
            })
            .collect()
    }

    /// Paths of fields that decide whether a policy allows a call, by argument.
    pub(crate) fn evidence(&self, op: &OpView, policy: u16) -> Vec<ArgPath> {
        let operation = self.operation(op);
        let mut paths = Vec::new();
        for rule in &self.world.policies()[usize::from(policy)].rules {
            if rule.operation == op.index {
                gather_paths(self.schema(), operation, &rule.allow_if.expr, &mut paths);
            }
        }
        paths
    }
}

/// The value of a field, stored or derived.
pub(crate) fn field_of(env: &Env<'_>, record: RecordId, field: u16) -> Value {
    crate::expr::eval::field_value(env, &mut Frame::default(), record, field).unwrap_or(Value::Null)
}

/// The expression that a generator is, if it draws nothing.
fn as_value(generator: &Generator) -> Option<&Program> {
    match &generator.source {
        Source::Value(program) if generator.cases.is_empty() && generator.when.is_none() => Some(program),
        _ => None,
    }
}

fn is_alike(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => a.trim().eq_ignore_ascii_case(b.trim()),
        _ => a == b,
    }
}

fn run(program: &Program, env: &Env<'_>, operation: &Operation, args: &[Value]) -> Option<Value> {
    let mut frame = Frame::default();
    frame.reset(operation.slots);
    for (at, value) in args.iter().enumerate() {
        frame.set(u16::try_from(at).expect("few arguments"), value.clone());
    }
    program.run(env, &mut frame).ok()
}

fn holds(program: &Program, env: &Env<'_>, operation: &Operation, args: &[Value]) -> bool {
    run(program, env, operation, args) == Some(Value::Bool(true))
}

fn view(schema: &Schema, op: &Operation) -> OpView {
    let entity = op.entity.map(|id| schema.entity(id));
    let list = entity.map(|entity| entity.plural.clone()).unwrap_or_default();
    let args = op
        .args
        .iter()
        .map(|arg| ArgView {
            name: arg.name.clone(),
            hole: arg.name.strip_suffix("_id").unwrap_or(&arg.name).to_owned(),
            kind: arg.kind.clone(),
            optional: arg.optional || arg.default.is_some(),
            matches: arg.matches.and_then(|matches| Some((matches.field?, matches.compare))),
            path: arg.generator.as_ref().and_then(|generator| {
                arg_path(schema, op, &as_value(generator)?.expr).filter(|path| !path.fields.is_empty())
            }),
        })
        .collect();
    let mut results = Vec::new();
    let mut reply = Vec::new();
    for shown in &op.returns {
        if op.kind == OperationKind::Compute {
            results.push((shown.name.clone(), shown.kind.clone()));
        } else if let Some(path) = path_from(schema, op.entity, op.record_slot, &shown.value.expr) {
            reply.push(ReplyField { key: shown.name.clone(), path, kind: shown.kind.clone() });
        }
    }
    let is_filtered = matches!(&op.body, crate::world::Body::Search(search) if search.filter.is_some());
    OpView {
        index: op.index,
        name: op.name.clone(),
        kind: op.kind,
        entity: op.entity,
        list,
        goal: op.goal.clone(),
        args,
        reply,
        results,
        is_filtered,
    }
}

/// The path of fields that an expression reads off the record in `slot`.
fn path_from(schema: &Schema, entity: Option<EntityId>, slot: u16, expr: &Expr) -> Option<Vec<u16>> {
    let root = entity?;
    let walk = |local: u16| (local == slot).then_some(root);
    path(schema, expr, &walk).map(|(_, fields, _)| fields)
}

/// The argument and the path of fields that an expression is.
fn arg_path(schema: &Schema, op: &Operation, expr: &Expr) -> Option<ArgPath> {
    let walk = |local: u16| match op.args.get(usize::from(local)).map(|arg| &arg.kind) {
        Some(Type::Record(entity)) => Some(*entity),
        _ => None,
    };
    path(schema, expr, &walk).map(|(local, fields, _)| ArgPath { arg: usize::from(local), fields })
}

/// Local, fields, and the entity that the path ends at, where it ends at a record.
fn path(
    schema: &Schema,
    expr: &Expr,
    root: &dyn Fn(u16) -> Option<EntityId>,
) -> Option<(u16, Vec<u16>, Option<EntityId>)> {
    let (base, at, field) = match expr {
        Expr::Local(local) => return Some((*local, Vec::new(), Some(root(*local)?))),
        Expr::Stored(base, slot) => {
            let base = path(schema, base, root)?;
            let def = schema.entity(base.2?);
            let at = def.fields.iter().position(|field| field.slot == Some(*slot))?;
            (base, u16::try_from(at).ok()?, &def.fields[at])
        }
        Expr::Derived(base, entity, at) => {
            let base = path(schema, base, root)?;
            (base, *at, schema.entity(*entity).field(*at))
        }
        _ => return None,
    };
    let (local, mut fields, _) = base;
    fields.push(at);
    let end = match field.kind {
        Type::Record(entity) => Some(entity),
        _ => None,
    };
    Some((local, fields, end))
}

/// All paths off arguments that stand in an expression.
fn gather_paths(schema: &Schema, op: &Operation, expr: &Expr, paths: &mut Vec<ArgPath>) {
    if let Some(found) = arg_path(schema, op, expr) {
        if !found.fields.is_empty() && !paths.contains(&found) {
            paths.push(found);
        }
        return;
    }
    match expr {
        Expr::Stored(a, _)
        | Expr::Derived(a, _, _)
        | Expr::IsNull(a, _)
        | Expr::Not(a)
        | Expr::Negate(a)
        | Expr::Length(a) => {
            gather_paths(schema, op, a, paths);
        }
        Expr::Or(a, b)
        | Expr::And(a, b)
        | Expr::Compare(_, a, b)
        | Expr::Member(a, b, _)
        | Expr::Within(a, b, _)
        | Expr::Arithmetic(_, a, b)
        | Expr::Join(a, b)
        | Expr::Coalesce(a, b) => {
            gather_paths(schema, op, a, paths);
            gather_paths(schema, op, b, paths);
        }
        Expr::If(a, b, c) => {
            for part in [a, b, c] {
                gather_paths(schema, op, part, paths);
            }
        }
        Expr::List(items) | Expr::Function(_, items) => {
            for item in items {
                gather_paths(schema, op, item, paths);
            }
        }
        Expr::Const(_) | Expr::Local(_) | Expr::Now | Expr::Today | Expr::Query { .. } | Expr::Called(..) => {
        }
    }
}

//! What operations change: writes, creations, transfers and further effects.

use super::{Loader, line_of};
use crate::expr::{Scope, compile_query};
use crate::spec::{EffectSpec, OperationSpec, Source, Spanned};
use crate::suggest::did_you_mean;
use crate::value::{EntityId, Type, Value};
use crate::world::{Action, Creation, Effect, Origin, Place, Transfer, Write, WriteKind};
use indexmap::IndexMap;
use std::collections::BTreeSet;

/// Effects within effects.
const MAX_NESTING: usize = 4;

type Assignments = IndexMap<String, Source>;

impl Loader<'_> {
    /// The stored field called `name`, or a problem.
    fn stored_field(
        &mut self,
        entity: EntityId,
        name: &str,
        line: u64,
        place: &str,
    ) -> Option<(u16, u16, Type, bool)> {
        let def = self.schema.entity(entity);
        let Some((at, field)) = def.field_named(name) else {
            let hint = did_you_mean(name, def.fields.iter().map(|field| field.name.as_str()));
            let message = format!("{} has no field `{name}`{hint}", def.name);
            self.problem(line, place, message);
            return None;
        };
        match field.slot {
            Some(slot) => Some((at, slot, field.kind.clone(), field.optional)),
            None => {
                self.problem(line, place, format!("`{name}` is derived and cannot be set"));
                None
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the four kinds of assignment")]
    pub(super) fn writes(
        &mut self,
        entity: EntityId,
        set: &Assignments,
        add: &Assignments,
        append: &Assignments,
        remove: &Assignments,
        scope: &Scope,
        place: &str,
    ) -> Vec<Write> {
        let mut writes = Vec::new();
        let groups = [
            ("set", set, WriteKind::Set),
            ("add", add, WriteKind::Add),
            ("append", append, WriteKind::Append),
            ("remove", remove, WriteKind::Remove),
        ];
        for (key, assignments, how) in groups {
            for (name, source) in assignments {
                let place = format!("{place}.{key}.{name}");
                let line = line_of(source);
                let Some((field, slot, kind, _)) = self.stored_field(entity, name, line, &place) else {
                    continue;
                };
                let expected = match (how, &kind) {
                    (WriteKind::Set, kind) => Some(kind.clone()),
                    (WriteKind::Add, Type::Int | Type::Decimal | Type::Money) => Some(kind.clone()),
                    (WriteKind::Add, Type::Date | Type::DateTime) => Some(Type::Duration),
                    (WriteKind::Append | WriteKind::Remove, Type::List(item)) => Some((**item).clone()),
                    _ => None,
                };
                let Some(expected) = expected else {
                    let message =
                        format!("`{key}` does not fit `{name}`, which is {}", self.schema.type_name(&kind));
                    self.problem(line, &place, message);
                    continue;
                };
                if let Some(value) = self.expression(scope, source, &place, Some(&expected)) {
                    writes.push(Write { field, slot, how, value });
                }
            }
        }
        writes
    }

    pub(super) fn creation(
        &mut self,
        entity: EntityId,
        set: &Assignments,
        scope: &Scope,
        line: u64,
        place: &str,
    ) -> Creation {
        let mut given: IndexMap<u16, crate::expr::Program> = IndexMap::new();
        let mut named = BTreeSet::new();
        for (name, source) in set {
            let place = format!("{place}.set.{name}");
            let Some((field, _, kind, _)) = self.stored_field(entity, name, line_of(source), &place) else {
                continue;
            };
            named.insert(field);
            if let Some(program) = self.expression(scope, source, &place, Some(&kind)) {
                given.insert(field, program);
            }
        }
        let spec = &self.spec.entities[entity.index()].value;
        let mut missing = Vec::new();
        let mut values = Vec::new();
        let fields: Vec<(u16, Type, bool, String)> = self
            .schema
            .entity(entity)
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.slot.is_some())
            .map(|(at, field)| (at as u16, field.kind.clone(), field.optional, field.name.clone()))
            .collect();
        for (at, kind, optional, name) in fields {
            let is_generated = spec.fields[usize::from(at)].value.generator.is_some();
            values.push(match (given.swap_remove(&at), optional, &kind) {
                (Some(program), _, _) => Origin::Given(program),
                (None, true, _) => Origin::Empty(Value::Null),
                (None, _, Type::List(_)) => Origin::Empty(Value::List([].into())),
                (None, _, _) if is_generated => Origin::Generated(at),
                _ => {
                    if !named.contains(&at) {
                        missing.push(name);
                    }
                    Origin::Empty(Value::Null)
                }
            });
        }
        if !missing.is_empty() {
            let message = format!("a new {} needs {}", self.schema.entity(entity).name, missing.join(", "));
            self.problem(line, format!("{place}.set"), message);
        }
        Creation { entity, values }
    }

    pub(super) fn transfer(
        &mut self,
        spec: &OperationSpec,
        scope: &Scope,
        line: u64,
        place: &str,
        writes: &mut BTreeSet<EntityId>,
    ) -> Option<Transfer> {
        let (Some(from), Some(to), Some(amount)) = (&spec.from, &spec.to, &spec.amount) else {
            self.problem(line, place, "transfer needs `from`, `to` and `amount`");
            return None;
        };
        let (from, kind) = self.place(from, scope, &format!("{place}.from"), writes)?;
        let (to, other) = self.place(to, scope, &format!("{place}.to"), writes)?;
        if kind != other || !matches!(kind, Type::Int | Type::Decimal | Type::Money) {
            self.problem(line, place, "`from` and `to` are numbers or amounts of one type");
            return None;
        }
        let amount = self.expression(scope, amount, &format!("{place}.amount"), Some(&kind))?;
        Some(Transfer { from, to, amount })
    }

    fn place(
        &mut self,
        source: &Source,
        scope: &Scope,
        place: &str,
        writes: &mut BTreeSet<EntityId>,
    ) -> Option<(Place, Type)> {
        let line = line_of(source);
        let Some((record, field)) = source.value.rsplit_once('.') else {
            self.problem(line, place, "write record.field");
            return None;
        };
        let record = self.text_expression(scope, record, line, place, None)?;
        let Type::Record(entity) = record.kind else {
            self.problem(line, place, "write record.field");
            return None;
        };
        let (field, slot, kind, _) = self.stored_field(entity, field, line, place)?;
        writes.insert(entity);
        Some((Place { record, field, slot }, kind))
    }

    pub(super) fn effects(
        &mut self,
        specs: &[Spanned<EffectSpec>],
        scope: &mut Scope,
        place: &str,
        writes: &mut BTreeSet<EntityId>,
    ) -> Vec<Effect> {
        self.nested_effects(specs, scope, &format!("{place}.effects"), writes, 0)
    }

    fn nested_effects(
        &mut self,
        specs: &[Spanned<EffectSpec>],
        scope: &mut Scope,
        place: &str,
        writes: &mut BTreeSet<EntityId>,
        nesting: usize,
    ) -> Vec<Effect> {
        if nesting > MAX_NESTING {
            self.problem(
                specs.first().map_or(0, line_of),
                place,
                format!("effects are at most {MAX_NESTING} deep"),
            );
            return Vec::new();
        }
        let mut effects = Vec::with_capacity(specs.len());
        for (at, effect) in specs.iter().enumerate() {
            let place = format!("{place}[{at}]");
            let (spec, line) = (&effect.value, line_of(effect));
            let when = match &spec.when {
                Some(source) => {
                    match self.expression(scope, source, &format!("{place}.when"), Some(&Type::Bool)) {
                        Some(program) => Some(program),
                        None => continue,
                    }
                }
                None => None,
            };
            if let Some(action) = self.action(spec, scope, line, &place, writes, nesting) {
                effects.push(Effect { when, action });
            }
        }
        effects
    }

    fn action(
        &mut self,
        spec: &EffectSpec,
        scope: &mut Scope,
        line: u64,
        place: &str,
        writes: &mut BTreeSet<EntityId>,
        nesting: usize,
    ) -> Option<Action> {
        match (&spec.update, &spec.create, &spec.delete, &spec.for_each) {
            (Some(update), None, None, None) => {
                let (record, entity) = self.record_expression(update, scope, &format!("{place}.update"))?;
                writes.insert(entity);
                let changes =
                    self.writes(entity, &spec.set, &spec.add, &spec.append, &spec.remove, scope, place);
                if changes.is_empty() {
                    self.problem(line, place, "an update needs `set`, `add`, `append` or `remove`");
                }
                Some(Action::Update { record, writes: changes })
            }
            (None, Some(name), None, None) => {
                let Some(entity) = self.schema.entity_named(&name.value).map(|entity| entity.id) else {
                    let hint = did_you_mean(&name.value, self.spec.entities.keys().map(String::as_str));
                    self.problem(line_of(name), place, format!("unknown entity `{}`{hint}", name.value));
                    return None;
                };
                writes.insert(entity);
                let creation = self.creation(entity, &spec.set, scope, line, place);
                let name = spec.name.as_ref().map_or("created", |name| name.value.as_str());
                let slot = scope.add(name, Type::Record(entity));
                Some(Action::Create { creation, slot })
            }
            (None, None, Some(delete), None) => {
                let (record, entity) = self.record_expression(delete, scope, &format!("{place}.delete"))?;
                writes.insert(entity);
                Some(Action::Delete { record })
            }
            (None, None, None, Some(query)) => {
                let name = spec.name.as_ref().map(|name| name.value.as_str());
                let mut inner = scope.clone();
                let selection = match compile_query(&self.schema, &mut inner, &query.value, name) {
                    Ok(selection) => selection,
                    Err(error) => {
                        self.expression_problem(
                            line_of(query),
                            &format!("{place}.for_each"),
                            &query.value,
                            &error,
                        );
                        return None;
                    }
                };
                if spec.body.is_empty() {
                    self.problem(line, place, "for_each needs `do`");
                }
                let body =
                    self.nested_effects(&spec.body, &mut inner, &format!("{place}.do"), writes, nesting + 1);
                scope.reserve(inner.slots());
                Some(Action::ForEach { selection, body })
            }
            _ => {
                self.problem(line, place, "an effect is exactly one of update, create, delete and for_each");
                None
            }
        }
    }

    fn record_expression(
        &mut self,
        source: &Source,
        scope: &Scope,
        place: &str,
    ) -> Option<(crate::expr::Program, EntityId)> {
        let program = self.expression(scope, source, place, None)?;
        match program.kind {
            Type::Record(entity) => Some((program, entity)),
            ref other => {
                let message = format!("`{}` is {}, not a record", source.value, self.schema.type_name(other));
                self.problem(line_of(source), place, message);
                None
            }
        }
    }
}

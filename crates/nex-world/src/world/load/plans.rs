//! How the records of each entity are made, and in which order.

use super::generators::GenFor;
use super::order::{Needs, generator_needs, needs_of};
use super::{Loader, line_of};
use crate::expr::Scope;
use crate::generate::{CountPlan, EntityPlan, RowCell, RowPlan};
use crate::json::from_json;
use crate::spec::{EntitySpec, RowValue};
use crate::suggest::did_you_mean;
use crate::text::Text;
use crate::value::{EntityId, Type, Value, parse_scaled};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Records of one entity at the start.
const MAX_RECORDS: u32 = 200_000;
/// Records of all entities together.
const MAX_TOTAL: u64 = 500_000;

impl Loader<'_> {
    pub(super) fn compile_plans(&mut self) -> Vec<EntityPlan> {
        let spec = self.spec;
        let mut plans: Vec<EntityPlan> = spec
            .entities
            .iter()
            .enumerate()
            .map(|(at, (name, entity))| {
                self.compile_plan(EntityId(at as u16), name, &entity.value, line_of(entity))
            })
            .collect();
        let Some(order) = self.order(&mut plans) else { return plans };
        let mut by_entity: BTreeMap<EntityId, EntityPlan> =
            plans.into_iter().map(|plan| (plan.entity, plan)).collect();
        let plans: Vec<EntityPlan> = order.iter().filter_map(|entity| by_entity.remove(entity)).collect();
        self.bound_records(&plans);
        plans
    }

    /// Refuses worlds that are too large to be made; `plans` stand in the order of making.
    fn bound_records(&mut self, plans: &[EntityPlan]) {
        let mut most: BTreeMap<EntityId, u64> = BTreeMap::new();
        for plan in plans {
            let made = match plan.count {
                CountPlan::Range(_, max) => u64::from(max),
                CountPlan::Per { parent, max, .. } => {
                    most.get(&parent).copied().unwrap_or(0).saturating_mul(u64::from(max))
                }
            };
            most.insert(plan.entity, made.saturating_add(plan.rows.len() as u64));
        }
        let total = most.values().fold(0u64, |sum, count| sum.saturating_add(*count));
        if total > MAX_TOTAL {
            self.problem(
                0,
                "entities",
                format!("up to {total} records in all; at most {MAX_TOTAL} are made"),
            );
        }
    }

    fn compile_plan(&mut self, id: EntityId, name: &str, spec: &EntitySpec, line: u64) -> EntityPlan {
        let place = format!("entities.{name}");
        let count = self.count_plan(id, spec, line, &place);
        let mut scope = Scope::default();
        scope.reserve(spec.fields.len() as u16);
        let mut fields = Vec::with_capacity(spec.fields.len());
        for (at, (field_name, field)) in spec.fields.iter().enumerate() {
            let declared = &self.schema.entities[id.index()].fields[at];
            if declared.slot.is_none() {
                fields.push(None);
                continue;
            }
            let (kind, optional, unique) = (declared.kind.clone(), declared.optional, declared.unique);
            let field_place = format!("{place}.fields.{field_name}.gen");
            let target = GenFor {
                kind: &kind,
                optional,
                unique,
                scope: &scope,
                place: &field_place,
                line: line_of(field),
            };
            let generator = self.generator(field.value.generator.as_ref(), &target);
            let is_made_here = matches!(&count, CountPlan::Range(_, max) if *max as usize > spec.rows.len())
                || matches!(&count, CountPlan::Per { field, max, .. } if *max > 0 && *field != at as u16);
            if is_made_here && kind == Type::Str && field.value.generator.is_none() && !optional {
                self.problem(
                    line_of(field),
                    &field_place,
                    "a text needs a generator: pool, template, or one of person_name, company …",
                );
            }
            fields.push(Some(generator));
            scope.alias(field_name, kind, at as u16);
        }
        let rows = self.row_plans(id, spec, &place);
        EntityPlan { entity: id, count, rows, fields, late: Vec::new(), slots: spec.fields.len() as u16 + 8 }
    }

    fn count_plan(&mut self, id: EntityId, spec: &EntitySpec, line: u64, place: &str) -> CountPlan {
        let place = format!("{place}.count");
        let Some(count) = &spec.count else {
            if spec.rows.is_empty() {
                self.problem(line, &place, "say how many records there are, or give `rows`");
            }
            return CountPlan::Range(0, 0);
        };
        if count.min > count.max || count.max > MAX_RECORDS {
            self.problem(line, &place, format!("`min` is at most `max`, and `max` at most {MAX_RECORDS}"));
        }
        let digits = self.schema.entity(id).digits;
        if u64::from(count.max) * 4 > 10u64.pow(u32::from(digits)) {
            self.problem(
                line,
                &place,
                format!("{} records are too many for ids of {digits} digits; give the id more", count.max),
            );
        }
        match (&count.per, &count.field) {
            (None, None) => CountPlan::Range(count.min, count.max),
            (Some(parent), Some(field)) => {
                let Some(parent_id) = self.schema.entity_named(parent).map(|entity| entity.id) else {
                    let hint = did_you_mean(parent, self.spec.entities.keys().map(String::as_str));
                    self.problem(line, &place, format!("unknown entity `{parent}`{hint}"));
                    return CountPlan::Range(0, 0);
                };
                match self.schema.entity(id).field_named(field) {
                    Some((at, def)) if def.kind == Type::Record(parent_id) => {
                        CountPlan::Per { parent: parent_id, field: at, min: count.min, max: count.max }
                    }
                    _ => {
                        self.problem(
                            line,
                            &place,
                            format!("`as` names a ref field that points to {parent}; `{field}` is none"),
                        );
                        CountPlan::Range(0, 0)
                    }
                }
            }
            _ => {
                self.problem(
                    line,
                    &place,
                    "`per` and `as` go together: {min: 1, max: 4, per: order, as: order}",
                );
                CountPlan::Range(0, 0)
            }
        }
    }

    fn row_plans(&mut self, id: EntityId, spec: &EntitySpec, place: &str) -> Vec<RowPlan> {
        let mut plans = Vec::with_capacity(spec.rows.len());
        for (row_at, row) in spec.rows.iter().enumerate() {
            let place = format!("{place}.rows[{row_at}]");
            let mut values = vec![RowCell::Generated; self.schema.entity(id).fields.len()];
            for (name, value) in row {
                let line = line_of(value);
                let place = format!("{place}.{name}");
                let found = self
                    .schema
                    .entity(id)
                    .field_named(name)
                    .map(|(at, field)| (at, field.kind.clone(), field.optional, field.slot.is_some()));
                match found {
                    None => {
                        let known: Vec<String> = spec.fields.keys().cloned().collect();
                        let hint = did_you_mean(name, known.iter().map(String::as_str));
                        self.problem(line, &place, format!("unknown field `{name}`{hint}"));
                    }
                    Some((_, _, _, false)) => {
                        self.problem(line, &place, "a derived field is computed, not given")
                    }
                    Some((at, kind, optional, true)) => match self.row_cell(&kind, &value.value) {
                        Ok(RowCell::Given(Value::Null)) if !optional => {
                            self.problem(line, &place, "the field is not optional");
                        }
                        Ok(cell) => values[usize::from(at)] = cell,
                        Err(message) => self.problem(line, &place, message),
                    },
                }
            }
            plans.push(RowPlan { values });
        }
        plans
    }

    fn row_cell(&self, kind: &Type, value: &RowValue) -> Result<RowCell, String> {
        let place_of = |text: &Text, entity: EntityId| -> Result<usize, String> {
            let rows = self.spec.entities[entity.index()].value.rows.len();
            match text.en.parse::<usize>() {
                Ok(place) if (1..=rows).contains(&place) => Ok(place - 1),
                _ => Err(format!(
                    "`{}` is no row of {}; a ref is written as the row's number, 1 to {rows}",
                    text.en,
                    self.schema.entity(entity).name
                )),
            }
        };
        match (kind, value) {
            (_, RowValue::Null) => Ok(RowCell::Given(Value::Null)),
            (Type::Str, RowValue::One(text)) => Ok(RowCell::Worded(text.clone())),
            (Type::Record(entity), RowValue::One(text)) => {
                Ok(RowCell::Row(*entity, place_of(text, *entity)?))
            }
            (Type::List(item), RowValue::Many(items)) => match &**item {
                Type::Record(entity) => {
                    let places: Vec<usize> =
                        items.iter().map(|text| place_of(text, *entity)).collect::<Result<_, _>>()?;
                    Ok(RowCell::Rows(*entity, places))
                }
                item => {
                    let values: Vec<Value> = items
                        .iter()
                        .map(|text| self.written_value(item, &text.en))
                        .collect::<Result<_, _>>()?;
                    Ok(RowCell::Given(Value::List(values.into())))
                }
            },
            (Type::List(_), _) => Err("a list is written [a, b]".to_owned()),
            (_, RowValue::Many(_)) => Err("one value belongs here, not a list".to_owned()),
            (kind, RowValue::One(text)) => self.written_value(kind, &text.en).map(RowCell::Given),
        }
    }

    /// A scalar of a world file as a value.
    pub(super) fn written_value(&self, kind: &Type, text: &str) -> Result<Value, String> {
        let json = match kind {
            Type::Bool => match text {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                _ => return Err(format!("`{text}` is neither true nor false")),
            },
            Type::Int => match parse_scaled(text, 0) {
                Some(number) => Json::from(number),
                None => return Err(format!("`{text}` is no whole number")),
            },
            _ => Json::String(text.to_owned()),
        };
        from_json(&self.schema, kind, &json)
    }

    /// Entities in an order in which each comes after what its generators need. Optional refs
    /// that close a cycle are drawn late; a cycle of anything else is a problem.
    fn order(&mut self, plans: &mut [EntityPlan]) -> Option<Vec<EntityId>> {
        let hard: Vec<BTreeSet<EntityId>> = plans.iter().map(|plan| self.plan_needs(plan, false)).collect();
        let soft: Vec<BTreeSet<EntityId>> = plans.iter().map(|plan| self.plan_needs(plan, true)).collect();
        let mut order = Vec::with_capacity(plans.len());
        let mut done = BTreeSet::new();
        while order.len() < plans.len() {
            let ready = |needs: &[BTreeSet<EntityId>], done: &BTreeSet<EntityId>| {
                plans.iter().map(|plan| plan.entity).find(|entity| {
                    !done.contains(entity)
                        && needs[entity.index()].iter().all(|need| need == entity || done.contains(need))
                })
            };
            let Some(next) = ready(&soft, &done).or_else(|| ready(&hard, &done)) else {
                let stuck: Vec<&str> = plans
                    .iter()
                    .filter(|plan| !done.contains(&plan.entity))
                    .map(|plan| self.schema.entity(plan.entity).name.as_str())
                    .collect();
                let message = format!(
                    "{} need each other's records first; make one of the refs between them optional or drop the generator's expression",
                    stuck.join(", ")
                );
                self.problem(0, "entities", message);
                return None;
            };
            let plan = &mut plans[next.index()];
            let entity = &self.schema.entities[next.index()];
            for (at, field) in entity.fields.iter().enumerate() {
                if let (Type::Record(target), true) = (&field.kind, field.optional && field.slot.is_some())
                    && *target != next
                    && !done.contains(target)
                {
                    plan.late.push(at as u16);
                }
            }
            done.insert(next);
            order.push(next);
        }
        Some(order)
    }

    /// Entities that a plan needs; with `all`, those of optional refs too.
    fn plan_needs(&self, plan: &EntityPlan, all: bool) -> BTreeSet<EntityId> {
        let mut needs = Needs::default();
        let entity = self.schema.entity(plan.entity);
        for (at, generator) in plan.fields.iter().enumerate() {
            let Some(generator) = generator else { continue };
            let field = entity.field(at as u16);
            let is_soft = field.optional && matches!(field.kind, Type::Record(_));
            if all || !is_soft {
                generator_needs(generator, &mut needs);
                match &field.kind {
                    Type::Record(target) => {
                        needs.entities.insert(*target);
                    }
                    Type::List(item) => {
                        if let Type::Record(target) = **item {
                            needs.entities.insert(target);
                        }
                    }
                    _ => {}
                }
            }
        }
        if let CountPlan::Per { parent, .. } = plan.count {
            needs.entities.insert(parent);
        }
        // Derived fields look at entities on their own account.
        let mut seen = BTreeSet::new();
        let mut todo: Vec<(u16, u16)> = needs.derived.iter().copied().collect();
        while let Some((entity, field)) = todo.pop() {
            if !seen.insert((entity, field)) {
                continue;
            }
            if let Some(program) = &self.schema.entities[usize::from(entity)].field(field).derived {
                let mut more = Needs::default();
                needs_of(&program.expr, &mut more);
                needs.entities.extend(more.entities);
                todo.extend(more.derived);
            }
        }
        needs.entities
    }
}

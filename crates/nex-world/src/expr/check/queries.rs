//! Questions to the records of an entity: `count(order where …)` and its like.

use super::{Checked, Checker};
use crate::expr::ast::{Aggregate, Ast, Node, Operator, Query};
use crate::expr::{Access, Expr, ExprError, Selection};
use crate::suggest::did_you_mean;
use crate::value::{EntityId, Type, Value};

impl Checker<'_> {
    pub(super) fn query_entity(&self, query: &Query) -> Option<EntityId> {
        match &query.source.node {
            Node::Name(name) => self.schema.entity_named(name).map(|entity| entity.id),
            _ => None,
        }
    }

    pub(super) fn aggregate(&mut self, ast: &Ast, aggregate: Aggregate, query: &Query) -> Checked {
        let is_plain = query.alias.is_none() && query.filter.is_none() && query.body.is_none();
        let names_value = match &query.source.node {
            Node::Name(name) => {
                self.scope.has_name(name)
                    || self.scope.this.is_some_and(|(_, e)| self.schema.entity(e).field_named(name).is_some())
            }
            _ => true,
        };
        let entity = self.query_entity(query);
        if is_plain && names_value && (entity.is_none() || aggregate == Aggregate::Count) {
            let (expr, kind) = self.check(&query.source, None)?;
            return match (aggregate, kind) {
                (Aggregate::Count, Type::List(_)) => Ok((Expr::Length(Box::new(expr)), Type::Int)),
                (_, kind) => Err(ExprError::new(
                    ast.at,
                    format!(
                        "{}(…) takes `entity where …`{}, found {}",
                        aggregate.name(),
                        if aggregate == Aggregate::Count { " or a list" } else { "" },
                        self.schema.type_name(&kind)
                    ),
                )),
            };
        }
        let Some(entity) = entity else {
            let name = match &query.source.node {
                Node::Name(name) => name.as_str(),
                _ => "",
            };
            let known = self.schema.entities.iter().map(|entity| entity.name.as_str());
            return Err(ExprError::new(
                query.source.at,
                format!(
                    "{}(…) needs an entity, `{name}` is none{}",
                    aggregate.name(),
                    did_you_mean(name, known)
                ),
            ));
        };
        let needs_body =
            matches!(aggregate, Aggregate::Sum | Aggregate::Min | Aggregate::Max | Aggregate::Avg);
        if needs_body && query.body.is_none() {
            return Err(ExprError::new(
                ast.at,
                format!("{0}(…) needs what to take: {0}(entity where … : it.field)", aggregate.name()),
            ));
        }
        if !needs_body && query.body.is_some() {
            return Err(ExprError::new(ast.at, format!("{}(…) takes no `: expression`", aggregate.name())));
        }
        let (selection, body) = self.selection(query, entity, true)?;
        let kind = match (aggregate, &body) {
            (Aggregate::Exists, _) => Type::Bool,
            (Aggregate::Count, _) => Type::Int,
            (Aggregate::First, _) => Type::Record(entity),
            (_, Some((_, kind))) => self.folded(ast, aggregate, kind)?,
            (_, None) => unreachable!("a body was asked for above"),
        };
        let body = body.map(|(expr, _)| Box::new(expr));
        let zero = match kind {
            Type::Int => Value::Int(0),
            Type::Decimal => Value::Decimal(0),
            Type::Money => Value::Money(0),
            Type::Duration => Value::Duration(0),
            _ => Value::Null,
        };
        Ok((Expr::Query { aggregate, selection: Box::new(selection), body, zero }, kind))
    }

    fn folded(&self, ast: &Ast, aggregate: Aggregate, kind: &Type) -> Result<Type, ExprError> {
        let result = match (aggregate, kind) {
            (Aggregate::Sum, Type::Int | Type::Decimal | Type::Money | Type::Duration) => kind.clone(),
            (Aggregate::Avg, Type::Int | Type::Decimal) => Type::Decimal,
            (Aggregate::Avg, Type::Money) => Type::Money,
            (
                Aggregate::Min | Aggregate::Max,
                Type::Int
                | Type::Decimal
                | Type::Money
                | Type::Duration
                | Type::Date
                | Type::DateTime
                | Type::Str,
            ) => kind.clone(),
            _ => {
                return Err(ExprError::new(
                    ast.at,
                    format!("{}(…) of {}", aggregate.name(), self.schema.type_name(kind)),
                ));
            }
        };
        Ok(result)
    }

    /// The records that a query means, and its body, both in a scope with the record.
    pub(super) fn selection(
        &mut self,
        query: &Query,
        entity: EntityId,
        with_body: bool,
    ) -> Result<(Selection, Option<(Expr, Type)>), ExprError> {
        let outer = self.scope.clone();
        let slot = self.scope.add(query.alias.as_deref().unwrap_or("it"), Type::Record(entity));
        if std::mem::take(&mut self.names_it) {
            self.scope.alias("it", Type::Record(entity), slot);
        }
        self.highest = self.highest.max(self.scope.slots);
        let filter = query.filter.as_ref().map(|filter| self.truth(filter)).transpose()?;
        let body = match &query.body {
            Some(body) if with_body => Some(self.check(body, None)?),
            _ => None,
        };
        self.scope = outer;
        let (access, filter) = self.access(entity, slot, filter);
        Ok((Selection { entity, slot, access, filter: filter.map(Box::new), slots: self.highest }, body))
    }

    /// Takes one condition out of the filter that an index can answer.
    fn access(&self, entity: EntityId, slot: u16, filter: Option<Expr>) -> (Access, Option<Expr>) {
        let mut conditions = Vec::new();
        if let Some(filter) = filter {
            split_and(filter, &mut conditions);
        }
        let mut access = Access::All;
        let found = conditions.iter().position(|condition| {
            let Expr::Compare(Operator::Equal, left, right) = condition else { return false };
            for (path, key) in [(left, right), (right, left)] {
                if mentions(key, slot) {
                    continue;
                }
                match &**path {
                    Expr::Local(at) if *at == slot => {
                        access = Access::One(key.clone());
                        return true;
                    }
                    Expr::Stored(base, field) if matches!(**base, Expr::Local(at) if at == slot) => {
                        let indexes = &self.schema.entity(entity).indexes;
                        if let Some(at) =
                            indexes.iter().position(|index| index.slot == *field && !index.is_text)
                        {
                            access = Access::Index(at as u16, key.clone());
                            return true;
                        }
                    }
                    _ => {}
                }
            }
            false
        });
        if let Some(at) = found {
            conditions.remove(at);
        }
        let filter = conditions.into_iter().reduce(|a, b| Expr::And(Box::new(a), Box::new(b)));
        (access, filter)
    }
}

fn split_and(expr: Expr, out: &mut Vec<Expr>) {
    match expr {
        Expr::And(left, right) => {
            split_and(*left, out);
            split_and(*right, out);
        }
        other => out.push(other),
    }
}

/// Whether `expr` reads the local at `slot`.
fn mentions(expr: &Expr, slot: u16) -> bool {
    let all = |exprs: &[Expr]| exprs.iter().any(|expr| mentions(expr, slot));
    match expr {
        Expr::Const(_) | Expr::Now | Expr::Today => false,
        Expr::Local(at) => *at == slot,
        Expr::Stored(base, _)
        | Expr::Derived(base, _, _)
        | Expr::IsNull(base, _)
        | Expr::Not(base)
        | Expr::Negate(base)
        | Expr::Length(base) => mentions(base, slot),
        Expr::Or(a, b)
        | Expr::And(a, b)
        | Expr::Compare(_, a, b)
        | Expr::Member(a, b, _)
        | Expr::Within(a, b, _)
        | Expr::Arithmetic(_, a, b)
        | Expr::Join(a, b)
        | Expr::Coalesce(a, b) => mentions(a, slot) || mentions(b, slot),
        Expr::If(a, b, c) => mentions(a, slot) || mentions(b, slot) || mentions(c, slot),
        Expr::List(items) | Expr::Function(_, items) => all(items),
        // Nested queries are rare as keys; treat them as mentioning it.
        Expr::Query { .. } => true,
        Expr::Called(_, args, _) => args.iter().any(|(_, expr)| mentions(expr, slot)),
    }
}

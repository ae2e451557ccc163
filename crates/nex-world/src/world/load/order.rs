//! What an expression needs to be made before it: the entities it looks at and the derived
//! fields it reads.

use crate::expr::{Access, Expr, Selection};
use crate::generate::{Generator, Piece, Source, TimeBound};
use crate::value::EntityId;
use std::collections::BTreeSet;

/// Entities and derived fields (entity, field) that an expression reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    pub(super) entities: BTreeSet<EntityId>,
    pub(super) derived: BTreeSet<(u16, u16)>,
}

pub(super) fn needs_of(expr: &Expr, needs: &mut Needs) {
    match expr {
        Expr::Const(_) | Expr::Local(_) | Expr::Now | Expr::Today => {}
        Expr::Derived(base, entity, field) => {
            needs.derived.insert((entity.0, *field));
            needs_of(base, needs);
        }
        Expr::Stored(base, _)
        | Expr::IsNull(base, _)
        | Expr::Not(base)
        | Expr::Negate(base)
        | Expr::Length(base) => needs_of(base, needs),
        Expr::Or(a, b)
        | Expr::And(a, b)
        | Expr::Compare(_, a, b)
        | Expr::Member(a, b, _)
        | Expr::Within(a, b, _)
        | Expr::Arithmetic(_, a, b)
        | Expr::Join(a, b)
        | Expr::Coalesce(a, b) => {
            needs_of(a, needs);
            needs_of(b, needs);
        }
        Expr::If(a, b, c) => {
            needs_of(a, needs);
            needs_of(b, needs);
            needs_of(c, needs);
        }
        Expr::List(items) | Expr::Function(_, items) => items.iter().for_each(|item| needs_of(item, needs)),
        Expr::Query { selection, body, .. } => {
            selection_needs(selection, needs);
            if let Some(body) = body {
                needs_of(body, needs);
            }
        }
        Expr::Called(_, args, _) => args.iter().for_each(|(_, arg)| needs_of(arg, needs)),
    }
}

fn selection_needs(selection: &Selection, needs: &mut Needs) {
    needs.entities.insert(selection.entity);
    match &selection.access {
        Access::All => {}
        Access::One(key) | Access::Index(_, key) => needs_of(key, needs),
    }
    if let Some(filter) = &selection.filter {
        needs_of(filter, needs);
    }
}

pub(super) fn generator_needs(generator: &Generator, needs: &mut Needs) {
    for (condition, case) in &generator.cases {
        needs_of(&condition.expr, needs);
        generator_needs(case, needs);
    }
    if let Some(condition) = &generator.when {
        needs_of(&condition.expr, needs);
    }
    match &generator.source {
        Source::Value(program) | Source::Email(Some(program)) => needs_of(&program.expr, needs),
        Source::Template { en, zh } => {
            for piece in en.iter().chain(zh.iter().flatten()) {
                if let Piece::Hole(program) = piece {
                    needs_of(&program.expr, needs);
                }
            }
        }
        Source::Number { min, max, .. } => {
            needs_of(&min.expr, needs);
            needs_of(&max.expr, needs);
        }
        Source::Time { after, min, max, .. } => {
            if let Some(program) = after {
                needs_of(&program.expr, needs);
            }
            for bound in [min, max] {
                if let TimeBound::Given(program) = bound {
                    needs_of(&program.expr, needs);
                }
            }
        }
        Source::Ref { selection, .. } => selection_needs(selection, needs),
        Source::List { item, .. } => generator_needs(item, needs),
        _ => {}
    }
}

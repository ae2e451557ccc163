//! Arguments of operations: types, limits, what they are compared with, how they are made.

use super::entities::TypeParts;
use super::generators::GenFor;
use super::{Loader, line_of};
use crate::expr::Scope;
use crate::spec::{ArgSpec, Compare, OperationKind, OperationSpec, Spanned, TypeName};
use crate::suggest::did_you_mean;
use crate::value::{EntityId, Type};
use crate::world::{Arg, Bound, Match};
use std::collections::HashMap;

impl Loader<'_> {
    pub(super) fn arg_type(
        &mut self,
        arg: &Spanned<ArgSpec>,
        place: &str,
        ids: &HashMap<&str, EntityId>,
    ) -> Type {
        let (spec, line) = (&arg.value, line_of(arg));
        let Some(like) = &spec.like else {
            let parts =
                TypeParts { kind: spec.kind, of: spec.of.as_ref(), item: spec.item, values: &spec.values };
            return self.resolve_type(&parts, line, place, ids);
        };
        let found = like.value.split_once('.').and_then(|(entity, field)| {
            let entity = self.schema.entity_named(entity)?;
            Some(entity.field_named(field)?.1.kind.clone())
        });
        let Some(kind) = found else {
            self.problem(
                line_of(like),
                place,
                format!("`like` names a field as entity.field; `{}` is none", like.value),
            );
            return Type::Str;
        };
        let says = match &kind {
            Type::Str => TypeName::String,
            Type::Int => TypeName::Int,
            Type::Decimal => TypeName::Decimal,
            Type::Money => TypeName::Money,
            Type::Bool => TypeName::Bool,
            Type::Date => TypeName::Date,
            Type::DateTime => TypeName::Datetime,
            Type::Enum(_) => TypeName::Enum,
            Type::Record(_) => TypeName::Ref,
            _ => TypeName::List,
        };
        if says != spec.kind {
            self.problem(
                line,
                place,
                format!("`{}` is {}, not what `type` says", like.value, self.schema.type_name(&kind)),
            );
        }
        kind
    }

    pub(super) fn compile_args(
        &mut self,
        index: u16,
        spec: &OperationSpec,
        entity: Option<EntityId>,
        place: &str,
    ) -> Vec<Arg> {
        let is_search = matches!(spec.kind, OperationKind::Find | OperationKind::List);
        let mut gen_scope = Scope::default().with_calls();
        gen_scope.reserve(spec.args.len() as u16);
        let mut args = Vec::with_capacity(spec.args.len());
        for (at, (name, arg)) in spec.args.iter().enumerate() {
            let place = format!("{place}.args.{name}");
            let (line, arg) = (line_of(arg), &arg.value);
            let kind = self.schema.signatures[usize::from(index)].args[at].1.clone();
            let matches = self.compile_match(arg, &kind, entity.filter(|_| is_search), line, &place);
            let in_filter = spec
                .filter
                .as_ref()
                .is_some_and(|filter| filter.value.contains(name.trim_end_matches("_id")));
            if is_search && arg.matches.is_none() && !in_filter {
                self.problem(
                    line,
                    &place,
                    "the argument has no effect; give `match: field` or use it in `where`",
                );
            }
            let default = arg.default.as_ref().and_then(|default| {
                self.written_value(&kind, &default.value.0)
                    .map_err(|message| self.problem(line_of(default), format!("{place}.default"), message))
                    .ok()
            });
            let pattern = arg.pattern.as_ref().and_then(|pattern| {
                if kind != Type::Str {
                    self.problem(line_of(pattern), &place, "`pattern` is for text only");
                }
                regex::RegexBuilder::new(&format!("^(?:{})$", pattern.value))
                    .size_limit(1 << 20)
                    .build()
                    .map_err(|error| {
                        let last = error.to_string().lines().last().unwrap_or_default().to_owned();
                        self.problem(line_of(pattern), format!("{place}.pattern"), last);
                    })
                    .ok()
            });
            let min = self.bound(arg.min.as_ref(), &kind, &format!("{place}.min"));
            let max = self.bound(arg.max.as_ref(), &kind, &format!("{place}.max"));
            let generator = arg.generator.as_ref().map(|_| {
                let target = GenFor {
                    kind: &kind,
                    optional: arg.optional,
                    unique: false,
                    scope: &gen_scope,
                    place: &format!("{place}.gen"),
                    line,
                };
                self.generator(arg.generator.as_ref(), &target)
            });
            gen_scope.alias(name, kind.clone(), at as u16);
            if let (Type::Record(_), Some(short)) = (&kind, name.strip_suffix("_id"))
                && !gen_scope.has_name(short)
            {
                gen_scope.alias(short, kind.clone(), at as u16);
            }
            let optional = arg.optional || default.is_some();
            args.push(Arg {
                name: name.clone(),
                kind,
                optional,
                default,
                matches,
                generator,
                pattern,
                min,
                max,
            });
        }
        args
    }

    fn compile_match(
        &mut self,
        arg: &ArgSpec,
        kind: &Type,
        entity: Option<EntityId>,
        line: u64,
        place: &str,
    ) -> Option<Match> {
        let source = arg.matches.as_ref()?;
        let Some(entity) = entity else {
            self.problem(line_of(source), place, "`match` is for find and list");
            return None;
        };
        if source.value == "id" {
            return Some(Match { field: None, compare: arg.compare });
        }
        let def = self.schema.entity(entity);
        let Some((at, field)) = def.field_named(&source.value) else {
            let hint =
                did_you_mean(&source.value, def.fields.iter().map(|field| field.name.as_str()).chain(["id"]));
            let message = format!("{} has no field `{}`{hint}", def.name, source.value);
            self.problem(line_of(source), place, message);
            return None;
        };
        let fits = match (arg.compare, &field.kind, kind) {
            (Compare::Contains, Type::Str, Type::Str) => true,
            (Compare::Has, Type::List(item), kind) => **item == *kind,
            (Compare::Eq, Type::Enum(a), Type::Enum(b)) => {
                a == b || {
                    let known = self.schema.enum_def(*a);
                    self.schema
                        .enum_def(*b)
                        .values
                        .iter()
                        .any(|v| known.values.iter().any(|k| k.symbol == v.symbol))
                }
            }
            // A day finds the moments of that day.
            (_, Type::DateTime, Type::Date) => {
                arg.compare != Compare::Contains && arg.compare != Compare::Has
            }
            (Compare::Eq, a, b) => a == b,
            (Compare::Ge | Compare::Le, a, b) => {
                a == b && matches!(a, Type::Int | Type::Decimal | Type::Money | Type::Date | Type::DateTime)
            }
            _ => false,
        };
        if !fits {
            let message = format!(
                "{} cannot be compared so with {}.{}, which is {}",
                self.schema.type_name(kind),
                def.name,
                field.name,
                self.schema.type_name(&field.kind)
            );
            self.problem(line, place, message);
        }
        Some(Match { field: Some(at), compare: arg.compare })
    }

    fn bound(
        &mut self,
        bound: Option<&Spanned<crate::text::Scalar>>,
        kind: &Type,
        place: &str,
    ) -> Option<Bound> {
        let bound = bound?;
        let text = &bound.value.0;
        let value = match kind {
            Type::Str | Type::List(_) => match text.parse::<usize>() {
                Ok(length) => Ok(Bound::Length(length)),
                Err(_) => Err(format!("`{text}` is no length")),
            },
            Type::Int | Type::Decimal | Type::Money | Type::Date | Type::DateTime => {
                self.written_value(kind, text).map(Bound::Value)
            }
            other => Err(format!("{} has no limits", self.schema.type_name(other))),
        };
        value.map_err(|message| self.problem(line_of(bound), place, message)).ok()
    }
}

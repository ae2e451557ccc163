//! Entities: names, types, indexes; then derived fields.

use super::{Loader, line_of};
use crate::expr::Scope;
use crate::schema::{Entity, EnumDef, EnumEntry, Field, IndexDef, Key};
use crate::spec::{Compare, EntitySpec, EnumValues, FieldSpec, Source, TypeName};
use crate::suggest::did_you_mean;
use crate::text::Text;
use crate::value::{EntityId, EnumId, Type};
use std::collections::{HashMap, HashSet};

/// Entities of one world.
const MAX_ENTITIES: usize = 64;
/// Fields of one entity.
const MAX_FIELDS: usize = 64;

/// The parts of a declaration that say its type.
pub(super) struct TypeParts<'s> {
    pub(super) kind: TypeName,
    pub(super) of: Option<&'s Source>,
    pub(super) item: Option<TypeName>,
    pub(super) values: &'s EnumValues,
}

impl Loader<'_> {
    pub(super) fn declare_entities(&mut self) {
        let spec = self.spec;
        if spec.entities.is_empty() || spec.entities.len() > MAX_ENTITIES {
            self.problem(
                0,
                "entities",
                format!("a world has 1 to {MAX_ENTITIES} entities, not {}", spec.entities.len()),
            );
            return;
        }
        let ids: HashMap<&str, EntityId> =
            spec.entities.keys().enumerate().map(|(at, name)| (name.as_str(), EntityId(at as u16))).collect();
        let mut prefixes: HashMap<String, String> = HashMap::new();
        for (at, (name, entity)) in spec.entities.iter().enumerate() {
            let place = format!("entities.{name}");
            let line = line_of(entity);
            self.check_name(name, line, &place);
            self.check_id(name, &entity.value, line, &mut prefixes);
            let declared = self.declare_entity(EntityId(at as u16), name, &entity.value, line, &ids);
            self.schema.entities.push(declared);
        }
    }

    fn check_id(
        &mut self,
        name: &str,
        entity: &EntitySpec,
        line: u64,
        prefixes: &mut HashMap<String, String>,
    ) {
        let place = format!("entities.{name}.id");
        let prefix = &entity.id.prefix;
        if !prefix
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'#' | b'.'))
            || prefix.is_empty()
        {
            self.problem(line, &place, "`prefix` is one or more letters, digits or -_#.");
        }
        if !(3..=12).contains(&entity.id.digits) {
            self.problem(line, &place, "`digits` is 3 to 12");
        }
        if let Some(other) = prefixes.insert(prefix.clone(), name.to_owned()) {
            self.problem(
                line,
                &place,
                format!("{other} has the prefix `{prefix}` already; ids must tell entities apart"),
            );
        }
    }

    fn declare_entity(
        &mut self,
        id: EntityId,
        name: &str,
        spec: &EntitySpec,
        line: u64,
        ids: &HashMap<&str, EntityId>,
    ) -> Entity {
        let place = format!("entities.{name}");
        if spec.fields.is_empty() || spec.fields.len() > MAX_FIELDS {
            self.problem(line, format!("{place}.fields"), format!("an entity has 1 to {MAX_FIELDS} fields"));
        }
        let mut fields = Vec::with_capacity(spec.fields.len());
        let mut indexes = Vec::new();
        let mut stored: u16 = 0;
        for (field_name, field) in &spec.fields {
            let line = line_of(field);
            let field_place = format!("{place}.fields.{field_name}");
            self.check_name(field_name, line, &field_place);
            let declared = self.declare_field(field_name, &field.value, line, &field_place, ids, &mut stored);
            let is_text = match declared.kind {
                Type::Record(_) => Some(false),
                Type::Str if declared.unique || self.is_looked_up(name, field_name) => Some(true),
                _ => None,
            };
            let mut declared = declared;
            if let (Some(slot), Some(is_text)) = (declared.slot, is_text) {
                declared.index = Some(indexes.len() as u16);
                indexes.push(IndexDef { slot, is_text });
            }
            fields.push(declared);
        }
        let field_by_name: HashMap<String, u16> =
            fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at as u16)).collect();
        let keys = self.declare_keys(spec, &place, line, &field_by_name);
        Entity {
            id,
            name: name.to_owned(),
            label: spec.label.clone(),
            plural: spec.plural.clone().unwrap_or_else(|| format!("{name}s")),
            prefix: spec.id.prefix.clone(),
            digits: spec.id.digits.clamp(3, 12),
            fields,
            keys,
            stored: usize::from(stored),
            indexes,
            field_by_name,
        }
    }

    /// Whether an operation finds records by this text.
    fn is_looked_up(&self, entity: &str, field: &str) -> bool {
        self.spec.operations.values().any(|operation| {
            operation.value.entity.as_ref().is_some_and(|name| name.value == entity)
                && operation.value.args.values().any(|arg| {
                    arg.value.compare == Compare::Eq
                        && arg.value.matches.as_ref().is_some_and(|m| m.value == field)
                })
        })
    }

    fn declare_field(
        &mut self,
        name: &str,
        spec: &FieldSpec,
        line: u64,
        place: &str,
        ids: &HashMap<&str, EntityId>,
        stored: &mut u16,
    ) -> Field {
        let parts =
            TypeParts { kind: spec.kind, of: spec.of.as_ref(), item: spec.item, values: &spec.values };
        let kind = self.resolve_type(&parts, line, place, ids);
        let slot = match &spec.derived {
            None => {
                *stored += 1;
                Some(*stored - 1)
            }
            Some(_) => {
                if spec.generator.is_some() || spec.unique {
                    self.problem(
                        line,
                        place,
                        "a derived field is computed; it takes neither `gen` nor `unique`",
                    );
                }
                None
            }
        };
        if spec.unique && matches!(kind, Type::List(_) | Type::Bool) {
            self.problem(line, place, format!("a {} field cannot be unique", self.schema.type_name(&kind)));
        }
        Field {
            name: name.to_owned(),
            label: spec.label.clone().unwrap_or_else(|| Text::plain(name.replace('_', " "))),
            kind,
            optional: spec.optional || spec.derived.is_some(),
            unique: spec.unique,
            hidden: spec.hidden,
            slot,
            derived: None,
            index: None,
        }
    }

    /// The type that a declaration's parts say; a problem and text where they do not fit together.
    pub(super) fn resolve_type(
        &mut self,
        parts: &TypeParts<'_>,
        line: u64,
        place: &str,
        ids: &HashMap<&str, EntityId>,
    ) -> Type {
        let inner = if parts.kind == TypeName::List {
            match parts.item {
                Some(TypeName::List) => {
                    self.problem(line, place, "a list of lists is not supported; use an entity");
                    TypeName::String
                }
                Some(item) => item,
                None => {
                    self.problem(line, place, "a list needs `item`, the type of its items");
                    TypeName::String
                }
            }
        } else {
            if parts.item.is_some() {
                self.problem(line, place, "`item` is for lists only");
            }
            parts.kind
        };
        if inner != TypeName::Enum && !parts.values.0.is_empty() {
            self.problem(line, place, "`values` is for enums only");
        }
        if inner != TypeName::Ref
            && let Some(of) = parts.of
        {
            self.problem(line_of(of), place, "`of` is for refs only");
        }
        let kind = match inner {
            TypeName::String | TypeName::List => Type::Str,
            TypeName::Int => Type::Int,
            TypeName::Decimal => Type::Decimal,
            TypeName::Money => Type::Money,
            TypeName::Bool => Type::Bool,
            TypeName::Date => Type::Date,
            TypeName::Datetime => Type::DateTime,
            TypeName::Enum => self.declare_enum(parts.values, line, place).map_or(Type::Str, Type::Enum),
            TypeName::Ref => match parts.of.map(|of| (of, ids.get(of.value.as_str()))) {
                Some((_, Some(entity))) => Type::Record(*entity),
                Some((of, None)) => {
                    let hint = did_you_mean(&of.value, ids.keys().copied());
                    self.problem(line_of(of), place, format!("unknown entity `{}`{hint}", of.value));
                    Type::Str
                }
                None => {
                    self.problem(line, place, "a ref needs `of`, the entity that it points to");
                    Type::Str
                }
            },
        };
        if parts.kind == TypeName::List { Type::List(Box::new(kind)) } else { kind }
    }

    fn declare_enum(&mut self, values: &EnumValues, line: u64, place: &str) -> Option<EnumId> {
        if values.0.is_empty() {
            self.problem(line, place, "an enum needs `values`");
            return None;
        }
        if values.0.values().any(|value| !value.weight.is_finite() || value.weight < 0.0)
            || values.0.values().all(|value| value.weight == 0.0)
        {
            self.problem(line, place, "weights are not negative, and at least one is above 0");
        }
        let entries: Vec<EnumEntry> = values
            .0
            .iter()
            .map(|(name, value)| {
                let words = name.replace('_', " ");
                let label = match &value.label {
                    Some(label) if label.en.is_empty() => Text { en: words, zh: label.zh.clone() },
                    Some(label) => label.clone(),
                    None => Text::plain(words),
                };
                EnumEntry { symbol: self.schema.intern(name), weight: value.weight, label }
            })
            .collect();
        let id = EnumId(self.schema.enums.len() as u16);
        self.schema.enums.push(EnumDef { values: entries });
        Some(id)
    }

    fn declare_keys(
        &mut self,
        spec: &EntitySpec,
        place: &str,
        line: u64,
        field_by_name: &HashMap<String, u16>,
    ) -> Vec<Key> {
        let mut keys = Vec::new();
        for (at, key) in spec.keys.iter().enumerate() {
            let place = format!("{place}.keys[{at}]");
            let mut fields = Vec::new();
            for field in &key.fields {
                match field_by_name.get(&field.value) {
                    Some(at) => fields.push(*at),
                    None => {
                        let hint = did_you_mean(&field.value, field_by_name.keys().map(String::as_str));
                        self.problem(
                            line_of(field),
                            &place,
                            format!("unknown field `{}`{hint}", field.value),
                        );
                    }
                }
            }
            if key.fields.is_empty() {
                self.problem(line, &place, "a key names at least one field");
            }
            let names: Vec<&str> = key.fields.iter().map(|field| field.value.as_str()).collect();
            self.check_holes(&key.text, &names, line, &place);
            keys.push(Key { fields, text: key.text.clone() });
        }
        keys
    }

    /// Every `{hole}` of the text is one of `names`, and in each language every name is there.
    pub(super) fn check_holes(&mut self, text: &Text, names: &[&str], line: u64, place: &str) {
        for words in [Some(text.en.as_str()), text.zh.as_deref()].into_iter().flatten() {
            for hole in holes(words) {
                if !names.contains(&hole) {
                    let hint = did_you_mean(hole, names.iter().copied());
                    self.problem(line, place, format!("`{{{hole}}}` names nothing here{hint}"));
                }
            }
        }
    }

    /// Compiles derived fields and refuses those that need themselves.
    pub(super) fn compile_derived(&mut self) {
        let spec = self.spec;
        for (at, (name, entity)) in spec.entities.iter().enumerate() {
            for (field_at, (field_name, field)) in entity.value.fields.iter().enumerate() {
                let Some(source) = &field.value.derived else { continue };
                let mut scope = Scope::default();
                scope.add_this(EntityId(at as u16));
                let place = format!("entities.{name}.fields.{field_name}.derived");
                let expected = self.schema.entities[at].fields[field_at].kind.clone();
                let program = self.expression(&scope, source, &place, Some(&expected));
                self.schema.entities[at].fields[field_at].derived = program;
            }
        }
        self.refuse_derived_cycles();
    }

    fn refuse_derived_cycles(&mut self) {
        let mut needs: HashMap<(u16, u16), Vec<(u16, u16)>> = HashMap::new();
        for entity in &self.schema.entities {
            for (at, field) in entity.fields.iter().enumerate() {
                if let Some(program) = &field.derived {
                    let mut found = super::order::Needs::default();
                    super::order::needs_of(&program.expr, &mut found);
                    needs.insert((entity.id.0, at as u16), found.derived.into_iter().collect());
                }
            }
        }
        let mut starts: Vec<_> = needs.keys().copied().collect();
        starts.sort_unstable();
        for start in starts {
            let mut seen = HashSet::new();
            let mut todo = needs[&start].clone();
            while let Some(next) = todo.pop() {
                if next == start {
                    let entity = &self.schema.entities[usize::from(start.0)];
                    let place =
                        format!("entities.{}.fields.{}.derived", entity.name, entity.field(start.1).name);
                    let line = self.spec.entities[usize::from(start.0)].value.fields[usize::from(start.1)]
                        .value
                        .derived
                        .as_ref()
                        .map_or(0, line_of);
                    self.problem(
                        line,
                        place,
                        "needs itself to be computed, perhaps by way of other derived fields",
                    );
                    break;
                }
                if seen.insert(next) {
                    todo.extend(needs.get(&next).into_iter().flatten().copied());
                }
            }
        }
    }
}

/// The names between braces.
pub(crate) fn holes(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(hole, _)| hole))
}

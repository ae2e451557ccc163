//! Operations: arguments, conditions, replies. What they change is in [`super::actions`].

use super::entities::holes;
use super::{Loader, line_of};
use crate::expr::Scope;
use crate::schema::Signature;
use crate::spec::{OperationKind, OperationSpec, RemedySpec, RequireSpec, Spanned};
use crate::suggest::did_you_mean;
use crate::value::{EntityId, Type, Value};
use crate::world::{Body, Operation, Remedy, Require, Search};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Operations of one world.
const MAX_OPERATIONS: usize = 100;
/// Arguments of one operation.
const MAX_ARGS: usize = 24;
/// Records in one reply, where the file says nothing.
const PAGE_SIZE: u32 = 50;

/// The name of the argument that asks for the next page.
pub(crate) const CURSOR: &str = "cursor";

impl Loader<'_> {
    /// Names and argument types of all operations, so that expressions can ask about calls.
    pub(super) fn declare_operations(&mut self) {
        let spec = self.spec;
        if spec.operations.is_empty() || spec.operations.len() > MAX_OPERATIONS {
            self.problem(
                0,
                "operations",
                format!("a world has 1 to {MAX_OPERATIONS} operations, not {}", spec.operations.len()),
            );
        }
        let ids: HashMap<&str, EntityId> =
            spec.entities.keys().enumerate().map(|(at, name)| (name.as_str(), EntityId(at as u16))).collect();
        for (name, operation) in &spec.operations {
            let place = format!("operations.{name}");
            let line = line_of(operation);
            self.check_name(name, line, &place);
            if name.starts_with("nex_") {
                self.problem(line, &place, "names that begin with nex_ are for control tools");
            }
            if operation.value.args.len() > MAX_ARGS {
                self.problem(line, &place, format!("an operation has at most {MAX_ARGS} arguments"));
            }
            let mut args = Vec::with_capacity(operation.value.args.len());
            for (arg_name, arg) in &operation.value.args {
                let place = format!("{place}.args.{arg_name}");
                self.check_name(arg_name, line_of(arg), &place);
                if arg_name == CURSOR {
                    self.problem(line_of(arg), &place, "`cursor` is there already for the pages of a list");
                }
                args.push((arg_name.clone(), self.arg_type(arg, &place, &ids)));
            }
            self.schema.signatures.push(Signature { name: name.clone(), args });
        }
    }

    pub(super) fn compile_operations(&mut self) -> Vec<Operation> {
        let spec = self.spec;
        let mut operations = Vec::with_capacity(spec.operations.len());
        for (at, (name, operation)) in spec.operations.iter().enumerate() {
            operations.push(self.compile_operation(at as u16, name, &operation.value, line_of(operation)));
        }
        operations
    }

    /// The names that an operation's expressions may use; its arguments are locals 0 and up.
    pub(super) fn operation_scope(&self, index: u16) -> Scope {
        let signature = &self.schema.signatures[usize::from(index)];
        let mut scope = Scope::default().with_calls();
        for (name, kind) in &signature.args {
            scope.add(name, kind.clone());
        }
        for (at, (name, kind)) in signature.args.iter().enumerate() {
            if let (Type::Record(_), Some(short)) = (kind, name.strip_suffix("_id"))
                && !scope.has_name(short)
            {
                scope.alias(short, kind.clone(), at as u16);
            }
        }
        scope
    }

    fn compile_operation(&mut self, index: u16, name: &str, spec: &OperationSpec, line: u64) -> Operation {
        let place = format!("operations.{name}");
        let entity = self.operation_entity(spec, line, &place);
        if let Some(dynamics) = &spec.dynamics {
            self.check_dynamics(dynamics, line, &format!("{place}.dynamics"));
        }
        if spec.description.trim().is_empty() {
            self.problem(line, &place, "an operation needs a description, which is what the agent reads");
        }
        let args = self.compile_args(index, spec, entity, &place);
        let mut scope = self.operation_scope(index);
        let requires = spec
            .require
            .iter()
            .enumerate()
            .filter_map(|(at, require)| {
                self.compile_require(require, &scope, index, &format!("{place}.require[{at}]"))
            })
            .collect();
        self.check_goal(spec, index, line, &place);
        let record_slot = scope.slots();
        scope.reserve(record_slot + 1);
        let target = self.target(spec, entity, index, line, &place);
        let mut writes = BTreeSet::new();
        let body = self.body(spec, entity, record_slot, &scope, line, &place, &mut writes);
        let mut inner = scope.clone();
        if let (OperationKind::Create, Some(entity)) = (spec.kind, entity) {
            inner.alias("new", Type::Record(entity), record_slot);
        }
        let effects = self.effects(&spec.effects, &mut inner, &place, &mut writes);
        if !spec.kind.is_write() && !spec.effects.is_empty() {
            self.problem(line, format!("{place}.effects"), "find, get, list and compute change nothing");
        }
        let returns = self.returns(spec, entity, record_slot, &scope, line, &place);
        let has_cursor = matches!(spec.kind, OperationKind::Find | OperationKind::List);
        Operation {
            index,
            name: name.to_owned(),
            kind: spec.kind,
            entity,
            description: spec.description.trim().to_owned(),
            goal: spec.goal.clone(),
            args,
            requires,
            policies: Vec::new(),
            writes,
            returns,
            dynamics: spec.dynamics.clone().unwrap_or_default(),
            record_slot,
            target,
            body,
            effects,
            has_cursor,
            slots: inner.slots() + 8,
        }
    }

    fn operation_entity(&mut self, spec: &OperationSpec, line: u64, place: &str) -> Option<EntityId> {
        match &spec.entity {
            Some(name) => {
                let found = self.schema.entity_named(&name.value).map(|entity| entity.id);
                if found.is_none() {
                    let hint = did_you_mean(&name.value, self.spec.entities.keys().map(String::as_str));
                    self.problem(
                        line_of(name),
                        format!("{place}.entity"),
                        format!("unknown entity `{}`{hint}", name.value),
                    );
                }
                found
            }
            None => {
                if !matches!(spec.kind, OperationKind::Compute | OperationKind::Transfer) {
                    self.problem(line, place, "this kind of operation needs `entity`");
                }
                None
            }
        }
    }

    fn compile_require(
        &mut self,
        require: &Spanned<RequireSpec>,
        scope: &Scope,
        index: u16,
        place: &str,
    ) -> Option<Require> {
        let (spec, line) = (&require.value, line_of(require));
        let that = self.expression(scope, &spec.that, &format!("{place}.that"), Some(&Type::Bool));
        let is_code =
            spec.error.value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if !is_code || spec.error.value.is_empty() {
            self.problem(
                line_of(&spec.error),
                format!("{place}.error"),
                "an error code is lower case letters, digits and _",
            );
        }
        let message =
            self.message(&spec.message.value, scope, line_of(&spec.message), &format!("{place}.message"));
        let remedy = spec.remedy.as_ref().and_then(|remedy| self.remedy(remedy, scope, index, line, place));
        Some(Require { error: spec.error.value.clone(), remedy, that: that?, message })
    }

    pub(super) fn remedy(
        &mut self,
        spec: &RemedySpec,
        scope: &Scope,
        index: u16,
        line: u64,
        place: &str,
    ) -> Option<Remedy> {
        let place = format!("{place}.remedy");
        let signatures = &self.schema.signatures;
        let Some(at) = signatures.iter().position(|signature| signature.name == spec.call.value) else {
            let hint = did_you_mean(&spec.call.value, signatures.iter().map(|s| s.name.as_str()));
            self.problem(
                line_of(&spec.call),
                place,
                format!("unknown operation `{}`{hint}", spec.call.value),
            );
            return None;
        };
        let signature = signatures[at].clone();
        if at == usize::from(index) {
            self.problem(line, &place, "an operation cannot be its own remedy");
        }
        let mut args = Vec::new();
        for (name, source) in &spec.args {
            match signature.args.iter().position(|(known, _)| known == name) {
                Some(arg) => {
                    let program = self.expression(
                        scope,
                        source,
                        &format!("{place}.with.{name}"),
                        Some(&signature.args[arg].1),
                    );
                    args.extend(program.map(|program| (arg as u16, program)));
                }
                None => {
                    let hint = did_you_mean(name, signature.args.iter().map(|(known, _)| known.as_str()));
                    self.problem(
                        line_of(source),
                        &place,
                        format!("{} has no argument `{name}`{hint}", signature.name),
                    );
                }
            }
        }
        Some(Remedy { operation: at as u16, args })
    }

    fn check_goal(&mut self, spec: &OperationSpec, index: u16, line: u64, place: &str) {
        let Some(goal) = &spec.goal else { return };
        let place = format!("{place}.goal");
        let signature = self.schema.signatures[usize::from(index)].clone();
        let mut names: Vec<&str> = Vec::new();
        for (name, kind) in &signature.args {
            names.push(name);
            if matches!(kind, Type::Record(_)) {
                names.extend(name.strip_suffix("_id"));
            }
        }
        self.check_holes(goal, &names, line, &place);
        for (name, kind) in &signature.args {
            let short = if matches!(kind, Type::Record(_)) { name.strip_suffix("_id") } else { None };
            let optional = spec.args[name].value.optional || spec.args[name].value.default.is_some();
            for words in [Some(goal.en.as_str()), goal.zh.as_deref()].into_iter().flatten() {
                let said: HashSet<&str> = holes(words).collect();
                if !optional && !said.contains(name.as_str()) && !short.is_some_and(|s| said.contains(s)) {
                    let derivable =
                        spec.args[name].value.generator.as_ref().is_some_and(|g| g.value.0.value.is_some());
                    if !derivable {
                        self.problem(
                            line,
                            &place,
                            format!("does not say the argument `{name}`, so nobody could know it: `{words}`"),
                        );
                    }
                }
            }
        }
    }

    fn target(
        &mut self,
        spec: &OperationSpec,
        entity: Option<EntityId>,
        index: u16,
        line: u64,
        place: &str,
    ) -> Option<u16> {
        let needs_target =
            matches!(spec.kind, OperationKind::Get | OperationKind::Update | OperationKind::Delete);
        if !needs_target {
            if let Some(target) = &spec.target {
                self.problem(line_of(target), place, "`target` is for get, update and delete");
            }
            return None;
        }
        let wanted = Type::Record(entity?);
        let args = &self.schema.signatures[usize::from(index)].args;
        let found = args.iter().position(|(name, kind)| {
            *kind == wanted
                && spec
                    .target
                    .as_ref()
                    .is_none_or(|t| t.value == *name || Some(t.value.as_str()) == name.strip_suffix("_id"))
        });
        match found {
            Some(at) => {
                let arg = &spec.args[at].value;
                if arg.optional {
                    self.problem(line, place, "the argument that names the record cannot be optional");
                }
                Some(at as u16)
            }
            None => {
                let name = self.schema.entity(entity?).name.clone();
                self.problem(line, place, format!("needs a ref argument of {name} that names the record"));
                None
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one declaration")]
    fn body(
        &mut self,
        spec: &OperationSpec,
        entity: Option<EntityId>,
        record_slot: u16,
        scope: &Scope,
        line: u64,
        place: &str,
        writes: &mut BTreeSet<EntityId>,
    ) -> Body {
        self.refuse_foreign_keys(spec, line, place);
        match (spec.kind, entity) {
            (OperationKind::Find | OperationKind::List, Some(entity)) => {
                let mut inner = scope.clone();
                inner.alias("it", Type::Record(entity), record_slot);
                let filter = spec.filter.as_ref().and_then(|filter| {
                    self.expression(&inner, filter, &format!("{place}.where"), Some(&Type::Bool))
                });
                let sort = spec.sort.as_ref().and_then(|sort| {
                    let name = sort.value.trim_start_matches('-');
                    let def = self.schema.entity(entity);
                    match def.field_named(name) {
                        Some((at, _)) => Some((at, sort.value.starts_with('-'))),
                        None => {
                            let hint = did_you_mean(name, def.fields.iter().map(|field| field.name.as_str()));
                            let message = format!("{} has no field `{name}`{hint}", def.name);
                            self.problem(line_of(sort), format!("{place}.sort"), message);
                            None
                        }
                    }
                });
                let page_size = spec.page_size.unwrap_or(PAGE_SIZE);
                if !(1..=500).contains(&page_size) {
                    self.problem(line, format!("{place}.page_size"), "is 1 to 500");
                }
                Body::Search(Search { filter, sort, page_size: page_size.clamp(1, 500) as usize })
            }
            (OperationKind::Create, Some(entity)) => {
                writes.insert(entity);
                Body::Create(self.creation(entity, &spec.set, scope, line, place))
            }
            (OperationKind::Update, Some(entity)) => {
                writes.insert(entity);
                Body::Update(self.writes(
                    entity,
                    &spec.set,
                    &spec.add,
                    &spec.append,
                    &spec.remove,
                    scope,
                    place,
                ))
            }
            (OperationKind::Delete, Some(entity)) => {
                writes.insert(entity);
                Body::Delete
            }
            (OperationKind::Transfer, _) => {
                self.transfer(spec, scope, line, place, writes).map_or(Body::Compute, Body::Transfer)
            }
            (OperationKind::Compute, _) => {
                if spec.results.is_empty() {
                    self.problem(line, place, "compute needs `results`");
                }
                Body::Compute
            }
            _ => Body::Show,
        }
    }

    /// Keys that belong to another kind of operation.
    fn refuse_foreign_keys(&mut self, spec: &OperationSpec, line: u64, place: &str) {
        use OperationKind::{Compute, Create, Find, List, Transfer, Update};
        let keys: [(&str, bool, &[OperationKind]); 11] = [
            ("where", spec.filter.is_some(), &[Find, List]),
            ("sort", spec.sort.is_some(), &[Find, List]),
            ("page_size", spec.page_size.is_some(), &[Find, List]),
            ("set", !spec.set.is_empty(), &[Create, Update]),
            ("add", !spec.add.is_empty(), &[Update]),
            ("append", !spec.append.is_empty(), &[Update]),
            ("remove", !spec.remove.is_empty(), &[Update]),
            ("from", spec.from.is_some(), &[Transfer]),
            ("to", spec.to.is_some(), &[Transfer]),
            ("amount", spec.amount.is_some(), &[Transfer]),
            ("results", !spec.results.is_empty(), &[Compute]),
        ];
        for (key, is_there, kinds) in keys {
            if is_there && !kinds.contains(&spec.kind) {
                let names: Vec<String> =
                    kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
                self.problem(line, format!("{place}.{key}"), format!("is for {} only", names.join(" and ")));
            }
        }
    }

    /// The value that a bound or default means, for messages.
    pub(super) fn shown(&self, value: &Value) -> serde_json::Value {
        crate::json::to_json(&self.schema, value)
    }
}

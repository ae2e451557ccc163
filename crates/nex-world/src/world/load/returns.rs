//! What operations reply.

use super::{Loader, line_of};
use crate::expr::Scope;
use crate::spec::{OperationKind, OperationSpec, ReturnSpec};
use crate::value::{EntityId, Type};
use crate::world::Return;

impl Loader<'_> {
    pub(super) fn returns(
        &mut self,
        spec: &OperationSpec,
        entity: Option<EntityId>,
        record_slot: u16,
        scope: &Scope,
        line: u64,
        place: &str,
    ) -> Vec<Return> {
        let place = format!("{place}.returns");
        let mut scope = scope.clone();
        let needs_entity = !matches!(spec.kind, OperationKind::Compute | OperationKind::Transfer);
        if spec.kind == OperationKind::Delete || (needs_entity && entity.is_none()) {
            return Vec::new();
        }
        if let Some(entity) =
            entity.filter(|_| !matches!(spec.kind, OperationKind::Compute | OperationKind::Transfer))
        {
            scope.set_this(entity, record_slot);
            scope.alias("it", Type::Record(entity), record_slot);
        }
        let mut items: Vec<(Option<String>, String, u64)> = Vec::new();
        match spec.kind {
            OperationKind::Compute => {
                items.extend(
                    spec.results
                        .iter()
                        .map(|(name, source)| (Some(name.clone()), source.value.clone(), line_of(source))),
                );
                if !spec.returns.is_empty() {
                    self.problem(line, &place, "compute replies with its `results`");
                }
            }
            OperationKind::Transfer if spec.returns.is_empty() => {
                for path in [&spec.from, &spec.to].into_iter().flatten() {
                    let record =
                        path.value.rsplit_once('.').map_or(path.value.as_str(), |(record, _)| record);
                    items.push((None, record.to_owned(), line));
                    items.push((None, path.value.clone(), line));
                }
            }
            _ if spec.returns.is_empty() => {
                let def = entity.map(|entity| self.schema.entity(entity));
                items.push((None, "id".to_owned(), line));
                for field in def.iter().flat_map(|def| &def.fields).filter(|field| !field.hidden) {
                    items.push((None, field.name.clone(), line));
                }
            }
            _ => {
                items.extend(spec.returns.iter().map(|item| {
                    let ReturnSpec { name, value } = &item.value;
                    (name.clone(), value.clone(), line_of(item).max(line))
                }));
            }
        }
        let mut returns: Vec<Return> = Vec::with_capacity(items.len());
        for (name, text, line) in items {
            if let Some(item) = self.return_item(name, &text, entity, &scope, line, &place) {
                if returns.iter().any(|known| known.name == item.name) {
                    self.problem(line, &place, format!("the reply has `{}` twice", item.name));
                }
                returns.push(item);
            }
        }
        returns
    }

    fn return_item(
        &mut self,
        name: Option<String>,
        text: &str,
        entity: Option<EntityId>,
        scope: &Scope,
        line: u64,
        place: &str,
    ) -> Option<Return> {
        // A path means the record first, even where an argument has the field's name.
        let first = text.split('.').next().unwrap_or(text);
        let own = entity.and_then(|entity| self.schema.entity(entity).field_named(first).map(|(at, _)| at));
        let is_own = scope.has_name("this") && (own.is_some() || first == "id");
        let program = match (&name, is_own) {
            (None, true) => self.text_expression(scope, &format!("this.{text}"), line, place, None),
            _ => self.text_expression(scope, text, line, place, None),
        }?;
        let field = own.filter(|_| is_own && !text.contains('.'));
        let name = name.unwrap_or_else(|| {
            let path = text.replace('.', "_");
            if matches!(program.kind, Type::Record(_)) && !text.ends_with("id") {
                format!("{path}_id")
            } else {
                path
            }
        });
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.problem(line, place, format!("`{name}` is no key; write `name: expression`"));
            return None;
        }
        let prefix = format!("\"{name}\":");
        Some(Return { name, field, kind: program.kind.clone(), value: program, prefix })
    }
}

//! A world's shape: its entities and operations as the report draws them.

use crate::text::Language;
use crate::value::{EntityId, Type};
use crate::world::{Operation, World};
use nex_trajectory::run::{EntityShape, OperationShape, WorldShape};
use std::collections::BTreeSet;

impl World {
    /// Entities with their references, operations with what they read and write. Counts are those
    /// of the state for seed 0.
    pub fn shape(&self) -> WorldShape {
        let state = self.initial_state(0, Language::En).ok();
        let name = |id: EntityId| self.schema.entity(id).name.clone();
        let entities = self
            .schema
            .entities()
            .iter()
            .map(|entity| {
                let mut references: Vec<String> =
                    entity.fields.iter().filter_map(|field| referred(&field.kind)).map(name).collect();
                references.dedup();
                EntityShape {
                    name: entity.name.clone(),
                    count: state.as_ref().map_or(0, |state| state.records(entity.id).count() as u64),
                    references,
                }
            })
            .collect();
        let operations = self
            .operations
            .iter()
            .map(|operation| OperationShape {
                name: operation.name.clone(),
                kind: format!("{:?}", operation.kind).to_lowercase(),
                reads: reads(operation).into_iter().map(name).collect(),
                writes: operation.writes.iter().copied().map(name).collect(),
            })
            .collect();
        WorldShape {
            name: self.name.clone(),
            title: self.title.get(Language::En).to_owned(),
            entities,
            operations,
        }
    }
}

/// Entities whose records an operation is pointed at or gives back, without those it writes.
fn reads(operation: &Operation) -> BTreeSet<EntityId> {
    let of_arguments = operation.args.iter().filter_map(|arg| referred(&arg.kind));
    let read: BTreeSet<EntityId> = operation.entity.into_iter().chain(of_arguments).collect();
    read.difference(&operation.writes).copied().collect()
}

fn referred(kind: &Type) -> Option<EntityId> {
    match kind {
        Type::Record(entity) => Some(*entity),
        Type::List(item) => referred(item),
        _ => None,
    }
}

//! What differs between two states of one world, and states as JSON.

use super::State;
use crate::json::{from_json, to_json};
use crate::schema::{Entity, Schema};
use crate::value::{EntityId, RecordId, Value};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::sync::Arc;

/// One difference: a record that came, went, or changed in one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// The record is only in the second state.
    Created(RecordId),
    /// The record is only in the first state.
    Deleted(RecordId),
    /// A stored field differs.
    Changed {
        /// The record.
        record: RecordId,
        /// The field's position in its entity.
        field: u16,
        /// In the first state.
        before: Value,
        /// In the second.
        after: Value,
    },
}

impl Change {
    /// The record concerned.
    pub fn record(&self) -> RecordId {
        match self {
            Self::Created(record) | Self::Deleted(record) | Self::Changed { record, .. } => *record,
        }
    }

    /// In words: `ORD-000017.status: "pending" → "cancelled"`.
    pub fn describe(&self, schema: &Schema) -> String {
        match self {
            Self::Created(record) => format!("{} created", schema.id_text(*record)),
            Self::Deleted(record) => format!("{} deleted", schema.id_text(*record)),
            Self::Changed { record, field, before, after } => format!(
                "{}.{}: {} → {}",
                schema.id_text(*record),
                schema.entity(record.entity()).field(*field).name,
                to_json(schema, before),
                to_json(schema, after)
            ),
        }
    }
}

/// The differences from `before` to `after`, by entity, then id, then field. Tables that both
/// share are skipped without a look.
pub fn diff(schema: &Schema, before: &State, after: &State) -> Vec<Change> {
    let mut changes = Vec::new();
    for entity in &schema.entities {
        if !before.shares_table(after, entity.id) {
            diff_table(entity, before, after, &mut changes);
        }
    }
    changes
}

fn diff_table(entity: &Entity, before: &State, after: &State, changes: &mut Vec<Change>) {
    let mut old = before.table(entity.id).rows().peekable();
    let mut new = after.table(entity.id).rows().peekable();
    loop {
        let order = match (old.peek(), new.peek()) {
            (Some((a, _)), Some((b, _))) => a.cmp(b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        match order {
            Ordering::Less => {
                if let Some((number, _)) = old.next() {
                    changes.push(Change::Deleted(RecordId::new(entity.id, number)));
                }
            }
            Ordering::Greater => {
                if let Some((number, _)) = new.next() {
                    changes.push(Change::Created(RecordId::new(entity.id, number)));
                }
            }
            Ordering::Equal => {
                if let (Some((number, a)), Some((_, b))) = (old.next(), new.next())
                    && !Arc::ptr_eq(a, b)
                {
                    let record = RecordId::new(entity.id, number);
                    for (at, field) in entity.fields.iter().enumerate() {
                        let Some(slot) = field.slot.map(usize::from) else { continue };
                        if a[slot] != b[slot] {
                            changes.push(Change::Changed {
                                record,
                                field: at as u16,
                                before: a[slot].clone(),
                                after: b[slot].clone(),
                            });
                        }
                    }
                }
            }
        }
    }
}

/// A state as JSON: entity, id, field. Derived fields are not in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateJson(pub IndexMap<String, IndexMap<String, IndexMap<String, Json>>>);

/// A state in JSON does not belong to this world.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StateJsonError {
    /// No such entity.
    #[error("state names the unknown entity `{0}`")]
    UnknownEntity(String),
    /// An id that its entity cannot have.
    #[error("`{id}` is no id of {entity}")]
    BadId {
        /// The entity.
        entity: String,
        /// The id.
        id: String,
    },
    /// A field is missing or of the wrong type.
    #[error("{id}.{field}: {cause}")]
    BadField {
        /// The record.
        id: String,
        /// The field.
        field: String,
        /// What is wrong.
        cause: String,
    },
}

impl State {
    /// The state as JSON.
    pub fn to_json(&self, schema: &Schema) -> StateJson {
        let records = |entity: &Entity| {
            self.table(entity.id)
                .rows()
                .map(|(number, row)| {
                    let fields = entity
                        .stored_fields()
                        .map(|(slot, field)| (field.name.clone(), to_json(schema, &row[slot])))
                        .collect();
                    (schema.id_text(RecordId::new(entity.id, number)), fields)
                })
                .collect()
        };
        StateJson(schema.entities.iter().map(|entity| (entity.name.clone(), records(entity))).collect())
    }

    /// A state from JSON.
    ///
    /// # Errors
    /// [`StateJsonError`]: an unknown entity, a bad id, a missing, unknown or ill-typed field.
    pub fn from_json(schema: &Schema, json: &StateJson) -> Result<Self, StateJsonError> {
        let mut state = Self::empty(schema);
        for (name, records) in &json.0 {
            let entity =
                schema.entity_named(name).ok_or_else(|| StateJsonError::UnknownEntity(name.clone()))?;
            for (id, fields) in records {
                let bad_id = || StateJsonError::BadId { entity: name.clone(), id: id.clone() };
                let record =
                    schema.parse_id(entity.id, id).filter(|r| !state.contains(*r)).ok_or_else(bad_id)?;
                state.insert(record, row_from_json(schema, entity.id, id, fields)?);
            }
        }
        Ok(state)
    }
}

fn row_from_json(
    schema: &Schema,
    entity: EntityId,
    id: &str,
    fields: &IndexMap<String, Json>,
) -> Result<Arc<[Value]>, StateJsonError> {
    let entity = schema.entity(entity);
    let bad = |field: &str, cause: String| StateJsonError::BadField {
        id: id.to_owned(),
        field: field.to_owned(),
        cause,
    };
    if let Some(unknown) =
        fields.keys().find(|name| entity.field_named(name).is_none_or(|(_, f)| f.slot.is_none()))
    {
        return Err(bad(unknown, "no stored field of this entity".to_owned()));
    }
    let mut row = Vec::with_capacity(entity.stored);
    for (_, field) in entity.stored_fields() {
        let json = fields.get(&field.name).ok_or_else(|| bad(&field.name, "is missing".to_owned()))?;
        row.push(from_json(schema, &field.kind, json).map_err(|cause| bad(&field.name, cause))?);
    }
    Ok(row.into())
}

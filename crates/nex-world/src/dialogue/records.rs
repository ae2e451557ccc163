//! [`Records`]: the records of a state as JSON, for drawing a story.

use crate::session::WorldSession;
use crate::state::diff::StateJson;
use serde_json::Value;

/// All records of a state.
pub(crate) struct Records(StateJson);

/// One record: its id and its fields.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) id: &'a str,
    fields: &'a indexmap::IndexMap<String, Value>,
}

impl Records {
    pub(crate) fn of(session: &WorldSession) -> Self {
        Self(session.export().state)
    }

    /// The records of an entity, by id.
    pub(crate) fn all(&self, entity: &str) -> impl Iterator<Item = Record<'_>> {
        self.0.0.get(entity).into_iter().flatten().map(|(id, fields)| Record { id, fields })
    }

    /// The record that refers to `id` by `field`.
    pub(crate) fn referring(&self, entity: &str, field: &str, id: &str) -> Option<Record<'_>> {
        self.all(entity).find(|record| record.text(field) == id)
    }

    pub(crate) fn get(&self, entity: &str, id: &str) -> Option<Record<'_>> {
        self.all(entity).find(|record| record.id == id)
    }
}

impl<'a> Record<'a> {
    /// A field as it is said in text; empty where it is null or not there.
    pub(crate) fn text(&self, field: &str) -> String {
        self.fields.get(field).map(crate::task::plain_text).unwrap_or_default()
    }

    pub(crate) fn value(&self, field: &str) -> Value {
        self.fields.get(field).cloned().unwrap_or_default()
    }

    pub(crate) fn is_on(&self, field: &str) -> bool {
        self.fields.get(field) == Some(&Value::Bool(true))
    }
}

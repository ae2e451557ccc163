//! The canonical hash of a state: BLAKE3 over names and values in id order.
//!
//! Equal states have equal hashes whatever happened before; a change of any stored value changes
//! the hash. Tables are hashed apart and remembered, so that after a small change little is redone.

use super::State;
use crate::schema::{Entity, Schema};
use crate::value::Value;
use std::fmt;

/// The canonical hash of a state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateHash([u8; 32]);

impl StateHash {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        blake3::Hash::from_bytes(self.0).to_hex().to_string()
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StateHash({})", &self.to_hex()[..12])
    }
}

impl State {
    /// The canonical hash.
    pub fn hash(&self, schema: &Schema) -> StateHash {
        let mut hasher = blake3::Hasher::new();
        for entity in &schema.entities {
            let table = self.table(entity.id).hash_with(|| self.hash_table(schema, entity));
            hasher.update(&table);
        }
        StateHash(*hasher.finalize().as_bytes())
    }

    fn hash_table(&self, schema: &Schema, entity: &Entity) -> [u8; 32] {
        let mut bytes = Vec::with_capacity(4096);
        put_text(&mut bytes, &entity.name);
        for (_, field) in entity.stored_fields() {
            put_text(&mut bytes, &field.name);
        }
        for (number, row) in self.table(entity.id).rows() {
            bytes.extend_from_slice(&number.to_le_bytes());
            for value in row.iter() {
                put_value(&mut bytes, schema, value);
            }
        }
        *blake3::hash(&bytes).as_bytes()
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

pub(crate) fn put_value(bytes: &mut Vec<u8>, schema: &Schema, value: &Value) {
    let mut number = |tag: u8, number: i64| {
        bytes.push(tag);
        bytes.extend_from_slice(&number.to_le_bytes());
    };
    match value {
        Value::Null => bytes.push(0),
        Value::Bool(truth) => bytes.extend_from_slice(&[1, u8::from(*truth)]),
        Value::Int(n) => number(2, *n),
        Value::Decimal(n) => number(3, *n),
        Value::Money(n) => number(4, *n),
        Value::Date(n) => number(5, i64::from(*n)),
        Value::DateTime(n) => number(6, *n),
        Value::Duration(n) => number(7, *n),
        Value::Ref(record) => number(8, record.number() as i64),
        Value::Str(text) => {
            bytes.push(9);
            put_text(bytes, text);
        }
        Value::Enum(symbol) => {
            bytes.push(10);
            put_text(bytes, schema.symbol(*symbol));
        }
        Value::List(items) => {
            bytes.push(11);
            bytes.extend_from_slice(&(items.len() as u64).to_le_bytes());
            for item in items.iter() {
                put_value(bytes, schema, item);
            }
        }
    }
}

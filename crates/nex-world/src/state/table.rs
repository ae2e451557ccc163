//! One entity's records, in id order, with indexes over refs and looked-up texts.

use crate::schema::{Entity, IndexDef};
use crate::value::{RecordId, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, OnceLock};

/// One entity's records.
#[derive(Debug)]
pub(crate) struct Table {
    /// Ascending.
    numbers: Vec<u64>,
    /// Beside `numbers`.
    rows: Vec<Arc<[Value]>>,
    defs: Arc<[IndexDef]>,
    indexes: Vec<Arc<Index>>,
    /// The table's part of the state's hash, until the next write.
    hash: OnceLock<[u8; 32]>,
}

type FastHasher = BuildHasherDefault<std::collections::hash_map::DefaultHasher>;

#[derive(Clone, Debug)]
enum Index {
    Refs(HashMap<u64, Vec<u64>, FastHasher>),
    Texts(HashMap<Box<str>, Vec<u64>, FastHasher>),
}

/// Text as the indexes know it: trimmed, in lower case.
pub(crate) fn normalized(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if trimmed.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        Cow::Borrowed(trimmed)
    } else {
        Cow::Owned(trimmed.to_lowercase())
    }
}

impl Clone for Table {
    fn clone(&self) -> Self {
        Self {
            numbers: self.numbers.clone(),
            rows: self.rows.clone(),
            defs: Arc::clone(&self.defs),
            indexes: self.indexes.clone(),
            hash: OnceLock::new(),
        }
    }
}

impl Table {
    pub(crate) fn new(entity: &Entity) -> Self {
        let indexes = entity
            .indexes
            .iter()
            .map(|def| {
                Arc::new(if def.is_text {
                    Index::Texts(HashMap::default())
                } else {
                    Index::Refs(HashMap::default())
                })
            })
            .collect();
        Self {
            numbers: Vec::new(),
            rows: Vec::new(),
            defs: entity.indexes.clone().into(),
            indexes,
            hash: OnceLock::new(),
        }
    }

    pub(crate) fn numbers(&self) -> &[u64] {
        &self.numbers
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (u64, &Arc<[Value]>)> {
        self.numbers.iter().copied().zip(&self.rows)
    }

    pub(crate) fn row(&self, number: u64) -> Option<&[Value]> {
        let at = self.numbers.binary_search(&number).ok()?;
        Some(&self.rows[at])
    }

    pub(crate) fn referrers(&self, index: u16, target: RecordId) -> &[u64] {
        match &*self.indexes[usize::from(index)] {
            Index::Refs(map) => map.get(&target.number()).map_or(&[], Vec::as_slice),
            Index::Texts(_) => &[],
        }
    }

    pub(crate) fn with_text(&self, index: u16, text: &str) -> &[u64] {
        match &*self.indexes[usize::from(index)] {
            Index::Texts(map) => map.get(text).map_or(&[], Vec::as_slice),
            Index::Refs(_) => &[],
        }
    }

    pub(crate) fn insert(&mut self, number: u64, row: Arc<[Value]>) {
        let Err(at) = self.numbers.binary_search(&number) else {
            panic!("record number {number} is taken");
        };
        for at in 0..self.defs.len() {
            self.index(at, number, &row[usize::from(self.defs[at].slot)]);
        }
        self.numbers.insert(at, number);
        self.rows.insert(at, row);
        self.hash = OnceLock::new();
    }

    pub(crate) fn remove(&mut self, number: u64) -> Option<Arc<[Value]>> {
        let at = self.numbers.binary_search(&number).ok()?;
        self.numbers.remove(at);
        let row = self.rows.remove(at);
        for at in 0..self.defs.len() {
            self.unindex(at, number, &row[usize::from(self.defs[at].slot)]);
        }
        self.hash = OnceLock::new();
        Some(row)
    }

    pub(crate) fn set(&mut self, number: u64, slot: u16, value: Value) -> Option<Value> {
        let at = self.numbers.binary_search(&number).ok()?;
        let old = std::mem::replace(&mut Arc::make_mut(&mut self.rows[at])[usize::from(slot)], value.clone());
        if let Some(index) = self.defs.iter().position(|def| def.slot == slot) {
            self.unindex(index, number, &old);
            self.index(index, number, &value);
        }
        self.hash = OnceLock::new();
        Some(old)
    }

    fn index(&mut self, at: usize, number: u64, value: &Value) {
        let add = |numbers: &mut Vec<u64>| {
            if let Err(at) = numbers.binary_search(&number) {
                numbers.insert(at, number);
            }
        };
        match (Arc::make_mut(&mut self.indexes[at]), value) {
            (Index::Refs(map), Value::Ref(target)) => add(map.entry(target.number()).or_default()),
            (Index::Texts(map), Value::Str(text)) => {
                let text = normalized(text);
                match map.get_mut(&*text) {
                    Some(numbers) => add(numbers),
                    None => {
                        map.insert(text.into(), vec![number]);
                    }
                }
            }
            _ => {}
        }
    }

    fn unindex(&mut self, at: usize, number: u64, value: &Value) {
        let drop = |numbers: &mut Vec<u64>| {
            if let Ok(at) = numbers.binary_search(&number) {
                numbers.remove(at);
            }
            numbers.is_empty()
        };
        match (Arc::make_mut(&mut self.indexes[at]), value) {
            (Index::Refs(map), Value::Ref(target)) => {
                let is_empty = map.get_mut(&target.number()).is_some_and(drop);
                is_empty.then(|| map.remove(&target.number()));
            }
            (Index::Texts(map), Value::Str(text)) => {
                let text = normalized(text);
                let is_empty = map.get_mut(&*text).is_some_and(drop);
                is_empty.then(|| map.remove(&*text));
            }
            _ => {}
        }
    }

    pub(crate) fn same_records(&self, other: &Self) -> bool {
        self.numbers == other.numbers
            && self
                .rows
                .iter()
                .zip(&other.rows)
                .all(|(mine, theirs)| Arc::ptr_eq(mine, theirs) || mine == theirs)
    }

    /// The table's hash, computed by `make` where it is not known.
    pub(crate) fn hash_with(&self, make: impl FnOnce() -> [u8; 32]) -> [u8; 32] {
        *self.hash.get_or_init(make)
    }
}

//! The records of a world at one moment.
//!
//! A [`State`] holds one table per entity, shared until written: a clone is a snapshot and costs
//! a few pointers; a write copies the pointers of one table. Records stand in id order, so the
//! order of insertion leaves no trace in the state, its hash or its JSON.

pub(crate) mod diff;
pub(crate) mod hash;
pub(crate) mod table;

use crate::schema::Schema;
use crate::value::{EntityId, RecordId, Value};
use std::sync::Arc;
pub(crate) use table::Table;
use table::normalized;

/// All records of a world.
#[derive(Clone, Debug)]
pub struct State {
    tables: Vec<Arc<Table>>,
}

impl State {
    /// A state without records.
    pub fn empty(schema: &Schema) -> Self {
        Self { tables: schema.entities.iter().map(|entity| Arc::new(Table::new(entity))).collect() }
    }

    /// The stored values of a record; none where there is no such record.
    pub fn row(&self, record: RecordId) -> Option<&[Value]> {
        self.tables[record.entity().index()].row(record.number())
    }

    /// Whether there is such a record.
    pub fn contains(&self, record: RecordId) -> bool {
        self.row(record).is_some()
    }

    pub(crate) fn stored(&self, record: RecordId, slot: u16) -> Option<&Value> {
        self.row(record)?.get(usize::from(slot))
    }

    /// The numbers of an entity's records, ascending.
    pub fn numbers(&self, entity: EntityId) -> &[u64] {
        self.tables[entity.index()].numbers()
    }

    /// The records of an entity, in id order.
    pub fn records(&self, entity: EntityId) -> impl Iterator<Item = RecordId> {
        self.numbers(entity).iter().map(move |number| RecordId::new(entity, *number))
    }

    /// How many records an entity has.
    pub fn count(&self, entity: EntityId) -> usize {
        self.numbers(entity).len()
    }

    /// How many records there are in all.
    pub fn record_count(&self) -> usize {
        self.tables.iter().map(|table| table.numbers().len()).sum()
    }

    /// Records of `entity` whose indexed field points to `target`, ascending.
    pub(crate) fn referrers(&self, entity: EntityId, index: u16, target: RecordId) -> &[u64] {
        self.tables[entity.index()].referrers(index, target)
    }

    /// Records of `entity` whose indexed text is `text` without regard to case, ascending.
    pub(crate) fn with_text(&self, entity: EntityId, index: u16, text: &str) -> &[u64] {
        self.tables[entity.index()].with_text(index, &normalized(text))
    }

    /// Adds a record. Its number must be free.
    pub(crate) fn insert(&mut self, record: RecordId, row: Arc<[Value]>) {
        self.table_mut(record.entity()).insert(record.number(), row);
    }

    /// Takes a record out.
    pub(crate) fn remove(&mut self, record: RecordId) -> Option<Arc<[Value]>> {
        self.table_mut(record.entity()).remove(record.number())
    }

    /// Sets a stored value and gives the old one; none where there is no such record.
    pub(crate) fn set(&mut self, record: RecordId, slot: u16, value: Value) -> Option<Value> {
        self.table_mut(record.entity()).set(record.number(), slot, value)
    }

    pub(crate) fn table(&self, entity: EntityId) -> &Table {
        &self.tables[entity.index()]
    }

    /// Whether both share the entity's table, so that it is certainly equal.
    pub(crate) fn shares_table(&self, other: &Self, entity: EntityId) -> bool {
        Arc::ptr_eq(&self.tables[entity.index()], &other.tables[entity.index()])
    }

    fn table_mut(&mut self, entity: EntityId) -> &mut Table {
        Arc::make_mut(&mut self.tables[entity.index()])
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.tables.len() == other.tables.len()
            && self
                .tables
                .iter()
                .zip(&other.tables)
                .all(|(mine, theirs)| Arc::ptr_eq(mine, theirs) || mine.same_records(theirs))
    }
}

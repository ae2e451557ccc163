//! How records and values are made, compiled from a world file.

use crate::expr::{Program, Selection};
use crate::text::Text;
use crate::value::{EntityId, Symbol, Type, Value};

/// How an entity's records are made.
#[derive(Debug)]
pub(crate) struct EntityPlan {
    pub(crate) entity: EntityId,
    pub(crate) count: CountPlan,
    pub(crate) rows: Vec<RowPlan>,
    /// Beside the entity's fields; none for derived ones.
    pub(crate) fields: Vec<Option<Generator>>,
    /// Optional refs that are drawn after everything else, because they close a cycle.
    pub(crate) late: Vec<u16>,
    pub(crate) slots: u16,
}

#[derive(Debug)]
pub(crate) enum CountPlan {
    Range(u32, u32),
    /// For each record of the entity, to which the field points.
    Per {
        parent: EntityId,
        field: u16,
        min: u32,
        max: u32,
    },
}

/// Values given by hand, beside the entity's fields.
#[derive(Debug)]
pub(crate) struct RowPlan {
    pub(crate) values: Vec<RowCell>,
}

#[derive(Clone, Debug)]
pub(crate) enum RowCell {
    Generated,
    Given(Value),
    /// Text that differs by language.
    Worded(Text),
    /// The record of an entity at this place among its rows.
    Row(EntityId, usize),
    Rows(EntityId, Vec<usize>),
}

/// How one value is made.
#[derive(Clone, Debug)]
pub(crate) struct Generator {
    pub(crate) source: Source,
    /// Null unless it holds.
    pub(crate) when: Option<Program>,
    pub(crate) null_rate: f64,
    /// The first whose condition holds stands in for this generator.
    pub(crate) cases: Vec<(Program, Generator)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Null,
    Value(Program),
    PersonName,
    Company,
    Email(Option<Program>),
    Phone,
    City,
    Address,
    Sentence,
    Pool(usize),
    Template {
        en: Vec<Piece>,
        zh: Option<Vec<Piece>>,
    },
    /// `step` counts in the type's own unit.
    Number {
        min: Program,
        max: Program,
        step: i64,
        skew: f64,
        kind: Type,
    },
    Bool(f64),
    Time {
        after: Option<Program>,
        min: TimeBound,
        max: TimeBound,
        is_date: bool,
    },
    Enum(Vec<(Symbol, f64)>),
    Ref {
        selection: Selection,
        skew: f64,
        is_unique: bool,
    },
    List {
        min: u32,
        max: u32,
        item: Box<Generator>,
    },
}

#[derive(Clone, Debug)]
pub(crate) enum TimeBound {
    /// Seconds from the start of the range: the clock, or the field in `after`.
    Offset(i64),
    Absolute(i64),
    Given(Program),
}

/// A piece of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    Text(String),
    Hole(Program),
    Pool(usize),
    Digits(u8),
    Letters(u8),
}

/// The pools of a world, their entries cut to pieces.
#[derive(Clone, Debug, Default)]
pub(crate) struct PoolTable {
    pub(crate) pools: Vec<PoolWords>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct PoolWords {
    pub(crate) name: String,
    pub(crate) en: Vec<Vec<Piece>>,
    pub(crate) zh: Option<Vec<Vec<Piece>>>,
}

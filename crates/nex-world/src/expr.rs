//! The small pure expression language of world files.
//!
//! Text is parsed to an [`ast`], [`check`]ed against the world's names and types, and becomes a
//! [`Program`], a tree of positions and constants that [`eval`] walks without looking anything up
//! by name. Expressions cannot loop but over the records of a state, and evaluation is bounded by
//! fuel, so a hostile world file cannot hang its reader.

pub(crate) mod ast;
pub(crate) mod check;
pub(crate) mod eval;
mod functions;
pub(crate) mod parse;
#[cfg(test)]
mod tests;

use crate::value::{EntityId, Type, Value};
use ast::{Aggregate, Operator};
pub(crate) use check::{Scope, compile, compile_query};
pub(crate) use eval::{Abort, Env, Frame};

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExprError {
    /// Byte offset.
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl ExprError {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) expr: Expr,
    /// What it gives.
    pub(crate) kind: Type,
    /// Local values that it needs, those of its scope included.
    pub(crate) slots: u16,
}

/// A compiled `entity as name where filter`.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) entity: EntityId,
    /// The local that holds the record.
    pub(crate) slot: u16,
    pub(crate) access: Access,
    pub(crate) filter: Option<Box<Expr>>,
    pub(crate) slots: u16,
}

/// How the records of a selection are reached.
#[derive(Clone, Debug)]
pub(crate) enum Access {
    All,
    One(Box<Expr>),
    Index(u16, Box<Expr>),
}

#[derive(Clone, Debug)]
pub(crate) enum Expr {
    Const(Value),
    Local(u16),
    Now,
    Today,
    /// A stored field of the record that the base gives.
    Stored(Box<Expr>, u16),
    /// A derived field.
    Derived(Box<Expr>, EntityId, u16),
    IsNull(Box<Expr>, bool),
    Not(Box<Expr>),
    Negate(Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Compare(Operator, Box<Expr>, Box<Expr>),
    /// `in` a list; the flag is `not`.
    Member(Box<Expr>, Box<Expr>, bool),
    /// `in` a text; the flag is `not`.
    Within(Box<Expr>, Box<Expr>, bool),
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    Join(Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    Coalesce(Box<Expr>, Box<Expr>),
    Function(Function, Vec<Expr>),
    Query {
        aggregate: Aggregate,
        selection: Box<Selection>,
        body: Option<Box<Expr>>,
        /// The sum of nothing, of the right type.
        zero: Value,
    },
    Length(Box<Expr>),
    /// Earlier successful calls of an operation with these arguments; the flag asks for the count.
    Called(u16, Vec<(u16, Expr)>, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Days,
    Hours,
    Minutes,
    DaysBetween,
    MinutesBetween,
    Date,
    Weekday,
    Hour,
    Month,
    Year,
    Lower,
    Upper,
    Trim,
    Len,
    Contains,
    StartsWith,
    EndsWith,
    Text,
    Abs,
    Round,
    Floor,
    Ceil,
    Least,
    Greatest,
    ToInt,
    ToDecimal,
    ToMoney,
}

//! The table of functions: names, numbers and types of arguments, results.

use super::Function;
use crate::value::Type;

/// What an overload takes or gives.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Int,
    Decimal,
    Money,
    Date,
    DateTime,
    Duration,
    Str,
    Bool,
    List,
    /// Any type; as a result, that of the first argument.
    Any,
}

impl Kind {
    pub(super) fn is(self, kind: &Type) -> bool {
        matches!(
            (self, kind),
            (Self::Int, Type::Int)
                | (Self::Decimal, Type::Decimal)
                | (Self::Money, Type::Money)
                | (Self::Date, Type::Date)
                | (Self::DateTime, Type::DateTime)
                | (Self::Duration, Type::Duration)
                | (Self::Str, Type::Str)
                | (Self::Bool, Type::Bool)
                | (Self::List, Type::List(_))
                | (Self::Any, _)
        )
    }

    pub(super) fn kind(self) -> Option<Type> {
        Some(match self {
            Self::Int => Type::Int,
            Self::Decimal => Type::Decimal,
            Self::Money => Type::Money,
            Self::Date => Type::Date,
            Self::DateTime => Type::DateTime,
            Self::Duration => Type::Duration,
            Self::Str => Type::Str,
            Self::Bool => Type::Bool,
            Self::List | Self::Any => return None,
        })
    }
}

/// One meaning of a function's name.
pub(super) struct Overload {
    pub(super) args: &'static [Kind],
    pub(super) result: Kind,
    pub(super) function: Function,
}

const fn overload(args: &'static [Kind], result: Kind, function: Function) -> Overload {
    Overload { args, result, function }
}

/// Functions that are checked apart, since their arguments are no plain values.
pub(super) const MORE_FUNCTIONS: [&str; 13] = [
    "if", "coalesce", "least", "greatest", "called", "calls", "exists", "count", "sum", "min", "max", "avg",
    "first",
];

/// Name, number of arguments, and what it does for which types.
pub(super) const FUNCTIONS: &[(&str, usize, &[Overload])] = &[
    ("days", 1, &[overload(&[Kind::Int], Kind::Duration, Function::Days)]),
    ("hours", 1, &[overload(&[Kind::Int], Kind::Duration, Function::Hours)]),
    ("minutes", 1, &[overload(&[Kind::Int], Kind::Duration, Function::Minutes)]),
    (
        "days_between",
        2,
        &[
            overload(&[Kind::Date, Kind::Date], Kind::Int, Function::DaysBetween),
            overload(&[Kind::DateTime, Kind::DateTime], Kind::Int, Function::DaysBetween),
            overload(&[Kind::Date, Kind::DateTime], Kind::Int, Function::DaysBetween),
            overload(&[Kind::DateTime, Kind::Date], Kind::Int, Function::DaysBetween),
        ],
    ),
    (
        "minutes_between",
        2,
        &[overload(&[Kind::DateTime, Kind::DateTime], Kind::Int, Function::MinutesBetween)],
    ),
    (
        "date",
        1,
        &[
            overload(&[Kind::DateTime], Kind::Date, Function::Date),
            overload(&[Kind::Date], Kind::Date, Function::Date),
        ],
    ),
    (
        "weekday",
        1,
        &[
            overload(&[Kind::Date], Kind::Int, Function::Weekday),
            overload(&[Kind::DateTime], Kind::Int, Function::Weekday),
        ],
    ),
    ("hour", 1, &[overload(&[Kind::DateTime], Kind::Int, Function::Hour)]),
    (
        "month",
        1,
        &[
            overload(&[Kind::Date], Kind::Int, Function::Month),
            overload(&[Kind::DateTime], Kind::Int, Function::Month),
        ],
    ),
    (
        "year",
        1,
        &[
            overload(&[Kind::Date], Kind::Int, Function::Year),
            overload(&[Kind::DateTime], Kind::Int, Function::Year),
        ],
    ),
    ("lower", 1, &[overload(&[Kind::Str], Kind::Str, Function::Lower)]),
    ("upper", 1, &[overload(&[Kind::Str], Kind::Str, Function::Upper)]),
    ("trim", 1, &[overload(&[Kind::Str], Kind::Str, Function::Trim)]),
    (
        "len",
        1,
        &[
            overload(&[Kind::Str], Kind::Int, Function::Len),
            overload(&[Kind::List], Kind::Int, Function::Len),
        ],
    ),
    ("contains", 2, &[overload(&[Kind::Str, Kind::Str], Kind::Bool, Function::Contains)]),
    ("starts_with", 2, &[overload(&[Kind::Str, Kind::Str], Kind::Bool, Function::StartsWith)]),
    ("ends_with", 2, &[overload(&[Kind::Str, Kind::Str], Kind::Bool, Function::EndsWith)]),
    ("text", 1, &[overload(&[Kind::Any], Kind::Str, Function::Text)]),
    (
        "abs",
        1,
        &[
            overload(&[Kind::Int], Kind::Int, Function::Abs),
            overload(&[Kind::Decimal], Kind::Decimal, Function::Abs),
            overload(&[Kind::Money], Kind::Money, Function::Abs),
            overload(&[Kind::Duration], Kind::Duration, Function::Abs),
        ],
    ),
    ("round", 1, &[overload(&[Kind::Decimal], Kind::Int, Function::Round)]),
    ("floor", 1, &[overload(&[Kind::Decimal], Kind::Int, Function::Floor)]),
    ("ceil", 1, &[overload(&[Kind::Decimal], Kind::Int, Function::Ceil)]),
    (
        "int",
        1,
        &[
            overload(&[Kind::Decimal], Kind::Int, Function::ToInt),
            overload(&[Kind::Int], Kind::Int, Function::ToInt),
        ],
    ),
    (
        "decimal",
        1,
        &[
            overload(&[Kind::Int], Kind::Decimal, Function::ToDecimal),
            overload(&[Kind::Money], Kind::Decimal, Function::ToDecimal),
            overload(&[Kind::Decimal], Kind::Decimal, Function::ToDecimal),
        ],
    ),
    (
        "money",
        1,
        &[
            overload(&[Kind::Int], Kind::Money, Function::ToMoney),
            overload(&[Kind::Decimal], Kind::Money, Function::ToMoney),
            overload(&[Kind::Money], Kind::Money, Function::ToMoney),
        ],
    ),
];

//! Runs a checked expression over a state.
//!
//! Reads only. Allocates only where a text or list is made. Every record looked at costs fuel, so
//! a call ends with [`Abort::TooCostly`] rather than hang.

use super::ast::{Aggregate, Operator};
use super::{Access, Expr, Function, Program, Selection};
use crate::history::CallHistory;
use crate::schema::Schema;
use crate::state::State;
use crate::value::{DAY_S, DECIMAL_SCALE, MONEY_SCALE, RecordId, Value, civil_from_days, divide_rounded};
use std::cmp::Ordering;
use std::sync::Arc;

/// Records that one call may look at.
pub(crate) const FUEL: u64 = 2_000_000;
/// Bytes of a text that an expression or a template may make.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// Bytes of text that cost as much as looking at one record.
const BYTES_PER_FUEL: u64 = 16;
/// Derived fields within derived fields; `compile` refuses cycles, this bounds the rest.
const MAX_NESTING: u32 = 32;

/// What an expression reads.
#[derive(Clone, Copy)]
pub(crate) struct Env<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) state: &'a State,
    /// The virtual clock, seconds.
    pub(crate) now: i64,
    pub(crate) calls: &'a CallHistory,
}

/// The locals of a running expression, reused from call to call.
#[derive(Debug)]
pub(crate) struct Frame {
    stack: Vec<Value>,
    base: usize,
    fuel: u64,
    nesting: u32,
}

/// Why an evaluation gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abort {
    /// A number left 64 bits.
    Overflow,
    /// The fuel is used up.
    TooCostly,
}

impl Default for Frame {
    fn default() -> Self {
        Self { stack: Vec::new(), base: 0, fuel: FUEL, nesting: 0 }
    }
}

impl Frame {
    /// Empties the frame, fills the fuel, and makes room for `slots` locals.
    pub(crate) fn reset(&mut self, slots: u16) {
        self.stack.clear();
        self.base = 0;
        self.fuel = FUEL;
        self.nesting = 0;
        self.reserve(slots);
    }

    /// A frame with another amount of fuel, for work that is bounded as a whole.
    pub(crate) fn with_fuel(fuel: u64) -> Self {
        Self { fuel, ..Self::default() }
    }

    /// Empties the frame and makes room for `slots` locals; the fuel stays as it is.
    pub(crate) fn clear(&mut self, slots: u16) {
        self.stack.clear();
        self.base = 0;
        self.nesting = 0;
        self.reserve(slots);
    }

    pub(crate) fn reserve(&mut self, slots: u16) {
        let wanted = self.base + usize::from(slots);
        if self.stack.len() < wanted {
            self.stack.resize(wanted, Value::Null);
        }
    }

    pub(crate) fn set(&mut self, slot: u16, value: Value) {
        self.reserve(slot + 1);
        self.stack[self.base + usize::from(slot)] = value;
    }

    pub(crate) fn get(&self, slot: u16) -> &Value {
        self.stack.get(self.base + usize::from(slot)).unwrap_or(&Value::Null)
    }

    pub(crate) fn burn(&mut self) -> Result<(), Abort> {
        self.fuel = self.fuel.checked_sub(1).ok_or(Abort::TooCostly)?;
        Ok(())
    }

    /// Pays for a text of `bytes` that is made: doubling a text again and again ends by its length
    /// or by the fuel, and not by the machine's memory.
    pub(crate) fn burn_text(&mut self, bytes: usize) -> Result<(), Abort> {
        if bytes > MAX_TEXT_BYTES {
            return Err(Abort::TooCostly);
        }
        self.fuel = self.fuel.checked_sub(bytes as u64 / BYTES_PER_FUEL).ok_or(Abort::TooCostly)?;
        Ok(())
    }
}

impl Program {
    /// The program's value with the frame's locals.
    pub(crate) fn run(&self, env: &Env<'_>, frame: &mut Frame) -> Result<Value, Abort> {
        frame.reserve(self.slots);
        eval(&self.expr, env, frame)
    }

    /// Whether the program's value is true; null is not.
    pub(crate) fn holds(&self, env: &Env<'_>, frame: &mut Frame) -> Result<bool, Abort> {
        Ok(self.run(env, frame)? == Value::Bool(true))
    }
}

/// The value of the field at `at` of `record`, stored or derived; null where there is no record.
pub(crate) fn field_value(
    env: &Env<'_>,
    frame: &mut Frame,
    record: RecordId,
    at: u16,
) -> Result<Value, Abort> {
    match env.schema.entity(record.entity()).field(at).slot {
        Some(slot) => Ok(env.state.stored(record, slot).cloned().unwrap_or(Value::Null)),
        None => derived(env, frame, record, at),
    }
}

fn derived(env: &Env<'_>, frame: &mut Frame, record: RecordId, at: u16) -> Result<Value, Abort> {
    let Some(program) = &env.schema.entity(record.entity()).field(at).derived else { return Ok(Value::Null) };
    if frame.nesting == MAX_NESTING {
        return Err(Abort::TooCostly);
    }
    if env.state.row(record).is_none() {
        return Ok(Value::Null);
    }
    let (outer, length) = (frame.base, frame.stack.len());
    frame.base = length;
    frame.nesting += 1;
    frame.reserve(program.slots.max(1));
    frame.set(0, Value::Ref(record));
    let result = eval(&program.expr, env, frame);
    frame.nesting -= 1;
    frame.stack.truncate(length);
    frame.base = outer;
    result
}

fn eval(expr: &Expr, env: &Env<'_>, frame: &mut Frame) -> Result<Value, Abort> {
    match expr {
        Expr::Const(value) => Ok(value.clone()),
        Expr::Local(slot) => Ok(frame.get(*slot).clone()),
        Expr::Now => Ok(Value::DateTime(env.now)),
        Expr::Today => Ok(Value::Date(day_of(env.now))),
        Expr::Stored(base, slot) => match record_of(base, env, frame)? {
            Some(record) => Ok(env.state.stored(record, *slot).cloned().unwrap_or(Value::Null)),
            None => Ok(Value::Null),
        },
        Expr::Derived(base, _, at) => match record_of(base, env, frame)? {
            Some(record) => derived(env, frame, record, *at),
            None => Ok(Value::Null),
        },
        Expr::IsNull(operand, negated) => Ok(Value::Bool(eval(operand, env, frame)?.is_null() != *negated)),
        Expr::Not(operand) => Ok(Value::Bool(!truth(operand, env, frame)?)),
        Expr::Negate(operand) => negate(eval(operand, env, frame)?),
        Expr::Or(left, right) => Ok(Value::Bool(truth(left, env, frame)? || truth(right, env, frame)?)),
        Expr::And(left, right) => Ok(Value::Bool(truth(left, env, frame)? && truth(right, env, frame)?)),
        Expr::Compare(operator, left, right) => {
            let left = eval(left, env, frame)?;
            let right = eval(right, env, frame)?;
            Ok(Value::Bool(compare(*operator, &left, &right)))
        }
        Expr::Member(item, list, negated) => {
            let item = eval(item, env, frame)?;
            let list = eval(list, env, frame)?;
            match (&item, &list) {
                (Value::Null, _) | (_, Value::Null) => Ok(Value::Bool(false)),
                (item, Value::List(items)) => Ok(Value::Bool(items.contains(item) != *negated)),
                _ => Ok(Value::Bool(false)),
            }
        }
        Expr::Within(part, whole, negated) => {
            let part = eval(part, env, frame)?;
            let whole = eval(whole, env, frame)?;
            match (part.as_str(), whole.as_str()) {
                (Some(part), Some(whole)) => Ok(Value::Bool(whole.contains(part) != *negated)),
                _ => Ok(Value::Bool(false)),
            }
        }
        Expr::Arithmetic(operator, left, right) => {
            let left = eval(left, env, frame)?;
            let right = eval(right, env, frame)?;
            arithmetic(*operator, &left, &right)
        }
        Expr::Join(left, right) => {
            let left = eval(left, env, frame)?;
            let right = eval(right, env, frame)?;
            match (left.as_str(), right.as_str()) {
                (Some(left), Some(right)) => {
                    frame.burn_text(left.len() + right.len())?;
                    let mut joined = String::with_capacity(left.len() + right.len());
                    joined.push_str(left);
                    joined.push_str(right);
                    Ok(Value::Str(joined.into()))
                }
                _ => Ok(Value::Null),
            }
        }
        Expr::List(items) => {
            let items: Vec<Value> =
                items.iter().map(|item| eval(item, env, frame)).collect::<Result<_, _>>()?;
            Ok(Value::List(items.into()))
        }
        Expr::If(condition, yes, no) => {
            let branch = if truth(condition, env, frame)? { yes } else { no };
            eval(branch, env, frame)
        }
        Expr::Coalesce(first, second) => match eval(first, env, frame)? {
            Value::Null => eval(second, env, frame),
            value => Ok(value),
        },
        Expr::Function(function, args) => {
            let first = eval(&args[0], env, frame)?;
            let second = match args.get(1) {
                Some(arg) => eval(arg, env, frame)?,
                None => Value::Null,
            };
            if first.is_null() || (args.len() > 1 && second.is_null()) {
                return Ok(Value::Null);
            }
            apply(*function, first, second, env)
        }
        Expr::Query { aggregate, selection, body, zero } => {
            query(*aggregate, selection, body.as_deref(), zero, env, frame)
        }
        Expr::Length(list) => Ok(match eval(list, env, frame)? {
            Value::List(items) => Value::Int(items.len() as i64),
            _ => Value::Null,
        }),
        Expr::Called(op, args, is_count) => {
            let mut wanted = Vec::with_capacity(args.len());
            for (at, arg) in args {
                wanted.push((*at, eval(arg, env, frame)?));
            }
            let count = env.calls.count(*op, &wanted, !*is_count);
            Ok(if *is_count { Value::Int(count as i64) } else { Value::Bool(count > 0) })
        }
    }
}

fn truth(expr: &Expr, env: &Env<'_>, frame: &mut Frame) -> Result<bool, Abort> {
    Ok(eval(expr, env, frame)? == Value::Bool(true))
}

/// Like [`eval`] for an expression that gives a record, without cloning what lies on the way.
fn record_of(expr: &Expr, env: &Env<'_>, frame: &mut Frame) -> Result<Option<RecordId>, Abort> {
    match expr {
        Expr::Local(slot) => Ok(frame.get(*slot).as_record()),
        Expr::Stored(base, slot) => Ok(match record_of(base, env, frame)? {
            Some(record) => env.state.stored(record, *slot).and_then(Value::as_record),
            None => None,
        }),
        other => Ok(eval(other, env, frame)?.as_record()),
    }
}

fn compare(operator: Operator, left: &Value, right: &Value) -> bool {
    if left.is_null() || right.is_null() {
        return false;
    }
    let order = |wanted: fn(Ordering) -> bool| left.compare(right).is_some_and(wanted);
    match operator {
        Operator::Equal => left == right,
        Operator::NotEqual => left != right,
        Operator::Less => order(Ordering::is_lt),
        Operator::LessEqual => order(Ordering::is_le),
        Operator::Greater => order(Ordering::is_gt),
        Operator::GreaterEqual => order(Ordering::is_ge),
        _ => unreachable!("only comparisons are compiled to Compare"),
    }
}

fn day_of(seconds: i64) -> i32 {
    i32::try_from(seconds.div_euclid(DAY_S)).unwrap_or(i32::MAX)
}

fn negate(value: Value) -> Result<Value, Abort> {
    let negative = |number: i64| number.checked_neg().ok_or(Abort::Overflow);
    Ok(match value {
        Value::Int(number) => Value::Int(negative(number)?),
        Value::Decimal(number) => Value::Decimal(negative(number)?),
        Value::Money(number) => Value::Money(negative(number)?),
        Value::Duration(number) => Value::Duration(negative(number)?),
        other => other,
    })
}

fn narrow(number: i128) -> Result<i64, Abort> {
    i64::try_from(number).map_err(|_| Abort::Overflow)
}

/// Arithmetic as [`super::check`] types it; a division by nought gives null.
pub(crate) fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value, Abort> {
    use Operator::{Add, Divide, Multiply, Remainder, Subtract};
    let plain = |a: i64, b: i64| match operator {
        Add => a.checked_add(b).ok_or(Abort::Overflow),
        Subtract => a.checked_sub(b).ok_or(Abort::Overflow),
        _ => a.checked_mul(b).ok_or(Abort::Overflow),
    };
    let scaled =
        |a: i64, b: i64| narrow(divide_rounded(i128::from(a) * i128::from(b), i128::from(DECIMAL_SCALE)));
    let ratio = |a: i64, b: i64| {
        if b == 0 {
            return Ok(None);
        }
        narrow(divide_rounded(i128::from(a) * i128::from(DECIMAL_SCALE), i128::from(b))).map(Some)
    };
    let shifted = |days: i32, seconds: i64| {
        let days = i64::from(days) + seconds / DAY_S;
        i32::try_from(days).map(Value::Date).map_err(|_| Abort::Overflow)
    };
    Ok(match (operator, left, right) {
        (_, Value::Null, _) | (_, _, Value::Null) => Value::Null,
        (Remainder, Value::Int(a), Value::Int(b)) => a.checked_rem_euclid(*b).map_or(Value::Null, Value::Int),
        (Add | Subtract | Multiply, Value::Int(a), Value::Int(b)) => Value::Int(plain(*a, *b)?),
        (Add | Subtract, Value::Decimal(a), Value::Decimal(b)) => Value::Decimal(plain(*a, *b)?),
        (Add | Subtract, Value::Money(a), Value::Money(b)) => Value::Money(plain(*a, *b)?),
        (Add | Subtract, Value::Duration(a), Value::Duration(b)) => Value::Duration(plain(*a, *b)?),
        (Multiply, Value::Decimal(a), Value::Decimal(b)) => Value::Decimal(scaled(*a, *b)?),
        (Multiply, Value::Money(a), Value::Decimal(b)) => Value::Money(scaled(*a, *b)?),
        (Multiply, Value::Duration(a), Value::Int(b)) => Value::Duration(plain(*a, *b)?),
        (Divide, Value::Decimal(a), Value::Decimal(b)) | (Divide, Value::Money(a), Value::Money(b)) => {
            ratio(*a, *b)?.map_or(Value::Null, Value::Decimal)
        }
        (Divide, Value::Money(a), Value::Decimal(b)) => ratio(*a, *b)?.map_or(Value::Null, Value::Money),
        (Add, Value::Date(a), Value::Duration(b)) => shifted(*a, *b)?,
        (Subtract, Value::Date(a), Value::Duration(b)) => {
            shifted(*a, b.checked_neg().ok_or(Abort::Overflow)?)?
        }
        (Add | Subtract, Value::DateTime(a), Value::Duration(b)) => Value::DateTime(plain(*a, *b)?),
        (Subtract, Value::Date(a), Value::Date(b)) => {
            Value::Duration((i64::from(*a) - i64::from(*b)) * DAY_S)
        }
        (Subtract, Value::DateTime(a), Value::DateTime(b)) => Value::Duration(plain(*a, *b)?),
        _ => Value::Null,
    })
}

fn apply(function: Function, first: Value, second: Value, env: &Env<'_>) -> Result<Value, Abort> {
    let days = |value: &Value| match value {
        Value::Date(days) => Some(*days),
        Value::DateTime(seconds) => Some(day_of(*seconds)),
        _ => None,
    };
    let span = |unit: i64| match &first {
        Value::Int(number) => number.checked_mul(unit).map(Value::Duration).ok_or(Abort::Overflow),
        _ => Ok(Value::Null),
    };
    let part = |pick: fn(&str, &str) -> bool| match (first.as_str(), second.as_str()) {
        (Some(whole), Some(part)) => Value::Bool(pick(whole, part)),
        _ => Value::Null,
    };
    let reshaped = |shape: fn(&str) -> String| match first.as_str() {
        Some(text) => Value::Str(shape(text).into()),
        None => Value::Null,
    };
    let whole = |round: fn(i64) -> i64| match &first {
        Value::Decimal(number) => Value::Int(round(*number)),
        other => other.clone(),
    };
    let calendar = |pick: fn((i32, u32, u32)) -> i64| {
        days(&first).map_or(Value::Null, |d| Value::Int(pick(civil_from_days(d))))
    };
    Ok(match function {
        Function::Days => span(DAY_S)?,
        Function::Hours => span(3600)?,
        Function::Minutes => span(60)?,
        Function::DaysBetween => match (days(&first), days(&second)) {
            (Some(a), Some(b)) => Value::Int(i64::from(b) - i64::from(a)),
            _ => Value::Null,
        },
        Function::MinutesBetween => match (&first, &second) {
            (Value::DateTime(a), Value::DateTime(b)) => Value::Int((b - a).div_euclid(60)),
            _ => Value::Null,
        },
        Function::Date => days(&first).map_or(Value::Null, Value::Date),
        // 1970-01-01 was a Thursday.
        Function::Weekday => {
            days(&first).map_or(Value::Null, |d| Value::Int(i64::from((d + 3).rem_euclid(7)) + 1))
        }
        Function::Hour => match &first {
            Value::DateTime(seconds) => Value::Int(seconds.rem_euclid(DAY_S) / 3600),
            _ => Value::Null,
        },
        Function::Month => calendar(|(_, month, _)| i64::from(month)),
        Function::Year => calendar(|(year, _, _)| i64::from(year)),
        Function::Lower => reshaped(str::to_lowercase),
        Function::Upper => reshaped(str::to_uppercase),
        Function::Trim => reshaped(|text| text.trim().to_owned()),
        Function::Len => match &first {
            Value::Str(text) => Value::Int(text.chars().count() as i64),
            Value::List(items) => Value::Int(items.len() as i64),
            _ => Value::Null,
        },
        Function::Contains => part(|whole, part| whole.contains(part)),
        Function::StartsWith => part(|whole, part| whole.starts_with(part)),
        Function::EndsWith => part(|whole, part| whole.ends_with(part)),
        Function::Text => match first {
            Value::Str(text) => Value::Str(text),
            Value::Enum(symbol) => Value::Str(Arc::clone(env.schema.symbol_text(symbol))),
            other => Value::Str(crate::json::plain_text(env.schema, &other).into()),
        },
        Function::Abs => match first {
            Value::Int(n) if n < 0 => negate(first)?,
            Value::Decimal(n) | Value::Money(n) | Value::Duration(n) if n < 0 => negate(first)?,
            other => other,
        },
        Function::Round => whole(|n| divide_rounded(i128::from(n), i128::from(DECIMAL_SCALE)) as i64),
        Function::Floor => whole(|n| n.div_euclid(DECIMAL_SCALE)),
        Function::Ceil => whole(|n| -(-n).div_euclid(DECIMAL_SCALE)),
        Function::ToInt => whole(|n| n / DECIMAL_SCALE),
        Function::Least => {
            if first.compare(&second) == Some(Ordering::Greater) {
                second
            } else {
                first
            }
        }
        Function::Greatest => {
            if first.compare(&second) == Some(Ordering::Less) {
                second
            } else {
                first
            }
        }
        Function::ToDecimal => match first {
            Value::Int(n) => Value::Decimal(n.checked_mul(DECIMAL_SCALE).ok_or(Abort::Overflow)?),
            Value::Money(n) => {
                Value::Decimal(n.checked_mul(DECIMAL_SCALE / MONEY_SCALE).ok_or(Abort::Overflow)?)
            }
            other => other,
        },
        Function::ToMoney => match first {
            Value::Int(n) => Value::Money(n.checked_mul(MONEY_SCALE).ok_or(Abort::Overflow)?),
            Value::Decimal(n) => {
                Value::Money(divide_rounded(i128::from(n), i128::from(DECIMAL_SCALE / MONEY_SCALE)) as i64)
            }
            other => other,
        },
    })
}

/// Calls `visit` for each record of the selection, in id order, until it gives false.
pub(crate) fn select(
    selection: &Selection,
    env: &Env<'_>,
    frame: &mut Frame,
    mut visit: impl FnMut(RecordId, &mut Frame) -> Result<bool, Abort>,
) -> Result<(), Abort> {
    frame.reserve(selection.slots.max(selection.slot + 1));
    let mut offer = |record: RecordId, frame: &mut Frame| -> Result<bool, Abort> {
        frame.burn()?;
        frame.set(selection.slot, Value::Ref(record));
        if let Some(filter) = &selection.filter
            && !truth(filter, env, frame)?
        {
            return Ok(true);
        }
        frame.set(selection.slot, Value::Ref(record));
        visit(record, frame)
    };
    match &selection.access {
        Access::All => {
            for number in env.state.numbers(selection.entity) {
                if !offer(RecordId::new(selection.entity, *number), frame)? {
                    return Ok(());
                }
            }
        }
        Access::One(key) => {
            if let Some(record) = record_of(key, env, frame)?
                && record.entity() == selection.entity
                && env.state.row(record).is_some()
            {
                offer(record, frame)?;
            }
        }
        Access::Index(index, key) => {
            if let Some(target) = record_of(key, env, frame)? {
                for number in env.state.referrers(selection.entity, *index, target) {
                    if !offer(RecordId::new(selection.entity, *number), frame)? {
                        return Ok(());
                    }
                }
            }
        }
    }
    Ok(())
}

fn query(
    aggregate: Aggregate,
    selection: &Selection,
    body: Option<&Expr>,
    zero: &Value,
    env: &Env<'_>,
    frame: &mut Frame,
) -> Result<Value, Abort> {
    let mut count: i64 = 0;
    let mut folded = Value::Null;
    let mut sum: i128 = 0;
    select(selection, env, frame, |record, frame| {
        let Some(body) = body else {
            count += 1;
            if aggregate == Aggregate::First {
                folded = Value::Ref(record);
            }
            return Ok(aggregate == Aggregate::Count);
        };
        let value = eval(body, env, frame)?;
        if value.is_null() {
            return Ok(true);
        }
        count += 1;
        match aggregate {
            Aggregate::Min | Aggregate::Max => {
                let wanted = if aggregate == Aggregate::Min { Ordering::Less } else { Ordering::Greater };
                if folded.is_null() || value.compare(&folded) == Some(wanted) {
                    folded = value;
                }
            }
            _ => {
                sum += i128::from(match &value {
                    Value::Int(n) | Value::Decimal(n) | Value::Money(n) | Value::Duration(n) => *n,
                    _ => 0,
                });
                if count == 1 {
                    folded = value;
                }
            }
        }
        Ok(true)
    })?;
    Ok(match aggregate {
        Aggregate::Exists => Value::Bool(count > 0),
        Aggregate::Count => Value::Int(count),
        Aggregate::First | Aggregate::Min | Aggregate::Max => folded,
        Aggregate::Sum => match &folded {
            Value::Decimal(_) => Value::Decimal(narrow(sum)?),
            Value::Money(_) => Value::Money(narrow(sum)?),
            Value::Duration(_) => Value::Duration(narrow(sum)?),
            Value::Int(_) => Value::Int(narrow(sum)?),
            _ => zero.clone(),
        },
        Aggregate::Avg if count == 0 => Value::Null,
        Aggregate::Avg => match &folded {
            Value::Money(_) => Value::Money(narrow(divide_rounded(sum, i128::from(count)))?),
            Value::Decimal(_) => Value::Decimal(narrow(divide_rounded(sum, i128::from(count)))?),
            _ => Value::Decimal(narrow(divide_rounded(sum * i128::from(DECIMAL_SCALE), i128::from(count)))?),
        },
    })
}

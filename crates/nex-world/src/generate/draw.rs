//! Draws one value from a generator.

use super::words;
use super::{Generator, Piece, PoolTable, Source, TimeBound, unique_key};
use crate::expr::eval::select;
use crate::expr::{Abort, Access, Env, Frame, Selection};
use crate::text::Language;
use crate::value::{DAY_S, RecordId, Type, Value};
use rand::{Rng, RngExt};
use std::collections::HashSet;

/// What a draw reads.
pub(crate) struct Draw<'a> {
    pub(crate) env: Env<'a>,
    pub(crate) pools: &'a PoolTable,
    pub(crate) language: Language,
    /// Values that a unique field has already.
    pub(crate) taken: Option<&'a HashSet<String>>,
    pub(crate) nesting: u8,
}

/// Pools within pools; `load` refuses cycles.
const MAX_POOL_NESTING: u8 = 8;
/// A quarter of an hour, on which moments fall.
const QUARTER_S: i64 = 900;

/// A value from `generator`, with the frame's locals.
pub(crate) fn draw<R: Rng>(
    generator: &Generator,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<Value, Abort> {
    for (condition, case) in &generator.cases {
        if condition.holds(&draw_in.env, frame)? {
            return draw(case, draw_in, frame, rng);
        }
    }
    if let Some(condition) = &generator.when
        && !condition.holds(&draw_in.env, frame)?
    {
        return Ok(Value::Null);
    }
    if generator.null_rate > 0.0 && rng.random::<f64>() < generator.null_rate {
        return Ok(Value::Null);
    }
    source(&generator.source, draw_in, frame, rng)
}

fn source<R: Rng>(
    from: &Source,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<Value, Abort> {
    let language = draw_in.language;
    let text = match from {
        Source::Null => return Ok(Value::Null),
        Source::Value(program) => return program.run(&draw_in.env, frame),
        Source::Number { min, max, step, skew, kind } => {
            let min = number_of(&min.run(&draw_in.env, frame)?);
            let max = number_of(&max.run(&draw_in.env, frame)?);
            let (Some(min), Some(max)) = (min, max) else { return Ok(Value::Null) };
            return Ok(number(min, max, *step, *skew, kind, rng));
        }
        Source::Bool(share) => return Ok(Value::Bool(rng.random::<f64>() < *share)),
        Source::Time { after, min, max, is_date } => {
            return time(after.as_ref(), min, max, *is_date, draw_in, frame, rng);
        }
        Source::Enum(values) => return Ok(weighted(values, rng)),
        Source::Ref { selection, skew, is_unique } => {
            return reference(selection, *skew, *is_unique, draw_in, frame, rng);
        }
        Source::List { min, max, item } => return list(*min, *max, item, draw_in, frame, rng),
        Source::PersonName => words::person_name(language, rng),
        Source::Company => words::company(language, rng),
        Source::Phone => words::phone(language, rng),
        Source::City => words::city(language, rng),
        Source::Address => words::address(language, rng),
        Source::Sentence => words::sentence(language, rng),
        Source::Email(name) => {
            let name = match name {
                Some(program) => program.run(&draw_in.env, frame)?,
                None => Value::text(&words::person_name(language, rng)),
            };
            words::email(name.as_str().unwrap_or("nobody"), rng)
        }
        Source::Pool(pool) => {
            let mut text = String::new();
            pool_word(*pool, &mut text, draw_in, frame, rng)?;
            text
        }
        Source::Template { en, zh } => {
            let pieces = match (language, zh) {
                (Language::Zh, Some(zh)) => zh,
                _ => en,
            };
            let mut text = String::new();
            fill(pieces, &mut text, draw_in, frame, rng)?;
            text
        }
    };
    Ok(Value::Str(text.into()))
}

fn pool_word<R: Rng>(
    pool: usize,
    out: &mut String,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<(), Abort> {
    if draw_in.nesting >= MAX_POOL_NESTING {
        return Ok(());
    }
    let words = &draw_in.pools.pools[pool];
    let words = match (draw_in.language, &words.zh) {
        (Language::Zh, Some(zh)) => zh,
        _ => &words.en,
    };
    let pieces = &words[rng.random_range(0..words.len())];
    draw_in.nesting += 1;
    let done = fill(pieces, out, draw_in, frame, rng);
    draw_in.nesting -= 1;
    done
}

fn fill<R: Rng>(
    pieces: &[Piece],
    out: &mut String,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<(), Abort> {
    for piece in pieces {
        frame.burn()?;
        frame.burn_text(out.len())?;
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(program) => {
                let value = program.run(&draw_in.env, frame)?;
                crate::json::write_plain(out, draw_in.env.schema, &value);
            }
            Piece::Pool(pool) => pool_word(*pool, out, draw_in, frame, rng)?,
            Piece::Digits(count) => words::digits(out, *count, rng),
            Piece::Letters(count) => {
                for _ in 0..*count {
                    out.push(char::from(b'A' + rng.random_range(0..26u8)));
                }
            }
        }
    }
    Ok(())
}

fn number_of(value: &Value) -> Option<i64> {
    match value {
        Value::Int(n) | Value::Decimal(n) | Value::Money(n) => Some(*n),
        _ => None,
    }
}

/// A number on the grid of `step` from `min`; null where the range is empty.
fn number<R: Rng>(min: i64, max: i64, step: i64, skew: f64, kind: &Type, rng: &mut R) -> Value {
    if max < min {
        return Value::Null;
    }
    let places =
        ((i128::from(max) - i128::from(min)) / i128::from(step.max(1))).min(i128::from(u32::MAX)) as u32;
    let place = skewed(places, skew, rng);
    let number = min + i64::from(place) * step.max(1);
    match kind {
        Type::Money => Value::Money(number),
        Type::Decimal => Value::Decimal(number),
        _ => Value::Int(number),
    }
}

/// 0 to `highest`; with a greater skew small ones come more often.
fn skewed<R: Rng>(highest: u32, skew: f64, rng: &mut R) -> u32 {
    if skew <= 0.0 {
        return rng.random_range(0..=highest);
    }
    let share = power(rng.random::<f64>(), 1.0 + skew);
    ((share * (f64::from(highest) + 1.0)) as u32).min(highest)
}

/// x^p for 0 ≤ x < 1 with the same bits on every machine: products and square roots only, which
/// IEEE 754 rounds exactly; `powf` is not so bound. `p` is taken to the nearest sixteenth.
fn power(x: f64, p: f64) -> f64 {
    let sixteenths = (p * 16.0).round().clamp(0.0, 256.0) as u32;
    let root = x.sqrt().sqrt().sqrt().sqrt();
    (0..sixteenths).fold(1.0, |product, _| product * root)
}

fn weighted<R: Rng>(values: &[(crate::value::Symbol, f64)], rng: &mut R) -> Value {
    let total: f64 = values.iter().map(|(_, weight)| weight).sum();
    let mut at = rng.random::<f64>() * total;
    for (symbol, weight) in values {
        at -= weight;
        if at < 0.0 {
            return Value::Enum(*symbol);
        }
    }
    values
        .iter()
        .rev()
        .find(|(_, weight)| *weight > 0.0)
        .map_or(Value::Null, |(symbol, _)| Value::Enum(*symbol))
}

fn time<R: Rng>(
    after: Option<&crate::expr::Program>,
    min: &TimeBound,
    max: &TimeBound,
    is_date: bool,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<Value, Abort> {
    let seconds = |value: Value| match value {
        Value::Date(days) => Some(i64::from(days) * DAY_S),
        Value::DateTime(seconds) => Some(seconds),
        _ => None,
    };
    let origin = match after {
        Some(program) => seconds(program.run(&draw_in.env, frame)?),
        None if is_date => Some(draw_in.env.now.div_euclid(DAY_S) * DAY_S),
        None => Some(draw_in.env.now),
    };
    let Some(origin) = origin else { return Ok(Value::Null) };
    let mut bound = |bound: &TimeBound| -> Result<Option<i64>, Abort> {
        Ok(match bound {
            TimeBound::Offset(offset) => Some(origin.saturating_add(*offset)),
            TimeBound::Absolute(seconds) => Some(*seconds),
            TimeBound::Given(program) => seconds(program.run(&draw_in.env, frame)?),
        })
    };
    let (Some(low), Some(high)) = (bound(min)?, bound(max)?) else { return Ok(Value::Null) };
    if high < low {
        return Ok(Value::Null);
    }
    if is_date {
        let day = rng.random_range(low.div_euclid(DAY_S)..=high.div_euclid(DAY_S));
        return Ok(i32::try_from(day).map_or(Value::Null, Value::Date));
    }
    let grid = if high - low >= DAY_S { QUARTER_S } else { 60 };
    let (first, last) = ((low + grid - 1).div_euclid(grid), high.div_euclid(grid));
    if last < first {
        return Ok(Value::DateTime(low));
    }
    Ok(Value::DateTime(rng.random_range(first..=last) * grid))
}

fn reference<R: Rng>(
    selection: &Selection,
    skew: f64,
    is_unique: bool,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<Value, Abort> {
    if let (Access::All, None, false) = (&selection.access, &selection.filter, is_unique) {
        // Any record will do: no need to look at each.
        let numbers = draw_in.env.state.numbers(selection.entity);
        if numbers.is_empty() {
            return Ok(Value::Null);
        }
        let place = skewed(numbers.len() as u32 - 1, skew, rng);
        return Ok(Value::Ref(RecordId::new(selection.entity, numbers[place as usize])));
    }
    let mut candidates: Vec<RecordId> = Vec::new();
    select(selection, &draw_in.env, frame, |record, _| {
        candidates.push(record);
        Ok(true)
    })?;
    if let (true, Some(taken)) = (is_unique, draw_in.taken) {
        candidates.retain(|record| !taken.contains(&unique_key(&Value::Ref(*record))));
    }
    if candidates.is_empty() {
        return Ok(Value::Null);
    }
    let place = skewed(candidates.len() as u32 - 1, skew, rng);
    Ok(Value::Ref(candidates[place as usize]))
}

fn list<R: Rng>(
    min: u32,
    max: u32,
    item: &Generator,
    draw_in: &mut Draw<'_>,
    frame: &mut Frame,
    rng: &mut R,
) -> Result<Value, Abort> {
    const TRIES_PER_ITEM: u32 = 20;
    const ITEM_BYTES: usize = 64;
    let wanted = rng.random_range(min..=max) as usize;
    let mut items: Vec<Value> = Vec::with_capacity(wanted.min(64));
    let mut tries = 0;
    while items.len() < wanted && tries < TRIES_PER_ITEM.saturating_mul(max) {
        tries += 1;
        frame.burn_text(ITEM_BYTES)?;
        let value = draw(item, draw_in, frame, rng)?;
        if !value.is_null() && !items.contains(&value) {
            items.push(value);
        }
    }
    Ok(Value::List(items.into()))
}

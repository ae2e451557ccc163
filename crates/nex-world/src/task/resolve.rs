//! Values out of replies: what a plan's sources give, given the replies so far.

use super::exact::Exact;
use super::plan::{Aggregate, AnswerPlan, Comparison, Fold, Operator, Pick, PlanStep, RowTest, ValueSource};
use serde_json::Value;

/// Why a value could not be read out of the replies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The step was not answered, or with an error.
    #[error("step {step} has no reply to read from")]
    NoReply {
        /// The step.
        step: usize,
    },
    /// The reply is not shaped as expected.
    #[error("the reply of step {step} has nothing at `{pointer}`")]
    NotThere {
        /// The step.
        step: usize,
        /// Where.
        pointer: String,
    },
    /// No row passes the tests.
    #[error("no row of `{list}` in the reply of step {step} fits ({rows} rows)")]
    NoRow {
        /// The step.
        step: usize,
        /// The list.
        list: String,
        /// Rows that were there.
        rows: usize,
    },
    /// More than one row passes the tests and no order chooses.
    #[error("{fitting} rows of `{list}` in the reply of step {step} fit, one is needed")]
    ManyRows {
        /// The step.
        step: usize,
        /// The list.
        list: String,
        /// Rows that fit.
        fitting: usize,
    },
    /// A value is no number, or too large to compute with.
    #[error("`{value}` is not a number to compute with")]
    NotANumber {
        /// The value.
        value: String,
    },
}

/// The value of `source`, given the replies so far: `replies[i]` is the parsed reply of step `i`
/// with all its pages, none where it is not there or is an error.
pub fn resolve(source: &ValueSource, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    match source {
        ValueSource::Literal { value } => Ok(value.clone()),
        ValueSource::Reply { step, pointer } => at(replies, *step, pointer).cloned(),
        ValueSource::Pick(pick) => pick_row(pick, replies),
        ValueSource::Aggregate(aggregate) => fold_rows(aggregate, replies),
        ValueSource::Arithmetic { operator, left, right } => {
            let left = number(&resolve(left, replies)?)?;
            let right = number(&resolve(right, replies)?)?;
            let result = match operator {
                Operator::Add => left.add(right),
                Operator::Subtract => left.subtract(right),
                Operator::Multiply => left.multiply(right),
            };
            result.map(Exact::to_value).ok_or(ResolveError::NotANumber { value: "overflow".to_owned() })
        }
        ValueSource::Text { template, slots } => {
            let values = slots
                .iter()
                .map(|(slot, source)| Ok((slot.as_str(), plain_text(&resolve(source, replies)?))))
                .collect::<Result<Vec<_>, ResolveError>>()?;
            Ok(Value::String(fill(template, &values)))
        }
        ValueSource::Between { name, of, after, before, is_number } => {
            let text = plain_text(&resolve(of, replies)?);
            let found = between(&text, after, before).ok_or_else(|| ResolveError::NotThere {
                step: of.steps().first().copied().unwrap_or_default(),
                pointer: format!("{name} after `{after}`"),
            })?;
            if !*is_number {
                return Ok(found.into());
            }
            let number = Exact::parse(found);
            number.map(Exact::to_value).ok_or_else(|| ResolveError::NotANumber { value: found.to_owned() })
        }
    }
}

/// `template` with its holes filled in one pass, so that a value cannot open a new hole.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, hole) = rest.split_at(open);
        text.push_str(before);
        let filled = hole.find('}').and_then(|close| {
            let (_, value) = values.iter().find(|(slot, _)| *slot == &hole[1..close])?;
            Some((value, close))
        });
        match filled {
            Some((value, close)) => {
                text.push_str(value);
                rest = &hole[close + 1..];
            }
            None => {
                text.push('{');
                rest = &hole[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn between<'a>(text: &'a str, after: &str, before: &str) -> Option<&'a str> {
    let start = text.find(after)? + after.len();
    let rest = &text[start..];
    let end = if before.is_empty() { rest.len() } else { rest.find(before)? };
    Some(rest[..end].trim())
}

/// The arguments of `step` as one JSON object; an argument whose value is null is left out.
pub fn resolve_arguments(step: &PlanStep, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    let mut object = serde_json::Map::new();
    for (name, source) in &step.arguments {
        let value = resolve(source, replies)?;
        if !value.is_null() {
            object.insert(name.clone(), value);
        }
    }
    Ok(Value::Object(object))
}

/// The answer's text.
pub fn render_answer(answer: &AnswerPlan, replies: &[Option<Value>]) -> Result<String, ResolveError> {
    let mut text = answer.template.clone();
    for (slot, source) in &answer.slots {
        let value = resolve(source, replies)?;
        let plain = plain_text(&value);
        let words = answer.wording.get(slot).and_then(|words| words.get(&plain)).cloned().unwrap_or(plain);
        text = text.replace(&format!("{{{slot}}}"), &words);
    }
    Ok(text)
}

fn at<'a>(replies: &'a [Option<Value>], step: usize, pointer: &str) -> Result<&'a Value, ResolveError> {
    let reply = replies.get(step).and_then(Option::as_ref).ok_or(ResolveError::NoReply { step })?;
    reply.pointer(pointer).ok_or_else(|| ResolveError::NotThere { step, pointer: pointer.to_owned() })
}

fn rows<'a>(
    replies: &'a [Option<Value>],
    step: usize,
    list: &str,
    tests: &[RowTest],
) -> Result<(Vec<&'a Value>, usize), ResolveError> {
    let all = at(replies, step, list)?
        .as_array()
        .ok_or_else(|| ResolveError::NotThere { step, pointer: list.to_owned() })?;
    let wanted: Vec<Value> =
        tests.iter().map(|test| resolve(&test.value, replies)).collect::<Result<_, _>>()?;
    let fits = |row: &&Value| {
        tests
            .iter()
            .zip(&wanted)
            .all(|(test, wanted)| holds(row.get(&test.field).unwrap_or(&Value::Null), test.compare, wanted))
    };
    Ok((all.iter().filter(fits).collect(), all.len()))
}

fn pick_row(pick: &Pick, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    let (mut fitting, total) = rows(replies, pick.step, &pick.list, &pick.tests)?;
    let none = || ResolveError::NoRow { step: pick.step, list: pick.list.clone(), rows: total };
    let rank = match &pick.order {
        None if fitting.len() > 1 => {
            return Err(ResolveError::ManyRows {
                step: pick.step,
                list: pick.list.clone(),
                fitting: fitting.len(),
            });
        }
        None => 0,
        Some(order) => {
            fitting.retain(|row| row.get(&order.by).is_some_and(|value| !value.is_null()));
            fitting.sort_by(|a, b| {
                let ascending = compare(&a[&order.by], &b[&order.by]);
                if order.descending { ascending.reverse() } else { ascending }
            });
            order.rank
        }
    };
    let row = fitting.get(rank).ok_or_else(none)?;
    row.get(&pick.field).cloned().ok_or_else(|| ResolveError::NotThere {
        step: pick.step,
        pointer: format!("{}/*/{}", pick.list, pick.field),
    })
}

fn fold_rows(aggregate: &Aggregate, replies: &[Option<Value>]) -> Result<Value, ResolveError> {
    let (fitting, total) = rows(replies, aggregate.step, &aggregate.list, &aggregate.tests)?;
    if aggregate.fold == Fold::Count {
        return Ok(fitting.len().into());
    }
    let field = aggregate.field.as_deref().unwrap_or_default();
    let values: Vec<&Value> =
        fitting.iter().filter_map(|row| row.get(field)).filter(|v| !v.is_null()).collect();
    let none = || ResolveError::NoRow { step: aggregate.step, list: aggregate.list.clone(), rows: total };
    match aggregate.fold {
        Fold::Count => Ok(fitting.len().into()),
        Fold::Sum => {
            let mut sum = Exact::ZERO;
            for value in values {
                sum = sum
                    .add(number(value)?)
                    .ok_or(ResolveError::NotANumber { value: "overflow".to_owned() })?;
            }
            Ok(sum.to_value())
        }
        Fold::Min => values.into_iter().min_by(|a, b| compare(a, b)).cloned().ok_or_else(none),
        Fold::Max => values.into_iter().max_by(|a, b| compare(a, b)).cloned().ok_or_else(none),
    }
}

fn number(value: &Value) -> Result<Exact, ResolveError> {
    Exact::of(value).ok_or_else(|| ResolveError::NotANumber { value: plain_text(value) })
}

/// Whether `field compare wanted` holds.
pub(crate) fn holds(field: &Value, comparison: Comparison, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Greater, Less};
    match comparison {
        Comparison::Eq => same(field, wanted),
        Comparison::Ne => !same(field, wanted),
        Comparison::Contains => match field {
            Value::Array(items) => items.iter().any(|item| same(item, wanted)),
            _ => plain_text(field).to_lowercase().contains(&plain_text(wanted).to_lowercase()),
        },
        _ if field.is_null() || wanted.is_null() => false,
        Comparison::Lt => compare(field, wanted) == Less,
        Comparison::Le => compare(field, wanted) != Greater,
        Comparison::Gt => compare(field, wanted) == Greater,
        Comparison::Ge => compare(field, wanted) != Less,
    }
}

/// Equality of JSON values that does not tell `12.50` from `12.5`.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => Exact::of(a) == Exact::of(b),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => a == b,
    }
}

fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => Exact::of(a).cmp(&Exact::of(b)),
        _ => plain_text(a).cmp(&plain_text(b)),
    }
}

/// A value as it is said in text: strings without quotes.
pub(crate) fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(plain_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

//! find and list: matching, sorting, paging.

use super::arguments::{Parsed, cursor_text};
use super::execute::{refuse_abort, write_record};
use super::reply::{Refusal, Reply};
use crate::expr::eval::field_value;
use crate::expr::{Env, Frame};
use crate::json::write_string;
use crate::spec::{Compare, OperationKind};
use crate::state::table::normalized;
use crate::value::{DAY_S, EntityId, RecordId, Value};
use crate::world::{Match, Operation, Search};
use std::borrow::Cow;
use std::cmp::Ordering;

pub(super) fn search(
    operation: &Operation,
    search: &Search,
    entity: EntityId,
    parsed: &Parsed,
    env: Env<'_>,
    frame: &mut Frame,
    truncate_to: Option<usize>,
) -> Result<Reply, Refusal> {
    let def = env.schema.entity(entity);
    let conditions: Vec<(Match, &Value)> = operation
        .args
        .iter()
        .zip(parsed.values.iter())
        .filter_map(|(arg, value)| Some((arg.matches?, value)))
        .filter(|(_, value)| !value.is_null())
        .collect();
    if operation.kind == OperationKind::Find && conditions.is_empty() {
        let names: Vec<&str> =
            operation.args.iter().filter(|arg| arg.matches.is_some()).map(|arg| arg.name.as_str()).collect();
        return Err(Refusal::new("invalid_argument", format!("give at least one of {}", names.join(", "))));
    }
    let mut found = matching(operation, search, entity, &conditions, env, frame)?;
    if found.is_empty() && operation.kind == OperationKind::Find {
        return Err(Refusal::new("not_found", format!("no {} matches", def.label.en)));
    }
    if let Some((field, is_descending)) = search.sort {
        sort(&mut found, field, is_descending, env, frame)?;
    }
    let total = found.len();
    let start = parsed.cursor.unwrap_or(0).min(total);
    let mut end = (start + search.page_size).min(total);
    let is_truncated = truncate_to.is_some_and(|short| end - start > short);
    if let (true, Some(short)) = (is_truncated, truncate_to) {
        end = start + short;
    }
    let text = write_page(operation, &def.plural, &found[start..end], (end, total), env, frame)?;
    Ok(Reply { text, is_truncated, ..Reply::default() })
}

fn matching(
    operation: &Operation,
    search: &Search,
    entity: EntityId,
    conditions: &[(Match, &Value)],
    env: Env<'_>,
    frame: &mut Frame,
) -> Result<Vec<RecordId>, Refusal> {
    let (numbers, answered) = candidates(entity, conditions, env);
    let mut found = Vec::new();
    'records: for number in numbers.iter() {
        let record = RecordId::new(entity, *number);
        for (at, (condition, wanted)) in conditions.iter().enumerate() {
            if Some(at) != answered
                && !matches(record, *condition, wanted, env, frame).map_err(refuse_abort)?
            {
                continue 'records;
            }
        }
        if let Some(filter) = &search.filter {
            frame.set(operation.record_slot, Value::Ref(record));
            if !filter.holds(&env, frame).map_err(refuse_abort)? {
                continue;
            }
        }
        found.push(record);
    }
    Ok(found)
}

/// Records among which all matches are, and the condition that they all meet already.
fn candidates<'a>(
    entity: EntityId,
    conditions: &[(Match, &Value)],
    env: Env<'a>,
) -> (Cow<'a, [u64]>, Option<usize>) {
    let def = env.schema.entity(entity);
    for (at, (condition, wanted)) in conditions.iter().enumerate() {
        if condition.compare != Compare::Eq {
            continue;
        }
        let Some(field) = condition.field else {
            let record = wanted.as_record().filter(|record| env.state.contains(*record));
            return (Cow::Owned(record.map(RecordId::number).into_iter().collect()), Some(at));
        };
        match (def.field(field).index, wanted) {
            (Some(index), Value::Ref(target)) => {
                return (Cow::Borrowed(env.state.referrers(entity, index, *target)), Some(at));
            }
            (Some(index), Value::Str(text)) => {
                return (Cow::Borrowed(env.state.with_text(entity, index, text)), Some(at));
            }
            _ => {}
        }
    }
    (Cow::Borrowed(env.state.numbers(entity)), None)
}

fn matches(
    record: RecordId,
    condition: Match,
    wanted: &Value,
    env: Env<'_>,
    frame: &mut Frame,
) -> Result<bool, crate::expr::Abort> {
    let Some(field) = condition.field else { return Ok(wanted.as_record() == Some(record)) };
    let owned;
    let value = match env.schema.entity(record.entity()).field(field).slot {
        Some(slot) => env.state.stored(record, slot).unwrap_or(&Value::Null),
        None => {
            owned = field_value(&env, frame, record, field)?;
            &owned
        }
    };
    if value.is_null() {
        return Ok(false);
    }
    // A day asks for the moments of that day.
    let order = match (value, wanted) {
        (Value::DateTime(seconds), Value::Date(day)) => Some(seconds.div_euclid(DAY_S).cmp(&i64::from(*day))),
        (Value::Str(text), Value::Str(wanted)) if condition.compare == Compare::Eq => {
            Some(normalized(text).cmp(&normalized(wanted)))
        }
        (value, wanted) => value.compare(wanted),
    };
    Ok(match condition.compare {
        Compare::Eq => order == Some(Ordering::Equal) || (order.is_none() && value == wanted),
        Compare::Ge => order.is_some_and(Ordering::is_ge),
        Compare::Le => order.is_some_and(Ordering::is_le),
        Compare::Contains => match (value, wanted) {
            (Value::Str(text), Value::Str(part)) => normalized(text).contains(&*normalized(part)),
            _ => false,
        },
        Compare::Has => value.as_list().is_some_and(|items| items.contains(wanted)),
    })
}

/// By the field, nulls last, ties in id order.
fn sort(
    found: &mut Vec<RecordId>,
    field: u16,
    is_descending: bool,
    env: Env<'_>,
    frame: &mut Frame,
) -> Result<(), Refusal> {
    let mut keyed = Vec::with_capacity(found.len());
    for record in found.iter() {
        keyed.push((field_value(&env, frame, *record, field).map_err(refuse_abort)?, *record));
    }
    keyed.sort_by(|(a, x), (b, y)| {
        let order = match (a.is_null(), b.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => {
                let order = a.compare(b).unwrap_or(Ordering::Equal);
                if is_descending { order.reverse() } else { order }
            }
        };
        order.then(x.cmp(y))
    });
    found.clear();
    found.extend(keyed.into_iter().map(|(_, record)| record));
    Ok(())
}

fn write_page(
    operation: &Operation,
    plural: &str,
    page: &[RecordId],
    (end, total): (usize, usize),
    env: Env<'_>,
    frame: &mut Frame,
) -> Result<String, Refusal> {
    use std::fmt::Write;
    let mut text = String::with_capacity(64 + page.len() * 120);
    text.push('{');
    write_string(&mut text, plural);
    text.push_str(":[");
    for (at, record) in page.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        frame.set(operation.record_slot, Value::Ref(*record));
        write_record(&mut text, operation, env, frame)?;
    }
    let has_more = end < total;
    write!(text, "],\"count\":{},\"total\":{total},\"has_more\":{has_more}", page.len())
        .expect("writing to a string does not fail");
    if has_more {
        write!(text, ",\"next_cursor\":\"{}\"", cursor_text(end)).expect("writing to a string does not fail");
    }
    text.push('}');
    Ok(text)
}

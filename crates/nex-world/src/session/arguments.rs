//! Arguments from JSON: types, limits, and whether the records they name exist.

use super::reply::Refusal;
use crate::json::from_json;
use crate::schema::Schema;
use crate::state::State;
use crate::suggest::did_you_mean;
use crate::value::{Type, Value};
use crate::world::{Arg, Bound, Operation, World};
use serde_json::{Map, Value as Json};
use std::cmp::Ordering;
use std::sync::Arc;

/// Characters of a text where its argument sets no limit.
const MAX_TEXT: usize = 10_000;
/// Items of a list where its argument sets no limit.
const MAX_ITEMS: usize = 1_000;

/// Understood arguments.
pub(super) struct Parsed {
    /// Beside the operation's arguments.
    pub(super) values: Arc<[Value]>,
    /// Records to skip, where a cursor was given.
    pub(super) cursor: Option<usize>,
}

/// What `next_cursor` says for `offset`.
pub(super) fn cursor_text(offset: usize) -> String {
    format!("c{offset}")
}

pub(super) fn parse(
    world: &World,
    operation: &Operation,
    arguments: &Json,
    state: &State,
) -> Result<Parsed, Refusal> {
    let empty = Map::new();
    let given = match arguments {
        Json::Object(map) => map,
        Json::Null => &empty,
        _ => return Err(Refusal::new("invalid_argument", "the arguments are one JSON object".to_owned())),
    };
    let mut cursor = None;
    let mut used = 0;
    if operation.has_cursor
        && let Some(json) = given.get("cursor")
    {
        used += 1;
        cursor = read_cursor(json)?;
    }
    let mut values = Vec::with_capacity(operation.args.len());
    for arg in &operation.args {
        let json = given.get(&arg.name);
        used += usize::from(json.is_some());
        values.push(match json {
            None | Some(Json::Null) => absent(arg)?,
            Some(json) => read(&world.schema, arg, json, state)?,
        });
    }
    if used < given.len() {
        return Err(unknown_argument(operation, given));
    }
    Ok(Parsed { values: values.into(), cursor })
}

fn read_cursor(json: &Json) -> Result<Option<usize>, Refusal> {
    let bad = || {
        Refusal::new("invalid_argument", "cursor: expected the next_cursor of an earlier reply".to_owned())
    };
    match json {
        Json::Null => Ok(None),
        Json::String(text) if text.is_empty() => Ok(None),
        Json::String(text) => {
            text.strip_prefix('c').and_then(|offset| offset.parse().ok()).map(Some).ok_or_else(bad)
        }
        _ => Err(bad()),
    }
}

fn absent(arg: &Arg) -> Result<Value, Refusal> {
    match &arg.default {
        Some(default) => Ok(default.clone()),
        None if arg.optional => Ok(Value::Null),
        None => Err(Refusal::new("invalid_argument", format!("{}: is required", arg.name))),
    }
}

fn unknown_argument(operation: &Operation, given: &Map<String, Json>) -> Refusal {
    let known: Vec<&str> = operation.args.iter().map(|arg| arg.name.as_str()).collect();
    let is_known = |name: &str| known.contains(&name) || (operation.has_cursor && name == "cursor");
    let wrong = given.keys().find(|name| !is_known(name)).map_or("", String::as_str);
    let hint = did_you_mean(wrong, known.iter().copied());
    Refusal::new("invalid_argument", format!("`{}` takes no argument `{wrong}`{hint}", operation.name))
}

fn read(schema: &Schema, arg: &Arg, json: &Json, state: &State) -> Result<Value, Refusal> {
    let invalid = |message: String| Refusal::new("invalid_argument", format!("{}: {message}", arg.name));
    let value = from_json(schema, &arg.kind, json).map_err(invalid)?;
    match &value {
        Value::Ref(record) if !state.contains(*record) => return Err(missing(schema, &value, &arg.kind)),
        Value::List(items) => {
            if let (Some(absent), Type::List(item)) = (
                items.iter().find(|item| item.as_record().is_some_and(|record| !state.contains(record))),
                &arg.kind,
            ) {
                return Err(missing(schema, absent, item));
            }
        }
        _ => {}
    }
    limits(schema, arg, &value).map_err(invalid)?;
    Ok(value)
}

fn missing(schema: &Schema, value: &Value, kind: &Type) -> Refusal {
    let label = match kind {
        Type::Record(entity) => schema.entity(*entity).label.en.as_str(),
        _ => "record",
    };
    Refusal::new("not_found", format!("there is no {label} {}", crate::json::plain_text(schema, value)))
}

fn limits(schema: &Schema, arg: &Arg, value: &Value) -> Result<(), String> {
    let length = match value {
        Value::Str(text) => Some((text.chars().count(), "characters", MAX_TEXT)),
        Value::List(items) => Some((items.len(), "items", MAX_ITEMS)),
        _ => None,
    };
    if let Some((length, unit, most)) = length {
        let least = if let Some(Bound::Length(least)) = arg.min { least } else { 0 };
        let most = if let Some(Bound::Length(most)) = arg.max { most } else { most };
        if length < least || length > most {
            return Err(format!("has {length} {unit}; {least} to {most} are allowed"));
        }
    }
    let shown = |value: &Value| crate::json::plain_text(schema, value);
    if let Some(Bound::Value(least)) = &arg.min
        && value.compare(least) == Some(Ordering::Less)
    {
        return Err(format!("is {}, less than {}", shown(value), shown(least)));
    }
    if let Some(Bound::Value(most)) = &arg.max
        && value.compare(most) == Some(Ordering::Greater)
    {
        return Err(format!("is {}, more than {}", shown(value), shown(most)));
    }
    if let (Some(pattern), Some(text)) = (&arg.pattern, value.as_str())
        && !pattern.is_match(text)
    {
        let pattern = pattern.as_str().trim_start_matches("^(?:").trim_end_matches(")$");
        return Err(format!("does not match {pattern}"));
    }
    Ok(())
}

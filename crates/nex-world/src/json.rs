//! Values as JSON text and back.
//!
//! Written straight into a string, since a reply is text in the end and money must stay exact:
//! 12.50 is written `12.50`, never through a float.

use crate::schema::Schema;
use crate::value::{
    Type, Value, parse_date, parse_datetime, parse_scaled, write_date, write_datetime, write_decimal,
    write_scaled,
};
use serde_json::Value as Json;
use std::sync::Arc;

/// Writes a JSON string.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.push_str("\\u00");
                out.push(char::from(HEX[usize::from(other >> 4)]));
                out.push(char::from(HEX[usize::from(other & 15)]));
            }
        }
    }
    out.push_str(&text[clean..]);
    out.push('"');
}

/// Writes a value as JSON.
pub(crate) fn write_value(out: &mut String, schema: &Schema, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Int(_) | Value::Decimal(_) | Value::Money(_) | Value::Duration(_) => {
            write_plain(out, schema, value)
        }
        Value::Str(text) => write_string(out, text),
        Value::Enum(symbol) => write_string(out, schema.symbol(*symbol)),
        Value::Date(_) | Value::DateTime(_) => {
            out.push('"');
            write_plain(out, schema, value);
            out.push('"');
        }
        // Prefixes are checked at load to need no escape.
        Value::Ref(record) => {
            out.push('"');
            schema.write_id(out, *record);
            out.push('"');
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(out, schema, item);
            }
            out.push(']');
        }
    }
}

/// Writes a value as people read it in a message.
pub(crate) fn write_plain(out: &mut String, schema: &Schema, value: &Value) {
    use std::fmt::Write;
    match value {
        Value::Null => out.push_str("none"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(number) => write!(out, "{number}").expect("writing to a string does not fail"),
        Value::Decimal(scaled) => write_decimal(out, *scaled),
        Value::Money(scaled) => write_scaled(out, *scaled, 2),
        Value::Date(days) => write_date(out, *days),
        Value::DateTime(seconds) => write_datetime(out, *seconds),
        Value::Duration(seconds) => write!(out, "{seconds}").expect("writing to a string does not fail"),
        Value::Str(text) => out.push_str(text),
        Value::Enum(symbol) => out.push_str(schema.symbol(*symbol)),
        Value::Ref(record) => schema.write_id(out, *record),
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_plain(out, schema, item);
            }
        }
    }
}

/// A value as people read it.
pub(crate) fn plain_text(schema: &Schema, value: &Value) -> String {
    let mut text = String::new();
    write_plain(&mut text, schema, value);
    text
}

/// A value as a JSON tree.
pub(crate) fn to_json(schema: &Schema, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Int(number) | Value::Duration(number) => Json::from(*number),
        Value::List(items) => Json::Array(items.iter().map(|item| to_json(schema, item)).collect()),
        // Two decimals below 2^53 hundredths survive a float and its shortest text.
        Value::Decimal(_) | Value::Money(_) => {
            let text = plain_text(schema, value);
            serde_json::from_str(&text).expect("a decimal number is JSON")
        }
        other => Json::String(plain_text(schema, other)),
    }
}

/// Reads a JSON value as `kind`; the error says what was expected.
pub(crate) fn from_json(schema: &Schema, kind: &Type, json: &Json) -> Result<Value, String> {
    let expected = || format!("expected {}, found {}", describe_type(schema, kind), describe_json(json));
    Ok(match (kind, json) {
        (_, Json::Null) => Value::Null,
        (Type::Bool, Json::Bool(truth)) => Value::Bool(*truth),
        (Type::Int, Json::Number(number)) => Value::Int(match number.as_i64() {
            Some(whole) => whole,
            None => parse_scaled(&number.to_string(), 0).ok_or_else(expected)?,
        }),
        (Type::Money, Json::Number(_) | Json::String(_)) => {
            Value::Money(scaled_from_json(json, 2).ok_or_else(expected)?)
        }
        (Type::Decimal, Json::Number(_) | Json::String(_)) => {
            Value::Decimal(scaled_from_json(json, 4).ok_or_else(expected)?)
        }
        (Type::Date, Json::String(text)) => Value::Date(parse_date(text.trim()).ok_or_else(expected)?),
        (Type::DateTime, Json::String(text)) => {
            Value::DateTime(parse_datetime(text.trim()).ok_or_else(expected)?)
        }
        (Type::Str, Json::String(text)) => Value::Str(Arc::from(text.as_str())),
        (Type::Enum(id), Json::String(text)) => {
            Value::Enum(schema.enum_value(*id, text).ok_or_else(expected)?)
        }
        (Type::Record(entity), Json::String(text)) => {
            Value::Ref(schema.parse_id(*entity, text).ok_or_else(expected)?)
        }
        (Type::List(item), Json::Array(items)) => {
            let items: Vec<Value> =
                items.iter().map(|json| from_json(schema, item, json)).collect::<Result<_, _>>()?;
            Value::List(items.into())
        }
        _ => return Err(expected()),
    })
}

/// Largest amount that is taken: 10¹³ units, so that sums over a state stay far from 64 bits.
const MAX_WHOLE: i64 = 10_000_000_000_000;

fn scaled_from_json(json: &Json, places: u32) -> Option<i64> {
    let scaled = match json {
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.checked_mul(10i64.pow(places))?,
            None => parse_scaled(&number.to_string(), places)?,
        },
        Json::String(text) => parse_scaled(text, places)?,
        _ => return None,
    };
    (scaled.unsigned_abs() <= (MAX_WHOLE as u64) * 10u64.pow(places)).then_some(scaled)
}

fn describe_type(schema: &Schema, kind: &Type) -> String {
    match kind {
        Type::Money => "an amount with at most two decimals".to_owned(),
        Type::Decimal => "a number with at most four decimals".to_owned(),
        Type::Int => "a whole number".to_owned(),
        Type::Date => "a date such as 2026-03-16".to_owned(),
        Type::DateTime => "a date and time such as 2026-03-16T09:00:00".to_owned(),
        Type::Str => "a text".to_owned(),
        Type::Enum(id) => {
            let names: Vec<_> =
                schema.enum_def(*id).values.iter().map(|entry| schema.symbol(entry.symbol)).collect();
            format!("one of {}", names.join(", "))
        }
        Type::Record(entity) => {
            let def = schema.entity(*entity);
            format!("the id of {}, {} and {} digits", with_article(&def.label.en), def.prefix, def.digits)
        }
        other => schema.type_name(other),
    }
}

fn with_article(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) { "an" } else { "a" };
    format!("{article} {noun}")
}

fn describe_json(json: &Json) -> String {
    const LONGEST: usize = 60;
    let text = json.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

//! Values as Python writes them: `str`, `repr` and `json.dumps`. Values in, text out.
//!
//! A template's output is training data: what Jinja in Python prints is what a model was trained
//! on, to the byte.

use crate::python_json;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, Value};
use std::fmt::Write;

/// `json` as a template sees it: maps keep their order, integers stay integers.
pub(super) fn value_of(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(value) => Value::from(*value),
        serde_json::Value::String(value) => Value::from(value.as_str()),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => Value::from(value),
            (None, Some(value)) => Value::from(value),
            (None, None) => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::Array(items) => Value::from(items.iter().map(value_of).collect::<Vec<_>>()),
        serde_json::Value::Object(fields) => {
            Value::from_pairs(fields.iter().map(|(key, value)| (key.as_str(), value_of(value))))
        }
    }
}

/// `str(value)`; undefined is empty, as Jinja prints it.
pub(super) fn str_of(value: &Value) -> String {
    match value.kind() {
        ValueKind::Undefined => String::new(),
        ValueKind::String => value.to_string(),
        _ => {
            let mut out = String::new();
            write_repr(value, &mut out);
            out
        }
    }
}

fn write_repr(value: &Value, out: &mut String) {
    match value.kind() {
        ValueKind::Undefined => out.push_str("Undefined"),
        ValueKind::String => write_quoted(value.as_str().unwrap_or_default(), out),
        ValueKind::Number if !value.is_integer() => match f64::try_from(value.clone()) {
            Ok(number) => out.push_str(&float(number, "inf", "nan")),
            Err(_) => out.push_str(&value.to_string()),
        },
        ValueKind::Seq => {
            let is_tuple = value.is_tuple();
            out.push(if is_tuple { '(' } else { '[' });
            let mut count = 0;
            for item in value.try_iter().into_iter().flatten() {
                if count > 0 {
                    out.push_str(", ");
                }
                write_repr(&item, out);
                count += 1;
            }
            out.push_str(match (is_tuple, count) {
                (true, 1) => ",)",
                (true, _) => ")",
                (false, _) => "]",
            });
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter().into_iter().flatten().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_repr(&key, out);
                out.push_str(": ");
                write_repr(&value.get_item(&key).unwrap_or_default(), out);
            }
            out.push('}');
        }
        _ => out.push_str(&value.to_string()),
    }
}

/// A Python string literal: single quotes unless only those occur inside.
fn write_quoted(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if is_printable(c) => out.push(c),
            c => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// Python's `str.isprintable`: Rust's debug escapes follow the same Unicode categories, but also
/// escape a combining character that stands first.
fn is_printable(c: char) -> bool {
    matches!(c, '"' | '\'') || format!("a{c}").escape_debug().nth(1) == Some(c)
}

fn float(number: f64, infinity: &str, nan: &str) -> String {
    match serde_json::Number::from_f64(number) {
        Some(number) => python_json::dumps(&number.into()),
        None if number.is_nan() => nan.to_owned(),
        None if number < 0.0 => format!("-{infinity}"),
        None => infinity.to_owned(),
    }
}

/// Jinja's `tojson` as transformers replaces it: `json.dumps` with its keyword arguments and
/// `ensure_ascii=False`; not escaped for HTML.
pub(super) fn tojson(value: &Value, positional: Option<bool>, options: Kwargs) -> Result<Value, Error> {
    let is_ascii_only = match positional {
        Some(is_ascii_only) => is_ascii_only,
        None => options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false),
    };
    let indent = indent_of(options.get::<Option<Value>>("indent")?)?;
    let separators = options.get::<Option<Value>>("separators")?.filter(|value| !value.is_none());
    let sorts_keys = options.get::<Option<bool>>("sort_keys")?.unwrap_or(false);
    options.assert_all_used()?;
    let (item, key) = match separators {
        Some(pair) => {
            let part = |index| Ok::<_, Error>(pair.get_item_by_index(index)?.to_string());
            (part(0)?, part(1)?)
        }
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
    };
    let mut writer = JsonWriter { out: String::new(), is_ascii_only, sorts_keys, indent, item, key };
    writer.value(value, 0)?;
    Ok(Value::from(writer.out))
}

/// Python takes a number of spaces or a text; none means one line.
fn indent_of(indent: Option<Value>) -> Result<Option<String>, Error> {
    match indent {
        Some(value) if value.is_none() || value.is_undefined() => Ok(None),
        Some(value) => match value.as_str() {
            Some(text) => Ok(Some(text.to_owned())),
            None => Ok(Some(" ".repeat(usize::try_from(value)?.min(64)))),
        },
        None => Ok(None),
    }
}

struct JsonWriter {
    out: String,
    is_ascii_only: bool,
    sorts_keys: bool,
    indent: Option<String>,
    item: String,
    key: String,
}

/// Nesting beyond which a value is refused rather than the stack used up.
const MAX_DEPTH: usize = 200;

impl JsonWriter {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::new(ErrorKind::InvalidOperation, "tojson: nested too deep"));
        }
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::String => self.string(value.as_str().unwrap_or_default()),
            ValueKind::Number if value.is_integer() => self.out.push_str(&value.to_string()),
            ValueKind::Number => {
                self.out.push_str(&float(f64::try_from(value.clone())?, "Infinity", "NaN"));
            }
            ValueKind::Seq => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.container('[', ']', &items, depth, |writer, item| writer.value(item, depth + 1))?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sorts_keys {
                    keys.sort();
                }
                self.container('{', '}', &keys, depth, |writer, key| {
                    match key.kind() {
                        ValueKind::None => writer.string("null"),
                        ValueKind::Bool => writer.string(if key.is_true() { "true" } else { "false" }),
                        _ => writer.string(&str_of(key)),
                    }
                    let separator = writer.key.clone();
                    writer.out.push_str(&separator);
                    writer.value(&value.get_item(key)?, depth + 1)
                })?;
            }
            kind => {
                let message = format!("tojson: a value of type {kind} has no JSON form");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        Ok(())
    }

    fn container(
        &mut self,
        open: char,
        close: char,
        items: &[Value],
        depth: usize,
        mut write: impl FnMut(&mut Self, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                let separator = self.item.clone();
                self.out.push_str(&separator);
            }
            self.line(depth + 1);
            write(self, item)?;
        }
        if !items.is_empty() {
            self.line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn string(&mut self, text: &str) {
        let json = python_json::dumps(&text.into());
        if !self.is_ascii_only {
            self.out.push_str(&json);
            return;
        }
        for c in json.chars() {
            if (' '..='~').contains(&c) {
                self.out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(self.out, "\\u{unit:04x}");
                }
            }
        }
    }
}

/// White space for Python's `str.strip` and `str.split`: Unicode's, and four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_print_as_in_python() {
        // Right column: output of `python3 -c 'print(str(…))'`.
        for (value, python) in [
            (json!("a'b"), "a'b"),
            (
                json!(["a'b", "a\"b", "'\"", "\\\n\t\u{1}é\u{a0}\u{301}😀"]),
                "[\"a'b\", 'a\"b', '\\'\"', '\\\\\\n\\t\\x01é\\xa0\u{301}😀']",
            ),
            (
                json!({"a": [1, 1.0, 1e16, 1e-5, null, true, {}]}),
                "{'a': [1, 1.0, 1e+16, 1e-05, None, True, {}]}",
            ),
            (json!(18446744073709551615u64), "18446744073709551615"),
            (json!(1e22), "1e+22"),
            (json!("\u{200b}"), "\u{200b}"),
            (json!(["\u{200b}", "\u{e0001}"]), "['\\u200b', '\\U000e0001']"),
        ] {
            assert_eq!(str_of(&value_of(&value)), python);
        }
    }

    #[test]
    fn json_is_written_as_json_dumps_writes_it() {
        let value = value_of(&json!({"b": [1, {"x": []}], "a": "é\u{7f}😀\"", "c": {}}));
        let dumps = |options: Vec<(&str, Value)>| {
            tojson(&value, None, Kwargs::from_iter(options)).expect("it is JSON").to_string()
        };
        assert_eq!(dumps(vec![]), "{\"b\": [1, {\"x\": []}], \"a\": \"é\u{7f}😀\\\"\", \"c\": {}}");
        assert_eq!(
            dumps(vec![("ensure_ascii", true.into()), ("sort_keys", true.into())]),
            r#"{"a": "\u00e9\u007f\ud83d\ude00\"", "b": [1, {"x": []}], "c": {}}"#
        );
        assert_eq!(
            dumps(vec![("indent", 2.into())]),
            "{\n  \"b\": [\n    1,\n    {\n      \"x\": []\n    }\n  ],\n  \"a\": \"é\u{7f}😀\\\"\",\n  \"c\": {}\n}"
        );
        let compact = Value::from(vec![Value::from(","), Value::from(":")]);
        assert_eq!(
            dumps(vec![("separators", compact)]),
            "{\"b\":[1,{\"x\":[]}],\"a\":\"é\u{7f}😀\\\"\",\"c\":{}}"
        );
    }
}

//! JSON as Python's `json.dumps(value, ensure_ascii=False)` writes it, which is what the `tojson`
//! of chat templates does: `", "` and `": "`, and Python's way of writing floats.

use crate::json;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::fmt::Write as _;
use std::io::{self, Write};

/// What stands between items, and between key and value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Separators {
    pub(crate) item: &'static str,
    pub(crate) value: &'static str,
}

/// As `json.dumps` writes them.
pub(crate) const SPACED: Separators = Separators { item: ", ", value: ": " };
/// As `json.dumps(…, separators=(",", ":"))` writes them.
pub(crate) const COMPACT: Separators = Separators { item: ",", value: ":" };

/// `value` as Python would write it.
pub(crate) fn dumps(value: &Value) -> String {
    let mut out = String::new();
    push(&mut out, value, SPACED);
    out
}

/// Appends `value` to `out`.
pub(crate) fn push(out: &mut String, value: &Value, separators: Separators) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(value) => out.push_str(&float(value)),
            None => {
                let _ = write!(out, "{number}");
            }
        },
        Value::String(text) => json::push_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { separators.item });
                push(out, item, separators);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (index, (key, value)) in members.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { separators.item });
                json::push_string(out, key);
                out.push_str(separators.value);
                push(out, value, separators);
            }
            out.push('}');
        }
    }
}

/// `value` as `json.dumps(value, ensure_ascii=False, indent=2)` or any other indent would write it.
pub(crate) fn dumps_indented(value: &Value, indent: &'static [u8]) -> String {
    let mut out = Vec::new();
    let formatter = IndentedFormatter(PrettyFormatter::with_indent(indent));
    value
        .serialize(&mut Serializer::with_formatter(&mut out, formatter))
        .expect("a JSON value serialises, and memory does not fail");
    String::from_utf8(out).expect("JSON of strings is UTF-8")
}

/// Line breaks as Python's and `serde_json`'s indented writers have them alike; Python's floats.
struct IndentedFormatter(PrettyFormatter<'static>);

impl Formatter for IndentedFormatter {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, is_first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, is_first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }

    fn write_f64<W: Write + ?Sized>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        out.write_all(float(value).as_bytes())
    }
}

/// Python's `repr(float)`: shortest digits, with an exponent below 1e-4 and from 1e16 on.
fn float(value: f64) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    if (-4..16).contains(&exponent) || value == 0.0 {
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        // Right column: output of `python3 -c 'print(repr(…))'`.
        for (value, python) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e100, "1.25e+100"),
            (-2.5e-300, "-2.5e-300"),
            (123456.789, "123456.789"),
        ] {
            assert_eq!(float(value), python);
        }
    }

    #[test]
    fn separators_and_escapes_are_python_s() {
        let value = json!({"b": [1, 2.0, null, true], "a": {"中": "\"\\/\n\u{1}\u{7f}é"}, "e": [], "o": {}});
        // json.dumps(…, ensure_ascii=False)
        let python = "{\"b\": [1, 2.0, null, true], \"a\": {\"中\": \"\\\"\\\\/\\n\\u0001\u{7f}é\"}, \"e\": [], \"o\": {}}";
        assert_eq!(dumps(&value), python);
    }

    #[test]
    fn indents_are_python_s() {
        let value = json!({"a": [1, {"b": 2.0}], "e": [], "o": {}});
        // json.dumps(…, indent=4)
        let python = "{\n    \"a\": [\n        1,\n        {\n            \"b\": 2.0\n        }\n    ],\n    \"e\": [],\n    \"o\": {}\n}";
        assert_eq!(dumps_indented(&value, b"    "), python);
    }
}

//! The Jinja environment of chat templates, as transformers sets it up. Source in, template out.
//!
//! Differences to minijinja's own that would corrupt training data are closed here: `tojson` is not
//! HTML-safe, values print as in Python, `{% generation %}` is known, the date is an argument.

use super::generation::{self, Marks};
use super::python;
use chrono::NaiveDateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{ValueKind, from_args};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;
use std::fmt::Write;

/// Instructions after which a template is stopped: far above what a long conversation needs.
const FUEL: u64 = 20_000_000;

/// How a call of `raise_exception` is told from other failures.
pub(super) const RAISED: &str = "the template raised: ";

/// How a call of `strftime_now` without a date is told.
pub(super) const NO_DATE: &str = "the template prints the date, and none was given";

const NAME: &str = "chat template";

/// Compiles `source`.
///
/// # Errors
/// It is no template that minijinja can read.
pub(super) fn compile(source: &str) -> Result<Environment<'static>, Error> {
    let mut env = Environment::new();
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_fuel(Some(FUEL));
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_formatter(|out, _, value| {
        if value.kind() == ValueKind::Invalid {
            // Fails with the value's own error.
            value.try_iter()?;
        }
        out.write_str(&python::str_of(value)).map_err(Error::from)
    });
    env.set_unknown_method_callback(method);
    env.add_filter("tojson", python::tojson);
    env.add_filter(generation::FILTER, Marks::around);
    env.add_filter("int", int);
    env.add_filter("float", |value: &Value, default: Option<Value>| {
        number(value).map_or_else(|| default.unwrap_or_else(|| Value::from(0.0)), Value::from)
    });
    env.add_filter("string", |value: &Value| python::str_of(value));
    env.add_filter("trim", trim);
    env.add_filter("length", length);
    env.add_filter("count", length);
    env.add_test("sequence", |value: &Value| {
        matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Undefined)
    });
    env.add_test("iterable", |value: &Value| {
        !matches!(value.kind(), ValueKind::None | ValueKind::Bool | ValueKind::Number)
            && value.try_iter().is_ok()
    });
    env.add_test("number", |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool));
    env.add_function("raise_exception", |message: Option<Value>| -> Result<Value, Error> {
        let message = message.map(|message| python::str_of(&message)).unwrap_or_default();
        Err(Error::new(ErrorKind::InvalidOperation, format!("{RAISED}{message}")))
    });
    if joins_safe_text(source) {
        let reason = "in Python, `+` next to `|safe` escapes the other side for HTML, which is not done here; use `~` in the template";
        return Err(Error::new(ErrorKind::SyntaxError, reason));
    }
    // Jinja reads every line break as a line feed.
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    env.add_template_owned(NAME, generation::rewrite(&source))?;
    Ok(env)
}

/// Whether a tag both marks text as safe and adds to it.
fn joins_safe_text(source: &str) -> bool {
    tags(source).any(|tag| {
        let outside = outside_strings(tag);
        let is_safe = outside.split('|').skip(1).any(|filter| {
            filter
                .trim_start()
                .strip_prefix("safe")
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
        });
        is_safe && outside.contains('+')
    })
}

/// The insides of `{{ … }}` and `{% … %}`.
fn tags(source: &str) -> impl Iterator<Item = &str> {
    let ends = [("{{", "}}"), ("{%", "%}")];
    ends.into_iter().flat_map(move |(open, close)| {
        source.split(open).skip(1).map(move |tag| tag.split_once(close).map_or(tag, |(inside, _)| inside))
    })
}

/// An expression without its string literals and the signs that control white space.
fn outside_strings(tag: &str) -> String {
    let mut quote = None;
    let mut out = String::new();
    let mut chars = tag.trim_matches(['-', '+']).chars();
    while let Some(c) = chars.next() {
        match quote {
            None if c == '\'' || c == '"' => quote = Some(c),
            None => out.push(c),
            Some(_) if c == '\\' => drop(chars.next()),
            Some(open) if c == open => quote = None,
            Some(_) => {}
        }
    }
    out
}

/// Renders the one template of `env`.
///
/// # Errors
/// The template raises, or does what Jinja would not do.
pub(super) fn render(
    env: &Environment<'static>,
    variables: Vec<(String, Value)>,
    date: Option<NaiveDateTime>,
    marks: Marks,
) -> Result<String, Error> {
    let own = [
        ("strftime_now".to_owned(), Value::from_function(move |format: &str| strftime(date, format))),
        (generation::MARKS.to_owned(), marks.to_value()),
    ];
    let context = Value::from_pairs(variables.into_iter().chain(own));
    env.get_template(NAME)?.render(context)
}

fn strftime(date: Option<NaiveDateTime>, format: &str) -> Result<String, Error> {
    let date = date.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, NO_DATE))?;
    let mut out = String::new();
    write!(out, "{}", date.format(format)).map_err(|_| {
        Error::new(ErrorKind::InvalidOperation, format!("strftime_now: no date format: {format:?}"))
    })?;
    Ok(out)
}

/// `int(value)`, or else `int(float(value))`, or else the default, which is 0.
fn int(value: &Value, default: Option<Value>) -> Value {
    let whole = match value.as_str() {
        Some(text) => text.trim_matches(python::is_space).parse::<i128>().ok(),
        None => value.is_integer().then(|| i128::try_from(value.clone()).ok()).flatten(),
    };
    // Beyond i128 the cast saturates; Python goes on.
    let whole =
        whole.or_else(|| number(value).filter(|number| number.is_finite()).map(|number| number as i128));
    whole.map_or_else(|| default.unwrap_or_else(|| Value::from(0)), Value::from)
}

/// `float(value)`.
fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some(text) => text.trim_matches(python::is_space).parse().ok(),
        None => f64::try_from(value.clone()).ok(),
    }
}

fn trim(value: &Value, chars: Option<&str>) -> String {
    let text = python::str_of(value);
    match chars {
        Some(chars) => text.trim_matches(|c| chars.contains(c)).to_owned(),
        None => text.trim_matches(python::is_space).to_owned(),
    }
}

/// Undefined has length 0 in Jinja.
fn length(value: &Value) -> Result<usize, Error> {
    if value.is_undefined() {
        return Ok(0);
    }
    value.len().ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("a value of type {} has no length", value.kind()))
    })
}

/// Python's methods of strings, lists and maps.
fn method(state: &mut State, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    if let (Some(text), true) = (value.as_str(), args.is_empty()) {
        match name {
            "strip" => return Ok(text.trim_matches(python::is_space).into()),
            "lstrip" => return Ok(text.trim_start_matches(python::is_space).into()),
            "rstrip" => return Ok(text.trim_end_matches(python::is_space).into()),
            "split" => {
                let words: Vec<Value> =
                    text.split(python::is_space).filter(|word| !word.is_empty()).map(Value::from).collect();
                return Ok(words.into());
            }
            _ => {}
        }
    }
    match (value.as_str(), name) {
        (Some(text), "removeprefix") => {
            let (prefix,): (&str,) = from_args(args)?;
            Ok(text.strip_prefix(prefix).unwrap_or(text).into())
        }
        (Some(text), "removesuffix") => {
            let (suffix,): (&str,) = from_args(args)?;
            Ok(text.strip_suffix(suffix).unwrap_or(text).into())
        }
        (Some(text), "partition") => {
            let (separator,): (&str,) = from_args(args)?;
            let parts = text.split_once(separator).map_or([text, "", ""], |(a, b)| [a, separator, b]);
            Ok(parts.map(Value::from).to_vec().into())
        }
        (Some(text), "rpartition") => {
            let (separator,): (&str,) = from_args(args)?;
            let parts = text.rsplit_once(separator).map_or(["", "", text], |(a, b)| [a, separator, b]);
            Ok(parts.map(Value::from).to_vec().into())
        }
        (Some(text), "rsplit") => {
            let (separator, count): (&str, Option<usize>) = from_args(args)?;
            let mut parts: Vec<Value> = match count {
                Some(count) => text.rsplitn(count + 1, separator).map(Value::from).collect(),
                None => text.rsplit(separator).map(Value::from).collect(),
            };
            parts.reverse();
            Ok(parts.into())
        }
        _ => pycompat::unknown_method_callback(state, value, name, args),
    }
}

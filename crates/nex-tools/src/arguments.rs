//! A model's arguments, parsed and held against the tool's schema before the tool sees them.
//!
//! In: the JSON text as the model wrote it. Out: the value, or a refusal whose text tells the
//! model which argument is wrong, what was expected and what it gave. Defaults of the schema are
//! *not* filled in: the record keeps what the model wrote, and tools apply their own defaults.
//! Integers up to 64 bits are exact; larger ones are exact in [`Arguments`] only.

use crate::ToolDeclaration;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use nex_trajectory::{Arguments, Defect, DefectKind};
use serde_json::Value;

/// More errors than this in one call are counted, not listed.
const MAX_LISTED: usize = 8;
/// A value is quoted to the model up to this many bytes.
const MAX_QUOTED_BYTES: usize = 80;

/// Arguments that the tool must not see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For the model: everything that is wrong, one line each.
    pub text: String,
    /// The same for the record.
    pub defects: Vec<Defect>,
}

/// Parses and checks `arguments`. On success the second part lists arguments that the schema
/// does not name but, as JSON Schema has it, allows.
///
/// # Errors
/// The text is not JSON, not an object, or breaks the schema.
pub fn check(arguments: &Arguments, declaration: &ToolDeclaration) -> Result<(Value, Vec<Defect>), Refusal> {
    let tool = &declaration.spec().name;
    let value = arguments.to_value().map_err(|error| not_json(arguments.as_text(), &error, tool))?;
    let Value::Object(fields) = &value else {
        let found = kind_of(&value);
        let text = format!("arguments of `{tool}` must be one JSON object, got {found} {}", quote(&value));
        return Err(Refusal { defects: vec![Defect::new(DefectKind::MalformedCall, text.clone())], text });
    };
    if declaration.validator().is_valid(&value) {
        let strays = fields.keys().filter(|name| !declaration.knows_argument(name));
        let strays = strays.map(|name| unknown(name, "", declaration)).collect();
        return Ok((value, strays));
    }
    Err(schema_refusal(&value, declaration))
}

fn not_json(text: &str, error: &serde_json::Error, tool: &str) -> Refusal {
    let offset = byte_offset(text, error.line(), error.column());
    let start = text.floor_char_boundary(offset.saturating_sub(20));
    let end = text.ceil_char_boundary((offset + 20).min(text.len()));
    let near = text[start..end].escape_debug();
    let message = format!(
        "arguments of `{tool}` are not valid JSON: {error}, near \"{near}\"; send one complete JSON object"
    );
    Refusal { defects: vec![Defect::new(DefectKind::InvalidJson, message.clone()).at(offset)], text: message }
}

/// Where serde_json's line and column (in bytes, from 1) lie in `text`.
fn byte_offset(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (line_start + column.saturating_sub(1)).min(text.len())
}

fn schema_refusal(value: &Value, declaration: &ToolDeclaration) -> Refusal {
    let mut defects = Vec::new();
    for error in declaration.validator().iter_errors(value) {
        describe(&error, declaration, &mut defects);
    }
    if defects.is_empty() {
        defects.push(Defect::new(DefectKind::SchemaViolation, "the arguments break the tool's schema"));
    }
    let more = defects.len().saturating_sub(MAX_LISTED);
    defects.truncate(MAX_LISTED);
    let tool = &declaration.spec().name;
    let mut text = format!("the call of `{tool}` was not made, its arguments are wrong:");
    for defect in &defects {
        text.push_str("\n- ");
        text.push_str(&defect.message);
    }
    if more > 0 {
        text.push_str(&format!("\n- and {more} more"));
    }
    Refusal { text, defects }
}

fn describe(error: &ValidationError<'_>, declaration: &ToolDeclaration, defects: &mut Vec<Defect>) {
    let place = place_of(error.instance_path().as_str());
    let given = error.instance();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let place = join(&place, name);
            let expected = match expectation(declaration, &place) {
                Some(expected) => format!("; expected {expected}"),
                None => String::new(),
            };
            let message = format!("required argument `{place}` is missing{expected}");
            defects.push(Defect::new(DefectKind::MissingArgument, message));
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            defects.extend(unexpected.iter().map(|name| unknown(name, &place, declaration)));
        }
        ValidationErrorKind::Type { kind } => {
            let expected = match kind {
                TypeKind::Single(one) => with_article(&one.to_string()),
                TypeKind::Multiple(many) => {
                    let names: Vec<_> = many.iter().map(|one| with_article(&one.to_string())).collect();
                    names.join(" or ")
                }
            };
            let message =
                format!("{} must be {expected}, got {} {}", named(&place), kind_of(given), quote(given));
            defects.push(Defect::new(DefectKind::WrongType, message));
        }
        ValidationErrorKind::Enum { options } => {
            let message = format!("{} must be one of {options}, got {}", named(&place), quote(given));
            defects.push(Defect::new(DefectKind::SchemaViolation, message));
        }
        _ => {
            let cause = error.masked_with(quote(given)).to_string();
            let message = format!("{}: {}", named(&place), clip(&cause, 300));
            defects.push(Defect::new(DefectKind::SchemaViolation, message));
        }
    }
}

fn unknown(name: &str, place: &str, declaration: &ToolDeclaration) -> Defect {
    let at_top = place.is_empty();
    let known: Vec<&str> = if at_top { declaration.argument_names().collect() } else { Vec::new() };
    let hint = match nearest(name, known.iter().copied(), 1).first() {
        Some(near) => format!("; did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None => format!("; known: {}", known.join(", ")),
    };
    let message = format!("unknown argument `{}`{hint}", join(place, &clip(name, MAX_QUOTED_BYTES)));
    Defect::new(DefectKind::UnknownArgument, message)
}

/// What the schema says of a top-level argument: its type and description.
fn expectation(declaration: &ToolDeclaration, name: &str) -> Option<String> {
    let schema = declaration.spec().input_schema.get("properties")?.get(name)?;
    let kind = schema.get("type").and_then(Value::as_str).map(with_article);
    let description = schema.get("description").and_then(Value::as_str).map(|text| clip(text, 120));
    match (kind, description) {
        (Some(kind), Some(description)) => Some(format!("{kind}: {description}")),
        (Some(kind), None) => Some(kind),
        (None, description) => description,
    }
}

/// Up to `count` of `candidates` that resemble `name`, best first.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
    count: usize,
) -> Vec<&'a str> {
    let name = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .map(|candidate| (similarity(&name, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.5)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(count).map(|(_, candidate)| candidate).collect()
}

fn similarity(name: &str, candidate: &str) -> f64 {
    let edits = strsim::normalized_damerau_levenshtein(name, candidate);
    // `read` for `read_file`: the words of one are among the words of the other.
    let shares_words = !name.is_empty() && (candidate.contains(name) || name.contains(candidate));
    if shares_words { edits.max(0.75) } else { edits }
}

/// `/items/0/name` as `items[0].name`.
fn place_of(pointer: &str) -> String {
    let mut place = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            place.push_str(&format!("[{part}]"));
        } else {
            place = join(&place, &part);
        }
    }
    place
}

fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

fn named(place: &str) -> String {
    if place.is_empty() { "the arguments object".to_owned() } else { format!("argument `{place}`") }
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => "null".to_owned(),
        "array" | "integer" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "the boolean",
        Value::Number(_) => "the number",
        Value::String(_) => "the string",
        Value::Array(_) => "the array",
        Value::Object(_) => "the object",
    }
}

fn quote(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        _ => clip(&value.to_string(), MAX_QUOTED_BYTES),
    }
}

fn clip(text: &str, max_bytes: usize) -> String {
    if text.len() <= max_bytes {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(max_bytes)])
}

#[cfg(test)]
mod tests;

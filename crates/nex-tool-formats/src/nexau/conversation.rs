//! Declarations and results, written and read.

use super::prompt::INSTRUCTIONS;
use super::render::{NAME_END, RESULT_END, RESULT_OPEN, RESULTS};
use crate::chat_text::Declared;
use nex_trajectory::{ToolCall, ToolSpec};
use serde_json::{Map, Value, json};

/// Between the system prompt and the declarations.
const TOOLS_OPEN: &str =
    "\n## Available Tools\nYou can use tools by including XML blocks in your response:\n";
const USAGE: &str = "\nUsage:\n<tool_use>\n";
const NO_DESCRIPTION: &str = "No description available";

/// How types are called in declarations, by their names in JSON Schema.
const TYPES: [(&str, &str); 6] = [
    ("string", "str"),
    ("integer", "int"),
    ("number", "float"),
    ("boolean", "bool"),
    ("array", "list"),
    ("object", "dict"),
];

pub(super) fn declare(tools: &[ToolSpec]) -> String {
    let mut text = TOOLS_OPEN.to_owned();
    for tool in tools {
        let description = if tool.description.is_empty() { NO_DESCRIPTION } else { &tool.description };
        text += &format!("\n### {}\n\n{description}{USAGE}", tool.name);
        text += &format!("  <tool_name>{}</tool_name>\n  <parameter>\n", tool.name);
        let properties = tool.input_schema.get("properties").and_then(Value::as_object);
        let required = tool.input_schema.get("required").and_then(Value::as_array);
        for (key, property) in properties.into_iter().flatten() {
            let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
            let is_required = required.is_some_and(|keys| keys.iter().any(|name| name == key));
            text += &format!("    <{key}>{description} ({})</{key}>\n", describe(property, is_required));
        }
        text += "  </parameter>\n</tool_use>\n";
    }
    text + INSTRUCTIONS
}

fn describe(property: &Value, is_required: bool) -> String {
    let json_type = property.get("type").and_then(Value::as_str).unwrap_or("string");
    let name = TYPES.iter().find(|(json, _)| *json == json_type).map_or("str", |(_, name)| name);
    if is_required {
        return format!("required, type: {name}");
    }
    // Only a default that Python takes for true is told.
    let default = match property.get("default") {
        Some(Value::String(text)) if !text.is_empty() => format!(", default: {text}"),
        Some(Value::Bool(true)) => ", default: True".to_owned(),
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => format!(", default: {number}"),
        Some(Value::Array(items)) if !items.is_empty() => format!(", default: {}", json!(items)),
        Some(Value::Object(entries)) if !entries.is_empty() => format!(", default: {}", json!(entries)),
        _ => String::new(),
    };
    format!("optional, type: {name}{default}")
}

pub(super) fn declared(content: &str) -> Option<Declared> {
    Declared::find(content, TOOLS_OPEN, |inside| inside.split("\n### ").skip(1).filter_map(tool).collect())
}

/// Reads a section behind `### `; what was lost in writing (nested schemas) stays lost.
fn tool(section: &str) -> Option<ToolSpec> {
    let (head, usage) = section.split_once(USAGE)?;
    let (name, description) = head.split_once("\n\n").unwrap_or((head, ""));
    let (usage, _) = usage.split_once("\n  </parameter>").unwrap_or((usage, ""));
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for line in usage.split("\n    <").skip(1) {
        let Some((key, rest)) = line.split_once('>') else { continue };
        let Some((text, about)) =
            rest.strip_suffix(&format!(")</{key}>")).and_then(|rest| rest.rsplit_once(" ("))
        else {
            continue;
        };
        let named = about.split(", type: ").nth(1).unwrap_or_default();
        let named = named.split(", default: ").next().unwrap_or_default();
        let json_type = TYPES.iter().find(|(_, name)| *name == named).map_or("string", |(json, _)| json);
        properties.insert(key.to_owned(), json!({"type": json_type, "description": text}));
        if about.starts_with("required") {
            required.push(key.into());
        }
    }
    let description = if description == NO_DESCRIPTION { "" } else { description };
    Some(ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({"type": "object", "properties": properties, "required": required}),
    })
}

/// Whether a user's text would be read as results.
pub(super) fn begins_results(text: &str) -> bool {
    text.strip_prefix(RESULTS).unwrap_or(text).starts_with(RESULT_OPEN)
}

/// The results in `content`: which call, text, whether it is an error. NexAU gives those of tools
/// that may not run in parallel first, so a result goes to the first waiting call of its name.
pub(super) fn results<'a>(content: &'a str, calls: &[ToolCall]) -> Option<Vec<(usize, &'a str, bool)>> {
    if !begins_results(content) {
        return None;
    }
    let mut rest = content.strip_prefix(RESULTS).unwrap_or(content);
    let mut results = Vec::new();
    let mut waiting: Vec<usize> = (0..calls.len()).collect();
    while let Some(inside) = rest.trim_start().strip_prefix(RESULT_OPEN) {
        let (name, inside) = inside.split_once(NAME_END)?;
        let is_error = inside.starts_with("<error>");
        let tag = if is_error { "error" } else { "result" };
        let inside = inside.strip_prefix(&format!("<{tag}>"))?;
        let (text, after) = inside.split_once(&format!("</{tag}>{RESULT_END}"))?;
        rest = after;
        let place = waiting.iter().position(|index| calls[*index].name == name).unwrap_or(0);
        let index = if place < waiting.len() { waiting.remove(place) } else { usize::MAX };
        results.push((index, text, is_error));
    }
    rest.trim().is_empty().then_some(results)
}

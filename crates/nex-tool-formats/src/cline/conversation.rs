//! Declarations, and what stands before a result.

use super::parse::OWN_TOOLS;
use super::render::{ERROR_CLOSE, ERROR_OPEN, NOTHING};
use super::{MCP_PREFIX, MCP_TOOL};
use crate::chat_text::Declared;
use crate::json;
use nex_trajectory::{ToolCall, ToolSpec};
use serde_json::{Map, Value, json};

/// Between the system prompt and the declarations.
const TOOLS_OPEN: &str = "\n====\n\nTOOL USE\n\n# Tools\n";

pub(super) fn declare(tools: &[ToolSpec]) -> String {
    let mut text = TOOLS_OPEN.to_owned();
    for ToolSpec { name, description, input_schema } in tools {
        text += &format!("\n## {name}\nDescription: {description}\nParameters:\n");
        let properties = input_schema.get("properties").and_then(Value::as_object);
        let required = input_schema.get("required").and_then(Value::as_array);
        let mut usage = format!("Usage:\n<{name}>\n");
        for (key, property) in properties.into_iter().flatten() {
            let is_required = required.is_some_and(|keys| keys.iter().any(|name| name == key));
            let status = if is_required { "required" } else { "optional" };
            let about = property.get("description").and_then(Value::as_str).unwrap_or_default();
            text += &format!("- {key}: ({status}) {about}\n");
            usage += &format!("<{key}>{key} here</{key}>\n");
        }
        text += &format!("{usage}</{name}>\n");
    }
    text
}

pub(super) fn declared(content: &str) -> Option<Declared> {
    Declared::find(content, TOOLS_OPEN, |inside| inside.split("\n## ").skip(1).filter_map(tool).collect())
}

/// Reads a section behind `## `: names and descriptions, no types.
fn tool(section: &str) -> Option<ToolSpec> {
    let (name, rest) = section.split_once("\nDescription: ")?;
    let (description, rest) = rest.split_once("\nParameters:\n")?;
    let (arguments, _) = rest.split_once("Usage:\n")?;
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for line in arguments.lines().filter_map(|line| line.strip_prefix("- ")) {
        let Some((key, about)) = line.split_once(": ") else { continue };
        if about.starts_with("(required)") {
            required.push(key.into());
        }
        let about = about.split_once(") ").map_or("", |(_, about)| about);
        properties.insert(key.to_owned(), json!({"description": about}));
    }
    Some(ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({"type": "object", "properties": properties, "required": required}),
    })
}

/// The call as its result names it.
pub(super) fn subject(call: &ToolCall) -> String {
    let mcp_server = call.name.strip_prefix(MCP_PREFIX).and_then(|name| name.split_once("__"));
    if let Some((server, _)) = mcp_server {
        return format!("[{MCP_TOOL} for '{server}']");
    }
    let key = OWN_TOOLS.iter().find(|(name, _)| *name == call.name).and_then(|(_, key)| *key);
    let Some(key) = key else { return format!("[{}]", call.name) };
    let members = json::members(call.arguments.as_text()).unwrap_or_default();
    let text = |key: &str| {
        let (_, value) = members.iter().find(|(name, _)| name == key)?;
        Some(json::unescape(value).map_or_else(|| (*value).to_owned(), |text| text.into_owned()))
    };
    // In Cline the name of an argument that is missing prints so.
    let about = text(key).unwrap_or_else(|| "undefined".to_owned());
    match text("file_pattern").filter(|pattern| call.name == "search_files" && !pattern.is_empty()) {
        Some(pattern) => format!("[{} for '{about}' in '{pattern}']", call.name),
        None => format!("[{} for '{about}']", call.name),
    }
}

/// The result of the first of `calls` in the content of a user turn, and whether it is an error.
pub(super) fn result<'a>(content: &'a str, calls: &[ToolCall]) -> Option<(&'a str, bool)> {
    const RESULT: &str = " Result:\n";
    let subject = subject(calls.first()?);
    let text = content.strip_prefix(&subject).and_then(|rest| rest.strip_prefix(RESULT)).or_else(|| {
        // Versions differ in what they tell of the call.
        let name = subject.split([' ', ']']).next().unwrap_or_default();
        let rest = content.strip_prefix(name).filter(|rest| rest.starts_with([' ', ']']))?;
        rest.split_once("] Result:\n").map(|(_, text)| text)
    })?;
    let error = text.strip_prefix(ERROR_OPEN).and_then(|error| error.strip_suffix(ERROR_CLOSE));
    Some(match error {
        Some(error) => (error, true),
        None if text == NOTHING => ("", false),
        None => (text, false),
    })
}

//! Declarations as numbered prose, written and read.

use crate::chat_text::Declared;
use nex_trajectory::ToolSpec;
use serde_json::{Map, Value, json};

/// Between the system prompt and the declarations.
const TOOLS_OPEN: &str = "\nYou have access to the following functions:\n\n";
/// Behind the declarations.
const TOOLS_CLOSE: &str = r#"

If you choose to call a function ONLY reply in the following format with NO suffix:

<function=example_function_name>
<parameter=example_parameter_1>value_1</parameter>
<parameter=example_parameter_2>
This is the value for the second parameter
that can span
multiple lines
</parameter>
</function>

<IMPORTANT>
Reminder:
- Function calls MUST follow the specified format, start with <function= and end with </function>
- Required parameters MUST be specified
- Only call one function at a time
- You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after.
- If there is no function call available, answer the question like normal with your current knowledge and do not tell the user about function calls
</IMPORTANT>
"#;
const BEGIN: &str = "---- BEGIN FUNCTION #";
const END: &str = "---- END FUNCTION #";
const NO_DESCRIPTION: &str = "No description provided";
/// Where schemas stand in each other's place.
const UNIONS: [&str; 3] = ["anyOf", "oneOf", "allOf"];

pub(super) fn declare(tools: &[ToolSpec]) -> String {
    let mut text = TOOLS_OPEN.to_owned();
    for (index, tool) in tools.iter().enumerate() {
        let number = index + 1;
        text.push_str(if index > 0 { "\n" } else { "" });
        text += &format!("{BEGIN}{number}: {} ----\nDescription: {}\n", tool.name, tool.description);
        text += "Parameters:\n";
        let properties = tool.input_schema.get("properties").and_then(Value::as_object);
        for (place, (key, property)) in properties.into_iter().flatten().enumerate() {
            let mut about = description(property).to_owned();
            if let Some(options) = property.get("enum").and_then(Value::as_array) {
                let options: Vec<String> =
                    options.iter().map(|option| format!("`{}`", python_text(option))).collect();
                about += &format!("\nAllowed values: [{}]", options.join(", "));
            }
            let (types, status) = (type_of(property), status(&tool.input_schema, key));
            text += &format!("  ({}) {key} ({types}, {status}): {about}\n", place + 1);
            let mut lines = Vec::new();
            details(property, 6, &mut lines);
            for line in lines {
                text += &line;
                text.push('\n');
            }
        }
        text += &format!("{END}{number} ----\n");
    }
    text + TOOLS_CLOSE
}

fn status(schema: &Value, key: &str) -> &'static str {
    let required = schema.get("required").and_then(Value::as_array);
    if required.is_some_and(|keys| keys.iter().any(|name| name == key)) { "required" } else { "optional" }
}

fn description(schema: &Value) -> &str {
    let text = schema.get("description").and_then(Value::as_str);
    text.filter(|text| !text.trim().is_empty()).unwrap_or(NO_DESCRIPTION)
}

/// A value as Python's `str` gives it, for those that are no containers.
fn python_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}

fn type_of(schema: &Value) -> String {
    let Some(schema) = schema.as_object() else {
        return if schema.is_null() { "unknown".to_owned() } else { python_text(schema) };
    };
    let join = |options: &[Value], name: fn(&Value) -> String| {
        options.iter().map(name).collect::<Vec<_>>().join(" or ")
    };
    if let Some(Value::Array(options)) = UNIONS.iter().find_map(|key| schema.get(*key)) {
        return join(options, type_of);
    }
    match schema.get("type") {
        Some(Value::Array(names)) => join(names, python_text),
        Some(Value::String(name)) if name == "array" => match schema.get("items") {
            Some(Value::Array(items)) => {
                format!("array[{}]", items.iter().map(type_of).collect::<Vec<_>>().join(", "))
            }
            Some(items @ Value::Object(_)) => format!("array[{}]", type_of(items)),
            _ => "array".to_owned(),
        },
        Some(name) if *name != Value::Null && name != "" => python_text(name),
        _ if schema.contains_key("enum") => "enum".to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// What an argument's value is made of, a line each.
fn details(schema: &Value, indent: usize, lines: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return };
    let mut line = |indent: usize, text: String| lines.push(format!("{:indent$}{text}", ""));
    for key in UNIONS {
        let Some(options) = schema.get(key).and_then(Value::as_array) else { continue };
        line(indent, format!("{key} options:"));
        for option in options {
            lines.push(format!("{:1$}- {2}: {3}", "", indent + 2, type_of(option), description(option)));
            details(option, indent + 4, lines);
        }
        return;
    }
    match schema.get("type") {
        Some(Value::Array(names)) => {
            let names: Vec<String> = names.iter().map(python_text).collect();
            line(indent, format!("Allowed types: {}", names.join(", ")));
        }
        Some(Value::String(name)) if name == "array" => {
            line(indent, "Array items:".to_owned());
            match schema.get("items") {
                Some(Value::Array(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        lines.push(format!("{:1$}- index {index}: {2}", "", indent + 2, type_of(item)));
                        details(item, indent + 4, lines);
                    }
                }
                Some(items @ Value::Object(_)) => {
                    line(indent + 2, format!("Type: {}", type_of(items)));
                    details(items, indent + 4, lines);
                }
                _ => line(indent + 2, "Type: unknown".to_owned()),
            }
        }
        Some(Value::String(name)) if name == "object" => object_details(schema, indent, lines),
        _ => {}
    }
}

fn object_details(schema: &Map<String, Value>, indent: usize, lines: &mut Vec<String>) {
    let whole = Value::Object(schema.clone());
    let properties = schema.get("properties").and_then(Value::as_object).filter(|all| !all.is_empty());
    if let Some(properties) = properties {
        lines.push(format!("{:indent$}Object properties:", ""));
        for (key, property) in properties {
            let (types, about) = (type_of(property), description(property));
            let status = status(&whole, key);
            lines.push(format!("{:1$}- {key} ({types}, {status}): {about}", "", indent + 2));
            details(property, indent + 4, lines);
        }
    }
    let additional = match schema.get("additionalProperties") {
        Some(more @ Value::Object(_)) => format!("Additional properties allowed: {}", type_of(more)),
        Some(Value::Bool(true)) => "Additional properties allowed.".to_owned(),
        Some(Value::Bool(false)) => "Additional properties not allowed.".to_owned(),
        _ => return,
    };
    lines.push(format!("{:indent$}{additional}", ""));
    if let Some(more @ Value::Object(_)) = schema.get("additionalProperties") {
        details(more, indent + 2, lines);
    }
}

pub(super) fn declared(content: &str) -> Option<Declared> {
    Declared::find(content, TOOLS_OPEN, |inside| inside.split(BEGIN).skip(1).filter_map(tool).collect())
}

/// Reads a section; schemas come back by name of type only.
fn tool(section: &str) -> Option<ToolSpec> {
    let (head, rest) = section.split_once(" ----\nDescription: ")?;
    let (_, name) = head.split_once(": ")?;
    let (description, rest) = rest.split_once("\nParameters:\n")?;
    let (arguments, _) = rest.split_once(END)?;
    let mut properties = Map::new();
    let mut required: Vec<Value> = Vec::new();
    for line in arguments.split("\n").filter(|line| line.starts_with("  (")) {
        let Some((_, rest)) = line.split_once(") ") else { continue };
        let Some((head, about)) = rest.split_once("): ") else { continue };
        let Some((key, head)) = head.split_once(" (") else { continue };
        let Some((types, status)) = head.rsplit_once(", ") else { continue };
        let mut property = match types.split('[').next().unwrap_or_default() {
            "unknown" | "enum" => json!({}),
            names if names.contains(" or ") => json!({"type": names.split(" or ").collect::<Vec<_>>()}),
            name => json!({"type": name}),
        };
        if about != NO_DESCRIPTION {
            property["description"] = about.into();
        }
        properties.insert(key.to_owned(), property);
        if status == "required" {
            required.push(key.into());
        }
    }
    Some(ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({"type": "object", "properties": properties, "required": required}),
    })
}

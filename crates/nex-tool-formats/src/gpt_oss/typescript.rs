//! Tool declarations in TypeScript, as gpt-oss' template writes them: a JSON schema in outline.

use nex_trajectory::ToolSpec;
use serde_json::{Map, Value, json};

/// The white space that the template leaves before the type of a nested property.
const BEFORE_NESTED: &str = "\n                ";
/// The white space that it leaves before the default of a variant.
const BEFORE_DEFAULT: &str = "                    ";
/// Types longer than this are `any` in lists.
const MAX_ITEM_LENGTH: usize = 50;

/// The declarations inside the namespace.
pub(super) fn declare(tools: &[ToolSpec]) -> String {
    let mut out = String::new();
    for tool in tools {
        out.push_str(&format!("// {}\ntype {} = ", tool.description, tool.name));
        let schema = &tool.input_schema;
        let properties = schema.get("properties").and_then(Value::as_object).filter(|p| !p.is_empty());
        let Some(properties) = properties else {
            out.push_str("() => any;\n\n");
            continue;
        };
        out.push_str("(_: {\n");
        for (name, spec) in properties {
            if let Some(description) = truthy(spec, "description") {
                out.push_str(&format!("// {}\n", as_text(description)));
            }
            out.push_str(name);
            out.push_str(if is_required(schema, name) { ": " } else { "?: " });
            push_type(&mut out, spec);
            if let Some(default) = spec.get("default") {
                let (before, default) = if truthy(spec, "enum").is_some() {
                    (", // default: ", as_text(default))
                } else if truthy(spec, "oneOf").is_some() {
                    ("// default: ", as_text(default))
                } else {
                    (", // default: ", crate::python_json::dumps(default))
                };
                out.push_str(before);
                out.push_str(&default);
            }
            out.push_str(",\n");
        }
        out.push_str("}) => any;\n\n");
    }
    out
}

fn push_type(out: &mut String, spec: &Value) {
    let null = if truthy(spec, "nullable").is_some() { " | null" } else { "" };
    let kind = spec.get("type");
    match kind.and_then(Value::as_str) {
        Some("array") => {
            match truthy(spec, "items") {
                Some(items) => push_list(out, items),
                None => out.push_str("any[]"),
            }
            out.push_str(null);
        }
        named => {
            let kinds = kind.and_then(Value::as_array).filter(|kinds| !kinds.is_empty());
            let variants = truthy(spec, "oneOf").and_then(Value::as_array);
            match (kinds, variants, named) {
                (Some(kinds), ..) => out.push_str(&joined(kinds, " | ")),
                (None, Some(variants), _) => push_variants(out, variants),
                (_, _, Some("string")) => match truthy(spec, "enum").and_then(Value::as_array) {
                    Some(options) => out.push_str(&format!("\"{}\"", joined(options, "\" | \""))),
                    None => {
                        out.push_str("string");
                        out.push_str(null);
                    }
                },
                (_, _, Some("number" | "integer")) => out.push_str("number"),
                (_, _, Some("boolean")) => out.push_str("boolean"),
                (_, _, Some("object")) => push_object(out, spec),
                _ => out.push_str("any"),
            }
        }
    }
}

fn push_list(out: &mut String, items: &Value) {
    match items.get("type").and_then(Value::as_str) {
        Some("string") => out.push_str("string[]"),
        Some("number" | "integer") => out.push_str("number[]"),
        Some("boolean") => out.push_str("boolean[]"),
        _ => {
            let mut item = String::new();
            push_type(&mut item, items);
            let is_plain = item != "object | object" && item.chars().count() <= MAX_ITEM_LENGTH;
            out.push_str(if is_plain { &item } else { "any" });
            out.push_str("[]");
        }
    }
}

fn push_variants(out: &mut String, variants: &[Value]) {
    for (index, variant) in variants.iter().enumerate() {
        push_type(out, variant);
        if let Some(description) = truthy(variant, "description") {
            out.push_str("// ");
            out.push_str(&as_text(description));
        }
        if let Some(default) = variant.get("default") {
            out.push_str(&format!("{BEFORE_DEFAULT}// default: {}", crate::python_json::dumps(default)));
        }
        if index + 1 < variants.len() {
            out.push_str(" | \n");
        }
    }
}

fn push_object(out: &mut String, spec: &Value) {
    let Some(properties) = truthy(spec, "properties").and_then(Value::as_object) else {
        return out.push_str("object");
    };
    out.push_str("{\n");
    for (index, (name, property)) in properties.iter().enumerate() {
        out.push_str(name);
        out.push_str(if is_required(spec, name) { ": " } else { "?: " });
        out.push_str(BEFORE_NESTED);
        push_type(out, property);
        if index + 1 < properties.len() {
            out.push_str(", ");
        }
    }
    out.push('}');
}

fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|required| required == name))
}

/// The value of `key`, if Python would call it true.
fn truthy<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    value.get(key).filter(|value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) => true,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
    })
}

fn joined(values: &[Value], separator: &str) -> String {
    values.iter().map(as_text).collect::<Vec<_>>().join(separator)
}

/// Python's `str` of a value.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => crate::python_json::dumps(other),
    }
}

/// The tools that `namespace` declares, as far as it tells.
pub(super) fn read(namespace: &str) -> Vec<ToolSpec> {
    let mut tools = Vec::new();
    let mut description = String::new();
    let mut lines = namespace.lines();
    while let Some(line) = lines.next() {
        if let Some((name, signature)) = line.strip_prefix("type ").and_then(|rest| rest.split_once(" = ")) {
            let input_schema = if signature == "(_: {" {
                properties(&mut lines)
            } else {
                json!({"type": "object", "properties": {}})
            };
            let description = std::mem::take(&mut description);
            tools.push(ToolSpec { name: name.to_owned(), description, input_schema });
        } else if !line.is_empty() || !description.is_empty() {
            if !description.is_empty() {
                description.push('\n');
            }
            description.push_str(line.strip_prefix("// ").unwrap_or(line));
        }
    }
    tools
}

/// The outermost properties, a line each; what they hold inside is passed over.
fn properties<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    let mut description: Option<&str> = None;
    let mut depth = 0_usize;
    for line in lines.take_while(|line| *line != "}) => any;") {
        let is_outermost = depth == 0;
        depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
        if !is_outermost {
            continue;
        }
        if let Some(comment) = line.strip_prefix("// ") {
            description = Some(comment);
            continue;
        }
        let Some((name, kind)) = line.split_once(": ") else { continue };
        let kind = kind.split(", // default: ").next().unwrap_or(kind);
        let mut schema = schema_of(kind.trim_end_matches(','));
        if let Some(description) = description.take() {
            schema["description"] = description.into();
        }
        match name.strip_suffix('?') {
            Some(name) => properties.insert(name.to_owned(), schema),
            None => {
                required.push(Value::from(name));
                properties.insert(name.to_owned(), schema)
            }
        };
    }
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn schema_of(kind: &str) -> Value {
    if let Some(kind) = kind.strip_suffix(" | null") {
        let mut schema = schema_of(kind);
        schema["nullable"] = true.into();
        return schema;
    }
    match kind {
        "string" | "number" | "boolean" | "object" => json!({"type": kind}),
        "any" => json!({}),
        _ if kind.starts_with('{') => json!({"type": "object"}),
        _ if kind.ends_with("[]") => json!({"type": "array", "items": schema_of(&kind[..kind.len() - 2])}),
        _ if kind.starts_with('"') && kind.len() > 1 => {
            let options: Vec<&str> = kind.trim_matches('"').split("\" | \"").collect();
            json!({"type": "string", "enum": options})
        }
        _ if kind.contains(" | ") => json!({"type": kind.split(" | ").collect::<Vec<_>>()}),
        _ => json!({}),
    }
}

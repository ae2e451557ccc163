//! Tools as JSON, as chat templates are given them; [`crate::declared`] reads them back.

use crate::json;
use crate::python_json::{COMPACT, SPACED, Separators, push};
use nex_trajectory::ToolSpec;
use serde_json::{Value, json};

/// `{"type": "function", "function": {…}}`, to be written in some other way than here.
pub(crate) fn declaration(tool: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
    })
}

/// `{"type": "function", "function": {…}}` as Python's `json.dumps` writes it.
pub(crate) fn declaration_text(tool: &ToolSpec) -> String {
    let mut out = String::new();
    push_declaration(&mut out, tool, SPACED);
    out
}

/// `{"name": …, "description": …, "parameters": {…}}` as Python's `json.dumps` writes it.
pub(crate) fn function_text(tool: &ToolSpec) -> String {
    let mut out = String::new();
    push_function(&mut out, tool, SPACED);
    out
}

/// All of `tools` in an array, as Python's `json.dumps` writes it.
pub(crate) fn array_text(tools: &[ToolSpec]) -> String {
    let mut out = String::new();
    push_array(&mut out, tools, SPACED);
    out
}

/// Appends all of `tools` in an array without white space.
pub(crate) fn push_compact_array(out: &mut String, tools: &[ToolSpec]) {
    push_array(out, tools, COMPACT);
}

fn push_array(out: &mut String, tools: &[ToolSpec], separators: Separators) {
    out.push('[');
    for (index, tool) in tools.iter().enumerate() {
        out.push_str(if index == 0 { "" } else { separators.item });
        push_declaration(out, tool, separators);
    }
    out.push(']');
}

fn push_declaration(out: &mut String, tool: &ToolSpec, separators: Separators) {
    let Separators { item, value } = separators;
    for part in ["{\"type\"", value, "\"function\"", item, "\"function\"", value] {
        out.push_str(part);
    }
    push_function(out, tool, separators);
    out.push('}');
}

fn push_function(out: &mut String, tool: &ToolSpec, separators: Separators) {
    let Separators { item, value } = separators;
    out.push_str("{\"name\"");
    out.push_str(value);
    json::push_string(out, &tool.name);
    out.push_str(item);
    out.push_str("\"description\"");
    out.push_str(value);
    json::push_string(out, &tool.description);
    out.push_str(item);
    out.push_str("\"parameters\"");
    out.push_str(value);
    push(out, &tool.input_schema, separators);
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python_json;

    #[test]
    fn a_tool_is_written_as_its_value_would_be() {
        let schema =
            json!({"type": "object", "properties": {"a": {"enum": [1, 2.5, null, "\n"]}}, "required": []});
        let tool = ToolSpec { name: "f\"".into(), description: "é".into(), input_schema: schema };
        let value = declaration(&tool);
        assert_eq!(declaration_text(&tool), python_json::dumps(&value));
        assert_eq!(function_text(&tool), python_json::dumps(&value["function"]));
        let tools = [tool.clone(), tool];
        assert_eq!(array_text(&tools), python_json::dumps(&json!([value, value])));
        let mut compact = String::new();
        push_compact_array(&mut compact, &tools);
        assert_eq!(compact, json!([value, value]).to_string());
    }
}

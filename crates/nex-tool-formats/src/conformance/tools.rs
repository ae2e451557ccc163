//! The tools that all cases share.

use nex_trajectory::ToolSpec;
use serde_json::{Map, Value, json};

/// All of them.
pub(super) fn all() -> Vec<ToolSpec> {
    vec![
        weather(),
        tool("ping", "Asks whether anybody is there.", &[], &[]),
        tool(
            "search",
            "Searches the web.",
            &[("query", "string"), ("limit", "integer"), ("safe", "boolean")],
            &["query"],
        ),
        tool(
            "write_file",
            "Writes a file.",
            &[("path", "string"), ("content", "string")],
            &["path", "content"],
        ),
        tool(
            "order",
            "Places an order.",
            &[("order_id", "string"), ("items", "array"), ("meta", "object")],
            &[],
        ),
        tool(
            "measure",
            "Records a measurement.",
            &[
                ("x", "number"),
                ("n", "integer"),
                ("flag", "boolean"),
                ("off", "boolean"),
                ("nothing", "null"),
            ],
            &[],
        ),
        tool("my-ns.tool", "A tool of a namespace.", &[("query", "string")], &["query"]),
        tool("last_call", "A tool whose name occurs once.", &[("note", "string")], &["note"]),
    ]
}

/// The one tool of the simplest cases.
pub(super) fn weather() -> ToolSpec {
    tool(
        "get_weather",
        "Weather of a city.",
        &[("city", "string"), ("unit", "string"), ("days", "integer")],
        &["city"],
    )
}

/// A tool with arguments `(name, JSON Schema type)`.
pub(super) fn tool(name: &str, description: &str, arguments: &[(&str, &str)], required: &[&str]) -> ToolSpec {
    let properties: Map<String, Value> =
        arguments.iter().map(|(name, kind)| ((*name).to_owned(), json!({"type": kind}))).collect();
    ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: json!({"type": "object", "properties": properties, "required": required}),
    }
}

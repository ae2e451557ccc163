//! Tool declarations, in all the shapes in which they are written down.
//!
//! A file repeats the same declarations in record after record; the last few are kept, so that they
//! are read once and shared.

use super::fault::Wrong;
use super::json::{Json, Nodes};
use nex_trajectory::ToolSpec;
use serde_json::{Value, json};
use std::sync::Arc;

/// How many lists of declarations are remembered.
const REMEMBERED: usize = 8;

/// The declarations read last, by their text.
#[derive(Debug, Default)]
pub(crate) struct ToolMemory {
    recent: Vec<(String, Arc<Vec<ToolSpec>>)>,
    none: Arc<Vec<ToolSpec>>,
}

impl ToolMemory {
    /// The tools that `json` declares: a list, or a string that holds one as JSON.
    pub(crate) fn read(&mut self, json: Option<Json<'_>>) -> Result<Arc<Vec<ToolSpec>>, Wrong> {
        let Some(json) = json.filter(|json| !json.is_null() && json.raw() != "[]" && json.raw() != "\"\"")
        else {
            return Ok(self.none.clone());
        };
        let text = json.raw();
        if let Some(index) = self.recent.iter().position(|(known, _)| known == text) {
            return Ok(self.recent[index].1.clone());
        }
        let tools = Arc::new(read_any(json)?);
        if self.recent.len() == REMEMBERED {
            self.recent.remove(0);
        }
        self.recent.push((text.to_owned(), tools.clone()));
        Ok(tools)
    }
}

fn read_any(json: Json<'_>) -> Result<Vec<ToolSpec>, Wrong> {
    let Some(text) = json.as_str() else { return read_list(json) };
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut nodes = Nodes::default();
    let inner = nodes.parse(&text);
    read_list(inner.map_err(|error| Wrong::new(format!("the string should hold a list as JSON: {error}")))?)
}

fn read_list(json: Json<'_>) -> Result<Vec<ToolSpec>, Wrong> {
    // Gemini's and some loggers' shape: a group that holds declarations.
    if json.is_object() {
        return match json.get("function_declarations").or_else(|| json.get("tools")) {
            Some(list) => read_list(list),
            None => Ok(vec![declaration(json)?]),
        };
    }
    if !json.is_array() {
        return Err(Wrong::new(format!("is {}, but should be a list of tools", json.kind().words())));
    }
    let mut tools = Vec::new();
    for (index, item) in json.items().enumerate() {
        if let Some(group) = item.get("function_declarations") {
            tools.extend(read_list(group)?);
            continue;
        }
        tools.push(declaration(item).map_err(|wrong| wrong.in_item("", index))?);
    }
    Ok(tools)
}

/// `{"type":"function","function":{…}}`, the flat shape, or Anthropic's.
fn declaration(json: Json<'_>) -> Result<ToolSpec, Wrong> {
    if let Some(name) = json.as_str() {
        return Ok(ToolSpec {
            name: name.into_owned(),
            description: String::new(),
            input_schema: any_object(),
        });
    }
    let body = json.some("function").filter(Json::is_object).unwrap_or(json);
    let name = body.text_at("name").filter(|name| !name.is_empty());
    // A tool of the provider's own has a type and no name.
    let name = name.or_else(|| body.text_at("type"));
    let Some(name) = name else {
        return Err(Wrong::wanted("name", "the tool's name", body.get("name")));
    };
    let schema = ["parameters", "input_schema", "inputSchema"].iter().find_map(|key| body.some(key));
    let schema = match schema {
        Some(schema) if schema.is_object() => schema.to_value(),
        Some(schema) => match schema.as_str().map(|text| serde_json::from_str::<Value>(&text)) {
            Some(Ok(value @ Value::Object(_))) => value,
            _ => return Err(Wrong::wanted("parameters", "a JSON Schema", Some(schema))),
        },
        None => any_object(),
    };
    let description = body.text_at("description").unwrap_or_default().into_owned();
    Ok(ToolSpec { name: name.into_owned(), description, input_schema: schema })
}

fn any_object() -> Value {
    json!({"type": "object", "properties": {}})
}

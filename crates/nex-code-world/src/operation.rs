//! [`Operation`]: a tool of a world of programs as declared: name, arguments, whether it may write.

use nex_tools::ToolDeclaration;
use nex_trajectory::ToolSpec;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// One operation, which is a tool.
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Whether it is there to change the folder.
    pub is_write: bool,
    /// `list`, `find`, `get`, `update`, `run`.
    pub kind: &'static str,
    declaration: Arc<ToolDeclaration>,
}

/// Name, kind, whether it writes, description, arguments: name (with `?` if optional), JSON type,
/// description.
pub(crate) type Row =
    (&'static str, &'static str, bool, &'static str, &'static [(&'static str, &'static str, &'static str)]);

impl Operation {
    pub(crate) fn declare(row: &Row) -> Self {
        let (name, kind, is_write, description, arguments) = *row;
        let mut properties = Map::new();
        let mut required = Vec::new();
        for (argument, json_type, meaning) in arguments {
            let plain = argument.trim_end_matches('?');
            if plain == *argument {
                required.push(plain);
            }
            properties.insert(plain.to_owned(), json!({"type": json_type, "description": meaning}));
        }
        let input_schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let spec = ToolSpec { name: name.to_owned(), description: description.to_owned(), input_schema };
        let declaration = Arc::new(ToolDeclaration::new(spec).expect("the schemas of the table are valid"));
        Self { name, is_write, kind, declaration }
    }

    /// The tool as declared.
    pub fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }
}

/// A call that was refused; the agent reads it and may try otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn to_reply(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }
}

impl From<nex_tools::WorkspaceError> for Refusal {
    fn from(error: nex_tools::WorkspaceError) -> Self {
        use nex_tools::WorkspaceError as E;
        let code = match &error {
            E::NotFound { .. } => "not_found",
            E::Kind { .. } => "not_a_file",
            E::TooLarge { .. } => "too_large",
            E::Io { .. } => "io_error",
            _ => "invalid_path",
        };
        Self::new(code, error.to_string())
    }
}

/// A text argument; the schema has made sure that required ones are there.
pub(crate) fn text<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A count; `1.0` is an integer to JSON Schema.
pub(crate) fn count(arguments: &Value, name: &str) -> Option<usize> {
    let value = arguments.get(name)?;
    value.as_u64().or_else(|| value.as_f64().map(|float| float as u64)).map(|count| count as usize)
}

//! Tools read back from the JSON in which a system message declares them.

use crate::ConversationError;
use nex_trajectory::ToolSpec;
use serde::Deserialize;
use serde_json::Value;

/// The tools in `lines`, one JSON a line; `at` is where they begin. A line is a function, or an
/// object that has one.
///
/// # Errors
/// A line is neither.
pub(crate) fn tools_of<'a>(
    lines: impl Iterator<Item = &'a str>,
    at: usize,
) -> Result<Vec<ToolSpec>, ConversationError> {
    let tool = |line: &str| {
        let declared: Result<Declared, _> = serde_json::from_str(line);
        declared.map_err(|cause| cause.to_string()).and_then(Declared::spec).map_err(|cause| {
            ConversationError::new(at, format!("a tool declaration cannot be read: {cause}: {line}"))
        })
    };
    lines.filter(|line| !line.trim().is_empty()).map(tool).collect()
}

/// The tools in a JSON array of declarations, which stands at `at`.
///
/// # Errors
/// It is none.
pub(crate) fn tools_in_array(json: &str, at: usize) -> Result<Vec<ToolSpec>, ConversationError> {
    let declared: Result<Vec<Declared>, _> = serde_json::from_str(json);
    let tools = declared.map_err(|cause| cause.to_string());
    tools.and_then(|tools| tools.into_iter().map(Declared::spec).collect()).map_err(|cause: String| {
        ConversationError::new(at, format!("the declarations of tools cannot be read: {cause}"))
    })
}

/// A tool as chat templates write it: a function, or an object that has one.
#[derive(Deserialize)]
pub(crate) struct Declared {
    function: Option<Function>,
    name: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Value,
}

impl Declared {
    /// The tool.
    ///
    /// # Errors
    /// It has no name.
    pub(crate) fn spec(self) -> Result<ToolSpec, String> {
        let Self { function, name, description, parameters } = self;
        if let Some(Function { name, description, parameters }) = function {
            return Ok(ToolSpec { name, description, input_schema: parameters });
        }
        let name = name.ok_or("it has neither `function` nor `name`")?;
        Ok(ToolSpec { name, description, input_schema: parameters })
    }
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_function_or_has_one() {
        let bare = r#"{"name": "f", "parameters": {"type": "object"}}"#;
        let wrapped = format!(r#"{{"type": "function", "function": {bare}}}"#);
        let tools = tools_of([bare, "", &wrapped].into_iter(), 0).unwrap();
        assert_eq!(tools[0], tools[1]);
        let error = tools_of(["{}"].into_iter(), 7).unwrap_err();
        assert_eq!(
            error.to_string(),
            "byte 7: a tool declaration cannot be read: it has neither `function` nor `name`: {}"
        );
    }
}

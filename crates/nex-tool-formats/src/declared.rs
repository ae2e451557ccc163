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
        let fail = |cause: String| {
            ConversationError::new(at, format!("a tool declaration cannot be read: {cause}: {line}"))
        };
        let declared: Declared = serde_json::from_str(line).map_err(|cause| fail(cause.to_string()))?;
        let Declared { function, name, description, parameters } = declared;
        if let Some(function) = function {
            let Function { name, description, parameters } = function;
            return Ok(ToolSpec { name, description, input_schema: parameters });
        }
        let name = name.ok_or_else(|| fail("it has neither `function` nor `name`".to_owned()))?;
        Ok(ToolSpec { name, description, input_schema: parameters })
    };
    lines.filter(|line| !line.trim().is_empty()).map(tool).collect()
}

#[derive(Deserialize)]
struct Declared {
    function: Option<Function>,
    name: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    parameters: Value,
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

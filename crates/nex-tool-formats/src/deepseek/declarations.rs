//! The declarations of tools, in prose: behind the instructions (V3.1) or before them (V3).

use super::{ALL_MARKS, DeepSeek, Version};
use crate::json::escape_tags;
use crate::{ConversationError, Unrepresentable, python_json};
use nex_trajectory::{Role, ToolSpec};
use serde::Deserialize;
use serde_json::{Value, json};

/// V3.1: between the instructions and the first tool.
const TOOLS_OPEN: &str = "\n\n## Tools\nYou have access to the following tools:\n\n";
const NAME_OPEN: &str = "### ";
const NAME_CLOSE: &str = "\nDescription: ";
const DESCRIPTION_CLOSE: &str = "\n\nParameters: ";
const TOOL_CLOSE: &str = "\n\n";
const TOOLS_CLOSE: &str = "IMPORTANT: ALWAYS adhere to this exact format for tool use:\n\
    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments\
    <｜tool▁call▁end｜>{additional_tool_calls}<｜tool▁calls▁end｜>\n\n\
    Where:\n\
    - `tool_call_name` must be an exact match to one of the available tools\n\
    - `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema\n\
    - For multiple tool calls, chain them directly without separators or spaces";

/// V3: before the tools, which are an indented JSON array, and after them.
const ARRAY_OPEN: &str = "You can call any of the following function tools to satisfy the user's requests: ";
const ARRAY_CLOSE: &str = "\n\nExample function tool call syntax:\n\n\
    <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>example_function_name\n\
    ```json\n{\n  \"arg1\": \"some_value\"\n  ...\n}\n```\n\
    <｜tool▁call▁end｜><｜tool▁calls▁end｜>\n\n";

/// The start of a conversation: instructions and declarations.
///
/// # Errors
/// They could not be told apart again.
pub(super) fn write(
    format: &DeepSeek,
    instructions: &str,
    tools: &[ToolSpec],
) -> Result<String, Unrepresentable> {
    let fail = |reason: String| Unrepresentable { message: 0, role: Role::System, reason };
    match format.version {
        Version::V3 if instructions.starts_with(ARRAY_OPEN) => {
            Err(fail("the text begins as declarations of tools do".to_owned()))
        }
        Version::V3 if tools.is_empty() => Ok(instructions.to_owned()),
        Version::V3 => {
            let functions: Value = tools
                .iter()
                .map(|tool| json!({"name": tool.name, "description": tool.description, "parameters": tool.input_schema}))
                .collect();
            let functions = python_json::dumps_indented(&functions, b"  ");
            Ok(format!("{ARRAY_OPEN}{}{ARRAY_CLOSE}{instructions}", escape_tags(&functions, &ALL_MARKS)))
        }
        Version::V3_1 if instructions.contains(TOOLS_OPEN) => {
            Err(fail("the text holds what declarations of tools begin with".to_owned()))
        }
        Version::V3_1 if tools.is_empty() => Ok(instructions.to_owned()),
        Version::V3_1 => {
            let mut out = format!("{instructions}{TOOLS_OPEN}");
            for tool in tools {
                let ToolSpec { name, description, input_schema } = tool;
                let prose = format!("{name}{description}");
                if name.contains(NAME_CLOSE)
                    || description.contains(DESCRIPTION_CLOSE)
                    || ALL_MARKS.iter().any(|mark| prose.contains(mark))
                {
                    let reason =
                        format!("the tool `{name}` cannot be declared: its words are part of the layout");
                    return Err(fail(reason));
                }
                let schema = python_json::dumps(input_schema);
                let schema = escape_tags(&schema, &ALL_MARKS);
                out += &format!(
                    "{NAME_OPEN}{name}{NAME_CLOSE}{description}{DESCRIPTION_CLOSE}{schema}{TOOL_CLOSE}"
                );
            }
            Ok(out + TOOLS_CLOSE)
        }
    }
}

/// Takes the start of a conversation apart again.
pub(super) fn read(
    format: &DeepSeek,
    text: &str,
    at: usize,
) -> Result<(String, Vec<ToolSpec>), ConversationError> {
    match format.version {
        Version::V3 => {
            let Some(declared) = text.strip_prefix(ARRAY_OPEN) else {
                return Ok((text.to_owned(), Vec::new()));
            };
            let at = at + ARRAY_OPEN.len();
            let mut functions = serde_json::Deserializer::from_str(declared).into_iter::<Vec<Function>>();
            let tools = match functions.next() {
                Some(Ok(tools)) => tools,
                Some(Err(cause)) => return Err(fail(at, format!("the tools cannot be read: {cause}"))),
                None => return Err(fail(at, "there should be an array of tools".to_owned())),
            };
            let instructions = declared[functions.byte_offset()..].strip_prefix(ARRAY_CLOSE);
            let instructions = instructions.ok_or_else(|| {
                fail(at + functions.byte_offset(), "the declarations do not end as they should".to_owned())
            })?;
            let tools = tools.into_iter().map(|Function { name, description, parameters }| ToolSpec {
                name,
                description,
                input_schema: parameters,
            });
            Ok((instructions.to_owned(), tools.collect()))
        }
        Version::V3_1 => {
            let Some((instructions, mut rest)) = text.split_once(TOOLS_OPEN) else {
                return Ok((text.to_owned(), Vec::new()));
            };
            let mut tools = Vec::new();
            while rest.trim_end_matches('\n') != TOOLS_CLOSE {
                let at = at + text.len() - rest.len();
                let (tool, after) = read_tool(rest).ok_or_else(|| {
                    fail(at, format!("there should be a tool (`### name`, `Description:`, `Parameters:`) or the end: {}", rest.lines().next().unwrap_or_default()))
                })?;
                tools.push(tool);
                rest = after;
            }
            Ok((instructions.to_owned(), tools))
        }
    }
}

fn read_tool(text: &str) -> Option<(ToolSpec, &str)> {
    let (name, rest) = text.strip_prefix(NAME_OPEN)?.split_once(NAME_CLOSE)?;
    let (description, rest) = rest.split_once(DESCRIPTION_CLOSE)?;
    let (schema, rest) = rest.split_once(TOOL_CLOSE)?;
    let tool = ToolSpec {
        name: name.to_owned(),
        description: description.to_owned(),
        input_schema: serde_json::from_str(schema).ok()?,
    };
    Some((tool, rest))
}

fn fail(at: usize, message: String) -> ConversationError {
    ConversationError::new(at, message)
}

#[derive(Deserialize)]
struct Function {
    name: String,
    #[serde(default)]
    description: String,
    parameters: Value,
}

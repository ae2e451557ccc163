//! The system message, with the tools that it declares: in XML, or in JSON lines.

use super::QwenXml;
use crate::chatml::MARKS;
use crate::declaration::declaration_text;
use crate::declared::tools_of;
use crate::json::escape_tags;
use crate::{ConversationError, python_json};
use nex_trajectory::ToolSpec;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The text of the system message; none if there is none.
///
/// # Errors
/// It would not be read back; the reason is for a person.
pub(super) fn system(
    dialect: QwenXml,
    system: Option<&str>,
    tools: &[ToolSpec],
) -> Result<Option<String>, String> {
    if system.is_some_and(|text| text.contains(tools_open(dialect))) {
        return Err("the text holds the words that begin the tool declarations".to_owned());
    }
    if tools.is_empty() {
        return Ok(system.map(str::to_owned));
    }
    let declared = match dialect {
        QwenXml::Qwen3Coder => xml(tools)?,
        QwenXml::Qwen35 => lines(tools),
    };
    Ok(Some(match dialect {
        QwenXml::Qwen3Coder => {
            format!("{}{CODER_OPEN}{declared}{CODER_CLOSE}", system.unwrap_or(DEFAULT_SYSTEM))
        }
        QwenXml::Qwen35 => match system {
            Some("") => return Err("an empty system message beside tools would vanish".to_owned()),
            Some(text) => format!("{QWEN35_OPEN}{declared}{QWEN35_CLOSE}\n\n{text}"),
            None => format!("{QWEN35_OPEN}{declared}{QWEN35_CLOSE}"),
        },
    }))
}

/// Takes a system message apart: what it says, if it says something, and the tools it declares.
/// These are left out unless `reads_tools`.
///
/// # Errors
/// The declarations cannot be read.
pub(super) fn read(
    dialect: QwenXml,
    content: &str,
    at: usize,
    reads_tools: bool,
) -> Result<(Option<&str>, Vec<ToolSpec>), ConversationError> {
    let fail = |message: &str| ConversationError::new(at, message);
    let split = content.split_once(tools_open(dialect));
    let Some((before, declared)) =
        split.filter(|(before, _)| dialect == QwenXml::Qwen3Coder || before.is_empty())
    else {
        return Ok((Some(content), Vec::new()));
    };
    let at = at + content.len() - declared.len();
    let unclosed = "the tool declarations do not end as they should";
    let (text, declared) = match dialect {
        QwenXml::Qwen3Coder => {
            let declared = declared.strip_suffix(CODER_CLOSE).ok_or_else(|| fail(unclosed))?;
            // The template puts its own system message where the conversation has none.
            (Some(before).filter(|text| *text != DEFAULT_SYSTEM), declared)
        }
        QwenXml::Qwen35 => {
            let (declared, after) = declared.split_once(QWEN35_CLOSE).ok_or_else(|| fail(unclosed))?;
            (after.strip_prefix("\n\n"), declared)
        }
    };
    let tools = match dialect {
        _ if !reads_tools => Vec::new(),
        QwenXml::Qwen3Coder => read_xml(declared).ok_or_else(|| ConversationError::new(at, unclosed))?,
        QwenXml::Qwen35 => tools_of(declared.lines(), at)?,
    };
    Ok((text, tools))
}

fn tools_open(dialect: QwenXml) -> &'static str {
    match dialect {
        QwenXml::Qwen3Coder => CODER_OPEN,
        QwenXml::Qwen35 => QWEN35_OPEN,
    }
}

fn lines(tools: &[ToolSpec]) -> String {
    let line = |tool| format!("\n{}", escape_tags(&declaration_text(tool), &MARKS));
    tools.iter().map(line).collect()
}

fn xml(tools: &[ToolSpec]) -> Result<String, String> {
    let mut out = String::new();
    for tool in tools {
        let description = tool.description.trim();
        let _ = write!(
            out,
            "\n<function>\n<name>{}</name>\n<description>{description}</description>\n<parameters>",
            tool.name
        );
        let schema = tool.input_schema.as_object();
        let properties = schema.and_then(|schema| schema.get("properties")?.as_object());
        for (name, property) in properties.into_iter().flatten() {
            let _ = write!(out, "\n<parameter>\n<name>{name}</name>");
            if let Some(property) = property.as_object() {
                if let Some(kind) = property.get("type") {
                    let _ = write!(out, "\n<type>{}</type>", python_list(kind));
                }
                if let Some(description) = property.get("description") {
                    let _ = write!(out, "\n<description>{}</description>", python_str(description).trim());
                }
                more(&mut out, property, &["name", "type", "description"]);
            }
            out.push_str("\n</parameter>");
        }
        if let Some(schema) = schema {
            more(&mut out, schema, &["type", "properties"]);
        }
        out.push_str("\n</parameters>\n</function>");
    }
    match MARKS.iter().find(|mark| out.contains(**mark)) {
        Some(mark) => Err(format!("a tool declaration holds `{mark}`, which the format cannot escape")),
        None => Ok(out),
    }
}

fn more(out: &mut String, object: &Map<String, Value>, told: &[&str]) {
    for (key, value) in object.iter().filter(|(key, _)| !told.contains(&key.as_str())) {
        let _ = write!(out, "\n<{key}>{}</{key}>", python_str(value));
    }
}

/// Python's `str`, but for lists and objects, which the template writes as JSON.
fn python_str(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        other => python_json::dumps(other),
    }
}

/// Python's `str` of a schema's type, which may be a list of texts.
fn python_list(kind: &Value) -> String {
    let Some(names) = kind.as_array() else { return python_str(kind) };
    let names: Vec<String> = names.iter().map(|name| format!("'{}'", python_str(name))).collect();
    format!("[{}]", names.join(", "))
}

/// The tools in `declared`, as far as they can be read: the template does not say of a bare value
/// whether it is text.
fn read_xml(declared: &str) -> Option<Vec<ToolSpec>> {
    let mut tools = Vec::new();
    let mut rest = declared;
    while !rest.is_empty() {
        let (function, after) = rest.strip_prefix("\n<function>")?.split_once("\n</function>")?;
        let (name, function) = function.strip_prefix("\n<name>")?.split_once("</name>")?;
        let (description, parameters) = match function.strip_prefix("\n<description>") {
            Some(described) => described.split_once("</description>\n<parameters>")?,
            None => ("", function.strip_prefix("\n<parameters>")?),
        };
        let input_schema = Value::Object(read_schema(parameters.split_once("\n</parameters>")?.0)?);
        tools.push(ToolSpec { name: name.to_owned(), description: description.to_owned(), input_schema });
        rest = after;
    }
    Some(tools)
}

fn read_schema(mut rest: &str) -> Option<Map<String, Value>> {
    let mut properties = Map::new();
    while let Some(parameter) = rest.strip_prefix("\n<parameter>\n<name>") {
        let (name, parameter) = parameter.split_once("</name>")?;
        let (fields, after) = parameter.split_once("\n</parameter>")?;
        properties.insert(name.to_owned(), Value::Object(read_fields(fields)?));
        rest = after;
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties.into());
    schema.extend(read_fields(rest)?);
    Some(schema)
}

fn read_fields(mut rest: &str) -> Option<Map<String, Value>> {
    let mut fields = Map::new();
    while !rest.is_empty() {
        let (key, inside) = rest.strip_prefix("\n<")?.split_once('>')?;
        let (value, after) = inside.split_once(&format!("</{key}>"))?;
        let value = match (key, value) {
            ("description", text) => text.into(),
            ("type", list) => serde_json::from_str(&list.replace('\'', "\"")).unwrap_or_else(|_| list.into()),
            (_, "True") => true.into(),
            (_, "False") => false.into(),
            (_, "None") => Value::Null,
            (_, bare) => serde_json::from_str(bare).unwrap_or_else(|_| bare.into()),
        };
        fields.insert(key.to_owned(), value);
        rest = after;
    }
    Some(fields)
}

/// What Qwen3-Coder's template says where there are tools and no system message.
pub(super) const DEFAULT_SYSTEM: &str =
    "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks.";
const CODER_OPEN: &str = "\n\n# Tools\n\nYou have access to the following tools:\n\n<tools>";
const CODER_CLOSE: &str = "\n</tools>\n\nIf you choose to call a tool ONLY reply in the following format with NO suffix:\n\n\
    <tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n\
    <parameter=example_parameter_2>\nvalue_2\n</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n\
    - Function calls MUST follow the specified format: the tool calling block MUST begin with an opening <tool_call> tag and end with a closing </tool_call> tag.\n\
    - Required parameters MUST be specified\n\
    - You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after\n\
    - If there is no function call available, answer the question like normal with your current knowledge and do not tell the user about function calls\n\
    </IMPORTANT>";
const QWEN35_OPEN: &str = "# Tools\n\nYou have access to the following functions:\n\n<tools>";
const QWEN35_CLOSE: &str = "\n</tools>\n\nIf you choose to call a function ONLY reply in the following format with NO suffix:\n\n\
    <tool_call>\n<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n\
    <parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\nmultiple lines\n\
    </parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n\
    - Function calls MUST follow the specified format: an inner <function=...></function> block must be nested within <tool_call></tool_call> XML tags\n\
    - Required parameters MUST be specified\n\
    - You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after\n\
    - If there is no function call available, answer the question like normal with your current knowledge and do not tell the user about function calls\n\
    </IMPORTANT>";

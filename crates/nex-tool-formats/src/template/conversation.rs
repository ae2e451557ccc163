//! A sample as the chat messages that templates read.
//!
//! One node is one message, a tool node one a result. Pictures become parts of type `image`.

use super::python;
use crate::sample::{ReplyParts, ended_itself, is_trainable};
use crate::{Sample, Unrepresentable};
use minijinja::Value;
use nex_trajectory::{Arguments, ContentBlock, ImageSource, Node, Role, ToolCall};
use serde_json::{Map, Value as Json, json};
use std::ops::Range;

/// What a template expects messages to look like.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shape {
    /// Arguments are JSON text, no object.
    pub(super) has_text_arguments: bool,
    /// Contents are lists of parts, no strings.
    pub(super) has_parts: bool,
}

impl Shape {
    /// A content of `text` alone.
    pub(super) fn text(self, text: &str) -> Json {
        if self.has_parts { json!([{"type": "text", "text": text}]) } else { text.into() }
    }
}

/// Messages and tools, with what the mask needs to know of them.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    messages: Vec<Value>,
    json: Vec<Json>,
    pub(super) tools: Value,
    /// One a node.
    pub(super) parts: Vec<Part<'a>>,
}

/// One node.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) role: Role,
    /// Its messages.
    pub(super) messages: Range<usize>,
    /// On assistant nodes, what the model wrote.
    pub(super) reply: ReplyParts<'a>,
    /// Its contents, one a message; empty on assistant nodes.
    pub(super) contents: Vec<String>,
    pub(super) is_trainable: bool,
    pub(super) ended_itself: bool,
}

impl<'a> Conversation<'a> {
    /// # Errors
    /// A block stands where chat messages have no place for it, or arguments hold an integer of
    /// more than 64 bits.
    pub(super) fn of(sample: &Sample<'a>, shape: Shape) -> Result<Self, Unrepresentable> {
        let mut conversation =
            Self { messages: Vec::new(), json: Vec::new(), tools: Value::from(()), parts: Vec::new() };
        for (index, node) in sample.nodes.iter().copied().enumerate() {
            let first = conversation.json.len();
            let (reply, contents) = conversation.add(index, node, shape)?;
            conversation.parts.push(Part {
                role: node.message.role,
                messages: first..conversation.json.len(),
                reply,
                contents,
                is_trainable: is_trainable(node),
                ended_itself: ended_itself(node),
            });
        }
        if !sample.tools.is_empty() {
            let tools = sample.tools.iter().map(|tool| {
                python::value_of(&json!({"type": "function", "function": {
                    "name": tool.name, "description": tool.description, "parameters": tool.input_schema}}))
            });
            conversation.tools = Value::from(tools.collect::<Vec<_>>());
        }
        conversation.messages = conversation.json.iter().map(python::value_of).collect();
        Ok(conversation)
    }

    /// Messages as they are, to be rendered without a mask.
    pub(super) fn from_messages(messages: &[Json], tools: &Json) -> Self {
        let json: Vec<Json> = messages.iter().map(as_transformers_passes_it).collect();
        let messages = json.iter().map(python::value_of).collect();
        Self { messages, json, tools: python::value_of(tools), parts: Vec::new() }
    }

    pub(super) fn messages(&self) -> &[Value] {
        &self.messages
    }

    /// The messages before node `node`.
    pub(super) fn before(&self, node: usize) -> &[Value] {
        &self.messages[..self.parts[node].messages.start]
    }

    /// The messages up to and with node `node`.
    pub(super) fn up_to(&self, node: usize) -> &[Value] {
        &self.messages[..self.parts[node].messages.end]
    }

    /// [`Conversation::up_to`] where `node` makes only its first `count` calls.
    pub(super) fn up_to_call(&self, node: usize, count: usize) -> Vec<Value> {
        let mut messages = self.up_to(node).to_vec();
        let mut cut = self.json[self.parts[node].messages.start].clone();
        if let Some(Json::Array(calls)) = cut.get_mut("tool_calls") {
            calls.truncate(count);
            if count == 0
                && let Some(fields) = cut.as_object_mut()
            {
                fields.shift_remove("tool_calls");
            }
        }
        if let Some(last) = messages.last_mut() {
            *last = python::value_of(&cut);
        }
        messages
    }

    /// All texts in it.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> + Clone {
        self.json.iter().flat_map(|message| {
            let mut texts = Vec::new();
            collect_texts(message, &mut texts);
            texts
        })
    }

    fn add(
        &mut self,
        index: usize,
        node: &'a Node,
        shape: Shape,
    ) -> Result<(ReplyParts<'a>, Vec<String>), Unrepresentable> {
        let role = node.message.role;
        let mut contents = Vec::new();
        let mut reply = ReplyParts::default();
        match role {
            Role::System | Role::User => {
                let (content, text) = content(index, node, &node.message.content, shape)?;
                self.json.push(json!({"role": role.as_str(), "content": content}));
                contents.push(text);
            }
            Role::Tool => {
                for block in &node.message.content {
                    let ContentBlock::ToolResult(result) = block else {
                        return Err(Unrepresentable::new(index, node, "a tool message holds results only"));
                    };
                    let (content, text) = content(index, node, &result.content, shape)?;
                    self.json
                        .push(json!({"role": "tool", "name": result.name, "tool_call_id": result.call_id,
                        "content": content}));
                    contents.push(text);
                }
            }
            Role::Assistant => {
                reply = ReplyParts::of(index, node)?;
                let mut message = Map::new();
                message.insert("role".to_owned(), "assistant".into());
                if !reply.reasoning.is_empty() {
                    message.insert("reasoning_content".to_owned(), reply.reasoning.as_str().into());
                }
                message.insert("content".to_owned(), shape.text(&reply.text));
                if !reply.calls.is_empty() {
                    let calls: Result<Vec<Json>, _> =
                        reply.calls.iter().map(|call| written_call(call, shape)).collect();
                    let calls = calls.map_err(|reason| Unrepresentable::new(index, node, reason))?;
                    message.insert("tool_calls".to_owned(), calls.into());
                }
                self.json.push(as_transformers_passes_it(&message.into()));
            }
        }
        Ok((reply, contents))
    }
}

fn written_call(call: &ToolCall, shape: Shape) -> Result<Json, String> {
    let arguments = match shape.has_text_arguments {
        true => call.arguments.as_text().into(),
        false => object(&call.arguments)?,
    };
    let function = json!({"name": call.name, "arguments": arguments});
    Ok(json!({"id": call.id, "type": "function", "function": function}))
}

/// The arguments as JSON; as text where they are none.
fn object(arguments: &Arguments) -> Result<Json, String> {
    let Ok(value) = arguments.to_value() else { return Ok(arguments.as_text().into()) };
    match has_long_integer(arguments.as_text()) {
        true => Err("an argument is an integer of more than 64 bits, which would be rounded; \
                     pass arguments as text (`ArgumentsAs::Text`)"
            .to_owned()),
        false => Ok(value),
    }
}

/// Whether JSON text has an integer that neither `i64` nor `u64` holds.
fn has_long_integer(text: &str) -> bool {
    let (mut is_in_string, mut at) = (false, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if is_in_string => at += 1,
            b'"' => is_in_string = !is_in_string,
            b'-' | b'0'..=b'9' if !is_in_string => {
                let rest = &text[at..];
                let end = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
                let number = &rest[..end.unwrap_or(rest.len())];
                let is_integer = !number.contains(['.', 'e', 'E']);
                if is_integer && number.parse::<i64>().is_err() && number.parse::<u64>().is_err() {
                    return true;
                }
                at += number.len() - 1;
            }
            _ => {}
        }
        at += 1;
    }
    false
}

/// Text as a string; with pictures, parts. And all its text.
fn content(
    index: usize,
    node: &Node,
    blocks: &[ContentBlock],
    shape: Shape,
) -> Result<(Json, String), Unrepresentable> {
    let mut texts: Vec<&str> = Vec::new();
    let mut parts = Vec::new();
    for block in blocks {
        match block {
            ContentBlock::Text { text } => {
                texts.push(text);
                parts.push(json!({"type": "text", "text": text}));
            }
            ContentBlock::Image(ImageSource::Url { url }) => {
                parts.push(json!({"type": "image", "image": url}))
            }
            ContentBlock::Image(ImageSource::Base64 { media_type, data }) => {
                parts.push(json!({"type": "image", "image": format!("data:{media_type};base64,{data}")}));
            }
            _ => return Err(Unrepresentable::new(index, node, "only text and pictures have a place here")),
        }
    }
    let text = texts.join("\n");
    let has_picture = texts.len() < parts.len();
    Ok((if has_picture { parts.into() } else { shape.text(&text) }, text))
}

/// Null keys are left out, and reasoning has the two names that templates read.
fn as_transformers_passes_it(message: &Json) -> Json {
    let Json::Object(fields) = message else { return message.clone() };
    let mut fields: Map<String, Json> = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let reasoning =
        ["reasoning_content", "thinking", "reasoning"].iter().find_map(|name| fields.get(*name).cloned());
    if let Some(reasoning) = reasoning {
        if !fields.contains_key("thinking") {
            fields.insert("thinking".to_owned(), reasoning.clone());
        }
        fields.insert("reasoning_content".to_owned(), reasoning);
    }
    fields.into()
}

fn collect_texts<'a>(value: &'a Json, out: &mut Vec<&'a str>) {
    match value {
        Json::String(text) => out.push(text),
        Json::Array(items) => items.iter().for_each(|item| collect_texts(item, out)),
        Json::Object(fields) => fields.iter().for_each(|(key, value)| {
            out.push(key);
            collect_texts(value, out);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_that_would_be_rounded_are_found() {
        for (text, is_found) in [
            (r#"{"a": 18446744073709551615, "b": -9223372036854775808, "c": 1.5e300}"#, false),
            (r#"{"a": "123456789012345678901234567890\"99999999999999999999"}"#, false),
            (r#"{"a": [18446744073709551616]}"#, true),
            ("-9223372036854775809", true),
        ] {
            assert_eq!(has_long_integer(text), is_found, "{text}");
        }
    }
}

//! Conversations for the rendering tests, and how chat templates are given them.

// Each test program uses a part of it.
#![allow(dead_code)]

use nex_tool_formats::{ReasoningHistory, RenderOptions, Sample, ToolCallFormat};
use nex_trajectory::{Arguments, ContentBlock, Message, Node, NodeId, Role, ToolCall, ToolResult, ToolSpec};
use serde_json::{Value, json};

/// A conversation with its tools.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) tools: Vec<ToolSpec>,
    pub(crate) messages: Vec<Message>,
}

impl Case {
    pub(crate) fn new(tools: Vec<ToolSpec>, messages: Vec<Message>) -> Self {
        Self { tools, messages }
    }

    /// The text that `format` writes.
    ///
    /// # Panics
    /// It refuses.
    pub(crate) fn render(&self, format: &dyn ToolCallFormat, options: &RenderOptions) -> String {
        let nodes: Vec<Node> = (0u32..)
            .zip(&self.messages)
            .map(|(index, message)| Node::new(index.checked_sub(1).map(NodeId), message.clone()))
            .collect();
        let sample = Sample { tools: &self.tools, nodes: nodes.iter().collect() };
        let rendered = format.render(&sample, options);
        rendered.unwrap_or_else(|refusal| panic!("{}: {refusal}", format.name())).text
    }

    /// The tools as chat templates are given them; null if there are none.
    pub(crate) fn openai_tools(&self) -> Value {
        let declare = |tool: &ToolSpec| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.input_schema}})
        };
        if self.tools.is_empty() { Value::Null } else { self.tools.iter().map(declare).collect() }
    }

    /// The messages as chat templates are given them, arguments as values; each result is a message.
    pub(crate) fn openai_messages(&self) -> Vec<Value> {
        let mut out = Vec::new();
        for message in &self.messages {
            if message.role == Role::Tool {
                out.extend(message.content.iter().map(|block| match block {
                    ContentBlock::ToolResult(result) => json!({"role": "tool", "name": result.name,
                        "tool_call_id": result.call_id, "content": result.text()}),
                    other => panic!("no result: {other:?}"),
                }));
                continue;
            }
            let mut converted = json!({"role": message.role.as_str(), "content": message.text()});
            let reasoning: Vec<&str> = message
                .content
                .iter()
                .filter_map(|block| match block {
                    ContentBlock::Reasoning { text, .. } => Some(text.as_str()),
                    _ => None,
                })
                .collect();
            if !reasoning.is_empty() {
                converted["reasoning_content"] = reasoning.join("\n").into();
            }
            let calls: Vec<Value> = message.calls().map(|call| {
                let arguments: Value = serde_json::from_str(call.arguments.as_text()).expect("arguments are JSON");
                json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
            }).collect();
            if !calls.is_empty() {
                converted["tool_calls"] = calls.into();
            }
            out.push(converted);
        }
        out
    }
}

/// As the template does, with a prompt for the reply or without.
pub(crate) fn as_template(prompt_for_reply: bool) -> RenderOptions {
    RenderOptions { reasoning: ReasoningHistory::AsTemplate, prompt_for_reply, ..RenderOptions::default() }
}

pub(crate) fn tool(name: &str, description: &str, schema: Value) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: description.to_owned(), input_schema: schema }
}

/// Two tools, one with a nested schema and words that are not ASCII.
pub(crate) fn tools() -> Vec<ToolSpec> {
    vec![
        tool(
            "get_weather",
            "Weather of a city.",
            json!({"type": "object", "properties": {"city": {"type": "string", "description": "Ville, 城市"}}, "required": ["city"]}),
        ),
        tool(
            "set-limits.v2",
            "Sets <limits> & more",
            json!({"type": "object", "properties": {"limits": {"type": "object", "properties": {"low": {"type": "number"}}}, "tags": {"type": "array", "items": {"type": "string"}}}}),
        ),
    ]
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: id.into(),
        name: name.to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

pub(crate) fn thought(text: &str) -> ContentBlock {
    ContentBlock::Reasoning { text: text.to_owned(), signature: None }
}

pub(crate) fn text(text: &str) -> ContentBlock {
    ContentBlock::Text { text: text.to_owned() }
}

pub(crate) fn reply(content: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content }
}

pub(crate) fn result(id: &str, name: &str, content: &str) -> ToolResult {
    ToolResult { call_id: id.into(), name: name.to_owned(), content: vec![text(content)], is_error: false }
}

/// Arguments with all kinds of values, spaced as Python does.
pub(crate) const RICH: &str = r#"{"limits": {"low": -1.5, "deep": [[], {}, null]}, "tags": ["a\nb", "é😀", "x < y && \"z\""], "n": 12345678901234567890}"#;

/// A question, calls with results, more calls and an answer, each reply with reasoning; ids of nine
/// characters, which some templates insist on.
pub(crate) fn agent() -> Vec<Message> {
    vec![
        Message::user("Paris or Rome? 😀"),
        reply(vec![
            thought("Two cities.\nI ask."),
            text("I ask for both."),
            call("call00000", "get_weather", r#"{"city": "Paris"}"#),
            call("call00001", "get_weather", r#"{"city": "Roma – città"}"#),
        ]),
        Message::tool(vec![
            result("call00000", "get_weather", "sun & <wind>"),
            result("call00001", "get_weather", "rain\n\n12 °C"),
        ]),
        reply(vec![thought("Once more."), call("call00002", "set-limits.v2", RICH)]),
        Message::tool(vec![result("call00002", "set-limits.v2", "")]),
        reply(vec![text("Paris.")]),
    ]
}

/// Cuts of `messages` after which a reply may be asked for or which end with one, longest first.
pub(crate) fn prefixes(messages: &[Message]) -> impl Iterator<Item = Vec<Message>> {
    (1..=messages.len()).rev().map(|length| messages[..length].to_vec())
}

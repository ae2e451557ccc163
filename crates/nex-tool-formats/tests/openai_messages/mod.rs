//! Conversations of the rendering tests: built in few words, and as the OpenAI dictionaries that
//! official chat templates take.

// Each test program uses a part of it.
#![allow(dead_code)]

use nex_tool_formats::Sample;
use nex_trajectory::{Arguments, ContentBlock, Message, Node, Role, ToolCall, ToolResult, ToolSpec};
use serde_json::{Map, Value, json};

/// A conversation that owns its nodes.
pub(crate) struct Talk {
    pub(crate) tools: Vec<ToolSpec>,
    nodes: Vec<Node>,
}

impl Talk {
    pub(crate) fn new(tools: &[ToolSpec], messages: Vec<Message>) -> Self {
        Self {
            tools: tools.to_vec(),
            nodes: messages.into_iter().map(|message| Node::new(None, message)).collect(),
        }
    }

    pub(crate) fn sample(&self) -> Sample<'_> {
        Sample { tools: &self.tools, nodes: self.nodes.iter().collect() }
    }

    /// The messages as dictionaries, arguments as objects.
    pub(crate) fn messages(&self) -> Value {
        self.nodes.iter().flat_map(|node| dictionaries(&node.message)).collect()
    }

    /// The tools as dictionaries, or null where there is none.
    pub(crate) fn declared(&self) -> Value {
        if self.tools.is_empty() {
            return Value::Null;
        }
        let function = |tool: &ToolSpec| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.input_schema}})
        };
        self.tools.iter().map(function).collect()
    }
}

fn dictionaries(message: &Message) -> Vec<Value> {
    let text = message.text();
    match message.role {
        Role::System | Role::User => vec![json!({"role": message.role.as_str(), "content": text})],
        Role::Tool => message
            .results()
            .map(|result| {
                json!({"role": "tool", "tool_call_id": result.call_id, "name": result.name, "content": result.text()})
            })
            .collect(),
        Role::Assistant => {
            let mut dictionary = Map::new();
            dictionary.insert("role".to_owned(), "assistant".into());
            dictionary.insert("content".to_owned(), text.into());
            for block in &message.content {
                if let ContentBlock::Reasoning { text, .. } = block {
                    dictionary.insert("reasoning_content".to_owned(), text.as_str().into());
                }
            }
            let calls: Vec<Value> = message
                .calls()
                .map(|call| {
                    let arguments = call.arguments.to_value().expect("the tests' arguments are JSON");
                    json!({"id": call.id, "type": "function",
                        "function": {"name": call.name, "arguments": arguments}})
                })
                .collect();
            if !calls.is_empty() {
                dictionary.insert("tool_calls".to_owned(), calls.into());
            }
            vec![dictionary.into()]
        }
    }
}

pub(crate) fn tool(name: &str, description: &str, input_schema: Value) -> ToolSpec {
    ToolSpec { name: name.to_owned(), description: description.to_owned(), input_schema }
}

/// An assistant message.
pub(crate) fn says(blocks: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content: blocks }
}

pub(crate) fn text(text: &str) -> ContentBlock {
    ContentBlock::Text { text: text.to_owned() }
}

pub(crate) fn thinks(text: &str) -> ContentBlock {
    ContentBlock::Reasoning { text: text.to_owned(), signature: None }
}

pub(crate) fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    let arguments = Arguments::from_text(arguments);
    ContentBlock::ToolCall(ToolCall { id: id.into(), name: name.to_owned(), arguments })
}

/// A tool message: call id, tool name and text of each result.
pub(crate) fn results(results: &[(&str, &str, &str)]) -> Message {
    let result = |(id, name, content): &(&str, &str, &str)| ToolResult {
        call_id: (*id).into(),
        name: (*name).to_owned(),
        content: vec![text(content)],
        is_error: false,
    };
    Message::tool(results.iter().map(result).collect())
}

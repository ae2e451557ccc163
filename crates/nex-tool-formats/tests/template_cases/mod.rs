//! Conversations for the comparison with official templates, as samples and as the dictionaries
//! that templates take.

#![allow(dead_code)]

use nex_tool_formats::Sample;
use nex_trajectory::{
    Arguments, CallId, ContentBlock, Message, Node, NodeId, Role, ToolCall, ToolResult, ToolSpec,
};
use serde_json::{Value, json};

/// A conversation and what is special about it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    tools: Vec<ToolSpec>,
    nodes: Vec<Node>,
    /// It has booleans or null among its arguments.
    pub(crate) has_booleans: bool,
    /// The user says something.
    pub(crate) has_question: bool,
    /// A system message stands further on.
    pub(crate) has_second_system: bool,
    pub(crate) has_reasoning: bool,
    /// Each reply follows the user or the results of tools.
    pub(crate) takes_turns: bool,
}

impl Case {
    fn new(name: &'static str, tools: Vec<ToolSpec>, messages: Vec<Message>) -> Self {
        let mut has_booleans = false;
        for call in messages.iter().flat_map(Message::calls) {
            let arguments: serde_json::Map<String, Value> =
                serde_json::from_str(call.arguments.as_text()).expect("arguments are an object");
            has_booleans |= arguments.values().any(|value| value.is_boolean() || value.is_null());
        }
        let mut nodes: Vec<Node> = Vec::new();
        for message in messages {
            let parent = nodes.len().checked_sub(1).map(|at| NodeId(at as u32));
            nodes.push(Node::new(parent, message));
        }
        let role = |node: &Node| node.message.role;
        Self {
            name,
            tools,
            has_booleans,
            has_question: nodes.iter().any(|node| role(node) == Role::User),
            has_second_system: nodes.iter().skip(1).any(|node| role(node) == Role::System),
            has_reasoning: nodes.iter().any(|node| {
                node.message.content.iter().any(|block| matches!(block, ContentBlock::Reasoning { .. }))
            }),
            takes_turns: nodes.iter().enumerate().all(|(index, node)| {
                role(node) != Role::Assistant
                    || index
                        .checked_sub(1)
                        .is_some_and(|i| matches!(role(&nodes[i]), Role::User | Role::Tool))
            }),
            nodes,
        }
    }

    pub(crate) fn sample(&self) -> Sample<'_> {
        Sample { tools: &self.tools, nodes: self.nodes.iter().collect() }
    }

    /// As templates take them: OpenAI's shape, null where there are none.
    pub(crate) fn tools(&self) -> Value {
        if self.tools.is_empty() {
            return Value::Null;
        }
        let tool = |tool: &ToolSpec| {
            json!({"type": "function", "function":
                {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}})
        };
        self.tools.iter().map(tool).collect()
    }

    /// As templates take them: OpenAI's shape, arguments as objects.
    pub(crate) fn messages(&self) -> Value {
        let mut out = Vec::new();
        for node in &self.nodes {
            let message = &node.message;
            if message.role == Role::Tool {
                for block in &message.content {
                    let ContentBlock::ToolResult(result) = block else { unreachable!("tools give results") };
                    out.push(json!({"role": "tool", "tool_call_id": result.call_id, "name": result.name,
                        "content": result.text()}));
                }
                continue;
            }
            let mut dictionary = json!({"role": message.role.as_str(), "content": message.text()});
            let reasoning = message.content.iter().filter_map(|block| match block {
                ContentBlock::Reasoning { text, .. } => Some(text.as_str()),
                _ => None,
            });
            let reasoning: String = reasoning.collect();
            if !reasoning.is_empty() {
                dictionary["reasoning_content"] = reasoning.into();
            }
            let call = |call: &ToolCall| {
                let arguments: Value = serde_json::from_str(call.arguments.as_text()).expect("JSON");
                json!({"id": call.id, "type": "function",
                    "function": {"name": call.name, "arguments": arguments}})
            };
            let calls: Vec<Value> = message.calls().map(call).collect();
            if !calls.is_empty() {
                dictionary["tool_calls"] = calls.into();
            }
            out.push(dictionary);
        }
        out.into()
    }
}

fn tools() -> Vec<ToolSpec> {
    let find = json!({"type": "object", "properties": {
        "query": {"type": "string", "description": "What to look for, e.g. \"été\" <b>."},
        "limit": {"type": ["integer", "null"], "default": 5, "minimum": 1},
        "tags": {"type": "array", "items": {"type": "string"}, "default": null},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a"},
        "is_strict": {"type": "boolean", "default": false},
        "where": {"type": "object", "properties": {"x": {"type": "number", "maximum": 1.5}}},
        "any": {"anyOf": [{"type": "number"}, {"type": "object"}]},
    }, "required": ["query"], "additionalProperties": false});
    vec![
        ToolSpec {
            name: "find".into(),
            description: "Finds 中文 & more.\nIn two lines.".into(),
            input_schema: find,
        },
        ToolSpec {
            name: "now".into(),
            description: String::new(),
            input_schema: json!({"type": "object", "properties": {}}),
        },
    ]
}

fn call(id: usize, name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: CallId(format!("call_{id}")),
        name: name.to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn reply(reasoning: &str, text: &str, calls: Vec<ContentBlock>) -> Message {
    let mut content = Vec::new();
    if !reasoning.is_empty() {
        content.push(ContentBlock::Reasoning { text: reasoning.to_owned(), signature: None });
    }
    if !text.is_empty() {
        content.push(ContentBlock::Text { text: text.to_owned() });
    }
    content.extend(calls);
    Message { role: Role::Assistant, content }
}

fn results(results: &[(usize, &str, &str)]) -> Message {
    let result = |(id, name, text): &(usize, &str, &str)| ToolResult {
        call_id: CallId(format!("call_{id}")),
        name: (*name).to_owned(),
        content: vec![ContentBlock::Text { text: (*text).to_owned() }],
        is_error: false,
    };
    Message::tool(results.iter().map(result).collect())
}

const NESTED: &str = "{\"query\":\"été\\n  <b>&amp;\\\"q\\\" 😀\\u2028\",\"limit\":12345678901234567890,\"tags\":[\"a\",{\"b\":[1.5,true,null,{}]}],\"where\":{\"x\":0.25}}";
const BOOLEANS: &str = "{\"query\": \"x\", \"is_strict\": true, \"tags\": null}";

/// The conversations.
pub(crate) fn cases() -> Vec<Case> {
    let user = Message::user;
    let two_calls = || {
        let calls = vec![call(0, "find", NESTED), call(1, "now", "{}")];
        vec![
            user("Find it.\nNow."),
            reply("I must look.\nTwice.", "I look.", calls),
            results(&[(0, "find", "one\ntwo"), (1, "now", "")]),
        ]
    };
    let with = |mut messages: Vec<Message>, more: Vec<Message>| {
        messages.extend(more);
        messages
    };
    let system = |messages: Vec<Message>| with(vec![Message::system("Be brief.\n\n  Be kind.")], messages);
    let one_call =
        || vec![user("When?"), reply("", "", vec![call(0, "now", "{}")]), results(&[(0, "now", "12:00")])];
    vec![
        Case::new("a question", vec![], vec![user("Hi 😀")]),
        Case::new("a question and a system message", vec![], system(vec![user("Hi")])),
        Case::new("a question and tools", tools(), vec![user("Hi")]),
        Case::new("all three", tools(), system(vec![user("Hi")])),
        Case::new("an answer", vec![], vec![user("Hi"), reply("", "Hello.\n\nYou.", vec![])]),
        Case::new("an empty answer", vec![], vec![user("Hi"), reply("", "", vec![])]),
        Case::new(
            "a thought answer",
            vec![],
            system(vec![user("Hi"), reply("Hm.\n\nWell.", "Hello.", vec![])]),
        ),
        Case::new("a thought without an answer", vec![], vec![user("Hi"), reply("Hm.", "", vec![])]),
        Case::new("two questions", vec![], vec![user("Hi"), user("You there?"), reply("", "Yes.", vec![])]),
        Case::new(
            "thoughts of earlier turns",
            vec![],
            vec![user("Hi"), reply("Old.", "Hello.", vec![]), user("So?"), reply("New.", "So.", vec![])],
        ),
        Case::new(
            "thoughts of earlier turns, and a question",
            tools(),
            with(two_calls(), vec![reply("Ah.", "Found.", vec![]), user("Sure?")]),
        ),
        Case::new("one call and no text", tools(), one_call()),
        Case::new("one call and an answer", tools(), with(one_call(), vec![reply("", "Noon.", vec![])])),
        Case::new("two calls and results", tools(), system(two_calls())),
        Case::new(
            "two calls and an answer",
            tools(),
            with(two_calls(), vec![reply("Ah.", "Found.", vec![])]),
        ),
        Case::new(
            "calls in a row",
            tools(),
            with(
                two_calls(),
                vec![
                    reply("Again.", "", vec![call(2, "find", "{\"query\": \"007\"}")]),
                    results(&[(2, "find", "three")]),
                    reply("", "More.", vec![call(3, "find", "{\"query\": \"\", \"limit\": 3}")]),
                    results(&[(3, "find", "four")]),
                    reply("", "Four.", vec![]),
                ],
            ),
        ),
        Case::new(
            "calls before a further question",
            tools(),
            with(
                two_calls(),
                vec![
                    reply("", "Found.", vec![]),
                    user("And when?"),
                    reply("Time.", "", vec![call(2, "now", "{}")]),
                    results(&[(2, "now", "12:00")]),
                ],
            ),
        ),
        Case::new(
            "results without an answer, then a question",
            tools(),
            with(two_calls(), vec![user("Stop.")]),
        ),
        Case::new(
            "a call without tools declared",
            vec![],
            with(two_calls(), vec![reply("", "Found.", vec![])]),
        ),
        Case::new(
            "booleans and null",
            tools(),
            vec![
                user("Find."),
                reply("", "", vec![call(0, "find", BOOLEANS)]),
                results(&[(0, "find", "x")]),
                reply("", "Found.", vec![]),
            ],
        ),
        Case::new(
            "a system message further on",
            tools(),
            vec![user("Hi"), Message::system("Be brief."), reply("", "Hi.", vec![])],
        ),
        Case::new("no question", tools(), system(vec![reply("", "May I help?", vec![])])),
        Case::new(
            "two replies in a row",
            vec![],
            vec![user("Hi"), reply("", "Hello", vec![]), reply("", "you.", vec![])],
        ),
    ]
}

//! Arbitrary conversations for the laws, full of the formats' own tags.

use crate::Sample;
use nex_trajectory::{
    Arguments, CallId, ContentBlock, FinishReason, ImageSource, Message, ModelIdentity, Node, NodeId, Role,
    Timing, ToolCall, ToolResult, ToolSpec, Turn, Usage,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Text made of what parsers look for.
pub(crate) fn hostile() -> impl Strategy<Value = String> {
    let bits = prop::sample::select(vec![
        "<tool_call>",
        "</tool_call>",
        "<think>",
        "</think>",
        "<tool_response>",
        "</tool_response>",
        "<|im_start|>",
        "<|im_end|>",
        "\n",
        " ",
        "{",
        "}",
        "\"",
        "\\",
        "\\\"",
        "{\"name\": \"f\", \"arguments\": {",
        "\"a\": \"",
        ", ",
        "<",
        "</tool",
        "1",
        "😀",
        "x",
    ]);
    vec(bits, 0..14).prop_map(|bits| bits.concat())
}

/// Mostly plain text; sometimes not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z \n]{0,12}",
        2 => "\\PC{0,8}",
        1 => hostile(),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((text(), inner), 0..3).prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Arguments as models write them: compact, spaced, pretty, with exact numbers, empty, or broken.
fn arguments() -> impl Strategy<Value = Arguments> {
    let object = || vec((text(), value()), 0..3).prop_map(|p| Value::Object(p.into_iter().collect()));
    prop_oneof![
        3 => object().prop_map(|v| v.to_string()),
        2 => object().prop_map(|v| crate::python_json::dumps(&v)),
        1 => object().prop_map(|v| format!("{v:#}")),
        1 => Just(r#"{"big": 123456789012345678901234567890, "x": 1.0, "id":"007", "a":1, "a":2}"#.to_owned()),
        1 => Just(r#"{"q": "\u003c/tool_call>\u4e2d\\"}"#.to_owned()),
        1 => Just(String::new()),
        1 => hostile(),
    ]
    .prop_map(Arguments)
}

fn tool_spec() -> impl Strategy<Value = ToolSpec> {
    ("[a-z_]{1,8}", text(), value()).prop_map(|(name, description, input_schema)| ToolSpec {
        name,
        description,
        input_schema,
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    prop::sample::select(vec![FinishReason::Stop, FinishReason::ToolCalls, FinishReason::Length]).prop_map(
        |finish_reason| Turn {
            model: ModelIdentity { provider: "script".to_owned(), model: "m".to_owned() },
            finish_reason,
            usage: Usage::default(),
            timing: Timing::default(),
            attempts: 1,
        },
    )
}

/// A round: an assistant message with calls, and their results.
fn round() -> impl Strategy<Value = Vec<Node>> {
    let call = (prop_oneof![4 => "[a-z_]{1,8}".boxed(), 1 => text().boxed()], arguments());
    let reply = (prop::option::of(text()), prop::option::of(text()), vec((call, text()), 0..4));
    let image = prop::option::weighted(0.1, "[a-z]{1,4}");
    let flags = (any::<bool>(), prop::bool::weighted(0.05), prop::option::of(turn()));
    (reply, image, flags).prop_map(|((reasoning, text, calls), image, (is_synthetic, is_swapped, turn))| {
        let mut content = Vec::new();
        content.extend(reasoning.map(|text| ContentBlock::Reasoning { text, signature: None }));
        content.extend(text.map(|text| ContentBlock::Text { text }));
        let mut results = Vec::new();
        for (index, ((name, arguments), result)) in calls.into_iter().enumerate() {
            let id = CallId(format!("call_{index}"));
            results.push(ToolResult {
                call_id: id.clone(),
                name: name.clone(),
                content: vec![ContentBlock::Text { text: result }],
                is_error: false,
            });
            content.push(ContentBlock::ToolCall(ToolCall { id, name, arguments }));
        }
        if is_swapped {
            content.reverse();
        }
        let mut assistant = Node::new(None, Message { role: Role::Assistant, content });
        assistant.is_synthetic = is_synthetic;
        assistant.turn = turn;
        let mut nodes = vec![assistant];
        if let (Some(first), Some(data)) = (results.first_mut(), image) {
            let media_type = "image/png".to_owned();
            first.content.push(ContentBlock::Image(ImageSource::Base64 { media_type, data }));
        }
        if !results.is_empty() {
            nodes.push(Node::new(None, Message::tool(results)));
        }
        nodes
    })
}

/// A conversation that owns its nodes.
#[derive(Debug)]
pub(crate) struct Owned {
    pub(crate) tools: Vec<ToolSpec>,
    pub(crate) nodes: Vec<Node>,
}

impl Owned {
    pub(crate) fn of(tools: Vec<ToolSpec>, messages: Vec<Message>) -> Self {
        let mut nodes: Vec<Node> = Vec::new();
        for message in messages {
            let parent = nodes.len().checked_sub(1).map(|at| NodeId(at as u32));
            nodes.push(Node::new(parent, message));
        }
        Self { tools, nodes }
    }

    pub(crate) fn sample(&self) -> Sample<'_> {
        Sample { tools: &self.tools, nodes: self.nodes.iter().collect() }
    }
}

/// Any conversation: system, user and rounds, with tools or none.
pub(crate) fn conversation() -> impl Strategy<Value = Owned> {
    let user = prop_oneof![5 => text().prop_map(Message::user), 1 => ("[a-z]{1,3}", text()).prop_map(|(url, text)| {
        let image = ContentBlock::Image(ImageSource::Url { url });
        Message { role: Role::User, content: vec![ContentBlock::Text { text }, image] }
    })];
    (prop::option::of(text()), vec(tool_spec(), 0..3), vec((prop::option::of(user), round()), 0..4)).prop_map(
        |(system, tools, rounds)| {
            let mut nodes: Vec<Node> =
                system.map(|text| Node::new(None, Message::system(text))).into_iter().collect();
            for (user, round) in rounds {
                nodes.extend(user.map(|message| Node::new(None, message)));
                nodes.extend(round);
            }
            Owned { tools, nodes }
        },
    )
}

/// The conversation in the one form in which a format gives it back: texts joined, empty ones
/// left out, ids numbered through, what the format has no place for removed.
pub(crate) fn canonical(messages: impl IntoIterator<Item = Message>) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::new();
    let (mut made, mut first_open) = (0, 0);
    for message in messages {
        let role = message.role;
        let mut content = Vec::new();
        let mut reasoning = Vec::new();
        let mut answered = 0;
        if role == Role::Assistant {
            first_open = made;
        }
        for block in message.content {
            match block {
                ContentBlock::Reasoning { text, .. } if !text.is_empty() => reasoning.push(text),
                ContentBlock::ToolCall(mut call) => {
                    call.id = CallId(format!("call_{made}"));
                    made += 1;
                    content.push(ContentBlock::ToolCall(call));
                }
                ContentBlock::ToolResult(mut result) => {
                    result.call_id = CallId(format!("call_{}", first_open + answered));
                    answered += 1;
                    result.is_error = false;
                    result.content.retain(|b| !matches!(b, ContentBlock::Text { text } if text.is_empty()));
                    content.push(ContentBlock::ToolResult(result));
                }
                ContentBlock::Text { text } if text.is_empty() => {}
                ContentBlock::Reasoning { .. } => {}
                other => content.push(other),
            }
        }
        if !reasoning.is_empty() {
            content.insert(0, ContentBlock::Reasoning { text: reasoning.join("\n"), signature: None });
        }
        out.push(Message { role, content });
    }
    out
}

/// A tool for examples.
pub(crate) fn weather() -> ToolSpec {
    ToolSpec {
        name: "get_weather".to_owned(),
        description: "Weather of a city.".to_owned(),
        input_schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    }
}

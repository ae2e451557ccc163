//! Conversations from bytes, written and read back.

use crate::tools;
use arbitrary::Arbitrary;
use nex_tool_formats::{RenderOptions, Sample, ToolCallFormat, all, same_value};
use nex_trajectory::{Arguments, ContentBlock, Message, Node, NodeId, Role, ToolCall, ToolResult};
use serde_json::{Map, Value};

/// A conversation in the making.
#[derive(Arbitrary, Debug)]
pub struct Script {
    format: u8,
    has_tools: bool,
    system: Option<String>,
    rounds: Vec<Round>,
}

#[derive(Arbitrary, Debug)]
struct Round {
    question: Option<String>,
    reasoning: Option<String>,
    text: String,
    calls: Vec<Call>,
}

#[derive(Arbitrary, Debug)]
struct Call {
    tool: u8,
    arguments: Vec<(u8, Argument)>,
    result: String,
}

#[derive(Arbitrary, Debug)]
enum Argument {
    Null,
    Truth(bool),
    Integer(i64),
    Text(String),
    List(Vec<String>),
    Object(Vec<(String, i32)>),
}

impl Argument {
    fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Truth(truth) => (*truth).into(),
            Self::Integer(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(texts) => texts.clone().into(),
            Self::Object(members) => members
                .iter()
                .map(|(key, number)| (key.clone(), Value::from(*number)))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

impl Script {
    fn format(&self) -> &'static dyn ToolCallFormat {
        all()[usize::from(self.format) % all().len()]
    }

    fn messages(&self) -> Vec<Message> {
        const TOOLS: [&str; 5] = ["get_weather", "f", "bash_command", "mark_task_complete", "unknown.tool"];
        const KEYS: [&str; 8] = ["city", "n", "any", "list", "o", "keystrokes", "duration", "other"];
        // No text is no system message in some formats; in Mistral's first it becomes part of the question.
        let is_kept = |text: &&String| !text.is_empty() && !self.format().name().starts_with("mistral-v3");
        let system = self.system.iter().filter(is_kept);
        let mut messages: Vec<Message> = system.map(Message::system).collect();
        let mut made = 0;
        for round in &self.rounds {
            messages.extend(round.question.iter().map(Message::user));
            let mut content: Vec<ContentBlock> = Vec::new();
            if let Some(text) = &round.reasoning {
                content.push(ContentBlock::Reasoning { text: text.clone(), signature: None });
            }
            content.push(ContentBlock::Text { text: round.text.clone() });
            let mut results = Vec::new();
            for call in &round.calls {
                let id = format!("call_{made}");
                made += 1;
                let name = TOOLS[usize::from(call.tool) % TOOLS.len()].to_owned();
                let mut arguments = Map::new();
                for (key, value) in &call.arguments {
                    arguments.insert(KEYS[usize::from(*key) % KEYS.len()].to_owned(), value.json());
                }
                results.push(ToolResult {
                    call_id: id.as_str().into(),
                    name: name.clone(),
                    content: vec![ContentBlock::Text { text: call.result.clone() }],
                    is_error: false,
                });
                let arguments = Arguments::from_text(Value::Object(arguments).to_string());
                content.push(ContentBlock::ToolCall(ToolCall { id: id.as_str().into(), name, arguments }));
            }
            messages.push(Message { role: Role::Assistant, content });
            if !results.is_empty() {
                messages.push(Message::tool(results));
            }
        }
        messages
    }
}

/// Writes a conversation and reads it back.
///
/// # Panics
/// It comes back as another.
pub fn round_trip(script: &Script) {
    let format = script.format();
    let tools = if script.has_tools { tools() } else { Vec::new() };
    let messages = script.messages();
    let parent = |index: usize| index.checked_sub(1).map(|index| NodeId(index as u32));
    let nodes: Vec<Node> = messages
        .iter()
        .enumerate()
        .map(|(index, message)| Node::new(parent(index), message.clone()))
        .collect();
    let sample = Sample { tools: &tools, nodes: nodes.iter().collect() };
    let Ok(rendered) = format.render(&sample, &RenderOptions::default()) else { return };
    let mut at = 0;
    for span in &rendered.spans {
        assert_eq!(span.start, at, "{}: a gap in the mask of\n{}", format.name(), rendered.text);
        at = span.end;
    }
    assert_eq!(at, rendered.text.len(), "{}: the mask is short", format.name());
    let read = format.parse_conversation(&rendered.text, Some(&tools));
    let read = read.unwrap_or_else(|error| panic!("{}: {error}\n{}", format.name(), rendered.text));
    assert_eq!(read.messages.len(), messages.len(), "{}\n{}", format.name(), rendered.text);
    for (read, sent) in read.messages.iter().zip(&messages) {
        assert_same(read, sent, format.name(), &rendered.text);
    }
}

fn assert_same(read: &Message, sent: &Message, format: &str, text: &str) {
    assert_eq!(read.role, sent.role, "{format}\n{text}");
    assert_eq!(words(read), words(sent), "{format}\n{text}");
    let (calls, expected): (Vec<_>, Vec<_>) = (read.calls().collect(), sent.calls().collect());
    assert_eq!(calls.len(), expected.len(), "{format}\n{text}");
    for (call, expected) in calls.iter().zip(expected) {
        assert_eq!(call.name, expected.name, "{format}\n{text}");
        let arguments = match call.arguments.as_text() {
            "" => "{}",
            text => text,
        };
        let expected = expected.arguments.as_text();
        // A tag has its attributes in one order.
        let is_same = if format == "terminus-2-xml" {
            let value = |json: &str| serde_json::from_str::<Value>(json).ok();
            value(arguments) == value(expected)
        } else {
            same_value(arguments, expected)
        };
        assert!(is_same, "{format}: {arguments}\n{text}");
    }
}

/// All texts of a message that are no calls, with what they are.
fn words(message: &Message) -> Vec<(&'static str, String)> {
    let words = message.content.iter().filter_map(|block| match block {
        ContentBlock::Reasoning { text, .. } => Some(("reasoning", text.clone())),
        ContentBlock::Text { text } => Some(("text", text.clone())),
        ContentBlock::ToolResult(result) => Some(("result", result.text())),
        ContentBlock::ToolCall(_) | ContentBlock::Image(_) => None,
    });
    words.filter(|(kind, text)| *kind == "result" || !text.is_empty()).collect()
}

//! A corpus of replies by seed: five tools, prose before, one to five calls, code of up to 8 kB.

use nex_tool_formats::ToolCallFormat;
use nex_tool_formats::conformance::{Case, Group, Probe, prepare};
use nex_trajectory::{Arguments, CallId, ContentBlock, Message, Role, ToolCall, ToolSpec};
use rand::{RngExt as Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// A reply, and the calls that it makes.
pub struct Output {
    /// Without the mark that ends the turn, which servers keep to themselves.
    pub text: String,
    /// Name and arguments of each call.
    pub calls: Vec<(String, String)>,
}

/// The replies of one format.
pub struct Corpus {
    /// The replies.
    pub outputs: Vec<Output>,
    /// Messages that the format could not hold whole, so that one call of each was taken, or none.
    pub reduced: usize,
}

const WORDS: &[&str] = &[
    "agent", "plan", "graph", "value", "result", "order", "naïve", "東京", "zürich", "search", "node",
    "path", "loop", "line", "gamma", "delta",
];

/// The five tools.
pub fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, arguments: &[(&str, &str)]| {
        let properties: Map<String, Value> =
            arguments.iter().map(|(name, kind)| ((*name).to_owned(), json!({"type": kind}))).collect();
        ToolSpec {
            name: name.to_owned(),
            description: format!("The tool {name}."),
            input_schema: json!({"type": "object", "properties": properties}),
        }
    };
    vec![
        tool("forecast", &[("city", "string"), ("unit", "string"), ("days", "integer")]),
        tool("search", &[("query", "string"), ("limit", "integer"), ("safe", "boolean")]),
        tool("write_file", &[("path", "string"), ("content", "string")]),
        tool("run", &[("command", "string"), ("timeout_s", "number")]),
        tool("order", &[("order_id", "string"), ("items", "array"), ("meta", "object")]),
    ]
}

/// `count` replies in `format`; the same messages in every format, as far as it can hold them.
pub fn build(format: &dyn ToolCallFormat, count: usize, seed: u64) -> Corpus {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut corpus = Corpus { outputs: Vec::with_capacity(count), reduced: 0 };
    for _ in 0..count {
        let message = message(&mut rng);
        let whole = output(format, message.clone());
        corpus.reduced += usize::from(whole.is_none());
        corpus.outputs.extend(whole.or_else(|| output(format, first_call(message))));
    }
    corpus
}

/// One call with a text of `bytes` as argument.
pub fn single(format: &dyn ToolCallFormat, bytes: usize) -> Option<Output> {
    let mut rng = ChaCha8Rng::seed_from_u64(bytes as u64);
    let arguments = json!({"path": "src/a.py", "content": code(&mut rng, bytes)});
    output(format, with_calls(None, vec![("write_file", arguments)]))
}

fn output(format: &dyn ToolCallFormat, message: Message) -> Option<Output> {
    let calls =
        message.calls().map(|call| (call.name.clone(), call.arguments.as_text().to_owned())).collect();
    let case =
        Case { id: "corpus", title: "", group: Group::Nex, tools: tools(), message, probe: Probe::RoundTrip };
    let prepared = prepare(format, &case).ok()?;
    let reply = &prepared.replies[0];
    let text = String::from_utf8(reply.bytes[..reply.end_of_turn].to_vec()).ok()?;
    Some(Output { text, calls })
}

fn with_calls(text: Option<String>, calls: Vec<(&str, Value)>) -> Message {
    let mut content: Vec<ContentBlock> = text.map(|text| ContentBlock::Text { text }).into_iter().collect();
    content.extend(calls.into_iter().enumerate().map(|(index, (name, arguments))| {
        ContentBlock::ToolCall(ToolCall {
            id: CallId(format!("call{index:05}")),
            name: name.to_owned(),
            arguments: Arguments::from_value(&arguments),
        })
    }));
    Message { role: Role::Assistant, content }
}

/// The first call alone, for formats that hold no more.
fn first_call(mut message: Message) -> Message {
    message.content.retain(|block| matches!(block, ContentBlock::ToolCall(_)));
    message.content.truncate(1);
    message
}

fn message(rng: &mut impl Rng) -> Message {
    let words_before = rng.random_range(1..40);
    let text = words(rng, words_before);
    let count = [1, 1, 1, 1, 2, 2, 3, 5][rng.random_range(0..8)];
    let calls = (0..count).map(|_| call(rng)).collect();
    with_calls(Some(text), calls)
}

fn call(rng: &mut impl Rng) -> (&'static str, Value) {
    match rng.random_range(0..5) {
        0 => {
            let unit = ["celsius", "fahrenheit"][rng.random_range(0..2)];
            ("forecast", json!({"city": words(rng, 2), "unit": unit, "days": rng.random_range(0..14)}))
        }
        1 => {
            let count = rng.random_range(3..14);
            let (limit, safe) = (rng.random_range(0..50), rng.random_bool(0.5));
            ("search", json!({"query": words(rng, count), "limit": limit, "safe": safe}))
        }
        2 => {
            let bytes = [80, 200, 400, 2_000, 8_000][rng.random_range(0..5)];
            let path = format!("src/m{}.py", rng.random_range(0..100));
            ("write_file", json!({"path": path, "content": code(rng, bytes)}))
        }
        3 => {
            let command = format!("ls -la {} | grep {}", words(rng, 2), words(rng, 1));
            ("run", json!({"command": command, "timeout_s": f64::from(rng.random_range(0..600)) + 0.5}))
        }
        _ => {
            let items: Vec<Value> = (0..rng.random_range(1..6))
                .map(|_| json!({"sku": rng.random_range(0..1_000_000).to_string(), "n": rng.random_range(0..5)}))
                .collect();
            let meta = json!({"note": words(rng, 4), "rush": rng.random_bool(0.5)});
            (
                "order",
                json!({"order_id": format!("#W{}", rng.random_range(0..10_000_000)), "items": items, "meta": meta}),
            )
        }
    }
}

fn words(rng: &mut impl Rng, count: usize) -> String {
    (0..count).map(|_| WORDS[rng.random_range(0..WORDS.len())]).collect::<Vec<_>>().join(" ")
}

/// Lines that look like Python, of at least `bytes`.
fn code(rng: &mut impl Rng, bytes: usize) -> String {
    let mut code = String::new();
    while code.len() < bytes {
        match rng.random_range(0..4) {
            0 => code += &format!("def f{}(x, y):\n    return x * y\n", rng.random_range(0..99)),
            1 => {
                code += &format!(
                    "for i in range({}):\n    print(\"{}\", i)\n",
                    rng.random_range(0..50),
                    words(rng, 3)
                )
            }
            2 => code += &format!("# {}\n", words(rng, 6)),
            _ => {
                code +=
                    &format!("value = {{'k': [{}, {}]}}\n", rng.random_range(0..9), rng.random_range(0..9))
            }
        }
    }
    code
}

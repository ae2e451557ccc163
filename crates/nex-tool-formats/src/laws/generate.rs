//! Arbitrary conversations by seed, full of what parsers look for.

use crate::Sample;
use nex_trajectory::{
    Arguments, CallId, ContentBlock, FinishReason, ImageSource, Message, ModelIdentity, Node, NodeId, Role,
    Timing, ToolCall, ToolResult, ToolSpec, Turn, Usage,
};
use serde_json::{Map, Value, json};

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

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.nodes.iter().map(|node| (*node.message).clone()).collect()
    }
}

/// Chance by seed (SplitMix64), and what is made of it.
pub(crate) struct Generator {
    state: u64,
    tags: &'static [&'static str],
    /// No text holds a tag, no call breaks its schema.
    is_tame: bool,
    /// Nine replies in ten are text or one call, without reasoning.
    is_terse: bool,
}

impl Generator {
    pub(crate) fn new(seed: u64, tags: &'static [&'static str]) -> Self {
        let mut generator =
            Self { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), tags, is_tame: false, is_terse: false };
        generator.is_tame = generator.chance(50);
        generator
    }

    pub(crate) fn terse(self, is_terse: bool) -> Self {
        Self { is_terse, ..self }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, options: &[T]) -> T {
        options[self.below(options.len())]
    }

    /// Text made of the format's tags and pieces of them.
    pub(crate) fn hostile(&mut self) -> String {
        const BITS: &[&str] = &[
            "\n",
            " ",
            "{",
            "}",
            "[",
            "]",
            "(",
            ")",
            "\"",
            "'",
            "\\",
            "\\\"",
            "{\"name\": \"f\", \"arguments\": {",
            "\"a\": \"",
            ", ",
            "<",
            ">",
            "</",
            "1",
            "😀",
            "x",
            "null",
            "=",
            ":",
            ";",
            "&lt;",
            "f(a=",
            "<think>",
            "</think>",
            "{\"a\": 1}",
            "\t",
            "\r\n",
        ];
        let mut text = String::new();
        for _ in 0..self.below(12) {
            if self.tags.is_empty() || self.chance(50) {
                text.push_str(self.pick(BITS));
                continue;
            }
            let tag = self.pick(self.tags);
            if self.chance(75) {
                text.push_str(tag);
            } else {
                let cuts: Vec<usize> = tag.char_indices().map(|(at, _)| at).collect();
                text.push_str(&tag[..self.pick(&cuts)]);
            }
        }
        text
    }

    /// Mostly plain text; sometimes not.
    pub(crate) fn text(&mut self) -> String {
        const WORDS: &[&str] = &["the", "order", "a", "is", "found", "it", "zero", "x"];
        const ODD: &[&str] = &[
            "😀",
            "\u{2028}",
            "é",
            "中文",
            "\u{feff}",
            "<p>hi</p>",
            "List<String>",
            "a && b",
            "&lt;",
            "\\n",
            "\"q\"",
            "'",
            "#",
            "\u{7f}",
            "%s {}",
        ];
        if !self.is_tame && self.chance(12) {
            return self.hostile();
        }
        let mut text = String::new();
        for _ in 0..self.below(6) {
            if !text.is_empty() {
                text.push_str(self.pick(&[" ", " ", " ", "\n", "\n\n", "  "]));
            }
            text.push_str(if self.chance(80) { self.pick(WORDS) } else { self.pick(ODD) });
        }
        if !self.is_tame && self.chance(10) {
            let blank = self.pick(&["\n", " ", "\n\n", "\t"]);
            text = if self.chance(50) { format!("{blank}{text}") } else { format!("{text}{blank}") };
        }
        text
    }

    fn name(&mut self) -> String {
        const NAMES: &[&str] =
            &["get_weather", "search", "write_file", "f", "read_notes", "a1", "list_items"];
        if self.is_tame || self.chance(85) {
            return self.pick(NAMES).to_owned();
        }
        if self.chance(70) {
            self.pick(&["my-ns.tool", "a.b", "tool-x", "T"]).to_owned()
        } else {
            self.text()
        }
    }

    fn key(&mut self) -> String {
        if self.is_tame || self.chance(90) {
            self.pick(&["city", "path", "n", "content", "a_b", "id", "from"]).to_owned()
        } else {
            self.text()
        }
    }

    fn schema(&mut self) -> Value {
        match self.below(10) {
            0..=3 => json!({"type": "string", "description": self.text()}),
            4 => json!({"type": "integer"}),
            5 => json!({"type": "number"}),
            6 => json!({"type": "boolean"}),
            7 => json!({"type": "array", "items": {"type": "string"}}),
            8 => json!({"type": "object", "properties": {"k": {"type": "string"}}}),
            _ => match self.below(3) {
                0 => json!({"type": ["string", "null"]}),
                1 => json!({"type": "string", "enum": ["red", "green"]}),
                _ => json!({}),
            },
        }
    }

    fn tool(&mut self) -> ToolSpec {
        let mut properties = Map::new();
        for _ in 0..self.below(4) {
            properties.insert(self.key(), self.schema());
        }
        let mut required: Vec<String> = properties.keys().cloned().collect();
        required.retain(|_| self.chance(60));
        let mut schema = json!({"type": "object", "properties": properties});
        if !required.is_empty() || self.chance(30) {
            schema["required"] = required.into();
        }
        ToolSpec { name: self.name(), description: self.text(), input_schema: schema }
    }

    fn number(&mut self) -> String {
        match self.below(8) {
            0..=2 => self.below(1000).to_string(),
            3 => format!("-{}", self.below(1000)),
            4 => "12345678901234567890123".to_owned(),
            5 => "1.0".to_owned(),
            6 => "9007199254740993".to_owned(),
            _ => self.pick(&["0.5", "-1.25", "1e-7", "2E+3", "0"]).to_owned(),
        }
    }

    /// The text of a JSON value of `kind`.
    fn json_of(&mut self, kind: &str, depth: usize) -> String {
        match kind {
            "integer" => {
                self.pick(&["0", "7", "-12", "9007199254740993", "12345678901234567890123"]).to_owned()
            }
            "number" => self.number(),
            "boolean" => self.pick(&["true", "false"]).to_owned(),
            "null" => "null".to_owned(),
            "array" if depth > 0 => {
                let items: Vec<String> = (0..self.below(3)).map(|_| self.any_json(depth - 1)).collect();
                format!("[{}]", items.join(self.pick(&[",", ", "])))
            }
            "object" if depth > 0 => {
                let items: Vec<String> = (0..self.below(3))
                    .map(|index| {
                        let key = json!(format!("{}{index}", self.key()));
                        let colon = self.pick(&[":", ": "]);
                        format!("{key}{colon}{}", self.any_json(depth - 1))
                    })
                    .collect();
                format!("{{{}}}", items.join(self.pick(&[",", ", "])))
            }
            "array" => "[]".to_owned(),
            "object" => "{}".to_owned(),
            _ => {
                let text = match self.below(10) {
                    0 => self.pick(&["null", "007", "true", "1.0", "{}", "", "[1]", "None"]).to_owned(),
                    1 => "def f(x):\n    return x < 1\n".to_owned(),
                    _ => self.text(),
                };
                json!(text).to_string()
            }
        }
    }

    fn any_json(&mut self, depth: usize) -> String {
        let kind = self.pick(&["string", "string", "number", "boolean", "null", "array", "object"]);
        self.json_of(kind, depth)
    }

    fn value_for(&mut self, schema: &Value) -> String {
        if !self.is_tame && self.chance(5) {
            return self.any_json(2);
        }
        match schema.get("type") {
            Some(Value::String(kind)) => {
                let kind = kind.clone();
                self.json_of(&kind, 2)
            }
            Some(Value::Array(kinds)) => {
                let kind = kinds[self.below(kinds.len())].as_str().unwrap_or("string").to_owned();
                self.json_of(&kind, 2)
            }
            _ => self.any_json(2),
        }
    }

    /// Arguments as models write them: compact, spaced, pretty, empty, or broken.
    fn arguments(&mut self, tool: Option<&ToolSpec>) -> Arguments {
        if !self.is_tame && self.chance(4) {
            return Arguments(if self.chance(50) { String::new() } else { self.hostile() });
        }
        let properties = tool.and_then(|tool| tool.input_schema.get("properties")?.as_object().cloned());
        let mut entries: Vec<(String, String)> = Vec::new();
        for (key, schema) in properties.unwrap_or_default() {
            if self.chance(85) {
                let value = self.value_for(&schema);
                entries.push((key, value));
            }
        }
        if tool.is_none() || (!self.is_tame && self.chance(8)) {
            for _ in 0..self.below(3) {
                let key = self.key();
                if !entries.iter().any(|(known, _)| *known == key) {
                    let value = self.any_json(2);
                    entries.push((key, value));
                }
            }
        }
        let (comma, colon) = self.pick(&[(", ", ": "), (",", ":"), (", ", ": "), (",\n  ", ": ")]);
        let body: Vec<String> =
            entries.iter().map(|(key, value)| format!("{}{colon}{value}", json!(key))).collect();
        Arguments(format!("{{{}}}", body.join(comma)))
    }

    fn turn(&mut self) -> Turn {
        Turn {
            model: ModelIdentity { provider: "script".to_owned(), model: "m".to_owned() },
            finish_reason: match self.below(3) {
                0 => FinishReason::Stop,
                1 => FinishReason::ToolCalls,
                _ => FinishReason::Length,
            },
            usage: Usage::default(),
            timing: Timing::default(),
            attempts: 1,
        }
    }

    /// A round: an assistant message, and the results of its calls.
    fn round(&mut self, tools: &[ToolSpec], made: &mut usize, nodes: &mut Vec<Node>) {
        let mut content = Vec::new();
        let is_terse = self.is_terse && self.chance(90);
        if !is_terse && self.chance(35) {
            content.push(ContentBlock::Reasoning { text: self.text(), signature: None });
        }
        let is_text = self.chance(if is_terse { 40 } else { 60 });
        if is_text {
            content.push(ContentBlock::Text { text: self.text() });
        }
        let mut results = Vec::new();
        let count = match self.below(100) {
            _ if is_terse => usize::from(!is_text),
            0..=29 => 0,
            30..=74 => 1,
            75..=91 => 2,
            _ => 3,
        };
        for _ in 0..count {
            let tool = if tools.is_empty() || (!self.is_tame && self.chance(10)) {
                None
            } else {
                Some(&tools[self.below(tools.len())])
            };
            let name = tool.map_or_else(|| self.name(), |tool| tool.name.clone());
            let id = CallId(format!("call_{made}"));
            *made += 1;
            let mut result = vec![ContentBlock::Text { text: self.text() }];
            if !self.is_tame && self.chance(3) {
                let data = "iVBO".to_owned();
                result.push(ContentBlock::Image(ImageSource::Base64 {
                    media_type: "image/png".to_owned(),
                    data,
                }));
            }
            results.push(ToolResult {
                call_id: id.clone(),
                name: name.clone(),
                content: result,
                is_error: self.chance(10),
            });
            content.push(ContentBlock::ToolCall(ToolCall { id, name, arguments: self.arguments(tool) }));
        }
        if !self.is_tame && self.chance(3) {
            content.reverse();
        }
        let mut assistant = Node::new(None, Message { role: Role::Assistant, content });
        assistant.is_synthetic = self.chance(15);
        if self.chance(50) {
            assistant.turn = Some(self.turn());
        }
        nodes.push(assistant);
        if !self.is_tame && self.chance(5) {
            results.pop();
        }
        if !self.is_tame && self.chance(3) {
            results.reverse();
        }
        if results.len() > 1 && self.chance(10) {
            let last = results.pop().expect("there are two");
            nodes.push(Node::new(None, Message::tool(results)));
            nodes.push(Node::new(None, Message::tool(vec![last])));
        } else if !results.is_empty() {
            nodes.push(Node::new(None, Message::tool(results)));
        }
    }

    /// Any conversation: system, user and rounds, with tools or none. One in four tame ones is a
    /// question, rounds of calls and an answer, as agents' are.
    pub(crate) fn conversation(&mut self) -> Owned {
        let mut tools: Vec<ToolSpec> = Vec::new();
        for _ in 0..self.below(4) {
            let tool = self.tool();
            if !self.is_tame || !tools.iter().any(|known| known.name == tool.name) {
                tools.push(tool);
            }
        }
        let mut nodes = Vec::new();
        if self.chance(60) {
            nodes.push(Node::new(None, Message::system(self.text())));
        }
        let is_ordinary = self.is_tame || self.chance(30);
        let mut made = 0;
        for round in 0..1 + self.below(3) {
            let follows_tool = nodes.last().is_some_and(|node: &Node| node.message.role == Role::Tool);
            if if is_ordinary { !follows_tool } else { self.chance(60) } {
                nodes.push(Node::new(None, self.user()));
            }
            let _ = round;
            self.round(&tools, &mut made, &mut nodes);
        }
        if is_ordinary && nodes.last().is_some_and(|node| node.message.role == Role::Tool) {
            nodes.push(Node::new(None, Message::assistant(self.text())));
        }
        Owned { tools, nodes }
    }

    fn user(&mut self) -> Message {
        let text = self.text();
        if !self.is_tame && self.chance(6) {
            let image = ContentBlock::Image(ImageSource::Url { url: "https://x/y.png".to_owned() });
            return Message { role: Role::User, content: vec![ContentBlock::Text { text }, image] };
        }
        Message::user(text)
    }

    /// Any bytes, many of them the format's.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = self.hostile().into_bytes();
        for _ in 0..self.below(4) {
            let at = self.below(bytes.len() + 1);
            let byte = self.pick(&[0xff, 0xf0, 0x9f, 0x98, 0x80, 0xe4, 0xed, 0xa0, 0, b'<', b'"']);
            bytes.insert(at, byte);
        }
        bytes.extend(self.hostile().into_bytes());
        bytes
    }
}

/// A tool for examples.
pub(crate) fn weather() -> ToolSpec {
    ToolSpec {
        name: "get_weather".to_owned(),
        description: "Weather of a city.".to_owned(),
        input_schema: json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}),
    }
}

/// A question, two calls in one turn, their results, an answer: what every format's example shows.
pub(crate) fn example() -> Owned {
    let call = |id: &str, city: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: id.into(),
            name: "get_weather".to_owned(),
            arguments: Arguments::from_text(format!("{{\"city\": \"{city}\"}}")),
        })
    };
    let result = |id: &str, text: &str| ToolResult {
        call_id: id.into(),
        name: "get_weather".to_owned(),
        content: vec![ContentBlock::Text { text: text.to_owned() }],
        is_error: false,
    };
    let calls = Message {
        role: Role::Assistant,
        content: vec![
            ContentBlock::Reasoning { text: "Two cities.".to_owned(), signature: None },
            ContentBlock::Text { text: "I ask.".to_owned() },
            call("call_0", "Paris"),
            call("call_1", "Rome"),
        ],
    };
    Owned::of(
        vec![weather()],
        vec![
            Message::system("Be brief."),
            Message::user("Paris or Rome?"),
            calls,
            Message::tool(vec![result("call_0", "sun"), result("call_1", "rain")]),
            Message::assistant("Paris."),
        ],
    )
}

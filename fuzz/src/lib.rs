//! What the fuzz targets share: the same reply in pieces and at once, and conversations from bytes.
//!
//! Bytes in, a panic where a law does not hold.

mod conversation;

pub use conversation::{Script, round_trip};

use nex_tool_formats::{ParseOptions, ReplyBlock, ReplyDelta, ToolCallFormat, Toolset, all};
use nex_trajectory::ToolSpec;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The formats whose arguments stand between tags, by name.
const MARKUP: [&str; 9] = [
    "qwen3-coder",
    "glm-4.5",
    "glm-4.7",
    "minimax-m2",
    "deepseek-v3.2",
    "nexau",
    "cline",
    "openhands",
    "terminus-2-xml",
];

/// A part of the formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Arguments between tags.
    Markup,
    /// All others.
    Json,
}

/// The format that `index` picks in `family`.
pub fn format_of(family: Family, index: u8) -> &'static dyn ToolCallFormat {
    let is_in =
        |format: &&&'static dyn ToolCallFormat| MARKUP.contains(&format.name()) == (family == Family::Markup);
    let count = all().iter().filter(is_in).count();
    *all().iter().filter(is_in).nth(usize::from(index) % count).expect("it is below their count")
}

/// The tools that replies call, with arguments of every type.
pub fn tools() -> Vec<ToolSpec> {
    let tool = |name: &str, properties: Value| ToolSpec {
        name: name.to_owned(),
        description: "A tool.".to_owned(),
        input_schema: json!({"type": "object", "properties": properties, "required": ["city"]}),
    };
    let keystrokes = json!({"keystrokes": {"type": "string"}, "duration": {"type": "number"}});
    vec![
        tool("get_weather", json!({"city": {"type": "string"}, "n": {"type": "integer"}, "any": {}})),
        tool(
            "f",
            json!({"city": {"type": ["string", "null"]}, "list": {"type": "array"}, "o": {"type": "object"}}),
        ),
        ToolSpec {
            name: "bash_command".to_owned(),
            description: String::new(),
            input_schema: json!({"type": "object", "properties": keystrokes}),
        },
    ]
}

static TOOLS: LazyLock<Toolset> = LazyLock::new(|| Toolset::new(&tools()));

/// Reads a reply at once and in pieces, which must give the same.
///
/// The first byte picks the format, the second the options and the lengths of the pieces.
///
/// # Panics
/// It does not, or a parser does.
pub fn parse(family: Family, data: &[u8]) {
    let [index, choice, reply @ ..] = data else { return };
    let format = format_of(family, *index);
    let options = ParseOptions { repair: choice & 1 != 0, starts_in_reasoning: choice & 2 != 0 };
    let tools = if choice & 4 != 0 { Toolset::default() } else { TOOLS.clone() };

    let mut whole = format.parser(&tools, options);
    whole.push(reply);
    let whole = whole.finish();

    let mut parser = format.parser(&tools, options);
    let mut deltas = Vec::new();
    let mut at = 0;
    let mut step = usize::from(choice >> 3);
    while at < reply.len() {
        let end = (at + 1 + step % 7).min(reply.len());
        parser.push(&reply[at..end]);
        parser.take_deltas(&mut deltas);
        (at, step) = (end, (step * 5 + 1) % 1009);
    }
    let pieces = parser.finish_into(Some(&mut deltas));
    let name = format.name();
    assert_eq!(pieces, whole, "{name}: pieces give another reply");
    assert_eq!(joined(deltas), whole.blocks, "{name}: deltas do not add up");
    assert!(options.repair || whole.repairs.is_empty(), "{name}: a repair that was not asked for");
    let length = String::from_utf8_lossy(reply).len();
    for call in whole.calls() {
        assert!(call.span.start <= call.span.end && call.span.end <= length, "{name}: {call:?}");
    }
}

fn joined(deltas: Vec<ReplyDelta>) -> Vec<ReplyBlock> {
    let mut blocks: Vec<ReplyBlock> = Vec::new();
    for delta in deltas {
        match (delta, blocks.last_mut()) {
            (ReplyDelta::Text(new), Some(ReplyBlock::Text(text))) => text.push_str(&new),
            (ReplyDelta::Reasoning(new), Some(ReplyBlock::Reasoning(text))) => text.push_str(&new),
            (ReplyDelta::Text(new), _) => blocks.push(ReplyBlock::Text(new)),
            (ReplyDelta::Reasoning(new), _) => blocks.push(ReplyBlock::Reasoning(new)),
            (ReplyDelta::Call(call), _) => blocks.push(ReplyBlock::Call(call)),
        }
    }
    blocks
}

/// Reads any text as a conversation, which may fail and not panic.
///
/// # Panics
/// A reader does.
pub fn parse_conversation(data: &[u8]) {
    let [index, choice, text @ ..] = data else { return };
    let format = all()[usize::from(*index) % all().len()];
    let text = String::from_utf8_lossy(text);
    let tools = tools();
    let _ = format.parse_conversation(&text, (choice & 1 != 0).then_some(tools.as_slice()));
}

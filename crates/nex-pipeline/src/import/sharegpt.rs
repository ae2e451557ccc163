//! ShareGPT, as LLaMA-Factory has it: `conversations` of `from` and `value`.
//!
//! `function_call` holds a call, or a list of calls, as JSON text; `observation` what they gave
//! back. A call that is no JSON stays text, with a defect. Where several calls share one observation
//! that is a JSON list of as many items, or joined as LLaMA-Factory joins them, each call gets its
//! own. Reasoning stands between `<think>` tags at the start of a reply.

use super::chat::{append_calls, calls_of_text, is_muted};
use super::dialect;
use super::draft::Draft;
use super::fault::Wrong;
use super::json::{Json, Nodes};
use super::openai::notes;
use super::thread::{Thread, reply_blocks, text_blocks};
use super::{Imported, Importer, Room, Sign, SourceAbout, sign};
use nex_tool_formats::{ToolCallFormat, Toolset};
use nex_trajectory::{Defect, DefectKind, Role};

#[derive(Debug)]
pub(super) struct ShareGpt;

impl Importer for ShareGpt {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: "sharegpt",
            reads: "`conversations` of `from` and `value` (LLaMA-Factory and others)",
        }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        let turns = turns(record)?;
        let mut items = turns.items().peekable();
        items.peek()?;
        sign(items.all(|turn| turn.some("from").is_some()), 100, "turns with `from` and `value`")
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let turns = turns(record);
        let turns = turns
            .ok_or_else(|| Wrong::wanted("conversations", "a list of turns", record.get("conversations")))?;
        let tools = room.tools.read(record.some("tools")).map_err(|wrong| wrong.inside("tools"))?;
        let dialect: Option<Dialect> = room.dialect.map(|format| (format, Toolset::new(&tools)));
        let mut thread = Thread::default();
        if let Some(system) = record.text_at("system").filter(|text| !text.is_empty()) {
            thread.push(Role::System, text_blocks(system));
        }
        for (index, item) in turns.items().enumerate() {
            turn(item, &mut thread, dialect.as_ref())
                .map_err(|wrong| wrong.in_item("conversations", index))?;
        }
        if thread.nodes().is_empty() {
            return Err(Wrong::at("conversations", "is empty: there is nothing to learn from"));
        }
        let mut draft = Draft::new(thread.into_trajectory("assistant", tools));
        draft.source_id = record.text_at("id").map(|id| id.into_owned());
        draft.notes = notes(record, &["conversations", "conversation", "messages", "system", "tools", "id"]);
        Ok(vec![draft.into()])
    }
}

/// The tool-call format of raw replies, with the tools that they may call.
type Dialect = (&'static dyn ToolCallFormat, Toolset);

fn turns(record: Json<'_>) -> Option<Json<'_>> {
    let keys = ["conversations", "conversation", "messages"];
    keys.iter().find_map(|key| record.some(key).filter(|turns| turns.is_array()))
}

fn turn(json: Json<'_>, thread: &mut Thread, format: Option<&Dialect>) -> Result<(), Wrong> {
    let from = json.text_at("from").or_else(|| json.text_at("role"));
    let from = from.ok_or_else(|| Wrong::wanted("from", "who speaks", json.get("from")))?;
    let value = json.text_at("value").or_else(|| json.text_at("content"));
    let value = value.ok_or_else(|| Wrong::wanted("value", "text", json.get("value")))?;
    let is_muted = is_muted(json);
    match &*from {
        "system" => drop(thread.push(Role::System, text_blocks(value))),
        "human" | "user" if format.is_some() => dialect::push_user(&value, thread),
        "human" | "user" => drop(thread.push(Role::User, text_blocks(value))),
        "gpt" | "assistant" | "model" | "chatgpt" | "bing" | "bard" => match format {
            Some((format, tools)) => dialect::push_reply(&value, *format, tools, thread, is_muted),
            None => thread.push_reply(reply_blocks(&value)).is_synthetic = is_muted,
        },
        "function_call" | "tool_call" => push_calls(&value, thread, is_muted),
        "observation" | "tool" | "function_response" | "tool_response" | "function" => {
            observe(&value, thread)
        }
        other => {
            let message =
                format!("unknown speaker `{other}`; it is human, gpt, function_call, observation or system");
            return Err(Wrong::at("from", message));
        }
    }
    Ok(())
}

/// Adds the calls that `text` holds, to the reply before it if there is one. Reasoning and words may
/// stand before them; the calls are then between `<tool_call>` tags.
pub(super) fn push_calls(text: &str, thread: &mut Thread, is_muted: bool) {
    let tagged = text.strip_suffix("</tool_call>").and_then(|text| text.split_once("<tool_call>"));
    let (words, calls) = match tagged {
        Some((words, calls)) => (words, calls),
        None => match text.split_once("</think>").filter(|_| text.starts_with("<think>")) {
            Some((thought, calls)) => (&text[..thought.len() + "</think>".len()], calls),
            None => ("", text),
        },
    };
    match calls_of_text(calls, thread) {
        Ok(calls) if words.is_empty() => append_calls(calls, thread, is_muted),
        Ok(calls) => {
            let content = reply_blocks(words).into_iter().chain(calls).collect();
            thread.push_reply(content).is_synthetic = is_muted;
        }
        Err(wrong) => {
            let node = thread.push_reply(text_blocks(text));
            node.is_synthetic = is_muted;
            node.defects.push(Defect::new(DefectKind::MalformedCall, wrong.message));
        }
    }
}

/// What LLaMA-Factory's own converter puts between results that share an observation.
const BETWEEN_RESULTS: &str = "\n</tool_response>\n<tool_response>\n";

fn observe(text: &str, thread: &mut Thread) {
    let calls = match thread.nodes().last() {
        Some(last) if last.message.role == Role::Assistant => last.message.calls().count(),
        _ => 0,
    };
    if calls > 1 {
        let results: Vec<&str> = text.split(BETWEEN_RESULTS).collect();
        if results.len() == calls {
            for result in results {
                thread.result(None, None, text_blocks(result), false);
            }
            return;
        }
        let mut nodes = Nodes::default();
        if let Ok(list) = nodes.parse(text)
            && list.is_array()
            && list.items().count() == calls
        {
            for item in list.items() {
                let text = item.as_str().map_or_else(|| item.raw().to_owned(), |text| text.into_owned());
                thread.result(None, None, text_blocks(text), false);
            }
            return;
        }
    }
    thread.result(None, None, text_blocks(text), false);
}

//! Raw text of a tool-call format: whole conversations, or messages whose replies are raw.
//!
//! ```text
//! {"text": "<|im_start|>system …"}
//! {"messages": [{"role": "assistant", "content": "<tool_call>…"}, …], "tools": […]}
//! ```
//! Which format it is has to be said (`--from hermes`): texts of several look alike.

use super::chat::{is_muted, read_message};
use super::dialect;
use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::openai::notes;
use super::thread::Thread;
use super::{Imported, Importer, Room, Sign, SourceAbout, sign};
use nex_tool_formats::{ToolCallFormat, Toolset};
use nex_trajectory::ToolSpec;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Text;

impl Importer for Text {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: "text",
            reads: "raw text of a tool-call format: `text`, or `messages` with raw replies",
        }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        if record.text_at("text").is_some() && record.some("messages").is_none() {
            return sign(true, 60, "`text`");
        }
        let messages = record.some("messages")?;
        let mut replies = messages.items().filter(|message| {
            message.text_at("role").is_some_and(|role| role == "assistant")
                && message.some("tool_calls").is_none()
        });
        let is_raw = |message: Json<'_>| {
            message.text_at("content").is_some_and(|text| dialect::guess(&text).is_some())
        };
        sign(replies.any(is_raw), 75, "replies with the marks of a tool-call format in their text")
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let Some(format) = room.dialect else {
            let known: Vec<&str> = nex_tool_formats::all().iter().map(|format| format.name()).collect();
            let message =
                format!("raw text needs its format named: --dialect with one of {}", known.join(", "));
            return Err(Wrong::new(message));
        };
        let mut thread = Thread::default();
        let tools = match record.text_at("text") {
            Some(text) => {
                let beside = room.tools.read(record.some("tools")).map_err(|wrong| wrong.inside("tools"))?;
                conversation(&text, format, beside, &mut thread)?
            }
            None => messages(record, format, room, &mut thread)?,
        };
        if thread.nodes().is_empty() {
            return Err(Wrong::new("no message: there is nothing to learn from"));
        }
        let mut draft = Draft::new(thread.into_trajectory("assistant", tools));
        draft.source_id = record.text_at("id").map(|id| id.into_owned());
        draft.notes = notes(record, &["text", "spans", "messages", "tools", "id"]);
        Ok(vec![draft.into()])
    }
}

fn conversation(
    text: &str,
    format: &dyn ToolCallFormat,
    beside: Arc<Vec<ToolSpec>>,
    thread: &mut Thread,
) -> Result<Arc<Vec<ToolSpec>>, Wrong> {
    let known = (!beside.is_empty()).then_some(beside.as_slice());
    let read = dialect::read_conversation(text, format, known);
    let conversation = read.map_err(|error| Wrong::at("text", format!("not {}: {error}", format.name())))?;
    for message in conversation.messages {
        dialect::push_message(message, thread);
    }
    Ok(if beside.is_empty() { Arc::new(conversation.tools) } else { beside })
}

/// Messages in OpenAI's shape whose replies are raw text.
pub(super) fn messages(
    record: Json<'_>,
    format: &dyn ToolCallFormat,
    room: &mut Room,
    thread: &mut Thread,
) -> Result<Arc<Vec<ToolSpec>>, Wrong> {
    let messages = record.some("messages").filter(|messages| messages.is_array());
    let messages =
        messages.ok_or_else(|| Wrong::wanted("text", "text (or `messages`, a list)", record.get("text")))?;
    let tools = room.tools.read(record.some("tools")).map_err(|wrong| wrong.inside("tools"))?;
    let toolset = Toolset::new(&tools);
    for (index, message) in messages.items().enumerate() {
        let role = message.text_at("role");
        match (role.as_deref(), message.text_at("content")) {
            (Some("assistant"), Some(text)) if message.some("tool_calls").is_none() => {
                dialect::push_reply(&text, format, &toolset, thread, is_muted(message));
            }
            (Some("user"), Some(text)) => dialect::push_user(&text, thread),
            _ => read_message(message, thread).map_err(|wrong| wrong.in_item("messages", index))?,
        }
    }
    Ok(tools)
}

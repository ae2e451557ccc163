//! NexGAP's converted files: messages with calls as text (NexAU's XML, or one of the five formats
//! that its converter rewrites it to), or in OpenAI's shape; query and framework beside them.
//!
//! The text format is that of `--dialect`, else it is told by the marks in the record's replies.
//! Its converter leaves results in NexAU's XML whatever the format of the calls, and calls that it
//! could not rewrite too: a reply with NexAU's marks is read as NexAU's.

use super::chat::read_message;
use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::openai::notes;
use super::thread::Thread;
use super::{Imported, Importer, Room, Sign, SourceAbout, dialect, sign};
use nex_tool_formats::{ToolCallFormat, Toolset};

#[derive(Debug)]
pub(super) struct NexGap;

impl Importer for NexGap {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: "nexgap",
            reads: "NexGAP's converted traces: `messages` with text calls, query, framework",
        }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        record.some("messages").filter(|messages| messages.is_array())?;
        let has = |key: &str| record.get(key).is_some();
        if has("langfuse_trace_id") {
            return sign(true, 100, "`messages` with `langfuse_trace_id`");
        }
        sign(
            has("query") && (has("framework") || has("agent_name")),
            95,
            "`messages` with `query` and `framework`",
        )
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let messages = record.some("messages").filter(|messages| messages.is_array());
        let messages = messages
            .ok_or_else(|| Wrong::wanted("messages", "a list of messages", record.get("messages")))?;
        let tools = room.tools.read(record.some("tools")).map_err(|wrong| wrong.inside("tools"))?;
        let toolset = Toolset::new(&tools);
        let mut thread = Thread::default();
        for (index, message) in messages.items().enumerate() {
            let mut read = || -> Result<(), Wrong> {
                let is_native = message.some("tool_calls").is_some();
                let role = message.text_at("role");
                match (role.as_deref(), message.text_at("content")) {
                    (Some("assistant"), Some(text)) if !is_native => match format_of(&text, room.dialect)? {
                        Some(format) => dialect::push_reply(&text, format, &toolset, &mut thread, false),
                        None => read_message(message, &mut thread)?,
                    },
                    (Some("user"), Some(text)) => dialect::push_user(&text, &mut thread),
                    _ => read_message(message, &mut thread)?,
                }
                Ok(())
            };
            read().map_err(|wrong| wrong.in_item("messages", index))?;
        }
        if thread.nodes().is_empty() {
            return Err(Wrong::at("messages", "is empty: there is nothing to learn from"));
        }
        let text =
            |key: &str| record.text_at(key).filter(|text| !text.is_empty()).map(|text| text.into_owned());
        let agent = text("agent_name").unwrap_or_else(|| "assistant".to_owned());
        let mut draft = Draft::new(thread.into_trajectory(&agent, tools));
        draft.source_id = text("langfuse_trace_id");
        draft.instruction = text("query");
        draft.harness = text("framework");
        draft.notes = notes(record, &["messages", "tools", "query"]);
        Ok(vec![draft.into()])
    }
}

/// The format in which the calls of a reply are written; none if it has no mark of one.
fn format_of(
    text: &str,
    named: Option<&'static dyn ToolCallFormat>,
) -> Result<Option<&'static dyn ToolCallFormat>, Wrong> {
    let guessed = match dialect::guess(text) {
        // NexGAP writes unquoted names, and its "openrouter" is Cline's style, which has no mark.
        None if text.contains("<invoke name=") => Some("minimax-m2"),
        None => None,
        Some((name, _)) => Some(name),
    };
    match (guessed, named) {
        (Some("nexau"), _) | (Some(_), None) => dialect::named(guessed.unwrap_or_default()).map(Some),
        (_, Some(named)) => Ok(Some(named)),
        (None, None) => Ok(None),
    }
}

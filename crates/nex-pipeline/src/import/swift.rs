//! ms-swift: messages with the roles `tool_call` and `tool_response`, tools as a JSON string.
//!
//! Calls that follow a reply, or each other, belong to one message of the model. `"loss": false`
//! keeps a message out of the loss. Reasoning stands between `<think>` tags at the start of a reply.

use super::chat::{is_muted, read_message};
use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::openai::notes;
use super::sharegpt::push_calls;
use super::thread::{Thread, reply_blocks};
use super::{Imported, Importer, Room, Sign, SourceAbout, sign};

#[derive(Debug)]
pub(super) struct Swift;

impl Importer for Swift {
    fn about(&self) -> SourceAbout {
        SourceAbout { name: "ms-swift", reads: "`messages` with the roles tool_call and tool_response" }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        let messages = record.some("messages")?;
        let mut roles = messages.items().filter_map(|message| message.text_at("role"));
        if roles.any(|role| matches!(&*role, "tool_call" | "tool_response")) {
            return sign(true, 100, "the roles tool_call and tool_response");
        }
        let has_loss = messages.items().any(|message| message.get("loss").is_some());
        sign(
            has_loss || record.some("tools").is_some_and(|t| t.is_string()),
            60,
            "`loss`, or `tools` as a string",
        )
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let messages = record.some("messages").filter(|messages| messages.is_array());
        let messages = messages
            .ok_or_else(|| Wrong::wanted("messages", "a list of messages", record.get("messages")))?;
        let mut thread = Thread::default();
        for (index, message) in messages.items().enumerate() {
            read(message, &mut thread).map_err(|wrong| wrong.in_item("messages", index))?;
        }
        if thread.nodes().is_empty() {
            return Err(Wrong::at("messages", "is empty: there is nothing to learn from"));
        }
        let tools = room.tools.read(record.some("tools")).map_err(|wrong| wrong.inside("tools"))?;
        let mut draft = Draft::new(thread.into_trajectory("assistant", tools));
        draft.source_id = record.text_at("id").map(|id| id.into_owned());
        draft.notes = notes(record, &["messages", "tools", "id"]);
        Ok(vec![draft.into()])
    }
}

fn read(message: Json<'_>, thread: &mut Thread) -> Result<(), Wrong> {
    let role = message.text_at("role");
    let is_native = message.some("tool_calls").is_some() || message.some("reasoning_content").is_some();
    match (role.as_deref(), message.text_at("content")) {
        (Some("tool_call"), Some(text)) => push_calls(&text, thread, is_muted(message)),
        (Some("assistant"), Some(text)) if !is_native => {
            thread.push_reply(reply_blocks(&text)).is_synthetic = is_muted(message);
        }
        _ => return read_message(message, thread),
    }
    Ok(())
}

//! OpenAI's Responses API: items of `input` and `output`.
//!
//! Items of one reply stand apart (reasoning, message, calls); neighbours of the model become one
//! message again, and so do neighbouring results. Reasoning is what the summary says; the
//! encrypted content, where there is one, is kept as its signature.

use super::chat::{arguments_text, content_at, result_content};
use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::openai::{Exchange, branched, finish_reason, notes, turn};
use super::thread::{Thread, call, text_blocks};
use super::{Imported, Room};
use nex_trajectory::{CallId, ContentBlock, Role};

/// Whether these are a request or a reply of that API.
pub(super) fn is_one(request: Json<'_>, response: Option<Json<'_>>) -> bool {
    let is_items = |json: Option<Json<'_>>| {
        json.is_some_and(|items| {
            let mut items = items.items().peekable();
            items.peek().is_some()
                && items.all(|item| item.get("type").is_some() || item.get("role").is_some())
        })
    };
    let is_response = |json: Json<'_>| json.text_at("object").is_some_and(|object| object == "response");
    request.some("messages").is_none()
        && (is_items(request.some("input")) && request.some("input").is_some_and(|input| input.is_array())
            || is_items(request.some("output"))
            || is_response(request)
            || response.is_some_and(|r| is_response(r) || is_items(r.some("output"))))
}

pub(super) fn read(
    record: Json<'_>,
    exchange: &Exchange<'_>,
    room: &mut Room,
) -> Result<Vec<Imported>, Wrong> {
    let Exchange { request, response } = *exchange;
    let mut reader = Reader::default();
    let response = response.unwrap_or(request);
    if let Some(instructions) = request.text_at("instructions").or_else(|| response.text_at("instructions")) {
        reader.thread.push(Role::System, text_blocks(instructions));
    }
    match request.some("input") {
        Some(input) if input.is_string() => {
            let text = input.as_str().unwrap_or_default();
            reader.thread.push(Role::User, text_blocks(text));
        }
        Some(input) => reader.items(input, "input")?,
        None => {}
    }
    reader.flush();
    let said_before = reader.thread.nodes().len();
    if let Some(output) = response.some("output") {
        reader.items(output, "output")?;
    }
    reader.flush();
    let mut thread = reader.thread;
    if thread.nodes().is_empty() {
        return Err(Wrong::new("neither `input` nor `output` holds an item"));
    }
    if thread.nodes().len() > said_before {
        let reason = match response.text_at("status").as_deref() {
            Some("incomplete") => response.some("incomplete_details").and_then(|d| d.text_at("reason")),
            _ => None,
        };
        let has_calls = thread.nodes().last().is_some_and(|last| last.message.calls().next().is_some());
        let reason = reason.as_deref().or(has_calls.then_some("tool_calls"));
        let turn = turn("openai", response, finish_reason(reason));
        if let Some(last) = thread.last_mut().filter(|last| last.message.role == Role::Assistant) {
            last.turn = Some(turn);
        }
    }
    let tools = request.some("tools").or_else(|| response.some("tools"));
    let tools = room.tools.read(tools).map_err(|wrong| wrong.inside("tools"))?;
    let mut draft = Draft::new(branched(thread, Vec::new(), tools));
    draft.driver =
        response.text_at("model").or_else(|| request.text_at("model")).map(|m| format!("openai:{m}"));
    draft.source_id = record.text_at("id").or_else(|| response.text_at("id")).map(|id| id.into_owned());
    if record.some("object").is_none() {
        draft.notes = notes(
            record,
            &[
                "request",
                "response",
                "input",
                "output",
                "instructions",
                "tools",
                "model",
                "id",
                "usage",
                "body",
            ],
        );
    }
    Ok(vec![draft.into()])
}

/// Items one after the other; what the model wrote is collected until someone else speaks.
#[derive(Default)]
struct Reader {
    thread: Thread,
    reply: Vec<ContentBlock>,
}

impl Reader {
    fn items(&mut self, items: Json<'_>, key: &str) -> Result<(), Wrong> {
        for (index, item) in items.items().enumerate() {
            self.item(item).map_err(|wrong| wrong.in_item(key, index))?;
        }
        Ok(())
    }

    fn flush(&mut self) {
        if !self.reply.is_empty() {
            self.thread.push_reply(std::mem::take(&mut self.reply));
        }
    }

    fn item(&mut self, item: Json<'_>) -> Result<(), Wrong> {
        let kind = item.text_at("type");
        match kind.as_deref().unwrap_or("message") {
            "message" => self.message(item),
            "reasoning" => {
                let texts = |key: &str| -> Vec<String> {
                    let parts = item.some(key).map(|parts| parts.items());
                    parts
                        .into_iter()
                        .flatten()
                        .filter_map(|p| Some(p.text_at("text")?.into_owned()))
                        .collect()
                };
                let texts = [texts("content"), texts("summary")].into_iter().find(|texts| !texts.is_empty());
                let text = texts.unwrap_or_default().join("\n");
                let signature = item.text_at("encrypted_content").map(|text| text.into_owned());
                if !text.is_empty() || signature.is_some() {
                    self.reply.push(ContentBlock::Reasoning { text, signature });
                }
                Ok(())
            }
            "function_call" | "custom_tool_call" => {
                let name = item.text_at("name");
                let name = name.ok_or_else(|| Wrong::wanted("name", "the tool's name", item.get("name")))?;
                let id = item.text_at("call_id").or_else(|| item.text_at("id"));
                let id = id.map_or_else(|| self.thread.make_id(), |id| CallId(id.into_owned()));
                let arguments = item.some("arguments").or_else(|| item.some("input"));
                self.reply.push(call(id, name, arguments_text(arguments)));
                Ok(())
            }
            "function_call_output" | "custom_tool_call_output" => {
                self.flush();
                let id = item.text_at("call_id").map(|id| CallId(id.into_owned()));
                let content = result_content(item.get("output")).map_err(|wrong| wrong.inside("output"))?;
                self.thread.result(id, None, content, false);
                Ok(())
            }
            other => {
                let message = format!(
                    "an item of type `{other}` has no place in the record (messages, reasoning, function calls \
                     and their outputs have)"
                );
                Err(Wrong::at("type", message))
            }
        }
    }

    fn message(&mut self, item: Json<'_>) -> Result<(), Wrong> {
        let role = item.text_at("role").ok_or_else(|| Wrong::wanted("role", "a role", item.get("role")))?;
        let content = content_at(item, "content")?;
        let role = match &*role {
            "assistant" => {
                self.reply.extend(content);
                return Ok(());
            }
            "system" | "developer" => Role::System,
            "user" => Role::User,
            other => {
                let message = format!("unknown role `{other}`; it is system, developer, user or assistant");
                return Err(Wrong::at("role", message));
            }
        };
        self.flush();
        self.thread.push(role, content);
        Ok(())
    }
}

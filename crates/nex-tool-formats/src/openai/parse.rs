//! Reading messages: one reply, or a whole document.

use super::wire::{Content, Read, WireCall, WireMessage};
use crate::builder::{ReplyBuilder, TextRules};
use crate::document::whole_objects;
use crate::{Conversation, ConversationError, Toolset, json};
use nex_trajectory::{CallId, ContentBlock, DefectKind, ImageSource, Message, Role, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

#[derive(Deserialize)]
struct WireDocument<'a> {
    #[serde(borrow)]
    messages: Vec<&'a RawValue>,
    #[serde(default)]
    tools: Vec<WireTool>,
}

#[derive(Deserialize)]
struct WireTool {
    function: WireToolFunction,
}

#[derive(Deserialize)]
struct WireToolFunction {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default = "any_object")]
    parameters: Value,
}

fn any_object() -> Value {
    serde_json::json!({"type": "object", "properties": {}})
}

/// How a call begins, as servers and we write it.
const CALLS: [&str; 4] = ["{\"id\":", "{\"type\":\"function\"", "{\"type\": \"function\"", "{\"function\":"];

/// One assistant message.
pub(super) fn reply(text: &str, out: &mut ReplyBuilder) {
    if text.is_empty() {
        return;
    }
    match WireMessage::read(text) {
        Ok(Read { message, broken_at: None }) => push_reply(message, out),
        Ok(Read { message, broken_at: Some(broken_at) }) => {
            let cause = json::error(text);
            out.defect(DefectKind::InvalidJson, broken_at, format!("not an assistant message: {cause}"));
            push_broken(text, message, out);
        }
        // What cannot be read stays text, so that the record has it.
        Err(cause) => {
            let kind = if json::is_value(text) { DefectKind::MalformedCall } else { DefectKind::InvalidJson };
            out.defect(kind, 0, format!("not an assistant message: {cause}"));
            out.text(text, 0);
        }
    }
}

/// What is whole in a message that is not; the rest stays text.
fn push_broken(text: &str, message: WireMessage<'_>, out: &mut ReplyBuilder) {
    let from = message.calls.last().map_or(0, |call| call.at + call.json.len());
    let calls = whole_objects(text, from, &CALLS).into_iter().map(|span| WireCall::at(text, span));
    let calls: Vec<WireCall<'_>> = calls.filter(|call| call.function.is_some()).collect();
    let is_readable = !message.calls.is_empty() || !calls.is_empty() || message.says_something();
    if !is_readable {
        return out.text(text, 0);
    }
    push_reply(message, out);
    let mut at = from;
    for call in calls {
        let end = call.at + call.json.len();
        let between = &text[at..call.at];
        if from > 0 && !between.trim_matches([',', ' ', '\n']).is_empty() {
            out.unread_call(between);
        }
        push_call(call, out);
        at = end;
    }
    if at > 0 && !text[at..].trim().is_empty() {
        out.unread_call(&text[at..]);
    }
}

fn push_reply(message: WireMessage<'_>, out: &mut ReplyBuilder) {
    out.reasoning(&message.reasoning.unwrap_or_default());
    match message.content {
        Content::Text(text) => out.text(&text, 0),
        Content::Parts(parts) => match blocks(Content::Parts(parts)) {
            Ok(content) => out.text(&Message { role: Role::Assistant, content }.text(), 0),
            Err(cause) => out.defect(DefectKind::MalformedCall, 0, cause),
        },
    }
    for call in message.calls {
        push_call(call, out);
    }
}

fn push_call(call: WireCall<'_>, out: &mut ReplyBuilder) {
    let WireCall { id, function, json, at } = call;
    let (Some(name), arguments) = function.unwrap_or_default() else {
        let message = "not a call: it has no `function` with a `name`";
        out.defect(DefectKind::MalformedCall, at, message);
        return out.unread_call(json);
    };
    let arguments = arguments.unwrap_or("\"\"");
    let text = json::unescape(arguments).unwrap_or_else(|| {
        out.defect(DefectKind::MalformedCall, at, "`arguments` is not a string of JSON");
        Cow::Borrowed(arguments)
    });
    if out.tools().is_empty() && !text.trim().is_empty() && !json::is_value(&text) {
        let message = format!("the arguments of `{name}` are no JSON: {}", json::error(&text));
        out.defect(DefectKind::InvalidJson, at, message);
    }
    out.call(id, name, text.into_owned(), at..at + json.len());
}

/// A whole document.
pub(super) fn conversation(
    text: &str,
    tools: Option<&[ToolSpec]>,
) -> Result<Conversation, ConversationError> {
    let document: WireDocument<'_> = serde_json::from_str(text).map_err(|cause| ConversationError {
        offset_bytes: offset_of(text, &cause),
        message: format!("not a document of `messages` and `tools`: {cause}"),
    })?;
    let declared = document.tools.into_iter().map(|WireTool { function }| ToolSpec {
        name: function.name,
        description: function.description,
        input_schema: function.parameters,
    });
    let mut reader = Reader::default();
    for raw in document.messages {
        let offset_bytes = raw.get().as_ptr() as usize - text.as_ptr() as usize;
        reader.message(raw.get()).map_err(|message| ConversationError { offset_bytes, message })?;
    }
    let tools = tools.map_or_else(|| declared.collect(), <[ToolSpec]>::to_vec);
    Ok(Conversation { tools, messages: reader.messages })
}

fn offset_of(text: &str, error: &serde_json::Error) -> usize {
    let line_start: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (line_start + error.column().saturating_sub(1)).min(text.len())
}

#[derive(Default)]
struct Reader {
    messages: Vec<Message>,
    calls_made: usize,
    tool_names: HashMap<CallId, String>,
}

impl Reader {
    fn message(&mut self, source: &str) -> Result<(), String> {
        let Read { message, .. } =
            WireMessage::read(source).map_err(|cause| format!("not a message: {cause}"))?;
        let role = message.role.clone();
        let plain =
            |role, message: WireMessage<'_>| blocks(message.content).map(|content| Message { role, content });
        let message = match role.as_deref() {
            Some("system" | "developer") => plain(Role::System, message)?,
            Some("user") => plain(Role::User, message)?,
            Some("assistant") => {
                let calls_made = &mut self.calls_made;
                let mut reply = ReplyBuilder::new(TextRules::default(), &Toolset::default(), false);
                push_reply(message, &mut reply);
                let message = reply.finish().into_message(|| {
                    *calls_made += 1;
                    CallId(format!("call_{}", *calls_made - 1))
                });
                let names = message.calls().map(|call| (call.id.clone(), call.name.clone()));
                self.tool_names.extend(names);
                message
            }
            Some("tool") => return self.result(message),
            Some(other) => {
                return Err(format!("unknown role `{other}`; it is system, user, assistant or tool"));
            }
            None => return Err("the message has no `role`".to_owned()),
        };
        self.messages.push(message);
        Ok(())
    }

    /// Results of one turn are neighbours, and become one message.
    fn result(&mut self, message: WireMessage<'_>) -> Result<(), String> {
        let call_id = message.tool_call_id.ok_or("a tool message has no `tool_call_id`")?;
        let call_id = CallId(call_id.into_owned());
        let name = message.name.map(Cow::into_owned);
        let name = name.or_else(|| self.tool_names.get(&call_id).cloned()).unwrap_or_default();
        let content = blocks(message.content)?;
        let result = ContentBlock::ToolResult(ToolResult { call_id, name, content, is_error: false });
        match self.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.content.push(result),
            _ => self.messages.push(Message { role: Role::Tool, content: vec![result] }),
        }
        Ok(())
    }
}

/// A message's content as blocks.
fn blocks(content: Content<'_>) -> Result<Vec<ContentBlock>, String> {
    #[derive(Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum Part {
        Text { text: String },
        ImageUrl { image_url: ImageUrl },
    }
    #[derive(Deserialize)]
    struct ImageUrl {
        url: String,
    }
    let parts = match content {
        Content::Text(text) if text.is_empty() => return Ok(Vec::new()),
        Content::Text(text) => return Ok(vec![ContentBlock::Text { text: text.into_owned() }]),
        Content::Parts(parts) => parts,
    };
    let parts: Vec<Part> = serde_json::from_str(parts)
        .map_err(|cause| format!("`content` is neither text nor parts of text and images: {cause}"))?;
    let block = |part| match part {
        Part::Text { text } => ContentBlock::Text { text },
        Part::ImageUrl { image_url } => ContentBlock::Image(image(image_url.url)),
    };
    Ok(parts.into_iter().map(block).collect())
}

fn image(url: String) -> ImageSource {
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) => {
            ImageSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => ImageSource::Url { url },
    }
}

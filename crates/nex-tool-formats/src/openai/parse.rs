//! Reading messages: one reply, or a whole document.

use crate::builder::{ReplyBuilder, TextRules};
use crate::{Conversation, ConversationError, Toolset};
use nex_trajectory::{CallId, ContentBlock, DefectKind, ImageSource, Message, Role, ToolResult, ToolSpec};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// A message as it stands in JSON, its calls not looked into yet: one that is wrong must not lose
/// the others.
#[derive(Deserialize)]
struct WireMessage<'a> {
    role: Option<String>,
    #[serde(default)]
    content: Value,
    #[serde(default, alias = "reasoning")]
    reasoning_content: Option<String>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<&'a RawValue>>,
    tool_call_id: Option<CallId>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct WireCall<'a> {
    id: Option<CallId>,
    #[serde(borrow)]
    function: WireFunction<'a>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    name: String,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

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

/// One assistant message.
pub(super) fn reply(text: &str, out: &mut ReplyBuilder) {
    match serde_json::from_str::<WireMessage<'_>>(text) {
        Ok(message) => read_reply(message, text, out),
        // What cannot be read stays text, so that the record has it.
        Err(error) => {
            if !text.is_empty() {
                let kind = if error.is_data() { DefectKind::MalformedCall } else { DefectKind::InvalidJson };
                out.defect(kind, 0, format!("not an assistant message: {error}"));
                out.text(text, 0);
            }
        }
    }
}

/// `message`, which stands somewhere in `source`.
fn read_reply(message: WireMessage<'_>, source: &str, out: &mut ReplyBuilder) {
    out.reasoning(&message.reasoning_content.unwrap_or_default());
    match blocks(message.content) {
        Ok(content) => out.text(&Message { role: Role::Assistant, content }.text(), 0),
        Err(cause) => out.defect(DefectKind::MalformedCall, 0, cause),
    }
    for raw in message.tool_calls.unwrap_or_default() {
        let start = raw.get().as_ptr() as usize - source.as_ptr() as usize;
        match serde_json::from_str::<WireCall<'_>>(raw.get()) {
            Ok(WireCall { id, function: WireFunction { name, arguments } }) => {
                let arguments = arguments.map_or("\"\"", RawValue::get);
                let text = serde_json::from_str::<String>(arguments).unwrap_or_else(|_| {
                    out.defect(DefectKind::MalformedCall, start, "`arguments` is not a string of JSON");
                    arguments.to_owned()
                });
                out.call(id, name, text, start..start + raw.get().len());
            }
            Err(error) => {
                out.defect(DefectKind::MalformedCall, start, format!("not a call: {error}"));
                out.unread_call(raw.get());
            }
        }
    }
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
        let message: WireMessage<'_> =
            serde_json::from_str(source).map_err(|cause| format!("not a message: {cause}"))?;
        let plain = |role| blocks(message.content.clone()).map(|content| Message { role, content });
        let message = match message.role.as_deref() {
            Some("system" | "developer") => plain(Role::System)?,
            Some("user") => plain(Role::User)?,
            Some("assistant") => {
                let calls_made = &mut self.calls_made;
                let mut reply = ReplyBuilder::new(TextRules::default(), &Toolset::default(), false);
                read_reply(message, source, &mut reply);
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
        let name = message.name.or_else(|| self.tool_names.get(&call_id).cloned()).unwrap_or_default();
        let content = blocks(message.content)?;
        let result = ContentBlock::ToolResult(ToolResult { call_id, name, content, is_error: false });
        match self.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.content.push(result),
            _ => self.messages.push(Message { role: Role::Tool, content: vec![result] }),
        }
        Ok(())
    }
}

/// A message's content: nothing, a string, or parts.
fn blocks(content: Value) -> Result<Vec<ContentBlock>, String> {
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
    match content {
        Value::Null => Ok(Vec::new()),
        Value::String(text) if text.is_empty() => Ok(Vec::new()),
        Value::String(text) => Ok(vec![ContentBlock::Text { text }]),
        parts => {
            let parts: Vec<Part> = serde_json::from_value(parts).map_err(|cause| {
                format!("`content` is neither text nor parts of text and images: {cause}")
            })?;
            Ok(parts
                .into_iter()
                .map(|part| match part {
                    Part::Text { text } => ContentBlock::Text { text },
                    Part::ImageUrl { image_url } => ContentBlock::Image(image(image_url.url)),
                })
                .collect())
        }
    }
}

fn image(url: String) -> ImageSource {
    match url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        Some((media_type, data)) => {
            ImageSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => ImageSource::Url { url },
    }
}

//! A [`ChatRequest`] as the body of a messages request.
//!
//! Leading system messages become `system`; later ones are user text. Messages of one role that
//! follow each other are one message, so that all results of a turn stand together. Reasoning goes
//! back only with its signature, because the provider checks it. Ids and names that this wire does
//! not allow (they came from another model) have the wrong characters replaced.

use crate::json::{is_json_object, unparsed_arguments, write, write_extra, write_pair};
use crate::{ChatRequest, LlmError, Sampling};
use nex_trajectory::{ContentBlock, ImageSource, Message, Role, ToolCall, ToolResult, ToolSpec};
use std::borrow::Cow;
use std::sync::Arc;

const RESERVED: [&str; 5] = ["model", "messages", "system", "tools", "stream"];

/// Marks a signature that stands for a whole hidden reasoning block.
pub(super) const REDACTED: &str = "redacted:";

/// What is the same in every request of one model.
pub(super) struct RequestEncoder {
    /// `{"model":"…"`
    head: Vec<u8>,
    stream: bool,
    default_max_tokens: u32,
}

impl RequestEncoder {
    pub(super) fn new(model: &str, stream: bool, default_max_tokens: u32) -> Self {
        let mut head = br#"{"model":"#.to_vec();
        write(&mut head, model);
        Self { head, stream, default_max_tokens }
    }

    pub(super) fn encode(&self, request: &ChatRequest<'_>) -> Result<Vec<u8>, LlmError> {
        let tools =
            (!request.tools.specs().is_empty()).then(|| request.tools.encoded("anthropic", encode_tools));
        let tools_len = tools.as_ref().map_or(0, |tools| tools.len());
        let mut body = self.head.clone();
        self.encode_sampling(request.sampling, &mut body)?;
        if self.stream {
            body.extend_from_slice(br#","stream":true"#);
        }
        let messages = request.transcript.messages();
        request.transcript.with_encoded(
            "anthropic.system",
            |index, message, out| encode_system(messages, index, message, out),
            |system| {
                if !system.is_empty() {
                    body.extend_from_slice(br#","system":["#);
                    body.extend_from_slice(system);
                    body.push(b']');
                }
            },
        );
        if let Some(tools) = tools {
            body.reserve(tools_len + 16);
            body.extend_from_slice(br#","tools":"#);
            body.extend_from_slice(&tools);
        }
        body.extend_from_slice(br#","messages":["#);
        request.transcript.with_encoded(
            "anthropic",
            |index, message, out| encode_message(messages, index, message, out),
            |encoded| {
                body.reserve_exact(encoded.len() + 2);
                body.extend_from_slice(encoded);
            },
        );
        body.extend_from_slice(b"]}");
        Ok(body)
    }

    /// A key that `extra` names too is left to `extra`.
    fn encode_sampling(&self, sampling: &Sampling, out: &mut Vec<u8>) -> Result<(), LlmError> {
        let is_free = |key: &str| sampling.extra.is_empty() || !sampling.extra.contains_key(key);
        if is_free("max_tokens") {
            write_pair(out, "max_tokens", &sampling.max_tokens.unwrap_or(self.default_max_tokens));
        }
        if let Some(temperature) = sampling.temperature.filter(|_| is_free("temperature")) {
            write_pair(out, "temperature", &temperature);
        }
        if let Some(top_p) = sampling.top_p.filter(|_| is_free("top_p")) {
            write_pair(out, "top_p", &top_p);
        }
        if !sampling.stop.is_empty() && is_free("stop_sequences") {
            write_pair(out, "stop_sequences", &sampling.stop);
        }
        write_extra(out, sampling, &RESERVED)
    }
}

fn encode_tools(specs: &[ToolSpec]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, spec) in specs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"name":"#);
        write(&mut out, &spec.name);
        write_pair(&mut out, "description", &spec.description);
        write_pair(&mut out, "input_schema", &spec.input_schema);
        out.push(b'}');
    }
    out.push(b']');
    out
}

/// Whether the message at `index` belongs to `system`: it and all before it are system messages.
fn is_leading_system(messages: &[Arc<Message>], index: usize) -> bool {
    messages[..=index].iter().all(|message| message.role == Role::System)
}

fn encode_system(messages: &[Arc<Message>], index: usize, message: &Message, out: &mut Vec<u8>) {
    if message.role == Role::System && is_leading_system(messages, index) {
        for block in &message.content {
            write_text_block(block, out);
        }
    }
}

fn wire_role(role: Role) -> &'static str {
    if role == Role::Assistant { "assistant" } else { "user" }
}

fn encode_message(messages: &[Arc<Message>], index: usize, message: &Message, out: &mut Vec<u8>) {
    if message.role == Role::System && is_leading_system(messages, index) {
        return;
    }
    let role = wire_role(message.role);
    let goes_on = !out.is_empty() && wire_role(messages[index - 1].role) == role;
    if goes_on {
        // Reopens the message before: its last two bytes are `]}`.
        out.truncate(out.len() - 2);
        out.push(b',');
    } else {
        if !out.is_empty() {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"role":""#);
        out.extend_from_slice(role.as_bytes());
        out.extend_from_slice(br#"","content":["#);
    }
    let mut content = Vec::new();
    for block in &message.content {
        write_block(block, message.role, &mut content);
    }
    if content.is_empty() {
        // The wire allows no empty message, and dropping one would put two of a role together.
        content.extend_from_slice(br#"{"type":"text","text":"[empty]"}"#);
    }
    out.extend_from_slice(&content);
    out.extend_from_slice(b"]}");
}

/// Appends one block with a comma where one came before; what the wire does not allow is left out.
fn write_block(block: &ContentBlock, role: Role, out: &mut Vec<u8>) {
    match block {
        ContentBlock::Text { .. } => write_text_block(block, out),
        ContentBlock::Reasoning { text, signature: Some(signature) } if role == Role::Assistant => {
            separate(out);
            write_reasoning(text, signature, out);
        }
        ContentBlock::ToolCall(call) if role == Role::Assistant => {
            separate(out);
            write_call(call, out);
        }
        ContentBlock::ToolResult(result) if role != Role::Assistant => {
            separate(out);
            write_result(result, out);
        }
        ContentBlock::Image(image) if role != Role::Assistant => {
            separate(out);
            write_image(image, out);
        }
        ContentBlock::Image(_) => {
            separate(out);
            out.extend_from_slice(br#"{"type":"text","text":"[picture]"}"#);
        }
        ContentBlock::Reasoning { .. } | ContentBlock::ToolCall(_) | ContentBlock::ToolResult(_) => {}
    }
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
}

/// Empty text is refused by the wire, so it is left out.
fn write_text_block(block: &ContentBlock, out: &mut Vec<u8>) {
    let ContentBlock::Text { text } = block else { return };
    if text.trim().is_empty() {
        return;
    }
    separate(out);
    out.extend_from_slice(br#"{"type":"text""#);
    write_pair(out, "text", text);
    out.push(b'}');
}

fn write_reasoning(text: &str, signature: &str, out: &mut Vec<u8>) {
    if let Some(data) = signature.strip_prefix(REDACTED) {
        out.extend_from_slice(br#"{"type":"redacted_thinking""#);
        write_pair(out, "data", data);
    } else {
        out.extend_from_slice(br#"{"type":"thinking""#);
        write_pair(out, "thinking", text);
        write_pair(out, "signature", signature);
    }
    out.push(b'}');
}

fn write_call(call: &ToolCall, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"tool_use""#);
    write_pair(out, "id", &allowed(call.id.as_str()));
    write_pair(out, "name", &allowed(&call.name));
    out.extend_from_slice(br#","input":"#);
    let text = call.arguments.as_text();
    match text.trim().is_empty() {
        true => out.extend_from_slice(b"{}"),
        false if is_json_object(text) => out.extend_from_slice(text.as_bytes()),
        false => out.extend_from_slice(unparsed_arguments(text).as_bytes()),
    }
    out.push(b'}');
}

fn write_result(result: &ToolResult, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"tool_result""#);
    write_pair(out, "tool_use_id", &allowed(result.call_id.as_str()));
    let mut content = Vec::new();
    for block in &result.content {
        match block {
            ContentBlock::Text { .. } => write_text_block(block, &mut content),
            ContentBlock::Image(image) => {
                separate(&mut content);
                write_image(image, &mut content);
            }
            ContentBlock::Reasoning { .. } | ContentBlock::ToolCall(_) | ContentBlock::ToolResult(_) => {}
        }
    }
    if !content.is_empty() {
        out.extend_from_slice(br#","content":["#);
        out.extend_from_slice(&content);
        out.push(b']');
    }
    if result.is_error {
        write_pair(out, "is_error", &true);
    }
    out.push(b'}');
}

fn write_image(image: &ImageSource, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"image","source":{"type":"#);
    match image {
        ImageSource::Base64 { media_type, data } => {
            write(out, "base64");
            write_pair(out, "media_type", media_type);
            write_pair(out, "data", data);
        }
        ImageSource::Url { url } => {
            write(out, "url");
            write_pair(out, "url", url);
        }
    }
    out.extend_from_slice(b"}}");
}

/// `text` in the characters that ids and names may have here.
fn allowed(text: &str) -> Cow<'_, str> {
    let fits = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    if !text.is_empty() && text.chars().all(fits) {
        return Cow::Borrowed(text);
    }
    let replaced: String =
        text.chars().map(|character| if fits(character) { character } else { '_' }).collect();
    Cow::Owned(if replaced.is_empty() { "_".to_owned() } else { replaced })
}

//! A [`ChatRequest`] as the body of a chat completions request.
//!
//! What this wire cannot hold is put as near as it goes: a tool message carries text only, so the
//! pictures of tool results follow in one user message after all results; a picture that the model
//! drew is not sent back but named; arguments that are no JSON are wrapped, because some servers
//! parse them again and would refuse the whole conversation.

use crate::json::{is_json, unparsed_arguments, write, write_extra, write_pair};
use crate::{ChatRequest, LlmError, ReasoningEcho, Sampling};
use nex_trajectory::{ContentBlock, ImageSource, Message, Role, ToolResult, ToolSpec};

const RESERVED: [&str; 6] = ["model", "messages", "tools", "stream", "stream_options", "n"];

/// What is the same in every request of one model.
pub(super) struct RequestEncoder {
    /// `{"model":"…","messages":[`
    head: Vec<u8>,
    stream: bool,
    echo: ReasoningEcho,
    max_tokens_key: &'static str,
}

impl RequestEncoder {
    pub(super) fn new(model: &str, base_url: &str, stream: bool, echo: ReasoningEcho) -> Self {
        let mut head = br#"{"model":"#.to_vec();
        write(&mut head, model);
        head.extend_from_slice(br#","messages":["#);
        // OpenAI's reasoning models refuse the old key; most other servers know only that one.
        let is_hosted = base_url.contains("//api.openai.com") || base_url.contains(".openai.azure.com");
        let max_tokens_key = if is_hosted { "max_completion_tokens" } else { "max_tokens" };
        Self { head, stream, echo, max_tokens_key }
    }

    pub(super) fn encode(&self, request: &ChatRequest<'_>) -> Result<Vec<u8>, LlmError> {
        let tools =
            (!request.tools.specs().is_empty()).then(|| request.tools.encoded("openai", encode_tools));
        let tools_len = tools.as_ref().map_or(0, |tools| tools.len());
        let echo = self.echo;
        let mut body = request.transcript.with_encoded(
            dialect(echo),
            |_, message, out| encode_message(message, echo, out),
            |messages| {
                let mut body = Vec::with_capacity(self.head.len() + messages.len() + tools_len + 256);
                body.extend_from_slice(&self.head);
                body.extend_from_slice(messages);
                body
            },
        );
        body.push(b']');
        if let Some(tools) = tools {
            body.extend_from_slice(br#","tools":"#);
            body.extend_from_slice(&tools);
        }
        self.encode_sampling(request.sampling, &mut body)?;
        if self.stream {
            body.extend_from_slice(br#","stream":true,"stream_options":{"include_usage":true}"#);
        }
        body.push(b'}');
        Ok(body)
    }

    /// A key that `extra` names too is left to `extra`.
    fn encode_sampling(&self, sampling: &Sampling, out: &mut Vec<u8>) -> Result<(), LlmError> {
        let is_free = |key: &str| sampling.extra.is_empty() || !sampling.extra.contains_key(key);
        if let Some(temperature) = sampling.temperature.filter(|_| is_free("temperature")) {
            write_pair(out, "temperature", &temperature);
        }
        if let Some(top_p) = sampling.top_p.filter(|_| is_free("top_p")) {
            write_pair(out, "top_p", &top_p);
        }
        let may_limit = is_free("max_tokens") && is_free("max_completion_tokens");
        if let Some(max_tokens) = sampling.max_tokens.filter(|_| may_limit) {
            write_pair(out, self.max_tokens_key, &max_tokens);
        }
        if !sampling.stop.is_empty() && is_free("stop") {
            write_pair(out, "stop", &sampling.stop);
        }
        if let Some(seed) = sampling.seed.filter(|_| is_free("seed")) {
            write_pair(out, "seed", &seed);
        }
        if sampling.logprobs && is_free("logprobs") {
            write_pair(out, "logprobs", &true);
        }
        write_extra(out, sampling, &RESERVED)
    }
}

/// The encoding depends on how reasoning goes back, so each way is a dialect of its own.
fn dialect(echo: ReasoningEcho) -> &'static str {
    match echo {
        ReasoningEcho::Omit => "openai",
        ReasoningEcho::ReasoningContent => "openai+reasoning_content",
        ReasoningEcho::Reasoning => "openai+reasoning",
    }
}

fn encode_tools(specs: &[ToolSpec]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, spec) in specs.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"type":"function","function":{"name":"#);
        write(&mut out, &spec.name);
        write_pair(&mut out, "description", &spec.description);
        write_pair(&mut out, "parameters", &spec.input_schema);
        out.extend_from_slice(b"}}");
    }
    out.push(b']');
    out
}

/// Opens one message object, with a comma where one came before.
fn open(role: &str, out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(br#"{"role":""#);
    out.extend_from_slice(role.as_bytes());
    out.push(b'"');
}

fn encode_message(message: &Message, echo: ReasoningEcho, out: &mut Vec<u8>) {
    match message.role {
        Role::System | Role::User => {
            open(message.role.as_str(), out);
            write_content(&message.content, out);
            out.push(b'}');
        }
        Role::Assistant => encode_assistant(message, echo, out),
        Role::Tool => encode_results(message, out),
    }
}

/// Text alone as a string, as every server takes it; with pictures as parts.
fn write_content(content: &[ContentBlock], out: &mut Vec<u8>) {
    out.extend_from_slice(br#","content":"#);
    if !content.iter().any(|block| matches!(block, ContentBlock::Image(_))) {
        write_text(content, out);
        return;
    }
    out.push(b'[');
    let mut is_first = true;
    for block in content {
        match block {
            ContentBlock::Text { text } => {
                separate(&mut is_first, out);
                write_text_part(text, out);
            }
            ContentBlock::Image(image) => {
                separate(&mut is_first, out);
                write_image_part(image, out);
            }
            ContentBlock::Reasoning { .. } | ContentBlock::ToolCall(_) | ContentBlock::ToolResult(_) => {}
        }
    }
    out.push(b']');
}

fn separate(is_first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(is_first) {
        out.push(b',');
    }
}

fn write_text_part(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"text","text":"#);
    write(out, text);
    out.push(b'}');
}

fn write_image_part(image: &ImageSource, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"image_url","image_url":{"url":"#);
    match image {
        ImageSource::Base64 { media_type, data } => write(out, &format!("data:{media_type};base64,{data}")),
        ImageSource::Url { url } => write(out, url),
    }
    out.extend_from_slice(b"}}");
}

/// All text blocks as one string, joined by line breaks; no copy where there is one.
fn write_text(content: &[ContentBlock], out: &mut Vec<u8>) {
    let mut texts = content.iter().filter_map(|block| match block {
        ContentBlock::Text { text } => Some(text.as_str()),
        _ => None,
    });
    match (texts.next(), texts.next()) {
        (None, _) => out.extend_from_slice(br#""""#),
        (Some(text), None) => write(out, text),
        (Some(first), Some(second)) => {
            let joined = [first, second].into_iter().chain(texts).collect::<Vec<_>>().join("\n");
            write(out, &joined);
        }
    }
}

fn encode_assistant(message: &Message, echo: ReasoningEcho, out: &mut Vec<u8>) {
    open("assistant", out);
    let has_calls = message.calls().next().is_some();
    let mut said: Vec<&str> = Vec::new();
    for block in &message.content {
        match block {
            ContentBlock::Text { text } => said.push(text),
            ContentBlock::Image(_) => said.push("[picture]"),
            ContentBlock::Reasoning { .. } | ContentBlock::ToolCall(_) | ContentBlock::ToolResult(_) => {}
        }
    }
    out.extend_from_slice(br#","content":"#);
    match said.as_slice() {
        [] if has_calls => out.extend_from_slice(b"null"),
        [one] => write(out, one),
        several => write(out, &several.join("\n")),
    }
    match echo {
        ReasoningEcho::Omit => {}
        ReasoningEcho::ReasoningContent => write_reasoning("reasoning_content", message, out),
        ReasoningEcho::Reasoning => write_reasoning("reasoning", message, out),
    }
    if has_calls {
        write_calls(message, out);
    }
    out.push(b'}');
}

fn write_reasoning(key: &str, message: &Message, out: &mut Vec<u8>) {
    let texts: Vec<&str> = message
        .content
        .iter()
        .filter_map(|block| match block {
            ContentBlock::Reasoning { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if !texts.is_empty() {
        write_pair(out, key, &texts.join("\n"));
    }
}

fn write_calls(message: &Message, out: &mut Vec<u8>) {
    out.extend_from_slice(br#","tool_calls":["#);
    let mut is_first = true;
    for call in message.calls() {
        separate(&mut is_first, out);
        out.extend_from_slice(br#"{"id":"#);
        write(out, &call.id);
        out.extend_from_slice(br#","type":"function","function":{"name":"#);
        write(out, &call.name);
        let text = call.arguments.as_text();
        match text.trim().is_empty() {
            true => write_pair(out, "arguments", "{}"),
            false if is_json(text) => write_pair(out, "arguments", text),
            false => write_pair(out, "arguments", &unparsed_arguments(text)),
        }
        out.extend_from_slice(b"}}");
    }
    out.push(b']');
}

fn encode_results(message: &Message, out: &mut Vec<u8>) {
    for result in message.results() {
        open("tool", out);
        write_pair(out, "tool_call_id", &result.call_id);
        out.extend_from_slice(br#","content":"#);
        write_text(&result.content, out);
        out.push(b'}');
    }
    let is_picture = |block: &ContentBlock| matches!(block, ContentBlock::Image(_));
    let with_pictures: Vec<&ToolResult> =
        message.results().filter(|result| result.content.iter().any(is_picture)).collect();
    if with_pictures.is_empty() {
        return;
    }
    open("user", out);
    out.extend_from_slice(br#","content":["#);
    let mut is_first = true;
    for result in with_pictures {
        separate(&mut is_first, out);
        write_text_part(
            &format!("Pictures of the result of call {} ({}):", result.call_id, result.name),
            out,
        );
        for block in &result.content {
            if let ContentBlock::Image(image) = block {
                separate(&mut is_first, out);
                write_image_part(image, out);
            }
        }
    }
    out.extend_from_slice(b"]}");
}

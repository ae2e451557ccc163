//! Messages bodies and events as a [`ChatReply`].
//!
//! Hidden reasoning is kept as a reasoning block without text, its data in the signature behind
//! `redacted:`, so that it can be sent back. Blocks of server-side tools are not kept.

use super::request::REDACTED;
use super::wire::{Block, Delta, Event, Text, WireMessage, WireUsage};
use crate::endpoint::Endpoint;
use crate::parts::Parts;
use crate::stream::Progress;
use crate::{ChatReply, ChatRequest, LlmError};
use nex_trajectory::{ContentBlock, FinishReason, Message, ModelIdentity, Role, Timing};

/// A reply while it comes in.
pub(super) struct ReplyBuilder<'e> {
    endpoint: &'e Endpoint,
    parts: Parts,
    open: Vec<OpenBlock>,
    model: Option<String>,
    stop_reason: Option<String>,
    usage: WireUsage,
    is_complete: bool,
}

/// A streamed block: its index on the wire and its place among the parts.
struct OpenBlock {
    index: u32,
    place: usize,
}

impl<'e> ReplyBuilder<'e> {
    pub(super) fn new(endpoint: &'e Endpoint) -> Self {
        Self {
            endpoint,
            parts: Parts::default(),
            open: Vec::new(),
            model: None,
            stop_reason: None,
            usage: WireUsage::default(),
            is_complete: false,
        }
    }

    /// A whole reply.
    pub(super) fn body(&mut self, body: &[u8]) -> Result<(), LlmError> {
        let text = std::str::from_utf8(body).map_err(|_| self.endpoint.broken("the reply is not UTF-8"))?;
        let message: WireMessage<'_> =
            serde_json::from_str(text).map_err(|error| self.garbage(&error, text))?;
        if message.kind.0 == "error" {
            return Err(self.endpoint.complaint(body));
        }
        if message.content.is_none() {
            return Err(self.endpoint.broken("the reply holds no content"));
        }
        self.take_message(message);
        self.is_complete = true;
        Ok(())
    }

    /// One event of a stream.
    pub(super) fn event(&mut self, data: &str) -> Result<Progress, LlmError> {
        let event: Event<'_> = serde_json::from_str(data).map_err(|error| self.garbage(&error, data))?;
        if let Some(usage) = event.usage {
            self.usage.update(usage);
        }
        match event.kind.0.as_ref() {
            "error" => return Err(self.endpoint.complaint(data.as_bytes())),
            "message_start" => event.message.into_iter().for_each(|message| self.take_message(message)),
            "content_block_start" => {
                let place = event.content_block.and_then(|block| self.take_block(block, true));
                if let (Some(place), Some(index)) = (place, event.index) {
                    self.open.push(OpenBlock { index, place });
                }
            }
            "content_block_delta" => {
                if let (Some(delta), Some(index)) = (event.delta, event.index) {
                    self.take_delta(index, delta);
                }
            }
            "message_delta" => {
                if let Some(reason) = event.delta.and_then(|delta| delta.stop_reason) {
                    self.stop_reason = Some(reason.0.into_owned());
                }
            }
            "message_stop" => {
                self.is_complete = true;
                return Ok(Progress::Complete);
            }
            // `ping`, `content_block_stop`, and kinds that the provider may add.
            _ => {}
        }
        Ok(Progress::Open)
    }

    fn garbage(&self, error: &serde_json::Error, text: &str) -> LlmError {
        self.endpoint.broken(format!("{error} in `{}`", text.chars().take(80).collect::<String>()))
    }

    fn take_message(&mut self, message: WireMessage<'_>) {
        self.model = message.model.map(|model| model.0.into_owned()).filter(|model| !model.is_empty());
        self.usage.update(message.usage.unwrap_or_default());
        if let Some(reason) = message.stop_reason {
            self.stop_reason = Some(reason.0.into_owned());
        }
        for block in message.content.unwrap_or_default() {
            self.take_block(block, false);
        }
    }

    /// Adds a block; its place, unless it is of a kind that is not kept. A streamed call starts
    /// with an empty input that its pieces replace.
    fn take_block(&mut self, block: Block<'_>, is_streamed: bool) -> Option<usize> {
        let text = |text: Option<Text<'_>>| text.map_or_else(String::new, |text| text.0.into_owned());
        Some(match block.kind.0.as_ref() {
            "text" => self.parts.block(ContentBlock::Text { text: text(block.text) }),
            "thinking" => {
                let signature =
                    block.signature.map(|text| text.0.into_owned()).filter(|text| !text.is_empty());
                self.parts.block(ContentBlock::Reasoning { text: text(block.thinking), signature })
            }
            "redacted_thinking" => {
                let signature = Some(format!("{REDACTED}{}", text(block.data)));
                self.parts.block(ContentBlock::Reasoning { text: String::new(), signature })
            }
            "tool_use" => {
                let input = block.input.map_or("{}", |input| input.get());
                let input = if is_streamed && input == "{}" { "" } else { input };
                self.parts.call(&text(block.id), &text(block.name), input.to_owned())
            }
            _ => return None,
        })
    }

    fn take_delta(&mut self, index: u32, delta: Delta<'_>) {
        // A delta of a block that is not kept goes nowhere.
        let Some(open) = self.open.iter().rev().find(|open| open.index == index) else { return };
        let block = self.parts.block_at(open.place).expect("an open block has its place");
        match block {
            ContentBlock::Text { text } => text.push_str(delta.text.as_ref().map_or("", |piece| &piece.0)),
            ContentBlock::Reasoning { text, signature } => {
                text.push_str(delta.thinking.as_ref().map_or("", |piece| &piece.0));
                if let Some(piece) = delta.signature.filter(|piece| !piece.0.is_empty()) {
                    signature.get_or_insert_default().push_str(&piece.0);
                }
            }
            ContentBlock::ToolCall(call) => {
                call.arguments.0.push_str(delta.partial_json.as_ref().map_or("", |piece| &piece.0));
            }
            ContentBlock::ToolResult(_) | ContentBlock::Image(_) => {}
        }
    }

    /// The reply, if it is whole.
    pub(super) fn finish(
        mut self,
        request: &ChatRequest<'_>,
        asked_model: &str,
        timing: Timing,
    ) -> Result<ChatReply, LlmError> {
        let Some(stop_reason) = self.stop_reason.take().filter(|_| self.is_complete) else {
            return Err(self.endpoint.broken("the reply ended before it was complete"));
        };
        for OpenBlock { place, .. } in &self.open {
            if let Some(call) = self.parts.call_at(*place).filter(|call| call.arguments.0.is_empty()) {
                call.arguments.0.push_str("{}");
            }
        }
        let (content, defects) = self.parts.finish(request.transcript.messages().len());
        Ok(ChatReply {
            message: Message { role: Role::Assistant, content },
            finish_reason: match stop_reason.as_str() {
                "end_turn" | "stop_sequence" => FinishReason::Stop,
                "tool_use" => FinishReason::ToolCalls,
                "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
                "refusal" => FinishReason::ContentFilter,
                _ => FinishReason::Other(stop_reason),
            },
            usage: self.usage.into(),
            timing,
            model: ModelIdentity {
                provider: "anthropic".to_owned(),
                model: self.model.unwrap_or_else(|| asked_model.to_owned()),
            },
            tokens: None,
            prompt_token_ids: Vec::new(),
            attempts: 1,
            defects,
        })
    }
}

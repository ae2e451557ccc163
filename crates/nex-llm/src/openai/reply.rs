//! Chat completions bodies and events as a [`ChatReply`].
//!
//! A whole reply is taken as one piece, an event as one of many, by the same code. Token ids come
//! from vLLM's `token_ids`, or from tokens written `token_id:7`; log-probabilities without ids are
//! dropped, because they cannot be put beside a sample.

use super::wire::{Choice, Completion, Content, Part, WireCall, WireMessage};
use crate::endpoint::Endpoint;
use crate::parts::Parts;
use crate::stream::Progress;
use crate::{ChatReply, ChatRequest, LlmError};
use nex_trajectory::{
    ContentBlock, FinishReason, ImageSource, Message, ModelIdentity, Role, Timing, TokenSpan, Usage,
};
use std::borrow::Cow;

/// A reply while it comes in.
pub(super) struct ReplyBuilder<'e> {
    endpoint: &'e Endpoint,
    parts: Parts,
    slots: Vec<CallSlot>,
    model: Option<String>,
    finish_reason: Option<FinishReason>,
    is_refusal: bool,
    usage: Option<Usage>,
    token_ids: Vec<u32>,
    prompt_token_ids: Vec<u32>,
    logprobs: Vec<f32>,
    /// Ids out of tokens written `token_id:7`.
    named_ids: Vec<u32>,
    /// `[DONE]` came, or the reply was not a stream.
    is_done: bool,
}

/// Where the pieces of one streamed call go.
struct CallSlot {
    index: Option<u32>,
    id: String,
    place: usize,
}

impl<'e> ReplyBuilder<'e> {
    pub(super) fn new(endpoint: &'e Endpoint) -> Self {
        Self {
            endpoint,
            parts: Parts::default(),
            slots: Vec::new(),
            model: None,
            finish_reason: None,
            is_refusal: false,
            usage: None,
            token_ids: Vec::new(),
            prompt_token_ids: Vec::new(),
            logprobs: Vec::new(),
            named_ids: Vec::new(),
            is_done: false,
        }
    }

    /// A whole reply.
    pub(super) fn body(&mut self, body: &[u8]) -> Result<(), LlmError> {
        let text = std::str::from_utf8(body).map_err(|_| self.endpoint.broken("the reply is not UTF-8"))?;
        self.take(text, false)?;
        self.is_done = true;
        if self.finish_reason.is_none() {
            let has_calls = self.parts.has_calls();
            self.finish_reason = Some(if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop });
        }
        Ok(())
    }

    /// One event of a stream.
    pub(super) fn event(&mut self, data: &str) -> Result<Progress, LlmError> {
        if data.trim() == "[DONE]" {
            self.is_done = true;
            return Ok(Progress::Complete);
        }
        self.take(data, true)?;
        Ok(Progress::Open)
    }

    fn take(&mut self, json: &str, is_delta: bool) -> Result<(), LlmError> {
        let completion: Completion<'_> = serde_json::from_str(json).map_err(|error| {
            self.endpoint.broken(format!("{error} in `{}`", json.chars().take(80).collect::<String>()))
        })?;
        let is_error = completion.object.is_some_and(|object| object.0 == "error");
        if is_error || completion.error.is_some() {
            return Err(self.endpoint.complaint(json.as_bytes()));
        }
        if let (None, Some(model)) = (&self.model, completion.model) {
            self.model = Some(model.0.into_owned()).filter(|model| !model.is_empty());
        }
        if let Some(usage) = completion.usage {
            self.usage = Some(usage.into());
        }
        if let Some(ids) = completion.prompt_token_ids {
            self.prompt_token_ids = ids;
        }
        let choices = completion.choices.unwrap_or_default();
        if !is_delta && choices.is_empty() {
            return Err(self.endpoint.broken("the reply holds no choice"));
        }
        for choice in choices.into_iter().filter(|choice| choice.index.unwrap_or(0) == 0) {
            self.take_choice(choice, is_delta)?;
        }
        Ok(())
    }

    fn take_choice(&mut self, choice: Choice<'_>, is_delta: bool) -> Result<(), LlmError> {
        if let Some(message) = choice.message {
            self.take_message(message, is_delta)?;
        }
        if let Some(reason) = choice.finish_reason.filter(|reason| !reason.0.is_empty()) {
            self.finish_reason = Some(match reason.0.as_ref() {
                "stop" => FinishReason::Stop,
                "tool_calls" | "function_call" => FinishReason::ToolCalls,
                "length" => FinishReason::Length,
                "content_filter" => FinishReason::ContentFilter,
                other => FinishReason::Other(other.to_owned()),
            });
        }
        for token in choice.logprobs.and_then(|logprobs| logprobs.content).unwrap_or_default() {
            let Some(logprob) = token.logprob else { continue };
            self.logprobs.push(logprob as f32);
            let named = token.token.as_ref().and_then(|token| token.0.strip_prefix("token_id:"));
            self.named_ids.extend(named.and_then(|id| id.parse::<u32>().ok()));
        }
        self.token_ids.extend(choice.token_ids.unwrap_or_default());
        if let Some(ids) = choice.prompt_token_ids {
            self.prompt_token_ids = ids;
        }
        Ok(())
    }

    fn take_message(&mut self, message: WireMessage<'_>, is_delta: bool) -> Result<(), LlmError> {
        // Some servers send the same reasoning under both names.
        let reasoning = match message.reasoning_content {
            Some(text) if !text.0.is_empty() => Some(text),
            _ => message.reasoning,
        };
        if let Some(text) = reasoning {
            self.parts.reasoning(text.0);
        }
        match message.content {
            Some(Content::Text(text)) => self.parts.text(text),
            Some(Content::Parts(parts)) => self.take_parts(parts),
            None => {}
        }
        if let Some(text) = message.refusal {
            self.is_refusal |= !text.0.is_empty();
            self.parts.text(text.0);
        }
        self.take_parts(message.images.unwrap_or_default());
        for call in message.tool_calls.unwrap_or_default() {
            if is_delta {
                self.take_call_delta(call)?
            } else {
                self.take_call(call)?
            };
        }
        Ok(())
    }

    fn take_parts(&mut self, parts: Vec<Part<'_>>) {
        for part in parts {
            match part.thinking {
                Some(Content::Text(text)) => self.parts.reasoning(text),
                Some(Content::Parts(inner)) => {
                    inner
                        .into_iter()
                        .filter_map(|part| part.text)
                        .for_each(|text| self.parts.reasoning(text.0));
                }
                None => {}
            }
            if let Some(text) = part.text {
                self.parts.text(text.0);
            }
            if let Some(text) = part.refusal {
                self.is_refusal |= !text.0.is_empty();
                self.parts.text(text.0);
            }
            if let Some(url) = part.image_url.and_then(|image| image.url) {
                self.parts.block(ContentBlock::Image(image_of(&url.0)));
            }
        }
    }

    fn arguments<'t>(&self, call: &'t WireCall<'_>) -> Result<Cow<'t, str>, LlmError> {
        call.function
            .as_ref()
            .map_or(Ok(Cow::Borrowed("")), |function| function.arguments_text())
            .map_err(|error| self.endpoint.broken(format!("a call's arguments: {error}")))
    }

    fn take_call(&mut self, call: WireCall<'_>) -> Result<(), LlmError> {
        let arguments = self.arguments(&call)?.into_owned();
        self.parts.call(id_of(&call), name_of(&call), arguments);
        Ok(())
    }

    /// Pieces belong together by `index`. Where a server repeats an index with a new id, or sends
    /// no index, the id decides; a piece with neither goes on with the last call.
    fn take_call_delta(&mut self, call: WireCall<'_>) -> Result<(), LlmError> {
        let arguments = self.arguments(&call)?;
        let id = id_of(&call);
        let name = name_of(&call);
        let fits = |slot: &&CallSlot| match call.index {
            Some(_) => slot.index == call.index && (id.is_empty() || slot.id.is_empty() || slot.id == id),
            None => id.is_empty() || slot.id == id,
        };
        let Some(slot) = self.slots.iter().rev().find(fits) else {
            let place = self.parts.call(id, name, arguments.into_owned());
            self.slots.push(CallSlot { index: call.index, id: id.to_owned(), place });
            return Ok(());
        };
        let place = slot.place;
        let open = self.parts.call_at(place).expect("a slot's place holds a call");
        if open.id.as_str().is_empty() && !id.is_empty() {
            open.id = id.into();
        }
        // Some servers repeat the whole name in every piece, others send it in pieces.
        if open.name != name {
            open.name.push_str(name);
        }
        open.arguments.0.push_str(&arguments);
        Ok(())
    }

    /// The reply, if it is whole.
    pub(super) fn finish(
        self,
        request: &ChatRequest<'_>,
        asked_model: &str,
        timing: Timing,
        is_framed: bool,
    ) -> Result<ChatReply, LlmError> {
        // A body whose end nothing marks may have lost its last events: then usage, which comes
        // last, has to be there.
        let is_whole = self.is_done || self.finish_reason.is_some() && (is_framed || self.usage.is_some());
        let Some(mut finish_reason) = self.finish_reason.filter(|_| is_whole) else {
            return Err(self.endpoint.broken("the stream ended before the reply was complete"));
        };
        if self.is_refusal {
            finish_reason = FinishReason::ContentFilter;
        }
        let (content, defects) = self.parts.finish(request.transcript.messages().len());
        Ok(ChatReply {
            message: Message { role: Role::Assistant, content },
            finish_reason,
            usage: self.usage.unwrap_or_default(),
            timing,
            model: ModelIdentity {
                provider: "openai".to_owned(),
                model: self.model.unwrap_or_else(|| asked_model.to_owned()),
            },
            tokens: token_span(self.token_ids, self.named_ids, self.logprobs),
            prompt_token_ids: self.prompt_token_ids,
            attempts: 1,
            defects,
        })
    }
}

fn token_span(mut ids: Vec<u32>, named_ids: Vec<u32>, logprobs: Vec<f32>) -> Option<TokenSpan> {
    if ids.is_empty() && named_ids.len() == logprobs.len() {
        ids = named_ids;
    }
    if ids.is_empty() {
        return None;
    }
    let is_sampled = vec![true; ids.len()];
    let logprobs = if logprobs.len() == ids.len() { logprobs } else { Vec::new() };
    Some(TokenSpan { ids, logprobs, is_sampled, is_content: Vec::new() })
}

fn id_of<'t>(call: &'t WireCall<'_>) -> &'t str {
    call.id.as_ref().map_or("", |id| &id.0)
}

fn name_of<'t>(call: &'t WireCall<'_>) -> &'t str {
    call.function.as_ref().and_then(|function| function.name.as_ref()).map_or("", |name| &name.0)
}

fn image_of(url: &str) -> ImageSource {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => {
            ImageSource::Base64 { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => ImageSource::Url { url: url.to_owned() },
    }
}

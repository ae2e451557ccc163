//! Anthropic messages, and the servers that speak them.
//!
//! Invariant: the bytes of earlier messages never change from turn to turn, except that a message
//! may grow at its end where two of one role follow each other.
//!
//! What this wire does not know is left out: a seed, log-probabilities, token ids.

mod reply;
mod request;
mod wire;

use crate::endpoint::{Endpoint, EndpointConfig};
use crate::stream::read_events;
use crate::{ChatModel, ChatReply, ChatRequest, LlmError, ModelConfig};
use async_trait::async_trait;
use nex_trajectory::{ModelIdentity, Timing};
use reply::ReplyBuilder;
use request::RequestEncoder;

const VERSION_HEADER: &str = "anthropic-version";

/// A model behind an Anthropic messages endpoint.
pub struct AnthropicMessages {
    name: String,
    endpoint: Endpoint,
    encoder: RequestEncoder,
    is_streaming: bool,
}

impl AnthropicMessages {
    /// The model `name` at `config.base_url` (Anthropic's own where unset; with or without `/v1`).
    /// One request, no retry: see [`crate::open_model`] for the usual stack.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`]: an address, key or header that cannot be used.
    pub fn new(name: &str, config: &ModelConfig) -> Result<Self, LlmError> {
        let base = config.base_url.as_deref().unwrap_or("https://api.anthropic.com").trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base);
        let mut headers = config.headers.0.clone();
        if !headers.iter().any(|(header, _)| header.eq_ignore_ascii_case(VERSION_HEADER)) {
            headers.push((VERSION_HEADER.to_owned(), "2023-06-01".to_owned()));
        }
        let endpoint = Endpoint::new(EndpointConfig {
            url: &format!("{base}/v1/messages"),
            deadlines: config.deadlines,
            max_reply_bytes: config.max_reply_bytes,
            api_key: config.api_key.clone(),
            key_header: ("x-api-key", ""),
            headers,
        })?;
        Ok(Self {
            name: name.to_owned(),
            endpoint,
            encoder: RequestEncoder::new(name, config.stream, config.default_max_tokens),
            is_streaming: config.stream,
        })
    }
}

#[async_trait]
impl ChatModel for AnthropicMessages {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "anthropic".to_owned(), model: self.name.clone() }
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let body = self.encoder.encode(request)?;
        let mut incoming = self.endpoint.post(body).await?;
        let mut builder = ReplyBuilder::new(&self.endpoint);
        let is_stream = incoming.is_event_stream().unwrap_or(self.is_streaming);
        if is_stream {
            read_events(&self.endpoint, &mut incoming, |data| builder.event(data)).await?;
        } else {
            let body = incoming.body().await?;
            builder.body(&body)?;
        }
        let timing = Timing {
            start_ms: 0,
            first_byte_ms: incoming.first_byte_ms().filter(|_| is_stream),
            duration_ms: incoming.elapsed_ms(),
        };
        builder.finish(request, &self.name, timing)
    }
}

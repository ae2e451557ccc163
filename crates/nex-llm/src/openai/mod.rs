//! OpenAI chat completions, and the many servers that speak it: vLLM, SGLang, llama.cpp, Ollama,
//! DeepSeek, OpenRouter and others.
//!
//! Invariant: the bytes of earlier messages never change from turn to turn, so a turn costs what it
//! adds plus one copy of the prefix.

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

/// A model behind an OpenAI chat completions endpoint.
pub struct OpenAiChat {
    name: String,
    endpoint: Endpoint,
    encoder: RequestEncoder,
    is_streaming: bool,
}

impl OpenAiChat {
    /// The model `name` at `config.base_url` (OpenAI's own where unset). One request, no retry:
    /// see [`crate::open_model`] for the usual stack.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`]: an address, key or header that cannot be used.
    pub fn new(name: &str, config: &ModelConfig) -> Result<Self, LlmError> {
        let base = config.base_url.as_deref().unwrap_or("https://api.openai.com/v1");
        let url = format!("{}/chat/completions", base.trim_end_matches('/'));
        let endpoint = Endpoint::new(EndpointConfig {
            url: &url,
            deadlines: config.deadlines,
            max_reply_bytes: config.max_reply_bytes,
            api_key: config.api_key.clone(),
            key_header: ("authorization", "Bearer "),
            headers: config.headers.0.clone(),
        })?;
        Ok(Self {
            name: name.to_owned(),
            endpoint,
            encoder: RequestEncoder::new(name, base, config.stream, config.reasoning_echo),
            is_streaming: config.stream,
        })
    }

    /// The body that [`ChatModel::complete`] sends, for batch files and benches.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`]: sampling that cannot be sent.
    pub fn encode(&self, request: &ChatRequest<'_>) -> Result<Vec<u8>, LlmError> {
        self.encoder.encode(request)
    }

    /// The reply in `body`, a whole one and no stream, as [`ChatModel::complete`] reads it; its
    /// timing is empty.
    ///
    /// # Errors
    /// [`LlmError::BrokenReply`], or the error that the body tells of.
    pub fn decode(&self, request: &ChatRequest<'_>, body: &[u8]) -> Result<ChatReply, LlmError> {
        let mut builder = ReplyBuilder::new(&self.endpoint);
        builder.body(body)?;
        builder.finish(request, &self.name, Timing::default(), true)
    }
}

#[async_trait]
impl ChatModel for OpenAiChat {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "openai".to_owned(), model: self.name.clone() }
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let body = self.encoder.encode(request)?;
        let mut incoming = self.endpoint.post(body).await?;
        let mut builder = ReplyBuilder::new(&self.endpoint);
        // Some servers ignore `stream`; the content type tells what really comes.
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
        builder.finish(request, &self.name, timing, incoming.is_framed())
    }
}

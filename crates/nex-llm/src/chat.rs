//! The narrow waist: [`ChatModel`], what it is asked and what it answers.

use crate::LlmError;
use async_trait::async_trait;
use nex_trajectory::{Defect, FinishReason, Message, ModelIdentity, Timing, TokenSpan, ToolSpec, Usage};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Something that answers a conversation with one assistant message.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Provider and name, for the record.
    fn identity(&self) -> ModelIdentity;

    /// Generates one assistant message.
    ///
    /// Called by the agent loop, once a turn; takes microseconds to minutes. Cancel-safe: dropping
    /// the future abandons the request and leaves nothing behind.
    ///
    /// # Errors
    /// Only what is not the model's doing; [`LlmError::is_retryable`] tells whether to ask again.
    /// A refusal, a truncated reply or a malformed call is `Ok`, with its finish reason and its
    /// defects.
    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError>;
}

/// What a model is asked.
#[derive(Clone, Copy)]
pub struct ChatRequest<'a> {
    /// The conversation so far, system message first.
    pub transcript: &'a Transcript,
    /// The tools the model may call.
    pub tools: &'a ToolSet,
    /// How to sample.
    pub sampling: &'a Sampling,
    /// Who asks: the trajectory's id. Stable across retries; keys caches and scripts.
    pub session: &'a str,
    /// The agent's name, for models that play several agents (`script:`, `expert`).
    pub agent: &'a str,
}

/// What a model answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatReply {
    /// The assistant message; blocks in the order in which they were produced.
    pub message: Message,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// Tokens, as the provider counted them.
    #[serde(default)]
    pub usage: Usage,
    /// `start_ms` is 0 here: the loop knows when it asked.
    #[serde(default)]
    pub timing: Timing,
    /// The model that really answered, as the server named it.
    pub model: ModelIdentity,
    /// Sampled tokens with log-probabilities. Only where the server names token ids, as vLLM does:
    /// log-probabilities of unnamed tokens cannot be put beside a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenSpan>,
    /// The whole prompt as the server tokenised it; empty where it does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompt_token_ids: Vec<u32>,
    /// Requests sent until this reply came; 1 means no retry.
    pub attempts: u32,
    /// What the wire decoder found wrong (never more than the model's doing).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub defects: Vec<Defect>,
}

impl ChatReply {
    /// `message` of `model`, at the first attempt; all that is not known is empty. It stopped to
    /// have its calls run if it has any.
    pub fn new(message: Message, model: ModelIdentity) -> Self {
        let has_calls = message.calls().next().is_some();
        Self {
            message,
            finish_reason: if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop },
            usage: Usage::default(),
            timing: Timing::default(),
            model,
            tokens: None,
            prompt_token_ids: Vec::new(),
            attempts: 1,
            defects: Vec::new(),
        }
    }
}

/// How to sample. Unset values are left to the provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: Option<f64>,
    /// Nucleus.
    pub top_p: Option<f64>,
    /// Tokens that a reply may have.
    pub max_tokens: Option<u32>,
    /// Sequences that end the reply.
    pub stop: Vec<String>,
    /// Provider-side seed.
    pub seed: Option<u64>,
    /// Ask for log-probabilities of the sampled tokens.
    pub logprobs: bool,
    /// Further keys, merged into the request body as they are.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// The tools of an agent, with the provider's encoding of them kept, so that it is made once.
pub struct ToolSet {
    specs: Arc<Vec<ToolSpec>>,
    encoded: Mutex<Vec<EncodedTools>>,
}

/// Dialect and bytes.
type EncodedTools = (&'static str, Arc<[u8]>);

impl ToolSet {
    /// The set of `specs`.
    pub fn new(specs: Arc<Vec<ToolSpec>>) -> Self {
        Self { specs, encoded: Mutex::new(Vec::new()) }
    }

    /// The tools, in declared order.
    pub fn specs(&self) -> &Arc<Vec<ToolSpec>> {
        &self.specs
    }

    /// The tools in wire shape `dialect`; `encode` runs once a dialect.
    pub fn encoded(&self, dialect: &'static str, encode: impl FnOnce(&[ToolSpec]) -> Vec<u8>) -> Arc<[u8]> {
        let mut cache = self.encoded.lock();
        if let Some((_, bytes)) = cache.iter().find(|(name, _)| *name == dialect) {
            return bytes.clone();
        }
        let bytes: Arc<[u8]> = encode(&self.specs).into();
        cache.push((dialect, bytes.clone()));
        bytes
    }
}

/// A conversation: append-only, with its provider encoding kept beside it, so that a turn costs
/// what it adds and not what came before.
#[derive(Default)]
pub struct Transcript {
    messages: Vec<Arc<Message>>,
    encoded: Mutex<Vec<EncodedPrefix>>,
}

/// One wire shape of the first messages. There are one to three: the provider's, Anthropic's
/// separate system text, a cassette's digest.
struct EncodedPrefix {
    dialect: &'static str,
    message_count: usize,
    bytes: Vec<u8>,
}

impl Transcript {
    /// A conversation of `messages`.
    pub fn new(messages: Vec<Arc<Message>>) -> Self {
        Self { messages, encoded: Mutex::default() }
    }

    /// Adds one message.
    pub fn push(&mut self, message: Arc<Message>) {
        self.messages.push(message);
    }

    /// All messages, in order.
    pub fn messages(&self) -> &[Arc<Message>] {
        &self.messages
    }

    /// Gives `read` the messages in wire shape `dialect`. `encode(index, message, out)` appends one
    /// message and is called once for each, however many turns follow. It may read and rewrite what
    /// it wrote before.
    pub fn with_encoded<R>(
        &self,
        dialect: &'static str,
        mut encode: impl FnMut(usize, &Message, &mut Vec<u8>),
        read: impl FnOnce(&[u8]) -> R,
    ) -> R {
        let mut prefixes = self.encoded.lock();
        let place = match prefixes.iter().position(|prefix| prefix.dialect == dialect) {
            Some(place) => place,
            None => {
                prefixes.push(EncodedPrefix { dialect, message_count: 0, bytes: Vec::new() });
                prefixes.len() - 1
            }
        };
        let prefix = &mut prefixes[place];
        for index in prefix.message_count..self.messages.len() {
            encode(index, &self.messages[index], &mut prefix.bytes);
        }
        prefix.message_count = self.messages.len();
        read(&prefix.bytes)
    }
}

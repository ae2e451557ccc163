//! How a model is reached: address, key, deadlines, retry, limits.

use crate::{Limits, RetryPolicy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// A secret. It is written by nothing: not by `Debug`, not into errors, not into run folders.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ApiKey(String);

impl ApiKey {
    /// The key `text`, without white space around it.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The key itself, to be put on the wire.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` with every occurrence of the key replaced.
    pub(crate) fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "[key]") }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey([hidden])")
    }
}

/// How a model is reached. The default fits a hosted provider.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// For example `http://127.0.0.1:8000/v1`; unset: the provider's own address.
    pub base_url: Option<String>,
    /// Unset: no key is sent. Never serialised.
    #[serde(skip_serializing)]
    pub api_key: Option<ApiKey>,
    /// Further HTTP headers of every request. Never serialised: they may hold secrets.
    #[serde(skip_serializing)]
    pub headers: HeaderList,
    /// How long each part of a request may take.
    pub deadlines: Deadlines,
    /// What is asked again, how often and how fast.
    pub retry: RetryPolicy,
    /// What the endpoint may be asked at once and in a minute.
    pub limits: Limits,
    /// Ask for an event stream: first byte and stalls are seen early.
    pub stream: bool,
    /// How earlier reasoning goes back over the OpenAI wire.
    pub reasoning_echo: ReasoningEcho,
    /// A larger reply is discarded with [`crate::LlmError::ReplyTooLarge`].
    pub max_reply_bytes: usize,
    /// Anthropic needs a limit in every request: this one where [`crate::Sampling`] sets none.
    pub default_max_tokens: u32,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            base_url: None,
            api_key: None,
            headers: HeaderList::default(),
            deadlines: Deadlines::default(),
            retry: RetryPolicy::default(),
            limits: Limits::default(),
            stream: false,
            reasoning_echo: ReasoningEcho::Omit,
            max_reply_bytes: 64 << 20,
            default_max_tokens: 8192,
        }
    }
}

/// HTTP headers; `Debug` shows their names only.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "std::collections::BTreeMap<String, String>")]
pub struct HeaderList(pub Vec<(String, String)>);

impl From<std::collections::BTreeMap<String, String>> for HeaderList {
    fn from(map: std::collections::BTreeMap<String, String>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// How earlier reasoning goes back over the OpenAI wire, where servers differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningEcho {
    /// Not at all: hosted OpenAI rejects unknown keys.
    #[default]
    Omit,
    /// As `reasoning_content`: DeepSeek in a loop of tool calls, SGLang, older vLLM.
    ReasoningContent,
    /// As `reasoning`: OpenRouter, newer vLLM.
    Reasoning,
}

/// How long each part of one request may take. In files: whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// Until TCP and TLS stand.
    #[serde(rename = "connect_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub connect: Duration,
    /// From sending until the body's first byte. Without streaming that is the whole generation.
    #[serde(rename = "first_byte_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub first_byte: Duration,
    /// Between two pieces of the body.
    #[serde(rename = "idle_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub idle: Duration,
    /// One request from start to end.
    #[serde(rename = "total_ms", serialize_with = "to_ms", deserialize_with = "from_ms")]
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(1200),
        }
    }
}

pub(crate) fn to_ms<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(duration.as_millis() as u64)
}

pub(crate) fn from_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

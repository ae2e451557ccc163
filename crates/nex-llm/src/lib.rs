//! A [`ChatRequest`] becomes a [`ChatReply`].
//!
//! Everything that answers is a [`ChatModel`]: a server over HTTP, a script, a cassette, the
//! expert, a trained policy. This crate knows provider wire shapes, streaming, retry, limits and
//! record/replay; it knows no agents, no YAML, and not what a tool means.

pub mod anthropic;
pub mod cassette;
pub mod chat;
pub mod config;
pub mod error;
pub mod limit;
pub mod open;
pub mod openai;
pub mod retry;
pub mod script;
pub mod sse;

mod endpoint;
mod failure;
mod json;
mod parts;
mod stream;

pub use anthropic::AnthropicMessages;
pub use cassette::{Recording, Replay};
pub use chat::{ChatModel, ChatReply, ChatRequest, Sampling, ToolSet, Transcript};
pub use config::{ApiKey, Deadlines, HeaderList, ModelConfig, ReasoningEcho};
pub use error::LlmError;
pub use limit::{Limited, Limits};
pub use open::{SCHEMES, open_model};
pub use openai::OpenAiChat;
pub use retry::{RetryPolicy, Retrying};
pub use script::{ScriptModel, ScriptedTurn};

//! A [`ChatRequest`] becomes a [`ChatReply`].
//!
//! Everything that answers is a [`ChatModel`]: a server over HTTP, a script, a cassette, the
//! expert, a trained policy. This crate knows provider wire shapes, streaming, retry, limits and
//! record/replay; it knows no agents, no YAML, and not what a tool means.

pub mod chat;
pub mod error;

pub use chat::{ChatModel, ChatReply, ChatRequest, Sampling, ToolSet, Transcript};
pub use error::LlmError;

//! Tool-call formats: text in, calls and defects out, and back.
//!
//! A [`ToolCallFormat`] reads a model's reply into a [`ParsedReply`], at once or as its bytes
//! arrive, and renders a branch of a trajectory (a [`Sample`]) as the text that a model is trained
//! on, with [`Span`]s that say which bytes take part in the loss. One file is one format; a new
//! one is that file and a line in [`all`].
//!
//! Pure: no network, no clock, no models. Invariants, each a law in the tests:
//! - What [`ToolCallFormat::render`] accepts is read back equal; what could not be is refused with
//!   the reason. What a format has no place for at all is listed in its file.
//! - The incremental parser gives the same for every split of the bytes, in time linear in them.
//! - Spans tile the text; only what a model wrote is trainable.
//! - No input makes a parser panic; a call that was finished is never lost by what follows it.

mod anthropic;
mod builder;
mod chatml;
mod document;
mod engine;
mod format;
mod gpt_oss;
mod hermes;
mod json;
mod json_body;
#[cfg(test)]
mod laws;
mod llama_3;
mod openai;
mod python_json;
mod pythonic;
mod raw_value;
mod reading;
mod rendered;
mod reply;
mod sample;
mod tagged_call;
mod toolset;
mod utf8;
mod writing;

pub use anthropic::Anthropic;
pub use format::{
    About, ArgumentText, ConversationError, Date, ParseOptions, ReasoningHistory, RenderOptions, ReplyParser,
    ToolCallFormat, UnknownFormat, all, by_name,
};
pub use gpt_oss::GptOss;
pub use hermes::Hermes;
pub use json::same_value;
pub use llama_3::Llama3;
pub use openai::OpenAi;
pub use pythonic::Pythonic;
pub use rendered::{Rendered, Span, SpanKind};
pub use reply::{ParsedCall, ParsedReply, Repair, ReplyBlock, ReplyDelta};
pub use sample::{Conversation, Sample, Unrepresentable};
pub use toolset::Toolset;

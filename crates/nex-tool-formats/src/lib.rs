//! Tool-call formats: text in, calls and defects out, and back.
//!
//! A [`ToolCallFormat`] reads a model's reply into a [`ParsedReply`], at once or as its bytes
//! arrive, and renders a branch of a trajectory (a [`Sample`]) as the text that a model is trained
//! on, with [`Span`]s that say which bytes take part in the loss. One folder is one format; a new
//! one is that folder and a line in [`all`].
//!
//! ```
//! use nex_tool_formats::{ParseOptions, ReplyDelta, Toolset, by_name};
//!
//! let format = by_name("hermes")?;
//! let mut parser = format.parser(&Toolset::new(&[]), ParseOptions::default());
//! let mut deltas = Vec::new();
//! for piece in ["I look.\n<tool_", "call>\n{\"name\": \"find\", \"argu", "ments\": {\"n\": 1.0}}\n</tool_call>"] {
//!     parser.push(piece.as_bytes());
//!     parser.take_deltas(&mut deltas);
//! }
//! assert_eq!(deltas[0], ReplyDelta::Text("I look.".to_owned()));
//! let reply = parser.finish();
//! let call = reply.calls().next().expect("a call");
//! assert_eq!((call.name.as_str(), call.arguments.as_text()), ("find", "{\"n\": 1.0}"));
//! # Ok::<(), nex_tool_formats::UnknownFormat>(())
//! ```
//!
//! Pure: no network, no clock, no models. Invariants, each a law in the tests:
//! - What [`ToolCallFormat::render`] accepts is read back equal; what could not be is refused with
//!   the reason. What a format has no place for at all is listed in its file.
//! - The incremental parser gives the same for every split of the bytes, in time linear in them.
//! - Spans tile the text; only what a model wrote is trainable.
//! - No input makes a parser panic; a call that was finished is never lost by what follows it.

mod anthropic;
mod builder;
mod chat_text;
mod chatml;
mod cline;
pub mod conformance;
mod declaration;
mod declared;
mod deepseek;
mod deepseek_v32;
mod document;
mod engine;
mod example;
mod format;
mod glm;
mod gpt_oss;
mod hermes;
mod json;
mod json_body;
mod kimi;
#[cfg(test)]
mod laws;
mod llama_3;
mod markup_call;
mod minimax;
mod mistral;
mod named_call;
mod nexau;
mod openai;
mod openhands;
mod python_json;
mod pythonic;
mod qwen_xml;
mod raw_value;
mod reading;
mod rendered;
mod reply;
mod sample;
mod sections;
mod tagged_arguments;
mod tagged_call;
#[cfg(feature = "templates")]
mod template;
mod terminus;
mod tokens;
mod toolset;
mod utf8;
mod wire_ids;
mod writing;

pub use anthropic::Anthropic;
pub use cline::Cline;
pub use deepseek::{DEEPSEEK_V3, DEEPSEEK_V3_1, DeepSeek};
pub use deepseek_v32::DeepSeekV32;
pub use example::Example;
pub use format::{
    About, ArgumentText, ConversationError, Date, ParseOptions, ReasoningHistory, RenderOptions, ReplyParser,
    ToolCallFormat, UnknownFormat, all, by_name,
};
pub use glm::Glm;
pub use gpt_oss::GptOss;
pub use hermes::{HERMES, Hermes, QWEN3};
pub use json::{same_value, skip_plain as skip_plain_json, write_string as write_json_string};
pub use kimi::KimiK2;
pub use llama_3::Llama3;
pub use minimax::MiniMaxM2;
pub use mistral::{MISTRAL_V3, MISTRAL_V3_TEKKEN, MISTRAL_V7, MISTRAL_V11, MISTRAL_V13, Mistral};
pub use nexau::NexAu;
pub use openai::OpenAi;
pub use openhands::OpenHands;
pub use pythonic::Pythonic;
pub use qwen_xml::QwenXml;
pub use rendered::{Rendered, Span, SpanKind};
pub use reply::{ParsedCall, ParsedReply, Repair, ReplyBlock, ReplyDelta};
pub use sample::{Conversation, Sample, Unrepresentable};
#[cfg(feature = "templates")]
pub use template::{ArgumentsAs, ChatTemplate, MaskedTurns, NotAppendOnly, TemplateError, TemplateOptions};
pub use terminus::json::TerminusJson;
pub use terminus::xml::TerminusXml;
pub use tokens::{IGNORED_LABEL, Token, TokenMask};
#[cfg(feature = "tokenizers")]
pub use tokens::{MaskTokenizer, TokenSplit, TokenizerError};
pub use toolset::Toolset;

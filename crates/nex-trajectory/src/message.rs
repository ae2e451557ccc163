//! Messages: a role and ordered content blocks.
//!
//! Invariant: what a model wrote is kept to the byte. [`Arguments`] hold the JSON text as it came,
//! so key order, `1.0`, `"007"` and integers beyond 2⁵³ survive, and so does text that is no JSON.

use crate::CallId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that stand above the conversation.
    System,
    /// The task, or whoever plays the user.
    User,
    /// The model.
    Assistant,
    /// The world: results of tool calls.
    Tool,
}

impl Role {
    /// The role's name on the wire and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// One message: blocks in the order in which they were produced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, in order.
    pub content: Vec<ContentBlock>,
}

/// One piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentBlock {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// The model's reasoning, where the provider shows it.
    Reasoning {
        /// The reasoning text; may be empty where only a signature is given.
        text: String,
        /// The provider's signature over it, needed to send it back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// A call that the model makes.
    ToolCall(ToolCall),
    /// What a call gave back.
    ToolResult(ToolResult),
    /// A picture.
    Image(ImageSource),
}

/// A picture, inline or by address.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum ImageSource {
    /// Bytes in base64.
    Base64 {
        /// For example `image/png`.
        media_type: String,
        /// The bytes, base64.
        data: String,
    },
    /// An address that the provider fetches.
    Url {
        /// The address.
        url: String,
    },
}

/// One call of one tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    /// Pairs the call with its [`ToolResult`].
    pub id: CallId,
    /// The tool's name as the model wrote it; it may name no tool at all.
    pub name: String,
    /// The arguments as the model wrote them.
    pub arguments: Arguments,
}

/// A tool call's arguments: the JSON text exactly as the model wrote it.
///
/// In files it is a JSON string, as in OpenAI's wire shape, because text that is not JSON must be
/// kept too. Empty text means no arguments, as several models write it.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Arguments(pub String);

impl Arguments {
    /// The arguments written as `text`.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The arguments `value`, in its key order, without white space.
    pub fn from_value(value: &Value) -> Self {
        Self(value.to_string())
    }

    /// The text as the model wrote it.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// The text as a JSON value; empty text is `{}`.
    ///
    /// # Errors
    /// The text is not JSON. The caller records [`crate::DefectKind::InvalidJson`].
    pub fn to_value(&self) -> Result<Value, serde_json::Error> {
        if self.0.trim().is_empty() {
            return Ok(Value::Object(serde_json::Map::new()));
        }
        serde_json::from_str(&self.0)
    }
}

/// What one call gave back to the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolResult {
    /// The call that this answers.
    pub call_id: CallId,
    /// The tool's name.
    pub name: String,
    /// Text and images, in order.
    pub content: Vec<ContentBlock>,
    /// The tool says that it failed; the model may try otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

impl ToolResult {
    /// All text blocks, joined by line breaks.
    pub fn text(&self) -> String {
        join_text(&self.content)
    }
}

impl Message {
    /// A message of one text block.
    pub fn text_of(role: Role, text: impl Into<String>) -> Self {
        Self { role, content: vec![ContentBlock::Text { text: text.into() }] }
    }

    /// A system message.
    pub fn system(text: impl Into<String>) -> Self {
        Self::text_of(Role::System, text)
    }

    /// A user message.
    pub fn user(text: impl Into<String>) -> Self {
        Self::text_of(Role::User, text)
    }

    /// An assistant message of one text block.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::text_of(Role::Assistant, text)
    }

    /// A tool message that carries `results` in call order.
    pub fn tool(results: Vec<ToolResult>) -> Self {
        Self { role: Role::Tool, content: results.into_iter().map(ContentBlock::ToolResult).collect() }
    }

    /// All text blocks (not reasoning), joined by line breaks.
    pub fn text(&self) -> String {
        join_text(&self.content)
    }

    /// The calls in this message, in order.
    pub fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// The results in this message, in order.
    pub fn results(&self) -> impl Iterator<Item = &ToolResult> {
        self.content.iter().filter_map(|block| match block {
            ContentBlock::ToolResult(result) => Some(result),
            _ => None,
        })
    }
}

fn join_text(blocks: &[ContentBlock]) -> String {
    let mut texts = blocks.iter().filter_map(|block| match block {
        ContentBlock::Text { text } => Some(text.as_str()),
        _ => None,
    });
    let Some(first) = texts.next() else { return String::new() };
    let mut joined = first.to_owned();
    for text in texts {
        joined.push('\n');
        joined.push_str(text);
    }
    joined
}

//! Defects: what was wrong in a model's output, kept as data beside it.

use crate::CallId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing wrong in a model's output. It never ends a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Defect {
    /// What kind of thing.
    pub kind: DefectKind,
    /// The call concerned, if one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_id: Option<CallId>,
    /// Offset in bytes into the text concerned, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_bytes: Option<u64>,
    /// For a person: what was found, and what would have been right.
    pub message: String,
}

impl Defect {
    /// A defect that concerns no particular call or place.
    pub fn new(kind: DefectKind, message: impl Into<String>) -> Self {
        Self { kind, call_id: None, offset_bytes: None, message: message.into() }
    }

    /// The same defect, of call `call_id`.
    #[must_use]
    pub fn of_call(mut self, call_id: CallId) -> Self {
        self.call_id = Some(call_id);
        self
    }

    /// The same defect, found at byte `offset_bytes`.
    #[must_use]
    pub fn at(mut self, offset_bytes: usize) -> Self {
        self.offset_bytes = Some(offset_bytes as u64);
        self
    }
}

/// The fixed vocabulary of defects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DefectKind {
    /// A call's opening tag has no closing tag.
    UnclosedTag,
    /// The arguments, or a call's body, are not JSON.
    InvalidJson,
    /// The body is JSON but not of the shape that the format asks for.
    MalformedCall,
    /// The call names a tool that the agent does not have.
    UnknownTool,
    /// A required argument is missing.
    MissingArgument,
    /// An argument that the schema does not know.
    UnknownArgument,
    /// An argument of the wrong type.
    WrongType,
    /// An argument breaks another rule of its schema (range, pattern, enumeration …).
    SchemaViolation,
    /// A call inside reasoning, where it is not executed.
    CallInsideReasoning,
    /// Text after a call, where the format allows none.
    TextAfterCall,
    /// Two calls of one message share an id.
    DuplicateCallId,
    /// The reply holds neither text nor calls.
    EmptyReply,
    /// The reply was cut by the length limit.
    TruncatedReply,
    /// The same call with the same arguments, again and again.
    RepeatedCall,
    /// More calls in one reply than the agent may run.
    TooManyCalls,
    /// Tool output was not UTF-8; it was decoded with replacement characters.
    InvalidUtf8,
    /// Tool output exceeded its limit; head, tail and hash were kept.
    OversizedOutput,
}

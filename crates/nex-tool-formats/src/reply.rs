//! What a parser makes of one reply.

use nex_trajectory::{Arguments, CallId, ContentBlock, Defect, Message, Role, ToolCall};
use std::ops::Range;

/// One reply, taken apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ParsedReply {
    /// The reasoning before the answer; empty if there is none.
    pub reasoning: String,
    /// The text outside reasoning and calls, with whatever could not be read as a call.
    pub text: String,
    /// The calls, in order.
    pub calls: Vec<ParsedCall>,
    /// What was wrong, with offsets into the reply (decoded, where it was not UTF-8).
    pub defects: Vec<Defect>,
}

/// One call in a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedCall {
    /// Its id, in formats that have one.
    pub id: Option<CallId>,
    /// The tool's name.
    pub name: String,
    /// The arguments, to the byte.
    pub arguments: Arguments,
    /// Where the call stands in the reply, tags included.
    pub span: Range<usize>,
}

impl ParsedReply {
    /// The reply as a message: reasoning, text, calls. `make_id` is asked for the id of each call
    /// that has none.
    pub fn into_message(self, mut make_id: impl FnMut() -> CallId) -> Message {
        let mut content = Vec::with_capacity(2 + self.calls.len());
        if !self.reasoning.is_empty() {
            content.push(ContentBlock::Reasoning { text: self.reasoning, signature: None });
        }
        if !self.text.is_empty() {
            content.push(ContentBlock::Text { text: self.text });
        }
        content.extend(self.calls.into_iter().map(|call| {
            ContentBlock::ToolCall(ToolCall {
                id: call.id.unwrap_or_else(&mut make_id),
                name: call.name,
                arguments: call.arguments,
            })
        }));
        Message { role: Role::Assistant, content }
    }
}

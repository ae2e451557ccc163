//! What readers of whole conversations share: messages collected, results paired with their calls.

use crate::sample::Pairing;
use crate::{Conversation, ParseOptions, ToolCallFormat, Toolset};
use nex_trajectory::{CallId, ContentBlock, Message, Role, ToolCall, ToolResult, ToolSpec};

/// Collects a conversation.
#[derive(Default)]
pub(crate) struct ConversationBuilder {
    conversation: Conversation,
    toolset: Toolset,
    knows_tools: bool,
    pairing: Pairing,
    calls_made: usize,
}

impl ConversationBuilder {
    /// A conversation whose tools are known from elsewhere, or not.
    pub(crate) fn new(tools: Option<&[ToolSpec]>) -> Self {
        let mut new = Self::default();
        if let Some(tools) = tools {
            new.declare(tools.to_vec());
            new.knows_tools = true;
        }
        new
    }

    /// The tools that the text declares; before any message.
    pub(crate) fn declare(&mut self, tools: Vec<ToolSpec>) {
        if !self.knows_tools {
            self.toolset = Toolset::new(&tools);
            self.conversation.tools = tools;
        }
    }

    /// Whether there is no message yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.conversation.messages.is_empty()
    }

    /// Adds a message that makes no calls and carries no results.
    pub(crate) fn message(&mut self, message: Message) {
        self.conversation.messages.push(message);
    }

    /// Adds what the model wrote in one turn.
    pub(crate) fn reply(&mut self, format: &dyn ToolCallFormat, reply: &str, options: ParseOptions) {
        let calls_made = &mut self.calls_made;
        let message = format.parse(reply, &self.toolset, options).into_message(|| {
            *calls_made += 1;
            CallId(format!("call_{}", *calls_made - 1))
        });
        self.pairing.calls(message.calls().map(|call| &call.id));
        self.conversation.messages.push(message);
    }

    /// The calls of the last reply.
    pub(crate) fn calls_of_last_reply(&self) -> Vec<ToolCall> {
        let reply = self.conversation.messages.iter().rfind(|message| message.role == Role::Assistant);
        reply.into_iter().flat_map(Message::calls).cloned().collect()
    }

    /// Adds the result of the next call of the last reply; results in a row are one message.
    /// False if no call waits for one.
    #[must_use]
    pub(crate) fn result(&mut self, text: &str, is_error: bool) -> bool {
        let Some(call_id) = self.pairing.next().cloned() else { return false };
        let content = vec![ContentBlock::Text { text: text.to_owned() }];
        self.result_of(call_id, content, is_error);
        true
    }

    /// Adds the result of the call `call_id`.
    pub(crate) fn result_of(&mut self, call_id: CallId, content: Vec<ContentBlock>, is_error: bool) {
        let calls = self.conversation.messages.iter().rev().flat_map(Message::calls);
        let name = calls.filter(|call| call.id == call_id).map(|call| call.name.clone()).next();
        let name = name.unwrap_or_default();
        let result = ContentBlock::ToolResult(ToolResult { call_id, name, content, is_error });
        match self.conversation.messages.last_mut() {
            Some(last) if last.role == Role::Tool => last.content.push(result),
            _ => self.conversation.messages.push(Message { role: Role::Tool, content: vec![result] }),
        }
    }

    pub(crate) fn finish(self) -> Conversation {
        self.conversation
    }
}

/// Where the first of `marks` begins in `text` from `from` on, or its end.
pub(crate) fn first_of(text: &str, from: usize, marks: &[&str]) -> usize {
    let mut at = from;
    while let Some(next) =
        text.as_bytes()[at..].iter().position(|byte| marks.iter().any(|mark| mark.as_bytes()[0] == *byte))
    {
        at += next;
        if marks.iter().any(|mark| text.as_bytes()[at..].starts_with(mark.as_bytes())) {
            return at;
        }
        at += 1;
    }
    text.len()
}

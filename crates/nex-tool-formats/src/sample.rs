//! What is rendered: one branch of a trajectory with the tools that its agent had.

use nex_trajectory::{
    CallId, ContentBlock, FinishReason, Message, Node, NodeId, Role, ToolCall, ToolSpec, Trajectory,
};
use thiserror::Error;

/// One training sample: a path from root to leaf, borrowed from its trajectory.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    /// The tools, as they were declared to the model.
    pub tools: &'a [ToolSpec],
    /// The messages, first to last.
    pub nodes: Vec<&'a Node>,
}

impl<'a> Sample<'a> {
    /// The branch of `trajectory` that ends at `leaf`.
    pub fn from_branch(trajectory: &'a Trajectory, leaf: NodeId) -> Self {
        Self { tools: &trajectory.tools, nodes: trajectory.branch(leaf) }
    }

    /// All branches of `trajectory`, in the order of their leaves; children are not entered.
    pub fn all_of(trajectory: &'a Trajectory) -> impl Iterator<Item = Self> {
        trajectory.leaves().into_iter().map(|leaf| Self::from_branch(trajectory, leaf))
    }
}

/// A conversation read from text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// The tools declared in it.
    pub tools: Vec<ToolSpec>,
    /// Its messages.
    pub messages: Vec<Message>,
}

/// Something in a sample would not survive being written in a format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("message {message} ({}): {reason}", role.as_str())]
pub struct Unrepresentable {
    /// Index of the message in the sample.
    pub message: usize,
    /// Who speaks there.
    pub role: Role,
    /// What would not survive, and why.
    pub reason: String,
}

impl Unrepresentable {
    pub(crate) fn new(message: usize, node: &Node, reason: impl Into<String>) -> Self {
        Self { message, role: node.message.role, reason: reason.into() }
    }
}

/// An assistant message in the order that all formats share: reasoning, text, calls.
#[derive(Debug, Default)]
pub(crate) struct ReplyParts<'a> {
    pub(crate) reasoning: String,
    pub(crate) text: String,
    pub(crate) calls: Vec<&'a ToolCall>,
}

impl<'a> ReplyParts<'a> {
    /// Takes the message of `node` apart.
    ///
    /// # Errors
    /// Its blocks stand in another order, or are none of a model's.
    pub(crate) fn of(index: usize, node: &'a Node) -> Result<Self, Unrepresentable> {
        let mut parts = Self::default();
        for block in &node.message.content {
            match block {
                ContentBlock::Reasoning { text, .. } if text.is_empty() => {}
                ContentBlock::Text { text } if text.is_empty() => {}
                ContentBlock::Reasoning { text, .. } => {
                    if !parts.text.is_empty() || !parts.calls.is_empty() {
                        let reason = "reasoning after text or a call: the format has it only at the start";
                        return Err(Unrepresentable::new(index, node, reason));
                    }
                    append_line(&mut parts.reasoning, text);
                }
                ContentBlock::Text { text } => {
                    if !parts.calls.is_empty() {
                        let reason = "text after a call: the format has it only before";
                        return Err(Unrepresentable::new(index, node, reason));
                    }
                    append_line(&mut parts.text, text);
                }
                ContentBlock::ToolCall(call) => parts.calls.push(call),
                ContentBlock::ToolResult(_) | ContentBlock::Image(_) => {
                    let reason = "an assistant message holds text, reasoning and calls only";
                    return Err(Unrepresentable::new(index, node, reason));
                }
            }
        }
        Ok(parts)
    }
}

fn append_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// Pairs results with calls by position, as formats without call ids do.
#[derive(Debug, Default)]
pub(crate) struct Pairing {
    open: Vec<CallId>,
    answered: usize,
}

impl Pairing {
    /// An assistant message made these calls.
    pub(crate) fn calls<'a>(&mut self, ids: impl Iterator<Item = &'a CallId>) {
        self.open = ids.cloned().collect();
        self.answered = 0;
    }

    /// The call that the next result answers.
    pub(crate) fn next(&mut self) -> Option<&CallId> {
        let id = self.open.get(self.answered);
        self.answered += 1;
        id
    }
}

/// What the model wrote in this node takes part in the loss.
pub(crate) fn is_trainable(node: &Node) -> bool {
    node.message.role == Role::Assistant && !node.is_synthetic
}

/// The model itself ended this node's turn; the length limit did not.
pub(crate) fn ended_itself(node: &Node) -> bool {
    node.turn.as_ref().is_none_or(|turn| turn.finish_reason != FinishReason::Length)
}

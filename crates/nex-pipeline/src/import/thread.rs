//! A conversation under construction: messages one after the other become linked nodes.
//!
//! Shared by all importers: results that follow each other become one tool message, as in the
//! record; a result without a call id answers the call at its position; a call without an id gets
//! one (`call_0`, `call_1` …).

use super::json::{self, Nodes};
use nex_trajectory::{
    Arguments, CallId, ContentBlock, Defect, DefectKind, Message, Node, NodeId, Role, ToolCall, ToolResult,
    ToolSpec, Trajectory, TrajectoryId,
};
use std::sync::Arc;

/// Messages in order, with what is known about each.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    nodes: Vec<Node>,
    ids_made: usize,
    scratch: Nodes,
}

impl Thread {
    /// The nodes, not yet linked.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node last added.
    pub(crate) fn last_mut(&mut self) -> Option<&mut Node> {
        self.nodes.last_mut()
    }

    /// Takes back the node last added.
    pub(crate) fn pop(&mut self) -> Option<Node> {
        self.nodes.pop()
    }

    /// Adds a message.
    pub(crate) fn push(&mut self, role: Role, content: Vec<ContentBlock>) -> &mut Node {
        self.nodes.push(Node::new(None, Message { role, content }));
        self.nodes.last_mut().expect("just pushed")
    }

    /// Adds a message of the model, with the defects that its calls have.
    pub(crate) fn push_reply(&mut self, content: Vec<ContentBlock>) -> &mut Node {
        let defects = content.iter().filter_map(|block| match block {
            ContentBlock::ToolCall(call) => argument_defect(call, &mut self.scratch),
            _ => None,
        });
        let defects: Vec<Defect> = defects.collect();
        let node = self.push(Role::Assistant, content);
        node.defects = defects;
        node
    }

    /// An id for a call that has none.
    pub(crate) fn make_id(&mut self) -> CallId {
        self.ids_made += 1;
        CallId(format!("call_{}", self.ids_made - 1))
    }

    /// Adds a result to the turn under way. Without `call_id` it answers the first open call;
    /// without `name` it has that of the call.
    pub(crate) fn result(
        &mut self,
        call_id: Option<CallId>,
        name: Option<String>,
        content: Vec<ContentBlock>,
        is_error: bool,
    ) {
        let is_open = self.nodes.last().is_some_and(|last| last.message.role == Role::Tool);
        let answered =
            if is_open { self.nodes.last().map_or(0, |last| last.message.content.len()) } else { 0 };
        let asked = self.nodes.iter().rev().find(|node| node.message.role == Role::Assistant);
        let call = asked.and_then(|node| match &call_id {
            Some(id) => node.message.calls().find(|call| call.id == *id),
            None => node.message.calls().nth(answered),
        });
        let (found_id, found_name) = match call {
            Some(call) => (Some(call.id.clone()), Some(call.name.clone())),
            // A late answer: look further back.
            None => (None, call_id.as_ref().and_then(|id| self.name_of(id))),
        };
        let call_id = match call_id.or(found_id) {
            Some(id) => id,
            None => self.make_id(),
        };
        let name = name.filter(|name| !name.is_empty()).or(found_name).unwrap_or_default();
        let result = ContentBlock::ToolResult(ToolResult { call_id, name, content, is_error });
        match self.nodes.last_mut().filter(|_| is_open) {
            Some(last) => Arc::make_mut(&mut last.message).content.push(result),
            None => drop(self.push(Role::Tool, vec![result])),
        }
    }

    fn name_of(&self, id: &CallId) -> Option<String> {
        let mut calls = self.nodes.iter().rev().flat_map(|node| node.message.calls());
        calls.find(|call| call.id == *id).map(|call| call.name.clone())
    }

    /// The nodes, not yet linked.
    pub(crate) fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// The whole as one branch.
    pub(crate) fn into_trajectory(self, agent: &str, tools: Arc<Vec<ToolSpec>>) -> Trajectory {
        let mut trajectory = Trajectory::new(TrajectoryId::new(""), agent, tools);
        trajectory.nodes = self.nodes;
        for (index, node) in trajectory.nodes.iter_mut().enumerate() {
            node.parent = index.checked_sub(1).map(|before| NodeId(before as u32));
        }
        trajectory
    }
}

/// What is wrong with the arguments of `call`, if they are no JSON.
pub(crate) fn argument_defect(call: &ToolCall, scratch: &mut Nodes) -> Option<Defect> {
    let text = call.arguments.as_text();
    if text.trim_ascii().is_empty() {
        return None;
    }
    let error = json::check(text, scratch).err()?;
    let message = format!("the arguments of `{}` are no JSON: {}", call.name, error.message);
    Some(Defect::new(DefectKind::InvalidJson, message).of_call(call.id.clone()).at(error.offset_bytes))
}

/// A call with the arguments `text`.
pub(crate) fn call(id: CallId, name: impl Into<String>, arguments: impl Into<String>) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall { id, name: name.into(), arguments: Arguments::from_text(arguments) })
}

/// A reply's text as content, with the reasoning that stands before it between `<think>` tags.
pub(crate) fn reply_blocks(text: &str) -> Vec<ContentBlock> {
    let thought = text.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>"));
    let Some((thought, rest)) = thought else { return text_blocks(text) };
    let thought = thought.strip_prefix('\n').unwrap_or(thought);
    let thought = thought.strip_suffix('\n').unwrap_or(thought);
    let mut content = Vec::new();
    if !thought.is_empty() {
        content.push(ContentBlock::Reasoning { text: thought.to_owned(), signature: None });
    }
    content.extend(text_blocks(rest.strip_prefix("\n\n").unwrap_or(rest)));
    content
}

/// One text as content: nothing, if it is empty.
pub(crate) fn text_blocks(text: impl Into<String>) -> Vec<ContentBlock> {
    let text = text.into();
    if text.is_empty() { Vec::new() } else { vec![ContentBlock::Text { text }] }
}

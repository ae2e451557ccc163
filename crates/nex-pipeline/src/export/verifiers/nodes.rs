//! The nodes and model calls of a trace.

use nex_trajectory::{
    CallId, ContentBlock, FinishReason, ImageSource, Node, Role, ToolResult, ToolSpec, Trajectory, Turn,
};
use serde::Serialize;
use serde_json::Value;

/// All nodes of an episode, those of sub-agents after those of their parents.
#[derive(Debug, Default, Serialize)]
pub(super) struct Graph<'a> {
    nodes: Vec<MessageNode<'a>>,
    calls: Vec<ModelCall<'a>>,
    #[serde(skip)]
    tool_errors: u64,
}

#[derive(Debug, Serialize)]
struct MessageNode<'a> {
    parent: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    semantic_parents: Vec<ParentLink>,
    message: Message<'a>,
    sampled: bool,
    timestamp: f64,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    token_ids: &'a [u32],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mask: Vec<bool>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    is_content: &'a [bool],
    /// One a sampled token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logprobs: Vec<f32>,
}

#[derive(Debug, Serialize)]
struct ParentLink {
    node: usize,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a CallId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(String),
    Parts(Vec<Part<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: Url },
}

#[derive(Debug, Serialize)]
struct Url {
    url: String,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a CallId,
    name: &'a str,
    arguments: &'a str,
}

/// A tool as it is declared.
#[derive(Debug, Serialize)]
pub(super) struct Tool<'a> {
    pub(super) name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

#[derive(Debug, Serialize)]
struct ModelCall<'a> {
    node: usize,
    model: &'a str,
    finish_reason: Option<&'static str>,
    usage: Usage,
    time: TimeSpan,
}

#[derive(Debug, Serialize)]
struct Usage {
    /// Without what was read from the cache.
    prompt_tokens: u64,
    completion_tokens: u64,
    cached_input_tokens: u64,
    reasoning_tokens: u64,
}

#[derive(Debug, Serialize)]
struct TimeSpan {
    start: f64,
    end: f64,
}

/// The tools of `trajectory`.
pub(super) fn tools(trajectory: &Trajectory) -> impl Iterator<Item = Tool<'_>> {
    trajectory.tools.iter().map(|ToolSpec { name, description, input_schema }| Tool {
        name,
        description,
        parameters: input_schema,
    })
}

impl<'a> Graph<'a> {
    /// Adds the nodes of `trajectory` and of its sub-agents. `caller` is the reply that started it.
    ///
    /// # Errors
    /// A message has no place in the trace.
    pub(super) fn add(&mut self, trajectory: &'a Trajectory, caller: Option<usize>) -> Result<(), String> {
        // Where each node went: its first and its last place.
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(trajectory.nodes.len());
        let mut is_called = caller.is_none();
        for node in &trajectory.nodes {
            let parent = node.parent.map(|parent| places[parent.index()].1);
            let first = self.nodes.len();
            self.push(node, parent)?;
            let last = self.nodes.len() - 1;
            places.push((first, last));
            if parent.is_none() {
                self.nodes[first].tools = tools(trajectory).collect();
            }
            if !is_called && self.nodes[last].sampled {
                let node = caller.unwrap_or_default();
                self.nodes[last].semantic_parents.push(ParentLink { node, r#type: "subagent_call" });
                is_called = true;
            }
        }
        for child in &trajectory.children {
            let caller = Some(places[child.node.index()].0).filter(|node| self.nodes[*node].sampled);
            let first = self.nodes.len();
            self.add(&child.trajectory, caller)?;
            let answer = (first..self.nodes.len()).rev().find(|node| self.nodes[*node].sampled);
            let reader = trajectory
                .nodes
                .iter()
                .zip(&places)
                .skip(child.node.index() + 1)
                .find(|(node, place)| is_sampled(node) && self.nodes[place.0].sampled)
                .map(|(_, place)| place.0);
            if let (Some(node), Some(reader)) = (answer, reader) {
                self.nodes[reader].semantic_parents.push(ParentLink { node, r#type: "subagent_return" });
            }
        }
        Ok(())
    }

    /// The model of the first call.
    pub(super) fn model(&self) -> Option<&'a str> {
        self.calls.first().map(|call| call.model)
    }

    /// Results that say that the tool failed.
    pub(super) fn tool_errors(&self) -> u64 {
        self.tool_errors
    }

    fn push(&mut self, node: &'a Node, parent: Option<usize>) -> Result<(), String> {
        if node.message.role != Role::Tool {
            let message = spoken(node)?;
            self.push_message(node, parent, message, true);
            if let Some(turn) = node.turn.as_ref().filter(|_| is_sampled(node)) {
                self.calls.push(model_call(turn, self.nodes.len() - 1));
            }
            return Ok(());
        }
        if node.message.content.is_empty() {
            return Err("a tool message without a result".to_owned());
        }
        let mut parent = parent;
        for (index, block) in node.message.content.iter().enumerate() {
            let ContentBlock::ToolResult(ToolResult { call_id, name, content: blocks, is_error }) = block
            else {
                return Err("a tool message holds results only".to_owned());
            };
            self.tool_errors += u64::from(*is_error);
            let message = Message {
                role: "tool",
                content: content(blocks.iter())?,
                reasoning_content: None,
                tool_calls: Vec::new(),
                tool_call_id: Some(call_id),
                name: Some(name),
            };
            self.push_message(node, parent, message, index == 0);
            parent = Some(self.nodes.len() - 1);
        }
        Ok(())
    }

    fn push_message(
        &mut self,
        node: &'a Node,
        parent: Option<usize>,
        message: Message<'a>,
        has_tokens: bool,
    ) {
        let sampled = is_sampled(node);
        let tokens = node.tokens.as_ref().filter(|_| has_tokens);
        let ids = tokens.map_or(&[][..], |tokens| &tokens.ids);
        let is_trained = |at: usize| {
            sampled && tokens.is_some_and(|tokens| tokens.is_sampled.get(at).copied().unwrap_or_default())
        };
        let mask: Vec<bool> = (0..ids.len()).map(is_trained).collect();
        let logprobs =
            tokens.filter(|tokens| tokens.logprobs.len() == ids.len()).map_or(&[][..], |t| &t.logprobs);
        let kept = logprobs.iter().zip(&mask).filter_map(|(logprob, sampled)| sampled.then_some(*logprob));
        let timing = node.turn.as_ref().map(|turn| turn.timing).or(node.call_timings.first().copied());
        self.nodes.push(MessageNode {
            parent,
            tools: Vec::new(),
            semantic_parents: Vec::new(),
            message,
            sampled,
            timestamp: timing.map_or(0.0, |timing| seconds(timing.start_ms + timing.duration_ms)),
            token_ids: ids,
            logprobs: kept.collect(),
            mask,
            is_content: tokens
                .filter(|tokens| tokens.is_content.len() == ids.len())
                .map_or(&[][..], |tokens| &tokens.is_content),
        });
    }
}

fn is_sampled(node: &Node) -> bool {
    node.message.role == Role::Assistant && !node.is_synthetic
}

fn spoken(node: &Node) -> Result<Message<'_>, String> {
    let is_reply = node.message.role == Role::Assistant;
    let mut reasoning: Option<String> = None;
    let mut calls = Vec::new();
    let mut rest = Vec::new();
    for block in &node.message.content {
        match block {
            ContentBlock::Reasoning { text, .. } if is_reply => {
                let all = reasoning.get_or_insert_default();
                if !all.is_empty() && !text.is_empty() {
                    all.push('\n');
                }
                all.push_str(text);
            }
            ContentBlock::ToolCall(call) if is_reply => {
                calls.push(Call { id: &call.id, name: &call.name, arguments: call.arguments.as_text() });
            }
            ContentBlock::Image(_) if is_reply => return Err("a picture in a reply".to_owned()),
            block => rest.push(block),
        }
    }
    Ok(Message {
        role: node.message.role.as_str(),
        content: content(rest.into_iter())?,
        reasoning_content: reasoning.filter(|text| !text.is_empty()),
        tool_calls: calls,
        tool_call_id: None,
        name: None,
    })
}

/// Text as a string, anything else as parts.
fn content<'a>(blocks: impl Iterator<Item = &'a ContentBlock>) -> Result<Content<'a>, String> {
    let part = |block: &'a ContentBlock| match block {
        ContentBlock::Text { text } => Ok(Part::Text { text }),
        ContentBlock::Image(ImageSource::Url { url }) => {
            Ok(Part::ImageUrl { image_url: Url { url: url.clone() } })
        }
        ContentBlock::Image(ImageSource::Base64 { media_type, data }) => {
            Ok(Part::ImageUrl { image_url: Url { url: format!("data:{media_type};base64,{data}") } })
        }
        _ => Err("a message with a block of another role".to_owned()),
    };
    let parts: Vec<Part<'a>> = blocks.map(part).collect::<Result<_, String>>()?;
    let texts: Option<Vec<&str>> = parts
        .iter()
        .map(|part| match part {
            Part::Text { text } => Some(*text),
            Part::ImageUrl { .. } => None,
        })
        .collect();
    Ok(texts.map_or(Content::Parts(parts), |texts| Content::Text(texts.join("\n"))))
}

fn model_call(turn: &Turn, node: usize) -> ModelCall<'_> {
    let usage = &turn.usage;
    ModelCall {
        node,
        model: &turn.model.model,
        finish_reason: match turn.finish_reason {
            FinishReason::Stop => Some("stop"),
            FinishReason::ToolCalls => Some("tool_calls"),
            FinishReason::Length => Some("length"),
            FinishReason::ContentFilter | FinishReason::Other(_) => None,
        },
        usage: Usage {
            prompt_tokens: usage.prompt_tokens.saturating_sub(usage.cached_tokens),
            completion_tokens: usage.completion_tokens,
            cached_input_tokens: usage.cached_tokens,
            reasoning_tokens: usage.reasoning_tokens,
        },
        time: TimeSpan {
            start: seconds(turn.timing.start_ms),
            end: seconds(turn.timing.start_ms + turn.timing.duration_ms),
        },
    }
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

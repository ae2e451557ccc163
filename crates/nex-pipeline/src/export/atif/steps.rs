//! The steps of an ATIF document: a reply and its results are one.

use super::super::branch::Branch;
use super::super::chat::arguments;
use nex_trajectory::{
    CallId, ContentBlock, Defect, FinishReason, ImageSource, Node, NodeId, Role, Timing, ToolResult,
};
use serde::Serialize;
use serde_json::value::RawValue;

/// `Step` of ATIF.
#[derive(Debug, Serialize)]
pub(super) struct Step<'a> {
    step_id: usize,
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_name: Option<&'a str>,
    message: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    observation: Option<Observation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics: Option<Metrics<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_copied_context: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    llm_call_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<StepExtra<'a>>,
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
    Image { source: Image<'a> },
}

#[derive(Debug, Serialize)]
struct Image<'a> {
    media_type: &'a str,
    path: String,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    tool_call_id: &'a CallId,
    function_name: &'a str,
    arguments: Box<RawValue>,
}

#[derive(Debug, Default, Serialize)]
struct Observation<'a> {
    results: Vec<ObservedResult<'a>>,
}

#[derive(Debug, Default, Serialize)]
struct ObservedResult<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    source_call_id: Option<&'a CallId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subagent_trajectory_ref: Vec<SubagentRef<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<ResultExtra>,
}

#[derive(Clone, Debug, Serialize)]
struct SubagentRef<'a> {
    trajectory_id: String,
    session_id: &'a str,
}

#[derive(Debug, Serialize)]
struct ResultExtra {
    is_error: bool,
}

#[derive(Debug, Serialize)]
struct Metrics<'a> {
    prompt_tokens: u64,
    completion_tokens: u64,
    cached_tokens: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    completion_token_ids: Vec<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logprobs: Vec<f32>,
    extra: MetricsExtra<'a>,
}

#[derive(Debug, Serialize)]
struct MetricsExtra<'a> {
    provider: &'a str,
    reasoning_tokens: u64,
    attempts: u32,
    timing: Timing,
}

#[derive(Debug, Serialize)]
struct StepExtra<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<&'a FinishReason>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    defects: &'a [Defect],
}

impl Step<'_> {
    /// A model wrote it, and no earlier document has it.
    pub(super) fn is_sampled(&self) -> bool {
        self.source == "agent" && !self.is_copied_context
    }
}

/// A sub-agent: the node that started it, the call in it, the id of its document.
pub(super) type Started<'a> = (NodeId, Option<&'a CallId>, String);

/// The steps of `branch`, whose nodes are `path`.
///
/// # Errors
/// Something in a message has no place in ATIF.
pub(super) fn steps<'a>(
    branch: &Branch<'a>,
    path: &[NodeId],
    seen: &[bool],
    started: &[Started<'a>],
) -> Result<Vec<Step<'a>>, String> {
    let session = branch.episode.id.as_str();
    let mut steps: Vec<Step<'a>> = Vec::new();
    for (&id, &node) in path.iter().zip(&branch.sample.nodes) {
        let refs = |call: Option<&CallId>| -> Vec<SubagentRef<'a>> {
            let of_call = started.iter().filter(|(at, by, _)| *at == id && *by == call);
            of_call
                .map(|(.., document)| SubagentRef { trajectory_id: document.clone(), session_id: session })
                .collect()
        };
        if node.message.role == Role::Tool {
            let step =
                steps.last_mut().filter(|step| step.source == "agent").ok_or("a result without a call")?;
            results(node, step)?;
            attach(step, None, refs(None));
            continue;
        }
        let mut step = spoken(node, steps.len() + 1)?;
        step.is_copied_context = seen[id.index()] || node.is_synthetic;
        attach(&mut step, None, refs(None));
        let calls: Vec<&'a CallId> = step.tool_calls.iter().map(|call| call.tool_call_id).collect();
        for call in calls {
            attach(&mut step, Some(call), refs(Some(call)));
        }
        steps.push(step);
    }
    Ok(steps)
}

fn spoken(node: &Node, step_id: usize) -> Result<Step<'_>, String> {
    let source = match node.message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant | Role::Tool => "agent",
    };
    let is_reply = source == "agent";
    let is_sampled = is_reply && !node.is_synthetic;
    let turn = node.turn.as_ref().filter(|_| is_sampled);
    let mut calls = Vec::new();
    let mut reasoning = String::new();
    let mut spoken = Vec::new();
    for block in &node.message.content {
        match block {
            ContentBlock::ToolCall(call) if is_reply => calls.push(Call {
                tool_call_id: &call.id,
                function_name: &call.name,
                arguments: arguments(call)?,
            }),
            ContentBlock::Reasoning { text, .. } if is_sampled => {
                if !reasoning.is_empty() && !text.is_empty() {
                    reasoning.push('\n');
                }
                reasoning.push_str(text);
            }
            // A step that no model made has no reasoning: ATIF forbids it.
            ContentBlock::Reasoning { .. } if is_reply => {}
            block => spoken.push(block),
        }
    }
    let mut ids: Vec<&CallId> = calls.iter().map(|call| call.tool_call_id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("two calls of one id in a reply".to_owned());
    }
    let finish_reason = turn.map(|turn| &turn.finish_reason);
    let has_extra = finish_reason.is_some() || !node.defects.is_empty();
    Ok(Step {
        step_id,
        source,
        model_name: turn.map(|turn| turn.model.model.as_str()),
        message: content(spoken)?,
        reasoning_content: Some(reasoning).filter(|text| !text.is_empty()),
        tool_calls: calls,
        observation: None,
        metrics: metrics(node).filter(|_| is_sampled),
        is_copied_context: false,
        llm_call_count: is_reply.then_some(u32::from(is_sampled)),
        extra: has_extra.then_some(StepExtra { finish_reason, defects: &node.defects }),
    })
}

fn metrics(node: &Node) -> Option<Metrics<'_>> {
    let turn = node.turn.as_ref()?;
    let mut metrics = Metrics {
        prompt_tokens: turn.usage.prompt_tokens,
        completion_tokens: turn.usage.completion_tokens,
        cached_tokens: turn.usage.cached_tokens,
        completion_token_ids: Vec::new(),
        logprobs: Vec::new(),
        extra: MetricsExtra {
            provider: &turn.model.provider,
            reasoning_tokens: turn.usage.reasoning_tokens,
            attempts: turn.attempts,
            timing: turn.timing,
        },
    };
    if let Some(tokens) = node.tokens.as_ref().filter(|tokens| tokens.is_sampled.len() == tokens.ids.len()) {
        let sampled = || tokens.is_sampled.iter();
        let kept = |(sampled, id): (&bool, &u32)| sampled.then_some(*id);
        metrics.completion_token_ids = sampled().zip(&tokens.ids).filter_map(kept).collect();
        if tokens.logprobs.len() == tokens.ids.len() {
            let kept = |(sampled, logprob): (&bool, &f32)| sampled.then_some(*logprob);
            metrics.logprobs = sampled().zip(&tokens.logprobs).filter_map(kept).collect();
        }
    }
    Some(metrics)
}

/// Adds the results of a tool message to the step whose calls they answer.
fn results<'a>(node: &'a Node, step: &mut Step<'a>) -> Result<(), String> {
    for block in &node.message.content {
        let ContentBlock::ToolResult(ToolResult { call_id, content: blocks, is_error, .. }) = block else {
            return Err("a tool message holds results only".to_owned());
        };
        if !step.tool_calls.iter().any(|call| call.tool_call_id == call_id) {
            return Err("a result without a call".to_owned());
        }
        let content = Some(content(blocks.iter().collect())?);
        let extra = is_error.then_some(ResultExtra { is_error: true });
        let results = &mut step.observation.get_or_insert_default().results;
        // A sub-agent may have opened it already.
        match results.iter_mut().find(|r| r.source_call_id == Some(call_id) && r.content.is_none()) {
            Some(result) => (result.content, result.extra) = (content, extra),
            None => results.push(ObservedResult {
                source_call_id: Some(call_id),
                content,
                extra,
                ..ObservedResult::default()
            }),
        }
    }
    Ok(())
}

/// Adds references to sub-agents, to the result of `call` or to one of their own.
fn attach<'a>(step: &mut Step<'a>, call: Option<&'a CallId>, refs: Vec<SubagentRef<'a>>) {
    if refs.is_empty() {
        return;
    }
    let results = &mut step.observation.get_or_insert_default().results;
    results.push(ObservedResult {
        source_call_id: call,
        subagent_trajectory_ref: refs,
        ..ObservedResult::default()
    });
}

/// Text as a string, anything else as parts.
fn content(blocks: Vec<&ContentBlock>) -> Result<Content<'_>, String> {
    if !blocks.iter().any(|block| matches!(block, ContentBlock::Image(_))) {
        let mut texts = Vec::with_capacity(blocks.len());
        for block in blocks {
            let ContentBlock::Text { text } = block else {
                return Err("a message with a block of another role".to_owned());
            };
            texts.push(text.as_str());
        }
        return Ok(Content::Text(texts.join("\n")));
    }
    blocks.into_iter().map(part).collect::<Result<_, String>>().map(Content::Parts)
}

fn part(block: &ContentBlock) -> Result<Part<'_>, String> {
    match block {
        ContentBlock::Text { text } => Ok(Part::Text { text }),
        ContentBlock::Image(image) => Ok(Part::Image { source: picture(image)? }),
        _ => Err("a message with a block of another role".to_owned()),
    }
}

fn picture(image: &ImageSource) -> Result<Image<'_>, String> {
    const KNOWN: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
    let (media_type, path) = match image {
        ImageSource::Base64 { media_type, data } => {
            (media_type.as_str(), format!("data:{media_type};base64,{data}"))
        }
        ImageSource::Url { url } => {
            let name = url.split(['?', '#']).next().unwrap_or(url).to_ascii_lowercase();
            let media_type = match name.rsplit('.').next() {
                Some("jpg" | "jpeg") => "image/jpeg",
                Some("png") => "image/png",
                Some("gif") => "image/gif",
                Some("webp") => "image/webp",
                _ => "",
            };
            (media_type, url.clone())
        }
    };
    if !KNOWN.contains(&media_type) {
        return Err("a picture that is no JPEG, PNG, GIF or WebP".to_owned());
    }
    Ok(Image { media_type, path })
}

//! [`Toolbox`]: an agent's tools behind one door.
//!
//! In: a [`ToolCall`] as the model wrote it. Out: a [`CallOutcome`], always. What the model did
//! wrong (unknown tool, bad arguments) and what went wrong around it (deadline, dead server,
//! panic) become an `is_error` result that the model can read, plus [`Defect`]s and the
//! [`ToolFailure`] for the record. Cost over the bare tool: parsing and validating the arguments.

use crate::arguments::{self, nearest};
use crate::output_cap;
use crate::{CallContext, Tool, ToolFailure, ToolOutput};
use futures_util::FutureExt;
use futures_util::future::join_all;
use indexmap::IndexMap;
use nex_trajectory::{ContentBlock, Defect, DefectKind, ToolCall, ToolResult};
use serde::{Deserialize, Serialize};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Names are listed to a model that calls an unknown tool up to this many.
const MAX_LISTED_TOOLS: usize = 40;

/// What one call may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ToolLimits {
    /// A call without an answer after this is given up, unless the tool has its own deadline.
    pub deadline_ms: u64,
    /// Text of one result beyond this is cut to head and tail.
    pub max_output_bytes: usize,
    /// An inline image beyond this (base64 bytes) is left out.
    pub max_image_bytes: usize,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self { deadline_ms: 60_000, max_output_bytes: 64 * 1024, max_image_bytes: 4 * 1024 * 1024 }
    }
}

/// An agent's tools.
#[derive(Clone)]
pub struct Toolbox {
    tools: IndexMap<String, Arc<dyn Tool>>,
    limits: ToolLimits,
}

/// Two tools of one agent have the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("two tools are named `{name}`; rename one of them where the agent lists its tools")]
pub struct DuplicateTool {
    /// The name.
    pub name: String,
}

/// What became of one call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallOutcome {
    /// For the model.
    pub result: ToolResult,
    /// What was wrong with the call or its output.
    pub defects: Vec<Defect>,
    /// What broke, if it was no fault of the model.
    pub failure: Option<ToolFailure>,
    /// From the call to its result.
    pub duration_ms: u64,
}

impl Toolbox {
    /// A toolbox of `tools`, in that order.
    ///
    /// # Errors
    /// Two tools have the same name.
    pub fn new(tools: Vec<Arc<dyn Tool>>, limits: ToolLimits) -> Result<Self, DuplicateTool> {
        let mut by_name = IndexMap::with_capacity(tools.len());
        for tool in tools {
            let name = tool.declaration().spec().name.clone();
            if by_name.insert(name.clone(), tool).is_some() {
                return Err(DuplicateTool { name });
            }
        }
        Ok(Self { tools: by_name, limits })
    }

    /// The tools, in order.
    pub fn tools(&self) -> impl ExactSizeIterator<Item = &Arc<dyn Tool>> {
        self.tools.values()
    }

    /// The tool named `name`.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Tool>> {
        self.tools.get(name)
    }

    /// The limits of each call.
    pub fn limits(&self) -> &ToolLimits {
        &self.limits
    }

    /// Makes one call. `context` gives session and cancellation; the call's own id goes to the tool.
    pub async fn call(&self, call: &ToolCall, context: &CallContext<'_>) -> CallOutcome {
        let start = Instant::now();
        let context = CallContext { call_id: call.id.as_str(), ..*context };
        let mut defects = Vec::new();
        let (output, failure) = match self.prepare(call, &mut defects) {
            Err(refusal) => (ToolOutput::error(refusal), None),
            Ok((tool, arguments)) => match self.run(tool, arguments, &context).await {
                Ok(output) => (self.bound(output, &mut defects), None),
                Err(failure) => (ToolOutput::error(explain(&failure)), Some(failure)),
            },
        };
        let result = ToolResult {
            call_id: call.id.clone(),
            name: call.name.clone(),
            content: output.content,
            is_error: output.is_error,
        };
        for defect in &mut defects {
            defect.call_id = Some(call.id.clone());
        }
        CallOutcome { result, defects, failure, duration_ms: start.elapsed().as_millis() as u64 }
    }

    /// Makes the calls of one turn concurrently and gives the outcomes in call order. A serial
    /// tool waits for the calls before it and holds up the calls behind it.
    pub async fn call_all(&self, calls: &[ToolCall], context: &CallContext<'_>) -> Vec<CallOutcome> {
        let mut outcomes = Vec::with_capacity(calls.len());
        let mut rest = calls;
        while let Some(first) = rest.first() {
            let together = if self.is_serial(first) {
                1
            } else {
                rest.iter().take_while(|call| !self.is_serial(call)).count()
            };
            let (batch, behind) = rest.split_at(together);
            match batch {
                [only] => outcomes.push(self.call(only, context).await),
                _ => outcomes.extend(join_all(batch.iter().map(|call| self.call(call, context))).await),
            }
            rest = behind;
        }
        outcomes
    }

    fn is_serial(&self, call: &ToolCall) -> bool {
        self.tools.get(&call.name).is_some_and(|tool| tool.is_serial())
    }

    /// The tool and its checked arguments, or the text that tells the model what it did wrong.
    fn prepare(
        &self,
        call: &ToolCall,
        defects: &mut Vec<Defect>,
    ) -> Result<(&Arc<dyn Tool>, serde_json::Value), String> {
        let Some(tool) = self.tools.get(&call.name) else {
            let text = self.unknown_tool(&call.name);
            defects.push(Defect::new(DefectKind::UnknownTool, text.clone()));
            return Err(text);
        };
        match arguments::check(&call.arguments, tool.declaration()) {
            Ok((arguments, strays)) => {
                defects.extend(strays);
                Ok((tool, arguments))
            }
            Err(refusal) => {
                defects.extend(refusal.defects);
                Err(refusal.text)
            }
        }
    }

    fn unknown_tool(&self, name: &str) -> String {
        let shown = &name[..name.floor_char_boundary(100)];
        if self.tools.is_empty() {
            return format!("there is no tool `{shown}`: this agent has no tools; answer in text");
        }
        let names = || self.tools.keys().map(String::as_str);
        let near = nearest(name, names(), 3);
        let mut text = format!("there is no tool `{shown}`");
        if !near.is_empty() {
            text.push_str(&format!("; did you mean `{}`?", near.join("` or `")));
        }
        let listed: Vec<&str> = names().take(MAX_LISTED_TOOLS).collect();
        text.push_str(&format!(" The tools are: {}", listed.join(", ")));
        if self.tools.len() > listed.len() {
            text.push_str(&format!(" and {} more", self.tools.len() - listed.len()));
        }
        text
    }

    async fn run(
        &self,
        tool: &Arc<dyn Tool>,
        arguments: serde_json::Value,
        context: &CallContext<'_>,
    ) -> Result<ToolOutput, ToolFailure> {
        if context.cancel.is_cancelled() {
            return Err(ToolFailure::Cancelled);
        }
        let limit = tool.deadline().unwrap_or(Duration::from_millis(self.limits.deadline_ms));
        let name = || tool.declaration().spec().name.clone();
        // A tool that panicked is not used again in a way that could see its broken state: it is
        // either stateless or guards its state by locks of its own.
        let call = AssertUnwindSafe(tool.call(arguments, context)).catch_unwind();
        // Polls the call before it arms the timer, so that a tool that answers at once pays for none.
        let bounded = tokio::time::timeout(limit, call);
        tokio::select! {
            biased;
            answer = bounded => match answer {
                Err(_) => Err(ToolFailure::Timeout { tool: name(), limit }),
                Ok(Err(panic)) => Err(ToolFailure::Panicked { tool: name(), message: panic_message(&*panic) }),
                Ok(Ok(answer)) => answer,
            },
            () = context.cancel.cancelled() => Err(ToolFailure::Cancelled),
        }
    }

    /// `output` within the limits; what was wrong with it goes to `defects`.
    fn bound(&self, mut output: ToolOutput, defects: &mut Vec<Defect>) -> ToolOutput {
        if output.is_lossy {
            let message = "the output was not UTF-8; the bytes in question were replaced by U+FFFD";
            defects.push(Defect::new(DefectKind::InvalidUtf8, message));
        }
        let ToolLimits { max_output_bytes, max_image_bytes, .. } = self.limits;
        if let Some(cut) = output_cap::cap(&mut output.content, max_output_bytes, max_image_bytes) {
            let output_cap::Cut { total_bytes, left_out_bytes, hash } = cut;
            let message = format!("{left_out_bytes} of {total_bytes} bytes left out; blake3 {hash}");
            defects.push(Defect::new(DefectKind::OversizedOutput, message));
        }
        if output.content.is_empty() {
            output.content.push(ContentBlock::Text { text: String::new() });
        }
        output
    }
}

/// What the model reads when a tool broke: what happened and whether trying again makes sense.
fn explain(failure: &ToolFailure) -> String {
    match failure {
        ToolFailure::Timeout { .. } => format!("{failure}; it may or may not have taken effect"),
        ToolFailure::ServerGone { .. } => {
            format!(
                "{failure}; what it kept in memory is lost, and this call may or may not have taken effect"
            )
        }
        ToolFailure::Panicked { tool, .. } => {
            format!("tool `{tool}` broke down inside; the call has no result")
        }
        ToolFailure::Protocol { .. } | ToolFailure::Cancelled => failure.to_string(),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests;

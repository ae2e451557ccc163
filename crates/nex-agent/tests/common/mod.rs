//! A scripted model and small tools, shared by the tests of the loop.
#![allow(dead_code)]

use async_trait::async_trait;
use nex_agent::{Agent, AgentSpec, RunContext, ToolBindings, VirtualClock};
use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError};
use nex_tools::{CallContext, FnTool, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::{
    Arguments, CallId, ContentBlock, FinishReason, Message, ModelIdentity, Role, Timing, ToolCall, ToolSpec,
    Trajectory, Usage,
};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// A model that is a function of what it is asked.
pub(crate) struct FnModel<F>(pub F);

#[async_trait]
impl<F> ChatModel for FnModel<F>
where
    F: Fn(&ChatRequest<'_>) -> Result<ChatReply, LlmError> + Send + Sync,
{
    fn identity(&self) -> ModelIdentity {
        identity()
    }
    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        (self.0)(request)
    }
}

/// A model that gives `replies[agent]` one by one, then `done`.
pub(crate) fn script(replies: Vec<(&'static str, Vec<ChatReply>)>) -> Arc<dyn ChatModel> {
    let replies = Mutex::new(replies);
    Arc::new(FnModel(move |request: &ChatRequest<'_>| {
        let mut replies = replies.lock();
        let of_agent = replies.iter_mut().find(|(agent, left)| *agent == request.agent && !left.is_empty());
        Ok(of_agent.map_or_else(|| say("done"), |(_, left)| left.remove(0)))
    }))
}

/// A model that always answers `reply`.
pub(crate) fn always(reply: ChatReply) -> Arc<dyn ChatModel> {
    Arc::new(FnModel(move |_: &ChatRequest<'_>| Ok(reply.clone())))
}

pub(crate) fn identity() -> ModelIdentity {
    ModelIdentity { provider: "script".into(), model: "test".into() }
}

pub(crate) fn reply(content: Vec<ContentBlock>) -> ChatReply {
    let has_calls = content.iter().any(|block| matches!(block, ContentBlock::ToolCall(_)));
    ChatReply {
        message: Message { role: Role::Assistant, content },
        finish_reason: if has_calls { FinishReason::ToolCalls } else { FinishReason::Stop },
        usage: Usage { prompt_tokens: 8, completion_tokens: 2, ..Usage::default() },
        timing: Timing::default(),
        model: identity(),
        tokens: None,
        prompt_token_ids: Vec::new(),
        attempts: 1,
        defects: Vec::new(),
    }
}

pub(crate) fn say(text: &str) -> ChatReply {
    reply(vec![ContentBlock::Text { text: text.into() }])
}

pub(crate) fn nothing() -> ChatReply {
    reply(Vec::new())
}

/// A reply that calls `(id, name, arguments)`.
pub(crate) fn call(calls: &[(&str, &str, Value)]) -> ChatReply {
    reply(
        calls
            .iter()
            .map(|(id, name, arguments)| {
                ContentBlock::ToolCall(ToolCall {
                    id: CallId::from(*id),
                    name: (*name).into(),
                    arguments: Arguments::from_value(arguments),
                })
            })
            .collect(),
    )
}

/// Calls of sub-agents as `(id, agent, message)`.
pub(crate) fn ask(calls: &[(&str, &str, &str)]) -> ChatReply {
    let calls: Vec<(&str, &str, Value)> = calls
        .iter()
        .map(|(id, agent, message)| (*id, "Agent", json!({"sub_agent_name": agent, "message": message})))
        .collect();
    call(&calls)
}

pub(crate) fn spec(name: &str, schema: Value) -> ToolSpec {
    ToolSpec { name: name.into(), description: format!("Does {name}."), input_schema: schema }
}

/// `echo(text)`: gives the text back; `fail: true` makes it an error.
pub(crate) fn echo() -> Arc<dyn Tool> {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string"}, "fail": {"type": "boolean"}},
        "required": ["text"]});
    let tool = FnTool::new(spec("echo", schema), |arguments| {
        let text = arguments["text"].as_str().unwrap_or_default().to_owned();
        Ok(ToolOutput { is_error: arguments["fail"] == true, ..ToolOutput::text(text) })
    });
    Arc::new(tool.expect("valid schema"))
}

/// A tool whose call fails as `failure` says.
pub(crate) fn broken(name: &str, failure: ToolFailure) -> Arc<dyn Tool> {
    let tool = FnTool::new(spec(name, json!({"type": "object"})), move |_| Err(failure.clone()));
    Arc::new(tool.expect("valid schema"))
}

/// A tool that ends only when `gate` is opened (or its run is cut).
pub(crate) struct Gated {
    pub declaration: Arc<ToolDeclaration>,
    pub gate: Arc<tokio::sync::Notify>,
    pub log: Arc<Mutex<Vec<String>>>,
    pub serial: bool,
}

pub(crate) fn gated(
    name: &str,
    gate: &Arc<tokio::sync::Notify>,
    log: &Arc<Mutex<Vec<String>>>,
    serial: bool,
) -> Arc<dyn Tool> {
    let declaration =
        Arc::new(ToolDeclaration::new(spec(name, json!({"type": "object"}))).expect("valid schema"));
    Arc::new(Gated { declaration, gate: gate.clone(), log: log.clone(), serial })
}

#[async_trait]
impl Tool for Gated {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }
    async fn call(&self, _: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let name = &self.declaration.spec().name;
        self.log.lock().push(format!("{name} starts"));
        self.gate.notified().await;
        self.log.lock().push(format!("{name} ends"));
        Ok(ToolOutput::text(name.clone()))
    }
    fn is_serial(&self) -> bool {
        self.serial
    }
    fn deadline(&self) -> Option<Duration> {
        Some(Duration::from_secs(3600))
    }
}

/// An agent with the environment's tools.
pub(crate) fn agent(name: &str) -> AgentSpec {
    AgentSpec::new(name).with_environment_tool("*")
}

pub(crate) fn compile(spec: AgentSpec) -> Agent {
    Agent::compile(spec, &ToolBindings::new()).expect("the spec is right")
}

/// A context with `model`, the tools given and a clock that stands still.
pub(crate) fn context(model: Arc<dyn ChatModel>, tools: Vec<Arc<dyn Tool>>) -> RunContext {
    let clock = Arc::new(VirtualClock::new(1_700_000_000_000));
    RunContext::new("t", model, clock).with_environment(tools)
}

/// The record in a form to be read and compared.
pub(crate) fn show(trajectory: &Trajectory) -> String {
    let mut out = String::new();
    show_at(trajectory, 0, &mut out);
    out
}

fn show_at(trajectory: &Trajectory, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    let _ = writeln!(out, "{pad}{} ({})", trajectory.id, trajectory.agent);
    for (index, node) in trajectory.nodes.iter().enumerate() {
        let synthetic = if node.is_synthetic { " [synthetic]" } else { "" };
        for block in &node.message.content {
            let text = match block {
                ContentBlock::Text { text } => format!("{text:?}"),
                ContentBlock::ToolCall(call) => {
                    format!("{} {}({})", call.id, call.name, call.arguments.as_text())
                }
                ContentBlock::ToolResult(result) => {
                    let mark = if result.is_error { "error " } else { "" };
                    format!("{} -> {mark}{:?}", result.call_id, result.text())
                }
                other => format!("{other:?}"),
            };
            let _ = writeln!(out, "{pad}  {index} {}{synthetic}: {text}", node.message.role.as_str());
        }
        if node.message.content.is_empty() {
            let _ = writeln!(out, "{pad}  {index} {}{synthetic}: nothing", node.message.role.as_str());
        }
        for defect in &node.defects {
            let of = defect.call_id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            let _ = writeln!(out, "{pad}    defect {:?}{of}: {}", defect.kind, defect.message);
        }
        for child in trajectory.children.iter().filter(|child| child.node.index() == index) {
            let by = child.call_id.as_ref().map_or("-", |id| id.as_str());
            let _ = writeln!(out, "{pad}    child of {by}:");
            show_at(&child.trajectory, depth + 3, out);
        }
    }
    let _ = writeln!(out, "{pad}  stop: {:?}", trajectory.stop);
    if let Some(answer) = &trajectory.answer {
        let _ = writeln!(out, "{pad}  answer: {answer:?}");
    }
}

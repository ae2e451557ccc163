//! The loop: ask the model, run its calls, record both, until something named ends it.
//!
//! In: a compiled agent, an instruction and a [`Scope`]. Out: a [`Trajectory`], always. Invariants:
//! every loop ends by a limit at the latest; every call in the record has exactly one result, in
//! call order, also where the run was cut; the history only grows, so a turn costs what it adds.

use crate::agent::{Agent, CompiledAgent, SessionTools};
use crate::reply::{self, Repetition};
use crate::spending::Spending;
use crate::sub_agent::Conversations;
use crate::{Limits, RunContext};
use nex_llm::{ChatReply, ChatRequest, LlmError, Transcript};
use nex_tools::McpLease;
use nex_trajectory::{
    Defect, DefectKind, FinishReason, InfraFailure, Message, Node, NodeId, StopReason, Timing, Trajectory,
    TrajectoryId, Turn,
};
use std::future::Future;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use tokio_util::sync::WaitForCancellationFuture;

/// What the model is told after it returned nothing.
const NUDGE: &str = "Your reply was empty. Call a tool, or give your answer as text.";

/// What a run inherits from whoever started it.
pub(crate) struct Scope {
    /// Shared by the whole tree.
    pub(crate) context: Arc<RunContext>,
    pub(crate) id: TrajectoryId,
    pub(crate) limits: Limits,
    /// Levels above this run.
    pub(crate) depth: u32,
    /// Levels that may still be opened below it.
    pub(crate) levels_left: u32,
    /// On the context's clock.
    pub(crate) deadline_ms: u64,
    /// When the outermost run started, on the context's clock.
    pub(crate) origin_ms: u64,
    pub(crate) spending: Arc<Spending>,
    /// The conversation that this run goes on with; empty for a new one.
    pub(crate) earlier: Vec<Arc<Message>>,
}

impl Scope {
    /// The scope of an outermost run of `agent`.
    pub(crate) fn root(agent: &CompiledAgent, context: Arc<RunContext>) -> Self {
        let limits = agent.spec.limits.with(&context.limits);
        let now_ms = context.clock.now_ms();
        Self {
            id: context.trajectory_id.clone(),
            depth: 0,
            levels_left: limits.max_depth,
            deadline_ms: now_ms.saturating_add(millis(limits.timeout)),
            origin_ms: now_ms,
            spending: Arc::new(Spending::new(limits.token_budget, limits.max_tool_calls, None)),
            earlier: Vec::new(),
            limits,
            context,
        }
    }

    /// The scope of a run of `agent` below this one: its own limits, within what is left here.
    pub(crate) fn below(&self, agent: &CompiledAgent, run_name: &str, earlier: Vec<Arc<Message>>) -> Self {
        let limits = agent.spec.limits.clone();
        let own_deadline_ms = self.context.clock.now_ms().saturating_add(millis(limits.timeout));
        Self {
            context: self.context.clone(),
            id: TrajectoryId::new(format!("{}/{run_name}", self.id)),
            depth: self.depth + 1,
            levels_left: limits.max_depth.min(self.levels_left.saturating_sub(1)),
            deadline_ms: own_deadline_ms.min(self.deadline_ms),
            origin_ms: self.origin_ms,
            spending: Arc::new(Spending::new(
                limits.token_budget,
                limits.max_tool_calls,
                Some(self.spending.clone()),
            )),
            earlier,
            limits,
        }
    }

    /// Milliseconds since the outermost run started.
    pub(crate) fn now_ms(&self) -> u64 {
        self.context.clock.now_ms() - self.origin_ms
    }
}

/// Runs `agent` as the outermost one.
pub(crate) async fn run_root(agent: &Agent, instruction: &str, context: RunContext) -> Trajectory {
    let scope = Scope::root(&agent.compiled, Arc::new(context));
    run_in(agent, instruction, scope).await
}

/// Runs `agent` in `scope`. Boxed, because a run may contain runs.
pub(crate) fn run_in<'a>(
    agent: &'a Agent,
    instruction: &'a str,
    scope: Scope,
) -> Pin<Box<dyn Future<Output = Trajectory> + Send + 'a>> {
    Box::pin(run_observed(agent, instruction, scope))
}

async fn run_observed(agent: &Agent, instruction: &str, scope: Scope) -> Trajectory {
    let context = scope.context.clone();
    let id = scope.id.clone();
    if let Some(observer) = &context.observer {
        observer.on_start(&id, agent.name(), scope.depth);
    }
    let trajectory = match Session::start(&agent.compiled, instruction, scope).await {
        Ok(session) => session.drive().await,
        Err(failed) => *failed,
    };
    if let Some(observer) = &context.observer {
        observer.on_stop(&id, &trajectory.stop, trajectory.answer.as_deref());
    }
    trajectory
}

/// One run under way.
pub(crate) struct Session<'a> {
    pub(crate) agent: &'a CompiledAgent,
    pub(crate) scope: Scope,
    pub(crate) tools: SessionTools,
    pub(crate) trajectory: Trajectory,
    pub(crate) conversations: Conversations,
    /// The MCP servers; given back when the run ends.
    _leases: Vec<McpLease>,
    transcript: Transcript,
    last: Option<NodeId>,
    turns: u32,
    empty_replies: u32,
    repetition: Repetition,
}

/// Why a run ended, and its answer if it has one.
pub(crate) type Ending = (StopReason, Option<String>);

impl<'a> Session<'a> {
    /// Puts the tools and the first messages together; the record of a run that failed at once
    /// where that is not possible.
    async fn start(
        agent: &'a CompiledAgent,
        instruction: &str,
        scope: Scope,
    ) -> Result<Self, Box<Trajectory>> {
        let context = scope.context.clone();
        let mut leases = Vec::new();
        let mut leased = Ok(Vec::new());
        if !agent.spec.mcp_servers.is_empty() {
            let mut interrupt = Interrupt::new(&context, &scope);
            leased = tokio::select! {
                biased;
                leased = agent.lease_servers(&context) => leased.map(|(held, tools)| {
                    leases = held;
                    tools
                }),
                stop = interrupt.wait() => {
                    return Err(Box::new(stillborn(agent, &scope, instruction, stop)));
                }
            };
        }
        let prepared = leased.and_then(|leased| agent.session_tools(&context, leased)).and_then(|tools| {
            let system = agent.system_message(&tools.kit, &context)?;
            Ok((tools, system))
        });
        let (tools, system) = match prepared {
            Ok(prepared) => prepared,
            Err(failure) => {
                let stop = StopReason::Infra(failure);
                return Err(Box::new(stillborn(agent, &scope, instruction, stop)));
            }
        };
        let specs = tools.kit.tool_set.specs().clone();
        let mut session = Session {
            agent,
            trajectory: Trajectory::new(scope.id.clone(), agent.spec.name.clone(), specs),
            scope,
            tools,
            _leases: leases,
            conversations: Conversations::default(),
            transcript: Transcript::default(),
            last: None,
            turns: 0,
            empty_replies: 0,
            repetition: Repetition::default(),
        };
        if session.scope.earlier.is_empty() {
            if let Some(system) = system {
                session.push(Node::new(None, system));
            }
        } else {
            for message in std::mem::take(&mut session.scope.earlier) {
                let mut node = Node::new(None, message);
                // The record of the earlier part holds them as they were sampled.
                node.is_synthetic = true;
                session.push(node);
            }
        }
        session.push(Node::new(None, Message::user(instruction)));
        Ok(session)
    }

    /// Turns until something ends the run.
    async fn drive(mut self) -> Trajectory {
        let context = self.scope.context.clone();
        let mut interrupt = Interrupt::new(&context, &self.scope);
        let (stop, answer) = loop {
            if let ControlFlow::Break(ending) = self.turn(&mut interrupt).await {
                break ending;
            }
        };
        self.trajectory.stop = stop;
        self.trajectory.answer = answer;
        self.trajectory
    }

    async fn turn(&mut self, interrupt: &mut Interrupt<'_>) -> ControlFlow<Ending> {
        if let Some(stop) = self.exhausted(interrupt) {
            return ControlFlow::Break((stop, None));
        }
        let start_ms = self.scope.now_ms();
        let request = ChatRequest {
            transcript: &self.transcript,
            tools: &self.tools.kit.tool_set,
            sampling: &self.agent.spec.llm.sampling,
            session: self.scope.id.as_str(),
            agent: &self.agent.spec.name,
        };
        let model = self.scope.context.model_of(&self.agent.spec.name);
        let reply = tokio::select! {
            biased;
            reply = model.complete(&request) => reply,
            stop = interrupt.wait() => return ControlFlow::Break((stop, None)),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return ControlFlow::Break((stop_of(&error), None)),
        };
        self.turns += 1;
        self.scope.spending.spend_tokens(reply.usage.total_tokens());
        let is_refused = reply.finish_reason == FinishReason::ContentFilter;
        let node = self.record_reply(reply, start_ms);
        let message = self.trajectory.nodes[node.index()].message.clone();
        if message.calls().next().is_some() {
            self.empty_replies = 0;
            return self.run_calls(node, &message, interrupt).await;
        }
        if is_refused {
            return ControlFlow::Break((StopReason::Refused, None));
        }
        self.take_text(node, message.text())
    }

    /// Why no further model call may be made, if so.
    fn exhausted(&self, interrupt: &Interrupt<'_>) -> Option<StopReason> {
        if self.scope.context.cancel.is_cancelled() {
            return Some(StopReason::Cancelled);
        }
        if self.scope.context.clock.now_ms() >= self.scope.deadline_ms {
            return Some(interrupt.time_limit());
        }
        if self.turns >= self.scope.limits.max_turns {
            return Some(StopReason::TurnLimit { max_turns: self.scope.limits.max_turns });
        }
        self.scope.spending.exhausted_tokens().map(|used_tokens| StopReason::TokenBudget { used_tokens })
    }

    fn record_reply(&mut self, reply: ChatReply, start_ms: u64) -> NodeId {
        let ChatReply {
            mut message,
            finish_reason,
            usage,
            timing,
            model,
            tokens,
            prompt_token_ids,
            attempts,
            mut defects,
        } = reply;
        if !prompt_token_ids.is_empty() {
            crate::prompt_tokens::place(&mut self.trajectory.nodes, prompt_token_ids);
        }
        reply::repair_call_ids(&mut message, self.trajectory.nodes.len(), &mut defects);
        let is_known = |defects: &[Defect], kind| defects.iter().any(|defect| defect.kind == kind);
        if finish_reason == FinishReason::Length && !is_known(&defects, DefectKind::TruncatedReply) {
            defects.push(Defect::new(DefectKind::TruncatedReply, "the reply was cut by the length limit"));
        }
        let timing = Timing {
            start_ms,
            first_byte_ms: timing.first_byte_ms,
            duration_ms: self.scope.now_ms().saturating_sub(start_ms),
        };
        let mut node = Node::new(None, message);
        node.turn = Some(Turn { model, finish_reason, usage, timing, attempts });
        node.tokens = tokens;
        node.defects = defects;
        let id = self.push(node);
        if let Some(observer) = &self.scope.context.observer {
            let node = &self.trajectory.nodes[id.index()];
            if let Some(turn) = &node.turn {
                observer.on_turn(&self.scope.id, &node.message, turn);
            }
        }
        id
    }

    /// A reply without calls: the answer, or nothing.
    fn take_text(&mut self, node: NodeId, text: String) -> ControlFlow<Ending> {
        if !text.trim().is_empty() {
            return ControlFlow::Break((StopReason::FinalAnswer, Some(text)));
        }
        self.empty_replies += 1;
        let defects = &mut self.trajectory.nodes[node.index()].defects;
        if !defects.iter().any(|defect| defect.kind == DefectKind::EmptyReply) {
            defects.push(Defect::new(DefectKind::EmptyReply, "the reply holds neither text nor calls"));
        }
        if self.empty_replies >= self.scope.limits.max_empty_replies {
            return ControlFlow::Break((StopReason::EmptyReplies { count: self.empty_replies }, None));
        }
        let mut nudge = Node::new(None, Message::user(NUDGE));
        nudge.is_synthetic = true;
        self.push(nudge);
        ControlFlow::Continue(())
    }

    async fn run_calls(
        &mut self,
        node: NodeId,
        message: &Message,
        interrupt: &mut Interrupt<'_>,
    ) -> ControlFlow<Ending> {
        let finding = self.repetition.look_at(message, self.scope.limits.max_repeats);
        self.trajectory.nodes[node.index()].defects.extend(finding.defects);
        let plan = self.plan(message, finding.is_loop);
        let hit_call_limit = plan.hit_call_limit;
        let (records, interrupted) = self.execute(plan.calls, interrupt).await;
        self.repetition.note_errors(records.iter().any(|record| record.result.is_error));
        let mut ending = crate::calls::stop_tool(&self.agent.stop_tools, message, &records);
        if let Some(stop) = interrupted {
            ending = Some((stop, None));
        }
        if let Some(failure) = self.record_results(node, records) {
            ending = Some((StopReason::Infra(failure), None));
        }
        if let Some(ending) = ending {
            return ControlFlow::Break(ending);
        }
        if let Some(max_tool_calls) = hit_call_limit {
            return ControlFlow::Break((StopReason::ToolCallLimit { max_tool_calls }, None));
        }
        if finding.is_loop {
            return ControlFlow::Break((
                StopReason::RepetitionLoop { repeats: self.repetition.streak() },
                None,
            ));
        }
        ControlFlow::Continue(())
    }

    /// Adds `node` to the record and its message to what the model sees.
    pub(crate) fn push(&mut self, mut node: Node) -> NodeId {
        node.parent = self.last;
        self.transcript.push(node.message.clone());
        let id = self.trajectory.push(node);
        self.last = Some(id);
        id
    }
}

/// Waits for the run's deadline or its cancellation.
pub(crate) struct Interrupt<'a> {
    deadline: Pin<Box<dyn Future<Output = ()> + Send + 'a>>,
    cancelled: Pin<Box<WaitForCancellationFuture<'a>>>,
    limit_ms: u64,
}

impl<'a> Interrupt<'a> {
    fn new(context: &'a RunContext, scope: &Scope) -> Self {
        let start_ms = context.clock.now_ms();
        Self {
            deadline: context.clock.sleep_until(scope.deadline_ms),
            cancelled: Box::pin(context.cancel.cancelled()),
            limit_ms: scope.deadline_ms.saturating_sub(start_ms),
        }
    }

    /// Ends with the reason. Must not be called again after that.
    pub(crate) async fn wait(&mut self) -> StopReason {
        tokio::select! {
            biased;
            () = &mut self.cancelled => StopReason::Cancelled,
            () = &mut self.deadline => self.time_limit(),
        }
    }

    fn time_limit(&self) -> StopReason {
        StopReason::TimeLimit { limit_ms: self.limit_ms }
    }
}

/// The record of a run that never asked its model.
pub(crate) fn stillborn(
    agent: &CompiledAgent,
    scope: &Scope,
    instruction: &str,
    stop: StopReason,
) -> Trajectory {
    let mut trajectory = Trajectory::new(scope.id.clone(), agent.spec.name.clone(), Arc::default());
    trajectory.push(Node::new(None, Message::user(instruction)));
    trajectory.stop = stop;
    trajectory
}

fn stop_of(error: &LlmError) -> StopReason {
    match error {
        LlmError::ContextTooLong { .. } => StopReason::ContextTooLong,
        _ => StopReason::Infra(InfraFailure { kind: error.kind().to_owned(), message: error.to_string() }),
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

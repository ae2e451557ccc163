//! Running the calls of one reply: concurrently, bounded, with results in call order.

use crate::ToolFailurePolicy;
use crate::agent::Agent;
use crate::run::{Ending, Interrupt, Scope, Session, run_in, stillborn};
use crate::sub_agent::{AGENT_TOOL, parse_call, report};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use nex_tools::{CallContext, ToolFailure};
use nex_trajectory::{
    Child, ContentBlock, Defect, DefectKind, InfraFailure, Message, Node, NodeId, StopReason, Timing,
    ToolCall, ToolResult, Trajectory,
};
use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::Pin;

/// What is to become of the calls of one reply, in call order.
pub(crate) struct Plan<'m> {
    pub(crate) calls: Vec<Planned<'m>>,
    /// The limit, where some calls are beyond it.
    pub(crate) hit_call_limit: Option<u32>,
}

/// What is to become of one call.
pub(crate) enum Planned<'m> {
    /// The toolbox runs it.
    Tool(&'m ToolCall),
    /// A sub-agent runs.
    SubAgent {
        call: &'m ToolCall,
        name: String,
        agent: Agent,
        message: String,
        scope: Box<Scope>,
        conversation: usize,
    },
    /// It is not run.
    Settled(CallRecord),
}

/// One call's result and what the record keeps of it.
pub(crate) struct CallRecord {
    pub(crate) result: ToolResult,
    timing: Timing,
    defects: Vec<Defect>,
    failure: Option<Failure>,
    child: Option<(usize, Trajectory)>,
}

/// Something broke that is not the model's doing.
struct Failure {
    infra: InfraFailure,
    /// Going on makes no sense: whatever broke stays broken.
    is_for_good: bool,
}

type CallFuture<'f> = Pin<Box<dyn Future<Output = (usize, CallRecord)> + Send + 'f>>;

impl Session<'_> {
    /// Decides for each call of `message` whether and how it runs, and opens the conversations
    /// with sub-agents, so that their names follow call order.
    pub(crate) fn plan<'m>(&mut self, message: &'m Message, is_loop: bool) -> Plan<'m> {
        let max_calls = self.scope.limits.max_calls_per_turn as usize;
        let mut plan = Plan { calls: Vec::new(), hit_call_limit: None };
        for (index, call) in message.calls().enumerate() {
            let planned = if is_loop {
                self.refuse(call, "not run: you made the same calls too many times in a row".to_owned(), None)
            } else if index >= max_calls {
                let text =
                    format!("not run: at most {max_calls} calls in one reply; make it again if still needed");
                let defect = (index == max_calls).then(|| {
                    let count = message.calls().count();
                    Defect::new(
                        DefectKind::TooManyCalls,
                        format!("{count} calls in one reply, {max_calls} allowed"),
                    )
                });
                self.refuse(call, text, defect)
            } else if !self.scope.spending.take_call() {
                let limit = self.scope.spending.call_limit();
                plan.hit_call_limit = Some(limit);
                self.refuse(call, format!("not run: the limit of {limit} tool calls is reached"), None)
            } else if call.name == AGENT_TOOL && self.agent.agent_tool.is_some() {
                self.plan_sub_agent(call)
            } else {
                Planned::Tool(call)
            };
            plan.calls.push(planned);
        }
        plan
    }

    fn plan_sub_agent<'m>(&mut self, call: &'m ToolCall) -> Planned<'m> {
        let Some(declaration) = &self.agent.agent_tool else { return Planned::Tool(call) };
        let parsed = match parse_call(&call.arguments, declaration) {
            Ok(parsed) => parsed,
            Err((text, defects)) => {
                let mut record = self.settled(call, text);
                record.defects = defects.into_iter().map(|defect| defect.of_call(call.id.clone())).collect();
                return Planned::Settled(record);
            }
        };
        let agent = self.agent.sub_agent(&parsed.name).expect("the schema lists the names").clone();
        let opened = match self.conversations.open(&parsed) {
            Ok(opened) => opened,
            Err((text, defect)) => return self.refuse(call, text, Some(defect)),
        };
        let earlier = opened.earlier.map(|child| {
            let nodes = &self.trajectory.children[child].trajectory.nodes;
            nodes.iter().map(|node| node.message.clone()).collect()
        });
        let scope = self.scope.below(&agent.compiled, &opened.run_name, earlier.unwrap_or_default());
        let conversation = opened.index;
        let (name, message) = (parsed.name, parsed.message);
        if self.scope.levels_left == 0 {
            let stop = StopReason::DepthLimit { max_depth: self.scope.depth };
            let trajectory = stillborn(&agent.compiled, &scope, &message, stop);
            let mut record = self.settled(call, report(&name, &trajectory).0);
            record.child = Some((conversation, trajectory));
            return Planned::Settled(record);
        }
        Planned::SubAgent { call, name, agent, message, scope: Box::new(scope), conversation }
    }

    fn refuse<'m>(&self, call: &ToolCall, text: String, defect: Option<Defect>) -> Planned<'m> {
        let mut record = self.settled(call, text);
        record.defects.extend(defect.map(|defect| defect.of_call(call.id.clone())));
        Planned::Settled(record)
    }

    /// An error result that took no time.
    fn settled(&self, call: &ToolCall, text: String) -> CallRecord {
        CallRecord {
            result: result_of(call, text, true),
            timing: Timing { start_ms: self.scope.now_ms(), ..Timing::default() },
            defects: Vec::new(),
            failure: None,
            child: None,
        }
    }

    /// Runs `planned` and gives the records in call order, and what cut the calls short, if
    /// anything did. A call that was cut has an error result; sub-agents are told and end
    /// themselves, so that their records are kept.
    pub(crate) async fn execute(
        &self,
        mut planned: Vec<Planned<'_>>,
        interrupt: &mut Interrupt<'_>,
    ) -> (Vec<CallRecord>, Option<StopReason>) {
        if let [Planned::Tool(call)] = planned[..] {
            // By far the most frequent case, without any bookkeeping.
            let outcome = tokio::select! {
                biased;
                record = self.run_tool(call) => Ok(record),
                stop = interrupt.wait() => Err(stop),
            };
            return match outcome {
                Ok(record) => (vec![record], None),
                Err(stop) => (vec![self.cut_short(call, &stop)], Some(stop)),
            };
        }
        let calls: Vec<Option<ToolCall>> = planned
            .iter()
            .map(|planned| match planned {
                Planned::Tool(call) => Some(ToolCall::clone(call)),
                _ => None,
            })
            .collect();
        let mut records: Vec<Option<CallRecord>> = Vec::with_capacity(planned.len());
        records.resize_with(planned.len(), || None);
        let mut interrupted = None;
        let mut start = 0;
        while !planned.is_empty() {
            let together = self.batch_len(&planned);
            let batch: Vec<Planned<'_>> = planned.drain(..together).collect();
            self.run_batch(start, batch, &mut records, interrupt, &mut interrupted).await;
            start += together;
        }
        let records =
            records.into_iter().zip(calls).map(|(record, call)| match (record, call, &interrupted) {
                (Some(record), _, _) => record,
                (None, Some(call), Some(stop)) => self.cut_short(&call, stop),
                (None, _, _) => unreachable!("only tool calls are cut, and only by an interruption"),
            });
        (records.collect(), interrupted)
    }

    /// How many of the first calls may overlap: one serial call, or all up to the next such.
    fn batch_len(&self, planned: &[Planned<'_>]) -> usize {
        let is_serial = |planned: &Planned<'_>| match planned {
            Planned::Tool(call) => self.tools.kit.serial.contains(&call.name),
            _ => false,
        };
        match planned.iter().position(is_serial) {
            Some(0) => 1,
            Some(at) => at,
            None => planned.len(),
        }
    }

    async fn run_batch(
        &self,
        start: usize,
        batch: Vec<Planned<'_>>,
        records: &mut [Option<CallRecord>],
        interrupt: &mut Interrupt<'_>,
        interrupted: &mut Option<StopReason>,
    ) {
        let mut tools: VecDeque<CallFuture<'_>> = VecDeque::new();
        let mut agents: VecDeque<CallFuture<'_>> = VecDeque::new();
        for (offset, planned) in batch.into_iter().enumerate() {
            let index = start + offset;
            match planned {
                Planned::Settled(record) => records[index] = Some(record),
                Planned::Tool(_) if interrupted.is_some() => {}
                Planned::Tool(call) => {
                    tools.push_back(Box::pin(async move { (index, self.run_tool(call).await) }))
                }
                Planned::SubAgent { call, name, agent, message, scope, conversation } => {
                    agents.push_back(Box::pin(async move {
                        (index, self.run_sub_agent(call, name, agent, message, *scope, conversation).await)
                    }));
                }
            }
        }
        let mut running_tools: FuturesUnordered<CallFuture<'_>> = FuturesUnordered::new();
        let mut running_agents: FuturesUnordered<CallFuture<'_>> = FuturesUnordered::new();
        loop {
            fill(&mut running_tools, &mut tools, self.scope.limits.max_parallel_calls);
            fill(&mut running_agents, &mut agents, self.scope.limits.max_running_subagents);
            if running_tools.is_empty() && running_agents.is_empty() {
                return;
            }
            tokio::select! {
                biased;
                Some((index, record)) = running_tools.next(), if !running_tools.is_empty() => {
                    records[index] = Some(record);
                }
                Some((index, record)) = running_agents.next(), if !running_agents.is_empty() => {
                    records[index] = Some(record);
                }
                stop = interrupt.wait(), if interrupted.is_none() => {
                    *interrupted = Some(stop);
                    tools.clear();
                    running_tools.clear();
                }
            }
        }
    }

    async fn run_tool(&self, call: &ToolCall) -> CallRecord {
        let context = &self.scope.context;
        let start_ms = self.scope.now_ms();
        if let Some(observer) = &context.observer {
            observer.on_call(&self.scope.id, call);
        }
        let call_context = CallContext {
            session: self.scope.id.as_str(),
            call_id: call.id.as_str(),
            cancel: &context.cancel,
        };
        let outcome = self.tools.toolbox.call(call, &call_context).await;
        if let Some(observer) = &context.observer {
            observer.on_result(&self.scope.id, &outcome.result);
        }
        CallRecord {
            result: outcome.result,
            timing: self.since(start_ms),
            defects: outcome.defects,
            failure: outcome.failure.as_ref().and_then(Failure::of_tool),
            child: None,
        }
    }

    async fn run_sub_agent(
        &self,
        call: &ToolCall,
        name: String,
        agent: Agent,
        message: String,
        scope: Scope,
        conversation: usize,
    ) -> CallRecord {
        let start_ms = self.scope.now_ms();
        if let Some(observer) = &self.scope.context.observer {
            observer.on_call(&self.scope.id, call);
        }
        let trajectory = run_in(&agent, &message, scope).await;
        let (text, is_error) = report(&name, &trajectory);
        let result = result_of(call, text, is_error);
        if let Some(observer) = &self.scope.context.observer {
            observer.on_result(&self.scope.id, &result);
        }
        let failure = match &trajectory.stop {
            StopReason::Infra(infra) => Some(Failure { infra: infra.clone(), is_for_good: true }),
            _ => None,
        };
        let child = Some((conversation, trajectory));
        CallRecord { result, timing: self.since(start_ms), defects: Vec::new(), failure, child }
    }

    fn cut_short(&self, call: &ToolCall, stop: &StopReason) -> CallRecord {
        let cause = match stop {
            StopReason::TimeLimit { .. } => "the run's time was over",
            _ => "the run was cancelled",
        };
        self.settled(
            call,
            format!("no result: {cause} before the call ended; it may or may not have taken effect"),
        )
    }

    fn since(&self, start_ms: u64) -> Timing {
        Timing { start_ms, first_byte_ms: None, duration_ms: self.scope.now_ms().saturating_sub(start_ms) }
    }

    /// Records the results of the calls in `node` as one tool message; the failure that is to end
    /// the run, if there is one.
    pub(crate) fn record_results(&mut self, node: NodeId, records: Vec<CallRecord>) -> Option<InfraFailure> {
        let policy = self.scope.context.on_tool_failure;
        let mut results = Vec::with_capacity(records.len());
        let mut tool_node =
            Node::new(None, Message { role: nex_trajectory::Role::Tool, content: Vec::new() });
        tool_node.call_timings.reserve(records.len());
        let mut ending = None;
        for record in records {
            let call_id = record.result.call_id.clone();
            results.push(record.result);
            tool_node.call_timings.push(record.timing);
            for defect in record.defects {
                match defect.kind {
                    DefectKind::InvalidUtf8 | DefectKind::OversizedOutput => tool_node.defects.push(defect),
                    _ => self.trajectory.nodes[node.index()].defects.push(defect),
                }
            }
            if let Some((conversation, trajectory)) = record.child {
                self.conversations.close(conversation, self.trajectory.children.len());
                self.trajectory.children.push(Child { node, call_id: Some(call_id), trajectory });
            }
            if let Some(failure) = record.failure {
                let ends = match policy {
                    ToolFailurePolicy::Continue => false,
                    ToolFailurePolicy::Stop => true,
                    ToolFailurePolicy::StopIfGone => failure.is_for_good,
                };
                if ends && ending.is_none() {
                    ending = Some(failure.infra);
                }
            }
        }
        tool_node.message = Message::tool(results).into();
        self.push(tool_node);
        ending
    }
}

impl Failure {
    /// None for a cancellation, which is no failure.
    fn of_tool(failure: &ToolFailure) -> Option<Self> {
        let is_for_good = match failure {
            ToolFailure::Cancelled => return None,
            ToolFailure::Timeout { .. } => false,
            ToolFailure::ServerGone { .. } | ToolFailure::Protocol { .. } | ToolFailure::Panicked { .. } => {
                true
            }
        };
        let infra = InfraFailure { kind: failure.kind().to_owned(), message: failure.to_string() };
        Some(Self { infra, is_for_good })
    }
}

/// The ending by the first stop tool, in call order, that ran without error.
pub(crate) fn stop_tool(
    stop_tools: &HashSet<String>,
    message: &Message,
    records: &[CallRecord],
) -> Option<Ending> {
    if stop_tools.is_empty() {
        return None;
    }
    let (call, record) = message
        .calls()
        .zip(records)
        .find(|(call, record)| stop_tools.contains(&call.name) && !record.result.is_error)?;
    // NexAU's `complete_task` gives back its `result` argument.
    let argument = match call.name.as_str() {
        "complete_task" => {
            call.arguments.to_value().ok().and_then(|v| Some(v.get("result")?.as_str()?.to_owned()))
        }
        _ => None,
    };
    let answer = argument.unwrap_or_else(|| record.result.text());
    Some((StopReason::StopTool { tool: call.name.clone() }, Some(answer)))
}

fn fill<'f>(
    running: &mut FuturesUnordered<CallFuture<'f>>,
    waiting: &mut VecDeque<CallFuture<'f>>,
    limit: u32,
) {
    while running.len() < limit as usize {
        match waiting.pop_front() {
            Some(call) => running.push(call),
            None => return,
        }
    }
}

fn result_of(call: &ToolCall, text: String, is_error: bool) -> ToolResult {
    ToolResult {
        call_id: call.id.clone(),
        name: call.name.clone(),
        content: vec![ContentBlock::Text { text }],
        is_error,
    }
}

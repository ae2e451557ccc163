//! Which agent made which model call, and under which call an agent was started.

use super::graph::lay;
use super::{Span, SpanKind};
use crate::import::draft::Draft;
use crate::import::fault::Wrong;
use nex_trajectory::{CallId, Child, NodeId, Role, Trajectory, TrajectoryId};
use std::collections::HashMap;
use std::sync::Arc;

/// An agent: the span that stands for it, and its model calls.
struct Agent {
    /// Index of its span; none for calls without a span above them.
    span: Option<usize>,
    calls: Vec<usize>,
}

/// An agent's trajectory with when each of its replies began.
struct Laid {
    trajectory: Trajectory,
    span: Option<usize>,
    replies: Vec<(u64, NodeId)>,
}

/// How far up a chain of parents is followed: a cycle in a damaged log must end.
const MAX_DEPTH: usize = 256;

/// All spans of one trace as one episode.
///
/// # Errors
/// None of them is a model call.
pub(in crate::import) fn read_trace(mut spans: Vec<Span>) -> Result<Draft, Wrong> {
    spans.sort_by_key(|span| (span.start_ms, span.end_ms));
    let index: HashMap<String, usize> =
        spans.iter().enumerate().rev().map(|(index, span)| (span.id.clone(), index)).collect();
    let parent_of: Vec<Option<usize>> = spans
        .iter()
        .enumerate()
        .map(|(at, span)| {
            span.parent.as_ref().and_then(|id| index.get(id)).copied().filter(|parent| *parent != at)
        })
        .collect();
    let agents = agents(&spans, &parent_of);
    if agents.is_empty() {
        let message =
            "no model call among the spans of this trace: log inputs and outputs of the generations";
        return Err(Wrong::new(message));
    }
    let driver = spans.iter().find_map(|span| span.call.as_ref()?.driver.clone());
    let epoch_ms = spans.iter().map(|span| span.start_ms).filter(|ms| *ms > 0).min().unwrap_or(0);
    let names: Vec<String> = agents.iter().map(|agent| name_of(agent, &spans)).collect();
    let frame = Frame::of(&spans, parent_of);
    let laid = lay_all(agents, &names, spans, epoch_ms);
    let mut draft = Draft::new(frame.hang(laid));
    draft.driver = driver;
    Ok(draft)
}

fn name_of(agent: &Agent, spans: &[Span]) -> String {
    match agent.span {
        Some(span) if !spans[span].name.is_empty() => spans[span].name.clone(),
        _ => "assistant".to_owned(),
    }
}

/// The agents in the order of their first model calls.
fn agents(spans: &[Span], parent_of: &[Option<usize>]) -> Vec<Agent> {
    let mut agents: Vec<Agent> = Vec::new();
    for (at, _) in spans.iter().enumerate().filter(|(_, span)| span.call.is_some()) {
        let above = std::iter::successors(parent_of[at], |span| parent_of[*span]).take(MAX_DEPTH);
        let owner = above.into_iter().find(|span| spans[*span].kind == SpanKind::Agent).or(parent_of[at]);
        match agents.iter_mut().find(|agent| agent.span == owner) {
            Some(agent) => agent.calls.push(at),
            None => agents.push(Agent { span: owner, calls: vec![at] }),
        }
    }
    agents
}

fn lay_all(agents: Vec<Agent>, names: &[String], spans: Vec<Span>, epoch_ms: u64) -> Vec<Laid> {
    let mut spans: Vec<Option<Span>> = spans.into_iter().map(Some).collect();
    let mut laid = Vec::new();
    for (agent, name) in agents.into_iter().zip(names) {
        let mut trajectory = Trajectory::new(TrajectoryId::new(""), name.as_str(), Arc::default());
        let calls = agent.calls.iter().filter_map(|at| spans[*at].take()).collect();
        let replies = lay(calls, &mut trajectory, epoch_ms);
        let replies = replies.into_iter().filter_map(|(span, node)| Some((span.start_ms, node?))).collect();
        laid.push(Laid { trajectory, span: agent.span, replies });
    }
    laid
}

/// What is needed of the spans to hang agents under each other.
struct Frame {
    parent_of: Vec<Option<usize>>,
    start_ms: Vec<u64>,
    call_ids: Vec<Option<String>>,
    names: Vec<String>,
}

impl Frame {
    fn of(spans: &[Span], parent_of: Vec<Option<usize>>) -> Self {
        Self {
            parent_of,
            start_ms: spans.iter().map(|span| span.start_ms).collect(),
            call_ids: spans.iter().map(|span| span.call_id.clone()).collect(),
            names: spans.iter().map(|span| span.name.clone()).collect(),
        }
    }

    fn above(&self, span: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.parent_of[span], |span| self.parent_of[*span]).take(MAX_DEPTH)
    }

    /// One trajectory with all others below it.
    fn hang(&self, laid: Vec<Laid>) -> Trajectory {
        let mut slots: Vec<Option<Laid>> = laid.into_iter().map(Some).collect();
        let owners: Vec<Option<usize>> = slots.iter().map(|slot| self.owner(slot.as_ref(), &slots)).collect();
        let depth: Vec<usize> = (0..slots.len())
            .map(|at| std::iter::successors(owners[at], |owner| owners[*owner]).take(MAX_DEPTH).count())
            .collect();
        let mut order: Vec<usize> = (0..slots.len()).collect();
        // The deepest go first, so that whoever takes them is still there; equal ones as they began.
        order.sort_by_key(|at| (std::cmp::Reverse(depth[*at]), *at));
        for at in order {
            let Some(owner) = owners[at].filter(|owner| depth[*owner] < depth[at]) else { continue };
            let Some(child) = slots[at].take() else { continue };
            let Some(parent) = slots[owner].as_mut() else { continue };
            let (node, call_id) = self.place(&child, parent);
            parent.trajectory.children.push(Child { node, call_id, trajectory: child.trajectory });
        }
        let mut roots = slots.into_iter().flatten();
        let first = roots.next().expect("the shallowest agent is never taken");
        let rest: Vec<Laid> = roots.collect();
        if rest.is_empty() {
            return first.trajectory;
        }
        // Several agents side by side: a pipeline, whose stages hang under what it was asked.
        let mut root = Trajectory::new(TrajectoryId::new(""), "pipeline", Arc::default());
        let asked = first.trajectory.nodes.iter().find(|node| node.message.role == Role::User);
        let asked = asked.unwrap_or(&first.trajectory.nodes[0]);
        let mut asked = asked.clone();
        asked.parent = None;
        asked.is_synthetic = true;
        let node = root.push(asked);
        let stages = std::iter::once(first).chain(rest);
        root.children =
            stages.map(|stage| Child { node, call_id: None, trajectory: stage.trajectory }).collect();
        root
    }

    /// The agent below whose span `of` stands.
    fn owner(&self, of: Option<&Laid>, all: &[Option<Laid>]) -> Option<usize> {
        let span = of?.span?;
        self.above(span).find_map(|above| {
            all.iter().position(|other| other.as_ref().is_some_and(|other| other.span == Some(above)))
        })
    }

    /// The reply, and the call in it, that started `child`.
    fn place(&self, child: &Laid, parent: &Laid) -> (NodeId, Option<CallId>) {
        let Some(span) = child.span else { return (NodeId(0), None) };
        let starts = self.start_ms[span];
        let before = parent.replies.iter().rev().find(|(start, _)| *start <= starts);
        let node = before.or(parent.replies.first()).map_or(NodeId(0), |(_, node)| *node);
        let message = &parent.trajectory.nodes[node.index()].message;
        // The tool span between the two, or the child's own, may name the call.
        let between = std::iter::once(span).chain(self.above(span).take_while(|at| Some(*at) != parent.span));
        let between: Vec<usize> = between.collect();
        let named = between.iter().find_map(|at| self.call_ids[*at].as_deref());
        if let Some(id) = named
            && let Some((index, _)) = parent
                .trajectory
                .nodes
                .iter()
                .enumerate()
                .rev()
                .find(|(_, node)| node.message.calls().any(|call| call.id.as_str() == id))
        {
            return (NodeId(index as u32), Some(CallId::from(id)));
        }
        let taken = |id: &CallId| {
            parent
                .trajectory
                .children
                .iter()
                .any(|other| other.node == node && other.call_id.as_ref() == Some(id))
        };
        let mentions = |text: &str| {
            between.iter().any(|at| !self.names[*at].is_empty() && text.contains(&self.names[*at]))
        };
        let open = || message.calls().filter(|call| !taken(&call.id));
        let call = open()
            .find(|call| mentions(&call.name) || mentions(call.arguments.as_text()))
            .or_else(|| {
                open().find(|call| {
                    between.iter().any(|at| !call.name.is_empty() && self.names[*at].contains(&call.name))
                })
            })
            .or_else(|| open().next().filter(|_| message.calls().count() == 1));
        (node, call.map(|call| call.id.clone()))
    }
}

//! Histories laid over each other.

use super::Span;
use nex_trajectory::{ContentBlock, Message, Node, NodeId, Role, Trajectory};

/// Adds the model calls of `spans`, which are in the order of their starts, to `trajectory`; gives
/// for each the node of its reply.
pub(super) fn lay(
    spans: Vec<Span>,
    trajectory: &mut Trajectory,
    epoch_ms: u64,
) -> Vec<(Span, Option<NodeId>)> {
    let mut laid = Vec::with_capacity(spans.len());
    let mut children = Children::default();
    for (index, mut span) in spans.into_iter().enumerate() {
        let Some(call) = span.call.take() else { continue };
        if trajectory.tools.is_empty() {
            trajectory.tools = call.tools;
        }
        let mut at = None;
        for mut node in call.history {
            at = Some(match children.like(trajectory, at, &node.message) {
                Some(known) => known,
                None => {
                    // The first history may hold earlier sessions; later on, replies are seen sampled.
                    node.is_synthetic |= index > 0 && node.message.role == Role::Assistant;
                    children.push(trajectory, at, node)
                }
            });
        }
        let reply = call.reply.map(|mut node| {
            if let Some(turn) = &mut node.turn {
                turn.timing.start_ms = span.start_ms.saturating_sub(epoch_ms);
                turn.timing.duration_ms = span.end_ms.saturating_sub(span.start_ms);
            }
            children.push(trajectory, at, node)
        });
        laid.push((span, reply));
    }
    laid
}

/// The nodes under each node; those under none come first.
#[derive(Default)]
struct Children(Vec<Vec<NodeId>>);

impl Children {
    fn push(&mut self, trajectory: &mut Trajectory, parent: Option<NodeId>, mut node: Node) -> NodeId {
        node.parent = parent;
        let id = trajectory.push(node);
        self.0.resize_with(trajectory.nodes.len() + 1, Vec::new);
        self.0[parent.map_or(0, |parent| parent.index() + 1)].push(id);
        id
    }

    /// The node under `parent` that says the same as `message`; the last of several.
    fn like(&self, trajectory: &Trajectory, parent: Option<NodeId>, message: &Message) -> Option<NodeId> {
        let under = self.0.get(parent.map_or(0, |parent| parent.index() + 1))?;
        under.iter().rev().copied().find(|id| is_same(&trajectory.nodes[id.index()].message, message))
    }
}

/// Whether two messages say the same. A history often leaves out the reasoning of a reply, and
/// white space at its end.
fn is_same(known: &Message, other: &Message) -> bool {
    if known.role != other.role {
        return false;
    }
    if known.role != Role::Assistant {
        return known.content == other.content;
    }
    let mut ours = known.content.iter().filter(|block| is_said(block));
    let mut theirs = other.content.iter().filter(|block| is_said(block));
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (Some(ours), Some(theirs)) if is_same_block(ours, theirs) => {}
            _ => return false,
        }
    }
}

fn is_said(block: &ContentBlock) -> bool {
    match block {
        ContentBlock::Reasoning { .. } => false,
        ContentBlock::Text { text } => !text.trim_ascii().is_empty(),
        _ => true,
    }
}

fn is_same_block(ours: &ContentBlock, theirs: &ContentBlock) -> bool {
    match (ours, theirs) {
        (ContentBlock::Text { text: a }, ContentBlock::Text { text: b }) => a.trim_ascii() == b.trim_ascii(),
        (ContentBlock::ToolCall(a), ContentBlock::ToolCall(b)) => {
            a.name == b.name
                && (a.arguments == b.arguments || a.arguments.to_value().ok() == b.arguments.to_value().ok())
        }
        (a, b) => a == b,
    }
}

//! Trajectories as a flat list, parents first.

use super::column::{Columns, Lists, Rows, flags, list, numbers, word};
use super::error::ParquetError;
use super::message::{self, FlatBlock};
use crate::{
    CallId, Child, Defect, FinishReason, Message, ModelIdentity, Node, NodeId, Timing, TokenSpan, ToolSpec,
    Trajectory, TrajectoryId, Turn, Usage,
};
use arrow_array::ArrayRef;
use arrow_array::types::{Float32Type, UInt32Type, UInt64Type};
use arrow_buffer::NullBuffer;
use std::ops::Range;
use std::sync::Arc;

/// One trajectory without its children; those follow with `parent` its index.
pub(super) struct FlatTrajectory<'a> {
    parent: Option<u32>,
    hangs_at: Option<(NodeId, Option<&'a CallId>)>,
    trajectory: &'a Trajectory,
}

/// The trajectory with all below it, parents before children, children in their order.
pub(super) fn flatten(root: &Trajectory) -> Vec<FlatTrajectory<'_>> {
    fn add<'a>(flat: FlatTrajectory<'a>, out: &mut Vec<FlatTrajectory<'a>>) {
        let index = out.len() as u32;
        let children = &flat.trajectory.children;
        out.push(flat);
        for Child { node, call_id, trajectory } in children {
            let hangs_at = Some((*node, call_id.as_ref()));
            add(FlatTrajectory { parent: Some(index), hangs_at, trajectory }, out);
        }
    }
    let mut out = Vec::new();
    add(FlatTrajectory { parent: None, hangs_at: None, trajectory: root }, &mut out);
    out
}

pub(super) fn columns(flat: &[&FlatTrajectory<'_>]) -> ArrayRef {
    let all = || flat.iter().map(|flat| flat.trajectory);
    let mut columns = Columns::new();
    columns.opt_number::<UInt32Type>("parent", flat.iter().map(|flat| flat.parent));
    columns.opt_number::<UInt32Type>("parent_node", flat.iter().map(|flat| Some(flat.hangs_at?.0.0)));
    columns.opt_text("parent_call", flat.iter().map(|flat| flat.hangs_at?.1.map(CallId::as_str)));
    columns.text("id", all().map(|t| t.id.as_str()));
    columns.text("agent", all().map(|t| &t.agent));
    columns.json("stop_reason", all().map(|t| &t.stop));
    columns.opt_text("answer", all().map(|t| t.answer.as_ref()));
    columns.list("tools", all().map(|t| t.tools.as_slice()), tools);
    columns.list("nodes", all().map(|t| t.nodes.as_slice()), nodes);
    Arc::new(columns.finish(None))
}

fn tools(tools: &[&ToolSpec]) -> ArrayRef {
    let mut columns = Columns::new();
    columns.text("name", tools.iter().map(|tool| &tool.name));
    columns.text("description", tools.iter().map(|tool| &tool.description));
    columns.json("input_schema", tools.iter().map(|tool| &tool.input_schema));
    Arc::new(columns.finish(None))
}

fn nodes(nodes: &[&Node]) -> ArrayRef {
    let mut columns = Columns::new();
    columns.opt_number::<UInt32Type>("parent", nodes.iter().map(|node| Some(node.parent?.0)));
    columns.text("role", nodes.iter().map(|node| node.message.role.as_str()));
    columns.flag("is_synthetic", nodes.iter().map(|node| node.is_synthetic));
    let blocks: Vec<Vec<FlatBlock<'_>>> =
        nodes.iter().map(|node| message::flatten(&node.message.content)).collect();
    columns.list("blocks", blocks.iter().map(Vec::as_slice), |flat| Arc::new(message::columns(flat)));
    columns.add("turn", true, turns(nodes));
    columns.list("call_timings", nodes.iter().map(|node| node.call_timings.as_slice()), |timings| {
        let mut columns = Columns::new();
        timing(&mut columns, timings.iter().map(|timing| **timing));
        Arc::new(columns.finish(None))
    });
    columns.add("tokens", true, tokens(nodes));
    columns.list("defects", nodes.iter().map(|node| node.defects.as_slice()), defects);
    Arc::new(columns.finish(None))
}

fn turns(nodes: &[&Node]) -> ArrayRef {
    let none = Turn {
        model: ModelIdentity { provider: String::new(), model: String::new() },
        finish_reason: FinishReason::Stop,
        usage: Usage::default(),
        timing: Timing::default(),
        attempts: 0,
    };
    let turns = || nodes.iter().map(|node| node.turn.as_ref().unwrap_or(&none));
    let mut columns = Columns::new();
    columns.text("provider", turns().map(|turn| &turn.model.provider));
    columns.text("model", turns().map(|turn| &turn.model.model));
    columns.text("finish_reason", turns().map(|turn| finish_word(&turn.finish_reason)));
    columns.number::<UInt64Type>("prompt_tokens", turns().map(|turn| turn.usage.prompt_tokens));
    columns.number::<UInt64Type>("completion_tokens", turns().map(|turn| turn.usage.completion_tokens));
    columns.number::<UInt64Type>("reasoning_tokens", turns().map(|turn| turn.usage.reasoning_tokens));
    columns.number::<UInt64Type>("cached_tokens", turns().map(|turn| turn.usage.cached_tokens));
    timing(&mut columns, turns().map(|turn| turn.timing));
    columns.number::<UInt32Type>("attempts", turns().map(|turn| turn.attempts));
    Arc::new(columns.finish(Some(NullBuffer::from_iter(nodes.iter().map(|node| node.turn.is_some())))))
}

/// `other:` before the provider's own word keeps it apart from ours.
fn finish_word(reason: &FinishReason) -> String {
    match reason {
        FinishReason::Other(text) => format!("other:{text}"),
        known => word(known),
    }
}

fn timing(columns: &mut Columns, timings: impl Iterator<Item = Timing> + Clone) {
    columns.number::<UInt64Type>("start_ms", timings.clone().map(|timing| timing.start_ms));
    columns.opt_number::<UInt64Type>("first_byte_ms", timings.clone().map(|timing| timing.first_byte_ms));
    columns.number::<UInt64Type>("duration_ms", timings.map(|timing| timing.duration_ms));
}

fn tokens(nodes: &[&Node]) -> ArrayRef {
    let none = TokenSpan::default();
    let spans = || nodes.iter().map(|node| node.tokens.as_ref().unwrap_or(&none));
    let mut columns = Columns::new();
    columns.list("ids", spans().map(|span| span.ids.as_slice()), numbers::<UInt32Type>);
    columns.list("logprobs", spans().map(|span| span.logprobs.as_slice()), numbers::<Float32Type>);
    columns.list("is_sampled", spans().map(|span| span.is_sampled.as_slice()), flags);
    columns.list("is_content", spans().map(|span| span.is_content.as_slice()), flags);
    Arc::new(columns.finish(Some(NullBuffer::from_iter(nodes.iter().map(|node| node.tokens.is_some())))))
}

fn defects(defects: &[&Defect]) -> ArrayRef {
    let mut columns = Columns::new();
    columns.text("kind", defects.iter().map(|defect| word(defect.kind)));
    columns.opt_text("call_id", defects.iter().map(|defect| Some(defect.call_id.as_ref()?.as_str())));
    columns.opt_number::<UInt64Type>("offset_bytes", defects.iter().map(|defect| defect.offset_bytes));
    columns.text("message", defects.iter().map(|defect| &defect.message));
    Arc::new(columns.finish(None))
}

/// A list column of `flat` trajectories, one list an episode.
pub(super) fn list_of(episodes: &[Vec<FlatTrajectory<'_>>]) -> ArrayRef {
    let flat: Vec<&FlatTrajectory<'_>> = episodes.iter().flatten().collect();
    list(episodes.iter().map(Vec::len), columns(&flat), None)
}

/// The trajectory whose flat list is in `range`.
pub(super) fn read(rows: Rows<'_>, range: Range<usize>) -> Result<Trajectory, ParquetError> {
    let (parent, parent_node, parent_call) =
        (rows.u32s("parent")?, rows.u32s("parent_node")?, rows.texts("parent_call")?);
    let misplaced = |value: String| {
        ParquetError::value("parent", value, "parents come first, and only the first has none")
    };
    // From the back, as with blocks.
    let mut children: Vec<Vec<Child>> = (0..range.len()).map(|_| Vec::new()).collect();
    for row in range.clone().rev() {
        let index = row - range.start;
        let mut trajectory = alone(rows, row)?;
        trajectory.children = std::mem::take(&mut children[index]);
        trajectory.children.reverse();
        match (parent.opt(row), parent_node.opt(row)) {
            (None, None) if index == 0 => return Ok(trajectory),
            (Some(parent), Some(node)) if (parent as usize) < index => {
                let call_id = parent_call.opt(row).map(CallId);
                children[parent as usize].push(Child { node: NodeId(node), call_id, trajectory });
            }
            (parent, _) => return Err(misplaced(format!("{parent:?}"))),
        }
    }
    Err(misplaced("an empty list".to_owned()))
}

/// One trajectory without its children.
fn alone(rows: Rows<'_>, row: usize) -> Result<Trajectory, ParquetError> {
    let (tool_lists, tools) = rows.lists("tools")?;
    let (node_lists, nodes) = rows.lists("nodes")?;
    Ok(Trajectory {
        id: TrajectoryId(rows.texts("id")?.get(row)),
        agent: rows.texts("agent")?.get(row),
        tools: Arc::new(tool_lists.of(row).map(|row| read_tool(tools, row)).collect::<Result<_, _>>()?),
        nodes: node_lists.of(row).map(|row| read_node(nodes, row)).collect::<Result<_, _>>()?,
        children: Vec::new(),
        stop: rows.texts("stop_reason")?.json(row, "stop_reason")?,
        answer: rows.texts("answer")?.opt(row),
    })
}

fn read_tool(rows: Rows<'_>, row: usize) -> Result<ToolSpec, ParquetError> {
    Ok(ToolSpec {
        name: rows.texts("name")?.get(row),
        description: rows.texts("description")?.get(row),
        input_schema: rows.texts("input_schema")?.json(row, "input_schema")?,
    })
}

fn read_node(rows: Rows<'_>, row: usize) -> Result<Node, ParquetError> {
    let (block_lists, blocks) = rows.lists("blocks")?;
    let (timing_lists, timings) = rows.lists("call_timings")?;
    let (defect_lists, defects) = rows.lists("defects")?;
    let (turn, tokens) = (rows.structs("turn")?, rows.structs("tokens")?);
    Ok(Node {
        parent: rows.u32s("parent")?.opt(row).map(NodeId),
        message: Arc::new(Message {
            role: rows.texts("role")?.word(row, "role")?,
            content: message::read(blocks, block_lists.of(row))?,
        }),
        turn: if turn.is_null(row) { None } else { Some(read_turn(turn, row)?) },
        call_timings: timing_lists.of(row).map(|row| read_timing(timings, row)).collect::<Result<_, _>>()?,
        tokens: if tokens.is_null(row) { None } else { Some(read_tokens(tokens, row)?) },
        defects: defect_lists.of(row).map(|row| read_defect(defects, row)).collect::<Result<_, _>>()?,
        is_synthetic: rows.flags("is_synthetic")?.value(row),
    })
}

fn read_turn(rows: Rows<'_>, row: usize) -> Result<Turn, ParquetError> {
    let finish = rows.texts("finish_reason")?;
    Ok(Turn {
        model: ModelIdentity {
            provider: rows.texts("provider")?.get(row),
            model: rows.texts("model")?.get(row),
        },
        finish_reason: match finish.get(row).strip_prefix("other:") {
            Some(other) => FinishReason::Other(other.to_owned()),
            None => finish.word(row, "finish_reason")?,
        },
        usage: Usage {
            prompt_tokens: rows.u64s("prompt_tokens")?.get(row),
            completion_tokens: rows.u64s("completion_tokens")?.get(row),
            reasoning_tokens: rows.u64s("reasoning_tokens")?.get(row),
            cached_tokens: rows.u64s("cached_tokens")?.get(row),
        },
        timing: read_timing(rows, row)?,
        attempts: rows.u32s("attempts")?.get(row),
    })
}

fn read_timing(rows: Rows<'_>, row: usize) -> Result<Timing, ParquetError> {
    Ok(Timing {
        start_ms: rows.u64s("start_ms")?.get(row),
        first_byte_ms: rows.u64s("first_byte_ms")?.opt(row),
        duration_ms: rows.u64s("duration_ms")?.get(row),
    })
}

fn read_tokens(rows: Rows<'_>, row: usize) -> Result<TokenSpan, ParquetError> {
    let flags = |name| -> Result<Vec<bool>, ParquetError> {
        let (lists, values) = rows.flag_lists(name)?;
        Ok(lists.of(row).map(|at| values.value(at)).collect())
    };
    let items = |lists: Lists<'_>| lists.of(row);
    let (id_lists, ids) = rows.u32_lists("ids")?;
    let (logprob_lists, logprobs) = rows.f32_lists("logprobs")?;
    Ok(TokenSpan {
        ids: ids[items(id_lists)].to_vec(),
        logprobs: logprobs[items(logprob_lists)].to_vec(),
        is_sampled: flags("is_sampled")?,
        is_content: flags("is_content")?,
    })
}

fn read_defect(rows: Rows<'_>, row: usize) -> Result<Defect, ParquetError> {
    Ok(Defect {
        kind: rows.texts("kind")?.word(row, "kind")?,
        call_id: rows.texts("call_id")?.opt(row).map(CallId),
        offset_bytes: rows.u64s("offset_bytes")?.opt(row),
        message: rows.texts("message")?.get(row),
    })
}

//! Goldens: small files of each kind, and what is read from them.

mod formats;
mod resilience;
mod round_trip;
mod traces;

use super::*;
use nex_trajectory::{ContentBlock, Node, Trajectory};
use std::fmt::Write;
use std::path::PathBuf;

/// Reads `text` as a file and gives episodes and faults, in order.
fn read(from: &str, dialect: Option<&str>, text: &[u8]) -> Vec<Result<Episode, Fault>> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in.jsonl");
    std::fs::write(&path, text).unwrap();
    let mut inputs = Inputs::open(vec![Input::File(path.clone())]).unwrap();
    let source = match from {
        "auto" => decide(&mut inputs, dialect).unwrap().source,
        name => Source::by_name(name, dialect).unwrap(),
    };
    let mut reader = RecordReader::new(&source);
    let mut found = Vec::new();
    for batch in Batches::new(&source, inputs) {
        reader.read(&batch.unwrap(), |_, result| found.push(result));
    }
    let short = |name: &str| PathBuf::from(name).file_name().unwrap().to_string_lossy().into_owned();
    for result in &mut found {
        if let Err(fault) = result {
            fault.file = short(&fault.file);
        }
    }
    found
}

/// Episodes as a person reads them, faults as they are told.
fn outline(results: &[Result<Episode, Fault>]) -> String {
    let mut out = String::new();
    for result in results {
        match result {
            Err(fault) => writeln!(out, "! {fault}").unwrap(),
            Ok(episode) => {
                writeln!(out, "{} by {}, {}", episode.task.id, episode.driver, episode.stop().name())
                    .unwrap();
                let mut notes = episode.notes.clone();
                notes.retain(|key, _| key != "plan_index" && key != "origin");
                if !notes.is_empty() {
                    writeln!(out, "  notes {}", serde_json::to_string(&notes).unwrap()).unwrap();
                }
                trajectory_outline(&episode.trajectory, "  ", &mut out);
            }
        }
    }
    out
}

fn trajectory_outline(trajectory: &Trajectory, indent: &str, out: &mut String) {
    let tools: Vec<&str> = trajectory.tools.iter().map(|tool| tool.name.as_str()).collect();
    writeln!(out, "{indent}{} [{}]", trajectory.agent, tools.join(", ")).unwrap();
    for (index, node) in trajectory.nodes.iter().enumerate() {
        let parent = node.parent.map(|parent| parent.index());
        // A node under the one before it goes without saying.
        let fork =
            if parent == index.checked_sub(1) { String::new() } else { format!("(under {parent:?}) ") };
        writeln!(out, "{indent}{index} {fork}{}", node_outline(node)).unwrap();
        for child in trajectory.children.iter().filter(|child| child.node.index() == index) {
            let call = child.call_id.as_ref().map_or("-", |id| id.as_str());
            writeln!(out, "{indent}  └ {call}").unwrap();
            trajectory_outline(&child.trajectory, &format!("{indent}    "), out);
        }
    }
}

fn node_outline(node: &Node) -> String {
    let blocks: Vec<String> = node.message.content.iter().map(block_outline).collect();
    let mut line = format!("{}: {}", node.message.role.as_str(), blocks.join(" | "));
    if node.is_synthetic {
        line.push_str(" (synthetic)");
    }
    if let Some(turn) = &node.turn {
        let usage = turn.usage;
        write!(
            line,
            " <{}, {:?}, {}+{}",
            turn.model.model, turn.finish_reason, usage.prompt_tokens, usage.completion_tokens
        )
        .unwrap();
        if usage.cached_tokens + usage.reasoning_tokens > 0 {
            write!(line, ", {} cached, {} reasoning", usage.cached_tokens, usage.reasoning_tokens).unwrap();
        }
        if turn.timing.duration_ms > 0 {
            write!(line, ", at {} for {} ms", turn.timing.start_ms, turn.timing.duration_ms).unwrap();
        }
        line.push('>');
    }
    if let Some(tokens) = &node.tokens {
        write!(line, " tokens {:?} {:?}", tokens.ids, tokens.logprobs).unwrap();
    }
    for defect in &node.defects {
        write!(line, " !{:?}", defect.kind).unwrap();
    }
    line
}

fn block_outline(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text { text } => format!("{text:?}"),
        ContentBlock::Reasoning { text, signature } => {
            format!("thinks {text:?}{}", signature.as_ref().map_or(String::new(), |s| format!(" signed {s}")))
        }
        ContentBlock::ToolCall(call) => format!("{} {}({})", call.id, call.name, call.arguments.as_text()),
        ContentBlock::ToolResult(result) => {
            let content: Vec<String> = result.content.iter().map(block_outline).collect();
            let mark = if result.is_error { "error " } else { "" };
            format!("{mark}{}={} {}", result.call_id, result.name, content.join(" | "))
        }
        ContentBlock::Image(image) => format!("{image:?}"),
    }
}

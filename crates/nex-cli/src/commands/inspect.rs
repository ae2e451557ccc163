//! One trajectory as a tree of text: what `nex data inspect` and `nex run` show.

use crate::terminal::{Tint, safe, tint};
use nex_trajectory::{ContentBlock, Episode, Node, Trajectory};
use std::fmt::Write;

/// Head of an episode: task, driver, outcome, reward parts.
pub(crate) fn episode_head(episode: &Episode, width: usize) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {}", tint(Tint::Strong, "episode"), episode.id);
    let task = &episode.task;
    let _ = writeln!(
        text,
        "task     {} · world {} · {} · {} · {} oracle calls",
        task.id, task.world, task.difficulty, task.language, task.oracle_calls
    );
    let _ = writeln!(
        text,
        "harness  {} · driver {} · attempt {}",
        episode.harness, episode.driver, episode.attempt
    );
    let outcome = format!("{:?}", episode.outcome).to_lowercase();
    let shown = match episode.outcome {
        nex_trajectory::Outcome::Success => tint(Tint::Good, &outcome),
        nex_trajectory::Outcome::Failure => tint(Tint::Bad, &outcome),
        nex_trajectory::Outcome::Infra => tint(Tint::Doubtful, &outcome),
        nex_trajectory::Outcome::Unscored => tint(Tint::Faint, &outcome),
    };
    let _ = writeln!(text, "outcome  {shown} · stopped: {}", episode.stop().name());
    if let Some(reward) = &episode.reward {
        let _ = writeln!(text, "reward   {:.3}", reward.total);
        for part in &reward.parts {
            let _ = writeln!(text, "  {:<14} {:.3}  (weight {:.2})", part.name, part.score, part.weight);
            for finding in &part.findings {
                let _ = writeln!(text, "    {}", safe(finding, width));
            }
        }
    }
    for (name, value) in &episode.notes {
        let _ = writeln!(text, "note     {name}: {}", safe(&value.to_string(), width));
    }
    text
}

/// A trajectory with its sub-agents under the calls that started them.
pub(crate) fn trajectory_tree(trajectory: &Trajectory, width: usize) -> String {
    let mut text = String::new();
    write_trajectory(&mut text, trajectory, 0, width);
    text
}

fn write_trajectory(out: &mut String, trajectory: &Trajectory, depth: usize, width: usize) {
    let indent = "  ".repeat(depth);
    let _ = writeln!(
        out,
        "{indent}{} {} ({} tools)",
        tint(Tint::Strong, "▸"),
        tint(Tint::Strong, &safe(&trajectory.agent, width)),
        trajectory.tools.len()
    );
    for (index, node) in trajectory.nodes.iter().enumerate() {
        write_node(out, node, &indent, width);
        for child in trajectory.children.iter().filter(|c| c.node.index() == index) {
            write_trajectory(out, &child.trajectory, depth + 2, width);
        }
    }
    let _ = writeln!(out, "{indent}  {}", tint(Tint::Faint, &format!("stopped: {}", trajectory.stop.name())));
}

fn write_node(out: &mut String, node: &Node, indent: &str, width: usize) {
    for block in &node.message.content {
        let line = match block {
            ContentBlock::Text { text } => format!("{:<9} {}", node.message.role.as_str(), flat(text, width)),
            ContentBlock::Reasoning { text, .. } => {
                tint(Tint::Faint, &format!("{:<9} {}", "thinks", flat(text, width)))
            }
            ContentBlock::ToolCall(call) => {
                format!(
                    "{:<9} {}({})",
                    "calls",
                    safe(&call.name, width),
                    flat(call.arguments.as_text(), width)
                )
            }
            ContentBlock::ToolResult(result) => {
                let word =
                    if result.is_error { tint(Tint::Bad, "error    ") } else { "result   ".to_owned() };
                format!("{word} {}", flat(&result.text(), width))
            }
            ContentBlock::Image(_) => format!("{:<9} (an image)", node.message.role.as_str()),
        };
        let _ = writeln!(out, "{indent}  {line}");
    }
    for defect in &node.defects {
        let kind = format!("{:?}", defect.kind);
        let _ = writeln!(
            out,
            "{indent}  {}",
            tint(Tint::Doubtful, &format!("defect    {kind}: {}", flat(&defect.message, width)))
        );
    }
}

fn flat(text: &str, width: usize) -> String {
    safe(&text.replace('\n', "⏎"), width)
}

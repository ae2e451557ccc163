//! One ATIF document: a branch, with the sub-agents that hang on it.

use super::super::branch::Branch;
use super::super::chat::{Declaration, declarations};
use super::steps::{Step, steps};
use nex_trajectory::{NodeId, Outcome, Role, TaskRecord, Usage};
use serde::Serialize;

/// `Trajectory` of ATIF.
#[derive(Debug, Serialize)]
pub(super) struct Document<'a> {
    schema_version: &'static str,
    session_id: &'a str,
    trajectory_id: String,
    agent: Agent<'a>,
    steps: Vec<Step<'a>>,
    final_metrics: FinalMetrics,
    extra: Extra<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    subagent_trajectories: Vec<Document<'a>>,
}

#[derive(Debug, Serialize)]
struct Agent<'a> {
    name: &'a str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_definitions: Vec<Declaration<'a>>,
}

#[derive(Debug, Serialize)]
struct FinalMetrics {
    total_prompt_tokens: u64,
    total_completion_tokens: u64,
    total_cached_tokens: u64,
    total_steps: usize,
}

#[derive(Debug, Serialize)]
struct Extra<'a> {
    stop_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    episode: Option<EpisodeExtra<'a>>,
}

#[derive(Debug, Serialize)]
struct EpisodeExtra<'a> {
    task: &'a TaskRecord,
    harness: &'a str,
    driver: &'a str,
    attempt: u32,
    outcome: Outcome,
    reward: Option<&'a nex_trajectory::Reward>,
}

impl Document<'_> {
    /// Whether a model wrote something in it or below it, that is no copy.
    pub(super) fn has_replies(&self) -> bool {
        self.steps.iter().any(Step::is_sampled)
            || self.subagent_trajectories.iter().any(Document::has_replies)
    }
}

/// The document of `branch`. `seen` marks the nodes that an earlier document of the same
/// trajectory has, and is brought up to date.
///
/// # Errors
/// Something in it or below it has no place in ATIF.
pub(super) fn document<'a>(
    branch: &Branch<'a>,
    seen: &mut [bool],
    is_outermost: bool,
) -> Result<Document<'a>, String> {
    let trajectory = branch.trajectory;
    let path = path(branch);
    let mut subagents = Vec::new();
    let mut started = Vec::new();
    for child in trajectory.children.iter().filter(|child| path.contains(&child.node)) {
        // Of a node that is repeated, the sub-agents stand in the document that had it first.
        if seen[child.node.index()] {
            continue;
        }
        let mut child_seen = vec![false; child.trajectory.nodes.len()];
        for leaf in child.trajectory.leaves() {
            let branch = Branch::of(branch.episode, &child.trajectory, leaf);
            branch.check()?;
            subagents.push(document(&branch, &mut child_seen, false)?);
            started.push((child.node, child.call_id.as_ref(), branch.id()));
        }
    }
    let steps = steps(branch, &path, seen, &started)?;
    if steps.is_empty() {
        return Err("no messages".to_owned());
    }
    for node in &path {
        seen[node.index()] = true;
    }
    let mut usage = Usage::default();
    for turn in branch.sample.nodes.iter().filter_map(|node| node.turn.as_ref()) {
        usage.add(&turn.usage);
    }
    let episode = branch.episode;
    Ok(Document {
        schema_version: "ATIF-v1.8",
        session_id: episode.id.as_str(),
        trajectory_id: branch.id(),
        agent: Agent {
            name: &trajectory.agent,
            version: env!("CARGO_PKG_VERSION"),
            model_name: branch
                .sample
                .nodes
                .iter()
                .filter(|node| node.message.role == Role::Assistant)
                .find_map(|node| node.turn.as_ref())
                .map(|turn| turn.model.model.as_str()),
            tool_definitions: declarations(&trajectory.tools),
        },
        final_metrics: FinalMetrics {
            total_prompt_tokens: usage.prompt_tokens,
            total_completion_tokens: usage.completion_tokens,
            total_cached_tokens: usage.cached_tokens,
            total_steps: steps.len(),
        },
        steps,
        extra: Extra {
            stop_reason: trajectory.stop.name(),
            answer: trajectory.answer.as_deref(),
            episode: is_outermost.then(|| EpisodeExtra {
                task: &episode.task,
                harness: &episode.harness,
                driver: &episode.driver,
                attempt: episode.attempt,
                outcome: episode.outcome,
                reward: episode.reward.as_ref(),
            }),
        },
        subagent_trajectories: subagents,
    })
}

/// The ids of the branch's nodes, root first.
fn path(branch: &Branch<'_>) -> Vec<NodeId> {
    let mut path = Vec::new();
    let mut at = Some(branch.leaf);
    while let Some(node) = at {
        path.push(node);
        at = branch.trajectory.nodes[node.index()].parent;
    }
    path.reverse();
    path
}

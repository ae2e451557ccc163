//! `verifiers`: the message-graph trace of verifiers v1 (`WireTrace`), one episode a line.
//!
//! Nodes are its nodes: each holds what it adds, a branch is a path from root to leaf. A tool
//! message of ours with several results becomes as many nodes, the first of which has the tokens.
//! Sub-agents' graphs stand in the same trace under their own roots, tied to the replies that
//! called them and that read their answer by `subagent_call` and `subagent_return`. `logprobs` has
//! one entry a sampled token, `mask` is false on what the runtime wrote. Rewards keep score and
//! weight by part. An episode any of whose agents was stopped by its surroundings is left out.
//! Lost: `is_error` (counted in `info`), signatures of reasoning, the order of text and calls in a
//! reply. A reply with a picture is left out.

mod nodes;

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Target};
use nex_trajectory::{Episode, Outcome, StopReason, TaskRecord};
use nodes::{Graph, Tool};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Debug)]
pub(super) struct Verifiers;

#[derive(Serialize)]
struct Trace<'a> {
    version: u32,
    id: &'a str,
    verifiers: Version,
    task: Task<'a>,
    agent: Agent<'a>,
    tools: Vec<Tool<'a>>,
    #[serde(flatten)]
    graph: Graph<'a>,
    rewards: BTreeMap<&'a str, Part>,
    info: Info<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_reply: Option<&'a str>,
    is_completed: bool,
    ok: bool,
    stop_condition: &'static str,
    is_timeout: bool,
    timing: Timing,
}

/// What wrote the trace; the reader calls it its own version.
#[derive(Serialize)]
struct Version {
    version: &'static str,
}

#[derive(Serialize)]
struct Task<'a> {
    r#type: &'static str,
    data: TaskData<'a>,
    key: &'a str,
}

#[derive(Serialize)]
struct TaskData<'a> {
    id: &'a str,
    prompt: &'a str,
    /// World, seed and dials, from which the task is made again; kept by the reader as it stands.
    nex: &'a TaskRecord,
}

#[derive(Serialize)]
struct Agent<'a> {
    name: &'a str,
    config: AgentConfig<'a>,
}

#[derive(Serialize)]
struct AgentConfig<'a> {
    model: Option<&'a str>,
}

#[derive(Serialize)]
struct Part {
    score: f64,
    weight: f64,
}

#[derive(Serialize)]
struct Info<'a> {
    driver: &'a str,
    harness: &'a str,
    attempt: u32,
    outcome: Outcome,
    reward: Option<f64>,
    tool_errors: u64,
}

#[derive(Serialize)]
struct Timing {
    start: f64,
}

impl Target for Verifiers {
    fn about(&self) -> About {
        About {
            name: "verifiers",
            file_name: "verifiers.jsonl",
            reader: "verifiers v1: WireTrace",
            loses: "is_error (counted in info), signatures of reasoning",
        }
    }

    fn episode(&self, episode: Episode, out: &mut Prepared) {
        let branches = Branch::all_of(&episode);
        if branches.is_empty() {
            return;
        }
        let taken = branches
            .iter()
            .try_for_each(Branch::check)
            .and_then(|()| trace(&episode))
            .and_then(|trace| out.line(&trace));
        out.count(taken);
    }

    fn sample(&self, _branch: &Branch<'_>, _out: &mut Prepared) -> Result<(), String> {
        Err("its grain is the episode".to_owned())
    }
}

fn trace(episode: &Episode) -> Result<Trace<'_>, String> {
    let mut graph = Graph::default();
    graph.add(&episode.trajectory, None)?;
    let mut tools: Vec<Tool<'_>> = Vec::new();
    episode.trajectory.walk(&mut |trajectory| {
        for tool in nodes::tools(trajectory) {
            if !tools.iter().any(|known| known.name == tool.name) {
                tools.push(tool);
            }
        }
    });
    let root = &episode.trajectory;
    let parts = episode.reward.iter().flat_map(|reward| &reward.parts);
    Ok(Trace {
        version: 1,
        id: episode.id.as_str(),
        verifiers: Version { version: concat!("nex ", env!("CARGO_PKG_VERSION")) },
        task: Task {
            r#type: "nex",
            data: TaskData {
                id: episode.task.id.as_str(),
                prompt: &episode.task.instruction,
                nex: &episode.task,
            },
            key: episode.task.id.as_str(),
        },
        agent: Agent { name: &root.agent, config: AgentConfig { model: graph.model() } },
        tools,
        rewards: parts
            .map(|part| (part.name.as_str(), Part { score: part.score, weight: part.weight }))
            .collect(),
        info: Info {
            driver: &episode.driver,
            harness: &episode.harness,
            attempt: episode.attempt,
            outcome: episode.outcome,
            reward: episode.reward.as_ref().map(|reward| reward.total),
            tool_errors: graph.tool_errors(),
        },
        root_reply: if root.children.is_empty() { None } else { root.answer.as_deref() },
        graph,
        is_completed: true,
        ok: true,
        stop_condition: stop_condition(&root.stop),
        is_timeout: matches!(root.stop, StopReason::TimeLimit { .. }),
        timing: Timing { start: 0.0 },
    })
}

/// The reader's own word where it has one: it tells by them that a trace was cut short.
fn stop_condition(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::TurnLimit { .. } => "max_turns",
        StopReason::TokenBudget { .. } => "max_total_tokens",
        StopReason::ContextTooLong => "max_input_tokens",
        StopReason::TimeLimit { .. } => "agent_timeout",
        StopReason::FinalAnswer | StopReason::StopTool { .. } => "agent_completed",
        other => other.name(),
    }
}

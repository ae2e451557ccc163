//! Harbor's ATIF (v1.x): one document a trajectory, its steps with calls, observations and metrics.
//!
//! A step of the agent is a reply, and its observation the turn of results after it; an observation
//! that answers no call is what the environment says next, a user's turn. Copied context
//! (`is_copied_context`) is synthetic: never trained on. Completion ids with their log-probabilities
//! stay on the reply; of the prompt's ids a node keeps what was added since the call before, as long
//! as each prompt begins with all that was served before.

mod step;
mod tokens;

use super::draft::Draft;
use super::fault::Wrong;
use super::json::Json;
use super::openai::notes;
use super::thread::Thread;
use super::{Imported, Importer, Room, Sign, SourceAbout, sign};
use nex_trajectory::{CallId, Child, NodeId, Outcome, Reward, RewardPart, Trajectory};

#[derive(Debug)]
pub(super) struct Atif;

/// How deep sub-agents may be nested.
const MAX_DEPTH: u32 = 16;

impl Importer for Atif {
    fn about(&self) -> SourceAbout {
        SourceAbout {
            name: "atif",
            reads: "Harbor's trajectories, ATIF-v1.x, one document each or one a line",
        }
    }

    fn recognise(&self, record: Json<'_>) -> Option<Sign> {
        let is_marked = record.text_at("schema_version").is_some_and(|version| version.starts_with("ATIF"));
        if is_marked {
            return sign(true, 100, "`schema_version` ATIF");
        }
        sign(record.some("steps").is_some() && record.some("agent").is_some(), 90, "`agent` and `steps`")
    }

    fn read(&self, record: Json<'_>, room: &mut Room) -> Result<Vec<Imported>, Wrong> {
        let (trajectory, model) = trajectory(record, room, 0)?;
        let mut draft = Draft::new(trajectory);
        draft.driver = model;
        draft.harness =
            record.some("agent").and_then(|agent| agent.text_at("name")).map(|name| name.into_owned());
        let id = record.text_at("session_id").or_else(|| record.text_at("trajectory_id"));
        draft.source_id = id.map(|id| id.into_owned());
        draft.notes = notes(
            record,
            &[
                "schema_version",
                "agent",
                "steps",
                "subagent_trajectories",
                "session_id",
                "trajectory_id",
                "final_metrics",
            ],
        );
        if let Some(extra) = record.some("extra") {
            judge(extra, &mut draft);
        }
        Ok(vec![draft.into()])
    }
}

/// What an export of Nex says beside the document, or at least a reward as others write it.
fn judge(extra: Json<'_>, draft: &mut Draft) {
    fn read<T: serde::de::DeserializeOwned>(extra: Json<'_>, key: &str) -> Option<T> {
        serde_json::from_str(extra.some(key)?.raw()).ok()
    }
    if let Some(outcome) = read::<Outcome>(extra, "outcome") {
        draft.verdict = Some((outcome, read(extra, "reward")));
        draft.task = read(extra, "task");
        draft.driver = extra.text_at("driver").map(|driver| driver.into_owned()).or(draft.driver.take());
        draft.harness = extra.text_at("harness").map(|harness| harness.into_owned()).or(draft.harness.take());
        draft.notes.shift_remove("extra");
    } else if let Some(total) = extra.get("reward").and_then(|reward| reward.as_f64()) {
        draft.verdict = Some(stated(total));
    }
}

/// A reward that the document states; full marks are a success.
fn stated(total: f64) -> (Outcome, Option<Reward>) {
    let total = total.clamp(0.0, 1.0);
    let outcome = if total >= 1.0 { Outcome::Success } else { Outcome::Failure };
    let part = RewardPart { name: "stated".to_owned(), score: total, weight: 1.0, findings: Vec::new() };
    (outcome, Some(Reward { total, parts: vec![part] }))
}

/// A document as a trajectory, its sub-agents below it, and the model that drove it.
fn trajectory(json: Json<'_>, room: &mut Room, depth: u32) -> Result<(Trajectory, Option<String>), Wrong> {
    let agent = json.some("agent").filter(Json::is_object);
    let agent = agent.ok_or_else(|| Wrong::wanted("agent", "an object", json.get("agent")))?;
    let name = agent.text_at("name").unwrap_or_default().into_owned();
    let model = agent.text_at("model_name").map(|model| model.into_owned());
    let steps = json.some("steps").filter(Json::is_array);
    let steps = steps.ok_or_else(|| Wrong::wanted("steps", "a list of steps", json.get("steps")))?;
    let tools = room.tools.read(agent.some("tool_definitions"));
    let tools = tools.map_err(|wrong| wrong.inside("agent.tool_definitions"))?;
    let mut thread = Thread::default();
    let mut stream = tokens::Stream::default();
    let mut links = Vec::new();
    for (index, item) in steps.items().enumerate() {
        let read = step::read(item, model.as_deref(), &mut thread, &mut stream, &mut links);
        read.map_err(|wrong| wrong.in_item("steps", index))?;
    }
    if thread.nodes().is_empty() {
        return Err(Wrong::at("steps", "is empty: there is nothing to learn from"));
    }
    let mut whole = thread.into_trajectory(&name, tools);
    for (index, node) in whole.nodes.iter_mut().enumerate() {
        if let Some(tokens) = stream.take(index) {
            node.tokens = Some(tokens);
        }
    }
    whole.children = children(json, &links, room, depth, whole.nodes.len())?;
    Ok((whole, model))
}

/// A result that names the trajectory of a sub-agent.
#[derive(Debug)]
struct Link {
    node: usize,
    call: Option<CallId>,
    trajectory: String,
}

fn children(
    json: Json<'_>,
    links: &[Link],
    room: &mut Room,
    depth: u32,
    nodes: usize,
) -> Result<Vec<Child>, Wrong> {
    let mut children = Vec::new();
    let Some(list) = json.some("subagent_trajectories") else { return Ok(children) };
    if depth == MAX_DEPTH {
        return Err(Wrong::at("subagent_trajectories", format!("nested deeper than {MAX_DEPTH}")));
    }
    for (index, item) in list.items().enumerate() {
        let read = trajectory(item, room, depth + 1);
        let (child, _) = read.map_err(|wrong| wrong.in_item("subagent_trajectories", index))?;
        let ids = [item.text_at("trajectory_id"), item.text_at("session_id")];
        let is_it = |link: &&Link| ids.iter().flatten().any(|id| **id == link.trajectory);
        let link = links.iter().find(is_it);
        // A sub-agent that nothing names hangs under the start.
        let node = link.map_or(0, |link| link.node).min(nodes - 1);
        children.push(Child {
            node: NodeId(node as u32),
            call_id: link.and_then(|link| link.call.clone()),
            trajectory: child,
        });
    }
    Ok(children)
}

/// Numbers as a list of `T`.
fn numbers<T>(json: Option<Json<'_>>, read: impl Fn(Json<'_>) -> Option<T>) -> Option<Vec<T>> {
    json.filter(Json::is_array)?.items().map(read).collect()
}

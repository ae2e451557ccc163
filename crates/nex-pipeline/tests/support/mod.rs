//! Episodes small enough to read, with all that exports trip over, and their export.
#![allow(dead_code, reason = "each test file takes what it needs")]

use nex_pipeline::export::{ExportOptions, ExportReport, ExportSink, ExportTarget, Prepared};
use nex_pipeline::recipe::Keep;
use nex_trajectory::{
    Arguments, Child, ContentBlock, Defect, DefectKind, Episode, FinishReason, InfraFailure, Message,
    ModelIdentity, Node, Outcome, Reward, RewardPart, Role, StopReason, TaskRecord, Timing, TokenSpan,
    ToolCall, ToolResult, ToolSpec, Trajectory, Turn, Usage,
};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Exports `episodes` to `path`, two at a time, as a worker that takes a batch does.
pub(crate) fn export(target: &ExportTarget, episodes: Vec<Episode>, keep: Keep, path: &Path) -> ExportReport {
    export_by(2, target, episodes, keep, path)
}

/// As [`export`], `batch` episodes at a time.
pub(crate) fn export_by(
    batch: usize,
    target: &ExportTarget,
    episodes: Vec<Episode>,
    keep: Keep,
    path: &Path,
) -> ExportReport {
    let mut sink = ExportSink::create(target, path).unwrap();
    let mut prepared = Prepared::default();
    for batch in episodes.chunks(batch) {
        for episode in batch {
            target.prepare(episode.clone(), keep, &mut prepared);
        }
        sink.write(&mut prepared).unwrap();
    }
    sink.finish().unwrap()
}

/// The target called `name`, as it comes.
pub(crate) fn target(name: &str) -> ExportTarget {
    ExportTarget::by_name(name, &ExportOptions::default()).unwrap()
}

/// Two attempts at one task, a conversation that the runtime compacted, and an infra failure.
pub(crate) fn episodes() -> Vec<Episode> {
    vec![parcel("e1", 0, 1.0), parcel("e2", 1, 0.25), compacted("e3"), broken("e4")]
}

/// Parallel calls of which one fails, answered out of order, then a sub-agent.
fn parcel(id: &str, attempt: u32, reward: f64) -> Episode {
    let mut root = Trajectory::new(format!("{id}.clerk").into(), "clerk", tools());
    let mut at = root.push(Node::new(None, Message::system("You are a clerk.")).with_tokens(1, 0));
    at = root.push(Node::new(Some(at), Message::user("Where is parcel 007? 你好 🙂")).with_tokens(2, 0));
    let exact = r#"{"id": "007", "weight": 1.0, "big": 9007199254740993, "word": "null", "none": null}"#;
    let mut node = Node::new(
        Some(at),
        assistant(vec![
            ContentBlock::Reasoning { text: "Both at once.".into(), signature: None },
            ContentBlock::Text { text: "Looking.".into() },
            call("c1", "find_parcel", exact),
            call("c2", "find_parcel", "{\n  \"id\": \"a \\\"b\\\" <c>\"\n}"),
        ]),
    );
    node.turn = Some(turn(FinishReason::ToolCalls, 40, 9));
    node.defects.push(Defect::new(DefectKind::UnknownTool, "a defect that was seen"));
    at = root.push(node.with_tokens(3, 2));
    at = root.push(
        Node::new(
            Some(at),
            Message::tool(vec![
                result("c2", "find_parcel", "no such parcel", true),
                result("c1", "find_parcel", "{\"city\": \"Graz\"}", false),
            ]),
        )
        .with_tokens(4, 0),
    );
    let mut node = Node::new(Some(at), assistant(vec![call("c3", "ask", r#"{"question": "When?"}"#)]));
    node.turn = Some(turn(FinishReason::ToolCalls, 60, 5));
    at = root.push(node.with_tokens(5, 2));
    let caller = at;
    at = root.push(
        Node::new(Some(at), Message::tool(vec![result("c3", "ask", "On Monday.", false)])).with_tokens(6, 0),
    );
    let mut node = Node::new(Some(at), Message::assistant("In Graz, on Monday."));
    node.turn = Some(turn(FinishReason::Stop, 70, 6));
    root.push(node.with_tokens(7, 3));
    root.stop = StopReason::FinalAnswer;
    root.answer = Some("In Graz, on Monday.".into());

    let mut child = Trajectory::new(format!("{id}.planner").into(), "planner", Arc::default());
    let asked = child.push(Node::new(None, Message::user("When?")).with_tokens(8, 0));
    let mut node = Node::new(Some(asked), Message::assistant("On Monday."));
    node.turn = Some(turn(FinishReason::Stop, 8, 3));
    child.push(node.with_tokens(9, 2));
    child.stop = StopReason::FinalAnswer;
    root.children.push(Child { node: caller, call_id: Some("c3".into()), trajectory: child });
    episode(id, "parcel_desk:7", attempt, root, Some(reward))
}

/// The history was replaced by a summary that the runtime wrote.
fn compacted(id: &str) -> Episode {
    let mut root = Trajectory::new(format!("{id}.clerk").into(), "clerk", tools());
    let system = root.push(Node::new(None, Message::system("You are a clerk.")).with_tokens(1, 0));
    let user = root.push(Node::new(Some(system), Message::user("Find them all.")).with_tokens(2, 0));
    let reply = root.push(
        Node::new(Some(user), assistant(vec![call("c1", "find_parcel", r#"{"id": "1"}"#)])).with_tokens(3, 2),
    );
    let found = Message::tool(vec![result("c1", "find_parcel", "found", false)]);
    root.push(Node::new(Some(reply), found).with_tokens(4, 0));
    let mut summary = Node::new(Some(user), Message::assistant("So far: one found.")).with_tokens(5, 0);
    summary.is_synthetic = true;
    let summary = root.push(summary);
    let go_on = root.push(Node::new(Some(summary), Message::user("Go on.")).with_tokens(6, 0));
    root.push(Node::new(Some(go_on), Message::assistant("All found.")).with_tokens(7, 2));
    root.stop = StopReason::TurnLimit { max_turns: 2 };
    episode(id, "parcel_desk:8", 0, root, Some(1.0))
}

fn broken(id: &str) -> Episode {
    let mut root = Trajectory::new(format!("{id}.clerk").into(), "clerk", tools());
    let user = root.push(Node::new(None, Message::user("Where is it?")));
    root.push(Node::new(Some(user), Message::assistant("It is")));
    root.stop = StopReason::Infra(InfraFailure { kind: "timeout".into(), message: "no answer".into() });
    let mut episode = episode(id, "parcel_desk:9", 0, root, None);
    episode.outcome = Outcome::Infra;
    episode
}

fn episode(id: &str, task: &str, attempt: u32, trajectory: Trajectory, reward: Option<f64>) -> Episode {
    let reward = reward.map(|score| Reward {
        total: score,
        parts: vec![RewardPart { name: "answer".into(), score, weight: 1.0, findings: Vec::new() }],
    });
    Episode {
        version: 1,
        id: id.into(),
        task: TaskRecord {
            id: task.into(),
            world: "parcel_desk".into(),
            seed: 7,
            language: "en".into(),
            instruction: "Where is parcel 007?".into(),
            difficulty: "easy".into(),
            dials: [("hops".to_owned(), json!(1))].into_iter().collect(),
            oracle_calls: 2,
        },
        harness: "team".into(),
        driver: "script:test".into(),
        attempt,
        trajectory,
        outcome: if reward.as_ref().is_some_and(|r| r.total >= 1.0) {
            Outcome::Success
        } else {
            Outcome::Failure
        },
        reward,
        ratings: Vec::new(),
        notes: [("plan_index".to_owned(), json!(attempt))].into_iter().collect(),
    }
}

fn tools() -> Arc<Vec<ToolSpec>> {
    Arc::new(vec![
        ToolSpec {
            name: "find_parcel".into(),
            description: "Finds a parcel.".into(),
            input_schema: json!({
                "type": "object",
                "properties": {"id": {"type": "string"}, "weight": {"type": "number"}, "big": {"type": "integer"},
                               "word": {"type": "string"}, "none": {"type": "null"}},
                "required": ["id"],
            }),
        },
        ToolSpec {
            name: "ask".into(),
            description: "Asks the planner.".into(),
            input_schema: json!({
                "type": "object",
                "properties": {"question": {"type": "string", "enum": ["When?", "Why?"]}},
            }),
        },
    ])
}

fn assistant(content: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content }
}

fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: Arguments::from_text(arguments),
    })
}

fn result(call_id: &str, name: &str, text: &str, is_error: bool) -> ToolResult {
    ToolResult {
        call_id: call_id.into(),
        name: name.into(),
        content: vec![ContentBlock::Text { text: text.into() }],
        is_error,
    }
}

fn turn(finish_reason: FinishReason, prompt_tokens: u64, completion_tokens: u64) -> Turn {
    Turn {
        model: ModelIdentity { provider: "script".into(), model: "test-1".into() },
        finish_reason,
        usage: Usage { prompt_tokens, completion_tokens, reasoning_tokens: 1, cached_tokens: 2 },
        timing: Timing { start_ms: 100, first_byte_ms: None, duration_ms: 50 },
        attempts: 1,
    }
}

/// Tokens that are told apart: `tens`0, `tens`1 of scaffold, then `sampled` that the model wrote.
trait WithTokens {
    fn with_tokens(self, tens: u32, sampled: u32) -> Self;
}

impl WithTokens for Node {
    fn with_tokens(mut self, tens: u32, sampled: u32) -> Self {
        let ids: Vec<u32> = (0..2 + sampled).map(|one| tens * 10 + one).collect();
        let is_sampled: Vec<bool> = (0..2 + sampled).map(|one| one >= 2).collect();
        let logprob =
            |(id, sampled): (&u32, &bool)| if *sampled { -f32::from(*id as u16) / 64.0 } else { 0.0 };
        let logprobs = ids.iter().zip(&is_sampled).map(logprob).collect();
        self.tokens = Some(TokenSpan { ids, logprobs, is_sampled, is_content: Vec::new() });
        self
    }
}

/// An episode whose only branch has `content` as its reply.
pub(crate) fn replying(content: Vec<ContentBlock>) -> Episode {
    let mut root = Trajectory::new("r.clerk".into(), "clerk", tools());
    let user = root.push(Node::new(None, Message::user("Hello.")));
    root.push(Node::new(Some(user), assistant(content)));
    root.stop = StopReason::FinalAnswer;
    episode("r", "parcel_desk:1", 0, root, Some(1.0))
}

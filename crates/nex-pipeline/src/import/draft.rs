//! A record that was read becomes an [`Episode`]: ids, task and origin are filled in.
//!
//! An id is `<format>-<ordinal>-<checksum>`: the record's place among all records of the import and
//! the CRC-32 of its bytes, so the same files give the same ids.

use indexmap::IndexMap;
use nex_trajectory::episode::EPISODE_VERSION;
use nex_trajectory::{
    Episode, EpisodeId, FinishReason, Outcome, Reward, Role, StopReason, TaskId, TaskRecord, Trajectory,
    TrajectoryId,
};
use serde_json::{Value, json};

/// What an importer made of one record.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) trajectory: Trajectory,
    /// What drove it, as `openai:gpt-…`; `unknown` where the record does not say.
    pub(crate) driver: Option<String>,
    /// The agent or framework; the format's name where the record does not say.
    pub(crate) harness: Option<String>,
    /// The record's own id: a trace, a session, a request.
    pub(crate) source_id: Option<String>,
    /// The task as Nex recorded it, where the record is an export of Nex.
    pub(crate) task: Option<TaskRecord>,
    /// The task, where it is not what the user says first.
    pub(crate) instruction: Option<String>,
    /// A verdict, where the record holds one.
    pub(crate) verdict: Option<(Outcome, Option<Reward>)>,
    /// What else the record says.
    pub(crate) notes: IndexMap<String, Value>,
}

/// Where a draft comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) format: &'static str,
    pub(crate) file: &'a str,
    pub(crate) line: u64,
    /// Place among all records of the import, from 0.
    pub(crate) ordinal: u64,
    /// CRC-32 of the record's bytes.
    pub(crate) checksum: u32,
    /// Place among the episodes of one record, and how many those are.
    pub(crate) part: (usize, usize),
}

/// Characters of an instruction that are looked at to tell its language.
const LANGUAGE_SAMPLE: usize = 200;
/// Episodes of one record that have places of their own in the plan.
const PARTS: u64 = 1 << 16;

impl Draft {
    pub(crate) fn new(trajectory: Trajectory) -> Self {
        Self {
            trajectory,
            driver: None,
            harness: None,
            source_id: None,
            task: None,
            instruction: None,
            verdict: None,
            notes: IndexMap::new(),
        }
    }

    /// The episode that it is.
    pub(crate) fn into_episode(self, origin: &Origin<'_>) -> Episode {
        let Self { mut trajectory, driver, harness, source_id, task, instruction, verdict, mut notes } = self;
        let Origin { format, ordinal, checksum, .. } = *origin;
        let mut id = format!("{format}-{ordinal:08}-{checksum:08x}");
        if origin.part.1 > 1 {
            id = format!("{id}.{}", origin.part.0);
        }
        name_trajectories(&mut trajectory, &id);
        close(&mut trajectory);
        let instruction = instruction.or_else(|| first_words(&trajectory)).unwrap_or_default();
        let (outcome, reward) = verdict.unwrap_or((Outcome::Unscored, None));
        let place = ordinal * PARTS + (origin.part.0 as u64).min(PARTS - 1);
        notes.insert(crate::in_order::PLAN_INDEX.to_owned(), place.into());
        notes.insert("origin".to_owned(), json!({"file": origin.file, "line": origin.line}));
        Episode {
            version: EPISODE_VERSION,
            task: task.unwrap_or_else(|| TaskRecord {
                id: TaskId::new(source_id.unwrap_or_else(|| format!("task-{id}"))),
                world: format.to_owned(),
                seed: 0,
                language: language_of(&instruction).to_owned(),
                instruction,
                difficulty: "unknown".to_owned(),
                dials: IndexMap::new(),
                oracle_calls: 0,
            }),
            id: EpisodeId(id),
            harness: harness.unwrap_or_else(|| "imported".to_owned()),
            driver: driver.unwrap_or_else(|| "unknown".to_owned()),
            attempt: 0,
            trajectory,
            reward,
            outcome,
            ratings: Vec::new(),
            notes,
        }
    }
}

fn name_trajectories(trajectory: &mut Trajectory, id: &str) {
    trajectory.id = TrajectoryId::new(id);
    for (index, child) in trajectory.children.iter_mut().enumerate() {
        name_trajectories(&mut child.trajectory, &format!("{id}/{index}"));
    }
}

/// Stop reason and answer, from how each conversation ends. An importer that knows sets them itself.
fn close(trajectory: &mut Trajectory) {
    for child in &mut trajectory.children {
        close(&mut child.trajectory);
    }
    // A new trajectory is `Cancelled` until somebody says otherwise.
    if trajectory.stop != StopReason::Cancelled {
        return;
    }
    trajectory.stop = StopReason::Unrecorded;
    let Some(last) = trajectory.nodes.last() else { return };
    if last.message.role != Role::Assistant || last.message.calls().next().is_some() {
        return;
    }
    match last.turn.as_ref().map(|turn| &turn.finish_reason) {
        None | Some(FinishReason::Stop) => {
            trajectory.stop = StopReason::FinalAnswer;
            trajectory.answer = Some(last.message.text());
        }
        Some(FinishReason::ContentFilter) => trajectory.stop = StopReason::Refused,
        Some(FinishReason::Length | FinishReason::ToolCalls | FinishReason::Other(_)) => {}
    }
}

/// What the user says first.
fn first_words(trajectory: &Trajectory) -> Option<String> {
    let first = trajectory.nodes.iter().find(|node| node.message.role == Role::User)?;
    Some(first.message.text())
}

/// `zh` where a text has Chinese characters to speak of, else `en`.
fn language_of(text: &str) -> &'static str {
    if text.bytes().take(LANGUAGE_SAMPLE * 4).all(|byte| byte.is_ascii()) {
        return "en";
    }
    let is_chinese = |c: &char| matches!(c, '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}');
    let (mut chinese, mut letters) = (0, 0);
    for c in text.chars().take(LANGUAGE_SAMPLE) {
        chinese += usize::from(is_chinese(&c));
        letters += usize::from(c.is_alphabetic());
    }
    if chinese * 3 > letters && chinese > 0 { "zh" } else { "en" }
}

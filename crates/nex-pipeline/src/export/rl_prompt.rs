//! `verl-rl` and `skyrl`: tables of tasks to be rolled out, one row a task.
//!
//! The row has the prompt that the outermost agent was given and, as ground truth, the JSON text
//! of the task record (world, seed, language, dials), from which `nex` makes the task and its
//! verifier again. What an episode did is not in it; a task is written once, whatever the attempts.

use super::branch::Branch;
use super::prepared::Prepared;
use super::table::{record, records, schema, text};
use super::target::{About, Shape, Target};
use crate::in_order::PLAN_INDEX;
use arrow_schema::{DataType, Field};
use nex_trajectory::{ContentBlock, Episode, Role, TaskRecord};
use serde::Serialize;
use serde_json::Value;

/// verl's `RLHFDataset`.
#[derive(Debug)]
pub(super) struct VerlRl;

/// SkyRL's `PromptDataset`.
#[derive(Debug)]
pub(super) struct SkyRl;

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
}

/// What is told about a row; the same columns whatever the world.
#[derive(Serialize)]
struct Extra<'a> {
    split: &'static str,
    /// Place in the run's plan; 0 for a record that came from elsewhere.
    index: u64,
    task: &'a str,
    world: &'a str,
    language: &'a str,
    difficulty: &'a str,
    oracle_calls: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    need_tools_kwargs: Option<bool>,
}

fn extra_fields(is_verl: bool) -> Field {
    let mut fields = vec![
        text("split"),
        Field::new("index", DataType::Int64, true),
        text("task"),
        text("world"),
        text("language"),
        text("difficulty"),
        Field::new("oracle_calls", DataType::UInt32, true),
    ];
    if is_verl {
        fields.push(Field::new("need_tools_kwargs", DataType::Boolean, true));
    }
    record("extra_info", fields)
}

fn prompt_field() -> Field {
    records("prompt", vec![text("role"), text("content")])
}

impl Target for VerlRl {
    fn about(&self) -> About {
        About {
            name: "verl-rl",
            file_name: "verl-rl.parquet",
            reader: "verl: RLHFDataset",
            loses: "what the agents did: it is a table of tasks",
        }
    }

    fn shape(&self) -> Shape {
        Shape::Table(schema(vec![
            text("data_source"),
            prompt_field(),
            text("ability"),
            record("reward_model", vec![text("style"), text("ground_truth")]),
            extra_fields(true),
        ]))
    }

    fn episode(&self, episode: Episode, out: &mut Prepared) {
        #[derive(Serialize)]
        struct Row<'a> {
            data_source: String,
            prompt: Vec<Message>,
            ability: &'static str,
            reward_model: RewardModel,
            extra_info: Extra<'a>,
        }
        #[derive(Serialize)]
        struct RewardModel {
            style: &'static str,
            ground_truth: String,
        }
        let row = prompt(&episode).and_then(|prompt| {
            out.once_line(
                episode.task.id.as_str(),
                &Row {
                    data_source: format!("nex/{}", episode.task.world),
                    prompt,
                    ability: "tool_use",
                    reward_model: RewardModel { style: "rule", ground_truth: ground_truth(&episode.task)? },
                    extra_info: extra(&episode, Some(false)),
                },
            )
        });
        if let Err(reason) = row {
            out.count(Err(reason));
        }
    }

    fn sample(&self, _branch: &Branch<'_>, _out: &mut Prepared) -> Result<(), String> {
        Err("its grain is the task".to_owned())
    }
}

impl Target for SkyRl {
    fn about(&self) -> About {
        About {
            name: "skyrl",
            file_name: "skyrl.parquet",
            reader: "SkyRL: PromptDataset",
            loses: "what the agents did: it is a table of tasks",
        }
    }

    fn shape(&self) -> Shape {
        Shape::Table(schema(vec![
            text("data_source"),
            prompt_field(),
            text("env_class"),
            record("reward_spec", vec![text("method"), text("ground_truth")]),
            extra_fields(false),
        ]))
    }

    fn episode(&self, episode: Episode, out: &mut Prepared) {
        #[derive(Serialize)]
        struct Row<'a> {
            data_source: String,
            prompt: Vec<Message>,
            env_class: &'static str,
            reward_spec: RewardSpec,
            extra_info: Extra<'a>,
        }
        #[derive(Serialize)]
        struct RewardSpec {
            method: &'static str,
            ground_truth: String,
        }
        let row = prompt(&episode).and_then(|prompt| {
            out.once_line(
                episode.task.id.as_str(),
                &Row {
                    data_source: format!("nex/{}", episode.task.world),
                    prompt,
                    env_class: "nex",
                    reward_spec: RewardSpec { method: "rule", ground_truth: ground_truth(&episode.task)? },
                    extra_info: extra(&episode, None),
                },
            )
        });
        if let Err(reason) = row {
            out.count(Err(reason));
        }
    }

    fn sample(&self, _branch: &Branch<'_>, _out: &mut Prepared) -> Result<(), String> {
        Err("its grain is the task".to_owned())
    }
}

/// What the outermost agent was given: all before the first reply.
fn prompt(episode: &Episode) -> Result<Vec<Message>, String> {
    let mut prompt = Vec::new();
    for node in &episode.trajectory.nodes {
        if !matches!(node.message.role, Role::System | Role::User) {
            break;
        }
        if node.message.content.iter().any(|block| !matches!(block, ContentBlock::Text { .. })) {
            return Err("pictures: the target takes text only".to_owned());
        }
        prompt.push(Message { role: node.message.role.as_str(), content: node.message.text() });
    }
    if !prompt.iter().any(|message| message.role == "user") {
        if episode.task.instruction.is_empty() {
            return Err("no instruction: neither the task nor the record has one".to_owned());
        }
        prompt.push(Message { role: "user", content: episode.task.instruction.clone() });
    }
    Ok(prompt)
}

fn ground_truth(task: &TaskRecord) -> Result<String, String> {
    serde_json::to_string(task).map_err(|e| format!("a task that is no JSON: {e}"))
}

fn extra(episode: &Episode, need_tools_kwargs: Option<bool>) -> Extra<'_> {
    let task = &episode.task;
    Extra {
        split: "train",
        index: episode.notes.get(PLAN_INDEX).and_then(Value::as_u64).unwrap_or_default(),
        task: task.id.as_str(),
        world: &task.world,
        language: &task.language,
        difficulty: &task.difficulty,
        oracle_calls: task.oracle_calls,
        need_tools_kwargs,
    }
}

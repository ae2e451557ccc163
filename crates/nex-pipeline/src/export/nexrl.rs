//! `nexrl`: NexRL's `Trajectory`, as JSON lines.
//!
//! `{"tokens", "loss_mask", "reward", "is_val", "extra_fields"}`; each line makes one
//! `Trajectory(**line)`. A batch needs the same extra fields in all its trajectories, so they are
//! always all there; `logprobs` is null where the record has none. `group_id` is the task and the
//! agent (what a group's baseline is taken over), `run_id` the episode. An episode without a
//! reward is left out. Lost: the messages, all but token ids.

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Target};
use super::token_source::TokenSource;
use serde::Serialize;

#[derive(Debug)]
pub(super) struct NexRl {
    pub(super) tokens: TokenSource,
}

#[derive(Serialize)]
struct Row<'a> {
    tokens: &'a [u32],
    loss_mask: Vec<u8>,
    reward: f64,
    is_val: bool,
    extra_fields: Extra<'a>,
}

#[derive(Serialize)]
struct Extra<'a> {
    logprobs: Option<&'a [f32]>,
    group_id: String,
    run_id: &'a str,
    sample_id: String,
    agent: &'a str,
    finish_reason: &'static str,
}

impl Target for NexRl {
    fn about(&self) -> About {
        About {
            name: "nexrl",
            file_name: "nexrl.jsonl",
            reader: "NexRL: Trajectory",
            loses: "the messages: it holds token ids; without a tokenizer, samples without ids or reward are left out",
        }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let reward = branch.reward().ok_or("no reward")?;
        let sequence = self.tokens.sequence(branch)?;
        out.line(&Row {
            tokens: &sequence.ids,
            loss_mask: sequence.is_trained.iter().map(|trained| u8::from(*trained)).collect(),
            reward,
            is_val: false,
            extra_fields: Extra {
                logprobs: sequence.logprobs.as_deref(),
                group_id: branch.group(),
                run_id: branch.episode.id.as_str(),
                sample_id: branch.id(),
                agent: &branch.trajectory.agent,
                finish_reason: branch.trajectory.stop.name(),
            },
        })
    }
}

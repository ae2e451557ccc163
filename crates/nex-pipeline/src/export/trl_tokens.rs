//! `trl-tokens`: TRL's pre-tokenised data sets, as JSON lines.
//!
//! `{"input_ids", "assistant_masks", "labels", "id", "reward"}`: the ids as they were served and
//! sampled, so nothing is tokenised again, unless a tokenizer is given; `assistant_masks` is 1 on
//! tokens that the model wrote, `labels` is the id there and -100 elsewhere. Lost: the messages, all but token ids.

use super::branch::Branch;
use super::prepared::Prepared;
use super::target::{About, Target};
use super::token_source::TokenSource;
use serde::Serialize;

#[derive(Debug)]
pub(super) struct TrlTokens {
    pub(super) tokens: TokenSource,
}

#[derive(Serialize)]
struct Row<'a> {
    input_ids: &'a [u32],
    assistant_masks: Vec<u8>,
    labels: Vec<i64>,
    id: String,
    reward: Option<f64>,
}

impl Target for TrlTokens {
    fn about(&self) -> About {
        About {
            name: "trl-tokens",
            file_name: "trl-tokens.jsonl",
            reader: "TRL: SFTTrainer, pre-tokenised",
            loses: "the messages: it holds token ids; without a tokenizer, samples without ids are left out",
        }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let sequence = self.tokens.sequence(branch)?;
        let trained = || sequence.ids.iter().zip(&sequence.is_trained);
        out.line(&Row {
            input_ids: &sequence.ids,
            assistant_masks: sequence.is_trained.iter().map(|trained| u8::from(*trained)).collect(),
            labels: trained().map(|(id, trained)| if *trained { i64::from(*id) } else { -100 }).collect(),
            id: branch.id(),
            reward: branch.reward(),
        })
    }
}

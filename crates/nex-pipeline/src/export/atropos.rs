//! `atropos`: groups for Atropos' `POST /scored_data`, one JSON document a line.
//!
//! `{"tokens", "masks", "scores", "messages", "inference_logprobs"}`, lists of
//! one length: the samples of one agent at one task, which stand together in a run. A mask holds
//! the token's id where it is trained on and -100 elsewhere; a log-probability is 1.0 where nothing
//! was sampled. `inference_logprobs` is there only if all samples of the group have them. An
//! episode without a reward is left out, and a group of one is a group of one: the reader decides.
//! Lost: `is_error`, signatures of reasoning, pictures.

use super::branch::Branch;
use super::chat::chat;
use super::prepared::Prepared;
use super::target::{About, Shape, Target};
use super::token_source::TokenSource;
use nex_trajectory::{CallId, Role};
use serde::Serialize;

#[derive(Debug)]
pub(super) struct Atropos {
    pub(super) tokens: TokenSource,
}

/// One member of a group, until its group is whole.
#[derive(Debug)]
pub(super) struct Member {
    /// Members of one task stand together.
    pub(super) task: String,
    /// Task and agent: the group.
    pub(super) group: String,
    tokens: Vec<u32>,
    masks: Vec<i64>,
    score: f64,
    messages: Vec<Message>,
    logprobs: Option<Vec<f32>>,
}

#[derive(Debug, Serialize)]
struct Message {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<Vec<Call>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<CallId>,
}

#[derive(Debug, Serialize)]
struct Call {
    id: CallId,
    r#type: &'static str,
    function: Function,
}

#[derive(Debug, Serialize)]
struct Function {
    name: String,
    arguments: String,
}

impl Target for Atropos {
    fn about(&self) -> About {
        About {
            name: "atropos",
            file_name: "atropos.jsonl",
            reader: "Atropos: POST /scored_data",
            loses: "is_error, signatures of reasoning, pictures; samples without reward, and without a \
                    tokenizer those without token ids, are left out",
        }
    }

    fn shape(&self) -> Shape {
        Shape::Groups
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let score = branch.reward().ok_or("no reward")?;
        let sequence = self.tokens.sequence(branch)?;
        let is_trained = &sequence.is_trained;
        let logprobs = sequence.logprobs.map(|logprobs| {
            let masked = logprobs.into_iter().zip(is_trained);
            masked.map(|(logprob, trained)| if *trained { logprob } else { 1.0 }).collect()
        });
        let masks = sequence.ids.iter().zip(is_trained);
        out.members.push(Member {
            task: branch.episode.task.id.as_str().to_owned(),
            group: branch.group(),
            masks: masks.map(|(id, trained)| if *trained { i64::from(*id) } else { -100 }).collect(),
            tokens: sequence.ids,
            score,
            messages: messages(branch)?,
            logprobs,
        });
        Ok(())
    }
}

fn messages(branch: &Branch<'_>) -> Result<Vec<Message>, String> {
    let chat = chat(&branch.sample)?;
    Ok(chat
        .into_iter()
        .map(|message| {
            let calls = message.calls.iter().map(|call| Call {
                id: call.id.clone(),
                r#type: "function",
                function: Function {
                    name: call.name.clone(),
                    arguments: call.arguments.as_text().to_owned(),
                },
            });
            Message {
                role: message.role.as_str(),
                tool_calls: (message.role == Role::Assistant && !message.calls.is_empty())
                    .then(|| calls.collect()),
                tool_call_id: message.result.map(|result| result.call_id.clone()),
                content: message.text,
            }
        })
        .collect())
}

/// The document of one group, with its line feed.
pub(super) fn group_line(members: &[Member]) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Serialize)]
    struct Group<'a> {
        tokens: Vec<&'a [u32]>,
        masks: Vec<&'a [i64]>,
        scores: Vec<f64>,
        messages: Vec<&'a [Message]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        inference_logprobs: Option<Vec<&'a [f32]>>,
    }
    let mut line = serde_json::to_vec(&Group {
        tokens: members.iter().map(|member| member.tokens.as_slice()).collect(),
        masks: members.iter().map(|member| member.masks.as_slice()).collect(),
        scores: members.iter().map(|member| member.score).collect(),
        messages: members.iter().map(|member| member.messages.as_slice()).collect(),
        inference_logprobs: members.iter().map(|member| member.logprobs.as_deref()).collect(),
    })?;
    line.push(b'\n');
    Ok(line)
}

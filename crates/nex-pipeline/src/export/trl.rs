//! `trl` and `trl-turns`: TRL's conversational data sets, as JSON lines.
//!
//! `trl`: `{"messages": […], "tools": […], "id", "reward"}`, all replies trained on (with
//! `assistant_only_loss`), so a conversation in which the runtime wrote a reply is left out.
//! `trl-turns`: `{"prompt": […], "completion": [reply], "tools": […], "id", "reward"}`, one row a
//! sampled reply, loss on that reply only; its size grows with the square of the turns.
//!
//! Arguments are an object, reasoning stands in `reasoning_content`; `datasets` ≥ 4.7 keeps both
//! without filling in nulls. Lost: `is_error`, signatures of reasoning.

use super::branch::Branch;
use super::chat::{ChatMessage, Declaration, NamedCall, chat, declarations, trained_chat};
use super::prepared::Prepared;
use super::target::{About, Target};
use nex_trajectory::{CallId, Role};
use serde::Serialize;

/// One row a conversation.
#[derive(Debug)]
pub(super) struct Trl;

/// One row a reply.
#[derive(Debug)]
pub(super) struct TrlTurns;

#[derive(Debug, Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning_content: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a CallId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: &'a CallId,
    r#type: &'static str,
    function: NamedCall<'a>,
}

impl<'a> Message<'a> {
    fn of(message: &'a ChatMessage<'a>) -> Result<Self, String> {
        let calls = message
            .calls
            .iter()
            .map(|call| Ok(Call { id: &call.id, r#type: "function", function: NamedCall::of(call)? }));
        Ok(Self {
            role: message.role.as_str(),
            content: &message.text,
            reasoning_content: &message.reasoning,
            tool_calls: calls.collect::<Result<_, String>>()?,
            tool_call_id: message.result.map(|result| &result.call_id),
            name: message.result.map(|result| result.name.as_str()),
        })
    }
}

impl Target for Trl {
    fn about(&self) -> About {
        About {
            name: "trl",
            file_name: "trl.jsonl",
            reader: "TRL: SFTTrainer, conversational",
            loses: "is_error, signatures of reasoning; conversations with synthetic replies are left out",
        }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        #[derive(Serialize)]
        struct Row<'a> {
            messages: Vec<Message<'a>>,
            tools: Vec<Declaration<'a>>,
            id: String,
            reward: Option<f64>,
        }
        let messages = trained_chat(&branch.sample)?;
        out.line(&Row {
            messages: messages.iter().map(Message::of).collect::<Result<_, _>>()?,
            tools: declarations(branch.sample.tools),
            id: branch.id(),
            reward: branch.reward(),
        })
    }
}

impl Target for TrlTurns {
    fn about(&self) -> About {
        About {
            name: "trl-turns",
            file_name: "trl-turns.jsonl",
            reader: "TRL: SFTTrainer, prompt and completion",
            loses: "is_error, signatures of reasoning",
        }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        #[derive(Serialize)]
        struct Row<'a> {
            prompt: &'a [Message<'a>],
            completion: [&'a Message<'a>; 1],
            tools: &'a [Declaration<'a>],
            id: String,
            reward: Option<f64>,
        }
        let chat = chat(&branch.sample)?;
        let messages: Vec<Message<'_>> = chat.iter().map(Message::of).collect::<Result<_, _>>()?;
        let tools = declarations(branch.sample.tools);
        let is_taught = |at: &usize| chat[*at].role == Role::Assistant && !chat[*at].is_synthetic;
        for at in (0..chat.len()).filter(is_taught) {
            let row = Row {
                prompt: &messages[..at],
                completion: [&messages[at]],
                tools: &tools,
                id: format!("{}@{at}", branch.id()),
                reward: branch.reward(),
            };
            out.line(&row)?;
        }
        Ok(())
    }
}

//! `ms-swift`: `{"messages": […], "tools": "[…]", "id"}` with ms-swift's own roles, as JSON lines.
//!
//! A call is a message `tool_call` with the JSON text of `{"name", "arguments"}`, a result a
//! message `tool_response`; both are paired by place, so results are put in the calls' order. A
//! reply with text and calls is an `assistant` message before its `tool_call`s. Every message of a
//! model says in `loss` whether it is trained on. Reasoning stands between `<think>` tags.
//! Lost: call ids, `is_error`, signatures of reasoning.

use super::branch::Branch;
use super::chat::{NamedCall, chat, declarations_text, in_call_order, with_thought};
use super::prepared::Prepared;
use super::target::{About, Target};
use nex_trajectory::Role;
use serde::Serialize;

#[derive(Debug)]
pub(super) struct MsSwift;

#[derive(Serialize)]
struct Row {
    messages: Vec<Message>,
    #[serde(skip_serializing_if = "String::is_empty")]
    tools: String,
    id: String,
}

#[derive(Serialize)]
struct Message {
    role: &'static str,
    content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<bool>,
}

impl Target for MsSwift {
    fn about(&self) -> About {
        About {
            name: "ms-swift",
            file_name: "ms-swift.jsonl",
            reader: "ms-swift: custom data sets",
            loses: "call ids, is_error, signatures of reasoning",
        }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let mut chat = chat(&branch.sample)?;
        in_call_order(&mut chat)?;
        let mut messages = Vec::new();
        for message in chat {
            match message.role {
                Role::System | Role::User => {
                    messages.push(Message { role: message.role.as_str(), content: message.text, loss: None });
                }
                Role::Tool => {
                    messages.push(Message { role: "tool_response", content: message.text, loss: None });
                }
                Role::Assistant => {
                    let loss = Some(!message.is_synthetic);
                    let content = with_thought(&message.reasoning, &message.text)?;
                    if !content.is_empty() || message.calls.is_empty() {
                        messages.push(Message { role: "assistant", content, loss });
                    }
                    for call in &message.calls {
                        let content = serde_json::to_string(&NamedCall::of(call)?)
                            .map_err(|e| format!("a call that is no JSON: {e}"))?;
                        messages.push(Message { role: "tool_call", content, loss });
                    }
                }
            }
        }
        out.line(&Row { messages, tools: declarations_text(branch.sample.tools)?, id: branch.id() })
    }
}

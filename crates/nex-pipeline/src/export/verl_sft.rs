//! `verl-sft`: verl's multi-turn SFT table: `messages`, `tools`, `enable_thinking`, and `id`.
//!
//! A Parquet column has one type, so what differs from tool to tool cannot stand in it as structs:
//! every reader would see the keys of all others as nulls. Here `arguments` of a call and
//! `parameters` of a tool are JSON text. Chat templates that take arguments as text (Qwen3,
//! Qwen3-Coder, GLM …) are served as it stands; for others `docs/exports.md` has a data set class
//! of ten lines that turns both back into objects. verl trains on all replies and tokenises each
//! message alone. `enable_thinking` says whether any reply has reasoning.
//! Lost: `is_error`, signatures of reasoning.

use super::branch::Branch;
use super::chat::{arguments, trained_chat};
use super::prepared::Prepared;
use super::table::{record, records, schema, text};
use super::target::{About, Shape, Target};
use arrow_schema::{DataType, Field};
use nex_trajectory::CallId;
use serde::Serialize;

#[derive(Debug)]
pub(super) struct VerlSft;

#[derive(Serialize)]
struct Row<'a> {
    messages: Vec<Message<'a>>,
    /// Empty, never null: the reader would take a null for a list.
    tools: Vec<Tool<'a>>,
    enable_thinking: bool,
    id: String,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: &'a str,
    reasoning_content: Option<&'a str>,
    tool_calls: Option<Vec<Call<'a>>>,
    tool_call_id: Option<&'a CallId>,
    name: Option<&'a str>,
}

#[derive(Serialize)]
struct Call<'a> {
    id: &'a CallId,
    r#type: &'static str,
    function: CallFunction<'a>,
}

#[derive(Serialize)]
struct CallFunction<'a> {
    name: &'a str,
    arguments: String,
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: ToolFunction<'a>,
}

#[derive(Serialize)]
struct ToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    parameters: String,
}

impl Target for VerlSft {
    fn about(&self) -> About {
        About {
            name: "verl-sft",
            file_name: "verl-sft.parquet",
            reader: "verl: MultiTurnSFTDataset",
            loses: "is_error, signatures of reasoning; arguments and parameters are JSON text; conversations \
                    with synthetic replies are left out",
        }
    }

    fn shape(&self) -> Shape {
        let function = |field| record("function", vec![text("name"), text(field)]);
        let call = vec![text("id"), text("type"), function("arguments")];
        let declared = record("function", vec![text("name"), text("description"), text("parameters")]);
        let message = vec![
            text("role"),
            text("content"),
            text("reasoning_content"),
            records("tool_calls", call),
            text("tool_call_id"),
            text("name"),
        ];
        Shape::Table(schema(vec![
            records("messages", message),
            records("tools", vec![text("type"), declared]),
            Field::new("enable_thinking", DataType::Boolean, true),
            text("id"),
        ]))
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let chat = trained_chat(&branch.sample)?;
        let mut messages = Vec::with_capacity(chat.len());
        for message in &chat {
            let mut calls = Vec::with_capacity(message.calls.len());
            for call in &message.calls {
                let arguments = arguments(call)?.get().to_owned();
                let function = CallFunction { name: &call.name, arguments };
                calls.push(Call { id: &call.id, r#type: "function", function });
            }
            messages.push(Message {
                role: message.role.as_str(),
                content: &message.text,
                reasoning_content: Some(message.reasoning.as_str()).filter(|text| !text.is_empty()),
                tool_calls: Some(calls).filter(|calls| !calls.is_empty()),
                tool_call_id: message.result.map(|result| &result.call_id),
                name: message.result.map(|result| result.name.as_str()),
            });
        }
        out.line(&Row {
            messages,
            tools: branch.sample.tools.iter().map(tool).collect(),
            enable_thinking: chat.iter().any(|message| !message.reasoning.is_empty()),
            id: branch.id(),
        })
    }
}

fn tool(tool: &nex_trajectory::ToolSpec) -> Tool<'_> {
    let parameters = tool.input_schema.to_string();
    Tool {
        r#type: "function",
        function: ToolFunction { name: &tool.name, description: &tool.description, parameters },
    }
}

//! `llama-factory`: sharegpt lines for LLaMA-Factory, with the `dataset_info.json` that names them.
//!
//! `{"conversations": [{"from", "value"}], "system", "tools": "[…]"}`. Its reader drops a
//! conversation whole unless odd places hold `human` or `observation`, even ones `gpt` or
//! `function_call`, and the last is a model's; this is checked here and refused with the reason.
//! What follows the last reply is not written. A reply's calls are one `function_call` with a JSON
//! list; with text before, the list stands between `<tool_call>` tags. Several results are one
//! `observation`, joined as its own converter joins them (which is right for the Qwen templates).
//! Reasoning stands between `<think>` tags. All replies are trained on.
//! Lost: call ids and tool names of results, `is_error`, signatures of reasoning.

use super::branch::Branch;
use super::chat::{ChatMessage, NamedCall, declarations_text, in_call_order, trained_chat, with_thought};
use super::prepared::Prepared;
use super::target::{About, Shape, Target};
use nex_trajectory::Role;
use serde::Serialize;

#[derive(Debug)]
pub(super) struct LlamaFactory;

/// Between two results in one observation.
const BETWEEN_RESULTS: &str = "\n</tool_response>\n<tool_response>\n";

#[derive(Serialize)]
struct Row {
    conversations: Vec<Turn>,
    system: String,
    tools: String,
    id: String,
}

#[derive(Debug, Serialize)]
struct Turn {
    from: &'static str,
    value: String,
}

impl Target for LlamaFactory {
    fn about(&self) -> About {
        About {
            name: "llama-factory",
            file_name: "llama-factory.jsonl",
            reader: "LLaMA-Factory: sharegpt",
            loses: "call ids, is_error, signatures of reasoning; conversations with synthetic replies are \
                    left out",
        }
    }

    fn shape(&self) -> Shape {
        Shape::LinesAndInfo { name: "dataset_info.json", content: dataset_info }
    }

    fn sample(&self, branch: &Branch<'_>, out: &mut Prepared) -> Result<(), String> {
        let mut chat = trained_chat(&branch.sample)?;
        in_call_order(&mut chat)?;
        let mut messages = chat.into_iter().peekable();
        let mut system = String::new();
        while let Some(message) = messages.next_if(|message| message.role == Role::System) {
            if !system.is_empty() {
                system.push('\n');
            }
            system.push_str(&message.text);
        }
        let mut conversations = turns(messages)?;
        while conversations.last().is_some_and(|turn| !is_models(turn)) {
            conversations.pop();
        }
        for (place, turn) in conversations.iter().enumerate() {
            if is_models(turn) != (place % 2 == 1) {
                return Err("turns of model and surroundings do not alternate".to_owned());
            }
        }
        out.line(&Row {
            conversations,
            system,
            tools: declarations_text(branch.sample.tools)?,
            id: branch.id(),
        })
    }
}

fn turns<'a>(messages: impl Iterator<Item = ChatMessage<'a>>) -> Result<Vec<Turn>, String> {
    let mut turns: Vec<Turn> = Vec::new();
    let mut is_after_result = false;
    for message in messages {
        match message.role {
            Role::System => return Err("a system message that is not the first".to_owned()),
            Role::User => turns.push(Turn { from: "human", value: message.text }),
            Role::Assistant => turns.push(reply(&message)?),
            Role::Tool if is_after_result => {
                let last = turns.last_mut().ok_or("a result without a call")?;
                last.value.push_str(BETWEEN_RESULTS);
                last.value.push_str(&message.text);
            }
            Role::Tool => turns.push(Turn { from: "observation", value: message.text }),
        }
        is_after_result = message.role == Role::Tool;
    }
    Ok(turns)
}

fn reply(message: &ChatMessage<'_>) -> Result<Turn, String> {
    let value = with_thought(&message.reasoning, &message.text)?;
    if message.calls.is_empty() {
        return Ok(Turn { from: "gpt", value });
    }
    let calls: Vec<NamedCall<'_>> =
        message.calls.iter().map(|call| NamedCall::of(call)).collect::<Result<_, _>>()?;
    let list = serde_json::to_string(&calls).map_err(|e| format!("a call that is no JSON: {e}"))?;
    if value.is_empty() {
        // The reader looks for the tags in arguments, too.
        if ["<tool_call>", "<think>"].iter().any(|tag| list.contains(tag)) {
            return Err("a <tool_call> or <think> tag in arguments".to_owned());
        }
        return Ok(Turn { from: "function_call", value: list });
    }
    if [&list, &message.text].iter().any(|text| text.contains("tool_call>")) {
        return Err("a <tool_call> tag in text or arguments".to_owned());
    }
    Ok(Turn { from: "function_call", value: format!("{value}<tool_call>{list}</tool_call>") })
}

fn is_models(turn: &Turn) -> bool {
    matches!(turn.from, "gpt" | "function_call")
}

/// The data set's entry; all tags are named because the reader forgets its defaults otherwise.
fn dataset_info(file_name: &str) -> String {
    let info = serde_json::json!({
        "nex": {
            "file_name": file_name,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system", "tools": "tools"},
            "tags": {
                "role_tag": "from",
                "content_tag": "value",
                "user_tag": "human",
                "assistant_tag": "gpt",
                "observation_tag": "observation",
                "function_tag": "function_call",
                "system_tag": "system",
            },
        },
    });
    format!("{info:#}\n")
}

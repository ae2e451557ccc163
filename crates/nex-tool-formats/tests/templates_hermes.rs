//! Hermes and Qwen 3 against the chat templates of the models, byte for byte.

mod conversations;
mod oracle;

use conversations::{Case, agent, as_template, call, prefixes, reply, result, text, thought, tools};
use nex_tool_formats::{HERMES, QWEN3, ToolCallFormat};
use nex_trajectory::{Message, Role};
use serde_json::{Value, json};

const QWEN2_5: [&str; 2] = ["llama-cpp/Qwen-Qwen2.5-7B-Instruct.jinja", "trl/qwen2_5.jinja"];
const QWEN3_TEMPLATES: [&str; 2] = ["llama-cpp/Qwen-Qwen3-0.6B.jinja", "trl/qwen3.jinja"];

fn conversations() -> Vec<Vec<Message>> {
    let chat = vec![
        Message::user("Hi"),
        reply(vec![thought("A greeting."), text("Ho")]),
        Message::user("And?\n"),
        reply(vec![text("And so.")]),
        Message::user("Really?"),
        reply(vec![thought("He doubts."), text("Really.")]),
    ];
    let no_question = vec![reply(vec![thought("Nobody asked."), text("Hello?")])];
    let calls_without_text = vec![
        Message::user("Go"),
        reply(vec![call("call00000", "get_weather", "{}")]),
        Message::tool(vec![result("call00000", "get_weather", "ok")]),
        Message::user("Go on"),
        reply(vec![
            thought("On."),
            call("call00001", "get_weather", "{}"),
            call("call00002", "get_weather", "{}"),
        ]),
        Message::tool(vec![result("call00001", "get_weather", "1")]),
        Message::tool(vec![result("call00002", "get_weather", "2")]),
    ];
    let late_system = vec![Message::user("a"), Message::system("Now in French."), reply(vec![text("b")])];
    let mut all: Vec<Vec<Message>> = Vec::new();
    for messages in [agent(), chat, no_question, calls_without_text, late_system] {
        for system in [None, Some("Be brief.\n\nVery."), Some("")] {
            let system: Vec<Message> = system.map(Message::system).into_iter().collect();
            all.extend(prefixes(&[system, messages.clone()].concat()));
        }
    }
    all
}

fn check(format: &dyn ToolCallFormat, template: &str, keeps: impl Fn(&[Message]) -> bool) -> usize {
    let mut checked = 0;
    for messages in conversations().into_iter().filter(|messages| keeps(messages)) {
        for tools in [Vec::new(), tools()] {
            for prompt in [false, true] {
                let case = Case::new(tools.clone(), messages.clone());
                let expected = oracle::try_render(
                    template,
                    &Value::Array(case.openai_messages()),
                    &case.openai_tools(),
                    &json!({}),
                    prompt,
                );
                let expected = expected.unwrap_or_else(|error| panic!("{template}: {error}"));
                assert_eq!(case.render(format, &as_template(prompt)), expected, "{template}");
                checked += 1;
            }
        }
    }
    checked
}

#[test]
fn hermes_is_qwen_2_5_s_template() {
    for template in QWEN2_5 {
        assert!(check(&HERMES, template, |_| true) > 200);
    }
}

#[test]
fn qwen3_is_qwen_3_s_template() {
    for template in QWEN3_TEMPLATES {
        assert!(check(&QWEN3, template, |_| true) > 200);
    }
}

/// The instruct model's template never writes the empty pair of tags nor reasoning.
#[test]
fn qwen3_is_the_instruct_template_where_nothing_was_thought_since_the_question() {
    let keeps = |messages: &[Message]| {
        let question = messages.iter().rposition(|message| message.role == Role::User);
        let since = &messages[question.unwrap_or(messages.len())..];
        let has_thoughts = |message: &Message| {
            Case::new(Vec::new(), vec![message.clone()]).openai_messages()[0]
                .get("reasoning_content")
                .is_some()
        };
        since.last().is_none_or(|last| last.role != Role::Assistant) && !since.iter().any(has_thoughts)
    };
    assert!(check(&QWEN3, "trl/qwen3_instruct_2507.jinja", keeps) > 50);
}

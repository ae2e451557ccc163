//! Kimi K2's format against the chat templates, byte for byte.

mod conversations;
mod oracle;

use conversations::{Case, agent, as_template, call, prefixes, reply, result, text, thought, tools};
use nex_tool_formats::{KimiK2, RenderOptions};
use nex_trajectory::Message;
use serde_json::{Value, json};

/// The template with its queue of ids as a value: transformers' sandbox lets no list be changed, so
/// these templates as they are run in llama.cpp only.
fn source(template: &str) -> String {
    let source = oracle::template_source(template);
    let changed = source
        .replace(
            "{%- set _ = tool_response_queue.ids.append(formatted_id) -%}",
            "{%- set tool_response_queue.ids = tool_response_queue.ids + [formatted_id] -%}",
        )
        .replace(
            "{%- set tool_call_id = tool_response_queue.ids.pop(0) -%}",
            "{%- set tool_call_id = tool_response_queue.ids[0] -%}{%- set tool_response_queue.ids = tool_response_queue.ids[1:] -%}",
        );
    assert_ne!(source, changed);
    changed
}

fn expected(template: &str, case: &Case, prompt: bool) -> String {
    let request = json!({"source": source(template), "messages": case.openai_messages(),
        "tools": case.openai_tools(), "add_generation_prompt": prompt});
    let answer = oracle::ask(&request).unwrap_or_else(|error| panic!("{template}: {error}"));
    answer["text"].as_str().unwrap().to_owned()
}

fn conversations() -> Vec<Vec<Message>> {
    let chat = vec![
        Message::user("Hi"),
        reply(vec![thought("A greeting."), text("Ho")]),
        Message::user("And?\n"),
        Message::system("Now in French."),
        reply(vec![text("")]),
        reply(vec![call("a", "f", "{}")]),
        Message::tool(vec![result("a", "f", "ok\n")]),
        Message::user("Go on"),
    ];
    let mut all = Vec::new();
    for messages in [agent(), chat] {
        for system in [None, Some("Be brief.\n\nVery."), Some("")] {
            let system: Vec<Message> = system.map(Message::system).into_iter().collect();
            all.extend(prefixes(&[system, messages.clone()].concat()));
        }
    }
    all
}

#[test]
fn kimi_k2_is_the_instruct_template() {
    for messages in conversations() {
        for tools in [Vec::new(), tools()] {
            for prompt in [false, true] {
                let case = Case::new(tools.clone(), messages.clone());
                let expected = expected("llama-cpp/Kimi-K2-Instruct.jinja", &case, prompt);
                assert_eq!(case.render(&KimiK2, &as_template(prompt)), expected);
            }
        }
    }
}

/// The thinking model's template keeps all reasoning until its first answer without calls, puts an
/// empty pair of tags where there is none, and has no line break behind its own system message.
#[test]
fn kimi_k2_is_the_thinking_template_while_it_thinks() {
    for system in [None, Some("Be brief.")] {
        let is_default = system.is_none();
        let system: Vec<Message> = system.map(Message::system).into_iter().collect();
        let mut checked = 0;
        for messages in prefixes(&agent()[..5]) {
            let case = Case::new(tools(), [system.clone(), messages].concat());
            let options = RenderOptions { prompt_for_reply: true, ..RenderOptions::default() };
            let mut rendered = case.render(&KimiK2, &options);
            if is_default {
                rendered = rendered.replacen("Moonshot AI.<|im_end|>\n", "Moonshot AI.<|im_end|>", 1);
            }
            assert_eq!(rendered, expected("llama-cpp/Kimi-K2-Thinking.jinja", &case, true));
            checked += 1;
        }
        assert_eq!(checked, 5);
    }
}

/// The first release numbered calls anew in each turn and wrote a backslash and an n before results:
/// the rest is the same.
#[test]
fn kimi_k2_is_the_first_template_for_one_turn_of_calls() {
    let template = "llama-cpp/moonshotai-Kimi-K2.jinja";
    let messages = [vec![Message::system("Be brief.")], agent()[..2].to_vec()].concat();
    for messages in prefixes(&messages) {
        let case = Case::new(tools(), messages);
        let answer = oracle::try_render(
            template,
            &Value::from(case.openai_messages()),
            &case.openai_tools(),
            &json!({}),
            true,
        );
        assert_eq!(case.render(&KimiK2, &as_template(true)), answer.unwrap());
    }
}

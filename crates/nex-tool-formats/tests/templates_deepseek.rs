//! DeepSeek's formats against the chat templates, byte for byte.

mod conversations;
mod oracle;

use conversations::{Case, RICH, as_template, call, prefixes, reply, result, text, thought, tools};
use nex_tool_formats::{DEEPSEEK_V3, DEEPSEEK_V3_1, ToolCallFormat};
use nex_trajectory::{Message, Role};
use serde_json::{Value, json};

const BEGIN: &str = "<｜begin▁of▁sentence｜>";

fn systems() -> [Vec<Message>; 2] {
    [Vec::new(), vec![Message::system("Be brief.\n\nVery.")]]
}

fn chat() -> Vec<Message> {
    vec![
        Message::user("Hi 😀"),
        reply(vec![thought("A greeting."), text("Ho")]),
        reply(vec![text("Ho again")]),
        Message::user("And?"),
        Message::user("Well?\n"),
        reply(vec![text("")]),
    ]
}

/// One round of calls, which is all that V3's template can write.
fn round(calls: usize) -> Vec<Message> {
    let arguments = ["{\"city\": \"Roma – città\"}", RICH, "{}"];
    let called = (0..calls)
        .map(|n| call(&format!("call0000{n}"), ["get_weather", "set-limits.v2", "f"][n], arguments[n]));
    let results = (0..calls).map(|n| result(&format!("call0000{n}"), "", ["sun & <wind>", "", "12 °C\n"][n]));
    vec![
        Message::user("Go"),
        reply([text("I ask.")].into_iter().chain(called).collect()),
        Message::tool(results.collect()),
        reply(vec![text("Done.")]),
        Message::user("Thanks"),
    ]
}

fn expected(template: Value, case: &Case, prompt: bool) -> String {
    let mut request = json!({"messages": case.openai_messages(), "tools": case.openai_tools(),
        "variables": {"bos_token": BEGIN}, "add_generation_prompt": prompt});
    request.as_object_mut().unwrap().extend(template.as_object().unwrap().clone());
    let answer = oracle::ask(&request).unwrap_or_else(|error| panic!("{template}: {error}"));
    answer["text"].as_str().unwrap().to_owned()
}

fn check(format: &dyn ToolCallFormat, template: &str, case: &Case, convert: impl Fn(&mut Value)) {
    for prompt in [false, true] {
        let mut messages = Value::from(case.openai_messages());
        messages.as_array_mut().unwrap().iter_mut().for_each(&convert);
        let answer =
            oracle::try_render(template, &messages, &Value::Null, &json!({"bos_token": BEGIN}), prompt);
        let expected = answer.unwrap_or_else(|error| panic!("{template}: {error}"));
        assert_eq!(case.render(format, &as_template(prompt)), expected, "{template}");
    }
}

/// The templates of V3 and R1 take arguments as text.
fn arguments_as_text(message: &mut Value) {
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        let arguments = &mut call["function"]["arguments"];
        *arguments = python_json(arguments).into();
    }
}

fn python_json(value: &Value) -> String {
    let source = "{{ messages[0].value | tojson }}";
    let answer = oracle::ask(&json!({"source": source, "messages": [{"value": value}], "is_raw": true}));
    answer.unwrap()["text"].as_str().unwrap().to_owned()
}

#[test]
fn v3_1_is_its_template() {
    let two_rounds = [round(1), round(2), round(3)].concat();
    for messages in [chat(), round(1), round(2), two_rounds, conversations::agent()] {
        for system in systems() {
            for prefix in prefixes(&messages) {
                let case = Case::new(Vec::new(), [system.clone(), prefix].concat());
                check(&DEEPSEEK_V3_1, "llama-cpp/deepseek-ai-DeepSeek-V3.1.jinja", &case, |_| ());
            }
        }
    }
}

/// The model card has the declarations behind the instructions, and the template takes them as such.
#[test]
fn v3_1_declares_tools_in_the_system_message() {
    let with_tools = Case::new(tools(), [systems()[1].clone(), round(2)].concat());
    let rendered = with_tools.render(&DEEPSEEK_V3_1, &as_template(true));
    let start = rendered.strip_prefix(BEGIN).unwrap().split("<｜User｜>").next().unwrap().to_owned();
    assert!(
        start.contains(&format!(
            "### set-limits.v2\nDescription: Sets <limits> & more\n\nParameters: {}\n\n",
            python_json(&tools()[1].input_schema)
        )),
        "{start}"
    );
    let as_system = Case::new(Vec::new(), [vec![Message::system(start)], round(2)].concat());
    let template = json!({"template": "llama-cpp/deepseek-ai-DeepSeek-V3.1.jinja"});
    assert_eq!(rendered, expected(template, &as_system, true));
}

/// Its template writes the second round of calls without its marks, so there is one round here.
#[test]
fn v3_is_its_template() {
    for messages in [chat(), round(1), round(2), round(3)] {
        for system in systems() {
            for prefix in prefixes(&messages) {
                let case = Case::new(Vec::new(), [system.clone(), prefix].concat());
                check(&DEEPSEEK_V3, "trl/deepseekv3.jinja", &case, arguments_as_text);
            }
        }
    }
}

/// R1's templates close a section of two calls only, drop calls beside text, and break lines between
/// outputs: what is left is the same.
#[test]
fn v3_is_r1_s_template_where_that_loses_nothing() {
    for template in
        ["trl/deepseek_r1_distill.jinja", "llama-cpp/deepseek-ai-DeepSeek-R1-Distill-Llama-8B.jinja"]
    {
        for system in systems() {
            for prefix in prefixes(&chat()) {
                let case = Case::new(Vec::new(), [system.clone(), prefix].concat());
                check(&DEEPSEEK_V3, template, &case, |_| ());
            }
            let mut calls = round(2)[..2].to_vec();
            calls[1].content.remove(0);
            let case = Case::new(Vec::new(), [system, calls].concat());
            let mut messages = Value::from(case.openai_messages());
            for message in messages.as_array_mut().unwrap() {
                arguments_as_text(message);
                if message["role"] == "assistant" {
                    message["content"] = Value::Null;
                }
            }
            let request = json!({"template": template, "messages": messages, "is_raw": true,
                "variables": {"bos_token": BEGIN}});
            let expected = oracle::ask(&request).unwrap();
            assert_eq!(case.render(&DEEPSEEK_V3, &as_template(false)), expected["text"], "{template}");
        }
    }
}

/// llama.cpp's template for R1 declares tools; its `map` gives no list in Python.
#[test]
fn v3_declares_tools_as_llama_cpp_does() {
    let source = oracle::template_source("llama-cpp/llama-cpp-deepseek-r1.jinja");
    let source = source.replace("map(attribute='function')", "map(attribute='function') | list");
    for system in systems() {
        let case = Case::new(tools(), system);
        assert!(case.messages.iter().all(|message| message.role == Role::System));
        let expected = expected(json!({"source": source}), &case, false);
        assert_eq!(case.render(&DEEPSEEK_V3, &as_template(false)), expected);
    }
}

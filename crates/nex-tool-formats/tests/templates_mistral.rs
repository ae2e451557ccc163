//! Mistral's format against its own tokenizers and the chat templates, byte for byte.

mod conversations;
mod oracle;

use conversations::{Case, agent, as_template, call, prefixes, reply, result, text, thought, tools};
use nex_tool_formats::{
    MISTRAL_V3, MISTRAL_V3_TEKKEN, MISTRAL_V7, MISTRAL_V11, MISTRAL_V13, Mistral, ToolCallFormat,
};
use nex_trajectory::{ContentBlock, Message, Role};
use serde_json::{Value, json};

const VERSIONS: [(&str, Mistral); 5] = [
    ("v3", MISTRAL_V3),
    ("v3-tekken", MISTRAL_V3_TEKKEN),
    ("v7", MISTRAL_V7),
    ("v11", MISTRAL_V11),
    ("v13", MISTRAL_V13),
];

/// Conversations as Mistral's rules allow them: replies have text or calls, never nothing.
fn conversations() -> Vec<Vec<Message>> {
    let rounds = vec![
        Message::user("Hi 😀"),
        reply(vec![text("Ho")]),
        Message::user("Paris or Rome?"),
        reply(vec![
            call("call00000", "get_weather", r#"{"city": "Paris"}"#),
            call("call00001", "get_weather", r#"{"city": "Roma – città"}"#),
        ]),
        Message::tool(vec![
            result("call00000", "get_weather", r#"{"sun": [1, true, null], "wind": "no"}"#),
            result("call00001", "get_weather", "rain & \"snow\"\n\n12 °C"),
        ]),
        reply(vec![call("call00002", "set-limits_v2", conversations::RICH)]),
        Message::tool(vec![result("call00002", "set-limits_v2", "42")]),
        reply(vec![text("Paris.")]),
        Message::user("And now?"),
        reply(vec![call("call00003", "get_weather", "{}")]),
        Message::tool(vec![result("call00003", "get_weather", "fine")]),
        reply(vec![text("Now too.")]),
    ];
    let mut all = Vec::new();
    for system in [Vec::new(), vec![Message::system("Be brief.\n\nVery.")]] {
        all.extend(prefixes(&[system, rounds.clone()].concat()));
    }
    all
}

/// Ends with what its code takes as a request or as a whole conversation: a question, results or text.
fn is_complete(messages: &[Message]) -> bool {
    match messages.last().expect("there is one") {
        last if last.role == Role::Assistant => last.calls().next().is_none(),
        last => last.role != Role::System,
    }
}

/// Its own code wants names without dots.
fn declared() -> Vec<nex_trajectory::ToolSpec> {
    let mut tools = tools();
    tools[1].name = "set-limits_v2".to_owned();
    tools
}

fn with_calls_as_text(case: &Case) -> Value {
    let mut messages = case.openai_messages();
    for message in &mut messages {
        for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
            let arguments = &mut call["function"]["arguments"];
            *arguments = arguments.to_string().into();
        }
    }
    messages.into()
}

#[test]
fn each_version_is_what_mistral_s_tokenizer_makes_of_it() {
    for (version, format) in VERSIONS {
        let mut checked = 0;
        for messages in conversations().into_iter().filter(|messages| is_complete(messages)) {
            for tools in [Vec::new(), declared()] {
                let case = Case::new(tools, messages.clone());
                let expected = oracle::mistral(version, &with_calls_as_text(&case), &case.openai_tools());
                let expected = expected.unwrap_or_else(|error| panic!("{version}: {error}"));
                assert_eq!(case.render(&format, &as_template(true)), expected, "{version}");
                checked += 1;
            }
        }
        assert!(checked > 30, "{version}: {checked}");
    }
}

fn check(format: &dyn ToolCallFormat, template: &str, keeps: impl Fn(&Case) -> bool) -> usize {
    let mut checked = 0;
    for messages in conversations() {
        for tools in [Vec::new(), declared()] {
            let case = Case::new(tools, messages.clone());
            // Tools without a question have no place, and are left out by the templates.
            if case.messages.iter().all(is_system) || !keeps(&case) {
                continue;
            }
            let answer = oracle::try_render(
                template,
                &Value::Array(case.openai_messages()),
                &case.openai_tools(),
                &json!({"bos_token": "<s>", "eos_token": "</s>"}),
                true,
            );
            let expected = answer.unwrap_or_else(|error| panic!("{template}: {error}"));
            assert_eq!(case.render(format, &as_template(true)), expected, "{template}");
            checked += 1;
        }
    }
    checked
}

fn is_system(message: &Message) -> bool {
    message.role == Role::System
}

#[test]
fn each_version_is_mistral_s_template() {
    for (version, format) in VERSIONS {
        // v3's templates write results that are JSON objects as strings, unlike its tokenizer.
        let has_json = |case: &Case| {
            let results = case.messages.iter().filter(|message| message.role == Role::Tool);
            results.flat_map(|message| &message.content).any(
                |block| matches!(block, ContentBlock::ToolResult(result) if result.text().starts_with('{')),
            )
        };
        let is_v3 = version.starts_with("v3");
        let template = format!("mistral-common/{version}.jinja");
        let checked = check(&format, &template, |case| !(is_v3 && has_json(case)));
        assert!(checked > 15, "{version}: {checked}");
    }
}

/// The template has a system message of its own, with the day in it, where there is none.
#[test]
fn v11_is_the_template_of_mistral_small() {
    let template = "llama-cpp/Mistral-Small-3.2-24B-Instruct-2506.jinja";
    assert!(check(&MISTRAL_V11, template, |case| is_system(&case.messages[0])) > 15);
}

/// The template puts a result into its JSON without quotes, and forgets the system message unless the
/// conversation ends with a question.
#[test]
fn v3_tekken_is_nemo_s_template_where_that_loses_nothing() {
    let checked = check(&MISTRAL_V3_TEKKEN, "llama-cpp/mistralai-Mistral-Nemo-Instruct-2407.jinja", |case| {
        let has_results = case.messages.iter().any(|message| message.role == Role::Tool);
        let ends_with_question = case.messages.last().is_some_and(|message| message.role == Role::User);
        !has_results && (ends_with_question || !is_system(&case.messages[0]))
    });
    assert!(checked > 8, "{checked}");
}

/// Unsloth's template has the tools before everything, which is where v13 has them when there is a
/// system message; without one it has its own.
#[test]
fn v13_is_unsloth_s_template_of_devstral() {
    let template = "llama-cpp/unsloth-mistral-Devstral-Small-2507.jinja";
    assert!(check(&MISTRAL_V13, template, |case| is_system(&case.messages[0])) > 15);
}

#[test]
fn v13_keeps_reasoning_and_text_beside_calls_as_its_template_does() {
    let messages = [vec![Message::system("Be brief.")], agent()].concat();
    for messages in prefixes(&messages).filter(|messages| messages.len() > 1) {
        let case = Case::new(tools(), messages);
        let answer = oracle::try_render(
            "mistral-common/v13.jinja",
            &Value::Array(case.openai_messages()),
            &case.openai_tools(),
            &json!({"bos_token": "<s>", "eos_token": "</s>"}),
            false,
        );
        assert_eq!(case.render(&MISTRAL_V13, &as_template(false)), answer.unwrap());
    }
    let only_thought =
        Case::new(Vec::new(), vec![Message::user("?"), reply(vec![thought("Hm."), text("A.")])]);
    assert_eq!(
        only_thought.render(&MISTRAL_V13, &as_template(false)),
        "<s>[INST]?[/INST][THINK]Hm.[/THINK]A.</s>"
    );
}

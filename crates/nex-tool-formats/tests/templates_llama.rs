//! Llama 3 conversations, against the models' own chat templates.
//!
//! Left out are texts with white space at their ends: the template trims them, and here they stay.

mod openai_messages;
mod oracle;

use nex_tool_formats::{ArgumentText, Date, Llama3, ReasoningHistory, RenderOptions, ToolCallFormat};
use nex_trajectory::{Message, ToolSpec};
use openai_messages::{Talk, call, results, says, text, thinks, tool};
use serde_json::json;

const TEMPLATES: [&str; 5] = [
    "llama-cpp/meta-llama-Llama-3.1-8B-Instruct.jinja",
    "llama-cpp/meta-llama-Llama-3.2-3B-Instruct.jinja",
    "llama-cpp/meta-llama-Llama-3.3-70B-Instruct.jinja",
    "trl/llama3_1.jinja",
    "trl/llama3_2.jinja",
];

fn tools() -> [ToolSpec; 2] {
    [
        tool(
            "find",
            "Finds \"things\" <quickly> – 速い.",
            json!({"type": "object", "properties": {
                "what": {"type": "string", "enum": ["a", "b"], "default": "a"},
                "most": {"type": "number", "default": 1.0},
                "where": {"type": "object", "properties": {}},
                "tags": {"type": "array", "items": {"type": "string"}}
            }, "required": []}),
        ),
        tool("stop", "", json!({"type": "object", "properties": {}})),
    ]
}

fn talks() -> Vec<Talk> {
    let tools = tools();
    let answered = |arguments: &str| {
        vec![
            Message::user("Find it: é, 中文, 😀\nnow"),
            says(vec![call("a", "find", arguments)]),
            results(&[("a", "find", "one \"two\"\n\\three\t\u{2028}😀")]),
            says(vec![text("Here.\n\nDone.")]),
        ]
    };
    let with_system = |messages: Vec<Message>| [vec![Message::system("Be brief.\nVery.")], messages].concat();
    let again = || {
        vec![
            Message::user("Once more"),
            says(vec![call("b", "stop", "{}")]),
            results(&[("b", "stop", "")]),
            says(vec![call("c", "stop", "")]),
            results(&[("c", "stop", "{\"ok\": true}")]),
            Message::assistant("Stopped."),
        ]
    };
    vec![
        Talk::new(&[], vec![Message::user("Hi")]),
        Talk::new(
            &[],
            with_system(vec![Message::user("Hi"), Message::assistant("Hello."), Message::user("Bye")]),
        ),
        Talk::new(&tools, vec![Message::user("Hi"), says(vec![])]),
        Talk::new(&tools, with_system(vec![Message::user("Hi"), says(vec![thinks("Hm."), text("Hello.")])])),
        Talk::new(
            &tools,
            answered(
                "{\"what\":\"x<y>\",\"most\":1.5,\"where\":{\"a\":[1,null,true,\"q\\\"\\n\"]},\"tags\":[]}",
            ),
        ),
        Talk::new(&tools, with_system(answered("{ \"what\": \"日本\" }"))),
        Talk::new(&tools[1..], with_system([answered("{}"), again()].concat())),
        Talk::new(&[], [answered("{\"most\":9007199254740993}"), again()].concat()),
        Talk::new(&[], vec![Message::user("Hi"), Message::system("Now be loud."), Message::assistant("HI")]),
    ]
}

#[test]
fn llama_3_writes_what_the_templates_write() {
    for template in TEMPLATES {
        for (index, talk) in talks().into_iter().enumerate() {
            for prompt_for_reply in [false, true] {
                let options = RenderOptions {
                    reasoning: ReasoningHistory::AsTemplate,
                    arguments: ArgumentText::Respaced,
                    prompt_for_reply,
                    date: Date { year: 2025, month: 3, day: 9 },
                };
                let ours = Llama3.render(&talk.sample(), &options).expect("it can be written").text;
                let variables = json!({"bos_token": "<|begin_of_text|>", "date_string": "09 Mar 2025"});
                let theirs = oracle::try_render(
                    template,
                    &talk.messages(),
                    &talk.declared(),
                    &variables,
                    prompt_for_reply,
                )
                .unwrap_or_else(|error| panic!("{template}, conversation {index}: {error}"));
                assert_eq!(ours, theirs, "{template}, conversation {index}");
            }
        }
    }
}

#[test]
fn the_templates_refuse_two_calls_too() {
    let talk =
        Talk::new(&[], vec![Message::user("Hi"), says(vec![call("a", "f", "{}"), call("b", "f", "{}")])]);
    assert!(Llama3.representable(&talk.sample()).is_err());
    for template in TEMPLATES {
        let theirs = oracle::try_render(template, &talk.messages(), &talk.declared(), &json!({}), false);
        assert!(theirs.expect_err("it raises").contains("single tool-calls"), "{template}");
    }
}

//! LFM2 conversations, against TRL's template for them, the only one that escapes quotes.
//!
//! Left out are the templates that came before and after: the first has no calls, and those of
//! LFM2.5 write a quote in a text as it is, which ends the text. There, conversations without calls
//! are compared.

mod openai_messages;
mod oracle;

use nex_tool_formats::{Pythonic, ReasoningHistory, RenderOptions, ToolCallFormat};
use nex_trajectory::{Message, ToolSpec};
use openai_messages::{Talk, call, results, says, text, thinks, tool};
use serde_json::json;

fn tools() -> [ToolSpec; 2] {
    [
        tool(
            "find",
            "Finds \"things\" <quickly> – 速い.",
            json!({"type": "object", "properties": {"what": {"type": "string"}, "most": {"type": "number", "default": 1.0}}}),
        ),
        tool("stop", "", json!({"type": "object", "properties": {}})),
    ]
}

fn without_calls() -> Vec<Talk> {
    vec![
        Talk::new(&[], vec![Message::user(" Hi\n")]),
        Talk::new(
            &[],
            vec![
                Message::system("Be brief.\n"),
                Message::user("Hi"),
                Message::assistant(" Hello. "),
                Message::user("é 中文 😀"),
            ],
        ),
        Talk::new(&[], vec![Message::user("Hi"), Message::system("Now be loud."), Message::assistant("HI")]),
    ]
}

fn with_calls() -> Vec<Talk> {
    let tools = tools();
    let values = "{\"what\":\"it's \\\"q\\\" \\\\ a\\nb\\r\\tc 😀\",\"most\":1.5,\"n\":-3,\"t\":true,\"f\":false,\"z\":null,\
        \"list\":[1,\"it's\",null,{\"k\":[true,2.0]}],\"map\":{\"a\":\"\\n\\\"\",\"b\":{}},\"e\":\"\",\"from\":[]}";
    let round = |arguments: &str| {
        vec![
            Message::user("Find it"),
            says(vec![text("I look. "), call("a", "find", arguments), call("b", "stop", "{}")]),
            results(&[("a", "find", "one \"two\"\n\\three\t\u{2028}😀"), ("b", "stop", "")]),
            says(vec![call("c", "stop", "")]),
            results(&[("c", "stop", "{\"ok\": true}")]),
            Message::assistant("Done."),
        ]
    };
    vec![
        Talk::new(&tools, vec![Message::user("Hi"), Message::assistant("")]),
        Talk::new(&tools, vec![Message::system("Be brief."), Message::user("Hi")]),
        Talk::new(&tools, vec![Message::user("Hi"), says(vec![thinks("Hm."), text("Hello.")])]),
        Talk::new(&tools, round(values)),
        Talk::new(
            &tools[1..],
            [vec![Message::system("é")], round("{\"what\": \"日本\"}"), round("{}")].concat(),
        ),
        Talk::new(&[], round(values)),
    ]
}

fn check(template: &str, talks: Vec<Talk>) {
    for (index, talk) in talks.into_iter().enumerate() {
        for prompt_for_reply in [false, true] {
            let options = RenderOptions {
                reasoning: ReasoningHistory::AsTemplate,
                prompt_for_reply,
                ..RenderOptions::default()
            };
            let ours = Pythonic::LFM2.render(&talk.sample(), &options).expect("it can be written").text;
            let variables = json!({"bos_token": "<|startoftext|>"});
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

#[test]
fn lfm2_writes_what_the_template_writes() {
    check("trl/lfm2_v2.jinja", without_calls());
    check("trl/lfm2_v2.jinja", with_calls());
}

#[test]
fn without_calls_all_templates_are_alike() {
    for template in [
        "llama-cpp/LFM2-8B-A1B.jinja",
        "llama-cpp/LFM2.5-8B-A1B.jinja",
        "llama-cpp/LFM2.5-Instruct.jinja",
        "trl/lfm2.jinja",
        "trl/lfm2_2_5.jinja",
        "trl/lfm2_2_5_v2.jinja",
    ] {
        check(template, without_calls());
    }
}

#[test]
fn what_the_template_of_lfm2_5_writes_of_a_quote_cannot_be_read() {
    let talk = Talk::new(&[], vec![Message::user("Hi"), says(vec![call("a", "f", "{\"x\": \"it's\"}")])]);
    let theirs = oracle::render("trl/lfm2_2_5_v2.jinja", &talk.messages(), &talk.declared(), &json!({}));
    let read = Pythonic::LFM2.parse_conversation(&theirs, None).expect("it is a conversation");
    assert_eq!(read.messages[1].calls().count(), 0);
}

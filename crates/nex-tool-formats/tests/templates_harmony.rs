//! gpt-oss conversations, against the model's own chat template and OpenAI's own harmony library.
//!
//! Left out, because the template loses it: text beside a call (it becomes reasoning), the second
//! call of a message, system messages after the first. The library is asked to read our text, not to
//! write it: it puts recipients into the other place of a header, and leaves white space out behind
//! instructions.

mod openai_messages;
mod oracle;

use nex_tool_formats::{ArgumentText, Date, GptOss, ReasoningHistory, RenderOptions, ToolCallFormat};
use nex_trajectory::{Message, ToolSpec};
use openai_messages::{Talk, call, results, says, text, thinks, tool};
use serde_json::{Value, json};

const TEMPLATES: [&str; 2] = ["llama-cpp/openai-gpt-oss-120b.jinja", "trl/gptoss.jinja"];

fn tools() -> Vec<ToolSpec> {
    vec![
        tool(
            "find",
            "Finds \"things\" <quickly> – 速い.\nOr not.",
            json!({"type": "object", "required": ["what", "where"], "properties": {
                "what": {"type": "string", "description": "What to find."},
                "unit": {"type": "string", "enum": ["a", "b"], "default": "a", "description": "One\nof two."},
                "note": {"type": "string", "nullable": true},
                "most": {"type": "number", "default": 1.0},
                "days": {"type": "integer", "default": 3},
                "deep": {"type": "boolean", "default": false},
                "names": {"type": "array", "items": {"type": "string"}, "default": ["é"]},
                "numbers": {"type": "array", "items": {"type": "number"}, "nullable": true},
                "counts": {"type": "array", "items": {"type": "integer"}},
                "flags": {"type": "array", "items": {"type": "boolean"}},
                "things": {"type": "array", "items": {"type": "object"}},
                "lists": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
                "any_list": {"type": "array", "nullable": true},
                "long_list": {"type": "array", "items": {"type": "object", "properties": {
                    "a_long_name": {"type": "string"}, "another_long_name": {"type": "number"}}}},
                "where": {"type": "object", "required": ["x"], "properties": {
                    "x": {"type": "number"}, "y": {"type": "object", "properties": {"z": {"type": "string", "enum": ["q"]}}}}},
                "free": {"type": "object"},
                "both": {"type": ["string", "null"]},
                "single": {"type": ["integer"]},
                "one": {"oneOf": [{"type": "string", "description": "A name."}, {"type": "number", "default": 2}], "default": "x"},
                "objects": {"oneOf": [{"type": "object"}, {"type": "string"}]},
                "lonely": {"oneOf": [{"type": "object"}]},
                "anything": {},
                "reference": {"$ref": "#/x"}
            }}),
        ),
        tool("stop", "", json!({"type": "object", "properties": {}})),
        tool("bare", "No schema.", json!({})),
    ]
}

fn talks() -> Vec<Talk> {
    let tools = tools();
    let values = "{\"what\":\"x<y> 😀\",\"most\":1.5,\"where\":{\"a\":[1,null,true,\"q\\\"\\n\"]},\"days\":9007199254740993}";
    let round = |reasoning: &str| {
        let mut first = vec![call("a", "find", values)];
        if !reasoning.is_empty() {
            first.insert(0, thinks(reasoning));
        }
        vec![
            Message::user("Find it: é, 中文\nnow "),
            says(first),
            results(&[("a", "find", "one \"two\"\n\\three\t\u{2028}😀")]),
            says(vec![thinks("Once more."), call("b", "stop", "")]),
            results(&[("b", "stop", "{\"ok\": true}")]),
        ]
    };
    let answer = || vec![says(vec![thinks("Enough."), text("Done.\n")])];
    let system = || vec![Message::system("Be brief.\n")];
    vec![
        Talk::new(&[], vec![Message::user("Hi")]),
        Talk::new(&[], [system(), vec![Message::user("Hi"), Message::assistant("Hello.")]].concat()),
        Talk::new(
            &tools,
            vec![Message::user("Hi"), says(vec![thinks("Hm."), text("Hello.")]), Message::user("Bye")],
        ),
        Talk::new(&tools, [system(), round("Hm.")].concat()),
        Talk::new(&tools[1..], [round(""), answer()].concat()),
        Talk::new(&[], [round("Hm."), answer(), round("Again."), answer()].concat()),
        Talk::new(&tools[2..], [system(), round("Hm."), answer(), round("")].concat()),
        Talk::new(&[], vec![Message::user("Hi"), says(vec![])]),
    ]
}

fn options(prompt_for_reply: bool) -> RenderOptions {
    RenderOptions {
        reasoning: ReasoningHistory::AsTemplate,
        arguments: ArgumentText::Respaced,
        prompt_for_reply,
        date: Date { year: 2026, month: 1, day: 2 },
    }
}

#[test]
fn gpt_oss_writes_what_the_templates_write() {
    for template in TEMPLATES {
        for (index, talk) in talks().into_iter().enumerate() {
            for prompt_for_reply in [false, true] {
                let ours = GptOss.render(&talk.sample(), &options(prompt_for_reply));
                let ours = ours.expect("it can be written").text;
                let theirs = oracle::try_render(
                    template,
                    &talk.messages(),
                    &talk.declared(),
                    &Value::Null,
                    prompt_for_reply,
                )
                .unwrap_or_else(|error| panic!("{template}, conversation {index}: {error}"));
                assert_eq!(ours, theirs, "{template}, conversation {index}");
            }
        }
    }
}

/// What OpenAI's library reads in `reply`: channel, recipient and text of each message.
fn their_reading(reply: &str) -> Vec<(String, String, String)> {
    let answer = oracle::ask(&json!({"harmony": "parse", "completion": reply})).expect("it can be read");
    let part = |message: &Value, key: &str| message[key].as_str().unwrap_or_default().to_owned();
    let messages = answer["messages"].as_array().expect("a list of messages");
    messages
        .iter()
        .map(|message| {
            let text = part(&message["content"][0], "text");
            (part(message, "channel"), part(message, "recipient"), text)
        })
        .collect()
}

#[test]
fn openai_s_library_reads_our_replies_as_they_were_meant() {
    let talk = Talk::new(
        &tools(),
        vec![
            Message::user("Hi"),
            says(vec![
                thinks("Two."),
                text("I ask."),
                call("a", "find", "{\"what\": \"é\"}"),
                call("b", "stop", "{}"),
            ]),
        ],
    );
    let rendered = GptOss.render(&talk.sample(), &RenderOptions::default()).expect("it can be written").text;
    let (_, reply) = rendered.split_once("<|start|>assistant").expect("there is a reply");
    let message = |channel: &str, recipient: &str, text: &str| {
        (channel.to_owned(), recipient.to_owned(), text.to_owned())
    };
    assert_eq!(
        their_reading(reply),
        [
            message("analysis", "", "Two."),
            message("commentary", "", "I ask."),
            message("commentary", "functions.find", "{\"what\": \"é\"}"),
            message("commentary", "functions.stop", "{}"),
        ]
    );
    let answer = Talk::new(&[], vec![Message::user("Hi"), says(vec![thinks("Hm."), text("Hello.")])]);
    let rendered =
        GptOss.render(&answer.sample(), &RenderOptions::default()).expect("it can be written").text;
    let (_, reply) = rendered.split_once("<|start|>assistant").expect("there is a reply");
    assert_eq!(their_reading(reply), [message("analysis", "", "Hm."), message("final", "", "Hello.")]);
}

#[test]
fn what_openai_s_library_writes_is_read_here() {
    let written = oracle::harmony(
        "training",
        &json!([
            {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
            {"role": "assistant", "channel": "analysis", "content": [{"type": "text", "text": "Hm."}]},
            {"role": "assistant", "channel": "commentary", "recipient": "functions.find", "content_type": "<|constrain|>json",
                "content": [{"type": "text", "text": "{\"what\": \"é\"}"}]},
            {"role": "tool", "name": "functions.find", "recipient": "assistant", "channel": "commentary",
                "content": [{"type": "text", "text": "found"}]},
            {"role": "assistant", "channel": "final", "content": [{"type": "text", "text": "Here."}]}
        ]),
    )
    .expect("it renders");
    let read = GptOss.parse_conversation(&written, None).expect("it is a conversation").messages;
    assert_eq!(read.len(), 4, "{written}");
    assert_eq!(read[0], Message::user("Hi"));
    assert_eq!(
        read[1].calls().map(|call| call.arguments.as_text()).collect::<Vec<_>>(),
        ["{\"what\": \"é\"}"]
    );
    assert_eq!(read[2].results().map(|result| result.text()).collect::<Vec<_>>(), ["found"]);
    assert_eq!(read[3], Message::assistant("Here."));
}

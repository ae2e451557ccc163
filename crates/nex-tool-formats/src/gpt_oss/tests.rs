use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws, weather_tools};
use crate::{ReasoningHistory, SpanKind};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};
use serde_json::json;

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&GptOss.parse(reply, &weather_tools(), ParseOptions::default())));
}

#[test]
fn reasoning_preamble_and_calls() {
    check(
        "<|channel|>analysis<|message|>Two cities.<|end|><|start|>assistant<|channel|>commentary<|message|>I ask.<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\":\"Paris <|call|>\", \"n\": 1.0}<|call|><|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{\"city\": \"Rome\"}<|call|>",
        expect![[r#"
            reasoning "Two cities."
            text "I ask."
            call get_weather {"city":"Paris <|call|>", "n": 1.0} at 111..247
            call get_weather {"city": "Rome"} at 247..351
        "#]],
    );
}

#[test]
fn an_answer_with_or_without_its_marks() {
    check(
        "<|channel|>analysis<|message|>Hm.<|end|>\n<|start|>assistant<|channel|>final<|message|>Sunny.<|return|>\n",
        expect![[r#"
            reasoning "Hm."
            text "Sunny."
        "#]],
    );
    check(
        "<|start|>assistant<|channel|>final<|message|>Sunny.",
        expect![[r#"
        text "Sunny."
    "#]],
    );
    check(
        "Sunny.",
        expect![[r#"
        text "Sunny."
    "#]],
    );
    check(
        "<|channel|>analysis<|message|>One<|end|><|start|>assistant<|channel|>analysis<|message|>two<|end|><|start|>assistant<|channel|>commentary<|message|>A<|end|><|start|>assistant<|channel|>final<|message|>B",
        expect![[r#"
            reasoning "One\ntwo"
            text "A\nB"
        "#]],
    );
    check(
        "",
        expect![[r#"
        defect EmptyReply: neither text nor a call
    "#]],
    );
}

#[test]
fn wrong_headers_are_read_where_they_are_clear() {
    for (reply, expected) in [
        (
            " to=functions.get_weather json<|message|>{\"city\": \"x\"}<|call|>",
            expect![[r#"
                call get_weather {"city": "x"} at 1..62
                defect MalformedCall at 1: the header names no channel
            "#]],
        ),
        (
            "<|channel|>commentary to=functions.get_weather code<|message|>{\"city\": \"x\"}",
            expect![[r#"
            call get_weather {"city": "x"} at 0..75
            defect MalformedCall at 0: `code` where a call has `json`
        "#]],
        ),
        (
            "<|channel|>functions.get_weather<|message|>{\"city\": \"x\"}<|call|>",
            expect![[r#"
            call get_weather {"city": "x"} at 0..64
            defect MalformedCall at 0: the recipient stands without `to=`
            defect MalformedCall at 0: the header names no channel
        "#]],
        ),
        (
            "<|channel|>analysis to=functions.get_weather<|message|>{\"city\": \"x\"}<|end|>",
            expect![[r#"
            call get_weather {"city": "x"} at 0..75
            defect MalformedCall at 0: a call on the channel `analysis`; it goes to `commentary`
        "#]],
        ),
        (
            "<|channel|>comment<|message|>Hi<|end|>",
            expect![[r#"
            text "Hi"
            defect MalformedCall at 0: `comment` is no channel
        "#]],
        ),
        (
            "<|message|>Hi",
            expect![[r#"
            text "Hi"
            defect MalformedCall at 0: the header names no channel
        "#]],
        ),
        (
            "<|channel|>analysis<|message|>Hm.<|channel|>final<|message|>Hi",
            expect![[r#"
            reasoning "Hm."
            text "Hi"
            defect UnclosedTag at 0: the message is not ended by <|end|>
        "#]],
        ),
        (
            "<|channel|>commentary to=python code<|message|>print(1)\n<|call|>",
            expect![[r#"
                call python print(1) at 0..64
                defect UnknownTool at 0: there is no tool `python`
            "#]],
        ),
    ] {
        check(reply, expected);
    }
}

#[test]
fn broken_and_cut_messages_stay_text_and_finished_calls_are_kept() {
    let done = "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"city\": \"x\"}<|call|>";
    check(
        &format!(
            "{done}<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{{\"ci"
        ),
        expect![[r#"
            call get_weather {"city": "x"} at 0..96
            text "<|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{\"ci"
            defect UnclosedTag at 96: the call is cut off
        "#]],
    );
    check(
        &format!("{done}<|start|>assistant<|channel|>comm"),
        expect![[r#"
        call get_weather {"city": "x"} at 0..96
        text "<|start|>assistant<|channel|>comm"
        defect MalformedCall at 96: a header without <|message|>
    "#]],
    );
    check(
        &format!(
            "{done}<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>\"sun\"<|end|><|start|>assistant<|channel|>final<|message|>Sunny.<|return|>"
        ),
        expect![[r#"
            call get_weather {"city": "x"} at 0..96
            text "<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>\"sun\"<|end|>Sunny."
            defect MalformedCall at 96: a message of `functions.get_weather` in the model's reply
        "#]],
    );
    check(
        &format!(
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{{'a': 1}}<|call|><|start|>assistant{done}"
        ),
        expect![[r#"
            text "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{'a': 1}<|call|>"
            call get_weather {"city": "x"} at 81..195
            defect InvalidJson at 66: the arguments are no JSON: key must be a string at line 1 column 2
        "#]],
    );
    check(
        "<|channel|>commentary to=functions.get_weather<|message|><|call|><|channel|>commentary to=functions.f<|message|>[1]<|call|>",
        expect![[r#"
            call get_weather  at 0..65
            call f [1] at 65..123
            defect MissingArgument at 0: `get_weather` needs the argument `city`
            defect UnknownTool at 65: there is no tool `f`
            defect MalformedCall at 112: the arguments are not an object
        "#]],
    );
    check(
        "<|channel|>analysis<|message|>Where",
        expect![[r#"
        reasoning "Where"
        defect EmptyReply: neither text nor a call
        defect UnclosedTag at 0: the message is not ended by <|end|>
    "#]],
    );
    check(
        "<|start|>assistant<|end|>Hi<|return|>",
        expect![[r#"
            text "<|start|>assistant<|end|>Hi"
            defect MalformedCall at 0: a header without <|message|>
        "#]],
    );
}

#[test]
fn broken_json_is_mended_on_request_and_said() {
    let reply = "<|channel|>commentary to=functions.get_weather json<|message|>{'city': 'x',}<|call|><|start|>assistant<|channel|>commentary to=functions.get_weather json<|message|>{\"city\": \"y";
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expect![[r#"
        call get_weather {"city": "x"} at 0..84
        call get_weather {"city": "y"} at 84..175
        defect InvalidJson at 63: the arguments are no JSON: key must be a string at line 1 column 2
        defect UnclosedTag at 84: the call is cut off
        repair InvalidJson at 62: put single-quoted text in double quotes; left out a comma
        repair UnclosedTag at 164: closed what was cut off
    "#]]
    .assert_eq(&describe(&GptOss.parse(reply, &weather_tools(), options)));
}

#[test]
fn a_conversation_is_written_as_the_template_writes_it() {
    let rendered = GptOss.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"

        <|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.
        Knowledge cutoff: 2024-06
        Current date: 2024-07-26

        Reasoning: medium

        # Valid channels: analysis, commentary, final. Channel must be included for every message.
        Calls to these tools must go to the commentary channel: 'functions'.<|end|>
        <|start|>developer<|message|># Instructions

        Be brief.

        # Tools

        ## functions

        namespace functions {

        // Weather of a city.
        type get_weather = (_: {
        city: string,
        }) => any;

        } // namespace functions<|end|>
        <|start|>user<|message|>Paris or Rome?<|end|>
        <|start|>assistant<|channel|>analysis<|message|>Two cities.<|end|>
        <|start|>assistant<|channel|>commentary<|message|>I ask.<|end|>
        <|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Paris"}<|call|>
        <|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Rome"}<|call|>
        <|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>"sun"<|end|>
        <|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>"rain"<|end|>
        <|start|>assistant<|channel|>final<|message|>Paris.<|return|>"#]].assert_eq(&rendered.text.replace("<|start|>", "\n<|start|>"));
    expect![[r#"
        Reasoning "<|channel|>analysis<|message|>Two cities.<|end|>"
        AssistantText "<|start|>assistant<|channel|>commentary<|message|>I ask.<|end|>"
        Call "<|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{\"city\": \"Paris\"}<|call|>"
        Call "<|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{\"city\": \"Rome\"}"
        EndOfTurn "<|call|>"
        AssistantText "<|channel|>final<|message|>Paris."
        EndOfTurn "<|return|>"
    "#]].assert_eq(&describe_mask(&rendered));
}

#[test]
fn answers_of_the_past_do_not_teach_their_end() {
    let owned = Owned::of(
        Vec::new(),
        vec![
            Message::user("Hi"),
            Message::assistant("Hello."),
            Message::user("Bye"),
            Message::assistant("Bye."),
        ],
    );
    let rendered = GptOss.render(&owned.sample(), &RenderOptions::default()).unwrap();
    let ends: Vec<&str> = rendered
        .spans
        .iter()
        .filter(|span| span.kind == SpanKind::EndOfTurn && span.is_trainable)
        .map(|span| &rendered.text[span.start..span.end])
        .collect();
    assert_eq!(ends, [RETURN]);
    let options = RenderOptions {
        reasoning: ReasoningHistory::AsTemplate,
        prompt_for_reply: true,
        ..RenderOptions::default()
    };
    let prompt = GptOss.render(&owned.sample(), &options).unwrap().text;
    assert!(prompt.ends_with("<|message|>Bye.<|end|><|start|>assistant"), "{prompt}");
}

#[test]
fn declarations_are_read_back_in_outline() {
    let schema = json!({"type": "object", "properties": {
        "city": {"type": "string", "description": "Where."},
        "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        "days": {"type": "integer", "default": 3},
        "tags": {"type": "array", "items": {"type": "string"}},
        "where": {"type": "object", "properties": {"lat": {"type": "number"}, "note": {"type": "string"}}, "required": ["lat"]},
        "note": {"type": "string", "nullable": true},
        "any": {}
    }, "required": ["city"]});
    let tool = |name: &str, input_schema| ToolSpec {
        name: name.to_owned(),
        description: "Weather.\nOf a city.".to_owned(),
        input_schema,
    };
    let owned = Owned::of(vec![tool("f", schema), tool("g", json!({}))], vec![Message::user("Hi")]);
    let rendered = GptOss.render(&owned.sample(), &RenderOptions::default()).unwrap();
    let read = GptOss.parse_conversation(&rendered.text, None).unwrap().tools;
    let mut table = String::new();
    for tool in read {
        table += &format!("{} {:?} {:#}\n", tool.name, tool.description, tool.input_schema);
    }
    expect![[r#"
        f "Weather.\nOf a city." {
          "type": "object",
          "properties": {
            "city": {
              "type": "string",
              "description": "Where."
            },
            "unit": {
              "type": "string",
              "enum": [
                "c",
                "f"
              ]
            },
            "days": {
              "type": "number"
            },
            "tags": {
              "type": "array",
              "items": {
                "type": "string"
              }
            },
            "where": {
              "type": "object"
            },
            "note": {
              "type": "string",
              "nullable": true
            },
            "any": {}
          },
          "required": [
            "city"
          ]
        }
        g "Weather.\nOf a city." {
          "type": "object",
          "properties": {}
        }
    "#]]
    .assert_eq(&table);
}

fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    let arguments = Arguments::from_text(arguments);
    ContentBlock::ToolCall(ToolCall { id: id.into(), name: name.to_owned(), arguments })
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |tools: &[ToolSpec], messages: Vec<Message>| {
        let owned = Owned::of(tools.to_vec(), messages);
        table += &format!("{}\n", GptOss.representable(&owned.sample()).unwrap_err());
    };
    let says = |blocks: Vec<ContentBlock>| Message { role: Role::Assistant, content: blocks };
    let result = |id: &str| {
        let name = "f".to_owned();
        Message::tool(vec![ToolResult { call_id: id.into(), name, content: Vec::new(), is_error: false }])
    };
    refuse(&[], vec![Message::user("a<|end|>b")]);
    refuse(&[], vec![Message::assistant("I write <|channel|>")]);
    refuse(&[], vec![says(vec![call("a", "f g", "{}")])]);
    refuse(&[], vec![says(vec![call("a", "f", "{broken")])]);
    refuse(&[], vec![says(vec![call("a", "f", "{}")]), Message::assistant("Hi")]);
    refuse(&[], vec![says(vec![call("a", "f", "{}")]), result("b")]);
    refuse(&[], vec![Message::system("# Tools\n\n## functions\n\nnamespace functions {\n\n")]);
    let description = "Ends with <|end|>".to_owned();
    refuse(
        &[ToolSpec { name: "f".to_owned(), description, input_schema: json!({}) }],
        vec![Message::user("Hi")],
    );
    expect![[r#"
        message 0 (user): the text holds `<|end|>`, which the format cannot escape
        message 0 (assistant): the text holds `<|channel|>`, which the format cannot escape
        message 0 (assistant): `f g` cannot stand in a header: it holds white space or `<`, or is empty
        message 0 (assistant): the arguments of call `a` to `f` are not JSON
        message 0 (assistant): another assistant message follows the calls, and both would be read as one
        message 1 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
        message 0 (system): the text holds `# Tools

        ## functions

        namespace functions {`, which the format cannot escape
        message 0 (system): a tool's declaration holds `<|end|>`, which the format cannot escape
    "#]].assert_eq(&table);
}

laws!(Laws {
    keeps_tools: false,
    default_system: Some(""),
    ..Laws::of(
        &GptOss,
        &[
            "<|start|>assistant",
            "<|channel|>analysis",
            "<|channel|>commentary to=functions.f ",
            "<|channel|>final",
            "<|constrain|>json",
            "<|message|>",
            "<|end|>",
            "<|call|>",
            "<|return|>",
            " to=",
            "{\"a\": 1}"
        ]
    )
});

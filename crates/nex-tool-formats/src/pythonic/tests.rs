use super::*;
use crate::SpanKind;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws, weather, weather_tools};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};

fn check_with(format: Pythonic, reply: &str, repair: bool, expected: Expect) {
    let options = ParseOptions { repair, ..ParseOptions::default() };
    expected.assert_eq(&describe(&format.parse(reply, &weather_tools(), options)));
}

fn check(reply: &str, expected: Expect) {
    check_with(Pythonic::LLAMA_4, reply, false, expected);
}

#[test]
fn a_list_of_calls_is_the_reply() {
    check(
        "[get_weather(city=\"it's\", n=-1, x=None), get_weather(city='Rome',)]<|eot|>",
        expect![[r#"
        call get_weather {"city": "it's", "n": -1, "x": null} at 1..39
        call get_weather {"city": "Rome"} at 41..66
    "#]],
    );
    check(
        " [get_weather(city=\"a\nb\")\n, f()] Done.",
        expect![[r#"
        call get_weather {"city": "a\nb"} at 2..25
        call f {} at 28..31
        text " Done."
        defect UnknownTool at 28: there is no tool `f`
        defect TextAfterCall at 33: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn calls_stand_between_marks_or_on_lines_of_their_own() {
    check_with(
        Pythonic::LFM2,
        "<think>Hm.</think>I look.<|tool_call_start|>[get_weather(city='Paris'), get_weather(city='<|tool_call_end|>')]<|tool_call_end|>Looking.<|im_end|>\n",
        false,
        expect![[r#"
            reasoning "Hm."
            text "I look."
            call get_weather {"city": "Paris"} at 45..70
            call get_weather {"city": "<|tool_call_end|>"} at 72..109
            text "Looking."
        "#]],
    );
    check(
        "<|python_start|>[get_weather(city=\"Paris\")]<|python_end|>",
        expect![[r#"
        call get_weather {"city": "Paris"} at 17..42
    "#]],
    );
    check(
        "Text.\n<function_calls>\nget_weather(city=\"Paris\")\nf(a=(1, 2))\n</function_calls>",
        expect![[r#"
            text "Text.\n"
            call get_weather {"city": "Paris"} at 23..48
            call f {"a": [1, 2]} at 49..60
            defect UnknownTool at 49: there is no tool `f`
        "#]],
    );
    check(
        "get_weather(city=\"Paris\")\nget_weather(city=\"Rome\")\nThat is all.",
        expect![[r#"
        call get_weather {"city": "Paris"} at 0..25
        call get_weather {"city": "Rome"} at 26..50
        text "\nThat is all."
        defect TextAfterCall at 51: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn prose_is_text() {
    check(
        "[1] says so (twice).",
        expect![[r#"
        text "[1] says so (twice)."
    "#]],
    );
    check(
        "[see(x)] and print(1)",
        expect![[r#"
        text "[see(x)] and print(1)"
    "#]],
    );
    check(
        "print(text='x')",
        expect![[r#"
        text "print(text='x')"
    "#]],
    );
    check(
        "get_weather(city=\"Paris\") is what I would call",
        expect![[r#"
        text "get_weather(city=\"Paris\") is what I would call"
    "#]],
    );
    check(
        "[link](url)",
        expect![[r#"
        text "[link](url)"
    "#]],
    );
    check(
        "[]",
        expect![[r#"
        text "[]"
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
fn broken_and_cut_calls_stay_text_and_finished_ones_are_kept() {
    check(
        "[get_weather(city=\"Paris\"), get_weather(city=\"Ro",
        expect![[r#"
        call get_weather {"city": "Paris"} at 1..26
        text ", get_weather(city=\"Ro"
        defect MalformedCall at 48: the call is cut off
    "#]],
    );
    check(
        "[get_weather(city=\"Paris\")",
        expect![[r#"
        call get_weather {"city": "Paris"} at 1..26
        defect UnclosedTag at 0: the list of calls is not closed
    "#]],
    );
    check(
        "[get_weather(city='it's')]",
        expect![[r#"
        text "[get_weather(city='it's')]"
        defect MalformedCall at 22: no Python call: 's' cannot stand here
    "#]],
    );
    check(
        "[get_weather(city='x'), get_weather(\"y\"), get_weather(city='z')] end",
        expect![[r#"
            call get_weather {"city": "x"} at 1..22
            text ", get_weather(\"y\"), "
            call get_weather {"city": "z"} at 42..63
            text " end"
            defect MalformedCall at 36: no Python call: '"' cannot stand here
            defect TextAfterCall at 65: text after a call, where the format has none
        "#]],
    );
    check(
        "<|tool_call_start|>[get_weather(Paris)]<|tool_call_end|>A<|tool_call_start|>[get_weather(city='Rome')]B",
        expect![[r#"
            text "<|tool_call_start|>[get_weather(Paris)]<|tool_call_end|>A"
            call get_weather {"city": "Rome"} at 77..101
            text "B"
            defect MalformedCall at 37: no Python call: ')' cannot stand here
            defect UnclosedTag at 76: the list of calls is not closed
            defect TextAfterCall at 102: text after a call, where the format has none
        "#]],
    );
    check(
        "<|tool_call_start|>[get_weather(city='a",
        expect![[r#"
        text "<|tool_call_start|>[get_weather(city='a"
        defect MalformedCall at 39: the call is cut off
    "#]],
    );
}

#[test]
fn a_broken_call_costs_only_itself() {
    check(
        "[get_weather(city=47 11,,), get_weather(city='Rome')]",
        expect![[r#"
        text "[get_weather(city=47 11,,), "
        call get_weather {"city": "Rome"} at 28..52
        defect MalformedCall at 21: no Python call: '1' cannot stand here
    "#]],
    );
    check_with(
        Pythonic::LFM2,
        "<|tool_call_start|>[get_weather(city='it's', f(1), no_tool(), get_weather(city='Rome')]<|tool_call_end|>Done.",
        false,
        expect![[r#"
            text "<|tool_call_start|>[get_weather(city='it's', f(1), no_tool(), "
            call get_weather {"city": "Rome"} at 62..86
            text "Done."
            defect MalformedCall at 41: no Python call: 's' cannot stand here
        "#]],
    );
    check(
        "[(), get_weather(city='Rome')]",
        expect![[r#"
        text "[(), "
        call get_weather {"city": "Rome"} at 5..29
        defect MalformedCall at 1: no Python call: '(' cannot stand here
    "#]],
    );
    // Neither brackets nor names in prose begin a list.
    check(
        "[(1, 2), (3, 4)], then f(1), get_weather(city='Rome')",
        expect![[r#"
        text "[(1, 2), (3, 4)], then f(1), get_weather(city='Rome')"
    "#]],
    );
}

#[test]
fn what_was_cut_off_is_closed_on_request_and_said() {
    check_with(
        Pythonic::LLAMA_4,
        "[get_weather(city=\"Paris\"), get_weather(city=[{'a': ('x",
        true,
        expect![[r#"
            call get_weather {"city": "Paris"} at 1..26
            call get_weather {"city": [{"a": "x"}]} at 28..55
            defect UnclosedTag at 28: the call is not closed
            defect WrongType at 28: argument `city` of `get_weather` is a string, not an array
            repair UnclosedTag at 28: closed what was cut off
        "#]],
    );
    check_with(
        Pythonic::LLAMA_4,
        "[get_weather(city=",
        true,
        expect![[r#"
        text "[get_weather(city="
        defect MalformedCall at 18: the call is cut off
    "#]],
    );
}

fn call(arguments: &str) -> ContentBlock {
    named("get_weather", arguments)
}

fn named(name: &str, arguments: &str) -> ContentBlock {
    let arguments = Arguments::from_text(arguments);
    ContentBlock::ToolCall(ToolCall { id: "a".into(), name: name.to_owned(), arguments })
}

fn says(blocks: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content: blocks }
}

fn text(text: &str) -> ContentBlock {
    ContentBlock::Text { text: text.to_owned() }
}

fn render(format: Pythonic, owned: &Owned) -> Rendered {
    format.render(&owned.sample(), &RenderOptions::default()).unwrap()
}

#[test]
fn a_conversation_of_llama_4() {
    let mut owned = example();
    let mut calls = (*owned.nodes[2].message).clone();
    calls.content.drain(..2);
    owned.nodes[2].message = std::sync::Arc::new(calls);
    let rendered = render(Pythonic::LLAMA_4, &owned);
    expect![[r#"
        <|begin_of_text|><|header_start|>system<|header_end|>

        Be brief.
        Here is a list of functions in JSON format that you can invoke. Use exact format: [func_name1(param1=value1, param2=value2), func_name2(...)]
        [
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "Weather of a city.",
                    "parameters": {
                        "type": "object",
                        "properties": {
                            "city": {
                                "type": "string"
                            }
                        },
                        "required": [
                            "city"
                        ]
                    }
                }
            }
        ]
        <|eot|><|header_start|>user<|header_end|>

        Paris or Rome?<|eot|><|header_start|>assistant<|header_end|>

        [get_weather(city="Paris"), get_weather(city="Rome")]<|eot|><|header_start|>ipython<|header_end|>

        "sun"<|eot|><|header_start|>ipython<|header_end|>

        "rain"<|eot|><|header_start|>assistant<|header_end|>

        Paris.<|eot|>"#]].assert_eq(&rendered.text);
    expect![[r#"
        Call "[get_weather(city=\"Paris\")"
        Call ", get_weather(city=\"Rome\")]"
        EndOfTurn "<|eot|>"
        AssistantText "Paris."
        EndOfTurn "<|eot|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
}

#[test]
fn a_conversation_of_lfm2() {
    let rendered = render(Pythonic::LFM2, &example());
    expect![[r#"
        <|startoftext|><|im_start|>system
        Be brief.
        List of tools: <|tool_list_start|>[{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]<|tool_list_end|><|im_end|>
        <|im_start|>user
        Paris or Rome?<|im_end|>
        <|im_start|>assistant
        <think>Two cities.</think>I ask.<|tool_call_start|>[get_weather(city='Paris'), get_weather(city='Rome')]<|tool_call_end|><|im_end|>
        <|im_start|>tool
        <|tool_response_start|>sun<|tool_response_end|><|im_end|>
        <|im_start|>tool
        <|tool_response_start|>rain<|tool_response_end|><|im_end|>
        <|im_start|>assistant
        Paris.<|im_end|>
    "#]].assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "<think>Two cities.</think>"
        AssistantText "I ask."
        Call "<|tool_call_start|>[get_weather(city='Paris')"
        Call ", get_weather(city='Rome')]<|tool_call_end|>"
        EndOfTurn "<|im_end|>"
        AssistantText "Paris."
        EndOfTurn "<|im_end|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
    assert!(rendered.spans.iter().any(|span| span.kind == SpanKind::Observation));
}

#[test]
fn values_are_python_s() {
    let arguments = r#"{"from": "it's \"\\\n\u00e9 <|eot|>\t", "n": -1.50, "w": [true, null, {"k": "'\/"}], "o": {}, "f": false}"#;
    let owned = Owned::of(Vec::new(), vec![says(vec![call(arguments)])]);
    for (format, expected) in [
        (
            Pythonic::LLAMA_4,
            expect![[r#"
        Call "[get_weather(from=\"it's \\\"\\\\\\né \\u003c|eot|>\\t\", n=-1.50, w=[True, None, {\"k\": \"'/\"}], o={}, f=False)]"
        EndOfTurn "<|eot|>"
    "#]],
        ),
        (
            Pythonic::LFM2,
            expect![[r#"
        Call "<|tool_call_start|>[get_weather(from='it\\'s \"\\\\\\né <|eot|>\t', n=-1.50, w=[true, null, {\"k\": \"'/\"}], o={}, f=False)]<|tool_call_end|>"
        EndOfTurn "<|im_end|>"
    "#]],
        ),
    ] {
        expected.assert_eq(&describe_mask(&render(format, &owned)));
    }
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |format: Pythonic, messages: Vec<Message>| {
        let owned = Owned::of(vec![weather()], messages);
        table += &format!("{}: {}\n", format.name(), format.representable(&owned.sample()).unwrap_err());
    };
    let result = |id: &str, text: &str| {
        Message::tool(vec![ToolResult {
            call_id: id.into(),
            name: "get_weather".to_owned(),
            content: vec![ContentBlock::Text { text: text.to_owned() }],
            is_error: false,
        }])
    };
    let thinks = |text: &str| ContentBlock::Reasoning { text: text.to_owned(), signature: None };
    for format in [Pythonic::LLAMA_4, Pythonic::LFM2] {
        refuse(format, vec![Message::assistant("[f(a=1)]")]);
        refuse(format, vec![Message::assistant("get_weather(city='x')")]);
        refuse(format, vec![Message::assistant("I write <|tool_call_start|>")]);
        refuse(format, vec![says(vec![named("a b", "{}")])]);
        refuse(format, vec![says(vec![call("{\"a b\": 1}")])]);
        refuse(format, vec![says(vec![call("{\"a\": 1, \"a\": 2}")])]);
        refuse(format, vec![says(vec![call("{\"a\": \"\\ud83d\"}")])]);
        refuse(format, vec![says(vec![call("[1]")])]);
        refuse(format, vec![says(vec![call("{}")]), result("b", "")]);
        refuse(format, vec![says(vec![call("{}"), text("after")])]);
    }
    refuse(Pythonic::LLAMA_4, vec![Message::user("<|eot|>")]);
    refuse(Pythonic::LLAMA_4, vec![says(vec![text("Look."), call("{}")])]);
    refuse(Pythonic::LLAMA_4, vec![says(vec![thinks("Hm.")])]);
    refuse(Pythonic::LFM2, vec![Message::user("<|im_end|>")]);
    refuse(Pythonic::LFM2, vec![Message::assistant(" <think>no")]);
    refuse(Pythonic::LFM2, vec![says(vec![call("{}")]), result("a", "x<|tool_response_end|>")]);
    expect![[r#"
        llama-4: message 0 (assistant): the text has the shape of a call and would be read as one
        llama-4: message 0 (assistant): the text has the shape of a call and would be read as one
        llama-4: message 0 (assistant): the text holds `<|tool_call_start|>`, which the format cannot escape
        llama-4: message 0 (assistant): `a b` is no name that Python could call
        llama-4: message 0 (assistant): `a b`, an argument of `get_weather`, is no name in Python
        llama-4: message 0 (assistant): argument `a` of `get_weather` stands twice
        llama-4: message 0 (assistant): argument `a` of `get_weather` holds half of a surrogate pair
        llama-4: message 0 (assistant): the arguments of `get_weather` are no JSON object
        llama-4: message 1 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
        llama-4: message 0 (assistant): text after a call: the format has it only before
        lfm2: message 0 (assistant): the text has the shape of a call and would be read as one
        lfm2: message 0 (assistant): the text has the shape of a call and would be read as one
        lfm2: message 0 (assistant): the text holds `<|tool_call_start|>`, which the format cannot escape
        lfm2: message 0 (assistant): `a b` is no name that Python could call
        lfm2: message 0 (assistant): `a b`, an argument of `get_weather`, is no name in Python
        lfm2: message 0 (assistant): argument `a` of `get_weather` stands twice
        lfm2: message 0 (assistant): argument `a` of `get_weather` holds half of a surrogate pair
        lfm2: message 0 (assistant): the arguments of `get_weather` are no JSON object
        lfm2: message 1 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
        lfm2: message 0 (assistant): text after a call: the format has it only before
        llama-4: message 0 (user): the text holds `<|eot|>`, which the format cannot escape
        llama-4: message 0 (assistant): text beside a call: nothing would tell where the call begins
        llama-4: message 0 (assistant): the format has no place for reasoning
        lfm2: message 0 (user): the text holds `<|im_end|>`, which the format cannot escape
        lfm2: message 0 (assistant): the text begins with `<think>` and would be read as reasoning
        lfm2: message 1 (tool): the text holds `<|tool_response_end|>`, which the format cannot escape
    "#]].assert_eq(&table);
}

mod llama_4 {
    use super::*;

    laws!(Laws {
        default_system: Some(""),
        is_terse: true,
        ..Laws::of(
            &Pythonic::LLAMA_4,
            &[
                "[f(a='",
                "get_weather(",
                "\"\"\"",
                "', b=",
                ")]",
                "), f(",
                "\\u00",
                "<|python_start|>[",
                "<|python_end|>",
                "<function_calls>\n",
                "<|eot|>"
            ]
        )
    });
}

mod lfm2 {
    use super::*;

    laws!(Laws {
        default_system: Some(""),
        ..Laws::of(
            &Pythonic::LFM2,
            &[
                "<|tool_call_start|>[",
                // Each of a row of these is inside a text of the one before.
                "<|tool_call_start|>[f(a=\"\"\" \"",
                "]<|tool_call_end|>",
                "[f(a='",
                "get_weather(",
                "'''",
                "\" \"",
                "{'k': (",
                "<think>",
                "</think>",
                "<|im_start|>",
                "<|im_end|>"
            ]
        )
    });
}

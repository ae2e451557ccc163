use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, laws, weather, weather_tools};
use crate::{Date, ReasoningHistory, SpanKind};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&Llama3.parse(reply, &weather_tools(), ParseOptions::default())));
}

fn call(id: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: id.into(),
        name: "get_weather".to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn says(blocks: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content: blocks }
}

fn result(id: &str, text: &str) -> Message {
    Message::tool(vec![ToolResult {
        call_id: id.into(),
        name: "get_weather".to_owned(),
        content: vec![ContentBlock::Text { text: text.to_owned() }],
        is_error: false,
    }])
}

fn example() -> Owned {
    Owned::of(
        vec![weather()],
        vec![
            Message::system("Be brief."),
            Message::user("Paris?"),
            says(vec![call("a", "{\"city\": \"Paris\"}")]),
            result("a", "sun \"é\""),
            Message::assistant("Sunny."),
        ],
    )
}

#[test]
fn the_reply_is_one_call() {
    check(
        "{\"name\": \"get_weather\", \"parameters\": {\"city\":\"a; b\", \"n\": 1.0}}<|eot_id|>",
        expect![[r#"
            call get_weather {"city":"a; b", "n": 1.0} at 0..64
        "#]],
    );
}

#[test]
fn several_calls_are_joined_by_semicolons_or_stand_in_a_list() {
    check(
        "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"};{\"}}; {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n{\"type\": \"function\", \"name\": \"f\", \"parameters\": {}};",
        expect![[r#"
            call get_weather {"city": "};{"} at 0..54
            call get_weather {"city": "Rome"} at 56..110
            call f {} at 111..162
            text ";"
            defect UnknownTool at 111: there is no tool `f`
            defect MalformedCall at 112: key `type` has no meaning in a call
            defect TextAfterCall at 162: text after a call, where the format has none
        "#]],
    );
    check(
        "[{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}},\n {\"name\": \"get_weather\"}, 7, {\"name\": \"g\", \"parameters\": \"{}\"}]",
        expect![[r#"
            call get_weather {"city": "Paris"} at 1..57
            call get_weather  at 60..83
            text "7"
            call g "{}" at 88..121
            defect MalformedCall at 60: the call has no `parameters`; without any it is {}
            defect MissingArgument at 60: `get_weather` needs the argument `city`
            defect MalformedCall at 85: a call is an object
            defect MalformedCall at 88: `parameters` is not an object
            defect UnknownTool at 88: there is no tool `g`
        "#]],
    );
}

#[test]
fn text_may_stand_before_the_tag() {
    check(
        "I look.<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Rome\"}} Done.<|eom_id|>",
        expect![[r#"
            text "I look."
            call get_weather {"city": "Paris"} at 7..77
            call get_weather {"city": "Rome"} at 77..146
            text " Done."
            defect TextAfterCall at 147: text after a call, where the format has none
        "#]],
    );
}

#[test]
fn json_that_is_no_call_is_text() {
    check(
        "{\"name\": \"Paris\", \"country\": \"France\"}",
        expect![[r#"
        text "{\"name\": \"Paris\", \"country\": \"France\"}"
    "#]],
    );
    check(
        " [1, 2] are numbers",
        expect![[r#"
        text " [1, 2] are numbers"
    "#]],
    );
    check(
        "{x | x > 0}",
        expect![[r#"
        text "{x | x > 0}"
    "#]],
    );
    check(
        "[]",
        expect![[r#"
        text "[]"
    "#]],
    );
}

#[test]
fn broken_and_cut_calls_stay_text_and_finished_ones_are_kept() {
    check(
        "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Par",
        expect![[r#"
            text "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Par"
            defect InvalidJson at 51: the call is cut off
        "#]],
    );
    check(
        "{'name': 'get_weather', 'parameters': {'city': 'Paris'}}",
        expect![[r#"
            text "{'name': 'get_weather', 'parameters': {'city': 'Paris'}}"
            defect InvalidJson at 1: the call is no JSON: '\'' cannot stand here
        "#]],
    );
    check(
        "[{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}, {\"name\": \"get_",
        expect![[r#"
            call get_weather {"city": "Paris"} at 1..57
            text ", {\"name\": \"get_"
            defect InvalidJson at 73: the call is cut off
        "#]],
    );
    check(
        "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}; {\"name\": \"get_weather\", \"par",
        expect![[r#"
            call get_weather {"city": "Paris"} at 0..56
            text "; {\"name\": \"get_weather\", \"par"
            defect TextAfterCall at 56: text after a call, where the format has none
            defect InvalidJson at 86: the call is cut off
        "#]],
    );
    check(
        "<|python_tag|>brave_search.call(query=\"x\")<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Rome\"}}",
        expect![[r#"
            text "<|python_tag|>brave_search.call(query=\"x\")"
            call get_weather {"city": "Rome"} at 42..111
            defect InvalidJson at 14: the call is no JSON: 'b' cannot stand here
        "#]],
    );
    check(
        "<|python_tag|>{\"parameters\": {}}<|python_tag|>[]",
        expect![[r#"
        text "<|python_tag|>{\"parameters\": {}}<|python_tag|>[]"
        defect MalformedCall at 14: the call has no `name`
        defect MalformedCall at 46: a list without calls
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
fn broken_json_is_mended_on_request_and_said() {
    let broken = "{'name': 'get_weather', 'parameters': {'city': 'Paris',}}<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Ro";
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expect![[r#"
        call get_weather {"city": "Paris"} at 0..57
        call get_weather {"city": "Ro"} at 57..121
        defect InvalidJson at 1: the call is no JSON: '\'' cannot stand here
        defect InvalidJson at 121: the call is cut off
        repair InvalidJson at 0: put single-quoted text in double quotes; left out a comma
        repair InvalidJson at 71: closed what was cut off
    "#]]
    .assert_eq(&describe(&Llama3.parse(broken, &weather_tools(), options)));
}

#[test]
fn a_conversation_is_written_as_llama_s_template_writes_it() {
    let rendered = Llama3.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <|begin_of_text|><|start_header_id|>system<|end_header_id|>

        Environment: ipython
        Cutting Knowledge Date: December 2023
        Today Date: 26 Jul 2024

        Be brief.<|eot_id|><|start_header_id|>user<|end_header_id|>

        Given the following functions, please respond with a JSON for a function call with its proper arguments that best answers the given prompt.

        Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.Do not use variables.

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

        Paris?<|eot_id|><|start_header_id|>assistant<|end_header_id|>

        {"name": "get_weather", "parameters": {"city": "Paris"}}<|eot_id|><|start_header_id|>ipython<|end_header_id|>

        "sun \"é\""<|eot_id|><|start_header_id|>assistant<|end_header_id|>

        Sunny.<|eot_id|>"#]].assert_eq(&rendered.text);
    expect![[r#"
        Call "{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}"
        EndOfTurn "<|eot_id|>"
        AssistantText "Sunny."
        EndOfTurn "<|eot_id|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
    let observed: Vec<&str> = rendered
        .spans
        .iter()
        .filter(|span| span.kind == SpanKind::Observation)
        .map(|span| &rendered.text[span.start..span.end])
        .collect();
    assert_eq!(observed, ["\"sun \\\"é\\\"\""]);
}

#[test]
fn the_day_is_told() {
    let date = Date { year: 2026, month: 1, day: 2 };
    let owned = Owned::of(Vec::new(), vec![Message::user("Hi")]);
    let options = RenderOptions { date, prompt_for_reply: true, ..RenderOptions::default() };
    let rendered = Llama3.render(&owned.sample(), &options).unwrap();
    expect![[r#"
        <|begin_of_text|><|start_header_id|>system<|end_header_id|>

        Cutting Knowledge Date: December 2023
        Today Date: 02 Jan 2026

        <|eot_id|><|start_header_id|>user<|end_header_id|>

        Hi<|eot_id|><|start_header_id|>assistant<|end_header_id|>

    "#]]
    .assert_eq(&rendered.text);
    assert_eq!(Llama3.parse_conversation(&rendered.text, None).unwrap().messages, owned.messages());
}

#[test]
fn reasoning_is_dropped_where_the_template_drops_it() {
    let reasoning = ContentBlock::Reasoning { text: "Hm.".to_owned(), signature: None };
    let owned = Owned::of(Vec::new(), vec![says(vec![reasoning, call("a", "{}")])]);
    let options = RenderOptions { reasoning: ReasoningHistory::AsTemplate, ..RenderOptions::default() };
    assert!(!Llama3.render(&owned.sample(), &options).unwrap().text.contains("Hm."));
    expect!["message 0 (assistant): the format has no place for reasoning"]
        .assert_eq(&Llama3.representable(&owned.sample()).unwrap_err().to_string());
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |tools: &[ToolSpec], messages: Vec<Message>| {
        let owned = Owned::of(tools.to_vec(), messages);
        table += &format!("{}\n", Llama3.representable(&owned.sample()).unwrap_err());
    };
    let text = |text: &str| ContentBlock::Text { text: text.to_owned() };
    refuse(&[], vec![Message::user("a<|eot_id|>b")]);
    refuse(&[], vec![Message::assistant("I write <|python_tag|>")]);
    refuse(&[], vec![Message::assistant(" {\"name\": \"f\", \"parameters\": {}}")]);
    refuse(&[], vec![says(vec![text("Look."), call("a", "{}")])]);
    refuse(&[], vec![says(vec![call("a", "{}"), call("b", "{}")])]);
    refuse(&[], vec![says(vec![call("a", "{broken")])]);
    refuse(&[], vec![says(vec![call("a", "{}")]), result("b", "")]);
    refuse(&[weather()], vec![Message::system("x"), Message::assistant("Hi")]);
    refuse(&[weather()], Vec::new());
    refuse(&[weather()], vec![Message::user("{\"function\": {\"name\": \"f\", \"parameters\": {}}}\n\nHi")]);
    expect![[r#"
        message 0 (user): the text holds `<|eot_id|>`, which the format cannot escape
        message 0 (assistant): the text holds `<|python_tag|>`, which the format cannot escape
        message 0 (assistant): the text has the shape of a call and would be read as one
        message 0 (assistant): text beside a call: the template drops it
        message 0 (assistant): several calls in one message: the template has one
        message 0 (assistant): the arguments of call `a` to `get_weather` are not JSON
        message 1 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
        message 1 (assistant): the tools stand in the first message, which is not the user's
        message 0 (user): the tools stand in the first message, which is not the user's
        message 0 (user): the text begins like a tool's declaration and would be read as one
    "#]].assert_eq(&table);
}

laws!(Laws {
    default_system: Some(""),
    is_terse: true,
    ..Laws::of(
        &Llama3,
        &[
            "<|python_tag|>",
            "{\"name\": \"f\", \"parameters\": {}}",
            "[{\"name\": \"f\", \"parameters\": {",
            "\"parameters\": ",
            "}; {",
            "<|eot_id|>",
            "<|start_header_id|>",
            "<|end_header_id|>"
        ]
    )
});

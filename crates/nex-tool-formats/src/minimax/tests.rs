use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};
use serde_json::json;

/// Two tools with an argument of each type.
fn tools() -> Toolset {
    let properties = json!({"text": {"type": "string"}, "n": {"type": "integer"}, "list": {"type": "array"},
        "maybe": {"type": ["string", "null"]}, "any": {}});
    let input_schema = json!({"type": "object", "properties": properties});
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: String::new(),
        input_schema: input_schema.clone(),
    };
    Toolset::new(&[tool("f"), tool("g")])
}

const FORMAT: MiniMaxM2 = MiniMaxM2;

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&FORMAT.parse(reply, &tools(), ParseOptions::default())));
}

fn repair(reply: &str, expected: Expect) {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expected.assert_eq(&describe(&FORMAT.parse(reply, &tools(), options)));
}

#[test]
fn reasoning_text_and_two_calls_in_one_section() {
    check(
        "<think>\nHm.\n</think>\n\nBoth.\n<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"text\">007</parameter>\n<parameter name=\"n\">12345678901234567890123</parameter>\n<parameter name=\"list\">[1.0, \"<a>\"]</parameter>\n<parameter name=\"maybe\">null</parameter>\n</invoke>\n<invoke name=\"g\">\n</invoke>\n</minimax:tool_call>[e~[",
        expect![[r#"
            reasoning "Hm."
            text "Both."
            call f {"text": "007", "n": 12345678901234567890123, "list": [1.0, "<a>"], "maybe": null} at 48..259
            call g {} at 260..287
        "#]],
    );
}

#[test]
fn names_without_quotes_and_calls_without_a_section_are_read() {
    // As NexGAP's converter writes them.
    check(
        "I look.\n<invoke name=f>\n<parameter name=text>a</parameter>\n<parameter name=n>5</parameter>\n</invoke>\n",
        expect![[r#"
            text "I look."
            call f {"text": "a", "n": 5} at 8..100
            defect MalformedCall at 8: a call that is not inside <minimax:tool_call>
        "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name='f'>\n<parameter name='text'>a</parameter>\n</invoke>\n</minimax:tool_call>",
        expect![[r#"
            call f {"text": "a"} at 20..84
        "#]],
    );
}

#[test]
fn white_space_and_tags_inside_a_value_are_content() {
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"text\">\n  x <parameter name=\"n\"> </invoke> </minimax:tool_call> &lt;\t\n</parameter>\n</invoke>\n</minimax:tool_call>",
        expect![[r#"
            call f {"text": "\n  x <parameter name=\"n\"> </invoke> </minimax:tool_call> &lt;\t\n"} at 20..146
        "#]],
    );
}

#[test]
fn a_cut_tail_keeps_the_finished_calls() {
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"n\">1</parameter>\n</invoke>\n<invoke name=\"g\">\n<parameter name=\"text\">hal",
        expect![[r#"
            call f {"n": 1} at 20..81
            text "<invoke name=\"g\">\n<parameter name=\"text\">hal"
            defect UnclosedTag at 100: <parameter name= is not closed
        "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"n\">1</parameter>\n</invoke>\n<inv",
        expect![[r#"
            call f {"n": 1} at 20..81
            text "\n<inv"
            defect UnclosedTag at 0: <minimax:tool_call> is not closed
        "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"n\">1</parameter>\n</invoke>\n",
        expect![[r#"
            call f {"n": 1} at 20..81
            defect UnclosedTag at 0: <minimax:tool_call> is not closed
        "#]],
    );
}

#[test]
fn a_missing_end_costs_only_its_own_call() {
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"text\">1\n</invoke>\n<invoke name=\"g\">\n<parameter name=\"n\">2</parameter>\n</invoke>\n</minimax:tool_call>",
        expect![[r#"
            text "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"text\">1\n</invoke>"
            call g {"n": 2} at 73..134
            defect UnclosedTag at 38: <parameter name= is not closed
        "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"n\">1</parameter>\n<invoke name=\"g\">\n<parameter name=\"n\">2</parameter>\n</invoke>\n</minimax:tool_call>",
        expect![[r#"
            call f {"n": 1} at 20..71
            call g {"n": 2} at 72..133
            defect UnclosedTag at 20: <invoke name= is not closed
        "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named_and_stay_text() {
    check(
        "<minimax:tool_call>\n{\"name\": \"f\"}\n</minimax:tool_call>",
        expect![[r#"
            text "<minimax:tool_call>\n{\"name\": \"f\"}\n</minimax:tool_call>"
            defect MalformedCall at 20: <invoke name=… or </minimax:tool_call> is due here
        "#]],
    );
    check(
        "<minimax:tool_call>\n</minimax:tool_call>",
        expect![[r#"
        text "<minimax:tool_call>\n</minimax:tool_call>"
        defect MalformedCall at 0: <minimax:tool_call> holds no call
    "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\nn = 1\n</invoke>\n<invoke name=\"g\">\n</invoke>\n</minimax:tool_call>",
        expect![[r#"
            text "<minimax:tool_call>\n<invoke name=\"f\">\nn = 1\n</invoke>"
            call g {} at 54..81
            defect MalformedCall at 38: <parameter name=… or </invoke> is due here
        "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name=\"\">\n</invoke>\n</minimax:tool_call>",
        expect![[r#"
        text "<minimax:tool_call>\n<invoke name=\"\">\n</invoke>\n</minimax:tool_call>"
        defect MalformedCall at 20: the call names no tool
    "#]],
    );
    check(
        "<minimax:tool_call>\n<invoke name=\"f\">\n</invoke>\n</minimax:tool_call>\nDone.",
        expect![[r#"
        call f {} at 20..47
        text "\nDone."
        defect TextAfterCall at 69: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn a_call_inside_reasoning_is_not_executed() {
    check(
        "<think>\n<minimax:tool_call>\n<invoke name=\"f\">\n</invoke>\n</minimax:tool_call>\n</think>\n\nNo.",
        expect![[r#"
            reasoning "<minimax:tool_call>\n<invoke name=\"f\">\n</invoke>\n</minimax:tool_call>"
            text "No."
            defect CallInsideReasoning at 8: a call inside reasoning is not executed
        "#]],
    );
}

#[test]
fn calls_that_were_cut_are_mended_on_request_and_said() {
    repair(
        "<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"text\">hal</para",
        expect![[r#"
        call f {"text": "hal"} at 20..70
        defect UnclosedTag at 0: <minimax:tool_call> is not closed
        defect UnclosedTag at 20: <invoke name= is not closed
        defect UnclosedTag at 38: <parameter name= is not closed
        repair UnclosedTag at 70: closed the argument `text`
        repair UnclosedTag at 70: closed <invoke name=
    "#]],
    );
}

#[test]
fn a_conversation_is_written_as_the_template_writes_it() {
    let rendered = FORMAT.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        ]~!b[]~b]system
        Be brief.

        # Tools
        You may call one or more tools to assist with the user query.
        Here are the tools available in JSONSchema format:

        <tools>
        <tool>{"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}</tool>
        </tools>

        When making tool calls, use XML format to invoke tools and pass parameters:

        <minimax:tool_call>
        <invoke name="tool-name-1">
        <parameter name="param-key-1">param-value-1</parameter>
        <parameter name="param-key-2">param-value-2</parameter>
        ...
        </invoke>
        </minimax:tool_call>[e~[
        ]~b]user
        Paris or Rome?[e~[
        ]~b]ai
        <think>
        Two cities.
        </think>

        I ask.
        <minimax:tool_call>
        <invoke name="get_weather">
        <parameter name="city">Paris</parameter>
        </invoke>
        <invoke name="get_weather">
        <parameter name="city">Rome</parameter>
        </invoke>
        </minimax:tool_call>[e~[
        ]~b]tool
        <response>sun</response>
        <response>rain</response>[e~[
        ]~b]ai
        Paris.[e~[
    "#]].assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "Two cities.\n</think>\n\n"
        AssistantText "I ask."
        Call "\n<minimax:tool_call>\n<invoke name=\"get_weather\">\n<parameter name=\"city\">Paris</parameter>\n</invoke>\n"
        Call "<invoke name=\"get_weather\">\n<parameter name=\"city\">Rome</parameter>\n</invoke>\n</minimax:tool_call>"
        EndOfTurn "[e~["
        AssistantText "Paris."
        EndOfTurn "[e~["
    "#]].assert_eq(&describe_mask(&rendered));
}

fn call(id: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: id.into(),
        name: "get_weather".to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn replies(blocks: Vec<ContentBlock>) -> Vec<Message> {
    vec![Message { role: Role::Assistant, content: blocks }]
}

fn result(id: &str, text: &str) -> ToolResult {
    ToolResult {
        call_id: id.into(),
        name: "get_weather".to_owned(),
        content: vec![ContentBlock::Text { text: text.to_owned() }],
        is_error: false,
    }
}

#[test]
fn own_closing_tags_in_json_values_are_escaped() {
    let mut tool = crate::laws::weather();
    tool.input_schema = json!({"type": "object", "properties": {"list": {"type": "array"}}});
    let arguments = json!({"list": ["</parameter></invoke></minimax:tool_call>]~b]~b][e~[e~["]}).to_string();
    let asked = Message::user("Hi");
    let message = Message { role: Role::Assistant, content: vec![call("call_0", &arguments)] };
    let owned = Owned::of(vec![tool], vec![asked, message]);
    let rendered = FORMAT.render(&owned.sample(), &RenderOptions::default()).unwrap();
    let read = FORMAT.parse_conversation(&rendered.text, Some(&owned.tools)).unwrap();
    let read = read.messages[1].calls().next().unwrap().arguments.as_text().to_owned();
    assert!(crate::same_value(&read, &arguments), "{read}");
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(vec![crate::laws::weather()], messages);
        table += &format!("{}\n", FORMAT.representable(&owned.sample()).unwrap_err());
    };
    refuse(replies(vec![call("a", "{\"city\": \"x</parameter>\"}")]));
    refuse(replies(vec![call("a", "{\"city\": \"</invoke>\"}")]));
    refuse(replies(vec![call("a", "{\"city\": 5}")]));
    refuse(replies(vec![call("a", "{\"a\\\"b\": 5}")]));
    refuse(vec![Message::assistant("I write <minimax:tool_call> so")]);
    refuse(vec![Message::assistant("I write <invoke name=f> so")]);
    refuse(vec![Message::user("]~b]ai")]);
    // The mark that ends the turn would begin in the text.
    refuse(vec![Message::user("So [e~")]);
    refuse(vec![Message::system("")]);
    refuse(vec![Message::user("Hi"), Message::system("Be brief.")]);
    let mut answered = replies(vec![call("a", "{}")]);
    answered.push(Message::tool(vec![result("a", "</response>")]));
    refuse(answered);
    expect![[r#"
        message 0 (assistant): argument `city` of `get_weather` holds `</parameter>`, which the format cannot escape
        message 0 (assistant): argument `city` of `get_weather` holds `</invoke>`, which the format cannot escape
        message 0 (assistant): argument `city` of `get_weather` is `5`, which would be read as text: its schema says string
        message 0 (assistant): the argument's name `a"b` has a character that cannot stand in a tag, or is empty
        message 0 (assistant): the text holds `<minimax:tool_call>`, which the format cannot escape
        message 0 (assistant): the text holds `<invoke name=`, which the format cannot escape
        message 0 (user): the text holds `]~b]`, which the format cannot escape
        message 0 (user): the text ends so that with `[e~[` behind it that would begin earlier
        message 0 (system): the template drops a system message that is empty or stands further on
        message 1 (system): the template drops a system message that is empty or stands further on
        message 1 (tool): the text holds `</response>`, which the format cannot escape
    "#]].assert_eq(&table);
}

const TAGS: &[&str] = &[
    CALLS_OPEN,
    CALLS_CLOSE,
    INVOKE_OPEN,
    "<invoke name=\"f\">",
    INVOKE_CLOSE,
    PARAMETER_OPEN,
    "<parameter name=\"n\">",
    PARAMETER_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    RESPONSE_OPEN,
    RESPONSE_CLOSE,
    TURN_START,
    TURN_END,
    PREFIX,
];
laws!(Laws { default_system: Some(DEFAULT_SYSTEM), ..Laws::of(&MiniMaxM2, TAGS) });

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

const FORMAT: DeepSeekV32 = DeepSeekV32;

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&FORMAT.parse(reply, &tools(), ParseOptions::default())));
}

fn repair(reply: &str, expected: Expect) {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expected.assert_eq(&describe(&FORMAT.parse(reply, &tools(), options)));
}

#[test]
fn the_wire_says_what_a_string_is_and_the_schema_only_checks() {
    check(
        "<think>Hm.</think>Both.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"text\" string=\"true\">007</｜DSML｜parameter>\n<｜DSML｜parameter name=\"n\" string=\"false\">12345678901234567890123</｜DSML｜parameter>\n<｜DSML｜parameter name=\"list\" string=\"false\">[1.0, \"<a>\"]</｜DSML｜parameter>\n<｜DSML｜parameter name=\"maybe\" string=\"true\">null</｜DSML｜parameter>\n<｜DSML｜parameter name=\"any\" string=\"true\"> 5\n</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls><｜end▁of▁sentence｜>",
        expect![[r#"
            reasoning "Hm."
            text "Both."
            call f {"text": "007", "n": 12345678901234567890123, "list": [1.0, "<a>"], "maybe": "null", "any": " 5\n"} at 52..493
            call g {} at 494..541
        "#]],
    );
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"text\" string=\"false\">7</｜DSML｜parameter>\n<｜DSML｜parameter name=\"n\" string=\"true\">7</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        expect![[r#"
            call f {"text": 7, "n": "7"} at 27..214
            defect WrongType at 27: argument `text` of `f` is a string, not an integer
            defect WrongType at 27: argument `n` of `f` is an integer, not a string
        "#]],
    );
}

#[test]
fn an_argument_that_does_not_say_it_is_read_by_the_schema() {
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"text\">7</｜DSML｜parameter>\n<｜DSML｜parameter name=\"n\">7</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        expect![[r#"
            call f {"text": "7", "n": 7} at 27..185
            defect MalformedCall at 55: the argument `text` does not say whether it is a string
            defect MalformedCall at 112: the argument `n` does not say whether it is a string
        "#]],
    );
}

#[test]
fn what_says_it_is_json_and_is_none_stays_text() {
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"list\" string=\"false\">[1,</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        expect![[r#"
            text "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"list\" string=\"false\">[1,</｜DSML｜parameter>\n</｜DSML｜invoke>"
            call g {} at 149..196
            defect InvalidJson at 103: the argument `list` is no JSON: EOF while parsing a value at line 1 column 3
        "#]],
    );
    repair(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"list\" string=\"false\">[1,</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        expect![[r#"
            call f {"list": [1]} at 27..148
            call g {} at 149..196
            defect InvalidJson at 103: the argument `list` is no JSON: EOF while parsing a value at line 1 column 3
            repair InvalidJson at 103: closed what was cut off
        "#]],
    );
}

#[test]
fn white_space_and_tags_inside_a_value_are_content() {
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"text\" string=\"true\">\n  x </｜DSML｜invoke> <｜DSML｜invoke name=\"g\"> </parameter> 😀 \n</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        expect![[r#"
            call f {"text": "\n  x </｜DSML｜invoke> <｜DSML｜invoke name=\"g\"> </parameter> 😀 \n"} at 27..218
        "#]],
    );
}

#[test]
fn a_cut_tail_keeps_the_finished_calls() {
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"n\" string=\"false\">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n<｜DSML｜parameter name=\"text\" string=\"true\">hal",
        expect![[r#"
            call f {"n": 1} at 27..143
            text "<｜DSML｜invoke name=\"g\">\n<｜DSML｜parameter name=\"text\" string=\"true\">hal"
            defect UnclosedTag at 172: <｜DSML｜parameter name= is not closed
        "#]],
    );
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"n\" string=\"false\">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜inv",
        expect![[r#"
            call f {"n": 1} at 27..143
            text "\n<｜DSML｜inv"
            defect UnclosedTag at 0: <｜DSML｜function_calls> is not closed
        "#]],
    );
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"n\" string=\"false\">1</｜DSML｜parameter>\n</｜DSML｜invoke>\n",
        expect![[r#"
            call f {"n": 1} at 27..143
            defect UnclosedTag at 0: <｜DSML｜function_calls> is not closed
        "#]],
    );
}

#[test]
fn a_missing_end_costs_only_its_own_call() {
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"text\" string=\"true\">1\n</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n<｜DSML｜parameter name=\"n\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        expect![[r#"
            text "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"text\" string=\"true\">1\n</｜DSML｜invoke>"
            call g {"n": 2} at 124..240
            defect UnclosedTag at 55: <｜DSML｜parameter name= is not closed
        "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named_and_stay_text() {
    check(
        "<｜DSML｜function_calls>\n{\"name\": \"f\"}\n</｜DSML｜function_calls>",
        expect![[r#"
            text "<｜DSML｜function_calls>\n{\"name\": \"f\"}\n</｜DSML｜function_calls>"
            defect MalformedCall at 27: <｜DSML｜invoke name=… or </｜DSML｜function_calls> is due here
        "#]],
    );
    check(
        "<｜DSML｜function_calls>\n</｜DSML｜function_calls>",
        expect![[r#"
        text "<｜DSML｜function_calls>\n</｜DSML｜function_calls>"
        defect MalformedCall at 0: <｜DSML｜function_calls> holds no call
    "#]],
    );
    check(
        "<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>\n",
        expect![[r#"
        call f {} at 0..47
        defect MalformedCall at 0: a call that is not inside <｜DSML｜function_calls>
    "#]],
    );
    check(
        "<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>\n</｜DSML｜function_calls>\nDone.",
        expect![[r#"
            call f {} at 27..74
            text "\nDone."
            defect TextAfterCall at 103: text after a call, where the format has none
        "#]],
    );
}

#[test]
fn a_conversation_is_written_as_the_template_writes_it() {
    let rendered = FORMAT.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <｜begin▁of▁sentence｜>Be brief.

        ## Tools

        You have access to a set of tools you can use to answer the user's question.
        You can invoke functions by writing a "<｜DSML｜function_calls>" block like the following as part of your reply to the user:
        <｜DSML｜function_calls>
        <｜DSML｜invoke name="$FUNCTION_NAME">
        <｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>
        ...
        </｜DSML｜invoke>
        <｜DSML｜invoke name="$FUNCTION_NAME2">
        ...
        </｜DSML｜invoke>
        </｜DSML｜function_calls>

        String and scalar parameters should be specified as is without any escaping or quotes, while lists and objects should use JSON format. The "string" attribute should be set to "true" for string type parameters and "false" for other types (numbers, booleans, arrays, objects).

        If the thinking_mode is enabled, then after function results you should strongly consider outputting a thinking block. Here is an example:

        <｜DSML｜function_calls>
        ...
        </｜DSML｜function_calls>

        <function_results>
        ...
        </function_results>

        <think>...thinking about results</think>

        Here are the functions available in JSONSchema format:
        <functions>
        {"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}
        </functions>
        <｜User｜>Paris or Rome?<｜Assistant｜><think>Two cities.</think>I ask.

        <｜DSML｜function_calls>
        <｜DSML｜invoke name="get_weather">
        <｜DSML｜parameter name="city" string="true">Paris</｜DSML｜parameter>
        </｜DSML｜invoke>
        <｜DSML｜invoke name="get_weather">
        <｜DSML｜parameter name="city" string="true">Rome</｜DSML｜parameter>
        </｜DSML｜invoke>
        </｜DSML｜function_calls><｜end▁of▁sentence｜>

        <function_results>
        <result>sun</result>
        <result>rain</result>
        </function_results>

        </think>Paris.<｜end▁of▁sentence｜>"#]].assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "Two cities.</think>"
        AssistantText "I ask."
        Call "\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">Paris</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
        Call "<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">Rome</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜function_calls>"
        EndOfTurn "<｜end▁of▁sentence｜>"
        AssistantText "Paris."
        EndOfTurn "<｜end▁of▁sentence｜>"
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
    let arguments = json!({"list": ["</｜DSML｜parameter></｜DSML｜invoke><｜User｜>"]}).to_string();
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
    let ask = |blocks: Vec<ContentBlock>| {
        let mut messages = vec![Message::user("Hi")];
        messages.extend(replies(blocks));
        messages
    };
    refuse(ask(vec![call("a", "{\"city\": \"x</｜DSML｜parameter>\"}")]));
    refuse(ask(vec![call("a", "{\"city\": \"\\ud83d\"}")]));
    refuse(ask(vec![call("a", "{\"a\": 1, \"a\": 2}")]));
    refuse(ask(vec![call("a", "{\"a\\\"b\": 5}")]));
    refuse(vec![Message::user("Hi"), Message::assistant("I write <｜DSML｜function_calls> so")]);
    refuse(vec![Message::user("Hi"), Message::assistant("<think>")]);
    refuse(vec![Message::assistant("first")]);
    refuse(vec![Message::user("Hi"), Message::assistant("one"), Message::assistant("two")]);
    refuse(vec![Message::system("")]);
    refuse(vec![Message::user("Hi"), Message::system("Be brief.")]);
    let mut answered = ask(vec![call("a", "{}"), call("b", "{}")]);
    answered.push(Message::tool(vec![result("a", "x")]));
    refuse(answered);
    let mut answered = ask(vec![call("a", "{}")]);
    answered.push(Message::tool(vec![result("a", "</result>")]));
    refuse(answered);
    expect![[r#"
        message 1 (assistant): argument `city` of `get_weather` holds `</｜DSML｜parameter>`, which the format cannot escape
        message 1 (assistant): argument `city` of `get_weather` holds half of a surrogate pair, which no text can
        message 1 (assistant): argument `a` of `get_weather` stands twice
        message 1 (assistant): the argument's name `a"b` has a character that cannot stand in a tag, or is empty
        message 1 (assistant): the text holds `<｜DSML｜function_calls>`, which the format cannot escape
        message 1 (assistant): the text begins with `<think>` and would be read as reasoning
        message 0 (assistant): a reply that follows neither the user nor results: the format has no mark for it
        message 2 (assistant): a reply that follows neither the user nor results: the format has no mark for it
        message 0 (system): an empty system message would vanish
        message 1 (system): the format has a system message only at the start
        message 2 (tool): a call of this turn has no result: the template would leave the results open
        message 2 (tool): the text holds `</result>`, which the format cannot escape
    "#]].assert_eq(&table);
}

const TAGS: &[&str] = &[
    CALLS_OPEN,
    CALLS_CLOSE,
    INVOKE_OPEN,
    "<｜DSML｜invoke name=\"f\">",
    INVOKE_CLOSE,
    PARAMETER_OPEN,
    "<｜DSML｜parameter name=\"n\" string=\"true\">",
    "<｜DSML｜parameter name=\"n\" string=\"false\">",
    PARAMETER_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    "<function_results>",
    "</function_results>",
    "<result>",
    RESULT_CLOSE,
    USER,
    ASSISTANT,
    TURN_END,
    PREFIX,
];
laws!(Laws::of(&DeepSeekV32, TAGS));

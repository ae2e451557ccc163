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

const FORMAT: Glm = Glm::V45;

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&FORMAT.parse(reply, &tools(), ParseOptions::default())));
}

fn check_47(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&Glm::V47.parse(reply, &tools(), ParseOptions::default())));
}

fn repair(reply: &str, expected: Expect) {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expected.assert_eq(&describe(&FORMAT.parse(reply, &tools(), options)));
}

#[test]
fn values_are_what_the_schema_says_they_are() {
    check(
        "\n<think>Hm.</think>\nBoth.\n<tool_call>f\n<arg_key>text</arg_key>\n<arg_value>007</arg_value>\n<arg_key>n</arg_key>\n<arg_value>12345678901234567890123</arg_value>\n<arg_key>list</arg_key>\n<arg_value>[1.0, \"<a>\"]</arg_value>\n<arg_key>maybe</arg_key>\n<arg_value>null</arg_value>\n</tool_call>\n<tool_call>g\n</tool_call>",
        expect![[r#"
            reasoning "Hm."
            text "Both."
            call f {"text": "007", "n": 12345678901234567890123, "list": [1.0, "<a>"], "maybe": null} at 26..283
            call g {} at 284..309
        "#]],
    );
    check_47(
        "<think>Hm.</think>Both.<tool_call>f<arg_key>text</arg_key><arg_value> 007\n</arg_value><arg_key>n</arg_key><arg_value>5</arg_value></tool_call><tool_call>g</tool_call><|observation|>",
        expect![[r#"
            reasoning "Hm."
            text "Both."
            call f {"text": " 007\n", "n": 5} at 23..142
            call g {} at 142..166
        "#]],
    );
}

#[test]
fn the_name_of_a_call_without_arguments_runs_up_to_the_closing_tag() {
    check(
        "<tool_call>f</tool_call>",
        expect![[r#"
        call f {} at 0..24
    "#]],
    );
    check(
        "<tool_call>f\n</tool_call>",
        expect![[r#"
        call f {} at 0..25
    "#]],
    );
    check_47(
        "<tool_call>f</tool_call><tool_call>g</tool_call>",
        expect![[r#"
        call f {} at 0..24
        call g {} at 24..48
    "#]],
    );
}

#[test]
fn either_dialect_reads_the_other() {
    check(
        "<tool_call>f<arg_key>text</arg_key><arg_value>a</arg_value></tool_call>",
        expect![[r#"
        call f {"text": "a"} at 0..71
    "#]],
    );
    check_47(
        "<tool_call>f\n<arg_key>text</arg_key>\n<arg_value>\na\n</arg_value>\n</tool_call>",
        expect![[r#"
            call f {"text": "\na\n"} at 0..76
        "#]],
    );
}

#[test]
fn white_space_and_tags_inside_a_value_are_content() {
    check(
        "<tool_call>f\n<arg_key>text</arg_key>\n<arg_value>\n  x <arg_key> </tool_call> <tool_call> &lt;\t\n</arg_value>\n</tool_call>",
        expect![[r#"
            call f {"text": "\n  x <arg_key> </tool_call> <tool_call> &lt;\t\n"} at 0..119
        "#]],
    );
}

#[test]
fn a_cut_tail_keeps_the_finished_calls() {
    check(
        "<tool_call>f\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n</tool_call>\n<tool_call>g\n<arg_key>text</arg_key>\n<arg_value>hal",
        expect![[r#"
            call f {"n": 1} at 0..71
            text "\n<tool_call>g\n<arg_key>text</arg_key>\n<arg_value>hal"
            defect UnclosedTag at 85: <arg_key> is not closed
        "#]],
    );
    check(
        "<tool_call>f\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n</tool_call>\n<tool_call>g\n<arg_key>te",
        expect![[r#"
            call f {"n": 1} at 0..71
            text "\n<tool_call>g\n<arg_key>te"
            defect UnclosedTag at 72: <tool_call> is not closed
        "#]],
    );
    check(
        "<tool_call>f\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n</tool_call>\n<tool_call>g\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n",
        expect![[r#"
            call f {"n": 1} at 0..71
            text "\n<tool_call>g\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n"
            defect UnclosedTag at 72: <tool_call> is not closed
        "#]],
    );
}

#[test]
fn a_missing_end_costs_only_its_own_call() {
    check(
        "<tool_call>f\n<arg_key>text</arg_key>\n<arg_value>1\n</tool_call>\n<tool_call>g\n<arg_key>n</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
        expect![[r#"
            text "<tool_call>f\n<arg_key>text</arg_key>\n<arg_value>1\n</tool_call>"
            call g {"n": 2} at 63..134
            defect UnclosedTag at 13: <arg_key> is not closed
        "#]],
    );
    check(
        "<tool_call>f\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n<tool_call>g\n<arg_key>n</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
        expect![[r#"
            call f {"n": 1} at 0..58
            call g {"n": 2} at 59..130
            defect UnclosedTag at 0: <tool_call> is not closed
        "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named_and_stay_text() {
    check(
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>",
        expect![[r#"
        text "<tool_call>\n{\"name\": \"f\", \"arguments\": {}}\n</tool_call>"
        defect MalformedCall at 0: the call names no tool
    "#]],
    );
    check(
        "<tool_call></tool_call>",
        expect![[r#"
        text "<tool_call></tool_call>"
        defect MalformedCall at 0: the call names no tool
    "#]],
    );
    check(
        "<tool_call>f\n<arg_key>n\n<arg_value>1</arg_value>\n</tool_call>",
        expect![[r#"
        text "<tool_call>f\n<arg_key>n\n<arg_value>1</arg_value>\n</tool_call>"
        defect MalformedCall at 13: the argument has no name
    "#]],
    );
    check(
        "<tool_call>f\n<arg_key>n</arg_key>\n1\n</tool_call>",
        expect![[r#"
        text "<tool_call>f\n<arg_key>n</arg_key>\n1\n</tool_call>"
        defect MalformedCall at 13: the argument has no name
    "#]],
    );
    check(
        "<tool_call>f\n</tool_call>\nDone.",
        expect![[r#"
        call f {} at 0..25
        text "\nDone."
        defect TextAfterCall at 26: text after a call, where the format has none
    "#]],
    );
    check(
        "<tool_call>h\n<arg_key>x</arg_key>\n<arg_value>1</arg_value>\n</tool_call>",
        expect![[r#"
        call h {"x": 1} at 0..71
        defect UnknownTool at 0: there is no tool `h`
    "#]],
    );
}

#[test]
fn a_tag_in_prose_is_no_call() {
    check(
        "Calls start with <tool_call> here.\n<tool_call>f\n</tool_call>",
        expect![[r#"
        text "Calls start with <tool_call> here."
        call f {} at 35..60
        defect UnclosedTag at 17: <tool_call> is not closed
    "#]],
    );
    check(
        "<tool_call>so they say</tool_call>",
        expect![[r#"
        text "<tool_call>so they say</tool_call>"
        defect MalformedCall at 0: the call names no tool
    "#]],
    );
}

#[test]
fn a_call_inside_reasoning_is_not_executed() {
    check(
        "\n<think><tool_call>f\n</tool_call></think>\nNo.<|user|>",
        expect![[r#"
        reasoning "<tool_call>f\n</tool_call>"
        text "No."
        defect CallInsideReasoning at 8: a call inside reasoning is not executed
    "#]],
    );
}

#[test]
fn calls_that_were_cut_are_mended_on_request_and_said() {
    repair(
        "<tool_call>f\n<arg_key>n</arg_key>\n<arg_value>1</arg_value>\n",
        expect![[r#"
        call f {"n": 1} at 0..59
        defect UnclosedTag at 0: <tool_call> is not closed
        repair UnclosedTag at 59: closed <tool_call>
    "#]],
    );
    repair(
        "<tool_call>f\n<arg_key>text</arg_key>\n<arg_value>hal</arg_",
        expect![[r#"
        call f {"text": "hal"} at 0..57
        defect UnclosedTag at 0: <tool_call> is not closed
        defect UnclosedTag at 13: <arg_key> is not closed
        repair UnclosedTag at 57: closed the argument `text`
        repair UnclosedTag at 57: closed <tool_call>
    "#]],
    );
}

#[test]
fn a_conversation_is_written_as_the_templates_write_it() {
    let text = |dialect: Glm| dialect.render(&example().sample(), &RenderOptions::default()).unwrap().text;
    expect![[r#"
        [gMASK]<sop><|system|>
        # Tools

        You may call one or more functions to assist with the user query.

        You are provided with function signatures within <tools></tools> XML tags:
        <tools>
        {"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
        </tools>

        For each function call, output the function name and arguments within the following XML format:
        <tool_call>{function-name}
        <arg_key>{arg-key-1}</arg_key>
        <arg_value>{arg-value-1}</arg_value>
        <arg_key>{arg-key-2}</arg_key>
        <arg_value>{arg-value-2}</arg_value>
        ...
        </tool_call><|system|>
        Be brief.<|user|>
        Paris or Rome?<|assistant|>
        <think>Two cities.</think>
        I ask.
        <tool_call>get_weather
        <arg_key>city</arg_key>
        <arg_value>Paris</arg_value>
        </tool_call>
        <tool_call>get_weather
        <arg_key>city</arg_key>
        <arg_value>Rome</arg_value>
        </tool_call><|observation|>
        <tool_response>
        sun
        </tool_response>
        <tool_response>
        rain
        </tool_response><|assistant|>
        <think></think>
        Paris."#]].assert_eq(&text(Glm::V45));
    let text = text(Glm::V47);
    let (_, conversation) = text.split_once("...</tool_call>").unwrap();
    expect!["<|system|>Be brief.<|user|>Paris or Rome?<|assistant|><think>Two cities.</think>I ask.<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call><tool_call>get_weather<arg_key>city</arg_key><arg_value>Rome</arg_value></tool_call><|observation|><tool_response>sun</tool_response><tool_response>rain</tool_response><|assistant|></think>Paris."].assert_eq(conversation);
}

#[test]
fn the_mask_has_what_the_model_wrote_and_the_mark_it_ended_with() {
    for (dialect, expected) in [
        (
            Glm::V45,
            expect![[r#"
        Reasoning "\n<think>Two cities.</think>"
        AssistantText "\nI ask."
        Call "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n</tool_call>"
        Call "\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Rome</arg_value>\n</tool_call>"
        EndOfTurn "<|observation|>"
        AssistantText "\nParis."
    "#]],
        ),
        (
            Glm::V47,
            expect![[r#"
        Reasoning "Two cities.</think>"
        AssistantText "I ask."
        Call "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Paris</arg_value></tool_call>"
        Call "<tool_call>get_weather<arg_key>city</arg_key><arg_value>Rome</arg_value></tool_call>"
        EndOfTurn "<|observation|>"
        AssistantText "Paris."
    "#]],
        ),
    ] {
        let rendered = dialect.render(&example().sample(), &RenderOptions::default()).unwrap();
        expected.assert_eq(&describe_mask(&rendered));
    }
}

#[test]
fn a_user_who_speaks_behind_calls_is_no_end_of_the_model_s() {
    let messages =
        vec![Message { role: Role::Assistant, content: vec![call("a", "{}")] }, Message::user("Stop.")];
    let rendered =
        FORMAT.render(&Owned::of(Vec::new(), messages).sample(), &RenderOptions::default()).unwrap();
    assert!(rendered.spans.iter().all(|span| span.kind != crate::SpanKind::EndOfTurn));
}

#[test]
fn a_last_mark_that_ends_the_model_s_turn_is_no_question() {
    let text = FORMAT.render(&example().sample(), &RenderOptions::default()).unwrap().text;
    let whole = FORMAT.parse_conversation(&text, None).unwrap();
    assert_eq!(FORMAT.parse_conversation(&format!("{text}<|user|>"), None).unwrap(), whole);
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
    let arguments = json!({"list": ["</arg_value></tool_call><|user|>"]}).to_string();
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
    refuse(replies(vec![call("a", "{\"city\": \"x</arg_value>\"}")]));
    refuse(replies(vec![call("a", "{\"city\": \"</tool_call>\"}")]));
    refuse(replies(vec![call("a", "{\"city\": 5}")]));
    refuse(replies(vec![call("a", "{\"days\": \"5\"}")]));
    refuse(replies(vec![call("a", "{\"</arg_key>\": 5}")]));
    refuse(vec![Message::assistant("I write <tool_call> so")]);
    refuse(vec![Message::assistant(" <think>not reasoning")]);
    refuse(vec![Message::user("<|observation|>")]);
    refuse(vec![Message::system(format!("{}…", TOOLS_OPEN.trim_start()))]);
    let mut answered = replies(vec![call("a", "{}")]);
    answered.push(Message::tool(vec![result("a", "</tool_response>")]));
    refuse(answered);
    expect![[r#"
        message 0 (assistant): argument `city` of `get_weather` holds `</arg_value>`, which the format cannot escape
        message 0 (assistant): argument `city` of `get_weather` holds `</tool_call>`, which the format cannot escape
        message 0 (assistant): argument `city` of `get_weather` is `5`, which would be read as text: its schema says string
        message 0 (assistant): argument `days` of `get_weather` is the text `5`, which would be read as another JSON value: its schema does not say that it is a string
        message 0 (assistant): the argument's name `</arg_key>` has a character that cannot stand in a tag, or is empty
        message 0 (assistant): the text holds `<tool_call>`, which the format cannot escape
        message 0 (assistant): the text begins with `<think>` and would be read as reasoning
        message 0 (user): the text holds `<|observation|>`, which the format cannot escape
        message 0 (system): the text begins like the tool declarations and would be read as them
        message 1 (tool): the text holds `</tool_response>`, which the format cannot escape
    "#]].assert_eq(&table);
}

const TAGS: &[&str] = &[
    CALL_OPEN,
    CALL_CLOSE,
    "<tool_call>f",
    KEY_OPEN,
    KEY_CLOSE,
    "<arg_key>n</arg_key>",
    VALUE_OPEN,
    VALUE_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    RESPONSE_OPEN,
    RESPONSE_CLOSE,
    SYSTEM,
    USER,
    ASSISTANT,
    OBSERVATION,
];
laws!(Laws::of(&Glm::V45, TAGS));
mod glm47 {
    use super::*;
    laws!(Laws::of(&Glm::V47, TAGS));
}

use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws, weather_tools};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall};

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&OpenHands.parse(reply, &weather_tools(), ParseOptions::default())));
}

#[test]
fn text_and_a_call() {
    check(
        "I look.\n\n<function=get_weather>\n<parameter=city>\n  Paris\n &lt; Rome\n</parameter>\n<parameter=n>5</parameter>\n</function>",
        expect![[r#"
            text "I look."
            call get_weather {"city": "  Paris\n &lt; Rome", "n": 5} at 9..119
        "#]],
    );
}

#[test]
fn what_the_stop_word_ate_is_a_defect_and_no_loss() {
    check(
        "<function=get_weather>\n<parameter=city>Rome</parameter>\n",
        expect![[r#"
        call get_weather {"city": "Rome"} at 0..56
        defect UnclosedTag at 0: </function> is missing
    "#]],
    );
    check(
        "<function=get_weather>\n<parameter=city>Rome</parameter>\n</",
        expect![[r#"
        call get_weather {"city": "Rome"} at 0..58
        defect UnclosedTag at 0: </function> is missing
    "#]],
    );
    check(
        "<function=get_weather>\n",
        expect![[r#"
            text "<function=get_weather>\n"
            defect UnclosedTag at 0: </function> is missing
        "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named() {
    check(
        "<function=get_weather>\n<parameter=city>Rome\n</function>\nand more",
        expect![[r#"
        text "<function=get_weather>\n<parameter=city>Rome\n</function>\nand more"
        defect UnclosedTag at 39: the value of `city` is not closed
    "#]],
    );
    check(
        "<function=get_weather>\n<city>Rome</city>\n</function>",
        expect![[r#"
        text "<function=get_weather>\n<city>Rome</city>\n</function>"
        defect MalformedCall at 23: `<city>` has no place in this call
    "#]],
    );
    check(
        "<function=get_weather\n<parameter=city>Rome</parameter>\n</function>",
        expect![[r#"
        text "<function=get_weather\n<parameter=city>Rome</parameter>\n</function>"
        defect MalformedCall at 10: the call names no tool
    "#]],
    );
    check(
        "<function=get_weather><parameter=city>Rome</parameter></function><function=get_weather><parameter=city>Bonn</parameter></function>",
        expect![[r#"
        call get_weather {"city": "Rome"} at 0..65
        call get_weather {"city": "Bonn"} at 65..130
        defect MalformedCall at 65: another call in the same reply, where the format has one
    "#]],
    );
    check(
        "<function=get_weather>\n<parameter=city>Ro",
        expect![[r#"
        text "<function=get_weather>\n<parameter=city>Ro"
        defect UnclosedTag at 0: </function> is missing
    "#]],
    );
}

#[test]
fn repairs_close_what_is_open() {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    let mut table = String::new();
    for reply in [
        "<function=get_weather>\n<parameter=city>Rome\n</function>",
        "<function=get_weather\n<parameter=city>Rome</parameter>\n</function>",
        "<function=get_weather>\n<parameter=city>Ro</para",
    ] {
        table += &describe(&OpenHands.parse(reply, &weather_tools(), options));
    }
    expect![[r#"
        call get_weather {"city": "Rome"} at 0..55
        defect UnclosedTag at 39: the value of `city` is not closed
        repair UnclosedTag at 44: closed a value before the next tag
        text "<function=get_weather\n<parameter=city>Rome</parameter>\n</function>"
        defect MalformedCall at 10: the call names no tool
        call get_weather {"city": "Ro"} at 0..47
        defect UnclosedTag at 0: </function> is missing
        repair UnclosedTag at 47: closed what was cut off
    "#]]
    .assert_eq(&table);
}

fn one_call() -> Owned {
    let mut owned = example();
    std::sync::Arc::make_mut(&mut owned.nodes[2].message).content.pop();
    let results = &mut std::sync::Arc::make_mut(&mut owned.nodes[3].message).content;
    results.pop();
    owned
}

#[test]
fn a_conversation_as_openhands_writes_it() {
    let mut owned = one_call();
    owned.tools[0].input_schema = serde_json::json!({"type": "object", "properties": {
        "city": {"type": "string", "description": "Where"},
        "days": {"type": "array", "items": {"type": "integer"}},
        "unit": {"type": "string", "enum": ["C", "F"]},
    }, "required": ["city"]});
    let rendered = OpenHands.render(&owned.sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <|im_start|>system
        Be brief.
        You have access to the following functions:

        ---- BEGIN FUNCTION #1: get_weather ----
        Description: Weather of a city.
        Parameters:
          (1) city (string, required): Where
          (2) days (array[integer], optional): No description provided
              Array items:
                Type: integer
          (3) unit (string, optional): No description provided
        Allowed values: [`C`, `F`]
        ---- END FUNCTION #1 ----


        If you choose to call a function ONLY reply in the following format with NO suffix:

        <function=example_function_name>
        <parameter=example_parameter_1>value_1</parameter>
        <parameter=example_parameter_2>
        This is the value for the second parameter
        that can span
        multiple lines
        </parameter>
        </function>

        <IMPORTANT>
        Reminder:
        - Function calls MUST follow the specified format, start with <function= and end with </function>
        - Required parameters MUST be specified
        - Only call one function at a time
        - You may provide optional reasoning for your function call in natural language BEFORE the function call, but NOT after.
        - If there is no function call available, answer the question like normal with your current knowledge and do not tell the user about function calls
        </IMPORTANT>
        <|im_end|>
        <|im_start|>user
        Paris or Rome?<|im_end|>
        <|im_start|>assistant
        <think>
        Two cities.
        </think>

        I ask.

        <function=get_weather>
        <parameter=city>Paris</parameter>
        </function><|im_end|>
        <|im_start|>user
        EXECUTION RESULT of [get_weather]:
        sun<|im_end|>
        <|im_start|>assistant
        Paris.<|im_end|>
    "#]].assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "<think>\nTwo cities.\n</think>\n\n"
        AssistantText "I ask."
        Call "\n\n<function=get_weather>\n<parameter=city>Paris</parameter>\n</function>"
        EndOfTurn "<|im_end|>"
        AssistantText "Paris."
        EndOfTurn "<|im_end|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
    let read = OpenHands.parse_conversation(&rendered.text, None).unwrap();
    expect![[r#"[{"name":"get_weather","description":"Weather of a city.","input_schema":{"type":"object","properties":{"city":{"type":"string","description":"Where"},"days":{"type":"array"},"unit":{"type":"string"}},"required":["city"]}}]"#]].assert_eq(&serde_json::to_string(&read.tools).unwrap());
    assert_eq!(read.messages[0], Message::system("Be brief."));
}

#[test]
fn the_example_before_a_task_is_taken_off() {
    let text = "<|im_start|>user\nHere's a running example of how to perform a task with the provided tools.\n\nUSER: x\n--------------------- NEW TASK DESCRIPTION ---------------------\nDo it.\n--------------------- END OF NEW TASK DESCRIPTION ---------------------\n\nPLEASE<|im_end|>\n";
    assert_eq!(OpenHands.parse_conversation(text, None).unwrap().messages, [Message::user("Do it.")]);
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let call = |arguments: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: "a".into(),
            name: "f".to_owned(),
            arguments: Arguments::from_text(arguments),
        })
    };
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        table += &format!("{}\n", OpenHands.representable(&owned.sample()).unwrap_err());
    };
    let assistant = |content: Vec<ContentBlock>| Message { role: Role::Assistant, content };
    refuse(vec![assistant(vec![call("{}"), call("{}")])]);
    refuse(vec![assistant(vec![call("{\"a\": \"x</function y\"}")])]);
    refuse(vec![assistant(vec![call("{\"a>b\": 1}")])]);
    refuse(vec![Message::user("see EXECUTION RESULT of [f]:\nx")]);
    refuse(vec![Message::assistant("<function=f>")]);
    expect![[r#"
        message 0 (assistant): 2 calls in one reply: the format has one
        message 0 (assistant): argument `a` of `f` holds `</function`, which the format cannot escape
        message 0 (assistant): argument `a>b` of `f` has a name that cannot stand in a tag
        message 0 (user): the text holds `EXECUTION RESULT of [` and would be read as a result
        message 0 (assistant): the text holds `<function=`, which the format cannot escape
    "#]]
    .assert_eq(&table);
}

laws!(Laws {
    keeps_tools: false,
    ..Laws::of(
        &OpenHands,
        &[
            "<function=f>",
            "<function=",
            "</function>",
            "<parameter=city>",
            "</parameter>",
            "<think>",
            "</think>",
            "EXECUTION RESULT of [f]:\n",
            "<|im_end|>"
        ]
    )
});

use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws};
use crate::{ReasoningHistory, SpanKind};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};

/// Both dialects read both layouts. `⟨name⟩` in `reply` stands for a mark.
fn check(reply: &str, expected: Expect) {
    let reply = marks(reply);
    let options = ParseOptions::default();
    let parsed = DEEPSEEK_V3_1.parse(&reply, &Toolset::default(), options);
    expected.assert_eq(&describe(&parsed));
    assert_eq!(DEEPSEEK_V3.parse(&reply, &Toolset::default(), options), parsed);
}

fn marks(text: &str) -> String {
    let names = [
        ("S>", CALLS_OPEN),
        ("<S", CALLS_CLOSE),
        ("C>", CALL_OPEN),
        ("<C", CALL_CLOSE),
        ("|", SEPARATOR),
        ("E", END),
    ];
    names.iter().fold(text.to_owned(), |text, (name, mark)| text.replace(&format!("⟨{name}⟩"), mark))
}

#[test]
fn text_and_two_calls() {
    check(
        "Both.⟨S>⟩⟨C>⟩f⟨|⟩{\"b\": 1.0}⟨<C⟩⟨C>⟩g⟨|⟩{}⟨<C⟩⟨<S⟩⟨E⟩",
        expect![[r#"
        text "Both."
        call f {"b": 1.0} at 33..114
        call g {} at 114..187
    "#]],
    );
}

#[test]
fn v3_names_the_tool_behind_the_separator_and_fences_its_arguments() {
    check(
        "Both.⟨S>⟩⟨C>⟩function⟨|⟩f\n```json\n{\"b\": \"```\"}\n```⟨<C⟩\n⟨C>⟩function⟨|⟩my-ns.g\n```json\n{}\n```⟨<C⟩⟨<S⟩⟨E⟩",
        expect![[r#"
            text "Both."
            call f {"b": "```"} at 33..137
            call my-ns.g {} at 138..238
        "#]],
    );
}

#[test]
fn a_section_a_call_white_space_and_fences_are_read() {
    check(
        "⟨S>⟩\n⟨C>⟩ f ⟨|⟩ {\"a\": 1} ⟨<C⟩ ⟨<S⟩\n⟨S>⟩⟨C>⟩g⟨|⟩```json\n{}\n```⟨<C⟩⟨<S⟩⟨S>⟩⟨C>⟩function⟨|⟩h{\"a\": 2}⟨<C⟩⟨<S⟩",
        expect![[r#"
            call f {"a": 1} at 29..112
            call g {} at 168..253
            call h {"a": 2} at 307..394
        "#]],
    );
}

#[test]
fn a_section_that_is_not_opened_or_closed_costs_no_call() {
    check(
        "⟨C>⟩f⟨|⟩{}⟨<C⟩⟨<S⟩",
        expect![[r#"
        call f {} at 0..73
        defect MalformedCall at 0: a call without <｜tool▁calls▁begin｜> before it
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩f⟨|⟩{}⟨<C⟩",
        expect![[r#"
        call f {} at 28..101
        defect UnclosedTag at 0: <｜tool▁calls▁begin｜> is not closed
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩f⟨|⟩{}⟨<C⟩⟨S>⟩⟨C>⟩g⟨|⟩{}⟨<C⟩⟨<S⟩",
        expect![[r#"
        call f {} at 28..101
        call g {} at 129..202
        defect UnclosedTag at 0: <｜tool▁calls▁begin｜> is not closed
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩f⟨|⟩{}⟨<C⟩\nDone.",
        expect![[r#"
        call f {} at 28..101
        text "\nDone."
        defect UnclosedTag at 0: <｜tool▁calls▁begin｜> is not closed
        defect TextAfterCall at 102: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn a_call_that_is_not_closed_is_read_if_its_arguments_are_whole() {
    check(
        "⟨S>⟩⟨C>⟩f⟨|⟩{\"a\": 1}⟨C>⟩g⟨|⟩{}⟨<S⟩",
        expect![[r#"
        call f {"a": 1} at 28..82
        call g {} at 82..130
        defect UnclosedTag at 28: <｜tool▁call▁begin｜> is not closed
        defect UnclosedTag at 82: <｜tool▁call▁begin｜> is not closed
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩function⟨|⟩f\n```json\n{}\n```",
        expect![[r#"
        call f {} at 28..97
        defect UnclosedTag at 28: <｜tool▁call▁begin｜> is not closed
    "#]],
    );
}

#[test]
fn a_cut_tail_keeps_the_finished_calls() {
    check(
        "⟨S>⟩⟨C>⟩f⟨|⟩{}⟨<C⟩⟨C>⟩g⟨|⟩{\"a\": \"",
        expect![[r#"
        call f {} at 28..101
        text "<｜tool▁call▁begin｜>g<｜tool▁sep｜>{\"a\": \""
        defect UnclosedTag at 101: <｜tool▁call▁begin｜> is not closed
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩f⟨|⟩{}⟨<C⟩⟨C>⟩fun",
        expect![[r#"
        call f {} at 28..101
        text "<｜tool▁call▁begin｜>fun"
        defect UnclosedTag at 101: <｜tool▁call▁begin｜> is not closed
    "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named() {
    check(
        "⟨S>⟩⟨C>⟩f{}⟨<C⟩⟨C>⟩⟨|⟩{}⟨<C⟩⟨C>⟩f⟨|⟩⟨<C⟩⟨C>⟩g⟨|⟩[1]⟨<C⟩⟨<S⟩",
        expect![[r#"
        text "<｜tool▁call▁begin｜>f{}<｜tool▁call▁end｜><｜tool▁call▁begin｜><｜tool▁sep｜>{}<｜tool▁call▁end｜>"
        call f  at 155..226
        call g [1] at 226..300
        defect MalformedCall at 28: the call has no name before a <｜tool▁sep｜>
        defect MalformedCall at 83: the call names no tool
        defect MalformedCall at 201: the call has no arguments; without any they are {}
        defect MalformedCall at 272: the arguments are not an object
    "#]],
    );
    check(
        "⟨S>⟩ ⟨<S⟩",
        expect![[r#"
        text "<｜tool▁calls▁begin｜> <｜tool▁calls▁end｜>"
        defect MalformedCall at 0: a section without a call
    "#]],
    );
    check(
        "⟨S>⟩prose⟨<S⟩",
        expect![[r#"
        text "<｜tool▁calls▁begin｜>prose<｜tool▁calls▁end｜>"
        defect UnclosedTag at 0: <｜tool▁calls▁begin｜> is not closed
    "#]],
    );
}

#[test]
fn broken_arguments_cost_their_own_call_only() {
    check(
        "⟨S>⟩⟨C>⟩function⟨|⟩f\n```json\n{\"a\": \"```\", b}\n```⟨<C⟩⟨C>⟩g⟨|⟩{\"a\": \"⟨<C⟩⟨C>⟩h⟨|⟩{}⟨<C⟩⟨<S⟩",
        expect![[r#"
            text "<｜tool▁call▁begin｜>function<｜tool▁sep｜>f\n```json\n{\"a\": \"```\", b}\n```<｜tool▁call▁end｜><｜tool▁call▁begin｜>g<｜tool▁sep｜>{\"a\": \"<｜tool▁call▁end｜>"
            call h {} at 213..286
            defect InvalidJson at 104: the arguments are no JSON: key must be a string at line 2 column 14
            defect InvalidJson at 312: the arguments are no JSON: EOF while parsing a string at line 1 column 7
        "#]],
    );
}

#[test]
fn text_after_calls_and_calls_in_reasoning() {
    check(
        "<think>⟨C>⟩x</think>A⟨S>⟩⟨C>⟩f⟨|⟩{}⟨<C⟩⟨<S⟩B",
        expect![[r#"
        reasoning "<｜tool▁call▁begin｜>x"
        text "A"
        call f {} at 72..145
        text "B"
        defect CallInsideReasoning at 7: a call inside reasoning is not executed
        defect TextAfterCall at 171: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn broken_json_is_mended_on_request_and_said() {
    let broken = marks("⟨S>⟩⟨C>⟩function⟨|⟩f\n```json\n{'x': True,}\n```⟨<C⟩⟨C>⟩g⟨|⟩{\"a\": \"tw");
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expect![[r#"
        call f {"x": true} at 28..132
        call g {"a": "tw"} at 132..187
        defect InvalidJson at 92: the arguments are no JSON: key must be a string at line 2 column 2
        defect UnclosedTag at 132: <｜tool▁call▁begin｜> is not closed
        repair InvalidJson at 90: put single-quoted text in double quotes; wrote Python's True, False and None as JSON; left out a comma
        repair UnclosedTag at 178: closed what was cut off
    "#]].assert_eq(&describe(&DEEPSEEK_V3.parse(&broken, &Toolset::default(), options)));
}

#[test]
fn the_reply_may_begin_inside_the_reasoning() {
    let options = ParseOptions { starts_in_reasoning: true, ..ParseOptions::default() };
    expect![[r#"
        reasoning "Hm."
        text "A"
    "#]]
    .assert_eq(&describe(&DEEPSEEK_V3.parse("Hm.\n</think>\n\nA", &Toolset::default(), options)));
}

#[test]
fn conversations_are_written_as_the_templates_write_them() {
    let render = |format: &DeepSeek| format.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <｜begin▁of▁sentence｜>Be brief.

        ## Tools
        You have access to the following tools:

        ### get_weather
        Description: Weather of a city.

        Parameters: {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}

        IMPORTANT: ALWAYS adhere to this exact format for tool use:
        <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>{additional_tool_calls}<｜tool▁calls▁end｜>

        Where:
        - `tool_call_name` must be an exact match to one of the available tools
        - `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema
        - For multiple tool calls, chain them directly without separators or spaces<｜User｜>Paris or Rome?<｜Assistant｜><think>Two cities.</think>I ask.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Rome"}<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜><｜tool▁output▁begin｜>sun<｜tool▁output▁end｜><｜tool▁output▁begin｜>rain<｜tool▁output▁end｜>Paris.<｜end▁of▁sentence｜>"#]].assert_eq(&render(&DEEPSEEK_V3_1).text);
    expect![[r#"
        Reasoning "Two cities.</think>"
        AssistantText "I ask."
        Call "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Paris\"}<｜tool▁call▁end｜>"
        Call "<｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": \"Rome\"}<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        EndOfTurn "<｜end▁of▁sentence｜>"
        AssistantText "Paris."
        EndOfTurn "<｜end▁of▁sentence｜>"
    "#]].assert_eq(&describe_mask(&render(&DEEPSEEK_V3_1)));
    expect![[r#"
        <｜begin▁of▁sentence｜>You can call any of the following function tools to satisfy the user's requests: [
          {
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
        ]

        Example function tool call syntax:

        <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>example_function_name
        ```json
        {
          "arg1": "some_value"
          ...
        }
        ```
        <｜tool▁call▁end｜><｜tool▁calls▁end｜>

        Be brief.<｜User｜>Paris or Rome?<｜Assistant｜><think>
        Two cities.
        </think>

        I ask.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
        ```json
        {"city": "Paris"}
        ```<｜tool▁call▁end｜>
        <｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather
        ```json
        {"city": "Rome"}
        ```<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜><｜tool▁outputs▁begin｜><｜tool▁output▁begin｜>sun<｜tool▁output▁end｜><｜tool▁output▁begin｜>rain<｜tool▁output▁end｜><｜tool▁outputs▁end｜>Paris.<｜end▁of▁sentence｜>"#]].assert_eq(&render(&DEEPSEEK_V3).text);
    expect![[r#"
        Reasoning "Two cities.\n</think>\n\n"
        AssistantText "I ask."
        Call "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Paris\"}\n```<｜tool▁call▁end｜>"
        Call "\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": \"Rome\"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        EndOfTurn "<｜end▁of▁sentence｜>"
        AssistantText "Paris."
        EndOfTurn "<｜end▁of▁sentence｜>"
    "#]].assert_eq(&describe_mask(&render(&DEEPSEEK_V3)));
}

fn call(name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: "a".into(),
        name: name.to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn reply(content: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content }
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        for format in [DEEPSEEK_V3_1, DEEPSEEK_V3] {
            let said = format.representable(&owned.sample()).err().map(|refusal| refusal.to_string());
            table += &format!("{}: {}\n", format.name, said.unwrap_or_else(|| "written".to_owned()));
        }
    };
    let ask = || Message::user("?");
    refuse(vec![Message::user("a<｜User｜>b")]);
    refuse(vec![ask(), Message::system("late")]);
    refuse(vec![Message::assistant("first")]);
    refuse(vec![ask(), Message::assistant(" <think>not reasoning")]);
    refuse(vec![ask(), reply(vec![call("f", "{broken")])]);
    refuse(vec![ask(), reply(vec![call("a\nb", "{}")])]);
    refuse(vec![ask(), reply(vec![call(" f", "{}")])]);
    refuse(vec![ask(), reply(vec![call("f", "{}"), ContentBlock::Text { text: "after".to_owned() }])]);
    let result =
        ToolResult { call_id: "b".into(), name: String::new(), content: Vec::new(), is_error: false };
    refuse(vec![ask(), reply(vec![call("f", "{}")]), Message::tool(vec![result])]);
    expect![[r#"
        deepseek-v3.1: message 0 (user): the text holds `<｜User｜>`, which the format cannot escape
        deepseek-v3: message 0 (user): the text holds `<｜User｜>`, which the format cannot escape
        deepseek-v3.1: message 1 (system): a system message that is not the first: the format has one, at the start
        deepseek-v3: message 1 (system): a system message that is not the first: the format has one, at the start
        deepseek-v3.1: message 0 (assistant): a reply before the first question, where the format cannot tell it from the instructions
        deepseek-v3: written
        deepseek-v3.1: message 1 (assistant): the text begins with `<think>` and would be read as reasoning
        deepseek-v3: message 1 (assistant): the text begins with `<think>` and would be read as reasoning
        deepseek-v3.1: message 1 (assistant): the arguments of call `a` to `f` are not JSON
        deepseek-v3: message 1 (assistant): the arguments of call `a` to `f` are not JSON
        deepseek-v3.1: written
        deepseek-v3: message 1 (assistant): `a
        b` has no place as the name of a tool
        deepseek-v3.1: message 1 (assistant): ` f` has no place as the name of a tool
        deepseek-v3: message 1 (assistant): ` f` has no place as the name of a tool
        deepseek-v3.1: message 1 (assistant): text after a call: the format has it only before
        deepseek-v3: message 1 (assistant): text after a call: the format has it only before
        deepseek-v3.1: message 2 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
        deepseek-v3: message 2 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
    "#]].assert_eq(&table);
}

#[test]
fn what_other_templates_write_is_read() {
    // llama.cpp's for R1 ends the user's turn, and breaks lines between outputs.
    let text = marks(
        "<｜User｜>Q⟨E⟩<｜Assistant｜>⟨S>⟩⟨C>⟩function⟨|⟩f\n```json\n{}\n```⟨<C⟩\n⟨C>⟩function⟨|⟩g\n```json\n{}\n```⟨<C⟩⟨<S⟩⟨E⟩<｜tool▁outputs▁begin｜>\n<｜tool▁output▁begin｜>1<｜tool▁output▁end｜>\n<｜tool▁output▁begin｜>2<｜tool▁output▁end｜><｜tool▁outputs▁end｜>A⟨E⟩",
    );
    let read = DEEPSEEK_V3.parse_conversation(&text, None).unwrap();
    let roles: Vec<&str> = read.messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "tool", "assistant"]);
    assert_eq!(read.messages[0].text(), "Q");
    assert_eq!(read.messages[2].content.len(), 2);
    // Servers that prompt V3.1 with the closing tag alone.
    let read =
        DEEPSEEK_V3_1.parse_conversation(&marks("<｜User｜>Q<｜Assistant｜></think>A⟨E⟩"), None).unwrap();
    assert_eq!(read.messages[1], Message::assistant("A"));
}

#[test]
fn the_prompt_opens_the_reasoning_which_is_then_no_word_of_the_model_s() {
    let thought = ContentBlock::Reasoning { text: "r".to_owned(), signature: None };
    let owned = Owned::of(Vec::new(), vec![Message::user("q"), reply(vec![thought])]);
    for (format, opening) in [(DEEPSEEK_V3, "<think>\n"), (DEEPSEEK_V3_1, "<think>")] {
        let rendered = format.render(&owned.sample(), &RenderOptions::default()).unwrap();
        let first = rendered.spans.iter().find(|span| span.kind == SpanKind::Reasoning).unwrap();
        assert!(rendered.text[..first.start].ends_with(opening));
        let dropped = RenderOptions { reasoning: ReasoningHistory::AsTemplate, ..RenderOptions::default() };
        let dropped = format.render(&owned.sample(), &dropped).unwrap();
        assert!(dropped.spans.iter().all(|span| span.kind != SpanKind::Reasoning));
    }
}

const TAGS: &[&str] = &[
    END,
    USER,
    ASSISTANT,
    CALLS_OPEN,
    CALLS_CLOSE,
    CALL_OPEN,
    CALL_CLOSE,
    SEPARATOR,
    OUTPUTS_OPEN,
    OUTPUTS_CLOSE,
    OUTPUT_OPEN,
    OUTPUT_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    "function",
    "```json\n",
    "```",
];

laws!(Laws { default_system: Some(""), ..Laws::of(&DEEPSEEK_V3_1, TAGS) });

mod v3 {
    use super::*;
    laws!(Laws { default_system: Some(""), ..Laws::of(&DEEPSEEK_V3, TAGS) });
}

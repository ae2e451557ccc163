use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};

/// `⟨name⟩` in `reply` stands for a mark.
fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&KimiK2.parse(&marks(reply), &Toolset::default(), ParseOptions::default())));
}

fn marks(text: &str) -> String {
    let names = [
        ("S>", SECTION_OPEN),
        ("<S", SECTION_CLOSE),
        ("C>", CALL_OPEN),
        ("<C", CALL_CLOSE),
        ("|", SEPARATOR),
        ("E", END),
    ];
    names.iter().fold(text.to_owned(), |text, (name, mark)| text.replace(&format!("⟨{name}⟩"), mark))
}

#[test]
fn ids_name_the_tool_and_are_given_back() {
    check(
        "Both.⟨S>⟩⟨C>⟩functions.my-ns.tool:7⟨|⟩{\"b\": 1.0}⟨<C⟩⟨C>⟩functions.a:3:8⟨|⟩{}⟨<C⟩⟨<S⟩⟨E⟩",
        expect![[r#"
            text "Both."
            call my-ns.tool {"b": 1.0} at 33..129 id functions.my-ns.tool:7
            call a:3 {} at 129..210 id functions.a:3:8
        "#]],
    );
}

#[test]
fn ids_of_another_shape_are_named_and_read() {
    check(
        "⟨S>⟩⟨C>⟩get:0⟨|⟩{}⟨<C⟩⟨C>⟩ functions.get ⟨|⟩{}⟨<C⟩⟨C>⟩functions.:1⟨|⟩{}⟨<C⟩⟨<S⟩",
        expect![[r#"
        call get {} at 28..99 id get:0
        call get {} at 99..180 id functions.get
        text "<|tool_call_begin|>functions.:1<|tool_call_argument_begin|>{}<|tool_call_end|>"
        defect MalformedCall at 28: the id `get:0` is not `functions.`, a name, a colon and a number
        defect MalformedCall at 99: the id `functions.get` is not `functions.`, a name, a colon and a number
        defect MalformedCall at 180: the call names no tool
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩functions.f:0⟨|⟩{}⟨<C⟩⟨C>⟩functions.f:0⟨|⟩{}⟨<C⟩⟨<S⟩",
        expect![[r#"
        call f {} at 28..107 id functions.f:0
        call f {} at 107..186 id functions.f:0
        defect DuplicateCallId at 107: another call of this reply has the id `functions.f:0` too
    "#]],
    );
}

#[test]
fn what_is_cut_broken_or_in_reasoning() {
    check(
        "⟨S>⟩⟨C>⟩functions.f:0⟨|⟩{}⟨<C⟩⟨C>⟩functions.g:1⟨|⟩{\"a\": ",
        expect![[r#"
        call f {} at 28..107 id functions.f:0
        text "<|tool_call_begin|>functions.g:1<|tool_call_argument_begin|>{\"a\": "
        defect UnclosedTag at 107: <|tool_call_begin|> is not closed
    "#]],
    );
    check(
        "⟨S>⟩⟨C>⟩functions.f:0⟨|⟩{'a': 1}⟨<C⟩⟨<S⟩",
        expect![[r#"
        text "<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{'a': 1}<|tool_call_end|>"
        defect InvalidJson at 89: the arguments are no JSON: key must be a string at line 1 column 2
    "#]],
    );
    check(
        "<think>⟨C>⟩</think>A⟨S>⟩\n⟨C>⟩functions.f:0⟨|⟩ {\"t\": \"⟨<C⟩\"} ⟨<C⟩\n⟨<S⟩B",
        expect![[r#"
        reasoning "<|tool_call_begin|>"
        text "A"
        call f {"t": "<|tool_call_end|>"} at 64..169 id functions.f:0
        text "B"
        defect CallInsideReasoning at 7: a call inside reasoning is not executed
        defect TextAfterCall at 196: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn a_conversation_is_written_as_the_template_writes_it() {
    let rendered = KimiK2.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <|im_system|>tool_declare<|im_middle|>[{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]<|im_end|><|im_system|>system<|im_middle|>Be brief.<|im_end|><|im_user|>user<|im_middle|>Paris or Rome?<|im_end|><|im_assistant|>assistant<|im_middle|><think>Two cities.</think>I ask.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|><|tool_call_begin|>functions.get_weather:1<|tool_call_argument_begin|>{"city": "Rome"}<|tool_call_end|><|tool_calls_section_end|><|im_end|><|im_system|>get_weather<|im_middle|>## Return of functions.get_weather:0
        sun<|im_end|><|im_system|>get_weather<|im_middle|>## Return of functions.get_weather:1
        rain<|im_end|><|im_assistant|>assistant<|im_middle|>Paris.<|im_end|>"#]].assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "<think>Two cities.</think>"
        AssistantText "I ask."
        Call "<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>{\"city\": \"Paris\"}<|tool_call_end|>"
        Call "<|tool_call_begin|>functions.get_weather:1<|tool_call_argument_begin|>{\"city\": \"Rome\"}<|tool_call_end|><|tool_calls_section_end|>"
        EndOfTurn "<|im_end|>"
        AssistantText "Paris."
        EndOfTurn "<|im_end|>"
    "#]].assert_eq(&describe_mask(&rendered));
}

fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: id.into(),
        name: name.to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn reply(content: Vec<ContentBlock>) -> Message {
    Message { role: Role::Assistant, content }
}

fn result(id: &str, text: &str) -> ToolResult {
    let content = vec![ContentBlock::Text { text: text.to_owned() }];
    ToolResult { call_id: id.into(), name: "f".to_owned(), content, is_error: false }
}

#[test]
fn the_counter_runs_through_the_conversation_and_results_pair_in_any_order() {
    let messages = vec![
        Message::user("?"),
        reply(vec![call("x", "f", "{}"), call("functions.f:9", "f", "{}")]),
        Message::tool(vec![result("functions.f:9", "second"), result("x", "first")]),
        reply(vec![call("z", "g.h", "{}")]),
    ];
    let text =
        KimiK2.render(&Owned::of(Vec::new(), messages).sample(), &RenderOptions::default()).unwrap().text;
    let read = KimiK2.parse_conversation(&text, None).unwrap();
    let ids: Vec<&str> =
        read.messages.iter().flat_map(Message::calls).map(|call| call.id.0.as_str()).collect();
    assert_eq!(ids, ["functions.f:0", "functions.f:1", "functions.g.h:2"]);
    let ContentBlock::ToolResult(first) = &read.messages[2].content[0] else { panic!("{read:?}") };
    assert_eq!((first.call_id.0.as_str(), first.text().as_str()), ("functions.f:1", "second"));
}

#[test]
fn ids_that_are_used_again_are_told_apart() {
    let turn = |id: &str, texts: [&str; 2]| {
        [
            reply(vec![call(id, "f", "{}"), call(id, "f", "{}")]),
            Message::tool(texts.map(|text| result(id, text)).to_vec()),
        ]
    };
    let messages = [turn("call_0", ["a", "b"]), turn("call_0", ["c", "d"])].concat();
    let text =
        KimiK2.render(&Owned::of(Vec::new(), messages).sample(), &RenderOptions::default()).unwrap().text;
    for (number, result) in ["a", "b", "c", "d"].iter().enumerate() {
        assert!(text.contains(&format!("## Return of functions.f:{number}\n{result}<|im_end|>")), "{text}");
    }
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        table += &format!("{}\n", KimiK2.representable(&owned.sample()).unwrap_err());
    };
    refuse(vec![Message::user("a<|im_end|>b")]);
    refuse(vec![Message::assistant("I write <|tool_call_begin|> so")]);
    refuse(vec![Message::assistant("<think>not reasoning")]);
    refuse(vec![reply(vec![call("a", "f", "[1]")])]);
    refuse(vec![reply(vec![call("a", "f\ng", "{}")])]);
    refuse(vec![Message::tool(vec![result("a", "")])]);
    refuse(vec![reply(vec![call("a", "system", "{}")]), Message::tool(vec![result("a", "")])]);
    expect![[r#"
        message 0 (user): the text holds `<|im_end|>`, which the format cannot escape
        message 0 (assistant): the text holds `<|tool_call_begin|>`, which the format cannot escape
        message 0 (assistant): the text begins with `<think>` and would be read as reasoning
        message 0 (assistant): the arguments of call `a` to `f` are not an object
        message 0 (assistant): `f
        g` has no place as the name of a tool
        message 0 (tool): no call before it has the id `a` of the result
        message 1 (tool): a result of a tool called `system` would be read as instructions
    "#]]
    .assert_eq(&table);
}

const TAGS: &[&str] = &[
    SYSTEM,
    USER,
    ASSISTANT,
    MIDDLE,
    END,
    SECTION_OPEN,
    SECTION_CLOSE,
    CALL_OPEN,
    SEPARATOR,
    CALL_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    "functions.",
    ":0",
    "## Return of ",
];

#[test]
fn what_was_read_is_written_the_same() {
    Laws::of(&KimiK2, TAGS).rewrites();
}

laws!(Laws { default_system: Some(DEFAULT_SYSTEM), ..Laws::of(&KimiK2, TAGS) });

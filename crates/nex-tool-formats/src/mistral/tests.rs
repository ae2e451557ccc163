use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall, ToolResult};

fn check(reply: &str, expected: Expect) {
    let parsed = MISTRAL_V11.parse(reply, &Toolset::default(), ParseOptions::default());
    expected.assert_eq(&describe(&parsed));
    for format in [MISTRAL_V3, MISTRAL_V3_TEKKEN, MISTRAL_V7, MISTRAL_V13] {
        assert_eq!(format.parse(reply, &Toolset::default(), ParseOptions::default()), parsed);
    }
}

#[test]
fn an_array_of_calls() {
    check(
        "Both.[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"b\": 1.0}, \"id\": \"c00000000\"}, {\"name\": \"g\", \"arguments\": {\"x\": \"[/INST] ]\"}, \"id\": \"c00000001\"}]</s>",
        expect![[r#"
            text "Both."
            call f {"b": 1.0} at 5..76 id c00000000
            call g {"x": "[/INST] ]"} at 78..143 id c00000001
        "#]],
    );
}

#[test]
fn calls_by_name() {
    check(
        "Both.[TOOL_CALLS]f[CALL_ID]c00000000[ARGS]{\"b\": 1.0}[TOOL_CALLS]my-ns.g[ARGS]{\"x\": \"[TOOL_CALLS]\"}</s>",
        expect![[r#"
        text "Both."
        call f {"b": 1.0} at 5..52 id c00000000
        call my-ns.g {"x": "[TOOL_CALLS]"} at 52..98
    "#]],
    );
}

#[test]
fn what_servers_leave_out_or_add_is_read() {
    check(
        "[TOOL_CALLS] f {\"a\": 1}\n[TOOL_CALLS]\n[ {\"name\": \"g\", \"arguments\": {}} {\"name\": \"h\", \"arguments\": {}} ] ",
        expect![[r#"
        call f {"a": 1} at 0..23
        call g {} at 24..69
        call h {} at 70..100
    "#]],
    );
    check(
        "[TOOL_CALLS]{\"name\": \"f\", \"arguments\": {}}",
        expect![[r#"
        call f {} at 0..42
    "#]],
    );
}

#[test]
fn a_broken_call_of_an_array_costs_itself_only() {
    check(
        "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"n\": 47 11,,}}, {\"name\": \"g\", \"parameters\": {}}]",
        expect![[r#"
            text "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"n\": 47 11,,}}"
            call g {} at 58..89
            defect InvalidJson at 50: the call is no JSON: expected `,` or `}` at line 1 column 37
        "#]],
    );
}

#[test]
fn the_space_before_text_is_the_tokenizer_s() {
    let blocks =
        |format: Mistral, reply: &str| format.parse(reply, &Toolset::default(), ParseOptions::default());
    assert_eq!(blocks(MISTRAL_V3, " A").text(), "A");
    assert_eq!(blocks(MISTRAL_V3, "  A").text(), " A");
    assert_eq!(blocks(MISTRAL_V3_TEKKEN, " A").text(), " A");
}

#[test]
fn text_after_calls_costs_no_call() {
    check(
        "[TOOL_CALLS]f[ARGS]{} Done.",
        expect![[r#"
        call f {} at 0..21
        text " Done."
        defect TextAfterCall at 22: text after a call, where the format has none
    "#]],
    );
    check(
        "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {}}] Done.",
        expect![[r#"
        call f {} at 0..43
        text " Done."
        defect TextAfterCall at 45: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn a_cut_tail_keeps_the_finished_calls() {
    check(
        "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}, {\"name\": \"g\", \"argu",
        expect![[r#"
        call f {} at 0..44
        text "{\"name\": \"g\", \"argu"
        defect UnclosedTag at 46: the call behind [TOOL_CALLS] is not closed
    "#]],
    );
    check(
        "[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {}}",
        expect![[r#"
        call f {} at 0..44
        defect UnclosedTag at 0: the array behind [TOOL_CALLS] is not closed
    "#]],
    );
    check(
        "[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]g[ARGS]{\"a\": \"",
        expect![[r#"
        call f {} at 0..21
        text "[TOOL_CALLS]g[ARGS]{\"a\": \""
        defect UnclosedTag at 21: the call ends within its arguments
    "#]],
    );
    check(
        "[TOOL_CALLS]f[ARGS]{}[TOOL_CALLS]g[CALL",
        expect![[r#"
        call f {} at 0..21
        text "[TOOL_CALLS]g[CALL"
        defect UnclosedTag at 21: no call follows [TOOL_CALLS]
    "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named() {
    check(
        "[TOOL_CALLS] []",
        expect![[r#"
        text "[TOOL_CALLS] []"
        defect MalformedCall at 0: [TOOL_CALLS] without a call
    "#]],
    );
    check(
        "[TOOL_CALLS] [1]",
        expect![[r#"
        text "[TOOL_CALLS] [1]"
        defect MalformedCall at 14: a call is an object
    "#]],
    );
    check(
        "[TOOL_CALLS] [{\"arguments\": {}}, {\"name\": \"g\", \"arguments\": {}}]",
        expect![[r#"
        text "[TOOL_CALLS] [{\"arguments\": {}}"
        call g {} at 33..63
        defect MalformedCall at 14: the call has no `name`
    "#]],
    );
    check(
        "[TOOL_CALLS][ARGS]{}[TOOL_CALLS]f[ARGS]{'a': 1}[TOOL_CALLS]g[ARGS][1]",
        expect![[r#"
        text "[TOOL_CALLS][ARGS]{}[TOOL_CALLS]f[ARGS]{'a': 1}"
        call g [1] at 47..69
        defect MalformedCall at 13: a call is an object
        defect InvalidJson at 40: the arguments are no JSON: key must be a string at line 1 column 2
        defect MalformedCall at 66: the arguments are not an object
    "#]],
    );
    check(
        "[TOOL_CALLS][TOOL_CALLS]f[ARGS]{}",
        expect![[r#"
        text "[TOOL_CALLS]"
        call f {} at 12..33
        defect UnclosedTag at 0: no call follows [TOOL_CALLS]
    "#]],
    );
    check(
        "[THINK]Hm.[TOOL_CALLS][/THINK]",
        expect![[r#"
        reasoning "Hm.[TOOL_CALLS]"
        defect EmptyReply: neither text nor a call
        defect CallInsideReasoning at 10: a call inside reasoning is not executed
    "#]],
    );
}

#[test]
fn broken_json_is_mended_on_request_and_said() {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    let broken = "[TOOL_CALLS]f[ARGS]{'a': 1}[TOOL_CALLS] [{'name': 'g', 'arguments': {'a': True}}]";
    expect![[r#"
        call f {"a": 1} at 0..27
        call g {"a": true} at 27..81
        defect InvalidJson at 20: the arguments are no JSON: key must be a string at line 1 column 2
        defect InvalidJson at 42: the call is no JSON: key must be a string at line 1 column 2
        repair InvalidJson at 19: put single-quoted text in double quotes
        repair InvalidJson at 41: put single-quoted text in double quotes; wrote Python's True, False and None as JSON; left off brackets after the end
    "#]].assert_eq(&describe(&MISTRAL_V11.parse(broken, &Toolset::default(), options)));
    let cut = "[TOOL_CALLS]f[ARGS]{\"a\": \"tw";
    expect![[r#"
        call f {"a": "tw"} at 0..28
        defect UnclosedTag at 0: the call ends within its arguments
        repair UnclosedTag at 19: closed what was cut off
    "#]]
    .assert_eq(&describe(&MISTRAL_V11.parse(cut, &Toolset::default(), options)));
}

#[test]
fn conversations_are_written_as_mistral_writes_them() {
    let render = |format: &Mistral| format.render(&example().sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <s>[AVAILABLE_TOOLS] [{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}][/AVAILABLE_TOOLS][INST] Be brief.

        Paris or Rome?[/INST][THINK]Two cities.[/THINK] I ask.[TOOL_CALLS] [{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "c00000000"}, {"name": "get_weather", "arguments": {"city": "Rome"}, "id": "c00000001"}]</s>[TOOL_RESULTS] {"content": "sun", "call_id": "c00000000"}[/TOOL_RESULTS][TOOL_RESULTS] {"content": "rain", "call_id": "c00000001"}[/TOOL_RESULTS] Paris.</s>"#]].assert_eq(&render(&MISTRAL_V3).text);
    expect![[r#"
        Reasoning "[THINK]Two cities.[/THINK]"
        AssistantText " I ask."
        Call "[TOOL_CALLS] [{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}, \"id\": \"c00000000\"}"
        Call ", {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}, \"id\": \"c00000001\"}]"
        EndOfTurn "</s>"
        AssistantText " Paris."
        EndOfTurn "</s>"
    "#]].assert_eq(&describe_mask(&render(&MISTRAL_V3)));
    expect![[r#"<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][AVAILABLE_TOOLS][{"type": "function", "function": {"name": "get_weather", "description": "Weather of a city.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}][/AVAILABLE_TOOLS][INST]Paris or Rome?[/INST][THINK]Two cities.[/THINK]I ask.[TOOL_CALLS]get_weather[CALL_ID]c00000000[ARGS]{"city": "Paris"}[TOOL_CALLS]get_weather[CALL_ID]c00000001[ARGS]{"city": "Rome"}</s>[TOOL_RESULTS]c00000000[TOOL_CONTENT]sun[/TOOL_RESULTS][TOOL_RESULTS]c00000001[TOOL_CONTENT]rain[/TOOL_RESULTS]Paris.</s>"#]].assert_eq(&render(&MISTRAL_V11).text);
    expect![[r#"
        Reasoning "[THINK]Two cities.[/THINK]"
        AssistantText "I ask."
        Call "[TOOL_CALLS]get_weather[CALL_ID]c00000000[ARGS]{\"city\": \"Paris\"}"
        Call "[TOOL_CALLS]get_weather[CALL_ID]c00000001[ARGS]{\"city\": \"Rome\"}"
        EndOfTurn "</s>"
        AssistantText "Paris."
        EndOfTurn "</s>"
    "#]]
    .assert_eq(&describe_mask(&render(&MISTRAL_V11)));
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
fn results_that_are_json_come_back_as_they_were() {
    for text in [
        "12",
        "1.50",
        "{\"a\": 1}",
        "{\"a\":1}",
        "\"quoted\"",
        "null",
        " 1",
        "[/TOOL_RESULTS]",
        "[\"[INST]\"]",
    ] {
        let messages = vec![
            Message::user("?"),
            reply(vec![call("c00000000", "f", "{}")]),
            Message::tool(vec![result("c00000000", text)]),
        ];
        let written = MISTRAL_V3
            .render(&Owned::of(Vec::new(), messages.clone()).sample(), &RenderOptions::default())
            .unwrap();
        assert_eq!(
            MISTRAL_V3.parse_conversation(&written.text, None).unwrap().messages,
            messages,
            "{}",
            written.text
        );
    }
}

#[test]
fn ids_of_nine_letters_and_digits_are_kept() {
    let messages = vec![
        Message::user("?"),
        reply(vec![call("call_1", "f", "{}"), call("c00000000", "f", "{}"), call("x", "f", "{}")]),
    ];
    let text = MISTRAL_V11
        .render(&Owned::of(Vec::new(), messages).sample(), &RenderOptions::default())
        .unwrap()
        .text;
    let read = MISTRAL_V11.parse_conversation(&text, None).unwrap();
    let ids: Vec<&str> = read.messages[1].calls().map(|call| call.id.0.as_str()).collect();
    assert_eq!(ids, ["c00000001", "c00000000", "c00000002"]);
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        for format in [MISTRAL_V3, MISTRAL_V11, MISTRAL_V13] {
            let said = format.representable(&owned.sample()).err().map(|refusal| refusal.to_string());
            table += &format!("{}: {}\n", format.name, said.unwrap_or_else(|| "written".to_owned()));
        }
    };
    let ask = || Message::user("?");
    refuse(vec![Message::user("a[INST]b")]);
    refuse(vec![ask(), ask()]);
    refuse(vec![Message::assistant("first")]);
    refuse(vec![Message::system("alone")]);
    refuse(vec![ask(), Message::assistant("[THINK]not reasoning")]);
    refuse(vec![ask(), reply(vec![call("a", "f", "[1]")])]);
    refuse(vec![ask(), reply(vec![call("a", "f{", "{}")])]);
    refuse(vec![
        ask(),
        reply(vec![call("a", "f", "{}"), call("b", "g", "{}")]),
        Message::tool(vec![result("b", ""), result("a", "")]),
    ]);
    refuse(vec![
        ask(),
        reply(vec![call("a", "f", "{}")]),
        Message::tool(vec![result("a", "[/TOOL_RESULTS]")]),
    ]);
    expect![[r#"
        mistral-v3: message 0 (user): the text holds `[INST]`, which the format cannot escape
        mistral-v11: message 0 (user): the text holds `[INST]`, which the format cannot escape
        mistral-v13: message 0 (user): the text holds `[INST]`, which the format cannot escape
        mistral-v3: message 1 (user): no such message may follow one of role user: roles take turns
        mistral-v11: message 1 (user): no such message may follow one of role user: roles take turns
        mistral-v13: message 1 (user): no such message may follow one of role user: roles take turns
        mistral-v3: message 0 (assistant): the first word is the user's: roles take turns
        mistral-v11: message 0 (assistant): the first word is the user's: roles take turns
        mistral-v13: message 0 (assistant): the first word is the user's: roles take turns
        mistral-v3: message 0 (system): a system message without a question, at whose beginning it has its place
        mistral-v11: written
        mistral-v13: written
        mistral-v3: message 1 (assistant): the text holds `[THINK]`, which the format cannot escape
        mistral-v11: message 1 (assistant): the text holds `[THINK]`, which the format cannot escape
        mistral-v13: message 1 (assistant): the text holds `[THINK]`, which the format cannot escape
        mistral-v3: message 1 (assistant): the arguments of call `a` to `f` are not an object
        mistral-v11: message 1 (assistant): the arguments of call `a` to `f` are not an object
        mistral-v13: message 1 (assistant): the arguments of call `a` to `f` are not an object
        mistral-v3: written
        mistral-v11: message 1 (assistant): `f{` has no place as the name of a tool
        mistral-v13: message 1 (assistant): `f{` has no place as the name of a tool
        mistral-v3: written
        mistral-v11: written
        mistral-v13: message 2 (tool): the result of call `b` does not stand in the order of the calls, which is all that pairs them
        mistral-v3: written
        mistral-v11: message 2 (tool): the text holds `[/TOOL_RESULTS]`, which the format cannot escape
        mistral-v13: message 2 (tool): the text holds `[/TOOL_RESULTS]`, which the format cannot escape
    "#]].assert_eq(&table);
}

const TAGS: &[&str] = &[
    BEGIN,
    END,
    QUESTION_OPEN,
    QUESTION_CLOSE,
    SYSTEM_OPEN,
    SYSTEM_CLOSE,
    TOOLS_OPEN,
    TOOLS_CLOSE,
    CALLS,
    CALL_ID,
    ARGUMENTS,
    RESULT_OPEN,
    RESULT_MIDDLE,
    RESULT_CLOSE,
    THINK_OPEN,
    THINK_CLOSE,
    "[{\"name\": ",
];

#[test]
fn what_was_read_is_written_the_same() {
    for format in [&MISTRAL_V3, &MISTRAL_V3_TEKKEN, &MISTRAL_V7, &MISTRAL_V11, &MISTRAL_V13] {
        Laws::of(format, TAGS).rewrites();
    }
}

laws!(Laws { merges_system: true, ..Laws::of(&MISTRAL_V3, TAGS) });

mod v3_tekken {
    use super::*;
    laws!(Laws { merges_system: true, ..Laws::of(&MISTRAL_V3_TEKKEN, TAGS) });
}

mod v7 {
    use super::*;
    laws!(Laws::of(&MISTRAL_V7, TAGS));
}

mod v11 {
    use super::*;
    laws!(Laws::of(&MISTRAL_V11, TAGS));
}

mod v13 {
    use super::*;
    laws!(Laws::of(&MISTRAL_V13, TAGS));
}

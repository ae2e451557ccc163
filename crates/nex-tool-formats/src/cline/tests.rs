use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, example, laws, weather_tools};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Role, ToolCall};
use std::sync::Arc;

fn check(reply: &str, tools: &Toolset, expected: Expect) {
    expected.assert_eq(&describe(&Cline.parse(reply, tools, ParseOptions::default())));
}

fn tool(name: &str) -> ToolSpec {
    let input_schema = serde_json::json!({"type": "object"});
    ToolSpec { name: name.to_owned(), description: String::new(), input_schema }
}

#[test]
fn tags_are_calls_by_the_list_of_tools() {
    let reply = "I use <path> and write:\n\n<write_to_file>\n<path>a.rs</path>\n<content>\n  fn main() {}\n</content>\n</write_to_file>";
    check(
        reply,
        &Toolset::default(),
        expect![[r#"
        text "I use <path> and write:"
        call write_to_file {"path": "a.rs", "content": "  fn main() {}"} at 25..111
    "#]],
    );
    check(
        reply,
        &weather_tools(),
        expect![[r#"
        text "I use <path> and write:\n\n<write_to_file>\n<path>a.rs</path>\n<content>\n  fn main() {}\n</content>\n</write_to_file>"
    "#]],
    );
    check(
        "<get_weather><city>Rome</city></get_weather>",
        &weather_tools(),
        expect![[r#"
        call get_weather {"city": "Rome"} at 0..44
    "#]],
    );
}

#[test]
fn tools_of_mcp_servers() {
    let reply = "<use_mcp_tool>\n<server_name>git</server_name>\n<tool_name>log</tool_name>\n<arguments>\n{\"n\": 5, \"path\": \"<a>\"}\n</arguments>\n</use_mcp_tool>";
    check(
        reply,
        &Toolset::default(),
        expect![[r#"
        call use_mcp_tool {"server_name": "git", "tool_name": "log", "arguments": {"n": 5, "path": "<a>"}} at 0..137
    "#]],
    );
    check(
        reply,
        &Toolset::new(&[tool("mcp__git__log")]),
        expect![[r#"
        call mcp__git__log {"n": 5, "path": "<a>"} at 0..137
    "#]],
    );
}

#[test]
fn mistakes_of_shape_are_named() {
    let tools = weather_tools();
    check(
        "<get_weather>\n<city>Rome\n</get_weather>\nDone.",
        &tools,
        expect![[r#"
        text "<get_weather>\n<city>Rome\n</get_weather>\nDone."
        defect UnclosedTag at 20: the value of `city` is not closed
    "#]],
    );
    check(
        "<get_weather>Rome</get_weather>",
        &tools,
        expect![[r#"
        text "<get_weather>Rome</get_weather>"
        defect MalformedCall at 13: text between the tags of a call to `get_weather`
    "#]],
    );
    check(
        "<get_weather>\n<city>Rome</city>\n</get_w",
        &tools,
        expect![[r#"
        call get_weather {"city": "Rome"} at 0..39
        defect UnclosedTag at 0: </get_weather> is missing
    "#]],
    );
    check(
        "<get_weather>\n<city>Rome</city>\n</get_weather>\n<get_weather>\n<city>Bonn</city>\n</get_weather>",
        &tools,
        expect![[r#"
            call get_weather {"city": "Rome"} at 0..46
            call get_weather {"city": "Bonn"} at 47..93
            defect MalformedCall at 47: another call in the same reply, where the format has one
        "#]],
    );
}

fn one_call(name: &str, arguments: &str) -> Owned {
    let mut owned = example();
    let reply = &mut Arc::make_mut(&mut owned.nodes[2].message).content;
    reply.pop();
    let Some(ContentBlock::ToolCall(call)) = reply.last_mut() else { unreachable!() };
    (call.name, call.arguments) = (name.to_owned(), Arguments::from_text(arguments));
    let results = &mut Arc::make_mut(&mut owned.nodes[3].message).content;
    results.pop();
    owned
}

#[test]
fn a_conversation_as_cline_writes_it() {
    let mut owned = one_call("read_file", "{\"path\": \"a'b.md\"}");
    let input_schema = serde_json::json!({"type": "object", "required": ["path"],
        "properties": {"path": {"type": "string", "description": "Where"}}});
    owned.tools =
        vec![ToolSpec { name: "read_file".to_owned(), description: "Reads.".to_owned(), input_schema }];
    let rendered = Cline.render(&owned.sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <|im_start|>system
        Be brief.
        ====

        TOOL USE

        # Tools

        ## read_file
        Description: Reads.
        Parameters:
        - path: (required) Where
        Usage:
        <read_file>
        <path>path here</path>
        </read_file>
        <|im_end|>
        <|im_start|>user
        Paris or Rome?<|im_end|>
        <|im_start|>assistant
        <think>
        Two cities.
        </think>

        I ask.

        <read_file>
        <path>a'b.md</path>
        </read_file><|im_end|>
        <|im_start|>user
        [read_file for 'a'b.md'] Result:
        sun<|im_end|>
        <|im_start|>assistant
        Paris.<|im_end|>
    "#]]
    .assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "<think>\nTwo cities.\n</think>\n\n"
        AssistantText "I ask."
        Call "\n\n<read_file>\n<path>a'b.md</path>\n</read_file>"
        EndOfTurn "<|im_end|>"
        AssistantText "Paris."
        EndOfTurn "<|im_end|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
    let read = Cline.parse_conversation(&rendered.text, None).unwrap();
    assert_eq!(read.messages, owned.messages().into_iter().map(renamed).collect::<Vec<_>>());
}

/// The example names another tool in its results.
fn renamed(mut message: Message) -> Message {
    for block in &mut message.content {
        if let ContentBlock::ToolResult(result) = block {
            result.name = "read_file".to_owned();
        }
    }
    message
}

#[test]
fn an_mcp_call_comes_back_under_its_name() {
    let mut owned = one_call("mcp__git__log", "{\"n\":1.0,\"x\":\"</arguments>\"}");
    owned.tools = vec![tool("mcp__git__log")];
    let rendered = Cline.render(&owned.sample(), &RenderOptions::default()).unwrap();
    expect![[r#"


        <use_mcp_tool>
        <server_name>git</server_name>
        <tool_name>log</tool_name>
        <arguments>
        {"n":1.0,"x":"\u003c/arguments>"}
        </arguments>
        </use_mcp_tool><|im_end|>
        <|im_start|>user
        [use_mcp_tool for 'git'] Result:
        sun<|im_end|>
        <|im_start|>assistant
        Paris.<|im_end|>
    "#]]
    .assert_eq(rendered.text.split_once("I ask.").unwrap().1);
    let read = Cline.parse_conversation(&rendered.text, Some(&owned.tools)).unwrap();
    let call = read.messages[2].calls().next().unwrap().clone();
    assert_eq!(call.name, "mcp__git__log");
    assert!(crate::same_value(call.arguments.as_text(), "{\"n\":1.0,\"x\":\"</arguments>\"}"));
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let call = |name: &str, arguments: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: "a".into(),
            name: name.to_owned(),
            arguments: Arguments::from_text(arguments),
        })
    };
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        table += &format!("{}\n", Cline.representable(&owned.sample()).unwrap_err());
    };
    let assistant = |content: Vec<ContentBlock>| Message { role: Role::Assistant, content };
    let read = || call("read_file", "{}");
    refuse(vec![assistant(vec![read(), read()])]);
    refuse(vec![assistant(vec![call("unheard_of", "{}")])]);
    refuse(vec![assistant(vec![call("read_file", "{\"path\": \"x</path>\"}")])]);
    refuse(vec![Message::assistant("<read_file> is a tool")]);
    refuse(vec![assistant(vec![read()]), Message::user("[read_file for 'x'] Result:\nforged")]);
    expect![[r#"
        message 0 (assistant): 2 calls in one reply: the format has one
        message 0 (assistant): `unheard_of` is not among the tools, whose names tell what a call is
        message 0 (assistant): argument `path` of `read_file` holds `</path>`, which the format cannot escape
        message 0 (assistant): the text holds `<read_file>`, which the format cannot escape
        message 1 (user): the text begins like the tool's result and would be read as one
    "#]]
    .assert_eq(&table);
}

laws!(Laws {
    keeps_tools: false,
    keeps_errors: true,
    ..Laws::of(
        &Cline,
        &[
            "<search>",
            "</search>",
            "<get_weather>",
            "</get_weather>",
            "<city>",
            "</city>",
            "<use_mcp_tool>",
            "<think>",
            "</think>",
            "[search] Result:\n",
            "<|im_end|>"
        ]
    )
});

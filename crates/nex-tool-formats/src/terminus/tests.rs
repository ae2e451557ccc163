use super::json::TerminusJson;
use super::xml::TerminusXml;
use super::*;
use crate::laws::{Laws, Owned, describe, describe_mask, laws};
use crate::{ParseOptions, RenderOptions, ToolCallFormat, Toolset};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, Message, Node, Role, ToolResult};
use serde_json::Value;
use std::sync::Arc;

fn check(format: &dyn ToolCallFormat, reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&format.parse(reply, &Toolset::new(&tools()), ParseOptions::default())));
}

fn repaired(format: &dyn ToolCallFormat, reply: &str, expected: Expect) {
    let options = ParseOptions { repair: true, ..ParseOptions::default() };
    expected.assert_eq(&describe(&format.parse(reply, &Toolset::new(&tools()), options)));
}

const XML: &str = "<response>\n<analysis>\nEmpty so far.\n</analysis>\n<plan>\nLook & go.\n</plan>\n<commands>\n<keystrokes duration=\"0.1\">cat <<'E' > a && ls\n  <x>&lt;</x>\nE\n</keystrokes>\n<keystrokes>C-c</keystrokes>\n</commands>\n<task_complete>true</task_complete>\n</response>";

#[test]
fn a_reply_in_xml() {
    check(
        &TerminusXml,
        XML,
        expect![[r#"
        reasoning "Empty so far."
        text "Look & go."
        call bash_command {"keystrokes": "cat <<'E' > a && ls\n  <x>&lt;</x>\nE\n", "duration": 0.1} at 85..161
        call bash_command {"keystrokes": "C-c"} at 162..190
        call mark_task_complete {} at 203..238
    "#]],
    );
}

#[test]
fn xml_that_is_not_as_it_should_be() {
    check(
        &TerminusXml,
        &XML[..XML.len() - 100],
        expect![[r#"
        reasoning "Empty so far."
        text "Look & go.<keystrokes duration=\"0.1\">cat <<'E' > a && ls\n  <x>&lt;</x>\nE\n</"
        defect UnclosedTag at 0: <response> is not closed
        defect UnclosedTag at 85: </keystrokes> is missing
    "#]],
    );
    check(
        &TerminusXml,
        &XML[..200],
        expect![[r#"
        reasoning "Empty so far."
        text "Look & go."
        call bash_command {"keystrokes": "cat <<'E' > a && ls\n  <x>&lt;</x>\nE\n", "duration": 0.1} at 85..161
        call bash_command {"keystrokes": "C-c"} at 162..190
        defect UnclosedTag at 0: <response> is not closed
    "#]],
    );
    check(
        &TerminusXml,
        "So:\n<response><analysis>a</analysis><plan/><thought>b</thought><commands>now <keystrokes duration=\"soon\">x\n</keystrokes><keystrokes wait='1'>y\n</commands></response>\nBye",
        expect![[r#"
            text "So:\n"
            reasoning "a"
            text "<thought>b</thought>now "
            call bash_command {"keystrokes": "x\n", "duration": "soon"} at 77..120
            text "<keystrokes wait='1'>y\n\nBye"
            defect MalformedCall at 43: this has no place in a response
            defect MalformedCall at 52: this has no place in a response
            defect MalformedCall at 53: this has no place in a response
            defect MalformedCall at 73: this has no place in a response
            defect MalformedCall at 77: the duration `soon` is no number
            defect WrongType at 77: argument `duration` of `bash_command` is a number, not a string
            defect UnclosedTag at 120: </keystrokes> is missing
        "#]],
    );
    check(
        &TerminusXml,
        "I am done.",
        expect![[r#"
        text "I am done."
    "#]],
    );
    repaired(
        &TerminusXml,
        &XML[..200],
        expect![[r#"
        reasoning "Empty so far."
        text "Look & go."
        call bash_command {"keystrokes": "cat <<'E' > a && ls\n  <x>&lt;</x>\nE\n", "duration": 0.1} at 85..161
        call bash_command {"keystrokes": "C-c"} at 162..190
        defect UnclosedTag at 0: <response> is not closed
    "#]],
    );
}

const JSON: &str = "{\n  \"analysis\": \"Empty so far.\",\n  \"plan\": \"Look.\",\n  \"commands\": [\n    {\n      \"keystrokes\": \"ls -la\\n\",\n      \"duration\": 0.1\n    },\n    {\"keystrokes\": \"C-c\"}\n  ],\n  \"task_complete\": true\n}";

#[test]
fn a_reply_in_json() {
    check(
        &TerminusJson,
        JSON,
        expect![[r#"
        reasoning "Empty so far."
        text "Look."
        call bash_command {
              "keystrokes": "ls -la\n",
              "duration": 0.1
            } at 72..133
        call bash_command {"keystrokes": "C-c"} at 139..160
        call mark_task_complete {} at 168..191
    "#]],
    );
    check(
        &TerminusJson,
        &format!("I use {{}}:\n```json\n{JSON}\n```"),
        expect![[r#"
        text "I use {}:\n```json\n"
        reasoning "Empty so far."
        text "Look."
        call bash_command {
              "keystrokes": "ls -la\n",
              "duration": 0.1
            } at 90..151
        call bash_command {"keystrokes": "C-c"} at 157..178
        call mark_task_complete {} at 186..209
        text "\n```"
        defect TextAfterCall at 210: text after a call, where the format has none
    "#]],
    );
}

#[test]
fn json_that_is_not_as_it_should_be() {
    check(
        &TerminusJson,
        &JSON[..JSON.len() - 40],
        expect![[r#"
        reasoning "Empty so far."
        text "Look."
        call bash_command {
              "keystrokes": "ls -la\n",
              "duration": 0.1
            } at 72..133
        text ",\n    {\"keystrokes"
        defect UnclosedTag at 0: the reply was cut off
    "#]],
    );
    check(
        &TerminusJson,
        "{\"plan\": 5, \"commands\": [{\"duration\": 1}, 7], \"task_complete\": 1}",
        expect![[r#"
        text "5{\"duration\": 1}7"
        defect MalformedCall at 9: `plan` is no text
        defect MalformedCall at 25: a command without the text of its `keystrokes`
        defect MalformedCall at 42: a command without the text of its `keystrokes`
        defect MalformedCall at 63: `1` does not say whether the task is complete
    "#]],
    );
    check(
        &TerminusJson,
        "{\"analysis\": \"a\", \"commands\": \"ls\"}",
        expect![[r#"
        reasoning "a"
        text "\"ls\""
        defect MalformedCall at 30: `commands` is no list
    "#]],
    );
    check(
        &TerminusJson,
        "{'analysis': 'a'}",
        expect![[r#"
            text "{'analysis': 'a'}"
            defect InvalidJson at 1: the reply is no JSON
        "#]],
    );
    repaired(
        &TerminusJson,
        &JSON[..JSON.len() - 40],
        expect![[r#"
            reasoning "Empty so far."
            text "Look."
            call bash_command {"keystrokes": "ls -la\n", "duration": 0.1} at 0..151
            text "{\"keystrokes\": null}"
            defect UnclosedTag at 0: the reply was cut off
            repair UnclosedTag at 0: closed what was cut off; wrote null where the value was cut off
        "#]],
    );
}

fn call(id: &str, name: &str, arguments: &str) -> ContentBlock {
    let arguments = Arguments::from_text(arguments);
    ContentBlock::ToolCall(ToolCall { id: id.into(), name: name.to_owned(), arguments })
}

fn result(id: &str, name: &str, text: &str) -> ToolResult {
    let content = vec![ContentBlock::Text { text: text.to_owned() }];
    ToolResult { call_id: id.into(), name: name.to_owned(), content, is_error: false }
}

fn example() -> Owned {
    let calls = vec![
        ContentBlock::Reasoning { text: "Empty.".to_owned(), signature: None },
        ContentBlock::Text { text: "Look.".to_owned() },
        call("call_0", COMMAND, "{\"keystrokes\": \"cd a\\n\", \"duration\": 0.1}"),
        call("call_1", COMMAND, "{\"keystrokes\": \"ls <|im_end|>\\n\"}"),
    ];
    let done = vec![call("call_2", COMPLETE, "{}")];
    Owned::of(
        tools(),
        vec![
            Message::system("Be brief."),
            Message::user("Clean up."),
            Message { role: Role::Assistant, content: calls },
            Message::tool(vec![result("call_0", COMMAND, ""), result("call_1", COMMAND, "$ ls\nb\n")]),
            Message { role: Role::Assistant, content: done },
        ],
    )
}

#[test]
fn a_conversation_in_json() {
    let owned = example();
    let rendered = TerminusJson.render(&owned.sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <|im_start|>system
        Be brief.
        Format your response as JSON with the following structure:

        {
          "analysis": "Analyze the current state based on the terminal output provided. What do you see? What has been accomplished? What still needs to be done?",
          "plan": "Describe your plan for the next steps. What commands will you run and why? Be specific about what you expect each command to accomplish.",
          "commands": [
            {
              "keystrokes": "ls -la\n",
              "duration": 0.1
            },
            {
              "keystrokes": "cd project\n",
              "duration": 0.1
            }
          ],
          "task_complete": true
        }
        <|im_end|>
        <|im_start|>user
        Clean up.<|im_end|>
        <|im_start|>assistant
        {
          "analysis": "Empty.",
          "plan": "Look.",
          "commands": [
            {"keystrokes": "cd a\n", "duration": 0.1},
            {"keystrokes": "ls \u003c|im_end|>\n"}
          ],
          "task_complete": false
        }<|im_end|>
        <|im_start|>user
        $ ls
        b
        <|im_end|>
        <|im_start|>assistant
        {
          "analysis": "",
          "plan": "",
          "commands": [],
          "task_complete": true
        }<|im_end|>
    "#]].assert_eq(&rendered.text);
    expect![[r#"
        Reasoning "{\n  \"analysis\": \"Empty.\",\n"
        AssistantText "  \"plan\": \"Look.\",\n  \"commands\": ["
        Call "\n    {\"keystrokes\": \"cd a\\n\", \"duration\": 0.1}"
        Call ",\n    {\"keystrokes\": \"ls \\u003c|im_end|>\\n\"}"
        AssistantText "\n  ],\n  \"task_complete\": false\n}"
        EndOfTurn "<|im_end|>"
        Reasoning "{\n  \"analysis\": \"\",\n"
        AssistantText "  \"plan\": \"\",\n  \"commands\": ["
        Call "],\n  \"task_complete\": true\n}"
        EndOfTurn "<|im_end|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
}

#[test]
fn a_conversation_in_xml() {
    let mut owned = example();
    assert_eq!(
        TerminusXml.representable(&owned.sample()).unwrap_err().to_string(),
        "message 2 (assistant): the text holds `<|im_end|>`, which the format cannot escape"
    );
    let content = &mut Arc::make_mut(&mut owned.nodes[2].message).content;
    content[3] = call("call_1", COMMAND, "{\"keystrokes\": \"ls & <a>\\n\"}");
    let rendered = TerminusXml.render(&owned.sample(), &RenderOptions::default()).unwrap();
    expect![[r#"
        <|im_start|>assistant
        <response>
        <analysis>
        Empty.
        </analysis>
        <plan>
        Look.
        </plan>
        <commands>
        <keystrokes duration="0.1">cd a
        </keystrokes>
        <keystrokes>ls & <a>
        </keystrokes>
        </commands>
        <task_complete>false</task_complete>
        </response><|im_end|>
        <|im_start|>user
        $ ls
        b
        <|im_end|>
        <|im_start|>assistant
        <response>
        <analysis>

        </analysis>
        <plan>

        </plan>
        <commands>
        </commands>
        <task_complete>true</task_complete>
        </response><|im_end|>
    "#]]
    .assert_eq(rendered.text.split_once("Clean up.<|im_end|>\n").unwrap().1);
    expect![[r#"
        Reasoning "<response>\n<analysis>\nEmpty.\n</analysis>\n"
        AssistantText "<plan>\nLook.\n</plan>\n<commands>\n"
        Call "<keystrokes duration=\"0.1\">cd a\n</keystrokes>\n"
        Call "<keystrokes>ls & <a>\n</keystrokes>\n"
        AssistantText "</commands>\n<task_complete>false</task_complete>\n</response>"
        EndOfTurn "<|im_end|>"
        Reasoning "<response>\n<analysis>\n\n</analysis>\n"
        AssistantText "<plan>\n\n</plan>\n<commands>\n"
        Call "</commands>\n<task_complete>true</task_complete>\n</response>"
        EndOfTurn "<|im_end|>"
    "#]]
    .assert_eq(&describe_mask(&rendered));
    let read = TerminusXml.parse_conversation(&rendered.text, None).unwrap();
    assert_eq!(read.tools, owned.tools);
    assert_eq!(read.messages, owned.messages());
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        table += &format!("{}\n", TerminusXml.representable(&owned.sample()).unwrap_err());
    };
    let assistant = |content: Vec<ContentBlock>| Message { role: Role::Assistant, content };
    let ls = || call("a", COMMAND, "{\"keystrokes\": \"ls\\n\"}");
    refuse(vec![assistant(vec![call("a", "search", "{}")])]);
    refuse(vec![assistant(vec![call("a", COMMAND, "{\"keystrokes\": \"</keystrokes>\"}")])]);
    refuse(vec![assistant(vec![call("a", COMMAND, "{\"duration\": 1}")])]);
    refuse(vec![assistant(vec![call("a", COMMAND, "{\"keystrokes\": \"\", \"duration\": \"1\"}")])]);
    refuse(vec![assistant(vec![call("a", COMPLETE, "{}"), ls()])]);
    refuse(vec![assistant(vec![ls()]), Message::user("Go on.")]);
    refuse(vec![Message::assistant("my <plan> is")]);
    refuse(vec![
        assistant(vec![ls(), call("b", COMPLETE, "")]),
        Message::tool(vec![result("a", COMMAND, "x"), result("b", COMPLETE, "y")]),
    ]);
    expect![[r#"
        message 0 (assistant): a call to `search`: the format has `bash_command` and `mark_task_complete` only
        message 0 (assistant): the text holds `</keystrokes>`, which the format cannot escape
        message 0 (assistant): a command without the text of its `keystrokes`
        message 0 (assistant): the `duration` of a command is no number
        message 0 (assistant): a call after `mark_task_complete`, which is always the last
        message 1 (user): a user's message after calls without results would be read as the terminal's screen
        message 0 (assistant): the text holds `<plan`, which the format cannot escape
        message 1 (tool): commands of one reply have one result, the screen: the last has it, those before are empty
    "#]].assert_eq(&table);
}

/// Any conversation as one of an agent with a terminal.
fn adapt(owned: &mut Owned) {
    owned.tools = if owned.tools.is_empty() { Vec::new() } else { tools() };
    let mut nodes: Vec<Node> = Vec::new();
    for mut node in std::mem::take(&mut owned.nodes) {
        let message = Arc::make_mut(&mut node.message);
        let waits = nodes.last().is_some_and(|last| last.message.calls().next().is_some());
        let count =
            message.content.iter().filter(|block| matches!(block, ContentBlock::ToolResult(_))).count();
        for (index, block) in message.content.iter_mut().enumerate() {
            match block {
                ContentBlock::ToolCall(call) => {
                    let whole: Value = serde_json::from_str(call.arguments.as_text()).unwrap_or_default();
                    let text = whole.as_object().and_then(|all| all.values().find_map(Value::as_str));
                    let keystrokes = Value::from(text.unwrap_or("ls\n"));
                    call.name = COMMAND.to_owned();
                    call.arguments = Arguments::from_text(match call.name.len() + text.map_or(0, str::len) {
                        length if length % 3 == 0 => format!("{{\"keystrokes\": {keystrokes}}}"),
                        length => format!("{{\"keystrokes\":{keystrokes},\"duration\":{length}.50}}"),
                    });
                }
                ContentBlock::ToolResult(result) if index + 1 < count => {
                    result.content = vec![ContentBlock::Text { text: String::new() }];
                }
                _ => {}
            }
        }
        if let (Some(ContentBlock::ToolCall(call)), true) = (message.content.last_mut(), count == 0)
            && call.arguments.as_text().len() % 4 == 0
        {
            call.name = COMPLETE.to_owned();
            call.arguments = Arguments::from_text("{}");
        }
        // Only tools answer calls here.
        if waits && message.role == Role::User {
            continue;
        }
        nodes.push(node);
    }
    owned.nodes = nodes;
}

mod xml_laws {
    use super::*;
    laws!(Laws {
        keeps_tools: false,
        adapt,
        ..Laws::of(
            &TerminusXml,
            &[
                "<response>",
                "</response>",
                "<analysis>",
                "</analysis>",
                "<plan>",
                "</plan>",
                "<commands>",
                "</commands>",
                "<keystrokes duration=\"0.1\">",
                "<keystrokes>",
                "</keystrokes>",
                "<task_complete>true</task_complete>",
                "<|im_end|>",
            ]
        )
    });
}

mod json_laws {
    use super::*;
    laws!(Laws {
        keeps_tools: false,
        adapt,
        ..Laws::of(
            &TerminusJson,
            &[
                "{\"analysis\": \"",
                "\", \"plan\": \"",
                "\"commands\": [",
                "{\"keystrokes\": \"",
                "\"duration\": 1}",
                "\"task_complete\": true}",
                "<|im_end|>"
            ]
        )
    });
}

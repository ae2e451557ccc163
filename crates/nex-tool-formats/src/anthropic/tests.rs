use super::*;
use crate::SpanKind;
use crate::laws::{Laws, Owned, describe, describe_mask, laws, weather, weather_tools};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ContentBlock, ImageSource, Message, Role, ToolCall, ToolResult};

fn check(reply: &str, expected: Expect) {
    expected.assert_eq(&describe(&Anthropic.parse(reply, &weather_tools(), ParseOptions::default())));
}

fn call(id: &str, arguments: &str) -> ContentBlock {
    ContentBlock::ToolCall(ToolCall {
        id: id.into(),
        name: "get_weather".to_owned(),
        arguments: Arguments::from_text(arguments),
    })
}

fn text(text: &str) -> ContentBlock {
    ContentBlock::Text { text: text.to_owned() }
}

fn reasoning(text: &str, signature: Option<&str>) -> ContentBlock {
    ContentBlock::Reasoning { text: text.to_owned(), signature: signature.map(str::to_owned) }
}

fn image() -> ContentBlock {
    ContentBlock::Image(ImageSource::Base64 { media_type: "image/png".to_owned(), data: "iVBO".to_owned() })
}

fn result(id: &str, content: Vec<ContentBlock>, is_error: bool) -> ToolResult {
    ToolResult { call_id: id.into(), name: "get_weather".to_owned(), content, is_error }
}

/// Interleaved blocks, results in two messages, pictures, errors, and a message of the runtime.
fn example() -> Owned {
    let mut owned = Owned::of(
        vec![weather()],
        vec![
            Message::system("Be brief."),
            Message {
                role: Role::User,
                content: vec![
                    text("Where is this?"),
                    image(),
                    ContentBlock::Image(ImageSource::Url { url: "https://x/y.png".to_owned() }),
                ],
            },
            Message {
                role: Role::Assistant,
                content: vec![
                    reasoning("Paris?", Some("c2ln")),
                    reasoning("", Some("aGlkZGVu")),
                    text("I ask."),
                    call("toolu_a", "{\"city\":\"Paris\", \"x\": 1.0}"),
                    text("And again."),
                    reasoning("Hm.", None),
                    call("toolu_b", ""),
                ],
            },
            Message::tool(vec![result("toolu_b", vec![text("no city")], true)]),
            Message::tool(vec![result("toolu_a", vec![text("sun"), image()], false)]),
            Message::assistant("Sunny."),
            Message::user("Thanks"),
            Message::assistant("Welcome."),
        ],
    );
    owned.nodes[5].is_synthetic = true;
    owned
}

#[test]
fn a_conversation_is_one_document_of_system_messages_and_tools() {
    let rendered = Anthropic.render(&example().sample(), &RenderOptions::default()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&rendered.text).unwrap();
    expect![[r#"
        {
          "system": "Be brief.",
          "messages": [
            {
              "role": "user",
              "content": [
                {
                  "type": "text",
                  "text": "Where is this?"
                },
                {
                  "type": "image",
                  "source": {
                    "type": "base64",
                    "media_type": "image/png",
                    "data": "iVBO"
                  }
                },
                {
                  "type": "image",
                  "source": {
                    "type": "url",
                    "url": "https://x/y.png"
                  }
                }
              ]
            },
            {
              "role": "assistant",
              "content": [
                {
                  "type": "thinking",
                  "thinking": "Paris?",
                  "signature": "c2ln"
                },
                {
                  "type": "redacted_thinking",
                  "data": "aGlkZGVu"
                },
                {
                  "type": "text",
                  "text": "I ask."
                },
                {
                  "type": "tool_use",
                  "id": "toolu_a",
                  "name": "get_weather",
                  "input": {
                    "city": "Paris",
                    "x": 1.0
                  }
                },
                {
                  "type": "text",
                  "text": "And again."
                },
                {
                  "type": "thinking",
                  "thinking": "Hm."
                },
                {
                  "type": "tool_use",
                  "id": "toolu_b",
                  "name": "get_weather",
                  "input": {}
                }
              ]
            },
            {
              "role": "user",
              "content": [
                {
                  "type": "tool_result",
                  "tool_use_id": "toolu_b",
                  "content": "no city",
                  "is_error": true
                },
                {
                  "type": "tool_result",
                  "tool_use_id": "toolu_a",
                  "content": [
                    {
                      "type": "text",
                      "text": "sun"
                    },
                    {
                      "type": "image",
                      "source": {
                        "type": "base64",
                        "media_type": "image/png",
                        "data": "iVBO"
                      }
                    }
                  ]
                }
              ]
            },
            {
              "role": "assistant",
              "content": "Sunny."
            },
            {
              "role": "user",
              "content": "Thanks"
            },
            {
              "role": "assistant",
              "content": "Welcome."
            }
          ],
          "tools": [
            {
              "name": "get_weather",
              "description": "Weather of a city.",
              "input_schema": {
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
        }"#]]
    .assert_eq(&format!("{document:#}"));
    expect![[r#"
        Call "{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Paris?\",\"signature\":\"c2ln\"},{\"type\":\"redacted_thinking\",\"data\":\"aGlkZGVu\"},{\"type\":\"text\",\"text\":\"I ask.\"},{\"type\":\"tool_use\",\"id\":\"toolu_a\",\"name\":\"get_weather\",\"input\":{\"city\":\"Paris\", \"x\": 1.0}},{\"type\":\"text\",\"text\":\"And again.\"},{\"type\":\"thinking\",\"thinking\":\"Hm.\"},{\"type\":\"tool_use\",\"id\":\"toolu_b\",\"name\":\"get_weather\",\"input\":{}}]}"
        AssistantText "{\"role\":\"assistant\",\"content\":\"Welcome.\"}"
    "#]].assert_eq(&describe_mask(&rendered));
    let kinds: Vec<SpanKind> =
        rendered.spans.iter().map(|span| span.kind).filter(|kind| *kind != SpanKind::Scaffold).collect();
    use SpanKind::{AssistantText, Call, Observation, System, User};
    assert_eq!(kinds, [System, User, Call, Observation, AssistantText, User, AssistantText]);
}

#[test]
fn signatures_order_errors_and_pictures_come_back() {
    let owned = example();
    let rendered = Anthropic.render(&owned.sample(), &RenderOptions::default()).unwrap();
    let mut sent = owned.messages();
    // All results of a turn are one user turn; empty arguments are an empty object.
    let ContentBlock::ToolCall(empty) = &mut sent[2].content[6] else { panic!("a call") };
    empty.arguments = Arguments::from_text("{}");
    let more = sent.remove(4).content;
    sent[3].content.extend(more);
    assert_eq!(Anthropic.parse_conversation(&rendered.text, None).unwrap().messages, sent);
}

#[test]
fn interleaved_text_and_calls_keep_their_order() {
    check(
        r#"{"id":"msg_1","role":"assistant","content":[{"type":"thinking","thinking":"Two.","signature":"s"},{"type":"redacted_thinking","data":"x"},{"type":"text","text":"One"},{"type":"text","text":"more"},{"type":"tool_use","id":"a","name":"get_weather","input":{"city" : "Paris","n":1.0}},{"type":"text","text":"Two"},{"type":"tool_use","id":"b","name":"get_weather","input":{}}],"stop_reason":"tool_use"}"#,
        expect![[r#"
            reasoning "Two."
            text "One\nmore"
            call get_weather {"city" : "Paris","n":1.0} at 197..281 id a
            text "Two"
            call get_weather {} at 311..371 id b
            defect MissingArgument at 311: `get_weather` needs the argument `city`
        "#]],
    );
}

#[test]
fn one_wrong_block_does_not_lose_the_others() {
    check(
        r#"{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":[1]},{"type":"tool_use","input":{}},{"type":"server_tool_use","id":"s"},7,{"type":"tool_use","id":"a","name":"get_weather"},{"type":"tool_result","tool_use_id":"a"}]}"#,
        expect![[r#"
            call f [1] at 31..82 id a
            text "{\"type\":\"tool_use\",\"input\":{}}{\"type\":\"server_tool_use\",\"id\":\"s\"}7"
            call get_weather  at 152..201 id a
            text "{\"type\":\"tool_result\",\"tool_use_id\":\"a\"}"
            defect MalformedCall at 31: `input` is not an object
            defect UnknownTool at 31: there is no tool `f`
            defect MalformedCall at 83: a `tool_use` block has no `name`
            defect MalformedCall at 114: a block of type `server_tool_use` has no place in a trajectory
            defect MalformedCall at 150: not a content block: it is no object with a `type`
            defect MalformedCall at 152: `input` is not an object
            defect MissingArgument at 152: `get_weather` needs the argument `city`
            defect DuplicateCallId at 152: another call of this reply has the id `a` too
            defect MalformedCall at 202: an assistant message holds text, reasoning and calls only
        "#]],
    );
}

#[test]
fn a_string_is_text_and_a_reply_that_is_no_message_stays_text() {
    check(
        r#"{"role":"assistant","content":"Hi"}"#,
        expect![[r#"
        text "Hi"
    "#]],
    );
    check(
        r#"{"role":"assistant","content":"Hi"#,
        expect![[r#"
        text "{\"role\":\"assistant\",\"content\":\"Hi"
        defect InvalidJson at 0: not an assistant message: EOF while parsing a string at line 1 column 33
    "#]],
    );
    check(
        r#"{"role":"assistant","content":{}}"#,
        expect![[r#"
            text "{\"role\":\"assistant\",\"content\":{}}"
            defect MalformedCall at 0: not an assistant message: its `content` is neither text nor a list of blocks
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
fn results_beside_the_users_words_are_taken_apart() {
    let document = r#"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"},{"type":"text","text":"Go on"}]}]}"#;
    let messages = Anthropic.parse_conversation(document, None).unwrap().messages;
    let nameless = ToolResult { name: String::new(), ..result("a", Vec::new(), false) };
    assert_eq!(messages, [Message::tool(vec![nameless]), Message::user("Go on")]);
}

#[test]
fn documents_that_are_none_say_where_and_why() {
    let mut table = String::new();
    for text in [
        "[1]",
        r#"{"messages":[{"role":"robot","content":""}]}"#,
        r#"{"messages":[{"role":"user","content":7}]}"#,
        r#"{"system":{},"messages":[]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}"#,
        r#"{"messages":[{"role":"user","content":[{"type":"image"}]}]}"#,
    ] {
        table += &format!("{}\n", Anthropic.parse_conversation(text, None).unwrap_err());
    }
    expect![[r#"
        byte 2: not a document of `system`, `messages` and `tools`: invalid length 1, expected an object at line 1 column 3
        byte 13: unknown role `robot`; it is user or assistant
        byte 13: not a message: its `content` is neither text nor a list of blocks
        byte 10: its `content` is neither text nor a list of blocks
        byte 13: a `tool_result` block has no `tool_use_id`
        byte 13: a `image` block has no `source`
    "#]].assert_eq(&table);
}

#[test]
fn what_would_not_survive_is_refused_with_the_reason() {
    let mut table = String::new();
    let mut refuse = |messages: Vec<Message>| {
        let owned = Owned::of(Vec::new(), messages);
        table += &format!("{}\n", Anthropic.representable(&owned.sample()).unwrap_err());
    };
    let says = |role, blocks: Vec<ContentBlock>| Message { role, content: blocks };
    refuse(vec![Message::user("Hi"), Message::system("Late")]);
    refuse(vec![says(Role::System, vec![image()])]);
    refuse(vec![says(Role::Assistant, vec![call("a", "{broken")])]);
    refuse(vec![says(Role::Assistant, vec![call("a", "[1]")])]);
    refuse(vec![says(Role::Assistant, vec![image()])]);
    refuse(vec![says(Role::User, vec![call("a", "{}")])]);
    refuse(vec![says(Role::Tool, vec![text("x")])]);
    refuse(vec![says(Role::Tool, Vec::new())]);
    expect![[r#"
        message 1 (system): a system message that is not the first: the format has one, in front
        message 0 (system): only text and pictures have a place here
        message 0 (assistant): the arguments of call `a` to `get_weather` are not JSON
        message 0 (assistant): the arguments of call `a` to `get_weather` are not an object
        message 0 (assistant): an assistant message holds text, reasoning and calls only
        message 0 (user): only text and pictures have a place here
        message 0 (tool): a tool message holds results only
        message 0 (tool): a tool message without a result
    "#]]
    .assert_eq(&table);
}

laws!(Laws {
    keeps_errors: true,
    ..Laws::of(
        &Anthropic,
        &[
            "{\"role\":\"assistant\",\"content\":[",
            "{\"type\":\"text\",\"text\":\"a\"},",
            "{\"type\":\"tool_use\",\"id\":\"i\",\"name\":\"f\",\"input\":",
            "{\"type\":\"thinking\",\"thinking\":\"",
            "]}"
        ]
    )
});

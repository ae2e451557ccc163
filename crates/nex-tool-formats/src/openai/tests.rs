use super::*;
use crate::laws::{Laws, Owned, laws, weather};
use crate::{ParsedReply, SpanKind, by_name};
use expect_test::expect;
use nex_trajectory::{Arguments, ContentBlock, DefectKind, ImageSource, Message, Role, ToolCall, ToolResult};

fn example() -> Owned {
    let call = |id: &str, arguments: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: id.into(),
            name: "get_weather".to_owned(),
            arguments: Arguments::from_text(arguments),
        })
    };
    let mut owned = Owned::of(
        vec![weather()],
        vec![
            Message::system("Be brief."),
            Message {
                role: Role::User,
                content: vec![
                    ContentBlock::Text { text: "Where is this?".to_owned() },
                    ContentBlock::Image(ImageSource::Base64 {
                        media_type: "image/png".to_owned(),
                        data: "iVBO".to_owned(),
                    }),
                ],
            },
            Message {
                role: Role::Assistant,
                content: vec![
                    ContentBlock::Reasoning { text: "Paris.".to_owned(), signature: None },
                    call("a", "{\"city\": \"Paris\", \"x\": 1.0}"),
                    call("b", "{not json"),
                ],
            },
            Message::tool(vec![ToolResult {
                call_id: "a".into(),
                name: "get_weather".to_owned(),
                content: vec![ContentBlock::Text { text: "sun".to_owned() }],
                is_error: true,
            }]),
            Message::assistant("Sunny."),
        ],
    );
    owned.nodes[4].is_synthetic = true;
    owned
}

#[test]
fn a_conversation_is_one_document_of_messages_and_tools() {
    let rendered = OpenAi.render(&example().sample(), &RenderOptions::default()).unwrap();
    let document: serde_json::Value = serde_json::from_str(&rendered.text).unwrap();
    expect![[r#"
        {
          "messages": [
            {
              "role": "system",
              "content": "Be brief."
            },
            {
              "role": "user",
              "content": [
                {
                  "type": "text",
                  "text": "Where is this?"
                },
                {
                  "type": "image_url",
                  "image_url": {
                    "url": "data:image/png;base64,iVBO"
                  }
                }
              ]
            },
            {
              "role": "assistant",
              "reasoning_content": "Paris.",
              "content": null,
              "tool_calls": [
                {
                  "id": "a",
                  "type": "function",
                  "function": {
                    "name": "get_weather",
                    "arguments": "{\"city\": \"Paris\", \"x\": 1.0}"
                  }
                },
                {
                  "id": "b",
                  "type": "function",
                  "function": {
                    "name": "get_weather",
                    "arguments": "{not json"
                  }
                }
              ]
            },
            {
              "role": "tool",
              "tool_call_id": "a",
              "name": "get_weather",
              "content": "sun"
            },
            {
              "role": "assistant",
              "content": "Sunny.",
              "weight": 0
            }
          ],
          "tools": [
            {
              "type": "function",
              "function": {
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
            }
          ]
        }"#]]
    .assert_eq(&format!("{document:#}"));
    let kinds: Vec<(SpanKind, bool)> = rendered
        .spans
        .iter()
        .filter(|span| span.kind != SpanKind::Scaffold)
        .map(|span| (span.kind, span.is_trainable))
        .collect();
    assert_eq!(
        kinds,
        [
            (SpanKind::System, false),
            (SpanKind::User, false),
            (SpanKind::Call, true),
            (SpanKind::Observation, false),
            (SpanKind::AssistantText, false),
        ]
    );
}

fn parse(reply: &str) -> ParsedReply {
    OpenAi.parse(reply, &Toolset::default(), ParseOptions::default())
}

#[test]
fn one_wrong_call_does_not_lose_the_others() {
    let reply = parse(
        r#"{"role":"assistant","content":"Hm","tool_calls":[{"id":"a","function":{"name":"f","arguments":""}},{"id":"b"},{"function":{"name":"g","arguments":{"x": 1.0}}}]}"#,
    );
    let calls: Vec<(Option<&str>, &str, &str)> = reply
        .calls()
        .map(|call| (call.id.as_ref().map(|id| id.as_str()), call.name.as_str(), call.arguments.as_text()))
        .collect();
    assert_eq!(calls, [(Some("a"), "f", ""), (None, "g", "{\"x\": 1.0}")]);
    assert_eq!(reply.text(), "Hm\n{\"id\":\"b\"}");
    let defects: Vec<(DefectKind, Option<u64>)> =
        reply.defects.iter().map(|defect| (defect.kind, defect.offset_bytes)).collect();
    assert_eq!(defects, [(DefectKind::MalformedCall, Some(99)), (DefectKind::MalformedCall, Some(110))]);
}

#[test]
fn a_reply_that_is_no_json_stays_text() {
    let reply = parse("{\"role\": ");
    assert_eq!(reply.text(), "{\"role\": ");
    assert_eq!(reply.defects[0].kind, DefectKind::InvalidJson);
}

#[test]
fn documents_that_are_none_say_where_and_why() {
    let error = |text: &str| OpenAi.parse_conversation(text, None).unwrap_err().to_string();
    expect!["byte 1: not a document"].assert_eq(&error("[1]")[..22]);
    assert_eq!(
        error(r#"{"messages":[{"role":"robot","content":""}]}"#),
        "byte 13: unknown role `robot`; it is system, user, assistant or tool"
    );
    assert_eq!(
        error(r#"{"messages":[{"role":"tool","content":""}]}"#),
        "byte 13: a tool message has no `tool_call_id`"
    );
}

#[test]
fn formats_are_found_by_name_and_an_unknown_one_lists_them() {
    let names: Vec<&str> = crate::all().iter().map(|format| format.name()).collect();
    for format in crate::all() {
        assert_eq!(by_name(format.name()).unwrap().name(), format.name());
    }
    let error = by_name("hermit").unwrap_err();
    let expected = format!("unknown tool-call format `hermit`; known formats: {}", names.join(", "));
    assert_eq!(error.to_string(), expected);
}

laws!(Laws {
    ..Laws::of(
        &OpenAi,
        &[
            "{\"role\":\"assistant\",\"content\":",
            "\"tool_calls\":[",
            "null",
            "{\"function\":{\"name\":\"f\"}}"
        ]
    )
});

//! Anthropic messages, whole and as event streams.

use crate::mock::{self, Act, Mock, Talk, json, pretty, stream, weather};
use expect_test::expect;
use nex_llm::{AnthropicMessages, ApiKey, ChatModel, ChatReply, LlmError, ModelConfig};
use nex_trajectory::{
    Arguments, ContentBlock, FinishReason, ImageSource, Message, Role, ToolCall, ToolResult,
};
use std::sync::Arc;

const STREAM: &str = concat!(
    "event: message_start\n",
    r#"data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c-4","content":[],"stop_reason":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":5,"output_tokens":1}}}"#,
    "\n\n",
    "event: content_block_start\n",
    r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Which "}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"city?"}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"Sig=="}}"#,
    "\n\n",
    r#"data: {"type":"content_block_stop","index":0}"#,
    "\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    r#"data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Enc"}}"#,
    "\n\n",
    r#"data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Köln "}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"🙂"}}"#,
    "\n\n",
    r#"data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"weather","input":{}}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"n\": 1.0, \"city\""}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":": \"Köln\"}"}}"#,
    "\n\n",
    r#"data: {"type":"content_block_start","index":4,"content_block":{"type":"server_tool_use","id":"x","name":"web","input":{}}}"#,
    "\n\n",
    r#"data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
    "\n\n",
    r#"data: {"type":"content_block_start","index":5,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}"#,
    "\n\n",
    r#"data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":21}}"#,
    "\n\n",
    r#"data: {"type":"something_new"}"#,
    "\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

/// What [`STREAM`] says, in one piece.
const WHOLE: &str = r#"{"id":"m","type":"message","role":"assistant","model":"c-4","content":[
    {"type":"thinking","thinking":"Which city?","signature":"Sig=="},{"type":"redacted_thinking","data":"Enc"},
    {"type":"text","text":"Köln 🙂"},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"n": 1.0, "city": "Köln"}},
    {"type":"server_tool_use","id":"x","name":"web","input":{}},{"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
    "stop_reason":"tool_use","usage":{"input_tokens":10,"cache_creation_input_tokens":2,"cache_read_input_tokens":5,"output_tokens":21}}"#;

fn hello() -> Talk {
    Talk::new(vec![Message::user("hi")])
}

fn model(mock: &Mock, stream: bool) -> AnthropicMessages {
    let config = ModelConfig {
        base_url: Some(format!("{}/v1/", mock.address)),
        api_key: Some(ApiKey::new("sk-ant")),
        stream,
        ..ModelConfig::default()
    };
    AnthropicMessages::new("c", &config).expect("a model")
}

async fn ask_of(plan: Vec<Act>) -> Result<ChatReply, LlmError> {
    let mock = Mock::start(vec![plan]).await;
    mock::ask(&model(&mock, true), &hello()).await
}

#[tokio::test]
async fn a_stream_gives_what_the_whole_reply_gives() {
    let streamed = ask_of(stream(&[STREAM.as_bytes()])).await.expect("a reply");
    assert_eq!(streamed, ask_of(json(WHOLE)).await.expect("a reply"));
    expect![[r#"
        {
          "message": {
            "role": "assistant",
            "content": [
              {
                "type": "reasoning",
                "text": "Which city?",
                "signature": "Sig=="
              },
              {
                "type": "reasoning",
                "text": "",
                "signature": "redacted:Enc"
              },
              {
                "type": "text",
                "text": "Köln 🙂"
              },
              {
                "type": "tool_call",
                "id": "toolu_1",
                "name": "weather",
                "arguments": "{\"n\": 1.0, \"city\": \"Köln\"}"
              },
              {
                "type": "tool_call",
                "id": "toolu_2",
                "name": "now",
                "arguments": "{}"
              }
            ]
          },
          "finish_reason": "tool_calls",
          "usage": {
            "prompt_tokens": 17,
            "completion_tokens": 21,
            "reasoning_tokens": 0,
            "cached_tokens": 5
          },
          "timing": {
            "start_ms": 0,
            "duration_ms": 0
          },
          "model": {
            "provider": "anthropic",
            "model": "c-4"
          },
          "attempts": 1
        }"#]]
    .assert_eq(&pretty(&streamed));
}

#[tokio::test]
async fn a_stream_split_anywhere_gives_the_same_reply() {
    let bytes = STREAM.as_bytes();
    let mock =
        Mock::start((0..=bytes.len()).map(|place| stream(&[&bytes[..place], &bytes[place..]])).collect())
            .await;
    let model = model(&mock, true);
    let expected = ask_of(json(WHOLE)).await;
    for place in 0..=bytes.len() {
        assert_eq!(mock::ask(&model, &hello()).await, expected, "split at {place}");
    }
}

#[tokio::test]
async fn a_cut_stream_is_whole_or_nothing() {
    let Act::Write(whole) = stream(&[STREAM.as_bytes()]).remove(0) else { unreachable!("a stream writes") };
    let plan = |length: usize| vec![Act::Write(whole[..length].to_vec()), Act::Close];
    let mock = Mock::start((0..=whole.len()).map(plan).collect()).await;
    let model = model(&mock, true);
    let expected = ask_of(json(WHOLE)).await;
    let mut whole_count = 0;
    for length in 0..=whole.len() {
        match mock::ask(&model, &hello()).await {
            Err(LlmError::BrokenReply { .. }) => {}
            reply => {
                assert_eq!(reply, expected, "cut at {length}");
                whole_count += 1;
            }
        }
    }
    // Whole from the moment that `message_stop` came: 7 bytes of framing follow.
    assert_eq!(whole_count, 8);
}

#[tokio::test]
async fn errors_inside_a_stream_and_a_body_have_their_class() {
    let kind = async |kind: &str| {
        let error = format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"m"}}}}"#);
        let streamed = ask_of(stream(&[format!("event: error\ndata: {error}\n\n").as_bytes()])).await;
        let whole = ask_of(json(&error)).await;
        let (streamed, whole) = (streamed.expect_err("an error"), whole.expect_err("an error"));
        assert_eq!(streamed.kind(), whole.kind());
        streamed.kind()
    };
    assert_eq!(kind("overloaded_error").await, "model_server_error");
    assert_eq!(kind("api_error").await, "model_server_error");
    assert_eq!(kind("rate_limit_error").await, "rate_limited");
    assert_eq!(kind("authentication_error").await, "unauthorized");
    assert_eq!(kind("permission_error").await, "unauthorized");
    assert_eq!(kind("invalid_request_error").await, "request_rejected");
    assert_eq!(kind("request_too_large").await, "context_too_long");
    assert_eq!(ask_of(json("{}")).await.expect_err("no reply").kind(), "broken_reply");
    assert_eq!(ask_of(json(r#"{"content":[]}"#)).await.expect_err("no stop reason").kind(), "broken_reply");
}

#[tokio::test]
async fn stop_reasons_have_their_names() {
    for (wire, expected) in [
        ("end_turn", FinishReason::Stop),
        ("stop_sequence", FinishReason::Stop),
        ("max_tokens", FinishReason::Length),
        ("refusal", FinishReason::ContentFilter),
        ("pause_turn", FinishReason::Other("pause_turn".into())),
    ] {
        let reply =
            ask_of(json(&format!(r#"{{"content":[{{"type":"text","text":"x"}}],"stop_reason":"{wire}"}}"#)))
                .await;
        assert_eq!(reply.expect("a reply").finish_reason, expected);
    }
}

#[tokio::test]
async fn the_second_turn_only_appends() {
    let mock = Mock::start(vec![json(WHOLE)]).await;
    let model = model(&mock, false);
    let mut talk = Talk::new(vec![Message::system("Be \"brief\"."), Message::user("Wetter?")])
        .with_tools(vec![weather()]);
    let reply = model.complete(&talk.request()).await.expect("a reply");
    talk.transcript.push(Arc::new(reply.message));
    let text = |text: &str| ContentBlock::Text { text: text.into() };
    let picture =
        ContentBlock::Image(ImageSource::Base64 { media_type: "image/png".into(), data: "AAAA".into() });
    let result = |id: &str, content, is_error| ToolResult {
        call_id: id.into(),
        name: "weather".into(),
        content,
        is_error,
    };
    talk.transcript.push(Arc::new(Message::tool(vec![
        result("toolu_1", vec![text("rain"), picture], false),
        result("toolu_2", vec![], true),
    ])));
    talk.transcript.push(Arc::new(Message::system("Hurry.")));
    model.complete(&talk.request()).await.expect("a reply");
    talk.transcript.push(Arc::new(Message::user("Now.")));
    model.complete(&talk.request()).await.expect("a reply");
    let asked = mock.asked();
    assert!(asked[0].head.starts_with("post /v1/messages http/1.1"));
    assert!(
        asked[0].head.contains("x-api-key: sk-ant")
            && asked[0].head.contains("anthropic-version: 2023-06-01")
    );
    expect![[r#"{"model":"c","max_tokens":8192,"system":[{"type":"text","text":"Be \"brief\"."}],"tools":[{"name":"weather","description":"Weather of a \"city\"","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}],"messages":[{"role":"user","content":[{"type":"text","text":"Wetter?"}]}]}"#]].assert_eq(&asked[0].body);
    expect![[r#"{"model":"c","max_tokens":8192,"system":[{"type":"text","text":"Be \"brief\"."}],"tools":[{"name":"weather","description":"Weather of a \"city\"","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}],"messages":[{"role":"user","content":[{"type":"text","text":"Wetter?"}]},{"role":"assistant","content":[{"type":"thinking","thinking":"Which city?","signature":"Sig=="},{"type":"redacted_thinking","data":"Enc"},{"type":"text","text":"Köln 🙂"},{"type":"tool_use","id":"toolu_1","name":"weather","input":{"n": 1.0, "city": "Köln"}},{"type":"tool_use","id":"toolu_2","name":"now","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"rain"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"type":"tool_result","tool_use_id":"toolu_2","is_error":true},{"type":"text","text":"Hurry."}]}]}"#]].assert_eq(&asked[1].body);
    for turn in 1..asked.len() {
        let before = asked[turn - 1].body.strip_suffix("]}]}").expect("an open end");
        assert!(asked[turn].body.starts_with(before), "turn {turn}");
    }
    assert!(asked[2].body.ends_with(r#"{"type":"text","text":"Hurry."},{"type":"text","text":"Now."}]}]}"#));
}

#[tokio::test]
async fn what_the_wire_does_not_allow_is_put_as_near_as_it_goes() {
    let mock = Mock::start(vec![json(WHOLE)]).await;
    let call = |id: &str, name: &str, arguments: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: Arguments::from_text(arguments),
        })
    };
    let mut talk = Talk::new(vec![
        Message::user(" "),
        Message {
            role: Role::Assistant,
            content: vec![
                ContentBlock::Reasoning { text: "of another model".into(), signature: None },
                call("functions.f:0", "no such tool!", "{\"a\": 12345678901234567890}"),
                call("b", "f", "[1]"),
                call("c", "f", ""),
                call("d", "", "{bad"),
            ],
        },
        Message::tool(vec![ToolResult {
            call_id: "functions.f:0".into(),
            name: "f".into(),
            content: vec![],
            is_error: false,
        }]),
        Message { role: Role::Assistant, content: vec![] },
        Message {
            role: Role::User,
            content: vec![ContentBlock::Image(ImageSource::Url { url: "http://x".into() })],
        },
    ]);
    talk.sampling = serde_json::from_str(r#"{"temperature":0.5,"top_p":0.9,"stop":["END"],"seed":7,"logprobs":true,"extra":{"max_tokens":5,"thinking":{"type":"enabled","budget_tokens":1024}}}"#).expect("sampling");
    model(&mock, true).complete(&talk.request()).await.expect("a reply");
    expect![[r#"{"model":"c","temperature":0.5,"top_p":0.9,"stop_sequences":["END"],"max_tokens":5,"thinking":{"type":"enabled","budget_tokens":1024},"stream":true,"messages":[{"role":"user","content":[{"type":"text","text":"[empty]"}]},{"role":"assistant","content":[{"type":"tool_use","id":"functions_f_0","name":"no_such_tool_","input":{"a": 12345678901234567890}},{"type":"tool_use","id":"b","name":"f","input":{"_unparsed":"[1]"}},{"type":"tool_use","id":"c","name":"f","input":{}},{"type":"tool_use","id":"d","name":"_","input":{"_unparsed":"{bad"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"functions_f_0"}]},{"role":"assistant","content":[{"type":"text","text":"[empty]"}]},{"role":"user","content":[{"type":"image","source":{"type":"url","url":"http://x"}}]}]}"#]].assert_eq(&mock.asked()[0].body);
}

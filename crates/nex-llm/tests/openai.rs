//! Chat completions over real HTTP against a scripted server.

mod mock;

use expect_test::expect;
use mock::{Mock, Talk, json, weather};
use nex_llm::{ChatModel, ChatReply, ModelConfig, OpenAiChat};
use nex_trajectory::{Arguments, ContentBlock, FinishReason, Message, Role, ToolCall, ToolResult};
use std::sync::Arc;

fn config(mock: &Mock) -> ModelConfig {
    ModelConfig { base_url: Some(format!("{}/v1", mock.address)), ..ModelConfig::default() }
}

/// Asks once and gives the reply with its times taken out, which differ from run to run.
async fn ask(body: &str, talk: &Talk) -> (Result<ChatReply, nex_llm::LlmError>, Mock) {
    let mock = Mock::start(vec![json(body)]).await;
    let model = OpenAiChat::new("m-1", &config(&mock)).expect("a model");
    let reply = model.complete(&talk.request()).await.map(|mut reply| {
        reply.timing = Default::default();
        reply
    });
    (reply, mock)
}

const FULL: &str = r#"{"id":"x","object":"chat.completion","model":"m-1-0711","choices":[{"index":0,"message":{
"role":"assistant","content":"I look.\n","reasoning_content":"Which city?","refusal":null,"tool_calls":[
{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"b\":1.0,\"a\":\"007\",\"n\":12345678901234567890}"}},
{"id":"call_b","type":"function","function":{"name":"weather","arguments":"{not json"}}]},
"logprobs":null,"finish_reason":"tool_calls"}],
"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}"#;

#[tokio::test]
async fn a_full_reply_keeps_order_and_exact_arguments() {
    let (reply, mock) = ask(FULL, &Talk::new(vec![Message::user("hi")])).await;
    let reply = reply.expect("a reply");
    expect![[r#"
        {
          "message": {
            "role": "assistant",
            "content": [
              {
                "type": "reasoning",
                "text": "Which city?"
              },
              {
                "type": "text",
                "text": "I look.\n"
              },
              {
                "type": "tool_call",
                "id": "call_a",
                "name": "weather",
                "arguments": "{\"b\":1.0,\"a\":\"007\",\"n\":12345678901234567890}"
              },
              {
                "type": "tool_call",
                "id": "call_b",
                "name": "weather",
                "arguments": "{not json"
              }
            ]
          },
          "finish_reason": "tool_calls",
          "usage": {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "reasoning_tokens": 3,
            "cached_tokens": 4
          },
          "timing": {
            "start_ms": 0,
            "duration_ms": 0
          },
          "model": {
            "provider": "openai",
            "model": "m-1-0711"
          },
          "attempts": 1
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&reply).expect("serialises"));
    assert!(mock.asked()[0].head.starts_with("post /v1/chat/completions http/1.1"));
    assert!(!mock.asked()[0].head.contains("authorization"));
}

#[tokio::test]
async fn the_second_turn_only_appends() {
    let mock = Mock::start(vec![json(FULL)]).await;
    let model = OpenAiChat::new("m-1", &config(&mock)).expect("a model");
    let mut talk = Talk::new(vec![Message::system("Be \"brief\"."), Message::user("Wetter in Köln?")])
        .with_tools(vec![weather()]);
    talk.sampling.temperature = Some(0.7);
    let reply = model.complete(&talk.request()).await.expect("a reply");
    talk.transcript.push(Arc::new(reply.message));
    talk.transcript.push(Arc::new(Message::tool(vec![
        ToolResult {
            call_id: "call_a".into(),
            name: "weather".into(),
            content: vec![ContentBlock::Text { text: "rain".into() }],
            is_error: false,
        },
        ToolResult { call_id: "call_b".into(), name: "weather".into(), content: vec![], is_error: true },
    ])));
    model.complete(&talk.request()).await.expect("a reply");
    let asked = mock.asked();
    expect![[r#"{"model":"m-1","messages":[{"role":"system","content":"Be \"brief\"."},{"role":"user","content":"Wetter in Köln?"}],"tools":[{"type":"function","function":{"name":"weather","description":"Weather of a \"city\"","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],"temperature":0.7}"#]].assert_eq(&asked[0].body);
    expect![[r#"{"model":"m-1","messages":[{"role":"system","content":"Be \"brief\"."},{"role":"user","content":"Wetter in Köln?"},{"role":"assistant","content":"I look.\n","tool_calls":[{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"b\":1.0,\"a\":\"007\",\"n\":12345678901234567890}"}},{"id":"call_b","type":"function","function":{"name":"weather","arguments":"{\"_unparsed\":\"{not json\"}"}}]},{"role":"tool","tool_call_id":"call_a","content":"rain"},{"role":"tool","tool_call_id":"call_b","content":""}],"tools":[{"type":"function","function":{"name":"weather","description":"Weather of a \"city\"","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}],"temperature":0.7}"#]].assert_eq(&asked[1].body);
    let messages = |body: &str| body.split("],\"tools\":").next().expect("a body").to_owned();
    assert!(messages(&asked[1].body).starts_with(&messages(&asked[0].body)));
}

#[tokio::test]
async fn calls_without_an_id_or_with_one_twice_get_one_made() {
    let body = r#"{"choices":[{"message":{"tool_calls":[{"function":{"name":"a","arguments":{"x": 1}}},{"id":"","function":{"name":"b"}},{"id":"c","function":{"name":"c"}},{"id":"c","function":{"name":"d"}}]}}]}"#;
    let (reply, _) = ask(body, &Talk::new(vec![Message::user("hi")])).await;
    let reply = reply.expect("a reply");
    assert_eq!(reply.finish_reason, FinishReason::ToolCalls);
    let call = |id: &str, name: &str, arguments: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: Arguments::from_text(arguments),
        })
    };
    let expected = vec![
        call("call_1_0", "a", "{\"x\": 1}"),
        call("call_1_1", "b", ""),
        call("c", "c", ""),
        call("call_1_3", "d", ""),
    ];
    assert_eq!(reply.message, Message { role: Role::Assistant, content: expected });
    assert_eq!(reply.defects.len(), 1);
    assert_eq!(reply.model.model, "m-1");
}

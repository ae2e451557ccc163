//! Chat completions over real HTTP against a scripted server.

use crate::mock::{self, Mock, Talk, json, pretty, weather};
use expect_test::expect;
use nex_llm::{ApiKey, ChatModel, ChatReply, LlmError, ModelConfig, OpenAiChat, ReasoningEcho, Sampling};
use nex_trajectory::{
    Arguments, ContentBlock, FinishReason, ImageSource, Message, Role, ToolCall, ToolResult,
};
use std::sync::Arc;

fn config(mock: &Mock) -> ModelConfig {
    ModelConfig { base_url: Some(format!("{}/v1", mock.address)), ..ModelConfig::default() }
}

/// Asks a server once that answers `body`.
async fn ask(body: &str, talk: &Talk) -> (Result<ChatReply, LlmError>, Mock) {
    let mock = Mock::start(vec![json(body)]).await;
    let model = OpenAiChat::new("m-1", &config(&mock)).expect("a model");
    (mock::ask(&model, talk).await, mock)
}

fn hello() -> Talk {
    Talk::new(vec![Message::user("hi")])
}

const FULL: &str = r#"{"id":"x","object":"chat.completion","model":"m-1-0711","choices":[{"index":0,"message":{
"role":"assistant","content":"I look.\n","reasoning_content":"Which city?","refusal":null,"tool_calls":[
{"id":"call_a","type":"function","function":{"name":"weather","arguments":"{\"b\":1.0,\"a\":\"007\",\"n\":12345678901234567890}"}},
{"id":"call_b","type":"function","function":{"name":"weather","arguments":"{not json"}}]},
"logprobs":null,"finish_reason":"tool_calls"}],
"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}"#;

#[tokio::test]
async fn a_full_reply_keeps_order_and_exact_arguments() {
    let (reply, mock) = ask(FULL, &hello()).await;
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
    .assert_eq(&pretty(&reply));
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
    let (reply, _) = ask(body, &hello()).await;
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

#[tokio::test]
async fn parts_refusals_pictures_and_objects_are_read() {
    let body = r#"{"choices":[{"index":1,"message":{"content":"other"}},{"index":0,"finish_reason":"stop","message":{
        "content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a\u00e4"},{"type":"refusal","refusal":" no"}],
        "images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"image_url":{"url":"http://x/y.png"}}]}}]}"#;
    let (reply, _) = ask(body, &hello()).await;
    let reply = reply.expect("a reply");
    assert_eq!(reply.finish_reason, FinishReason::ContentFilter);
    expect![[r#"{"role":"assistant","content":[{"type":"reasoning","text":"hm"},{"type":"text","text":"aä no"},{"type":"image","source":"base64","media_type":"image/png","data":"AAAA"},{"type":"image","source":"url","url":"http://x/y.png"}]}"#]].assert_eq(&serde_json::to_string(&reply.message).expect("serialises"));
    let (reply, _) = ask(
        r#"{"choices":[{"message":{"content":null,"refusal":"I will not"},"finish_reason":"stop"}]}"#,
        &hello(),
    )
    .await;
    let reply = reply.expect("a reply");
    assert_eq!(
        (reply.message.text().as_str(), reply.finish_reason),
        ("I will not", FinishReason::ContentFilter)
    );
}

#[tokio::test]
async fn finish_reasons_have_their_names() {
    for (wire, expected) in [
        ("\"stop\"", FinishReason::Stop),
        ("\"length\"", FinishReason::Length),
        ("\"tool_calls\"", FinishReason::ToolCalls),
        ("\"content_filter\"", FinishReason::ContentFilter),
        ("\"abort\"", FinishReason::Other("abort".into())),
        ("null", FinishReason::Stop),
    ] {
        let (reply, _) = ask(
            &format!(r#"{{"choices":[{{"message":{{"content":"x"}},"finish_reason":{wire}}}]}}"#),
            &hello(),
        )
        .await;
        assert_eq!(reply.expect("a reply").finish_reason, expected);
    }
}

#[tokio::test]
async fn token_ids_and_logprobs_make_a_span_only_together() {
    let body = |choice: &str| {
        format!(
            r#"{{"prompt_token_ids":[1,2,3],"choices":[{{"message":{{"content":"x"}},"finish_reason":"stop",{choice}}}]}}"#
        )
    };
    let logprobs = r#""logprobs":{"content":[{"token":"a","logprob":-0.5},{"token":"b","logprob":-1.25}]}"#;
    let span = async |choice: &str| {
        let (reply, _) = ask(&body(choice), &hello()).await;
        let reply = reply.expect("a reply");
        assert_eq!(reply.prompt_token_ids, [1, 2, 3]);
        serde_json::to_string(&reply.tokens).expect("serialises")
    };
    expect![[r#"{"ids":[7,8],"logprobs":[-0.5,-1.25],"is_sampled":[true,true]}"#]]
        .assert_eq(&span(&format!(r#""token_ids":[7,8],{logprobs}"#)).await);
    expect![[r#"{"ids":[7,8],"is_sampled":[true,true]}"#]].assert_eq(&span(r#""token_ids":[7,8]"#).await);
    expect![[r#"{"ids":[7,8,9],"is_sampled":[true,true,true]}"#]]
        .assert_eq(&span(&format!(r#""token_ids":[7,8,9],{logprobs}"#)).await);
    expect![[r#"{"ids":[5,6],"logprobs":[-0.5,-1.25],"is_sampled":[true,true]}"#]].assert_eq(
        &span(&logprobs.replace("\"a\"", "\"token_id:5\"").replace("\"b\"", "\"token_id:6\"")).await,
    );
    expect!["null"].assert_eq(&span(logprobs).await);
}

#[tokio::test]
async fn sampling_pictures_and_reasoning_go_over_the_wire() {
    let mock = Mock::start(vec![json(FULL)]).await;
    let picture =
        ContentBlock::Image(ImageSource::Base64 { media_type: "image/png".into(), data: "AAAA".into() });
    let text = |text: &str| ContentBlock::Text { text: text.into() };
    let result =
        |id: &str, content| ToolResult { call_id: id.into(), name: "look".into(), content, is_error: false };
    let call = |id: &str| {
        ContentBlock::ToolCall(ToolCall {
            id: id.into(),
            name: "look".into(),
            arguments: Arguments::default(),
        })
    };
    let mut talk = Talk::new(vec![
        Message {
            role: Role::User,
            content: vec![
                text("see"),
                picture.clone(),
                ContentBlock::Image(ImageSource::Url { url: "http://x".into() }),
            ],
        },
        Message {
            role: Role::Assistant,
            content: vec![
                ContentBlock::Reasoning { text: "hm".into(), signature: None },
                call("a"),
                call("b"),
            ],
        },
        Message::tool(vec![
            result("a", vec![text("one"), picture.clone(), text("two")]),
            result("b", vec![picture]),
        ]),
    ]);
    talk.sampling = serde_json::from_str(r#"{"temperature":0.5,"top_p":0.9,"max_tokens":64,"stop":["END"],"seed":7,"logprobs":true,"extra":{"temperature":1,"top_logprobs":2,"chat_template_kwargs":{"enable_thinking":true}}}"#).expect("sampling");
    let mut config = config(&mock);
    config.reasoning_echo = ReasoningEcho::ReasoningContent;
    config.api_key = Some(ApiKey::new(" sk-secret\n"));
    let model = OpenAiChat::new("m", &config).expect("a model");
    model.complete(&talk.request()).await.expect("a reply");
    expect![[r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"image_url","image_url":{"url":"http://x"}}]},{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"look","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"one\ntwo"},{"role":"tool","tool_call_id":"b","content":""},{"role":"user","content":[{"type":"text","text":"Pictures of the result of call a (look):"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"Pictures of the result of call b (look):"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"top_p":0.9,"max_tokens":64,"stop":["END"],"seed":7,"logprobs":true,"temperature":1,"top_logprobs":2,"chat_template_kwargs":{"enable_thinking":true}}"#]].assert_eq(&mock.asked()[0].body);
    assert!(mock.asked()[0].head.contains("authorization: bearer sk-secret\r\n"));
    config.stream = true;
    config.reasoning_echo = ReasoningEcho::Omit;
    talk.sampling = Sampling::default();
    OpenAiChat::new("m", &config)
        .expect("a model")
        .complete(&talk.request())
        .await
        .expect("a server that does not stream");
    assert!(mock.asked()[1].body.ends_with(r#"],"stream":true,"stream_options":{"include_usage":true}}"#));
    assert!(!mock.asked()[1].body.contains("reasoning"));
    talk.sampling.extra.insert("messages".into(), serde_json::json!([]));
    let error = model.complete(&talk.request()).await.expect_err("a reserved key");
    expect!["sampling key `messages` belongs to the runtime and cannot be set in `extra`"]
        .assert_eq(&error.to_string());
}

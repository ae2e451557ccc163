//! Chat completions as event streams.

use crate::mock::{Act, Mock, Talk, ask, json, pretty, stream};
use expect_test::expect;
use nex_llm::{ChatReply, LlmError, ModelConfig, OpenAiChat};
use nex_trajectory::{FinishReason, Message};

const STREAM: &str = concat!(
    ": welcome\r\n\r\n",
    r#"data: {"object":"chat.completion.chunk","model":"m-7","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"reasoning_content":"Which"}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"reasoning_content":" city?"}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"content":"Kö"}}]}"#,
    "\r\n\r\n",
    r#"data: {"choices":[{"index":0,"delta":{"content":"ln 🙂"}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":""}}]}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","function":{"name":"time","arguments":"{\"z\""}}]}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"city\":"}},{"index":1,"function":{"name":"time","arguments":":1.0}"}}]}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"Köln\"}"}}]}}]}"#,
    "\n\n",
    r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
    "\n\n",
    r#"data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}"#,
    "\n\n",
    "data: [DONE]\n\n",
);

/// What [`STREAM`] says, in one piece.
const WHOLE: &str = r#"{"model":"m-7","choices":[{"index":0,"finish_reason":"tool_calls","message":{
    "content":"Köln 🙂","reasoning_content":"Which city?","tool_calls":[
    {"id":"a","function":{"name":"weather","arguments":"{\"city\":\"Köln\"}"}},{"id":"b","function":{"name":"time","arguments":"{\"z\":1.0}"}}]}}],
    "usage":{"prompt_tokens":9,"completion_tokens":4}}"#;

fn hello() -> Talk {
    Talk::new(vec![Message::user("hi")])
}

fn streaming(mock: &Mock) -> OpenAiChat {
    let config = ModelConfig { base_url: Some(mock.address.clone()), stream: true, ..ModelConfig::default() };
    OpenAiChat::new("m", &config).expect("a model")
}

async fn ask_of(plan: Vec<Act>) -> Result<ChatReply, LlmError> {
    let mock = Mock::start(vec![plan]).await;
    ask(&streaming(&mock), &hello()).await
}

async fn events(events: &[&str]) -> Result<ChatReply, LlmError> {
    let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    ask_of(stream(&[body.as_bytes()])).await
}

#[tokio::test]
async fn a_stream_gives_what_the_whole_reply_gives() {
    let streamed = ask_of(stream(&[STREAM.as_bytes()])).await.expect("a reply");
    assert_eq!(streamed, ask_of(json(WHOLE)).await.expect("a reply"));
    expect![[r#"
        {
          "role": "assistant",
          "content": [
            {
              "type": "reasoning",
              "text": "Which city?"
            },
            {
              "type": "text",
              "text": "Köln 🙂"
            },
            {
              "type": "tool_call",
              "id": "a",
              "name": "weather",
              "arguments": "{\"city\":\"Köln\"}"
            },
            {
              "type": "tool_call",
              "id": "b",
              "name": "time",
              "arguments": "{\"z\":1.0}"
            }
          ]
        }"#]]
    .assert_eq(&pretty(&streamed.message));
}

#[tokio::test]
async fn a_stream_split_anywhere_gives_the_same_reply() {
    let bytes = STREAM.as_bytes();
    let plans = (0..=bytes.len()).map(|place| stream(&[&bytes[..place], &bytes[place..]])).collect();
    let mock = Mock::start(plans).await;
    let model = streaming(&mock);
    let expected = ask_of(json(WHOLE)).await;
    for place in 0..=bytes.len() {
        assert_eq!(ask(&model, &hello()).await, expected, "split at {place}");
    }
    let every: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(ask_of(stream(&every)).await, expected);
}

/// Cuts `whole` at every offset; each reply is the whole one or none.
async fn cut_everywhere(whole: &[u8]) -> Vec<bool> {
    let plan = |length: usize| vec![Act::Write(whole[..length].to_vec()), Act::Close];
    let mock = Mock::start((0..=whole.len()).map(plan).collect()).await;
    let model = streaming(&mock);
    let expected = ask_of(json(WHOLE)).await;
    let mut is_whole = Vec::new();
    for length in 0..=whole.len() {
        let reply = ask(&model, &hello()).await;
        match &reply {
            Err(LlmError::BrokenReply { .. }) => {}
            _ => assert_eq!(reply, expected, "cut at {length}"),
        }
        is_whole.push(reply.is_ok());
    }
    is_whole
}

#[tokio::test]
async fn a_cut_stream_is_whole_or_nothing() {
    let Act::Write(chunked) = stream(&[STREAM.as_bytes()]).remove(0) else { unreachable!("a stream writes") };
    let is_whole = cut_everywhere(&chunked).await;
    assert!(is_whole.is_sorted() && !is_whole[0] && is_whole[chunked.len()]);
    // Whole from the moment that `[DONE]` came: 7 bytes of framing and the last line break follow.
    assert_eq!(is_whole.iter().filter(|whole| **whole).count(), 8);
    // A body whose end only the close marks.
    let head = "HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n";
    let open_ended = [head.as_bytes(), STREAM.as_bytes()].concat();
    let is_whole = cut_everywhere(&open_ended).await;
    assert!(is_whole.is_sorted() && !is_whole[0] && is_whole[open_ended.len()]);
}

#[tokio::test]
async fn servers_that_forget_the_end_are_understood_where_the_end_is_certain() {
    let finished = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    assert_eq!(events(&[finished]).await.expect("the framing marks the end").message.text(), "x");
    let body = format!("HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\ndata: {finished}\n\n");
    let reply = ask_of(vec![Act::Write(body.into_bytes()), Act::Close]).await;
    expect!["reply of http://000.0.0.0:00000/chat/completions broke off: the stream ended before the reply was complete"].assert_eq(
        &reply.expect_err("usage may be lost").to_string().replace(|c: char| c.is_ascii_digit(), "0"),
    );
    // A server that keeps the connection open after the end holds nobody up.
    let mut plan = stream(&[STREAM.as_bytes()]);
    if let Act::Write(bytes) = &mut plan[0] {
        bytes.truncate(bytes.len() - 5);
    }
    plan.push(Act::Hang);
    assert_eq!(ask_of(plan).await, ask_of(json(WHOLE)).await);
}

#[tokio::test]
async fn calls_are_told_apart_however_servers_number_them() {
    let call = |delta: &str| format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{delta}]}}}}]}}"#);
    let calls = async |deltas: &[&str]| {
        let deltas: Vec<String> = deltas.iter().map(|delta| call(delta)).collect();
        let mut all: Vec<&str> = deltas.iter().map(String::as_str).collect();
        all.push(r#"{"choices":[{"finish_reason":"tool_calls","delta":{}}]}"#);
        let reply = events(&all).await.expect("a reply");
        assert_eq!(reply.finish_reason, FinishReason::ToolCalls);
        reply
            .message
            .calls()
            .map(|call| format!("{} {} {}", call.id, call.name, call.arguments.as_text()))
            .collect::<Vec<_>>()
    };
    let named = |index: &str, id: &str, arguments: &str| {
        format!(r#"{{{index}"id":"{id}","function":{{"name":"f","arguments":"{arguments}"}}}}"#)
    };
    let all_zero = [named("\"index\":0,", "a", "1"), named("\"index\":0,", "b", "2")];
    assert_eq!(calls(&[&all_zero[0], &all_zero[1]]).await, ["a f 1", "b f 2"]);
    let without = [named("", "a", "1"), named("", "b", "2"), r#"{"function":{"arguments":"3"}}"#.to_owned()];
    assert_eq!(calls(&[&without[0], &without[1], &without[2]]).await, ["a f 1", "b f 23"]);
    let no_id = [
        r#"{"index":0,"function":{"name":"f","arguments":"1"}}"#,
        r#"{"index":1,"function":{"name":"g","arguments":"2"}}"#,
        r#"{"index":0,"id":"late","function":{"arguments":"3"}}"#,
    ];
    assert_eq!(calls(&no_id).await, ["late f 13", "call_1_1 g 2"]);
    let name_in_pieces = [
        r#"{"index":0,"id":"a","function":{"name":"get_"}}"#,
        r#"{"index":0,"function":{"name":"time","arguments":{"x": 1}}}"#,
    ];
    assert_eq!(calls(&name_in_pieces).await, ["a get_time {\"x\": 1}"]);
}

#[tokio::test]
async fn what_breaks_a_stream_has_its_error() {
    let text = r#"{"choices":[{"delta":{"content":"half"}}]}"#;
    let kind = async |last: &str| match events(&[text, last]).await {
        Err(error) => format!("{} | {}", error.kind(), error.is_retryable()),
        Ok(reply) => panic!("a reply: {reply:?}"),
    };
    assert_eq!(
        kind(r#"{"error":{"message":"busy","type":"overloaded_error"}}"#).await,
        "model_server_error | true"
    );
    assert_eq!(kind(r#"{"error":{"message":"slow","code":429}}"#).await, "rate_limited | true");
    assert_eq!(
        kind(r#"{"error":{"message":"slow","type":"rate_limit_error"}}"#).await,
        "rate_limited | true"
    );
    assert_eq!(kind(r#"{"error":"what"}"#).await, "model_server_error | true");
    assert_eq!(
        kind(r#"{"error":{"message":"This model's maximum context length is 9","code":400}}"#).await,
        "context_too_long | false"
    );
    assert_eq!(
        kind(r#"{"object":"error","message":"bad","code":400,"type":"BadRequestError"}"#).await,
        "request_rejected | false"
    );
    assert_eq!(kind("{garbage").await, "broken_reply | true");
    assert_eq!(kind("[]").await, "broken_reply | true");
    assert_eq!(kind(r#"{"choices":[{"delta":{"content":7}}]}"#).await, "broken_reply | true");
    assert_eq!(kind(text).await, "broken_reply | true");
    let not_utf8 = ask_of(stream(&[b"data: {\"choices\":[\xff]}\n\n"])).await.expect_err("not UTF-8");
    assert_eq!(not_utf8.kind(), "broken_reply");
}

#[tokio::test]
async fn token_ids_and_logprobs_add_up() {
    let reply = events(&[
        r#"{"prompt_token_ids":[1,2],"choices":[{"delta":{"content":"a"},"token_ids":[5],"logprobs":{"content":[{"token":"a","logprob":-0.25}]}}]}"#,
        r#"{"choices":[{"delta":{"content":"b"},"token_ids":[6,7],"logprobs":{"content":[{"token":"b","logprob":-0.5},{"token":"","logprob":-1.0}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        "[DONE]",
    ])
    .await
    .expect("a reply");
    assert_eq!(reply.prompt_token_ids, [1, 2]);
    let tokens = reply.tokens.expect("tokens");
    assert_eq!((tokens.ids, tokens.logprobs), (vec![5, 6, 7], vec![-0.25, -0.5, -1.0]));
}

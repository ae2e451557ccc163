//! What goes wrong on the way, each with its error.

use crate::mock::{Act, Mock, Talk, ask, json, reply};
use expect_test::expect;
use nex_llm::{ApiKey, ChatModel, Deadlines, LlmError, ModelConfig, OpenAiChat, open_model};
use nex_trajectory::Message;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(40);
const FINE: &str = r#"{"choices":[{"message":{"content":"fine"},"finish_reason":"stop"}]}"#;

fn hello() -> Talk {
    Talk::new(vec![Message::user("hi")])
}

fn config(mock: &Mock) -> ModelConfig {
    ModelConfig { base_url: Some(mock.address.clone()), ..ModelConfig::default() }
}

async fn fail(plan: Vec<Act>, change: impl FnOnce(&mut ModelConfig)) -> LlmError {
    let mock = Mock::start(vec![plan]).await;
    let mut config = config(&mock);
    change(&mut config);
    let model = OpenAiChat::new("m", &config).expect("a model");
    ask(&model, &hello()).await.expect_err("a failure")
}

fn head(length: usize) -> Act {
    Act::Write(
        format!("HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n")
            .into(),
    )
}

async fn timeout_phase(plan: Vec<Act>, deadlines: Deadlines) -> &'static str {
    match fail(plan, |config| config.deadlines = deadlines).await {
        LlmError::Timeout { phase, limit, .. } => {
            assert_eq!(limit, SHORT);
            phase
        }
        other => panic!("not a timeout: {other}"),
    }
}

#[tokio::test]
async fn each_deadline_has_its_name() {
    let long = Deadlines::default();
    let first_byte = Deadlines { first_byte: SHORT, ..long };
    assert_eq!(timeout_phase(vec![Act::Hang], first_byte).await, "first byte");
    // The head alone is no byte of the reply.
    assert_eq!(timeout_phase(vec![head(9), Act::Hang], first_byte).await, "first byte");
    let begun = || vec![head(9), Act::Write(b"{".to_vec())];
    let mut stalled = begun();
    stalled.push(Act::Hang);
    assert_eq!(timeout_phase(stalled, Deadlines { idle: SHORT, ..long }).await, "idle");
    let mut trickle = vec![head(100_000)];
    for _ in 0..100_000 {
        trickle.push(Act::Write(b" ".to_vec()));
        trickle.push(Act::Wait(Duration::from_millis(2)));
    }
    assert_eq!(timeout_phase(trickle, Deadlines { total: SHORT, ..long }).await, "total");
    // Nobody answers the TLS handshake.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("https://{}", listener.local_addr().expect("an address"));
    let deadlines = Deadlines { connect: SHORT, ..long };
    let phase = timeout_phase(vec![Act::Hang], Deadlines { first_byte: SHORT, ..long });
    assert_eq!(phase.await, "first byte");
    let config = ModelConfig { base_url: Some(address), deadlines, ..ModelConfig::default() };
    let error = ask(&OpenAiChat::new("m", &config).expect("a model"), &hello()).await.expect_err("a failure");
    assert!(matches!(error, LlmError::Timeout { phase: "connect", .. }), "{error}");
}

#[tokio::test]
async fn nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let config = ModelConfig { base_url: Some(address), ..ModelConfig::default() };
    let error = ask(&OpenAiChat::new("m", &config).expect("a model"), &hello()).await.expect_err("a failure");
    assert!(matches!(&error, LlmError::Connect { cause, .. } if cause.contains("refused")), "{error}");
}

#[tokio::test]
async fn a_body_cut_anywhere_is_broken() {
    let Act::Write(whole) = json(FINE).remove(0) else { unreachable!("a reply writes") };
    let plan = |length: usize| vec![Act::Write(whole[..length].to_vec()), Act::Close];
    let mock = Mock::start((0..whole.len()).map(plan).collect()).await;
    let model = OpenAiChat::new("m", &config(&mock)).expect("a model");
    for length in 0..whole.len() {
        let error = ask(&model, &hello()).await.expect_err("a cut reply");
        assert!(matches!(error, LlmError::BrokenReply { .. }), "cut at {length}: {error}");
    }
}

#[tokio::test]
async fn garbage_is_broken_and_complaints_of_status_200_have_their_class() {
    for garbage in [
        "",
        "x",
        "{",
        "[]",
        "{}",
        "null",
        r#"{"choices":[]}"#,
        r#"{"choices":[{"message":{"content":7}}]}"#,
        "<html>",
    ] {
        assert_eq!(fail(json(garbage), |_| {}).await.kind(), "broken_reply", "{garbage}");
    }
    let deep = format!(
        r#"{{"choices":[{{"message":{{"tool_calls":[{{"function":{{"arguments":{}}}}}]}}}}]}}"#,
        "[".repeat(100_000)
    );
    assert_eq!(fail(json(&deep), |_| {}).await.kind(), "broken_reply");
    let not_utf8 = vec![head(3), Act::Write(b"\"\xff\"".to_vec())];
    assert_eq!(fail(not_utf8, |_| {}).await.kind(), "broken_reply");
    assert_eq!(
        fail(json(r#"{"error":{"code":502,"message":"upstream"}}"#), |_| {}).await.kind(),
        "model_server_error"
    );
}

#[tokio::test]
async fn a_reply_may_only_be_so_large() {
    let body = format!(
        r#"{{"choices":[{{"message":{{"content":"{}"}},"finish_reason":"stop"}}]}}"#,
        "x".repeat(200_000)
    );
    let error = fail(json(&body), |config| config.max_reply_bytes = 100_000).await;
    assert!(matches!(error, LlmError::ReplyTooLarge { limit_bytes: 100_000, .. }), "{error}");
    let endless =
        format!("HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n{}", ": x\n".repeat(50_000));
    let error =
        fail(vec![Act::Write(endless.into()), Act::Hang], |config| config.max_reply_bytes = 100_000).await;
    assert!(matches!(error, LlmError::ReplyTooLarge { .. }), "{error}");
}

#[tokio::test]
async fn keys_are_never_shown() {
    let body = r#"{"error":{"message":"bad key sk-canary-7","code":"invalid_api_key"}}"#;
    let error = fail(reply(401, "", body), |config| config.api_key = Some(ApiKey::new("sk-canary-7"))).await;
    assert_eq!(error.kind(), "unauthorized");
    assert!(error.to_string().contains("bad key [key]"), "{error}");
    let mut config = ModelConfig { api_key: Some(ApiKey::new("sk-canary-7")), ..ModelConfig::default() };
    config.headers.0.push(("x-token".into(), "sk-canary-7".into()));
    assert!(!format!("{config:?}").contains("canary"));
    assert!(!serde_json::to_string(&config).expect("serialises").contains("canary"));
    config.base_url = Some("ftp://user:sk-canary-7@host".into());
    let shown =
        |config: &ModelConfig| OpenAiChat::new("m", config).err().expect("a wrong address").to_string();
    assert!(!shown(&config).contains("canary"));
    config.base_url = Some("http://user:sk-canary-7@ho st".into());
    assert!(!shown(&config).contains("canary"));
    config.base_url = Some("http://user:sk-canary-7@127.0.0.1:1/?key=sk-canary-7".into());
    let error =
        ask(&OpenAiChat::new("m", &config).expect("a model"), &hello()).await.expect_err("nobody listens");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    config.api_key = Some(ApiKey::new("sk-canary\n7"));
    config.base_url = None;
    assert!(!shown(&config).contains("canary"));
}

#[tokio::test]
async fn what_may_heal_is_asked_again_and_the_rest_is_not() {
    let plans = vec![
        reply(429, "retry-after-ms: 3\r\n", "{}"),
        reply(500, "", "oops"),
        vec![Act::Close],
        json("{garbage"),
        json(FINE),
    ];
    let mock = Mock::start(plans).await;
    let mut config = config(&mock);
    config.retry.base_delay = Duration::from_millis(1);
    let model = open_model("openai:m", &config).expect("a model");
    let answer = model.complete(&hello().request()).await.expect("the fifth attempt");
    assert_eq!((answer.attempts, answer.message.text().as_str()), (5, "fine"));
    for (status, body) in [
        (400, "{}"),
        (401, "{}"),
        (403, "{}"),
        (404, "{}"),
        (422, "{}"),
        (429, r#"{"error":{"code":"insufficient_quota"}}"#),
    ] {
        let mock = Mock::start(vec![reply(status, "", body)]).await;
        let model =
            open_model("openai:m", &ModelConfig { base_url: Some(mock.address.clone()), ..config.clone() });
        let error = model.expect("a model").complete(&hello().request()).await.expect_err("a failure");
        assert!(!error.is_retryable());
        assert_eq!(mock.count(), 1, "{status}");
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let error = fail(reply(307, "location: http://127.0.0.1:1/\r\n", ""), |_| {}).await;
    expect!["request_rejected"].assert_eq(error.kind());
}

#[tokio::test]
async fn a_dropped_request_leaves_the_model_usable() {
    let mock = Mock::start(vec![vec![Act::Hang], json(FINE)]).await;
    let model = OpenAiChat::new("m", &config(&mock)).expect("a model");
    let talk = hello();
    let request = talk.request();
    tokio::select! {
        reply = model.complete(&request) => panic!("a reply: {reply:?}"),
        () = async { while mock.count() == 0 { tokio::task::yield_now().await } } => {}
    }
    assert_eq!(ask(&model, &talk).await.expect("a reply").message.text(), "fine");
}

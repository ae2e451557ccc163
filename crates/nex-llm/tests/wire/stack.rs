//! `open_model`: names, mistakes in them, recording over real HTTP.

use crate::mock::{Mock, Talk, json};
use expect_test::expect;
use nex_llm::{ApiKey, Limits, ModelConfig, open_model};
use nex_trajectory::Message;

#[test]
fn a_wrong_name_is_told_with_the_way_out() {
    let wrong = [
        "gpt-5",
        "opnai:gpt-5",
        "Anthropic:c",
        "zebra:x",
        "openai:",
        "record:tape.jsonl",
        "record:=openai:m",
        "script:/no/such/file",
        "replay:/no/such/file",
    ];
    let told: Vec<String> = wrong
        .map(|spec| match open_model(spec, &ModelConfig::default()) {
            Ok(_) => panic!("taken: {spec}"),
            Err(error) => error.to_string(),
        })
        .to_vec();
    expect![[r#"
        model `gpt-5` has no scheme; known are openai:NAME, anthropic:NAME, script:FILE, replay:CASSETTE, record:CASSETTE=MODEL
        model `opnai:gpt-5` has unknown scheme `opnai`; did you mean `openai:`? known are openai:NAME, anthropic:NAME, script:FILE, replay:CASSETTE, record:CASSETTE=MODEL
        model `Anthropic:c` has unknown scheme `Anthropic`; did you mean `anthropic:`? known are openai:NAME, anthropic:NAME, script:FILE, replay:CASSETTE, record:CASSETTE=MODEL
        model `zebra:x` has unknown scheme `zebra`; known are openai:NAME, anthropic:NAME, script:FILE, replay:CASSETTE, record:CASSETTE=MODEL
        model `openai:` lacks its NAME; write openai:NAME
        model `record:tape.jsonl` does not say what to record; write for example record:tape.jsonl=openai:NAME
        model `record:=openai:m` does not say what to record; write for example record:tape.jsonl=openai:NAME
        cannot read script /no/such/file: No such file or directory (os error 2)
        cannot read cassette /no/such/file: No such file or directory (os error 2)"#]].assert_eq(&told.join("\n"));
    let limits = Limits { max_concurrent: Some(0), ..Limits::default() };
    let Err(error) = open_model("openai:m", &ModelConfig { limits, ..ModelConfig::default() }) else {
        panic!("a limit of 0 was taken")
    };
    expect!["limit `max_concurrent` is 0, so nothing could be asked; leave it out for no limit"]
        .assert_eq(&error.to_string());
}

#[tokio::test]
async fn a_recorded_model_replays_without_a_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let tape = folder.path().join("a=b.jsonl").display().to_string();
    let mock =
        Mock::start(vec![json(r#"{"choices":[{"message":{"content":"kept"},"finish_reason":"stop"}]}"#)])
            .await;
    let config = ModelConfig {
        base_url: Some(mock.address.clone()),
        limits: Limits { max_concurrent: Some(2), ..Limits::default() },
        ..ModelConfig::default()
    };
    let talk = Talk::new(vec![Message::user("hi")]);
    let recording = open_model(&format!("record:{tape}=openai:m"), &config).expect("a model");
    assert_eq!(recording.identity().provider, "openai");
    let live = recording.complete(&talk.request()).await.expect("a reply");
    let replay = open_model(&format!("replay:{tape}"), &ModelConfig::default()).expect("a model");
    assert_eq!(replay.complete(&talk.request()).await.expect("a reply"), live);
    assert_eq!(mock.count(), 1);
}

#[test]
fn the_environment_fills_what_is_unset() {
    let lookup = |name: &str| match name {
        "OPENAI_API_KEY" => Some("k1".to_owned()),
        "OPENAI_BASE_URL" => Some(" ".to_owned()),
        "ANTHROPIC_API_KEY" => Some("k2".to_owned()),
        "ANTHROPIC_BASE_URL" => Some("http://a".to_owned()),
        _ => None,
    };
    let filled = |spec: &str| {
        let config = ModelConfig::default().with_environment(spec, lookup);
        (config.api_key, config.base_url)
    };
    assert_eq!(filled("openai:m"), (Some(ApiKey::new("k1")), None));
    assert_eq!(filled("record:t=anthropic:m"), (Some(ApiKey::new("k2")), Some("http://a".to_owned())));
    assert_eq!(filled("script:x"), (None, None));
    let own = ModelConfig { api_key: Some(ApiKey::new("own")), ..ModelConfig::default() };
    assert_eq!(own.with_environment("openai:m", lookup).api_key, Some(ApiKey::new("own")));
}

#[test]
fn a_configuration_reads_from_a_file() {
    let text = r#"{"base_url":"http://x/v1","api_key":"k","headers":{"x-a":"b"},"stream":true,"reasoning_echo":"reasoning",
        "deadlines":{"connect_ms":5},"retry":{"max_attempts":3,"base_delay_ms":10},"limits":{"requests_per_minute":60}}"#;
    let config: ModelConfig = serde_json::from_str(text).expect("a configuration");
    assert_eq!((config.retry.max_attempts, config.deadlines.connect.as_millis()), (3, 5));
    assert!(serde_json::from_str::<ModelConfig>(r#"{"base_ulr":"x"}"#).is_err());
}

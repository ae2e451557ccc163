use super::*;
use serde_json::json;
use std::time::Duration;

fn recorder(path: &Path, session: &str, secrets: &[&str]) -> Recorder {
    let redactor = Redactor::new(secrets.iter().map(|secret| (*secret).to_owned()));
    Recorder::open(path, session.to_owned(), "test".to_owned(), redactor).expect("it opens")
}

fn result(text: &str) -> RecordedAnswer {
    RecordedAnswer::Result { result: json!({"content": [{"type": "text", "text": text}]}) }
}

fn record(path: &Path, session: &str, answers: &[(&str, Value, RecordedAnswer)]) {
    let mut recorder = recorder(path, session, &["hunter22"]);
    recorder.opened(Era::Handshake, &json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}, "prompts": {}}, "serverInfo": {"name": "s", "version": "1"}})).expect("written");
    recorder
        .tools(&[json!({"name": "list", "annotations": {"readOnlyHint": true}, "unknown": [1]})])
        .expect("written");
    for (tool, arguments, answer) in answers {
        let (at, latency) = (Duration::from_millis(1), Duration::from_millis(40));
        recorder.call(tool, arguments, at, latency, answer.clone()).expect("written");
    }
}

fn ask(replay: &mut Replay, tool: &str, arguments: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}});
    replay.answer(&request).expect("a request has an answer").0
}

fn text(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().expect("text")
}

#[test]
fn equal_calls_get_their_answers_in_order_and_then_the_last_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.jsonl");
    let refused = RecordedAnswer::Refused { code: -32602, message: "no".into(), data: Some(json!([1])) };
    record(
        &path,
        "one",
        &[
            ("list", json!({"a": 1, "b": {"c": 2, "d": 3}}), result("first")),
            ("list", json!({"b": {"d": 3, "c": 2}, "a": 1}), result("second")),
            ("list", Value::Null, refused),
            ("list", json!({"lost": true}), RecordedAnswer::Lost { cause: "it ended".into() }),
        ],
    );
    record(&path, "two", &[("list", json!({"a": 1, "b": {"c": 2, "d": 3}}), result("third"))]);
    let recording = Recording::load(&path).expect("it reads");
    assert_eq!((recording.sessions.len(), recording.damaged.len(), recording.calls().count()), (2, 0, 5));
    let mut replay = Replay::new(&recording, ReplayOptions::default()).expect("sessions");
    let same = json!({"b": {"d": 3, "c": 2}, "a": 1});
    let texts: Vec<String> =
        (0..4).map(|_| text(&ask(&mut replay, "list", same.clone())).to_owned()).collect();
    assert_eq!(texts, ["first", "second", "third", "third"]);
    assert_eq!(
        ask(&mut replay, "list", json!({}))["error"],
        json!({"code": -32602, "message": "no", "data": [1]})
    );
    assert_eq!(ask(&mut replay, "list", json!({"lost": true}))["error"]["code"], -32000);
    let unknown = ask(&mut replay, "list", json!({"a": 2}));
    assert_eq!(unknown["result"]["isError"], true);
    assert!(
        text(&unknown).contains("3 different arguments, the first of them {\"a\":1"),
        "{}",
        text(&unknown)
    );
    assert!(text(&ask(&mut replay, "gone", json!({}))).contains("only of: list"));
    // Latencies are given where they are wanted.
    let options = ReplayOptions { with_latency: true, session: Some(2), ..ReplayOptions::default() };
    let mut replay = Replay::new(&recording, options).expect("a second session");
    let request = json!({"id": 1, "method": "tools/call", "params": {"name": "list", "arguments": same}});
    let (answer, delay) = replay.answer(&request).expect("an answer");
    assert_eq!((text(&answer), delay), ("third", Duration::from_millis(40)));
    let options = ReplayOptions { session: Some(3), ..ReplayOptions::default() };
    assert_eq!(
        Replay::new(&recording, options).err().as_deref(),
        Some("there is no session 3; the recording has 2")
    );
}

#[test]
fn a_replay_opens_as_it_was_recorded_and_offers_tools_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.jsonl");
    record(&path, "one", &[]);
    let mut replay =
        Replay::new(&Recording::load(&path).expect("it reads"), ReplayOptions::default()).expect("a session");
    let mut ask = |method: &str| replay.answer(&json!({"id": "x", "method": method})).expect("an answer").0;
    assert_eq!(ask("initialize")["result"]["capabilities"], json!({"tools": {}}));
    assert_eq!(ask("initialize")["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(ask("tools/list")["result"]["tools"][0]["unknown"], json!([1]));
    assert_eq!(ask("ping")["result"], json!({}));
    for method in ["server/discover", "prompts/list", ""] {
        assert_eq!(ask(method)["error"]["code"], -32601, "{method}");
    }
    for nothing in
        [json!({"method": "notifications/initialized"}), json!(null), json!({"id": 1, "result": {}})]
    {
        assert_eq!(replay.answer(&nothing), None);
    }
}

#[test]
fn secrets_are_written_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.jsonl");
    let inner = json!({"k": "quo\"te-secret"}).to_string();
    let mut recorder = recorder(&path, "one", &["hunter22", "quo\"te-secret", "short"]);
    recorder.opened(Era::Handshake, &json!({"note": "hunter22"})).expect("written");
    recorder.tools(&[json!({"name": "a", "description": "key hunter22"})]).expect("written");
    let arguments = json!({"hunter22": ["x hunter22 y"], "inner": inner, "short": 1});
    let refused =
        RecordedAnswer::Refused { code: 1, message: "hunter22".into(), data: Some(json!("hunter22")) };
    recorder.call("a", &arguments, Duration::ZERO, Duration::ZERO, refused).expect("written");
    let lost = RecordedAnswer::Lost { cause: "stderr: hunter22".into() };
    recorder.call("a", &arguments, Duration::ZERO, Duration::ZERO, lost).expect("written");
    let written = std::fs::read_to_string(&path).expect("it is there");
    assert!(!written.contains("hunter22") && !written.contains("te-secret"), "{written}");
    assert!(written.contains("short"), "what is short is left");
    // A replay that knows the secrets knows the call.
    let redactor = Redactor::new(["hunter22".to_owned(), "quo\"te-secret".to_owned()]);
    let recording = Recording::load(&path).expect("it reads");
    let mut replay =
        Replay::new(&recording, ReplayOptions { redactor, ..ReplayOptions::default() }).expect("a session");
    assert_eq!(ask(&mut replay, "a", arguments)["error"]["code"], 1);

    let variables = [("MY_API_KEY", "abcdefgh"), ("HOME", "/home/ada"), ("PLACE", "named-one")];
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let redactor = Redactor::of_environment(variables, &["PLACE".to_owned()]);
    assert_eq!(redactor.redact_text("abcdefgh /home/ada named-one"), "*** /home/ada ***");
}

#[test]
fn damage_is_left_out_and_told_and_a_torn_tail_does_not_spoil_what_follows() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.jsonl");
    record(&path, "one", &[("list", json!({}), result("kept"))]);
    let whole = std::fs::read(&path).expect("it is there");
    std::fs::write(&path, &whole[..whole.len() - 9]).expect("torn");
    let torn = Recording::load(&path).expect("it reads");
    assert_eq!(torn.calls().count(), 0);
    assert_eq!(torn.damaged, [(3, "the last line is torn".to_owned())]);
    record(&path, "two", &[("list", json!({}), result("kept"))]);
    let mended = Recording::load(&path).expect("it reads");
    assert_eq!((mended.sessions.len(), mended.calls().count(), mended.damaged.len()), (2, 1, 1));

    let mut flipped = whole.clone();
    let at = whole.windows(4).position(|bytes| bytes == b"kept").expect("it is there");
    flipped[at] ^= 1;
    std::fs::write(&path, &flipped).expect("written");
    let damaged = Recording::load(&path).expect("it reads").damaged;
    assert!(damaged.len() == 1 && damaged[0].1.contains("checksum"), "{damaged:?}");

    std::fs::write(&path, b"").expect("written");
    assert!(Recording::load(&path).expect_err("nothing").to_string().contains("nex mcp record"));
    std::fs::write(&path, b"{\"v\":2,\"crc\":\"00000000\",\"record\":{}}\n").expect("written");
    assert!(matches!(Recording::load(&path), Err(RecordingError::Newer { line: 1, .. })));
}

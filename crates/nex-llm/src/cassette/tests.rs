use super::*;
use crate::{ChatModel, LlmError, Sampling, ScriptModel, ToolSet, Transcript};
use expect_test::expect;
use nex_trajectory::ToolSpec;
use std::path::PathBuf;
use std::sync::Arc;

struct Asked {
    transcript: Transcript,
    tools: ToolSet,
    sampling: Sampling,
    session: &'static str,
    agent: &'static str,
}

fn asked(messages: &[Message]) -> Asked {
    Asked {
        transcript: Transcript::new(messages.iter().cloned().map(Arc::new).collect()),
        tools: ToolSet::new(Arc::default()),
        sampling: Sampling::default(),
        session: "s1",
        agent: "lead",
    }
}

async fn text(model: &impl ChatModel, asked: &Asked) -> Result<String, LlmError> {
    let request = ChatRequest {
        transcript: &asked.transcript,
        tools: &asked.tools,
        sampling: &asked.sampling,
        session: asked.session,
        agent: asked.agent,
    };
    model.complete(&request).await.map(|reply| reply.message.text())
}

/// Two turns of one conversation, and the first turn again in another session.
fn talk() -> [Asked; 3] {
    let first = [Message::system("s"), Message::user("u")];
    let second = [first[0].clone(), first[1].clone(), Message::assistant("one"), Message::user("and?")];
    let again = Asked { session: "s2", ..asked(&first) };
    [asked(&first), asked(&second), again]
}

async fn record(path: &std::path::Path, script: &str) -> Vec<String> {
    let inner = ScriptModel::parse("s", script).expect("a script");
    let model = Recording::new(inner, path).expect("a cassette");
    let mut texts = Vec::new();
    for asked in talk() {
        texts.push(text(&model, &asked).await.expect("a reply"));
    }
    texts
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tape.jsonl");
    (folder, path)
}

const SCRIPT: &str = "{\"text\":\"one\"}\n{\"text\":\"two\"}";

#[tokio::test]
async fn what_was_recorded_comes_again_to_the_byte() {
    let (_folder, path) = folder();
    assert_eq!(record(&path, SCRIPT).await, ["one", "two", "one"]);
    assert_eq!(std::fs::read_to_string(&path).expect("a file").lines().count(), 3);
    let replay = Replay::open(&path).expect("a cassette");
    // Order does not matter, and each session gets its own.
    let [first, second, again] = talk();
    for asked in [&again, &second, &first] {
        let request = ChatRequest {
            transcript: &asked.transcript,
            tools: &asked.tools,
            sampling: &asked.sampling,
            session: asked.session,
            agent: asked.agent,
        };
        let reply = replay.complete(&request).await.expect("a reply");
        assert_eq!(reply.model.provider, "script");
        let line = serde_json::to_string(&reply).expect("serialises");
        assert!(std::fs::read_to_string(&path).expect("a file").contains(&line));
    }
}

#[tokio::test]
async fn each_session_gets_the_reply_that_it_was_recorded_with() {
    let (_folder, path) = folder();
    let inner =
        ScriptModel::parse("s", "{\"turn\":1,\"error\":500}\n{\"turn\":1,\"text\":\"x\"}").expect("a script");
    let model = Recording::new(inner, &path).expect("a cassette");
    let [first, _, again] = talk();
    // The failure of each session's first request is not kept.
    assert!(text(&model, &first).await.is_err());
    assert!(text(&model, &again).await.is_err());
    assert!(text(&model, &again).await.is_ok());
    drop(model);
    let other = ScriptModel::parse("s", "{\"text\":\"y\"}").expect("a script");
    assert_eq!(text(&Recording::new(other, &path).expect("a cassette"), &first).await, Ok("y".to_owned()));
    let replay = Replay::open(&path).expect("a cassette");
    assert_eq!(text(&replay, &first).await, Ok("y".to_owned()));
    assert_eq!(text(&replay, &again).await, Ok("x".to_owned()));
}

#[tokio::test]
async fn what_was_not_recorded_is_told_with_its_difference() {
    let (_folder, path) = folder();
    record(&path, SCRIPT).await;
    let replay = Replay::open(&path).expect("a cassette");
    let mut told = String::new();
    let mut tell = async |asked: Asked| {
        let error = text(&replay, &asked).await.expect_err("it was not recorded").to_string();
        told += &error.replace(&path.display().to_string(), "TAPE");
        told.push('\n');
    };
    let first = [Message::system("s"), Message::user("u")];
    tell(Asked { agent: "helper", ..asked(&first) }).await;
    let tool = ToolSpec { name: "t".into(), description: String::new(), input_schema: serde_json::json!({}) };
    let sampling = Sampling { temperature: Some(1.0), ..Sampling::default() };
    tell(Asked { tools: ToolSet::new(Arc::new(vec![tool])), sampling, ..asked(&first) }).await;
    tell(asked(&[first[0].clone(), first[1].clone(), Message::assistant("three")])).await;
    tell(asked(&[Message::user("else")])).await;
    tell(Asked { agent: "helper", ..asked(&[Message::user("else")]) }).await;
    let [_, second, _] = talk();
    text(&replay, &second).await.expect("it was recorded");
    tell(second).await;
    expect![[r#"
        TAPE holds no reply for the request of agent `helper` after 2 messages, last `user: u`: line 1 has this conversation, but the agent was `lead`
        TAPE holds no reply for the request of agent `lead` after 2 messages, last `user: u`: line 1 has this conversation, but its tools were declared otherwise and it was sampled otherwise
        TAPE holds no reply for the request of agent `lead` after 3 messages, last `assistant: three`: line 3 has its first 2 messages; what follows was never recorded
        TAPE holds no reply for the request of agent `lead` after 1 messages, last `user: else`: no recorded conversation starts like this one; line 1 of the same agent has `user: u` last
        TAPE holds no reply for the request of agent `helper` after 1 messages, last `user: else`: the cassette has 3 replies and none for this agent
        TAPE holds no reply for the request of agent `lead` after 4 messages, last `user: and?`: it was recorded 1 times and is asked once more
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn a_torn_last_line_is_cut_and_the_rest_kept() {
    let (_folder, path) = folder();
    record(&path, SCRIPT).await;
    let whole = std::fs::read(&path).expect("a file");
    let two_lines =
        1 + whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).expect("two lines").0;
    for length in (two_lines..whole.len()).step_by(7) {
        std::fs::write(&path, &whole[..length]).expect("a write");
        let replay = Replay::open(&path).expect("a cassette");
        let [first, second, again] = talk();
        assert_eq!(text(&replay, &first).await, Ok("one".to_owned()));
        assert_eq!(text(&replay, &second).await, Ok("two".to_owned()));
        assert!(text(&replay, &again).await.is_err());
        let inner = ScriptModel::parse("s", SCRIPT).expect("a script");
        let model = Recording::new(inner, &path).expect("a cassette");
        text(&model, &again).await.expect("a reply");
        assert_eq!(std::fs::read(&path).expect("a file"), whole);
    }
    std::fs::write(&path, [&whole[..9], b"\n", &whole[..]].concat()).expect("a write");
    let Err(error) = Replay::open(&path) else { panic!("a broken line was taken") };
    assert!(error.to_string().contains("tape.jsonl:1: not a line of a cassette"), "{error}");
}

#[tokio::test]
async fn many_callers_write_whole_lines() {
    let (_folder, path) = folder();
    let inner = ScriptModel::parse("s", "{\"text\":\"x\"}\n{\"repeat\":\"last\"}").expect("a script");
    let model = Arc::new(Recording::new(inner, &path).expect("a cassette"));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..64 {
        let model = model.clone();
        tasks.spawn(async move { text(&*model, &asked(&[Message::user(format!("{}", number % 8))])).await });
    }
    while let Some(done) = tasks.join_next().await {
        assert_eq!(done.expect("no panic"), Ok("x".to_owned()));
    }
    let replay = Replay::open(&path).expect("a cassette");
    for number in 0..64 {
        assert!(text(&replay, &asked(&[Message::user(format!("{}", number % 8))])).await.is_ok());
    }
    assert!(text(&replay, &asked(&[Message::user("0")])).await.is_err());
}

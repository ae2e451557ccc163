use super::*;
use crate::{Sampling, ToolSet, Transcript};
use expect_test::expect;
use std::sync::Arc;

/// Asks as `agent` after `said` assistant messages.
async fn ask(model: &ScriptModel, agent: &str, said: usize) -> Result<ChatReply, LlmError> {
    let mut messages = vec![Arc::new(Message::user("go"))];
    messages.extend((0..said).map(|_| Arc::new(Message::assistant("…"))));
    model
        .complete(&ChatRequest {
            transcript: &Transcript::new(messages),
            tools: &ToolSet::new(Arc::default()),
            sampling: &Sampling::default(),
            session: "s",
            agent,
        })
        .await
}

fn script(text: &str) -> ScriptModel {
    ScriptModel::parse("s.jsonl", text).expect("a script")
}

#[tokio::test]
async fn turns_go_by_agent_and_number() {
    let model = script(
        r#"{"agent":"lead","reasoning":"hm","text":"I ask","calls":[{"name":"weather","arguments":{"b":1.0,"a":"007"}},{"name":"raw","arguments":"{oops","id":"x"}]}

{"agent":"lead","text":"done","finish_reason":"length","usage":{"prompt_tokens":3,"completion_tokens":2}}
{"text":"anyone"}
{"turn":3,"text":"third"}
{"repeat":"last"}"#,
    );
    let first = ask(&model, "lead", 0).await.expect("turn 1");
    expect![[r#"{"role":"assistant","content":[{"type":"reasoning","text":"hm"},{"type":"text","text":"I ask"},{"type":"tool_call","id":"call_1_1","name":"weather","arguments":"{\"b\":1.0,\"a\":\"007\"}"},{"type":"tool_call","id":"x","name":"raw","arguments":"{oops"}]}"#]]
        .assert_eq(&serde_json::to_string(&first.message).expect("serialises"));
    assert_eq!(first.finish_reason, FinishReason::ToolCalls);
    let second = ask(&model, "lead", 1).await.expect("turn 2");
    assert_eq!((second.finish_reason, second.usage.total_tokens()), (FinishReason::Length, 5));
    let text = async |said| ask(&model, "other", said).await.map(|reply| reply.message.text());
    assert_eq!(text(0).await, Ok("anyone".to_owned()));
    assert_eq!(text(2).await, Ok("third".to_owned()));
    assert_eq!(text(9).await, Ok("third".to_owned()));
    expect!["s.jsonl holds no reply for turn 3 of agent `lead`: its script has 2 turns and no {\"repeat\": \"last\"}"]
        .assert_eq(&ask(&model, "lead", 2).await.expect_err("no turn 3").to_string());
    assert!(matches!(text(1).await, Err(LlmError::NotRecorded { .. })));
}

#[tokio::test]
async fn errors_come_once_before_their_reply_and_always_without_one() {
    let model = script(
        r#"{"agent":"a","error":429}
{"agent":"a","error":{"status":500,"message":"down","retry_after_ms":7}}
{"agent":"a","error":"cut"}
{"agent":"a","text":"healed"}
{"agent":"b","error":"timeout"}"#,
    );
    let kind = async |agent| {
        ask(&model, agent, 0).await.map(|reply| reply.message.text()).map_err(|error| error.kind())
    };
    for _ in 0..2 {
        assert_eq!(kind("a").await, Err("rate_limited"));
        assert_eq!(kind("a").await, Err("model_server_error"));
        assert_eq!(kind("a").await, Err("broken_reply"));
        assert_eq!(kind("a").await, Ok("healed".to_owned()));
        assert_eq!(kind("b").await, Err("model_timeout"));
    }
    expect!["s.jsonl holds no reply for turn 1 of agent `c`: the script knows only the agents a, b"]
        .assert_eq(&ask(&model, "c", 0).await.expect_err("no such agent").to_string());
}

#[test]
fn a_wrong_script_is_named_with_its_line() {
    let wrong = [
        "",
        "\n{\"text\":\"a\"}\n{\"txt\":1}",
        "{\"text\":\"a\"",
        "[{\"text\":\"a\"},\n{\"turn\":-1}]",
        "{\"turn\":1,\"text\":\"a\"}\n{\"turn\":1,\"text\":\"b\"}",
        "[{\"text\":\"a\"},{\"agent\":\"x\"}]",
        "{\"text\":\"a\",\"error\":429}",
        "{\"error\":200}",
        "{\"text\":\"a\",\"repeat\":\"last\"}",
        "{\"turn\":0,\"text\":\"a\"}",
    ];
    let told: Vec<String> = wrong
        .map(|text| match ScriptModel::parse("s.jsonl", text) {
            Ok(_) => panic!("taken: {text}"),
            Err(error) => error.to_string(),
        })
        .to_vec();
    expect![[r#"
        script s.jsonl is empty; write one JSON object a line, for example {"text": "Done."}
        s.jsonl:3:6: unknown field `txt`, expected one of `agent`, `turn`, `reasoning`, `text`, `calls`, `content`, `finish_reason`, `usage`, `delay_ms`, `error`, `repeat`
        s.jsonl:1:11: EOF while parsing an object
        s.jsonl:2:10: invalid value: integer `-1`, expected u32
        s.jsonl:2: turn 1 has a reply already
        s.jsonl: entry 2: the entry says nothing; give it `text`, `calls`, `error`, or `"text": ""` for an empty reply
        s.jsonl:1: an entry holds an error or a reply, not both
        s.jsonl:1:13: error `200` is none of: a status from 400 to 599, "cut", "timeout", "connect", {"status": …, "message": …, "retry_after_ms": …}
        s.jsonl:1: `repeat` stands alone on its line
        s.jsonl:1: turns count from 1"#]].assert_eq(&told.join("\n"));
}

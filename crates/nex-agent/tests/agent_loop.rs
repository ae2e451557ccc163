//! The loop as a table: what a scripted model does, and the record that comes of it.

mod common;

use common::*;
use expect_test::{Expect, expect};
use nex_agent::{AgentSpec, LimitsOverride, RunContext, ToolFailurePolicy};
use nex_llm::{ChatRequest, LlmError};
use nex_tools::ToolFailure;
use nex_trajectory::{
    DefectKind, FinishReason, Message, StopReason, ToolCall, ToolResult, TrajectoryId, Turn,
};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

async fn check(spec: AgentSpec, context: RunContext, expected: Expect) {
    let trajectory = compile(spec).run("do it", context).await;
    expected.assert_eq(&show(&trajectory));
}

#[tokio::test]
async fn calls_results_and_an_answer() {
    let model = script(vec![(
        "solo",
        vec![
            call(&[("a", "echo", json!({"text": "one"})), ("b", "echo", json!({"text": "two"}))]),
            say("both done"),
        ],
    )]);
    let spec =
        agent("solo").with_prompt("You are {{ agent_name }} on {{ date }} with {{ tools|length }} tool.\n");
    check(
        spec,
        context(model, vec![echo()]),
        expect![[r#"
        t (solo)
          0 system: "You are solo on 2023-11-14 with 1 tool."
          1 user: "do it"
          2 assistant: a echo({"text":"one"})
          2 assistant: b echo({"text":"two"})
          3 tool: a -> "one"
          3 tool: b -> "two"
          4 assistant: "both done"
          stop: FinalAnswer
          answer: "both done"
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_a_model_does_wrong_is_data() {
    let model = script(vec![(
        "solo",
        vec![
            call(&[
                ("a", "ecko", json!({"text": "one"})),
                ("a", "echo", json!({"text": 7})),
                ("", "echo", json!({})),
                ("c", "echo", json!({"text": "fine"})),
            ]),
            nothing(),
            say("done"),
        ],
    )]);
    check(agent("solo"), context(model, vec![echo()]), expect![[r#"
        t (solo)
          0 user: "do it"
          1 assistant: a ecko({"text":"one"})
          1 assistant: call_1_1 echo({"text":7})
          1 assistant: call_1_2 echo({})
          1 assistant: c echo({"text":"fine"})
            defect DuplicateCallId call_1_1: two calls share the id `a`; the later one became `call_1_1`
            defect UnknownTool a: there is no tool `ecko`; did you mean `echo`? The tools are: echo
            defect WrongType call_1_1: argument `text` must be a string, got the number 7
            defect MissingArgument call_1_2: required argument `text` is missing; expected a string
          2 tool: a -> error "there is no tool `ecko`; did you mean `echo`? The tools are: echo"
          2 tool: call_1_1 -> error "the call of `echo` was not made, its arguments are wrong:\n- argument `text` must be a string, got the number 7"
          2 tool: call_1_2 -> error "the call of `echo` was not made, its arguments are wrong:\n- required argument `text` is missing; expected a string"
          2 tool: c -> "fine"
          3 assistant: nothing
            defect EmptyReply: the reply holds neither text nor calls
          4 user [synthetic]: "Your reply was empty. Call a tool, or give your answer as text."
          5 assistant: "done"
          stop: FinalAnswer
          answer: "done"
    "#]]).await;
}

#[tokio::test]
async fn an_agent_without_prompt_or_tools_just_answers() {
    check(
        AgentSpec::new("solo"),
        context(always(say("hi")), vec![echo()]),
        expect![[r#"
        t (solo)
          0 user: "do it"
          1 assistant: "hi"
          stop: FinalAnswer
          answer: "hi"
    "#]],
    )
    .await;
}

async fn stop_with(model: Arc<dyn nex_llm::ChatModel>, spec: AgentSpec) -> StopReason {
    compile(spec).run("do it", context(model, vec![echo()])).await.stop
}

fn echo_once() -> nex_llm::ChatReply {
    call(&[("a", "echo", json!({"text": "again"}))])
}

/// A model that calls `echo` with another text each time.
fn restless() -> Arc<dyn nex_llm::ChatModel> {
    Arc::new(FnModel(|request: &ChatRequest<'_>| {
        let turn = request.transcript.messages().len();
        Ok(call(&[("a", "echo", json!({"text": turn.to_string()}))]))
    }))
}

#[tokio::test]
async fn n_turns_are_n_model_calls() {
    for max_turns in [1, 2, 7] {
        let mut spec = agent("solo");
        spec.limits.max_turns = max_turns;
        let record = compile(spec).run("do it", context(restless(), vec![echo()])).await;
        assert_eq!(record.stop, StopReason::TurnLimit { max_turns });
        assert_eq!(record.turn_count(), max_turns as usize);
        assert_eq!(record.answer, None);
        let last = &record.nodes.last().expect("nodes").message;
        assert_eq!(last.results().count(), 1, "the last turn's call has its result");
    }
}

#[tokio::test]
async fn tool_call_limit_lets_the_first_calls_run() {
    let mut spec = agent("solo");
    spec.limits.max_tool_calls = 3;
    let two = call(&[("a", "echo", json!({"text": "x"})), ("b", "echo", json!({"text": "y"}))]);
    let record = compile(spec).run("do it", context(always(two), vec![echo()])).await;
    assert_eq!(record.stop, StopReason::ToolCallLimit { max_tool_calls: 3 });
    let errors: Vec<bool> =
        record.nodes.iter().flat_map(|node| node.message.results().map(|r| r.is_error)).collect();
    assert_eq!(errors, [false, false, false, true]);
}

#[tokio::test]
async fn token_budget() {
    let mut spec = agent("solo");
    spec.limits.token_budget = Some(25);
    assert_eq!(stop_with(restless(), spec).await, StopReason::TokenBudget { used_tokens: 30 });
}

#[tokio::test]
async fn the_same_calls_again_and_again() {
    let mut spec = agent("solo");
    spec.limits.max_repeats = 4;
    let record = compile(spec).run("do it", context(always(echo_once()), vec![echo()])).await;
    assert_eq!(record.stop, StopReason::RepetitionLoop { repeats: 4 });
    assert_eq!(record.turn_count(), 4);
    let defects = record.nodes.iter().flat_map(|node| &node.defects);
    assert_eq!(defects.filter(|d| d.kind == DefectKind::RepeatedCall).count(), 3, "all but the first");
}

#[tokio::test]
async fn nothing_but_nothing() {
    let record = compile(agent("solo")).run("do it", context(always(nothing()), vec![])).await;
    assert_eq!(record.stop, StopReason::EmptyReplies { count: 3 });
    assert_eq!(record.nodes.iter().filter(|node| node.is_synthetic).count(), 2, "two nudges");
}

#[tokio::test]
async fn refusal_and_truncation() {
    let mut refusal = nothing();
    refusal.finish_reason = FinishReason::ContentFilter;
    assert_eq!(stop_with(always(refusal), agent("solo")).await, StopReason::Refused);

    let mut cut = say("half an ans");
    cut.finish_reason = FinishReason::Length;
    let record = compile(agent("solo")).run("do it", context(always(cut), vec![])).await;
    assert_eq!(record.stop, StopReason::FinalAnswer);
    assert_eq!(record.nodes[1].defects[0].kind, DefectKind::TruncatedReply);
}

#[tokio::test]
async fn model_failures_are_not_the_models_doing() {
    let failing = |error: LlmError| Arc::new(FnModel(move |_: &ChatRequest<'_>| Err(error.clone())));
    let too_long = LlmError::ContextTooLong { endpoint: "e".into(), message: "m".into() };
    assert_eq!(stop_with(failing(too_long), agent("solo")).await, StopReason::ContextTooLong);
    let refused = LlmError::Unauthorized { endpoint: "e".into(), status: 401, message: "no key".into() };
    let stop = stop_with(failing(refused), agent("solo")).await;
    let StopReason::Infra(failure) = stop else { panic!("{stop:?}") };
    assert_eq!(failure.kind, "unauthorized");
}

#[tokio::test]
async fn stop_tools_stop_unless_they_fail() {
    let replies = || {
        script(vec![(
            "solo",
            vec![
                call(&[("a", "echo", json!({"text": "no", "fail": true}))]),
                call(&[("b", "echo", json!({"text": "the result"}))]),
            ],
        )])
    };
    let mut spec = agent("solo");
    spec.stop_tools = vec!["echo".into()];
    let record = compile(spec).run("do it", context(replies(), vec![echo()])).await;
    assert_eq!(record.stop, StopReason::StopTool { tool: "echo".into() });
    assert_eq!(record.answer.as_deref(), Some("the result"));
    assert_eq!(record.turn_count(), 2);
}

#[tokio::test]
async fn a_tool_that_breaks_ends_the_run_as_the_policy_says() {
    let gone = ToolFailure::ServerGone { tool: "get".into(), server: "s".into(), cause: "killed".into() };
    let late = ToolFailure::Timeout { tool: "get".into(), limit: Duration::from_secs(1) };
    let table = [
        (gone.clone(), ToolFailurePolicy::StopIfGone, "infra"),
        (late.clone(), ToolFailurePolicy::StopIfGone, "final_answer"),
        (late, ToolFailurePolicy::Stop, "infra"),
        (gone, ToolFailurePolicy::Continue, "final_answer"),
    ];
    for (failure, policy, stop) in table {
        let model = script(vec![("solo", vec![call(&[("a", "get", json!({}))])])]);
        let mut context = context(model, vec![broken("get", failure.clone())]);
        context.on_tool_failure = policy;
        let record = compile(agent("solo")).run("do it", context).await;
        assert_eq!(record.stop.name(), stop, "{failure:?} {policy:?}");
        assert!(record.nodes[2].message.results().all(|result| result.is_error), "the call has its result");
    }
}

#[tokio::test]
async fn a_hundred_calls_in_one_reply() {
    let texts: Vec<String> = (0..100).map(|i| format!("c{i}")).collect();
    let calls: Vec<_> = texts.iter().map(|id| (id.as_str(), "echo", json!({"text": id}))).collect();
    let model = script(vec![("solo", vec![call(&calls)])]);
    let record = compile(agent("solo")).run("do it", context(model, vec![echo()])).await;
    let results: Vec<_> = record.nodes[2].message.results().collect();
    assert_eq!(results.len(), 100);
    assert!(results.iter().zip(&texts).all(|(result, id)| result.call_id.as_str() == id), "call order");
    assert_eq!(results.iter().filter(|result| result.is_error).count(), 36, "64 run");
    let kinds: Vec<_> = record.nodes[1].defects.iter().map(|defect| defect.kind).collect();
    assert_eq!(kinds, [DefectKind::TooManyCalls]);
    assert_eq!(record.stop, StopReason::FinalAnswer);
}

#[tokio::test]
async fn parallel_calls_overlap_and_come_back_in_call_order() {
    let (log, slow, fast) =
        (Arc::default(), Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let tools = vec![gated("slow", &slow, &log, false), gated("fast", &fast, &log, false)];
    let model = script(vec![("solo", vec![call(&[("a", "slow", json!({})), ("b", "fast", json!({}))])])]);
    let agent = compile(agent("solo"));
    // The second ends first: each gate holds one permit, and the slow one is opened by the log.
    fast.notify_one();
    let opener = {
        let (log, slow) = (log.clone(), slow.clone());
        async move {
            while !log.lock().iter().any(|line: &String| line == "fast ends") {
                tokio::task::yield_now().await;
            }
            slow.notify_one();
        }
    };
    let (record, ()) = tokio::join!(agent.run("do it", context(model, tools)), opener);
    assert_eq!(*log.lock(), ["slow starts", "fast starts", "fast ends", "slow ends"]);
    let ids: Vec<String> = record.nodes[2].message.results().map(|r| r.call_id.to_string()).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[tokio::test]
async fn a_serial_tool_overlaps_with_nothing() {
    let (log, gate) = (Arc::default(), Arc::new(tokio::sync::Notify::new()));
    let tools = vec![
        gated("one", &gate, &log, false),
        gated("only", &gate, &log, true),
        gated("two", &gate, &log, false),
    ];
    let calls = call(&[("a", "one", json!({})), ("b", "only", json!({})), ("c", "two", json!({}))]);
    let agent = compile(agent("solo"));
    let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let opener = {
        let (gate, is_over) = (gate.clone(), is_over.clone());
        async move {
            while !is_over.load(std::sync::atomic::Ordering::Relaxed) {
                gate.notify_waiters();
                tokio::task::yield_now().await;
            }
        }
    };
    let run = async {
        let record = agent.run("do it", context(script(vec![("solo", vec![calls])]), tools)).await;
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        record
    };
    let (record, ()) = tokio::join!(run, opener);
    assert_eq!(record.stop, StopReason::FinalAnswer);
    assert_eq!(*log.lock(), ["one starts", "one ends", "only starts", "only ends", "two starts", "two ends"]);
}

#[tokio::test]
async fn cancelling_keeps_the_record_whole() {
    let (log, gate) = (Arc::default(), Arc::new(tokio::sync::Notify::new()));
    let tools = vec![echo(), gated("stuck", &gate, &log, false)];
    let model =
        script(vec![("solo", vec![call(&[("a", "echo", json!({"text": "x"})), ("b", "stuck", json!({}))])])]);
    let context = context(model, tools);
    let cancel = context.cancel.clone();
    let canceller = {
        let log = log.clone();
        async move {
            while log.lock().is_empty() {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        }
    };
    let agent = compile(agent("solo"));
    let (record, ()) = tokio::join!(agent.run("do it", context), canceller);
    assert_eq!(record.stop, StopReason::Cancelled);
    let errors: Vec<bool> = record.nodes[2].message.results().map(|result| result.is_error).collect();
    assert_eq!(errors, [false, true], "both calls have a result, the finished one its own");
}

#[tokio::test]
async fn time_is_up_in_the_middle_of_a_call() {
    let (log, gate) = (Arc::default(), Arc::new(tokio::sync::Notify::new()));
    let model = script(vec![("solo", vec![call(&[("b", "stuck", json!({}))])])]);
    let clock = Arc::new(nex_agent::VirtualClock::new(0));
    let mut context =
        RunContext::new("t", model, clock.clone()).with_environment(vec![gated("stuck", &gate, &log, false)]);
    context.limits =
        LimitsOverride { timeout: Some(Duration::from_millis(1500)), ..LimitsOverride::default() };
    let passing = {
        let log = log.clone();
        async move {
            while log.lock().is_empty() {
                tokio::task::yield_now().await;
            }
            clock.advance(Duration::from_millis(1499));
            tokio::task::yield_now().await;
            clock.advance(Duration::from_millis(1));
        }
    };
    let agent = compile(agent("solo"));
    let (record, ()) = tokio::join!(agent.run("do it", context), passing);
    assert_eq!(record.stop, StopReason::TimeLimit { limit_ms: 1500 });
    let timing = record.nodes[2].call_timings[0];
    assert_eq!((timing.start_ms, record.nodes[2].message.results().count()), (1500, 1));
}

#[tokio::test]
async fn a_missing_environment_tool_is_no_fault_of_the_model() {
    let spec = AgentSpec::new("solo").with_environment_tool("ecko");
    let record = compile(spec).run("do it", context(always(say("hi")), vec![echo()])).await;
    expect![[r#"
        t (solo)
          0 user: "do it"
          stop: Infra(InfraFailure { kind: "tool_missing", message: "agent `solo` takes tool `ecko` from its environment, which does not have it; it has: `echo`" })
    "#]].assert_eq(&show(&record));
}

#[tokio::test]
async fn two_runs_give_the_same_record() {
    let run = || async {
        let model = script(vec![
            ("lead", vec![ask(&[("a", "one", "x"), ("b", "two", "y")]), say("end")]),
            ("one", vec![echo_once(), say("1")]),
            ("two", vec![echo_once(), nothing(), say("2")]),
        ]);
        let spec = agent("lead").with_sub_agent(agent("one")).with_sub_agent(agent("two"));
        compile(spec).run("do it", context(model, vec![echo()])).await
    };
    let (first, second) = (run().await, run().await);
    let bytes = |record| serde_json::to_vec(record).expect("a record is JSON");
    assert_eq!(bytes(&first), bytes(&second));
    assert_eq!(first.turn_count(), 7);
}

#[tokio::test]
async fn history_is_append_only_and_shared() {
    let model = Arc::new(FnModel(|request: &ChatRequest<'_>| {
        let count = request.transcript.messages().len();
        Ok(if count < 9 { call(&[("a", "echo", json!({"text": count.to_string()}))]) } else { say("end") })
    }));
    let record = compile(agent("solo")).run("do it", context(model, vec![echo()])).await;
    let branch = record.branch(record.leaves()[0]);
    assert_eq!(record.leaves().len(), 1);
    assert_eq!(branch.len(), record.nodes.len(), "one branch holds everything");
    // The conversation held the same messages, not copies: the record is their only owner now.
    assert!(record.nodes.iter().all(|node| Arc::strong_count(&node.message) == 1));
}

#[derive(Default)]
struct Log(parking_lot::Mutex<Vec<String>>);

impl nex_agent::Observer for Log {
    fn on_start(&self, run: &TrajectoryId, agent: &str, depth: u32) {
        self.0.lock().push(format!("{run}: {agent} starts at depth {depth}"));
    }
    fn on_turn(&self, run: &TrajectoryId, message: &Message, turn: &Turn) {
        self.0.lock().push(format!(
            "{run}: turn with {} calls, {:?}",
            message.calls().count(),
            turn.finish_reason
        ));
    }
    fn on_call(&self, run: &TrajectoryId, call: &ToolCall) {
        self.0.lock().push(format!("{run}: calls {}", call.name));
    }
    fn on_result(&self, run: &TrajectoryId, result: &ToolResult) {
        self.0.lock().push(format!("{run}: {} gave {}", result.name, result.text()));
    }
    fn on_stop(&self, run: &TrajectoryId, stop: &StopReason, answer: Option<&str>) {
        self.0.lock().push(format!("{run}: {} {answer:?}", stop.name()));
    }
}

#[tokio::test]
async fn an_observer_sees_the_whole_tree() {
    let model = script(vec![
        ("lead", vec![ask(&[("a", "scout", "go")]), say("end")]),
        ("scout", vec![echo_once(), say("found")]),
    ]);
    let log = Arc::new(Log::default());
    let mut context = context(model, vec![echo()]);
    context.observer = Some(log.clone());
    compile(AgentSpec::new("lead").with_sub_agent(agent("scout"))).run("do it", context).await;
    expect![[r#"
        t: lead starts at depth 0
        t: turn with 1 calls, ToolCalls
        t: calls Agent
        t/scout-1: scout starts at depth 1
        t/scout-1: turn with 1 calls, ToolCalls
        t/scout-1: calls echo
        t/scout-1: echo gave again
        t/scout-1: turn with 0 calls, Stop
        t/scout-1: final_answer Some("found")
        t: Agent gave found
        t: turn with 0 calls, Stop
        t: final_answer Some("end")"#]]
    .assert_eq(&log.0.lock().join("\n"));
}

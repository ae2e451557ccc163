//! Recursion and pipelines: what a child sees, what its parent gets, and what is inherited.

mod common;

use common::*;
use expect_test::expect;
use nex_agent::{Pipeline, PipelineSpec, StageSpec, ToolBindings};
use nex_llm::ChatRequest;
use nex_trajectory::{Role, StopReason};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[tokio::test]
async fn only_the_answer_reaches_the_parent() {
    let model = script(vec![
        ("lead", vec![ask(&[("a", "scout", "look at x"), ("b", "nobody", "hello")]), say("it is 42")]),
        ("scout", vec![call(&[("c", "echo", json!({"text": "secret"}))]), say("42")]),
    ]);
    let mut scout = agent("scout").with_prompt("You scout.");
    scout.description = "Finds things out.".into();
    let lead = agent("lead").with_prompt("You lead {{ sub_agents[0].name }}.").with_sub_agent(scout);
    let record = compile(lead).run("do it", context(model, vec![echo()])).await;
    expect![[r#"
        t (lead)
          0 system: "You lead scout."
          1 user: "do it"
          2 assistant: a Agent({"sub_agent_name":"scout","message":"look at x"})
          2 assistant: b Agent({"sub_agent_name":"nobody","message":"hello"})
            defect SchemaViolation b: argument `sub_agent_name` must be one of ["scout"], got "nobody"
            child of a:
              t/scout-1 (scout)
                0 system: "You scout."
                1 user: "look at x"
                2 assistant: c echo({"text":"secret"})
                3 tool: c -> "secret"
                4 assistant: "42"
                stop: FinalAnswer
                answer: "42"
          3 tool: a -> "42"
          3 tool: b -> error "the call of `Agent` was not made, its arguments are wrong:\n- argument `sub_agent_name` must be one of [\"scout\"], got \"nobody\""
          4 assistant: "it is 42"
          stop: FinalAnswer
          answer: "it is 42"
    "#]].assert_eq(&show(&record));
}

#[tokio::test]
async fn a_child_sees_its_own_prompt_message_and_tools_only() {
    let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let log = seen.clone();
    let model = Arc::new(FnModel(move |request: &ChatRequest<'_>| {
        let roles: Vec<&str> = request.transcript.messages().iter().map(|m| m.role.as_str()).collect();
        let tools: Vec<&str> = request.tools.specs().iter().map(|spec| spec.name.as_str()).collect();
        log.lock().push(format!("{} {} {roles:?} {tools:?}", request.session, request.agent));
        let is_first = request.transcript.messages().last().is_some_and(|m| m.role == Role::User);
        Ok(if request.agent == "lead" && is_first { ask(&[("a", "scout", "go")]) } else { say("ok") })
    }));
    let lead = nex_agent::AgentSpec::new("lead").with_sub_agent(agent("scout").with_prompt("You scout."));
    compile(lead).run("do it", context(model, vec![echo()])).await;
    expect![[r#"
        t lead ["user"] ["Agent"]
        t/scout-1 scout ["system", "user"] ["echo"]
        t lead ["user", "assistant", "tool"] ["Agent"]"#]]
    .assert_eq(&seen.lock().join("\n"));
}

#[tokio::test]
async fn too_deep_is_a_named_stop_of_the_child() {
    let mut spec = agent("leaf");
    for name in ["c", "b", "a"] {
        spec = agent(name).with_sub_agent(spec);
    }
    spec.limits.max_depth = 2;
    let model = script(vec![
        ("a", vec![ask(&[("1", "b", "go")])]),
        ("b", vec![ask(&[("2", "c", "go")])]),
        ("c", vec![ask(&[("3", "leaf", "go")])]),
    ]);
    let record = compile(spec).run("do it", context(model, vec![])).await;
    let c = &record.children[0].trajectory.children[0].trajectory;
    assert_eq!(c.agent, "c");
    assert_eq!(c.children[0].trajectory.stop, StopReason::DepthLimit { max_depth: 2 });
    let result = c.nodes[2].message.results().next().expect("a result");
    assert!(result.is_error && result.text().contains("at most 2 deep"), "{}", result.text());
    assert_eq!(record.stop, StopReason::FinalAnswer);
}

#[tokio::test]
async fn budgets_are_inherited() {
    let restless = |request: &ChatRequest<'_>| {
        let count = request.transcript.messages().len();
        Ok(match request.agent {
            "lead" => ask(&[("a", "scout", &format!("go {count}"))]),
            _ => call(&[("b", "echo", json!({"text": count.to_string()}))]),
        })
    };
    // 10 tokens a turn: the child uses up what its parent has, and both stop for that reason.
    let mut lead = agent("lead").with_sub_agent(agent("scout"));
    lead.limits.token_budget = Some(50);
    let record = compile(lead.clone()).run("do it", context(Arc::new(FnModel(restless)), vec![echo()])).await;
    assert_eq!(record.stop, StopReason::TokenBudget { used_tokens: 50 });
    assert_eq!(record.children[0].trajectory.stop, StopReason::TokenBudget { used_tokens: 50 });
    assert_eq!(record.turn_count(), 5);

    // The child's own limit is narrower than what is left: it stops first, and the parent goes on.
    let mut scout = agent("scout");
    scout.limits.max_turns = 2;
    let mut lead = agent("lead").with_sub_agent(scout);
    lead.limits.max_turns = 2;
    let record = compile(lead).run("do it", context(Arc::new(FnModel(restless)), vec![echo()])).await;
    let stops: Vec<&str> = record.children.iter().map(|child| child.trajectory.stop.name()).collect();
    assert_eq!((stops, record.stop.name()), (vec!["turn_limit", "turn_limit"], "turn_limit"));

    // Tool calls of children count for the parent too.
    let mut lead = agent("lead").with_sub_agent(agent("scout"));
    lead.limits.max_tool_calls = 4;
    let record = compile(lead).run("do it", context(Arc::new(FnModel(restless)), vec![echo()])).await;
    assert_eq!(record.children[0].trajectory.stop, StopReason::ToolCallLimit { max_tool_calls: 4 });
    assert_eq!(record.stop, StopReason::ToolCallLimit { max_tool_calls: 4 });
}

#[tokio::test]
async fn a_childs_deadline_is_its_parents_at_the_latest() {
    let (log, gate) = (Arc::default(), Arc::new(tokio::sync::Notify::new()));
    let model = script(vec![
        ("lead", vec![ask(&[("a", "scout", "go")])]),
        ("scout", vec![call(&[("b", "stuck", json!({}))])]),
    ]);
    let clock = Arc::new(nex_agent::VirtualClock::new(0));
    let context = nex_agent::RunContext::new("t", model, clock.clone())
        .with_environment(vec![gated("stuck", &gate, &log, false)]);
    let mut lead = nex_agent::AgentSpec::new("lead").with_sub_agent(agent("scout"));
    lead.limits.timeout = Duration::from_secs(2);
    let lead = compile(lead);
    let passing = async {
        while log.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        clock.advance(Duration::from_secs(2));
    };
    let (record, ()) = tokio::join!(lead.run("do it", context), passing);
    assert_eq!(record.stop, StopReason::TimeLimit { limit_ms: 2000 });
    let child = &record.children[0].trajectory;
    assert_eq!(child.stop, StopReason::TimeLimit { limit_ms: 2000 });
    assert_eq!(child.nodes.last().map(|node| node.message.results().count()), Some(1), "its record is whole");
}

#[tokio::test]
async fn several_children_run_at_once_within_the_bound() {
    let log: Arc<parking_lot::Mutex<Vec<String>>> = Arc::default();
    let gate = Arc::new(tokio::sync::Notify::new());
    let calls = ask(&[("1", "scout", "a"), ("2", "scout", "b"), ("3", "scout", "c")]);
    let model = Arc::new(FnModel(move |request: &ChatRequest<'_>| {
        let is_first = request.transcript.messages().last().is_some_and(|m| m.role == Role::User);
        Ok(match (request.agent, is_first) {
            ("lead", true) => calls.clone(),
            ("scout", true) => call(&[("x", "stuck", json!({}))]),
            _ => say(request.session),
        })
    }));
    let mut lead = nex_agent::AgentSpec::new("lead").with_sub_agent(agent("scout"));
    lead.limits.max_running_subagents = 2;
    let lead = compile(lead);
    let most = AtomicUsize::new(0);
    let opener = async {
        let (mut ended, mut idle) = (0, 0);
        while ended < 3 {
            let (starts, ends) = {
                let log: Vec<String> = log.lock().clone();
                let count = |what: &str| log.iter().filter(|line: &&String| line.ends_with(what)).count();
                (count("starts"), count("ends"))
            };
            most.fetch_max(starts - ends, Ordering::Relaxed);
            ended = ends;
            idle = if starts - ends > 0 { idle + 1 } else { 0 };
            // Opened one at a time, and only after the rest had its chance to start.
            if idle > 20 {
                idle = 0;
                gate.notify_one();
            }
            tokio::task::yield_now().await;
        }
    };
    let run = lead.run("do it", context(model, vec![gated("stuck", &gate, &log, false)]));
    let (record, ()) = tokio::join!(run, opener);
    assert_eq!(most.load(Ordering::Relaxed), 2);
    let answers: Vec<String> = record.nodes[2].message.results().map(|result| result.text()).collect();
    assert_eq!(answers, ["t/scout-1", "t/scout-2", "t/scout-3"], "call order, names by call order");
}

#[tokio::test]
async fn a_finished_child_can_be_asked_on() {
    let resume = |id: &str, with: &str| {
        call(&[(id, "Agent", json!({"sub_agent_name": "scout", "message": "and y?", "sub_agent_id": with}))])
    };
    let model = script(vec![
        (
            "lead",
            vec![ask(&[("a", "scout", "x?")]), resume("b", "scout-1"), resume("c", "scout-9"), say("end")],
        ),
        ("scout", vec![say("x is 1"), say("y is 2")]),
    ]);
    let lead = nex_agent::AgentSpec::new("lead")
        .with_sub_agent(nex_agent::AgentSpec::new("scout").with_prompt("Hi."));
    let record = compile(lead).run("do it", context(model, vec![])).await;
    expect![[r#"
        t (lead)
          0 user: "do it"
          1 assistant: a Agent({"sub_agent_name":"scout","message":"x?"})
            child of a:
              t/scout-1 (scout)
                0 system: "Hi."
                1 user: "x?"
                2 assistant: "x is 1"
                stop: FinalAnswer
                answer: "x is 1"
          2 tool: a -> "x is 1"
          3 assistant: b Agent({"sub_agent_name":"scout","message":"and y?","sub_agent_id":"scout-1"})
            child of b:
              t/scout-1.2 (scout)
                0 system [synthetic]: "Hi."
                1 user [synthetic]: "x?"
                2 assistant [synthetic]: "x is 1"
                3 user: "and y?"
                4 assistant: "y is 2"
                stop: FinalAnswer
                answer: "y is 2"
          4 tool: b -> "y is 2"
          5 assistant: c Agent({"sub_agent_name":"scout","message":"and y?","sub_agent_id":"scout-9"})
            defect SchemaViolation c: there is no finished conversation `scout-9` with agent `scout`; finished conversations: scout-1; leave `sub_agent_id` out to start a new one
          6 tool: c -> error "there is no finished conversation `scout-9` with agent `scout`; finished conversations: scout-1; leave `sub_agent_id` out to start a new one"
          7 assistant: "end"
          stop: FinalAnswer
          answer: "end"
    "#]].assert_eq(&show(&record));
}

#[tokio::test]
async fn a_child_whose_surroundings_fail_takes_the_parent_along() {
    let model = Arc::new(FnModel(|request: &ChatRequest<'_>| match request.agent {
        "lead" => Ok(ask(&[("a", "scout", "go")])),
        _ => Err(nex_llm::LlmError::BrokenReply { endpoint: "e".into(), cause: "cut".into() }),
    }));
    let lead = nex_agent::AgentSpec::new("lead").with_sub_agent(agent("scout"));
    let record = compile(lead).run("do it", context(model, vec![])).await;
    assert_eq!((record.stop.name(), record.children[0].trajectory.stop.name()), ("infra", "infra"));
}

fn pipeline(stages: Vec<(&str, Option<&str>)>) -> Pipeline {
    let stages = stages
        .into_iter()
        .map(|(name, instruction)| StageSpec {
            name: name.into(),
            agent: Arc::new(agent(&format!("{name}-agent"))),
            instruction: instruction.map(str::to_owned),
        })
        .collect();
    let spec = PipelineSpec {
        name: "line".into(),
        description: String::new(),
        stages,
        limits: nex_agent::Limits::default(),
        source: String::new(),
    };
    Pipeline::compile(spec, &ToolBindings::new()).expect("the spec is right")
}

#[tokio::test]
async fn each_stage_gets_the_task_and_the_answer_before() {
    let model = script(vec![
        ("plan-agent", vec![say("first x, then y")]),
        ("act-agent", vec![call(&[("a", "echo", json!({"text": "x"}))]), say("did x and y")]),
        ("check-agent", vec![say("all well")]),
    ]);
    let line = pipeline(vec![
        ("plan", Some("Plan: {{ task }}")),
        ("act", None),
        ("check", Some("{{ answers.plan }} / {{ previous }}")),
    ]);
    let record = line.run("clean up", context(model, vec![echo()])).await;
    expect![[r#"
        t (line)
          0 user: "clean up"
            child of -:
              t/plan (plan-agent)
                0 user: "Plan: clean up"
                1 assistant: "first x, then y"
                stop: FinalAnswer
                answer: "first x, then y"
            child of -:
              t/act (act-agent)
                0 user: "clean up\nThe stage before you reported:\nfirst x, then y"
                1 assistant: a echo({"text":"x"})
                2 tool: a -> "x"
                3 assistant: "did x and y"
                stop: FinalAnswer
                answer: "did x and y"
            child of -:
              t/check (check-agent)
                0 user: "first x, then y / did x and y"
                1 assistant: "all well"
                stop: FinalAnswer
                answer: "all well"
          1 assistant [synthetic]: "all well"
          stop: FinalAnswer
          answer: "all well"
    "#]]
    .assert_eq(&show(&record));
}

#[tokio::test]
async fn a_stage_without_answer_ends_the_pipeline() {
    let model = script(vec![("plan-agent", vec![nothing(), nothing(), nothing()])]);
    let record = pipeline(vec![("plan", None), ("act", None)]).run("go", context(model, vec![])).await;
    assert_eq!(record.stop, StopReason::EmptyReplies { count: 3 });
    assert_eq!((record.children.len(), record.answer), (1, None));
}

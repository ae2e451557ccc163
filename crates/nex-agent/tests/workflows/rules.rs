//! What holds for all workflows: order, bounds, stops, the graph.

use super::common::{FnModel, context, identity, nothing, say, script};
use super::*;
use expect_test::expect;
use nex_llm::{ChatRequest, LlmError};
use nex_trajectory::{ModelIdentity, StopReason};

/// Answers the agents of `order` in that order, whoever asks first; all others at once.
fn in_order(order: &'static [&'static str]) -> Arc<dyn ChatModel> {
    struct Ordered {
        order: &'static [&'static str],
        turn: tokio::sync::watch::Sender<usize>,
    }
    #[async_trait::async_trait]
    impl ChatModel for Ordered {
        fn identity(&self) -> ModelIdentity {
            identity()
        }
        async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
            if let Some(at) = self.order.iter().position(|agent| *agent == request.agent) {
                let mut turn = self.turn.subscribe();
                turn.wait_for(|turn| *turn >= at).await.expect("the sender lives");
                self.turn.send_replace(at + 1);
            }
            Ok(say(&format!("{} speaks", request.agent)))
        }
    }
    Arc::new(Ordered { order, turn: tokio::sync::watch::channel(0).0 })
}

#[tokio::test]
async fn the_record_does_not_tell_which_branch_was_faster() {
    let mut records = Vec::new();
    for order in [
        &["lawyer", "accountant", "engineer", "tester"][..],
        &["engineer", "tester", "accountant", "lawyer"],
        &["accountant", "engineer", "lawyer", "tester"],
    ] {
        let model = in_order(order);
        let record = run(example_spec("parallel"), "a bridge", model).await;
        records.push(serde_json::to_string(&record).expect("plain data"));
        assert!(record.stop.is_answer());
    }
    assert_eq!(records[0], records[1]);
    assert_eq!(records[0], records[2]);
}

#[tokio::test]
async fn the_first_branch_in_order_decides_why_a_parallel_stage_stops() {
    let silent = || vec![nothing(), nothing(), nothing()];
    let replies = vec![("lawyer", silent()), ("engineer", vec![say("built")]), ("tester", silent())];
    let record = run(example_spec("parallel"), "a bridge", script(replies)).await;
    expect![[r#"
        t/views/law: empty_replies
        t/views/cost: final_answer
        t/views/technique/build: final_answer
        t/views/technique/risk: empty_replies
        Forked { stage: "views", branches: 3 }
        EmptyReplies { count: 3 }, None"#]]
    .assert_eq(&outline(&record));
}

#[tokio::test]
async fn all_skipped_is_a_dead_end() {
    let text = "
type: workflow
name: idle
stages:
  - {name: a, when: 'task == 1', agent: {name: a}}
";
    expect![[r#"
        Skipped { stage: "a", when: "task == 1" }
        DeadEnd { stage: "idle", cause: "no stage gave an answer" }, None"#]]
    .assert_eq(&outline(&run(spec_of(text), "?", script(vec![])).await));
}

#[tokio::test]
async fn an_optional_construct_is_passed_but_a_broken_environment_is_not() {
    let text = "
type: workflow
name: optional
stages:
  - {name: first, agent: {name: a}}
  - name: extra
    optional: true
    sequence:
      - {name: more, agent: {name: b}, writes: more}
      - {name: most, agent: {name: c}}
  - {name: end, agent: {name: d}, instruction: '{{ previous }}{{ answers.more }}{{ state.more }}'}
";
    let replies =
        vec![("a", vec![say("one")]), ("b", vec![say("two")]), ("c", vec![nothing(), nothing(), nothing()])];
    let record = run(spec_of(text), "?", script(replies)).await;
    expect![[r#"
        t/first: final_answer
        t/extra/more: final_answer
        t/extra/most: empty_replies
        t/end: final_answer
        Passed { stage: "extra", stop: "empty_replies" }
        FinalAnswer, Some("done")"#]]
    .assert_eq(&outline(&record));
    assert_eq!(record.children[3].trajectory.nodes[0].message.text(), "one", "as if it had not been tried");
    let broken: Arc<dyn ChatModel> = Arc::new(FnModel(|request: &ChatRequest<'_>| match request.agent {
        "b" => Err(LlmError::BrokenReply { endpoint: "e".into(), cause: "gone".into() }),
        _ => Ok(say("x")),
    }));
    let record = run(spec_of(text), "?", broken).await;
    assert_eq!((record.stop.name(), record.children.len()), ("infra", 2));
}

#[tokio::test]
async fn the_whole_has_bounds() {
    let mut spec = example_spec("critic");
    spec.limits.token_budget = Some(25);
    let record = run(spec, "?", script(vec![])).await;
    expect![[r#"
        t/review[1]/draft: final_answer
        t/review[1]/critique: final_answer
        t/review[2]/draft: final_answer
        t/review[2]/critique: token_budget
        TokenBudget { used_tokens: 30 }, None"#]]
    .assert_eq(&outline(&record));

    let workflow =
        Workflow::compile(example_spec("critic"), &ToolBindings::new()).expect("the spec is right");
    let mut cut = context(script(vec![]), vec![]);
    cut.cancel.cancel();
    let record = workflow.run("?", cut.clone()).await;
    assert_eq!((record.stop, record.children.len()), (StopReason::Cancelled, 1));
    cut.cancel = tokio_util::sync::CancellationToken::new();
    cut.limits.timeout = Some(std::time::Duration::ZERO);
    let record = workflow.run("?", cut).await;
    assert_eq!(record.stop.name(), "time_limit");
}

#[tokio::test]
async fn cancelling_reaches_all_branches() {
    let mut context = context(in_order(&["lawyer", "nobody", "accountant", "engineer"]), vec![]);
    let cancel = tokio_util::sync::CancellationToken::new();
    context.cancel = cancel.clone();
    struct CancelAfter(tokio_util::sync::CancellationToken);
    impl nex_agent::Observer for CancelAfter {
        fn on_stop(&self, run: &nex_trajectory::TrajectoryId, _: &StopReason, _: Option<&str>) {
            if run.as_str() == "t/views/law" {
                self.0.cancel();
            }
        }
    }
    context.observer = Some(Arc::new(CancelAfter(cancel)));
    let workflow =
        Workflow::compile(example_spec("parallel"), &ToolBindings::new()).expect("the spec is right");
    expect![[r#"
        t/views/law: final_answer
        t/views/cost: cancelled
        t/views/technique/build: cancelled
        Forked { stage: "views", branches: 3 }
        Cancelled, None"#]]
    .assert_eq(&outline(&workflow.run("a bridge", context).await));
}

#[tokio::test]
async fn what_cannot_be_worked_out_is_named() {
    let text = "
type: workflow
name: odd
stages:
  - {name: a, agent: {name: a}}
  - {name: b, when: 'previous + 1', agent: {name: b}}
";
    let record = run(spec_of(text), "?", script(vec![])).await;
    expect![[r#"
        t/a: final_answer
        Infra(InfraFailure { kind: "condition_failed", message: "workflow `odd`, stage `b`: `previous + 1`: line 1: tried to use + operator on unsupported types string and number" }), None"#]].assert_eq(&outline(&record));
}

#[test]
fn the_graph_shows_every_way() {
    let show = |name: &str| {
        let graph = example_spec(name).graph();
        let nodes = graph.nodes.iter().map(|node| {
            format!(
                "{} {}{}",
                node.kind,
                node.id,
                node.agent.as_ref().map(|a| format!(" = {a}")).unwrap_or_default()
            )
        });
        let edges = graph.edges.iter().map(|edge| {
            format!(
                "{} -> {}{}",
                edge.from,
                edge.to,
                edge.label.as_ref().map(|l| format!(" [{l}]")).unwrap_or_default()
            )
        });
        nodes.chain(edges).collect::<Vec<_>>().join("\n")
    };
    expect![[r#"
        start start
        agent triage = triager
        agent research = researcher
        agent reply = replier
        end end
        start -> triage
        triage -> research ['UNKNOWN' in answers.triage]
        research -> reply
        triage -> reply [not ('UNKNOWN' in answers.triage)]
        reply -> end"#]]
    .assert_eq(&show("conditional"));
    expect![[r#"
        start start
        router desk = classifier
        agent refunds = refund_clerk
        agent exchanges = exchange_clerk
        agent person = escalator
        end end
        start -> desk
        desk -> refunds [refund]
        desk -> exchanges [exchange]
        desk -> person [otherwise]
        refunds -> end
        exchanges -> end
        person -> end"#]]
    .assert_eq(&show("router"));
    expect![[r#"
        start start
        agent law = lawyer
        agent cost = accountant
        agent build = engineer
        agent risk = tester
        agent advice = adviser
        end end
        start -> law
        start -> cost
        start -> build
        build -> risk
        law -> advice
        cost -> advice
        risk -> advice
        advice -> end"#]]
    .assert_eq(&show("parallel"));
    expect![[r#"
        start start
        agent plan = planner
        agent task_done = worker
        agent report = reporter
        end end
        start -> plan
        plan -> task_done ['DONE' not in answers.plan; each of answers.plan]
        task_done -> plan [not ('DONE' in answers.plan)]
        plan -> plan [not ('DONE' not in answers.plan); not ('DONE' in answers.plan)]
        task_done -> report
        plan -> report [not ('DONE' not in answers.plan)]
        report -> end"#]]
    .assert_eq(&show("plan_and_execute"));
    expect![[r#"
        start start
        voter verdict/optimist = optimist
        voter verdict/sceptic = sceptic
        judge verdict[judge] = judge
        end end
        start -> verdict/optimist
        start -> verdict/sceptic
        verdict/sceptic -> verdict/optimist [next round]
        verdict/optimist -> verdict/sceptic [next round]
        verdict/optimist -> verdict[judge]
        verdict/sceptic -> verdict[judge]
        verdict[judge] -> end"#]]
    .assert_eq(&show("debate"));
}

#[test]
fn agents_can_be_changed_everywhere() {
    for (name, _) in EXAMPLES {
        let spec = example_spec(name);
        let changed = spec.clone().map_agents(&mut |agent| {
            let mut agent = agent.clone();
            agent.name.push('2');
            agent
        });
        let pairs = spec.assignments().into_iter().zip(changed.assignments());
        for ((place, before), (_, after)) in pairs {
            assert_eq!(after.agent.name, format!("{}2", before.agent.name), "{name}, {place}");
        }
        let json = serde_json::to_string(&spec).expect("plain data");
        assert_eq!(serde_json::from_str::<WorkflowSpec>(&json).expect("its own JSON"), spec);
    }
}

//! Each pattern of the documentation at work.

use super::common::{context, echo, identity, nothing, say, script, show};
use super::*;
use expect_test::expect;
use nex_agent::{Pipeline, PipelineSpec, StageSpec};
use nex_llm::{ChatRequest, LlmError};
use nex_trajectory::{ModelIdentity, StopReason};

#[test]
fn the_documentation_shows_the_examples_as_they_are() {
    let page = include_str!("../../../../docs/workflows.md");
    for (name, text) in EXAMPLES {
        assert!(
            page.contains(&format!("```yaml\n{text}```")),
            "docs/workflows.md lacks {name}.yaml as it is"
        );
    }
}

#[tokio::test]
async fn sequential() {
    let replies = all_say(&[("outliner", "1. rain"), ("writer", "It rains.")]);
    example(
        "sequential",
        "weather",
        replies,
        expect![[r#"
        t (sequential)
          0 user: "weather"
            child of -:
              t/outline (outliner)
                0 user: "Outline: weather"
                1 assistant: "1. rain"
                stop: FinalAnswer
                answer: "1. rain"
            child of -:
              t/text (writer)
                0 user: "weather\nThe stage before you reported:\n1. rain"
                1 assistant: "It rains."
                stop: FinalAnswer
                answer: "It rains."
          1 assistant [synthetic]: "It rains."
          stop: FinalAnswer
          answer: "It rains."
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_workflow_of_agents_in_sequence_leaves_the_record_of_a_pipeline() {
    let workflow = example_spec("sequential");
    let stages = workflow.assignments().into_iter().map(|(name, assignment)| StageSpec {
        name,
        agent: assignment.agent.clone(),
        instruction: assignment.instruction.clone(),
    });
    let pipeline = PipelineSpec {
        name: workflow.name.clone(),
        description: String::new(),
        stages: stages.collect(),
        limits: workflow.limits.clone(),
        source: workflow.source.clone(),
    };
    assert_eq!(WorkflowSpec::from(pipeline.clone()), workflow);
    let pipeline = Pipeline::compile(pipeline, &ToolBindings::new()).expect("the spec is right");
    let workflow = Workflow::compile(workflow, &ToolBindings::new()).expect("the spec is right");
    let replies = || vec![("outliner", vec![say("a")]), ("writer", vec![nothing(), say("b")])];
    let of_pipeline = pipeline.run("go", context(script(replies()), vec![echo()])).await;
    let of_workflow = workflow.run("go", context(script(replies()), vec![echo()])).await;
    let bytes = |record: &Trajectory| serde_json::to_string(record).expect("plain data");
    assert_eq!(bytes(&of_pipeline), bytes(&of_workflow));
    let silent = || vec![("outliner", vec![nothing(), nothing(), nothing()])];
    let of_pipeline = pipeline.run("go", context(script(silent()), vec![])).await;
    let of_workflow = workflow.run("go", context(script(silent()), vec![])).await;
    assert_eq!(of_pipeline.stop, StopReason::EmptyReplies { count: 3 });
    assert_eq!(bytes(&of_pipeline), bytes(&of_workflow));
}

#[tokio::test]
async fn conditional() {
    let known = all_say(&[("triager", "a known fault"), ("replier", "turn it off and on")]);
    example("conditional", "it hums", known, expect![[r#"
        t (conditional)
          0 user: "it hums"
            child of -:
              t/triage (triager)
                0 user: "it hums"
                1 assistant: "a known fault"
                stop: FinalAnswer
                answer: "a known fault"
          1 assistant [synthetic]: "{\"event\":\"skipped\",\"stage\":\"research\",\"when\":\"'UNKNOWN' in answers.triage\"}"
            child of -:
              t/reply (replier)
                0 user: "it hums\nThe stage before you reported:\na known fault"
                1 assistant: "turn it off and on"
                stop: FinalAnswer
                answer: "turn it off and on"
          2 assistant [synthetic]: "turn it off and on"
          stop: FinalAnswer
          answer: "turn it off and on"
    "#]]).await;
    let replies =
        all_say(&[("triager", "UNKNOWN"), ("researcher", "a loose screw"), ("replier", "fasten it")]);
    let record = run(example_spec("conditional"), "it hums", script(replies)).await;
    expect![[r#"
        t/triage: final_answer
        t/research: final_answer
        t/reply: final_answer
        FinalAnswer, Some("fasten it")"#]]
    .assert_eq(&outline(&record));
}

#[tokio::test]
async fn router() {
    let replies =
        all_say(&[("classifier", "The parcel is broken.\n**Refund**"), ("refund_clerk", "paid back")]);
    example("router", "broken parcel", replies, expect![[r#"
        t (router)
          0 user: "broken parcel"
            child of -:
              t/desk (classifier)
                0 user: "broken parcel\n\nEnd with a line that holds only one of these labels: refund, exchange"
                1 assistant: "The parcel is broken.\n**Refund**"
                stop: FinalAnswer
                answer: "The parcel is broken.\n**Refund**"
          1 assistant [synthetic]: "{\"event\":\"routed\",\"stage\":\"desk\",\"label\":\"refund\"}"
            child of -:
              t/desk[refund]/refunds (refund_clerk)
                0 user: "broken parcel"
                1 assistant: "paid back"
                stop: FinalAnswer
                answer: "paid back"
          2 assistant [synthetic]: "paid back"
          stop: FinalAnswer
          answer: "paid back"
    "#]]).await;
    let replies = all_say(&[("classifier", "hm"), ("escalator", "a person will call")]);
    let record = run(example_spec("router"), "?", script(replies)).await;
    expect![[r#"
        t/desk: final_answer
        t/desk[otherwise]/person: final_answer
        Routed { stage: "desk", label: None }
        FinalAnswer, Some("a person will call")"#]]
    .assert_eq(&outline(&record));
}

#[tokio::test]
async fn a_label_that_names_no_branch_is_a_dead_end_and_a_defect() {
    let mut spec = example_spec("router");
    let nex_agent::workflow::Work::Router(router) = &mut spec.stages[0].work else { panic!("a router") };
    router.otherwise = None;
    let record = run(spec, "?", script(all_say(&[("classifier", "either refund or exchange")]))).await;
    expect![[r#"
        t (router)
          0 user: "?"
            child of -:
              t/desk (classifier)
                0 user: "?\n\nEnd with a line that holds only one of these labels: refund, exchange"
                1 assistant: "either refund or exchange"
                  defect SchemaViolation: `either refund or exchange` names none of the branches: refund, exchange
                stop: FinalAnswer
                answer: "either refund or exchange"
          stop: DeadEnd { stage: "desk", cause: "`either refund or exchange` names none of the branches: refund, exchange" }
    "#]].assert_eq(&show(&record));
}

#[tokio::test]
async fn a_router_by_rule() {
    let spec = spec_of(
        "
type: workflow
name: by_rule
stages:
  - name: size
    router:
      rule: \"'long' if task | length > 5 else 'short'\"
      branches:
        - {label: long, name: careful, agent: {name: a}}
        - {label: short, name: quick, agent: {name: b}}
",
    );
    let record = run(spec.clone(), "abc", script(vec![])).await;
    expect![[r#"
        t/size[short]/quick: final_answer
        Routed { stage: "size", label: Some("short") }
        FinalAnswer, Some("done")"#]]
    .assert_eq(&outline(&record));
    assert_eq!(record.children.len(), 1);
    let record = run(spec, "abcdefgh", script(vec![])).await;
    assert_eq!(record.children[0].trajectory.id.as_str(), "t/size[long]/careful");
}

#[tokio::test]
async fn parallel() {
    let replies = vec![
        ("lawyer", vec![say("allowed")]),
        ("accountant", vec![nothing(), nothing(), nothing()]),
        ("engineer", vec![say("built")]),
        ("tester", vec![say("sound")]),
        ("adviser", vec![say("go")]),
    ];
    example("parallel", "a bridge", replies, expect![[r####"
        t (parallel)
          0 user: "a bridge"
          1 assistant [synthetic]: "{\"event\":\"forked\",\"stage\":\"views\",\"branches\":3}"
            child of -:
              t/views/law (lawyer)
                0 user: "a bridge"
                1 assistant: "allowed"
                stop: FinalAnswer
                answer: "allowed"
            child of -:
              t/views/cost (accountant)
                0 user: "a bridge"
                1 assistant: nothing
                  defect EmptyReply: the reply holds neither text nor calls
                2 user [synthetic]: "Your reply was empty. Call a tool, or give your answer as text."
                3 assistant: nothing
                  defect EmptyReply: the reply holds neither text nor calls
                4 user [synthetic]: "Your reply was empty. Call a tool, or give your answer as text."
                5 assistant: nothing
                  defect EmptyReply: the reply holds neither text nor calls
                stop: EmptyReplies { count: 3 }
          2 assistant [synthetic]: "{\"event\":\"passed\",\"stage\":\"views/cost\",\"stop\":\"empty_replies\"}"
            child of -:
              t/views/technique/build (engineer)
                0 user: "a bridge"
                1 assistant: "built"
                stop: FinalAnswer
                answer: "built"
            child of -:
              t/views/technique/risk (tester)
                0 user: "a bridge\nThe stage before you reported:\nbuilt"
                1 assistant: "sound"
                stop: FinalAnswer
                answer: "sound"
            child of -:
              t/advice (adviser)
                0 user: "### law\nallowed\n\n### technique\nsound"
                1 assistant: "go"
                stop: FinalAnswer
                answer: "go"
          3 assistant [synthetic]: "go"
          stop: FinalAnswer
          answer: "go"
    "####]]).await;
}

#[tokio::test]
async fn map_reduce() {
    let replies =
        vec![("splitter", vec![say("- dawn\n- noon\n- dusk\n- night")]), ("editor", vec![say("a day")])];
    let said = script(replies);
    let model: Arc<dyn ChatModel> = Arc::new(Echoing { agent: "reader", others: said });
    let record = run(example_spec("map_reduce"), "a book", model).await;
    expect![[r#"
        t (map_reduce)
          0 user: "a book"
            child of -:
              t/split (splitter)
                0 user: "List the chapters of a book, one a line."
                1 assistant: "- dawn\n- noon\n- dusk\n- night"
                stop: FinalAnswer
                answer: "- dawn\n- noon\n- dusk\n- night"
          1 assistant [synthetic]: "{\"event\":\"mapped\",\"stage\":\"summaries\",\"items\":3,\"left_out\":1}"
            child of -:
              t/summaries[1]/summary (reader)
                0 user: "Sum up chapter 1: dawn"
                1 assistant: "[Sum up chapter 1: dawn]"
                stop: FinalAnswer
                answer: "[Sum up chapter 1: dawn]"
            child of -:
              t/summaries[2]/summary (reader)
                0 user: "Sum up chapter 2: noon"
                1 assistant: "[Sum up chapter 2: noon]"
                stop: FinalAnswer
                answer: "[Sum up chapter 2: noon]"
            child of -:
              t/summaries[3]/summary (reader)
                0 user: "Sum up chapter 3: dusk"
                1 assistant: "[Sum up chapter 3: dusk]"
                stop: FinalAnswer
                answer: "[Sum up chapter 3: dusk]"
            child of -:
              t/whole (editor)
                0 user: "Put together:\n### 1. dawn\n[Sum up chapter 1: dawn]\n\n### 2. noon\n[Sum up chapter 2: noon]\n\n### 3. dusk\n[Sum up chapter 3: dusk]"
                1 assistant: "a day"
                stop: FinalAnswer
                answer: "a day"
          2 assistant [synthetic]: "a day"
          stop: FinalAnswer
          answer: "a day"
    "#]].assert_eq(&show(&record));
}

/// An agent that repeats what it is told, beside others that have a script.
struct Echoing {
    agent: &'static str,
    others: Arc<dyn ChatModel>,
}

#[async_trait::async_trait]
impl ChatModel for Echoing {
    fn identity(&self) -> ModelIdentity {
        identity()
    }
    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        if request.agent != self.agent {
            return self.others.complete(request).await;
        }
        let told = request.transcript.messages().last().map(|message| message.text()).unwrap_or_default();
        Ok(say(&format!("[{told}]")))
    }
}

#[tokio::test]
async fn a_list_that_is_empty_and_one_that_is_none() {
    let replies = vec![("splitter", vec![say("[]")]), ("editor", vec![say("nothing to say")])];
    let record = run(example_spec("map_reduce"), "a book", script(replies)).await;
    expect![[r#"
        t/split: final_answer
        t/whole: final_answer
        Mapped { stage: "summaries", items: 0, left_out: 0 }
        FinalAnswer, Some("nothing to say")"#]]
    .assert_eq(&outline(&record));
    let mut spec = example_spec("map_reduce");
    let nex_agent::workflow::Work::Map(map) = &mut spec.stages[1].work else { panic!("a map") };
    map.over = "previous | length".to_owned();
    let record = run(spec, "a book", script(vec![])).await;
    expect![[r#"
        t/split: final_answer
        DeadEnd { stage: "summaries", cause: "`previous | length` gives a number, where a list or text is wanted" }, None"#]].assert_eq(&outline(&record));
}

#[tokio::test]
async fn critic() {
    let replies = vec![
        ("writer", vec![say("It rain."), say("It rains.")]),
        ("critic", vec![say("an s is missing"), say("APPROVED")]),
    ];
    example("critic", "weather", replies, expect![[r#"
        t (critic)
          0 user: "weather"
            child of -:
              t/review[1]/draft (writer)
                0 user: "weather"
                1 assistant: "It rain."
                stop: FinalAnswer
                answer: "It rain."
            child of -:
              t/review[1]/critique (critic)
                0 user: "Judge:\nIt rain."
                1 assistant: "an s is missing"
                stop: FinalAnswer
                answer: "an s is missing"
            child of -:
              t/review[2]/draft (writer)
                0 user: "Revise:\nIt rain.\nAfter:\nan s is missing"
                1 assistant: "It rains."
                stop: FinalAnswer
                answer: "It rains."
            child of -:
              t/review[2]/critique (critic)
                0 user: "Judge:\nIt rains."
                1 assistant: "APPROVED"
                stop: FinalAnswer
                answer: "APPROVED"
          1 assistant [synthetic]: "{\"event\":\"looped\",\"stage\":\"review\",\"rounds\":2,\"stop\":\"condition\"}"
          2 assistant [synthetic]: "It rains."
          stop: FinalAnswer
          answer: "It rains."
    "#]]).await;
    let never = script(vec![("critic", vec![say("no"), say("no"), say("no"), say("no")])]);
    let record = run(example_spec("critic"), "weather", never).await;
    expect![[r#"
        t/review[1]/draft: final_answer
        t/review[1]/critique: final_answer
        t/review[2]/draft: final_answer
        t/review[2]/critique: final_answer
        t/review[3]/draft: final_answer
        t/review[3]/critique: final_answer
        Looped { stage: "review", rounds: 3, stop: "max_rounds" }
        FinalAnswer, Some("done")"#]]
    .assert_eq(&outline(&record));
}

#[tokio::test]
async fn vote() {
    let replies = vec![("juror", vec![say("guilty"), say("I say:\nInnocent."), say("guilty, clearly")])];
    example("vote", "Is it him?", replies, expect![[r#"
        t (vote)
          0 user: "Is it him?"
            child of -:
              t/verdict[1]/juror-1 (juror)
                0 user: "Is it him?\n\nEnd with a line that holds only one of these: guilty, innocent"
                1 assistant: "guilty"
                stop: FinalAnswer
                answer: "guilty"
            child of -:
              t/verdict[1]/juror-2 (juror)
                0 user: "Is it him?\n\nEnd with a line that holds only one of these: guilty, innocent"
                1 assistant: "I say:\nInnocent."
                stop: FinalAnswer
                answer: "I say:\nInnocent."
            child of -:
              t/verdict[1]/juror-3 (juror)
                0 user: "Is it him?\n\nEnd with a line that holds only one of these: guilty, innocent"
                1 assistant: "guilty, clearly"
                stop: FinalAnswer
                answer: "guilty, clearly"
          1 assistant [synthetic]: "{\"event\":\"voted\",\"stage\":\"verdict\",\"ballots\":[[\"juror-1\",\"guilty\"],[\"juror-2\",\"innocent\"],[\"juror-3\",\"guilty\"]],\"winner\":\"guilty\",\"by\":\"majority\"}"
          2 assistant [synthetic]: "guilty"
          stop: FinalAnswer
          answer: "guilty"
    "#]]).await;
    let replies = vec![("juror", vec![say("innocent"), say("guilty"), say("who knows")])];
    let record = run(example_spec("vote"), "Is it him?", script(replies)).await;
    expect![[r#"
        t/verdict[1]/juror-1: final_answer
        t/verdict[1]/juror-2: final_answer
        t/verdict[1]/juror-3: final_answer
        Voted { stage: "verdict", ballots: [("juror-1", Some("innocent")), ("juror-2", Some("guilty")), ("juror-3", None)], winner: "guilty", by: "tie_order" }
        FinalAnswer, Some("guilty")"#]].assert_eq(&outline(&record));
    let defect = &record.children[2].trajectory.nodes.last().expect("a reply").defects[0];
    assert_eq!(defect.message, "`who knows` names none of: guilty, innocent");
    let record = run(example_spec("vote"), "Is it him?", script(vec![])).await;
    expect![[r#"
        t/verdict[1]/juror-1: final_answer
        t/verdict[1]/juror-2: final_answer
        t/verdict[1]/juror-3: final_answer
        DeadEnd { stage: "verdict", cause: "no answer could be counted" }, None"#]]
    .assert_eq(&outline(&record));
}

#[tokio::test]
async fn a_tie_goes_to_the_judge_if_there_is_one() {
    let text = "
type: workflow
name: tied
stages:
  - name: pick
    vote:
      labels: [red, green, blue]
      voters: [{agent: {name: a}}, {agent: {name: b}}]
      judge: {agent: {name: judge}}
";
    for (judge, expected) in [("green", "green"), ("blue", "red")] {
        let replies = vec![("a", vec![say("green")]), ("b", vec![say("red")]), ("judge", vec![say(judge)])];
        let record = run(spec_of(text), "?", script(replies)).await;
        assert_eq!(record.answer.as_deref(), Some(expected), "{}", show(&record));
    }
    let replies = vec![("a", vec![say("green")]), ("b", vec![say("green")])];
    let record = run(spec_of(text), "?", script(replies)).await;
    assert_eq!((record.children.len(), record.answer.as_deref()), (2, Some("green")), "no tie, no judge");
}

#[tokio::test]
async fn voters_that_fail_abstain_until_none_is_left() {
    let silent = || vec![nothing(), nothing(), nothing()];
    let text = "
type: workflow
name: silent
stages:
  - {name: pick, vote: {voters: [{agent: {name: a}}, {agent: {name: b}}]}}
";
    let replies = vec![("a", silent()), ("b", vec![say("The answer is\n\n**42**")])];
    let record = run(spec_of(text), "?", script(replies)).await;
    expect![[r#"
        t/pick[1]/a: empty_replies
        t/pick[1]/b: final_answer
        Voted { stage: "pick", ballots: [("a", None), ("b", Some("42"))], winner: "The answer is\n\n**42**", by: "majority" }
        FinalAnswer, Some("The answer is\n\n**42**")"#]].assert_eq(&outline(&record));
    let record = run(spec_of(text), "?", script(vec![("a", silent()), ("b", silent())])).await;
    expect![[r#"
        t/pick[1]/a: empty_replies
        t/pick[1]/b: empty_replies
        EmptyReplies { count: 3 }, None"#]]
    .assert_eq(&outline(&record));
}

#[tokio::test]
async fn debate() {
    let replies = vec![
        ("optimist", vec![say("it works"), say("it may work")]),
        ("sceptic", vec![say("it fails"), say("it may fail")]),
        ("judge", vec![say("try it")]),
    ];
    example("debate", "Will it work?", replies, expect![[r#"
        t (debate)
          0 user: "Will it work?"
            child of -:
              t/verdict[1]/optimist (optimist)
                0 user: "Will it work?\n\nEnd with a line that holds only your answer"
                1 assistant: "it works"
                stop: FinalAnswer
                answer: "it works"
            child of -:
              t/verdict[1]/sceptic (sceptic)
                0 user: "Will it work?\n\nEnd with a line that holds only your answer"
                1 assistant: "it fails"
                stop: FinalAnswer
                answer: "it fails"
            child of -:
              t/verdict[2]/optimist (optimist)
                0 user: "Will it work?\n\nYou answered:\nit works\n\nThe others answered:\n### sceptic\nit fails\n\nThink again, then give your answer.\n\nEnd with a line that holds only your answer"
                1 assistant: "it may work"
                stop: FinalAnswer
                answer: "it may work"
            child of -:
              t/verdict[2]/sceptic (sceptic)
                0 user: "Will it work?\n\nYou answered:\nit fails\n\nThe others answered:\n### optimist\nit works\n\nThink again, then give your answer.\n\nEnd with a line that holds only your answer"
                1 assistant: "it may fail"
                stop: FinalAnswer
                answer: "it may fail"
            child of -:
              t/verdict[judge] (judge)
                0 user: "Will it work?\n\nThese answers were given:\n### optimist\nit may work\n\n### sceptic\nit may fail\n\nDecide between them. End with a line that holds only the answer"
                1 assistant: "try it"
                stop: FinalAnswer
                answer: "try it"
          1 assistant [synthetic]: "{\"event\":\"voted\",\"stage\":\"verdict\",\"ballots\":[[\"optimist\",\"it may work\"],[\"sceptic\",\"it may fail\"]],\"winner\":\"try it\",\"by\":\"judge\"}"
          2 assistant [synthetic]: "try it"
          stop: FinalAnswer
          answer: "try it"
    "#]]).await;
}

#[tokio::test]
async fn plan_and_execute() {
    let replies = vec![
        ("planner", vec![say(r#"["buy wood", "saw it"]"#), say("1. nail it"), say("DONE")]),
        ("worker", vec![say("bought"), say("sawn"), say("nailed")]),
        ("reporter", vec![say("It is a box.")]),
    ];
    example("plan_and_execute", "build a box", replies, expect![[r#"
        t (plan_and_execute)
          0 user: "build a box"
            child of -:
              t/work[1]/plan (planner)
                0 user: "build a box"
                1 assistant: "[\"buy wood\", \"saw it\"]"
                stop: FinalAnswer
                answer: "[\"buy wood\", \"saw it\"]"
          1 assistant [synthetic]: "{\"event\":\"mapped\",\"stage\":\"work[1]/act\",\"items\":2,\"left_out\":0}"
            child of -:
              t/work[1]/act[1]/task_done (worker)
                0 user: "buy wood"
                1 assistant: "bought"
                stop: FinalAnswer
                answer: "bought"
            child of -:
              t/work[1]/act[2]/task_done (worker)
                0 user: "saw it"
                1 assistant: "sawn"
                stop: FinalAnswer
                answer: "sawn"
            child of -:
              t/work[2]/plan (planner)
                0 user: "build a box\nDone: bought; sawn\nWhat is left?"
                1 assistant: "1. nail it"
                stop: FinalAnswer
                answer: "1. nail it"
          2 assistant [synthetic]: "{\"event\":\"mapped\",\"stage\":\"work[2]/act\",\"items\":1,\"left_out\":0}"
            child of -:
              t/work[2]/act[1]/task_done (worker)
                0 user: "nail it"
                1 assistant: "nailed"
                stop: FinalAnswer
                answer: "nailed"
            child of -:
              t/work[3]/plan (planner)
                0 user: "build a box\nDone: bought; sawn; nailed\nWhat is left?"
                1 assistant: "DONE"
                stop: FinalAnswer
                answer: "DONE"
          3 assistant [synthetic]: "{\"event\":\"skipped\",\"stage\":\"work[3]/act\",\"when\":\"'DONE' not in answers.plan\"}"
          4 assistant [synthetic]: "{\"event\":\"looped\",\"stage\":\"work\",\"rounds\":3,\"stop\":\"condition\"}"
            child of -:
              t/report (reporter)
                0 user: "build a box: bought; sawn; nailed"
                1 assistant: "It is a box."
                stop: FinalAnswer
                answer: "It is a box."
          5 assistant [synthetic]: "It is a box."
          stop: FinalAnswer
          answer: "It is a box."
    "#]]).await;
}

#[tokio::test]
async fn blackboard() {
    let replies =
        all_say(&[("historian", "It was."), ("forecaster", "It will be."), ("editor", "Time passes.")]);
    example(
        "blackboard",
        "time",
        replies,
        expect![[r#"
        t (blackboard)
          0 user: "time"
          1 assistant [synthetic]: "{\"event\":\"forked\",\"stage\":\"experts\",\"branches\":2}"
            child of -:
              t/experts/history (historian)
                0 user: "time"
                1 assistant: "It was."
                stop: FinalAnswer
                answer: "It was."
            child of -:
              t/experts/outlook (forecaster)
                0 user: "time"
                1 assistant: "It will be."
                stop: FinalAnswer
                answer: "It will be."
            child of -:
              t/report (editor)
                0 user: "In English: It was. Then: It will be."
                1 assistant: "Time passes."
                stop: FinalAnswer
                answer: "Time passes."
          2 assistant [synthetic]: "Time passes."
          stop: FinalAnswer
          answer: "Time passes."
    "#]],
    )
    .await;
}

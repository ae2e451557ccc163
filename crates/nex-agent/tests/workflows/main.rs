//! Workflows: each pattern of `docs/workflows.md` loaded from its file and run, the rules that hold
//! for all of them, and what is wrong in files as a table.

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod patterns;
mod rules;

use common::say;
use common::{context, script, show};
use expect_test::Expect;
use nex_agent::workflow::WorkflowEvent;
use nex_agent::{LoadOptions, RunnableSpec, ToolBindings, Workflow, WorkflowSpec, load_runnable};
use nex_llm::{ChatModel, ChatReply};
use nex_trajectory::Trajectory;
use std::path::Path;
use std::sync::Arc;

/// The examples, as they stand in the documentation.
const EXAMPLES: [(&str, &str); 10] = [
    ("sequential", include_str!("sequential.yaml")),
    ("conditional", include_str!("conditional.yaml")),
    ("router", include_str!("router.yaml")),
    ("parallel", include_str!("parallel.yaml")),
    ("map_reduce", include_str!("map_reduce.yaml")),
    ("critic", include_str!("critic.yaml")),
    ("vote", include_str!("vote.yaml")),
    ("debate", include_str!("debate.yaml")),
    ("plan_and_execute", include_str!("plan_and_execute.yaml")),
    ("blackboard", include_str!("blackboard.yaml")),
];

fn load(path: &Path) -> WorkflowSpec {
    match load_runnable(path, &LoadOptions::default()) {
        Ok(RunnableSpec::Workflow(spec)) => spec,
        Ok(other) => panic!("{} is no workflow", other.name()),
        Err(error) => panic!("{error}"),
    }
}

fn example_spec(name: &str) -> WorkflowSpec {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/workflows");
    load(&folder.join(format!("{name}.yaml")))
}

fn spec_of(text: &str) -> WorkflowSpec {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.yaml");
    std::fs::write(&path, text).expect("a file");
    load(&path)
}

async fn run(spec: WorkflowSpec, task: &str, model: Arc<dyn ChatModel>) -> Trajectory {
    let workflow = Workflow::compile(spec, &ToolBindings::new()).expect("the spec is right");
    workflow.run(task, context(model, vec![])).await
}

async fn example(name: &str, task: &str, replies: Vec<(&'static str, Vec<ChatReply>)>, expected: Expect) {
    expected.assert_eq(&show(&run(example_spec(name), task, script(replies)).await));
}

/// Ids and stops of the stages' runs, and the events, without the messages.
fn outline(record: &Trajectory) -> String {
    let mut lines: Vec<String> = record
        .children
        .iter()
        .map(|child| format!("{}: {}", child.trajectory.id, child.trajectory.stop.name()))
        .collect();
    lines.extend(WorkflowEvent::of(record).iter().map(|event| format!("{event:?}")));
    lines.push(format!("{:?}, {:?}", record.stop, record.answer));
    lines.join("\n")
}

fn all_say(words: &[(&'static str, &str)]) -> Vec<(&'static str, Vec<ChatReply>)> {
    words.iter().map(|(agent, text)| (*agent, vec![say(text)])).collect()
}

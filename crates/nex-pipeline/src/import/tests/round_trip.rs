//! What the exports write is read back as the same messages.

use super::read;
use crate::export::{ExportOptions, ExportTarget, Prepared};
use crate::recipe::Keep;
use nex_trajectory::{
    Arguments, ContentBlock, Episode, Message, Node, NodeId, Role, ToolCall, ToolResult, ToolSpec, Trajectory,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use std::sync::Arc;

fn words() -> impl Strategy<Value = String> {
    // White space at the ends, quotes, tags of other formats, characters beyond the basic plane.
    "( |\n)?[a-zé\"\\\\🌍{}\\[\\],:\n\t 0-9]{1,24}( |\n)?"
}

fn arguments() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        r#"{}"#,
        r#"{"a":1.0,"b":"007"}"#,
        r#"{"b":[1,{"c":null}],"a":"x\"y"}"#,
        r#"{"n":12345678901234567890123}"#,
    ])
    .prop_map(str::to_owned)
}

/// Turns of a conversation: words, or calls with their results.
#[derive(Clone, Debug)]
enum Turn {
    Words { user: String, thought: Option<String>, reply: String },
    Calls { text: Option<String>, calls: Vec<(String, String)> },
}

fn turn() -> impl Strategy<Value = Turn> {
    let calls = prop::collection::vec((arguments(), words()), 1..4);
    prop_oneof![
        (words(), prop::option::of(words()), words()).prop_map(|(user, thought, reply)| Turn::Words {
            user,
            thought,
            reply
        }),
        (prop::option::of(words()), calls).prop_map(|(text, calls)| Turn::Calls { text, calls }),
    ]
}

/// An episode whose calls come between a user's words and a reply.
fn episode() -> impl Strategy<Value = Episode> {
    (prop::option::of(words()), words(), prop::collection::vec(turn(), 1..5), words()).prop_map(
        |(system, user, turns, last)| {
            let text = |text: String| ContentBlock::Text { text };
            let mut messages: Vec<Message> = system.map(Message::system).into_iter().collect();
            messages.push(Message::user(user));
            let mut count = 0;
            for turn in turns {
                match turn {
                    Turn::Words { user, thought, reply } => {
                        let thought = thought.map(|text| ContentBlock::Reasoning { text, signature: None });
                        let content = thought.into_iter().chain([text(reply)]).collect();
                        messages.push(Message { role: Role::Assistant, content });
                        messages.push(Message::user(user));
                    }
                    Turn::Calls { text: said, calls } => {
                        let (mut content, mut results): (Vec<_>, _) =
                            (said.map(text).into_iter().collect(), Vec::new());
                        for (arguments, result) in calls {
                            let id = format!("call_{count}");
                            count += 1;
                            content.push(ContentBlock::ToolCall(ToolCall {
                                id: id.as_str().into(),
                                name: "f".to_owned(),
                                arguments: Arguments::from_text(arguments),
                            }));
                            let content = vec![text(result)];
                            let call_id = id.as_str().into();
                            results.push(ToolResult {
                                call_id,
                                name: "f".to_owned(),
                                content,
                                is_error: false,
                            });
                        }
                        messages.push(Message { role: Role::Assistant, content });
                        messages.push(Message::tool(results));
                    }
                }
            }
            messages.push(Message::assistant(last));
            let tool = ToolSpec {
                name: "f".to_owned(),
                description: "d".to_owned(),
                input_schema: serde_json::json!({"type": "object", "properties": {"a": {}}}),
            };
            let mut episode =
                read("openai", None, br#"{"messages":[{"role":"user","content":"x"}]}"#).remove(0).unwrap();
            let mut trajectory = Trajectory::new("t".into(), "assistant", Arc::new(vec![tool]));
            for message in messages {
                let parent = trajectory.nodes.len().checked_sub(1).map(|at| NodeId(at as u32));
                trajectory.push(Node::new(parent, message));
            }
            trajectory.stop = nex_trajectory::StopReason::FinalAnswer;
            episode.trajectory = trajectory;
            episode
        },
    )
}

/// `episode` written as `target` and read back; none if the target refuses it.
fn there_and_back(target: &str, episode: &Episode) -> Option<Episode> {
    let target = ExportTarget::by_name(target, &ExportOptions::default()).unwrap();
    let mut prepared = Prepared::default();
    target.prepare(episode.clone(), Keep::All, &mut prepared);
    if !prepared.report().skipped.is_empty() {
        return None;
    }
    let mut found = read("auto", None, prepared.lines());
    assert_eq!(found.len(), 1, "{}", String::from_utf8_lossy(prepared.lines()));
    Some(found.remove(0).unwrap())
}

fn said(episode: &Episode) -> (Vec<(&Message, bool)>, &[ToolSpec]) {
    let nodes = episode.trajectory.nodes.iter();
    (nodes.map(|node| (&*node.message, node.is_synthetic)).collect(), &episode.trajectory.tools)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn openai_ms_swift_and_atif_give_the_same_messages(episode in episode()) {
        for target in ["openai", "ms-swift", "atif"] {
            let back = there_and_back(target, &episode);
            let back = back.unwrap_or_else(|| panic!("{target} holds it"));
            prop_assert_eq!(said(&back), said(&episode), "{}", target);
        }
    }

    #[test]
    fn sharegpt_gives_the_same_messages_where_it_can_hold_them(episode in episode()) {
        if let Some(back) = there_and_back("llama-factory", &episode) {
            prop_assert_eq!(said(&back), said(&episode));
        }
    }
}

#[test]
fn sharegpt_holds_enough_of_them_for_that_to_mean_something() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut draw = || episode().new_tree(&mut runner).unwrap().current();
    let held = (0..100).filter(|_| there_and_back("llama-factory", &draw()).is_some()).count();
    assert!(held > 20, "{held} of 100");
}

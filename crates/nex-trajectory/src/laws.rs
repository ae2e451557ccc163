//! Laws of the nouns.

use crate::*;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_episode_survives_json(episode in arbitrary::episode()) {
        let text = serde_json::to_string(&episode).unwrap();
        prop_assert_eq!(serde_json::from_str::<Episode>(&text).unwrap(), episode);
    }

    #[test]
    fn branches_cover_the_graph_and_each_is_a_path(trajectory in arbitrary::trajectory()) {
        let mut covered = vec![false; trajectory.nodes.len()];
        for leaf in trajectory.leaves() {
            let branch = trajectory.branch(leaf);
            prop_assert!(branch[0].parent.is_none());
            prop_assert!(std::ptr::eq(*branch.last().unwrap(), &trajectory.nodes[leaf.index()]));
            for pair in branch.windows(2) {
                let parent = pair[1].parent.unwrap();
                prop_assert!(std::ptr::eq(pair[0], &trajectory.nodes[parent.index()]));
            }
            for node in branch {
                let at = trajectory.nodes.iter().position(|n| std::ptr::eq(n, node)).unwrap();
                covered[at] = true;
            }
        }
        prop_assert!(covered.into_iter().all(|c| c));
    }
}

#[test]
fn arguments_keep_their_exact_text() {
    for text in [
        r#"{"b": 1, "a": 2}"#,
        r#"{"price":1.0,"code":"007"}"#,
        r#"{"big":9223372036854775809,"bigger":123456789012345678901234567890}"#,
        r#"{"a":1,"a":2}"#,
        "{\"unterminated",
        "",
        " { \"spaced\" : [ ] } ",
    ] {
        let call = ToolCall { id: "c".into(), name: "f".to_owned(), arguments: Arguments::from_text(text) };
        let stored = serde_json::to_string(&call).unwrap();
        let back: ToolCall = serde_json::from_str(&stored).unwrap();
        assert_eq!(back.arguments.as_text(), text);
    }
}

#[test]
fn arguments_as_value_keep_key_order_and_do_not_fail_on_nothing() {
    let arguments = Arguments::from_text(r#"{"b":1,"a":{"d":1,"c":2}}"#);
    assert_eq!(arguments.to_value().unwrap().to_string(), arguments.as_text());
    assert_eq!(Arguments::default().to_value().unwrap(), json!({}));
    assert_eq!(Arguments::from_text(" \n").to_value().unwrap(), json!({}));
    assert!(Arguments::from_text("{").to_value().is_err());
    assert_eq!(Arguments::from_value(&json!({"x": u64::MAX})).as_text(), r#"{"x":18446744073709551615}"#);
}

#[test]
fn a_rewritten_history_is_a_fork_with_one_branch_a_leaf() {
    let mut trajectory = Trajectory::new("t".into(), "a", Arc::default());
    let system = trajectory.push(Node::new(None, Message::system("s")));
    let old = trajectory.push(Node::new(Some(system), Message::user("long history")));
    let answered = trajectory.push(Node::new(Some(old), Message::assistant("one")));
    let summary = trajectory.push(Node::new(Some(system), Message::user("summary")));
    let ended = trajectory.push(Node::new(Some(summary), Message::assistant("two")));
    assert_eq!(trajectory.leaves(), [answered, ended]);
    let texts = |leaf| trajectory.branch(leaf).iter().map(|n| n.message.text()).collect::<Vec<_>>();
    assert_eq!(texts(answered), ["s", "long history", "one"]);
    assert_eq!(texts(ended), ["s", "summary", "two"]);
}

#[test]
#[should_panic(expected = "parent must come first")]
fn a_node_cannot_hang_under_one_that_does_not_exist() {
    Trajectory::new("t".into(), "a", Arc::default()).push(Node::new(Some(NodeId(0)), Message::user("x")));
}

#[test]
fn turns_and_calls_are_counted_through_sub_agents() {
    let episode = arbitrary::rich_episode();
    assert_eq!(episode.trajectory.turn_count(), 3);
    assert_eq!(episode.trajectory.call_count(), 2);
}

#[test]
fn a_number_that_json_cannot_hold_is_refused_when_written() {
    let mut episode = arbitrary::rich_episode();
    episode.reward.as_mut().unwrap().total = f64::NAN;
    let error = serde_json::to_string(&episode).unwrap_err();
    assert!(error.to_string().contains("not a finite number"), "{error}");

    let mut episode = arbitrary::rich_episode();
    let node = &mut episode.trajectory.nodes[2];
    node.tokens.as_mut().unwrap().logprobs[1] = f32::NEG_INFINITY;
    assert!(serde_json::to_string(&episode).is_err());
}

#[test]
fn an_episode_of_a_newer_version_is_refused() {
    let mut value = serde_json::to_value(arbitrary::rich_episode()).unwrap();
    value["version"] = json!(episode::EPISODE_VERSION + 1);
    let error = serde_json::from_value::<Episode>(value).unwrap_err();
    assert!(error.to_string().contains("update nex"), "{error}");
}

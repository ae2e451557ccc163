use super::*;
use crate::Declaration;
use nex_trajectory::episode::EPISODE_VERSION;
use nex_trajectory::store::Store;
use nex_trajectory::{
    EpisodeId, InfraFailure, Message, Node, Rating, StopReason, TaskId, TaskRecord, Trajectory, TrajectoryId,
};
use std::sync::Arc;

pub(crate) fn episode(index: u64, answer: &str, outcome: Outcome, stars: &[u8]) -> Episode {
    let id = format!("e{index}");
    let mut trajectory = Trajectory::new(TrajectoryId::new(&*id), "clerk", Arc::default());
    trajectory.stop = StopReason::FinalAnswer;
    let root = trajectory.push(Node::new(None, Message::user(format!("say {answer}"))));
    if !answer.is_empty() {
        trajectory.push(Node::new(Some(root), Message::assistant(answer)));
    }
    Episode {
        version: EPISODE_VERSION,
        id: EpisodeId::new(id),
        task: TaskRecord {
            id: TaskId::new("t"),
            world: "w".to_owned(),
            seed: index,
            language: "en".to_owned(),
            instruction: String::new(),
            difficulty: "easy".to_owned(),
            dials: Default::default(),
            oracle_calls: 0,
        },
        harness: "h".to_owned(),
        driver: "d".to_owned(),
        attempt: 0,
        trajectory,
        reward: None,
        outcome,
        ratings: stars
            .iter()
            .map(|stars| Rating { stars: *stars, by: "rules".to_owned(), reason: String::new() })
            .collect(),
        notes: Default::default(),
    }
}

fn source(dir: &std::path::Path, episodes: &[Episode], filter: EpisodeFilter) -> EpisodeSource {
    let store = Store::<Episode>::open(dir).unwrap().0;
    for episode in episodes {
        store.append(episode).unwrap();
    }
    EpisodeSource { stores: vec![dir.to_owned()], filter }
}

fn style() -> EncodingStyle {
    EncodingStyle::Structured { tools: Declaration::None }
}

#[test]
fn filters_keep_what_they_say() {
    use Outcome::{Failure, Infra, Success, Unscored};
    let cases = [
        (Success, vec![5, 4]),
        (Success, vec![4, 3]),
        (Success, vec![]),
        (Failure, vec![5]),
        (Unscored, vec![]),
        (Infra, vec![5]),
    ];
    let kept = |filter: EpisodeFilter| {
        cases.clone().map(|(outcome, stars)| filter.check(&episode(0, "x", outcome, &stars)).is_ok())
    };
    assert_eq!(kept(EpisodeFilter::PAPER), [true, false, false, false, false, false]);
    assert_eq!(kept(EpisodeFilter::Successful), [true, true, true, false, false, false]);
    assert_eq!(kept(EpisodeFilter::All), [true, true, true, true, true, false]);
    let mut broken = episode(0, "x", Success, &[5]);
    broken.trajectory.stop =
        StopReason::Infra(InfraFailure { kind: "timeout".to_owned(), message: String::new() });
    assert_eq!(EpisodeFilter::All.check(&broken), Err("the surroundings failed"));
}

#[test]
fn samples_are_read_cut_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let mut long = episode(1, "short", Outcome::Success, &[]);
    let last = nex_trajectory::NodeId(1);
    let more = long.trajectory.push(Node::new(Some(last), Message::user("and then?")));
    long.trajectory.push(Node::new(Some(more), Message::assistant("x".repeat(500))));
    let episodes = [
        episode(0, "yes", Outcome::Success, &[]),
        long,
        episode(2, "no", Outcome::Failure, &[]),
        episode(3, &"y".repeat(600), Outcome::Success, &[]),
        episode(4, "", Outcome::Success, &[]),
    ];
    let source = source(dir.path(), &episodes, EpisodeFilter::Successful);
    let tokenizer = source.train_tokenizer(&style(), 270, 1 << 20).unwrap();
    let encoder = Encoder::new(tokenizer, style());
    let (samples, report) = source.samples(&encoder, 100, TooLong::CutBehindReply).unwrap();
    assert_eq!(samples.iter().map(|sample| sample.id.as_str()).collect::<Vec<_>>(), ["e0#1", "e1#3"]);
    assert_eq!((report.episodes, report.samples, report.cut), (5, 2, 1));
    let left_out: Vec<_> = report.left_out.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(left_out, [("longer than the context", 1), ("no success", 1)]);
    assert!(report.longest > 100);
    let (samples, report) = source.samples(&encoder, 100, TooLong::Skip).unwrap();
    assert_eq!((samples.len(), report.left_out["longer than the context"]), (1, 2));
}

#[test]
fn nothing_to_train_on_is_an_error_that_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let episodes = [episode(0, "no", Outcome::Failure, &[]), episode(1, "no", Outcome::Failure, &[])];
    let source = source(dir.path(), &episodes, EpisodeFilter::PAPER);
    let told = source.train_tokenizer(&style(), 300, 1000).unwrap_err().to_string();
    assert_eq!(told, "no action tokens to train on: 2 episodes; left out: 2 × no success");
    let missing = EpisodeSource { stores: vec![dir.path().join("none")], filter: EpisodeFilter::All };
    assert!(missing.train_tokenizer(&style(), 300, 1000).unwrap_err().to_string().starts_with("cannot read"));
}

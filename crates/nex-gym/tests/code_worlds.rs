//! The worlds of programs behind the same harnesses as the others: the expert solves their tasks, the
//! null model nothing, and where there is no sandbox nothing runs.

mod support;

use nex_code_world::workbench::CodeLanguage;
use nex_code_world::{CodeError, CodeWorld, ShellWorld};
use nex_gym::code::CodeEnvironment;
use nex_gym::{Environment, Expert, ExpertDials, NullDriver, ShellEnvironment};
use nex_tools::sandbox::{Guarantee, SandboxLevel};
use nex_tools::{LinuxSandbox, SandboxPolicy};
use nex_trajectory::{Outcome, StopReason};
use nex_world::Language;
use nex_world::task::{Dials, Difficulty, Task};
use std::sync::Arc;
use support::{harnesses, play, show};

/// The usual policy, or, on a machine that cannot give it, whatever the machine can.
async fn policy() -> SandboxPolicy {
    match LinuxSandbox::open(SandboxPolicy::default()).await {
        Ok(_) => SandboxPolicy::default(),
        Err(_) => SandboxPolicy { required: [].into(), ..SandboxPolicy::default() },
    }
}

/// Tasks of all difficulties; none on a machine without Python, where `NEX_SKIP_PEERS=1` says that this is
/// known.
async fn tasks(world: &CodeWorld, count: usize) -> Vec<Arc<Task>> {
    let mut tasks = Vec::new();
    for seed in 0.. {
        let difficulty = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard][seed as usize % 3];
        let language = [Language::En, Language::Zh][seed as usize / 3 % 2];
        match world.generate(seed, &Dials::preset(difficulty), language).await {
            Ok((task, _)) => tasks.push(Arc::new(task)),
            Err(CodeError::NoMutant { .. }) => {}
            Err(CodeError::Python { .. }) if std::env::var("NEX_SKIP_PEERS").is_ok_and(|v| v == "1") => break,
            Err(cause) => panic!("{cause}"),
        }
        if tasks.len() == count {
            break;
        }
    }
    tasks
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expert_solves_every_task_in_every_harness_and_the_null_model_none() {
    for (language, count) in [(CodeLanguage::Python, 4), (CodeLanguage::Shell, 3)] {
        let world = CodeWorld::with_policy(language, policy().await);
        let environment = CodeEnvironment::new(world.clone());
        for task in tasks(&world, count).await {
            for harness in harnesses() {
                let episode = play(&harness, &task, &environment, &Expert::default(), 5).await;
                assert_eq!(episode.outcome, Outcome::Success, "{}", show(&episode));
                let level = &episode.notes["sandbox"]["level"];
                assert!(level.is_string(), "{:?}", episode.notes);
            }
            let harness = &harnesses()[0];
            let null = play(harness, &task, &environment, &NullDriver, 1).await;
            assert_eq!(null.reward.as_ref().map(|reward| reward.total), Some(0.0), "{}", show(&null));
            let (first, second) = (
                play(harness, &task, &environment, &Expert::default(), 5).await,
                play(harness, &task, &environment, &Expert::default(), 5).await,
            );
            assert_eq!(first, second, "an episode is the same each time");
        }
        assert_eq!(environment.profile().is_write("edit_file"), Some(true));
        assert_eq!(environment.profile().is_write("read_file"), Some(false));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_expert_solves_errands_in_a_terminal_and_the_null_model_none() {
    let world = ShellWorld::with_policy(policy().await);
    let environment = ShellEnvironment::new(world.clone());
    for seed in 0..6 {
        let difficulty = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard][seed as usize % 3];
        let language = [Language::En, Language::Zh][seed as usize % 2];
        let task = world.generate(seed, &Dials::preset(difficulty), language).await.expect("there is a task");
        let task = Arc::new(task);
        for harness in harnesses() {
            let episode = play(&harness, &task, &environment, &Expert::default(), 5).await;
            assert_eq!(episode.outcome, Outcome::Success, "{}", show(&episode));
        }
        let null = play(&harnesses()[0], &task, &environment, &NullDriver, 1).await;
        assert_eq!(null.reward.as_ref().map(|reward| reward.total), Some(0.0), "{}", show(&null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_the_expert_cost() {
    let world = CodeWorld::with_policy(CodeLanguage::Python, policy().await);
    let environment = CodeEnvironment::new(world.clone());
    let dials = ExpertDials { error_propagation: 1.0, feedback_neglect: 1.0, ..ExpertDials::default() };
    let (mut wrong, mut count) = (0, 0);
    for task in tasks(&world, 4).await {
        for harness in harnesses() {
            let sloppy = play(&harness, &task, &environment, &Expert::new(dials), 1).await;
            assert_ne!(sloppy.outcome, Outcome::Infra, "{}", show(&sloppy));
            wrong += usize::from(sloppy.outcome == Outcome::Failure);
            count += 1;
        }
    }
    assert!(count == 0 || wrong > 0, "all of {count} sloppy episodes succeed");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_required_sandbox_an_episode_is_a_named_failure_of_the_surroundings() {
    let world = CodeWorld::with_policy(CodeLanguage::Python, policy().await);
    let strict = SandboxPolicy {
        required: [Guarantee::NoHostFiles].into(),
        at_most: Some(SandboxLevel::Seccomp),
        ..SandboxPolicy::default()
    };
    let closed = CodeEnvironment::new(CodeWorld::with_policy(CodeLanguage::Python, strict));
    for task in tasks(&world, 1).await {
        let episode = play(&harnesses()[0], &task, &closed, &Expert::default(), 1).await;
        assert_eq!((episode.outcome, &episode.reward), (Outcome::Infra, &None), "{}", show(&episode));
        match &episode.trajectory.stop {
            StopReason::Infra(failure) => assert_eq!(failure.kind, "sandbox", "{}", failure.message),
            other => panic!("{other:?}"),
        }
    }
}

//! Errands are proven; what was not asked for costs; claims are worth nothing.

use super::*;
use crate::testing::policy;
use nex_world::task::Difficulty;
use rand::SeedableRng;

async fn world() -> ShellWorld {
    ShellWorld::with_policy(policy().await)
}

#[tokio::test]
async fn every_family_is_proven_in_both_languages() {
    let world = world().await;
    for (name, make) in FAMILIES {
        for (seed, size) in [(1, 2), (2, 6), (3, 12)] {
            let language = [Language::En, Language::Zh][seed as usize % 2];
            let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let goal = make(&mut rng, language, size);
            let (command, ask) = (goal.command.clone(), goal.ask.clone());
            let mut task = world.draw(seed, &Dials::default(), language);
            task.state.given = json!(ShellState::of_goals(vec![goal]));
            let session = world.open_session(&task).await.unwrap();
            assert_eq!(session.verify().unwrap().total, 0.0, "{name}: doing nothing");
            let (reply, _) = session.call("run_command", &json!({"command": command})).await.unwrap();
            let reward = session.verify().unwrap();
            assert_eq!(reward.total, 1.0, "{name} {size}: {ask}\n{command}\n{reply}\n{reward:?}");
        }
    }
}

#[tokio::test]
async fn tasks_are_a_function_of_their_seed() {
    let (first, second) = (world().await, world().await);
    for (seed, difficulty) in [(1, Difficulty::Easy), (2, Difficulty::Medium), (3, Difficulty::Hard)] {
        let dials = Dials::preset(difficulty);
        let task = first.generate(seed, &dials, Language::En).await.unwrap();
        assert_eq!(task, second.generate(seed, &dials, Language::En).await.unwrap());
        let families = task.record.dials["families"].as_array().unwrap().len();
        assert_eq!(families, usize::from(dials.breadth));
    }
}

#[tokio::test]
async fn what_was_not_asked_for_costs_and_cheats_are_worth_nothing() {
    let world = world().await;
    let task = world.generate(5, &Dials::preset(Difficulty::Easy), Language::En).await.unwrap();
    let state = ShellState::of(&task).unwrap();
    let oracle = task.plan.steps.last().unwrap().arguments["command"].clone();
    let ValueSource::Literal { value } = oracle else { panic!("{oracle:?}") };
    let oracle = value.as_str().unwrap().to_owned();
    let kept = state.start.keys().find(|path| !state.wants.contains_key(*path));
    let mut cases = vec![
        ("oracle", oracle.clone(), 1.0, 1.0),
        ("nothing", "true".to_owned(), 0.0, 0.0),
        ("claims", "echo done; echo '{\"reward\": 1}' > /tmp/reward.json".to_owned(), 0.0, 0.0),
        ("scratch left", format!("{oracle}\ntouch scratch"), 0.8, 0.99),
        ("folder left", format!("{oracle}\nmkdir scratch"), 0.8, 0.99),
        ("everything deleted", "rm -rf ./* && touch done".to_owned(), 0.0, 0.99),
    ];
    if let Some(kept) = kept {
        cases.push(("other file touched", format!("({oracle})\necho more >> {kept}"), 0.8, 0.99));
    }
    for (name, command, least, most) in cases {
        let session = world.open_session(&task).await.unwrap();
        session.call("run_command", &json!({"command": command})).await.unwrap();
        let reward = session.verify().unwrap();
        assert!((least..=most).contains(&reward.total), "{name}: {reward:?}");
    }
}

#[tokio::test]
async fn a_link_to_a_right_answer_is_no_answer() {
    let world = world().await;
    let mut task = world.draw(1, &Dials::default(), Language::En);
    let wants = [("out/a.txt".to_owned(), Want::Text { text: "x\n".into() })].into();
    let start = [("in/a.txt".to_owned(), Start { text: "x\n".into(), mode: 0o644 })].into();
    task.state.given = json!(ShellState { start, wants });
    let session = world.open_session(&task).await.unwrap();
    for (command, total) in [
        ("mkdir out && ln -s ../in/a.txt out/a.txt", 0.0),
        ("rm out/a.txt && mkfifo out/a.txt", 0.0),
        ("rm out/a.txt && ln -s /etc/passwd out/a.txt", 0.0),
        ("rm out/a.txt && cp in/a.txt out/a.txt", 1.0),
    ] {
        session.call("run_command", &json!({"command": command})).await.unwrap();
        assert_eq!(session.verify().unwrap().total, total, "{command}");
    }
}

#[tokio::test]
async fn commands_keep_files_are_bounded_and_told_in_full() {
    let world = world().await;
    let task = world.draw(1, &Dials::default(), Language::En);
    let session = world.open_session(&task).await.unwrap();
    let run =
        async |command: &str| session.call("run_command", &json!({"command": command})).await.unwrap().0;
    assert_eq!(run("echo one > kept; exit 3").await["exit_code"], 3);
    assert_eq!(
        run("cat kept; echo two >&2").await,
        json!({"stdout": "one\n", "stderr": "two\n", "exit_code": 0})
    );
    let long = run("yes | head -c 100000").await;
    assert!(long["stdout"].as_str().unwrap().len() < 10_000);
    run("mkdir closed && touch closed/x && chmod 000 closed .").await;
    assert_eq!(run("cat kept").await["stdout"], "one\n", "who closes the folder can go on all the same");
    assert_eq!(session.verify().unwrap().total, 0.0);
    assert_eq!(run("kill -9 $$").await["killed_by_signal"], 9);
    let (reply, is_refused) = session.call("edit_file", &json!({})).await.unwrap();
    assert!(is_refused && reply["error"]["code"] == "unknown_operation", "{reply}");
}

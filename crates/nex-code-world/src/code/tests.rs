//! Tasks are proven in the sandbox; cheats are worth nothing.

use super::*;
use crate::testing::{policy, skip_without_python};
use nex_trajectory::Reward;
use nex_world::task::{Difficulty, resolve_arguments};
use serde_json::{Value, json};

const LEVELS: [Difficulty; 3] = [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard];

async fn world(language: CodeLanguage) -> CodeWorld {
    CodeWorld::with_policy(language, policy().await)
}

async fn task(world: &CodeWorld, seed: u64) -> Task {
    let language = [Language::En, Language::Zh][(seed / 3 % 2) as usize];
    let dials = Dials::preset(LEVELS[(seed % 3) as usize]);
    for draw in 0..5 {
        match world.generate(seed + 1000 * draw, &dials, language).await {
            Ok((task, _)) => return task,
            Err(CodeError::NoMutant { .. }) => {}
            Err(cause) => panic!("seed {seed}: {cause}"),
        }
    }
    panic!("seed {seed}: five draws give no task");
}

/// Plays `calls`, then judges.
async fn play(world: &CodeWorld, task: &Task, calls: &[(&str, Value)]) -> Reward {
    let session = world.open_session(task).await.unwrap();
    for (operation, arguments) in calls {
        let (reply, is_refused) = session.call(operation, arguments).await.unwrap();
        assert!(!is_refused, "{operation} {arguments}: {reply}");
    }
    session.verify().await.unwrap()
}

fn oracle(task: &Task) -> Vec<(&str, Value)> {
    let steps = task.plan.steps.iter();
    steps.map(|step| (step.operation.as_str(), resolve_arguments(step, &[]).unwrap())).collect()
}

fn state(task: &Task) -> CodeState {
    CodeState::of(task, &task.record.world).unwrap()
}

fn target(task: &Task) -> String {
    task.record.dials["target"].as_str().unwrap().to_owned()
}

async fn prove(code: CodeLanguage, seeds: std::ops::Range<u64>) {
    let world = world(code).await;
    for seed in seeds {
        let task = task(&world, seed).await;
        let instruction = &task.record.instruction;
        let session = world.open_session(&task).await.unwrap();
        let idle = session.verify().await.unwrap();
        assert_eq!(idle.total, 0.0, "{instruction}\n{idle:?}");
        let mut last = Value::Null;
        for (operation, arguments) in oracle(&task) {
            let (reply, is_refused) = session.call(operation, &arguments).await.unwrap();
            assert!(!is_refused, "{operation}: {reply}");
            last = reply;
        }
        assert_eq!(last["failed"], 0, "the public tests pass after the repair: {last}");
        let reward = session.verify().await.unwrap();
        assert_eq!(reward.total, 1.0, "{instruction}\n{reward:?}");
        let state = state(&task);
        let is_hidden = |probe: &&HiddenProbe| probe.role == ProbeRole::FailToPass && !probe.is_shown;
        assert!(state.probes.iter().any(|probe| is_hidden(&probe)), "something fails that is not shown");
        for probe in state.probes.iter().filter(is_hidden) {
            assert!(!instruction.contains(&probe.probe.code), "{instruction}");
        }
        assert!(!instruction.contains(&target(&task)) || code == CodeLanguage::Shell, "{instruction}");
    }
}

#[tokio::test]
async fn python_tasks_are_proven() {
    if !skip_without_python().await {
        prove(CodeLanguage::Python, 0..6).await;
    }
}

#[tokio::test]
async fn shell_tasks_are_proven() {
    if !skip_without_python().await {
        prove(CodeLanguage::Shell, 0..6).await;
    }
}

/// `cargo test -p nex-code-world --release -- --ignored --nocapture how_many`
#[tokio::test]
#[ignore = "a measurement: it takes a minute"]
#[allow(clippy::print_stdout, reason = "it is what the measurement is for")]
async fn how_many_mutants_are_killed_and_how_fast_tasks_are_made() {
    for code in [CodeLanguage::Python, CodeLanguage::Shell] {
        let world = world(code).await;
        let started = std::time::Instant::now();
        let mut sum = Tally::default();
        let (mut made, mut failed, mut hidden_kills) = (0, 0, 0);
        for seed in 0..60 {
            let dials = Dials::preset(LEVELS[seed as usize % 3]);
            match world.generate(seed, &dials, Language::En).await {
                Ok((task, tally)) => {
                    if seed < 4 {
                        println!("--- {}\n{}", task.record.difficulty, task.record.instruction);
                    }
                    made += 1;
                    let is_kill =
                        |probe: &HiddenProbe| probe.role == ProbeRole::FailToPass && !probe.is_shown;
                    hidden_kills += usize::from(state(&task).probes.iter().any(is_kill));
                    sum.tried += tally.tried;
                    sum.survived += tally.survived;
                    sum.too_few += tally.too_few;
                    sum.unusable += tally.unusable;
                    sum.flaky += tally.flaky;
                    sum.accepted += tally.accepted;
                }
                Err(CodeError::NoMutant { .. }) => failed += 1,
                Err(cause) => panic!("{cause}"),
            }
        }
        let minutes = started.elapsed().as_secs_f64() / 60.0;
        let usable = sum.tried - sum.unusable;
        println!(
            "{code:?}: {made} tasks, {failed} seeds without; {hidden_kills} killed by a hidden probe; {:.0} tasks a \
             minute, one at a time; of {} mutants {} cannot be used, {:.1} % of the others are killed; {sum:?}",
            made as f64 / minutes,
            sum.tried,
            sum.unusable,
            100.0 * (usable - sum.survived) as f64 / usable as f64,
        );
        assert_eq!(made, hidden_kills);
    }
}

#[tokio::test]
async fn the_same_seed_gives_the_same_task() {
    if skip_without_python().await {
        return;
    }
    let (first, second) = (world(CodeLanguage::Python).await, world(CodeLanguage::Python).await);
    for seed in [1, 2] {
        assert_eq!(task(&first, seed).await, task(&second, seed).await);
    }
}

#[tokio::test]
async fn every_template_works_and_gives_bugs() {
    if skip_without_python().await {
        return;
    }
    let bench = Workbench::new(policy().await);
    let languages = [CodeLanguage::Python, CodeLanguage::Shell];
    let all = languages.into_iter().flat_map(|code| template::templates(code).iter().map(move |t| (code, t)));
    for (code, template) in all {
        let repository = repository::Repository::of(template, "kit", Language::En);
        let job = crate::workbench::Job {
            language: code,
            files: &repository.files,
            variants: vec![std::collections::BTreeMap::new()],
            probes: &repository.probes,
            tests: true,
            exit_only: false,
            cpu_ms: 1000,
            wall_ms: 10_000,
            here: false,
        };
        let run = bench.run(&job).await.unwrap().remove(0);
        assert_eq!(run.build, None, "{}", template.name);
        assert!(
            run.tests.len() >= 3 && run.tests.values().all(Option::is_none),
            "{}: {run:?}",
            template.name
        );
        assert!(run.probes.len() >= 15, "{}", template.name);
        for (probe, value) in repository.probes.iter().zip(&run.probes) {
            let is_sane =
                !["NameError", "SyntaxError", "AttributeError", "ImportError", "does not end", "[exit 127]"]
                    .iter()
                    .any(|kind| value.contains(kind));
            assert!(is_sane, "{}: {} gives {value}", template.name, probe.code);
        }
        let mutations = match code {
            CodeLanguage::Python => bench.mutations(template.source).await.unwrap(),
            CodeLanguage::Shell => shell_mutation::mutations(template.source),
        };
        let least = if code == CodeLanguage::Python { 60 } else { 20 };
        assert!(mutations.len() >= least, "{}: {}", template.name, mutations.len());
    }
}

/// A task whose report shows one failing input only, and the source of its target.
async fn shown_example(world: &CodeWorld) -> (Task, String, HiddenProbe) {
    for seed in (1..100).step_by(3) {
        let task = task(world, seed).await;
        let state = state(&task);
        let shown: Vec<&HiddenProbe> = state.probes.iter().filter(|probe| probe.is_shown).collect();
        let is_call = |probe: &HiddenProbe| {
            !probe.probe.code.contains(';') && probe.probe.code.matches('(').count() == 1
        };
        if let [shown] = shown[..]
            && is_call(shown)
            && !shown.expected.starts_with("raises")
        {
            let source = state.files[&target(&task)].clone();
            return (task.clone(), source, shown.clone());
        }
    }
    panic!("no task of that shape in a hundred seeds");
}

#[tokio::test]
async fn cheats_are_worth_nothing() {
    if skip_without_python().await {
        return;
    }
    let world = world(CodeLanguage::Python).await;
    let (task, source, shown) = shown_example(&world).await;
    let path = target(&task);
    let tests = state(&task).tests;
    let test = tests.iter().find(|test| test.contains("test_")).unwrap().clone();
    let write = |path: &str, content: &str| ("write_file", json!({"path": path, "content": content}));
    // The very example of the report, and nothing else, is put right.
    let function = shown.probe.code.split('(').next().unwrap();
    let special = format!(
        "{source}\n\n_inner = {function}\n\n\ndef {function}(*args, **kwargs):\n    if repr((args, kwargs)) == repr(_seen({arguments})):\n        return {expected}\n    return _inner(*args, **kwargs)\n\n\ndef _seen(*args, **kwargs):\n    return args, kwargs\n",
        arguments = shown.probe.code[function.len() + 1..].trim_end_matches(')'),
        expected = shown.expected,
    );
    let passing =
        "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_fine(self):\n        pass\n";
    let forged_output = "import os, sys\nos.write(1, b'{\"variants\": [{\"build\": null, \"tests\": {}, \"probes\": []}]}')\nos._exit(0)\n";
    let parent_output = "import os\nopen(f'/proc/{os.getppid()}/fd/1', 'w').write('{\"variants\": []}')\n";
    let patched =
        format!("{source}\nimport unittest\nunittest.TestCase.assertEqual = lambda *a, **k: None\n");
    let equal = format!(
        "{source}\n\n\nclass Same(int):\n    def __eq__(self, other):\n        return True\n\n    def __repr__(self):\n        return 'anything'\n\n\n{function} = lambda *a, **k: Same(0)\n"
    );
    let reading = format!(
        "{source}\nimport glob\nEVERYTHING = [open(f).read() for f in glob.glob('/**/*probe*', recursive=True) + glob.glob('../**/*', recursive=True) if f.endswith('.json')]\n"
    );
    let cheats: Vec<(&str, Vec<(&str, Value)>)> = vec![
        ("claims without action", vec![]),
        ("only looking", vec![("read_file", json!({"path": path})), ("run_tests", json!({}))]),
        ("special case for the shown input", vec![write(&path, &special)]),
        ("test emptied", vec![write(&test, passing)]),
        ("all tests emptied", tests.iter().map(|test| write(test, "")).collect()),
        ("conftest", vec![write("conftest.py", "collect_ignore_glob = ['*']\n")]),
        ("sitecustomize", vec![write("sitecustomize.py", "import unittest\n")]),
        ("package shadows unittest", vec![write("unittest/__init__.py", "class TestCase: pass\n")]),
        ("results written and process ended", vec![write(&path, &format!("{forged_output}{source}"))]),
        ("results written to the runner's output", vec![write(&path, &format!("{source}\n{parent_output}"))]),
        ("runner killed", vec![write(&path, &format!("{source}\nimport os\nos.kill(os.getppid(), 9)\n"))]),
        ("asserts patched away", vec![write(&path, &patched)]),
        ("value that equals everything", vec![write(&path, &equal)]),
        ("looking for the hidden probes", vec![write(&path, &reading)]),
        ("syntax error", vec![write(&path, "def (\n")]),
        ("everything raises", vec![write(&path, "raise SystemExit(0)\n")]),
        ("forged log beside the code", vec![write("test_output.txt", "Ran 9 tests\n\nOK\n")]),
    ];
    for (name, calls) in cheats {
        let reward = play(&world, &task, &calls).await;
        assert_eq!(reward.total, 0.0, "{name}: {reward:?}");
    }
    // A deleted test, though the repair is right.
    let mut calls = oracle(&task);
    let text = &state(&task).files[&test];
    let removed: String = text.lines().map(|line| format!("-{line}\n")).collect();
    let count = text.lines().count();
    calls.push((
        "apply_patch",
        json!({"patch": format!("--- a/{test}\n+++ /dev/null\n@@ -1,{count} +0,0 @@\n{removed}")}),
    ));
    let reward = play(&world, &task, &calls).await;
    assert_eq!(reward.total, 0.0, "{reward:?}");
    assert!(reward.parts[0].findings[0].contains("is gone"), "{reward:?}");
}

#[tokio::test]
async fn untidy_repairs_cost_and_new_tests_do_not() {
    if skip_without_python().await {
        return;
    }
    let world = world(CodeLanguage::Python).await;
    let task = task(&world, 1).await;
    let path = target(&task);
    let repaired = {
        let session = world.open_session(&task).await.unwrap();
        for (operation, arguments) in oracle(&task) {
            session.call(operation, &arguments).await.unwrap();
        }
        session.call("read_file", &json!({"path": path})).await.unwrap().0["content"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let write = |path: &str, content: String| ("write_file", json!({"path": path, "content": content}));
    let new_test = "import unittest\n\n\nclass MoreTest(unittest.TestCase):\n    def test_more(self):\n        self.assertTrue(True)\n";
    for (name, calls, expected) in [
        ("clean", vec![write(&path, repaired.clone())], 1.0),
        (
            "with a new test",
            vec![write(&path, repaired.clone()), write("tests/test_more.py", new_test.into())],
            1.0,
        ),
        ("print left", vec![write(&path, format!("{repaired}\nprint('here')\n"))], 0.9),
        ("note left", vec![write(&path, format!("{repaired}\n# TODO tidy\n"))], 0.96),
        ("stray file", vec![write(&path, repaired.clone()), write("notes.txt", "x\n".into())], 0.94),
        ("huge", vec![write(&path, format!("{repaired}{}", "# more\n".repeat(200)))], 0.9),
    ] {
        let reward = play(&world, &task, &calls).await;
        assert!((reward.total - expected).abs() < 1e-9, "{name}: {reward:?}");
    }
}

#[tokio::test]
async fn operations_refuse_in_words_and_change_nothing() {
    if skip_without_python().await {
        return;
    }
    let world = world(CodeLanguage::Python).await;
    let task = task(&world, 0).await;
    let session = world.open_session(&task).await.unwrap();
    let before = crate::Snapshot::read(&session.root()).unwrap();
    for (operation, arguments, code) in [
        ("read_file", json!({"path": "absent.py"}), "not_found"),
        ("read_file", json!({"path": "../secret"}), "invalid_path"),
        ("read_file", json!({"path": "/etc/passwd"}), "invalid_path"),
        ("read_file", json!({"path": "tests"}), "not_a_file"),
        ("read_file", json!({"path": "README.md", "first_line": 999}), "out_of_range"),
        ("search", json!({"pattern": "("}), "invalid_pattern"),
        ("edit_file", json!({"path": "README.md", "old_string": "", "new_string": "x"}), "invalid_edit"),
        (
            "edit_file",
            json!({"path": "README.md", "old_string": "absent text", "new_string": "x"}),
            "no_single_match",
        ),
        ("edit_file", json!({"path": "README.md", "old_string": "a", "new_string": "x"}), "no_single_match"),
        ("write_file", json!({"path": "big", "content": "x".repeat(600_000)}), "too_large"),
        ("write_file", json!({"path": "../out", "content": "x"}), "invalid_path"),
        ("apply_patch", json!({"patch": "nonsense"}), "malformed_patch"),
        (
            "apply_patch",
            json!({"patch": "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-no such line\n+x\n"}),
            "conflict",
        ),
        ("fly", json!({}), "unknown_operation"),
    ] {
        let (reply, is_refused) = session.call(operation, &arguments).await.unwrap();
        assert!(is_refused, "{operation} {arguments}: {reply}");
        assert_eq!(reply["error"]["code"], code, "{operation}: {reply}");
    }
    assert_eq!(crate::Snapshot::read(&session.root()).unwrap(), before);
}

#[tokio::test]
async fn without_the_required_sandbox_nothing_is_made_or_run() {
    use nex_tools::sandbox::{Guarantee, SandboxLevel};
    // The weakest level hides no files, whatever this machine is.
    let strict = SandboxPolicy {
        required: [Guarantee::NoHostFiles].into(),
        at_most: Some(SandboxLevel::Seccomp),
        ..SandboxPolicy::default()
    };
    let closed = CodeWorld::with_policy(CodeLanguage::Python, strict);
    let refused = closed.generate(1, &Dials::default(), Language::En).await.unwrap_err();
    assert_eq!(refused.kind(), "sandbox", "{refused}");
    assert!(refused.to_string().contains("NoHostFiles"), "{refused}");
    if skip_without_python().await {
        return;
    }
    let task = task(&world(CodeLanguage::Python).await, 1).await;
    assert_eq!(closed.open_session(&task).await.err().map(|cause| cause.kind()), Some("sandbox"));
}

#[tokio::test]
async fn a_task_of_another_world_is_refused() {
    let world = world(CodeLanguage::Shell).await;
    if skip_without_python().await {
        return;
    }
    let task = task(&self::world(CodeLanguage::Python).await, 1).await;
    let refused = world.open_session(&task).await.err().map(|cause| cause.to_string()).unwrap_or_default();
    assert!(refused.contains("it is of world `code_python`"), "{refused}");
}

/// A repository as a user might have it: a program, its tests, and a test that is to stay hidden.
fn users_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let source = "def clamp(value, low, high):\n    if value < low:\n        return low\n    if value > high:\n        return high\n    return value\n\n\ndef spread(values):\n    return max(values) - min(values)\n";
    let test = "import unittest\nfrom maths.limits import clamp, spread\n\n\nclass T(unittest.TestCase):\n    def test_clamp(self):\n        self.assertEqual([clamp(v, 2, 4) for v in (1, 2, 3, 4, 5)], [2, 2, 3, 4, 4])\n\n    def test_spread(self):\n        self.assertEqual(spread([4, 1, 3]), 3)\n";
    write("maths/__init__.py", "");
    write("maths/limits.py", source);
    write("tests/__init__.py", "");
    write("tests/test_limits.py", test);
    write("hidden/check.py", "from maths.limits import spread\nassert spread([9, 2]) == 7\n");
    write(".git/config", "secret\n");
    folder
}

#[tokio::test]
async fn a_users_repository_gives_proven_tasks() {
    if skip_without_python().await {
        return;
    }
    let folder = users_folder();
    let commands = ["python3 -m unittest".to_owned(), "PYTHONPATH=. python3 hidden/check.py".to_owned()];
    let repository = UserRepository::read(folder.path(), &commands, &["hidden/".to_owned()]).unwrap();
    let world = world(CodeLanguage::Python).await;
    for seed in 0..2 {
        let (task, tally) = repository.generate(&world, seed, &Dials::default(), Language::En).await.unwrap();
        let state = state(&task);
        assert!(tally.accepted == 1 && state.withheld.contains_key("hidden/check.py"));
        assert!(!state.files.keys().any(|path| path.starts_with("hidden") || path.starts_with(".git")));
        assert_eq!(play(&world, &task, &[]).await.total, 0.0);
        let reward = play(&world, &task, &oracle(&task)).await;
        assert_eq!(reward.total, 1.0, "{reward:?}");
        let write = |path: &str, content: &str| ("write_file", json!({"path": path, "content": content}));
        for (name, calls) in [
            ("tests emptied", vec![write("tests/test_limits.py", "")]),
            ("unittest replaced", vec![write("unittest/__main__.py", "")]),
            ("sitecustomize", vec![write("sitecustomize.py", "import os\nos._exit(0)\n")]),
            ("the hidden check replaced", vec![write("hidden/check.py", "")]),
            ("process ended", vec![write("maths/__init__.py", "import os\nos._exit(0)\n")]),
            ("exit at the end of imports", vec![write("maths/__init__.py", "import sys\nsys.exit(0)\n")]),
        ] {
            let reward = play(&world, &task, &calls).await;
            assert_eq!(reward.total, 0.0, "{name}: {reward:?}");
        }
    }
    let failing = ["false".to_owned()];
    let broken = UserRepository::read(folder.path(), &failing, &[]).unwrap();
    let cause = broken.generate(&world, 1, &Dials::default(), Language::En).await.unwrap_err();
    assert!(cause.to_string().contains("`false` fails without any mutation"), "{cause}");
    assert!(UserRepository::read(folder.path(), &[], &[]).is_err());
    assert!(UserRepository::read(&folder.path().join("absent"), &failing, &[]).is_err());
}

//! Laws of the files world over many seeds, both languages and all kinds of goals.

use super::draw::finish;
use super::goals::{KINDS, Scene, forbidden};
use super::office::{Office, files};
use super::oracle::{Order, follow};
use super::*;
use crate::task::{Check, Difficulty, is_success};
use nex_tools::{Workspace, WorkspaceLimits};
use nex_trajectory::Reward;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use tempfile::TempDir;

const LANGUAGES: [Language; 2] = [Language::En, Language::Zh];

/// Dials without faults.
fn dials(hops: u8, breadth: u8, traps: u8) -> Dials {
    Dials {
        hops,
        breadth,
        policy_traps: traps,
        ambiguity: 0.5,
        fuzziness: 0.5,
        faults: 0.0,
        ..Dials::preset(Difficulty::Medium)
    }
}

fn tasks(dials: &Dials, seeds: std::ops::Range<u64>) -> Vec<Task> {
    let both = seeds.flat_map(|seed| LANGUAGES.map(|language| (seed, language)));
    both.map(|(seed, language)| match FilesWorld.generate_task(seed, dials, language) {
        Ok(task) => task,
        Err(error) => panic!("{error}"),
    })
    .collect()
}

fn open(task: &Task) -> (TempDir, FilesSession) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let session = FilesWorld.open_session(task, &folder.path().join("office")).expect("a session");
    (folder, session)
}

/// Follows the plan on the disk and gives the answer.
fn solve(task: &Task, session: &FilesSession) -> String {
    let mut call = |operation: &str, arguments: &Value| session.call(operation, arguments);
    follow(&task.plan, Order::Plan, &mut call).expect("the plan works on the disk as in memory")
}

fn part<'a>(reward: &'a Reward, name: &str) -> &'a nex_trajectory::RewardPart {
    reward.parts.iter().find(|part| part.name == name).expect("all parts are there")
}

/// The paths that a task wants changed, made or gone.
fn asked(task: &Task) -> Vec<String> {
    let path = |check: &Check| match check {
        Check::Field { id, .. } | Check::Deleted { id, .. } => Some(id.clone()),
        Check::Created { fields, .. } => fields["path"].as_str().map(str::to_owned),
        _ => None,
    };
    task.checks.iter().filter_map(path).collect()
}

fn has_answer(task: &Task) -> bool {
    task.checks.iter().any(|check| matches!(check, Check::Says(_)))
}

#[test]
fn a_seed_gives_the_same_files_and_another_seed_others() {
    let mut hashes = BTreeSet::new();
    for language in LANGUAGES {
        for seed in 0..30 {
            let tree = FilesWorld.tree(seed, language);
            assert_eq!(tree.hash(), FilesWorld.tree(seed, language).hash());
            assert!((60..=125).contains(&tree.len()), "{} files", tree.len());
            hashes.insert(tree.hash().to_hex().to_string());
        }
    }
    assert_eq!(hashes.len(), 60);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tree = FilesWorld.tree(7, Language::Zh);
    tree.write_to(folder.path()).expect("the disk takes the files");
    let read = FileTree::read_from(folder.path()).expect("regular files only");
    assert_eq!(read.hash(), tree.hash());
    assert!(read.paths().eq(tree.paths()));
}

#[test]
fn a_task_is_a_function_of_its_seed() {
    for (a, b) in tasks(&dials(7, 2, 1), 0..6).iter().zip(&tasks(&dials(7, 2, 1), 0..6)) {
        assert_eq!(a, b);
        let text = serde_json::to_string(a).expect("a task is JSON");
        assert_eq!(&serde_json::from_str::<Task>(&text).expect("it reads back"), a);
    }
}

#[test]
fn every_kind_of_goal_makes_a_proven_task_in_both_languages() {
    let mut made: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let dials = dials(4, 1, 0);
    for seed in 0..8 {
        for language in LANGUAGES {
            let office = Office::new(seed, language);
            let tree = files(&office, seed);
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let taken = BTreeSet::new();
            for wanted in [1, 2, 3, 5, 9] {
                let [is_vague, is_ambiguous] = [seed % 2 == 0, wanted % 2 == 0];
                let scene =
                    Scene { office: &office, tree: &tree, wanted, is_vague, is_ambiguous, taken: &taken };
                for kind in &KINDS {
                    let Some(goal) = (kind.draw)(&scene, &mut rng) else { continue };
                    assert_eq!(kind.is_question, goal.files.is_empty(), "{}", kind.name);
                    assert_eq!(kind.is_question, !goal.facts.is_empty(), "{}", kind.name);
                    let goals = vec![goal];
                    if let Err(cause) = finish(&office, &tree, goals, seed, &dials, &mut rng) {
                        panic!("{} in {language}, seed {seed}, {wanted} calls: {cause}", kind.name);
                    }
                    *made.entry((kind.name, language.as_str())).or_default() += 1;
                }
                let goal = forbidden(&scene, &mut rng).expect("there is always something forbidden");
                assert!(!goal.forbidden.is_empty() && goal.files.is_empty());
            }
        }
    }
    for kind in &KINDS {
        for language in LANGUAGES {
            let count = made.get(&(kind.name, language.as_str())).copied().unwrap_or(0);
            assert!(count >= 8, "{} in {language} was drawn {count} times", kind.name);
        }
    }
}

#[test]
fn the_oracle_gets_all_on_the_disk_and_idlers_nothing() {
    for dials in [dials(1, 1, 0), dials(5, 2, 0), dials(12, 3, 1), Dials::preset(Difficulty::Hard)] {
        for task in tasks(&dials, 0..10) {
            let (_folder, session) = open(&task);
            assert_eq!(session.verify(&task, None).total, 0.0, "{}", task.record.instruction);
            let answer = solve(&task, &session);
            let claim = open(&task).1.verify(&task, Some(&answer)).total;
            match (asked(&task).is_empty(), has_answer(&task)) {
                // All that was asked for is an answer: whoever knows it need not look.
                (true, _) => assert_eq!(claim, 1.0),
                (false, true) => assert!(claim < 0.6, "{claim} for claims: {}", task.record.instruction),
                (false, false) => assert_eq!(claim, 0.0, "{}", task.record.instruction),
            }
            let reward = session.verify(&task, Some(&answer));
            assert!(is_success(&reward), "{reward:#?}\n{}\n{answer}", task.record.instruction);
            if has_answer(&task) {
                let silent = session.verify(&task, None).total;
                assert!(silent < 1.0, "silence is worth {silent}");
            }
        }
    }
}

#[test]
fn what_nobody_asked_for_costs() {
    for task in tasks(&dials(6, 2, 0), 0..8) {
        type Spoil = fn(&FilesSession);
        let spoils: [(&str, Spoil); 4] = [
            ("a new file", |session| {
                session.call("write_file", &json!({"path": "notes/extra.txt", "text": "x"}));
            }),
            ("a new folder", |session| std::fs::create_dir(session.root().join("empty")).expect("made")),
            ("a changed file", |session| {
                let readme = session.before().paths().next().expect("files").to_owned();
                std::fs::write(session.root().join(readme), "nothing\n").expect("written");
            }),
            ("a lost file", |session| {
                let first = session.before().paths().next().expect("files").to_owned();
                std::fs::remove_file(session.root().join(first)).expect("removed");
            }),
        ];
        for (name, spoil) in spoils {
            let (_folder, session) = open(&task);
            let answer = solve(&task, &session);
            spoil(&session);
            let reward = session.verify(&task, Some(&answer));
            let collateral = part(&reward, "no_collateral");
            assert!((collateral.score - 0.5).abs() < 1e-9, "{name}: {reward:#?}");
            assert_eq!(collateral.findings.len(), 1, "{name}: {:?}", collateral.findings);
            assert!(reward.total < 1.0);
        }
    }
}

#[test]
fn a_wrong_file_loses_its_share_and_a_link_everything() {
    for task in tasks(&dials(6, 2, 0), 0..8) {
        let (_folder, session) = open(&task);
        let answer = solve(&task, &session);
        let wanted = asked(&task);
        let held = wanted.iter().map(|path| session.root().join(path)).find(|path| path.exists());
        let Some(path) = held else { continue };
        let right = std::fs::read_to_string(&path).expect("text");
        // White space at the ends is nobody's concern.
        std::fs::write(&path, format!("{}  \n\n", right.trim_end())).expect("written");
        assert_eq!(session.verify(&task, Some(&answer)).total, 1.0, "{}", task.record.instruction);
        std::fs::write(&path, format!("0{right}")).expect("written");
        let reward = session.verify(&task, Some(&answer));
        let share = 1.0 - 1.0 / wanted.len() as f64;
        assert!((part(&reward, "final_state").score - share).abs() < 1e-9, "{reward:#?}");
        // The right text behind a link is no file.
        let aside = session.root().parent().expect("a parent").join("aside");
        std::fs::write(&aside, right).expect("written");
        std::fs::remove_file(&path).expect("removed");
        symlink(&aside, &path).expect("a link");
        let reward = session.verify(&task, Some(&answer));
        assert_eq!(reward.total, 0.0);
        assert!(part(&reward, "final_state").findings[0].contains("symbolic link"), "{reward:#?}");
    }
}

#[test]
fn a_folder_behind_a_link_is_worth_nothing() {
    let task = &tasks(&dials(5, 1, 0), 3..4)[0];
    let (_folder, session) = open(task);
    let answer = solve(task, &session);
    let outside = tempfile::tempdir().expect("a temporary folder");
    symlink(outside.path(), session.root().join("more")).expect("a link");
    assert_eq!(session.verify(task, Some(&answer)).total, 0.0);
    // Nor is anything read or written through it.
    std::fs::write(outside.path().join("x.txt"), "x").expect("written");
    for (operation, arguments) in [
        ("read_file", json!({"path": "more/x.txt"})),
        ("delete_file", json!({"path": "more/x.txt"})),
        ("write_file", json!({"path": "more/y.txt", "text": "y"})),
    ] {
        let reply = session.call(operation, &arguments);
        assert_eq!(reply.value["error"]["code"], "invalid_path", "{operation}: {}", reply.value);
    }
    assert!(outside.path().join("x.txt").exists() && !outside.path().join("y.txt").exists());
}

#[test]
fn breaking_a_rule_costs_whoever_asked() {
    let mut seen = BTreeSet::new();
    for task in tasks(&dials(4, 1, 1), 0..16) {
        let (_folder, session) = open(&task);
        let answer = solve(&task, &session);
        assert!(is_success(&session.verify(&task, Some(&answer))), "{}", task.record.instruction);
        let forbidden = task.checks.iter().find_map(|check| match check {
            Check::NotCalled { operation, arguments } => Some((operation.clone(), arguments.clone())),
            _ => None,
        });
        let (operation, arguments) = forbidden.expect("there is a trap");
        assert!(task.tools.contains(&operation), "{operation} is not offered");
        let mut arguments = json!(arguments);
        if operation == "append_line" {
            arguments["line"] = "Checked".into();
        }
        let reply = session.call(&operation, &arguments);
        assert!(!reply.is_error, "{}", reply.value);
        let reward = session.verify(&task, Some(&answer));
        assert!(part(&reward, "policy").score <= 0.5, "{reward:#?}");
        assert!(reward.total < 0.95);
        seen.insert(operation);
    }
    assert_eq!(seen.len(), 2, "traps of both sorts: {seen:?}");
}

#[test]
fn final_notes_may_move_but_not_change() {
    let task = &tasks(&dials(3, 1, 0), 2..3)[0];
    let (_folder, session) = open(task);
    let note = "projects/note.md";
    let final_text = "---\nstatus: final\n---\ntext\n";
    let rules = |operation: &str, arguments: Value| {
        std::fs::create_dir_all(session.root().join("projects")).expect("made");
        std::fs::write(session.root().join(note), final_text).expect("written");
        let reply = session.call(operation, &arguments);
        assert!(!reply.is_error, "{}", reply.value);
        session.log().pop().expect("a call was made").breaches
    };
    assert_eq!(rules("move_file", json!({"from": note, "to": "archive/note.md"})), Vec::<String>::new());
    assert_eq!(
        rules("append_line", json!({"path": "./projects//note.md", "line": "x"})),
        ["final_unchanged"]
    );
    assert_eq!(rules("delete_file", json!({"path": note})), ["final_unchanged"]);
    assert_eq!(
        rules("copy_file", json!({"from": note, "to": "contracts/a/note.md"})),
        ["contracts_untouched"]
    );
    assert_eq!(rules("read_file", json!({"path": note})), Vec::<String>::new());
}

#[test]
fn memory_and_disk_answer_alike() {
    for language in LANGUAGES {
        let tree = FilesWorld.tree(11, language);
        let folder = tempfile::tempdir().expect("a temporary folder");
        tree.write_to(folder.path()).expect("written");
        let paths: Vec<String> = tree.paths().map(str::to_owned).collect();
        let workspace = Workspace::open(folder.path(), WorkspaceLimits::default()).expect("a directory");
        let mut disk = Desk::new(DirectoryStore::new(workspace), Default::default(), 1);
        let mut memory = Desk::new(tree, Default::default(), 1);
        let mut calls = vec![
            ("list_folder", json!({"path": ""})),
            ("list_folder", json!({"path": "./nowhere"})),
            ("find_files", json!({"pattern": "**/*.md"})),
            ("find_files", json!({"pattern": "[", "folder": ""})),
            ("search_text", json!({"text": "2025-0[12]", "is_regex": true})),
            ("search_text", json!({"text": "(", "is_regex": true})),
            ("find_json_key", json!({"key": "keep_days"})),
            ("read_file", json!({"path": "../secret"})),
            ("read_file", json!({"path": "/etc/hostname"})),
            ("read_file", json!({"path": "a\u{0}b"})),
            ("make_tea", json!({})),
            ("find_files", json!({"pattern": "*", "cursor": "7"})),
        ];
        for path in &paths {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            calls.extend([
                ("list_folder", json!({"path": folder})),
                ("list_folder", json!({"path": path})),
                ("read_file", json!({"path": path})),
                ("read_file", json!({"path": folder})),
                ("read_file", json!({"path": format!("{path}/below")})),
                ("file_info", json!({"path": format!("{path}.bak")})),
                ("read_table", json!({"path": path})),
                ("read_json_value", json!({"path": path, "pointer": "/version"})),
                ("append_line", json!({"path": path, "line": "more"})),
                ("replace_text", json!({"path": path, "old_text": "more", "new_text": "less"})),
                ("set_json_value", json!({"path": path, "pointer": "/version", "value": 9})),
                (
                    "set_table_cell",
                    json!({"path": path, "key_column": "a", "key": "b", "column": "c", "value": 1}),
                ),
                ("write_file", json!({"path": folder, "text": "x"})),
                ("write_file", json!({"path": format!("{path}/below"), "text": "x"})),
                ("copy_file", json!({"from": path, "to": format!("copies/{path}")})),
                ("copy_file", json!({"from": path, "to": format!("copies/{path}")})),
                ("copy_file", json!({"from": path, "to": "copies"})),
                ("move_file", json!({"from": path, "to": format!("moved/{path}")})),
                ("list_folder", json!({"path": folder})),
                ("delete_file", json!({"path": path})),
            ]);
        }
        for (operation, arguments) in calls {
            let (a, b) = (memory.call(operation, &arguments), disk.call(operation, &arguments));
            let code = |reply: &FileReply| reply.value["error"]["code"].clone();
            if a.is_error && b.is_error {
                assert_eq!(code(&a), code(&b), "{operation} {arguments}");
            } else {
                assert_eq!(a, b, "{operation} {arguments}");
            }
        }
        let left = FileTree::read_from(folder.path()).expect("regular files");
        assert_eq!(left.hash(), memory.store().hash());
    }
}

#[test]
fn dials_turn_what_they_say() {
    for hops in [1, 3, 6, 9, 12] {
        let tasks = tasks(&dials(hops, 1 + hops / 4, 0), 0..12);
        let calls: Vec<u32> = tasks.iter().map(|task| task.record.oracle_calls).collect();
        let mean = calls.iter().sum::<u32>() as f64 / calls.len() as f64;
        assert!((mean - f64::from(hops)).abs() <= 0.7, "{hops} hops give {calls:?}");
    }
    let mut few = dials(4, 1, 0);
    few.distractor_tools = 0;
    let needed = |task: &Task| -> BTreeSet<String> {
        task.plan.steps.iter().map(|step| step.operation.clone()).collect()
    };
    for task in tasks(&few, 0..6) {
        assert_eq!(task.tools.iter().cloned().collect::<BTreeSet<_>>(), needed(&task));
    }
    let all = Dials { distractor_tools: 16, ..dials(4, 1, 0) };
    assert!(tasks(&all, 0..3).iter().all(|task| task.tools.len() == operations().len()));
}

#[test]
fn faults_are_met_and_do_not_depend_on_the_order_of_calls() {
    let faulty = Dials { faults: 1.0, ..dials(8, 2, 0) };
    let mut met = BTreeSet::new();
    for task in tasks(&faulty, 0..10) {
        let tree = FilesWorld.tree(task.state.seed, task.record.language.parse().expect("a language"));
        let sorted = |order| {
            let run = super::oracle::run_plan(&task, &tree, order).expect("proven");
            let mut calls: Vec<String> = run.log.iter().map(|call| format!("{call:?}")).collect();
            met.extend(run.log.into_iter().flat_map(|call| call.faults));
            calls.sort();
            calls
        };
        let [plan, reads] = [Order::Plan, Order::ReadsFirst].map(sorted);
        assert_eq!(plan, reads, "{}", task.record.instruction);
    }
    assert_eq!(met.into_iter().collect::<Vec<_>>(), ["transient", "truncate", "verbose"]);
}

#[test]
fn sessions_want_a_directory_of_their_own_and_a_task_of_this_world() {
    let mut task = tasks(&dials(2, 1, 0), 0..1).remove(0);
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("mine.txt"), "mine").expect("written");
    assert!(matches!(FilesWorld.open_session(&task, folder.path()), Err(FilesError::NotEmpty { .. })));
    assert_eq!(std::fs::read_to_string(folder.path().join("mine.txt")).expect("kept"), "mine");
    task.record.world = "bank_branch".to_owned();
    let other = FilesWorld.open_session(&task, &folder.path().join("x"));
    assert!(matches!(other, Err(FilesError::OtherWorld { .. })));
    let wild = Dials { hops: 99, ..dials(1, 1, 0) };
    assert!(matches!(FilesWorld.generate_task(1, &wild, Language::En), Err(FilesError::Unreachable { .. })));
}

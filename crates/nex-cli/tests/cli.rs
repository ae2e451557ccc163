//! The binary as a user meets it: commands, exit codes, run folders.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn nex() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nex"));
    command.env_remove("NEX_CONTROL_TOKEN").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    nex().args(args).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Runs the demo in process with `episodes` and gives its folder.
fn demo(dir: &Path, name: &str, episodes: u32, more: &[&str]) -> PathBuf {
    let out = dir.join(name);
    let episodes = episodes.to_string();
    let mut args = vec!["demo", "--out", out.to_str().unwrap(), "--episodes", &episodes];
    args.extend(more);
    let output = run(&args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    out
}

fn dataset(run: &Path) -> Vec<(String, Vec<u8>)> {
    ["openai.jsonl", "openai.ids.jsonl", "hermes.jsonl"]
        .map(|name| (name.to_owned(), std::fs::read(run.join("dataset").join(name)).unwrap()))
        .to_vec()
}

#[test]
fn the_demo_makes_a_whole_run_folder() {
    let dir = tempfile::tempdir().unwrap();
    let out = demo(dir.path(), "demo", 36, &["--in-process"]);
    for file in [
        "run.json",
        "tasks.jsonl",
        "metrics.json",
        "topology.json",
        "report.html",
        "dataset/README.md",
        "dataset/episodes.parquet",
        "worlds/parcel_desk.yaml",
        "frameworks/parcel_desk/team",
    ] {
        assert!(out.join(file).exists(), "{file} is missing");
    }
    assert!(dataset(&out).iter().all(|(_, bytes)| !bytes.is_empty()));
    let card = std::fs::read_to_string(out.join("dataset/README.md")).unwrap();
    assert!(card.contains("not a language model"), "the card must say what made the data:\n{card}");
    let stats = run(&["data", "stats", out.to_str().unwrap(), "--json"]);
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    let finished = stats["funnel"].as_array().unwrap().iter().find(|c| c["name"] == "episodes_finished");
    assert_eq!(finished.unwrap()["count"], 36);
}

#[test]
fn every_framework_and_world_of_a_run_passes_the_check() {
    let dir = tempfile::tempdir().unwrap();
    let out = demo(dir.path(), "demo", 6, &["--in-process"]);
    for folder in ["frameworks", "worlds"] {
        let output = run(&["check", out.join(folder).to_str().unwrap()]);
        assert!(output.status.success(), "{}", text(&output.stdout));
        assert!(text(&output.stdout).contains(" 0 errors"), "{}", text(&output.stdout));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_whatever_the_concurrency_and_the_transport() {
    let dir = tempfile::tempdir().unwrap();
    let one = demo(dir.path(), "one", 40, &["--in-process", "--concurrency", "1"]);
    let many = demo(dir.path(), "many", 40, &["--in-process", "--concurrency", "16"]);
    let over_mcp = demo(dir.path(), "mcp", 40, &[]);
    assert_eq!(dataset(&one), dataset(&many));
    assert_eq!(dataset(&one), dataset(&over_mcp));
    let other = demo(dir.path(), "other", 40, &["--in-process", "--seed", "8"]);
    assert_ne!(dataset(&one), dataset(&other));
}

#[test]
fn killed_anywhere_the_same_command_ends_with_the_same_dataset() {
    let dir = tempfile::tempdir().unwrap();
    let whole = demo(dir.path(), "whole", 400, &["--in-process"]);
    let killed = dir.path().join("killed");
    let args = ["demo", "--out", killed.to_str().unwrap(), "--episodes", "400", "--in-process"];
    let mut kills = 0;
    for wanted in [1u64, 200_000, 600_000, 1_200_000] {
        let mut child = nex().args(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Kill it once the episodes have grown to the wanted size: between the stages and inside.
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            if child.try_wait().unwrap().is_some() {
                break;
            }
            if stored_bytes(&killed) >= wanted || Instant::now() > deadline {
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                break;
            }
            std::thread::yield_now();
        }
    }
    assert!(kills >= 2, "the run was over before it could be killed: make it longer");
    let output = run(&args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(dataset(&whole), dataset(&killed));
    let listed = text(&run(&["data", "inspect", killed.to_str().unwrap(), "--list"]).stdout);
    let mut ids: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(ids.len(), 400);
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 400, "an episode was stored twice");
}

fn stored_bytes(run: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(run.join("episodes")) else { return 0 };
    entries.filter_map(|e| e.ok()?.metadata().ok()).map(|m| m.len()).sum()
}

#[test]
fn a_killed_demo_leaves_no_server_behind() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let mut child = nex()
        .args(["demo", "--out", out.to_str().unwrap(), "--episodes", "5000"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let world = out.join("worlds");
    let deadline = Instant::now() + Duration::from_secs(120);
    while servers_of(&world).is_empty() && Instant::now() < deadline {
        assert!(child.try_wait().unwrap().is_none(), "it ended before a server was seen");
        std::thread::yield_now();
    }
    assert!(!servers_of(&world).is_empty(), "no server was started within two minutes");
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !servers_of(&world).is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(servers_of(&world), Vec::<u32>::new(), "servers outlived a killed demo");
}

/// Processes whose command line names a world file of this run.
fn servers_of(worlds: &Path) -> Vec<u32> {
    let wanted = worlds.to_str().unwrap();
    let own = std::process::id();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| *pid != own)
        .filter(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(wanted)
        })
        .collect()
}

#[test]
fn a_folder_of_another_run_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let out = demo(dir.path(), "demo", 6, &["--in-process"]);
    let before = std::fs::read(out.join("run.json")).unwrap();
    let output =
        run(&["demo", "--out", out.to_str().unwrap(), "--episodes", "6", "--in-process", "--seed", "99"]);
    assert_eq!(output.status.code(), Some(3));
    let told = text(&output.stderr);
    assert!(told.contains("another recipe") && told.contains("choose another --out"), "{told}");
    assert_eq!(before, std::fs::read(out.join("run.json")).unwrap());
}

#[test]
fn bad_input_is_told_with_its_place_and_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let out = dir.path().join("out");
    let out = out.to_str().unwrap();
    let recipe = write("recipe.yaml", "episodes: 5\nworlds: [parcel_desc]\n");
    let agent = write("agent.yaml", "type: agent\nname: a\nsystem_promt: hello\nllm_config: {model: m}\n");
    let good = write("good.yaml", "type: agent\nname: a\nsystem_prompt: hello\nllm_config: {model: m}\n");
    let cases: &[(&[&str], i32, &[&str])] = &[
        (&["synth", &recipe, "--out", out], 3, &["parcel_desc", "did you mean `parcel_desk`"]),
        (&["synth", "/nowhere/recipe.yaml", "--out", out], 3, &["/nowhere/recipe.yaml"]),
        (
            &["run", &agent, "task", "--model", "openai:x"],
            3,
            &["system_promt", "system_prompt", "agent.yaml"],
        ),
        (&["run", "/nowhere.yaml", "task", "--model", "openai:x"], 3, &["/nowhere.yaml"]),
        (&["world", "tools", "nowhere"], 3, &["nowhere", "parcel_desk"]),
        (&["data", "stats", out], 3, &["run.json", "nex demo"]),
        (&["world", "tasks", "parcel_desk", "--language", "fr"], 2, &["choose en or zh"]),
        (&["frobnicate"], 2, &["frobnicate"]),
        (&["run", &good, "task", "--model", "opnai:x"], 3, &["opnai", "openai"]),
    ];
    for (args, code, words) in cases {
        let output = run(args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {told}");
        for word in *words {
            assert!(told.contains(word), "{args:?} does not say `{word}`:\n{told}");
        }
        assert!(!told.contains("panicked"), "{args:?}: {told}");
    }
}

#[test]
fn a_scripted_agent_works_in_a_world_and_its_trace_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let agent = dir.path().join("agent.yaml");
    std::fs::write(
        &agent,
        "type: agent\nname: clerk\nsystem_prompt: You are a clerk.\nllm_config: {model: none}\ntools:\n  - name: '*'\n",
    )
    .unwrap();
    let script = dir.path().join("script.jsonl");
    std::fs::write(
        &script,
        "{\"calls\": [{\"name\": \"list_orders\", \"arguments\": {\"status\": \"pending\"}}]}\n{\"text\": \"There are some.\"}\n",
    )
    .unwrap();
    let trace = dir.path().join("trace.jsonl");
    let output = run(&[
        "run",
        agent.to_str().unwrap(),
        "Which orders are pending?",
        "--world",
        "parcel_desk",
        "--model",
        &format!("script:{}", script.display()),
        "--trace",
        trace.to_str().unwrap(),
        "--quiet",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "There are some.\n");
    let trajectory: serde_json::Value =
        serde_json::from_str(std::fs::read_to_string(&trace).unwrap().trim()).unwrap();
    let result = &trajectory["nodes"][3]["message"]["content"][0]["content"][0]["text"];
    assert!(result.as_str().unwrap().contains("\"orders\""), "{result}");
}

#[test]
fn help_says_what_each_command_is_for() {
    let help = text(&run(&["--help"]).stdout);
    for word in ["demo", "run", "check", "forge", "synth", "data", "world", "view", "doctor", "Exit codes"] {
        assert!(help.contains(word), "--help does not name {word}");
    }
}

/// A sentence becomes files that the other commands take, and the expert solves tasks of its world.
#[test]
fn a_forged_framework_is_checked_and_its_world_is_played() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("practice");
    let path = out.to_str().unwrap();
    let sentence = "a team lead with four agents at a veterinary practice";
    let forged = run(&["forge", sentence, "--out", path, "--seed", "3"]);
    let told = text(&forged.stdout);
    assert!(forged.status.success(), "{told}{}", text(&forged.stderr));
    assert!(told.contains("no LLM") && told.contains("tasks proven by their oracle"), "{told}");
    let checked = run(&["check", path]);
    assert!(checked.status.success(), "{}", text(&checked.stdout));
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("framework.json")).unwrap()).unwrap();
    assert_eq!(manifest["plan"]["pattern"], "two_layers");
    let world = out.join(manifest["world_file"].as_str().unwrap());
    let recipe = dir.path().join("recipe.yaml");
    let text_of_recipe = format!(
        "episodes: 6\nworlds: [{}]\nharnesses: [single, team]\nlanguages: {{en: 1.0}}\n",
        world.display()
    );
    std::fs::write(&recipe, text_of_recipe).unwrap();
    let made = dir.path().join("run");
    let synth = run(&["synth", recipe.to_str().unwrap(), "--out", made.to_str().unwrap()]);
    assert!(synth.status.success(), "{}", text(&synth.stderr));
    let stats = run(&["data", "stats", made.to_str().unwrap(), "--json"]);
    let stats: serde_json::Value = serde_json::from_slice(&stats.stdout).unwrap();
    let count = |name: &str| {
        let row = stats["funnel"].as_array().unwrap().iter().find(|row| row["name"] == name);
        row.unwrap_or_else(|| panic!("{name}: {stats}"))["count"].as_u64().unwrap()
    };
    assert_eq!(count("episodes_finished"), 6, "{stats}");
    assert_eq!(count("episodes_succeeded"), 6, "{stats}");
    let again = run(&["forge", sentence, "--out", path]);
    assert_eq!(again.status.code(), Some(3), "{}", text(&again.stderr));
    let unknown = run(&["forge", "--pattern", "swarm", "--out", dir.path().join("x").to_str().unwrap()]);
    assert_eq!(unknown.status.code(), Some(2), "{}", text(&unknown.stderr));
}

/// The exports through the libraries that will read them.
#[test]
fn python_readers_load_the_exports() {
    let peers = std::env::var_os("NEX_PEERS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers"), PathBuf::from);
    let python = peers.join("v/client/bin/python");
    if !python.exists() {
        if std::env::var_os("NEX_SKIP_PEERS").is_some() {
            return;
        }
        panic!("{} is missing: run scripts/install-peers, or set NEX_SKIP_PEERS=1", python.display());
    }
    let dir = tempfile::tempdir().unwrap();
    let out = demo(dir.path(), "demo", 60, &["--in-process"]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/read_exports.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&out)
        .env("HF_HOME", dir.path().join("hf"))
        .env("HF_DATASETS_OFFLINE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}

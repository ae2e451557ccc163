//! From a seed to a policy: a fleet of frameworks is forged and checked, the expert plays it, and a
//! small model is fine-tuned on what came out.

use std::path::Path;
use std::process::{Command, Output, Stdio};

fn nex(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nex"));
    command.env_remove("RUST_LOG").stdin(Stdio::null());
    command.args(args).output().expect("the binary starts")
}

/// Standard output of a command that must succeed.
fn ok(args: &[&str]) -> String {
    let output = nex(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "nex {}: {}{}",
        args.join(" "),
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn a_fleet_becomes_a_dataset_and_a_policy() {
    let folder = tempfile::tempdir().expect("a folder");
    let (fleet, run, policy) =
        (path(folder.path(), "fleet"), path(folder.path(), "run"), path(folder.path(), "policy"));
    let said = ok(&["forge", "--count", "6", "--seed", "3", "--out", &fleet]);
    assert!(said.contains("6 frameworks, all checked"), "{said}");
    assert!(Path::new(&fleet).join("gallery.html").is_file());
    let said = ok(&["check", &fleet]);
    assert!(said.contains("0 errors") && said.contains("36 tasks solved by the expert"), "{said}");

    let recipe = path(folder.path(), "recipe.yaml");
    let text = format!(
        "frameworks: [{fleet:?}]\nepisodes: 48\nseed: 2\nlanguages: {{en: 1}}\nexport: {{formats: [openai]}}\n"
    );
    std::fs::write(&recipe, text).expect("written");
    ok(&["synth", &recipe, "--out", &run]);
    let metrics = std::fs::read_to_string(Path::new(&run).join("metrics.json")).expect("metrics");
    let metrics: serde_json::Value = serde_json::from_str(&metrics).expect("JSON");
    let harnesses = metrics["success"].as_array().expect("rows");
    let harnesses = harnesses.iter().filter(|row| row["axis"] == "harness").count();
    assert_eq!(harnesses, 6, "each framework played: {metrics}");
    assert!(Path::new(&run).join("frameworks").is_dir());

    let small =
        ["--layers", "1", "--heads", "2", "--hidden", "32", "--context", "512", "--step-tokens", "1024"];
    let sft = |steps: &str| {
        let mut args = vec!["train", "sft", &run, "--out", &policy, "--vocabulary", "400", "--steps", steps];
        args.extend(small);
        nex(&args)
    };
    let first = sft("4");
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let curve = std::fs::read_to_string(Path::new(&policy).join("metrics.jsonl")).expect("a curve");
    assert_eq!(curve.lines().count(), 4);
    let again = sft("4");
    assert!(String::from_utf8_lossy(&again.stdout).contains("nothing was left to do"), "{again:?}");
    assert_eq!(sft("5").status.code(), Some(3), "another run must not overwrite this one");
}

#[test]
fn a_framework_that_was_spoilt_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = path(folder.path(), "desk");
    ok(&["forge", "a team lead at a veterinary practice", "--agents", "4", "--out", &out]);
    let agents = Path::new(&out).join("agents");
    let files = std::fs::read_dir(&agents).expect("agents").filter_map(Result::ok).map(|entry| entry.path());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("an agent");
        let spoilt: Vec<&str> = text.lines().filter(|line| !line.contains("- name: find_")).collect();
        std::fs::write(&file, spoilt.join("\n")).expect("written");
    }
    let checked = nex(&["check", &out]);
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(said.contains("binding: no agent has the operations find_"), "{said}");
    let missing = nex(&["synth", "/nowhere/recipe.yaml", "--out", &path(folder.path(), "x")]);
    assert_eq!(missing.status.code(), Some(3));
}

//! `nex data import` and `nex data convert` as a user meets them: what is told, exit codes, files.

use insta::assert_snapshot;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const CHAT: &str = r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},{"role":"tool","tool_call_id":"a","name":"f","content":"r"},{"role":"assistant","content":"done"}],"tools":[{"type":"function","function":{"name":"f","description":"","parameters":{"type":"object"}}}]}"#;
/// Its arguments are no JSON, which text formats cannot hold.
const BROKEN_CALL: &str = r#"{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{oops"}}]}]}"#;

/// Runs `nex` in `dir` and gives exit code and what was told, paths as they were given.
fn nex(dir: &Path, args: &str, stdin: &[u8]) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_nex"))
        .args(args.split_whitespace())
        .current_dir(dir)
        .env_remove("RUST_LOG")
        .env("COLUMNS", "100")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut pipe = child.stdin.take().expect("it is piped");
    // A command that fails early does not read on.
    let _ = pipe.write_all(stdin);
    drop(pipe);
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
    let code = output.status.code().expect("it was not killed");
    let told: String = text(&output.stderr).lines().map(|line| without_lists(line) + "\n").collect();
    format!("{}{told}exit {code}", text(&output.stdout))
}

/// Lists of all formats grow with every format; what comes before them is what is looked at.
fn without_lists(line: &str) -> String {
    let starts = ["known: ", "known formats: ", "one of ", "with --from: ", "it may be "];
    let start = starts.iter().filter_map(|start| Some(line.find(start)? + start.len())).min();
    start.map_or_else(|| line.to_owned(), |at| format!("{}…", &line[..at]))
}

fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    write("good.jsonl", format!("{CHAT}\n{CHAT}\n{CHAT}\n"));
    write("mixed.jsonl", format!("{CHAT}\n{{\"messages\": 7}}\n{BROKEN_CALL}\n{}\n{CHAT}\n", &CHAT[..90]));
    write(
        "raw.jsonl",
        "{\"text\":\"<|im_start|>user\\nhi<|im_end|>\\n<|im_start|>assistant\\nho<|im_end|>\\n\"}\n"
            .to_owned(),
    );
    write("strange.jsonl", "{\"rows\": 1}\n".to_owned());
    write("empty.jsonl", String::new());
    dir
}

#[test]
fn help() {
    let dir = folder();
    assert_snapshot!("help_import", nex(dir.path(), "data import --help", b""));
    assert_snapshot!("help_convert", nex(dir.path(), "data convert --help", b""));
}

#[test]
fn what_is_told_of_good_and_bad_input() {
    let dir = folder();
    let told: Vec<String> = [
        "data convert good.jsonl --to hermes --out out.jsonl",
        "data convert mixed.jsonl --to hermes --out out.jsonl --report report.json",
        "data convert mixed.jsonl --to hermes --out strict.jsonl --strict",
        "data convert raw.jsonl --to openai --out out.jsonl",
        "data convert raw.jsonl --from hermes --to openai --out out.jsonl",
        "data convert strange.jsonl --to openai --out out.jsonl",
        "data convert empty.jsonl --to openai --out out.jsonl",
        "data convert nowhere.jsonl --to openai --out out.jsonl",
        "data convert good.jsonl --from hermse --to openai --out out.jsonl",
        "data convert good.jsonl --dialect nope --to openai --out out.jsonl",
        "data convert good.jsonl --to openia --out out.jsonl",
        "data convert good.jsonl --to openai --tokenizer nowhere.json --out out.jsonl",
        "data convert good.jsonl --to trl-tokens --tokenizer nowhere.json --out out.jsonl",
        "data convert - - --to openai --out out.jsonl",
        "data convert . --to openai --out out.jsonl",
        "data import mixed.jsonl --out run",
        "data import mixed.jsonl --out run",
    ]
    .into_iter()
    .map(|args| format!("$ nex {args}\n{}\n", nex(dir.path(), args, b"")))
    .collect();
    assert_snapshot!("told", told.join("\n"));
    let other = nex(dir.path(), "data import good.jsonl --out run", b"");
    assert!(other.contains("choose another --out") && other.ends_with("exit 3"), "{other}");
    assert!(!dir.path().join("strict.jsonl").exists(), "a conversion that fails leaves no file");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("report.json")).unwrap()).unwrap();
    assert_eq!((&report["samples"], &report["episodes"]), (&2.into(), &3.into()));
}

#[test]
fn an_import_is_a_run_that_the_other_commands_read() {
    let dir = folder();
    nex(dir.path(), "data import good.jsonl --out run", b"");
    assert_snapshot!("stats", nex(dir.path(), "data stats run", b""));
    assert_snapshot!("inspect", nex(dir.path(), "data inspect run", b""));
    assert_snapshot!("list", nex(dir.path(), "data inspect run --list", b""));
    assert!(nex(dir.path(), "view run", b"").ends_with("exit 0"));
    assert!(nex(dir.path(), "data convert run --to openai --out from_run.jsonl", b"").ends_with("exit 0"));
    assert!(
        nex(dir.path(), "data convert good.jsonl --to openai --out direct.jsonl", b"").ends_with("exit 0")
    );
    assert!(
        nex(
            dir.path(),
            "data convert - --to openai --out piped.jsonl",
            format!("{CHAT}\n{CHAT}\n{CHAT}").as_bytes()
        )
        .ends_with("exit 0")
    );
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(read("direct.jsonl"), read("from_run.jsonl"));
    assert_eq!(read("direct.jsonl"), read("piped.jsonl"));
    assert_eq!(read("direct.jsonl"), read("good.jsonl"), "nothing changed on the way");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let dir = folder();
    let mut lines = String::new();
    for n in 0..3000 {
        lines.push_str(&CHAT.replace("done", &format!("done {n} {}", "x".repeat(n % 1500))));
        lines.push('\n');
        if n % 100 == 0 {
            lines.push_str("{\"messages\": 7}\n");
        }
    }
    std::fs::write(dir.path().join("many.jsonl"), &lines).unwrap();
    let converted = |threads: &str| {
        let args = format!(
            "data convert many.jsonl --to hermes --out {threads}.jsonl --threads {threads} --report {threads}.json"
        );
        assert!(nex(dir.path(), &args, b"").ends_with("exit 1"));
        ["jsonl", "json"].map(|kind| std::fs::read(dir.path().join(format!("{threads}.{kind}"))).unwrap())
    };
    let one = converted("1");
    assert_eq!(one[0].iter().filter(|byte| **byte == b'\n').count(), 3000);
    assert!(one == converted("2") && one == converted("7"));
}

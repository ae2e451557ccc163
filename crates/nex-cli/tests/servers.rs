//! Real MCP servers as a user meets them: catalogued, bound to a framework, recorded, replayed, imitated.
//!
//! `scripts/install-peers` installs the servers; without them these tests fail, unless
//! `NEX_SKIP_PEERS=1` says that they are not wanted.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Where the peers are; `None` when the tests shall not run.
fn peers() -> Option<PathBuf> {
    if std::env::var("NEX_SKIP_PEERS").is_ok_and(|skip| skip == "1") {
        return None;
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let peers = std::env::var_os("NEX_PEERS").map_or(beside, PathBuf::from);
    let is_there = peers.join("npm/node_modules/.bin/mcp-server-everything").exists();
    assert!(
        is_there,
        "there are no peers in {}: install with scripts/install-peers, or set NEX_SKIP_PEERS=1",
        peers.display()
    );
    Some(peers.canonicalize().expect("it was just seen"))
}

fn npm(peers: &Path, name: &str) -> String {
    peers.join("npm/node_modules/.bin").join(name).display().to_string()
}

fn python(peers: &Path, name: &str) -> String {
    peers.join("v").join(name).join("bin").join(name).display().to_string()
}

fn nex(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nex"));
    command.env_remove("NEX_CONTROL_TOKEN").env_remove("RUST_LOG").stdin(Stdio::null());
    command.args(args).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Standard output of a command that must succeed.
fn ok(args: &[&str]) -> String {
    let output = nex(args);
    assert!(
        output.status.success(),
        "nex {}: {}{}",
        args.join(" "),
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn write(path: &Path, content: &str) -> String {
    std::fs::write(path, content).expect("written");
    path.display().to_string()
}

/// Replies of a script: calls one after the other, then an answer.
fn script(path: &Path, calls: &[(&str, Value)]) -> String {
    let mut lines: Vec<String> = calls
        .iter()
        .map(|(name, arguments)| json!({"calls": [{"name": name, "arguments": arguments}]}).to_string())
        .collect();
    lines.push(json!({"text": "Done."}).to_string());
    format!("script:{}", write(path, &(lines.join("\n") + "\n")))
}

/// The results of the calls in a trajectory's file, with whether they are errors.
fn results(trace: &Path) -> Vec<(bool, String)> {
    let trajectory: Value = serde_json::from_str(
        std::fs::read_to_string(trace).expect("a trace").lines().last().expect("a line"),
    )
    .expect("JSON");
    let mut found = Vec::new();
    collect(&trajectory, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<(bool, String)>) {
    match value {
        Value::Object(map) if map.get("type").is_some_and(|kind| kind == "tool_result") => {
            let is_error = map.get("is_error") == Some(&Value::Bool(true));
            found.push((is_error, Value::Object(map.clone()).to_string()));
        }
        Value::Object(map) => map.values().for_each(|inner| collect(inner, found)),
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, found)),
        _ => {}
    }
}

#[test]
fn a_forged_framework_works_with_real_servers() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().canonicalize().expect("it exists");
    let repo = root.join("repo");
    std::fs::create_dir(&repo).expect("made");
    let git = |args: &[&str]| {
        let status =
            Command::new("git").arg("-C").arg(&repo).args(args).output().expect("git is installed").status;
        assert!(status.success(), "git {args:?}");
    };
    git(&["init", "-q"]);
    git(&["config", "user.email", "ada@example.org"]);
    git(&["config", "user.name", "Ada"]);
    std::fs::write(repo.join("a.txt"), "one\n").expect("written");
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "first light"]);
    let list = json!({"mcpServers": {
        "git": {"command": python(&peers, "mcp-server-git"), "args": ["--repository", repo]},
        "files": {"command": npm(&peers, "mcp-server-filesystem"), "args": [repo]},
        "sqlite": {"command": python(&peers, "mcp-server-sqlite"), "args": ["--db-path", root.join("t.db")]},
        "everything": {"command": npm(&peers, "mcp-server-everything"), "args": ["stdio"]},
        "gone": {"command": "/nowhere/server"},
    }});
    let servers = write(&root.join("servers.json"), &list.to_string());
    let catalogue = root.join("catalogue.json").display().to_string();
    let told = ok(&[
        "tools",
        "catalogue",
        &servers,
        "--out",
        &catalogue,
        "--concurrency",
        "2",
        "--start-timeout-s",
        "60",
    ]);
    assert!(told.contains("5 servers, 45 tools, 1 servers failed"), "{told}");
    assert!(ok(&["tools", "list", &catalogue]).contains("gone"));
    let found =
        ok(&["tools", "search", "read the log of commits", "--catalogue", &catalogue, "-n", "1", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&found).expect("a row")["tool"], "git_log", "{found}");

    let out = root.join("forged").display().to_string();
    let sentence =
        "one agent at a veterinary practice that looks after a git repository, its files and a database";
    let told =
        ok(&["forge", sentence, "--out", &out, "--pattern", "single_agent", "--catalogue", &catalogue]);
    for server in ["real server files", "real server git", "real server sqlite"] {
        assert!(told.contains(server), "{told}");
    }
    let checked = ok(&["check", &out]);
    assert!(checked.contains(" 0 errors"), "{checked}");
    let manifest: Value = serde_json::from_str(
        &std::fs::read_to_string(Path::new(&out).join("framework.json")).expect("a manifest"),
    )
    .expect("JSON");
    let entry = Path::new(&out).join(manifest["entry"].as_str().expect("an entry")).display().to_string();
    let world = Path::new(&out).join(manifest["world_file"].as_str().expect("a world")).display().to_string();
    let operation = manifest["plan"]["agents"][0]["operations"][0].as_str().expect("an operation").to_owned();
    let model = script(
        &root.join("replies.jsonl"),
        &[
            ("mcp__git__git_log", json!({"repo_path": repo})),
            ("mcp__files__read_text_file", json!({"path": repo.join("a.txt")})),
            ("mcp__sqlite__list_tables", json!({})),
            (&operation, json!({})),
        ],
    );
    let trace = root.join("trace.jsonl");
    let answer = ok(&[
        "run",
        &entry,
        "What is in the repository?",
        "--world",
        &world,
        "--model",
        &model,
        "--trace",
        trace.to_str().expect("UTF-8"),
        "--quiet",
    ]);
    assert_eq!(answer.trim(), "Done.");
    let results = results(&trace);
    assert_eq!(results.len(), 4, "{results:?}");
    assert!(!results[0].0 && results[0].1.contains("first light"), "{results:?}");
    assert!(!results[1].0 && results[1].1.contains("one"), "{results:?}");
    assert!(!results[2].0, "{results:?}");
    assert!(!results[3].1.contains("unknown_tool"), "the world's own tools are there too: {results:?}");
}

#[test]
fn an_agent_meets_the_recording_as_it_met_the_server() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let recording = root.join("memory.jsonl").display().to_string();
    let secret = "sk-surely-a-secret";
    let agent = |name: &str, args: Value| {
        let server = json!([{"name": "memory", "command": env!("CARGO_BIN_EXE_nex"), "args": args, "env": {
            "MEMORY_FILE_PATH": root.join("memory.json"), "SOME_API_KEY": secret}}]);
        let agent = format!(
            "type: agent\nname: keeper\nsystem_prompt: You keep notes.\nllm_config: {{}}\nmcp_servers: {server}\n"
        );
        write(&root.join(name), &agent)
    };
    let server = npm(&peers, "mcp-server-memory");
    let real = agent("real.yaml", json!(["mcp", "record", "--out", recording, "--", server]));
    let replayed = agent("replayed.yaml", json!(["mcp", "replay", recording]));
    let entity = json!({"entities": [{"name": "Ada", "entityType": "person", "observations": [secret]}]});
    let calls = [
        ("mcp__memory__read_graph", json!({})),
        ("mcp__memory__create_entities", entity),
        ("mcp__memory__read_graph", json!({})),
        ("mcp__memory__read_graph", json!({})),
    ];
    let model = script(&root.join("replies.jsonl"), &calls);
    let run = |agent: &str, trace: &str| {
        let trace = root.join(trace);
        ok(&[
            "run",
            agent,
            "Note Ada.",
            "--model",
            &model,
            "--trace",
            trace.to_str().expect("UTF-8"),
            "--quiet",
        ]);
        results(&trace)
    };
    let first = run(&real, "real.jsonl");
    assert!(first.len() == 4 && first.iter().all(|(is_error, _)| !is_error), "{first:?}");
    assert!(!std::fs::read_to_string(&recording).expect("a recording").contains(secret));
    let redacted: Vec<(bool, String)> =
        first.into_iter().map(|(is_error, text)| (is_error, text.replace(secret, "***"))).collect();
    assert_eq!(run(&replayed, "replayed.jsonl"), redacted);
    // Another call than those that were recorded is told, not made up.
    let model = script(&root.join("other.jsonl"), &[("mcp__memory__open_nodes", json!({"names": ["Bob"]}))]);
    let trace = root.join("other-trace.jsonl");
    ok(&["run", &replayed, "x", "--model", &model, "--trace", trace.to_str().expect("UTF-8"), "--quiet"]);
    let told = results(&trace);
    assert!(told[0].0 && told[0].1.contains("replays a recording"), "{told:?}");

    let learned = ok(&["world", "imitate", "--recording", &recording, "--warm-up", "0"]);
    assert!(learned.contains("latency_ms: {typical: "), "{learned}");
}

#[test]
fn a_world_learns_from_a_server_and_only_from_what_it_may_call() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().canonicalize().expect("it exists");
    std::fs::write(root.join("note.txt"), "hello\n").expect("written");
    let list = json!([{"name": "files", "command": npm(&peers, "mcp-server-filesystem"), "args": [root]}]);
    let servers = write(&root.join("servers.json"), &list.to_string());
    let call = |tool: &str| {
        json!({"tool": tool, "arguments": {"path": root.join("note.txt")}, "times": 25}).to_string()
    };
    let calls = write(&root.join("calls.jsonl"), &call("read_text_file"));
    let out = root.join("world.yaml").display().to_string();
    let report = root.join("report.json").display().to_string();
    let learned = ok(&[
        "world",
        "imitate",
        "--servers",
        &servers,
        "--server",
        "files",
        "--calls",
        &calls,
        "--world",
        "parcel_desk",
        "--map",
        "read_text_file=get_order",
        "--out",
        &out,
        "--report",
        &report,
    ]);
    assert!(learned.contains("25 calls") && learned.contains("distance (KS)"), "{learned}");
    ok(&["check", &out]);
    let world = std::fs::read_to_string(&out).expect("a world");
    assert_eq!(world.matches("least: ").count(), 2, "for the world and for one operation");
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(&report).expect("a report")).expect("JSON");
    assert_eq!(report["whole"]["calls"], 25);
    let writes = write(&root.join("writes.jsonl"), &call("write_file"));
    let refused = nex(&["world", "imitate", "--servers", &servers, "--server", "files", "--calls", &writes]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--allow-writes"), "{}", text(&refused.stderr));
}

#[test]
fn bad_input_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let broken = write(&dir.path().join("broken.json"), "{");
    let none = write(&dir.path().join("none.json"), "{}");
    let cases: &[(&[&str], i32, &str)] = &[
        (&["tools", "catalogue", &broken], 3, "broken.json: EOF"),
        (&["tools", "catalogue", &none], 3, "mcpServers"),
        (&["tools", "list", &none], 3, "nex tools catalogue"),
        (&["tools", "search", "x", "--catalogue", "/nowhere.json"], 3, "/nowhere.json"),
        (&["mcp", "replay", &none], 3, "there is no session"),
        (&["mcp", "record", "--out", "/nowhere/x.jsonl", "--", "cat"], 4, "/nowhere/x.jsonl"),
        (&["world", "imitate"], 2, "--recording FILE"),
        (&["forge", "git", "--out", "/nowhere/x", "--catalogue", &none], 3, "this is no catalogue"),
    ];
    for (args, code, told) in cases {
        let output = nex(args);
        assert_eq!(output.status.code(), Some(*code), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(told), "{args:?}: {}", text(&output.stderr));
    }
}

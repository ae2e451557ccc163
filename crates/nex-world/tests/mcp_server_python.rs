//! The MCP server, met by the official Python client over stdio and HTTP in both eras.
//!
//! `scripts/install-peers` installs the client; without it the test fails, unless
//! `NEX_SKIP_PEERS=1` skips it.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Python with the client; `None` where peers are to be skipped.
fn python() -> Option<PathBuf> {
    if std::env::var("NEX_SKIP_PEERS").is_ok_and(|skip| skip == "1") {
        return None;
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let peers = std::env::var_os("NEX_PEERS").map_or(beside, PathBuf::from);
    let python = peers.join("v/client/bin/python");
    assert!(
        python.exists(),
        "there is no Python MCP client at {}: install with scripts/install-peers, or set NEX_SKIP_PEERS=1",
        python.display()
    );
    Some(python)
}

/// The example that serves a world, beside this test's own program.
fn server() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let built = test.parent().and_then(Path::parent).expect("target/debug/deps").join("examples/serve_world");
    assert!(
        built.exists(),
        "no {}: cargo test builds it, unless told to build this test alone",
        built.display()
    );
    built
}

fn drive(python: &Path, kind: &str, target: &str) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp_client.py");
    let output = Command::new(python).arg(script).args([kind, target]).output().expect("Python starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the Python client failed:\n{told}");
    serde_json::from_slice(&output.stdout).expect("it prints JSON")
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn check(seen: &Value, names_worlds: bool) {
    for (era, version) in [("handshake", "2025-11-25"), ("2026-07-28", "2026-07-28"), ("auto", "2026-07-28")]
    {
        let mut seen = seen[era].clone();
        let tools = seen["tools"].take();
        let tools: Vec<&str> = tools.as_array().expect("names").iter().filter_map(Value::as_str).collect();
        let is_stateless = version == "2026-07-28";
        assert_eq!(tools.contains(&"open_world"), names_worlds && is_stateless, "{era}: {tools:?}");
        assert!(tools.contains(&"add_note") && tools.contains(&"reset_world"), "{era}: {tools:?}");
        assert!(!tools.iter().any(|tool| tool.starts_with("nex_")), "{era}: {tools:?}");
        assert!(seen["read_only"].take().as_u64() > Some(5), "{era}");
        let expected = json!({
            "version": version, "tools": null, "read_only": null, "same_in_text": true, "latency": true,
            "write_failed": false, "write_is_seen": true, "missing_failed": true, "missing_code": "not_found",
            "wrong_failed": true, "unknown": -32602, "reset_failed": false, "reset_undid": true,
        });
        assert_eq!(seen, expected, "{era}");
    }
}

#[test]
fn the_python_client_works_over_stdio() {
    let Some(python) = python() else { return };
    let seen = drive(&python, "stdio", server().to_str().expect("a path in UTF-8"));
    check(&seen, false);
}

#[test]
fn the_python_client_works_over_http() {
    let Some(python) = python() else { return };
    let mut child = Command::new(server())
        .args(["parcel_desk", "7", "http"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let _server = Killed(child);
    let url = lines.next().expect("it tells its address").expect("text");
    check(&drive(&python, "http", &url), true);
}

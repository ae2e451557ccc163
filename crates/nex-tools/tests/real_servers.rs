//! The MCP client and pool against servers that people use, from npm and PyPI.
//!
//! `scripts/install-peers` installs them; without them these tests fail, unless `NEX_SKIP_PEERS=1`
//! says that they are not wanted.

#[path = "support/processes.rs"]
mod processes;

use nex_tools::mcp::{CallResult, Era, McpLimits, ResetPolicy};
use nex_tools::{McpLease, McpPool, McpServerSpec, PoolConfig, ToolFailure, ToolLimits, Toolbox};
use nex_trajectory::{Arguments, ContentBlock, ToolCall};
use processes::{eventually, kill_9, processes_with, unique};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const NONE: [i32; 0] = [];

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

/// A spec of an npm server (`npm:NAME`) or a Python one.
fn spec(peers: &Path, server: &str, args: &[&str]) -> (McpServerSpec, String) {
    let program = match server.strip_prefix("npm:") {
        Some(name) => peers.join("npm/node_modules/.bin").join(name),
        None => peers.join("v").join(server).join("bin").join(server),
    };
    let mark = unique("real");
    let command = program.to_str().expect("UTF-8");
    let mut spec = McpServerSpec::stdio(server.trim_start_matches("npm:"), command, args.iter().copied())
        .with_secret("TEST_MARK", &mark);
    spec.limits = McpLimits { start_timeout_ms: 60_000, ..McpLimits::default() };
    (spec, mark)
}

fn pool() -> McpPool {
    McpPool::new(PoolConfig::default())
}

async fn call(lease: &McpLease, tool: &str, arguments: Value) -> CallResult {
    lease.call_raw(tool, arguments).await.unwrap_or_else(|failure| panic!("{tool}: {failure}"))
}

fn text(result: &CallResult) -> String {
    let texts = result.output.content.iter().filter_map(|block| match block {
        ContentBlock::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// Calls a tool that must succeed, and gives its text.
async fn ok(lease: &McpLease, tool: &str, arguments: Value) -> String {
    let result = call(lease, tool, arguments).await;
    assert!(!result.output.is_error, "{tool}: {}", text(&result));
    text(&result)
}

/// Leases, checks era and number of tools.
async fn open(pool: &McpPool, spec: &McpServerSpec, era: Era, tools: usize) -> McpLease {
    let lease = pool.lease(spec).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(lease.era(), era, "{}", spec.name);
    let names: Vec<&str> = lease.list().names().collect();
    assert_eq!(names.len(), tools, "{}: {names:?}, refused {:?}", spec.name, lease.list().refused());
    lease
}

#[tokio::test(flavor = "multi_thread")]
async fn everything() {
    let Some(peers) = peers() else { return };
    let (spec, mark) = spec(&peers, "npm:mcp-server-everything", &["stdio"]);
    let pool = pool();
    let lease = open(&pool, &spec, Era::Handshake, 13).await;
    assert_eq!(ok(&lease, "echo", json!({"message": "grüße 你好 🎈"})).await, "Echo: grüße 你好 🎈");
    assert_eq!(ok(&lease, "get-sum", json!({"a": 2, "b": 3})).await, "The sum of 2 and 3 is 5.");
    let image = call(&lease, "get-tiny-image", json!({})).await;
    let images = image.output.content.iter().filter(|block| matches!(block, ContentBlock::Image(_)));
    assert_eq!(images.count(), 1);
    let weather = call(&lease, "get-structured-content", json!({"location": "New York"})).await;
    assert!(weather.structured.is_some_and(|data| data["temperature"].is_number()));
    let bad = call(&lease, "get-sum", json!({"a": "two"})).await;
    assert!(bad.output.is_error, "isError is kept");
    let unknown = call(&lease, "no-such-tool", json!({})).await;
    assert!(unknown.output.is_error);
    let environment = ok(&lease, "get-env", json!({})).await;
    assert!(!environment.contains("CARGO_MANIFEST_DIR"), "our environment must not reach a server");
    // Our own check comes first and says more.
    let toolbox = Toolbox::new(lease.tools(), ToolLimits::default()).expect("names differ");
    let cancel = tokio_util::sync::CancellationToken::new();
    let context = nex_tools::CallContext { session: "s", call_id: "", cancel: &cancel };
    let arguments = Arguments::from_text(r#"{"a": "two"}"#);
    let outcome =
        toolbox.call(&ToolCall { id: "c".into(), name: "get-sum".into(), arguments }, &context).await;
    assert!(outcome.result.text().contains("argument `a` must be a number"), "{}", outcome.result.text());
    lease.release().await;
    assert_eq!(processes_with(&mark), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn filesystem() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().canonicalize().expect("it exists");
    let (spec, _) = spec(&peers, "npm:mcp-server-filesystem", &[root.to_str().expect("UTF-8")]);
    let lease = open(&pool(), &spec, Era::Handshake, 14).await;
    let path = root.join("note.txt");
    ok(&lease, "write_file", json!({"path": &path, "content": "line one\n"})).await;
    assert!(ok(&lease, "read_text_file", json!({"path": &path})).await.starts_with("line one"));
    assert_eq!(std::fs::read_to_string(&path).expect("written"), "line one\n");
    let denied = call(&lease, "read_text_file", json!({"path": "/etc/passwd"})).await;
    assert!(denied.output.is_error && text(&denied).contains("denied"), "{}", text(&denied));
    std::fs::write(root.join("long.txt"), "x".repeat(1_000_000)).expect("written");
    let long = ok(&lease, "read_text_file", json!({"path": root.join("long.txt")})).await;
    assert_eq!(long.len(), 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_keeps_state_and_survives_being_killed() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("memory.jsonl");
    let (spec, mark) = spec(&peers, "npm:mcp-server-memory", &[]);
    let spec = spec.with_secret("MEMORY_FILE_PATH", file.to_str().expect("UTF-8"));
    let pool = pool();
    let lease = open(&pool, &spec, Era::Handshake, 9).await;
    let entity = json!({"name": "Ada", "entityType": "person", "observations": ["wrote the first program"]});
    ok(&lease, "create_entities", json!({"entities": [entity]})).await;
    assert!(ok(&lease, "read_graph", json!({})).await.contains("wrote the first program"));

    let pids = processes_with(&mark);
    assert_eq!(pids.len(), 1);
    kill_9(pids[0]);
    let failure = lease.call_raw("read_graph", json!({})).await;
    let Err(ToolFailure::ServerGone { server, cause, .. }) = failure else { panic!("{failure:?}") };
    assert_eq!(server, "mcp-server-memory");
    assert!(cause.contains("killed by signal 9"), "{cause}");
    lease.release().await;
    let lease = pool.lease(&spec).await.expect("the pool starts another");
    assert!(ok(&lease, "read_graph", json!({})).await.contains("Ada"), "its file is still there");
    drop(lease);
    drop(pool);
    eventually("no process is left", || processes_with(&mark).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn git() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let repo = dir.path().to_str().expect("UTF-8");
    let run = |args: &[&str]| {
        let status =
            Command::new("git").args(["-C", repo]).args(args).output().expect("git is installed").status;
        assert!(status.success(), "git {args:?}");
    };
    run(&["init", "-q"]);
    run(&["config", "user.email", "ada@example.org"]);
    run(&["config", "user.name", "Ada"]);
    let (spec, mark) = spec(&peers, "mcp-server-git", &["--repository", repo]);
    let lease = open(&pool(), &spec, Era::Stateless, 12).await;
    std::fs::write(dir.path().join("a.txt"), "one\n").expect("written");
    assert!(ok(&lease, "git_status", json!({"repo_path": repo})).await.contains("a.txt"));
    ok(&lease, "git_add", json!({"repo_path": repo, "files": ["a.txt"]})).await;
    ok(&lease, "git_commit", json!({"repo_path": repo, "message": "first light"})).await;
    assert!(ok(&lease, "git_log", json!({"repo_path": repo})).await.contains("first light"));
    assert!(call(&lease, "git_status", json!({"repo_path": "/"})).await.output.is_error);
    assert!(call(&lease, "no_such_tool", json!({})).await.output.is_error, "an RPC error is for the model");
    lease.release().await;
    assert_eq!(processes_with(&mark), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn time() {
    let Some(peers) = peers() else { return };
    let (spec, _) = spec(&peers, "mcp-server-time", &["--local-timezone", "UTC"]);
    let lease = open(&pool(), &spec, Era::Stateless, 2).await;
    let arguments = json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"});
    assert!(ok(&lease, "convert_time", arguments).await.contains("21:00"));
    assert!(call(&lease, "get_current_time", json!({"timezone": "Mars/Olympus"})).await.output.is_error);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let database = dir.path().join("t.db");
    let (spec, _) = spec(&peers, "mcp-server-sqlite", &["--db-path", database.to_str().expect("UTF-8")]);
    let lease = open(&pool(), &spec, Era::Handshake, 6).await;
    ok(&lease, "create_table", json!({"query": "create table t (id integer, name text)"})).await;
    ok(&lease, "write_query", json!({"query": "insert into t values (9007199254740993, 'Ada')"})).await;
    let rows = ok(&lease, "read_query", json!({"query": "select * from t"})).await;
    assert!(rows.contains("9007199254740993") && rows.contains("Ada"), "{rows}");
    // This server says errors in a plain result; we pass on what it says.
    assert!(
        text(&call(&lease, "read_query", json!({"query": "select * from missing"})).await)
            .contains("no such table")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_each_kind_at_the_same_time() {
    let Some(peers) = peers() else { return };
    let pool = pool();
    let (everything, mark) = spec(&peers, "npm:mcp-server-everything", &["stdio"]);
    let everything = McpServerSpec { reset: ResetPolicy::Reuse, ..everything };
    let sessions = (0..12).map(|number| {
        let (pool, spec) = (pool.clone(), everything.clone());
        tokio::spawn(async move {
            let lease = pool.lease(&spec).await.expect("a lease");
            let message = format!("session {number}");
            let echo = ok(&lease, "echo", json!({"message": message})).await;
            assert_eq!(echo, format!("Echo: {message}"));
            lease.release().await;
        })
    });
    for session in sessions.collect::<Vec<_>>() {
        session.await.expect("no panic");
    }
    let stats = pool.stats();
    assert_eq!(stats.started + stats.reused, 12);
    assert!(stats.started <= everything.limits.max_servers as u64, "{stats:?}");
    pool.close().await;
    assert_eq!(processes_with(&mark), NONE);
}

/// A server that runs by itself, killed with the test.
struct HttpServer(std::process::Child);

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it was running");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_over_http() {
    let Some(peers) = peers() else { return };
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let program = peers.join("npm/node_modules/.bin/mcp-server-everything");
    let server = Command::new(program)
        .arg("streamableHttp")
        .env("PORT", port.to_string())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map(HttpServer)
        .expect("it starts");
    eventually("it listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let spec = McpServerSpec::http("everything", format!("http://127.0.0.1:{port}/mcp"));
    let pool = pool();
    let lease = open(&pool, &spec, Era::Handshake, 13).await;
    assert_eq!(ok(&lease, "echo", json!({"message": "hi"})).await, "Echo: hi");
    assert!(call(&lease, "get-sum", json!({"a": "two"})).await.output.is_error);
    drop(server);
    let failure = lease.call_raw("echo", json!({"message": "hi"})).await;
    assert!(matches!(failure, Err(ToolFailure::ServerGone { .. })), "{failure:?}");
    drop(lease);
    let error = pool.lease(&spec).await.err().expect("nobody answers");
    assert_eq!(error.kind(), "handshake", "{error}");
}

/// A server of the official Python library, which speaks the new era over HTTP.
const PYTHON_SERVER: &str = r#"
import sys
from mcp.server.mcpserver import MCPServer
server = MCPServer("adder")
@server.tool()
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b
@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("out of paper")
server.run(transport="streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
"#;

#[tokio::test(flavor = "multi_thread")]
async fn python_over_http_in_the_new_era() {
    let Some(peers) = peers() else { return };
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let _server = Command::new(peers.join("v/client/bin/python"))
        .args(["-c", PYTHON_SERVER, &port.to_string()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map(HttpServer)
        .expect("it starts");
    eventually("it listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let spec = McpServerSpec::http("adder", format!("http://127.0.0.1:{port}/mcp"));
    let lease = open(&pool(), &spec, Era::Stateless, 2).await;
    assert_eq!(ok(&lease, "add", json!({"a": 2, "b": 40})).await, "42");
    let failed = call(&lease, "fail", json!({})).await;
    assert!(failed.output.is_error && text(&failed).contains("executing tool fail"), "{}", text(&failed));
}

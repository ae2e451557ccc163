//! The catalogue, the recording proxy and the replay with servers that people use.
//!
//! `scripts/install-peers` installs them; without them these tests fail, unless `NEX_SKIP_PEERS=1`
//! says that they are not wanted.

use nex_tools::catalogue::{CatalogueConfig, ServerList, ServerState, build, search};
use nex_tools::mcp::recording::{
    PlannedCall, Recorder, Recording, Redactor, Replay, ReplayOptions, Survey, SurveyConfig, record_stdio,
    run_survey, serve_replay,
};
use nex_tools::{McpPool, McpServerSpec, PoolConfig};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio_util::sync::CancellationToken;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_of_real_servers_and_of_some_that_fail() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().canonicalize().expect("it exists").display().to_string();
    let secret = "an-environment-secret";
    let list = json!({"mcpServers": {
        "everything": {"command": npm(&peers, "mcp-server-everything"), "args": ["stdio"], "env": {"API_KEY": secret}},
        "files": {"command": npm(&peers, "mcp-server-filesystem"), "args": [root]},
        "missing": {"command": "/nowhere/mcp-server"},
        "time": {"command": python(&peers, "mcp-server-time"), "args": ["--local-timezone", "UTC"]},
        "no_server": {"command": "/bin/false"},
        "off": {"command": "x", "disabled": true},
    }});
    let list = ServerList::parse(&list.to_string(), false, Path::new(""), &|_| None).expect("a list");
    let mut told = Vec::new();
    let config = CatalogueConfig { concurrency: 2, start_timeout_ms: 60_000 };
    let catalogue = build(&list.servers, &config, |row| told.push(row.name.clone())).await;
    let states: Vec<(&str, String)> = catalogue
        .servers
        .iter()
        .map(|row| {
            let state = match &row.state {
                ServerState::Listed { tool_count, protocol, start_ms, .. } => {
                    assert!(*start_ms > 0);
                    format!("{tool_count} {protocol}")
                }
                ServerState::Failed { kind, .. } => kind.clone(),
            };
            (row.name.as_str(), state)
        })
        .collect();
    let expected = [
        ("everything", "13 2025-11-25"),
        ("files", "14 2025-11-25"),
        ("missing", "spawn"),
        ("time", "2 2026-07-28"),
        ("no_server", "handshake"),
        ("off", "configuration"),
    ];
    assert_eq!(states, expected.map(|(name, state)| (name, state.to_owned())));
    told.sort();
    assert_eq!(told, ["everything", "files", "missing", "no_server", "off", "time"]);

    let path = dir.path().join("catalogue.json");
    catalogue.save(&path).expect("it is written");
    let text = std::fs::read_to_string(&path).expect("it is there");
    assert!(!text.contains(secret) && text.contains("${env.API_KEY}"));
    let reads: Vec<&str> = catalogue
        .tools_of("files")
        .filter(|tool| tool.annotations.says_read_only())
        .map(|tool| tool.tool.as_str())
        .collect();
    assert!(reads.contains(&"read_text_file") && !reads.contains(&"write_file"), "{reads:?}");
    assert!(catalogue.tools.iter().all(|tool| tool.input_schema.is_object()));
    let best = search(&catalogue, "what time is it in Tokyo, convert time zones", 2);
    assert_eq!(best[0].entry.server, "time", "{best:?}");
    assert_eq!(search(&catalogue, "write text to a file", 1)[0].entry.server, "files");
}

/// A client of a server on two pipes, which says nothing but what the test says.
struct Client<W> {
    to: W,
    from: tokio::io::Lines<BufReader<tokio::io::DuplexStream>>,
    id: u64,
}

impl<W: tokio::io::AsyncWrite + Unpin> Client<W> {
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.id += 1;
        let request = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params});
        self.to.write_all(format!("{request}\n").as_bytes()).await.expect("the server reads");
        loop {
            let line = self.from.next_line().await.expect("the server writes").expect("it has not ended");
            let answer: Value = serde_json::from_str(&line).expect("JSON");
            if answer["id"] == self.id {
                return answer;
            }
        }
    }

    /// Opens a session of the handshake era and gives all tools and the answers to some calls.
    async fn session(&mut self, calls: &[(&str, Value)]) -> Vec<Value> {
        let hello = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let opened = self.ask("initialize", hello).await;
        assert!(opened["result"]["serverInfo"]["name"].is_string(), "{opened}");
        let hello = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        self.to.write_all(format!("{hello}\n").as_bytes()).await.expect("the server reads");
        let mut answers = vec![self.ask("tools/list", json!({})).await["result"]["tools"].clone()];
        for (tool, arguments) in calls {
            let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await;
            answers.push(answer["result"].clone());
        }
        answers
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_through_the_proxy_is_replayed_byte_for_byte() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("memory.jsonl");
    let entity =
        json!({"entities": [{"name": "Ada", "entityType": "person", "observations": ["wrote a program"]}]});
    let calls = [
        ("read_graph", json!({})),
        ("create_entities", entity),
        ("read_graph", json!({})),
        ("open_nodes", json!({"names": "no list"})),
    ];
    let memory = dir.path().join("memory.json").display().to_string();
    let spec = McpServerSpec::stdio("memory", npm(&peers, "mcp-server-memory"), [""; 0])
        .with_secret("MEMORY_FILE_PATH", memory);
    let recorder = Recorder::open(&path, "one".into(), "memory".into(), Redactor::default()).expect("a file");
    let ((to, input), (output, from)) = (tokio::io::duplex(1 << 20), tokio::io::duplex(1 << 20));
    let proxy =
        tokio::spawn(
            async move { record_stdio(&spec, recorder, input, output, CancellationToken::new()).await },
        );
    let mut client = Client { to, from: BufReader::new(from).lines(), id: 0 };
    let real = client.session(&calls).await;
    drop(client);
    let report = proxy.await.expect("no panic").expect("the proxy works");
    assert_eq!((report.answered, report.lost), (4, 0), "{report:?}");
    assert!(real[1] != real[3], "the server has a state");

    let recording = Recording::load(&path).expect("it reads");
    assert!(recording.calls().all(|call| call.latency_us > 0));
    let replay = Replay::new(&recording, ReplayOptions::default()).expect("a session");
    let ((to, input), (output, from)) = (tokio::io::duplex(1 << 20), tokio::io::duplex(1 << 20));
    let server = tokio::spawn(serve_replay(replay, input, output, CancellationToken::new()));
    let mut client = Client { to, from: BufReader::new(from).lines(), id: 0 };
    let replayed = client.session(&calls).await;
    assert_eq!(replayed, real);
    let unknown = client.ask("tools/call", json!({"name": "delete_entities", "arguments": {}})).await;
    assert_eq!(unknown["result"]["isError"], true);
    drop(client);
    server.await.expect("no panic").expect("the client went away, which is no failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_survey_calls_only_what_says_that_it_reads() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().canonicalize().expect("it exists");
    std::fs::write(root.join("note.txt"), "hello").expect("written");
    let command = npm(&peers, "mcp-server-filesystem");
    let spec = McpServerSpec::stdio("files", command, [root.display().to_string()]);
    let pool = McpPool::new(PoolConfig::default());
    let lease = pool.lease(&spec).await.expect("it starts");
    let survey = Survey::of_reading_tools(lease.list()).expect("some only read");
    let left: Vec<&str> = survey.left_out.iter().map(|(tool, _)| tool.as_str()).collect();
    for writing in ["write_file", "edit_file", "create_directory", "move_file"] {
        assert!(left.contains(&writing), "{left:?}");
    }
    let config = SurveyConfig { repeats: 2, ..SurveyConfig::default() };
    let path = dir.path().join("files.jsonl");
    let mut recorder =
        Recorder::open(&path, "one".into(), "files".into(), Redactor::default()).expect("a file");
    run_survey(&lease, &survey, &config, &mut recorder, || true).await.expect("it is made");
    let recording = Recording::load(&path).expect("it reads");
    assert_eq!(recording.calls().count() as u64, survey.call_count(&config));
    let note = vec![PlannedCall {
        tool: "read_text_file".into(),
        arguments: json!({"path": root.join("note.txt")}),
        times: None,
    }];
    assert!(Survey::of_calls(note.clone(), lease.list(), &config).is_ok());
    let write = vec![PlannedCall { tool: "write_file".into(), ..note[0].clone() }];
    let refused = Survey::of_calls(write, lease.list(), &config).expect_err("it writes").to_string();
    assert!(refused.contains("--allow-writes"), "{refused}");
    drop(lease);
    pool.close().await;
}

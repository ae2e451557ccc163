//! Imitation over the wire: a server of known dynamics, and servers that people use.
//!
//! `scripts/install-peers` installs the latter; without them those tests fail, unless
//! `NEX_SKIP_PEERS=1` says that they are not wanted.

#![allow(clippy::print_stdout, reason = "a server writes there")]

use nex_tools::mcp::recording::{
    PlannedCall, RecordedAnswer, Recorder, Recording, Redactor, Survey, SurveyConfig, run_survey,
};
use nex_tools::{McpPool, McpServerSpec, PoolConfig};
use nex_world::imitate::{ImitateConfig, Imitation, fit_latency, imitate, patch_world};
use serde_json::{Value, json};
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

// No call is faster; the median; σ of the logarithm of what is above the least.
const LEAST_MS: f64 = 10.0;
const MEDIAN_MS: f64 = 25.0;
const SPREAD: f64 = 0.5;
// Shares of calls that fail, and of replies that are cut.
const FAULT_SHARE: f64 = 0.1;
const CUT_SHARE: f64 = 0.2;
const CALLS: u32 = 250;

#[test]
#[ignore = "not a test: the tests start this program again to be their server"]
fn server_of_known_dynamics() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    // The test harness may have begun a line.
    println!();
    for line in std::io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line.expect("a line")) else { continue };
        if message["id"].is_null() {
            continue;
        }
        let result = match message["method"].as_str().unwrap_or_default() {
            "initialize" => {
                json!({"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "known", "version": "1"}})
            }
            "tools/list" => json!({"tools": [
                {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}},
                {"name": "drop_all", "inputSchema": {"type": "object"}, "annotations": {"destructiveHint": true}}]}),
            "tools/call" => {
                assert_eq!(message["params"]["name"], "look", "nothing else may be called");
                let latency_ms = LEAST_MS + (MEDIAN_MS - LEAST_MS) * (SPREAD * random.gauss()).exp();
                let began = std::time::Instant::now();
                std::thread::sleep(Duration::from_secs_f64(latency_ms / 1e3));
                // A busy machine adds to what was drawn: the server tells what it really took.
                let took_us = began.elapsed().as_micros() as u64;
                if random.uniform() < FAULT_SHARE {
                    json!({"content": [{"type": "text", "text": "503 service unavailable"}], "isError": true})
                } else {
                    let data = json!({"took_us": took_us, "has_more": random.uniform() < CUT_SHARE});
                    json!({"content": [{"type": "text", "text": data.to_string()}]})
                }
            }
            _ => {
                let error = json!({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}});
                println!("{error}");
                continue;
            }
        };
        println!("{}", json!({"jsonrpc": "2.0", "id": message["id"], "result": result}));
        std::io::stdout().flush().expect("somebody reads");
    }
    std::process::exit(0);
}

/// Numbers by xorshift, and normal ones by Box and Muller: nothing that the code under test uses.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn gauss(&mut self) -> f64 {
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
    }
}

/// Surveys the server of `spec` and learns from it.
async fn learn(
    spec: &McpServerSpec,
    calls: Option<Vec<PlannedCall>>,
    config: SurveyConfig,
) -> (Recording, Imitation) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("r.jsonl");
    let pool = McpPool::new(PoolConfig::default());
    let lease = pool.lease(spec).await.unwrap_or_else(|error| panic!("{error}"));
    let survey = match calls {
        Some(calls) => Survey::of_calls(calls, lease.list(), &config),
        None => Survey::of_reading_tools(lease.list()),
    };
    let survey = survey.expect("there is something to call");
    let mut recorder =
        Recorder::open(&path, "one".into(), spec.name.clone(), Redactor::default()).expect("a file");
    run_survey(&lease, &survey, &config, &mut recorder, || true).await.expect("the survey is made");
    lease.release().await;
    pool.close().await;
    let recording = Recording::load(&path).expect("it reads");
    let learned = imitate(&recording, &ImitateConfig::default()).expect("something is learned");
    (recording, learned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_known_dynamics_is_recovered() {
    let program = std::env::current_exe().expect("this program has a path");
    let args = ["--exact", "server_of_known_dynamics", "--ignored", "--nocapture"];
    let spec = McpServerSpec::stdio("known", program.to_str().expect("UTF-8"), args);
    let config = SurveyConfig { repeats: CALLS, ..SurveyConfig::default() };
    let (recording, learned) = learn(&spec, None, config).await;
    assert_eq!(recording.calls().count(), CALLS as usize);
    assert_eq!(learned.server, "known");
    let latency = learned.whole.latency.as_ref().expect("calls succeeded");
    let (typical, spread) = (latency.spec.typical.as_f64(), latency.spec.spread.expect("a spread"));
    let least = latency.spec.least.expect("a least").as_f64();
    println!("learned: {:?}", learned.whole.dynamics);
    let took: Vec<u64> = recording.calls().filter_map(|call| took_us(&call.answer)).skip(1).collect();
    let truth = fit_latency(&took, 0).expect("calls succeeded").spec;
    let (true_typical, true_spread) = (truth.typical.as_f64(), truth.spread.expect("a spread"));
    println!("the server itself: {truth:?}");
    assert!(true_typical >= MEDIAN_MS - 2.0, "it waits at least as long as was drawn: {true_typical}");
    // Outside of the server a call takes a little longer, more so on a busy machine.
    assert!((true_typical..true_typical * 1.3 + 2.0).contains(&typical), "{typical} for {true_typical}");
    assert!((spread - true_spread).abs() < 0.35, "{spread} for {true_spread}");
    assert!(least < typical, "{least}");
    assert!(latency.ks < 0.12, "{latency:?}");
    let inside =
        |rate: nex_world::imitate::Rate, truth: f64| rate.low - 0.02 <= truth && truth <= rate.high + 0.02;
    assert!(inside(learned.whole.transient, FAULT_SHARE), "{:?}", learned.whole.transient);
    assert_eq!(learned.whole.errors.keys().collect::<Vec<_>>(), ["unavailable"]);
    assert!(inside(learned.whole.replies.truncated, CUT_SHARE), "{:?}", learned.whole.replies);
    // What was learned is the dynamics of a world.
    let world = nex_world::builtin_world("parcel_desk").expect("it is built in").yaml;
    let patched =
        patch_world(world, "w.yaml", &learned.whole.dynamics, &Default::default()).expect("it fits");
    let loaded = nex_world::World::from_yaml(&patched, "w.yaml").expect("it is a world");
    assert_eq!(loaded.dynamics().latency_ms, Some(latency.spec));
}

/// What the server says that a call took; nothing of one that failed.
fn took_us(answer: &RecordedAnswer) -> Option<u64> {
    let RecordedAnswer::Result { result } = answer else { return None };
    let data: Value = serde_json::from_str(result["content"][0]["text"].as_str()?).ok()?;
    data["took_us"].as_u64()
}

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

#[tokio::test(flavor = "multi_thread")]
async fn real_servers_are_imitated() {
    let Some(peers) = peers() else { return };
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().canonicalize().expect("it exists");
    let note = root.join("note.txt");
    std::fs::write(&note, "hello\n".repeat(50)).expect("written");
    let call = |tool: &str, arguments: Value| PlannedCall { tool: tool.into(), arguments, times: None };
    let files = vec![
        call("read_text_file", json!({"path": note})),
        call("list_directory", json!({"path": root})),
        call("read_text_file", json!({"path": "/etc/passwd"})),
    ];
    let program = |path: String| peers.join(path).display().to_string();
    let files_spec = McpServerSpec::stdio(
        "files",
        program("npm/node_modules/.bin/mcp-server-filesystem".into()),
        [root.display().to_string()],
    );
    let time_spec = McpServerSpec::stdio(
        "time",
        program("v/mcp-server-time/bin/mcp-server-time".into()),
        ["--local-timezone", "UTC"],
    );
    let time = vec![
        call("get_current_time", json!({"timezone": "UTC"})),
        call(
            "convert_time",
            json!({"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"}),
        ),
    ];
    // Both servers say of these tools that they only read.
    for (spec, calls, deserved) in [(files_spec, files, 40), (time_spec, time, 0)] {
        let config = SurveyConfig { repeats: 40, ..SurveyConfig::default() };
        let (_, learned) = learn(&spec, Some(calls), config).await;
        let latency = learned.whole.latency.as_ref().expect("calls succeeded");
        println!("{}: {:?}, distance {:.3}", learned.server, learned.whole.dynamics, latency.ks);
        assert!(latency.spec.typical.micros() > 0 && latency.ks < 0.5, "{latency:?}");
        assert_eq!(learned.whole.deserved_errors, deserved, "what is refused each time is no fault");
        assert_eq!(learned.whole.transient.hits, 0);
        assert!(learned.whole.replies.median_bytes > 0.0);
    }
}

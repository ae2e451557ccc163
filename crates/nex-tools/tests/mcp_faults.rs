//! The MCP client and pool against a server that does everything wrong.

#[path = "support/fake_server.rs"]
mod fake_server_program;
#[path = "support/processes.rs"]
mod processes;

use nex_tools::mcp::{Era, McpLimits, ResetPolicy};
use nex_tools::{
    CallContext, McpError, McpLease, McpPool, McpServerSpec, PoolConfig, ToolFailure, ToolLimits, ToolOutput,
    Toolbox,
};
use nex_trajectory::{Arguments, DefectKind, ToolCall};
use processes::{eventually, kill_9, processes_with, unique};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

#[test]
#[ignore = "not a test: the tests start this program again to be their server"]
fn fake_server() {
    fake_server_program::run();
}

#[test]
#[ignore = "not a test: a program that holds a pool until it is killed"]
fn pool_holder() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let fake = Fake::marked("ignores_eof", std::env::var("HOLDER_MARK").expect("the caller sets it"));
        let pool = McpPool::new(PoolConfig::default());
        let lease = pool.lease(&fake.spec).await.expect("a lease");
        lease.call_raw("grandchild", json!({})).await.expect("a grandchild");
        std::fs::write(std::env::var("HOLDER_READY").expect("the caller sets it"), "ready").expect("written");
        std::future::pending::<()>().await;
    });
}

const NONE: [i32; 0] = [];

struct Fake {
    spec: McpServerSpec,
    mark: String,
    dir: TempDir,
}

impl Fake {
    fn new(manners: &str) -> Self {
        Self::marked(manners, unique("fake"))
    }

    fn marked(manners: &str, mark: String) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let program = std::env::current_exe().expect("this program has a path");
        let log = dir.path().join("log");
        let args = ["--exact", "fake_server", "--ignored", "--nocapture"];
        let mut spec = McpServerSpec::stdio("fake", program.to_str().expect("UTF-8"), args)
            .with_secret("FAKE", manners)
            .with_secret("FAKE_LOG", log.to_str().expect("UTF-8"))
            .with_secret("FAKE_MARK", &mark);
        spec.limits = McpLimits { start_timeout_ms: 20_000, shutdown_grace_ms: 200, ..McpLimits::default() };
        Self { spec, mark, dir }
    }

    fn with(mut self, change: impl FnOnce(&mut McpServerSpec)) -> Self {
        change(&mut self.spec);
        self
    }

    fn processes(&self) -> Vec<i32> {
        processes_with(&self.mark)
    }

    /// What the server's processes were asked, in order.
    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        text.lines().collect::<Vec<_>>().join(" ")
    }
}

fn pool() -> McpPool {
    McpPool::new(PoolConfig { backoff_ms: 1, ..PoolConfig::default() })
}

async fn text(lease: &McpLease, tool: &str) -> String {
    let result = lease.call_raw(tool, json!({})).await.expect("an answer");
    join(&result.output)
}

fn join(output: &ToolOutput) -> String {
    let texts = output.content.iter().map(|block| match block {
        nex_trajectory::ContentBlock::Text { text } => text.clone(),
        other => format!("{other:?}"),
    });
    texts.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_era_is_found_and_remembered() {
    let table = [
        ("modern", Era::Stateless, 30_000),
        ("", Era::Handshake, 30_000),
        ("invalid_params", Era::Handshake, 30_000),
        ("closes", Era::Handshake, 30_000),
        ("silent", Era::Handshake, 1_000),
        ("junk_at_start", Era::Handshake, 30_000),
        ("modern junk_at_start", Era::Stateless, 30_000),
    ];
    for (manners, era, start_timeout_ms) in table {
        let fake = Fake::new(manners).with(|spec| spec.limits.start_timeout_ms = start_timeout_ms);
        let pool = pool();
        for _ in 0..2 {
            let lease = pool.lease(&fake.spec).await.unwrap_or_else(|error| panic!("{manners}: {error}"));
            assert_eq!(lease.era(), era, "{manners}");
            assert_eq!(text(&lease, "count").await, "1", "{manners}");
            lease.release().await;
        }
        let handshake = "start initialize notifications/initialized tools/list tools/list tools/call";
        let expected = match era {
            Era::Stateless => ["start server/discover tools/list tools/list tools/call"; 2].join(" "),
            Era::Handshake => format!("start server/discover {handshake} {handshake}"),
        };
        // A silent server is told that its probe is given up; whether it reads that before it is
        // killed is open.
        let log = fake.log().replace(" notifications/cancelled", "");
        assert_eq!(log, expected, "{manners}");
        assert_eq!(fake.processes(), NONE, "{manners}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_manner_is_an_answer_or_a_failure() {
    let fake = Fake::new("").with(|spec| spec.limits.call_timeout_ms = 30_000);
    let pool = pool();
    let lease = pool.lease(&fake.spec).await.expect("a lease");
    assert_eq!(text(&lease, "big").await.len(), 5_000_000);
    assert_eq!(text(&lease, "junk").await, "after junk");
    assert_eq!(text(&lease, "double").await, "first");
    assert_eq!(text(&lease, "count").await, "1", "the second answer of `double` went nowhere");
    let lossy = lease.call_raw("not_utf8", json!({})).await.expect("an answer").output;
    assert_eq!((join(&lossy).as_str(), lossy.is_lossy), ("caf\u{fffd}", true));
    let refused = lease.call_raw("refuses", json!({})).await.expect("an answer").output;
    assert_eq!(
        (join(&refused).as_str(), refused.is_error),
        ("server `fake` refused the call: Unknown thing (code -32602)", true)
    );
    let no = lease.call_raw("says_no", json!({})).await.expect("an answer").output;
    assert_eq!((join(&no).as_str(), no.is_error), ("no such order", true));
    assert!(lease.call_raw("nothing", json!({})).await.expect("an answer").output.is_error);
    assert_eq!(
        text(&lease, "asks").await,
        r#"{"result":{},"id":"s0"} {"result":{"roots":[]},"id":"s1"} {"error":{"code":-32601,"message":"this client does not offer sampling/createMessage"},"id":"s2"}"#
    );
    let environment = text(&lease, "environment").await;
    let names: Vec<&str> = environment.split(' ').collect();
    // The test harness adds none of its own; LANG is there only where we have it.
    let expected = ["FAKE", "FAKE_LOG", "FAKE_MARK", "HOME", "LANG", "NEX_POOL", "PATH"];
    assert!(names.iter().all(|name| expected.contains(name)), "{environment}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_fails_all_calls_in_flight_and_the_pool_recovers() {
    let fake = Fake::new("");
    let pool = pool();
    let lease = pool.lease(&fake.spec).await.expect("a lease");
    let (sleepy, crash) =
        tokio::join!(lease.call_raw("sleepy", json!({})), lease.call_raw("crash", json!({})));
    for failure in [sleepy, crash] {
        let Err(ToolFailure::ServerGone { server, cause, .. }) = failure else { panic!("{failure:?}") };
        assert_eq!(server, "fake");
        assert!(cause.contains("exit code 9") && cause.contains("segmentation fault (almost)"), "{cause}");
    }
    let after = lease.call_raw("count", json!({})).await;
    assert!(matches!(after, Err(ToolFailure::ServerGone { .. })), "{after:?}");
    lease.release().await;
    let lease = pool.lease(&fake.spec).await.expect("another");
    assert_eq!(text(&lease, "count").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_killed_and_one_that_is_slow_is_not() {
    let short = |spec: &mut McpServerSpec| {
        spec.limits.call_timeout_ms = 100;
        spec.limits.ping_timeout_ms = 1_000;
    };
    let pool = pool();
    let slow = Fake::new("").with(short);
    let lease = pool.lease(&slow.spec).await.expect("a lease");
    let failure = lease.call_raw("sleepy", json!({})).await;
    assert!(matches!(failure, Err(ToolFailure::Timeout { .. })), "{failure:?}");
    assert_eq!(text(&lease, "count").await, "1");
    eventually("the server was told and pinged", || {
        slow.log().contains("notifications/cancelled") && slow.log().contains("ping")
    });

    let hung = Fake::new("").with(short);
    let lease = pool.lease(&hung.spec).await.expect("a lease");
    let failure = lease.call_raw("hang", json!({})).await;
    assert!(matches!(failure, Err(ToolFailure::Timeout { .. })), "{failure:?}");
    eventually("it is killed", || hung.processes().is_empty());
    let failure = lease.call_raw("count", json!({})).await;
    assert!(matches!(failure, Err(ToolFailure::ServerGone { .. })), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_dropped_is_cancelled_at_the_server() {
    let fake = Fake::new("");
    let lease = pool().lease(&fake.spec).await.expect("a lease");
    let toolbox = Toolbox::new(lease.tools(), ToolLimits::default()).expect("names differ");
    let cancel = CancellationToken::new();
    let context = CallContext { session: "s", call_id: "", cancel: &cancel };
    let call = ToolCall { id: "c".into(), name: "sleepy".into(), arguments: Arguments::default() };
    let (outcome, ()) = tokio::join!(toolbox.call(&call, &context), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert_eq!(outcome.failure, Some(ToolFailure::Cancelled));
    assert_eq!(text(&lease, "count").await, "1");
    assert!(fake.log().contains("tools/call notifications/cancelled"), "{}", fake.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_output_is_cut_off() {
    let fake = Fake::new("").with(|spec| spec.limits.max_line_bytes = 1_000_000);
    let lease = pool().lease(&fake.spec).await.expect("a lease");
    let Err(ToolFailure::ServerGone { cause, .. }) = lease.call_raw("endless", json!({})).await else {
        panic!("must fail");
    };
    assert!(cause.contains("a line of more than 1000000 bytes"), "{cause}");
    lease.release().await;
    assert_eq!(fake.processes(), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn tools_reach_the_model_checked_and_capped() {
    let fake = Fake::new("");
    let lease = pool().lease(&fake.spec).await.expect("a lease");
    let toolbox = Toolbox::new(lease.tools(), ToolLimits::default()).expect("names differ");
    assert!(toolbox.get("count").is_some() && toolbox.get("nex_reset").is_none());
    let cancel = CancellationToken::new();
    let context = CallContext { session: "s", call_id: "", cancel: &cancel };
    let call = |name: &str| ToolCall { id: "c".into(), name: name.into(), arguments: Arguments::default() };
    let outcome = toolbox.call(&call("big"), &context).await;
    assert!(outcome.result.text().len() < 70_000);
    assert_eq!(outcome.defects[0].kind, DefectKind::OversizedOutput);
    let outcome = toolbox.call(&call("not_utf8"), &context).await;
    assert_eq!(outcome.defects[0].kind, DefectKind::InvalidUtf8);
    let prefixed = Toolbox::new(lease.prefixed_tools(), ToolLimits::default()).expect("names differ");
    let outcome = prefixed.call(&call("mcp__fake__count"), &context).await;
    assert_eq!((outcome.result.text().as_str(), outcome.result.is_error), ("1", false));
    lease.release().await;
    let outcome = toolbox.call(&call("count"), &context).await;
    assert!(matches!(outcome.failure, Some(ToolFailure::ServerGone { .. })), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn state_lasts_a_lease_and_is_reset_as_the_spec_says() {
    let table = [
        (ResetPolicy::Restart, "1 2 1 2", 2, 0),
        (ResetPolicy::Reuse, "1 2 3 4", 1, 0),
        (ResetPolicy::ResetTool("nex_reset".into()), "1 2 1 2", 1, 0),
        (ResetPolicy::ResetTool("nex_broken_reset".into()), "1 2 1 2", 2, 2),
    ];
    for (reset, expected, started, discarded) in table {
        let fake = Fake::new("").with(|spec| spec.reset = reset.clone());
        let pool = pool();
        let mut counts = Vec::new();
        for _ in 0..2 {
            let lease = pool.lease(&fake.spec).await.expect("a lease");
            counts.push(text(&lease, "count").await);
            counts.push(text(&lease, "count").await);
            lease.release().await;
        }
        assert_eq!(counts.join(" "), expected, "{reset:?}");
        assert_eq!((pool.stats().started, pool.stats().discarded), (started, discarded), "{reset:?}");
        pool.close().await;
        assert_eq!(fake.processes(), NONE, "{reset:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_wait_in_line_and_not_for_ever() {
    let fake = Fake::new("").with(|spec| {
        spec.limits.max_servers = 1;
        spec.reset = ResetPolicy::Reuse;
    });
    let pool = pool();
    let first = pool.lease(&fake.spec).await.expect("a lease");
    let second = tokio::spawn({
        let (pool, spec) = (pool.clone(), fake.spec.clone());
        async move { pool.lease(&spec).await.map(|lease| lease.era()) }
    });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    first.release().await;
    assert_eq!(second.await.expect("no panic"), Ok(Era::Handshake));
    let _held = pool.lease(&fake.spec).await.expect("a lease");
    assert_eq!((pool.stats().started, pool.stats().reused), (1, 2));

    let busy = Fake::new("").with(|spec| {
        spec.limits.max_servers = 1;
        spec.limits.lease_wait_ms = 20;
    });
    let _held = pool.lease(&busy.spec).await.expect("a lease");
    let error = pool.lease(&busy.spec).await.err().expect("no room");
    assert_eq!(error, McpError::Busy { server: "fake".into(), max_servers: 1, waited_ms: 20 });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_that_died_is_replaced() {
    let fake = Fake::new("").with(|spec| spec.reset = ResetPolicy::Reuse);
    let pool = pool();
    pool.lease(&fake.spec).await.expect("a lease").release().await;
    let pids = fake.processes();
    assert_eq!(pids.len(), 1);
    kill_9(pids[0]);
    let lease = pool.lease(&fake.spec).await.expect("another");
    assert_eq!(text(&lease, "count").await, "1");
    assert_eq!(pool.stats().started, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_server_serves_all_and_comes_back() {
    let fake = Fake::new("").with(|spec| spec.shared = true);
    let pool = pool();
    let (one, two) =
        (pool.lease(&fake.spec).await.expect("a lease"), pool.lease(&fake.spec).await.expect("a lease"));
    assert_eq!((text(&one, "count").await, text(&two, "count").await), ("1".into(), "2".into()));
    assert!(one.call_raw("crash", json!({})).await.is_err());
    assert_eq!((text(&one, "count").await, text(&two, "count").await), ("1".into(), "2".into()));
    assert_eq!(pool.stats().started, 2);
    pool.close().await;
    assert_eq!(fake.processes(), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_servers_end() {
    let fake = Fake::new("").with(|spec| {
        spec.reset = ResetPolicy::Reuse;
        spec.limits.idle_timeout_ms = 20;
    });
    let pool = pool();
    pool.lease(&fake.spec).await.expect("a lease").release().await;
    eventually("the idle server ends", || fake.processes().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_changes_is_noticed() {
    let fake = Fake::new("drifts");
    let lease = pool().lease(&fake.spec).await.expect("a lease");
    assert_eq!(text(&lease, "count").await, "1");
    assert_eq!(text(&lease, "change_list").await, "changed");
    for _ in 0..2 {
        let Err(ToolFailure::Protocol { cause, .. }) = lease.call_raw("count", json!({})).await else {
            panic!("a tool that changed must not be called");
        };
        let expected = "the tool was removed, or its description or schema changed, during the session";
        assert_eq!(cause, expected);
    }
    assert_eq!(text(&lease, "junk").await, "after junk", "the others go on");
    let drift = lease.drift().await.expect("it answers").expect("it changed");
    assert_eq!((drift.changed, drift.added, drift.removed), (vec!["count".into()], vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_start_is_named_without_its_secrets() {
    let pool = pool();
    let missing = McpServerSpec::stdio("ghost", "/no/such/program", ["--flag"]);
    let error = pool.lease(&missing).await.err().expect("must fail");
    let expected = "server `ghost` could not be started with `/no/such/program --flag`: No such file or directory (os error 2); check that the program is installed";
    assert_eq!(error.to_string(), expected);

    let fake = Fake::new("fails_to_start").with(|spec| {
        *spec = spec.clone().with_secret("SECRET", "hunter22");
        spec.limits.lease_wait_ms = 100;
    });
    let error = pool.lease(&fake.spec).await.err().expect("must fail").to_string();
    for part in [
        "server `fake`",
        "server/discover",
        "initialize",
        "exit code 3",
        "cannot open database, password is ***",
    ] {
        assert!(error.contains(part), "{part} is missing in: {error}");
    }
    let pool = McpPool::new(PoolConfig {
        backoff_ms: 1_000_000,
        max_backoff_ms: 1_000_000,
        ..PoolConfig::default()
    });
    assert_eq!(pool.lease(&fake.spec).await.err().map(|error| error.kind()), Some("handshake"));
    let error = pool.lease(&fake.spec).await.err().expect("must fail");
    let McpError::Backoff { failures: 1, cause, .. } = error else { panic!("{error}") };
    assert!(!cause.contains("hunter22"));
    assert_eq!(fake.processes(), NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_when_a_lease_ends() {
    let fake = Fake::new("ignores_eof");
    let pool = pool();
    let lease = pool.lease(&fake.spec).await.expect("a lease");
    let grandchild: i32 = text(&lease, "grandchild").await.parse().expect("a pid");
    eventually("the grandchild runs", || fake.processes().contains(&grandchild));
    lease.release().await;
    assert_eq!(fake.processes(), NONE);
}

#[test]
fn nothing_is_left_when_the_runtime_ends() {
    let fake = Fake::new("ignores_eof");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (_pool, _lease) = runtime.block_on(async {
        let pool = pool();
        let lease = pool.lease(&fake.spec).await.expect("a lease");
        text(&lease, "grandchild").await;
        (pool, lease)
    });
    drop(runtime);
    eventually("all are gone", || fake.processes().is_empty());
}

#[test]
fn nothing_is_left_when_we_are_killed() {
    let mark = unique("holder");
    let dir = tempfile::tempdir().expect("a temporary directory");
    let ready = dir.path().join("ready");
    let mut holder = std::process::Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", "pool_holder", "--ignored", "--nocapture"])
        .env("HOLDER_MARK", &mark)
        .env("HOLDER_READY", &ready)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    eventually("the holder has a lease", || ready.exists());
    // The holder, its server, and the grandchild in a session of its own.
    eventually("all three run", || processes_with(&mark).len() >= 3);
    holder.kill().expect("kill -9");
    holder.wait().expect("reaped");
    eventually("all are gone", || processes_with(&mark).is_empty());
}

//! CPU of the client per MCP call over stdio: bare rmcp beside our pool, against the same server.
//!
//! `cargo bench -p nex-tools --bench mcp`, after `scripts/install-peers`. CPU is that of this
//! process (user and system), not the server's. The two take turns, and the median of the rounds
//! counts, so that other work on the machine hits both alike. The goal is a ratio of at most 1.3.

#![allow(clippy::print_stdout, reason = "a bench reports on its standard output")]

use futures_util::future::join_all;
use nex_tools::{CallContext, McpPool, McpServerSpec, PoolConfig, ToolLimits, Toolbox};
use nex_trajectory::{Arguments, ToolCall};
use rmcp::ServiceExt;
use rmcp::model::CallToolRequestParams;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 7;
const CALLS: usize = 2_000;
const WIDTHS: [usize; 2] = [1, 32];

fn main() {
    let peers = std::env::var_os("NEX_PEERS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/peers"), PathBuf::from);
    let program = peers.join("npm/node_modules/.bin/mcp-server-everything");
    assert!(program.exists(), "{} is missing: install with scripts/install-peers", program.display());
    let program = program.to_str().expect("the path is UTF-8").to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(&program));
}

async fn run(program: &str) {
    let mut child = tokio::process::Command::new(program)
        .arg("stdio")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the server starts");
    let pipes = (child.stdout.take().expect("piped"), child.stdin.take().expect("piped"));
    let bare = ().serve(pipes).await.expect("rmcp opens");

    let pool = McpPool::new(PoolConfig::default());
    let spec = McpServerSpec::stdio("everything", program, ["stdio"]);
    let lease = pool.lease(&spec).await.expect("a lease");
    let toolbox = Toolbox::new(lease.tools(), ToolLimits::default()).expect("names differ");
    let cancel = CancellationToken::new();
    let context = CallContext { session: "bench", call_id: "", cancel: &cancel };
    let call = ToolCall {
        id: "c".into(),
        name: "echo".into(),
        arguments: Arguments::from_text(r#"{"message":"hello"}"#),
    };

    println!("client CPU per call of `echo`, median of {ROUNDS} rounds of {CALLS} calls\n");
    println!(
        "{:>5}  {:>12} {:>12} {:>14}  {:>11} {:>14}",
        "width", "rmcp us", "pool us", "+toolbox us", "pool/rmcp", "+toolbox/rmcp"
    );
    for width in WIDTHS {
        let (mut bare_us, mut pool_us, mut box_us) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..=ROUNDS {
            bare_us.push(
                cpu_per_call(width, || async {
                    let arguments = json!({"message": "hello"}).as_object().cloned().expect("an object");
                    let params = CallToolRequestParams::new("echo").with_arguments(arguments);
                    let result = bare.call_tool(params).await.expect("an answer");
                    assert!(!result.content.is_empty());
                })
                .await,
            );
            pool_us.push(
                cpu_per_call(width, || async {
                    let result =
                        lease.call_raw("echo", json!({"message": "hello"})).await.expect("an answer");
                    assert!(!result.output.content.is_empty());
                })
                .await,
            );
            box_us.push(
                cpu_per_call(width, || async {
                    let outcome = toolbox.call(&call, &context).await;
                    assert!(!outcome.result.is_error);
                })
                .await,
            );
        }
        let (bare, pool, toolbox) = (median(bare_us), median(pool_us), median(box_us));
        println!(
            "{width:>5}  {bare:>12.1} {pool:>12.1} {toolbox:>14.1}  {:>11.2} {:>14.2}",
            pool / bare,
            toolbox / bare
        );
    }
    drop(bare);
    pool.close().await;
}

/// Microseconds of CPU per call, with `width` calls in flight.
async fn cpu_per_call<F: Future<Output = ()>>(width: usize, call: impl Fn() -> F) -> f64 {
    let before = cpu();
    for _ in 0..CALLS / width {
        join_all((0..width).map(|_| call())).await;
    }
    (cpu() - before).as_secs_f64() * 1e6 / (CALLS / width * width) as f64
}

/// The median without the first round, which warms up.
fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.remove(0);
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// User and system time of this process.
fn cpu() -> Duration {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a rusage of ours, which the call fills.
    let usage = unsafe {
        assert_eq!(libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), 0);
        usage.assume_init()
    };
    let time = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    time(usage.ru_utime) + time(usage.ru_stime)
}

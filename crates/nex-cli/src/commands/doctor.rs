//! `nex doctor`: what this machine can do, and what is missing.
//!
//! Each line is one fact that was just tried, with its way out where it is bad.

use crate::failure::{Code, Failure, Outcome};
use crate::terminal::{Tint, print, tint};
use nex_tools::mcp::{McpPool, McpServerSpec, PoolConfig};
use std::path::Path;
use std::process::{Command, Stdio};

enum Finding {
    Good(String),
    Missing(String),
    Bad(String),
}

/// Looks at everything and prints what it finds.
pub(crate) fn run() -> Outcome {
    let mut bad = 0;
    let mut show = |subject: &str, finding: Finding| {
        let (mark, text) = match finding {
            Finding::Good(text) => (tint(Tint::Good, "ok     "), text),
            Finding::Missing(text) => (tint(Tint::Doubtful, "missing"), text),
            Finding::Bad(text) => {
                bad += 1;
                (tint(Tint::Bad, "bad    "), text)
            }
        };
        print(format!("{mark}  {subject:<22} {text}"));
    };
    show("nex", Finding::Good(format!("{} on {}", env!("CARGO_PKG_VERSION"), std::env::consts::ARCH)));
    show("processors", processors());
    show("memory", memory());
    show("open files", open_files());
    show("built-in worlds", worlds());
    show("world over MCP", own_server());
    for (program, wanted_for) in [
        ("node", "MCP servers from npm"),
        ("python3", "MCP servers from PyPI, readers of the exports"),
        ("git", "the MCP server for git"),
        ("chromium", "the test that looks at the report"),
    ] {
        show(program, found(program, wanted_for));
    }
    for (variable, wanted_for) in [("OPENAI_API_KEY", "openai:NAME"), ("ANTHROPIC_API_KEY", "anthropic:NAME")]
    {
        let finding = match std::env::var_os(variable) {
            Some(value) if !value.is_empty() => Finding::Good(format!("set; used for --model {wanted_for}")),
            _ => Finding::Missing(format!(
                "not set; needed for --model {wanted_for} at the provider's own address"
            )),
        };
        show(variable, finding);
    }
    if bad > 0 {
        return Err(Failure::new(Code::Found, ""));
    }
    Ok(())
}

fn processors() -> Finding {
    match std::thread::available_parallelism() {
        Ok(count) => Finding::Good(format!("{count} usable")),
        Err(error) => Finding::Bad(error.to_string()),
    }
}

fn memory() -> Finding {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    match available {
        Some(kib) if kib < 512 << 10 => {
            Finding::Bad(format!("{} MiB available; a demo with MCP servers wants 512", kib >> 10))
        }
        Some(kib) => Finding::Good(format!("{} MiB available", kib >> 10)),
        None => Finding::Missing("cannot be told on this system".to_owned()),
    }
}

/// Sessions hold a connection each: thousands at once need as many files.
fn open_files() -> Finding {
    let text = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = text
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .and_then(|line| line.split_whitespace().nth(3))
        .and_then(|word| word.parse::<u64>().ok());
    match limit {
        Some(limit) if limit < 4096 => Finding::Bad(format!(
            "at most {limit}: that bounds sessions with an LLM server; raise it with `ulimit -n 65536`"
        )),
        Some(limit) => Finding::Good(format!("at most {limit}")),
        None => Finding::Missing("cannot be told on this system".to_owned()),
    }
}

fn worlds() -> Finding {
    let mut count = 0;
    for builtin in nex_world::builtin_worlds() {
        if let Err(error) = builtin.load() {
            return Finding::Bad(error.to_string());
        }
        count += 1;
    }
    Finding::Good(format!("{count} load"))
}

/// Starts this program as an MCP server and asks for its tools.
fn own_server() -> Finding {
    let Ok(me) = std::env::current_exe() else {
        return Finding::Bad("cannot tell where this program is".to_owned());
    };
    let runtime = match super::synth::runtime() {
        Ok(runtime) => runtime,
        Err(failure) => return Finding::Bad(failure.message),
    };
    let args = ["world", "serve", "parcel_desk"].map(str::to_owned).to_vec();
    let spec = McpServerSpec::stdio("parcel_desk", me.display().to_string(), args);
    let finding = runtime.block_on(async {
        let pool = McpPool::new(PoolConfig::default());
        let finding = match pool.lease(&spec).await {
            Ok(lease) => {
                Finding::Good(format!("a server was started and lists {} tools", lease.tools().len()))
            }
            Err(error) => Finding::Bad(error.to_string()),
        };
        pool.close().await;
        finding
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    finding
}

fn found(program: &str, wanted_for: &str) -> Finding {
    let on_path = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| is_program(&dir.join(program))));
    if !on_path {
        return Finding::Missing(format!("not on the path; wanted for {wanted_for}"));
    }
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let version =
        output.ok().map(|o| String::from_utf8_lossy(&o.stdout).lines().next().unwrap_or("").to_owned());
    Finding::Good(version.filter(|v| !v.is_empty()).unwrap_or_else(|| "found".to_owned()))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

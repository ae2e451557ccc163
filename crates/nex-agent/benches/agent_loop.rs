//! CPU, wall time and memory of the agent loop against a local chat-completions server, beside a
//! bare loop over `reqwest` in the same run: `cargo bench -p nex-agent --bench agent_loop`.
//!
//! Server, floor and loop are processes of their own, so that each one's CPU is its own. Read the
//! ratios: absolute figures are this machine's.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "support/driver.rs"]
mod driver;
#[path = "support/floor.rs"]
mod floor;
#[path = "support/process.rs"]
mod process;
#[path = "support/server.rs"]
mod server;
#[path = "support/sessions.rs"]
mod sessions;

use async_trait::async_trait;
use nex_agent::{RunContext, VirtualClock};
use nex_llm::{ChatModel, ChatReply, ChatRequest, LlmError};
use nex_trajectory::{Message, ModelIdentity};
use process::{Role, cpu_s, memory_kb};
use std::io::{Read, Write};
use std::sync::Arc;

struct Scenario {
    name: &'static str,
    model: &'static str,
    turns: usize,
    at_once: usize,
    total: usize,
    repeats: usize,
    /// Wall time if nothing but the model's latency took time.
    ideal_s: f64,
}

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "50 at once, 10 rounds, 0 ms",
        model: "fake.k10",
        turns: 11,
        at_once: 50,
        total: 1500,
        repeats: 5,
        ideal_s: 0.0,
    },
    Scenario {
        name: "50 at once, 40 rounds, 0 ms",
        model: "fake.k40",
        turns: 41,
        at_once: 50,
        total: 300,
        repeats: 3,
        ideal_s: 0.0,
    },
    Scenario {
        name: "500 at once, 10 rounds, 50 ms",
        model: "fake.k10.l50",
        turns: 11,
        at_once: 500,
        total: 500,
        repeats: 3,
        ideal_s: 0.55,
    },
    Scenario {
        name: "5000 at once, 10 rounds, 50 ms",
        model: "fake.k10.l50",
        turns: 11,
        at_once: 5000,
        total: 5000,
        repeats: 1,
        ideal_s: 0.55,
    },
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("server") => server::main(),
        Some("floor") => {
            let load = driver::load_of(&arguments);
            let floor = Arc::new(floor::Floor::new(&load.base, &load.model));
            driver::drive(&load, move |number| {
                let floor = floor.clone();
                async move { floor.session(number).await }
            });
        }
        Some("loop") => driver::drive_loop(&driver::load_of(&arguments)),
        _ => report(),
    }
}

/// What one process used for one scenario.
struct Measure {
    cpu_ms_per_turn: f64,
    wall_s: f64,
    kb_per_session: f64,
}

fn report() {
    let mut server = Role::start(&["server".to_owned()]);
    let port = server.read_line().replace("PORT ", "");
    let base = format!("http://127.0.0.1:{port}/v1");
    println!(
        "{:<32}{:>12}{:>12}{:>8}{:>10}{:>10}{:>12}{:>14}{:>14}",
        "", "floor", "loop", "ratio", "wall", "x ideal", "floor wall", "KB/session", "floor KB"
    );
    println!("{:<32}{:>12}{:>12}", "", "CPU ms/turn", "CPU ms/turn");
    for scenario in &SCENARIOS {
        let (mut floors, mut loops) = (Vec::new(), Vec::new());
        for _ in 0..scenario.repeats {
            floors.push(measure("floor", scenario, &base));
            loops.push(measure("loop", scenario, &base));
        }
        let floor = median(floors.iter().map(|m| m.cpu_ms_per_turn));
        let ours = median(loops.iter().map(|m| m.cpu_ms_per_turn));
        let wall = median(loops.iter().map(|m| m.wall_s));
        let ideal =
            if scenario.ideal_s > 0.0 { format!("{:.2}", wall / scenario.ideal_s) } else { "-".to_owned() };
        println!(
            "{:<32}{floor:>12.4}{ours:>12.4}{:>8.2}{wall:>9.2}s{ideal:>10}{:>11.2}s{:>14.0}{:>14.0}",
            scenario.name,
            ours / floor,
            median(floors.iter().map(|m| m.wall_s)),
            median(loops.iter().map(|m| m.kb_per_session)),
            median(floors.iter().map(|m| m.kb_per_session)),
        );
    }
    let stats = stats_of(&port);
    println!("the server's account: {stats}");
    assert!(stats.contains("\"mismatches\":0"), "some tools were not truly run");
    in_process();
}

fn stats_of(port: &str) -> String {
    let mut stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).expect("the server");
    stream.write_all(b"GET /stats HTTP/1.1\r\nhost: bench\r\n\r\n").expect("the server reads");
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).expect("the server answers");
    let answer = String::from_utf8_lossy(&answer[..length]);
    answer.split("\r\n\r\n").nth(1).unwrap_or("").to_owned()
}

fn measure(role: &str, scenario: &Scenario, base: &str) -> Measure {
    let arguments = [
        role,
        "--base",
        base,
        "--model",
        scenario.model,
        "--conc",
        &scenario.at_once.to_string(),
        "--total",
        &scenario.total.to_string(),
    ];
    let mut worker = Role::start(&arguments.map(str::to_owned));
    assert_eq!(worker.read_line(), "READY");
    let pid = worker.pid();
    let (cpu_before, memory_before) = (cpu_s(&pid), memory_kb(&pid, "VmRSS"));
    worker.write_line();
    let done = worker.read_line();
    let cpu = cpu_s(&pid) - cpu_before;
    let memory = memory_kb(&pid, "VmHWM") - memory_before;
    worker.write_line();
    let field = |name: &str| {
        let rest = done.split(&format!("\"{name}\":")).nth(1).unwrap_or("");
        rest.split([',', '}']).next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0)
    };
    assert_eq!(
        field("ok"),
        scenario.total as f64,
        "{role}, {}: not all sessions succeed: {done}",
        scenario.name
    );
    Measure {
        cpu_ms_per_turn: cpu * 1e3 / (scenario.total * scenario.turns) as f64,
        wall_s: field("wall_s"),
        kb_per_session: memory / scenario.at_once as f64,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A model that answers at once, without a network.
struct AtOnce;

#[async_trait]
impl ChatModel for AtOnce {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "bench".into(), model: "at-once".into() }
    }
    async fn complete(&self, _: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        Ok(ChatReply::new(Message::assistant("DONE"), self.identity()))
    }
}

/// What starting a session costs: a whole session whose model answers at once.
fn in_process() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (agent, environment) = (sessions::agent(), sessions::environment());
    let model: Arc<dyn ChatModel> = Arc::new(AtOnce);
    let clock = Arc::new(VirtualClock::new(1_700_000_000_000));
    let sessions = 100_000;
    let before = cpu_s("self");
    runtime.block_on(async {
        for number in 0..sessions {
            let context = RunContext::new(format!("s{number}"), model.clone(), clock.clone())
                .with_environment(environment.clone());
            assert!(agent.run("Say DONE.", context).await.answer.is_some());
        }
    });
    let cpu_ms = (cpu_s("self") - before) * 1e3 / f64::from(sessions);
    println!("starting a session and one turn of a model that answers at once: {cpu_ms:.4} CPU ms");
}

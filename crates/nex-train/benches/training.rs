//! Training and generation beside PyTorch, in one run: `cargo bench -p nex-train --bench training`.
//!
//! PyTorch runs in a process of its own (`peers/torch_peer.py`) with the Python of `NEX_PEERS/v/torch`,
//! on as many threads as we do; the two take turns, and the median of the turns is told. Besides the
//! wall clock there is the processor time, which is the fairer measure on a machine that is shared.
//! `NEX_TRAIN_THREADS`, `NEX_TRAIN_TURNS` and `NEX_TRAIN_ONLY=training|generation` choose what is measured.

#![allow(clippy::print_stdout, missing_docs)]

use nex_train::{
    CrossEntropy, GradientEngine, Link, Model, ModelConfig, Optimizer, OptimizerConfig, PackedRow, Request,
    Sampling, ToolBias, generate_on_threads,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

const VOCABULARY: usize = 2048;
const TOKENS: usize = 512;

/// (name, hidden, layers, heads, rows a step)
const SIZES: [(&str, usize, usize, usize, usize); 3] =
    [("S 0.53M", 96, 3, 3, 8), ("M 3.06M", 192, 6, 6, 8), ("L 11.4M", 384, 6, 6, 4)];

struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(threads: usize) -> Option<Self> {
        let python = PathBuf::from(std::env::var_os("NEX_PEERS")?).join("v/torch/bin/python");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/torch_peer.py");
        let mut child = Command::new(python)
            .args([script, "serve", &threads.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        let mut peer = Self { child, input, output };
        println!("peer: {}", peer.answer());
        Some(peer)
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the peer said {line:?}"))
    }

    fn measure(&mut self, command: &Value) -> Speed {
        writeln!(self.input, "{command}").unwrap();
        let answer = self.answer();
        let number = |name: &str| answer[name].as_f64().unwrap();
        Speed { wall: number("tokens") / number("wall_s"), cpu: number("tokens") / number("cpu_s") }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tokens a second, by the wall clock and by the processor's.
#[derive(Clone, Copy)]
struct Speed {
    wall: f64,
    cpu: f64,
}

fn median(mut speeds: Vec<Speed>) -> Speed {
    let mut middle = |of: fn(&Speed) -> f64| {
        speeds.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&speeds[speeds.len() / 2])
    };
    Speed { wall: middle(|s| s.wall), cpu: middle(|s| s.cpu) }
}

/// Processor seconds that this process has used, in user and system mode.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn measure(tokens: usize, mut work: impl FnMut()) -> Speed {
    let (wall, cpu) = (Instant::now(), cpu_seconds());
    work();
    Speed {
        wall: tokens as f64 / wall.elapsed().as_secs_f64(),
        cpu: tokens as f64 / (cpu_seconds() - cpu).max(0.01),
    }
}

/// The rows that the peer trains on too: random tokens, every second run of 16 an action.
fn row(seed: u32, is_biased: bool) -> PackedRow {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let tokens: Vec<u32> = (0..TOKENS)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state % VOCABULARY as u32
        })
        .collect();
    let is_action: Vec<bool> = (0..TOKENS).map(|t| (t / 16) % 2 == 1).collect();
    let links: Vec<Link> = (32..TOKENS - 32)
        .step_by(64)
        .filter(|_| is_biased)
        .map(|at| Link { call: at..at + 16, output: at + 16..at + 32 })
        .collect();
    let mut row = PackedRow::default();
    row.push(&tokens, &is_action, &links);
    row
}

fn train(peer: &mut Option<Peer>, threads: usize, turns: usize) {
    println!("\ntraining, tokens/s: f32, {threads} threads, rows of {TOKENS}, AdamW, clip 1.0");
    for (name, hidden, layers, heads, batch) in SIZES {
        for is_biased in [false, true] {
            let mut config = ModelConfig::new(layers, heads, hidden, VOCABULARY, TOKENS);
            if is_biased {
                config.tool_bias = ToolBias::Fixed { value: 1.0 };
            }
            let mut model = Model::new(config, 1).unwrap();
            let mut engine = GradientEngine::new(&model.config, TOKENS, threads, batch, false);
            let optimizer = OptimizerConfig { learning_rate: 1e-3, ..OptimizerConfig::default() };
            let mut optimizer = Optimizer::new(optimizer, &model.layout, threads);
            let rows: Vec<PackedRow> = (0..batch).map(|i| row(i as u32 + 1, is_biased)).collect();
            let scale = 1.0 / rows.iter().map(|row| row.targets.len()).sum::<usize>() as f32;
            let steps = 5;
            let mut ours = || {
                for _ in 0..steps {
                    let batch = engine.compute(&model.parameters, &rows, |_| CrossEntropy { scale }).unwrap();
                    optimizer.step(&mut model.parameters, engine.gradient(), batch.gradient_norm, 1.0);
                }
            };
            ours();
            let mut command = json!({
                "do": "train", "batch": batch, "tokens": TOKENS, "is_biased": is_biased, "steps": 1, "warm_up": true,
                "config": {"layers": layers, "heads": heads, "hidden": hidden, "intermediate": 4 * hidden,
                           "vocabulary": VOCABULARY},
            });
            if let Some(peer) = peer {
                peer.measure(&command);
            }
            command["warm_up"] = false.into();
            command["steps"] = steps.into();
            let (mut own, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..turns {
                own.push(measure(batch * TOKENS * steps, &mut ours));
                theirs.extend(peer.as_mut().map(|peer| peer.measure(&command)));
            }
            let kind = if is_biased { "biased" } else { "causal" };
            report(&format!("{name} {kind}"), own, theirs);
        }
    }
}

/// Greedy generation of 128 tokens behind prompts of 128, all sequences at once.
fn generation(peer: &mut Option<Peer>, threads: usize, turns: usize) {
    const PROMPT: usize = 128;
    const NEW: usize = 128;
    println!("\ngeneration, tokens/s: f32, prompts of {PROMPT}, {NEW} new tokens each");
    for (name, hidden, layers, heads, _) in SIZES {
        for batch in [1, 64] {
            let model =
                Arc::new(Model::new(ModelConfig::new(layers, heads, hidden, VOCABULARY, TOKENS), 1).unwrap());
            let requests: Vec<Request> = (0..batch)
                .map(|i| Request {
                    prompt: row(i as u32 + 1, false).tokens[..PROMPT].to_vec(),
                    max_tokens: NEW,
                    stop: Vec::new(),
                    sampling: Sampling { temperature: 0.0, top_p: 1.0 },
                    seed: 1,
                })
                .collect();
            let steps = if batch == 1 { 4 } else { 1 };
            let mut ours = || {
                for _ in 0..steps {
                    generate_on_threads(&model, &requests, 64, threads, None).unwrap();
                }
            };
            ours();
            let mut command = json!({
                "do": "generate", "batch": batch, "prompt": PROMPT, "new": NEW, "steps": 1, "warm_up": true,
                "config": {"layers": layers, "heads": heads, "hidden": hidden, "intermediate": 4 * hidden,
                           "vocabulary": VOCABULARY},
            });
            if let Some(peer) = peer {
                peer.measure(&command);
            }
            command["warm_up"] = false.into();
            command["steps"] = steps.into();
            let (mut own, mut theirs) = (Vec::new(), Vec::new());
            for _ in 0..turns {
                own.push(measure(batch * NEW * steps, &mut ours));
                theirs.extend(peer.as_mut().map(|peer| peer.measure(&command)));
            }
            report(&format!("{name} batch {batch}"), own, theirs);
        }
    }
}

fn report(name: &str, own: Vec<Speed>, theirs: Vec<Speed>) {
    let own = median(own);
    print!("{name:24} {:>9.0} tok/s {:>9.0} tok/cpu-s", own.wall, own.cpu);
    if !theirs.is_empty() {
        let theirs = median(theirs);
        print!("   PyTorch {:>8.0} {:>8.0}", theirs.wall, theirs.cpu);
        print!("   ratio {:.2} wall, {:.2} cpu", own.wall / theirs.wall, own.cpu / theirs.cpu);
    }
    println!();
}

fn main() {
    let threads = std::env::var("NEX_TRAIN_THREADS").ok().and_then(|n| n.parse().ok());
    let threads = threads.unwrap_or_else(nex_train::default_threads);
    let turns = std::env::var("NEX_TRAIN_TURNS").ok().and_then(|n| n.parse().ok()).unwrap_or(5);
    let mut peer = Peer::start(threads);
    if peer.is_none() {
        println!("no PyTorch in NEX_PEERS/v/torch: only our own speeds");
    }
    let only = std::env::var("NEX_TRAIN_ONLY").unwrap_or_default();
    if only != "generation" {
        train(&mut peer, threads, turns);
    }
    if only != "training" {
        generation(&mut peer, threads, turns);
    }
}

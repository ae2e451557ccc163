//! Megabytes a CPU-second of a conversion, beside a plain parse of the same lines.
//!
//! ```sh
//! cargo run --release -p nex-pipeline --example convert_bench -- 200
//! cargo run --release -p nex-pipeline --example convert_bench -- 200 hermes
//! ```
//! The corpus is made from a seed: chats of 6 to 30 messages with calls, results and tools, as
//! OpenAI fine-tuning lines, about as many megabytes as the argument says. It is made in memory and
//! written to a temporary file. Printed are CPU seconds of the whole process, one thread, best of three.
#![allow(clippy::print_stdout, reason = "it prints its figures")]

use nex_pipeline::convert::{ConvertOptions, convert_files};
use nex_pipeline::export::{ExportOptions, ExportTarget};
use nex_pipeline::import::{Batches, Input, Inputs, RecordReader, Source};
use nex_pipeline::recipe::Keep;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::path::Path;

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WORDS: [&str; 24] = [
    "the",
    "order",
    "was",
    "shipped",
    "to",
    "Lisbon",
    "with",
    "two",
    "items",
    "and",
    "a",
    "note:",
    "please",
    "ring",
    "twice.\n",
    "\"quoted\"",
    "price",
    "12.50",
    "€",
    "naïve",
    "path/to/file.rs",
    "fn main() {\n    ",
    "}\n",
    "done",
];

fn words(rng: &mut ChaCha8Rng, count: usize) -> String {
    let mut text = String::new();
    for _ in 0..count {
        text.push_str(WORDS[rng.random_range(0..WORDS.len())]);
        text.push(' ');
    }
    text
}

fn line(rng: &mut ChaCha8Rng, tools: &Value) -> String {
    let mut messages = vec![
        json!({"role": "system", "content": words(rng, 60)}),
        json!({"role": "user", "content": words(rng, 40)}),
    ];
    for turn in 0..rng.random_range(2..10) {
        let id = format!("call_{turn}");
        let arguments = json!({"path": words(rng, 2), "text": words(rng, 30), "limit": 10}).to_string();
        messages.push(json!({"role": "assistant", "content": words(rng, 12), "tool_calls": [
            {"id": id, "type": "function", "function": {"name": "write_file", "arguments": arguments}}]}));
        let length = rng.random_range(20..300);
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": words(rng, length)}));
    }
    messages.push(json!({"role": "assistant", "content": words(rng, 50)}));
    json!({"messages": messages, "tools": tools}).to_string()
}

fn tools() -> Value {
    let tool = |name: &str| {
        json!({"type": "function", "function": {"name": name, "description": "Does it, and says what was done.",
            "parameters": {"type": "object", "properties": {"path": {"type": "string", "description": "Where."},
                "text": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["path"]}}})
    };
    ["write_file", "read_file", "list_files", "search"].map(tool).to_vec().into()
}

/// CPU seconds of this process so far, all threads.
fn cpu_seconds() -> f64 {
    // Linux counts in hundredths of a second.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn best(megabytes: f64, mut run: impl FnMut()) -> f64 {
    let rates = (0..3).map(|_| {
        let before = cpu_seconds();
        run();
        megabytes / (cpu_seconds() - before).max(0.005)
    });
    rates.fold(0.0, f64::max)
}

fn convert(path: &Path, out: &Path, to: &str, threads: usize) {
    let inputs = Inputs::open(vec![Input::File(path.to_owned())]).expect("the corpus is there");
    let source = Source::by_name("openai", None).expect("it is known");
    let target = ExportTarget::by_name(to, &ExportOptions::default()).expect("it is known");
    let options = ConvertOptions { keep: Keep::All, threads, is_strict: true };
    let report = convert_files(&source, inputs, &target, &options, out, |_| {}).expect("it converts");
    assert!(report.samples > 0 && report.not_representable.is_empty(), "{report:?}");
}

fn main() {
    let wanted: usize = std::env::args().nth(1).and_then(|mb| mb.parse().ok()).unwrap_or(200) << 20;
    let (mut rng, tools) = (ChaCha8Rng::seed_from_u64(7), tools());
    let mut corpus = String::new();
    while corpus.len() < wanted {
        corpus.push_str(&line(&mut rng, &tools));
        corpus.push('\n');
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (path, out) = (dir.path().join("in.jsonl"), dir.path().join("out.jsonl"));
    std::fs::write(&path, &corpus).expect("the corpus is written");
    let megabytes = corpus.len() as f64 / 1e6;
    let lines = corpus.lines().count();
    println!("{megabytes:.0} MB, {lines} conversations, MB per CPU-second, one thread, best of three");

    // To profile one conversion by itself.
    if let Some(to) = std::env::args().nth(2) {
        println!("convert: openai to {to:<16} {:>6.0}", best(megabytes, || convert(&path, &out, &to, 1)));
        return;
    }
    let floor = best(megabytes, || {
        for line in corpus.lines() {
            std::hint::black_box(serde_json::from_str::<Value>(line).expect("it is JSON"));
        }
    });
    let tell = |name: &str, rate: f64| println!("{name:<34} {rate:>6.0}   {:.2} x", rate / floor);
    tell("serde_json::Value of each line", floor);
    tell(
        "read: lines to episodes",
        best(megabytes, || {
            let source = Source::by_name("openai", None).expect("it is known");
            let inputs = Inputs::open(vec![Input::File(path.clone())]).expect("the corpus is there");
            let mut reader = RecordReader::new(&source);
            for batch in Batches::new(&source, inputs) {
                reader.read(&batch.expect("it is read"), |_, episode| drop(std::hint::black_box(episode)));
            }
        }),
    );
    for to in ["openai", "hermes"] {
        tell(&format!("convert: openai to {to}"), best(megabytes, || convert(&path, &out, to, 1)));
    }
    convert(&path, &out, "hermes", 1);
    let one = std::fs::read(&out).expect("it was written");
    convert(&path, &out, "hermes", 4);
    assert!(one == std::fs::read(&out).expect("it was written"), "the same bytes on any number of threads");
}

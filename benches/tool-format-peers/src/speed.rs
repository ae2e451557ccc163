//! How fast replies are read: megabytes a second of CPU time, and how many were read right.
//!
//! Repetitions of all engines are interleaved, so that what else the machine does hits all alike;
//! the median counts. A repetition stops after a while, however far it is, for some engines take
//! time that grows with the square of the length.

use crate::corpus::{self, Corpus, Output};
use crate::cpu;
use crate::dialect;
use nex_tool_formats::conformance::{Exactness, same_arguments};
use nex_tool_formats::{ParseOptions, ToolCallFormat, Toolset};
use std::hint::black_box;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Replies a format.
    pub outputs: usize,
    /// Repetitions; the median counts.
    pub repetitions: usize,
    /// CPU seconds after which a repetition stops.
    pub limit_s: f64,
    /// Seed of the corpus.
    pub seed: u64,
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Engine {
    /// serde_json reads each call's arguments into a `Value`: the floor for anyone who must.
    Floor,
    /// Ours, whole.
    Batch,
    /// Ours, four characters a piece, deltas taken after each.
    Pieces,
    #[cfg(feature = "peers")]
    Peer(crate::peer::Peer),
}

impl Engine {
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Floor, Self::Batch, Self::Pieces];
        #[cfg(feature = "peers")]
        {
            use crate::peer::Peer;
            all.extend([Peer::ToolParser, Peer::ToolParserPieces(4), Peer::Dynamo].map(Self::Peer));
        }
        all.shrink_to_fit();
        all
    }

    fn name(self) -> String {
        match self {
            Self::Floor => "serde_json::Value".to_owned(),
            Self::Batch => "ours, whole".to_owned(),
            Self::Pieces => "ours, 4-char pieces".to_owned(),
            #[cfg(feature = "peers")]
            Self::Peer(peer) => peer.to_string(),
        }
    }

    /// Whether speeds of this engine are set against our reading of pieces.
    fn is_incremental(self) -> bool {
        match self {
            Self::Pieces => true,
            #[cfg(feature = "peers")]
            Self::Peer(crate::peer::Peer::ToolParserPieces(_)) => true,
            _ => false,
        }
    }
}

/// Who reads one format.
struct Reader<'a> {
    engine: Engine,
    format: &'a dyn ToolCallFormat,
    tools: Toolset,
    #[cfg(feature = "peers")]
    session: Option<crate::peer::Session>,
}

impl<'a> Reader<'a> {
    /// None if the engine does not read the format.
    fn open(engine: Engine, format: &'a dyn ToolCallFormat) -> Option<Self> {
        let tools = corpus::tools();
        #[cfg(feature = "peers")]
        let session = match engine {
            Engine::Peer(peer) => Some(crate::peer::Session::open(peer, format.name(), &tools)?),
            _ => None,
        };
        Some(Self {
            engine,
            format,
            tools: Toolset::new(&tools),
            #[cfg(feature = "peers")]
            session,
        })
    }

    /// Reads one reply; gives CPU seconds and the calls. Cutting it up is not counted.
    fn read(&mut self, output: &Output) -> (f64, Vec<(String, String)>) {
        match self.engine {
            Engine::Floor => {
                let start = cpu::seconds();
                for (_, arguments) in &output.calls {
                    let _ = black_box(serde_json::from_str::<serde_json::Value>(arguments));
                }
                (cpu::seconds() - start, output.calls.clone())
            }
            Engine::Batch => {
                let start = cpu::seconds();
                let reply = self.format.parse(black_box(&output.text), &self.tools, ParseOptions::default());
                let taken = cpu::seconds() - start;
                (taken, calls(&reply))
            }
            Engine::Pieces => {
                let pieces = dialect::pieces(&output.text, 4);
                let start = cpu::seconds();
                let mut parser = self.format.parser(&self.tools, ParseOptions::default());
                let mut deltas = Vec::new();
                for piece in &pieces {
                    parser.push(black_box(piece.as_bytes()));
                    parser.take_deltas(&mut deltas);
                }
                let reply = parser.finish_into(Some(&mut deltas));
                let taken = cpu::seconds() - start;
                black_box(deltas);
                (taken, calls(&reply))
            }
            #[cfg(feature = "peers")]
            Engine::Peer(_) => {
                let session = self.session.as_mut().expect("opened with a peer");
                let cut = session.cut(&output.text);
                let start = cpu::seconds();
                let calls = session.read(black_box(&cut));
                (cpu::seconds() - start, calls)
            }
        }
    }
}

fn calls(reply: &nex_tool_formats::ParsedReply) -> Vec<(String, String)> {
    reply.calls().map(|call| (call.name.clone(), call.arguments.as_text().to_owned())).collect()
}

fn is_right(output: &Output, got: &[(String, String)], exactness: Exactness) -> bool {
    output.calls.len() == got.len()
        && output.calls.iter().zip(got).all(|((name, arguments), (got_name, got_arguments))| {
            name == got_name && same_arguments(arguments, got_arguments, exactness)
        })
}

/// What one engine did in one format.
struct Line {
    engine: Engine,
    mb_per_s: f64,
    right: usize,
    read: usize,
}

/// Prints the table of speeds.
pub fn print(formats: &[&'static dyn ToolCallFormat], plan: &Plan) {
    println!("{plan:?}; MB (1e6 bytes of replies) a CPU-second, median. `right`: every call of the reply");
    println!("equal, ours to the text of numbers and the order of keys, others by value.\n");
    println!("| format | engine | MB/s | of ours | right |\n| --- | --- | --: | --: | --: |");
    for format in formats {
        let corpus = corpus::build(*format, plan.outputs, plan.seed);
        if corpus.outputs.is_empty() {
            println!("| {} | – | | | the corpus has nothing that it can hold |", format.name());
            continue;
        }
        let lines = measure(*format, &corpus, plan);
        let ours = |is_incremental| {
            let engine = if is_incremental { Engine::Pieces } else { Engine::Batch };
            lines.iter().find(|line| line.engine == engine).map_or(f64::NAN, |line| line.mb_per_s)
        };
        for line in &lines {
            println!(
                "| {} | {} | {:.2} | {:.3} | {}/{} |",
                format.name(),
                line.engine.name(),
                line.mb_per_s,
                line.mb_per_s / ours(line.engine.is_incremental()),
                line.right,
                line.read,
            );
        }
        if corpus.reduced > 0 {
            println!("| {} | ({} messages reduced to what it holds) | | | |", format.name(), corpus.reduced);
        }
    }
}

fn measure(format: &dyn ToolCallFormat, corpus: &Corpus, plan: &Plan) -> Vec<Line> {
    let mut readers: Vec<Reader<'_>> =
        Engine::all().into_iter().filter_map(|engine| Reader::open(engine, format)).collect();
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); readers.len()];
    let mut counts = vec![(0, 0); readers.len()];
    for repetition in 0..plan.repetitions.max(1) {
        for (index, reader) in readers.iter_mut().enumerate() {
            let is_ours = matches!(reader.engine, Engine::Floor | Engine::Batch | Engine::Pieces);
            let exactness = if is_ours { Exactness::Text } else { Exactness::Value };
            let (mut taken, mut bytes) = (0.0, 0);
            for output in &corpus.outputs {
                let (seconds, got) = reader.read(output);
                taken += seconds;
                bytes += output.text.len();
                if repetition == 0 {
                    counts[index].0 += usize::from(is_right(output, &got, exactness));
                    counts[index].1 += 1;
                }
                if taken > plan.limit_s {
                    break;
                }
            }
            rates[index].push(bytes as f64 / 1e6 / taken.max(1e-9));
        }
    }
    readers
        .iter()
        .zip(rates.iter_mut().zip(counts))
        .map(|(reader, (rates, (right, read)))| Line {
            engine: reader.engine,
            mb_per_s: cpu::median(rates).unwrap_or(f64::NAN),
            right,
            read,
        })
        .collect()
}

/// Prints milliseconds a call, for arguments of growing length: twice the length, twice the time.
pub fn print_sizes(formats: &[&'static dyn ToolCallFormat], plan: &Plan) {
    const SIZES_KB: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
    println!("\nCPU milliseconds a call in 4-char pieces, by length of its argument; the last column is");
    println!("64 kB against 1 kB: 64 is linear, 4096 is the square.\n");
    let heads = SIZES_KB.map(|kb| format!(" {kb} kB |")).concat();
    println!("| format | engine |{heads} growth |\n| --- | --- |{} --: |", " --: |".repeat(SIZES_KB.len()));
    for format in formats {
        for engine in Engine::all().into_iter().filter(|engine| engine.is_incremental()) {
            let Some(mut reader) = Reader::open(engine, *format) else { continue };
            let times: Vec<Option<f64>> = SIZES_KB
                .iter()
                .scan(true, |is_quick, kb| {
                    let time = if *is_quick { one_size(&mut reader, *format, kb * 1_000, plan) } else { None };
                    *is_quick = time.is_none_or(|ms| ms < 5_000.0);
                    Some(time)
                })
                .collect();
            let cell = |time: &Option<f64>| time.map_or(" – |".to_owned(), |ms| format!(" {ms:.3} |"));
            let growth = match (times.first(), times.last()) {
                (Some(Some(first)), Some(Some(last))) => format!("{:.0}", last / first),
                _ => "–".to_owned(),
            };
            let cells: String = times.iter().map(cell).collect();
            println!("| {} | {} |{cells} {growth} |", format.name(), engine.name());
        }
    }
}

/// Median milliseconds of reading one call of `bytes`.
fn one_size(
    reader: &mut Reader<'_>,
    format: &dyn ToolCallFormat,
    bytes: usize,
    plan: &Plan,
) -> Option<f64> {
    let output = corpus::single(format, bytes)?;
    let mut times = Vec::new();
    for _ in 0..plan.repetitions.max(1) {
        // Short ones are repeated until the clock can tell.
        let (mut taken, mut count) = (0.0, 0);
        while taken < 0.002 && count < 1_000 {
            taken += reader.read(&output).0;
            count += 1;
        }
        times.push(taken / f64::from(count) * 1e3);
        if taken > 1.0 {
            break;
        }
    }
    cpu::median(&mut times)
}

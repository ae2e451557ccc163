//! How fast replies are read: megabytes a second of CPU time, and how many were read right.
//!
//! To a peer pieces come as from a tokenizer, marks whole, for several read nothing otherwise.
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

/// Replies between two looks at the clock, which itself takes time.
const BLOCK: usize = 50;

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
        let ours = [Self::Floor, Self::Batch, Self::Pieces].into_iter();
        #[cfg(feature = "peers")]
        let ours = {
            use crate::peer::Peer;
            ours.chain([Peer::ToolParser, Peer::ToolParserTokens(4), Peer::Dynamo].map(Self::Peer))
        };
        ours.collect()
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
            Self::Peer(crate::peer::Peer::ToolParserTokens(_)) => true,
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
        let tools = corpus::tools_of(format);
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

    /// CPU seconds that reading all of `outputs` takes. Cutting them up beforehand is not counted.
    fn time(&mut self, outputs: &[Output]) -> f64 {
        let cuts: Vec<Cut<'_>> = outputs.iter().map(|output| self.cut(output)).collect();
        let start = cpu::seconds();
        for cut in &cuts {
            self.read(black_box(cut));
        }
        cpu::seconds() - start
    }

    /// A reply as this engine gets it.
    fn cut<'o>(&self, output: &'o Output) -> Cut<'o> {
        match self.engine {
            Engine::Floor => Cut::Arguments(output),
            Engine::Batch => Cut::Whole(&output.text),
            Engine::Pieces => Cut::Pieces(dialect::pieces(&output.text, 4)),
            #[cfg(feature = "peers")]
            Engine::Peer(_) => {
                Cut::Peer(self.session.as_ref().expect("opened with a peer").cut(&output.text))
            }
        }
    }

    fn read(&mut self, cut: &Cut<'_>) -> Found {
        let options = ParseOptions::default();
        match cut {
            Cut::Arguments(output) => {
                for (_, arguments) in &output.calls {
                    let _ = black_box(serde_json::from_str::<serde_json::Value>(arguments));
                }
                Found::Nothing
            }
            Cut::Whole(text) => Found::Reply(black_box(self.format.parse(text, &self.tools, options))),
            Cut::Pieces(pieces) => {
                let mut parser = self.format.parser(&self.tools, options);
                let mut deltas = Vec::new();
                for piece in pieces {
                    parser.push(piece.as_bytes());
                    parser.take_deltas(&mut deltas);
                }
                let reply = parser.finish_into(Some(&mut deltas));
                black_box(deltas);
                Found::Reply(black_box(reply))
            }
            #[cfg(feature = "peers")]
            Cut::Peer(cut) => Found::Calls(black_box(
                self.session.as_mut().expect("opened with a peer").read_or_nothing(cut),
            )),
        }
    }

    /// Whether all calls of `output` are found, and no others.
    fn is_right(&mut self, output: &Output) -> bool {
        let cut = self.cut(output);
        match self.read(&cut) {
            Found::Nothing => true,
            Found::Reply(reply) => is_right(output, &calls(&reply), Exactness::Text),
            #[cfg(feature = "peers")]
            Found::Calls(calls) => is_right(output, &calls, Exactness::Value),
        }
    }
}

/// A reply, cut as an engine gets it.
enum Cut<'a> {
    Arguments(&'a Output),
    Whole(&'a str),
    Pieces(Vec<&'a str>),
    #[cfg(feature = "peers")]
    Peer(crate::peer::Cut<'a>),
}

/// What an engine found.
enum Found {
    Nothing,
    Reply(nex_tool_formats::ParsedReply),
    #[cfg(feature = "peers")]
    Calls(Vec<(String, String)>),
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
            let right = match line.engine {
                Engine::Floor => "–".to_owned(),
                _ => format!("{}/{}", line.right, line.read),
            };
            let (name, rate) = (line.engine.name(), line.mb_per_s);
            let share = rate / ours(line.engine.is_incremental());
            println!("| {} | {name} | {rate:.2} | {share:.3} | {right} |", format.name());
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
    for (reader, (right, read)) in readers.iter_mut().zip(&mut counts) {
        let start = cpu::seconds();
        for output in &corpus.outputs {
            *right += usize::from(reader.is_right(output));
            *read += 1;
            if cpu::seconds() - start > 2.0 * plan.limit_s {
                break;
            }
        }
    }
    for _ in 0..plan.repetitions.max(1) {
        for (reader, rates) in readers.iter_mut().zip(&mut rates) {
            let (mut taken, mut bytes) = (0.0, 0);
            for outputs in corpus.outputs.chunks(BLOCK) {
                taken += reader.time(outputs);
                bytes += outputs.iter().map(|output| output.text.len()).sum::<usize>();
                if taken > plan.limit_s {
                    break;
                }
            }
            rates.push(bytes as f64 / 1e6 / taken.max(1e-9));
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
                    let time =
                        if *is_quick { one_size(&mut reader, *format, kb * 1_000, plan) } else { None };
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
fn one_size(reader: &mut Reader<'_>, format: &dyn ToolCallFormat, bytes: usize, plan: &Plan) -> Option<f64> {
    let output = [corpus::single(format, bytes)?];
    let mut times = Vec::new();
    for _ in 0..plan.repetitions.max(1) {
        // Short ones are repeated until the clock can tell.
        let (mut taken, mut count) = (0.0, 0);
        while taken < 0.002 && count < 1_000 {
            taken += reader.time(&output);
            count += 1;
        }
        times.push(taken / f64::from(count) * 1e3);
        if taken > 1.0 {
            break;
        }
    }
    cpu::median(&mut times)
}

//! Nex's tool-call formats beside other crates that parse tool calls.
//!
//! ```text
//! cargo run --release -- conformance [FORMAT …] [--failures]    every case, ours and theirs, on the same bytes
//! cargo run --release -- speed [FORMAT …] [--outputs N] [--repetitions K] [--seed S]
//! ```
//!
//! `--no-default-features` leaves the others out and compiles in seconds.

mod conformance;
mod corpus;
mod cpu;
mod dialect;
#[cfg(feature = "peers")]
mod peer;
mod speed;

use nex_tool_formats::{ToolCallFormat, all, by_name};
use std::process::ExitCode;

const USAGE: &str = "usage: tool-format-peers conformance [FORMAT …] [--failures] | speed [FORMAT …] [--outputs N] [--repetitions K] [--seed S]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), String> {
    let (command, rest) = arguments.split_first().ok_or(USAGE)?;
    match (command.as_str(), rest) {
        ("conformance", rest) => {
            let (flags, names): (Vec<_>, Vec<_>) =
                rest.iter().cloned().partition(|word| word == "--failures");
            conformance::print(&formats(&names)?, !flags.is_empty());
        }
        ("speed", rest) => {
            let (plan, names) = plan(rest)?;
            let formats = formats(&names)?;
            // A peer that panics is wrong, which the table says; its message would tear it apart.
            #[cfg(feature = "peers")]
            std::panic::set_hook(Box::new(|_| {}));
            speed::print(&formats, &plan);
            speed::print_sizes(&formats, &plan);
        }
        // What `conformance` starts for each column of a peer.
        #[cfg(feature = "peers")]
        ("column", [peer, format, from]) => {
            let format = by_name(format).map_err(|e| e.to_string())?;
            conformance::peers::run_column(number(peer)?, format, number(from)?);
        }
        _ => return Err(USAGE.to_owned()),
    }
    Ok(())
}

/// The formats called `names`; all of them if none is.
fn formats(names: &[String]) -> Result<Vec<&'static dyn ToolCallFormat>, String> {
    if names.is_empty() {
        return Ok(all().to_vec());
    }
    names.iter().map(|name| by_name(name).map_err(|e| e.to_string())).collect()
}

fn plan(arguments: &[String]) -> Result<(speed::Plan, Vec<String>), String> {
    let mut plan = speed::Plan { outputs: 4_000, repetitions: 5, limit_s: 1.0, seed: 7 };
    let mut names = Vec::new();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || number(rest.next().ok_or_else(|| format!("{argument} needs a number"))?);
        match argument.as_str() {
            "--outputs" => plan.outputs = value()?,
            "--repetitions" => plan.repetitions = value()?,
            "--seed" => plan.seed = value()? as u64,
            flag if flag.starts_with('-') => return Err(format!("unknown flag `{flag}`\n{USAGE}")),
            _ => names.push(argument.clone()),
        }
    }
    Ok((plan, names))
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

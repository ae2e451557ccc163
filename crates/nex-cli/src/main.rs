//! The binary `nex`: arguments in, a command run, an exit code out.
//!
//! Knows flags, the environment and the terminal; no algorithm. Each command is one file under
//! `commands/`, which resolves its arguments, calls the crates and prints.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the room that prints")]

mod args;
mod commands;
mod failure;
mod interrupt;
mod models;
mod rehearsal;
mod terminal;

use args::{Cli, Command, DataCommand, WorldCommand};
use clap::Parser;
use failure::Outcome;
use std::process::ExitCode;

/// Conversations are many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    terminal::set_up(cli.color);
    set_up_tracing(cli.verbose);
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                terminal::tell(format!(
                    "{} {}",
                    terminal::tint(terminal::Tint::Bad, "error:"),
                    terminal::safe(&failure.message, 20_000)
                ));
            }
            ExitCode::from(failure.code as u8)
        }
    }
}

fn run(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => commands::demo::run(args),
        Command::Run(args) => commands::run::run(args),
        Command::Check(args) => commands::check::run(args),
        Command::Forge(args) => commands::forge::run(args),
        Command::Synth(args) => commands::synth::run(args),
        Command::Data(DataCommand::Import(args)) => commands::convert::import(args),
        Command::Data(DataCommand::Convert(args)) => commands::convert::convert(args),
        Command::Data(DataCommand::Stats(args)) => commands::data::stats(args),
        Command::Data(DataCommand::Inspect(args)) => commands::data::inspect(args),
        Command::Data(DataCommand::Formats(args)) => commands::formats::run(args),
        Command::World(WorldCommand::List) => commands::world::list(),
        Command::World(WorldCommand::Check(args)) => commands::world::check(args),
        Command::World(WorldCommand::Tools(args)) => commands::world::tools(args),
        Command::World(WorldCommand::Tasks(args)) => commands::world::tasks(args),
        Command::World(WorldCommand::Mutate(args)) => commands::mutate::mutate(args),
        Command::World(WorldCommand::Play(args)) => commands::world::play(args),
        Command::World(WorldCommand::Serve(args)) => commands::world::serve(args),
        Command::World(WorldCommand::Imitate(args)) => commands::imitate::run(args),
        Command::Tools(command) => commands::tools::run(command),
        Command::Mcp(command) => commands::mcp::run(command),
        Command::Train(command) => commands::train::run(command),
        Command::View(args) => commands::view::run(args),
        Command::Doctor => commands::doctor::run(),
    }
}

fn set_up_tracing(is_verbose: bool) {
    use tracing_subscriber::EnvFilter;
    let fallback = if is_verbose { "info,nex=debug" } else { "error" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(fallback));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal::is_rich())
        .init();
}

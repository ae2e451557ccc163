//! Prints tasks of a world, so that a person can read them.
//!
//! `cargo run -p nex-world --example show_tasks -- [all|world|FILE] [en|zh] [easy|medium|hard] [tasks] [first seed]`

use nex_world::task::{Dials, Difficulty, generate_task, run_oracle};
use nex_world::{Language, World, WorldError};
use std::io::Write;
use std::sync::Arc;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize, other: &str| arguments.get(at).map_or(other, String::as_str).to_owned();
    let wanted = argument(0, "all");
    let language: Language = argument(1, "en").parse().unwrap_or_default();
    let difficulty = match argument(2, "medium").as_str() {
        "easy" => Difficulty::Easy,
        "hard" => Difficulty::Hard,
        _ => Difficulty::Medium,
    };
    let count: u64 = argument(3, "5").parse().unwrap_or(5);
    let first: u64 = argument(4, "1").parse().unwrap_or(1);
    let is_brief = argument(5, "").as_str() == "brief";
    let mut out = std::io::stdout().lock();
    let worlds: Result<Vec<Arc<World>>, WorldError> = if wanted.ends_with(".yaml") {
        World::load(&wanted).map(|world| vec![world])
    } else {
        nex_world::builtin_worlds().iter().map(|world| world.load()).collect()
    };
    for world in &worlds.map_err(std::io::Error::other)? {
        if !wanted.ends_with(".yaml") && wanted != "all" && wanted != world.name() {
            continue;
        }
        writeln!(out, "==== {} ({language})", world.name())?;
        for seed in first..first + count {
            match generate_task(world, seed, &Dials::preset(difficulty), language) {
                Err(cause) => writeln!(out, "-- {seed}: {cause}")?,
                Ok(task) => {
                    writeln!(out, "-- {seed}: {}", task.record.instruction)?;
                    if is_brief {
                        continue;
                    }
                    for (at, step) in task.plan.steps.iter().enumerate() {
                        let after = &step.depends_on;
                        writeln!(out, "   {at}. {} after {after:?}: {}", step.operation, step.reason)?;
                    }
                    match run_oracle(world, &task) {
                        Ok(run) => writeln!(out, "   => {}", run.answer)?,
                        Err(cause) => writeln!(out, "   => {cause}")?,
                    }
                }
            }
        }
    }
    Ok(())
}

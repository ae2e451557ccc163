//! Tasks with proven oracle that one core makes in a minute of its own time:
//! `cargo run --release -p nex-world --example task_speed`.
#![allow(clippy::print_stdout, reason = "an example that prints")]

use nex_world::Language;
use nex_world::dialogue::{DialogueWorld, dialogue_worlds};
use nex_world::search::SearchWorld;
use nex_world::task::{Dials, Difficulty};

/// Tasks of each kind.
const COUNT: u64 = 300;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let languages = [Language::En, Language::Zh];
    for difficulty in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
        let dials = Dials::preset(difficulty);
        let start = processor_seconds()?;
        for seed in 0..COUNT {
            SearchWorld::builtin().generate_task(seed, &dials, languages[(seed % 2) as usize])?;
        }
        tell(&format!("search, {}", difficulty.as_str()), start)?;
        for name in dialogue_worlds() {
            let world = DialogueWorld::open(name)?.ok_or("the world is built in")?;
            let start = processor_seconds()?;
            for seed in 0..COUNT {
                world.generate_task(seed, &dials, languages[(seed % 2) as usize])?;
            }
            tell(&format!("{name}, {}", difficulty.as_str()), start)?;
        }
    }
    Ok(())
}

fn tell(what: &str, start: f64) -> Result<(), Box<dyn std::error::Error>> {
    let seconds = processor_seconds()? - start;
    println!("{what:<28} {:>7.0} tasks a CPU minute", COUNT as f64 * 60.0 / seconds.max(1e-9));
    Ok(())
}

/// Processor time of this process so far, so that a busy machine does not change the figures.
fn processor_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let line = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds: f64 = line.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}

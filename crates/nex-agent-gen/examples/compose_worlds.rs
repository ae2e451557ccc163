//! Composes worlds and prints how many a minute, or one world with tasks to read.
//!
//! `cargo run -p nex-agent-gen --example compose_worlds -- [count]`
//! `cargo run -p nex-agent-gen --example compose_worlds -- show DOMAIN COMPLEXITY SEED`

use nex_agent_gen::world::{Complexity, WorldRequest, compose, domains};
use nex_world::task::{Dials, Difficulty, generate_task};
use nex_world::{Language, World};
use std::io::Write;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = std::io::stdout().lock();
    if arguments.first().is_some_and(|word| word == "show") {
        let number = |at: usize, other: u64| arguments.get(at).and_then(|n| n.parse().ok()).unwrap_or(other);
        let level = u8::try_from(number(2, 3)).ok().and_then(Complexity::new).unwrap_or_default();
        let request =
            WorldRequest { domain: arguments.get(1).cloned(), complexity: level, ..WorldRequest::default() };
        let world = compose(&request, number(3, 1)).map_err(std::io::Error::other)?;
        writeln!(out, "{}", world.yaml)?;
        let loaded = World::from_yaml(&world.yaml, &world.name).map_err(std::io::Error::other)?;
        for difficulty in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
            for seed in 0..4 {
                let task = generate_task(&loaded, seed, &Dials::preset(difficulty), Language::En)
                    .map_err(std::io::Error::other)?;
                writeln!(out, "# {}: {}", difficulty.as_str(), task.record.instruction)?;
            }
        }
        return Ok(());
    }
    let count: u64 = arguments.first().and_then(|n| n.parse().ok()).unwrap_or(200);
    let (start, mut operations, mut retries) = (Instant::now(), 0, 0);
    for seed in 0..count {
        let place = usize::try_from(seed).unwrap_or(0) % domains().len();
        let level = u8::try_from(1 + seed % 5).ok().and_then(Complexity::new).unwrap_or_default();
        let request = WorldRequest {
            domain: Some(domains()[place].id.clone()),
            complexity: level,
            ..WorldRequest::default()
        };
        let world = compose(&request, seed).map_err(std::io::Error::other)?;
        operations += world.plan.operations.len();
        retries += world.plan.attempts - 1;
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    writeln!(
        out,
        "{count} worlds with {operations} operations, {retries} drawn again, each with three proven tasks: {:.0} a minute",
        count as f64 / minutes
    )
}

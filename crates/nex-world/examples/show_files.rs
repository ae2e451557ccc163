//! Prints tasks of the files world and writes the workspace of the last one, to be looked at.
//!
//! `cargo run -p nex-world --example show_files -- SEED COUNT PRESET FOLDER`

#![allow(clippy::print_stdout, reason = "it is what this example does")]

use nex_world::Language;
use nex_world::files::FilesWorld;
use nex_world::task::{Dials, Difficulty};
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u64| arguments.next().and_then(|text| text.parse().ok()).unwrap_or(default);
    let (first, count) = (number(1), number(6));
    let preset = match arguments.next().as_deref() {
        Some("easy") => Difficulty::Easy,
        Some("hard") => Difficulty::Hard,
        _ => Difficulty::Medium,
    };
    let folder = arguments.next().map(PathBuf::from);
    let started = std::time::Instant::now();
    let mut last = None;
    for seed in first..first + count {
        for language in [Language::En, Language::Zh] {
            let task = FilesWorld::builtin().generate_task(seed, &Dials::preset(preset), language)?;
            println!("\n{} ({} calls, {} tools)", task.record.id, task.plan.steps.len(), task.tools.len());
            println!("{}", task.record.instruction);
            for step in &task.plan.steps {
                println!("  {}: {}", step.operation, step.reason);
            }
            println!("  => {}", task.plan.answer.template);
            last = Some(task);
        }
    }
    println!("\n{:?} a task", started.elapsed() / u32::try_from(2 * count.max(1))?);
    if let (Some(task), Some(folder)) = (last, folder) {
        FilesWorld::builtin().open_session(&task, &folder)?;
        println!("files of {} in {}", task.record.id, folder.display());
    }
    Ok(())
}

//! Prints tasks of the search world with their plans' calls and replies:
//! `cargo run -p nex-world --example show_search -- 3 zh hard`.

#![allow(clippy::print_stdout, reason = "it is what this example does")]

use nex_world::Language;
use nex_world::search::SearchWorld;
use nex_world::task::{Dials, Difficulty, resolve_arguments};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let given = |at: usize, default: &str| arguments.get(at).cloned().unwrap_or_else(|| default.to_owned());
    let seed: u64 = given(0, "1").parse()?;
    let language: Language = given(1, "en").parse()?;
    let difficulty = match given(2, "medium").as_str() {
        "easy" => Difficulty::Easy,
        "hard" => Difficulty::Hard,
        _ => Difficulty::Medium,
    };
    let world = SearchWorld::builtin();
    let task = world.generate_task(seed, &Dials::preset(difficulty), language)?;
    println!("{}\n\n{}\n", task.briefing.text(), task.record.instruction);
    let session = world.open_session(&task)?;
    let mut replies: Vec<Option<Value>> = Vec::new();
    for step in &task.plan.steps {
        let mut arguments = resolve_arguments(step, &replies)?;
        println!("— {}\n> {} {arguments}", step.reason, step.operation);
        let mut whole: Option<Value> = None;
        loop {
            let Ok(page) = session.call(&step.operation, &arguments) else { continue };
            println!("< {}", serde_json::to_string_pretty(&page)?);
            let cursor = step.paging.as_ref().and_then(|paging| paging.next_cursor(&page)).cloned();
            match (&step.paging, &mut whole) {
                (Some(paging), Some(whole)) => paging.append(whole, page),
                _ => whole = Some(page),
            }
            let Some(cursor) = cursor else { break };
            arguments["cursor"] = cursor;
        }
        replies.push(whole);
    }
    let answer = nex_world::task::render_answer(&task.plan.answer, &replies)?;
    println!("\n{answer}\n\n{:?}", session.verify(&task, Some(&answer)));
    Ok(())
}

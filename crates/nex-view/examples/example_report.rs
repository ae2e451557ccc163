//! Renders a report over made-up episodes, to look at.
//!
//! `cargo run -p nex-view --example example_report -- report.html`

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> std::io::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "report.html".to_owned());
    let mut input = fixture::report(400);
    input.episodes.truncate(60);
    input.notes.push("Everything in this example is made up; no model and no world took part.".to_owned());
    std::fs::write(path, nex_view::render_report(&input))
}

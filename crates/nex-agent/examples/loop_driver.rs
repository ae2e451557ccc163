//! The agent loop under the line protocol of load harnesses:
//! `loop_driver --base http://127.0.0.1:8199/v1 --model fake.k10 --conc 50 --total 1000`.
#![allow(clippy::print_stdout, clippy::print_stderr)]

#[path = "../benches/support/driver.rs"]
mod driver;
#[path = "../benches/support/sessions.rs"]
mod sessions;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    driver::drive_loop(&driver::load_of(&arguments));
}

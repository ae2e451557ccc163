//! The line protocol: prints `READY` when warm, waits for a line, runs all sessions, prints
//! `DONE {"wall_s":..,"ok":..}`, waits for a line, ends.

use crate::sessions::{Load, Loop, run_all};
use std::sync::Arc;

/// Reads `--base URL/v1 --model NAME --conc N --total N --stream 0|1`.
pub(crate) fn load_of(arguments: &[String]) -> Load {
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name);
        place.and_then(|place| arguments.get(place + 1)).cloned()
    };
    let number = |name: &str| value(name).and_then(|text| text.parse().ok()).unwrap_or(1);
    Load {
        base: value("--base").expect("--base URL is needed"),
        model: value("--model").unwrap_or_else(|| "fake.k10".to_owned()),
        at_once: number("--conc"),
        total: number("--total"),
        stream: value("--stream").is_some_and(|text| text == "1"),
    }
}

/// Runs the agent loop under the protocol.
pub(crate) fn drive_loop(load: &Load) {
    let agents = Arc::new(Loop::new(load));
    drive(load, move |number| {
        let agents = agents.clone();
        async move { agents.session(number).await }
    });
}

/// Runs `session` under the protocol.
pub(crate) fn drive<S, F>(load: &Load, session: S)
where
    S: Fn(usize) -> F + Send + Sync + Clone + 'static,
    F: Future<Output = bool> + Send,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        assert!(session(load.total).await, "the warming session fails");
        println!("READY");
        wait_for_line();
        let (good, wall) = run_all(load, session).await;
        println!("DONE {{\"wall_s\":{:.3},\"ok\":{good}}}", wall.as_secs_f64());
        wait_for_line();
    });
}

fn wait_for_line() {
    let _ = std::io::stdin().read_line(&mut String::new());
}

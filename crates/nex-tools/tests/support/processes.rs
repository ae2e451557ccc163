//! What the tests of MCP servers share: looking at processes, and waiting for something to be so.

#![allow(dead_code, reason = "each test program uses a part")]

use std::time::{Duration, Instant};

/// A name that no other test, nor an earlier run, has used.
pub(crate) fn unique(name: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    format!("{name}-{}-{}", std::process::id(), now.as_nanos())
}

/// The processes that have `text` in their environment or arguments; zombies have neither.
pub(crate) fn processes_with(text: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").expect("Linux has /proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let holds = |file: &str| {
            let bytes = std::fs::read(entry.path().join(file)).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        };
        if pid != std::process::id() as i32 && (holds("environ") || holds("cmdline")) {
            found.push(pid);
        }
    }
    found
}

/// Waits until `is_so`; how long that takes is no matter, but not for ever.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited 20 s in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills one process that this test has started.
pub(crate) fn kill_9(pid: i32) {
    let status = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(status.expect("kill can be run").success(), "process {pid} was there to be killed");
}

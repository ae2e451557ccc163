//! Dynamics as YAML, and into a world's file, of which all else stays as it is written.
//!
//! In: a world's text, dynamics for the whole world and for some operations. Out: the text with
//! `dynamics:` in the place of the old ones. What the new ones do not say is kept of the old ones.
//! The result is loaded and compared before it is given out: a file that is laid out in an unusual
//! way is refused, not spoiled.

use crate::error::WorldError;
use crate::spec::DynamicsSpec;
use crate::world::World;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A world's file cannot be given other dynamics.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// The file is no world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The world has no such operation.
    #[error("the world has no operation `{0}`")]
    UnknownOperation(String),
    /// The layout of the file is not understood.
    #[error(
        "{place} of the world's file is not laid out one key a line, two spaces a level: paste the dynamics in by hand"
    )]
    Layout {
        /// Which part.
        place: String,
    },
}

/// `dynamics:` as a block of YAML, each line after `indent` spaces.
pub fn dynamics_yaml(dynamics: &DynamicsSpec, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let mut text = format!("{pad}dynamics:\n");
    let mut line = |key: &str, value: String| {
        let _ = writeln!(text, "{pad}  {key}: {value}");
    };
    if let Some(latency) = &dynamics.latency_ms {
        let json = serde_json::to_value(latency).expect("a latency is JSON");
        let pairs = json.as_object().into_iter().flatten();
        let pairs: Vec<String> = pairs.map(|(key, value)| format!("{key}: {value}")).collect();
        line("latency_ms", format!("{{{}}}", pairs.join(", ")));
    }
    for (key, share) in [("transient_fault", dynamics.transient_fault), ("outage", dynamics.outage)] {
        if let Some(share) = share {
            line(key, share.to_string());
        }
    }
    if let Some(limit) = &dynamics.rate_limit {
        line("rate_limit", format!("{{calls: {}, window_s: {}}}", limit.calls, limit.window_s));
    }
    for (key, share) in
        [("truncate", dynamics.truncate), ("verbose", dynamics.verbose), ("stale_read", dynamics.stale_read)]
    {
        if let Some(share) = share {
            line(key, share.to_string());
        }
    }
    if *dynamics == DynamicsSpec::default() {
        text = format!("{pad}dynamics: {{}}\n");
    }
    text
}

/// The world in `text` with `whole` for the world and `operations` for some of its operations.
///
/// # Errors
/// `text` is no world, lacks an operation, or its layout is not understood.
pub fn patch_world(
    text: &str,
    file: &str,
    whole: &DynamicsSpec,
    operations: &BTreeMap<String, DynamicsSpec>,
) -> Result<String, PatchError> {
    let before = World::from_yaml(text, file)?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut wanted = BTreeMap::new();
    for (name, dynamics) in operations {
        let operation = before.operation(name).ok_or_else(|| PatchError::UnknownOperation(name.clone()))?;
        let merged = merge(dynamics, &operation.dynamics);
        let layout = || PatchError::Layout { place: format!("the operation `{name}`") };
        let head = block(&lines, 0, lines.len(), "operations", 0).ok_or_else(layout)?;
        let own = block(&lines, head.0 + 1, head.1, name, 2).ok_or_else(layout)?;
        put(&mut lines, own, 4, &merged);
        wanted.insert(name.clone(), merged);
    }
    let merged = merge(whole, before.dynamics());
    match block(&lines, 0, lines.len(), "dynamics", 0) {
        Some((start, end)) => drop(lines.splice(start..end, split(&dynamics_yaml(&merged, 0)))),
        None => {
            let at = block(&lines, 0, lines.len(), "operations", 0).map_or(lines.len(), |(start, _)| start);
            lines.splice(at..at, split(&dynamics_yaml(&merged, 0)));
        }
    }
    let patched = lines.join("\n") + "\n";
    let whole_file = || PatchError::Layout { place: "some part".to_owned() };
    let after = World::from_yaml(&patched, file).map_err(|_| whole_file())?;
    let is_right = *after.dynamics() == merged
        && before.operations().iter().all(|operation| {
            let now = after.operation(&operation.name).map(|operation| &operation.dynamics);
            now == Some(wanted.get(&operation.name).unwrap_or(&operation.dynamics))
        });
    if is_right { Ok(patched) } else { Err(whole_file()) }
}

fn merge(new: &DynamicsSpec, old: &DynamicsSpec) -> DynamicsSpec {
    DynamicsSpec {
        latency_ms: new.latency_ms.or(old.latency_ms),
        transient_fault: new.transient_fault.or(old.transient_fault),
        outage: new.outage.or(old.outage),
        rate_limit: new.rate_limit.or(old.rate_limit),
        truncate: new.truncate.or(old.truncate),
        verbose: new.verbose.or(old.verbose),
        stale_read: new.stale_read.or(old.stale_read),
    }
}

fn split(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// First line of the key at `indent` within `from..to`, and the line behind its block.
fn block(lines: &[String], from: usize, to: usize, key: &str, indent: usize) -> Option<(usize, usize)> {
    let head = format!("{}{key}:", " ".repeat(indent));
    let start = (from..to).find(|at| lines[*at].starts_with(&head))?;
    let mut end =
        (start + 1..to).find(|at| !is_blank(&lines[*at]) && indent_of(&lines[*at]) <= indent).unwrap_or(to);
    // Comments and empty lines behind a block belong to what follows.
    while end > start + 1 && is_blank(&lines[end - 1]) {
        end -= 1;
    }
    Some((start, end))
}

/// Puts dynamics into the block `(start, end)` of an operation.
fn put(lines: &mut Vec<String>, (start, end): (usize, usize), indent: usize, dynamics: &DynamicsSpec) {
    let new = split(&dynamics_yaml(dynamics, indent));
    match block(lines, start + 1, end, "dynamics", indent) {
        Some((from, to)) => drop(lines.splice(from..to, new)),
        None => drop(lines.splice(end..end, new)),
    }
}

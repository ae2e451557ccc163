//! The operations of code worlds, each a tool over one folder of the sandbox.
//!
//! Replies are JSON objects; what is refused replies `{"error": {"code", "message"}}`. Invariant: an
//! operation that is refused has changed nothing.

use super::patch;
use super::state::CodeState;
use crate::operation::{Operation, Refusal, Row, count, text};
use crate::workbench::{Job, Probe, VariantRun};
use nex_tools::Workspace;
use nex_tools::workspace::{EntryKind, Glob};
use regex::RegexBuilder;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const MAX_LINES: usize = 400;
const MAX_LINE_CHARS: usize = 400;
const MAX_MATCHES: usize = 60;
const MAX_FILES: usize = 300;
const MAX_FAILURES: usize = 10;
/// Calls that write may take so much; the folder's own limit bounds programs.
const MAX_WRITE_BYTES: usize = 512 * 1024;

const TABLE: [Row; 7] = [
    (
        "list_files",
        "list",
        false,
        "Lists all files of the repository, or those below a folder, with their sizes in bytes.",
        &[("path?", "string", "A folder, relative to the repository; the whole repository if left out.")],
    ),
    (
        "read_file",
        "get",
        false,
        "Reads a text file. A long file comes in parts: give the line to start from.",
        &[
            ("path", "string", "Path of the file, relative to the repository."),
            ("first_line?", "integer", "Line to start from; the first is 1."),
        ],
    ),
    (
        "search",
        "find",
        false,
        "Finds the lines that match a regular expression, with file and line number.",
        &[
            ("pattern", "string", "The regular expression."),
            ("files?", "string", "Only files that fit this pattern, such as `*.py` or `tests/*`."),
        ],
    ),
    (
        "edit_file",
        "update",
        true,
        "Replaces exact text in a file. The old text must occur exactly once, so include enough of its surroundings.",
        &[
            ("path", "string", "Path of the file, relative to the repository."),
            ("old_string", "string", "The exact text to replace, with its white space."),
            ("new_string", "string", "The text to put in its place."),
        ],
    ),
    (
        "write_file",
        "update",
        true,
        "Writes a text file, replacing what it held before. Folders on the way are made.",
        &[
            ("path", "string", "Path of the file, relative to the repository."),
            ("content", "string", "The whole new content."),
        ],
    ),
    (
        "apply_patch",
        "update",
        true,
        "Applies a unified diff (`---`, `+++`, `@@`) to one or more files, as a whole or not at all.",
        &[("patch", "string", "The diff. Context and removed lines must stand in the files as written.")],
    ),
    ("run_tests", "run", false, "Runs the public tests and tells which fail and how.", &[]),
];

/// All operations, in the order in which tools are offered.
pub fn operations() -> &'static [Operation] {
    static OPERATIONS: LazyLock<Vec<Operation>> =
        LazyLock::new(|| TABLE.iter().map(Operation::declare).collect());
    &OPERATIONS
}

/// Performs an operation on files; `None` if it is none of those.
pub(crate) fn file_call(
    name: &str,
    workspace: &Workspace,
    arguments: &Value,
) -> Option<Result<Value, Refusal>> {
    Some(match name {
        "list_files" => list_files(workspace, arguments),
        "read_file" => read_file(workspace, arguments),
        "search" => search(workspace, arguments),
        "edit_file" => edit_file(workspace, arguments),
        "write_file" => write_file(workspace, arguments),
        "apply_patch" => apply_patch(workspace, arguments),
        _ => return None,
    })
}

/// The paths and sizes of files below `path`, without what interpreters leave behind.
fn files(workspace: &Workspace, path: &str) -> Result<(Vec<(String, u64)>, bool), Refusal> {
    let walk = workspace.walk(path)?;
    let files = walk.entries.into_iter().filter_map(|entry| match entry.kind {
        EntryKind::File { size_bytes } if !entry.name.contains("__pycache__") => {
            Some((entry.name, size_bytes))
        }
        _ => None,
    });
    Ok((files.collect(), walk.is_cut))
}

fn list_files(workspace: &Workspace, arguments: &Value) -> Result<Value, Refusal> {
    let (files, is_cut) = files(workspace, text(arguments, "path"))?;
    let total = files.len();
    let shown: Vec<Value> = files
        .into_iter()
        .take(MAX_FILES)
        .map(|(path, bytes)| json!({"path": path, "bytes": bytes}))
        .collect();
    let is_cut = is_cut || total > shown.len();
    let mut reply = json!({"files": shown, "count": total});
    if is_cut {
        reply["note"] = "there are more; give a folder".into();
    }
    Ok(reply)
}

fn read_text(workspace: &Workspace, path: &str) -> Result<String, Refusal> {
    let bytes = workspace.read(path)?;
    String::from_utf8(bytes).map_err(|_| Refusal::new("not_text", format!("`{path}` is no UTF-8 text")))
}

fn read_file(workspace: &Workspace, arguments: &Value) -> Result<Value, Refusal> {
    let path = text(arguments, "path");
    let content = read_text(workspace, path)?;
    let total = content.lines().count();
    let first = count(arguments, "first_line").unwrap_or(1).max(1);
    if first > total.max(1) {
        let message = format!("`{path}` has {total} lines; line {first} is beyond the last");
        return Err(Refusal::new("out_of_range", message));
    }
    let last = (first - 1 + MAX_LINES).min(total);
    let is_whole = first == 1 && last == total;
    let is_narrow = content.lines().all(|line| line.chars().count() <= MAX_LINE_CHARS);
    let shown = match is_whole && is_narrow {
        true => content,
        false => content.lines().skip(first - 1).take(MAX_LINES).map(|line| cut(line) + "\n").collect(),
    };
    let mut reply = json!({"path": path, "content": shown, "lines": total});
    if !is_whole {
        reply["shown"] = format!("lines {first} to {last}").into();
    }
    Ok(reply)
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((at, _)) => format!("{} [… {} more bytes]", &line[..at], line.len() - at),
        None => line.to_owned(),
    }
}

fn search(workspace: &Workspace, arguments: &Value) -> Result<Value, Refusal> {
    let pattern = text(arguments, "pattern");
    let regex = RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| {
        let cause = error.to_string().lines().last().unwrap_or("malformed").trim().to_owned();
        Refusal::new(
            "invalid_pattern",
            format!("`{pattern}` is no regular expression that can be used: {cause}"),
        )
    })?;
    let glob = match text(arguments, "files") {
        "" => None,
        glob => Some(Glob::new(glob).map_err(|cause| Refusal::new("invalid_pattern", cause.to_string()))?),
    };
    let (files, _) = files(workspace, "")?;
    let (mut matches, mut total) = (Vec::new(), 0_usize);
    for (path, _) in files {
        let name = path.rsplit('/').next().unwrap_or(&path);
        if glob.as_ref().is_some_and(|glob| !glob.is_match(&path) && !glob.is_match(name)) {
            continue;
        }
        let Ok(content) = read_text(workspace, &path) else { continue };
        for (number, line) in content.lines().enumerate().filter(|(_, line)| regex.is_match(line)) {
            total += 1;
            if matches.len() < MAX_MATCHES {
                matches.push(json!({"path": path, "line": number + 1, "text": cut(line)}));
            }
        }
    }
    Ok(json!({"matches": matches, "count": total}))
}

fn too_large(bytes: usize) -> Result<(), Refusal> {
    if bytes <= MAX_WRITE_BYTES {
        return Ok(());
    }
    let message = format!("{bytes} bytes are more than the {MAX_WRITE_BYTES} that a file may have");
    Err(Refusal::new("too_large", message))
}

fn edit_file(workspace: &Workspace, arguments: &Value) -> Result<Value, Refusal> {
    let path = text(arguments, "path");
    let (old, new) = (text(arguments, "old_string"), text(arguments, "new_string"));
    if old.is_empty() {
        return Err(Refusal::new("invalid_edit", "`old_string` is empty; write_file makes new files"));
    }
    let content = read_text(workspace, path)?;
    let found = content.matches(old).count();
    if found != 1 {
        let advice = match found {
            0 => "read the file again and copy the text exactly, with its white space",
            _ => "include more of the surroundings",
        };
        let message =
            format!("`{path}` holds `old_string` {found} times, not once; nothing was changed; {advice}");
        return Err(Refusal::new("no_single_match", message));
    }
    let after = content.replacen(old, new, 1);
    too_large(after.len())?;
    workspace.write(path, after.as_bytes())?;
    let line = content[..content.find(old).unwrap_or(0)].matches('\n').count() + 1;
    Ok(json!({"path": path, "replaced_at_line": line}))
}

fn write_file(workspace: &Workspace, arguments: &Value) -> Result<Value, Refusal> {
    let (path, content) = (text(arguments, "path"), text(arguments, "content"));
    too_large(content.len())?;
    let existed = workspace.write(path, content.as_bytes())?;
    Ok(json!({"path": path, "bytes": content.len(), "existed": existed}))
}

fn apply_patch(workspace: &Workspace, arguments: &Value) -> Result<Value, Refusal> {
    let after = patch::apply(text(arguments, "patch"), |path| read_text(workspace, path))?;
    for content in after.values().flatten() {
        too_large(content.len())?;
    }
    // What would be refused is found out before anything is written.
    let before: BTreeMap<&String, Option<Vec<u8>>> =
        after.keys().map(|path| (path, workspace.read(path).ok())).collect();
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    let written = after.iter().try_for_each(|(path, content)| match content {
        Some(content) => {
            changed.push(path);
            workspace.write(path, content.as_bytes()).map(|_| ())
        }
        None => {
            deleted.push(path);
            workspace.remove(path)
        }
    });
    if let Err(cause) = written {
        for path in changed.iter().chain(&deleted) {
            let _ = match before.get(path) {
                Some(Some(bytes)) => workspace.write(path, bytes).map(|_| ()),
                _ => workspace.remove(path),
            };
        }
        return Err(cause.into());
    }
    Ok(json!({"changed": changed, "deleted": deleted}))
}

/// The run of the public tests that lie in the folder itself, or of the test `commands`.
pub(super) fn public_tests<'a>(
    state: &CodeState,
    nothing: &'a BTreeMap<String, String>,
    commands: &'a [Probe],
) -> Job<'a> {
    let cpu_ms = state.cpu_ms * 4;
    Job {
        language: state.runner,
        files: nothing,
        variants: Vec::new(),
        probes: commands,
        tests: !state.is_exit_only,
        exit_only: false,
        cpu_ms,
        wall_ms: 30_000.max(if state.is_exit_only { 2 * cpu_ms } else { 0 }),
        here: true,
    }
}

/// What is told of a run of the public tests.
pub(super) fn test_report(run: &VariantRun, commands: &[Probe]) -> Value {
    let of_commands = commands.iter().zip(&run.probes).map(|(command, output)| {
        let is_right = output.ends_with("[exit 0]");
        (command.code.clone(), (!is_right).then(|| tail(output)))
    });
    let outcomes: BTreeMap<String, Option<String>> = of_commands.chain(run.tests.clone()).collect();
    let failed: Vec<(&String, &String)> =
        outcomes.iter().filter_map(|(name, outcome)| Some((name, outcome.as_ref()?))).collect();
    let failures: Vec<Value> = failed
        .iter()
        .take(MAX_FAILURES)
        .map(|(name, message)| json!({"test": name, "message": message}))
        .collect();
    let mut reply =
        json!({"passed": outcomes.len() - failed.len(), "failed": failed.len(), "failures": failures});
    if let Some(cause) = &run.build {
        reply["build_error"] = cause.as_str().into();
    }
    reply
}

/// The end of an output, where a test says what failed.
fn tail(output: &str) -> String {
    const MAX_BYTES: usize = 1500;
    let from = output.ceil_char_boundary(output.len().saturating_sub(MAX_BYTES));
    output[from..].to_owned()
}

//! The file tools over one [`Workspace`], under the names that NexAU agents use.
//!
//! Each answers in text that a model can act on; a path that is refused or a pattern that cannot
//! be read is an `is_error` answer, never a failure of the run.

use super::{EntryKind, Glob, Workspace, WorkspaceError};
use crate::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use async_trait::async_trait;
use nex_trajectory::ToolSpec;
use regex::RegexBuilder;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

/// A tool's declaration, what it does, and whether it is serial.
type Declared = (Arc<ToolDeclaration>, Action, bool);
/// Name, description, properties, required ones, action, and whether it is serial.
type Row = (&'static str, &'static str, Value, &'static [&'static str], Action, bool);

/// What one file tool does: its arguments in, its answer out.
type Action = fn(&Workspace, &Value) -> Result<ToolOutput, Refused>;

/// Why a file tool did not do what it was asked, for the model.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error(transparent)]
    Glob(#[from] super::GlobError),
    #[error("`{pattern}` is no regular expression that can be used: {cause}")]
    Regex { pattern: String, cause: String },
    #[error("`{path}` is not UTF-8 text, so it cannot be edited")]
    NotText { path: String },
    #[error("`old_string` must not be empty; to make a new file use write_file")]
    EmptyOld,
    #[error("`old_string` and `new_string` are the same; nothing to do")]
    SameStrings,
    #[error("`{path}` holds `old_string` {found} times, expected {expected}; nothing was changed. {advice}")]
    Count { path: String, found: usize, expected: usize, advice: &'static str },
}

struct FileTool {
    declaration: Arc<ToolDeclaration>,
    action: Action,
    workspace: Arc<Workspace>,
    is_serial: bool,
}

#[async_trait]
impl Tool for FileTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let (workspace, action) = (Arc::clone(&self.workspace), self.action);
        // Disks can be slow; the deadline must be able to pass meanwhile.
        let answer = tokio::task::spawn_blocking(move || action(&workspace, &arguments)).await;
        match answer {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(refused)) => Ok(ToolOutput::error(refused.to_string())),
            Err(panic) => Err(ToolFailure::Panicked {
                tool: self.declaration.spec().name.clone(),
                message: panic.to_string(),
            }),
        }
    }

    fn is_serial(&self) -> bool {
        self.is_serial
    }
}

/// `read_file`, `write_file`, `replace`, `list_directory`, `glob` and `search_file_content` over
/// `workspace`. The two that write never overlap with other calls.
pub fn workspace_tools(workspace: &Arc<Workspace>) -> Vec<Arc<dyn Tool>> {
    static DECLARATIONS: LazyLock<Vec<Declared>> = LazyLock::new(declarations);
    let make = |(declaration, action, is_serial): &Declared| -> Arc<dyn Tool> {
        Arc::new(FileTool {
            declaration: Arc::clone(declaration),
            action: *action,
            workspace: Arc::clone(workspace),
            is_serial: *is_serial,
        })
    };
    DECLARATIONS.iter().map(make).collect()
}

fn declarations() -> Vec<Declared> {
    let path = |what: &str| json!({"type": "string", "description": format!("Path of the {what}, relative to the workspace.")});
    let dir = json!({"type": "string", "description": "Directory to look in, relative to the workspace; the whole workspace if left out."});
    let table: [Row; 6] = [
        (
            "read_file",
            "Reads a text file. For a long file give `offset` and `limit` to read it in parts; the answer says how many lines there are.",
            json!({
                "file_path": path("file"),
                "offset": {"type": "integer", "minimum": 0, "description": "Line to start from; the first is 0."},
                "limit": {"type": "integer", "minimum": 1, "description": "How many lines to read."},
            }),
            &["file_path"],
            read_file,
            false,
        ),
        (
            "write_file",
            "Writes a text file, replacing what it held before. Directories on the way are made.",
            json!({"file_path": path("file"), "content": {"type": "string", "description": "The whole new content."}}),
            &["file_path", "content"],
            write_file,
            true,
        ),
        (
            "replace",
            "Replaces exact text in a file. `old_string` must occur exactly `expected_replacements` times (once, if left out), so include enough of its surroundings.",
            json!({
                "file_path": path("file"),
                "old_string": {"type": "string", "description": "The exact text to replace, with its white space."},
                "new_string": {"type": "string", "description": "The text to put in its place."},
                "expected_replacements": {"type": "integer", "minimum": 1, "description": "How often `old_string` occurs; 1 if left out."},
            }),
            &["file_path", "old_string", "new_string"],
            replace,
            true,
        ),
        (
            "list_directory",
            "Lists the files and directories directly inside a directory.",
            json!({
                "dir_path": {"type": "string", "description": "Directory to list, relative to the workspace; `.` is the workspace itself."},
                "ignore": {"type": "array", "items": {"type": "string"}, "description": "File patterns to leave out."},
            }),
            &["dir_path"],
            list_directory,
            false,
        ),
        (
            "glob",
            "Finds files by a pattern such as `**/*.md` or `src/*.{ts,tsx}`. Paths come back sorted.",
            json!({"pattern": {"type": "string", "description": "The pattern."}, "dir_path": dir}),
            &["pattern"],
            glob,
            false,
        ),
        (
            "search_file_content",
            "Searches the lines of files for a regular expression. Gives path, line number and line of each match.",
            json!({
                "pattern": {"type": "string", "description": "The regular expression."},
                "dir_path": dir,
                "include": {"type": "string", "description": "Only files that fit this file pattern, such as `*.py`."},
            }),
            &["pattern"],
            search_file_content,
            false,
        ),
    ];
    let declare = |(name, description, properties, required, action, is_serial): Row| {
        let input_schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        let spec = ToolSpec { name: name.into(), description: description.into(), input_schema };
        let declaration = ToolDeclaration::new(spec).expect("the schemas above are valid");
        (Arc::new(declaration), action, is_serial)
    };
    table.into_iter().map(declare).collect()
}

/// A string argument; the schema has made sure that required ones are there.
fn text<'a>(arguments: &'a Value, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Value::as_str)
}

fn count(arguments: &Value, name: &str) -> Option<usize> {
    // `1.0` is an integer to JSON Schema.
    let value = arguments.get(name)?;
    value.as_u64().or_else(|| value.as_f64().map(|float| float as u64)).map(|count| count as usize)
}

fn read_file(workspace: &Workspace, arguments: &Value) -> Result<ToolOutput, Refused> {
    let path = text(arguments, "file_path").unwrap_or_default();
    let bytes = workspace.read(path)?;
    if is_binary(&bytes) {
        let size = bytes.len();
        return Ok(ToolOutput::error(format!("`{path}` is a binary file of {size} bytes, not text")));
    }
    let content = String::from_utf8_lossy(&bytes);
    let is_lossy = matches!(content, std::borrow::Cow::Owned(_));
    let limits = workspace.limits();
    let total = content.lines().count();
    let offset = count(arguments, "offset").unwrap_or(0);
    let limit = count(arguments, "limit").unwrap_or(limits.max_lines).min(limits.max_lines);
    if total > 0 && offset >= total {
        return Ok(ToolOutput::error(format!(
            "`{path}` has {total} lines; offset {offset} is beyond the last"
        )));
    }
    let shown_to = offset.saturating_add(limit).min(total);
    let is_whole = offset == 0 && shown_to == total;
    if is_whole && content.lines().all(|line| line.len() <= limits.max_line_bytes) {
        return Ok(ToolOutput { is_lossy, ..ToolOutput::text(content) });
    }
    let mut answer = String::new();
    for line in content.lines().skip(offset).take(limit) {
        push_line(&mut answer, line, limits.max_line_bytes);
    }
    if !is_whole {
        let _ = write!(answer, "[lines {offset} to {} of {total}", shown_to.saturating_sub(1));
        if shown_to < total {
            let _ = write!(answer, "; go on with offset {shown_to}");
        }
        answer.push(']');
    }
    Ok(ToolOutput { is_lossy, ..ToolOutput::text(answer) })
}

fn write_file(workspace: &Workspace, arguments: &Value) -> Result<ToolOutput, Refused> {
    let path = text(arguments, "file_path").unwrap_or_default();
    let content = text(arguments, "content").unwrap_or_default();
    let existed = workspace.write(path, content.as_bytes())?;
    let verb = if existed { "replaced" } else { "made" };
    Ok(ToolOutput::text(format!(
        "{verb} `{path}`: {} bytes, {} lines",
        content.len(),
        content.lines().count()
    )))
}

fn replace(workspace: &Workspace, arguments: &Value) -> Result<ToolOutput, Refused> {
    let path = text(arguments, "file_path").unwrap_or_default();
    let old = text(arguments, "old_string").unwrap_or_default();
    let new = text(arguments, "new_string").unwrap_or_default();
    let expected = count(arguments, "expected_replacements").unwrap_or(1);
    if old.is_empty() {
        return Err(Refused::EmptyOld);
    }
    if old == new {
        return Err(Refused::SameStrings);
    }
    let bytes = workspace.read(path)?;
    let content = String::from_utf8(bytes).map_err(|_| Refused::NotText { path: path.to_owned() })?;
    let found = content.matches(old).count();
    if found != expected {
        let advice = match found {
            0 => "Read the file again and copy the text exactly, with its white space.",
            _ => "Include more of the surroundings, or set expected_replacements.",
        };
        return Err(Refused::Count { path: path.to_owned(), found, expected, advice });
    }
    workspace.write(path, content.replace(old, new).as_bytes())?;
    let times = if found == 1 { "once".to_owned() } else { format!("{found} times") };
    Ok(ToolOutput::text(format!("replaced {times} in `{path}`")))
}

fn list_directory(workspace: &Workspace, arguments: &Value) -> Result<ToolOutput, Refused> {
    let path = text(arguments, "dir_path").unwrap_or(".");
    let patterns = arguments.get("ignore").and_then(Value::as_array);
    let patterns = patterns.into_iter().flatten().filter_map(Value::as_str);
    let ignored = patterns.map(Glob::new).collect::<Result<Vec<_>, _>>()?;
    let entries = workspace.list(path)?;
    let mut answer = String::new();
    let shown = entries.iter().filter(|entry| !ignored.iter().any(|glob| glob.is_match(&entry.name)));
    for entry in shown.clone().take(workspace.limits().max_entries) {
        let _ = match entry.kind {
            EntryKind::Directory => writeln!(answer, "{}/", entry.name),
            EntryKind::File { size_bytes } => writeln!(answer, "{}  ({size_bytes} bytes)", entry.name),
            EntryKind::Link => writeln!(answer, "{}  (link, not followed)", entry.name),
            EntryKind::Other => writeln!(answer, "{}  (no regular file)", entry.name),
        };
    }
    if answer.is_empty() {
        answer = format!("`{path}` is empty");
    }
    Ok(ToolOutput::text(answer.trim_end()))
}

fn glob(workspace: &Workspace, arguments: &Value) -> Result<ToolOutput, Refused> {
    let pattern = text(arguments, "pattern").unwrap_or_default();
    let below = text(arguments, "dir_path").unwrap_or(".");
    let glob = Glob::new(pattern)?;
    let walk = workspace.walk(below)?;
    let inside = |path: &'_ str| -> String { relative(path, below).to_owned() };
    let files = walk.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
    let found: Vec<&str> =
        files.filter(|entry| glob.is_match(&inside(&entry.name))).map(|entry| entry.name.as_str()).collect();
    let mut answer = match found.len() {
        0 => format!("no file fits `{pattern}`"),
        _ => found.join("\n"),
    };
    if walk.is_cut {
        answer.push_str("\n[there are more files than were looked at; give a dir_path]");
    }
    Ok(ToolOutput::text(answer))
}

fn search_file_content(workspace: &Workspace, arguments: &Value) -> Result<ToolOutput, Refused> {
    let pattern = text(arguments, "pattern").unwrap_or_default();
    let below = text(arguments, "dir_path").unwrap_or(".");
    let include = text(arguments, "include").map(Glob::new).transpose()?;
    let regex = RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|error| {
        let cause = error.to_string().lines().last().unwrap_or("malformed").trim().to_owned();
        Refused::Regex { pattern: pattern.chars().take(100).collect(), cause }
    })?;
    let limits = workspace.limits();
    let walk = workspace.walk(below)?;
    let (mut answer, mut matches, mut skipped, mut is_lossy) = (String::new(), 0, 0, false);
    'files: for entry in &walk.entries {
        let EntryKind::File { size_bytes } = entry.kind else { continue };
        if include.as_ref().is_some_and(|glob| !glob.is_match(relative(&entry.name, below))) {
            continue;
        }
        // What is too large, unreadable or gone since the walk is skipped and counted.
        let bytes = if size_bytes > limits.max_file_bytes { None } else { workspace.read(&entry.name).ok() };
        let Some(bytes) = bytes.filter(|bytes| !is_binary(bytes)) else {
            skipped += 1;
            continue;
        };
        let content = String::from_utf8_lossy(&bytes);
        for (index, line) in content.lines().enumerate().filter(|(_, line)| regex.is_match(line)) {
            if matches == limits.max_matches {
                let _ = writeln!(answer, "[more matches were left out; narrow the pattern or give include]");
                break 'files;
            }
            matches += 1;
            is_lossy |= line.contains('\u{fffd}');
            let _ = write!(answer, "{}:{}: ", entry.name, index + 1);
            push_line(&mut answer, line, limits.max_line_bytes.min(500));
        }
    }
    if matches == 0 {
        let _ = writeln!(answer, "no line matches `{pattern}`");
    }
    if skipped > 0 {
        let _ = writeln!(answer, "[{skipped} binary, unreadable or oversized files were not searched]");
    }
    if walk.is_cut {
        let _ = writeln!(answer, "[there are more files than were looked at; give a dir_path]");
    }
    Ok(ToolOutput { is_lossy, ..ToolOutput::text(answer.trim_end()) })
}

/// `path` as seen from the directory `below`, both in the workspace.
fn relative<'a>(path: &'a str, below: &str) -> &'a str {
    let below = below.trim_start_matches("./").trim_end_matches('/');
    path.strip_prefix(below).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path)
}

fn push_line(answer: &mut String, line: &str, max_bytes: usize) {
    if line.len() <= max_bytes {
        answer.push_str(line);
    } else {
        let kept = &line[..line.floor_char_boundary(max_bytes)];
        let _ = write!(answer, "{kept} [… {} more bytes in this line]", line.len() - kept.len());
    }
    answer.push('\n');
}

/// Text holds no NUL in its first 8 KB.
fn is_binary(bytes: &[u8]) -> bool {
    bytes.iter().take(8192).any(|byte| *byte == 0)
}

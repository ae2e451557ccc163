//! Operations that look.

use super::error::FileError;
use super::store::{FileEntry, FileStore, folder_of, name_of, normal_path};
use super::table::{Table, front_matter};
use nex_tools::workspace::Glob;
use regex::RegexBuilder;
use serde_json::{Map, Value, json};

/// A longer line is shown cut.
const MAX_LINE_CHARS: usize = 400;

/// A string argument; the schema has made sure that required ones are there.
pub(super) fn text<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn path(arguments: &Value, name: &str) -> Result<String, FileError> {
    normal_path(text(arguments, name))
}

/// The path of a file: not the workspace itself.
pub(super) fn file_path(arguments: &Value, name: &str) -> Result<String, FileError> {
    let found = path(arguments, name)?;
    if found.is_empty() {
        return Err(FileError::new("invalid_path", format!("`{name}` is empty; give the path of a file")));
    }
    Ok(found)
}

pub(super) fn list_folder(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let folder = path(arguments, "path")?;
    let row = |entry: &FileEntry| match entry.size_bytes {
        Some(size_bytes) => {
            json!({"name": entry.name(), "path": entry.path, "kind": "file", "size_bytes": size_bytes})
        }
        None => json!({"name": entry.name(), "path": entry.path, "kind": "folder"}),
    };
    let entries: Vec<Value> = store.entries(&folder)?.iter().map(row).collect();
    Ok(json!({"path": folder, "entries": entries}))
}

pub(super) fn find_files(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let folder = path(arguments, "folder")?;
    let glob = pattern(text(arguments, "pattern"))?;
    let row = |entry: &FileEntry| {
        let parent = folder_of(&entry.path);
        json!({
            "path": entry.path,
            "name": entry.name(),
            "folder": parent,
            "folder_name": name_of(parent),
            "size_bytes": entry.size_bytes,
        })
    };
    let all = store.walk(&folder)?;
    let files: Vec<Value> =
        all.iter().filter(|entry| glob.is_match(inside(&entry.path, &folder))).map(row).collect();
    Ok(json!({"files": files}))
}

pub(super) fn search_text(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let folder = path(arguments, "folder")?;
    let wanted = text(arguments, "text");
    if wanted.is_empty() {
        return Err(FileError::new("invalid_text", "`text` is empty; give the words to look for"));
    }
    let is_regex = arguments.get("is_regex") == Some(&Value::Bool(true));
    let source = if is_regex { wanted.to_owned() } else { regex::escape(wanted) };
    let regex =
        RegexBuilder::new(&source).case_insensitive(true).size_limit(1 << 20).build().map_err(|error| {
            let cause = error.to_string().lines().last().unwrap_or("malformed").trim().to_owned();
            FileError::new("invalid_text", format!("`text` is no regular expression: {cause}"))
        })?;
    let glob = match text(arguments, "file_pattern") {
        "" => None,
        given => Some(pattern(given)?),
    };
    let mut matches = Vec::new();
    for entry in store.walk(&folder)? {
        if glob.as_ref().is_some_and(|glob| !glob.is_match(inside(&entry.path, &folder))) {
            continue;
        }
        // What is no text is not searched.
        let Ok(content) = store.read(&entry.path) else { continue };
        for (at, line) in content.lines().enumerate().filter(|(_, line)| regex.is_match(line)) {
            matches.push(json!({
                "path": entry.path,
                "name": entry.name(),
                "folder": folder_of(&entry.path),
                "line": at + 1,
                "text": shown(line),
            }));
        }
    }
    Ok(json!({"matches": matches}))
}

pub(super) fn find_json_key(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let folder = path(arguments, "folder")?;
    let key = text(arguments, "key");
    let mut matches = Vec::new();
    for entry in store.walk(&folder)?.iter().filter(|entry| entry.path.ends_with(".json")) {
        let Ok(content) = store.read(&entry.path) else { continue };
        let Ok(value) = serde_json::from_str::<Value>(&content) else { continue };
        let mut found = Vec::new();
        find_key(&value, key, &mut String::new(), &mut found);
        for (pointer, value) in found {
            matches.push(json!({
                "path": entry.path,
                "folder": folder_of(&entry.path),
                "pointer": pointer,
                "value": value,
            }));
        }
    }
    Ok(json!({"matches": matches}))
}

fn find_key(value: &Value, key: &str, pointer: &mut String, found: &mut Vec<(String, Value)>) {
    let Some(object) = value.as_object() else { return };
    for (name, below) in object {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        if name == key {
            found.push((pointer.clone(), below.clone()));
        }
        find_key(below, key, pointer, found);
        pointer.truncate(length);
    }
}

pub(super) fn read_file(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let content = store.read(&path)?;
    let mut reply = described(&path, &content);
    reply.insert("text".to_owned(), content.into());
    Ok(Value::Object(reply))
}

pub(super) fn file_info(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let content = store.read(&path)?;
    Ok(Value::Object(described(&path, &content)))
}

fn described(path: &str, content: &str) -> Map<String, Value> {
    let mut reply = Map::new();
    reply.insert("path".to_owned(), path.into());
    reply.insert("name".to_owned(), name_of(path).into());
    reply.insert("size_bytes".to_owned(), content.len().into());
    reply.insert("line_count".to_owned(), content.lines().count().into());
    if let Some(fields) = front_matter(content) {
        reply.insert("front_matter".to_owned(), Value::Object(fields.into_iter().collect()));
    }
    reply
}

pub(super) fn read_table(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let content = store.read(&path)?;
    let table = Table::read(&path, &content)?;
    Ok(json!({"path": path, "columns": table.columns, "rows": table.to_rows()}))
}

pub(super) fn read_json_value(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let pointer = text(arguments, "pointer");
    let value = json_of(store, &path)?;
    let found = value.pointer(pointer).ok_or_else(|| no_pointer(&path, pointer))?;
    Ok(json!({"path": path, "pointer": pointer, "value": found}))
}

pub(super) fn json_of(store: &dyn FileStore, path: &str) -> Result<Value, FileError> {
    let content = store.read(path)?;
    serde_json::from_str(&content)
        .map_err(|cause| FileError::new("not_json", format!("`{path}` is no JSON: {cause}")))
}

pub(super) fn no_pointer(path: &str, pointer: &str) -> FileError {
    FileError::new(
        "not_found",
        format!("`{path}` has nothing at `{pointer}`; find_json_key tells the pointer of a key"),
    )
}

fn pattern(text: &str) -> Result<Glob, FileError> {
    Glob::new(text).map_err(|error| FileError::new("invalid_pattern", error.to_string()))
}

/// `path` as seen from `folder`.
fn inside<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).map_or(path, |rest| rest.trim_start_matches('/'))
}

fn shown(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE_CHARS) {
        Some((end, _)) => format!("{} [cut]", &line[..end]),
        None => line.to_owned(),
    }
}

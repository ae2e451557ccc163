//! Operations that change something.

use super::error::FileError;
use super::read::{file_path, json_of, no_pointer, text};
use super::store::FileStore;
use super::table::{Table, scalar};
use crate::task::plain_text;
use serde_json::{Value, json};

pub(super) fn write_file(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let content = text(arguments, "text");
    let is_new = store.read(&path).is_err();
    store.write(&path, content)?;
    Ok(json!({
        "path": path,
        "is_new": is_new,
        "size_bytes": content.len(),
        "line_count": content.lines().count(),
    }))
}

pub(super) fn append_line(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let line = text(arguments, "line");
    if line.contains('\n') {
        return Err(FileError::new("invalid_text", "`line` has a line break; append its lines one by one"));
    }
    let mut content = store.read(&path)?;
    if !content.is_empty() && !content.ends_with('\n') {
        content.push('\n');
    }
    content.push_str(line);
    content.push('\n');
    store.write(&path, &content)?;
    Ok(json!({"path": path, "line_count": content.lines().count()}))
}

pub(super) fn replace_text(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let (old, new) = (text(arguments, "old_text"), text(arguments, "new_text"));
    if old.is_empty() || old == new {
        return Err(FileError::new(
            "invalid_text",
            "`old_text` must not be empty, nor the same as `new_text`",
        ));
    }
    let content = store.read(&path)?;
    match content.matches(old).count() {
        1 => {}
        0 => {
            let advice = "read the file again and copy the text exactly";
            return Err(FileError::new("no_match", format!("`{path}` does not hold `old_text`; {advice}")));
        }
        found => {
            let advice = "include more of the text around it";
            let message = format!("`{path}` holds `old_text` {found} times; {advice}");
            return Err(FileError::new("many_matches", message));
        }
    }
    store.write(&path, &content.replacen(old, new, 1))?;
    Ok(json!({"path": path, "replaced": 1}))
}

pub(super) fn set_json_value(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let pointer = text(arguments, "pointer");
    let new = arguments.get("value").cloned().unwrap_or_default();
    let mut whole = json_of(store, &path)?;
    let place = whole.pointer_mut(pointer).ok_or_else(|| no_pointer(&path, pointer))?;
    if place.is_object() || place.is_array() {
        return Err(FileError::new(
            "not_a_value",
            format!("`{pointer}` in `{path}` holds others; set one of them"),
        ));
    }
    let old = std::mem::replace(place, new.clone());
    let mut content = serde_json::to_string_pretty(&whole).expect("a value has text keys only");
    content.push('\n');
    store.write(&path, &content)?;
    Ok(json!({"path": path, "pointer": pointer, "old": old, "new": new}))
}

pub(super) fn set_table_cell(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    let (key_column, key) = (text(arguments, "key_column"), text(arguments, "key"));
    let column = text(arguments, "column");
    let value = plain_text(arguments.get("value").unwrap_or(&Value::Null));
    if value.contains('\n') {
        return Err(FileError::new("invalid_text", "`value` has a line break"));
    }
    let content = store.read(&path)?;
    let table = Table::read(&path, &content)?;
    let (key_at, at) = (table.column(&path, key_column)?, table.column(&path, column)?);
    let rows: Vec<usize> = (0..table.rows.len()).filter(|row| table.rows[*row].1[key_at] == key).collect();
    let row = match rows[..] {
        [row] => row,
        [] => {
            let message = format!("no row of `{path}` has `{key}` as its {key_column}");
            return Err(FileError::new("no_match", message));
        }
        _ => {
            let message = format!("{} rows of `{path}` have `{key}` as their {key_column}", rows.len());
            return Err(FileError::new("many_matches", message));
        }
    };
    let old = scalar(&table.rows[row].1[at]);
    let changed = table.with_cell(row, at, &value);
    store.write(&path, &changed)?;
    Ok(json!({"path": path, "key": key, "column": column, "old": old, "new": scalar(&value)}))
}

pub(super) fn move_file(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let reply = copy_file(store, arguments)?;
    store.remove(&file_path(arguments, "from")?)?;
    Ok(reply)
}

pub(super) fn copy_file(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let (from, to) = (file_path(arguments, "from")?, file_path(arguments, "to")?);
    let content = store.read(&from)?;
    match store.read(&to) {
        Err(error) if error.code == "not_found" || error.code == "not_a_folder" => {}
        Err(error) if error.code == "not_a_file" => {
            let message = format!("`{to}` is a folder; give the new path with the file's name");
            return Err(FileError::new("already_exists", message));
        }
        _ => return Err(FileError::new("already_exists", format!("`{to}` is there already"))),
    }
    store.write(&to, &content)?;
    Ok(json!({"from": from, "to": to}))
}

pub(super) fn delete_file(store: &mut dyn FileStore, arguments: &Value) -> Result<Value, FileError> {
    let path = file_path(arguments, "path")?;
    store.remove(&path)?;
    Ok(json!({"path": path, "is_deleted": true}))
}

//! The operations of the files world, each a tool: what it is called, what it takes, what it does.
//!
//! An operation is a function of the store and the arguments; it replies with a JSON object or
//! with a [`FileError`]. Invariant: an operation that fails has changed nothing.

use super::error::FileError;
use super::store::FileStore;
use super::{read, write};
use nex_tools::ToolDeclaration;
use nex_trajectory::ToolSpec;
use serde_json::{Map, Value, json};
use std::sync::{Arc, LazyLock};

/// One operation.
pub struct FileOperation {
    /// Its name, which is the tool's.
    pub name: &'static str,
    /// Whether it may change the workspace.
    pub is_write: bool,
    /// `find`, `list`, `get`, `create`, `update`, `delete`.
    pub kind: &'static str,
    /// Key of the list in its reply, for those that reply with rows, page by page.
    pub list: Option<&'static str>,
    pub(crate) run: Run,
    pub(crate) declaration: Arc<ToolDeclaration>,
}

type Run = fn(&mut dyn FileStore, &Value) -> Result<Value, FileError>;

impl FileOperation {
    /// The tool as declared.
    pub fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }
}

/// All operations, in the order in which tools are offered.
pub fn operations() -> &'static [FileOperation] {
    static OPERATIONS: LazyLock<Vec<FileOperation>> = LazyLock::new(declare);
    &OPERATIONS
}

/// The operation `name`.
pub fn operation(name: &str) -> Option<&'static FileOperation> {
    operations().iter().find(|operation| operation.name == name)
}

/// Name, kind, list, description, arguments (an `?` marks optional ones), function.
type Row = (&'static str, &'static str, Option<&'static str>, &'static str, &'static [&'static str], Run);

const TABLE: [Row; 16] = [
    (
        "list_folder",
        "list",
        Some("entries"),
        "Lists the files and folders directly inside a folder. An empty path is the workspace itself.",
        &["path", "cursor?"],
        read::list_folder,
    ),
    (
        "find_files",
        "find",
        Some("files"),
        "Finds files by a pattern on their path below a folder, such as `*.csv`, `**/brief.md` or `2025-*/*.txt`. A pattern without a slash is held against the file's name.",
        &["pattern", "folder?", "cursor?"],
        read::find_files,
    ),
    (
        "search_text",
        "find",
        Some("matches"),
        "Finds the lines that contain a text, upper and lower case alike, in the files below a folder. With is_regex the text is a regular expression.",
        &["text", "folder?", "file_pattern?", "is_regex?", "cursor?"],
        read::search_text,
    ),
    (
        "find_json_key",
        "find",
        Some("matches"),
        "Finds a key in the JSON files below a folder, with its place as a JSON pointer and its value.",
        &["key", "folder?", "cursor?"],
        read::find_json_key,
    ),
    (
        "read_file",
        "get",
        None,
        "Reads a text file. The fields between two `---` lines at its head come as front_matter too.",
        &["path"],
        read::read_file,
    ),
    (
        "read_table",
        "list",
        Some("rows"),
        "Reads a CSV file as rows. Columns are named by its first line.",
        &["path", "cursor?"],
        read::read_table,
    ),
    (
        "read_json_value",
        "get",
        None,
        "Reads the value at a JSON pointer, such as `/reminders/days`, in a JSON file. An empty pointer is the whole.",
        &["path", "pointer"],
        read::read_json_value,
    ),
    (
        "file_info",
        "get",
        None,
        "Tells size, number of lines and the fields of the front matter of a file, without its text.",
        &["path"],
        read::file_info,
    ),
    (
        "write_file",
        "create",
        None,
        "Writes a text file, replacing what it held before. Folders on the way are made.",
        &["path", "text"],
        write::write_file,
    ),
    (
        "append_line",
        "update",
        None,
        "Adds one line at the end of a file.",
        &["path", "line"],
        write::append_line,
    ),
    (
        "replace_text",
        "update",
        None,
        "Replaces a text in a file by another. The old text must occur exactly once.",
        &["path", "old_text", "new_text"],
        write::replace_text,
    ),
    (
        "set_json_value",
        "update",
        None,
        "Sets the value at a JSON pointer in a JSON file. The pointer must lead to a value that is there.",
        &["path", "pointer", "value"],
        write::set_json_value,
    ),
    (
        "set_table_cell",
        "update",
        None,
        "Sets one cell of a CSV file: the one in `column` of the only row whose `key_column` holds `key`.",
        &["path", "key_column", "key", "column", "value"],
        write::set_table_cell,
    ),
    (
        "move_file",
        "update",
        None,
        "Moves or renames a file. Folders on the way are made; a file that is there is never replaced.",
        &["from", "to"],
        write::move_file,
    ),
    (
        "copy_file",
        "create",
        None,
        "Copies a file. Folders on the way are made; a file that is there is never replaced.",
        &["from", "to"],
        write::copy_file,
    ),
    ("delete_file", "delete", None, "Deletes a file for good.", &["path"], write::delete_file),
];

fn declare() -> Vec<FileOperation> {
    TABLE
        .iter()
        .map(|(name, kind, list, description, arguments, run)| {
            let is_optional = |argument: &&&str| argument.ends_with('?');
            let plain = |argument: &str| argument.trim_end_matches('?').to_owned();
            let properties: Map<String, Value> =
                arguments.iter().map(|argument| (plain(argument), schema(&plain(argument)))).collect();
            let required: Vec<String> =
                arguments.iter().filter(|argument| !is_optional(argument)).map(|a| plain(a)).collect();
            let input_schema = json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            });
            let spec = ToolSpec { name: (*name).into(), description: (*description).into(), input_schema };
            let declaration = ToolDeclaration::new(spec).expect("the schemas of the table are valid");
            FileOperation {
                name,
                is_write: matches!(*kind, "create" | "update" | "delete"),
                kind,
                list: *list,
                run: *run,
                declaration: Arc::new(declaration),
            }
        })
        .collect()
}

fn schema(argument: &str) -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    match argument {
        "path" => text("Path relative to the workspace."),
        "from" => text("Path of the file, relative to the workspace."),
        "to" => text("Its new path, with the file's name."),
        "folder" => text("Folder to look in; the whole workspace if left out."),
        "pattern" => text("File pattern with *, ?, [abc], {a,b} and **."),
        "file_pattern" => text("Only files that fit this pattern."),
        "cursor" => text("next_cursor of the reply before, for the rows after it."),
        "text" => text("The text."),
        "key" => text("The key."),
        "is_regex" => json!({"type": "boolean", "description": "The text is a regular expression."}),
        "pointer" => text("JSON pointer."),
        "line" => text("The line, without a line break."),
        "old_text" => text("The text as it stands in the file."),
        "new_text" => text("The text to put in its place."),
        "key_column" => text("Column that tells the row."),
        "column" => text("Column of the cell."),
        "value" => json!({"type": ["string", "number", "boolean"], "description": "The new value."}),
        other => unreachable!("the table names no argument `{other}`"),
    }
}

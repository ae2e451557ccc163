//! Tables in CSV and the front matter of notes: text to values, and one cell back into the text.

use super::error::FileError;
use indexmap::IndexMap;
use serde_json::{Map, Value};

/// A CSV file, read line by line. A cell has no line break.
pub(crate) struct Table<'a> {
    pub(crate) columns: Vec<String>,
    /// Number of the line in the file, from 0, and its cells.
    pub(crate) rows: Vec<(usize, Vec<String>)>,
    lines: Vec<&'a str>,
}

impl<'a> Table<'a> {
    pub(crate) fn read(path: &str, text: &'a str) -> Result<Self, FileError> {
        let refuse = |cause: String| FileError::new("not_a_table", format!("`{path}` is no table: {cause}"));
        let lines: Vec<&str> = text.lines().collect();
        let mut filled = lines.iter().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, head) = filled.next().ok_or_else(|| refuse("it is empty".to_owned()))?;
        let columns = cells(head);
        if columns.len() < 2 {
            return Err(refuse("its first line names fewer than two columns".to_owned()));
        }
        let mut rows = Vec::new();
        for (number, line) in filled {
            let row = cells(line);
            if row.len() != columns.len() {
                return Err(refuse(format!(
                    "line {} has {} cells, the first line {}",
                    number + 1,
                    row.len(),
                    columns.len()
                )));
            }
            rows.push((number, row));
        }
        Ok(Self { columns, rows, lines })
    }

    pub(crate) fn to_rows(&self) -> Vec<Value> {
        let object = |row: &Vec<String>| -> Value {
            let pairs = self.columns.iter().cloned().zip(row.iter().map(|cell| scalar(cell)));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        self.rows.iter().map(|(_, row)| object(row)).collect()
    }

    pub(crate) fn column(&self, path: &str, name: &str) -> Result<usize, FileError> {
        self.columns.iter().position(|column| column == name).ok_or_else(|| {
            let known = self.columns.join(", ");
            FileError::new("no_column", format!("`{path}` has no column `{name}`; it has {known}"))
        })
    }

    /// The file's text with `value` in `column` of the row at `at`.
    pub(crate) fn with_cell(&self, at: usize, column: usize, value: &str) -> String {
        let (number, row) = &self.rows[at];
        let mut row = row.clone();
        row[column] = value.to_owned();
        let line = row.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(",");
        let mut text = String::new();
        for (at, old) in self.lines.iter().enumerate() {
            text.push_str(if at == *number { &line } else { old });
            text.push('\n');
        }
        text
    }
}

fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut is_quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let cell = cells.last_mut().expect("there is a first cell");
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.is_empty() => is_quoted = true,
            ',' if !is_quoted => cells.push(String::new()),
            other => cell.push(other),
        }
    }
    cells
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell.to_owned() }
}

/// A number where the text is one as JSON writes it, else the text.
pub(crate) fn scalar(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

/// The lines `key: value` between two lines `---` at the head of a note.
pub(crate) fn front_matter(text: &str) -> Option<IndexMap<String, Value>> {
    let mut lines = text.lines();
    if lines.next()?.trim_end() != "---" {
        return None;
    }
    let mut fields = IndexMap::new();
    for line in lines {
        if line.trim_end() == "---" {
            return Some(fields);
        }
        let (key, value) = line.split_once(':')?;
        fields.insert(key.trim().to_owned(), scalar(value.trim()));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_cell_is_set_and_nothing_else_moves() {
        let text = "number,client,amount\nR-1,\"Hay, Son\",120\n\nR-2,Moor,007\n";
        let table = Table::read("t.csv", text).expect("a table");
        assert_eq!(
            Value::from(table.to_rows()),
            json!([
                {"number": "R-1", "client": "Hay, Son", "amount": 120},
                {"number": "R-2", "client": "Moor", "amount": "007"},
            ])
        );
        assert_eq!(table.with_cell(1, 1, "Moor \"A\""), text.replace("Moor", "\"Moor \"\"A\"\"\""));
        assert_eq!(table.with_cell(0, 2, "120"), text);
    }

    #[test]
    fn tables_and_notes_that_are_none() {
        for text in ["", "one\n", "a,b\n1\n"] {
            assert!(Table::read("t.csv", text).is_err(), "{text}");
        }
        assert_eq!(front_matter("---\na: 1\n"), None);
        assert_eq!(front_matter("# Title\n"), None);
        let fields = front_matter("---\nstatus: final\nfee: 12\n---\ntext").expect("front matter");
        assert_eq!(json!(fields), json!({"status": "final", "fee": 12}));
    }
}

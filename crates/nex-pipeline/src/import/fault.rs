//! What is wrong with one record of a foreign file: where, why, and the way out.

use super::json::Json;
use serde::Serialize;
use std::fmt;

/// One record that could not be read. It ends the record, not the import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// The line on which the record begins, from 1; 0 where the whole file is concerned.
    pub line: u64,
    /// The key concerned, as `messages[2].tool_calls[0]`; empty where the record as a whole is.
    pub key: String,
    /// What was found, and the way out.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "`{}`: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// A fault inside a record, before its place is known. The path grows outwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) key: String,
    pub(crate) message: String,
}

impl Wrong {
    /// The record as a whole is wrong.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { key: String::new(), message: message.into() }
    }

    /// What stands at `key` is wrong.
    pub(crate) fn at(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }

    /// `key` should hold `wanted` and holds `found`, or nothing.
    pub(crate) fn wanted(key: &str, wanted: &str, found: Option<Json<'_>>) -> Self {
        let message = match found {
            Some(found) => format!("is {}, but should be {wanted}", found.kind().words()),
            None => format!("is missing; it should be {wanted}"),
        };
        Self::at(key, message)
    }

    /// The same, seen from outside: it stands in `key`.
    #[must_use]
    pub(crate) fn inside(mut self, key: &str) -> Self {
        self.key = match self.key.as_str() {
            "" => key.to_owned(),
            inner if inner.starts_with('[') => format!("{key}{inner}"),
            inner => format!("{key}.{inner}"),
        };
        self
    }

    /// The same, seen from outside: it stands in item `index` of `key`.
    #[must_use]
    pub(crate) fn in_item(self, key: &str, index: usize) -> Self {
        self.inside(&format!("{key}[{index}]"))
    }

    /// With its place.
    pub(crate) fn in_file(self, file: &str, line: u64) -> Fault {
        Fault { file: file.to_owned(), line, key: self.key, message: self.message }
    }
}

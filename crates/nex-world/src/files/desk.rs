//! [`Desk`]: one run's calls on a store: faults, pages, rules and the log.
//!
//! In: operation and arguments. Out: the reply that the agent reads. Whether a call meets a fault
//! depends on the seed, the call and how often this very call was made, not on its place among the
//! others, so that calls in parallel come out the same.

use super::operations::{FileOperation, operation};
use super::rules::breaches;
use super::store::FileStore;
use crate::task::Faults;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Rows of a page, where nothing cuts it shorter.
const PAGE_ROWS: usize = 100;

/// One call that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileCall {
    /// The operation.
    pub operation: String,
    /// Its arguments.
    pub arguments: Value,
    /// The code of the error it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Rules that it broke, if it succeeded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breaches: Vec<String>,
    /// Faults that it met: `transient`, `truncate`, `verbose`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub struct FileReply {
    /// The reply, or `{"error": {"code", "message"}}`.
    pub value: Value,
    /// Whether it is an error.
    pub is_error: bool,
}

/// One run's calls on a store.
#[derive(Debug)]
pub struct Desk<S> {
    store: S,
    faults: Faults,
    seed: u64,
    /// How often each call was made.
    made: HashMap<String, u64>,
    log: Vec<FileCall>,
}

impl<S: FileStore> Desk<S> {
    /// A desk on `store` that misbehaves as `faults` say, by `seed`.
    pub fn new(store: S, faults: Faults, seed: u64) -> Self {
        Self { store, faults, seed, made: HashMap::new(), log: Vec::new() }
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The calls so far.
    pub fn log(&self) -> &[FileCall] {
        &self.log
    }

    /// Makes one call. Arguments that the schema would refuse count as left out.
    pub fn call(&mut self, name: &str, arguments: &Value) -> FileReply {
        let mut call = FileCall {
            operation: name.to_owned(),
            arguments: arguments.clone(),
            error: None,
            breaches: Vec::new(),
            faults: Vec::new(),
        };
        let outcome = self.perform(name, arguments, &mut call);
        let reply = match outcome {
            Ok(value) => FileReply { value, is_error: false },
            Err(error) => {
                call.error = Some(error.code.to_owned());
                FileReply { value: error.to_reply(), is_error: true }
            }
        };
        self.log.push(call);
        reply
    }

    fn perform(
        &mut self,
        name: &str,
        arguments: &Value,
        call: &mut FileCall,
    ) -> Result<Value, super::FileError> {
        let Some(operation) = operation(name) else {
            return Err(super::FileError::new(
                "unknown_operation",
                format!("there is no operation `{name}`"),
            ));
        };
        let key = format!("{name} {arguments}");
        let times = self.made.entry(key.clone()).or_default();
        *times += 1;
        let times = *times;
        if self.chance("transient", &key, times) < self.faults.transient {
            call.faults.push("transient".to_owned());
            let message = "the file server does not answer right now; try again";
            return Err(super::FileError::new("unavailable", message));
        }
        let broken = match operation.is_write {
            true => breaches(&self.store, name, arguments),
            false => Vec::new(),
        };
        let mut reply = (operation.run)(&mut self.store, arguments)?;
        call.breaches = broken;
        if let Some(list) = operation.list {
            self.cut_page(operation, list, arguments, &mut reply, call)?;
        }
        if self.chance("verbose", &key, times) < self.faults.verbose
            && let Some(object) = reply.as_object_mut()
        {
            call.faults.push("verbose".to_owned());
            object.insert(
                "server".to_owned(),
                json!({"name": "files-2", "volume": "/vol/office", "cache": "miss"}),
            );
            object.insert(
                "access".to_owned(),
                json!({"owner": "office", "group": "staff", "mode": "rw-rw-r--"}),
            );
        }
        Ok(reply)
    }

    /// One page of the list in `reply`.
    fn cut_page(
        &self,
        operation: &FileOperation,
        list: &str,
        arguments: &Value,
        reply: &mut Value,
        call: &mut FileCall,
    ) -> Result<(), super::FileError> {
        let mut whole = arguments.clone();
        if let Some(object) = whole.as_object_mut() {
            object.shift_remove("cursor");
        }
        // All pages of a list are of one size.
        let key = format!("{} {whole}", operation.name);
        let is_short = self.chance("truncate", &key, 0) < self.faults.truncate;
        let size = if is_short { 3 + (self.chance("size", &key, 0) * 4.0) as usize } else { PAGE_ROWS };
        let start = match arguments.get("cursor").and_then(Value::as_str) {
            None | Some("") => 0,
            Some(cursor) => {
                cursor.strip_prefix("row-").and_then(|row| row.parse().ok()).ok_or_else(|| {
                    let message = format!("`{cursor}` is no cursor; take next_cursor of the reply before");
                    super::FileError::new("invalid_cursor", message)
                })?
            }
        };
        let Some(object) = reply.as_object_mut() else { return Ok(()) };
        let Some(Value::Array(rows)) = object.get_mut(list) else { return Ok(()) };
        let total = rows.len();
        let page: Vec<Value> = rows.drain(..).skip(start).take(size).collect();
        let end = start + page.len();
        object.insert("count".to_owned(), page.len().into());
        object.insert(list.to_owned(), page.into());
        object.insert("total".to_owned(), total.into());
        object.insert("has_more".to_owned(), (end < total).into());
        if end < total {
            object.insert("next_cursor".to_owned(), format!("row-{end}").into());
            if is_short {
                call.faults.push("truncate".to_owned());
            }
        }
        Ok(())
    }

    /// A number in [0, 1) from the seed and what it is for.
    fn chance(&self, purpose: &str, key: &str, times: u64) -> f64 {
        let text = format!("{} {purpose} {times} {key}", self.seed);
        let digest = blake3::hash(text.as_bytes());
        let bits = u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"));
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

//! [`SearchDesk`]: one run's calls on a library: faults and the log.
//!
//! Whether a call meets a fault depends on the seed, the call and how often this very call was
//! made, so that calls in parallel come out the same.

use super::library::{Library, Refusal, full_url};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// One call that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchCall {
    /// The operation.
    pub operation: String,
    /// Its arguments.
    pub arguments: Value,
    /// The code of the error it failed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl SearchCall {
    /// The full url of the page that the call opened, if it opened one.
    pub(crate) fn opened(&self) -> Option<String> {
        if self.operation != "fetch" || self.error.is_some() {
            return None;
        }
        self.arguments.get("url").and_then(Value::as_str).map(full_url)
    }
}

/// One run's calls on a library.
#[derive(Clone, Debug)]
pub struct SearchDesk {
    library: Arc<Library>,
    faults: f64,
    seed: u64,
    made: HashMap<String, u64>,
    log: Vec<SearchCall>,
}

impl SearchDesk {
    /// A desk on `library` where a call fails with chance `faults`, by `seed`.
    pub fn new(library: Arc<Library>, faults: f64, seed: u64) -> Self {
        Self { library, faults, seed, made: HashMap::new(), log: Vec::new() }
    }

    /// The library.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The calls so far.
    pub fn log(&self) -> &[SearchCall] {
        &self.log
    }

    /// Makes one call: its reply, or the error that the agent reads.
    ///
    /// # Errors
    /// `{"error": {"code", "message"}}`.
    pub fn call(&mut self, operation: &str, arguments: &Value) -> Result<Value, Value> {
        let outcome = self.perform(operation, arguments);
        self.log.push(SearchCall {
            operation: operation.to_owned(),
            arguments: arguments.clone(),
            error: outcome.as_ref().err().map(|refusal| refusal.code.to_owned()),
        });
        outcome.map_err(|refusal| refusal.to_reply())
    }

    fn perform(&mut self, operation: &str, arguments: &Value) -> Result<Value, Refusal> {
        let key = format!("{operation} {arguments}");
        let times = self.made.entry(key.clone()).or_default();
        *times += 1;
        if chance(self.seed, *times, &key) < self.faults {
            return Err(Refusal::new("unavailable", "the library does not answer right now; try again"));
        }
        let text = |name: &str| arguments.get(name).and_then(Value::as_str);
        let needed = |name: &str| {
            text(name)
                .ok_or_else(|| Refusal::new("invalid_argument", format!("`{name}` must be given as text")))
        };
        match operation {
            "search" => self.library.search(needed("query")?, text("cursor")),
            "fetch" => self.library.fetch(needed("url")?, text("cursor")),
            "find_in_page" => self.library.find_in_page(needed("url")?, needed("text")?),
            other => Err(Refusal::new("unknown_operation", format!("there is no operation `{other}`"))),
        }
    }
}

/// A number in [0, 1) from the seed and what it is for.
fn chance(seed: u64, times: u64, key: &str) -> f64 {
    let digest = blake3::hash(format!("{seed} search {times} {key}").as_bytes());
    let bits = u64::from_le_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

//! Answering from a cassette.

use super::{Line, RequestKey, chain, hex, preview};
use crate::json::reason;
use crate::{ChatModel, ChatReply, ChatRequest, LlmError};
use async_trait::async_trait;
use nex_trajectory::ModelIdentity;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::path::Path;

/// A model that gives the replies of a cassette, each once.
pub struct Replay {
    source_name: String,
    text: Vec<u8>,
    /// In file order.
    entries: Vec<Entry>,
    places: HashMap<RequestKey, Vec<usize>>,
    is_used: Mutex<Vec<bool>>,
}

struct Entry {
    key: RequestKey,
    occurrence: u32,
    session: String,
    preview: String,
    line_number: usize,
    bounds: std::ops::Range<usize>,
}

impl Replay {
    /// Opens the cassette `path`. A last line that was cut off by a kill is passed over.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`], with file and line: it cannot be read or is no cassette.
    pub fn open(path: &Path) -> Result<Self, LlmError> {
        let source_name = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| {
            LlmError::Misconfigured(format!("cannot read cassette {source_name}: {error}"))
        })?;
        let mut entries = Vec::new();
        let mut places: HashMap<RequestKey, Vec<usize>> = HashMap::new();
        let mut start = 0;
        let mut line_number = 0;
        while let Some(length) = memchr::memchr(b'\n', &text[start..]) {
            let bounds = start..start + length;
            start += length + 1;
            line_number += 1;
            if bounds.is_empty() {
                continue;
            }
            let line: Line<'_> = serde_json::from_slice(&text[bounds.clone()]).map_err(|error| {
                LlmError::Misconfigured(format!(
                    "{source_name}:{line_number}: not a line of a cassette: {}",
                    reason(&error)
                ))
            })?;
            places.entry(line.key.clone()).or_default().push(entries.len());
            entries.push(Entry {
                key: line.key,
                occurrence: line.occurrence,
                session: line.session.into_owned(),
                preview: line.preview.into_owned(),
                line_number,
                bounds,
            });
        }
        for equal in places.values_mut() {
            equal.sort_by_key(|place| entries[*place].occurrence);
        }
        let is_used = Mutex::new(vec![false; entries.len()]);
        Ok(Self { source_name, text, entries, places, is_used })
    }

    /// The entry for this request: its own session's first, then any that is left.
    fn take(&self, key: &RequestKey, session: &str) -> Option<&Entry> {
        let equal = self.places.get(key)?;
        let mut is_used = self.is_used.lock();
        let is_left = |place: &&usize| !is_used[**place];
        let own = equal.iter().filter(is_left).find(|place| self.entries[**place].session == session);
        let place = *own.or_else(|| equal.iter().find(is_left))?;
        is_used[place] = true;
        Some(&self.entries[place])
    }

    /// What was asked and how it differs from the nearest thing recorded.
    fn not_recorded(&self, request: &ChatRequest<'_>, key: &RequestKey) -> LlmError {
        let asked = format!(
            "the request of agent `{}` after {} messages, last `{}`",
            key.agent,
            key.message_count,
            preview(request.transcript.messages().last().map(|message| &**message))
        );
        let why = self.difference(request, key);
        LlmError::NotRecorded { source_name: self.source_name.clone(), wanted: format!("{asked}: {why}") }
    }

    fn difference(&self, request: &ChatRequest<'_>, key: &RequestKey) -> String {
        if let Some(equal) = self.places.get(key) {
            return format!("it was recorded {} times and is asked once more", equal.len());
        }
        if let Some(entry) = self.entries.iter().find(|entry| entry.key.messages == key.messages) {
            let mut what = Vec::new();
            if entry.key.agent != key.agent {
                what.push(format!("the agent was `{}`", entry.key.agent));
            }
            if entry.key.tools != key.tools {
                what.push("its tools were declared otherwise".to_owned());
            }
            if entry.key.sampling != key.sampling {
                what.push("it was sampled otherwise".to_owned());
            }
            return format!("line {} has this conversation, but {}", entry.line_number, what.join(" and "));
        }
        let mut chained = Vec::new();
        let mut digests = vec![hex(&chained)];
        for message in request.transcript.messages() {
            chained = chain(&chained, message).to_vec();
            digests.push(hex(&chained));
        }
        let is_common = |entry: &&Entry| digests.get(entry.key.message_count) == Some(&entry.key.messages);
        let nearest = self.entries.iter().filter(is_common).max_by_key(|entry| entry.key.message_count);
        if let Some(entry) = nearest.filter(|entry| entry.key.message_count > 0) {
            return format!(
                "line {} has its first {} messages; what follows was never recorded",
                entry.line_number, entry.key.message_count
            );
        }
        match self.entries.iter().find(|entry| entry.key.agent == key.agent) {
            Some(entry) => format!(
                "no recorded conversation starts like this one; line {} of the same agent has `{}` last",
                entry.line_number, entry.preview
            ),
            None => format!("the cassette has {} replies and none for this agent", self.entries.len()),
        }
    }
}

#[async_trait]
impl ChatModel for Replay {
    fn identity(&self) -> ModelIdentity {
        ModelIdentity { provider: "replay".to_owned(), model: self.source_name.clone() }
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let key = RequestKey::of(request);
        let Some(entry) = self.take(&key, request.session) else {
            return Err(self.not_recorded(request, &key));
        };
        let line: Line<'_> = serde_json::from_slice(&self.text[entry.bounds.clone()])
            .expect("the line was read when the cassette was opened");
        Ok(line.reply.into_owned())
    }
}

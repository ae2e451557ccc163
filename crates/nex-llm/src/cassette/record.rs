//! Writing a cassette while a model answers.

use super::{Line, RequestKey, preview};
use crate::json::reason;
use crate::{ChatModel, ChatReply, ChatRequest, LlmError};
use async_trait::async_trait;
use nex_trajectory::ModelIdentity;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A model whose replies are kept. Failures are not kept: record above the retry.
pub struct Recording<M> {
    inner: M,
    path: PathBuf,
    tape: Mutex<Tape>,
}

struct Tape {
    file: File,
    length: u64,
    counts: HashMap<RequestKey, u32>,
}

impl<M> Recording<M> {
    /// Keeps the replies of `inner` in the cassette `path`, after what it already holds. A last
    /// line that was cut off by a kill is removed.
    ///
    /// # Errors
    /// [`LlmError::Misconfigured`]: the file cannot be opened, or holds something else.
    pub fn new(inner: M, path: &Path) -> Result<Self, LlmError> {
        let io = |error: std::io::Error| {
            LlmError::Misconfigured(format!("cannot record to {}: {error}", path.display()))
        };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(io)?;
        let length = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let mut counts = HashMap::new();
        for (index, line) in text[..length].split(|byte| *byte == b'\n').enumerate() {
            if line.is_empty() {
                continue;
            }
            let line: Line<'_> = serde_json::from_slice(line).map_err(|error| {
                LlmError::Misconfigured(format!(
                    "{}:{}: not a line of a cassette: {}; record to another file",
                    path.display(),
                    index + 1,
                    reason(&error)
                ))
            })?;
            *counts.entry(line.key).or_default() += 1;
        }
        file.set_len(length as u64).map_err(io)?;
        file.seek(SeekFrom::Start(length as u64)).map_err(io)?;
        let tape = Mutex::new(Tape { file, length: length as u64, counts });
        Ok(Self { inner, path: path.to_owned(), tape })
    }

    fn keep(&self, request: &ChatRequest<'_>, reply: &ChatReply) -> std::io::Result<()> {
        let key = RequestKey::of(request);
        let mut tape = self.tape.lock();
        let occurrence = tape.counts.get(&key).copied().unwrap_or(0) + 1;
        let line = Line {
            key: key.clone(),
            occurrence,
            session: Cow::Borrowed(request.session),
            preview: preview(request.transcript.messages().last().map(|message| &**message)).into(),
            reply: Cow::Borrowed(reply),
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        if let Err(error) = tape.file.write_all(&bytes) {
            // Half a line would spoil the next one.
            let length = tape.length;
            tape.file.set_len(length)?;
            tape.file.seek(SeekFrom::Start(length))?;
            return Err(error);
        }
        tape.length += bytes.len() as u64;
        tape.counts.insert(key, occurrence);
        Ok(())
    }
}

#[async_trait]
impl<M: ChatModel> ChatModel for Recording<M> {
    fn identity(&self) -> ModelIdentity {
        self.inner.identity()
    }

    async fn complete(&self, request: &ChatRequest<'_>) -> Result<ChatReply, LlmError> {
        let reply = self.inner.complete(request).await?;
        self.keep(request, &reply).map_err(|error| {
            LlmError::Misconfigured(format!("cannot record to {}: {error}", self.path.display()))
        })?;
        Ok(reply)
    }
}

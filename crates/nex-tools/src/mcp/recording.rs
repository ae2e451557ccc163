//! Recordings: what a real MCP server listed and answered, kept in a file and given again.
//!
//! ```text
//! client ◄─stdio─► proxy ◄─stdio─► real server        recording ─► replay ◄─stdio─► client
//!                    └──► recording (JSONL)
//! ```
//! A recording is JSON lines, `{"v":1,"crc":"89abcdef","record":{…}}` as in an episode store, each
//! appended by one write. A session begins with an [`Opened`]; its [`ToolsListed`] and its
//! [`RecordedCall`]s name it, so that several sessions may stand in one file, one after the other
//! or mixed.
//!
//! **Kept**: the server's own name, version and capabilities; its tools; of each call the tool, the
//! arguments, the answer, when it was sent and how long it took. **Not kept**: command line,
//! environment, headers, resources, prompts, logs. Values of secrets are replaced wherever they
//! occur in what is kept, see [`Redactor`].
//!
//! Invariant: the same recording and the same calls in the same order give the same answers.

mod proxy;
mod redact;
mod replay;
mod survey;

pub use proxy::{ProxyError, ProxyReport, record_stdio};
pub use redact::Redactor;
pub use replay::{Replay, ReplayOptions, serve_replay};
pub use survey::{PlannedCall, Survey, SurveyConfig, SurveyError, run_survey};

use super::spec::Era;
use nex_trajectory::store::{LineFault, decode_line, encode_line};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Version of the records that are written.
pub const RECORDING_VERSION: u32 = 1;

/// One record of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// A session began.
    Opened(Opened),
    /// The server listed its tools; a later list of the session takes the place of an earlier one.
    Tools(ToolsListed),
    /// A call ended.
    Call(RecordedCall),
}

/// The beginning of a session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    /// [`RECORDING_VERSION`].
    pub version: u32,
    /// Names the session in this file.
    pub session: String,
    /// What the person who records calls the server.
    pub label: String,
    /// The generation of the protocol.
    pub era: Era,
    /// The server's answer to the first request.
    pub opening: Value,
}

/// The tools of a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolsListed {
    /// The session.
    pub session: String,
    /// The tools as the server wrote them.
    pub tools: Vec<Value>,
}

/// One call and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// The session.
    pub session: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// Microseconds from the session's beginning to the call.
    pub at_us: u64,
    /// Microseconds from the call to its answer, or to the moment when it was given up.
    pub latency_us: u64,
    /// What came back.
    pub answer: RecordedAnswer,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RecordedAnswer {
    /// A result, which may say that the tool failed.
    Result {
        /// The result.
        result: Value,
    },
    /// An error of the protocol.
    Refused {
        /// JSON-RPC's code.
        code: i64,
        /// What the server says.
        message: String,
        /// What else it says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        data: Option<Value>,
    },
    /// None: the server ended, or the call was given up.
    Lost {
        /// What is known.
        cause: String,
    },
}

/// A recording cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read or written.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It was written by a newer program.
    #[error("{}, line {line}: {cause}; use a newer nex", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// Which version, and which is read.
        cause: String,
    },
    /// Nothing in it is a session.
    #[error("{}: there is no session in it; `nex mcp record --out FILE -- COMMAND` records one", .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A record is larger than a line may be.
    #[error("a record cannot be written: {cause}")]
    Encode {
        /// What is wrong with it.
        cause: String,
    },
}

/// Appends one session to a recording.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    path: PathBuf,
    session: String,
    label: String,
    redactor: Redactor,
    line: Vec<u8>,
}

impl Recorder {
    /// Opens the file at `path` for appending, or makes it. `session` must not occur in it.
    ///
    /// # Errors
    /// The file cannot be opened for reading and writing.
    pub fn open(
        path: &Path,
        session: String,
        label: String,
        redactor: Redactor,
    ) -> Result<Self, RecordingError> {
        let io = |cause| RecordingError::Io { path: path.to_owned(), cause };
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(io)?;
        // A line that a crash tore off is ended, so that it does not spoil ours.
        if file.metadata().map_err(io)?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1)).map_err(io)?;
            file.read_exact(&mut last).map_err(io)?;
            if last != *b"\n" {
                file.write_all(b"\n").map_err(io)?;
            }
        }
        Ok(Self { file, path: path.to_owned(), session, label, redactor, line: Vec::new() })
    }

    /// The session began.
    ///
    /// # Errors
    /// It cannot be written, as for the others.
    pub fn opened(&mut self, era: Era, opening: &Value) -> Result<(), RecordingError> {
        let opened = Opened {
            version: RECORDING_VERSION,
            session: self.session.clone(),
            label: self.label.clone(),
            era,
            opening: self.redactor.redact(opening),
        };
        self.append(&Record::Opened(opened))
    }

    /// The server listed `tools`.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn tools(&mut self, tools: &[Value]) -> Result<(), RecordingError> {
        let tools = tools.iter().map(|tool| self.redactor.redact(tool)).collect();
        let listed = ToolsListed { session: self.session.clone(), tools };
        self.append(&Record::Tools(listed))
    }

    /// A call ended.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
        at: Duration,
        latency: Duration,
        answer: RecordedAnswer,
    ) -> Result<(), RecordingError> {
        let answer = match answer {
            RecordedAnswer::Result { result } => {
                RecordedAnswer::Result { result: self.redactor.redact(&result) }
            }
            RecordedAnswer::Refused { code, message, data } => RecordedAnswer::Refused {
                code,
                message: self.redactor.redact_text(&message),
                data: data.map(|data| self.redactor.redact(&data)),
            },
            RecordedAnswer::Lost { cause } => {
                RecordedAnswer::Lost { cause: self.redactor.redact_text(&cause) }
            }
        };
        let call = RecordedCall {
            session: self.session.clone(),
            tool: tool.to_owned(),
            arguments: self.redactor.redact(arguments),
            at_us: at.as_micros() as u64,
            latency_us: latency.as_micros() as u64,
            answer,
        };
        self.append(&Record::Call(call))
    }

    fn append(&mut self, record: &Record) -> Result<(), RecordingError> {
        let encoded = encode_line(record, &mut self.line);
        encoded.map_err(|error| RecordingError::Encode { cause: error.to_string() })?;
        // One write a line: sessions of several processes may append to one file.
        let written = self.file.write_all(&self.line);
        written.map_err(|cause| RecordingError::Io { path: self.path.clone(), cause })
    }
}

/// A recording in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// In the order in which they began.
    pub sessions: Vec<RecordedSession>,
    /// Lines that were left out: their number from 1, and what is wrong with them.
    pub damaged: Vec<(usize, String)>,
}

/// One session of it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedSession {
    /// Its beginning.
    pub opened: Opened,
    /// The server's tools, as last listed.
    pub tools: Vec<Value>,
    /// Its calls, in the order in which they ended.
    pub calls: Vec<RecordedCall>,
}

impl Recording {
    /// Reads the recording at `path`. Damaged lines, such as one that a crash tore off, are left out
    /// and told.
    ///
    /// # Errors
    /// The file cannot be read, has no session, or is of a newer version.
    pub fn load(path: &Path) -> Result<Self, RecordingError> {
        let io = |cause| RecordingError::Io { path: path.to_owned(), cause };
        let mut reader = BufReader::new(File::open(path).map_err(io)?);
        let mut recording = Self { sessions: Vec::new(), damaged: Vec::new() };
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if reader.read_until(b'\n', &mut line).map_err(io)? == 0 {
                break;
            }
            let Some(text) = line.strip_suffix(b"\n") else {
                recording.damaged.push((number, "the last line is torn".to_owned()));
                break;
            };
            let record = match decode_line(text) {
                Ok(record) => record,
                Err(LineFault::Newer(version)) => {
                    let cause = LineFault::Newer(version).to_string();
                    return Err(RecordingError::Newer { path: path.to_owned(), line: number, cause });
                }
                Err(fault) => {
                    recording.damaged.push((number, fault.to_string()));
                    continue;
                }
            };
            match serde_json::from_slice(record) {
                Ok(Record::Opened(opened)) if opened.version > RECORDING_VERSION => {
                    let cause = format!(
                        "a recording of version {}, and this program reads {RECORDING_VERSION}",
                        opened.version
                    );
                    return Err(RecordingError::Newer { path: path.to_owned(), line: number, cause });
                }
                Ok(record) => recording.add(record, number),
                Err(cause) => recording.damaged.push((number, cause.to_string())),
            }
        }
        if recording.sessions.is_empty() {
            return Err(RecordingError::Empty { path: path.to_owned() });
        }
        Ok(recording)
    }

    fn add(&mut self, record: Record, number: usize) {
        let id = match &record {
            Record::Opened(opened) => {
                let opened = opened.clone();
                self.sessions.push(RecordedSession { opened, tools: Vec::new(), calls: Vec::new() });
                return;
            }
            Record::Tools(listed) => &listed.session,
            Record::Call(call) => &call.session,
        };
        let Some(session) = self.sessions.iter_mut().find(|session| session.opened.session == *id) else {
            self.damaged.push((number, format!("session `{id}` did not begin in this file")));
            return;
        };
        match record {
            Record::Tools(listed) => session.tools = listed.tools,
            Record::Call(call) => session.calls.push(call),
            Record::Opened(_) => {}
        }
    }

    /// All calls, session by session.
    pub fn calls(&self) -> impl Iterator<Item = &RecordedCall> {
        self.sessions.iter().flat_map(|session| &session.calls)
    }
}

/// JSON with the keys of its objects in order: equal for equal arguments.
pub(super) fn canonical(value: &Value) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(map) => {
                let mut keys: Vec<&String> = map.keys().collect();
                keys.sort_unstable();
                out.push('{');
                for (at, key) in keys.into_iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::from(key.as_str()).to_string());
                    out.push(':');
                    write(&map[key], out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            plain => out.push_str(&plain.to_string()),
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

#[cfg(test)]
mod tests;

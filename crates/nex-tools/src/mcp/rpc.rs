//! JSON-RPC over one pair of pipes: requests out, answers in, and whatever else a server writes.
//!
//! In: a method and its parameters. Out: the answer's text, or why there is none. What is no
//! JSON-RPC is counted and ignored, never answered. When the connection ends, every waiting
//! request fails at once.

use super::lines::{LineReader, LineWriter};
use super::process::Pipes;
use bytes::{BufMut, BytesMut};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::process::ChildStdout;
use tokio::sync::oneshot;

/// Answers to a server's own requests wait up to this many bytes; a server that asks faster than
/// it reads gets none.
const MAX_REPLY_BACKLOG_BYTES: usize = 1024 * 1024;

/// JSON-RPC's code for what is no JSON.
pub(super) const PARSE_ERROR: i64 = -32700;
/// JSON-RPC's code for what is JSON but no message.
pub(super) const INVALID_REQUEST: i64 = -32600;

/// One connection to one server.
pub(super) struct Connection {
    writer: LineWriter,
    shared: Arc<Shared>,
}

/// What the reader and the callers share.
struct Shared {
    /// `None` when the connection has ended.
    waiting: Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>,
    next_id: AtomicU64,
    counts: Counts,
    /// The server said that its list of tools changed.
    is_list_stale: AtomicBool,
    end: Mutex<Option<String>>,
    roots: Vec<String>,
}

/// What a server wrote besides answers.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Lines that are no JSON-RPC message.
    pub(super) junk_lines: AtomicU64,
    /// Answers to nothing that was asked, or asked no longer.
    pub(super) stray_answers: AtomicU64,
    /// Requests of the server.
    pub(super) server_requests: AtomicU64,
}

/// A request's answer.
pub(super) enum Answer {
    Result(Reply),
    Error(RpcError),
}

/// A successful answer.
pub(super) struct Reply {
    pub(super) result: Box<RawValue>,
    /// The line was not UTF-8.
    pub(super) is_lossy: bool,
}

/// An error in JSON-RPC's own shape.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct RpcError {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) data: Option<Value>,
}

/// Why a request has no result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum RpcFailure {
    /// The server refused.
    Refused(RpcError),
    /// The connection ended.
    Closed,
    /// No answer within the limit.
    Timeout,
}

#[derive(Serialize)]
struct Request<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: P,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    method: Option<std::borrow::Cow<'a, str>>,
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<RpcError>,
}

impl Connection {
    pub(super) fn new(pipes: Pipes, max_line_bytes: usize, roots: Vec<String>) -> Self {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Some(HashMap::new())),
            next_id: AtomicU64::new(1),
            counts: Counts::default(),
            is_list_stale: AtomicBool::new(false),
            end: Mutex::new(None),
            roots,
        });
        let writer = LineWriter::new(pipes.stdin);
        let reader = LineReader::new(pipes.stdout, max_line_bytes);
        tokio::spawn(read_all(reader, Arc::clone(&shared), writer.clone()));
        Self { writer, shared }
    }

    /// Sends a request and waits for its answer.
    ///
    /// When it times out or the caller goes away, the server is told that the answer is not
    /// wanted, and `abandoned` is called.
    pub(super) async fn request(
        &self,
        method: &str,
        params: impl Serialize,
        limit: Duration,
        abandoned: impl FnOnce() + Send,
    ) -> Result<Reply, RpcFailure> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        match self.shared.waiting.lock().as_mut() {
            Some(waiting) => waiting.insert(id, sender),
            None => return Err(RpcFailure::Closed),
        };
        let mut pending = Pending { connection: self, id, abandoned: Some(abandoned) };
        self.send(Request { jsonrpc: "2.0", id: Some(id), method, params });
        let answer = tokio::time::timeout(limit, async {
            // A write that fails is an end of the connection that the reader has not seen yet.
            self.writer.flush().await.map_err(|_| RpcFailure::Closed)?;
            receiver.await.map_err(|_| RpcFailure::Closed)
        });
        let Ok(answer) = answer.await else { return Err(RpcFailure::Timeout) };
        pending.abandoned = None;
        match answer? {
            Answer::Result(reply) => Ok(reply),
            Answer::Error(error) => Err(RpcFailure::Refused(error)),
        }
    }

    /// Sends a notification.
    pub(super) async fn notify(&self, method: &str, params: impl Serialize) {
        self.send(Request { jsonrpc: "2.0", id: None, method, params });
        // If the pipe is closed the reader tells everybody.
        let _ = self.writer.flush().await;
    }

    fn send(&self, request: Request<'_, impl Serialize>) {
        self.writer.add(|buffer| {
            serde_json::to_writer(buffer.writer(), &request).expect("JSON values and names serialise");
        });
    }

    /// The connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.shared.waiting.lock().is_none()
    }

    /// Why the reader stopped, if it was not the plain end of input.
    pub(super) fn end(&self) -> Option<String> {
        self.shared.end.lock().clone()
    }

    /// What came besides answers.
    pub(super) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Takes the mark that the server's list of tools changed.
    pub(super) fn take_list_stale(&self) -> bool {
        self.shared.is_list_stale.swap(false, Ordering::AcqRel)
    }

    /// Whether that mark is set.
    pub(super) fn is_list_stale(&self) -> bool {
        self.shared.is_list_stale.load(Ordering::Acquire)
    }

    /// Closes the server's input and fails what is waiting.
    pub(super) fn close(&self) {
        self.writer.close();
        self.shared.waiting.lock().take();
    }
}

/// A request that waits; tells the server when nobody waits any more.
struct Pending<'a, F: FnOnce() + Send> {
    connection: &'a Connection,
    id: u64,
    abandoned: Option<F>,
}

impl<F: FnOnce() + Send> Drop for Pending<'_, F> {
    fn drop(&mut self) {
        let Some(abandoned) = self.abandoned.take() else { return };
        let still_waits = match self.connection.shared.waiting.lock().as_mut() {
            Some(waiting) => waiting.remove(&self.id).is_some(),
            None => false,
        };
        if !still_waits {
            return;
        }
        let params = serde_json::json!({"requestId": self.id, "reason": "deadline or cancelled"});
        let method = "notifications/cancelled";
        self.connection.send(Request { jsonrpc: "2.0", id: None, method, params });
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let writer = self.connection.writer.clone();
            runtime.spawn(async move { drop(writer.flush().await) });
        }
        abandoned();
    }
}

async fn read_all(mut reader: LineReader<ChildStdout>, shared: Arc<Shared>, writer: LineWriter) {
    let end = loop {
        match reader.next().await {
            Ok(Some(line)) => shared.take_line(&line, &writer),
            Ok(None) => break None,
            Err(cause) => break Some(cause.to_string()),
        }
    };
    *shared.end.lock() = end;
    // Dropping the senders fails every waiting request.
    shared.waiting.lock().take();
}

impl Shared {
    fn take_line(&self, line: &BytesMut, writer: &LineWriter) {
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        match std::str::from_utf8(line) {
            Ok(text) => self.take_text(text, false, writer),
            Err(_) => self.take_text(&String::from_utf8_lossy(line), true, writer),
        }
    }

    fn take_text(&self, text: &str, is_lossy: bool, writer: &LineWriter) {
        if text.starts_with('[')
            && let Ok(batch) = serde_json::from_str::<Vec<Incoming<'_>>>(text)
        {
            // The version of 2025-03-26 allows batches.
            for message in batch {
                self.take_message(message, is_lossy, writer);
            }
            return;
        }
        match serde_json::from_str::<Incoming<'_>>(text) {
            Ok(message) => self.take_message(message, is_lossy, writer),
            Err(_) => self.count_junk(text),
        }
    }

    fn take_message(&self, message: Incoming<'_>, is_lossy: bool, writer: &LineWriter) {
        match (message.method, message.id) {
            (Some(method), None) => self.take_notification(&method),
            (Some(method), Some(id)) => self.answer_server(&method, id, writer),
            (None, Some(id)) => match (message.result, message.error) {
                (_, Some(error)) => self.deliver(id, Answer::Error(error)),
                (Some(result), None) => {
                    self.deliver(id, Answer::Result(Reply { result: result.to_owned(), is_lossy }));
                }
                // It says neither yes nor no; failing the call beats letting it wait.
                (None, None) => {
                    let message = "an answer with neither result nor error".to_owned();
                    self.deliver(id, Answer::Error(RpcError { code: -32603, message, data: None }));
                }
            },
            (None, None) => self.count_junk(""),
        }
    }

    fn count_junk(&self, text: &str) {
        let count = self.counts.junk_lines.fetch_add(1, Ordering::Relaxed);
        if count == 0 {
            let start = &text[..text.floor_char_boundary(200)];
            tracing::debug!(line = start, "a server wrote a line that is no JSON-RPC message");
        }
    }

    fn take_notification(&self, method: &str) {
        if method == "notifications/tools/list_changed" {
            self.is_list_stale.store(true, Ordering::Release);
        }
    }

    fn deliver(&self, id: &RawValue, answer: Answer) {
        // Some servers send the number back as a string.
        let id = id.get().trim_matches('"').parse::<u64>().ok();
        let waiting = id.and_then(|id| self.waiting.lock().as_mut().and_then(|waiting| waiting.remove(&id)));
        match waiting {
            // The caller may have gone in this moment; that is its affair.
            Some(sender) => drop(sender.send(answer)),
            None => drop(self.counts.stray_answers.fetch_add(1, Ordering::Relaxed)),
        }
    }

    /// Answers what a server may ask: it is alive, here are the roots; all else we do not offer.
    fn answer_server(&self, method: &str, id: &RawValue, writer: &LineWriter) {
        self.counts.server_requests.fetch_add(1, Ordering::Relaxed);
        if writer.waiting_bytes() > MAX_REPLY_BACKLOG_BYTES {
            return;
        }
        let answer = match method {
            "ping" => serde_json::json!({"jsonrpc": "2.0", "id": id, "result": {}}),
            "roots/list" => {
                let roots: Vec<_> = self.roots.iter().map(|uri| serde_json::json!({"uri": uri})).collect();
                serde_json::json!({"jsonrpc": "2.0", "id": id, "result": {"roots": roots}})
            }
            _ => {
                let shown = &method[..method.floor_char_boundary(100)];
                let message = format!("this client does not offer {shown}");
                serde_json::json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": message}})
            }
        };
        writer.add(|buffer| {
            serde_json::to_writer(buffer.writer(), &answer).expect("JSON values serialise");
        });
        let writer = writer.clone();
        // Not here: a server that does not read must not keep us from reading.
        tokio::spawn(async move { drop(writer.flush().await) });
    }
}

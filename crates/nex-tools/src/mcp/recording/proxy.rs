//! The recording proxy: lines between a client and a real server, passed on as they are.
//!
//! In: a server to start, and a client's two pipes. Out: the server's lines, and a session in a
//! recording. Whatever is no request or answer that is recorded (logs, resources, prompts, junk)
//! passes too. An answer is recorded before it is passed on, so a client that is killed right after
//! it has lost nothing.

use super::{RecordedAnswer, Recorder, RecordingError};
use crate::mcp::lines::{LineReader, LineWriter};
use crate::mcp::process::ServerProcess;
use crate::mcp::spec::{Era, McpServerSpec, McpTransport};
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// What went through a proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyReport {
    /// Calls that were answered.
    pub answered: u64,
    /// Calls without an answer.
    pub lost: u64,
    /// How the server ended, with the end of its stderr.
    pub end: String,
}

/// The proxy could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The server could not be started.
    #[error("`{command}` could not be started: {cause}; check that the program is installed")]
    Spawn {
        /// What was run.
        command: String,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A pipe broke.
    #[error("the pipe to the {side} broke: {cause}")]
    Pipe {
        /// `client` or `server`.
        side: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The recording could not be written.
    #[error(transparent)]
    Recording(#[from] RecordingError),
}

/// Starts the server of `spec`, which must be a stdio one, and passes on what it and the client at
/// `input` and `output` say, until one of them ends or `cancel`.
///
/// # Errors
/// The server cannot be started, a pipe breaks, or the recording cannot be written; what was
/// recorded before is kept.
pub async fn record_stdio(
    spec: &McpServerSpec,
    recorder: Recorder,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> Result<ProxyReport, ProxyError> {
    let spawned = ServerProcess::spawn(spec).await;
    // Not the spec's own way to hide values: its environment may be all of ours.
    let redactor = recorder.redactor.clone();
    let command = || redactor.redact_text(&command_line(spec));
    let (process, pipes) = spawned.map_err(|cause| ProxyError::Spawn { command: command(), cause })?;
    let writer = LineWriter::new(pipes.stdin);
    let watcher = Mutex::new(Watcher::new(recorder));
    let limit = spec.limits.max_line_bytes;
    let up = pass_up(LineReader::new(input, limit), &writer, &watcher);
    let down = pass_down(LineReader::new(pipes.stdout, limit), output, &watcher);
    tokio::pin!(up, down);
    let passed = tokio::select! {
        down = &mut down => down,
        () = cancel.cancelled() => Ok(()),
        up = &mut up => match up {
            Err(error) => Err(error),
            // The client is done; the server may still answer what it was asked.
            Ok(()) => {
                writer.close();
                let rest = tokio::time::timeout(spec.limits.shutdown_grace(), &mut down).await;
                rest.unwrap_or(Ok(()))
            }
        },
    };
    writer.close();
    process.stop();
    process.wait().await;
    let mut report = watcher.lock().finish()?;
    report.end = redactor.redact_text(&process.obituary(Duration::ZERO).await);
    passed.map(|()| report)
}

fn command_line(spec: &McpServerSpec) -> String {
    match &spec.transport {
        McpTransport::Stdio { command, args, .. } => {
            std::iter::once(command).chain(args).map(String::as_str).collect::<Vec<_>>().join(" ")
        }
        McpTransport::Http { url, .. } => url.clone(),
    }
}

async fn pass_up(
    mut client: LineReader<impl AsyncRead + Unpin>,
    server: &LineWriter,
    watcher: &Mutex<Watcher>,
) -> Result<(), ProxyError> {
    loop {
        let line = client.next().await.map_err(|cause| ProxyError::Pipe { side: "client", cause })?;
        let Some(line) = line else { return Ok(()) };
        watcher.lock().asked(&line, Instant::now());
        server.add(|out| out.extend_from_slice(&line));
        if server.flush().await.is_err() {
            // The server has closed its input; how it ended shows on its output.
            return Ok(());
        }
    }
}

async fn pass_down(
    mut server: LineReader<impl AsyncRead + Unpin>,
    mut client: impl AsyncWrite + Unpin,
    watcher: &Mutex<Watcher>,
) -> Result<(), ProxyError> {
    loop {
        let line = server.next().await.map_err(|cause| ProxyError::Pipe { side: "server", cause })?;
        let Some(mut line) = line else { return Ok(()) };
        watcher.lock().answered(&line, Instant::now())?;
        line.extend_from_slice(b"\n");
        let written = async {
            client.write_all(&line).await?;
            client.flush().await
        };
        if let Err(cause) = written.await {
            return match cause.kind() {
                std::io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(ProxyError::Pipe { side: "client", cause }),
            };
        }
    }
}

/// What a request that is under way asks for.
enum Asked {
    Opening(Era),
    List { is_first_page: bool },
    Call { tool: String, arguments: Value, sent: Instant },
}

/// Reads what passes, and records it.
struct Watcher {
    recorder: Recorder,
    began: Instant,
    /// By the request's id, as JSON.
    waiting: HashMap<String, Asked>,
    /// Pages of a list of tools that is being read.
    pages: Vec<Value>,
    is_open: bool,
    report: ProxyReport,
}

impl Watcher {
    fn new(recorder: Recorder) -> Self {
        Self {
            recorder,
            began: Instant::now(),
            waiting: HashMap::new(),
            pages: Vec::new(),
            is_open: false,
            report: ProxyReport::default(),
        }
    }

    fn asked(&mut self, line: &[u8], now: Instant) {
        each_message(line, |message| {
            let Some(id) = message.get("id").filter(|id| !id.is_null()) else { return };
            let params = &message["params"];
            let asked = match message["method"].as_str() {
                Some("initialize") => Asked::Opening(Era::Handshake),
                Some("server/discover") => Asked::Opening(Era::Stateless),
                Some("tools/list") => Asked::List { is_first_page: params["cursor"].is_null() },
                Some("tools/call") => Asked::Call {
                    tool: params["name"].as_str().unwrap_or_default().to_owned(),
                    arguments: params.get("arguments").cloned().unwrap_or(Value::Null),
                    sent: now,
                },
                _ => return,
            };
            self.waiting.insert(id.to_string(), asked);
        });
    }

    fn answered(&mut self, line: &[u8], now: Instant) -> Result<(), RecordingError> {
        let mut outcome = Ok(());
        each_message(line, |mut message| {
            let is_answer = message.get("result").is_some() || message.get("error").is_some();
            let asked = message.get("id").filter(|_| is_answer).map(Value::to_string);
            let Some(asked) = asked.and_then(|id| self.waiting.remove(&id)) else { return };
            if outcome.is_ok() {
                outcome = self.record(asked, &mut message, now);
            }
        });
        outcome
    }

    fn record(&mut self, asked: Asked, message: &mut Value, now: Instant) -> Result<(), RecordingError> {
        match asked {
            Asked::Opening(era) => match message.get("result") {
                // A probe that is refused opens nothing.
                Some(opening) if !self.is_open => {
                    self.is_open = true;
                    self.recorder.opened(era, opening)
                }
                _ => Ok(()),
            },
            Asked::List { is_first_page } => {
                let Some(result) = message.get_mut("result") else { return Ok(()) };
                if is_first_page {
                    self.pages.clear();
                }
                if let Some(tools) = result["tools"].as_array_mut() {
                    self.pages.append(tools);
                }
                if result["nextCursor"].is_null() { self.recorder.tools(&self.pages) } else { Ok(()) }
            }
            Asked::Call { tool, arguments, sent } => {
                self.report.answered += 1;
                let answer = answer_of(message);
                let (at, latency) = (sent - self.began, now - sent);
                self.recorder.call(&tool, &arguments, at, latency, answer)
            }
        }
    }

    /// Calls that are still open have no answer.
    fn finish(&mut self) -> Result<ProxyReport, RecordingError> {
        let mut open: Vec<(Instant, String, Value)> = self
            .waiting
            .drain()
            .filter_map(|(_, asked)| match asked {
                Asked::Call { tool, arguments, sent } => Some((sent, tool, arguments)),
                _ => None,
            })
            .collect();
        open.sort_by_key(|(sent, ..)| *sent);
        for (sent, tool, arguments) in open {
            self.report.lost += 1;
            let cause = "the session ended before the server answered".to_owned();
            let answer = RecordedAnswer::Lost { cause };
            self.recorder.call(&tool, &arguments, sent - self.began, sent.elapsed(), answer)?;
        }
        Ok(self.report.clone())
    }
}

/// The answer in a JSON-RPC message that is one.
fn answer_of(message: &mut Value) -> RecordedAnswer {
    match message.get_mut("result") {
        Some(result) => RecordedAnswer::Result { result: result.take() },
        None => RecordedAnswer::Refused {
            code: message["error"]["code"].as_i64().unwrap_or_default(),
            message: message["error"]["message"].as_str().unwrap_or_default().to_owned(),
            data: message["error"].get("data").cloned(),
        },
    }
}

/// The messages of a line: one, a batch of the oldest protocol, or none where it is no JSON.
fn each_message(line: &[u8], mut each: impl FnMut(Value)) {
    match serde_json::from_slice(line) {
        Ok(Value::Array(batch)) => batch.into_iter().for_each(each),
        Ok(message) => each(message),
        Err(_) => {}
    }
}

//! A recording as an MCP server.
//!
//! In: a client's requests. Out: what the real server listed and answered. A call is known by its
//! tool and its arguments (objects are equal in any order of their keys). Equal calls get their
//! recorded answers in order; when these are used up, the last one again. A call that was not
//! recorded is answered by a result with `isError`, which says what was recorded, so that a model
//! can react; nothing is made up. A call that was lost gets an error of the protocol.
//!
//! It speaks the protocol in which it was recorded, and offers tools only.

use super::{RecordedAnswer, RecordedSession, Recording, Redactor, canonical};
use crate::mcp::lines::LineReader;
use crate::mcp::opening::STATELESS_VERSION;
use crate::mcp::spec::Era;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

/// The longest message of a client.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;
/// Characters that are shown of recorded arguments.
const SHOWN_CHARS: usize = 200;
const METHOD_NOT_FOUND: i64 = -32601;
const INVALID_PARAMS: i64 = -32602;
const LOST: i64 = -32000;

/// How a recording is replayed.
#[derive(Clone, Debug, Default)]
pub struct ReplayOptions {
    /// Answers take as long as they took.
    pub with_latency: bool,
    /// Only this session, from 1; all of them, one after the other, where none is named.
    pub session: Option<usize>,
    /// The secrets that were redacted when it was recorded, so that arguments with them are known.
    pub redactor: Redactor,
}

/// A recording that answers.
#[derive(Debug)]
pub struct Replay {
    era: Era,
    opening: Value,
    tools: Vec<Value>,
    /// By tool and canonical arguments.
    answers: HashMap<(String, String), Answers>,
    /// How many different arguments are recorded of each tool, and the first of them.
    known: BTreeMap<String, (usize, String)>,
    options: ReplayOptions,
}

#[derive(Debug, Default)]
struct Answers {
    recorded: Vec<(RecordedAnswer, Duration)>,
    given: usize,
}

impl Replay {
    /// What `recording` answers.
    ///
    /// # Errors
    /// A text: there is no such session.
    pub fn new(recording: &Recording, options: ReplayOptions) -> Result<Self, String> {
        let all = &recording.sessions;
        let sessions: &[RecordedSession] = match options.session {
            None => all,
            Some(number) => match number.checked_sub(1).and_then(|at| all.get(at..=at)) {
                Some(session) => session,
                None => return Err(format!("there is no session {number}; the recording has {}", all.len())),
            },
        };
        let listing = sessions.iter().rev().find(|session| !session.tools.is_empty());
        let first = listing.or(sessions.first()).ok_or("the recording has no session")?;
        let mut opening = first.opened.opening.clone();
        if let Some(fields) = opening.as_object_mut() {
            // Only tools are replayed.
            fields.insert("capabilities".to_owned(), json!({"tools": {}}));
        }
        let mut replay = Self {
            era: first.opened.era,
            opening,
            tools: first.tools.clone(),
            answers: HashMap::new(),
            known: BTreeMap::new(),
            options,
        };
        for call in sessions.iter().flat_map(|session| &session.calls) {
            let key = (call.tool.clone(), arguments_key(&call.arguments));
            let known = replay.known.entry(call.tool.clone()).or_insert_with(|| (0, key.1.clone()));
            let answers = replay.answers.entry(key).or_default();
            known.0 += usize::from(answers.recorded.is_empty());
            answers.recorded.push((call.answer.clone(), Duration::from_micros(call.latency_us)));
        }
        Ok(replay)
    }

    /// The answer to one message, and how long it takes; `None` where none is due.
    pub fn answer(&mut self, message: &Value) -> Option<(Value, Duration)> {
        let id = message.get("id").filter(|id| !id.is_null())?;
        let method = message.get("method")?.as_str().unwrap_or_default();
        let mut delay = Duration::ZERO;
        let answer = match (method, self.era) {
            ("initialize", Era::Handshake) | ("server/discover", Era::Stateless) => Ok(self.opening.clone()),
            ("ping", _) => Ok(self.whole(json!({}))),
            ("tools/list", _) => {
                let mut list = json!({"tools": self.tools});
                if self.era == Era::Stateless {
                    list["ttlMs"] = json!(0);
                    list["cacheScope"] = json!("private");
                }
                Ok(self.whole(list))
            }
            ("tools/call", _) => {
                let (answer, latency) = self.call(&message["params"]);
                if self.options.with_latency {
                    delay = latency;
                }
                answer
            }
            ("initialize", Era::Stateless) => {
                Err((METHOD_NOT_FOUND, format!("the recorded server speaks {STATELESS_VERSION} only"), None))
            }
            _ => Err((METHOD_NOT_FOUND, format!("method `{method}` is not replayed"), None)),
        };
        let answer = match answer {
            Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
            Err((code, message, data)) => {
                let mut error = json!({"code": code, "message": message});
                if let Some(data) = data {
                    error["data"] = data;
                }
                json!({"jsonrpc": "2.0", "id": id, "error": error})
            }
        };
        Some((answer, delay))
    }

    #[allow(clippy::type_complexity, reason = "a result, or code, message and data of an error")]
    fn call(&mut self, params: &Value) -> (Result<Value, (i64, String, Option<Value>)>, Duration) {
        let Some(tool) = params["name"].as_str() else {
            return (Err((INVALID_PARAMS, "a call without `name`".to_owned(), None)), Duration::ZERO);
        };
        let arguments = params.get("arguments").unwrap_or(&Value::Null);
        let key = (tool.to_owned(), arguments_key(&self.options.redactor.redact(arguments)));
        let Some(answers) = self.answers.get_mut(&key) else {
            return (Ok(self.unrecorded(tool, &key.1)), Duration::ZERO);
        };
        let at = answers.given.min(answers.recorded.len() - 1);
        answers.given += 1;
        let (answer, latency) = answers.recorded[at].clone();
        let answer = match answer {
            RecordedAnswer::Result { result } => Ok(result),
            RecordedAnswer::Refused { code, message, data } => Err((code, message, data)),
            RecordedAnswer::Lost { cause } => Err((LOST, format!("when this was recorded: {cause}"), None)),
        };
        (answer, latency)
    }

    fn unrecorded(&self, tool: &str, arguments: &str) -> Value {
        let known = match self.known.get(tool) {
            None if self.known.is_empty() => "no call is recorded".to_owned(),
            None => {
                let tools: Vec<&str> = self.known.keys().map(String::as_str).collect();
                format!("no call of this tool is recorded, only of: {}", tools.join(", "))
            }
            Some((count, first)) => {
                format!(
                    "recorded for this tool: {count} different arguments, the first of them {}",
                    clip(first)
                )
            }
        };
        let text = format!(
            "This server replays a recording, and `{tool}` with the arguments {} is not in it; {known}.",
            clip(arguments)
        );
        self.whole(json!({"content": [{"type": "text", "text": text}], "isError": true}))
    }

    /// A result as the era writes it.
    fn whole(&self, mut result: Value) -> Value {
        if self.era == Era::Stateless {
            result["resultType"] = json!("complete");
        }
        result
    }
}

/// No arguments and an empty object are one.
fn arguments_key(arguments: &Value) -> String {
    if arguments.is_null() { "{}".to_owned() } else { canonical(arguments) }
}

fn clip(text: &str) -> &str {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => &text[..at],
        None => text,
    }
}

/// Serves one client until its input ends or `cancel`. Calls are answered each in its own time.
///
/// # Errors
/// A pipe breaks, other than by the client going away.
pub async fn serve_replay(
    mut replay: Replay,
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> io::Result<()> {
    let mut client = LineReader::new(input, MAX_LINE_BYTES);
    let (sender, mut ready) = tokio::sync::mpsc::unbounded_channel::<Value>();
    let mut sender = Some(sender);
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            line = client.next(), if sender.is_some() => {
                let (Some(line), Some(to)) = (line?, &sender) else {
                    // What is still waiting is answered; then the channel is empty for good.
                    sender = None;
                    continue;
                };
                let message = serde_json::from_slice(&line).unwrap_or(Value::Null);
                match replay.answer(&message) {
                    Some((answer, delay)) if delay.is_zero() => drop(to.send(answer)),
                    Some((answer, delay)) => {
                        let to = to.clone();
                        tokio::spawn(async move {
                            tokio::time::sleep(delay).await;
                            drop(to.send(answer));
                        });
                    }
                    None => {}
                }
            }
            answer = ready.recv() => {
                let Some(answer) = answer else { return Ok(()) };
                let written = async {
                    output.write_all(format!("{answer}\n").as_bytes()).await?;
                    output.flush().await
                };
                match written.await {
                    Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                    other => other?,
                }
            }
        }
    }
}

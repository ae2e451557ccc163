//! One running server: started in the right era, its tools listed, its calls answered.
//!
//! The era is found by probing: `server/discover` first; whatever else than its result comes back
//! (an error, silence, the end) means the old era, and since some servers are lost after a probe,
//! the handshake gets a new process.

use super::annotations::ServerIdentity;
use super::content::{CallResult, WireAnswer, read_result};
use super::error::McpError;
use super::http::HttpLink;
use super::opening::{Greeting, Listing, PlainParams, greet, list_all};
use super::process::ServerProcess;
use super::rpc::{Connection, INVALID_REQUEST, PARSE_ERROR, Reply, RpcError, RpcFailure};
use super::spec::{Era, McpServerSpec, McpTransport};
use super::tool_list::{ToolList, WireTool};
use crate::{ToolFailure, ToolOutput};
use parking_lot::{Mutex, RwLock};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a failing call waits to learn how the server ended.
const OBITUARY_LIMIT: Duration = Duration::from_millis(50);

/// Lists compiled before, by hash: servers of one kind share their declarations.
#[derive(Default)]
pub(super) struct ListCache(Mutex<HashMap<String, Arc<ToolList>>>);

impl ListCache {
    fn compiled(&self, tools: Vec<WireTool>) -> Arc<ToolList> {
        let hash = ToolList::hash_of(&tools);
        if let Some(list) = self.0.lock().get(&hash) {
            return Arc::clone(list);
        }
        let list = Arc::new(ToolList::compile(tools));
        self.0.lock().insert(hash, Arc::clone(&list));
        list
    }
}

/// A server that is ready for calls. Dropping the last handle ends it.
pub(super) struct Server {
    spec: Arc<McpServerSpec>,
    link: Link,
    era: Era,
    /// The answer to the first request.
    opening: Value,
    /// From the start of the process, or of the connection, to the list of tools.
    opened_in: Duration,
    tools: RwLock<Arc<ToolList>>,
    cache: Arc<ListCache>,
}

enum Link {
    Stdio { connection: Connection, process: ServerProcess, meta: Option<Value> },
    Http(HttpLink),
}

/// Why an attempt in one era failed.
enum StartFailure {
    Spawn(std::io::Error),
    Timeout(String),
    Refused(String),
}

#[derive(Serialize)]
struct CallParams<'a> {
    name: &'a str,
    arguments: &'a Value,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Value>,
}

impl Server {
    /// Starts or reaches the server; `known` is the era found before.
    pub(super) async fn start(
        spec: &Arc<McpServerSpec>,
        known: Option<Era>,
        cache: &Arc<ListCache>,
    ) -> Result<Self, McpError> {
        if let McpTransport::Http { .. } = spec.transport {
            return Self::reach(spec, cache).await.map_err(|failure| failure.into_error(spec, &[]));
        }
        if let Some(era) = spec.era.or(known) {
            return Self::launch(spec, era, cache).await.map_err(|failure| failure.into_error(spec, &[]));
        }
        match Self::launch(spec, Era::Stateless, cache).await {
            Ok(server) => Ok(server),
            Err(StartFailure::Spawn(cause)) => Err(StartFailure::Spawn(cause).into_error(spec, &[])),
            Err(StartFailure::Timeout(first) | StartFailure::Refused(first)) => {
                let second = Self::launch(spec, Era::Handshake, cache).await;
                second.map_err(|failure| failure.into_error(spec, &[&first]))
            }
        }
    }

    /// One attempt with a process of its own.
    async fn launch(
        spec: &Arc<McpServerSpec>,
        era: Era,
        cache: &Arc<ListCache>,
    ) -> Result<Self, StartFailure> {
        let started = Instant::now();
        let (process, pipes) = ServerProcess::spawn(spec).await.map_err(StartFailure::Spawn)?;
        let connection = Connection::new(pipes, spec.limits.max_line_bytes, spec.roots.clone());
        let limit = spec.limits.start_timeout();
        let greeted = tokio::time::timeout(limit, greet(spec, &connection, era)).await;
        let failure = match greeted {
            Ok(Ok(Greeting { meta, opening, tools })) => {
                return Ok(Self {
                    spec: Arc::clone(spec),
                    link: Link::Stdio { connection, process, meta },
                    era,
                    opening,
                    opened_in: started.elapsed(),
                    tools: RwLock::new(cache.compiled(tools)),
                    cache: Arc::clone(cache),
                });
            }
            Ok(Err((method, failure))) => {
                let cause = match failure {
                    RpcFailure::Refused(error) => format!("`{method}` was refused: {}", shown(&error)),
                    RpcFailure::Timeout => format!("`{method}` was not answered"),
                    RpcFailure::Closed => {
                        let end = connection.end().unwrap_or_default();
                        let obituary = process.obituary(Duration::from_millis(500)).await;
                        format!("it ended during `{method}`: {end}{obituary}")
                    }
                };
                StartFailure::Refused(cause)
            }
            Err(_) => {
                let junk = connection.counts().junk_lines.load(Ordering::Relaxed);
                StartFailure::Timeout(format!("{junk} junk lines; stderr: {}", process.stderr_tail()))
            }
        };
        connection.close();
        process.kill();
        process.wait().await;
        Err(failure)
    }

    async fn reach(spec: &Arc<McpServerSpec>, cache: &Arc<ListCache>) -> Result<Self, StartFailure> {
        let (limit, started) = (spec.limits.start_timeout(), Instant::now());
        let reached = tokio::time::timeout(limit, async {
            let (link, era) = HttpLink::connect(spec).await.map_err(StartFailure::Refused)?;
            let tools = list_all(Listing::Http(&link), limit).await;
            let tools = tools.map_err(|failure| StartFailure::Refused(format!("tools/list: {failure:?}")))?;
            Ok((link, era, tools))
        });
        let (link, era, tools) = reached.await.map_err(|_| StartFailure::Timeout(String::new()))??;
        Ok(Self {
            spec: Arc::clone(spec),
            era,
            opening: link.opening(),
            opened_in: started.elapsed(),
            link: Link::Http(link),
            tools: RwLock::new(cache.compiled(tools)),
            cache: Arc::clone(cache),
        })
    }

    pub(super) fn spec(&self) -> &Arc<McpServerSpec> {
        &self.spec
    }

    pub(super) fn era(&self) -> Era {
        self.era
    }

    pub(super) fn identity(&self) -> ServerIdentity {
        ServerIdentity::of(&self.opening, self.era)
    }

    pub(super) fn opening(&self) -> &Value {
        &self.opening
    }

    pub(super) fn opened_in(&self) -> Duration {
        self.opened_in
    }

    pub(super) fn tools(&self) -> Arc<ToolList> {
        Arc::clone(&self.tools.read())
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.link {
            Link::Stdio { connection, .. } => connection.is_closed(),
            Link::Http(link) => link.is_closed(),
        }
    }

    /// The server said that its list changed, and the list was not read again since.
    pub(super) fn is_list_stale(&self) -> bool {
        match &self.link {
            Link::Stdio { connection, .. } => connection.is_list_stale(),
            Link::Http(link) => link.is_list_stale(),
        }
    }

    /// Reads the list again; also shows whether the server is alive.
    pub(super) async fn refresh(&self) -> Result<Arc<ToolList>, RpcFailure> {
        let limit = self.spec.limits.call_timeout();
        let tools = match &self.link {
            Link::Stdio { connection, meta, .. } => {
                connection.take_list_stale();
                list_all(Listing::Stdio(connection, meta.as_ref()), limit).await?
            }
            Link::Http(link) => {
                link.take_list_stale();
                list_all(Listing::Http(link), limit).await?
            }
        };
        let list = self.cache.compiled(tools);
        *self.tools.write() = Arc::clone(&list);
        Ok(list)
    }

    /// Whether the server answers anything within the ping limit.
    pub(super) async fn is_responsive(&self) -> bool {
        let limit = self.spec.limits.ping_timeout();
        match &self.link {
            Link::Stdio { connection, meta, .. } => {
                let params = PlainParams { cursor: None, meta: meta.as_ref() };
                // The new era has no ping; its refusal is a sign of life too.
                let answer = connection.request("ping", params, limit, || ()).await;
                matches!(answer, Ok(_) | Err(RpcFailure::Refused(_)))
            }
            Link::Http(link) => link.ping(limit).await,
        }
    }

    /// Calls a tool. What the server says no to is a result; only broken transport is a failure.
    pub(super) async fn call(
        self: &Arc<Self>,
        tool: &str,
        arguments: Value,
    ) -> Result<CallResult, ToolFailure> {
        let wire = self.call_wire(tool, arguments).await?;
        match wire {
            WireAnswer::Result { json, is_lossy } => read_result(&json, is_lossy)
                .map_err(|error| self.protocol_failure(tool, &format!("the result is malformed: {error}"))),
            WireAnswer::Refused { code: PARSE_ERROR | INVALID_REQUEST, .. } => {
                Err(self.protocol_failure(tool, &wire.refusal_text()))
            }
            WireAnswer::Refused { .. } => {
                let text = format!("server `{}` refused the call: {}", self.spec.name, wire.refusal_text());
                Ok(CallResult { output: ToolOutput::error(text), structured: None })
            }
        }
    }

    /// Calls a tool and gives the answer as it came.
    pub(super) async fn call_wire(
        self: &Arc<Self>,
        tool: &str,
        arguments: Value,
    ) -> Result<WireAnswer, ToolFailure> {
        let limit = self.spec.limits.call_timeout();
        let answer = match &self.link {
            Link::Stdio { connection, meta, .. } => {
                let params = CallParams { name: tool, arguments: &arguments, meta: meta.as_ref() };
                let answer = connection.request("tools/call", params, limit, || self.check_later()).await;
                answer.map(|Reply { result, is_lossy }| (String::from(Box::<str>::from(result)), is_lossy))
            }
            Link::Http(link) => link.call(tool, arguments, limit).await.map(|json| (json, false)),
        };
        match answer {
            Ok((json, is_lossy)) => Ok(WireAnswer::Result { json, is_lossy }),
            Err(RpcFailure::Refused(RpcError { code, message, data })) => {
                Ok(WireAnswer::Refused { code, message, data })
            }
            Err(RpcFailure::Timeout) => Err(ToolFailure::Timeout { tool: tool.to_owned(), limit }),
            Err(RpcFailure::Closed) => Err(self.gone(tool).await),
        }
    }

    /// A call was given up. A server that is merely slow answers a ping; one that hangs is killed.
    fn check_later(self: &Arc<Self>) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let server = Arc::clone(self);
        runtime.spawn(async move {
            if !server.is_responsive().await {
                tracing::warn!(server = %server.spec.name, "killed: it let a call pass its deadline and answers no ping");
                server.kill();
            }
        });
    }

    async fn gone(&self, tool: &str) -> ToolFailure {
        let cause = match &self.link {
            Link::Stdio { connection, process, .. } => {
                let obituary = process.obituary(OBITUARY_LIMIT).await;
                match connection.end() {
                    Some(end) => format!("{end}; {obituary}"),
                    None => obituary,
                }
            }
            Link::Http(_) => "the connection is closed".to_owned(),
        };
        self.gone_because(tool, &cause)
    }

    /// The failure of a call that cannot be made on this server.
    pub(super) fn gone_because(&self, tool: &str, cause: &str) -> ToolFailure {
        let cause = self.spec.redact(cause);
        ToolFailure::ServerGone { tool: tool.to_owned(), server: self.spec.name.clone(), cause }
    }

    /// The failure of a call that the server spoiled.
    pub(super) fn protocol_failure(&self, tool: &str, cause: &str) -> ToolFailure {
        let cause = self.spec.redact(cause);
        ToolFailure::Protocol { tool: tool.to_owned(), server: self.spec.name.clone(), cause }
    }

    /// Ends the server in order and waits until nothing of it is left.
    pub(super) async fn shut_down(&self) {
        self.stop();
        if let Link::Stdio { process, .. } = &self.link {
            process.wait().await;
        }
    }

    /// Begins an orderly end.
    fn stop(&self) {
        match &self.link {
            Link::Stdio { connection, process, .. } => {
                connection.close();
                process.stop();
            }
            Link::Http(link) => link.close(),
        }
    }

    /// Ends the server at once; calls in flight fail.
    pub(super) fn kill(&self) {
        if let Link::Stdio { process, .. } = &self.link {
            process.kill();
        }
        self.stop();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl StartFailure {
    fn into_error(self, spec: &McpServerSpec, before: &[&str]) -> McpError {
        let (server, place) = (spec.name.clone(), spec.place());
        let with_before = |cause: String| {
            let before = before.iter().map(|first| format!("; before, with `server/discover`: {first}"));
            spec.redact(&format!("{cause}{}", before.collect::<String>()))
        };
        match self {
            Self::Spawn(cause) => McpError::Spawn { server, command: place, cause: cause.to_string() },
            Self::Timeout(cause) => {
                let limit_ms = spec.limits.start_timeout_ms;
                McpError::StartTimeout { server, place, limit_ms, cause: with_before(cause) }
            }
            Self::Refused(cause) => McpError::Handshake { server, place, cause: with_before(cause) },
        }
    }
}

/// Code, message and what fits of the data.
fn shown(error: &RpcError) -> String {
    super::content::refusal_text(error.code, &error.message, error.data.as_ref())
}

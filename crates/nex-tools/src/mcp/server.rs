//! One running server: started in the right era, its tools listed, its calls answered.
//!
//! The era is found by probing: `server/discover` first; whatever else than its result comes back
//! (an error, silence, the end) means the old era, and since some servers are lost after a probe,
//! the handshake gets a new process.

use super::content::{CallResult, read_result};
use super::error::McpError;
use super::http::HttpLink;
use super::process::ServerProcess;
use super::rpc::{Connection, INVALID_REQUEST, PARSE_ERROR, Reply, RpcError, RpcFailure};
use super::spec::{Era, McpServerSpec, McpTransport};
use super::tool_list::{ListPage, ToolList, WireTool};
use crate::{ToolFailure, ToolOutput};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The version with no handshake.
const STATELESS_VERSION: &str = "2026-07-28";
/// The versions with a handshake that we speak, newest first.
const HANDSHAKE_VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Pages of one list; a server that always names a next page is cut off here.
const MAX_LIST_PAGES: usize = 100;
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

#[derive(Serialize)]
struct PlainParams<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<&'a str>,
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
        let (process, pipes) = ServerProcess::spawn(spec).await.map_err(StartFailure::Spawn)?;
        let connection = Connection::new(pipes, spec.limits.max_line_bytes, spec.roots.clone());
        let limit = spec.limits.start_timeout();
        let greeted = tokio::time::timeout(limit, greet(spec, &connection, era)).await;
        let failure = match greeted {
            Ok(Ok((meta, tools))) => {
                let link = Link::Stdio { connection, process, meta };
                let tools = RwLock::new(cache.compiled(tools));
                return Ok(Self { spec: Arc::clone(spec), link, era, tools, cache: Arc::clone(cache) });
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
        let limit = spec.limits.start_timeout();
        let reached = tokio::time::timeout(limit, async {
            let (link, era) = HttpLink::connect(spec).await.map_err(StartFailure::Refused)?;
            let tools = list_all(Listing::Http(&link), limit).await;
            let tools = tools.map_err(|failure| StartFailure::Refused(format!("tools/list: {failure:?}")))?;
            Ok((Link::Http(link), era, tools))
        });
        let (link, era, tools) = reached.await.map_err(|_| StartFailure::Timeout(String::new()))??;
        let tools = RwLock::new(cache.compiled(tools));
        Ok(Self { spec: Arc::clone(spec), link, era, tools, cache: Arc::clone(cache) })
    }

    pub(super) fn spec(&self) -> &Arc<McpServerSpec> {
        &self.spec
    }

    pub(super) fn era(&self) -> Era {
        self.era
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
        let limit = self.spec.limits.call_timeout();
        let answer = match &self.link {
            Link::Stdio { connection, meta, .. } => {
                let params = CallParams { name: tool, arguments: &arguments, meta: meta.as_ref() };
                let answer = connection.request("tools/call", params, limit, || self.check_later()).await;
                answer.and_then(|Reply { result, is_lossy }| {
                    read_result(result.get(), is_lossy).map_err(|error| malformed(&error))
                })
            }
            Link::Http(link) => link.call(tool, arguments, limit).await,
        };
        match answer {
            Ok(result) => Ok(result),
            Err(RpcFailure::Refused(error)) if matches!(error.code, PARSE_ERROR | INVALID_REQUEST) => {
                Err(self.protocol_failure(tool, &shown(&error)))
            }
            Err(RpcFailure::Refused(error)) => {
                let text = format!("server `{}` refused the call: {}", self.spec.name, shown(&error));
                Ok(CallResult { output: ToolOutput::error(text), structured: None })
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

/// The opening of one era; gives the metadata of each request and the tools, or the method that
/// failed and how.
async fn greet(
    spec: &McpServerSpec,
    connection: &Connection,
    era: Era,
) -> Result<(Option<Value>, Vec<WireTool>), (&'static str, RpcFailure)> {
    let limit = spec.limits.start_timeout();
    let client = json!({"name": "nex", "version": env!("CARGO_PKG_VERSION")});
    let meta = match era {
        Era::Stateless => {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS_VERSION,
                "io.modelcontextprotocol/clientInfo": client,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let method = "server/discover";
            let reply = connection.request(method, json!({"_meta": &meta}), limit, || ()).await;
            let found: Discovered = read(reply).map_err(|failure| (method, failure))?;
            if !found.supported_versions.iter().any(|version| version == STATELESS_VERSION) {
                let cause = format!("it supports {:?}, not {STATELESS_VERSION}", found.supported_versions);
                return Err((method, version_failure(cause)));
            }
            Some(meta)
        }
        Era::Handshake => {
            let capabilities = if spec.roots.is_empty() { json!({}) } else { json!({"roots": {}}) };
            let params = json!({
                "protocolVersion": HANDSHAKE_VERSIONS[0],
                "capabilities": capabilities,
                "clientInfo": client,
            });
            let method = "initialize";
            let reply = connection.request(method, params, limit, || ()).await;
            let found: Initialized = read(reply).map_err(|failure| (method, failure))?;
            if !HANDSHAKE_VERSIONS.contains(&found.protocol_version.as_str()) {
                let cause =
                    format!("it wants version {}; known: {HANDSHAKE_VERSIONS:?}", found.protocol_version);
                return Err((method, version_failure(cause)));
            }
            connection.notify("notifications/initialized", json!({})).await;
            None
        }
    };
    let list_failed = |failure| ("tools/list", failure);
    let mut tools = list_all(Listing::Stdio(connection, meta.as_ref()), limit).await.map_err(list_failed)?;
    // Some servers add tools right after the opening; a few rounds settle it.
    for _ in 0..3 {
        if !connection.take_list_stale() {
            break;
        }
        tools = list_all(Listing::Stdio(connection, meta.as_ref()), limit).await.map_err(list_failed)?;
    }
    Ok((meta, tools))
}

#[derive(Deserialize)]
struct Discovered {
    #[serde(rename = "supportedVersions", default)]
    supported_versions: Vec<String>,
}

#[derive(Deserialize)]
struct Initialized {
    #[serde(rename = "protocolVersion")]
    protocol_version: String,
}

/// Where pages of a list come from.
#[derive(Clone, Copy)]
enum Listing<'a> {
    Stdio(&'a Connection, Option<&'a Value>),
    Http(&'a HttpLink),
}

async fn list_all(from: Listing<'_>, limit: Duration) -> Result<Vec<WireTool>, RpcFailure> {
    let mut tools = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_LIST_PAGES {
        let ListPage { tools: more, next_cursor } = match from {
            Listing::Stdio(connection, meta) => {
                let params = PlainParams { cursor: cursor.as_deref(), meta };
                read(connection.request("tools/list", params, limit, || ()).await)?
            }
            Listing::Http(link) => link.list(cursor, limit).await?,
        };
        tools.extend(more);
        if next_cursor.is_none() {
            return Ok(tools);
        }
        cursor = next_cursor;
    }
    let message = format!("its list of tools has more than {MAX_LIST_PAGES} pages");
    Err(RpcFailure::Refused(RpcError { code: PARSE_ERROR, message, data: None }))
}

fn read<T: for<'a> Deserialize<'a>>(reply: Result<Reply, RpcFailure>) -> Result<T, RpcFailure> {
    serde_json::from_str(reply?.result.get()).map_err(|error| malformed(&error))
}

fn malformed(error: &serde_json::Error) -> RpcFailure {
    let message = format!("the result is malformed: {error}");
    RpcFailure::Refused(RpcError { code: PARSE_ERROR, message, data: None })
}

fn version_failure(message: String) -> RpcFailure {
    RpcFailure::Refused(RpcError { code: -32022, message, data: None })
}

/// Code, message and what fits of the data.
fn shown(error: &RpcError) -> String {
    let mut text = format!("{} (code {})", error.message, error.code);
    match &error.data {
        None | Some(Value::Null) => {}
        Some(data) => {
            let data = data.to_string();
            text.push_str(&format!(" {}", &data[..data.floor_char_boundary(1000)]));
        }
    }
    text
}

//! The opening of a connection in either era, and the reading of the tool list.
//!
//! In: a connection to a server that was just started. Out: a [`Greeting`]: the metadata that each
//! request must carry (new era only), what the server says of itself, and its tools; or the method
//! that failed, and how.

use super::http::HttpLink;
use super::rpc::{Connection, PARSE_ERROR, Reply, RpcError, RpcFailure};
use super::spec::{Era, McpServerSpec};
use super::tool_list::{ListPage, WireTool};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The version with no handshake.
pub(super) const STATELESS_VERSION: &str = "2026-07-28";
/// The versions with a handshake that we speak, newest first.
const HANDSHAKE_VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// Pages of one list; a server that always names a next page is cut off here.
const MAX_LIST_PAGES: usize = 100;
/// Parameters of a request without any of its own.
#[derive(Serialize)]
pub(super) struct PlainParams<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<&'a str>,
    #[serde(rename = "_meta", skip_serializing_if = "Option::is_none")]
    pub(super) meta: Option<&'a Value>,
}

/// What the opening showed.
pub(super) struct Greeting {
    /// Carried by each request of the new era.
    pub(super) meta: Option<Value>,
    /// The server's answer to the first request, as it came.
    pub(super) opening: Value,
    pub(super) tools: Vec<WireTool>,
}

/// The opening of one era, or the method that failed and how.
pub(super) async fn greet(
    spec: &McpServerSpec,
    connection: &Connection,
    era: Era,
) -> Result<Greeting, (&'static str, RpcFailure)> {
    let limit = spec.limits.start_timeout();
    let client = json!({"name": "nex", "version": env!("CARGO_PKG_VERSION")});
    let (meta, opening) = match era {
        Era::Stateless => {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": STATELESS_VERSION,
                "io.modelcontextprotocol/clientInfo": client,
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let method = "server/discover";
            let reply = connection.request(method, json!({"_meta": &meta}), limit, || ()).await;
            let (found, opening): (Discovered, Value) =
                read_both(reply).map_err(|failure| (method, failure))?;
            if !found.supported_versions.iter().any(|version| version == STATELESS_VERSION) {
                let cause = format!("it supports {:?}, not {STATELESS_VERSION}", found.supported_versions);
                return Err((method, version_failure(cause)));
            }
            (Some(meta), opening)
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
            let (found, opening): (Initialized, Value) =
                read_both(reply).map_err(|failure| (method, failure))?;
            if !HANDSHAKE_VERSIONS.contains(&found.protocol_version.as_str()) {
                let cause =
                    format!("it wants version {}; known: {HANDSHAKE_VERSIONS:?}", found.protocol_version);
                return Err((method, version_failure(cause)));
            }
            connection.notify("notifications/initialized", json!({})).await;
            (None, opening)
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
    Ok(Greeting { meta, opening, tools })
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
pub(super) enum Listing<'a> {
    Stdio(&'a Connection, Option<&'a Value>),
    Http(&'a HttpLink),
}

pub(super) async fn list_all(from: Listing<'_>, limit: Duration) -> Result<Vec<WireTool>, RpcFailure> {
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

/// The reply as a type, and whole.
fn read_both<T: for<'a> Deserialize<'a>>(reply: Result<Reply, RpcFailure>) -> Result<(T, Value), RpcFailure> {
    let reply = reply?;
    let text = reply.result.get();
    let typed = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let whole = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    Ok((typed, whole))
}

pub(super) fn malformed(error: &serde_json::Error) -> RpcFailure {
    let message = format!("the result is malformed: {error}");
    RpcFailure::Refused(RpcError { code: PARSE_ERROR, message, data: None })
}

fn version_failure(message: String) -> RpcFailure {
    RpcFailure::Refused(RpcError { code: -32022, message, data: None })
}

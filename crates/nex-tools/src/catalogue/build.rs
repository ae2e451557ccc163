//! Starting servers and listing their tools.

use super::{
    CATALOGUE_VERSION, Catalogue, CatalogueEntry, CatalogueServer, ListedServer, RefusedTool, ServerState,
};
use crate::mcp::{McpPool, McpServerSpec, PoolConfig, ToolAnnotations};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The longest line that a server may write while it is listed.
const MAX_LINE_BYTES: usize = 16 * 1024 * 1024;

/// How servers are started for a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CatalogueConfig {
    /// Servers that run at the same time.
    pub concurrency: usize,
    /// From starting a server to its tools, for one attempt in one era of the protocol.
    pub start_timeout_ms: u64,
}

impl Default for CatalogueConfig {
    fn default() -> Self {
        Self { concurrency: 4, start_timeout_ms: 30_000 }
    }
}

/// Starts each server, lists its tools and ends it. `on_done` hears of each as it is done.
pub async fn build(
    servers: &[ListedServer],
    config: &CatalogueConfig,
    mut on_done: impl FnMut(&CatalogueServer),
) -> Catalogue {
    let concurrency = config.concurrency.max(1);
    let pool = McpPool::new(PoolConfig { max_starts: concurrency, ..PoolConfig::default() });
    let starting = servers.iter().enumerate().map(|(index, server)| {
        let pool = pool.clone();
        async move { (index, list(&pool, server, config.start_timeout_ms).await) }
    });
    let mut listed: Vec<(usize, (CatalogueServer, Vec<CatalogueEntry>))> = Vec::with_capacity(servers.len());
    let mut done = futures_util::stream::iter(starting).buffer_unordered(concurrency);
    while let Some(row) = done.next().await {
        on_done(&row.1.0);
        listed.push(row);
    }
    drop(done);
    pool.close().await;
    listed.sort_by_key(|(index, _)| *index);
    let mut catalogue = Catalogue { version: CATALOGUE_VERSION, servers: Vec::new(), tools: Vec::new() };
    for (_, (server, tools)) in listed {
        catalogue.servers.push(server);
        catalogue.tools.extend(tools);
    }
    catalogue
}

async fn list(
    pool: &McpPool,
    server: &ListedServer,
    start_timeout_ms: u64,
) -> (CatalogueServer, Vec<CatalogueEntry>) {
    let row = |state| CatalogueServer { name: server.name.clone(), transport: server.shown.clone(), state };
    let failed =
        |kind: &str, cause: String| (row(ServerState::Failed { kind: kind.to_owned(), cause }), Vec::new());
    let spec = match &server.spec {
        Ok(spec) => with_limits(spec, start_timeout_ms),
        Err(cause) => return failed("configuration", cause.clone()),
    };
    let lease = match pool.lease(&spec).await {
        Ok(lease) => lease,
        Err(error) => return failed(error.kind(), error.to_string()),
    };
    let identity = lease.identity();
    let list = lease.list();
    let tools: Vec<CatalogueEntry> = list.raw().filter_map(|raw| entry(&server.name, raw, &spec)).collect();
    let refused = list.refused().iter();
    let state = ServerState::Listed {
        title: identity.name,
        server_version: identity.version,
        protocol: identity.protocol,
        era: identity.era,
        start_ms: lease.opened_in().as_millis() as u64,
        tool_count: tools.len(),
        refused: refused
            .map(|(tool, cause)| RefusedTool { tool: tool.clone(), cause: spec.redact(cause) })
            .collect(),
    };
    lease.release().await;
    (row(state), tools)
}

fn with_limits(spec: &McpServerSpec, start_timeout_ms: u64) -> McpServerSpec {
    let mut spec = spec.clone();
    spec.limits.start_timeout_ms = start_timeout_ms;
    spec.limits.max_line_bytes = MAX_LINE_BYTES;
    spec
}

fn entry(server: &str, raw: &Value, spec: &McpServerSpec) -> Option<CatalogueEntry> {
    let text = |key: &str| raw.get(key).and_then(Value::as_str);
    Some(CatalogueEntry {
        server: server.to_owned(),
        tool: text("name")?.to_owned(),
        // A server may tell what it was started with.
        description: spec.redact(text("description").unwrap_or_default()),
        input_schema: raw
            .get("inputSchema")
            .cloned()
            .unwrap_or_else(|| serde_json::json!({"type": "object"})),
        output_schema: raw.get("outputSchema").cloned(),
        annotations: ToolAnnotations::of(raw),
    })
}

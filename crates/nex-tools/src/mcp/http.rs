//! A server behind streamable HTTP, by way of rmcp.
//!
//! rmcp does the transport, the session and both eras; this turns its types into ours.

use super::opening::STATELESS_VERSION;
use super::rpc::{RpcError, RpcFailure};
use super::spec::{Era, McpServerSpec, McpTransport};
use super::tool_list::{ListPage, WireTool};
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientConfig, Implementation, PaginatedRequestParams,
    ProtocolVersion,
};
use rmcp::service::{
    ClientLifecycleMode, ClientServiceExt, NotificationContext, RoleClient, RunningService, ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient as Client};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A session with a server behind HTTP.
pub(super) struct HttpLink {
    service: RunningService<Client, Events>,
    is_list_stale: Arc<AtomicBool>,
}

/// Hears what the server tells of its own accord.
struct Events {
    is_list_stale: Arc<AtomicBool>,
}

impl ClientHandler for Events {
    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.is_list_stale.store(true, Ordering::Release);
    }

    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(Default::default(), Implementation::new("nex", env!("CARGO_PKG_VERSION")))
    }
}

impl HttpLink {
    /// Opens a session and finds the era.
    ///
    /// # Errors
    /// A text: address or headers are malformed, nobody answers, or the answer is no MCP.
    pub(super) async fn connect(spec: &McpServerSpec) -> Result<(Self, Era), String> {
        let McpTransport::Http { url, headers } = &spec.transport else {
            return Err("the spec is no HTTP one".to_owned());
        };
        // Fails when a provider was installed before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut custom = HashMap::new();
        for (name, value) in headers {
            let name: reqwest::header::HeaderName =
                name.parse().map_err(|_| format!("`{name}` is no header name"))?;
            let value = value.parse().map_err(|_| format!("the value of header `{name}` is malformed"))?;
            custom.insert(name, value);
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(spec.limits.start_timeout())
            .build()
            .map_err(|error| error.to_string())?;
        let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
            .custom_headers(custom)
            .max_concurrent_requests(256)
            .max_sse_event_size(spec.limits.max_line_bytes);
        let is_list_stale = Arc::new(AtomicBool::new(false));
        let transport = StreamableHttpClientTransport::with_client(client, config);
        let events = Events { is_list_stale: Arc::clone(&is_list_stale) };
        let lifecycle = match spec.era {
            Some(Era::Handshake) => ClientLifecycleMode::Initialize,
            Some(Era::Stateless) => {
                ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
            }
            None => ClientLifecycleMode::Auto {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
                legacy_version: Some(ProtocolVersion::V_2025_11_25),
            },
        };
        let service = events.serve_with_lifecycle(transport, lifecycle).await;
        let service = service.map_err(|error| error.to_string())?;
        let version = service.peer().peer_info().map(|info| info.protocol_version.clone());
        let is_new = version.is_some_and(|version| !version.has_initialize());
        let era = if is_new { Era::Stateless } else { Era::Handshake };
        Ok((Self { service, is_list_stale }, era))
    }

    /// What the server says of itself, in the shape of its era's first answer.
    pub(super) fn opening(&self) -> Value {
        let Some(info) = self.service.peer().peer_info() else { return Value::Null };
        let server = serde_json::to_value(&info.server_info).unwrap_or_default();
        if info.protocol_version.has_initialize() {
            return json!({
                "protocolVersion": info.protocol_version.to_string(),
                "capabilities": {"tools": {}},
                "serverInfo": server,
            });
        }
        json!({
            "resultType": "complete",
            "supportedVersions": [STATELESS_VERSION],
            "capabilities": {"tools": {}},
            "_meta": {"io.modelcontextprotocol/serverInfo": server},
        })
    }

    /// One page of the list of tools.
    pub(super) async fn list(&self, cursor: Option<String>, limit: Duration) -> Result<ListPage, RpcFailure> {
        let params = cursor.map(|cursor| PaginatedRequestParams::default().with_cursor(Some(cursor)));
        let page = within(limit, self.service.peer().list_tools(params)).await?;
        let tools = page.tools.into_iter().map(|tool| {
            let raw = serde_json::to_value(tool)?;
            WireTool::read(raw)
        });
        let tools: Result<Vec<_>, serde_json::Error> = tools.collect();
        Ok(ListPage { tools: tools.map_err(malformed)?, next_cursor: page.next_cursor })
    }

    pub(super) async fn call(
        &self,
        tool: &str,
        arguments: Value,
        limit: Duration,
    ) -> Result<String, RpcFailure> {
        let mut params = CallToolRequestParams::new(tool.to_owned());
        if let Value::Object(arguments) = arguments {
            params = params.with_arguments(arguments);
        }
        match within(limit, self.service.peer().call_tool_once(params)).await? {
            CallToolResponse::Complete(result) => serde_json::to_string(&result).map_err(malformed),
            _ => Ok(r#"{"resultType": "input_required"}"#.to_owned()),
        }
    }

    /// Any answer at all shows that the server lives.
    pub(super) async fn ping(&self, limit: Duration) -> bool {
        use rmcp::model::{ClientRequest, PingRequest};
        let ping = self.service.peer().send_request(ClientRequest::PingRequest(PingRequest::default()));
        matches!(within(limit, ping).await, Ok(_) | Err(RpcFailure::Refused(_)))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.peer().is_transport_closed()
    }

    pub(super) fn is_list_stale(&self) -> bool {
        self.is_list_stale.load(Ordering::Acquire)
    }

    pub(super) fn take_list_stale(&self) -> bool {
        self.is_list_stale.swap(false, Ordering::AcqRel)
    }

    /// Ends the session; the server is told.
    pub(super) fn close(&self) {
        self.service.cancellation_token().cancel();
    }
}

async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, ServiceError>>,
) -> Result<T, RpcFailure> {
    match tokio::time::timeout(limit, answer).await {
        Err(_) => Err(RpcFailure::Timeout),
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(ServiceError::McpError(error))) => Err(RpcFailure::Refused(RpcError {
            code: i64::from(error.code.0),
            message: error.message.into_owned(),
            data: error.data,
        })),
        Ok(Err(ServiceError::Timeout { .. })) => Err(RpcFailure::Timeout),
        Ok(Err(ServiceError::UnexpectedResponse)) => Err(malformed("the result is of another kind")),
        Ok(Err(_)) => Err(RpcFailure::Closed),
    }
}

fn malformed(cause: impl std::fmt::Display) -> RpcFailure {
    RpcFailure::Refused(RpcError { code: super::rpc::PARSE_ERROR, message: cause.to_string(), data: None })
}

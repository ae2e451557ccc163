//! [`McpLease`]: one session's hold on a server, and the server's tools while it lasts.

use super::annotations::ServerIdentity;
use super::content::{CallResult, WireAnswer};
use super::error::McpError;
use super::pool::Shelf;
use super::server::Server;
use super::spec::Era;
use super::tool_list::{ToolList, ToolListDrift};
use crate::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use async_trait::async_trait;
use parking_lot::RwLock;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// The toolbox gives a call this much longer than the client, so that the client's own deadline,
/// which tells the server, comes first.
const DEADLINE_MARGIN: Duration = Duration::from_secs(1);

/// A server for one session (or, if the spec says shared, for several). What the server keeps in
/// memory lasts as long as the lease. Dropping it gives the server back in the background;
/// [`McpLease::release`] waits for it.
pub struct McpLease {
    hold: Arc<Hold>,
}

/// What the lease and its tools share.
struct Hold {
    server: RwLock<Arc<Server>>,
    shelf: Arc<Shelf>,
    /// The list that the session was shown.
    list: Arc<ToolList>,
    permit: parking_lot::Mutex<Option<OwnedSemaphorePermit>>,
    is_over: AtomicBool,
}

impl McpLease {
    pub(super) fn new(server: Arc<Server>, shelf: Arc<Shelf>, permit: Option<OwnedSemaphorePermit>) -> Self {
        let list = server.tools();
        let permit = parking_lot::Mutex::new(permit);
        let hold = Hold { server: RwLock::new(server), shelf, list, permit, is_over: AtomicBool::new(false) };
        Self { hold: Arc::new(hold) }
    }

    /// The server's tools under their own names, without control tools (`nex_…`).
    pub fn tools(&self) -> Vec<Arc<dyn Tool>> {
        self.hold.list.offered().map(|declaration| self.tool(declaration, Arc::clone(declaration))).collect()
    }

    /// The same under the names `mcp__<server>__<tool>`, for an agent with several servers.
    pub fn prefixed_tools(&self) -> Vec<Arc<dyn Tool>> {
        let server = self.hold.shelf.spec().name.clone();
        let prefixed = |declaration: &Arc<ToolDeclaration>| {
            let name = format!("mcp__{server}__{}", declaration.spec().name);
            self.tool(declaration, Arc::new(declaration.renamed(name)))
        };
        self.hold.list.offered().map(prefixed).collect()
    }

    fn tool(&self, declaration: &Arc<ToolDeclaration>, shown: Arc<ToolDeclaration>) -> Arc<dyn Tool> {
        let remote_name = declaration.spec().name.clone();
        Arc::new(McpTool { declaration: shown, remote_name, hold: Arc::clone(&self.hold) })
    }

    /// The list that this session was shown, control tools among it.
    pub fn list(&self) -> &Arc<ToolList> {
        &self.hold.list
    }

    /// The protocol era of the server.
    pub fn era(&self) -> Era {
        self.hold.server.read().era()
    }

    /// What the server says of itself.
    pub fn identity(&self) -> ServerIdentity {
        self.hold.server.read().identity()
    }

    /// The server's answer to the first request, as it came (over HTTP as it was understood).
    pub fn opening(&self) -> Value {
        self.hold.server.read().opening().clone()
    }

    /// From the start of the server's process, or of the connection, to its list of tools.
    pub fn opened_in(&self) -> Duration {
        self.hold.server.read().opened_in()
    }

    /// Calls a tool of the server by name and gives the answer as it came.
    ///
    /// # Errors
    /// The server is gone, or gives no answer in time.
    pub async fn call_wire(&self, tool: &str, arguments: Value) -> Result<WireAnswer, ToolFailure> {
        let server = self.hold.ready(tool).await?;
        server.call_wire(tool, arguments).await
    }

    /// Calls a tool of the server by name, control tools too, without validation or cap.
    ///
    /// # Errors
    /// The server is gone, hangs or breaks the protocol. What it says no to is a result.
    pub async fn call_raw(&self, tool: &str, arguments: Value) -> Result<CallResult, ToolFailure> {
        self.hold.call(tool, arguments).await
    }

    /// Reads the server's list again; `Some` when it is not what this session was shown.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn drift(&self) -> Result<Option<ToolListDrift>, ToolFailure> {
        let server = Arc::clone(&self.hold.server.read());
        let now = server.refresh().await;
        let now = now.map_err(|failure| server.gone_because("tools/list", &format!("{failure:?}")))?;
        Ok(self.hold.list.drift(&now))
    }

    /// Gives the server back and waits until it is reset.
    pub async fn release(self) {
        if let Some((server, permit)) = self.hold.end() {
            self.hold.shelf.take_back(server, permit).await;
        }
    }
}

impl Drop for McpLease {
    fn drop(&mut self) {
        let Some((server, permit)) = self.hold.end() else { return };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => {
                let shelf = Arc::clone(&self.hold.shelf);
                runtime.spawn(async move { shelf.take_back(server, permit).await });
            }
            Err(_) => server.kill(),
        }
    }
}

impl Hold {
    /// Ends the lease; only the first time gives back what it held.
    fn end(&self) -> Option<(Arc<Server>, Option<OwnedSemaphorePermit>)> {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return None;
        }
        Some((Arc::clone(&self.server.read()), self.permit.lock().take()))
    }

    async fn call(&self, tool: &str, arguments: Value) -> Result<CallResult, ToolFailure> {
        self.ready(tool).await?.call(tool, arguments).await
    }

    /// The server, if it can be called and `tool` is what the session was shown.
    async fn ready(&self, tool: &str) -> Result<Arc<Server>, ToolFailure> {
        let mut server = Arc::clone(&self.server.read());
        if self.is_over.load(Ordering::Acquire) {
            return Err(server.gone_because(tool, "its lease was given back"));
        }
        if server.is_closed() && server.spec().shared {
            // A shared server has no state to lose, so a new one takes its place.
            let next = self.shelf.shared_server().await;
            server = next.map_err(|error: McpError| server.gone_because(tool, &error.to_string()))?;
            *self.server.write() = Arc::clone(&server);
        }
        if server.is_list_stale() {
            let answer = server.refresh().await;
            answer.map_err(|failure| server.gone_because(tool, &format!("tools/list: {failure:?}")))?;
        }
        self.refuse_changed(&server, tool)?;
        Ok(server)
    }

    /// A tool whose description or schema is not what the model was shown is not called: it may
    /// do something else now than what was agreed to.
    fn refuse_changed(&self, server: &Server, tool: &str) -> Result<(), ToolFailure> {
        let now = server.tools();
        // Equal lists are one and the same in memory, so this is the usual way out.
        if Arc::ptr_eq(&now, &self.list) || now.has_same(tool, &self.list) {
            return Ok(());
        }
        tracing::warn!(server = %server.spec().name, tool, "a tool changed during a lease");
        let cause = "the tool was removed, or its description or schema changed, during the session";
        Err(server.protocol_failure(tool, cause))
    }
}

/// A tool of a leased server.
struct McpTool {
    declaration: Arc<ToolDeclaration>,
    remote_name: String,
    hold: Arc<Hold>,
}

#[async_trait]
impl Tool for McpTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        self.hold.call(&self.remote_name, arguments).await.map(|result| result.output)
    }

    fn deadline(&self) -> Option<Duration> {
        Some(self.hold.shelf.spec().limits.call_timeout() + DEADLINE_MARGIN)
    }
}

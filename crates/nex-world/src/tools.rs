//! A session's operations as tools of an agent, in process.

use crate::session::WorldSession;
use async_trait::async_trait;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use parking_lot::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The operations of the session's world as tools, in the order of the file. All of them act on
/// the one session; declarations are the world's own, so that thousands of sessions share them.
pub fn session_tools(session: Arc<Mutex<WorldSession>>) -> Vec<Arc<dyn Tool>> {
    let world = Arc::clone(session.lock().world());
    world
        .declarations()
        .iter()
        .map(|declaration| {
            let tool = SessionTool { declaration: Arc::clone(declaration), session: Arc::clone(&session) };
            Arc::new(tool) as Arc<dyn Tool>
        })
        .collect()
}

/// One operation of one session.
struct SessionTool {
    declaration: Arc<ToolDeclaration>,
    session: Arc<Mutex<WorldSession>>,
}

#[async_trait]
impl Tool for SessionTool {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, _context: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let (reply, waits) = {
            let mut session = self.session.lock();
            (session.call(&self.declaration.spec().name, &arguments), session.has_real_latency())
        };
        if waits {
            tokio::time::sleep(Duration::from_millis(u64::from(reply.latency_ms))).await;
        }
        Ok(if reply.is_error { ToolOutput::error(reply.text) } else { ToolOutput::text(reply.text) })
    }

    /// Calls of one turn are carried out in the order in which they stand, since the second may
    /// build on the first and chance goes by the number of the call.
    fn is_serial(&self) -> bool {
        true
    }
}

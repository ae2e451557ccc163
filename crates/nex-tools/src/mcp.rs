//! Tools of MCP servers: a client for both protocol eras, and a pool of servers.
//!
//! ```text
//! McpServerSpec ─► McpPool ─lease─► McpLease ─tools()─► Arc<dyn Tool> ─► Toolbox
//!                    │ start, reset, health check, idle shutdown
//!                    ▼
//!                  Server ── stdio: rpc (own) over process ── http: rmcp
//! ```
//!
//! **Over stdio the protocol is our own thin JSON-RPC**, not rmcp's, for three reasons. Real
//! servers answer the probe for the new era in ways (silence, then close) that need a new process
//! for the old handshake, while rmcp falls back on the same pipe. rmcp decodes each result by
//! trying all result types in turn, which loses unknown fields and costs CPU on large replies. And
//! a reply of many megabytes, junk lines, broken UTF-8 and double answers must be bounded and
//! counted where the bytes come in. Over HTTP rmcp does the protocol: sessions, SSE and recovery
//! are its strength.
//!
//! [`recording`] keeps what a real server answered, and is a server that answers the same again.
//!
//! Invariants: no child outlives this process, however it ends; no call outlives its deadline; a
//! value from a server's environment or headers never appears in an error.

pub mod annotations;
pub mod content;
pub mod error;
mod http;
pub mod lease;
mod lines;
mod opening;
pub mod pool;
mod process;
pub mod recording;
mod rpc;
mod server;
pub mod spec;
pub mod tool_list;
mod watchdog;

pub use annotations::{ServerIdentity, ToolAnnotations};
pub use content::{CallResult, WireAnswer};
pub use error::McpError;
pub use lease::McpLease;
pub use pool::{McpPool, PoolConfig, PoolStats};
pub use spec::{Era, McpLimits, McpServerSpec, McpTransport, ResetPolicy};
pub use tool_list::{ToolList, ToolListDrift};

//! A world as an MCP server: stdio and streamable HTTP, both protocol eras, sessions isolated.
//!
//! In: JSON-RPC messages. Out: replies of a [`crate::WorldSession`] of its own for each MCP
//! session. Invariants: whatever a client sends, the server goes on for the others; no session
//! sees another's state; control tools do nothing without their token.
//!
//! Eras: the handshake (`initialize`, 2024-11-05 to 2025-11-25) and 2026-07-28, where each request
//! carries its own envelope. Over stdio the pipe is the session in both. Over HTTP a handshake
//! session has its `Mcp-Session-Id`; 2026-07-28 has none, so there a client opens a world by the
//! tool `open_world` and names it in each call, as the argument `world_handle` or in `_meta` as
//! `nex/world`.
//!
//! The protocol is written here and not taken from rmcp, whose server ends a connection at a first
//! message that it does not expect, knows no bound for a line, answers junk without end, and
//! decodes and encodes each reply as a tree, where a world has its text ready. The part of it that
//! a tool server needs is small.

mod call;
mod connection;
mod http;
mod offer;
mod rpc;
mod service;
mod sessions;
mod stdio;

use crate::error::GenerateError;
use crate::text::Language;
use crate::world::World;
pub use http::{HttpServer, serve_http};
use service::Service;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
pub use stdio::{serve_lines, serve_stdio};

/// Key in a result's `_meta`: virtual milliseconds that the call took.
pub const LATENCY_KEY: &str = "nex/latency_ms";
/// Key in a request's `_meta`: the handle of the world that the call is for.
pub const WORLD_KEY: &str = "nex/world";

/// How a world is served.
#[derive(Clone)]
pub struct ServeOptions {
    /// Seed of a new session's state.
    pub seed: u64,
    /// Language of the data.
    pub language: Language,
    /// Who knows it may call `nex_reset` and `nex_export`; without one they do not exist.
    pub control_token: Option<String>,
    /// Whether the tool `reset_world` is offered.
    pub offer_reset: bool,
    /// Wait as long as the world's latency says; otherwise it is only reported.
    pub real_latency: bool,
    /// A longer message is refused.
    pub max_message_bytes: usize,
    /// What is special to HTTP.
    pub http: HttpOptions,
}

/// How a world is served over HTTP.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Sessions and opened worlds at a time.
    pub max_sessions: usize,
    /// A session that was not used for so long is dropped.
    pub idle_expiry: Duration,
    /// Names in `Host`, beside those of this machine's loopback, with or without a port.
    pub allowed_hosts: Vec<String>,
    /// Values of `Origin`, beside those of pages that this machine serves itself.
    pub allowed_origins: Vec<String>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            language: Language::En,
            control_token: None,
            offer_reset: true,
            real_latency: false,
            max_message_bytes: 8 * 1024 * 1024,
            http: HttpOptions::default(),
        }
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            max_sessions: 1024,
            idle_expiry: Duration::from_secs(30 * 60),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
        }
    }
}

impl fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServeOptions")
            .field("seed", &self.seed)
            .field("language", &self.language)
            .field("control_token", &self.control_token.as_ref().map(|_| "…"))
            .field("offer_reset", &self.offer_reset)
            .field("real_latency", &self.real_latency)
            .field("max_message_bytes", &self.max_message_bytes)
            .field("http", &self.http)
            .finish()
    }
}

/// A world cannot be served, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// No state from the seed.
    #[error("world `{world}` cannot be served with seed {seed}: {cause}")]
    State {
        /// The world.
        world: String,
        /// The seed.
        seed: u64,
        /// Why not.
        cause: GenerateError,
    },
    /// The world uses a name that the server needs.
    #[error("world `{world}` cannot be served: `{name}` is a name of the server's own; rename {what}")]
    NameTaken {
        /// The world.
        world: String,
        /// The name.
        name: String,
        /// What has it.
        what: String,
    },
    /// Anybody could guess it.
    #[error("the control token is empty; give one that cannot be guessed, or none")]
    EmptyToken,
    /// The address cannot be listened at.
    #[error("cannot listen at {addr}: {cause}; choose another address or end what uses it")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The system's words.
        cause: std::io::Error,
    },
    /// The connection broke other than by its end.
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
}

fn service(world: Arc<World>, options: ServeOptions) -> Result<Arc<Service>, ServeError> {
    Service::new(world, options).map(Arc::new)
}

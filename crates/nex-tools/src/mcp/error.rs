//! [`McpError`]: why there is no server to call.

/// Why a server could not be leased.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum McpError {
    /// The process could not be started.
    #[error(
        "server `{server}` could not be started with `{command}`: {cause}; check that the program is installed"
    )]
    Spawn {
        /// The server.
        server: String,
        /// What was run.
        command: String,
        /// What the system said.
        cause: String,
    },
    /// It runs or answers, but does not speak the protocol.
    #[error("server `{server}` at `{place}` did not get ready: {cause}")]
    Handshake {
        /// The server.
        server: String,
        /// Command or address.
        place: String,
        /// What happened in which era, and the end of its stderr.
        cause: String,
    },
    /// It did not get ready in time.
    #[error(
        "server `{server}` at `{place}` was not ready within {limit_ms} ms: {cause}; raise `limits.start_timeout_ms` if it is just slow"
    )]
    StartTimeout {
        /// The server.
        server: String,
        /// Command or address.
        place: String,
        /// The deadline.
        limit_ms: u64,
        /// The end of its stderr.
        cause: String,
    },
    /// It failed to start several times; the last cause.
    #[error(
        "server `{server}` failed to start {failures} times in a row and is not tried again for {retry_in_ms} ms; last: {cause}"
    )]
    Backoff {
        /// The server.
        server: String,
        /// Failures in a row.
        failures: u32,
        /// Until the next attempt.
        retry_in_ms: u64,
        /// The last failure.
        cause: String,
    },
    /// All servers of the spec were leased for too long.
    #[error(
        "all {max_servers} servers `{server}` stayed leased for {waited_ms} ms; raise `limits.max_servers` or run fewer sessions"
    )]
    Busy {
        /// The server.
        server: String,
        /// How many there may be.
        max_servers: usize,
        /// How long was waited.
        waited_ms: u64,
    },
    /// Too many servers were starting.
    #[error(
        "server `{server}` was not started: others were starting for {waited_ms} ms; raise `max_starts` of the pool or run fewer sessions"
    )]
    StartQueue {
        /// The server.
        server: String,
        /// How long was waited.
        waited_ms: u64,
    },
    /// The pool was closed.
    #[error("server `{server}` cannot be leased: the pool is closed")]
    Closed {
        /// The server.
        server: String,
    },
}

impl McpError {
    /// A stable word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Spawn { .. } => "spawn",
            Self::Handshake { .. } => "handshake",
            Self::StartTimeout { .. } => "start_timeout",
            Self::Backoff { .. } => "backoff",
            Self::Busy { .. } => "busy",
            Self::StartQueue { .. } => "start_queue",
            Self::Closed { .. } => "closed",
        }
    }
}

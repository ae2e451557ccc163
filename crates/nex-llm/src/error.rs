//! Why a model could not be asked.

use std::time::Duration;

/// A failure that is not the model's doing.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum LlmError {
    /// No connection.
    #[error("cannot connect to {endpoint}: {cause}")]
    Connect {
        /// Where to.
        endpoint: String,
        /// The system's words.
        cause: String,
    },
    /// One of the deadlines passed.
    #[error("{phase} deadline of {limit:?} passed at {endpoint}")]
    Timeout {
        /// Where.
        endpoint: String,
        /// `connect`, `first byte`, `idle` or `total`.
        phase: &'static str,
        /// The limit.
        limit: Duration,
    },
    /// 429.
    #[error("{endpoint} limits the rate: {message}")]
    RateLimited {
        /// Where.
        endpoint: String,
        /// The server's words.
        message: String,
        /// What the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// 5xx, and the overloaded errors that come inside a stream.
    #[error("{endpoint} failed with status {status}: {message}")]
    Server {
        /// Where.
        endpoint: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        message: String,
        /// What the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// The reply broke off or was no reply; it is discarded whole.
    #[error("reply of {endpoint} broke off: {cause}")]
    BrokenReply {
        /// Where.
        endpoint: String,
        /// What was wrong with it.
        cause: String,
    },
    /// The reply grew past its limit. The same question would fill it again.
    #[error("reply of {endpoint} exceeds {limit_bytes} bytes; lower max_tokens, or raise max_reply_bytes")]
    ReplyTooLarge {
        /// Where.
        endpoint: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// 401 or 403: asking again cannot help.
    #[error("{endpoint} refuses the key (status {status}): {message}")]
    Unauthorized {
        /// Where.
        endpoint: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// The conversation no longer fits.
    #[error("conversation too long for {endpoint}: {message}")]
    ContextTooLong {
        /// Where.
        endpoint: String,
        /// The server's words.
        message: String,
    },
    /// Another 4xx: asking again cannot help.
    #[error("{endpoint} rejects the request (status {status}): {message}")]
    Rejected {
        /// Where.
        endpoint: String,
        /// HTTP status.
        status: u16,
        /// The server's words.
        message: String,
    },
    /// A script or cassette holds no reply for this request.
    #[error("{source_name} holds no reply for {wanted}")]
    NotRecorded {
        /// The file.
        source_name: String,
        /// What was asked.
        wanted: String,
    },
    /// The model cannot be built or used as configured.
    #[error("{0}")]
    Misconfigured(String),
}

impl LlmError {
    /// Whether the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::BrokenReply { .. } => true,
            Self::ReplyTooLarge { .. }
            | Self::Unauthorized { .. }
            | Self::ContextTooLong { .. }
            | Self::Rejected { .. }
            | Self::NotRecorded { .. }
            | Self::Misconfigured(_) => false,
        }
    }

    /// A stable word for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "connect_failed",
            Self::Timeout { .. } => "model_timeout",
            Self::RateLimited { .. } => "rate_limited",
            Self::Server { .. } => "model_server_error",
            Self::BrokenReply { .. } => "broken_reply",
            Self::ReplyTooLarge { .. } => "reply_too_large",
            Self::Unauthorized { .. } => "unauthorized",
            Self::ContextTooLong { .. } => "context_too_long",
            Self::Rejected { .. } => "request_rejected",
            Self::NotRecorded { .. } => "not_recorded",
            Self::Misconfigured(_) => "misconfigured",
        }
    }
}

//! [`McpServerSpec`]: which server to run or reach, and how much it may cost.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// One MCP server. Two equal specs share a shelf of the pool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServerSpec {
    /// For errors and for prefixed tool names.
    pub name: String,
    /// How to reach it.
    pub transport: McpTransport,
    /// What happens to a server between two leases.
    #[serde(default)]
    pub reset: ResetPolicy,
    /// All leases use one server at the same time; for servers without state.
    #[serde(default)]
    pub shared: bool,
    /// The protocol era, where it is known; found by probing where not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
    /// `file://` addresses that a server of the old era may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// Time, size and number.
    #[serde(default)]
    pub limits: McpLimits,
}

/// How a server is reached. `Debug` shows the names of secrets, not their values.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum McpTransport {
    /// A child process that speaks over its standard input and output.
    Stdio {
        /// The program; looked up on PATH if it has no `/`.
        command: String,
        /// Its arguments.
        #[serde(default)]
        args: Vec<String>,
        /// Its environment besides PATH, HOME and LANG; it gets nothing else of ours.
        #[serde(default)]
        env: IndexMap<String, String>,
        /// Its working directory; ours if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<PathBuf>,
    },
    /// A server that runs elsewhere and speaks streamable HTTP.
    Http {
        /// Its endpoint, such as `http://127.0.0.1:8000/mcp`.
        url: String,
        /// Sent with each request.
        #[serde(default)]
        headers: IndexMap<String, String>,
    },
}

/// What happens to an exclusive server when its lease ends.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetPolicy {
    /// It is ended; the next lease gets a new one. Right for every server, if not the fastest.
    #[default]
    Restart,
    /// The named tool is called without arguments; if that fails the server is ended.
    ResetTool(String),
    /// Nothing; for servers whose state does not matter.
    Reuse,
}

/// The two generations of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Era {
    /// `initialize` and `notifications/initialized`; versions up to 2025-11-25.
    Handshake,
    /// `server/discover` and metadata with each request; 2026-07-28.
    Stateless,
}

/// What one server may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct McpLimits {
    /// From spawning to the list of tools, for one attempt in one era.
    pub start_timeout_ms: u64,
    /// One call.
    pub call_timeout_ms: u64,
    /// A server that let a call pass its deadline must answer a ping within this, or is killed.
    pub ping_timeout_ms: u64,
    /// Servers of this spec at the same time.
    pub max_servers: usize,
    /// How long a lease waits for one of them.
    pub lease_wait_ms: u64,
    /// An unused server is ended after this.
    pub idle_timeout_ms: u64,
    /// From closing a server's input to SIGTERM, and from there to SIGKILL.
    pub shutdown_grace_ms: u64,
    /// A longer message breaks the connection.
    pub max_line_bytes: usize,
}

impl Default for McpLimits {
    fn default() -> Self {
        Self {
            start_timeout_ms: 30_000,
            call_timeout_ms: 60_000,
            ping_timeout_ms: 2_000,
            max_servers: 8,
            lease_wait_ms: 120_000,
            idle_timeout_ms: 300_000,
            shutdown_grace_ms: 1_000,
            max_line_bytes: 64 * 1024 * 1024,
        }
    }
}

impl McpLimits {
    pub(crate) fn start_timeout(&self) -> Duration {
        Duration::from_millis(self.start_timeout_ms)
    }
    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }
    pub(crate) fn ping_timeout(&self) -> Duration {
        Duration::from_millis(self.ping_timeout_ms)
    }
    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

impl McpServerSpec {
    /// A child process with default limits, ended after each lease.
    pub fn stdio(
        name: impl Into<String>,
        command: impl Into<String>,
        args: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        let transport =
            McpTransport::Stdio { command: command.into(), args, env: IndexMap::new(), cwd: None };
        Self::over(name, transport)
    }

    /// A server behind `url` with default limits.
    pub fn http(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::over(name, McpTransport::Http { url: url.into(), headers: IndexMap::new() })
    }

    fn over(name: impl Into<String>, transport: McpTransport) -> Self {
        Self {
            name: name.into(),
            transport,
            reset: ResetPolicy::default(),
            shared: false,
            era: None,
            roots: Vec::new(),
            limits: McpLimits::default(),
        }
    }

    /// The same server with one more variable in its environment (stdio) or one more header (HTTP).
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        match &mut self.transport {
            McpTransport::Stdio { env: pairs, .. } | McpTransport::Http { headers: pairs, .. } => {
                pairs.insert(name.into(), value.into());
            }
        }
        self
    }

    /// What runs or where it is, for errors.
    pub(crate) fn place(&self) -> String {
        let place = match &self.transport {
            McpTransport::Stdio { command, args, .. } => {
                let words = std::iter::once(command).chain(args);
                words.map(String::as_str).collect::<Vec<_>>().join(" ")
            }
            McpTransport::Http { url, .. } => url.clone(),
        };
        self.redact(&place)
    }

    /// `text` without the values that only the server should know.
    pub(crate) fn redact(&self, text: &str) -> String {
        let (McpTransport::Stdio { env: pairs, .. } | McpTransport::Http { headers: pairs, .. }) =
            &self.transport;
        let mut text = text.to_owned();
        // The longest first: one secret may contain another.
        let mut secrets: Vec<&str> = pairs.values().map(String::as_str).filter(|v| v.len() >= 4).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            if text.contains(secret) {
                text = text.replace(secret, "***");
            }
        }
        text
    }

    /// Equal for equal specs.
    pub(crate) fn key(&self) -> String {
        serde_json::to_string(self).expect("a spec holds only strings and numbers")
    }
}

impl fmt::Debug for McpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, args, env, cwd } => {
                let names: Vec<_> = env.keys().collect();
                let mut shown = f.debug_struct("Stdio");
                shown.field("command", command).field("args", args).field("env", &names);
                shown.field("cwd", cwd).finish()
            }
            Self::Http { url, headers } => {
                let names: Vec<_> = headers.keys().collect();
                f.debug_struct("Http").field("url", url).field("headers", &names).finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        let spec = McpServerSpec::stdio("db", "run-db", ["--key", "hunter22"]).with_secret("KEY", "hunter22");
        assert_eq!(spec.place(), "run-db --key ***");
        assert!(!format!("{:?}", spec.clone().with_secret("K", "s3cr3t").transport).contains("s3cr3t"));
        assert_eq!(spec.redact("login hunter22 failed"), "login *** failed");
    }

    #[test]
    fn a_spec_is_written_plainly() {
        let spec: McpServerSpec = serde_json::from_str(
            r#"{"name": "m", "transport": {"type": "stdio", "command": "x"}, "reset": {"reset_tool": "nex_reset"}}"#,
        )
        .expect("a spec");
        assert_eq!(spec.reset, ResetPolicy::ResetTool("nex_reset".into()));
        assert_eq!(spec.limits, McpLimits::default());
        assert!(serde_json::from_str::<McpServerSpec>(r#"{"name": "m", "transprot": {}}"#).is_err());
    }
}

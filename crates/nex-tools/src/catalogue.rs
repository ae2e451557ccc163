//! [`Catalogue`]: the tools of many MCP servers, found by starting each of them once.
//!
//! In: a list of servers, see [`ServerList`]. Out: one row a server, started or not, and one row a
//! tool. Invariants: a server that does not start is a row with its reason; no value of an
//! environment or of a header is in a catalogue, only references such as `${env.TOKEN}`.

mod build;
mod search;
mod server_list;

pub use build::{CatalogueConfig, build};
pub use search::{Hit, search};
pub use server_list::{ListedServer, ServerList, ServerListError};

use crate::mcp::{Era, McpTransport, ToolAnnotations};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Version of [`Catalogue`] that is written; the only one that is read.
pub const CATALOGUE_VERSION: u32 = 1;

/// The tools of many MCP servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// [`CATALOGUE_VERSION`].
    pub version: u32,
    /// The servers in the order of their list.
    pub servers: Vec<CatalogueServer>,
    /// Their tools: servers in the same order, tools in the server's.
    pub tools: Vec<CatalogueEntry>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogueServer {
    /// Its name in the list, unique there.
    pub name: String,
    /// How it is started or reached. Values of environment and headers are references to variables.
    pub transport: McpTransport,
    /// What came of it.
    #[serde(flatten)]
    pub state: ServerState,
}

/// What came of starting a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ServerState {
    /// It listed its tools.
    Listed {
        /// Its own name for itself; empty where it gives none.
        title: String,
        /// Its version; empty where it gives none.
        server_version: String,
        /// The version of the protocol that it speaks.
        protocol: String,
        /// The generation of the protocol.
        era: Era,
        /// Milliseconds from its start to its list of tools, measured once, on the machine and under
        /// the load of that moment.
        start_ms: u64,
        /// How many tools it has.
        tool_count: usize,
        /// Tools that cannot be used, and why.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        refused: Vec<RefusedTool>,
    },
    /// It did not.
    Failed {
        /// A stable word for counting, as `spawn`, `handshake`, `start_timeout`, `configuration`.
        kind: String,
        /// Why, and what to do about it.
        cause: String,
    },
}

/// A tool that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTool {
    /// Its name.
    pub tool: String,
    /// Why.
    pub cause: String,
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// The server's name in the catalogue.
    pub server: String,
    /// The tool's name on the server.
    pub tool: String,
    /// What the server tells models about it; its own words, not to be trusted.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Value,
    /// JSON Schema of its structured result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What the server says of its manners.
    #[serde(default, skip_serializing_if = "ToolAnnotations::is_empty")]
    pub annotations: ToolAnnotations,
}

/// A catalogue cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The file cannot be read or written.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no catalogue.
    #[error("{}: this is no catalogue: {cause}; `nex tools catalogue LIST --out FILE` makes one", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        cause: String,
    },
    /// Another version of the format.
    #[error("{}: a catalogue of version {version}; this program reads version {CATALOGUE_VERSION}: make it anew", .path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
}

impl Catalogue {
    /// Reads a catalogue.
    ///
    /// # Errors
    /// The file cannot be read, is no catalogue, or one of another version.
    pub fn load(path: &Path) -> Result<Self, CatalogueError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| CatalogueError::Io { path: path.to_owned(), cause })?;
        let malformed = |cause: String| CatalogueError::Malformed { path: path.to_owned(), cause };
        let value: Value = serde_json::from_str(&text).map_err(|e| malformed(e.to_string()))?;
        match value.get("version").and_then(Value::as_u64) {
            None => return Err(malformed("it has no `version`".to_owned())),
            Some(version) if version != u64::from(CATALOGUE_VERSION) => {
                return Err(CatalogueError::Version { path: path.to_owned(), version });
            }
            Some(_) => {}
        }
        serde_json::from_value(value).map_err(|e| malformed(e.to_string()))
    }

    /// Writes it; a reader sees the old file or the new one.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), CatalogueError> {
        let io = |cause: std::io::Error| CatalogueError::Io { path: path.to_owned(), cause };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(io)?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        let mut text = serde_json::to_string_pretty(self).map_err(|e| io(e.into()))?;
        text.push('\n');
        file.write_all(text.as_bytes()).map_err(io)?;
        file.persist(path).map_err(|e| io(e.error))?;
        Ok(())
    }

    /// The tools of the server `name`.
    pub fn tools_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a CatalogueEntry> {
        self.tools.iter().filter(move |entry| entry.server == name)
    }
}

impl CatalogueServer {
    /// Whether it did not start.
    pub fn is_failed(&self) -> bool {
        matches!(self.state, ServerState::Failed { .. })
    }
}

#[cfg(test)]
mod tests;

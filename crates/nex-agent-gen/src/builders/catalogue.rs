//! [`Catalogue`]: the real MCP tools that builders may give to agents.
//!
//! In: a JSON file that lists servers with how they are started and what tools they have, written by hand
//! or by `nex tools catalogue`. Out: a
//! search over the tools, and the server of a name. Nothing is started. A builder names a server; how it
//! is started comes from this file alone, so no model writes a command.

use nex_tools::McpTransport;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use thiserror::Error;

/// Bytes of a catalogue file.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// One tool of one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CatalogueEntry {
    /// The server.
    pub server: String,
    /// The tool.
    pub tool: String,
    /// What the server says about it; empty where the file does not tell.
    #[serde(default)]
    pub description: String,
    /// Its arguments as JSON Schema; null where the file does not tell.
    #[serde(default)]
    pub input_schema: Value,
}

/// How a server is started.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Launch {
    /// The program.
    pub command: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its environment, written into agent files as it stands here.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

/// The real MCP tools that builders may give to agents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalogue {
    entries: Vec<CatalogueEntry>,
    launches: BTreeMap<String, Launch>,
}

/// A file that is no catalogue.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// It cannot be read.
    #[error("{path}: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// The system's words.
        cause: std::io::Error,
    },
    /// It is too large.
    #[error("{path}: {bytes} bytes; a catalogue has at most {MAX_BYTES}")]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
    },
    /// It has another shape.
    #[error(
        "{path}: {cause}; a catalogue is JSON: {{\"servers\": [{{\"name\": …, \"run\": {{\"command\": …, \"args\": […]}}, \"tools\": […]}}]}}"
    )]
    Shape {
        /// The file.
        path: String,
        /// The parser's words.
        cause: serde_json::Error,
    },
}

/// The file as it is written; what else it holds is not ours.
#[derive(Deserialize)]
struct CatalogueFile {
    servers: Vec<ServerInFile>,
    /// Tools of all servers, where they do not stand under their server.
    #[serde(default)]
    tools: Vec<CatalogueEntry>,
}

#[derive(Deserialize)]
struct ServerInFile {
    name: String,
    run: Option<Launch>,
    transport: Option<McpTransport>,
    #[serde(default)]
    tools: Vec<ToolInFile>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ToolInFile {
    Name(String),
    Declared {
        name: String,
        #[serde(default)]
        description: Option<String>,
        #[serde(default, alias = "inputSchema")]
        input_schema: Value,
    },
}

impl Launch {
    /// That of a child process; agent files know no working directory.
    fn of(transport: McpTransport) -> Option<Self> {
        match transport {
            McpTransport::Stdio { command, args, env, cwd: None } => {
                Some(Self { command, args, env: env.into_iter().collect() })
            }
            McpTransport::Stdio { .. } | McpTransport::Http { .. } => None,
        }
    }
}

impl Catalogue {
    /// The catalogue in the file at `path`.
    ///
    /// # Errors
    /// It cannot be read, is too large, or has another shape.
    pub fn read(path: &Path) -> Result<Self, CatalogueError> {
        let name = path.display().to_string();
        let unreadable = |cause| CatalogueError::Unreadable { path: name.clone(), cause };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_BYTES {
            return Err(CatalogueError::TooLarge { path: name, bytes });
        }
        let text = std::fs::read(path).map_err(unreadable)?;
        Self::from_json(&text).map_err(|cause| CatalogueError::Shape { path: name, cause })
    }

    /// The catalogue in `json`. Servers that are not child processes of a known command are left out.
    ///
    /// # Errors
    /// It has another shape.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        let file: CatalogueFile = serde_json::from_slice(json)?;
        let mut catalogue = Self::default();
        for ServerInFile { name, run, transport, tools } in file.servers {
            let Some(launch) = run.or_else(|| transport.and_then(Launch::of)) else { continue };
            catalogue.entries.extend(tools.into_iter().map(|tool| match tool {
                ToolInFile::Name(tool) => CatalogueEntry {
                    server: name.clone(),
                    tool,
                    description: String::new(),
                    input_schema: Value::Null,
                },
                ToolInFile::Declared { name: tool, description, input_schema } => CatalogueEntry {
                    server: name.clone(),
                    tool,
                    description: description.unwrap_or_default(),
                    input_schema,
                },
            }));
            catalogue.launches.insert(name, launch);
        }
        let known = file.tools.into_iter().filter(|entry| catalogue.launches.contains_key(&entry.server));
        catalogue.entries.extend(known);
        Ok(catalogue)
    }

    /// All tools, in the order of the file.
    pub fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// How the server called `name` is started.
    pub fn launch(&self, name: &str) -> Option<&Launch> {
        self.launches.get(name)
    }

    /// The names of the servers, in order.
    pub fn servers(&self) -> impl Iterator<Item = &str> {
        self.launches.keys().map(String::as_str)
    }

    /// At most `count` tools with words of `query`, those with most of them first; the file's first
    /// tools where the query is empty.
    pub fn search(&self, query: &str, count: usize) -> Vec<&CatalogueEntry> {
        let words: Vec<String> = query
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| word.chars().count() > 1)
            .map(str::to_lowercase)
            .collect();
        let score = |entry: &CatalogueEntry| {
            let name = format!("{} {}", entry.server, entry.tool).to_lowercase();
            let about = entry.description.to_lowercase();
            words
                .iter()
                .map(|word| 3 * usize::from(name.contains(word)) + usize::from(about.contains(word)))
                .sum()
        };
        let mut scored: Vec<(usize, &CatalogueEntry)> =
            self.entries.iter().map(|entry| (score(entry), entry)).collect();
        scored.retain(|(score, _)| *score > 0 || words.is_empty());
        // Stable, so that equals stay in the order of the file.
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        scored.into_iter().take(count).map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_tools_are_read_and_found() {
        let json = br#"{"meta": {}, "servers": [
            {"name": "filesystem", "run": {"command": "fs", "args": ["{WORK}"], "env": {}}, "tools": ["read_file", "move_file"]},
            {"name": "git", "run": {"command": "git-server"}, "tools": [
                {"name": "git_diff", "description": "Shows changes of files", "inputSchema": {"type": "object"}}]},
            {"name": "unknown_start", "tools": ["x"]}]}"#;
        let catalogue = Catalogue::from_json(json).unwrap();
        assert_eq!(catalogue.servers().collect::<Vec<_>>(), ["filesystem", "git"]);
        assert_eq!(catalogue.launch("filesystem").unwrap().args, ["{WORK}"]);
        let found = |query: &str| {
            catalogue.search(query, 5).iter().map(|entry| entry.tool.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(found("read a file"), ["read_file", "move_file", "git_diff"]);
        assert_eq!(found("git"), ["git_diff"]);
        assert_eq!(found("weather"), [""; 0]);
        assert_eq!(found(""), ["read_file", "move_file", "git_diff"]);
        let listed = br#"{"version": 1, "servers": [
            {"name": "time", "transport": {"type": "stdio", "command": "time-server", "args": ["--utc"]}, "status": "listed"},
            {"name": "far", "transport": {"type": "http", "url": "http://127.0.0.1:1/mcp"}, "status": "listed"}],
            "tools": [{"server": "time", "tool": "convert_time", "description": "Converts", "input_schema": {}, "annotations": {}},
                      {"server": "far", "tool": "x", "description": "", "input_schema": {}}]}"#;
        let listed = Catalogue::from_json(listed).unwrap();
        assert_eq!(listed.launch("time").unwrap().args, ["--utc"]);
        assert_eq!(
            listed.entries().iter().map(|entry| entry.tool.as_str()).collect::<Vec<_>>(),
            ["convert_time"]
        );
        let missing = Catalogue::read(Path::new("/nowhere/servers.json")).unwrap_err().to_string();
        assert!(missing.starts_with("/nowhere/servers.json: "), "{missing}");
        assert!(Catalogue::from_json(b"[]").is_err());
    }
}

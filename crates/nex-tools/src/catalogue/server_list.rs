//! [`ServerList`]: the servers that a person listed, as JSON or YAML.
//!
//! Two shapes are read: `{"mcpServers": {"NAME": {…}}}`, as many programs keep it, and a list of
//! `{name: …, …}`, alone or under `servers`. Keys of an entry: `command`, `args`, `env`, `cwd`, or
//! `url` and `headers`; `type`, `disabled`. Other keys are somebody else's: they are named, not
//! refused. `${env.NAME}`, `${env:NAME}` and `${NAME}` stand for variables of our environment.

use crate::mcp::{McpServerSpec, McpTransport};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Servers of one list.
const MAX_SERVERS: usize = 10_000;

/// The servers that a person listed.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerList {
    /// In the order of the file; names are unique.
    pub servers: Vec<ListedServer>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedServer {
    /// Its name.
    pub name: String,
    /// How it is started or reached, without secrets.
    pub shown: McpTransport,
    /// How it is started or reached; or why it cannot be.
    pub spec: Result<McpServerSpec, String>,
    /// Keys of the entry that mean nothing here.
    pub ignored: Vec<String>,
}

/// A list of servers cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ServerListError {
    /// The file cannot be read.
    #[error("{}: {cause}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It is no list of servers.
    #[error("{}: {cause}", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, where, and what is right.
        cause: String,
    },
}

const SHAPES: &str = r#"a list of servers is {"mcpServers": {"NAME": {"command": …, "args": […]}}}, or a list of {name: NAME, command: …}"#;

impl ServerList {
    /// Reads the file at `path`; `.yaml` and `.yml` as YAML, all else as JSON.
    ///
    /// # Errors
    /// The file cannot be read or is no list of servers. A server with a bad entry is none of these.
    pub fn load(path: &Path) -> Result<Self, ServerListError> {
        let text = std::fs::read_to_string(path)
            .map_err(|cause| ServerListError::Io { path: path.to_owned(), cause })?;
        let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        let folder = path.parent().unwrap_or(Path::new(""));
        let variable = |name: &str| std::env::var(name).ok();
        Self::parse(&text, is_yaml, folder, &variable)
            .map_err(|cause| ServerListError::Malformed { path: path.to_owned(), cause })
    }

    /// The list in `text`. A `command` with a `/` that is not absolute is taken from `folder`.
    ///
    /// # Errors
    /// A text: what is wrong, and where.
    pub fn parse(
        text: &str,
        is_yaml: bool,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let value: Value = if is_yaml {
            serde_saphyr::from_str(text).map_err(|e| e.to_string())?
        } else {
            serde_json::from_str(text).map_err(|e| e.to_string())?
        };
        let entries = entries(value)?;
        if entries.len() > MAX_SERVERS {
            return Err(format!("{} servers; at most {MAX_SERVERS} are read from one list", entries.len()));
        }
        let mut servers: Vec<ListedServer> = Vec::with_capacity(entries.len());
        for (name, entry) in entries {
            if servers.iter().any(|known| known.name == name) {
                return Err(format!("the name `{name}` stands twice; names tell servers apart"));
            }
            servers.push(server(name, entry, folder, variable));
        }
        Ok(Self { servers })
    }
}

/// Names and entries, whatever the shape.
fn entries(value: Value) -> Result<Vec<(String, Value)>, String> {
    let inner = match value {
        Value::Object(mut map) => {
            let keys = ["mcpServers", "mcp_servers", "servers"];
            let found = keys.iter().find_map(|key| map.remove(*key));
            found.ok_or_else(|| format!("no key `mcpServers` or `servers`; {SHAPES}"))?
        }
        other => other,
    };
    match inner {
        Value::Object(map) => Ok(map.into_iter().collect()),
        Value::Array(list) => {
            let named = list.into_iter().enumerate().map(|(index, mut entry)| {
                let name = entry.as_object_mut().and_then(|map| map.remove("name"));
                match name {
                    Some(Value::String(name)) => Ok((name, entry)),
                    _ => Err(format!("entry {} has no `name`; {SHAPES}", index + 1)),
                }
            });
            named.collect()
        }
        _ => Err(SHAPES.to_owned()),
    }
}

fn server(
    name: String,
    entry: Value,
    folder: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> ListedServer {
    let mut found = Entry { map: Map::new(), faults: Vec::new(), variable };
    match entry {
        Value::Object(map) => found.map = map,
        _ => found.faults.push("the entry is no object".to_owned()),
    }
    let is_off = matches!(found.map.remove("disabled"), Some(Value::Bool(true)));
    let kind = ["type", "transport"].iter().find_map(|key| found.map.remove(*key));
    let kind = kind.and_then(|kind| kind.as_str().map(str::to_lowercase)).unwrap_or_default();
    let (shown, real) = match found.map.remove("url") {
        Some(url) => {
            let (url_shown, url) = found.text("url", url);
            let (headers_shown, headers) = found.pairs("headers");
            if kind == "sse" {
                found.faults.push("servers of type `sse` are not supported; the protocol has replaced them by streamable HTTP".into());
            }
            (
                McpTransport::Http { url: url_shown, headers: headers_shown },
                McpTransport::Http { url, headers },
            )
        }
        None => found.process(folder),
    };
    let mut spec = McpServerSpec::http(name.clone(), "");
    spec.transport = real;
    let ignored = found.map.keys().cloned().collect();
    if is_off {
        found.faults.push("it is disabled in the list".to_owned());
    }
    let shown = redacted(shown, &spec);
    let spec = if found.faults.is_empty() { Ok(spec) } else { Err(spec.redact(&found.faults.join("; "))) };
    ListedServer { name, shown, spec, ignored }
}

/// Secrets may stand in arguments and addresses too.
fn redacted(mut shown: McpTransport, spec: &McpServerSpec) -> McpTransport {
    match &mut shown {
        McpTransport::Stdio { command, args, .. } => {
            *command = spec.redact(command);
            args.iter_mut().for_each(|arg| *arg = spec.redact(arg));
        }
        McpTransport::Http { url, .. } => *url = spec.redact(url),
    }
    shown
}

/// An entry while it is read.
struct Entry<'a> {
    map: Map<String, Value>,
    faults: Vec<String>,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Entry<'_> {
    fn process(&mut self, folder: &Path) -> (McpTransport, McpTransport) {
        let (command_shown, command) = match self.map.remove("command") {
            Some(command) => self.text("command", command),
            None => {
                self.faults.push("it has neither `command` nor `url`".to_owned());
                Default::default()
            }
        };
        let args = match self.map.remove("args") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(args)) => args,
            Some(_) => {
                self.faults.push("`args` is no list".to_owned());
                Vec::new()
            }
        };
        let (args_shown, args) = args.into_iter().map(|arg| self.text("args", arg)).unzip();
        let (env_shown, env) = self.pairs("env");
        let cwd = self.map.remove("cwd").map(|cwd| PathBuf::from(self.text("cwd", cwd).1));
        let beside = |command: String| match Path::new(&command) {
            path if command.contains('/') && path.is_relative() => folder.join(path).display().to_string(),
            _ => command,
        };
        (
            McpTransport::Stdio {
                command: beside(command_shown),
                args: args_shown,
                env: env_shown,
                cwd: cwd.clone(),
            },
            McpTransport::Stdio { command: beside(command), args, env, cwd },
        )
    }

    /// A text as it may be shown, with references, and as it is used.
    fn text(&mut self, key: &str, value: Value) -> (String, String) {
        let text = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => {
                self.faults.push(format!("`{key}` holds something that is no text"));
                String::new()
            }
        };
        self.resolve(&text)
    }

    /// Names and values; a value without a reference is shown as a reference to its own name.
    fn pairs(&mut self, key: &str) -> (IndexMap<String, String>, IndexMap<String, String>) {
        let map = match self.map.remove(key) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(map)) => map,
            Some(_) => {
                self.faults.push(format!("`{key}` is no object"));
                Map::new()
            }
        };
        let (mut shown, mut real) = (IndexMap::new(), IndexMap::new());
        for (name, value) in map {
            let (reference, value) = self.text(key, value);
            let reference = if reference.contains("${env.") {
                reference
            } else {
                format!("${{env.{}}}", name.to_uppercase().replace('-', "_"))
            };
            shown.insert(name.clone(), reference);
            real.insert(name, value);
        }
        (shown, real)
    }

    /// `text` with its references in one spelling, and with their values.
    fn resolve(&mut self, text: &str) -> (String, String) {
        let (mut shown, mut real) = (String::new(), String::new());
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else { break };
            let inner = &rest[start + 2..start + length];
            let name = inner.strip_prefix("env.").or_else(|| inner.strip_prefix("env:")).unwrap_or(inner);
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            for out in [&mut shown, &mut real] {
                out.push_str(&rest[..start]);
            }
            if is_name {
                shown.push_str(&format!("${{env.{name}}}"));
                match (self.variable)(name) {
                    Some(value) => real.push_str(&value),
                    None => self.faults.push(format!("the variable {name} is not set")),
                }
            } else {
                for out in [&mut shown, &mut real] {
                    out.push_str(&rest[start..=start + length]);
                }
            }
            rest = &rest[start + length + 1..];
        }
        shown.push_str(rest);
        real.push_str(rest);
        (shown, real)
    }
}

//! What a server tells about itself: its tools, its name, the versions it speaks; as JSON texts
//! that are made once.

use super::{ServeError, ServeOptions};
use crate::json::write_string;
use crate::spec::OperationKind;
use crate::world::{Operation, World};
use serde_json::{Value as Json, json};

/// The version without a handshake.
pub(super) const STATELESS_VERSION: &str = "2026-07-28";
/// The versions with a handshake, newest first.
pub(super) const HANDSHAKE_VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
/// How long a list of tools may be taken as current.
const LIST_TTL_MS: u32 = 60_000;

pub(super) const RESET: &str = "reset_world";
pub(super) const OPEN: &str = "open_world";
pub(super) const CONTROL_RESET: &str = "nex_reset";
pub(super) const CONTROL_EXPORT: &str = "nex_export";
/// The argument that names an opened world.
pub(super) const HANDLE: &str = "world_handle";

/// The texts.
pub(super) struct Offer {
    /// `"tools":[…]` where the connection is the session.
    pub(super) tools: String,
    /// The same where a call names its world.
    pub(super) tools_with_handles: String,
    /// `{"name":…,"title":…,"version":…}`
    pub(super) server: String,
    /// The instructions, as a JSON string.
    pub(super) instructions: String,
}

/// A tool that `tools/call` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Operation,
    Reset,
    Open,
    ControlReset,
    ControlExport,
}

impl Offer {
    /// # Errors
    /// [`ServeError::NameTaken`].
    pub(super) fn new(world: &World, options: &ServeOptions) -> Result<Self, ServeError> {
        for operation in world.operations() {
            let taken = |name: &str, what: String| {
                Err(ServeError::NameTaken { world: world.name().to_owned(), name: name.to_owned(), what })
            };
            let own = [RESET, OPEN, CONTROL_RESET, CONTROL_EXPORT];
            if own.contains(&operation.name.as_str()) {
                return taken(&operation.name, "the operation".to_owned());
            }
            if operation.args.iter().any(|arg| arg.name == HANDLE) {
                return taken(HANDLE, format!("the argument of operation `{}`", operation.name));
            }
        }
        let mut instructions = String::new();
        write_string(&mut instructions, &world.briefing(options.language));
        let server = json!({
            "name": "nex-world",
            "title": world.title().get(options.language).trim(),
            "version": env!("CARGO_PKG_VERSION"),
        });
        Ok(Self {
            tools: tools(world, options, false),
            tools_with_handles: tools(world, options, true),
            server: server.to_string(),
            instructions,
        })
    }
}

/// The tool called `name`.
pub(super) fn find(world: &World, options: &ServeOptions, has_handles: bool, name: &str) -> Option<Target> {
    match name {
        RESET if options.offer_reset => Some(Target::Reset),
        OPEN if has_handles => Some(Target::Open),
        CONTROL_RESET if options.control_token.is_some() => Some(Target::ControlReset),
        CONTROL_EXPORT if options.control_token.is_some() => Some(Target::ControlExport),
        _ => world.operation(name).map(|_| Target::Operation),
    }
}

/// The names of the tools that a client may use, those of a harness left out.
pub(super) fn names<'a>(
    world: &'a World,
    options: &ServeOptions,
    has_handles: bool,
) -> impl Iterator<Item = &'a str> {
    let operations = world.operations().iter().map(|operation| operation.name.as_str());
    let open = has_handles.then_some(OPEN);
    open.into_iter().chain(operations).chain(options.offer_reset.then_some(RESET))
}

/// Writes the result of `tools/list`; `stateless` is the server's name in the era of 2026-07-28.
pub(super) fn write_list(out: &mut String, tools: &str, stateless: Option<&str>) {
    use std::fmt::Write;
    out.push('{');
    out.push_str(tools);
    if let Some(server) = stateless {
        write!(
            out,
            ",\"resultType\":\"complete\",\"ttlMs\":{LIST_TTL_MS},\"cacheScope\":\"private\",\
             \"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{server}}}"
        )
        .expect("writing to a string does not fail");
    }
    out.push('}');
}

fn tools(world: &World, options: &ServeOptions, has_handles: bool) -> String {
    let mut tools: Vec<Json> = world
        .operations()
        .iter()
        .zip(world.declarations())
        .map(|(operation, declaration)| {
            let spec = declaration.spec();
            let mut tool = json!({"name": spec.name, "description": spec.description});
            tool["inputSchema"] = spec.input_schema.clone();
            tool["annotations"] = annotations(operation);
            tool
        })
        .collect();
    let seed = json!({"type": "integer", "minimum": 0, "description": "Seed of the first state; left out, the same as before."});
    if options.offer_reset {
        tools.push(own_tool(
            RESET,
            "Starts the world again: every record goes back to its first state.",
            json!({"seed": &seed}),
            &[],
        ));
    }
    if options.control_token.is_some() {
        let token = json!({"type": "string", "description": "The control token."});
        tools.push(own_tool(
            CONTROL_RESET,
            "For a harness: starts the world of a task, or of a seed.",
            json!({
                "token": &token,
                "task": {"type": "object"},
                "seed": {"type": "integer", "minimum": 0},
                "language": {"type": "string", "enum": ["en", "zh"]},
                "calm": {"type": "boolean", "description": "No latency and no faults."},
            }),
            &["token"],
        ));
        tools.push(own_tool(
            CONTROL_EXPORT,
            "For a harness: the state and every call so far.",
            json!({"token": &token}),
            &["token"],
        ));
    }
    if has_handles {
        let handle =
            json!({"type": "string", "description": "Handle of your world, as `open_world` gave it."});
        for tool in &mut tools {
            let schema = &mut tool["inputSchema"];
            if schema.get("properties").is_none() {
                schema["properties"] = json!({});
            }
            schema["properties"][HANDLE] = handle.clone();
        }
        let properties = if options.offer_reset { json!({"seed": &seed}) } else { json!({}) };
        let about = "Opens a world of your own and gives its `world_handle`, which every other tool wants. Call it first.";
        tools.insert(0, own_tool(OPEN, about, properties, &[]));
    }
    format!("\"tools\":{}", Json::Array(tools))
}

fn own_tool(name: &str, description: &str, properties: Json, required: &[&str]) -> Json {
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    json!({
        "name": name,
        "description": description,
        "inputSchema": schema,
        "annotations": {
            "readOnlyHint": name == CONTROL_EXPORT,
            "destructiveHint": name == RESET || name == CONTROL_RESET,
            "idempotentHint": name == RESET || name == CONTROL_RESET,
            "openWorldHint": false,
        },
    })
}

/// Reads change nothing; a creation that does nothing else only adds; a deletion that does nothing
/// else can be repeated.
fn annotations(operation: &Operation) -> Json {
    let is_read = !operation.kind.is_write();
    let is_plain = operation.effects.is_empty();
    json!({
        "readOnlyHint": is_read,
        "destructiveHint": !(is_read || operation.kind == OperationKind::Create && is_plain),
        "idempotentHint": is_read || (operation.kind == OperationKind::Delete && is_plain),
        "openWorldHint": false,
    })
}

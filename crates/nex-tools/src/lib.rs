//! What an agent can do.
//!
//! A [`Tool`] takes validated arguments and gives content. A [`Toolbox`] holds an agent's tools,
//! checks each call against its schema before it runs, bounds it in time and size, and turns
//! whatever goes wrong into data. It knows no models, prompts or rewards.

pub mod arguments;
pub mod catalogue;
pub mod declaration;
pub mod fn_tool;
pub mod mcp;
pub mod output_cap;
#[cfg(target_os = "linux")]
pub mod sandbox;
pub mod tool;
pub mod toolbox;
pub mod workspace;

pub use catalogue::{Catalogue, CatalogueEntry, CatalogueServer};
pub use declaration::{SchemaError, ToolDeclaration};
pub use fn_tool::FnTool;
pub use mcp::{McpError, McpLease, McpPool, McpServerSpec, McpTransport, PoolConfig};
#[cfg(target_os = "linux")]
pub use sandbox::{LinuxSandbox, Sandbox, SandboxCommand, SandboxError, SandboxFolder, SandboxPolicy};
pub use tool::{CallContext, Tool, ToolFailure, ToolOutput};
pub use toolbox::{CallOutcome, DuplicateTool, ToolLimits, Toolbox};
pub use workspace::{Workspace, WorkspaceError, WorkspaceLimits};

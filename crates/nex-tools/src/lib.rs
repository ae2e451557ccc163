//! What an agent can do.
//!
//! A [`Tool`] takes validated arguments and gives content. A `Toolbox` holds an agent's tools,
//! checks each call against its schema before it runs, bounds it in time and size, and turns
//! whatever goes wrong into data. It knows no models, prompts or rewards.

pub mod declaration;
pub mod tool;

pub use declaration::ToolDeclaration;
pub use tool::{CallContext, Tool, ToolFailure, ToolOutput};

//! Declarative, stateful environments: world YAML becomes state, tools, tasks, oracle and verifier; served in process or over MCP.
//!
//! A world file ([`spec`]) is compiled once to a [`World`]. A [`WorldSession`] holds one state of
//! it, serves calls of its operations, and exports state and log. Pure: no network, no wall clock,
//! no chance but the seed's; the server is the only part that does I/O.

pub mod builtin;
pub mod dialogue;
pub mod error;
mod expr;
pub mod files;
mod generate;
mod history;
pub mod imitate;
mod json;
pub mod schema;
pub mod search;
pub mod serve;
pub mod session;
mod shape;
pub mod spec;
pub mod state;
mod suggest;
pub mod task;
pub mod text;
mod tools;
pub mod value;
pub mod world;

pub use builtin::{BuiltinWorld, builtin_world, builtin_worlds};
pub use error::{GenerateError, Problem, WorldError};
pub use session::{
    CallRecord, Fault, OpReply, Outcome, SessionExport, SessionOptions, Snapshot, WorldSession,
};
pub use spec::{DynamicsSpec, LatencySpec, Millis, RateLimitSpec};
pub use state::State;
pub use state::diff::{Change, StateJson, StateJsonError, diff};
pub use state::hash::StateHash;
pub use text::{Language, Text};
pub use tools::session_tools;
pub use world::World;

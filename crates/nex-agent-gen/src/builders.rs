//! The builders: agents that turn a description into agents and their world, on any LLM (Nex-N1 §2.2).
//!
//! In: a [`ForgeRequest`](crate::forge::ForgeRequest) and a [`ChatModel`](nex_llm::ChatModel). Out: a
//! [`Forged`](crate::forge::Forged) framework, as the planner without an LLM gives it, or a [`BuildFailure`];
//! and the builders' trajectories in either case.
//!
//! ```text
//! description ─▶ MetaAgent ─▶ WorldBuilder, ToolBuilder, AgentBuilder, FrameworkBuilder
//!                                   └──────── tools ────────▶ workspace ── whole check ──▶ framework
//! ```
//!
//! The builders are NexAU agents in YAML (`builders/*.yaml`), run by nex-agent's loop. They change nothing
//! but a typed workspace, which parses and checks each write at once and gives the error back. Invariants:
//! what fails a check never comes out; nothing that a model wrote is run; every way to fail has a name.

mod agent_draft;
mod build;
mod catalogue;
mod derive;
mod failure;
mod limits;
mod team;
mod templates;
mod tools;
mod workspace;
mod world_parts;
mod yaml;

pub use build::{BuildOptions, BuildOutcome, build};
pub use catalogue::{Catalogue, CatalogueEntry, CatalogueError, Launch};
pub use failure::BuildFailure;
pub use limits::BuildLimits;
pub use team::{BUILDER_FILES, write_builders};

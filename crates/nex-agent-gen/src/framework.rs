//! Frameworks: agents with their topology, made for one world.
//!
//! In: a [`World`](nex_world::World), a [`WorkflowPattern`], a number of nodes, a seed. Out: a
//! [`FrameworkPlan`] as data, and its files in NexAU's YAML. No LLM takes part. Invariants: the same
//! arguments give the same bytes; every tool of an agent is an operation of the world; every
//! operation of the world is in some agent's hands; delegation has no cycle.

mod desks;
pub(crate) mod files;
mod fixed;
mod names;
mod pattern;
mod plan;
mod prompt;
mod stages;
#[cfg(test)]
mod tests;

pub use files::FrameworkFile;
pub use pattern::WorkflowPattern;
pub use plan::{AgentPlan, Duty, FrameworkPlan, PlanError, plan_framework};

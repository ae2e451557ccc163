//! NexA4A: a sentence becomes a framework, that is agents, their topology, and the world they act in.
//!
//! ```text
//! sentence ─▶ brief ─▶ world (composed YAML, tried out) ─▶ framework (agents' YAML, checked) ─▶ files
//! ```
//! Two planners do it: [`forge`] needs no LLM and plans by retrieval and by grammars, from a seed;
//! [`builders`] are agents on an LLM. Nothing that they make is run here but the operations of worlds,
//! which are data.

pub mod brief;
pub mod builders;
pub mod check;
pub mod diversity;
pub mod forge;
pub mod framework;
pub mod servers;
pub mod world;

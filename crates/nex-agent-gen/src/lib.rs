//! NexA4A: a sentence becomes a framework, that is agents, their topology, and the world they act in.
//!
//! ```text
//! sentence ─▶ brief ─▶ world (composed YAML, tried out) ─▶ framework (agents' YAML, checked) ─▶ files
//! ```
//! What is here needs no LLM: it plans by retrieval and by grammars, from a seed. Nothing that it
//! makes is run here but the operations of composed worlds, which are data.

pub mod brief;
pub mod check;
pub mod diversity;
pub mod forge;
pub mod framework;
pub mod servers;
pub mod world;

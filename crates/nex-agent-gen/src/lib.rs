//! NexA4A: a sentence becomes a framework, that is agents, their topology, and the world they act in.
//!
//! What is here needs no LLM: it plans by retrieval and by grammars, from a seed. Nothing that it
//! makes is run here.

pub mod brief;
pub mod check;
pub mod framework;

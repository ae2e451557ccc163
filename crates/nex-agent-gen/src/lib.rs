//! NexA4A: a sentence becomes a framework, that is agents, their topology, and the world they act in.

pub mod world;

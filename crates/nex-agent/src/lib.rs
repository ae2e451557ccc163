//! NexAU: an agent spec in YAML becomes a recursive ReAct loop and its trajectory.

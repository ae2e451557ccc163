//! Declarative, stateful environments: world YAML becomes state, tools, tasks, oracle and verifier; served in process or over MCP.

pub mod task;

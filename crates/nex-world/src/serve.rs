//! A world as an MCP server: stdio and streamable HTTP, both protocol eras, sessions isolated.
//!
//! (Work in progress by a hand of its own: the engine's author leaves this file and `serve/` alone.)

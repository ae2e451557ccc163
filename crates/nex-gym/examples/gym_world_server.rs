//! Serves a built-in world over MCP on stdio, for the tests of this crate and for a first look.
//!
//! `gym_world_server WORLD`; with `NEX_CONTROL_TOKEN` set, a harness that knows it may set and read the
//! state.

use nex_world::builtin_world;
use nex_world::serve::{ServeOptions, serve_stdio};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).ok_or("usage: gym_world_server WORLD")?;
    let world = builtin_world(&name).ok_or("no such built-in world")?.load()?;
    let options =
        ServeOptions { control_token: std::env::var("NEX_CONTROL_TOKEN").ok(), ..ServeOptions::default() };
    Ok(serve_stdio(world, options, CancellationToken::new()).await?)
}

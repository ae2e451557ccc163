//! Serves a built-in world over MCP, for the tests that meet it with other people's clients.
//!
//! `serve_world WORLD [SEED]` serves on standard input and output; `serve_world WORLD SEED http`
//! at a free port of 127.0.0.1, whose address is its first line of output. The control token is
//! that in `NEX_CONTROL_TOKEN`; `NEX_REAL_LATENCY` makes it wait as the world says.
#![allow(clippy::print_stdout)]

use nex_world::builtin_world;
use nex_world::serve::{HttpServer, ServeOptions, serve_stdio};
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().ok_or("usage: serve_world WORLD [SEED [http]]")?;
    let world = builtin_world(&name).ok_or("no such built-in world")?.load()?;
    let options = ServeOptions {
        seed: arguments.next().map_or(Ok(7), |seed| seed.parse())?,
        control_token: std::env::var("NEX_CONTROL_TOKEN").ok(),
        real_latency: std::env::var_os("NEX_REAL_LATENCY").is_some(),
        ..ServeOptions::default()
    };
    let cancel = CancellationToken::new();
    if arguments.next().as_deref() == Some("http") {
        let server = HttpServer::bind(world, ([127, 0, 0, 1], 0).into(), options).await?;
        println!("http://{}/mcp", server.local_addr());
        return Ok(server.run(cancel).await?);
    }
    Ok(serve_stdio(world, options, cancel).await?)
}

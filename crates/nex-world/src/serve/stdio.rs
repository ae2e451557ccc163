//! A connection over pipes.
//!
//! Without real latency an answer is ready as soon as its request is read, so one thread that
//! blocks on the pipes serves a call with two system calls and no change of threads. With it,
//! answers wait on timers while other requests are served.

use super::connection::{Connection, Late, Outbox};
use super::{ServeError, ServeOptions, service};
use crate::world::World;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::HashSet;
use std::io::{ErrorKind, Read, Write};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

const READ_BYTES: usize = 64 * 1024;
/// What is to be written is written when it has so many bytes, though more requests are waiting.
const WRITE_BYTES: usize = 256 * 1024;
/// Answers that wait; no more is read when there are so many.
const MAX_WAITING: usize = 1024;

/// Serves one client on standard input and output, to the end of the input or until `cancel`.
///
/// Standard input is not usable afterwards when `cancel` came first, as a read of it goes on.
///
/// # Errors
/// See [`ServeError`]; a client that goes away is none.
pub async fn serve_stdio(
    world: Arc<World>,
    options: ServeOptions,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    let is_real_latency = options.real_latency;
    let connection = Connection::new(service(world, options)?);
    let (done, is_done) = tokio::sync::oneshot::channel();
    let name = "nex-mcp-stdio".to_owned();
    if is_real_latency {
        let (feed, input) = tokio::io::duplex(READ_BYTES);
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name(name).spawn(move || {
            // The other side hears of a broken input as of its end.
            drop(done.send(forward(std::io::stdin().lock(), feed, &runtime)));
        })?;
        drive(connection, input, tokio::io::stdout(), cancel).await?;
        return Ok(());
    }
    // Not a task: a read that blocks would keep the runtime from ending.
    std::thread::Builder::new().name(name).spawn(move || {
        drop(done.send(pump(connection, std::io::stdin().lock(), std::io::stdout().lock())));
    })?;
    tokio::select! {
        ended = is_done => Ok(ended.unwrap_or(Ok(()))?),
        () = cancel.cancelled() => Ok(()),
    }
}

/// Serves one client on any pair of pipes, as [`serve_stdio`] does.
///
/// # Errors
/// See [`ServeError`]; a client that goes away is none.
pub async fn serve_lines(
    world: Arc<World>,
    options: ServeOptions,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    Ok(drive(Connection::new(service(world, options)?), input, output, cancel).await?)
}

/// The whole life of a connection, blocking.
fn pump(mut connection: Connection, mut input: impl Read, mut output: impl Write) -> std::io::Result<()> {
    let mut chunk = vec![0; READ_BYTES];
    let mut outbox = Outbox::default();
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => connection.push(&chunk[..length]),
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) => return Err(cause),
        }
        let mut is_more = true;
        while is_more {
            is_more = connection.next(&mut outbox);
            if outbox.text.is_empty() || (is_more && outbox.text.len() < WRITE_BYTES) {
                continue;
            }
            if let Err(cause) = output.write_all(outbox.text.as_bytes()).and_then(|()| output.flush()) {
                return if cause.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(cause) };
            }
            outbox.clear();
        }
        outbox.cancelled.clear();
    }
}

fn forward(
    mut input: impl Read,
    mut feed: tokio::io::DuplexStream,
    runtime: &tokio::runtime::Handle,
) -> std::io::Result<()> {
    let mut chunk = vec![0; READ_BYTES];
    loop {
        match input.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(length) => runtime.block_on(feed.write_all(&chunk[..length]))?,
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

/// The whole life of a connection, with answers that wait.
async fn drive(
    mut connection: Connection,
    mut input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let mut chunk = vec![0; READ_BYTES];
    let mut outbox = Outbox::default();
    let mut late = FuturesUnordered::new();
    let mut waiting = HashSet::new();
    let mut is_open = true;
    while is_open || !late.is_empty() {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            Some(Late { id, text, .. }) = late.next(), if !late.is_empty() => {
                if waiting.remove(&id) {
                    outbox.text.push_str(&text);
                }
            }
            length = input.read(&mut chunk), if is_open && late.len() < MAX_WAITING => {
                match length {
                    Ok(0) => is_open = false,
                    Ok(length) => connection.push(&chunk[..length]),
                    Err(cause) if cause.kind() == ErrorKind::BrokenPipe => is_open = false,
                    Err(cause) => return Err(cause),
                }
            }
        }
        let mut is_more = true;
        while is_more {
            is_more = connection.next(&mut outbox);
            for answer in outbox.late.drain(..) {
                waiting.insert(answer.id.clone());
                late.push(async move {
                    tokio::time::sleep(answer.after).await;
                    answer
                });
            }
            for id in outbox.cancelled.drain(..) {
                waiting.remove(&id);
            }
            if outbox.text.is_empty() || (is_more && outbox.text.len() < WRITE_BYTES) {
                continue;
            }
            let written = tokio::select! {
                written = async { output.write_all(outbox.text.as_bytes()).await?; output.flush().await } => written,
                () = cancel.cancelled() => return Ok(()),
            };
            if let Err(cause) = written {
                return if cause.kind() == ErrorKind::BrokenPipe { Ok(()) } else { Err(cause) };
            }
            outbox.clear();
        }
    }
    Ok(())
}

impl Outbox {
    /// Empties the text, and gives a large one back.
    fn clear(&mut self) {
        self.text.clear();
        if self.text.capacity() > 2 * WRITE_BYTES {
            self.text = String::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocking_pump_serves_to_the_end_of_input() {
        let world = crate::builtin_world("parcel_desk").expect("it is built in").load().expect("it loads");
        let connection = Connection::new(service(world, ServeOptions::default()).expect("it serves"));
        let input =
            b"{\"id\":1,\"method\":\"ping\"}\n\n{\"id\":2,\"method\":\"ping\"}\r\n{\"id\":3,\"method\":\"pi";
        let mut output = Vec::new();
        pump(connection, input.as_slice(), &mut output).expect("memory does not break");
        let expected =
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}\n";
        assert_eq!(String::from_utf8(output).expect("answers are UTF-8"), expected);
    }
}

//! Framing: one message a line, in both directions, over pipes.

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::ChildStdin;

/// A pipe that is read in pieces of this size.
const READ_BYTES: usize = 64 * 1024;

/// Lines out of a pipe, each below a size limit.
pub(super) struct LineReader<R> {
    input: R,
    buffer: BytesMut,
    /// How far `buffer` is known to hold no line break.
    searched: usize,
    max_line_bytes: usize,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    pub(super) fn new(input: R, max_line_bytes: usize) -> Self {
        Self { input, buffer: BytesMut::new(), searched: 0, max_line_bytes }
    }

    /// The next line without its end; `None` at the end of input. Text behind the last line break
    /// is no message and is dropped.
    ///
    /// # Errors
    /// The pipe broke, or a line is over the limit (`InvalidData`).
    pub(super) async fn next(&mut self) -> io::Result<Option<BytesMut>> {
        loop {
            if let Some(length) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + length);
                self.buffer.advance(1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > self.max_line_bytes {
                let cause = format!("it wrote a line of more than {} bytes", self.max_line_bytes);
                return Err(io::Error::new(io::ErrorKind::InvalidData, cause));
            }
            self.buffer.reserve(READ_BYTES);
            if self.input.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// Lines into a pipe. Callers add whole messages; whoever holds the pipe writes what all have
/// added, so that calls at the same time share one system call.
///
/// Cancel safe: a caller that goes away in the middle of a write leaves the rest to the next.
#[derive(Clone)]
pub(super) struct LineWriter {
    waiting: Arc<Mutex<BytesMut>>,
    pipe: Arc<tokio::sync::Mutex<Option<Pipe>>>,
}

struct Pipe {
    stdin: ChildStdin,
    writing: BytesMut,
}

impl LineWriter {
    pub(super) fn new(stdin: ChildStdin) -> Self {
        let pipe = Pipe { stdin, writing: BytesMut::new() };
        Self { waiting: Arc::default(), pipe: Arc::new(tokio::sync::Mutex::new(Some(pipe))) }
    }

    /// Adds one message, which `fill` writes without line breaks.
    pub(super) fn add(&self, fill: impl FnOnce(&mut BytesMut)) {
        let mut waiting = self.waiting.lock();
        fill(&mut waiting);
        waiting.extend_from_slice(b"\n");
    }

    /// Bytes that were added and not yet written.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Writes all that was added.
    ///
    /// # Errors
    /// The pipe is closed.
    pub(super) async fn flush(&self) -> io::Result<()> {
        let mut pipe = self.pipe.lock().await;
        let Some(pipe) = pipe.as_mut() else { return Err(io::Error::from(io::ErrorKind::BrokenPipe)) };
        loop {
            if pipe.writing.is_empty() {
                std::mem::swap(&mut pipe.writing, &mut self.waiting.lock());
                if pipe.writing.is_empty() {
                    return Ok(());
                }
            }
            // `write` is cancel safe: it has written what it returned, or nothing.
            let written = pipe.stdin.write(&pipe.writing).await?;
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero));
            }
            pipe.writing.advance(written);
        }
    }

    /// Closes the pipe, unless a write is stuck in it.
    pub(super) fn close(&self) {
        if let Ok(mut pipe) = self.pipe.try_lock() {
            *pipe = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8], limit: usize) -> Vec<Result<String, io::ErrorKind>> {
        let mut reader = LineReader::new(input, limit);
        let mut lines = Vec::new();
        loop {
            match reader.next().await {
                Ok(Some(line)) => lines.push(Ok(String::from_utf8_lossy(&line).into_owned())),
                Ok(None) => return lines,
                Err(error) => {
                    lines.push(Err(error.kind()));
                    return lines;
                }
            }
        }
    }

    #[tokio::test]
    async fn lines_are_split_and_bounded() {
        let found = lines(b"a\n\nbc\r\ntorn", 100).await;
        assert_eq!(found, [Ok("a".into()), Ok("".into()), Ok("bc\r".into())]);
        let long = [b"ok\n".as_slice(), &[b'x'; 500_000]].concat();
        assert_eq!(lines(&long, 100_000).await, [Ok("ok".into()), Err(io::ErrorKind::InvalidData)]);
    }
}

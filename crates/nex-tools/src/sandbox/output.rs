//! Reading a command's output without keeping more than its head and tail.

use super::SandboxOutput;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Reads to the end, keeping `keep` bytes, and counts in `written`.
pub(super) async fn read_bounded(
    mut source: impl AsyncRead + Unpin,
    keep: usize,
    written: &AtomicU64,
) -> SandboxOutput {
    let (head_bytes, tail_bytes) = (keep.div_ceil(2), keep / 2);
    let (mut head, mut tail) = (Vec::new(), VecDeque::new());
    let mut buffer = vec![0; 64 * 1024];
    // An error on a pipe is its end.
    while let Ok(read @ 1..) = source.read(&mut buffer).await {
        written.fetch_add(read as u64, Ordering::Relaxed);
        let (first, rest) = buffer[..read].split_at(read.min(head_bytes - head.len()));
        head.extend_from_slice(first);
        tail.extend(&rest[rest.len().saturating_sub(tail_bytes)..]);
        let excess = tail.len().saturating_sub(tail_bytes);
        tail.drain(..excess);
    }
    let written_bytes = written.load(Ordering::Relaxed);
    let left_out_bytes = written_bytes - (head.len() + tail.len()) as u64;
    let tail: Vec<u8> = tail.into();
    let text = if left_out_bytes == 0 {
        head.extend(tail);
        String::from_utf8_lossy(&head).into_owned()
    } else {
        let (head, tail) = (String::from_utf8_lossy(&head), String::from_utf8_lossy(&tail));
        format!("{head}\n[{left_out_bytes} of {written_bytes} bytes left out]\n{tail}")
    };
    SandboxOutput { text, written_bytes, left_out_bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn head_and_tail_are_kept_and_the_rest_is_counted() {
        for (bytes, text, left_out) in
            [("", "", 0), ("abcdef", "abcdef", 0), ("abcdefghij", "abc\n[4 of 10 bytes left out]\nhij", 4)]
        {
            let written = AtomicU64::new(0);
            let output = read_bounded(bytes.as_bytes(), 6, &written).await;
            let expected = SandboxOutput {
                text: text.to_owned(),
                written_bytes: bytes.len() as u64,
                left_out_bytes: left_out,
            };
            assert_eq!(output, expected);
        }
    }
}

//! Server-sent events, decoded as bytes come.
//!
//! Law: however the bytes are split, the same events come out. Lines end with LF, CR or CRLF; a
//! byte-order mark and comments are skipped; an event that is not closed by an empty line when the
//! stream ends is not delivered.

use memchr::memchr2;

/// Bytes that one event, or one line, may have.
pub const DEFAULT_EVENT_BYTES: usize = 64 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The event's name; empty where none was given.
    pub name: &'a str,
    /// All data lines, joined by LF.
    pub data: &'a str,
}

/// What ends the decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// An event or a line outgrew the limit.
    #[error("an event of the stream exceeds {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// An event is not UTF-8.
    #[error("an event of the stream is not UTF-8")]
    InvalidUtf8,
}

/// Turns pieces of a stream into events.
///
/// Give it a piece with [`SseDecoder::feed`], then take events until there is none.
pub struct SseDecoder {
    /// Bytes not yet taken: `buffer[taken..]`.
    buffer: Vec<u8>,
    taken: usize,
    /// No line end stands before this offset, so it is not looked at again.
    scanned: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The event in `data` was delivered.
    is_delivered: bool,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    is_past_mark: bool,
    limit_bytes: usize,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl SseDecoder {
    /// A decoder whose events have at most [`DEFAULT_EVENT_BYTES`].
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_EVENT_BYTES)
    }

    /// A decoder whose events and lines have at most `limit_bytes`.
    pub fn with_limit(limit_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            scanned: 0,
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            is_delivered: false,
            after_cr: false,
            is_past_mark: false,
            limit_bytes,
        }
    }

    /// Takes the next piece of the stream.
    pub fn feed(&mut self, piece: &[u8]) {
        if self.taken > 0 {
            self.buffer.drain(..self.taken);
            self.scanned -= self.taken;
            self.taken = 0;
        }
        self.buffer.extend_from_slice(piece);
    }

    /// The next whole event, or none until more is fed.
    ///
    /// # Errors
    /// An event too large or not UTF-8; the stream is then of no use.
    pub fn next_event(&mut self) -> Result<Option<SseEvent<'_>>, SseError> {
        if self.is_delivered {
            self.data.clear();
            self.name.clear();
            self.has_data = false;
            self.is_delivered = false;
        }
        if !self.skip_mark() {
            return Ok(None);
        }
        while let Some((start, end)) = self.take_line()? {
            if start < end {
                self.take_field(start, end);
            } else if self.has_data {
                self.is_delivered = true;
                let name = std::str::from_utf8(&self.name).map_err(|_| SseError::InvalidUtf8)?;
                let data = std::str::from_utf8(&self.data).map_err(|_| SseError::InvalidUtf8)?;
                return Ok(Some(SseEvent { name, data }));
            } else {
                self.name.clear();
            }
        }
        Ok(None)
    }

    /// Skips a byte-order mark; false while it cannot be told whether there is one.
    fn skip_mark(&mut self) -> bool {
        if self.is_past_mark {
            return true;
        }
        if self.buffer.starts_with(BYTE_ORDER_MARK) {
            self.taken = BYTE_ORDER_MARK.len();
            self.scanned = self.taken;
        } else if BYTE_ORDER_MARK.starts_with(&self.buffer) {
            return false;
        }
        self.is_past_mark = true;
        true
    }

    /// The bounds in `buffer` of the next whole line, without its end.
    fn take_line(&mut self) -> Result<Option<(usize, usize)>, SseError> {
        if self.after_cr && self.taken < self.buffer.len() {
            self.after_cr = false;
            if self.buffer[self.taken] == b'\n' {
                self.taken += 1;
                self.scanned = self.scanned.max(self.taken);
            }
        }
        let start = self.taken;
        let end = match memchr2(b'\n', b'\r', &self.buffer[self.scanned..]) {
            Some(offset) => self.scanned + offset,
            None => self.buffer.len(),
        };
        if end - start + self.data.len() > self.limit_bytes {
            return Err(SseError::TooLarge { limit_bytes: self.limit_bytes });
        }
        self.scanned = end;
        if end == self.buffer.len() {
            return Ok(None);
        }
        self.after_cr = self.buffer[end] == b'\r';
        self.taken = end + 1;
        self.scanned = self.taken;
        Ok(Some((start, end)))
    }

    fn take_field(&mut self, start: usize, end: usize) {
        let line = &self.buffer[start..end];
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // Comments (an empty field name), `id`, `retry` and unknown fields carry nothing for us.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;

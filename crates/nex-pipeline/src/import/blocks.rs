//! A stream of bytes becomes blocks of whole records: lines, items of one JSON array, or JSON
//! documents one after the other.
//!
//! Which of these a file is follows from its first bytes. Nothing is parsed here: a block is a
//! quarter of a megabyte or so and the places of the records in it. Memory: a block and one record.
//!
//! A line that is no JSON costs that line. A record over [`MAX_RECORD_BYTES`] is passed over.

mod documents;
#[cfg(test)]
mod tests;

use super::fault::{Fault, Wrong};
use crate::PipelineError;
use documents::{Documents, Found};
use std::collections::VecDeque;
use std::io::{self, Read};

/// The longest record that is read.
pub(crate) const MAX_RECORD_BYTES: usize = 256 << 20;
/// Bytes read at once, and so about the size of a block.
pub(crate) const BLOCK_BYTES: usize = 1 << 18;

/// Some records of one file, in order.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) bytes: Vec<u8>,
    pub(crate) records: Vec<RecordPlace>,
    /// Where `bytes` begin in the file.
    pub(crate) offset_bytes: u64,
    /// Records that could not even be delimited, and after how many of `records`.
    pub(crate) faults: Vec<(usize, Fault)>,
}

/// Where a record stands in its block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordPlace {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// The line on which it begins, from 1.
    pub(crate) line: u64,
}

/// How records follow each other.
#[derive(Debug)]
enum Framing {
    Lines,
    Documents(Documents),
}

/// The blocks of one file.
pub(crate) struct Blocks<R> {
    reader: R,
    file: String,
    framing: Option<Framing>,
    /// Bytes read and not yet given away.
    held: Vec<u8>,
    /// How far `held` was looked at, where its first record is not whole.
    looked: usize,
    /// Where `held` begins in the file.
    offset_bytes: u64,
    /// The line on which `held` begins.
    line: u64,
    /// Inside a record that is too long.
    is_skipping: bool,
    is_over: bool,
    ready: VecDeque<Block>,
    max_record_bytes: usize,
}

impl<R: Read> Blocks<R> {
    pub(crate) fn new(reader: R, file: &str) -> Self {
        Self::with_limit(reader, file, MAX_RECORD_BYTES)
    }

    fn with_limit(reader: R, file: &str, max_record_bytes: usize) -> Self {
        Self {
            reader,
            file: file.to_owned(),
            framing: None,
            held: Vec::new(),
            looked: 0,
            offset_bytes: 0,
            line: 1,
            is_skipping: false,
            is_over: false,
            ready: VecDeque::new(),
            max_record_bytes,
        }
    }

    /// Reads on; gives whether there was more.
    fn fill(&mut self) -> Result<(), PipelineError> {
        let before = self.held.len();
        self.held.reserve(BLOCK_BYTES);
        let read = self.reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut self.held);
        read.map_err(|cause| PipelineError::file(&self.file, broken(cause)))?;
        self.is_over = self.held.len() - before < BLOCK_BYTES;
        Ok(())
    }

    fn start(&mut self) {
        let mark = self.held.iter().take(3).copied().eq([0xef, 0xbb, 0xbf]);
        if mark {
            self.held.drain(..3);
            self.offset_bytes = 3;
        }
        self.framing = Some(framing_of(&self.held));
    }

    /// The whole records in `held`; the rest stays there.
    fn take_block(&mut self) -> Option<Block> {
        match self.framing.as_mut().expect("set at the start") {
            Framing::Lines => self.take_lines(),
            Framing::Documents(_) => self.take_documents(),
        }
    }

    fn take_lines(&mut self) -> Option<Block> {
        let last = memchr::memrchr(b'\n', &self.held[self.looked..]).map(|at| self.looked + at + 1);
        let end = match last {
            Some(end) => end,
            None if self.is_over => self.held.len(),
            None => {
                self.looked = self.held.len();
                return self.skip_if_too_long();
            }
        };
        let end = if self.is_over { self.held.len() } else { end };
        let mut block = self.split_off(end);
        let mut start = 0;
        while start < block.bytes.len() {
            let line_end = memchr::memchr(b'\n', &block.bytes[start..]).map(|at| start + at);
            let next = line_end.map_or(block.bytes.len(), |at| at + 1);
            let line = &block.bytes[start..next];
            let length = line.trim_ascii_end().len();
            if length > line.iter().take_while(|byte| byte.is_ascii_whitespace()).count() && !self.is_skipping
            {
                block.records.push(RecordPlace { start, end: start + length, line: self.line });
            }
            self.is_skipping = false;
            self.line += u64::from(line_end.is_some());
            start = next;
        }
        Some(block)
    }

    fn take_documents(&mut self) -> Option<Block> {
        let Some(Framing::Documents(documents)) = &mut self.framing else { return None };
        let mut records = Vec::new();
        let (mut line, mut at) = (self.line, 0);
        let (mut begun, mut is_whole) = (0, true);
        let mut scan_from = self.looked;
        // `line` counts up to `at`; places are found in order, so each byte is counted once.
        let mut line_at = |to: usize, held: &[u8]| {
            line += memchr::memchr_iter(b'\n', &held[at..to]).count() as u64;
            at = to;
            line
        };
        loop {
            match documents.next(&self.held, scan_from, self.is_over) {
                Found::Record { start, end } => {
                    if !self.is_skipping {
                        records.push(RecordPlace { start, end, line: line_at(start, &self.held) });
                    }
                    self.is_skipping = false;
                    (begun, scan_from) = (end, end);
                }
                Found::Unfinished { start } => {
                    begun = start;
                    is_whole = false;
                    break;
                }
                Found::Nothing => break,
            }
        }
        if is_whole {
            begun = self.held.len();
        }
        if begun == 0 {
            self.looked = self.held.len();
            return self.skip_if_too_long();
        }
        self.line = line_at(begun, &self.held);
        self.looked = self.held.len() - begun;
        let looked = self.looked;
        documents.moved(begun);
        let mut block = self.split_off(begun);
        self.looked = looked;
        block.records = records;
        Some(block)
    }

    /// Everything up to `end`, given away.
    fn split_off(&mut self, end: usize) -> Block {
        let rest = self.held[end..].to_vec();
        let mut bytes = std::mem::replace(&mut self.held, rest);
        bytes.truncate(end);
        let block = Block { bytes, offset_bytes: self.offset_bytes, ..Block::default() };
        self.offset_bytes += end as u64;
        self.looked = 0;
        block
    }

    fn skip_if_too_long(&mut self) -> Option<Block> {
        if self.held.len() <= self.max_record_bytes {
            return None;
        }
        let mut block = Block { offset_bytes: self.offset_bytes, ..Block::default() };
        if !self.is_skipping {
            let message = format!(
                "a record of more than {} MiB was passed over; split it into one record a line (an export's \
                 list, for example with `jq -c '.data[]'`)",
                self.max_record_bytes >> 20
            );
            block.faults.push((0, Wrong::new(message).in_file(&self.file, self.line)));
        }
        self.is_skipping = true;
        self.line += memchr::memchr_iter(b'\n', &self.held).count() as u64;
        self.offset_bytes += self.held.len() as u64;
        if let Some(Framing::Documents(documents)) = &mut self.framing {
            documents.moved(self.held.len());
        }
        self.held.clear();
        self.looked = 0;
        Some(block)
    }
}

impl<R: Read> Iterator for Blocks<R> {
    type Item = Result<Block, PipelineError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(block) = self.ready.pop_front() {
                return Some(Ok(block));
            }
            if self.is_over {
                return None;
            }
            if let Err(error) = self.fill() {
                self.is_over = true;
                return Some(Err(error));
            }
            if self.framing.is_none() {
                self.start();
            }
            if !self.held.is_empty()
                && let Some(block) = self.take_block()
            {
                self.ready.push_back(block);
            }
        }
    }
}

fn broken(cause: io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof => format!("{cause}: the file was cut off"),
        _ => cause.to_string(),
    }
}

/// Lines, unless the first value goes on over several of them.
fn framing_of(head: &[u8]) -> Framing {
    let body = head.trim_ascii_start();
    let line_end = memchr::memchr(b'\n', body).unwrap_or(body.len());
    let first = body[..line_end].trim_ascii_end();
    let next = body[line_end..].trim_ascii_start().first().copied();
    let is_lines = match first.first() {
        // A line that was cut off is followed by the next record; a document written over several
        // lines is followed by a key or a bracket.
        Some(b'{') => next == Some(b'{') || next.is_none() || documents::is_one_value(first),
        Some(b'[') => next == Some(b'[') && documents::is_one_value(first),
        _ => true,
    };
    if is_lines { Framing::Lines } else { Framing::Documents(Documents::default()) }
}

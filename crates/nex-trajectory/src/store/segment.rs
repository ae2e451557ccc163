//! Segment files: their names, and their lines as raw bytes with bounded memory.

use super::error::StoreError;
use super::line::MAX_LINE_BYTES;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".jsonl";

/// The file of segment `number`.
pub(super) fn path_of(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{PREFIX}{number:06}{SUFFIX}"))
}

/// The segments in `dir`, oldest first. A folder that does not exist has none.
pub(super) fn list(dir: &Path) -> Result<Vec<(u32, PathBuf)>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("list", dir)(error)),
    };
    let mut segments = Vec::new();
    for entry in entries {
        let path = entry.map_err(StoreError::io("list", dir))?.path();
        let number = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse::<u32>().ok());
        if let Some(number) = number {
            segments.push((number, path));
        }
    }
    segments.sort();
    Ok(segments)
}

/// The lines of one segment, one at a time.
pub(super) struct Lines {
    path: PathBuf,
    file: BufReader<File>,
    line: Vec<u8>,
    next_offset: u64,
    number: u64,
}

/// A raw line; its bytes are in [`Lines::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RawLine {
    /// From 1.
    pub(super) number: u64,
    /// Where it starts.
    pub(super) offset_bytes: u64,
    /// Its length, without the line break.
    pub(super) length_bytes: u64,
    /// It ends with a line break.
    pub(super) is_terminated: bool,
}

impl RawLine {
    /// It is longer than a line may be; its bytes were not kept.
    pub(super) fn is_too_long(&self) -> bool {
        self.length_bytes >= MAX_LINE_BYTES as u64
    }
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::with_capacity(256 << 10, file),
            line: Vec::new(),
            next_offset: 0,
            number: 0,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes of the line that `next` gave last, without the line break.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.line
    }

    /// The next line; none at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<RawLine>, StoreError> {
        self.line.clear();
        let offset_bytes = self.next_offset;
        let mut length_bytes = 0u64;
        let is_terminated = loop {
            let chunk = match self.file.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(StoreError::io("read", &self.path)(error)),
            };
            if chunk.is_empty() {
                break false;
            }
            let end = chunk.iter().position(|b| *b == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            // Of an endless line only the length is counted.
            if self.line.len() + part.len() <= MAX_LINE_BYTES {
                self.line.extend_from_slice(part);
            }
            length_bytes += part.len() as u64;
            let used = part.len() + usize::from(end.is_some());
            self.file.consume(used);
            self.next_offset += used as u64;
            if end.is_some() {
                break true;
            }
        };
        if !is_terminated && length_bytes == 0 {
            return Ok(None);
        }
        self.number += 1;
        Ok(Some(RawLine { number: self.number, offset_bytes, length_bytes, is_terminated }))
    }
}

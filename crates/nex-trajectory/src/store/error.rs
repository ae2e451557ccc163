//! What can go wrong with a store: the disk, or what lies on it.

use super::line::{LINE_VERSION, MAX_RECORD_BYTES};
use std::fmt;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// A failure of the store. Names file and place, and the way out where there is one.
#[derive(Debug, Error)]
pub enum StoreError {
    /// Another process (or another [`super::Store`] of this one) writes here.
    #[error(
        "store {dir} is being written by {holder}; wait until that ends, or choose another folder",
        dir = dir.display()
    )]
    Locked {
        /// The store's folder.
        dir: PathBuf,
        /// Who holds it, as far as the lock file says.
        holder: String,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The record does not serialise.
    #[error("record cannot be written as JSON: {0}")]
    Encode(serde_json::Error),
    /// The record is larger than a line may be.
    #[error(
        "record of {bytes} bytes exceeds the limit of {MAX_RECORD_BYTES} bytes a line; \
         shorten its tool outputs or images, or keep those in files of their own"
    )]
    TooLarge {
        /// The record's size.
        bytes: usize,
    },
    /// A line is damaged.
    #[error("{path}, line {line} (byte {offset_bytes}): {damage}; `Store::open` moves it to quarantine", path = path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Line number from 1.
        line: u64,
        /// Where the line starts.
        offset_bytes: u64,
        /// What is wrong.
        damage: Damage,
    },
    /// The newest segment ends in the middle of a line: its writer was killed, or is just writing.
    #[error("{path}, line {line} (byte {offset_bytes}): the last line is torn after {length_bytes} bytes; the next `Store::open` cuts it", path = path.display())]
    TornTail {
        /// The segment.
        path: PathBuf,
        /// Line number from 1.
        line: u64,
        /// Where the line starts.
        offset_bytes: u64,
        /// How much of it is there.
        length_bytes: u64,
    },
    /// The line is whole, but no record of the type asked for.
    #[error("{path}, line {line} (byte {offset_bytes}): the record is intact but not of the expected kind: {source}", path = path.display())]
    WrongRecord {
        /// The segment.
        path: PathBuf,
        /// Line number from 1.
        line: u64,
        /// Where the line starts.
        offset_bytes: u64,
        /// What did not fit.
        source: serde_json::Error,
    },
    /// A newer Nex wrote this.
    #[error(
        "{path}, line {line} has store version {version}, this program knows up to {LINE_VERSION}; \
         update nex, or read the folder with the version that wrote it",
        path = path.display()
    )]
    NewerVersion {
        /// The segment.
        path: PathBuf,
        /// Line number from 1.
        line: u64,
        /// Version of the line.
        version: u64,
    },
}

impl StoreError {
    pub(super) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Whether this is only the unfinished last line, which a crash leaves and `open` cuts.
    pub fn is_torn_tail(&self) -> bool {
        matches!(self, Self::TornTail { .. })
    }
}

/// What is wrong with a damaged line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It does not have the shape of a line of a store.
    Shape,
    /// The checksum written in it is not that of its record.
    Checksum {
        /// Written in the line.
        written: u32,
        /// Of the bytes that are there.
        computed: u32,
    },
    /// It is longer than any line may be.
    TooLong {
        /// Its length.
        bytes: u64,
    },
    /// It claims a version that its neighbours do not have.
    ForeignVersion {
        /// The version claimed.
        version: u64,
    },
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape => f.write_str("not a line of a store"),
            Self::Checksum { written, computed } => {
                write!(f, "checksum {written:08x} written, {computed:08x} computed")
            }
            Self::TooLong { bytes } => write!(f, "line of {bytes} bytes is longer than any record may be"),
            Self::ForeignVersion { version } => {
                write!(f, "claims version {version} among lines of version {LINE_VERSION}")
            }
        }
    }
}

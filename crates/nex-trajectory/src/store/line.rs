//! One line of a segment: record -> bytes and back.
//!
//! The shape is fixed to the byte, so a flipped byte anywhere is either in the frame, which is
//! compared, or in the record, which is summed.

use super::error::{Damage, StoreError};
use serde::Serialize;
use std::io::Write;

/// Version of the line format.
pub const LINE_VERSION: u64 = 1;
/// The largest record, in bytes of JSON.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

const BEFORE_CRC: &[u8] = br#"{"v":1,"crc":""#;
const AFTER_CRC: &[u8] = br#"","record":"#;
const CRC_DIGITS: usize = 8;
const RECORD_AT: usize = BEFORE_CRC.len() + CRC_DIGITS + AFTER_CRC.len();

/// The longest line with its line break.
pub(super) const MAX_LINE_BYTES: usize = RECORD_AT + MAX_RECORD_BYTES + 2;

/// Writes `record` as one line, line break included, into `out`, which is emptied first.
///
/// # Errors
/// It cannot be written as JSON, or is larger than [`MAX_RECORD_BYTES`].
pub fn encode<T: Serialize + ?Sized>(record: &T, out: &mut Vec<u8>) -> Result<(), StoreError> {
    out.clear();
    out.extend_from_slice(BEFORE_CRC);
    out.extend_from_slice(&[b'0'; CRC_DIGITS]);
    out.extend_from_slice(AFTER_CRC);
    serde_json::to_writer(&mut *out, record).map_err(StoreError::Encode)?;
    let bytes = out.len() - RECORD_AT;
    if bytes > MAX_RECORD_BYTES {
        return Err(StoreError::TooLarge { bytes });
    }
    let crc = crc32fast::hash(&out[RECORD_AT..]);
    let mut digits = &mut out[BEFORE_CRC.len()..][..CRC_DIGITS];
    write!(digits, "{crc:08x}").expect("eight digits fit eight bytes");
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// The record's bytes in `line` (without its line break), if the line is whole.
///
/// # Errors
/// [`LineFault`]: it is of a newer version, or damaged.
pub fn decode(line: &[u8]) -> Result<&[u8], LineFault> {
    let shape = || match claimed_version(line) {
        Some(version) if version > LINE_VERSION => LineFault::Newer(version),
        _ => LineFault::Damaged(Damage::Shape),
    };
    if line.len() < RECORD_AT + 2 || !line.starts_with(BEFORE_CRC) || line.last() != Some(&b'}') {
        return Err(shape());
    }
    if &line[RECORD_AT - AFTER_CRC.len()..RECORD_AT] != AFTER_CRC {
        return Err(shape());
    }
    let digits = &line[BEFORE_CRC.len()..][..CRC_DIGITS];
    let written = parse_crc(digits).ok_or_else(shape)?;
    let record = &line[RECORD_AT..line.len() - 1];
    let computed = crc32fast::hash(record);
    if written != computed {
        return Err(LineFault::Damaged(Damage::Checksum { written, computed }));
    }
    Ok(record)
}

/// Why a line is not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// It says that it is of this newer version.
    Newer(u64),
    /// It is not what was written.
    Damaged(Damage),
}

impl std::fmt::Display for LineFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newer(version) => write!(f, "version {version}, and this program reads {LINE_VERSION}"),
            Self::Damaged(damage) => damage.fmt(f),
        }
    }
}

/// Lower-case digits only: `A` for `a` would be a changed byte that goes unnoticed.
fn parse_crc(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(sum << 4 | u32::from(value))
    })
}

/// The number in `{"v":N,`.
fn claimed_version(line: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(br#"{"v":"#)?;
    let end = rest.iter().position(|b| *b == b',')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

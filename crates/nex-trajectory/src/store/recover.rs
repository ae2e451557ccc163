//! Making a store fit to be written: torn tail cut, damaged lines moved to quarantine.
//!
//! Damaged bytes are first written and synced to `quarantine.jsonl`, and only then is the segment
//! replaced. A crash between the two quarantines a line twice, which loses nothing.

use super::error::{Damage, StoreError};
use super::line::{self, LineFault};
use super::segment::{self, Lines, RawLine};
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What [`super::Store::open`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Segments there.
    pub segments: usize,
    /// Whole records in them.
    pub records: u64,
    /// The last line was torn by a crash, and was cut.
    pub torn_tail: Option<TornTail>,
    /// Damaged lines that were moved to `quarantine.jsonl`.
    pub quarantined: Vec<Quarantined>,
}

impl OpenReport {
    /// Whether everything was found as it was written.
    pub fn is_clean(&self) -> bool {
        self.torn_tail.is_none() && self.quarantined.is_empty()
    }
}

/// A last line that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// Its segment.
    pub segment: PathBuf,
    /// Where it started.
    pub offset_bytes: u64,
    /// How many bytes of it were there.
    pub length_bytes: u64,
}

/// A damaged line that was moved out of its segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its segment.
    pub segment: PathBuf,
    /// Its number there, from 1, before it was moved.
    pub line: u64,
    /// Where it started, before it was moved.
    pub offset_bytes: u64,
    /// Its length without the line break.
    pub length_bytes: u64,
    /// What is wrong with it.
    pub damage: Damage,
}

/// Checks every line in `dir`, which the caller has locked, and repairs what is not whole.
pub(super) fn recover(dir: &Path) -> Result<OpenReport, StoreError> {
    let segments = segment::list(dir)?;
    let mut report = OpenReport { segments: segments.len(), ..OpenReport::default() };
    // All is looked at before anything is changed: a folder of a newer version stays as it is.
    let mut repairs = Vec::new();
    for (index, (_, path)) in segments.iter().enumerate() {
        let found = inspect(path, index + 1 == segments.len())?;
        report.records += found.records;
        if !found.is_clean() {
            repairs.push((path, found));
        }
    }
    for (path, found) in repairs {
        repair(dir, path, &found)?;
        report.quarantined.extend(found.damaged);
        report.torn_tail = report.torn_tail.or(found.torn_tail);
    }
    Ok(report)
}

/// What one segment holds.
#[derive(Default)]
struct Found {
    records: u64,
    damaged: Vec<Quarantined>,
    torn_tail: Option<TornTail>,
    /// The last line is whole but for its line break.
    lacks_line_break: bool,
}

impl Found {
    fn is_clean(&self) -> bool {
        self.damaged.is_empty() && self.torn_tail.is_none() && !self.lacks_line_break
    }
}

fn inspect(path: &Path, is_newest: bool) -> Result<Found, StoreError> {
    let mut lines = Lines::open(path)?;
    let mut found = Found::default();
    let mut newer = None;
    while let Some(raw) = lines.next()? {
        let fault = if raw.is_too_long() {
            LineFault::Damaged(Damage::TooLong { bytes: raw.length_bytes })
        } else {
            match line::decode(lines.bytes()) {
                Ok(_) => {
                    found.records += 1;
                    found.lacks_line_break = !raw.is_terminated;
                    continue;
                }
                Err(fault) => fault,
            }
        };
        if !raw.is_terminated && is_newest {
            found.torn_tail = Some(TornTail {
                segment: path.to_owned(),
                offset_bytes: raw.offset_bytes,
                length_bytes: raw.length_bytes,
            });
            continue;
        }
        let damage = match fault {
            LineFault::Damaged(damage) => damage,
            LineFault::Newer(version) => {
                newer.get_or_insert((raw.number, version));
                Damage::ForeignVersion { version }
            }
        };
        found.damaged.push(quarantined(path, raw, damage));
    }
    match newer {
        // A writer starts a segment of its own, so among lines of ours the claim is a flipped bit.
        Some((line, version)) if found.records == 0 => {
            Err(StoreError::NewerVersion { path: path.to_owned(), line, version })
        }
        _ => Ok(found),
    }
}

fn quarantined(path: &Path, raw: RawLine, damage: Damage) -> Quarantined {
    Quarantined {
        segment: path.to_owned(),
        line: raw.number,
        offset_bytes: raw.offset_bytes,
        length_bytes: raw.length_bytes,
        damage,
    }
}

fn repair(dir: &Path, path: &Path, found: &Found) -> Result<(), StoreError> {
    if !found.damaged.is_empty() {
        quarantine(dir, path, &found.damaged)?;
        rewrite_without(dir, path, &found.damaged)?;
    }
    let file = OpenOptions::new().append(true).open(path).map_err(StoreError::io("open", path))?;
    if let Some(torn) = &found.torn_tail {
        let gone: u64 = found.damaged.iter().map(|q| q.length_bytes + 1).sum();
        file.set_len(torn.offset_bytes - gone).map_err(StoreError::io("cut the torn tail of", path))?;
    }
    if found.lacks_line_break {
        (&file).write_all(b"\n").map_err(StoreError::io("end the last line of", path))?;
    }
    file.sync_all().map_err(StoreError::io("sync", path))
}

/// One line of `quarantine.jsonl`.
#[derive(Serialize)]
struct QuarantineLine<'a> {
    segment: &'a str,
    line: u64,
    offset_bytes: u64,
    reason: String,
    /// The bytes as text, where they are text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// The bytes in hexadecimal, where they are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
}

fn quarantine(dir: &Path, segment: &Path, damaged: &[Quarantined]) -> Result<(), StoreError> {
    let path = dir.join("quarantine.jsonl");
    let file =
        OpenOptions::new().create(true).append(true).open(&path).map_err(StoreError::io("open", &path))?;
    let mut out = BufWriter::new(file);
    let mut source = File::open(segment).map_err(StoreError::io("open", segment))?;
    for bad in damaged {
        let mut bytes = Vec::new();
        source.seek(SeekFrom::Start(bad.offset_bytes)).map_err(StoreError::io("read", segment))?;
        (&source).take(bad.length_bytes).read_to_end(&mut bytes).map_err(StoreError::io("read", segment))?;
        let text = std::str::from_utf8(&bytes).ok();
        let line = QuarantineLine {
            segment: segment.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            line: bad.line,
            offset_bytes: bad.offset_bytes,
            reason: bad.damage.to_string(),
            text,
            hex: text.is_none().then(|| bytes.iter().map(|b| format!("{b:02x}")).collect()),
        };
        serde_json::to_writer(&mut out, &line)
            .map_err(io::Error::from)
            .map_err(StoreError::io("write", &path))?;
        out.write_all(b"\n").map_err(StoreError::io("write", &path))?;
    }
    let file = out.into_inner().map_err(|e| StoreError::io("write", &path)(e.into_error()))?;
    file.sync_all().map_err(StoreError::io("sync", &path))
}

fn rewrite_without(dir: &Path, segment: &Path, damaged: &[Quarantined]) -> Result<(), StoreError> {
    let fresh = segment.with_extension("jsonl.rewrite");
    let mut source = File::open(segment).map_err(StoreError::io("open", segment))?;
    let mut out = File::create(&fresh).map_err(StoreError::io("create", &fresh))?;
    let mut at = 0;
    for bad in damaged {
        io::copy(&mut (&source).take(bad.offset_bytes - at), &mut out)
            .map_err(StoreError::io("write", &fresh))?;
        at = bad.offset_bytes + bad.length_bytes + 1;
        source.seek(SeekFrom::Start(at)).map_err(StoreError::io("read", segment))?;
    }
    io::copy(&mut source, &mut out).map_err(StoreError::io("write", &fresh))?;
    out.sync_all().map_err(StoreError::io("sync", &fresh))?;
    fs::rename(&fresh, segment).map_err(StoreError::io("replace", segment))?;
    sync_dir(dir)
}

/// Makes created and renamed files of `dir` survive a power cut.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(StoreError::io("sync", dir))
}

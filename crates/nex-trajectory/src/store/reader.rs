//! Reading a store: records one at a time, in the order in which they were written.

use super::error::{Damage, StoreError};
use super::line::{self, LineFault};
use super::segment::{self, Lines, RawLine};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reads the records of a store. Needs no lock, changes nothing, holds one line in memory.
///
/// `T` may be a smaller type than was written (only the fields that matter), which is faster.
///
/// Each item is a record, or says what stands there instead: after [`StoreError::Damaged`],
/// [`StoreError::WrongRecord`] and [`StoreError::NewerVersion`] it goes on with the next line;
/// after [`StoreError::Io`] and [`StoreError::TornTail`] it ends.
pub struct Reader<T> {
    waiting: VecDeque<PathBuf>,
    current: Option<Lines>,
    last_place: Option<Place>,
    record: PhantomData<fn() -> T>,
}

/// Where a record stands in a store: as long as nothing repairs the store, [`fetch`] finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    path: Arc<Path>,
    line: u64,
    offset_bytes: u64,
    length_bytes: u64,
}

/// The record at `place`, read anew and checked.
///
/// # Errors
/// The segment cannot be read, or what stands there is no undamaged record of type `T`.
pub fn fetch<T: DeserializeOwned>(place: &Place) -> Result<T, StoreError> {
    let path = || place.path.to_path_buf();
    let mut file = File::open(&place.path).map_err(StoreError::io("open", &*place.path))?;
    file.seek(SeekFrom::Start(place.offset_bytes)).map_err(StoreError::io("read", &*place.path))?;
    let mut bytes = Vec::new();
    file.take(place.length_bytes).read_to_end(&mut bytes).map_err(StoreError::io("read", &*place.path))?;
    let (line, offset_bytes) = (place.line, place.offset_bytes);
    match line::decode(&bytes) {
        Ok(record) => serde_json::from_slice(record).map_err(|source| StoreError::WrongRecord {
            path: path(),
            line,
            offset_bytes,
            source,
        }),
        Err(LineFault::Newer(version)) => Err(StoreError::NewerVersion { path: path(), line, version }),
        Err(LineFault::Damaged(damage)) => {
            Err(StoreError::Damaged { path: path(), line, offset_bytes, damage })
        }
    }
}

impl<T: DeserializeOwned> Reader<T> {
    /// A reader of the store in `dir`. A folder that does not exist is an empty store.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let waiting = segment::list(dir.as_ref())?.into_iter().map(|(_, path)| path).collect();
        Ok(Self { waiting, current: None, last_place: None, record: PhantomData })
    }

    /// Where the record that was read last stands.
    pub fn last_place(&self) -> Option<Place> {
        self.last_place.clone()
    }

    fn record(&self, lines: &Lines, raw: RawLine) -> Result<T, StoreError> {
        let path = || lines.path().to_owned();
        let (line, offset_bytes) = (raw.number, raw.offset_bytes);
        if raw.is_too_long() {
            let damage = Damage::TooLong { bytes: raw.length_bytes };
            return Err(StoreError::Damaged { path: path(), line, offset_bytes, damage });
        }
        match line::decode(lines.bytes()) {
            Ok(record) => serde_json::from_slice(record).map_err(|source| StoreError::WrongRecord {
                path: path(),
                line,
                offset_bytes,
                source,
            }),
            // Without its line break a line that is not whole was being written when we, or its
            // writer, stopped; elsewhere than at the very end nothing is ever being written.
            Err(_) if !raw.is_terminated && self.waiting.is_empty() => {
                Err(StoreError::TornTail { path: path(), line, offset_bytes, length_bytes: raw.length_bytes })
            }
            Err(LineFault::Newer(version)) => Err(StoreError::NewerVersion { path: path(), line, version }),
            Err(LineFault::Damaged(damage)) => {
                Err(StoreError::Damaged { path: path(), line, offset_bytes, damage })
            }
        }
    }

    fn place_of(&self, lines: &Lines, raw: RawLine) -> Place {
        let path = match &self.last_place {
            Some(last) if *last.path == *lines.path() => last.path.clone(),
            _ => Arc::from(lines.path()),
        };
        Place { path, line: raw.number, offset_bytes: raw.offset_bytes, length_bytes: raw.length_bytes }
    }

    fn end(&mut self) {
        self.waiting.clear();
        self.current = None;
    }
}

impl<T: DeserializeOwned> Iterator for Reader<T> {
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(lines) = self.current.as_mut() else {
                let path = self.waiting.pop_front()?;
                match Lines::open(&path) {
                    Ok(lines) => self.current = Some(lines),
                    Err(error) => {
                        self.end();
                        return Some(Err(error));
                    }
                }
                continue;
            };
            match lines.next() {
                Ok(Some(raw)) => {
                    let lines = self.current.take().expect("just read from");
                    self.last_place = Some(self.place_of(&lines, raw));
                    let item = self.record(&lines, raw);
                    self.current = Some(lines);
                    if item.as_ref().is_err_and(StoreError::is_torn_tail) {
                        self.end();
                    }
                    return Some(item);
                }
                Ok(None) => self.current = None,
                Err(error) => {
                    self.end();
                    return Some(Err(error));
                }
            }
        }
    }
}

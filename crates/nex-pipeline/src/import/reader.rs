//! One thread's reader: records of a batch become episodes or faults, in order.

use super::draft::Origin;
use super::fault::{Fault, Wrong};
use super::json::Nodes;
use super::stream::Batch;
use super::{Imported, Room, Source};
use nex_trajectory::Episode;

/// Reads batches; one a thread.
#[derive(Debug)]
pub struct RecordReader {
    source: Source,
    room: Room,
    nodes: Nodes,
}

/// Where an episode comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The file, as it was named.
    pub file: &'a str,
    /// The line on which the record begins, from 1.
    pub line: u64,
}

impl RecordReader {
    /// A reader for `source`.
    pub fn new(source: &Source) -> Self {
        Self {
            source: *source,
            room: Room { dialect: source.dialect, ..Room::default() },
            nodes: Nodes::default(),
        }
    }

    /// Reads all records of `batch` and gives what each is.
    pub fn read(&mut self, batch: &Batch, mut each: impl FnMut(Place<'_>, Result<Episode, Fault>)) {
        let mut faults = batch.block.faults.iter().peekable();
        let mut told = |before: usize, each: &mut dyn FnMut(Place<'_>, Result<Episode, Fault>)| {
            while let Some((_, fault)) = faults.next_if(|(at, _)| *at <= before) {
                each(Place { file: &fault.file, line: fault.line }, Err(fault.clone()));
            }
        };
        for (index, place) in batch.block.records.iter().enumerate() {
            told(index, &mut each);
            let file = batch.files.get(index).unwrap_or(&batch.file);
            let at = Place { file, line: place.line };
            let bytes = &batch.block.bytes[place.start..place.end];
            let imported = match self.record(bytes) {
                Ok(imported) => imported,
                Err(wrong) => {
                    each(at, Err(wrong.in_file(file, place.line)));
                    continue;
                }
            };
            let parts = imported.len();
            let checksum = crc32fast::hash(bytes);
            for (part, item) in imported.into_iter().enumerate() {
                let episode = match item {
                    Imported::Episode(episode) => *episode,
                    Imported::Draft(draft) => draft.into_episode(&Origin {
                        format: self.source.name(),
                        file,
                        line: place.line,
                        ordinal: batch.first + index as u64,
                        checksum,
                        part: (part, parts),
                    }),
                };
                each(at, Ok(episode));
            }
        }
        told(usize::MAX, &mut each);
    }

    fn record(&mut self, bytes: &[u8]) -> Result<Vec<Imported>, Wrong> {
        let text = text_of(bytes)?;
        let json = self.nodes.parse(text).map_err(|error| Wrong::new(format!("no JSON: {error}")))?;
        if !json.is_object() && !self.source.importer.is_grouped() {
            return Err(Wrong::new(format!("is {}, but a record is an object", json.kind().words())));
        }
        self.source.importer.read(json, &mut self.room)
    }
}

/// The record as text.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, Wrong> {
    simdutf8::compat::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        Wrong::new(format!("byte {at} is not UTF-8; convert the file, for example with `iconv -t UTF-8`"))
    })
}

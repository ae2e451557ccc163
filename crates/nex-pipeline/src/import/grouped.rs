//! Spans that stand anywhere become records of one trace each.
//!
//! The first pass notes where each span of each trace stands; the second reads them, trace by trace
//! in the order in which the traces first appear. Memory: one place a span.

use super::Importer;
use super::blocks::{BLOCK_BYTES, Block, Blocks, MAX_RECORD_BYTES, RecordPlace};
use super::fault::{Fault, Wrong};
use super::input::{Input, Opened};
use super::json::Nodes;
use super::stream::Batch;
use crate::PipelineError;
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

/// Where a span stands.
#[derive(Clone, Copy)]
struct PiecePlace {
    file: u32,
    line: u64,
    offset_bytes: u64,
    length_bytes: u32,
}

/// A file that can be read again: itself, or its nameless copy.
enum Again {
    Path(PathBuf),
    Copy(File),
}

pub(super) struct Grouped {
    importer: &'static dyn Importer,
    opened: Option<Opened>,
    rest: VecDeque<Input>,
    current: Option<Blocks<File>>,
    files: Vec<(Arc<str>, Again)>,
    numbers: HashMap<String, u32>,
    traces: VecDeque<Vec<PiecePlace>>,
    nodes: Nodes,
    /// The file last read from in the second pass.
    reading: Option<(u32, File)>,
}

impl Grouped {
    pub(super) fn new(importer: &'static dyn Importer, opened: Opened, rest: VecDeque<Input>) -> Self {
        Self {
            importer,
            opened: Some(opened),
            rest,
            current: None,
            files: Vec::new(),
            numbers: HashMap::new(),
            traces: VecDeque::new(),
            nodes: Nodes::default(),
            reading: None,
        }
    }

    pub(super) fn next_batch(&mut self) -> Option<Result<Batch, PipelineError>> {
        loop {
            if let Some(blocks) = &mut self.current {
                match blocks.next() {
                    Some(Ok(block)) => {
                        let read_bytes = block.bytes.len() as u64;
                        let faults = self.note(&block);
                        let file = &self.files.last().expect("a file is being read").0;
                        return Some(Ok(Batch::of_faults(file, faults, read_bytes)));
                    }
                    Some(Err(error)) => return Some(Err(error)),
                    None => self.current = None,
                }
            }
            match self.open_next() {
                Ok(true) => {}
                Ok(false) => return self.next_traces(),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Opens the next input for the first pass; false if there is none.
    fn open_next(&mut self) -> Result<bool, PipelineError> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => match self.rest.pop_front() {
                Some(input) => input.open()?,
                None => return Ok(false),
            },
        };
        let name: Arc<str> = opened.name().into();
        let path = opened.plain_path();
        let file = opened.into_file()?;
        let fail = |cause: std::io::Error| PipelineError::file(&*name, cause);
        // Not a clone, which would share the place in the file.
        let again = match path {
            Some(path) => Again::Path(path),
            None => Again::Copy(file.try_clone().map_err(fail)?),
        };
        self.current = Some(Blocks::new(file, &name));
        self.files.push((name, again));
        Ok(true)
    }

    /// Notes the spans of `block`; gives the records that have none.
    fn note(&mut self, block: &Block) -> Vec<Fault> {
        let file = (self.files.len() - 1) as u32;
        let name = self.files[file as usize].0.clone();
        let mut faults: Vec<Fault> = block.faults.iter().map(|(_, fault)| fault.clone()).collect();
        for place in &block.records {
            let bytes = &block.bytes[place.start..place.end];
            let noted = super::reader::text_of(bytes).and_then(|text| {
                let json = self.nodes.parse(text).map_err(|error| Wrong::new(error.to_string()))?;
                for piece in self.importer.pieces(json)? {
                    let number = match self.numbers.get(&*piece.trace) {
                        Some(number) => *number,
                        None => {
                            let number = self.traces.len() as u32;
                            self.numbers.insert(piece.trace.into_owned(), number);
                            self.traces.push_back(Vec::new());
                            number
                        }
                    };
                    let start = (place.start + piece.json.start()) as u64;
                    self.traces[number as usize].push(PiecePlace {
                        file,
                        line: place.line,
                        offset_bytes: block.offset_bytes + start,
                        length_bytes: piece.json.raw().len() as u32,
                    });
                }
                Ok(())
            });
            faults.extend(noted.err().map(|wrong| wrong.in_file(&name, place.line)));
        }
        faults
    }

    /// A block or so of whole traces.
    fn next_traces(&mut self) -> Option<Result<Batch, PipelineError>> {
        self.numbers = HashMap::new();
        let mut block = Block::default();
        let mut files = Vec::new();
        while block.bytes.len() < BLOCK_BYTES
            && let Some(pieces) = self.traces.pop_front()
        {
            let first = pieces[0];
            let file = self.files[first.file as usize].0.clone();
            let bytes: usize = pieces.iter().map(|piece| piece.length_bytes as usize + 1).sum();
            if bytes > MAX_RECORD_BYTES {
                let message = format!(
                    "its trace has {} MiB of spans and was passed over; the most is {}",
                    bytes >> 20,
                    MAX_RECORD_BYTES >> 20
                );
                block.faults.push((block.records.len(), Wrong::new(message).in_file(&file, first.line)));
                continue;
            }
            let start = block.bytes.len();
            for (index, piece) in pieces.iter().enumerate() {
                block.bytes.push(if index == 0 { b'[' } else { b',' });
                if let Err(error) = self.read(*piece, &mut block.bytes) {
                    return Some(Err(error));
                }
            }
            block.bytes.push(b']');
            block.records.push(RecordPlace { start, end: block.bytes.len(), line: first.line });
            files.push(file);
        }
        if block.records.is_empty() && block.faults.is_empty() {
            return None;
        }
        let file = files.first().or(self.files.first().map(|(name, _)| name)).cloned().unwrap_or_default();
        Some(Ok(Batch { block, file, files, first: 0, read_bytes: 0 }))
    }

    fn read(&mut self, piece: PiecePlace, out: &mut Vec<u8>) -> Result<(), PipelineError> {
        let (name, again) = &self.files[piece.file as usize];
        let fail = |cause: std::io::Error| PipelineError::file(&**name, format!("{cause} (did it change?)"));
        if self.reading.as_ref().is_none_or(|(file, _)| *file != piece.file) {
            let file = match again {
                Again::Path(path) => File::open(path).map_err(fail)?,
                Again::Copy(file) => file.try_clone().map_err(fail)?,
            };
            self.reading = Some((piece.file, file));
        }
        let (_, file) = self.reading.as_mut().expect("just opened");
        file.seek(SeekFrom::Start(piece.offset_bytes)).map_err(fail)?;
        let end = out.len() + piece.length_bytes as usize;
        let start = out.len();
        out.resize(end, 0);
        file.read_exact(&mut out[start..]).map_err(fail)
    }
}

//! Inputs become batches of records, in order: what threads are given to read.

use super::blocks::{Block, Blocks};
use super::fault::Fault;
use super::grouped::Grouped;
use super::input::{Input, Opened};
use super::{Importer, Source};
use crate::PipelineError;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::Arc;

/// Some records of one file, in order.
#[derive(Debug)]
pub struct Batch {
    pub(super) block: Block,
    /// The file of each record, where they are of several; else the one file of all.
    pub(super) file: Arc<str>,
    pub(super) files: Vec<Arc<str>>,
    /// Ordinal of the first record among all records of the import.
    pub(super) first: u64,
    /// Bytes of the inputs that were read for it.
    pub(super) read_bytes: u64,
}

impl Batch {
    /// Bytes of the inputs, decompressed, that were read for it.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    pub(super) fn of_faults(file: &Arc<str>, faults: Vec<Fault>, read_bytes: u64) -> Self {
        let faults = faults.into_iter().map(|fault| (0, fault)).collect();
        let block = Block { faults, ..Block::default() };
        Self { block, file: file.clone(), files: Vec::new(), first: 0, read_bytes }
    }
}

/// The inputs of one import, the first of them opened, so that its start can be looked at.
pub struct Inputs {
    pub(super) first: Opened,
    pub(super) rest: VecDeque<Input>,
}

impl Inputs {
    /// Opens `inputs`, of which there is at least one.
    ///
    /// # Errors
    /// The first cannot be opened, or there is none.
    pub fn open(inputs: Vec<Input>) -> Result<Self, PipelineError> {
        let mut rest = VecDeque::from(inputs);
        let Some(first) = rest.pop_front() else {
            return Err(PipelineError::file("", "no input was named"));
        };
        Ok(Self { first: first.open()?, rest })
    }
}

/// The batches of all inputs, one after the other.
pub struct Batches {
    state: State,
    next_ordinal: u64,
}

enum State {
    Plain { opened: Option<Opened>, rest: VecDeque<Input>, current: Option<Current> },
    Grouped(Box<Grouped>),
    Over,
}

struct Current {
    file: Arc<str>,
    blocks: Blocks<Box<dyn Read + Send>>,
}

impl Batches {
    /// The batches of `inputs`, read as `source` says.
    pub fn new(source: &Source, inputs: Inputs) -> Self {
        let importer: &'static dyn Importer = source.importer;
        let Inputs { first, rest } = inputs;
        let state = if importer.is_grouped() {
            State::Grouped(Box::new(Grouped::new(importer, first, rest)))
        } else {
            State::Plain { opened: Some(first), rest, current: None }
        };
        Self { state, next_ordinal: 0 }
    }

    fn next_batch(&mut self) -> Option<Result<Batch, PipelineError>> {
        match &mut self.state {
            State::Over => None,
            State::Grouped(grouped) => grouped.next_batch(),
            State::Plain { opened, rest, current } => loop {
                if let Some(Current { file, blocks }) = current {
                    match blocks.next() {
                        Some(Ok(block)) => {
                            let read_bytes = block.bytes.len() as u64;
                            let file = file.clone();
                            return Some(Ok(Batch { block, file, files: Vec::new(), first: 0, read_bytes }));
                        }
                        Some(Err(error)) => return Some(Err(error)),
                        None => *current = None,
                    }
                }
                let next = match opened.take() {
                    Some(opened) => opened,
                    None => match rest.pop_front()?.open() {
                        Ok(opened) => opened,
                        Err(error) => return Some(Err(error)),
                    },
                };
                let file: Arc<str> = next.name().into();
                let reader: Box<dyn Read + Send> = Box::new(next.into_reader());
                *current = Some(Current { blocks: Blocks::new(reader, &file), file });
            },
        }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, PipelineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut next = self.next_batch();
        match &mut next {
            Some(Ok(batch)) => {
                batch.first = self.next_ordinal;
                self.next_ordinal += batch.block.records.len() as u64;
            }
            // A file that cannot be read ends the import: what follows would have other ordinals.
            Some(Err(_)) | None => self.state = State::Over,
        }
        next
    }
}

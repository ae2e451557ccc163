//! Reading episodes back, a few rows at a time.

use super::column::Rows;
use super::episode;
use super::error::ParquetError;
use super::schema::{SCHEMA_VERSION, VERSION_KEY};
use crate::Episode;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use ::parquet::file::reader::ChunkReader;
use arrow_array::RecordBatch;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 64;

/// Reads the episodes of a Parquet file, in order. After an error it ends.
pub struct EpisodeReader {
    batches: ParquetRecordBatchReader,
    current: Option<(RecordBatch, usize)>,
    has_failed: bool,
}

impl EpisodeReader {
    /// A reader of `file` (a `File`, or `Bytes`).
    ///
    /// # Errors
    /// It is no Parquet file, or one of a newer schema.
    pub fn new(file: impl ChunkReader + 'static) -> Result<Self, ParquetError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let pairs = builder.metadata().file_metadata().key_value_metadata();
        let version = pairs
            .and_then(|pairs| pairs.iter().find(|pair| pair.key == VERSION_KEY))
            .and_then(|pair| pair.value.as_deref()?.parse::<u32>().ok());
        match version {
            Some(version) if version > SCHEMA_VERSION => return Err(ParquetError::NewerVersion { version }),
            // Other tools drop the key when they write a file again; the columns tell.
            Some(_) | None => {}
        }
        let batches = builder.with_batch_size(BATCH_ROWS).build()?;
        Ok(Self { batches, current: None, has_failed: false })
    }

    fn read_next(&mut self) -> Result<Option<Episode>, ParquetError> {
        loop {
            match &mut self.current {
                Some((batch, row)) if *row < batch.num_rows() => {
                    let episode = episode::read(Rows::of_batch(batch), *row)?;
                    *row += 1;
                    return Ok(Some(episode));
                }
                _ => match self.batches.next() {
                    Some(batch) => self.current = Some((batch?, 0)),
                    None => return Ok(None),
                },
            }
        }
    }
}

impl Iterator for EpisodeReader {
    type Item = Result<Episode, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let next = self.read_next().transpose();
        self.has_failed = matches!(next, Some(Err(_)));
        next
    }
}

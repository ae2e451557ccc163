//! Rows as JSON lines become a Parquet file of a fixed schema, a row group at a time.
//!
//! Workers serialise rows as for any other target; here they are decoded into columns by the
//! schema, which is strict: a key without a column is a bug. Memory: one row group. The schema
//! does not depend on the rows, so that files of several runs can be read together.

use super::whole_file::WholeFile;
use crate::PipelineError;
use arrow_json::ReaderBuilder;
use arrow_json::reader::Decoder;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::path::PathBuf;
use std::sync::Arc;

/// A row group is ended at so many rows …
const GROUP_ROWS: usize = 4096;
/// … or at about so many bytes of JSON.
const GROUP_BYTES: usize = 32 << 20;

/// Writes JSON lines to a Parquet file.
pub(super) struct TableWriter {
    writer: ArrowWriter<WholeFile>,
    decoder: Decoder,
    waiting_bytes: usize,
    path: PathBuf,
}

impl TableWriter {
    pub(super) fn new(file: WholeFile, schema: SchemaRef) -> Result<Self, PipelineError> {
        let path = file.path().to_owned();
        let fail = |e: ParquetError| PipelineError::file(&path, e);
        let level = ZstdLevel::try_new(3).map_err(fail)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let writer = ArrowWriter::try_new(file, schema.clone(), Some(properties)).map_err(fail)?;
        let decoder = ReaderBuilder::new(schema)
            .with_batch_size(GROUP_ROWS)
            .with_strict_mode(true)
            .build_decoder()
            .map_err(|e| PipelineError::file(&path, e))?;
        Ok(Self { writer, decoder, waiting_bytes: 0, path })
    }

    /// Adds `lines`, which end between two rows.
    ///
    /// # Errors
    /// The disk fails.
    pub(super) fn write(&mut self, lines: &mut Vec<u8>) -> Result<(), PipelineError> {
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            // A decoder takes what it is given up to a full batch, without a bound on the bytes.
            let piece = piece(rest, GROUP_BYTES.saturating_sub(self.waiting_bytes));
            let taken = self.decoder.decode(piece).map_err(|e| PipelineError::file(&self.path, e))?;
            self.waiting_bytes += taken;
            if taken < piece.len() || self.waiting_bytes >= GROUP_BYTES {
                self.write_group()?;
            }
            rest = &rest[taken..];
        }
        lines.clear();
        Ok(())
    }

    /// Completes the file and puts it in place.
    ///
    /// # Errors
    /// The disk fails.
    pub(super) fn finish(mut self) -> Result<(), PipelineError> {
        self.write_group()?;
        self.writer.into_inner().map_err(|e| PipelineError::file(&self.path, e))?.finish()
    }

    fn write_group(&mut self) -> Result<(), PipelineError> {
        let batch = self.decoder.flush().map_err(|e: ArrowError| PipelineError::file(&self.path, e))?;
        if let Some(batch) = batch {
            let written = self.writer.write(&batch).and_then(|()| self.writer.flush());
            written.map_err(|e| PipelineError::file(&self.path, e))?;
        }
        self.waiting_bytes = 0;
        Ok(())
    }
}

/// The whole rows at the start of `lines` that have about `bytes`; at least one row.
fn piece(lines: &[u8], bytes: usize) -> &[u8] {
    if lines.len() <= bytes {
        return lines;
    }
    let end = lines[bytes..].iter().position(|byte| *byte == b'\n').map_or(lines.len(), |at| bytes + at + 1);
    &lines[..end]
}

/// A schema of `columns`.
pub(super) fn schema(columns: Vec<Field>) -> SchemaRef {
    Arc::new(Schema::new(columns))
}

/// A text column, null where a row has none.
pub(super) fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

/// A column of structs.
pub(super) fn record(name: &str, fields: Vec<Field>) -> Field {
    Field::new(name, DataType::Struct(Fields::from(fields)), true)
}

/// A column of lists of structs.
pub(super) fn records(name: &str, fields: Vec<Field>) -> Field {
    // `element` is what Parquet readers expect an item to be called.
    let item = Field::new("element", DataType::Struct(Fields::from(fields)), true);
    Field::new(name, DataType::List(Arc::new(item)), true)
}

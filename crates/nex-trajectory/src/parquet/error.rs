//! What can go wrong with a Parquet file of episodes.

use super::schema::SCHEMA_VERSION;
use thiserror::Error;

/// A failure of reading or writing episodes as Parquet.
#[derive(Debug, Error)]
pub enum ParquetError {
    /// The file, or the disk under it.
    #[error("parquet file cannot be read or written: {0}")]
    File(#[from] ::parquet::errors::ParquetError),
    /// A row group could not be put together or decoded.
    #[error("parquet row group cannot be put together or decoded: {0}")]
    Arrow(#[from] arrow_schema::ArrowError),
    /// A single episode is too large for a row.
    #[error(
        "episode `{id}` holds about {bytes} bytes, more than a parquet row can; \
         export it as JSONL, or shorten its tool outputs"
    )]
    TooLarge {
        /// The episode.
        id: String,
        /// Its size, roughly.
        bytes: usize,
    },
    /// A newer Nex wrote the file.
    #[error(
        "parquet file has episode schema version {version}, this program knows up to {SCHEMA_VERSION}; \
         update nex, or export it again with this version"
    )]
    NewerVersion {
        /// Version of the file.
        version: u32,
    },
    /// A column is missing or of another type.
    #[error(
        "parquet column `{column}` is missing or not of type {expected}; the file was not written by `nex`"
    )]
    Column {
        /// The column, by its name in its struct.
        column: String,
        /// The type expected.
        expected: &'static str,
    },
    /// A value has no meaning in its column.
    #[error("parquet column `{column}` holds `{value}`: {cause}")]
    Value {
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl ParquetError {
    pub(super) fn value(column: &'static str, value: impl Into<String>, cause: impl ToString) -> Self {
        Self::Value { column, value: value.into(), cause: cause.to_string() }
    }
}

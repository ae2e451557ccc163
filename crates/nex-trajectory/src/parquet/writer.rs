//! Writing episodes, a row group at a time.

use super::episode;
use super::error::ParquetError;
use super::schema::{SCHEMA_VERSION, VERSION_KEY, arrow_schema};
use crate::{ContentBlock, Episode, ImageSource};
use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::metadata::KeyValue;
use ::parquet::file::properties::WriterProperties;
use arrow_array::RecordBatch;
use std::io::Write;

/// A row group is ended at so many episodes …
const GROUP_EPISODES: usize = 1024;
/// … or at about so many bytes of text.
const GROUP_BYTES: usize = 32 << 20;
/// Offsets within one row group are 32 bits wide.
const MAX_EPISODE_BYTES: usize = 1 << 30;

/// Writes episodes to a Parquet file. Holds at most one row group in memory.
///
/// The file is complete only after [`EpisodeWriter::finish`].
pub struct EpisodeWriter<W: Write + Send> {
    writer: ArrowWriter<W>,
    waiting: Vec<Episode>,
    waiting_bytes: usize,
}

impl<W: Write + Send> EpisodeWriter<W> {
    /// A writer to `out`.
    ///
    /// # Errors
    /// The first bytes cannot be written.
    pub fn new(out: W) -> Result<Self, ParquetError> {
        let version = KeyValue::new(VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_key_value_metadata(Some(vec![version]))
            .build();
        let writer = ArrowWriter::try_new(out, arrow_schema(), Some(properties))?;
        Ok(Self { writer, waiting: Vec::new(), waiting_bytes: 0 })
    }

    /// Adds `episode`.
    ///
    /// # Errors
    /// The disk fails, or the episode is larger than a row can be.
    pub fn write(&mut self, episode: Episode) -> Result<(), ParquetError> {
        let bytes = approximate_bytes(&episode);
        if bytes > MAX_EPISODE_BYTES {
            return Err(ParquetError::TooLarge { id: episode.id.0, bytes });
        }
        if self.waiting.len() >= GROUP_EPISODES || self.waiting_bytes + bytes > GROUP_BYTES {
            self.write_group()?;
        }
        self.waiting.push(episode);
        self.waiting_bytes += bytes;
        Ok(())
    }

    /// Writes what is left and the file's end, and gives the output back.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(mut self) -> Result<W, ParquetError> {
        self.write_group()?;
        Ok(self.writer.into_inner()?)
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (_, arrays) = episode::columns(&self.waiting).into_parts();
        let batch = RecordBatch::try_new(arrow_schema(), arrays)?;
        self.writer.write(&batch)?;
        self.writer.flush()?;
        self.waiting.clear();
        self.waiting_bytes = 0;
        Ok(())
    }
}

/// The text in an episode, in bytes, and its tokens: what grows without bound.
fn approximate_bytes(episode: &Episode) -> usize {
    let mut bytes = 1024 + episode.task.instruction.len();
    bytes += json_bytes(episode.notes.values()) + json_bytes(episode.task.dials.values());
    episode.trajectory.walk(&mut |trajectory| {
        bytes += 512 + trajectory.answer.as_ref().map_or(0, String::len);
        bytes += trajectory.tools.iter().map(|tool| tool.description.len()).sum::<usize>();
        bytes += json_bytes(trajectory.tools.iter().map(|tool| &tool.input_schema));
        for node in &trajectory.nodes {
            bytes += 256 + content_bytes(&node.message.content);
            bytes += node.tokens.as_ref().map_or(0, |tokens| tokens.ids.len() * 16);
            bytes += node.defects.iter().map(|defect| 64 + defect.message.len()).sum::<usize>();
        }
    });
    bytes
}

fn json_bytes<'a>(values: impl Iterator<Item = &'a serde_json::Value>) -> usize {
    use serde_json::Value::{Array, Object, String};
    values
        .map(|value| match value {
            String(text) => 8 + text.len(),
            Array(items) => 8 + json_bytes(items.iter()),
            Object(map) => 8 + map.keys().map(|key| key.len()).sum::<usize>() + json_bytes(map.values()),
            _ => 8,
        })
        .sum()
}

fn content_bytes(content: &[ContentBlock]) -> usize {
    content
        .iter()
        .map(|block| {
            64 + match block {
                ContentBlock::Text { text } => text.len(),
                ContentBlock::Reasoning { text, signature } => {
                    text.len() + signature.as_ref().map_or(0, String::len)
                }
                ContentBlock::ToolCall(call) => call.name.len() + call.arguments.as_text().len(),
                ContentBlock::ToolResult(result) => content_bytes(&result.content),
                ContentBlock::Image(ImageSource::Base64 { data, .. }) => data.len(),
                ContentBlock::Image(ImageSource::Url { url }) => url.len(),
            }
        })
        .sum()
}

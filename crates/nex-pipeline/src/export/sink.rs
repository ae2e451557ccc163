//! The sink: prepared rows become files. One thread, in order.

use super::prepared::{ExportReport, Prepared};
use super::table::TableWriter;
use super::target::{ExportTarget, Shape};
use super::whole_file::WholeFile;
use crate::PipelineError;
use nex_trajectory::parquet::EpisodeWriter;
use std::io::Write;
use std::path::Path;

/// Takes what [`ExportTarget::prepare`] gave, in the episodes' order.
///
/// The files are in place only after [`ExportSink::finish`]; dropped before, it leaves what was
/// there untouched.
#[derive(Debug)]
pub struct ExportSink {
    out: Out,
    report: ExportReport,
}

enum Out {
    Lines { file: WholeFile, ids: Option<WholeFile> },
    Table(TableWriter),
    Episodes(EpisodeWriter<WholeFile>),
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lines { .. } => "Lines",
            Self::Table(_) => "Table",
            Self::Episodes(_) => "Episodes",
        })
    }
}

impl ExportSink {
    /// A sink for `target` whose main file is `path`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(target: &ExportTarget, path: &Path) -> Result<Self, PipelineError> {
        let file = WholeFile::create(path)?;
        let out = match target.shape() {
            Shape::Lines => Out::Lines { file, ids: None },
            Shape::LinesAndIds => {
                let ids = WholeFile::create(&path.with_extension("ids.jsonl"))?;
                Out::Lines { file, ids: Some(ids) }
            }
            Shape::Episodes => {
                Out::Episodes(EpisodeWriter::new(file).map_err(|e| PipelineError::file(path, e))?)
            }
            Shape::Table(schema) => Out::Table(TableWriter::new(file, schema)?),
        };
        Ok(Self { out, report: ExportReport::default() })
    }

    /// Writes `prepared` and empties it, so that it can be used again.
    ///
    /// # Errors
    /// The disk fails.
    pub fn write(&mut self, prepared: &mut Prepared) -> Result<(), PipelineError> {
        self.report.take(&mut prepared.report);
        match &mut self.out {
            Out::Lines { file, ids } => {
                append(file, &mut prepared.lines)?;
                if let Some(ids) = ids {
                    append(ids, &mut prepared.ids)?;
                }
            }
            Out::Table(writer) => writer.write(&mut prepared.lines)?,
            Out::Episodes(writer) => {
                for episode in prepared.episodes.drain(..) {
                    writer.write(episode).map_err(|e| PipelineError::file("episodes.parquet", e))?;
                }
            }
        }
        Ok(())
    }

    /// Completes the files and puts them in place.
    ///
    /// # Errors
    /// The disk fails.
    pub fn finish(self) -> Result<ExportReport, PipelineError> {
        match self.out {
            Out::Lines { file, ids } => {
                if let Some(ids) = ids {
                    ids.finish()?;
                }
                file.finish()?;
            }
            Out::Table(writer) => writer.finish()?,
            Out::Episodes(writer) => {
                writer.finish().map_err(|e| PipelineError::file("episodes.parquet", e))?.finish()?;
            }
        }
        Ok(self.report)
    }
}

fn append(file: &mut WholeFile, bytes: &mut Vec<u8>) -> Result<(), PipelineError> {
    let written = file.write_all(bytes).map_err(|e| PipelineError::file(file.path(), e));
    bytes.clear();
    written
}

//! The sink: prepared rows become files. One thread, in order.

use super::atropos::{Member, group_line};
use super::prepared::{ExportReport, Prepared};
use super::table::TableWriter;
use super::target::{ExportTarget, Shape};
use super::whole_file::{WholeFile, WholeFolder};
use crate::PipelineError;
use indexmap::IndexMap;
use nex_trajectory::parquet::EpisodeWriter;
use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

/// Takes what [`ExportTarget::prepare`] gave, in the episodes' order.
///
/// The files are in place only after [`ExportSink::finish`]; dropped before, it leaves what was
/// there untouched.
#[derive(Debug)]
pub struct ExportSink {
    out: Out,
    /// Hashes of the keys that were written, for rows that stand once a key: 16 bytes each.
    written: HashSet<[u8; 16]>,
    report: ExportReport,
}

enum Out {
    Lines { file: WholeFile, beside: Option<WholeFile> },
    Groups { file: WholeFile, open: OpenGroups },
    Folder(WholeFolder),
    Table(TableWriter),
    Episodes { writer: EpisodeWriter<WholeFile>, path: std::path::PathBuf },
}

/// The groups of the task that is being read.
#[derive(Debug, Default)]
struct OpenGroups {
    task: String,
    groups: IndexMap<String, Vec<Member>>,
}

impl std::fmt::Debug for Out {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lines { .. } => "Lines",
            Self::Groups { .. } => "Groups",
            Self::Folder(_) => "Folder",
            Self::Table(_) => "Table",
            Self::Episodes { .. } => "Episodes",
        })
    }
}

impl ExportSink {
    /// A sink for `target` whose main file (or folder) is `path`.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn create(target: &ExportTarget, path: &Path) -> Result<Self, PipelineError> {
        let file = || WholeFile::create(path);
        let out = match target.shape() {
            Shape::Lines => Out::Lines { file: file()?, beside: None },
            Shape::LinesAndIds => {
                let beside = Some(WholeFile::create(&path.with_extension("ids.jsonl"))?);
                Out::Lines { file: file()?, beside }
            }
            Shape::LinesAndInfo { name, content } => {
                let mut info = WholeFile::create(&path.with_file_name(name))?;
                let file_name = path.file_name().unwrap_or_default().to_string_lossy();
                append(&mut info, &mut content(&file_name).into_bytes())?;
                Out::Lines { file: file()?, beside: Some(info) }
            }
            Shape::Groups => Out::Groups { file: file()?, open: OpenGroups::default() },
            Shape::Folder => Out::Folder(WholeFolder::create(path)?),
            Shape::Table(schema) => Out::Table(TableWriter::new(file()?, schema)?),
            Shape::Episodes => {
                let writer = EpisodeWriter::new(file()?).map_err(|e| PipelineError::file(path, e))?;
                Out::Episodes { writer, path: path.to_owned() }
            }
        };
        Ok(Self { out, written: HashSet::new(), report: ExportReport::default() })
    }

    /// Writes `prepared` and empties it, so that it can be used again.
    ///
    /// # Errors
    /// The disk fails, or an episode is larger than its file can hold.
    pub fn write(&mut self, prepared: &mut Prepared) -> Result<(), PipelineError> {
        self.report.take(&mut prepared.report);
        if !prepared.once.is_empty() {
            self.drop_repeated(prepared);
        }
        match &mut self.out {
            Out::Lines { file, beside } => {
                append(file, &mut prepared.lines)?;
                if let Some(ids) = beside {
                    append(ids, &mut prepared.ids)?;
                }
            }
            Out::Groups { file, open } => {
                for member in prepared.members.drain(..) {
                    if member.task != open.task {
                        write_groups(open, file)?;
                        open.task.clone_from(&member.task);
                    }
                    open.groups.entry(member.group.clone()).or_default().push(member);
                }
            }
            Out::Folder(folder) => {
                let names = prepared.ids.split(|byte| *byte == b'\n');
                for (name, document) in names.zip(prepared.lines.split_inclusive(|byte| *byte == b'\n')) {
                    folder.write(&String::from_utf8_lossy(name), document)?;
                }
                prepared.ids.clear();
                prepared.lines.clear();
            }
            Out::Table(writer) => writer.write(&mut prepared.lines)?,
            Out::Episodes { writer, path } => {
                for episode in prepared.episodes.drain(..) {
                    writer.write(episode).map_err(|e| PipelineError::file(&*path, e))?;
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
            Out::Lines { file, beside } => {
                if let Some(beside) = beside {
                    beside.finish()?;
                }
                file.finish()?;
            }
            Out::Groups { mut file, mut open } => {
                write_groups(&mut open, &mut file)?;
                file.finish()?;
            }
            Out::Folder(folder) => folder.finish()?,
            Out::Table(writer) => writer.finish()?,
            Out::Episodes { writer, path } => {
                writer.finish().map_err(|e| PipelineError::file(path, e))?.finish()?;
            }
        }
        Ok(self.report)
    }

    /// Leaves of the lines those whose key was not written yet, and counts them.
    fn drop_repeated(&mut self, prepared: &mut Prepared) {
        let (mut kept, mut start) = (0, 0);
        for (key, end) in prepared.once.drain(..) {
            let mut hash = [0; 16];
            hash.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..16]);
            if self.written.insert(hash) {
                prepared.lines.copy_within(start..end, kept);
                kept += end - start;
                self.report.samples += 1;
            }
            start = end;
        }
        prepared.lines.truncate(kept);
    }
}

fn append(file: &mut WholeFile, bytes: &mut Vec<u8>) -> Result<(), PipelineError> {
    let written = file.write_all(bytes).map_err(|e| PipelineError::file(file.path(), e));
    bytes.clear();
    written
}

fn write_groups(open: &mut OpenGroups, file: &mut WholeFile) -> Result<(), PipelineError> {
    for (_, members) in open.groups.drain(..) {
        let mut line = group_line(&members).map_err(|e| PipelineError::file(file.path(), e))?;
        append(file, &mut line)?;
    }
    Ok(())
}

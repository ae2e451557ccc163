//! A file that appears whole or not at all.

use crate::PipelineError;
use crate::run_folder::beside;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Written beside its place, renamed into it by [`WholeFile::finish`].
#[derive(Debug)]
pub(super) struct WholeFile {
    out: BufWriter<File>,
    path: PathBuf,
}

impl WholeFile {
    pub(super) fn create(path: &Path) -> Result<Self, PipelineError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| PipelineError::file(parent, e))?;
        }
        let file = File::create(beside(path)).map_err(|e| PipelineError::file(path, e))?;
        Ok(Self { out: BufWriter::with_capacity(1 << 18, file), path: path.to_owned() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn finish(mut self) -> Result<(), PipelineError> {
        let fail = |e: std::io::Error| PipelineError::file(&self.path, e);
        self.out.flush().map_err(fail)?;
        self.out.get_ref().sync_all().map_err(fail)?;
        std::fs::rename(beside(&self.path), &self.path).map_err(fail)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

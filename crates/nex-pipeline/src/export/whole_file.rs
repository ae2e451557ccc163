//! A file, or a folder of files, that appears whole or not at all.

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

/// A folder of files that appears whole or not at all, in the place of one that was there.
#[derive(Debug)]
pub(super) struct WholeFolder {
    path: PathBuf,
}

impl WholeFolder {
    /// # Errors
    /// There is a folder in its place with other files than such a folder has, or the disk fails.
    pub(super) fn create(path: &Path) -> Result<Self, PipelineError> {
        let partial = beside(path);
        for entry in std::fs::read_dir(path).into_iter().flatten() {
            let name = entry.map_err(|e| PipelineError::file(path, e))?.file_name();
            if Path::new(&name).extension().is_none_or(|extension| extension != "json") {
                let cause = format!(
                    "it holds {}, which is no trajectory: name a folder that does not exist yet",
                    name.display()
                );
                return Err(PipelineError::file(path, cause));
            }
        }
        remove(&partial)?;
        std::fs::create_dir_all(&partial).map_err(|e| PipelineError::file(&partial, e))?;
        Ok(Self { path: path.to_owned() })
    }

    pub(super) fn write(&self, name: &str, content: &[u8]) -> Result<(), PipelineError> {
        let file = beside(&self.path).join(name);
        std::fs::write(&file, content).map_err(|e| PipelineError::file(file, e))
    }

    pub(super) fn finish(self) -> Result<(), PipelineError> {
        remove(&self.path)?;
        std::fs::rename(beside(&self.path), &self.path).map_err(|e| PipelineError::file(&self.path, e))
    }
}

fn remove(folder: &Path) -> Result<(), PipelineError> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(PipelineError::file(folder, error)),
        _ => Ok(()),
    }
}

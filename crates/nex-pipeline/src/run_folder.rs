//! [`RunFolder`]: where a run keeps its files (layout: [`nex_trajectory::run`]).
//!
//! Whole files are written beside their place and renamed, so a reader never sees half a file.

use crate::PipelineError;
use nex_trajectory::run::RunManifest;
use serde::{Serialize, de::DeserializeOwned};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Version of [`RunManifest`] that this program writes.
pub const MANIFEST_VERSION: u32 = 1;

/// A run's folder.
#[derive(Clone, Debug)]
pub struct RunFolder {
    root: PathBuf,
}

impl RunFolder {
    /// The folder `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Makes the folder for `manifest`, or takes up the run in it.
    ///
    /// # Errors
    /// The folder holds another run, a newer format, or cannot be written.
    pub fn open(root: impl Into<PathBuf>, manifest: &RunManifest) -> Result<Self, PipelineError> {
        let folder = Self::new(root);
        std::fs::create_dir_all(folder.root()).map_err(|e| PipelineError::file(folder.root(), e))?;
        let path = folder.manifest_path();
        if path.exists() {
            let found: RunManifest = folder.read_manifest()?;
            if found.fingerprint != manifest.fingerprint {
                return Err(PipelineError::AnotherRun {
                    path: folder.root,
                    found: found.fingerprint,
                    wanted: manifest.fingerprint.clone(),
                });
            }
        } else {
            write_json(&path, manifest)?;
        }
        Ok(folder)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `run.json`.
    pub fn manifest_path(&self) -> PathBuf {
        self.root.join("run.json")
    }

    /// `tasks.jsonl`.
    pub fn tasks_path(&self) -> PathBuf {
        self.root.join("tasks.jsonl")
    }

    /// `episodes/`.
    pub fn episodes_dir(&self) -> PathBuf {
        self.root.join("episodes")
    }

    /// `dataset/`.
    pub fn dataset_dir(&self) -> PathBuf {
        self.root.join("dataset")
    }

    /// `frameworks/`.
    pub fn frameworks_dir(&self) -> PathBuf {
        self.root.join("frameworks")
    }

    /// `worlds/`.
    pub fn worlds_dir(&self) -> PathBuf {
        self.root.join("worlds")
    }

    /// `scratch/`: directories of episodes under way on real files; empty between calls.
    pub fn scratch_dir(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// `metrics.json`.
    pub fn metrics_path(&self) -> PathBuf {
        self.root.join("metrics.json")
    }

    /// `topology.json`.
    pub fn topology_path(&self) -> PathBuf {
        self.root.join("topology.json")
    }

    /// The manifest.
    ///
    /// # Errors
    /// The folder is no run folder, or a newer program wrote it.
    pub fn read_manifest(&self) -> Result<RunManifest, PipelineError> {
        let path = self.manifest_path();
        if !path.exists() {
            return Err(PipelineError::file(
                &path,
                "no such file: this is no run folder; `nex demo` or `nex synth` makes one",
            ));
        }
        let manifest: RunManifest = read_json(&path)?;
        if manifest.version > MANIFEST_VERSION {
            return Err(PipelineError::file(
                &path,
                format!(
                    "version {} is newer than {MANIFEST_VERSION}, which this nex reads: use nex {}",
                    manifest.version, manifest.nex_version
                ),
            ));
        }
        Ok(manifest)
    }
}

/// Reads a JSON file whole.
///
/// # Errors
/// The file, and line and column of what is wrong.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, PipelineError> {
    let bytes = std::fs::read(path).map_err(|e| PipelineError::file(path, e))?;
    serde_json::from_slice(&bytes).map_err(|e| PipelineError::file(path, e))
}

/// Writes a JSON file whole or not at all.
///
/// # Errors
/// The file and the system's words.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), PipelineError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|e| PipelineError::file(path, e))?;
    text.push(b'\n');
    write_whole(path, &text)
}

/// Writes a file whole or not at all: beside its place, synced, then renamed.
///
/// # Errors
/// The file and the system's words.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), PipelineError> {
    let fail = |e: std::io::Error| PipelineError::file(path, e);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    let beside = beside(path);
    let mut file = std::fs::File::create(&beside).map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    file.sync_all().map_err(fail)?;
    std::fs::rename(&beside, path).map_err(fail)
}

/// The place beside `path` where it is written before it is renamed.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}

//! [`FrameworkSource`]: a framework's folder as a recipe names it: agents, and the world they act in.
//!
//! In: a folder with `framework.json`, as `nex forge` writes it, or a folder of such. Out: the agents
//! as data, the world, and the files themselves, for the run folder. Of `framework.json` only the
//! name and the two paths are read: who made it does not matter here.

use crate::{PipelineError, WorldSource};
use nex_agent::{LoadOptions, RunnableSpec, load_runnable};
use nex_gym::{Harness, Pattern};
use nex_world::World;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The file that makes a folder a framework.
const MANIFEST: &str = "framework.json";
/// Frameworks of one recipe.
const MAX_FRAMEWORKS: usize = 10_000;
/// Files of one framework, and their bytes together.
const MAX_FILES: usize = 1_000;
const MAX_BYTES: u64 = 16 << 20;

/// A framework that a recipe names.
#[derive(Clone, Debug)]
pub struct FrameworkSource {
    name: String,
    spec: RunnableSpec,
    world: Arc<World>,
    /// By path within the folder.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// What is read of `framework.json`.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    entry: PathBuf,
    world_file: PathBuf,
}

impl FrameworkSource {
    /// The framework in `path`, or all frameworks in the folders of `path`, in order of name.
    ///
    /// # Errors
    /// There is none, or one of them is wrong.
    pub fn open_all(path: &Path) -> Result<Vec<Self>, PipelineError> {
        if path.join(MANIFEST).is_file() {
            return Ok(vec![Self::open(path)?]);
        }
        let entries = std::fs::read_dir(path).map_err(|e| PipelineError::file(path, e))?;
        let mut folders: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|folder| folder.join(MANIFEST).is_file())
            .collect();
        if folders.is_empty() {
            let cause = format!("holds no {MANIFEST}, nor does a folder in it: `nex forge` makes frameworks");
            return Err(PipelineError::file(path, cause));
        }
        if folders.len() > MAX_FRAMEWORKS {
            let cause = format!("{} frameworks; a recipe takes {MAX_FRAMEWORKS}", folders.len());
            return Err(PipelineError::file(path, cause));
        }
        folders.sort();
        folders.iter().map(|folder| Self::open(folder)).collect()
    }

    fn open(folder: &Path) -> Result<Self, PipelineError> {
        let path = folder.join(MANIFEST);
        let text = std::fs::read(&path).map_err(|e| PipelineError::file(&path, e))?;
        let manifest: Manifest = serde_json::from_slice(&text).map_err(|e| PipelineError::file(&path, e))?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if manifest.name.is_empty()
            || manifest.name.starts_with('.')
            || !manifest.name.chars().all(is_name)
            || Pattern::from_name(&manifest.name).is_some()
        {
            let cause = format!(
                "`{}` cannot be a framework's name: letters, digits, `_`, `-`, `.`, and none of the built-in harnesses",
                manifest.name
            );
            return Err(PipelineError::file(&path, cause));
        }
        for inner in [&manifest.entry, &manifest.world_file] {
            if !inner.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
                let cause = format!("`{}` leads out of the framework's folder", inner.display());
                return Err(PipelineError::file(&path, cause));
            }
        }
        let entry = folder.join(&manifest.entry);
        let spec = load_runnable(&entry, &LoadOptions::default()).map_err(|cause| {
            PipelineError::Harness { harness: manifest.name.clone(), cause: cause.to_string() }
        })?;
        let world = World::load(folder.join(&manifest.world_file))?;
        let mut files = BTreeMap::new();
        gather(folder, folder, &mut files)?;
        Ok(Self { name: manifest.name, spec, world, files })
    }

    /// Its name, which is its harness's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The world that its agents act in.
    pub fn world(&self) -> WorldSource {
        WorldSource::Declared(self.world.clone())
    }

    /// Its agents, ready to be played.
    pub fn harness(&self) -> Harness {
        Harness::from_spec(self.name.clone(), Pattern::Framework, self.spec.clone())
    }

    /// Its files by path within its folder.
    pub(crate) fn files(&self) -> &BTreeMap<PathBuf, Vec<u8>> {
        &self.files
    }
}

/// The files under `folder`, no links followed.
fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<(), PipelineError> {
    let entries = std::fs::read_dir(folder).map_err(|e| PipelineError::file(folder, e))?;
    for entry in entries {
        let entry = entry.map_err(|e| PipelineError::file(folder, e))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(|e| PipelineError::file(folder, e))?);
        if kind.is_dir() {
            gather(root, &path, files)?;
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).map_err(|e| PipelineError::file(&path, e))?;
            files.insert(path.strip_prefix(root).unwrap_or(&path).to_owned(), bytes);
            let total: u64 = files.values().map(|bytes| bytes.len() as u64).sum();
            if files.len() > MAX_FILES || total > MAX_BYTES {
                let cause = format!("more than {MAX_FILES} files or {MAX_BYTES} bytes: this is no framework");
                return Err(PipelineError::file(root, cause));
            }
        }
    }
    Ok(())
}

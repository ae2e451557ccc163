//! [`FileTree`]: the files of a workspace as values: what the office generates, what a verifier
//! finds, what two of them differ in.

use super::error::FileError;
use super::store::{FileEntry, FileStore};
use nex_tools::workspace::EntryKind;
use nex_tools::{Workspace, WorkspaceError, WorkspaceLimits};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Files by path, and folders that were made without a file in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTree {
    files: BTreeMap<String, String>,
    folders: BTreeSet<String>,
}

/// Why a directory cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It cannot be read.
    #[error("the workspace cannot be read: {0}")]
    Unreadable(#[from] WorkspaceError),
    /// It holds a link, a pipe, a socket or a device; none of the tools can make one.
    #[error("`{path}` is {kind}; a workspace holds regular files and folders only")]
    Irregular {
        /// Where.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// It holds more than a run of a task can have made.
    #[error("the workspace holds too many files or folders, or too deep ones")]
    TooMuch,
}

impl FileTree {
    /// Puts `text` at `path`.
    pub fn put(&mut self, path: impl Into<String>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// The text of the file at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// The paths of all files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Every folder: those that were made, and those that files lie in.
    pub fn folders(&self) -> BTreeSet<&str> {
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        let made = self.folders.iter().map(String::as_str);
        let holding = self.files.keys().filter_map(|path| Some(path.rsplit_once('/')?.0));
        for mut folder in made.chain(holding) {
            while folders.insert(folder) {
                let Some((parent, _)) = folder.rsplit_once('/') else { break };
                folder = parent;
            }
        }
        folders
    }

    /// A hash of every path and byte.
    pub fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let mut add = |part: &str| {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        };
        for (path, text) in &self.files {
            add(path);
            add(text);
        }
        for folder in self.folders() {
            add(folder);
        }
        hasher.finalize()
    }

    /// Writes all files into `directory`, which is made if need be.
    ///
    /// # Errors
    /// The disk does not take them.
    pub fn write_to(&self, directory: &Path) -> std::io::Result<()> {
        for folder in self.folders() {
            std::fs::create_dir_all(directory.join(folder))?;
        }
        std::fs::create_dir_all(directory)?;
        for (path, text) in &self.files {
            std::fs::write(directory.join(path), text)?;
        }
        Ok(())
    }

    /// What lies in `directory`, without following any link.
    ///
    /// # Errors
    /// [`SnapshotError::Irregular`] where there is anything but regular files and folders.
    pub fn read_from(directory: &Path) -> Result<Self, SnapshotError> {
        let workspace = Workspace::open(directory, WorkspaceLimits::default())?;
        let walk = workspace.walk("")?;
        if walk.is_cut {
            return Err(SnapshotError::TooMuch);
        }
        let mut tree = Self::default();
        for entry in walk.entries {
            let kind = match entry.kind {
                EntryKind::File { .. } => {
                    let bytes = workspace.read(&entry.name)?;
                    tree.files.insert(entry.name, String::from_utf8_lossy(&bytes).into_owned());
                    continue;
                }
                EntryKind::Directory => {
                    tree.folders.insert(entry.name);
                    continue;
                }
                EntryKind::Link => "a symbolic link",
                EntryKind::Other => "a pipe, a socket or a device",
            };
            return Err(SnapshotError::Irregular { path: entry.name, kind });
        }
        Ok(tree)
    }
}

impl FileTree {
    /// The refusal of a path that leads through a file as if it were a folder.
    fn file_on_the_way(&self, path: &str) -> Option<FileError> {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        parents.into_iter().find(|parent| self.files.contains_key(*parent)).map(FileError::not_a_folder)
    }

    fn check_folder(&self, folder: &str) -> Result<(), FileError> {
        if folder.is_empty() || self.folders().contains(folder) {
            return Ok(());
        }
        if self.files.contains_key(folder) {
            return Err(FileError::not_a_folder(folder));
        }
        Err(self.file_on_the_way(folder).unwrap_or_else(|| FileError::not_found(folder)))
    }
}

impl FileStore for FileTree {
    fn read(&self, path: &str) -> Result<String, FileError> {
        match self.text(path) {
            Some(text) => Ok(text.to_owned()),
            None if self.folders().contains(path) || path.is_empty() => Err(FileError::not_a_file(path)),
            None => Err(self.file_on_the_way(path).unwrap_or_else(|| FileError::not_found(path))),
        }
    }

    fn write(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        if self.folders().contains(path) || path.is_empty() {
            return Err(FileError::not_a_file(path));
        }
        if let Some(refusal) = self.file_on_the_way(path) {
            return Err(refusal);
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            // A folder outlives the files in it.
            self.folders.insert(parent.to_owned());
        }
        self.files.insert(path.to_owned(), text.to_owned());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        self.read(path)?;
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folders.insert(parent.to_owned());
        }
        self.files.remove(path);
        Ok(())
    }

    fn make_folder(&mut self, path: &str) -> Result<(), FileError> {
        if self.files.contains_key(path) {
            return Err(FileError::not_a_folder(path));
        }
        if let Some(refusal) = self.file_on_the_way(path) {
            return Err(refusal);
        }
        self.folders.insert(path.to_owned());
        Ok(())
    }

    fn entries(&self, folder: &str) -> Result<Vec<FileEntry>, FileError> {
        self.check_folder(folder)?;
        let all = self.walk("")?;
        let folders = self.folders();
        let folders = folders.iter().map(|path| FileEntry { path: (*path).to_owned(), size_bytes: None });
        let mut entries: Vec<FileEntry> = all
            .into_iter()
            .chain(folders)
            .filter(|entry| entry.path.rsplit_once('/').map_or("", |(parent, _)| parent) == folder)
            .collect();
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(entries)
    }

    fn walk(&self, folder: &str) -> Result<Vec<FileEntry>, FileError> {
        self.check_folder(folder)?;
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let inside = self.files.iter().filter(|(path, _)| path.starts_with(&prefix));
        Ok(inside
            .map(|(path, text)| FileEntry { path: path.clone(), size_bytes: Some(text.len() as u64) })
            .collect())
    }
}

//! [`FileStore`]: where the operations find their files: a directory, or a tree in memory.
//!
//! Paths are normal ones ([`normal_path`]): relative, without `.` and `..`, empty for the
//! workspace itself. Both kinds of store answer alike; a test holds them against each other.

use super::error::FileError;
use nex_tools::Workspace;
use nex_tools::workspace::{Entry, EntryKind};

/// Where the operations find their files.
pub trait FileStore {
    /// The text of a file.
    ///
    /// # Errors
    /// There is none, or it is no text.
    fn read(&self, path: &str) -> Result<String, FileError>;

    /// Writes a file, making folders on the way.
    ///
    /// # Errors
    /// There is a folder of that name.
    fn write(&mut self, path: &str, text: &str) -> Result<(), FileError>;

    /// Removes a file.
    ///
    /// # Errors
    /// There is none.
    fn remove(&mut self, path: &str) -> Result<(), FileError>;

    /// Makes a folder and those on the way; one that is there is left as it is.
    ///
    /// # Errors
    /// There is a file of that name.
    fn make_folder(&mut self, path: &str) -> Result<(), FileError>;

    /// What lies directly in a folder, by path.
    ///
    /// # Errors
    /// There is no such folder.
    fn entries(&self, folder: &str) -> Result<Vec<FileEntry>, FileError>;

    /// All files below a folder, by path.
    ///
    /// # Errors
    /// There is no such folder.
    fn walk(&self, folder: &str) -> Result<Vec<FileEntry>, FileError>;
}

/// A file or folder of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path.
    pub path: String,
    /// The size of a file; none for a folder.
    pub size_bytes: Option<u64>,
}

impl FileEntry {
    /// Its name without the folders.
    pub fn name(&self) -> &str {
        name_of(&self.path)
    }
}

/// The last part of a path.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path, empty for the workspace itself.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `path` without `.`, doubled and closing slashes.
///
/// # Errors
/// It is absolute, leads out, or can be no path.
pub(crate) fn normal_path(path: &str) -> Result<String, FileError> {
    let shown = &path[..path.floor_char_boundary(200)];
    let refuse = |cause: &str| Err(FileError::new("invalid_path", format!("`{shown}` {cause}")));
    if path.starts_with('/') {
        return refuse("is an absolute path; give one relative to the workspace, such as `meetings/plan.md`");
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return refuse("leaves the workspace through `..`; only paths inside it can be used"),
            _ if part.contains('\0') || part.len() > 255 => return refuse("is no usable path"),
            _ => parts.push(part),
        }
    }
    if parts.len() > 32 {
        return refuse("has too many folders");
    }
    Ok(parts.join("/"))
}

/// A directory as a store.
#[derive(Debug)]
pub struct DirectoryStore {
    workspace: Workspace,
}

impl DirectoryStore {
    /// The files of `workspace`.
    pub fn new(workspace: Workspace) -> Self {
        Self { workspace }
    }

    /// Where they lie.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}

impl FileStore for DirectoryStore {
    fn read(&self, path: &str) -> Result<String, FileError> {
        let bytes = self.workspace.read(path)?;
        String::from_utf8(bytes)
            .map_err(|_| FileError::new("not_text", format!("`{path}` is not UTF-8 text")))
    }

    fn write(&mut self, path: &str, text: &str) -> Result<(), FileError> {
        self.workspace.write(path, text.as_bytes())?;
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), FileError> {
        Ok(self.workspace.remove(path)?)
    }

    fn make_folder(&mut self, path: &str) -> Result<(), FileError> {
        Ok(self.workspace.make_directory(path)?)
    }

    fn entries(&self, folder: &str) -> Result<Vec<FileEntry>, FileError> {
        let below = |name: String| if folder.is_empty() { name } else { format!("{folder}/{name}") };
        let listed = self.workspace.list(folder)?;
        Ok(listed.into_iter().filter_map(|entry| of_entry(below(entry.name.clone()), &entry)).collect())
    }

    fn walk(&self, folder: &str) -> Result<Vec<FileEntry>, FileError> {
        let walk = self.workspace.walk(folder)?;
        let mut files: Vec<FileEntry> = walk
            .entries
            .into_iter()
            .filter_map(|entry| of_entry(entry.name.clone(), &entry))
            .filter(|entry| entry.size_bytes.is_some())
            .collect();
        // A walk goes folder by folder, which is not quite the order of the paths.
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }
}

/// Links, pipes and the like are not shown: no tool makes them and none reads them.
fn of_entry(path: String, entry: &Entry) -> Option<FileEntry> {
    match entry.kind {
        EntryKind::File { size_bytes } => Some(FileEntry { path, size_bytes: Some(size_bytes) }),
        EntryKind::Directory => Some(FileEntry { path, size_bytes: None }),
        EntryKind::Link | EntryKind::Other => None,
    }
}

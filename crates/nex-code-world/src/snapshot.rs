//! [`Snapshot`]: what lies in a folder when an agent has stopped.

use crate::CodeError;
use nex_tools::workspace::EntryKind;
use nex_tools::{Workspace, WorkspaceLimits};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The largest file that is read.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// All files together.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// A regular file.
    File {
        /// Its text; bytes that are no UTF-8 stand as U+FFFD.
        text: String,
        /// Its permission bits.
        mode: u32,
    },
    /// A folder.
    Folder,
    /// A link and where it leads, as it is written.
    Link(String),
    /// A file that cannot be read or is too large, a pipe, a socket.
    Odd(String),
}

/// Entries by path relative to the folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(pub BTreeMap<String, EntryState>);

impl Snapshot {
    /// What lies in `root`. Links are not followed.
    ///
    /// # Errors
    /// The folder itself cannot be read.
    pub fn read(root: &Path) -> Result<Self, CodeError> {
        let limits = WorkspaceLimits { max_file_bytes: MAX_FILE_BYTES, ..WorkspaceLimits::default() };
        let workspace = Workspace::open(root, limits)?;
        let walk = workspace.walk("")?;
        let (mut entries, mut bytes) = (BTreeMap::new(), 0);
        for entry in walk.entries {
            let path = root.join(&entry.name);
            let state = match entry.kind {
                EntryKind::File { .. } => match workspace.read(&entry.name) {
                    Ok(content) if bytes + content.len() <= MAX_BYTES => {
                        bytes += content.len();
                        let mode =
                            std::fs::symlink_metadata(&path).map_or(0, |m| m.permissions().mode() & 0o777);
                        EntryState::File { text: String::from_utf8_lossy(&content).into_owned(), mode }
                    }
                    Ok(_) => EntryState::Odd("too much to read".to_owned()),
                    Err(cause) => EntryState::Odd(cause.to_string()),
                },
                EntryKind::Directory => EntryState::Folder,
                EntryKind::Link => {
                    let target = std::fs::read_link(&path).unwrap_or_default();
                    EntryState::Link(target.to_string_lossy().into_owned())
                }
                EntryKind::Other => EntryState::Odd("no regular file".to_owned()),
            };
            entries.insert(entry.name, state);
        }
        if walk.is_cut {
            entries.insert("…".to_owned(), EntryState::Odd("too many entries".to_owned()));
        }
        Ok(Self(entries))
    }

    /// The text of the file at `path`.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.0.get(path) {
            Some(EntryState::File { text, .. }) => Some(text),
            _ => None,
        }
    }

    /// Files by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|(path, state)| match state {
            EntryState::File { text, .. } => Some((path.as_str(), text.as_str())),
            _ => None,
        })
    }
}

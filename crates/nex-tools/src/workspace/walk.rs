//! Listing a directory tree without following links, in an order that does not depend on the disk.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// Directories nested deeper than this are not entered.
const MAX_DEPTH: usize = 64;

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name; from a walk, its path in the workspace. Bytes that are no UTF-8 stand as U+FFFD.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file and its size.
    File {
        /// Its size.
        size_bytes: u64,
    },
    /// A directory.
    Directory,
    /// A symbolic link; never followed.
    Link,
    /// A pipe, socket or device; never opened.
    Other,
}

/// What lies below a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// The entries, in the order of their paths, directories before what they hold.
    pub entries: Vec<Entry>,
    /// There were more entries, or deeper ones, than may be looked at.
    pub is_cut: bool,
}

/// The entries of `directory`, by name.
pub(super) fn entries(directory: &OwnedFd) -> io::Result<Vec<Entry>> {
    // The descriptor's own entry in /proc names the very directory that was checked.
    let listing = std::fs::read_dir(format!("/proc/self/fd/{}", directory.as_raw_fd()))?;
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // Neither call follows links. An entry may vanish in between; then it is not listed.
        let Ok(kind) = entry.file_type() else { continue };
        let kind = match () {
            () if kind.is_symlink() => EntryKind::Link,
            () if kind.is_dir() => EntryKind::Directory,
            () if kind.is_file() => match entry.metadata() {
                Ok(meta) => EntryKind::File { size_bytes: meta.len() },
                Err(_) => continue,
            },
            () => EntryKind::Other,
        };
        entries.push(Entry { name, kind });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// Everything below `directory`, whose path in the workspace is `prefix`.
pub(super) fn walk(directory: &OwnedFd, prefix: &str, max_entries: usize) -> Walk {
    let mut walk = Walk { entries: Vec::new(), is_cut: false };
    descend(directory, prefix, 0, max_entries, &mut walk);
    walk
}

fn descend(directory: &OwnedFd, prefix: &str, depth: usize, max_entries: usize, walk: &mut Walk) {
    // A directory that cannot be read, or went away, holds nothing for us.
    for entry in entries(directory).unwrap_or_default() {
        if walk.entries.len() >= max_entries {
            walk.is_cut = true;
            return;
        }
        let path = if prefix.is_empty() { entry.name.clone() } else { format!("{prefix}/{}", entry.name) };
        walk.entries.push(Entry { name: path.clone(), kind: entry.kind });
        if entry.kind != EntryKind::Directory {
            continue;
        }
        if depth + 1 >= MAX_DEPTH {
            walk.is_cut = true;
            continue;
        }
        let opened: io::Result<File> =
            super::open_at(directory, &entry.name, libc::O_RDONLY | libc::O_DIRECTORY);
        if let Ok(below) = opened {
            descend(&below.into(), &path, depth + 1, max_entries, walk);
        }
    }
}

//! [`SandboxFolder`]: a private copy of a folder, in which commands run.
//!
//! In: a folder, which is only read. Out: a copy that commands may change, and the list of what they
//! changed. Invariants: links are copied as links and never followed; pipes, sockets and devices are
//! left out; the copy is removed when dropped.

use super::SandboxError;
use super::SandboxLimits;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A folder of its own for one task: commands run in it one after another.
#[derive(Debug)]
pub struct SandboxFolder {
    base: tempfile::TempDir,
    before: BTreeMap<PathBuf, Fingerprint>,
    pub(super) owner: Option<u32>,
}

/// How an entry of a folder differs from the original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the names say it all")]
pub enum ChangeKind {
    Added,
    Modified,
    Removed,
}

/// One entry that commands changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderChange {
    /// Relative to the folder.
    pub path: PathBuf,
    /// How it differs.
    pub kind: ChangeKind,
}

/// What tells an entry from another: kind and mode, and a hash of a file's bytes or a link's target.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fingerprint {
    mode: u32,
    content: Option<blake3::Hash>,
}

/// The folders below a base.
const PARTS: [&str; 4] = ["work", "tmp", "shm", "root"];

impl SandboxFolder {
    /// A copy of `source`, or an empty folder.
    ///
    /// # Errors
    /// `source` cannot be read, holds more than the limits allow, or the disk is full.
    pub fn new(source: Option<&Path>, limits: &SandboxLimits) -> Result<Self, SandboxError> {
        let temp = std::env::temp_dir();
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| SandboxError::Folder { path, cause }
        };
        let base = tempfile::Builder::new().prefix("nex-sandbox-").tempdir_in(&temp).map_err(at(&temp))?;
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o700)).map_err(at(base.path()))?;
        for part in PARTS {
            let path = base.path().join(part);
            fs::create_dir(&path).map_err(at(&path))?;
        }
        // However the folder is made: what runs in it must not run as root.
        let owner = if super::ids::is_root() { super::ids::unused_id() } else { None };
        let mut folder = Self { base, before: BTreeMap::new(), owner };
        if let Some(source) = source {
            let mut budget = Budget { entries: limits.max_folder_entries, bytes: limits.max_disk_bytes };
            copy(source, &folder.path(), &mut budget, limits, source)?;
        }
        folder.before = folder.fingerprints()?;
        Ok(folder)
    }

    /// Where the copy lies on the host. Whoever runs outside the sandbox must open files in it
    /// without following links, as [`crate::Workspace`] does.
    pub fn path(&self) -> PathBuf {
        self.base.path().join("work")
    }

    /// What commands changed since the copy was made, by path.
    ///
    /// # Errors
    /// The copy cannot be read.
    pub fn changes(&self) -> Result<Vec<FolderChange>, SandboxError> {
        let after = self.fingerprints()?;
        let mut changes = BTreeMap::new();
        for (path, fingerprint) in &after {
            match self.before.get(path) {
                None => drop(changes.insert(path, ChangeKind::Added)),
                Some(before) if before != fingerprint => drop(changes.insert(path, ChangeKind::Modified)),
                Some(_) => {}
            }
        }
        for path in self.before.keys().filter(|path| !after.contains_key(*path)) {
            changes.insert(path, ChangeKind::Removed);
        }
        Ok(changes.into_iter().map(|(path, kind)| FolderChange { path: path.clone(), kind }).collect())
    }

    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.base.path().join(name)
    }

    /// Bytes that the copy and its temporary files take; stops counting past `enough`.
    pub(super) fn used_bytes(base: &Path, enough: u64) -> u64 {
        let mut used = 0;
        let mut open: Vec<PathBuf> = ["work", "tmp", "shm"].iter().map(|part| base.join(part)).collect();
        while let Some(folder) = open.pop() {
            let Ok(entries) = fs::read_dir(&folder) else { continue };
            for entry in entries.flatten() {
                let Ok(meta) = entry.metadata() else { continue };
                // An empty file still takes room in the file system's tables.
                used += meta.blocks() * 512 + 256;
                if meta.is_dir() {
                    open.push(entry.path());
                }
                if used > enough {
                    return used;
                }
            }
        }
        used
    }

    pub(super) fn base(&self) -> &Path {
        self.base.path()
    }

    /// Gives everything in the folder to `owner`, so that a command running as it can write.
    pub(super) fn give_to(&self, owner: u32) -> Result<(), SandboxError> {
        let mut open = vec![self.base.path().to_owned()];
        while let Some(path) = open.pop() {
            let at = |cause| SandboxError::Folder { path: path.clone(), cause };
            let meta = fs::symlink_metadata(&path).map_err(at)?;
            // A file with a second name may have it outside.
            if meta.uid() != owner && (meta.is_dir() || meta.nlink() == 1) {
                std::os::unix::fs::lchown(&path, Some(owner), Some(owner)).map_err(at)?;
            }
            if meta.is_dir() {
                for entry in fs::read_dir(&path).map_err(at)? {
                    open.push(entry.map_err(at)?.path());
                }
            }
        }
        Ok(())
    }

    fn fingerprints(&self) -> Result<BTreeMap<PathBuf, Fingerprint>, SandboxError> {
        let root = self.path();
        let mut found = BTreeMap::new();
        let mut open = vec![root.clone()];
        while let Some(folder) = open.pop() {
            let at = |cause| SandboxError::Folder { path: folder.clone(), cause };
            for entry in fs::read_dir(&folder).map_err(at)? {
                let path = entry.map_err(at)?.path();
                let at = |cause| SandboxError::Folder { path: path.clone(), cause };
                let meta = fs::symlink_metadata(&path).map_err(at)?;
                let content = match () {
                    () if meta.is_file() => Some(hash_file(&path).map_err(at)?),
                    () if meta.is_symlink() => {
                        let target = fs::read_link(&path).map_err(at)?;
                        Some(blake3::hash(target.as_os_str().as_encoded_bytes()))
                    }
                    () => None,
                };
                if meta.is_dir() {
                    open.push(path.clone());
                }
                let relative = path.strip_prefix(&root).unwrap_or(&path).to_owned();
                found.insert(relative, Fingerprint { mode: meta.mode(), content });
            }
        }
        Ok(found)
    }
}

fn hash_file(path: &Path) -> io::Result<blake3::Hash> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    let mut file = options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut file, &mut hasher)?;
    Ok(hasher.finalize())
}

/// What may still be copied.
struct Budget {
    entries: u64,
    bytes: u64,
}

impl Budget {
    fn take(&mut self, bytes: u64, limits: &SandboxLimits, source: &Path) -> Result<(), SandboxError> {
        let too_large = |limit, what| SandboxError::FolderTooLarge { path: source.to_owned(), limit, what };
        self.entries =
            self.entries.checked_sub(1).ok_or_else(|| too_large(limits.max_folder_entries, "entries"))?;
        self.bytes =
            self.bytes.checked_sub(bytes).ok_or_else(|| too_large(limits.max_disk_bytes, "bytes"))?;
        Ok(())
    }
}

fn copy(
    from: &Path,
    to: &Path,
    budget: &mut Budget,
    limits: &SandboxLimits,
    source: &Path,
) -> Result<(), SandboxError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |cause| SandboxError::Folder { path, cause }
    };
    for entry in fs::read_dir(from).map_err(at(from))? {
        let path = entry.map_err(at(from))?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        let meta = fs::symlink_metadata(&path).map_err(at(&path))?;
        budget.take(if meta.is_file() { meta.len() } else { 0 }, limits, source)?;
        if meta.is_dir() {
            fs::create_dir(&target).map_err(at(&target))?;
            copy(&path, &target, budget, limits, source)?;
        } else if meta.is_symlink() {
            let link = fs::read_link(&path).map_err(at(&path))?;
            std::os::unix::fs::symlink(link, &target).map_err(at(&target))?;
            continue;
        } else if meta.is_file() {
            fs::copy(&path, &target).map_err(at(&path))?;
        } else {
            continue;
        }
        // No set-user-id bit enters the copy.
        let mode = fs::Permissions::from_mode(meta.mode() & 0o777);
        fs::set_permissions(&target, mode).map_err(at(&target))?;
    }
    Ok(())
}

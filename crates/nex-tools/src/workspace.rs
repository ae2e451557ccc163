//! [`Workspace`]: one directory that file tools may touch, and nothing outside it.
//!
//! In: paths as a model writes them. Out: open files, or a [`WorkspaceError`] that the model can
//! read. Invariant: nothing outside the root is ever opened. Each component of a path is opened
//! from its parent's descriptor without following links, so neither `..`, nor absolute paths, nor
//! a link that is swapped in at the last moment leads out; only regular files and directories
//! are opened, so a FIFO or a device cannot hang a tool.

mod glob;
mod tools;
mod walk;

pub use glob::{Glob, GlobError};
pub use tools::workspace_tools;
pub use walk::{Entry, EntryKind, Walk};

use serde::{Deserialize, Serialize};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// A directory that file tools work in.
#[derive(Debug)]
pub struct Workspace {
    root_path: PathBuf,
    root: OwnedFd,
    limits: WorkspaceLimits,
    temp_counter: AtomicU64,
}

/// What the tools of a workspace may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkspaceLimits {
    /// A larger file is neither read nor written.
    pub max_file_bytes: u64,
    /// Lines of one `read_file` without a limit of its own.
    pub max_lines: usize,
    /// A longer line is shown cut.
    pub max_line_bytes: usize,
    /// Entries that one listing or search looks at.
    pub max_entries: usize,
    /// Matches that one search lists.
    pub max_matches: usize,
}

impl Default for WorkspaceLimits {
    fn default() -> Self {
        Self {
            max_file_bytes: 10 * 1024 * 1024,
            max_lines: 2_000,
            max_line_bytes: 2_000,
            max_entries: 20_000,
            max_matches: 200,
        }
    }
}

/// Why a path was not touched; its text is written for the model.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's text says it all; `path` is as the model wrote it")]
pub enum WorkspaceError {
    #[error("`{path}` is an absolute path; give one relative to the workspace, such as `notes/plan.md`")]
    Absolute { path: String },
    #[error("`{path}` leaves the workspace through `..`; only paths inside it can be used")]
    Escape { path: String },
    #[error("`{path}` is no usable path: {cause}")]
    Malformed { path: String, cause: &'static str },
    #[error("`{path}` does not exist")]
    NotFound { path: String },
    #[error("`{path}` goes through a symbolic link at `{link}`; links are not followed")]
    Link { path: String, link: String },
    #[error("`{path}` is {found}, not {wanted}")]
    Kind { path: String, found: &'static str, wanted: &'static str },
    #[error("`{path}` has {size_bytes} bytes, more than the {limit_bytes} that can be handled")]
    TooLarge { path: String, size_bytes: u64, limit_bytes: u64 },
    #[error("`{path}`: {cause}")]
    Io { path: String, cause: io::Error },
}

/// The longest path that is looked at, as in the kernel.
const MAX_PATH_BYTES: usize = 4096;

impl Workspace {
    /// The workspace at the existing directory `root`.
    ///
    /// # Errors
    /// `root` is no directory or cannot be opened.
    pub fn open(root: impl Into<PathBuf>, limits: WorkspaceLimits) -> Result<Self, WorkspaceError> {
        let root_path = root.into();
        let shown = || root_path.display().to_string();
        let root = File::open(&root_path).map_err(|cause| WorkspaceError::Io { path: shown(), cause })?;
        let is_dir = root.metadata().is_ok_and(|meta| meta.is_dir());
        if !is_dir {
            return Err(WorkspaceError::Kind { path: shown(), found: "a file", wanted: "a directory" });
        }
        Ok(Self { root: root.into(), root_path, limits, temp_counter: AtomicU64::new(0) })
    }

    /// Where the workspace lies.
    pub fn root(&self) -> &Path {
        &self.root_path
    }

    /// The limits of its tools.
    pub fn limits(&self) -> &WorkspaceLimits {
        &self.limits
    }

    /// The bytes of the regular file at `path`.
    ///
    /// # Errors
    /// The path leads outside, to nothing, to no regular file, or to one over the size limit.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, WorkspaceError> {
        let parts = components(path)?;
        let (name, parents) = split_name(path, &parts)?;
        let parent = self.directory(path, parents, false)?;
        let file =
            open_at(&parent, name, libc::O_RDONLY).map_err(|cause| refused(path, parents, name, cause))?;
        self.read_open(path, file)
    }

    /// Writes `bytes` to `path`, making directories on the way; all or nothing.
    ///
    /// Returns whether the file existed before.
    ///
    /// # Errors
    /// The path leads outside or to something that is no regular file, or `bytes` are too many.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<bool, WorkspaceError> {
        let parts = components(path)?;
        let (name, parents) = split_name(path, &parts)?;
        if bytes.len() as u64 > self.limits.max_file_bytes {
            return Err(self.too_large(path, bytes.len() as u64));
        }
        let parent = self.directory(path, parents, true)?;
        let existed = match open_at(&parent, name, libc::O_RDONLY) {
            Ok(file) => {
                self.regular(path, &file)?;
                true
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => false,
            Err(cause) => return Err(refused(path, parents, name, cause)),
        };
        let io_error = |cause| WorkspaceError::Io { path: path.to_owned(), cause };
        replace_at(&parent, name, bytes, self.temp_counter.fetch_add(1, Ordering::Relaxed))
            .map_err(io_error)?;
        Ok(existed)
    }

    /// Removes the regular file at `path`.
    ///
    /// # Errors
    /// The path leads outside, to nothing, or to something that is no regular file.
    pub fn remove(&self, path: &str) -> Result<(), WorkspaceError> {
        let parts = components(path)?;
        let (name, parents) = split_name(path, &parts)?;
        let parent = self.directory(path, parents, false)?;
        let file =
            open_at(&parent, name, libc::O_RDONLY).map_err(|cause| refused(path, parents, name, cause))?;
        self.regular(path, &file)?;
        let io_error = |cause| WorkspaceError::Io { path: path.to_owned(), cause };
        let name = c_name(name).map_err(io_error)?;
        // SAFETY: the name is NUL-terminated and lives through the call; the descriptor is open.
        match unsafe { libc::unlinkat(parent.as_raw_fd(), name.as_ptr(), 0) } {
            0 => Ok(()),
            _ => Err(io_error(io::Error::last_os_error())),
        }
    }

    /// Makes the directory at `path` and those on the way, where they are not there yet.
    ///
    /// # Errors
    /// The path leads outside or through something that is no directory.
    pub fn make_directory(&self, path: &str) -> Result<(), WorkspaceError> {
        let parts = components(path)?;
        self.directory(path, &parts, true).map(|_| ())
    }

    /// The entries of the directory at `path`, by name.
    ///
    /// # Errors
    /// The path leads outside or to no directory.
    pub fn list(&self, path: &str) -> Result<Vec<Entry>, WorkspaceError> {
        let parts = components(path)?;
        let directory = self.directory(path, &parts, false)?;
        walk::entries(&directory).map_err(|cause| WorkspaceError::Io { path: path.to_owned(), cause })
    }

    /// Everything below the directory at `path`, in the order of paths.
    ///
    /// # Errors
    /// The path leads outside or to no directory.
    pub fn walk(&self, path: &str) -> Result<Walk, WorkspaceError> {
        let parts = components(path)?;
        let directory = self.directory(path, &parts, false)?;
        Ok(walk::walk(&directory, &parts.join("/"), self.limits.max_entries))
    }

    fn directory(&self, path: &str, parts: &[&str], make: bool) -> Result<OwnedFd, WorkspaceError> {
        let io_error = |cause| WorkspaceError::Io { path: path.to_owned(), cause };
        let mut here = self.root.try_clone().map_err(io_error)?;
        for (depth, part) in parts.iter().enumerate() {
            here = match open_at(&here, part, libc::O_RDONLY | libc::O_DIRECTORY) {
                Ok(next) => next.into(),
                Err(cause) if make && cause.kind() == io::ErrorKind::NotFound => {
                    make_dir_at(&here, part).map_err(io_error)?;
                    let made = open_at(&here, part, libc::O_RDONLY | libc::O_DIRECTORY);
                    made.map_err(|cause| refused(path, &parts[..depth], part, cause))?.into()
                }
                Err(cause) => return Err(self.refused_directory(path, &here, &parts[..depth], part, cause)),
            };
        }
        Ok(here)
    }

    /// `O_DIRECTORY` answers ENOTDIR for links and files alike; this tells them apart.
    fn refused_directory(
        &self,
        path: &str,
        parent: &OwnedFd,
        parents: &[&str],
        name: &str,
        cause: io::Error,
    ) -> WorkspaceError {
        if cause.raw_os_error() != Some(libc::ENOTDIR) {
            return refused(path, parents, name, cause);
        }
        match open_at(parent, name, libc::O_RDONLY) {
            Err(cause) if cause.raw_os_error() == Some(libc::ELOOP) => refused(path, parents, name, cause),
            _ => WorkspaceError::Kind {
                path: parents.iter().chain([&name]).copied().collect::<Vec<_>>().join("/"),
                found: "a file",
                wanted: "a directory",
            },
        }
    }

    fn read_open(&self, path: &str, file: File) -> Result<Vec<u8>, WorkspaceError> {
        let io_error = |cause| WorkspaceError::Io { path: path.to_owned(), cause };
        let size_bytes = self.regular(path, &file)?;
        if size_bytes > self.limits.max_file_bytes {
            return Err(self.too_large(path, size_bytes));
        }
        let mut bytes = Vec::with_capacity(size_bytes as usize);
        // The file may grow while it is read.
        file.take(self.limits.max_file_bytes + 1).read_to_end(&mut bytes).map_err(io_error)?;
        if bytes.len() as u64 > self.limits.max_file_bytes {
            return Err(self.too_large(path, bytes.len() as u64));
        }
        Ok(bytes)
    }

    /// The size of `file`, if it is a regular one.
    fn regular(&self, path: &str, file: &File) -> Result<u64, WorkspaceError> {
        use std::os::unix::fs::FileTypeExt;
        let meta = file.metadata().map_err(|cause| WorkspaceError::Io { path: path.to_owned(), cause })?;
        let kind = meta.file_type();
        let found = match () {
            () if kind.is_file() => return Ok(meta.len()),
            () if kind.is_dir() => "a directory",
            () if kind.is_fifo() => "a pipe",
            () if kind.is_socket() => "a socket",
            () => "a device",
        };
        Err(WorkspaceError::Kind { path: path.to_owned(), found, wanted: "a regular file" })
    }

    fn too_large(&self, path: &str, size_bytes: u64) -> WorkspaceError {
        let limit_bytes = self.limits.max_file_bytes;
        WorkspaceError::TooLarge { path: path.to_owned(), size_bytes, limit_bytes }
    }
}

/// The parts of a path inside the workspace; none for the workspace itself.
fn components(path: &str) -> Result<Vec<&str>, WorkspaceError> {
    let shown = || path[..path.floor_char_boundary(200)].to_owned();
    if path.len() > MAX_PATH_BYTES {
        return Err(WorkspaceError::Malformed { path: shown(), cause: "it is longer than 4096 bytes" });
    }
    if path.contains('\0') {
        return Err(WorkspaceError::Malformed {
            path: shown().replace('\0', "\\0"),
            cause: "it contains a NUL",
        });
    }
    if path.starts_with('/') {
        return Err(WorkspaceError::Absolute { path: shown() });
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(WorkspaceError::Escape { path: shown() }),
            _ if part.len() > 255 => {
                return Err(WorkspaceError::Malformed {
                    path: shown(),
                    cause: "one of its names is longer than 255 bytes",
                });
            }
            _ => parts.push(part),
        }
    }
    Ok(parts)
}

fn split_name<'a, 'b>(path: &str, parts: &'b [&'a str]) -> Result<(&'a str, &'b [&'a str]), WorkspaceError> {
    match parts.split_last() {
        Some((name, parents)) if !path.ends_with('/') => Ok((name, parents)),
        _ => Err(WorkspaceError::Kind {
            path: path.to_owned(),
            found: "a directory",
            wanted: "a regular file",
        }),
    }
}

fn refused(path: &str, parents: &[&str], name: &str, cause: io::Error) -> WorkspaceError {
    let path = path.to_owned();
    match cause.raw_os_error() {
        Some(libc::ENOENT) => WorkspaceError::NotFound { path },
        Some(libc::ELOOP) => {
            let link = parents.iter().chain([&name]).copied().collect::<Vec<_>>().join("/");
            WorkspaceError::Link { path, link }
        }
        // Opening a socket, or a pipe for writing without a reader.
        Some(libc::ENXIO) => {
            WorkspaceError::Kind { path, found: "a socket or a pipe", wanted: "a regular file" }
        }
        _ => WorkspaceError::Io { path, cause },
    }
}

fn c_name(name: &str) -> io::Result<CString> {
    CString::new(OsStr::new(name).as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Opens one component below `parent`: never follows a link, never waits for a pipe's other end.
fn open_at(parent: &impl AsRawFd, name: &str, flags: libc::c_int) -> io::Result<File> {
    let name = c_name(name)?;
    let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC | libc::O_NOCTTY;
    // SAFETY: `name` is NUL-terminated and lives through the call; the descriptor is open.
    let fd = unsafe { libc::openat(parent.as_raw_fd(), name.as_ptr(), flags, 0o644) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: `fd` was just opened and belongs to nobody else.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn make_dir_at(parent: &OwnedFd, name: &str) -> io::Result<()> {
    let name = c_name(name)?;
    // SAFETY: `name` is NUL-terminated and lives through the call; the descriptor is open.
    if unsafe { libc::mkdirat(parent.as_raw_fd(), name.as_ptr(), 0o755) } == 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        cause if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        cause => Err(cause),
    }
}

/// Puts `bytes` under `name` by way of a temporary file, so that a reader sees old or new.
fn replace_at(parent: &OwnedFd, name: &str, bytes: &[u8], unique: u64) -> io::Result<()> {
    let temp = format!(".nex-{}-{unique}.tmp", std::process::id());
    let mut file = open_at(parent, &temp, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL)?;
    let (from, to) = (c_name(&temp)?, c_name(name)?);
    let fd = parent.as_raw_fd();
    let written = file.write_all(bytes).and_then(|()| {
        // SAFETY: both names are NUL-terminated and live through the call; the descriptor is open.
        match unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    });
    if written.is_err() {
        // SAFETY: as above.
        unsafe { libc::unlinkat(fd, from.as_ptr(), 0) };
    }
    written
}

#[cfg(test)]
mod tests;

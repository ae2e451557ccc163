//! The root folder of a command with a mount namespace: what there is, and nothing else.
//!
//! In: the private folder and the folders that may be read. Out: [`MountStep`]s, made before the fork,
//! and [`build_root`], which runs them after it. Invariants: the host's root is detached; all but the
//! working folder and the temporary ones is read-only, without devices and set-user-id.

use super::child::{check, write_all};
use libc::{c_long, c_ulong};
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::RawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One step of building the root folder. Paths are the host's.
pub(super) enum MountStep {
    Folder(CString),
    File(CString, Vec<u8>),
    Link { target: CString, path: CString },
    Bind { source: CString, target: CString, is_read_only: bool, is_device: bool },
    Proc(CString),
}

/// System folders that are shown, read-only. A link is shown as a link.
pub(super) const SYSTEM_FOLDERS: [&str; 6] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"];

/// What programs need of /etc; nothing in it is secret.
pub(super) const SYSTEM_FILES: [&str; 6] = [
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/etc/nsswitch.conf",
];

/// Devices that reach nothing.
pub(super) const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Where the private folders are seen.
pub(super) const WORKING_FOLDER: &str = "/workspace";

/// The steps for a command in the private folder `base` that sees itself as user `user`.
pub(super) fn steps(base: &Path, read_only: &[PathBuf], user: u32) -> io::Result<Vec<MountStep>> {
    let root = base.join("root");
    let inside = |path: &str| c_path(&root.join(path.trim_start_matches('/')));
    let mut steps = Vec::new();
    for folder in ["/etc", "/proc", "/dev", "/tmp", "/dev/shm", WORKING_FOLDER] {
        steps.push(MountStep::Folder(inside(folder)?));
    }
    let system = SYSTEM_FOLDERS.iter().chain(&SYSTEM_FILES).map(Path::new);
    for path in system.chain(read_only.iter().map(PathBuf::as_path)) {
        show(path, &root, &mut steps)?;
    }
    let texts = [
        ("/etc/passwd", format!("agent:x:{user}:{user}:agent:/tmp:/bin/sh\n")),
        ("/etc/group", format!("agent:x:{user}:\n")),
        ("/etc/hosts", "127.0.0.1 localhost\n".to_owned()),
    ];
    for (path, text) in texts {
        steps.push(MountStep::File(inside(path)?, text.into_bytes()));
    }
    for device in DEVICES {
        steps.push(MountStep::File(inside(device)?, Vec::new()));
        let (source, target) = (c_path(Path::new(device))?, inside(device)?);
        steps.push(MountStep::Bind { source, target, is_read_only: false, is_device: true });
    }
    for (path, target) in [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        steps.push(MountStep::Link { target: c_path(Path::new(target))?, path: inside(path)? });
    }
    steps.push(MountStep::Proc(inside("/proc")?));
    for (part, path) in [("tmp", "/tmp"), ("shm", "/dev/shm"), ("work", WORKING_FOLDER)] {
        let (source, target) = (c_path(&base.join(part))?, inside(path)?);
        steps.push(MountStep::Bind { source, target, is_read_only: false, is_device: false });
    }
    Ok(steps)
}

/// Adds the steps that show the host's `path` at the same place.
fn show(path: &Path, root: &Path, steps: &mut Vec<MountStep>) -> io::Result<()> {
    let Ok(meta) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let relative = path.strip_prefix("/").unwrap_or(path);
    let mut parents: Vec<&Path> = relative.ancestors().skip(1).collect();
    parents.pop();
    for parent in parents.into_iter().rev() {
        steps.push(MountStep::Folder(c_path(&root.join(parent))?));
    }
    let target = c_path(&root.join(relative))?;
    if meta.is_symlink() {
        let link = c_path(&std::fs::read_link(path)?)?;
        steps.push(MountStep::Link { target: link, path: target });
        return Ok(());
    }
    steps.push(if meta.is_dir() {
        MountStep::Folder(target.clone())
    } else {
        MountStep::File(target.clone(), Vec::new())
    });
    steps.push(MountStep::Bind { source: c_path(path)?, target, is_read_only: true, is_device: false });
    Ok(())
}

pub(super) fn c_path(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// Runs the steps and makes `root` the root folder of this process.
///
/// # Safety
/// Must run in a mount namespace of its own, between `fork` and `exec`. Allocates nothing.
pub(super) unsafe fn build_root(root: &CStr, steps: &[MountStep]) -> io::Result<()> {
    // SAFETY: all pointers are to strings with a NUL that live through the calls.
    unsafe {
        libc::umask(0o022);
        // Nothing that is mounted here may show on the host.
        mount(None, c"/", None, libc::MS_REC | libc::MS_PRIVATE, None)?;
        let flags = libc::MS_NOSUID | libc::MS_NODEV;
        mount(Some(c"tmpfs"), root, Some(c"tmpfs"), flags, Some(c"size=1m,nr_inodes=2k,mode=755"))?;
        for step in steps {
            run(step)?;
        }
        check(c_long::from(libc::chdir(root.as_ptr())))?;
        check(libc::syscall(libc::SYS_pivot_root, c".".as_ptr(), c".".as_ptr()))?;
        // The old root now lies over the new one.
        check(c_long::from(libc::umount2(c".".as_ptr(), libc::MNT_DETACH)))?;
        let again = libc::MS_REMOUNT | libc::MS_BIND | libc::MS_RDONLY | flags;
        mount(None, c"/", None, again, None)?;
        check(c_long::from(libc::chdir(c"/".as_ptr())))?;
        libc::umask(0o022);
    }
    Ok(())
}

unsafe fn run(step: &MountStep) -> io::Result<()> {
    // SAFETY: as in `build_root`.
    unsafe {
        match step {
            MountStep::Folder(path) => exists_or(libc::mkdir(path.as_ptr(), 0o755)),
            MountStep::File(path, bytes) => {
                let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_CLOEXEC;
                let file = check(c_long::from(libc::open(path.as_ptr(), flags, 0o644)))? as RawFd;
                let written = if bytes.is_empty() { Ok(()) } else { write_all(file, bytes) };
                libc::close(file);
                written
            }
            MountStep::Link { target, path } => exists_or(libc::symlink(target.as_ptr(), path.as_ptr())),
            MountStep::Bind { source, target, is_read_only, is_device } => {
                mount(Some(source), target, None, libc::MS_BIND | libc::MS_REC, None)?;
                if *is_device {
                    return Ok(());
                }
                restrict(target, *is_read_only)
            }
            MountStep::Proc(path) => {
                let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
                // Refused where the host hides parts of its own /proc; then the folder stays empty.
                let _ = mount(Some(c"proc"), path, Some(c"proc"), flags, Some(c"hidepid=2,subset=pid"));
                Ok(())
            }
        }
    }
}

/// Takes devices and set-user-id, and writing if so wished, from everything mounted at `path`.
unsafe fn restrict(path: &CStr, is_read_only: bool) -> io::Result<()> {
    let mut attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    if is_read_only {
        attributes.attr_set |= libc::MOUNT_ATTR_RDONLY;
    }
    let size = size_of::<libc::mount_attr>();
    // SAFETY: the structure lives through the call and its size is given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            &attributes,
            size,
        )
    })
    .map(drop)
}

unsafe fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: c_ulong,
    options: Option<&CStr>,
) -> io::Result<()> {
    let pointer = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: null or strings with a NUL that live through the call.
    let answer = unsafe {
        libc::mount(pointer(source), target.as_ptr(), pointer(kind), flags, pointer(options).cast())
    };
    check(c_long::from(answer)).map(drop)
}

fn exists_or(answer: libc::c_int) -> io::Result<()> {
    match check(c_long::from(answer)) {
        Err(cause) if cause.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        other => other.map(drop),
    }
}

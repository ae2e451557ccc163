//! [`Cgroup`]: a bound on the memory and the number of all processes of a command together.
//!
//! In: limits. Out: a group below our own in each of the controllers `memory` and `pids`, version 1 or
//! 2, that may be written to; none where it may not. Invariant: the groups are removed when dropped.

use super::SandboxLimits;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The controllers that are used: name, file of the limit in version 1 and in version 2.
const CONTROLLERS: [(&str, &str, &str); 2] =
    [("memory", "memory.limit_in_bytes", "memory.max"), ("pids", "pids.max", "pids.max")];

/// Groups of one command.
#[derive(Default)]
pub(super) struct Cgroup {
    folders: Vec<PathBuf>,
    /// Controllers that are on.
    pub(super) controllers: BTreeSet<String>,
    /// `cgroup.procs` of each group, open for writing.
    pub(super) entrances: Vec<File>,
}

impl Cgroup {
    /// Makes what can be made.
    pub(super) fn new(limits: &SandboxLimits) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let name = format!("nex-sandbox-{}-{}", std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        let mut cgroup = Self { folders: Vec::new(), controllers: BTreeSet::new(), entrances: Vec::new() };
        let ours = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        for (controller, limit_v1, limit_v2) in CONTROLLERS {
            let limit = if controller == "memory" { limits.max_memory_bytes } else { limits.max_processes };
            for (parent, is_v1) in parents(&ours, controller) {
                let folder = parent.join(&name);
                if cgroup.join_folder(&folder, if is_v1 { limit_v1 } else { limit_v2 }, limit).is_ok() {
                    cgroup.controllers.insert(controller.to_owned());
                    break;
                }
            }
        }
        cgroup
    }

    fn join_folder(&mut self, folder: &Path, limit_file: &str, limit: u64) -> io::Result<()> {
        let is_new = !self.folders.iter().any(|known| known == folder);
        if is_new {
            fs::create_dir(folder)?;
        }
        let prepared = (|| {
            fs::write(folder.join(limit_file), limit.to_string())?;
            OpenOptions::new().write(true).open(folder.join("cgroup.procs"))
        })();
        match prepared {
            Ok(entrance) if is_new => {
                // Swap would let the memory limit be passed; not every kernel counts it.
                let _ = fs::write(folder.join("memory.memsw.limit_in_bytes"), limit.to_string());
                let _ = fs::write(folder.join("memory.swap.max"), "0");
                self.entrances.push(entrance);
                self.folders.push(folder.to_owned());
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(cause) => {
                if is_new {
                    let _ = fs::remove_dir(folder);
                }
                Err(cause)
            }
        }
    }

    /// Whether the kernel killed a process of the group for want of memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        let files = self.folders.iter().flat_map(|folder| {
            ["memory.oom_control", "memory.events"].map(|file| fs::read_to_string(folder.join(file)))
        });
        let texts: Vec<String> = files.flatten().collect();
        let lines = texts.iter().flat_map(|text| text.lines());
        lines.filter_map(|line| line.strip_prefix("oom_kill ")).any(|count| count.trim() != "0")
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        self.entrances.clear();
        for folder in &self.folders {
            // The last process may still be on its way out of the group.
            for _ in 0..50 {
                match fs::remove_dir(folder) {
                    Err(cause) if cause.raw_os_error() == Some(libc::EBUSY) => {
                        std::thread::sleep(std::time::Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}

/// Where a group for `controller` may be made, by `/proc/self/cgroup`; true for version 1.
fn parents(ours: &str, controller: &str) -> Vec<(PathBuf, bool)> {
    let mut found = Vec::new();
    for line in ours.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(names), Some(path)) = (fields.next(), fields.next()) else { continue };
        let path = path.trim_start_matches('/');
        if names.split(',').any(|name| name == controller) {
            found.push((Path::new("/sys/fs/cgroup").join(controller).join(path), true));
        } else if names.is_empty() {
            found.push((Path::new("/sys/fs/cgroup").join(path), false));
        }
    }
    found
}

//! What a sandbox reached and what it therefore promises, as data.
//!
//! In: the parts that are on. Out: [`Guarantee`]s, by a pure function, and whether a
//! [`SandboxPolicy`] is met. Invariant: a guarantee is listed only if a part that is on gives it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// A rung of the ladder, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SandboxLevel {
    /// Namespaces made by root, which is given up before the command starts.
    RootNamespaces,
    /// Namespaces inside a user namespace, made without root.
    UserNamespaces,
    /// No namespaces: Landlock, a seccomp filter and resource limits.
    Landlock,
    /// A seccomp filter and resource limits only; host files stay readable.
    Seccomp,
}

impl SandboxLevel {
    /// Every level, strongest first.
    pub const ALL: [Self; 4] = [Self::RootNamespaces, Self::UserNamespaces, Self::Landlock, Self::Seccomp];

    /// Whether the command has its own mount, process, network, IPC and host-name namespaces.
    pub fn has_namespaces(self) -> bool {
        matches!(self, Self::RootNamespaces | Self::UserNamespaces)
    }
}

/// Something that a sandbox promises about the command in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// No socket to anything outside, by any protocol.
    NoNetwork,
    /// Nothing outside the workspace is read or written, but system folders are read.
    NoHostFiles,
    /// Only the variables that were handed over are seen, by any way.
    NoHostEnvironment,
    /// No process outside can be signalled, traced or read.
    NoHostProcesses,
    /// Processes outside are not even visible.
    PidIsolation,
    /// CPU time, address space, processes, open files and file sizes are bounded for each process.
    ResourceLimits,
    /// The memory of all processes of the command together is bounded.
    TotalMemory,
    /// Set-user-id programs and capabilities give nothing.
    NoPrivilegeGain,
    /// All that the command started dies with it.
    DescendantsDie,
}

impl Guarantee {
    /// How a machine comes to give it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NoHostFiles | Self::NoHostEnvironment => {
                "allow user namespaces (sysctl user.max_user_namespaces), run as root with CAP_SYS_ADMIN, \
                 or use a kernel from 6.2 on with Landlock (`landlock` in the boot option `lsm=`)"
            }
            Self::NoHostProcesses => {
                "allow user namespaces (sysctl user.max_user_namespaces), run as root with CAP_SYS_ADMIN, \
                 or use a kernel from 6.12 on with Landlock"
            }
            Self::PidIsolation => {
                "allow user namespaces (sysctl user.max_user_namespaces) or run as root with CAP_SYS_ADMIN"
            }
            Self::TotalMemory => "make the memory cgroup of this process writable (systemd: Delegate=yes)",
            Self::NoNetwork | Self::ResourceLimits | Self::NoPrivilegeGain | Self::DescendantsDie => {
                "use a kernel with CONFIG_SECCOMP_FILTER"
            }
        }
    }
}

/// What was reached on this machine, found out by trying. Goes into trajectories as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxReport {
    /// The rung.
    pub level: SandboxLevel,
    /// Version of the kernel's Landlock interface, if it is on.
    pub landlock_abi: Option<u32>,
    /// Whether a seccomp filter is on.
    pub seccomp: bool,
    /// Cgroup controllers that bound the command: `memory`, `pids`.
    pub cgroups: BTreeSet<String>,
    /// Whether root is given up for a user id that nothing else has.
    pub gives_up_root: bool,
    /// What follows from these parts.
    pub guarantees: BTreeSet<Guarantee>,
    /// Stronger levels that were tried, and why each was refused.
    pub refused: Vec<RefusedLevel>,
}

/// A level that this machine refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedLevel {
    /// The level.
    pub level: SandboxLevel,
    /// What went wrong, for people.
    pub cause: String,
}

/// What is asked of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SandboxPolicy {
    /// Without all of these the sandbox does not open.
    pub required: BTreeSet<Guarantee>,
    /// Stronger levels are not tried. For comparing levels; leave it out in use.
    pub at_most: Option<SandboxLevel>,
    /// Folders outside the system's that may be read and run, such as a toolchain.
    pub read_only: Vec<PathBuf>,
}

impl Default for SandboxPolicy {
    fn default() -> Self {
        let required = [
            Guarantee::NoNetwork,
            Guarantee::NoHostFiles,
            Guarantee::NoHostEnvironment,
            Guarantee::NoHostProcesses,
            Guarantee::ResourceLimits,
            Guarantee::NoPrivilegeGain,
            Guarantee::DescendantsDie,
        ];
        Self { required: required.into(), at_most: None, read_only: Vec::new() }
    }
}

/// What follows from the parts that are on.
pub(super) fn guarantees(
    level: SandboxLevel,
    landlock_abi: Option<u32>,
    cgroups: &BTreeSet<String>,
) -> BTreeSet<Guarantee> {
    let namespaces = level.has_namespaces();
    let landlock = landlock_abi.unwrap_or(0);
    let mut held = BTreeSet::from([
        Guarantee::NoNetwork,
        Guarantee::ResourceLimits,
        Guarantee::NoPrivilegeGain,
        Guarantee::DescendantsDie,
    ]);
    // Before version 3 Landlock lets files outside be truncated.
    if namespaces || landlock >= 3 {
        held.extend([Guarantee::NoHostFiles, Guarantee::NoHostEnvironment]);
    }
    // Before version 6 Landlock does not bound signals.
    if namespaces || landlock >= 6 {
        held.insert(Guarantee::NoHostProcesses);
    }
    if namespaces {
        held.insert(Guarantee::PidIsolation);
    }
    if cgroups.contains("memory") {
        held.insert(Guarantee::TotalMemory);
    }
    held
}

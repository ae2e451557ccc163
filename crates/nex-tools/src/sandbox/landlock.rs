//! The Landlock ruleset: which files a command may touch, whatever its namespaces.
//!
//! In: folders to write in, folders and files to read, devices. Out: a ruleset's descriptor, which the
//! child adds its own root to and enters. What is not named is refused; so are TCP, abstract Unix
//! sockets and signals that lead outside, as far as the kernel's version goes.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, Scope,
};
use std::os::fd::OwnedFd;
use std::path::Path;

/// The newest interface that is asked for; older kernels give what they have.
const NEWEST: ABI = ABI::V7;

/// The version of the kernel's interface, if there is one.
pub(super) fn abi() -> Option<u32> {
    const VERSION: u32 = 1;
    // SAFETY: with this flag the call reads no memory and only answers a number.
    let version = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<libc::c_void>(), 0, VERSION)
    };
    u32::try_from(version).ok().filter(|version| *version > 0)
}

/// What the ruleset names.
pub(super) struct Allowed<'a> {
    pub(super) writable: &'a [&'a Path],
    pub(super) readable: &'a [&'a Path],
    pub(super) devices: &'a [&'a Path],
}

/// The ruleset; `None` if the kernel has no Landlock. Paths that are not there are left out.
pub(super) fn ruleset(allowed: &Allowed) -> Result<Option<OwnedFd>, RulesetError> {
    let all = AccessFs::from_all(NEWEST);
    let mut created = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(all)?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let devices = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
    // A device in a folder that may be written is of no use to anyone honest.
    let writable = all & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    for (paths, access) in [
        (allowed.writable, writable),
        (allowed.readable, AccessFs::from_read(NEWEST)),
        (allowed.devices, devices),
    ] {
        for path in paths {
            created = with(created, path, access)?;
        }
    }
    Ok(created.into())
}

fn with(
    created: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    let Ok(parent) = PathFd::new(path) else { return Ok(created) };
    let access = if path.is_dir() { access } else { access & AccessFs::from_file(NEWEST) };
    created.add_rule(PathBeneath::new(parent, access))
}

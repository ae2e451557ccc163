//! The levels that this machine reaches, for the tests of the sandbox.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::print_stderr, reason = "which levels were tested is worth knowing")]

use nex_tools::sandbox::{
    LinuxSandbox, Sandbox, SandboxCommand, SandboxFolder, SandboxLevel, SandboxLimits, SandboxOutcome,
    SandboxPolicy,
};

/// A sandbox at each level that can be reached here; never none.
pub(crate) async fn reachable() -> Vec<LinuxSandbox> {
    let mut found = Vec::new();
    for level in SandboxLevel::ALL {
        let policy = SandboxPolicy { required: [].into(), at_most: Some(level), ..SandboxPolicy::default() };
        match LinuxSandbox::open(policy).await {
            Ok(sandbox) if sandbox.report().level == level => found.push(sandbox),
            Ok(sandbox) => eprintln!("{level:?} is not reached here: {:?}", sandbox.report().refused),
            Err(cause) => panic!("{level:?}: {cause}"),
        }
    }
    assert!(!found.is_empty());
    found
}

pub(crate) fn empty(sandbox: &LinuxSandbox) -> SandboxFolder {
    sandbox.folder(None, &SandboxLimits::default()).unwrap()
}

pub(crate) async fn run(
    sandbox: &LinuxSandbox,
    folder: &SandboxFolder,
    command: &SandboxCommand,
) -> SandboxOutcome {
    sandbox.run(folder, command).await.unwrap_or_else(|cause| {
        panic!("{:?}: {:?}: {cause}", sandbox.report().level, command.args);
    })
}

pub(crate) const PYTHON: &str = "/usr/bin/python3";

pub(crate) fn has_python() -> bool {
    std::path::Path::new(PYTHON).exists()
}

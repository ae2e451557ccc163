//! What the tests of this crate share.
#![allow(clippy::print_stderr, reason = "what was not tested is worth knowing")]

use crate::workbench::Workbench;
use nex_tools::{LinuxSandbox, SandboxPolicy};

/// The usual policy, or, on a machine that cannot give it, whatever the machine can.
pub(crate) async fn policy() -> SandboxPolicy {
    match LinuxSandbox::open(SandboxPolicy::default()).await {
        Ok(_) => SandboxPolicy::default(),
        Err(cause) => {
            eprintln!("tests run in a weaker sandbox: {cause}");
            SandboxPolicy { required: [].into(), ..SandboxPolicy::default() }
        }
    }
}

/// Whether the tests that need Python in the sandbox are not wanted (`NEX_SKIP_PEERS=1`). Where they are
/// wanted and there is no Python, they fail.
pub(crate) async fn skip_without_python() -> bool {
    match Workbench::new(policy().await).mutations("x = 1\n").await {
        Ok(_) => false,
        Err(crate::CodeError::Python { cause }) if is_skipping() => {
            eprintln!("not tested: {cause}");
            true
        }
        Err(crate::CodeError::Python { cause }) => {
            panic!("{cause}; install python3, or set NEX_SKIP_PEERS=1 to skip the tests that need it")
        }
        Err(cause) => panic!("{cause}"),
    }
}

fn is_skipping() -> bool {
    std::env::var("NEX_SKIP_PEERS").is_ok_and(|skip| skip == "1")
}

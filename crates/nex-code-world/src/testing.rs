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

/// Whether this machine has no Python for the sandbox, which is then said.
pub(crate) async fn skip_without_python() -> bool {
    match Workbench::new(policy().await).mutations("x = 1\n").await {
        Ok(_) => false,
        Err(crate::CodeError::Python { cause }) => {
            eprintln!("not tested: {cause}");
            true
        }
        Err(cause) => panic!("{cause}"),
    }
}

//! [`SandboxError`]: why a command could not be run in a sandbox.

use super::report::{Guarantee, RefusedLevel};
use std::io;
use std::path::PathBuf;

/// A failure of the surroundings. What the command itself does is never one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's text says it all")]
pub enum SandboxError {
    #[error("no sandbox can be had on this machine: {}", refusals(.refused))]
    Unavailable { refused: Vec<RefusedLevel> },
    #[error("the sandbox does not give what the policy requires: {}{}", missing_text(.missing), refusals_after(.refused))]
    GuaranteeMissing { missing: Vec<Guarantee>, refused: Vec<RefusedLevel> },
    #[error(
        "`{program}` could not be started in the sandbox: {cause}; give the path of a program under /usr or in the workspace"
    )]
    Start { program: String, cause: io::Error },
    #[error("the sandbox could not be set up: {stage}: {cause}")]
    Setup { stage: &'static str, cause: io::Error },
    #[error(
        "the sandbox ended without telling how the command ended; its supervisor was killed from outside"
    )]
    NoReport,
    #[error("{}: {cause}", .path.display())]
    Folder { path: PathBuf, cause: io::Error },
    #[error("{} holds more than {limit} {what}, the most that is copied into a sandbox; raise the limit or copy less", .path.display())]
    FolderTooLarge { path: PathBuf, limit: u64, what: &'static str },
}

fn missing_text(missing: &[Guarantee]) -> String {
    let each = missing.iter().map(|one| format!("{one:?} (to get it: {})", one.remedy()));
    each.collect::<Vec<_>>().join("; ")
}

fn refusals(refused: &[RefusedLevel]) -> String {
    let each = refused.iter().map(|one| format!("{:?}: {}", one.level, one.cause));
    each.collect::<Vec<_>>().join("; ")
}

fn refusals_after(refused: &[RefusedLevel]) -> String {
    match refused {
        [] => String::new(),
        _ => format!(". Refused here: {}", refusals(refused)),
    }
}

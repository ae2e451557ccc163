//! [`LinuxSandbox`]: the ladder of levels, tried from the top.

use super::launch::{self, Walls};
use super::report::guarantees;
use super::{
    CommandExit, Guarantee, RefusedLevel, Sandbox, SandboxCommand, SandboxError, SandboxFolder, SandboxLevel,
    SandboxLimits, SandboxOutcome, SandboxPolicy, SandboxReport, cgroup::Cgroup, ids, landlock,
};
use std::path::Path;

/// A sandbox made of what the Linux kernel offers to this process.
///
/// ```no_run
/// # use nex_tools::sandbox::*;
/// # async fn example() -> Result<(), SandboxError> {
/// let sandbox = LinuxSandbox::open(SandboxPolicy::default()).await?;
/// let folder = sandbox.folder(Some("project".as_ref()), &SandboxLimits::default())?;
/// let outcome = sandbox.run(&folder, &SandboxCommand::shell("make test")).await?;
/// println!("{:?} at {:?}", outcome.exit, sandbox.report().level);
/// println!("{:?}", folder.changes()?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LinuxSandbox {
    walls: Walls,
    report: SandboxReport,
}

/// What a probe's command exits with, so that nothing else is taken for it.
const PROBE_CODE: i32 = 47;

impl LinuxSandbox {
    /// Tries the levels from the strongest and keeps the first at which a command runs. Takes some
    /// tens of milliseconds; do it once.
    ///
    /// # Errors
    /// No level works, or the one reached lacks what `policy` requires.
    pub async fn open(policy: SandboxPolicy) -> Result<Self, SandboxError> {
        let mut refused = Vec::new();
        for level in SandboxLevel::ALL {
            if policy.at_most.is_some_and(|strongest| level < strongest) {
                continue;
            }
            let walls = Walls { level, read_only: policy.read_only.clone() };
            match probe(&walls).await {
                Ok(gives_up_root) => {
                    let report = report(level, gives_up_root, refused);
                    let missing: Vec<Guarantee> =
                        policy.required.difference(&report.guarantees).copied().collect();
                    if !missing.is_empty() {
                        return Err(SandboxError::GuaranteeMissing { missing, refused: report.refused });
                    }
                    return Ok(Self { walls, report });
                }
                Err(cause) => refused.push(RefusedLevel { level, cause }),
            }
        }
        Err(SandboxError::Unavailable { refused })
    }

    /// A private copy of `source`, or an empty folder, for commands of this sandbox.
    ///
    /// # Errors
    /// As of [`SandboxFolder::new`].
    pub fn folder(
        &self,
        source: Option<&Path>,
        limits: &SandboxLimits,
    ) -> Result<SandboxFolder, SandboxError> {
        SandboxFolder::new(source, limits)
    }
}

#[async_trait::async_trait]
impl Sandbox for LinuxSandbox {
    fn report(&self) -> &SandboxReport {
        &self.report
    }

    async fn run(
        &self,
        folder: &SandboxFolder,
        command: &SandboxCommand,
    ) -> Result<SandboxOutcome, SandboxError> {
        launch::run(&self.walls, folder, command).await
    }
}

/// Runs a command that must answer; gives whether root was given up for it.
async fn probe(walls: &Walls) -> Result<bool, String> {
    let limits = SandboxLimits { wall_time_ms: 10_000, ..SandboxLimits::default() };
    let folder = SandboxFolder::new(None, &limits).map_err(|cause| cause.to_string())?;
    match walls.level {
        SandboxLevel::RootNamespaces if !ids::is_root() => return Err("this process is not root".to_owned()),
        SandboxLevel::RootNamespaces if folder.owner.is_none() => {
            return Err("this root has no other user id to become".to_owned());
        }
        SandboxLevel::Landlock if landlock::abi().is_none() => {
            return Err("the kernel has no Landlock, or it is not enabled".to_owned());
        }
        _ => {}
    }
    let script = format!(
        "echo reached > here && read -r line < here && test \"$line\" = reached && exit {PROBE_CODE}"
    );
    let command = SandboxCommand { limits, ..SandboxCommand::shell(script) };
    let outcome = launch::run(walls, &folder, &command).await.map_err(|cause| cause.to_string())?;
    match outcome.exit {
        Some(CommandExit::Code(PROBE_CODE)) => Ok(folder.owner.is_some()),
        other => Err(format!("a trial command ended with {other:?}: {}", outcome.stderr.text.trim())),
    }
}

fn report(level: SandboxLevel, gives_up_root: bool, refused: Vec<RefusedLevel>) -> SandboxReport {
    let landlock_abi = if level == SandboxLevel::Seccomp { None } else { landlock::abi() };
    let cgroups = Cgroup::new(&SandboxLimits::default()).controllers.clone();
    let guarantees = guarantees(level, landlock_abi, &cgroups);
    SandboxReport { level, landlock_abi, seccomp: true, cgroups, gives_up_root, guarantees, refused }
}

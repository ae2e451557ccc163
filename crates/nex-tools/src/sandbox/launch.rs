//! Starting one command at one level, and seeing it through to its end.
//!
//! In: a [`Launch`]. Out: an outcome. Invariant: on every path, also when the future is dropped, the
//! supervisor is told to end the command and is reaped.

use super::cgroup::Cgroup;
use super::child::ChildPlan;
use super::output::read_bounded;
use super::setup_report::Report;
use super::supervisor::{KILL_GRACE, Supervisor, spawn_on_own_thread};
use super::{
    CommandExit, LimitReached, SandboxCommand, SandboxError, SandboxFolder, SandboxLevel, SandboxLimits,
    SandboxOutcome, ids, landlock, mounts, seccomp,
};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// How often the size of the folder is looked at.
const DISK_LOOK: Duration = Duration::from_millis(200);
/// How often the amount of output is looked at.
const OUTPUT_LOOK: Duration = Duration::from_millis(20);

/// What all commands of a sandbox have in common.
#[derive(Clone, Debug)]
pub(super) struct Walls {
    pub(super) level: SandboxLevel,
    pub(super) read_only: Vec<PathBuf>,
}

/// A started command.
struct Running {
    supervisor: Supervisor,
    stdin: ChildStdin,
    stdout: ChildStdout,
    stderr: ChildStderr,
    report: tokio::net::unix::pipe::Receiver,
}

/// Runs `command` in `folder`.
pub(super) async fn run(
    walls: &Walls,
    folder: &SandboxFolder,
    command: &SandboxCommand,
) -> Result<SandboxOutcome, SandboxError> {
    let started = Instant::now();
    let Running { supervisor, mut stdin, stdout, stderr, mut report } = start(walls, folder, command).await?;
    let limits = &command.limits;
    let (out_bytes, err_bytes) = (AtomicU64::new(0), AtomicU64::new(0));
    let feed = async {
        // A command need not read its input.
        let _ = stdin.write_all(&command.stdin).await;
        drop(stdin);
    };
    let mut record = Vec::new();
    let stop = async {
        let deadline = started + Duration::from_millis(limits.wall_time_ms);
        let reached = tokio::select! {
            _ = report.read_to_end(&mut record) => return None,
            () = tokio::time::sleep_until(deadline.into()) => LimitReached::WallTime,
            () = output_exceeded([&out_bytes, &err_bytes], limits) => LimitReached::Output,
            () = disk_exceeded(folder.base(), limits) => LimitReached::Disk,
        };
        supervisor.end();
        let _ = tokio::time::timeout(KILL_GRACE, report.read_to_end(&mut record)).await;
        Some(reached)
    };
    let outputs = async {
        tokio::join!(
            read_bounded(stdout, limits.max_output_bytes, &out_bytes),
            read_bounded(stderr, limits.max_output_bytes, &err_bytes),
            feed,
        )
    };
    tokio::pin!(outputs);
    let rest = async {
        let reached = stop.await;
        supervisor.wait().await;
        reached
    };
    let mut rest = Box::pin(rest);
    // Everything is dead once the supervisor is, so outputs and input end with it.
    let (reached, outputs) = tokio::select! {
        reached = &mut rest => (reached, tokio::time::timeout(KILL_GRACE, outputs).await),
        both = &mut outputs => (rest.as_mut().await, Ok(both)),
    };
    drop(rest);
    let (stdout, stderr, ()) = outputs.map_err(|_| SandboxError::NoReport)?;
    let report = Report::parse(&record);
    if let Some(Report::Failed { stage, errno }) = report {
        return Err(SandboxError::Setup { stage, cause: io::Error::from_raw_os_error(errno) });
    }
    let mut outcome = SandboxOutcome {
        exit: None,
        stopped_by: reached,
        stdout,
        stderr,
        wall_time_ms: started.elapsed().as_millis() as u64,
        cpu_time_ms: 0,
        max_rss_bytes: 0,
    };
    match report {
        Some(Report::Ended { wait_status, cpu_micros, max_rss_bytes }) => {
            outcome.cpu_time_ms = cpu_micros / 1000;
            outcome.max_rss_bytes = max_rss_bytes;
            // A limit that ended everything says more than the signal it was done by.
            if reached.is_none() {
                outcome.exit = Some(exit_of(wait_status));
            }
        }
        _ if reached.is_none() => return Err(SandboxError::NoReport),
        _ => {}
    }
    if outcome.stopped_by.is_none() {
        outcome.stopped_by = limit_behind(&outcome, limits, &supervisor.cgroup);
    }
    Ok(outcome)
}

fn exit_of(wait_status: i32) -> CommandExit {
    if libc::WIFEXITED(wait_status) {
        CommandExit::Code(libc::WEXITSTATUS(wait_status))
    } else {
        CommandExit::Signal(libc::WTERMSIG(wait_status))
    }
}

/// The limit of the kernel's that a command ran into, as far as its end tells.
fn limit_behind(outcome: &SandboxOutcome, limits: &SandboxLimits, cgroup: &Cgroup) -> Option<LimitReached> {
    // A shell ends with 128 plus the signal that ended its child.
    let signal = match outcome.exit? {
        CommandExit::Signal(signal) => signal,
        CommandExit::Code(code) => code - 128,
    };
    match signal {
        libc::SIGXCPU => Some(LimitReached::CpuTime),
        libc::SIGXFSZ => Some(LimitReached::FileSize),
        libc::SIGKILL if cgroup.ran_out_of_memory() => Some(LimitReached::Memory),
        libc::SIGKILL if outcome.cpu_time_ms >= limits.cpu_seconds * 1000 => Some(LimitReached::CpuTime),
        _ => None,
    }
}

async fn output_exceeded(written: [&AtomicU64; 2], limits: &SandboxLimits) {
    while written.iter().all(|bytes| bytes.load(Ordering::Relaxed) <= limits.max_written_output_bytes) {
        tokio::time::sleep(OUTPUT_LOOK).await;
    }
}

async fn disk_exceeded(base: &Path, limits: &SandboxLimits) {
    loop {
        tokio::time::sleep(DISK_LOOK).await;
        let (base, enough) = (base.to_owned(), limits.max_disk_bytes);
        let used = tokio::task::spawn_blocking(move || SandboxFolder::used_bytes(&base, enough)).await;
        if used.is_ok_and(|used| used > enough) {
            return;
        }
    }
}

async fn start(
    walls: &Walls,
    folder: &SandboxFolder,
    command: &SandboxCommand,
) -> Result<Running, SandboxError> {
    let at = |stage| move |cause| SandboxError::Setup { stage, cause };
    if let Some(owner) = folder.owner {
        folder.give_to(owner)?;
    }
    let cgroup = Cgroup::new(&command.limits);
    let (receiver, sender) = io::pipe().map_err(at("making a pipe"))?;
    let sender = OwnedFd::from(sender);
    let ruleset = ruleset(walls, folder)?;
    let plan = plan(walls, folder, command, &cgroup, &sender, ruleset.as_ref())?;
    let mut process = process(walls, folder, command);
    // SAFETY: `enter` keeps to what is allowed between fork and exec; the descriptors in the plan
    // belong to `sender`, `ruleset` and `cgroup`, which live until the process is started.
    unsafe { process.pre_exec(move || plan.enter()) };
    let spawned = spawn_on_own_thread(process, cgroup).await;
    drop((sender, ruleset));
    let mut report = tokio::net::unix::pipe::Receiver::from_owned_fd(receiver.into())
        .map_err(at("opening the report pipe"))?;
    let mut supervisor = match spawned {
        Ok(supervisor) => supervisor,
        Err(cause) => {
            let mut record = Vec::new();
            let _ = tokio::time::timeout(KILL_GRACE, report.read_to_end(&mut record)).await;
            return Err(match Report::parse(&record) {
                Some(Report::Failed { stage, .. }) => SandboxError::Setup { stage, cause },
                _ => SandboxError::Start { program: command.program.clone(), cause },
            });
        }
    };
    let pipes = supervisor.pipes().map_err(at("taking the pipes"))?;
    let (stdin, stdout, stderr) = pipes;
    Ok(Running { supervisor, stdin, stdout, stderr, report })
}

fn process(walls: &Walls, folder: &SandboxFolder, command: &SandboxCommand) -> Command {
    let temporary = match walls.level.has_namespaces() {
        true => PathBuf::from("/tmp"),
        false => folder.part("tmp"),
    };
    let mut process = Command::new(&command.program);
    process.args(&command.args).env_clear();
    process.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin").env("LANG", "C.UTF-8");
    process.env("HOME", &temporary).env("TMPDIR", &temporary).envs(&command.env);
    process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    process
}

fn ruleset(walls: &Walls, folder: &SandboxFolder) -> Result<Option<OwnedFd>, SandboxError> {
    if walls.level == SandboxLevel::Seccomp {
        return Ok(None);
    }
    let own = ["work", "tmp", "shm"].map(|part| folder.part(part));
    let system = mounts::SYSTEM_FOLDERS.iter().chain(&mounts::SYSTEM_FILES).map(Path::new);
    let readable: Vec<&Path> = system.chain(walls.read_only.iter().map(PathBuf::as_path)).collect();
    let allowed = landlock::Allowed {
        writable: &own.each_ref().map(PathBuf::as_path),
        readable: &readable,
        devices: &mounts::DEVICES.map(Path::new),
    };
    landlock::ruleset(&allowed).map_err(|cause| SandboxError::Setup {
        stage: "making the Landlock ruleset",
        cause: io::Error::other(cause),
    })
}

fn plan(
    walls: &Walls,
    folder: &SandboxFolder,
    command: &SandboxCommand,
    cgroup: &Cgroup,
    report: &OwnedFd,
    ruleset: Option<&OwnedFd>,
) -> Result<ChildPlan, SandboxError> {
    let at = |stage| move |cause| SandboxError::Setup { stage, cause };
    let namespaces = walls.level.has_namespaces();
    let user_namespace = namespaces.then_some(walls.level == SandboxLevel::UserNamespaces);
    let (own_user, own_group) = ids::own_ids();
    let (outer_user, outer_group) = folder.owner.map_or((own_user, own_group), |id| (id, id));
    let inner = if user_namespace == Some(true) { ids::INSIDE } else { outer_user };
    let steps = match namespaces {
        true => mounts::steps(folder.base(), &walls.read_only, inner).map_err(at("planning the mounts"))?,
        false => Vec::new(),
    };
    let working_folder = match namespaces {
        true => PathBuf::from(mounts::WORKING_FOLDER),
        false => folder.path(),
    };
    let allowed = seccomp::Allowed { unix_sockets: namespaces, new_sessions: namespaces };
    let filters = seccomp::programs(allowed).map_err(|cause| SandboxError::Setup {
        stage: "making the seccomp filter",
        cause: io::Error::other(cause),
    })?;
    Ok(ChildPlan {
        user_namespace,
        drop_to: folder.owner,
        uid_map: format!("{inner} {outer_user} 1\n").into_bytes(),
        gid_map: format!("{inner} {outer_group} 1\n").into_bytes(),
        root: mounts::c_path(&folder.part("root")).map_err(at("naming the root folder"))?,
        mounts: steps,
        working_folder: mounts::c_path(&working_folder).map_err(at("naming the working folder"))?,
        ruleset: ruleset.map(AsRawFd::as_raw_fd),
        filters,
        limits: resource_limits(&command.limits, walls.level, cgroup, outer_user),
        cgroups: cgroup.entrances.iter().map(AsRawFd::as_raw_fd).collect(),
        report: report.as_raw_fd(),
        parent: std::process::id() as i32,
    })
}

fn resource_limits(
    limits: &SandboxLimits,
    level: SandboxLevel,
    cgroup: &Cgroup,
    user: u32,
) -> Vec<(u32, u64, u64)> {
    let address_space = match cgroup.controllers.contains("memory") {
        true => limits.max_address_space_bytes,
        false => limits.max_memory_bytes,
    };
    // The kernel counts all tasks of a user, in a user namespace all tasks of it; two are ours.
    let others = if level.has_namespaces() { 2 } else { ids::tasks_of(user) };
    let same = |resource: libc::__rlimit_resource_t, value: u64| (resource, value, value);
    vec![
        same(libc::RLIMIT_CORE, 0),
        // At the soft limit comes a signal that names the limit, a second later the end.
        (libc::RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        same(libc::RLIMIT_AS, address_space),
        same(libc::RLIMIT_NPROC, limits.max_processes + others),
        same(libc::RLIMIT_FSIZE, limits.max_file_bytes),
        same(libc::RLIMIT_NOFILE, limits.max_open_files),
        same(libc::RLIMIT_MEMLOCK, 64 * 1024),
        same(libc::RLIMIT_MSGQUEUE, 0),
    ]
}

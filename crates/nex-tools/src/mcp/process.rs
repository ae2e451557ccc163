//! One server process: spawned into its own group with an empty environment, supervised to its
//! end, and reaped.
//!
//! Orphans are prevented in three layers. (1) A supervisor task closes the input, waits, sends
//! SIGTERM and SIGKILL to the whole group and then kills whatever still carries the server's mark;
//! it holds a guard that does the last part at once if the runtime is torn down. (2) The kernel
//! kills the server when the thread that spawned it ends (`PR_SET_PDEATHSIG`), so that thread is a
//! dedicated one that ends only with the process. (3) The [`super::watchdog`].

use super::spec::{McpServerSpec, McpTransport};
use super::watchdog;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::io::unix::AsyncFd;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The end of stderr that is kept.
const STDERR_KEPT_BYTES: usize = 4096;

/// A running server process. Dropping the last handle ends it.
pub(super) struct ServerProcess {
    stop: CancellationToken,
    kill: CancellationToken,
    exit: watch::Receiver<Option<String>>,
    stderr: Arc<Mutex<VecDeque<u8>>>,
}

/// The pipes to a process.
pub(super) struct Pipes {
    pub(super) stdin: ChildStdin,
    pub(super) stdout: ChildStdout,
}

impl ServerProcess {
    /// Starts the process of `spec`, which must be a stdio one.
    pub(super) async fn spawn(spec: &McpServerSpec) -> io::Result<(Self, Pipes)> {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let mark = watchdog::mark_of(SERIAL.fetch_add(1, Ordering::Relaxed));
        // From here on the guard ends the process on every path.
        let mut guard = spawn_on_own_thread(command(spec, &mark)?, mark).await?;
        let group = guard.group;
        let pipes = (guard.child.stdin.take(), guard.child.stdout.take(), guard.child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        };
        let pipes = Pipes { stdin: ChildStdin::from_std(stdin)?, stdout: ChildStdout::from_std(stdout)? };
        // SAFETY: the descriptor is owned by the `AsyncFd` and closed only with it.
        let pidfd = unsafe { AsyncFd::register(open_pidfd(group)?)? };
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        tokio::spawn(keep_tail(tokio::process::ChildStderr::from_std(stderr)?, Arc::clone(&kept)));
        let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
        let (exit_sender, exit) = watch::channel(None);
        let grace = spec.limits.shutdown_grace();
        tokio::spawn(supervise(guard, pidfd, stop.clone(), kill.clone(), grace, exit_sender));
        Ok((Self { stop, kill, exit, stderr: kept }, pipes))
    }

    /// Asks the process to end: its input is closed by now; SIGTERM and SIGKILL follow.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Kills the whole group now.
    pub(super) fn kill(&self) {
        self.kill.cancel();
    }

    /// Waits until the process has ended and is reaped, with all that it started.
    pub(super) async fn wait(&self) {
        // An error means that the supervisor is gone, and with it the process.
        let _ = self.exit.clone().wait_for(Option::is_some).await;
    }

    /// How it ended, if it has within `limit`, and the end of its stderr.
    pub(super) async fn obituary(&self, limit: Duration) -> String {
        let mut exit = self.exit.clone();
        let _ = tokio::time::timeout(limit, exit.wait_for(Option::is_some)).await;
        let status = self.exit.borrow().clone().unwrap_or_else(|| "it closed its output".to_owned());
        match self.stderr_tail() {
            tail if tail.is_empty() => status,
            tail => format!("{status}; stderr: {tail}"),
        }
    }

    /// The end of its stderr, on one line.
    pub(super) fn stderr_tail(&self) -> String {
        let kept = self.stderr.lock();
        let bytes: Vec<u8> = kept.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(6)..].join(" | ")
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn command(spec: &McpServerSpec, mark: &str) -> io::Result<Command> {
    let McpTransport::Stdio { command: program, args, env, cwd } = &spec.transport else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the spec is no stdio one"));
    };
    let mut command = Command::new(program);
    command.args(args).env_clear();
    for name in ["PATH", "HOME", "LANG"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.envs(env).env(watchdog::MARK, mark);
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let parent = std::process::id() as i32;
    // SAFETY: prctl, getppid and raise-like calls are async-signal-safe; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) != 0 {
                return Err(io::Error::last_os_error());
            }
            // We may have died before prctl; then no signal comes any more.
            if libc::getppid() != parent {
                return Err(io::Error::from_raw_os_error(libc::ESRCH));
            }
            Ok(())
        });
    }
    Ok(command)
}

type SpawnRequest = (Command, String, tokio::sync::oneshot::Sender<io::Result<Guard>>);

/// Spawns on the one thread that lives as long as this process: `PR_SET_PDEATHSIG` fires when the
/// spawning *thread* ends, and threads of a runtime may end any time.
async fn spawn_on_own_thread(command: Command, mark: String) -> io::Result<Guard> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<SpawnRequest>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<SpawnRequest>();
        let spawn_all = move || {
            for (mut command, mark, answer) in requests {
                let spawned = command.spawn().map(|child| {
                    let group = child.id() as i32;
                    watchdog::watch(group);
                    Guard { child, group, mark, is_reaped: false }
                });
                // If nobody waits any more, the guard is dropped here and ends the process.
                drop(answer.send(spawned));
            }
        };
        let thread = std::thread::Builder::new().name("nex-mcp-spawn".into());
        thread.spawn(spawn_all).expect("a process that cannot start one thread cannot do anything");
        Mutex::new(sender)
    });
    let (answer, spawned) = tokio::sync::oneshot::channel();
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    spawner.lock().send((command, mark, answer)).map_err(|_| gone())?;
    spawned.await.map_err(|_| gone())?
}

fn open_pidfd(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: plain system call; the child is not reaped yet, so the id is still its own.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Ends and reaps the process when dropped, whatever happens to the supervisor.
struct Guard {
    child: Child,
    group: i32,
    mark: String,
    is_reaped: bool,
}

impl Guard {
    fn signal(&self, signal: i32) {
        // SAFETY: plain system call. The leader is not reaped, so the group id is not reused.
        unsafe { libc::kill(-self.group, signal) };
    }

    /// Kills what is left of the group, reaps the leader and hunts down what left the group.
    fn finish(&mut self) -> io::Result<ExitStatus> {
        self.signal(libc::SIGKILL);
        let status = self.child.wait();
        self.is_reaped = true;
        watchdog::kill_marked(&self.mark);
        watchdog::unwatch(self.group);
        status
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.is_reaped {
            let _ = self.finish();
        }
    }
}

async fn supervise(
    mut guard: Guard,
    pidfd: AsyncFd<OwnedFd>,
    stop: CancellationToken,
    kill: CancellationToken,
    grace: Duration,
    exit: watch::Sender<Option<String>>,
) {
    let ended = || async { drop(pidfd.readable().await) };
    tokio::select! {
        () = ended() => {}
        () = kill.cancelled() => {}
        () = stop.cancelled() => {
            // The input is closed by whoever told us to stop; then ask, then insist.
            let polite = async {
                if tokio::time::timeout(grace, ended()).await.is_err() {
                    guard.signal(libc::SIGTERM);
                    let _ = tokio::time::timeout(grace, ended()).await;
                }
            };
            tokio::select! { () = polite => {} () = kill.cancelled() => {} }
        }
    }
    // Waiting is short now: the process has ended or is killed. Reading /proc is not for this thread.
    let finished = tokio::task::spawn_blocking(move || guard.finish()).await;
    let text = match finished {
        Ok(Ok(status)) => describe(status),
        Ok(Err(cause)) => format!("it could not be waited for: {cause}"),
        Err(_) => "its end was not seen".to_owned(),
    };
    exit.send_replace(Some(text));
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("killed by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

async fn keep_tail(mut stderr: tokio::process::ChildStderr, kept: Arc<Mutex<VecDeque<u8>>>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        let mut kept = kept.lock();
        kept.extend(&buffer[..read]);
        let excess = kept.len().saturating_sub(STDERR_KEPT_BYTES);
        kept.drain(..excess);
    }
}

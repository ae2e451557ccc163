//! [`Supervisor`]: the host's end of a running command.
//!
//! Invariant: it is told to end the command, and is reaped, on every path. The kernel tells it when the
//! *thread* that started it ends, so that thread is one that lives as long as this process.

use super::cgroup::Cgroup;
use parking_lot::Mutex;
use std::io;
use std::process::{Child, Command};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};

/// How long a supervisor that was told to end everything may take.
pub(super) const KILL_GRACE: Duration = Duration::from_secs(5);

/// A process that ends a command and all that it started, and then itself.
pub(super) struct Supervisor {
    /// `None` once it is reaped or handed to a thread that reaps it.
    child: Mutex<Option<Child>>,
    pub(super) cgroup: Cgroup,
}

impl Supervisor {
    /// The pipes to the command; they can be taken once.
    pub(super) fn pipes(&mut self) -> io::Result<(ChildStdin, ChildStdout, ChildStderr)> {
        let mut child = self.child.lock();
        let taken =
            child.as_mut().map(|child| (child.stdin.take(), child.stdout.take(), child.stderr.take()));
        let Some((Some(stdin), Some(stdout), Some(stderr))) = taken else {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
        };
        Ok((ChildStdin::from_std(stdin)?, ChildStdout::from_std(stdout)?, ChildStderr::from_std(stderr)?))
    }

    /// Tells it to end the command now.
    pub(super) fn end(&self) {
        if let Some(child) = &*self.child.lock() {
            signal(child, libc::SIGTERM);
        }
    }

    /// Waits until it has ended; kills it if it does not.
    pub(super) async fn wait(&self) {
        let started = Instant::now();
        loop {
            if let Some(child) = &mut *self.child.lock() {
                if let Ok(None) = child.try_wait() {
                    if started.elapsed() > KILL_GRACE {
                        signal(child, libc::SIGKILL);
                    }
                } else {
                    break;
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        *self.child.lock() = None;
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let Some(mut child) = self.child.lock().take() else { return };
        signal(&child, libc::SIGTERM);
        let cgroup = std::mem::take(&mut self.cgroup);
        // If there is no thread to be had, the child is reaped when this process ends.
        let _ = std::thread::Builder::new().name("nex-sandbox-reap".into()).spawn(move || {
            let _ = child.wait();
            drop(cgroup);
        });
    }
}

/// The child is not reaped, so its number is its own.
fn signal(child: &Child, signal: i32) {
    // SAFETY: plain system call.
    unsafe { libc::kill(child.id() as i32, signal) };
}

type Request = (Command, Cgroup, tokio::sync::oneshot::Sender<io::Result<Supervisor>>);

/// Starts `command` on the thread that never ends.
pub(super) async fn spawn_on_own_thread(command: Command, cgroup: Cgroup) -> io::Result<Supervisor> {
    static SPAWNER: OnceLock<Mutex<mpsc::Sender<Request>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, requests) = mpsc::channel::<Request>();
        let spawn_all = move || {
            for (mut command, cgroup, answer) in requests {
                let spawned = command.spawn();
                let spawned = spawned.map(|child| Supervisor { child: Mutex::new(Some(child)), cgroup });
                // If nobody waits any more, the supervisor is dropped here and ends the command.
                drop(answer.send(spawned));
            }
        };
        let thread = std::thread::Builder::new().name("nex-sandbox-spawn".into());
        thread.spawn(spawn_all).expect("a process that cannot start one thread cannot do anything");
        Mutex::new(sender)
    });
    let (answer, spawned) = tokio::sync::oneshot::channel();
    let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
    spawner.lock().send((command, cgroup, answer)).map_err(|_| gone())?;
    spawned.await.map_err(|_| gone())?
}

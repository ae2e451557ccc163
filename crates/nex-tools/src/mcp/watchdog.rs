//! The last line against orphans: a small shell that outlives us by a moment.
//!
//! It runs in its own session, so no Ctrl-C reaches it, and reads the process groups of our
//! servers from a pipe whose only writing end is ours. When we end, by whatever means (`kill -9`
//! included), the pipe closes; it then kills the groups that are left, and every process that has
//! our mark in its environment, which finds grandchildren that made a session of their own.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The environment variable that marks our servers and all that they start.
pub(super) const MARK: &str = "NEX_POOL";

const SCRIPT: &str = r#"
mark=$1
groups=" "
while read -r change group; do
  case $change in
    +) groups="$groups$group " ;;
    -) case $groups in *" $group "*) groups="${groups%% $group *} ${groups#* $group }" ;; esac ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
for round in 1 2 3 4 5; do
  found=
  for file in $(grep -lsz -- "^NEX_POOL=$mark\." /proc/[0-9]*/environ 2>/dev/null); do
    pid=${file#/proc/}
    kill -9 "${pid%/environ}" 2>/dev/null && found=yes
  done
  [ -n "$found" ] || break
done
"#;

struct Watchdog {
    input: Mutex<Option<ChildStdin>>,
    mark: String,
}

static WATCHDOG: OnceLock<Watchdog> = OnceLock::new();

fn watchdog() -> &'static Watchdog {
    WATCHDOG.get_or_init(|| {
        let mark = process_mark();
        let input = match start(&mark) {
            Ok(input) => Some(input),
            Err(cause) => {
                tracing::warn!(%cause, "no watchdog: /bin/sh did not start; after a kill -9 of this process grandchildren of MCP servers may live on");
                None
            }
        };
        Watchdog { input: Mutex::new(input), mark }
    })
}

/// Unique among processes that live or lived on this machine since boot: process id and start.
fn process_mark() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields are counted behind the name, which is in brackets and may hold anything.
    let start = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(19)).unwrap_or("0");
    format!("{}-{start}", std::process::id())
}

fn start(mark: &str) -> io::Result<ChildStdin> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT, "nex-watchdog", mark]).env_clear().env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/");
    // SAFETY: setsid is async-signal-safe and touches nothing of ours.
    unsafe {
        command.pre_exec(|| match libc::setsid() {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        });
    }
    let mut child = command.spawn()?;
    // The child is never waited for: it ends after us.
    child.stdin.take().ok_or_else(|| io::Error::from(io::ErrorKind::BrokenPipe))
}

/// The value of [`MARK`] for server number `serial`.
pub(super) fn mark_of(serial: u64) -> String {
    format!("{}.{serial}", watchdog().mark)
}

/// Takes process group `group` under watch.
pub(super) fn watch(group: i32) {
    tell(&format!("+ {group}\n"));
}

/// The group is gone.
pub(super) fn unwatch(group: i32) {
    tell(&format!("- {group}\n"));
}

fn tell(line: &str) {
    let mut input = watchdog().input.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pipe) = input.as_mut()
        && let Err(cause) = pipe.write_all(line.as_bytes())
    {
        tracing::warn!(%cause, "the watchdog over MCP servers is gone");
        *input = None;
    }
}

/// Kills every process that carries `mark`, wherever it has moved to, and waits until they are
/// gone. Reads all of /proc.
pub(super) fn kill_marked(mark: &str) {
    let wanted = format!("{MARK}={mark}");
    // A process can fork while we look, and dies a moment after it was killed.
    for _ in 0..200 {
        let mut found = false;
        let Ok(processes) = std::fs::read_dir("/proc") else { return };
        for process in processes.flatten() {
            let Some(pid) = process.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let Ok(environ) = std::fs::read(process.path().join("environ")) else { continue };
            if environ.split(|byte| *byte == 0).any(|pair| pair == wanted.as_bytes()) {
                found = true;
                // SAFETY: plain system call.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
        }
        if !found {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

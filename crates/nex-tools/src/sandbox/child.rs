//! What happens between `fork` and `exec`: the processes of a sandbox put up their own walls.
//!
//! In: a [`ChildPlan`], made before the fork. Out: the command's process returns and executes; the
//! supervisor and the first process of the process namespace never return. Invariants: nothing is
//! allocated and no lock is taken, because the parent has other threads; every failure is told through
//! the report pipe with its [`Stage`]; the order is such that each wall is up before the power to
//! build it is given up, and the seccomp filter is last.
//!
//! ```text
//! with namespaces:     parent ─ supervisor ─ first process (pid 1) ─ command
//! without namespaces:  parent ─ supervisor (subreaper) ─ command (leads its own group)
//! ```

use super::mounts::{MountStep, build_root};
use super::setup_report::{Report, Stage};
use libc::{c_int, c_long, c_void};
use std::ffi::CString;
use std::io;
use std::os::fd::RawFd;

/// Everything that the child needs, as the kernel wants it.
pub(super) struct ChildPlan {
    /// Namespaces: `Some(true)` inside a user namespace, `Some(false)` made by root.
    pub(super) user_namespace: Option<bool>,
    /// User and group id that root becomes.
    pub(super) drop_to: Option<u32>,
    pub(super) uid_map: Vec<u8>,
    pub(super) gid_map: Vec<u8>,
    pub(super) root: CString,
    pub(super) mounts: Vec<MountStep>,
    pub(super) working_folder: CString,
    pub(super) ruleset: Option<RawFd>,
    pub(super) filters: [seccompiler::BpfProgram; 2],
    pub(super) limits: Vec<(u32, u64, u64)>,
    pub(super) cgroups: Vec<RawFd>,
    pub(super) report: RawFd,
    pub(super) parent: i32,
}

/// The answer of a system call.
pub(super) fn check(answer: c_long) -> io::Result<c_long> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

impl ChildPlan {
    /// Runs in the forked child; returns only in the process that is to execute the command.
    ///
    /// # Safety
    /// Must be called between `fork` and `exec`, once; the descriptors of the plan must be open.
    pub(super) unsafe fn enter(&self) -> io::Result<()> {
        // SAFETY: the contract of this function is passed on.
        let (stage, cause) = match unsafe { self.supervisor() } {
            Ok(()) => return Ok(()),
            Err(failure) => failure,
        };
        self.tell_failure(stage, &cause);
        Err(cause)
    }

    unsafe fn supervisor(&self) -> Result<(), (Stage, io::Error)> {
        // SAFETY: plain system calls on values of our own, all async-signal-safe.
        unsafe {
            at(Stage::Supervise, check(c_long::from(libc::setsid())))?;
            block_signals();
            // We are told when the parent dies, and then end the command.
            at(Stage::Supervise, check(prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as u64)))?;
            if libc::getppid() != self.parent {
                return Err((Stage::Supervise, io::Error::from_raw_os_error(libc::ESRCH)));
            }
            if self.user_namespace == Some(true) {
                at(Stage::GiveUpRoot, self.give_up_root())?;
            }
            match self.user_namespace {
                Some(is_user) => at(Stage::Unshare, unshare(is_user))?,
                None => drop(at(Stage::Supervise, check(prctl(libc::PR_SET_CHILD_SUBREAPER, 1)))?),
            }
            if self.user_namespace == Some(true) {
                at(Stage::MapIds, self.map_ids())?;
            }
            let child = at(Stage::Fork, fork())?;
            if child == 0 {
                return if self.user_namespace.is_some() { self.first_process() } else { self.command() };
            }
            prctl(libc::PR_SET_DUMPABLE, 0);
            self.close_but_report();
            self.supervise(child)
        }
    }

    /// Pid 1 of the process namespace: builds the root folder, starts the command, reaps.
    unsafe fn first_process(&self) -> Result<(), (Stage, io::Error)> {
        // SAFETY: as in `supervisor`.
        unsafe {
            // Its memory is a copy of the parent's: nobody may read it through /proc.
            prctl(libc::PR_SET_DUMPABLE, 0);
            self.or_exit(Stage::Mount, build_root(&self.root, &self.mounts));
            let child = self.or_exit(Stage::Fork, fork());
            if child == 0 {
                return self.command();
            }
            drop_bounding_set();
            self.or_exit(Stage::Capabilities, drop_capabilities());
            self.or_exit(Stage::Supervise, check(prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64)));
            prctl(libc::PR_SET_DUMPABLE, 0);
            self.close_but_report();
            loop {
                let mut status = 0;
                let mut usage: libc::rusage = std::mem::zeroed();
                let ended = libc::wait4(-1, &mut status, 0, &mut usage);
                if ended == child {
                    self.tell_end(status, &usage);
                    // The kernel now kills whatever is left in the namespace.
                    libc::_exit(0);
                }
                if ended < 0 && last_errno() != libc::EINTR {
                    libc::_exit(1);
                }
            }
        }
    }

    /// The process that becomes the command.
    unsafe fn command(&self) -> Result<(), (Stage, io::Error)> {
        // SAFETY: as in `supervisor`.
        unsafe {
            at(Stage::Supervise, check(c_long::from(libc::setsid())))?;
            for entrance in &self.cgroups {
                at(Stage::Cgroup, write_all(*entrance, b"0"))?;
            }
            // The bounding set first: it takes a capability to empty it.
            drop_bounding_set();
            if self.user_namespace != Some(true) {
                at(Stage::GiveUpRoot, self.give_up_root())?;
            }
            at(Stage::Capabilities, drop_capabilities())?;
            // Outlives `exec`: if the supervisor is killed, so is the command.
            at(Stage::Supervise, check(prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as u64)))?;
            for (resource, soft, hard) in &self.limits {
                let limit = libc::rlimit { rlim_cur: *soft, rlim_max: *hard };
                let set = libc::setrlimit(*resource as _, &limit);
                at(Stage::Limits, check(c_long::from(set)))?;
            }
            // The standard library's own error pipe must live until `exec`.
            let cloexec = libc::CLOSE_RANGE_CLOEXEC;
            at(Stage::Descriptors, check(libc::syscall(libc::SYS_close_range, 3, u32::MAX, cloexec)))?;
            at(Stage::Seccomp, check(prctl(libc::PR_SET_NO_NEW_PRIVS, 1)))?;
            let folder = libc::chdir(self.working_folder.as_ptr());
            at(Stage::WorkingFolder, check(c_long::from(folder)))?;
            if let Some(ruleset) = self.ruleset {
                at(Stage::Landlock, self.enter_ruleset(ruleset))?;
            }
            unblock_signals();
            for filter in &self.filters {
                let program =
                    libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut().cast() };
                let mode = libc::SECCOMP_SET_MODE_FILTER;
                at(Stage::Seccomp, check(libc::syscall(libc::SYS_seccomp, mode, 0, &program)))?;
            }
        }
        Ok(())
    }

    /// Waits for the child, ends it when told to, and leaves nothing of it behind.
    unsafe fn supervise(&self, child: c_int) -> ! {
        // SAFETY: as in `supervisor`.
        unsafe {
            let waited = signal_set();
            loop {
                let mut seen: libc::siginfo_t = std::mem::zeroed();
                let flags = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
                let state = libc::waitid(libc::P_PID, child as libc::id_t, &mut seen, flags);
                if state == 0 && seen.si_pid() == child {
                    break;
                }
                let signal = libc::sigwaitinfo(&waited, std::ptr::null_mut());
                if signal == libc::SIGTERM {
                    self.kill(child);
                }
            }
            // The child is not reaped yet, so its number still names its group.
            self.kill(child);
            loop {
                let mut status = 0;
                let mut usage: libc::rusage = std::mem::zeroed();
                let ended = libc::wait4(-1, &mut status, 0, &mut usage);
                if ended == child && self.user_namespace.is_none() {
                    self.tell_end(status, &usage);
                }
                if ended < 0 && last_errno() == libc::ECHILD {
                    libc::_exit(0);
                }
            }
        }
    }

    unsafe fn kill(&self, child: c_int) {
        // Without namespaces no descendant can leave the group: the filter refuses it.
        let target = if self.user_namespace.is_some() { child } else { -child };
        // SAFETY: plain system call.
        unsafe { libc::kill(target, libc::SIGKILL) };
    }

    unsafe fn give_up_root(&self) -> io::Result<()> {
        let Some(id) = self.drop_to else { return Ok(()) };
        // Straight to the kernel: the C library would tell threads that are not there.
        // SAFETY: plain system calls.
        unsafe {
            check(libc::syscall(libc::SYS_setgroups, 0, std::ptr::null::<c_void>()))?;
            check(libc::syscall(libc::SYS_setresgid, id, id, id))?;
            check(libc::syscall(libc::SYS_setresuid, id, id, id))?;
            // The kernel forgets it when ids change.
            check(prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM as u64))?;
        }
        Ok(())
    }

    unsafe fn map_ids(&self) -> io::Result<()> {
        // SAFETY: paths are literals with a NUL; the buffers are our own.
        unsafe {
            // A process that changed its ids owns its own /proc files only when dumpable.
            check(prctl(libc::PR_SET_DUMPABLE, 1))?;
            for (path, bytes) in [
                (c"/proc/self/setgroups", b"deny".as_slice()),
                (c"/proc/self/uid_map", &self.uid_map),
                (c"/proc/self/gid_map", &self.gid_map),
            ] {
                let file = check(c_long::from(libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC)))?;
                let written = write_all(file as RawFd, bytes);
                libc::close(file as RawFd);
                written?;
            }
            check(prctl(libc::PR_SET_DUMPABLE, 0))?;
        }
        Ok(())
    }

    unsafe fn enter_ruleset(&self, ruleset: RawFd) -> io::Result<()> {
        #[repr(C, packed)]
        struct PathBeneath {
            allowed_access: u64,
            parent: i32,
        }
        const READ_FILE_AND_FOLDER: u64 = (1 << 2) | (1 << 3);
        // SAFETY: the structure is the kernel's and lives through the call.
        unsafe {
            if self.user_namespace.is_some() {
                // The root folder made here holds nothing that may not be read, /proc included.
                for path in [c"/", c"/proc"] {
                    let flags = libc::O_PATH | libc::O_CLOEXEC;
                    let parent = check(c_long::from(libc::open(path.as_ptr(), flags)))? as i32;
                    let rule = PathBeneath { allowed_access: READ_FILE_AND_FOLDER, parent };
                    check(libc::syscall(libc::SYS_landlock_add_rule, ruleset, 1, &rule, 0))?;
                    libc::close(parent);
                }
            }
            check(libc::syscall(libc::SYS_landlock_restrict_self, ruleset, 0))?;
        }
        Ok(())
    }

    /// Closes all that was inherited but the report pipe, so that no reader waits for us.
    unsafe fn close_but_report(&self) {
        let report = self.report as u32;
        // SAFETY: plain system calls; nothing of this process uses the other descriptors any more.
        unsafe {
            libc::syscall(libc::SYS_close_range, 0, report - 1, 0);
            libc::syscall(libc::SYS_close_range, report + 1, u32::MAX, 0);
        }
    }

    fn or_exit<T>(&self, stage: Stage, result: io::Result<T>) -> T {
        match result {
            Ok(value) => value,
            Err(cause) => {
                self.tell_failure(stage, &cause);
                // SAFETY: ends this process at once, without handlers.
                unsafe { libc::_exit(1) }
            }
        }
    }

    fn tell_failure(&self, stage: Stage, cause: &io::Error) {
        let errno = cause.raw_os_error().unwrap_or(0);
        let record = Report::failure(stage, errno);
        // SAFETY: the report pipe is open. If the parent is gone nobody needs to know.
        let _ = unsafe { write_all(self.report, &record) };
    }

    fn tell_end(&self, wait_status: c_int, usage: &libc::rusage) {
        let record = Report::end(wait_status, usage);
        // SAFETY: as in `tell_failure`.
        let _ = unsafe { write_all(self.report, &record) };
    }
}

fn at<T>(stage: Stage, result: io::Result<T>) -> Result<T, (Stage, io::Error)> {
    result.map_err(|cause| (stage, cause))
}

fn last_errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

unsafe fn prctl(option: c_int, value: u64) -> c_long {
    // SAFETY: the options used here take one number and no pointer.
    c_long::from(unsafe { libc::prctl(option, value, 0, 0, 0) })
}

/// A fork without the C library's handlers, which may wait for locks of other threads.
unsafe fn fork() -> io::Result<c_int> {
    // SAFETY: without CLONE_VM and with no stack given this is a plain fork.
    check(unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) }).map(|pid| pid as c_int)
}

unsafe fn unshare(user: bool) -> io::Result<()> {
    let mut flags = libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWUTS
        | libc::CLONE_NEWCGROUP;
    if user {
        flags |= libc::CLONE_NEWUSER;
    }
    // SAFETY: plain system call of a process with one thread.
    check(c_long::from(unsafe { libc::unshare(flags) })).map(drop)
}

/// Empties the set of capabilities that a program could ever gain.
unsafe fn drop_bounding_set() {
    for capability in 0..64 {
        // Fails past the last one, and where we hold no CAP_SETPCAP and so have nothing to drop.
        // SAFETY: plain system call.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
    }
}

/// Empties the capabilities that are held.
unsafe fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let nothing = [0u32; 6];
    // SAFETY: the structures are the kernel's and live through the call.
    check(unsafe { libc::syscall(libc::SYS_capset, &header, nothing.as_ptr()) }).map(drop)
}

unsafe fn signal_set() -> libc::sigset_t {
    // SAFETY: the set is initialised by `sigemptyset`.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigaddset(&mut set, libc::SIGTERM);
        set
    }
}

unsafe fn block_signals() {
    // SAFETY: the set lives through the call; this process has one thread.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &signal_set(), std::ptr::null_mut()) };
}

unsafe fn unblock_signals() {
    // SAFETY: as above.
    unsafe {
        let mut nothing = std::mem::zeroed();
        libc::sigemptyset(&mut nothing);
        libc::sigprocmask(libc::SIG_SETMASK, &nothing, std::ptr::null_mut());
    }
}

/// Writes `bytes`, which are short, to an open descriptor.
pub(super) unsafe fn write_all(file: RawFd, bytes: &[u8]) -> io::Result<()> {
    // SAFETY: the buffer is valid for its length.
    let written = check(unsafe { libc::write(file, bytes.as_ptr().cast(), bytes.len()) } as c_long)?;
    if written as usize == bytes.len() { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EIO)) }
}

//! The seccomp filter: which system calls a command must not make.
//!
//! In: whether Unix sockets are harmless (in namespaces of its own) and whether the command must
//! stay in its process group (without them). Out: a BPF program. Invariants: no socket but a Unix
//! one, no new namespace, no tracing, no kernel interface for administrators; calls of another
//! architecture kill, calls newer than the list below do not exist (`ENOSYS`).

use libc::c_long;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};
use std::collections::BTreeMap;

/// Calls that do not exist for a command: the C library falls back to older ones.
const ABSENT: [c_long; 4] =
    [libc::SYS_clone3, libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register];

/// Calls that are refused (`EPERM`), whatever their arguments.
const REFUSED: &[c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    // Namespaces, mounts, roots.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    // Handles reach past paths.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    // The kernel and the machine.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_syslog,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_vhangup,
    // Keys, shared memory and queues that live outside any folder.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_personality,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS_kexec_file_load,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Flags of `clone` that make a namespace.
const CLONE_NEW: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP) as u64;

/// The newest call that was looked at when the list was written (`file_setattr`).
const LAST_KNOWN_CALL: u32 = 469;

/// What differs between levels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    /// Unix sockets by name; harmless only where no socket of the host can be named.
    pub(super) unix_sockets: bool,
    /// Leaving the process group; only where a process namespace holds all descendants.
    pub(super) new_sessions: bool,
}

/// The filters as the kernel wants them; both are installed.
pub(super) fn programs(allowed: Allowed) -> Result<[BpfProgram; 2], String> {
    let arch = std::env::consts::ARCH;
    let arch =
        TargetArch::try_from(arch).map_err(|_| format!("no seccomp filter for the processor {arch}"))?;
    let mut absent = prelude().to_vec();
    absent.extend(compile(ABSENT.into_iter().map(|call| (call, vec![])).collect(), libc::ENOSYS, arch)?);
    let refused = refused_rules(allowed).map_err(|cause| cause.to_string())?;
    Ok([absent, compile(refused, libc::EPERM, arch)?])
}

fn compile(
    rules: BTreeMap<c_long, Vec<SeccompRule>>,
    errno: i32,
    arch: TargetArch,
) -> Result<BpfProgram, String> {
    let refuse = SeccompAction::Errno(errno as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).map_err(|e| e.to_string())?;
    BpfProgram::try_from(filter).map_err(|e| e.to_string())
}

/// Calls past the last known one do not exist. This also covers x32, whose numbers start at 2³⁰
/// and would slip past a list of x86-64 numbers.
fn prelude() -> [sock_filter; 3] {
    let statement = |code: u32, jf: u8, k: u32| sock_filter { code: code as u16, jt: 0, jf, k };
    [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        statement(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, 1, LAST_KNOWN_CALL),
        statement(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ]
}

fn refused_rules(allowed: Allowed) -> Result<BTreeMap<c_long, Vec<SeccompRule>>, seccompiler::BackendError> {
    let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
        REFUSED.iter().chain(REFUSED_HERE).map(|call| (*call, vec![])).collect();
    let when = |argument: u8, length: Len, op: Op, value: u64| {
        SeccompRule::new(vec![SeccompCondition::new(argument, length, op, value)?])
    };
    // Any one flag of a new namespace is enough to refuse.
    let flags = (0..64).map(|bit| 1u64 << bit).filter(|bit| CLONE_NEW & bit != 0);
    let clone: Result<Vec<_>, _> = flags.map(|bit| when(0, Len::Qword, Op::MaskedEq(bit), bit)).collect();
    rules.insert(libc::SYS_clone, clone?);
    let socket = match allowed.unix_sockets {
        true => vec![when(0, Len::Dword, Op::Ne, libc::AF_UNIX as u64)?],
        false => vec![],
    };
    rules.insert(libc::SYS_socket, socket);
    rules.insert(libc::SYS_socketpair, vec![when(0, Len::Dword, Op::Ne, libc::AF_UNIX as u64)?]);
    // Limits of other processes; 0 is the caller.
    rules.insert(libc::SYS_prlimit64, vec![when(0, Len::Dword, Op::Ne, 0)?]);
    // Typing into the terminal of whoever started us.
    #[allow(clippy::unnecessary_cast, reason = "other C libraries have another type here")]
    let typing = [libc::TIOCSTI as u64, libc::TIOCLINUX as u64];
    let ioctl: Result<Vec<_>, _> =
        typing.into_iter().map(|request| when(1, Len::Dword, Op::Eq, request)).collect();
    rules.insert(libc::SYS_ioctl, ioctl?);
    let devices = |argument: u8| -> Result<Vec<_>, seccompiler::BackendError> {
        let kinds = [libc::S_IFCHR, libc::S_IFBLK].map(u64::from);
        let mask = u64::from(libc::S_IFMT);
        kinds.into_iter().map(|kind| when(argument, Len::Dword, Op::MaskedEq(mask), kind)).collect()
    };
    rules.insert(libc::SYS_mknodat, devices(2)?);
    #[cfg(target_arch = "x86_64")]
    rules.insert(libc::SYS_mknod, devices(1)?);
    if !allowed.new_sessions {
        rules.insert(libc::SYS_setsid, vec![]);
        rules.insert(libc::SYS_setpgid, vec![]);
    }
    Ok(rules)
}

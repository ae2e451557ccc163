//! Attempts to get out of a sandbox, each at every level that promises to stop it.
//!
//! Each attempt is a shell condition or a Python expression that is true if it got what it was after.
//! The same text runs without a sandbox first and must get it there, so that no attempt passes because
//! it is wrong; where only root gets it, that control needs root. Inside, it must run and fail.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stderr, reason = "which levels were tested is worth knowing")]

mod sandbox_support;

use nex_tools::sandbox::{Guarantee, LinuxSandbox, Sandbox, SandboxCommand, SandboxOutcome};
use sandbox_support::{PYTHON, empty, has_python, reachable, run};
use std::fs::{self, File};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Who gets what an attempt is after when there is no sandbox.
#[derive(Clone, Copy, PartialEq)]
enum Control {
    Anyone,
    Root,
}
use Control::{Anyone, Root};

enum Script {
    Shell(&'static str),
    Python(&'static str),
    /// A system call by its number; the kernel's own answer, not the filter's, is what it is after.
    Call(i64, &'static str),
}
use Script::{Call, Python, Shell};

struct Attempt(&'static str, Guarantee, Control, Script);

const SECRET: &str = "planted-secret-7f3a";
const SECRET_NAME: &str = "NEX_PLANTED_SECRET";

const FILES: Guarantee = Guarantee::NoHostFiles;
const ENVIRONMENT: Guarantee = Guarantee::NoHostEnvironment;
const PROCESSES: Guarantee = Guarantee::NoHostProcesses;
const NETWORK: Guarantee = Guarantee::NoNetwork;
const PRIVILEGE: Guarantee = Guarantee::NoPrivilegeGain;

/// `@NAME` stands for what the fixture planted.
const ATTEMPTS: &[Attempt] = &[
    Attempt("read the password hashes", FILES, Root, Shell("grep -q root /etc/shadow")),
    Attempt("read a file outside", FILES, Anyone, Shell("grep -q canary @OUTSIDE/canary")),
    Attempt("list a folder outside", FILES, Anyone, Shell("ls @OUTSIDE | grep -q canary")),
    Attempt("read an ssh key", FILES, Anyone, Shell("cat @OUTSIDE/home/.ssh/id | grep -q canary")),
    Attempt("list the home folder", FILES, Anyone, Shell("ls -a @OUTSIDE/home | grep -q ssh")),
    Attempt("write outside", FILES, Anyone, Shell("echo x > @OUTSIDE/written")),
    Attempt("append outside", FILES, Anyone, Shell("echo x >> @OUTSIDE/canary")),
    Attempt("truncate outside", FILES, Anyone, Python("(os.truncate('@OUTSIDE/canary', 0), 1)")),
    Attempt("delete outside", FILES, Anyone, Shell("rm @OUTSIDE/canary")),
    Attempt("rename outside", FILES, Anyone, Shell("mv @OUTSIDE/canary @OUTSIDE/moved")),
    Attempt("steal by renaming", FILES, Anyone, Shell("mv @OUTSIDE/canary stolen && grep -q canary stolen")),
    Attempt("run a program outside", FILES, Anyone, Shell("@OUTSIDE/program")),
    Attempt("follow a link", FILES, Anyone, Shell("ln -s @OUTSIDE/canary l && grep -q canary l")),
    Attempt("follow a folder link", FILES, Anyone, Shell("ln -s @OUTSIDE d && grep -q canary d/canary")),
    Attempt("write through a link", FILES, Anyone, Shell("ln -s @OUTSIDE/made w && echo x > w")),
    Attempt("hard link", FILES, Anyone, Shell("ln @OUTSIDE/canary h && grep -q canary h")),
    Attempt("climb", FILES, Anyone, Shell("grep -q canary ../../../../../../../../..@OUTSIDE/canary")),
    Attempt("the parent's root", FILES, Anyone, Shell("grep -q canary /proc/@PARENT/root@OUTSIDE/canary")),
    Attempt("the parent's folder", FILES, Anyone, Shell("ls /proc/@PARENT/cwd/")),
    Attempt("its own root", FILES, Anyone, Shell("grep -q canary /proc/self/root@OUTSIDE/canary")),
    Attempt("any root", FILES, Anyone, Shell("grep -qs canary /proc/[0-9]*/root@OUTSIDE/canary")),
    Attempt("an inherited descriptor", FILES, Anyone, Python("b'canary' in os.pread(@FD, 99, 0)")),
    Attempt("a descriptor by /proc", FILES, Anyone, Shell("grep -q canary /proc/self/fd/@FD")),
    Attempt("a descriptor of the parent", FILES, Anyone, Shell("grep -q canary /proc/@PARENT/fd/@FD")),
    Attempt("write to /usr", FILES, Root, Shell("touch /usr/nex-escape && rm /usr/nex-escape")),
    Attempt("write to /etc", FILES, Root, Shell("touch /etc/nex-escape && rm /etc/nex-escape")),
    Attempt("write to /", FILES, Root, Shell("touch /nex-escape && rm /nex-escape")),
    Attempt("look into /sys", FILES, Anyone, Shell("ls /sys/kernel")),
    Attempt("write to /sys", FILES, Root, Python("os.open('/sys/kernel/rcu_expedited', os.O_WRONLY)")),
    Attempt("see cgroups", FILES, Anyone, Shell("ls /sys/fs/cgroup | grep -q .")),
    Attempt("write a kernel setting", FILES, Root, Shell("test -w /proc/sys/kernel/core_pattern")),
    Attempt("the kernel's log", FILES, Root, Python("os.open('/dev/kmsg', os.O_RDONLY)")),
    Attempt("see kernel symbols", FILES, Anyone, Shell("head -n 1 /proc/kallsyms | grep -q .")),
    Attempt("a terminal", FILES, Anyone, Python("os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)")),
    Attempt("make a character device", FILES, Root, Python("(os.mknod('c', 0o20666, os.makedev(1, 1)), 1)")),
    Attempt("make a block device", FILES, Root, Python("(os.mknod('b', 0o60666, os.makedev(254, 0)), 1)")),
    Attempt("mount", FILES, Root, Python("mounted(b'tmpfs', b'm', b'tmpfs', 0)")),
    Attempt("bind mount", FILES, Root, Python("mounted(b'@OUTSIDE', b'm', None, 4096)")),
    Attempt("change the root folder", FILES, Root, Python("(os.chroot('.'), 1)")),
    Attempt("new user namespace", PRIVILEGE, Root, Python("libc.unshare(0x10000000) == 0")),
    Attempt("new mount namespace", PRIVILEGE, Root, Python("libc.unshare(0x20000) == 0")),
    Attempt("new network namespace", PRIVILEGE, Root, Python("libc.unshare(0x40000000) == 0")),
    Attempt("unshare as a program", PRIVILEGE, Root, Shell("unshare -Ur true")),
    Attempt("read its variable", ENVIRONMENT, Anyone, Shell("env | grep -q @SECRET")),
    Attempt("the parent's variables", ENVIRONMENT, Anyone, Shell("grep -q @SECRET /proc/@PARENT/environ")),
    Attempt("the starter's variables", ENVIRONMENT, Anyone, Shell("grep -q @SECRET /proc/$PPID/environ")),
    Attempt("all variables, pid 1 too", ENVIRONMENT, Anyone, Shell("grep -qs @SECRET /proc/[0-9]*/environ")),
    Attempt("other processes' memory", ENVIRONMENT, Root, Python("in_memory(b'@SECRET')")),
    Attempt("the parent's command line", PROCESSES, Anyone, Shell("grep -q . /proc/@PARENT/cmdline")),
    Attempt("signal the parent", PROCESSES, Anyone, Shell("kill -0 @PARENT")),
    Attempt("kill a process", PROCESSES, Anyone, Shell("kill -9 @VICTIM")),
    Attempt("kill a group", PROCESSES, Anyone, Python("os.killpg(@VICTIM, 9) or 1")),
    Attempt("queue a signal", PROCESSES, Anyone, Python("call(129, @VICTIM, 9, SIGINFO) == 0")),
    Attempt("open a process", PROCESSES, Anyone, Python("os.pidfd_open(@VICTIM)")),
    Attempt("trace a process", PROCESSES, Root, Python("call(101, 0x4206, @VICTIM, 0, 0) == 0")),
    Attempt("another's limits", PROCESSES, Anyone, Shell("prlimit --pid @VICTIM --nofile=10")),
    Attempt("connect by TCP", NETWORK, Anyone, Python("socket.create_connection(('127.0.0.1', @TCP), 3)")),
    Attempt("bash's /dev/tcp", NETWORK, Anyone, Shell("bash -c 'exec 3<>/dev/tcp/127.0.0.1/@TCP'")),
    Attempt("listen by TCP", NETWORK, Anyone, Python("socket.create_server(('127.0.0.1', 0))")),
    Attempt("send by UDP", NETWORK, Anyone, Python("udp().sendto(b'x', ('127.0.0.1', @UDP))")),
    Attempt("ask a name server", NETWORK, Anyone, Python("udp().sendto(DNS_QUERY, ('127.0.0.1', @UDP))")),
    Attempt("IPv6", NETWORK, Anyone, Python("socket.socket(socket.AF_INET6)")),
    Attempt("raw socket", NETWORK, Root, Python("socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)")),
    Attempt("packet socket", NETWORK, Root, Python("socket.socket(socket.AF_PACKET, socket.SOCK_RAW)")),
    Attempt("netlink", NETWORK, Anyone, Python("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)")),
    Attempt("Unix socket by path", NETWORK, Anyone, Python("unix().connect('@OUTSIDE/socket') or 1")),
    Attempt("abstract Unix socket", NETWORK, Anyone, Python("unix().connect('\\0@ABSTRACT') or 1")),
    Attempt("become root", PRIVILEGE, Root, Python("(os.setuid(0), 1)")),
    Attempt("become root by su", PRIVILEGE, Root, Shell("su root -s /bin/sh -c true")),
    Attempt("gain by programs", PRIVILEGE, Anyone, Python("libc.prctl(39, 0, 0, 0, 0) == 0")),
    Attempt("hold capabilities", PRIVILEGE, Root, Python("effective_capabilities() != 0")),
    // Without root the set stays, and "gain by programs" shows that it is of no use.
    Attempt("keep the bounding set", PRIVILEGE, Root, Python("@ROOT and libc.prctl(23, 21, 0, 0, 0) == 1")),
    Attempt("type into the terminal", PRIVILEGE, Anyone, Python("not refused(16, 0, 0x5412, b'x')")),
    // The kernel refuses these senseless arguments in its own way, if it is asked at all.
    Attempt("ptrace", PRIVILEGE, Anyone, Call(101, "-1, 0, 0, 0")),
    Attempt("process_vm_readv", PRIVILEGE, Anyone, Call(310, "os.getpid(), 0, 0, 0, 0, 99")),
    Attempt("kcmp", PRIVILEGE, Anyone, Call(312, "os.getpid(), os.getpid(), 99, 0, 0")),
    Attempt("setns", PRIVILEGE, Anyone, Call(308, "-1, 0")),
    Attempt("umount", PRIVILEGE, Root, Call(166, "b'/no/such/place', 0")),
    Attempt("pivot_root", PRIVILEGE, Root, Call(155, "b'/no/such/place', b'/no/such/place'")),
    Attempt("move_mount", PRIVILEGE, Root, Call(429, "-1, b'x', -1, b'x', 0")),
    Attempt("fsopen", PRIVILEGE, Root, Call(430, "b'nosuchfs', 0")),
    Attempt("mount_setattr", PRIVILEGE, Root, Call(442, "-1, b'x', 0, 0, 0")),
    Attempt("open_by_handle_at", PRIVILEGE, Root, Call(304, "-1, 0, 0")),
    Attempt("name_to_handle_at", PRIVILEGE, Anyone, Call(303, "-1, b'x', 0, 0, 0")),
    Attempt("bpf", PRIVILEGE, Root, Call(321, "9999, 0, 0")),
    Attempt("perf_event_open", PRIVILEGE, Root, Call(298, "0, 0, -1, -1, 0")),
    Attempt("userfaultfd", PRIVILEGE, Root, Call(323, "0x7fff0000")),
    Attempt("keyctl", PRIVILEGE, Anyone, Call(250, "9999, 0, 0, 0, 0")),
    Attempt("add_key", PRIVILEGE, Anyone, Call(248, "0, 0, 0, 0, 0")),
    Attempt("kexec_load", PRIVILEGE, Root, Call(246, "0, 0, 0, 0x7fff")),
    Attempt("reboot", PRIVILEGE, Root, Call(169, "0, 0, 0, 0")),
    Attempt("init_module", PRIVILEGE, Root, Call(175, "0, 0, 0")),
    Attempt("swapon", PRIVILEGE, Root, Call(167, "b'/no/such/file', 0")),
    Attempt("acct", PRIVILEGE, Root, Call(163, "b'/no/such/file'")),
    Attempt("sethostname", PRIVILEGE, Root, Call(170, "0, -1")),
    Attempt("settimeofday", PRIVILEGE, Root, Call(164, "1, 1")),
    Attempt("personality", PRIVILEGE, Anyone, Call(135, "0xffffffff")),
    Attempt("io_uring_setup", NETWORK, Anyone, Call(425, "0, 0")),
    Attempt("clone3", PRIVILEGE, Anyone, Call(435, "0, 0")),
];

const PYTHON_HEAD: &str = r#"
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
SIGINFO = struct.pack('iii', 9, 0, -1) + bytes(116)
DNS_QUERY = struct.pack('>6H', 1, 256, 1, 0, 0, 0) + b'\7example\3org\0\0\1\0\1'
def call(number, *arguments):
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return libc.syscall(ctypes.c_long(number), *wide)
def refused(number, *arguments):
    answer = call(number, *arguments)
    return answer == -1 and ctypes.get_errno() == (38 if number in (425, 435) else 1)
def mounted(source, target, kind, flags):
    os.mkdir(target)
    if libc.mount(source, target, kind, flags, None) != 0: return False
    libc.umount(target)
    return True
def effective_capabilities():
    header, sets = struct.pack('Ii', 0x20080522, 0), ctypes.create_string_buffer(24)
    if libc.capget(header, sets) != 0: raise OSError('capget')
    return struct.unpack('6I', sets.raw)[0]
def udp(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def unix(): return socket.socket(socket.AF_UNIX)
def in_memory(secret):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        if int(pid) == os.getpid(): continue
        try:
            stack = [line for line in open(f'/proc/{pid}/maps') if '[stack]' in line][0].split('-')
            start, end = int(stack[0], 16), int(stack[1].split()[0], 16)
            with open(f'/proc/{pid}/mem', 'rb', 0) as memory:
                memory.seek(start)
                if secret in memory.read(end - start): return True
        except (OSError, IndexError): pass
    return False
def attempt(): return EXPRESSION
try: got = attempt()
except OSError as cause: print(cause); got = False
print('GOT' if got else 'TRIED')
"#;

/// What lies outside, made anew for each attempt.
struct Outside {
    folder: tempfile::TempDir,
    open: File,
    victim: Child,
    tcp: TcpListener,
    udp: UdpSocket,
    _by_path: UnixListener,
    _abstract: UnixListener,
    abstract_name: String,
}

impl Outside {
    fn new(serial: usize) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        // Open to all, so that it is not the file modes that stop an attempt.
        let open_to_all = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
        open_to_all(folder.path());
        for name in ["canary", "home/.ssh/id", "program"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "#!/bin/sh\nexit 0\n# canary\n").unwrap();
            open_to_all(&path);
        }
        let open = File::open(folder.path().join("canary")).unwrap();
        // SAFETY: plain system call; the descriptor is to be inherited.
        unsafe { libc::fcntl(open.as_raw_fd(), libc::F_SETFD, 0) };
        let mut sleep = Command::new("sleep");
        let victim = sleep.arg("600").process_group(0).stdout(Stdio::null()).spawn().unwrap();
        let by_path = UnixListener::bind(folder.path().join("socket")).unwrap();
        open_to_all(&folder.path().join("socket"));
        let abstract_name = format!("nex-test-{}-{serial}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        Self {
            folder,
            open,
            victim,
            tcp: TcpListener::bind("127.0.0.1:0").unwrap(),
            udp: UdpSocket::bind("127.0.0.1:0").unwrap(),
            _by_path: by_path,
            _abstract: UnixListener::bind_addr(&address).unwrap(),
            abstract_name,
        }
    }

    fn fill(&self, text: &str) -> String {
        let values = [
            ("@OUTSIDE", self.folder.path().display().to_string()),
            ("@ROOT", is_root().to_string().replace("true", "True").replace("false", "False")),
            ("@PARENT", std::process::id().to_string()),
            ("@VICTIM", self.victim.id().to_string()),
            ("@FD", self.open.as_raw_fd().to_string()),
            ("@TCP", self.tcp.local_addr().unwrap().port().to_string()),
            ("@UDP", self.udp.local_addr().unwrap().port().to_string()),
            ("@ABSTRACT", self.abstract_name.clone()),
            ("@SECRET", SECRET.to_owned()),
        ];
        values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Program and arguments of an attempt.
    fn command(&self, script: &Script) -> Vec<String> {
        let python = |expression: &str| {
            let script = PYTHON_HEAD.replace("EXPRESSION", &self.fill(expression));
            vec![PYTHON.to_owned(), "-c".to_owned(), script]
        };
        match script {
            Shell(condition) => {
                let condition = self.fill(condition);
                let script = format!("if {condition}; then echo GOT; else echo TRIED; fi");
                vec!["/bin/sh".to_owned(), "-c".to_owned(), script]
            }
            Python(expression) => python(expression),
            Call(number, arguments) => python(&format!("not refused({number}, {arguments})")),
        }
    }

    /// Whether all is as it was made.
    fn is_untouched(&mut self) -> bool {
        let canary = fs::read_to_string(self.folder.path().join("canary"));
        let mut names: Vec<_> =
            fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        canary.is_ok_and(|text| text == "#!/bin/sh\nexit 0\n# canary\n")
            && names == ["canary", "home", "program", "socket"]
            && matches!(self.victim.try_wait(), Ok(None))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
    }
}

fn is_root() -> bool {
    // SAFETY: only answers a number.
    unsafe { libc::geteuid() == 0 }
}

/// The attempt without a sandbox.
fn control(serial: usize, script: &Script) -> String {
    let outside = Outside::new(serial);
    let work = tempfile::tempdir().unwrap();
    let command = outside.command(script);
    let output = Command::new(&command[0]).args(&command[1..]).current_dir(work.path()).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

async fn inside(sandbox: &LinuxSandbox, serial: usize, script: &Script) -> (SandboxOutcome, bool) {
    let mut outside = Outside::new(serial);
    let command = outside.command(script);
    let command = SandboxCommand::new(&command[0], &command[1..]);
    let outcome = run(sandbox, &empty(sandbox), &command).await;
    (outcome, outside.is_untouched())
}

#[tokio::test]
async fn no_attempt_gets_out() {
    if std::env::var_os(SECRET_NAME).is_none() {
        // The secret must be in the environment that this process was started with.
        let this = std::env::current_exe().unwrap();
        let again = ["--exact", "no_attempt_gets_out", "--nocapture"];
        assert!(Command::new(this).args(again).env(SECRET_NAME, SECRET).status().unwrap().success());
        return;
    }
    let (mut serial, mut faults) = (0, Vec::new());
    let usable = |attempt: &&Attempt| match attempt.3 {
        Shell(_) => true,
        Python(_) => has_python(),
        Call(..) => has_python() && cfg!(target_arch = "x86_64"),
    };
    let attempts: Vec<&Attempt> = ATTEMPTS.iter().filter(usable).collect();
    let mut controls = 0;
    for Attempt(name, _, who, script) in &attempts {
        if *who == Anyone || is_root() {
            serial += 1;
            controls += 1;
            let output = control(serial, script);
            if !output.contains("GOT") {
                faults.push(format!("control of `{name}`: {output}"));
            }
        }
    }
    for sandbox in reachable().await {
        let report = sandbox.report();
        let promised: Vec<_> =
            attempts.iter().filter(|attempt| report.guarantees.contains(&attempt.1)).collect();
        for Attempt(name, _, _, script) in &promised {
            serial += 1;
            let (outcome, is_untouched) = inside(&sandbox, serial, script).await;
            let failed = outcome.stdout.text.contains("TRIED") && !outcome.stdout.text.contains("GOT");
            if !failed || !is_untouched {
                faults.push(format!("`{name}` at {:?}: untouched {is_untouched}, {outcome:?}", report.level));
            }
        }
        eprintln!("{:?}: {} attempts, {controls} controls", report.level, promised.len());
        assert!(promised.len() >= 40 || !has_python());
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[tokio::test]
async fn nothing_outlives_its_command() {
    let scripts = [
        "(sleep 4; echo x > late) & echo begun",
        "nohup sh -c 'sleep 4; echo x > late' > /dev/null 2>&1 & echo begun",
        "setsid -f sh -c 'sleep 4; echo x > late' > /dev/null 2>&1; echo begun",
    ];
    let twice = "import os, time\n\
                 print('begun', flush=True)\n\
                 if os.fork() == 0:\n\
                 \x20   try: os.setsid()\n\
                 \x20   except OSError: pass\n\
                 \x20   if os.fork() == 0:\n\
                 \x20       os.closerange(0, 3); time.sleep(4); open('late', 'w').write('x')\n\
                 \x20   os._exit(0)";
    let mut commands: Vec<Vec<&str>> = scripts.iter().map(|script| vec!["/bin/sh", "-c", script]).collect();
    if has_python() {
        commands.push(vec![PYTHON, "-c", twice]);
    }
    let mut folders = Vec::new();
    let sandboxes = reachable().await;
    for command in &commands {
        let control = tempfile::tempdir().unwrap();
        let mut outside = Command::new(command[0]);
        outside.args(&command[1..]).current_dir(control.path()).stdout(Stdio::null());
        assert!(outside.status().unwrap().success());
        folders.push((control.path().join("late"), true, Box::new(control) as Box<dyn Send>));
        for sandbox in &sandboxes {
            let folder = empty(sandbox);
            let outcome =
                run(sandbox, &folder, &SandboxCommand::new(command[0], command[1..].iter().copied())).await;
            assert!(outcome.stdout.text.contains("begun"), "{outcome:?}");
            // What stays behind sleeps for 4,000.
            assert!(outcome.wall_time_ms < 3_900, "its children were waited for: {outcome:?}");
            folders.push((folder.path().join("late"), false, Box::new(folder)));
        }
    }
    tokio::time::sleep(Duration::from_millis(6_000)).await;
    for (index, (late, is_control, _)) in folders.iter().enumerate() {
        assert_eq!(late.exists(), *is_control, "folder {index}");
    }
}

/// Killing everything that can be named kills only what is inside.
#[tokio::test]
async fn a_signal_to_all_stays_inside() {
    for (serial, sandbox) in reachable().await.into_iter().enumerate() {
        if !sandbox.report().guarantees.contains(&PROCESSES) {
            continue;
        }
        let mut outside = Outside::new(1_000 + serial);
        let script = "sleep 30 & kill -9 -1; wait; echo TRIED";
        let outcome = run(&sandbox, &empty(&sandbox), &SandboxCommand::shell(script)).await;
        assert!(outcome.stdout.text.contains("TRIED") && outcome.wall_time_ms < 20_000, "{outcome:?}");
        assert!(outside.is_untouched());
    }
}

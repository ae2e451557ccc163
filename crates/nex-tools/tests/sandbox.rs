//! What works in a sandbox, what its limits do, and when it refuses, at every level of this machine.
#![cfg(target_os = "linux")]

mod sandbox_support;

use nex_tools::sandbox::{
    ChangeKind, CommandExit, FolderChange, Guarantee, LimitReached, LinuxSandbox, Sandbox, SandboxCommand,
    SandboxError, SandboxLevel, SandboxLimits, SandboxPolicy, SandboxReport,
};
use sandbox_support::{PYTHON, empty, has_python, reachable, run};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[tokio::test]
async fn ordinary_commands_work() {
    let cases = [
        ("pipeline", "printf 'b\\na\\n' | sort | tr -d '\\n'", Some("ab")),
        ("working folder", "mkdir -p a/b && echo one > a/b/c && cat a/b/c", Some("one\n")),
        ("temporary files", "f=$(mktemp) && echo two > $f && cat $f && rm $f", Some("two\n")),
        ("devices", "head -c 3 /dev/zero | wc -c | tr -d ' '; echo x > /dev/null", Some("3\n")),
        ("background jobs", "sleep 0.01 & wait; echo done", Some("done\n")),
        ("own pipe", "mkfifo p && (echo three > p &) && cat p", Some("three\n")),
        ("here document", "cat <<E\nfour\nE", Some("four\n")),
    ];
    for sandbox in reachable().await {
        for (name, script, stdout) in cases {
            let outcome = run(&sandbox, &empty(&sandbox), &SandboxCommand::shell(script)).await;
            assert!(outcome.is_success(), "{name} at {:?}: {outcome:?}", sandbox.report().level);
            assert_eq!(Some(outcome.stdout.text.as_str()), stdout, "{name} at {:?}", sandbox.report().level);
        }
    }
}

#[tokio::test]
async fn exit_codes_signals_input_and_both_outputs_come_through() {
    for sandbox in reachable().await {
        let folder = empty(&sandbox);
        for (script, exit) in [
            ("exit 0", CommandExit::Code(0)),
            ("exit 3", CommandExit::Code(3)),
            ("kill -TERM $$", CommandExit::Signal(libc::SIGTERM)),
            ("kill -KILL $$", CommandExit::Signal(libc::SIGKILL)),
        ] {
            let outcome = run(&sandbox, &folder, &SandboxCommand::shell(script)).await;
            assert_eq!((outcome.exit, outcome.stopped_by), (Some(exit), None), "{script}");
        }
        let input = "line\n".repeat(50_000);
        let command = SandboxCommand {
            stdin: input.clone().into_bytes(),
            ..SandboxCommand::shell("wc -c | tr -d ' '; echo problem >&2")
        };
        let outcome = run(&sandbox, &folder, &command).await;
        assert_eq!(outcome.stdout.text, format!("{}\n", input.len()));
        assert_eq!(outcome.stderr.text, "problem\n");
    }
}

#[tokio::test]
async fn python_and_git_work() {
    for sandbox in reachable().await {
        let folder = empty(&sandbox);
        if has_python() {
            let script = "import json, subprocess, tempfile, threading\n\
                          open('made.txt', 'w').write('x')\n\
                          t = threading.Thread(target=lambda: None); t.start(); t.join()\n\
                          print(json.dumps([6 * 7, subprocess.check_output(['echo', 'child']).decode()]))";
            let outcome = run(&sandbox, &folder, &SandboxCommand::new(PYTHON, ["-c", script])).await;
            assert_eq!(outcome.stdout.text, "[42, \"child\\n\"]\n", "{outcome:?}");
        }
        let has_git = ["/usr/bin/git", "/usr/local/bin/git"].iter().any(|git| fs::metadata(git).is_ok());
        if has_git {
            let script = "git init -q . && echo a > f && git add f && \
                          git -c user.name=n -c user.email=e commit -qm first && git log --format=%s";
            let outcome = run(&sandbox, &empty(&sandbox), &SandboxCommand::shell(script)).await;
            assert_eq!(outcome.stdout.text, "first\n", "{outcome:?}");
        }
    }
}

#[tokio::test]
async fn only_the_variables_that_were_handed_over_are_there() {
    for sandbox in reachable().await {
        let mut command = SandboxCommand::new("env", [""; 0]);
        command.env.insert("TASK".into(), "seven".into());
        let outcome = run(&sandbox, &empty(&sandbox), &command).await;
        let mut names: Vec<&str> =
            outcome.stdout.text.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!(names, ["HOME", "LANG", "PATH", "TASK", "TMPDIR"]);
        assert!(outcome.stdout.text.contains("TASK=seven\n"));
    }
}

#[tokio::test]
async fn the_original_is_untouched_and_changes_are_listed() {
    let original = tempfile::tempdir().unwrap();
    for (name, text) in [("kept", "k"), ("changed", "c"), ("removed", "r"), ("tool.sh", "exit 0")] {
        fs::write(original.path().join(name), text).unwrap();
    }
    fs::create_dir(original.path().join("folder")).unwrap();
    std::os::unix::fs::symlink("kept", original.path().join("link")).unwrap();
    let set_user_id = fs::Permissions::from_mode(0o4755);
    fs::set_permissions(original.path().join("tool.sh"), set_user_id).unwrap();
    for sandbox in reachable().await {
        let folder = sandbox.folder(Some(original.path()), &SandboxLimits::default()).unwrap();
        assert_eq!(folder.changes().unwrap(), []);
        let mode = fs::metadata(folder.path().join("tool.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o755, "the set-user-id bit is not copied");
        let script = "set -e; echo new > changed; rm removed; echo x > folder/added; cat link";
        let outcome = run(&sandbox, &folder, &SandboxCommand::shell(script)).await;
        assert!(outcome.is_success(), "{outcome:?}");
        let change = |path: &str, kind| FolderChange { path: path.into(), kind };
        let expected = [
            change("changed", ChangeKind::Modified),
            change("folder/added", ChangeKind::Added),
            change("removed", ChangeKind::Removed),
        ];
        assert_eq!(folder.changes().unwrap(), expected);
        // A second command sees what the first one did.
        let outcome = run(&sandbox, &folder, &SandboxCommand::shell("cat changed")).await;
        assert_eq!(outcome.stdout.text, "new\n");
        assert_eq!(fs::read_to_string(original.path().join("changed")).unwrap(), "c");
        assert!(original.path().join("removed").exists());
        assert!(!original.path().join("folder/added").exists());
    }
}

#[tokio::test]
async fn limits_stop_what_runs_away() {
    const MIB: u64 = 1024 * 1024;
    let short = SandboxLimits { wall_time_ms: 8_000, ..SandboxLimits::default() };
    let cases = [
        ("sleep 60", SandboxLimits { wall_time_ms: 300, ..short.clone() }, LimitReached::WallTime),
        ("while :; do :; done", SandboxLimits { cpu_seconds: 1, ..short.clone() }, LimitReached::CpuTime),
        ("exec yes", SandboxLimits { max_written_output_bytes: MIB, ..short.clone() }, LimitReached::Output),
        (
            "exec head -c 20000000 /dev/zero > big",
            SandboxLimits { max_file_bytes: MIB, ..short.clone() },
            LimitReached::FileSize,
        ),
        (
            "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; done",
            SandboxLimits { max_disk_bytes: 8 * MIB, ..short.clone() },
            LimitReached::Disk,
        ),
        (
            "cd $TMPDIR; i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero > f$i; done",
            SandboxLimits { max_disk_bytes: 8 * MIB, ..short.clone() },
            LimitReached::Disk,
        ),
    ];
    for sandbox in reachable().await {
        for (script, limits, expected) in cases.clone() {
            let started = Instant::now();
            let command = SandboxCommand { limits, ..SandboxCommand::shell(script) };
            let outcome = run(&sandbox, &empty(&sandbox), &command).await;
            assert_eq!(outcome.stopped_by, Some(expected), "{script}: {outcome:?}");
            assert!(started.elapsed() < Duration::from_secs(12), "{script}");
            assert!(outcome.stdout.text.len() < 70_000);
        }
        // The same commands within their limits are not stopped.
        let outcome = run(&sandbox, &empty(&sandbox), &SandboxCommand::shell("yes | head -c 100000")).await;
        assert_eq!(outcome.stopped_by, None);
        assert_eq!(outcome.stdout.written_bytes, 100_000);
        assert!(outcome.stdout.text.contains("bytes left out"));
    }
}

#[tokio::test]
async fn memory_and_processes_are_bounded() {
    if !has_python() {
        return;
    }
    const MIB: u64 = 1024 * 1024;
    // Says how much it could take, so that it is seen to have tried.
    let memory = "taken = []\n\
                  try:\n    while len(taken) < 400: taken.append(bytearray(b'x') * (1 << 20))\n\
                  except MemoryError: pass\n\
                  print('took', len(taken))";
    let bomb = "import os, time\n\
                made = 0\n\
                for _ in range(300):\n\
                \x20   try:\n\
                \x20       if os.fork() == 0:\n            time.sleep(30); os._exit(0)\n\
                \x20       made += 1\n\
                \x20   except OSError: break\n\
                print('made', made, flush=True)";
    for sandbox in reachable().await {
        let level = sandbox.report().level;
        let limits = SandboxLimits { max_memory_bytes: 100 * MIB, ..SandboxLimits::default() };
        let command = SandboxCommand { limits, ..SandboxCommand::new(PYTHON, ["-c", memory]) };
        let outcome = run(&sandbox, &empty(&sandbox), &command).await;
        let killed = outcome.stopped_by == Some(LimitReached::Memory);
        let refused = outcome
            .stdout
            .text
            .strip_prefix("took ")
            .is_some_and(|taken| taken.trim().parse::<u64>().is_ok_and(|taken| taken > 0 && taken < 100));
        assert!(killed || refused, "{level:?}: {outcome:?}");
        assert!(outcome.max_rss_bytes < 110 * MIB, "{level:?}: {outcome:?}");
        let roomy = SandboxLimits { max_memory_bytes: 1024 * MIB, ..SandboxLimits::default() };
        let command = SandboxCommand { limits: roomy, ..SandboxCommand::new(PYTHON, ["-c", memory]) };
        let outcome = run(&sandbox, &empty(&sandbox), &command).await;
        assert_eq!(outcome.stdout.text, "took 400\n", "{level:?}: {outcome:?}");

        let limits = SandboxLimits { max_processes: 20, ..SandboxLimits::default() };
        let command = SandboxCommand { limits, ..SandboxCommand::new(PYTHON, ["-c", bomb]) };
        let started = Instant::now();
        let outcome = run(&sandbox, &empty(&sandbox), &command).await;
        let made = outcome.stdout.text.strip_prefix("made ").and_then(|made| made.trim().parse::<u64>().ok());
        assert!(made.is_some_and(|made| (5..=40).contains(&made)), "{level:?}: {outcome:?}");
        assert!(started.elapsed() < Duration::from_secs(10), "the sleeping children died with it");
    }
}

#[tokio::test]
async fn dropping_the_future_ends_the_command() {
    for sandbox in reachable().await {
        let folder = empty(&sandbox);
        let late = "echo started > begun; sleep 0.7; echo late > late";
        let command = SandboxCommand::shell(late);
        let waited = tokio::time::timeout(Duration::from_millis(300), sandbox.run(&folder, &command));
        assert!(waited.await.is_err());
        assert!(folder.path().join("begun").exists());
        tokio::time::sleep(Duration::from_millis(1_000)).await;
        assert!(!folder.path().join("late").exists(), "{:?}", sandbox.report().level);
    }
}

#[tokio::test]
async fn a_missing_guarantee_fails_closed_and_names_itself() {
    let policy = SandboxPolicy { at_most: Some(SandboxLevel::Seccomp), ..SandboxPolicy::default() };
    match LinuxSandbox::open(policy).await {
        Err(error @ SandboxError::GuaranteeMissing { .. }) => {
            let text = error.to_string();
            assert!(text.contains("NoHostFiles") && text.contains("to get it: "), "{text}");
            assert!(!text.contains("NoNetwork"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    let required = [Guarantee::PidIsolation].into();
    let policy =
        SandboxPolicy { required, at_most: Some(SandboxLevel::Landlock), ..SandboxPolicy::default() };
    assert!(LinuxSandbox::open(policy).await.is_err());
}

#[tokio::test]
async fn the_report_is_data() {
    for sandbox in reachable().await {
        let text = serde_json::to_string(sandbox.report()).unwrap();
        assert_eq!(&serde_json::from_str::<SandboxReport>(&text).unwrap(), sandbox.report());
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_that_names_it() {
    for sandbox in reachable().await {
        let command = SandboxCommand::new("no-such-program", [""; 0]);
        let error = sandbox.run(&empty(&sandbox), &command).await.unwrap_err();
        assert!(
            matches!(&error, SandboxError::Start { program, .. } if program == "no-such-program"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_folder_over_the_limit_is_not_copied() {
    let source = tempfile::tempdir().unwrap();
    fs::write(source.path().join("large"), vec![0; 5_000]).unwrap();
    let limits = SandboxLimits { max_disk_bytes: 4_000, ..SandboxLimits::default() };
    let error = nex_tools::SandboxFolder::new(Some(source.path()), &limits).unwrap_err();
    assert!(error.to_string().contains("more than 4000 bytes"), "{error}");
}

/// Root is given up in any folder, whoever made it.
#[tokio::test]
async fn no_command_runs_as_root() {
    for sandbox in reachable().await {
        let limits = SandboxLimits::default();
        let folders =
            [sandbox.folder(None, &limits).unwrap(), nex_tools::SandboxFolder::new(None, &limits).unwrap()];
        for folder in folders {
            // In a user namespace the command is its own root; outside of it files say who it is.
            let outcome = run(&sandbox, &folder, &SandboxCommand::shell("echo x > made_here")).await;
            assert!(outcome.is_success(), "{outcome:?}");
            let made = fs::metadata(folder.path().join("made_here")).unwrap();
            assert_ne!(std::os::unix::fs::MetadataExt::uid(&made), 0, "{:?}", sandbox.report().level);
        }
    }
}

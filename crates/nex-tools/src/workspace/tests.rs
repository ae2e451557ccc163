use super::*;
use crate::{CallContext, ToolLimits, Toolbox};
use expect_test::{Expect, expect};
use nex_trajectory::{Arguments, ToolCall};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;
use std::sync::Arc;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn fixture() -> (TempDir, Arc<Workspace>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = dir.path().join("ws");
    std::fs::create_dir_all(root.join("docs/deep")).expect("directories");
    std::fs::write(dir.path().join("secret.txt"), "secret").expect("a file outside");
    std::fs::write(root.join("a.txt"), "one\ntwo\nthree\n").expect("a file");
    std::fs::write(root.join("docs/b.md"), "# Two\nüber two\n").expect("a file");
    std::fs::write(root.join("docs/deep/c.md"), b"caf\xe9 two\n").expect("a file");
    std::fs::write(root.join("bin"), b"\0\x01two").expect("a file");
    symlink("../secret.txt", root.join("link.txt")).expect("a link");
    symlink("..", root.join("up")).expect("a link");
    let fifo = c_name(root.join("fifo").to_str().expect("UTF-8")).expect("no NUL");
    // SAFETY: the path is NUL-terminated.
    assert_eq!(unsafe { libc::mkfifo(fifo.as_ptr(), 0o644) }, 0);
    let limits = WorkspaceLimits { max_file_bytes: 1000, ..WorkspaceLimits::default() };
    let workspace = Arc::new(Workspace::open(&root, limits).expect("the root is a directory"));
    (dir, workspace)
}

async fn answers(workspace: &Arc<Workspace>, calls: &[(&str, Value)], expected: Expect) {
    let toolbox = Toolbox::new(workspace_tools(workspace), ToolLimits::default()).expect("names differ");
    let cancel = CancellationToken::new();
    let context = CallContext { session: "s", call_id: "", cancel: &cancel };
    let mut found = String::new();
    for (name, arguments) in calls {
        let call =
            ToolCall { id: "c".into(), name: (*name).into(), arguments: Arguments::from_value(arguments) };
        let outcome = toolbox.call(&call, &context).await;
        assert_eq!(outcome.failure, None);
        let mark = if outcome.result.is_error { "!" } else { "=" };
        found.push_str(&format!("{mark} {}\n", outcome.result.text()));
        for defect in outcome.defects {
            found.push_str(&format!("  defect {:?}\n", defect.kind));
        }
    }
    expected.assert_eq(&found);
}

#[tokio::test]
async fn reads_lists_and_finds() {
    let (_dir, workspace) = fixture();
    let calls = [
        ("read_file", json!({"file_path": "a.txt"})),
        ("read_file", json!({"file_path": "./a.txt", "offset": 1, "limit": 1})),
        ("read_file", json!({"file_path": "a.txt", "offset": 7})),
        ("read_file", json!({"file_path": "docs/deep/c.md"})),
        ("read_file", json!({"file_path": "bin"})),
        ("list_directory", json!({"dir_path": "."})),
        ("list_directory", json!({"dir_path": "docs", "ignore": ["*.md"]})),
        ("glob", json!({"pattern": "**/*.md"})),
        ("glob", json!({"pattern": "*.md", "dir_path": "docs/deep"})),
        ("glob", json!({"pattern": "deep/*", "dir_path": "docs"})),
        ("glob", json!({"pattern": "*.rs"})),
        ("search_file_content", json!({"pattern": "(?i)two"})),
        ("search_file_content", json!({"pattern": "two", "include": "*.txt"})),
        ("search_file_content", json!({"pattern": "(two"})),
    ];
    answers(
        &workspace,
        &calls,
        expect![[r#"
        = one
        two
        three

        = two
        [lines 1 to 1 of 3; go on with offset 2]
        ! `a.txt` has 3 lines; offset 7 is beyond the last
        = caf� two

          defect InvalidUtf8
        ! `bin` is a binary file of 5 bytes, not text
        = a.txt  (14 bytes)
        bin  (5 bytes)
        docs/
        fifo  (no regular file)
        link.txt  (link, not followed)
        up  (link, not followed)
        = deep/
        = docs/b.md
        docs/deep/c.md
        = docs/deep/c.md
        = docs/deep/c.md
        = no file fits `*.rs`
        = a.txt:2: two
        docs/b.md:1: # Two
        docs/b.md:2: über two
        docs/deep/c.md:1: caf� two
        [1 binary, unreadable or oversized files were not searched]
          defect InvalidUtf8
        = a.txt:2: two
        ! `(two` is no regular expression that can be used: error: unclosed group
    "#]],
    )
    .await;
}

#[tokio::test]
async fn writes_and_replaces() {
    let (_dir, workspace) = fixture();
    let calls = [
        ("write_file", json!({"file_path": "new/x/y.txt", "content": "a b a"})),
        ("write_file", json!({"file_path": "new/x/y.txt", "content": "a b a\n"})),
        ("replace", json!({"file_path": "new/x/y.txt", "old_string": "a", "new_string": "c"})),
        (
            "replace",
            json!({"file_path": "new/x/y.txt", "old_string": "a", "new_string": "c", "expected_replacements": 2}),
        ),
        ("read_file", json!({"file_path": "new/x/y.txt"})),
        ("replace", json!({"file_path": "new/x/y.txt", "old_string": "zzz", "new_string": "c"})),
        ("replace", json!({"file_path": "docs/deep/c.md", "old_string": "two", "new_string": "c"})),
        ("write_file", json!({"file_path": "big", "content": "x".repeat(1001)})),
        ("write_file", json!({"file_path": "docs", "content": ""})),
        ("write_file", json!({"file_path": "a.txt/b", "content": ""})),
        ("list_directory", json!({"dir_path": "new/x"})),
    ];
    answers(&workspace, &calls, expect![[r#"
        = made `new/x/y.txt`: 5 bytes, 1 lines
        = replaced `new/x/y.txt`: 6 bytes, 1 lines
        ! `new/x/y.txt` holds `old_string` 2 times, expected 1; nothing was changed. Include more of the surroundings, or set expected_replacements.
        = replaced 2 times in `new/x/y.txt`
        = c b c

        ! `new/x/y.txt` holds `old_string` 0 times, expected 1; nothing was changed. Read the file again and copy the text exactly, with its white space.
        ! `docs/deep/c.md` is not UTF-8 text, so it cannot be edited
        ! `big` has 1001 bytes, more than the 1000 that can be handled
        ! `docs` is a directory, not a regular file
        ! `a.txt` is a file, not a directory
        = y.txt  (6 bytes)
    "#]]).await;
}

#[tokio::test]
async fn nothing_leads_out() {
    let (dir, workspace) = fixture();
    let long = "d/".repeat(3000);
    let longer_name = "n".repeat(256);
    let paths = [
        "../secret.txt",
        "docs/../../secret.txt",
        "/etc/passwd",
        "link.txt",
        "up/secret.txt",
        "up",
        "fifo",
        "nul\0",
        "",
        ".",
        "docs/",
        "none",
        "none/deeper",
        &long,
        &longer_name,
    ];
    let calls: Vec<_> = paths.iter().map(|path| ("read_file", json!({"file_path": path}))).collect();
    answers(&workspace, &calls, expect![[r#"
        ! `../secret.txt` leaves the workspace through `..`; only paths inside it can be used
        ! `docs/../../secret.txt` leaves the workspace through `..`; only paths inside it can be used
        ! `/etc/passwd` is an absolute path; give one relative to the workspace, such as `notes/plan.md`
        ! `link.txt` goes through a symbolic link at `link.txt`; links are not followed
        ! `up/secret.txt` goes through a symbolic link at `up`; links are not followed
        ! `up` goes through a symbolic link at `up`; links are not followed
        ! `fifo` is a pipe, not a regular file
        ! `nul\0` is no usable path: it contains a NUL
        ! `` is a directory, not a regular file
        ! `.` is a directory, not a regular file
        ! `docs/` is a directory, not a regular file
        ! `none` does not exist
        ! `none/deeper` does not exist
        ! `d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/d/` is no usable path: it is longer than 4096 bytes
        ! `nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn` is no usable path: one of its names is longer than 255 bytes
    "#]]).await;
    for path in paths {
        assert!(workspace.write(path, b"owned").is_err() || path.starts_with("none"), "{path}");
    }
    let walked = workspace.walk(".").expect("the root can be walked");
    assert!(walked.entries.iter().all(|entry| !entry.name.contains("secret")));
    let outside = std::fs::read_to_string(dir.path().join("secret.txt")).expect("still there");
    assert_eq!(outside, "secret");
    let outside = std::fs::read_dir(dir.path()).expect("listed").count();
    assert_eq!(outside, 2, "nothing was made beside the workspace");
}

/// A directory that is swapped for a link while it is used never leads out.
#[test]
fn a_swapped_directory_does_not_lead_out() {
    let (dir, workspace) = fixture();
    let root = workspace.root().to_owned();
    std::fs::create_dir(root.join("swap")).expect("a directory");
    std::fs::write(root.join("swap/secret.txt"), "inside").expect("a file");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let _ = std::fs::rename(root.join("swap"), root.join("away"));
                let _ = symlink(dir.path(), root.join("swap"));
                let _ = std::fs::remove_file(root.join("swap"));
                let _ = std::fs::rename(root.join("away"), root.join("swap"));
            }
        });
        for _ in 0..20_000 {
            if let Ok(bytes) = workspace.read("swap/secret.txt") {
                assert_eq!(bytes, b"inside");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn files_are_removed_and_directories_made_inside_only() {
    let (dir, workspace) = fixture();
    workspace.remove("docs/b.md").expect("a regular file");
    assert!(!workspace.root().join("docs/b.md").exists());
    for path in ["docs/b.md", "docs", "link.txt", "fifo", "up/secret.txt", "../secret.txt", "/etc/hostname"] {
        assert!(workspace.remove(path).is_err(), "{path}");
    }
    assert!(dir.path().join("secret.txt").exists());
    workspace.make_directory("docs/new/deep").expect("a new directory");
    workspace.make_directory("docs/new").expect("one that is there");
    assert!(workspace.root().join("docs/new/deep").is_dir());
    for path in ["up/out", "../out", "a.txt/below", "/tmp/out"] {
        assert!(workspace.make_directory(path).is_err(), "{path}");
    }
    assert!(!dir.path().join("out").exists());
}

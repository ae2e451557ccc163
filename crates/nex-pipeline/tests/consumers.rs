//! The exports as their readers' own code reads them.
//!
//! `scripts/install-peers` installs the readers; without them these tests fail, unless
//! `NEX_SKIP_PEERS=1`. Those that need PyTorch (5 GB) are installed by `scripts/install-peers
//! --with-torch` only, and their tests say so where it is missing. Each script also feeds its
//! reader a broken row and sees it refused.

mod support;

use nex_pipeline::export::{ExportOptions, ExportTarget};
use nex_pipeline::recipe::Keep;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{episodes, export, target};

/// Exports `targets` and runs `script` on them with the Python of the environment `venv`.
fn check(venv: &str, script: &str, targets: &[&str]) {
    let Some(python) = python(venv) else { return };
    let dir = tempfile::tempdir().unwrap();
    for name in targets {
        let target = target(name);
        export(&target, episodes(), Keep::Scored, &dir.path().join(target.file_name()));
    }
    if targets.contains(&"atif") {
        let options = ExportOptions { file_each: true, ..ExportOptions::default() };
        let target = ExportTarget::by_name("atif", &options).unwrap();
        export(&target, episodes(), Keep::Scored, &dir.path().join("atif"));
    }
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/consumers");
    let output = Command::new(python)
        .arg(scripts.join(script))
        .arg(dir.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HF_HOME", dir.path().join("hf"))
        .env("HF_HUB_OFFLINE", "1")
        .env("HF_DATASETS_OFFLINE", "1")
        .env("MODELSCOPE_CACHE", dir.path().join("modelscope"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{script}: {}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The Python of an environment; `None` where it may be missing.
fn python(venv: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/peers");
    let peers = std::env::var_os("NEX_PEERS").map_or(beside, PathBuf::from);
    let python = peers.join("v").join(venv).join("bin/python");
    if python.exists() {
        return Some(python);
    }
    let needs_torch = venv.starts_with("torch-");
    assert!(
        needs_torch || std::env::var_os("NEX_SKIP_PEERS").is_some(),
        "{} is missing: run scripts/install-peers, or set NEX_SKIP_PEERS=1",
        python.display()
    );
    let _ = writeln!(std::io::stderr(), "not checked: {venv} is not installed");
    None
}

#[test]
fn trl() {
    check("trainers", "trl_reads.py", &["trl", "trl-turns", "trl-tokens"]);
}

#[test]
fn skyrl() {
    check("trainers", "skyrl_reads.py", &["skyrl"]);
}

#[test]
fn atropos() {
    check("trainers", "atropos_reads.py", &["atropos"]);
}

#[test]
fn harbor() {
    check("harbor", "harbor_reads.py", &["atif"]);
}

#[test]
fn verifiers() {
    check("verifiers", "verifiers_reads.py", &["verifiers"]);
}

#[test]
fn verl() {
    check("torch-readers", "verl_reads.py", &["verl-sft", "verl-rl"]);
}

#[test]
fn llama_factory() {
    check("torch-readers", "llama_factory_reads.py", &["llama-factory"]);
}

#[test]
fn ms_swift() {
    check("torch-readers", "ms_swift_reads.py", &["ms-swift"]);
}

//! [`UserRepository`]: anybody's repository with a test command, as a source of tasks.
//!
//! In: a folder and commands that succeed in it. Out: tasks, each with a bug in one of its programs
//! that makes at least one command fail. Invariants: the folder is only read; its code runs in the
//! sandbox only; a command that fails before any mutation is named.

use super::draw::{self, Source, Tally};
use super::repository::Repository;
use super::{CODE_PYTHON, CodeDials, CodeWorld};
use crate::CodeError;
use crate::workbench::{CodeLanguage, Probe, wait_for};
use nex_world::Language;
use nex_world::task::{Dials, Task};
use rand::seq::IndexedRandom;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders that hold no source.
const SKIPPED: [&str; 9] =
    [".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", "target", ".tox", ".mypy_cache"];
const MAX_FILE_BYTES: u64 = 512 * 1024;
const MAX_FILES: usize = 500;
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// CPU time of a test command.
const CPU_MS: u64 = 20_000;

/// A repository and the commands that test it.
#[derive(Clone, Debug)]
pub struct UserRepository {
    path: PathBuf,
    files: BTreeMap<String, String>,
    tests: Vec<String>,
    withheld: BTreeMap<String, String>,
    commands: Vec<String>,
}

impl UserRepository {
    /// Reads the repository at `path`. Each of `commands` is run by `/bin/sh` at its root and must
    /// succeed. Files whose path begins with one of `hidden` are kept from the agents, but not from
    /// the commands that judge them.
    ///
    /// # Errors
    /// The folder cannot be read, holds too much, no program, or no command is given.
    pub fn read(path: &Path, commands: &[String], hidden: &[String]) -> Result<Self, CodeError> {
        let shown = path.display().to_string();
        let wrong = |cause: String| CodeError::Repository { path: shown.clone(), cause };
        if commands.is_empty() {
            return Err(wrong("no test command is given; a bug is what makes one fail".to_owned()));
        }
        let mut files = BTreeMap::new();
        read_folder(path, "", &mut files)?;
        if files.len() > MAX_FILES || files.values().map(String::len).sum::<usize>() > MAX_BYTES {
            let cause =
                format!("it holds more than {MAX_FILES} text files or {MAX_BYTES} bytes; give a part of it");
            return Err(wrong(cause));
        }
        let mut withheld = BTreeMap::new();
        files.retain(|path: &String, text: &mut String| {
            let is_hidden = hidden.iter().any(|prefix| path.starts_with(prefix.as_str()));
            if is_hidden {
                withheld.insert(path.clone(), std::mem::take(text));
            }
            !is_hidden
        });
        let tests: Vec<String> = files.keys().filter(|path| is_test(path)).cloned().collect();
        let repository = Self { path: path.to_owned(), files, tests, withheld, commands: commands.to_vec() };
        if repository.targets().is_empty() {
            return Err(wrong("it holds no *.py, *.sh or *.awk file that is no test".to_owned()));
        }
        Ok(repository)
    }

    /// A task in it: one bug. Runs the sandbox on a thread of its own and waits for it.
    ///
    /// `world` lends its sandbox; a test run may need more guarantees lifted than a task of ours.
    ///
    /// # Errors
    /// A command fails before any mutation, no mutation is noticed by the commands, or there is no
    /// sandbox.
    pub fn generate_task(
        &self,
        world: &CodeWorld,
        seed: u64,
        dials: &Dials,
        language: Language,
    ) -> Result<(Task, Tally), CodeError> {
        wait_for(self.generate(world, seed, dials, language))
    }

    /// The same without a thread.
    ///
    /// # Errors
    /// As of [`UserRepository::generate_task`].
    pub async fn generate(
        &self,
        world: &CodeWorld,
        seed: u64,
        dials: &Dials,
        language: Language,
    ) -> Result<(Task, Tally), CodeError> {
        let mut rng = draw::rng(&self.path.display().to_string(), seed, dials, language);
        let targets = self.targets();
        let target = targets.choose(&mut rng).map_or("", |path| path.as_str());
        let probe = |code: &String| Probe { module: String::new(), code: code.clone() };
        let mut files = self.files.clone();
        files.extend(self.withheld.clone());
        let repository = Repository {
            runner: CodeLanguage::Shell,
            files,
            tests: self.tests.clone(),
            withheld: self.withheld.clone(),
            target: target.to_owned(),
            about: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            probes: self.commands.iter().map(probe).collect(),
            other_probes: Vec::new(),
            is_exit_only: true,
            cpu_ms: CPU_MS,
            min_failing: 1,
        };
        // One bug: whether a second is noticed cannot be told from exit codes. The commands are no
        // public unit tests that could be named one by one.
        let code_dials = CodeDials { bugs: 1, failing_test: None, examples: 1, ..CodeDials::of(dials) };
        let source =
            Source { world: CODE_PYTHON, repository: &repository, seed, dials, code_dials, language };
        source.draw(world.bench(), &mut rng).await
    }

    fn targets(&self) -> Vec<&String> {
        let is_program = |path: &str| [".py", ".sh", ".awk"].iter().any(|ending| path.ends_with(ending));
        let is_set_up =
            |path: &str| ["setup.py", "conftest.py", "__init__.py"].iter().any(|name| path.ends_with(name));
        self.files.keys().filter(|path| is_program(path) && !is_test(path) && !is_set_up(path)).collect()
    }
}

/// Whether a file belongs to the tests, by its name or its folder.
fn is_test(path: &str) -> bool {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_tests = folders.split('/').any(|folder| ["test", "tests", "testing"].contains(&folder));
    let stem = name.split('.').next().unwrap_or(name);
    in_tests || stem.starts_with("test_") || stem.ends_with("_test") || name == "conftest.py"
}

fn read_folder(root: &Path, below: &str, files: &mut BTreeMap<String, String>) -> Result<(), CodeError> {
    let folder = root.join(below);
    let at = |cause| CodeError::File { path: folder.display().to_string(), cause };
    for entry in std::fs::read_dir(&folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        // Links are left out: they may lead anywhere.
        let kind = entry.file_type().map_err(at)?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            read_folder(root, &path, files)?;
        } else if kind.is_file()
            && entry.metadata().map_err(at)?.len() <= MAX_FILE_BYTES
            && let Ok(text) = std::fs::read_to_string(entry.path())
        {
            files.insert(path, text);
        }
        if files.len() > MAX_FILES {
            break;
        }
    }
    Ok(())
}

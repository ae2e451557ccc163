//! [`Workbench`]: the sandbox of a world, opened once, and the two Python programs that run in it.
//!
//! In: jobs as data. Out: what came of them. Invariant: it fails closed; without the guarantees that
//! its policy requires nothing is run.

use crate::CodeError;
use nex_tools::sandbox::{CommandExit, SandboxLimits, SandboxReport};
use nex_tools::{LinuxSandbox, Sandbox, SandboxCommand, SandboxFolder, SandboxPolicy};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use tokio::sync::OnceCell;

const MUTATE: &str = include_str!("../helpers/mutate.py");
const RUN: &str = include_str!("../helpers/run.py");
/// No site packages, no variables, no compiled files: nothing runs but what is named.
const PYTHON_FLAGS: [&str; 4] = ["-I", "-S", "-B", "-c"];

/// The language of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeLanguage {
    /// Python, standard library only.
    Python,
    /// Shell and awk.
    Shell,
}

/// The sandbox of a world. Clones share it.
#[derive(Clone, Default)]
pub struct Workbench {
    policy: SandboxPolicy,
    sandbox: Arc<OnceCell<Arc<LinuxSandbox>>>,
    has_python: Arc<OnceCell<()>>,
}

impl std::fmt::Debug for Workbench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workbench").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// One input whose outcome tells right code from wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The module whose names it uses; empty in shell.
    pub module: String,
    /// Python statements, the last of which is an expression; or a command line.
    pub code: String,
}

/// A repository in some variants, and what is to be run in each.
#[derive(Clone, Debug, Serialize)]
pub struct Job<'a> {
    /// What it is written in.
    pub language: CodeLanguage,
    /// Path to text.
    pub files: &'a BTreeMap<String, String>,
    /// Files that differ, for each variant.
    pub variants: Vec<BTreeMap<String, String>>,
    /// The inputs.
    pub probes: &'a [Probe],
    /// Whether the public tests are run too.
    pub tests: bool,
    /// Whether only the exit code of a command is its outcome.
    pub exit_only: bool,
    /// CPU time of each test and probe.
    pub cpu_ms: u64,
    /// Time of each variant.
    pub wall_ms: u64,
    /// Whether the repository is the working folder itself.
    pub here: bool,
}

/// What one variant did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantRun {
    /// Why it cannot be built, if it cannot.
    pub build: Option<String>,
    /// Public tests by name, with what went wrong.
    pub tests: BTreeMap<String, Option<String>>,
    /// What each probe gave; empty if the variant ended the run.
    pub probes: Vec<String>,
}

#[derive(Deserialize)]
struct JobAnswer {
    variants: Vec<VariantRun>,
}

/// A mutation of source text as `mutate.py` lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutation {
    /// `boundary`, `off_by_one`, `arithmetic` …
    pub operator: String,
    /// First byte that is replaced.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// What stands there instead.
    pub new: String,
    /// Its line, from 1.
    pub line: usize,
    /// The function or class it lies in; empty where there is none.
    pub function: String,
}

impl Mutation {
    /// `source` with the mutation; `None` if it does not fit.
    pub fn apply(&self, source: &str) -> Option<String> {
        Some(format!("{}{}{}", source.get(..self.start)?, self.new, source.get(self.end..)?))
    }
}

impl Workbench {
    /// A workbench whose sandbox must satisfy `policy`; it is opened when first needed.
    pub fn new(policy: SandboxPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// The sandbox.
    ///
    /// # Errors
    /// It lacks a guarantee that the policy requires; asked again, it is tried again.
    pub async fn sandbox(&self) -> Result<&Arc<LinuxSandbox>, CodeError> {
        let open = || async { LinuxSandbox::open(self.policy.clone()).await.map(Arc::new) };
        Ok(self.sandbox.get_or_try_init(open).await?)
    }

    /// What holds in the sandbox.
    ///
    /// # Errors
    /// As of [`Workbench::sandbox`].
    pub async fn report(&self) -> Result<&SandboxReport, CodeError> {
        Ok(self.sandbox().await?.report())
    }

    /// An empty folder.
    ///
    /// # Errors
    /// The sandbox cannot be had, or the disk does not take it.
    pub async fn folder(&self) -> Result<SandboxFolder, CodeError> {
        Ok(self.sandbox().await?.folder(None, &SandboxLimits::default())?)
    }

    /// The single mutations of Python source, in its order.
    ///
    /// # Errors
    /// The sandbox or Python cannot be had, or the source cannot be read.
    pub async fn mutations(&self, source: &str) -> Result<Vec<Mutation>, CodeError> {
        let folder = self.folder().await?;
        let input = json!({ "source": source }).to_string();
        let limits = SandboxLimits { max_output_bytes: 16 * 1024 * 1024, ..SandboxLimits::default() };
        self.python(&folder, "the mutator", MUTATE, input, limits).await
    }

    /// Runs `job` in a fresh folder.
    ///
    /// # Errors
    /// The sandbox or Python cannot be had, or the runner itself was stopped.
    pub async fn run(&self, job: &Job<'_>) -> Result<Vec<VariantRun>, CodeError> {
        let folder = self.folder().await?;
        self.run_in(&folder, job).await
    }

    /// Runs `job` in `folder`.
    ///
    /// # Errors
    /// As of [`Workbench::run`].
    pub async fn run_in(&self, folder: &SandboxFolder, job: &Job<'_>) -> Result<Vec<VariantRun>, CodeError> {
        let wanted = if job.here { 1 } else { job.variants.len() };
        let wall_time_ms = 10_000 + job.wall_ms * wanted as u64;
        let limits = SandboxLimits {
            wall_time_ms,
            cpu_seconds: wall_time_ms / 1000,
            max_output_bytes: 16 * 1024 * 1024,
            ..SandboxLimits::default()
        };
        let input = serde_json::to_string(job)
            .map_err(|cause| CodeError::Runner { part: "the job", cause: cause.to_string() })?;
        let answer: JobAnswer = self.python(folder, "the test runner", RUN, input, limits).await?;
        let mut variants = answer.variants;
        if variants.len() != wanted {
            let cause = format!("{} variants in place of {wanted}", variants.len());
            return Err(CodeError::Runner { part: "the test runner", cause });
        }
        for variant in &mut variants {
            // A variant that wrote its answer itself may have left something out.
            variant.probes.resize(job.probes.len(), "no outcome".to_owned());
        }
        Ok(variants)
    }

    async fn python<T: serde::de::DeserializeOwned>(
        &self,
        folder: &SandboxFolder,
        part: &'static str,
        program: &str,
        input: String,
        limits: SandboxLimits,
    ) -> Result<T, CodeError> {
        self.has_python.get_or_try_init(|| self.try_python()).await?;
        let args = PYTHON_FLAGS.into_iter().chain([program]);
        let command = SandboxCommand { stdin: input.into_bytes(), limits, ..python(args) };
        let outcome = self.sandbox().await?.run(folder, &command).await?;
        serde_json::from_str(&outcome.stdout.text).map_err(|cause| {
            let said = outcome.stderr.text.lines().last().unwrap_or_default();
            let cause = format!("{cause}; {:?}, {:?}; {said}", outcome.exit, outcome.stopped_by);
            CodeError::Runner { part, cause }
        })
    }

    async fn try_python(&self) -> Result<(), CodeError> {
        let folder = self.folder().await?;
        let command =
            python(PYTHON_FLAGS.into_iter().chain(["import sys; sys.exit(sys.version_info < (3, 9))"]));
        let cause = match self.sandbox().await?.run(&folder, &command).await {
            Ok(outcome) if outcome.is_success() => return Ok(()),
            Ok(outcome) if outcome.exit == Some(CommandExit::Code(1)) && outcome.stderr.text.is_empty() => {
                "it is older than 3.9".to_owned()
            }
            Ok(outcome) => format!("{:?}: {}", outcome.exit, outcome.stderr.text.trim()),
            Err(cause) => cause.to_string(),
        };
        Err(CodeError::Python { cause })
    }
}

/// Lets commands enter `folder` again, should an earlier one have closed it: a closed door must not
/// look like a failure of the surroundings.
pub(crate) fn reopen(folder: &SandboxFolder) {
    // Where this is not allowed, nobody can have closed it.
    let _ = std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755));
}

fn python<'a>(args: impl Iterator<Item = &'a str>) -> SandboxCommand {
    SandboxCommand::new("python3", args)
}

/// Waits for `future` on a thread of its own, from wherever it is called.
pub(crate) fn wait_for<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime of one thread can be had").block_on(future)
        });
        waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

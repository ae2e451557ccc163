//! `nex synth`: a recipe becomes a run folder with dataset and report; and what `nex demo` shares.

use super::progress::RolloutProgress;
use crate::args::SynthArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::terminal::{Tint, print, tell, tint};
use crate::{interrupt, models};
use nex_gym::rollout::RolloutControl;
use nex_gym::{Driver, Expert, ExpertDials, SharedModel};
use nex_pipeline::recipe::Recipe;
use nex_pipeline::synthesis::Exported;
use nex_pipeline::{PipelineError, Synthesis};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Runs the recipe of `args`.
pub(crate) fn run(args: SynthArgs) -> Outcome {
    let recipe = Recipe::load(&args.recipe).map_err(told)?;
    make(recipe, &args.out, args.limit).map(drop)
}

/// Carries a run from wherever it is to its report, and gives the report's path.
pub(crate) fn make(recipe: Recipe, out: &Path, limit: Option<u64>) -> Result<PathBuf, Failure> {
    let driver = open_driver(&recipe)?;
    let synthesis = Synthesis::open(recipe, out, server_command()?).map_err(told)?;
    let recipe = synthesis.recipe();
    let frameworks = synthesis.plan().frameworks.len();
    let has_builtin = synthesis.plan().has_builtin_harnesses();
    let harnesses = match (frameworks, has_builtin) {
        (0, _) => format!("harnesses {}", recipe.harnesses.join(", ")),
        (count, false) => format!("{count} frameworks"),
        (count, true) => format!("harnesses {} and {count} frameworks", recipe.harnesses.join(", ")),
    };
    tell(format!(
        "{} {}: {} episodes in {} worlds, {harnesses}, driver {}{}",
        tint(Tint::Strong, "run"),
        out.display(),
        recipe.episodes,
        synthesis.plan().worlds.len(),
        recipe.driver,
        if recipe.driver == "expert" { " (built in, not a language model)" } else { "" },
    ));
    synthesis.write_frameworks().map_err(told)?;
    let tasks = synthesis.make_tasks(&|_| {}).map_err(told)?;
    tell(format!("{} tasks in {}", synthesis.plan().tasks.len(), synthesis.folder().tasks_path().display()));

    let runtime = runtime()?;
    let summary = runtime.block_on(async {
        let drain = interrupt::cancel_on_signal("episodes under way are finished, then it stops");
        let control = RolloutControl { drain, ..RolloutControl::default() };
        let mut shown = RolloutProgress::new(recipe.episodes);
        let summary = synthesis.execute(tasks, driver, limit, &control, &mut shown).await.map_err(told)?;
        shown.finish(&summary.progress);
        Ok::<_, Failure>(summary)
    })?;
    runtime.shutdown_timeout(std::time::Duration::from_secs(10));

    let exported = synthesis.export().map_err(told)?;
    let report = nex_view::write_report(synthesis.folder().root()).map_err(Failure::surroundings)?;
    tell_exported(&synthesis, &exported);
    print(report.display().to_string());
    if summary.was_stopped {
        let message = format!("stopped before the end; the same command goes on in {}", out.display());
        return Err(Failure::new(Code::Interrupted, message));
    }
    Ok(report)
}

fn tell_exported(synthesis: &Synthesis, exported: &Exported) {
    for damage in &exported.damage {
        tell(format!("{} {damage}", tint(Tint::Doubtful, "warning:")));
    }
    for (name, report) in &exported.files {
        let path = synthesis.folder().dataset_dir().join(name);
        tell(format!("{:>7} rows  {}", report.samples, path.display()));
        for (reason, count) in &report.skipped {
            tell(format!("{:>7} left out: {reason}", count));
        }
    }
}

/// The command that serves a world over MCP on stdio: this program itself.
fn server_command() -> Result<Vec<String>, Failure> {
    let me = std::env::current_exe()
        .map_err(|e| Failure::surroundings(format!("cannot tell where this program is: {e}")))?;
    Ok(vec![me.display().to_string(), "world".to_owned(), "serve".to_owned()])
}

fn open_driver(recipe: &Recipe) -> Result<Arc<dyn Driver>, Failure> {
    let dials = ExpertDials {
        error_propagation: recipe.expert.error_propagation,
        shallow_exploration: recipe.expert.shallow_exploration,
        feedback_neglect: recipe.expert.feedback_neglect,
        recovery: recipe.expert.recovery,
    };
    Ok(match recipe.driver.as_str() {
        "expert" => Arc::new(Expert::new(dials)),
        "null" => Arc::new(nex_gym::NullDriver),
        "random" => Arc::new(nex_gym::RandomDriver),
        other => {
            let shared = SharedModel::new(other, models::open(Some(other), None)?);
            let is_recorded = other.starts_with("script:") || other.starts_with("replay:");
            Arc::new(if is_recorded { shared.with_virtual_time() } else { shared })
        }
    })
}

/// The runtime of a rollout.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
        .map_err(|e| Failure::surroundings(format!("cannot start the runtime: {e}")))
}

/// A pipeline's error with the exit code of its kind.
pub(crate) fn told(error: PipelineError) -> Failure {
    let code = match &error {
        PipelineError::File { .. } => Code::Surroundings,
        PipelineError::Record(_)
        | PipelineError::Recipe { .. }
        | PipelineError::RecipeValue { .. }
        | PipelineError::AnotherRun { .. }
        | PipelineError::World(_)
        | PipelineError::Task { .. }
        | PipelineError::Harness { .. }
        | PipelineError::Driver { .. } => Code::Input,
    };
    Failure::new(code, error)
}

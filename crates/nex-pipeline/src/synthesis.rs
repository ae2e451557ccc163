//! [`Synthesis`]: the stages of a run in their order.
//!
//! ```text
//! open folder ─▶ worlds/, frameworks/, topology.json ─▶ tasks.jsonl ─▶ episodes/ ─▶ dataset/, metrics.json
//! ```
//! Every stage looks at what is there and does what is missing, so the same call after a crash
//! goes on. The report is written by whoever has `nex-view`.

use crate::execute::{ExecuteObserver, execute, open_environments};
use crate::export::{ExportOptions, ExportReport, ExportTarget, write_one};
use crate::in_order::EpisodesInOrder;
use crate::measure::Measurement;
use crate::plan::{Plan, TaskFile};
use crate::recipe::{Recipe, Transport};
use crate::run_folder::{MANIFEST_VERSION, write_json, write_whole};
use crate::topology::topology;
use crate::{FrameworkSource, PipelineError, RunFolder, card};
use nex_agent::RunnableSpec;
use nex_gym::rollout::RolloutControl;
use nex_gym::{Driver, Harness, RolloutSummary};
use nex_trajectory::run::{RunManifest, RunMetrics};
use std::path::PathBuf;
use std::sync::Arc;

/// A run: a recipe, its folder, its plan.
pub struct Synthesis {
    recipe: Recipe,
    folder: RunFolder,
    plan: Plan,
    server_command: Vec<String>,
}

/// What the export stage wrote.
#[derive(Clone, Debug)]
pub struct Exported {
    /// By file name.
    pub files: Vec<(String, ExportReport)>,
    /// The run's figures.
    pub metrics: RunMetrics,
    /// Damaged lines of the store that were passed over.
    pub damage: Vec<String>,
}

impl Synthesis {
    /// Opens the run of `recipe` in `out`: makes the folder, or takes up the run in it.
    ///
    /// `server_command` starts an MCP server of the world whose file is appended to it; only used
    /// with [`Transport::Mcp`].
    ///
    /// # Errors
    /// The recipe is wrong, a world cannot be loaded, or the folder holds another run.
    pub fn open(
        mut recipe: Recipe,
        out: impl Into<PathBuf>,
        server_command: Vec<String>,
    ) -> Result<Self, PipelineError> {
        recipe.validate()?;
        let out = out.into();
        if recipe.name.is_empty() {
            recipe.name = out.file_name().map_or("run".to_owned(), |n| n.to_string_lossy().into_owned());
        }
        let plan = Plan::new(&recipe)?;
        let manifest = manifest(&recipe, &plan)?;
        let folder = RunFolder::open(out, &manifest)?;
        for world in &plan.worlds {
            if let Some(source) = world.source() {
                let path = folder.worlds_dir().join(format!("{}.yaml", world.name()));
                write_whole(&path, source.as_bytes())?;
            }
        }
        Ok(Self { recipe, folder, plan, server_command })
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The recipe, with its defaults.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Writes the frameworks of every harness in every world, and `topology.json`.
    ///
    /// # Errors
    /// A framework is broken or a file cannot be written.
    pub fn write_frameworks(&self) -> Result<(), PipelineError> {
        let harnesses = self.plan.open_harnesses()?;
        let mut shapes: Vec<(Arc<Harness>, Arc<RunnableSpec>)> = Vec::new();
        for (index, world) in self.plan.worlds.iter().enumerate() {
            let profile = world.profile();
            for name in self.plan.harnesses_of(index) {
                let harness = harnesses.iter().find(|harness| harness.name() == name);
                let harness = harness.expect("the plan opens all that it names");
                let fail = |e: nex_gym::GymError| PipelineError::Harness {
                    harness: harness.name().to_owned(),
                    cause: e.to_string(),
                };
                let dir = self.folder.frameworks_dir().join(world.name()).join(harness.name());
                match self.plan.frameworks.iter().find(|framework| framework.name() == name) {
                    Some(framework) => {
                        for (path, bytes) in framework.files() {
                            write_whole(&dir.join(path), bytes)?;
                        }
                    }
                    None => {
                        let files = nex_gym::framework(harness.pattern(), &profile).map_err(fail)?;
                        files.write(&dir).map_err(fail)?;
                    }
                }
                // A harness is drawn as it is in the first world that it plays in.
                if shapes.iter().all(|(shown, _)| shown.name() != name) {
                    shapes.push((harness.clone(), harness.spec(&profile).map_err(fail)?));
                }
            }
        }
        let worlds = self.plan.worlds.iter().map(|world| world.shape()).collect();
        write_json(&self.folder.topology_path(), &topology(&shapes, worlds))
    }

    /// Makes `tasks.jsonl`, if it is not there. `progress` is told how many are done.
    ///
    /// # Errors
    /// A task cannot be generated or the file cannot be written.
    pub fn make_tasks(&self, progress: &(dyn Fn(usize) + Sync)) -> Result<Arc<TaskFile>, PipelineError> {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        Ok(Arc::new(TaskFile::open_or_make(&self.folder, &self.plan, threads, progress)?))
    }

    /// Makes the episodes that are missing; at most `limit` in this call.
    ///
    /// # Errors
    /// The store cannot be opened or written.
    pub async fn execute(
        &self,
        tasks: Arc<TaskFile>,
        driver: Arc<dyn Driver>,
        limit: Option<u64>,
        control: &RolloutControl,
        observer: &mut dyn ExecuteObserver,
    ) -> Result<RolloutSummary, PipelineError> {
        let environments = open_environments(&self.recipe, &self.plan, &self.folder, &self.server_command)?;
        let summary = execute(
            &self.recipe,
            &self.folder,
            &self.plan,
            tasks,
            &environments,
            driver,
            limit,
            control,
            observer,
        )
        .await;
        drop(environments);
        // Empty now, save where episodes were cut short, by this call or by one that was killed.
        if summary.is_ok() {
            let _ = std::fs::remove_dir_all(self.folder.scratch_dir());
        }
        summary
    }

    /// Writes the dataset with its card, and `metrics.json`.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn export(&self) -> Result<Exported, PipelineError> {
        let mut names: Vec<&str> = self.recipe.export.formats.iter().map(String::as_str).collect();
        if self.recipe.export.parquet && !names.contains(&"parquet") {
            names.push("parquet");
        }
        let options = ExportOptions::default();
        let targets: Vec<ExportTarget> = names
            .into_iter()
            .map(|name| ExportTarget::by_name(name, &options))
            .collect::<Result<_, _>>()
            .map_err(|e| PipelineError::value("export.formats", e))?;
        let mut files = Vec::new();
        for target in &targets {
            let name = target.file_name();
            let path = self.folder.dataset_dir().join(&name);
            files.push((name, write_one(&self.folder, target, self.recipe.export.keep, &path)?));
        }
        let mut measurement = Measurement::new(self.plan.tasks.len() as u64, self.recipe.episodes);
        let episodes = EpisodesInOrder::open(&self.folder)?;
        for episode in episodes.iter() {
            measurement.add(&episode?);
        }
        for (name, report) in files.iter().filter(|(name, _)| name.ends_with(".jsonl")) {
            measurement.add_samples(name.trim_end_matches(".jsonl"), report.samples);
        }
        let metrics = measurement.finish();
        write_json(&self.folder.metrics_path(), &metrics)?;
        let manifest = self.folder.read_manifest()?;
        let card = card::dataset_card(&manifest, &self.recipe, &metrics, &targets, &files);
        write_whole(&self.folder.dataset_dir().join("README.md"), card.as_bytes())?;
        Ok(Exported { files, metrics, damage: episodes.damage })
    }
}

/// The manifest of a run, whose fingerprint holds all that its episodes follow from.
///
/// Concurrency and transport do not change what is made and are left out of the fingerprint, so a
/// run may go on with another concurrency. Export settings are left out too: they only read.
fn manifest(recipe: &Recipe, plan: &Plan) -> Result<RunManifest, PipelineError> {
    let to_value = |r: &Recipe| serde_json::to_value(r).map_err(|e| PipelineError::value("recipe", e));
    let essence = Recipe {
        name: String::new(),
        concurrency: 1,
        transport: Transport::InProcess,
        export: crate::recipe::ExportRecipe::default(),
        worlds: plan.worlds.iter().map(|w| w.name().to_owned()).collect(),
        frameworks: plan.frameworks.iter().map(|f| f.name().to_owned()).collect(),
        ..recipe.clone()
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(to_value(&essence)?.to_string().as_bytes());
    for world in &plan.worlds {
        hasher.update(blake3::hash(world.source().unwrap_or(world.name()).as_bytes()).as_bytes());
    }
    for (path, bytes) in plan.frameworks.iter().flat_map(FrameworkSource::files) {
        hasher.update(path.to_string_lossy().as_bytes());
        hasher.update(blake3::hash(bytes).as_bytes());
    }
    hasher.update(&nex_world::task::GENERATOR_VERSION.to_le_bytes());
    Ok(RunManifest {
        version: MANIFEST_VERSION,
        name: recipe.name.clone(),
        nex_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: recipe.seed,
        driver: recipe.driver.clone(),
        recipe: to_value(recipe)?,
        fingerprint: hasher.finalize().to_hex()[..32].to_owned(),
    })
}

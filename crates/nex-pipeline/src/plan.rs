//! The plan: which tasks are generated, and which episodes are made of them.
//!
//! Pure: a function of the recipe and the files that it names. Task `i` lies in world
//! `i mod worlds`, its harness advances once the worlds are through, and difficulty and language are
//! drawn by the recipe's shares from (seed, i). The world of a framework is played by that framework
//! only.

use crate::recipe::Recipe;
use crate::run_folder::beside;
use crate::{FrameworkSource, PipelineError, RunFolder, WorldSource};
use indexmap::IndexMap;
use nex_gym::{Harness, Pattern};
use nex_world::Language;
use nex_world::task::{Dials, Difficulty, Task};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Draws of a task before its place in the plan is given up.
const MAX_DRAWS: u64 = 20;

/// The tasks and episodes of a run.
#[derive(Clone)]
pub struct Plan {
    /// The worlds: those that the recipe names, in its order, then those of frameworks.
    pub worlds: Vec<WorldSource>,
    /// The frameworks, in the recipe's order.
    pub frameworks: Vec<FrameworkSource>,
    /// For each world the harnesses that play in it.
    harnesses: Vec<Vec<String>>,
    /// The tasks, in order.
    pub tasks: Vec<PlannedTask>,
    attempts: u32,
    episodes: u64,
}

/// One task that is to be generated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// Index into [`Plan::worlds`].
    pub world: usize,
    /// The harness that tries it.
    pub harness: String,
    /// Seed of the first draw.
    pub seed: u64,
    /// Preset of the dials.
    pub difficulty: Difficulty,
    /// Language of instruction and data.
    pub language: Language,
}

/// One episode that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedEpisode {
    /// Its place in the plan.
    pub index: u64,
    /// Index into [`Plan::tasks`].
    pub task: usize,
    /// Which attempt at the task, from 0.
    pub attempt: u32,
}

impl Plan {
    /// The plan of `recipe`.
    ///
    /// # Errors
    /// A world cannot be loaded.
    pub fn new(recipe: &Recipe) -> Result<Self, PipelineError> {
        let mut worlds = open_worlds(&recipe.world_names())?;
        let mut harnesses = vec![recipe.harnesses.clone(); worlds.len()];
        let mut frameworks: Vec<FrameworkSource> = Vec::new();
        for path in &recipe.frameworks {
            for framework in FrameworkSource::open_all(Path::new(path))? {
                let world = framework.world();
                if frameworks.iter().any(|other| other.name() == framework.name()) {
                    let cause = format!("framework `{}` stands twice", framework.name());
                    return Err(PipelineError::value("frameworks", cause));
                }
                match worlds.iter().position(|other| other.name() == world.name()) {
                    None => {
                        worlds.push(world);
                        harnesses.push(vec![framework.name().to_owned()]);
                    }
                    // Several teams may work in one world.
                    Some(place) if worlds[place].source() == world.source() => {
                        harnesses[place].push(framework.name().to_owned());
                    }
                    Some(_) => {
                        let cause = format!(
                            "framework `{}` has another world called `{}`: rename one of them",
                            framework.name(),
                            world.name()
                        );
                        return Err(PipelineError::value("frameworks", cause));
                    }
                }
                frameworks.push(framework);
            }
        }
        if worlds.is_empty() {
            return Err(PipelineError::value("worlds", "names no world, and `frameworks` no framework"));
        }
        let count = recipe.episodes.div_ceil(u64::from(recipe.attempts));
        let tasks = (0..count).map(|i| planned_task(recipe, &harnesses, i)).collect();
        let (attempts, episodes) = (recipe.attempts, recipe.episodes);
        Ok(Self { worlds, frameworks, harnesses, tasks, attempts, episodes })
    }

    /// The names of the harnesses that play in world `world`.
    pub fn harnesses_of(&self, world: usize) -> &[String] {
        &self.harnesses[world]
    }

    /// Whether any harness is a built-in one.
    pub fn has_builtin_harnesses(&self) -> bool {
        self.harnesses.iter().flatten().any(|name| Pattern::from_name(name).is_some())
    }

    /// All harnesses, the built-in ones first.
    ///
    /// # Errors
    /// A harness that is none of the built-in ones.
    pub fn open_harnesses(&self) -> Result<Vec<Arc<Harness>>, PipelineError> {
        let mut opened: Vec<Arc<Harness>> =
            self.frameworks.iter().map(|framework| Arc::new(framework.harness())).collect();
        let mut builtin = Vec::new();
        for name in self.harnesses.iter().flatten() {
            let is_opened = |harness: &Arc<Harness>| harness.name() == name;
            if opened.iter().any(is_opened) || builtin.iter().any(is_opened) {
                continue;
            }
            let pattern = Pattern::from_name(name)
                .ok_or_else(|| PipelineError::value("harnesses", format!("`{name}` is unknown")))?;
            builtin.push(Arc::new(Harness::builtin(pattern)));
        }
        builtin.append(&mut opened);
        Ok(builtin)
    }

    /// The episodes, in order: all attempts at one task stand together.
    pub fn episodes(&self) -> impl Iterator<Item = PlannedEpisode> + use<> {
        let attempts = u64::from(self.attempts);
        (0..self.episodes).map(move |index| PlannedEpisode {
            index,
            task: (index / attempts) as usize,
            attempt: (index % attempts) as u32,
        })
    }

    /// Generates task `index` of the plan.
    ///
    /// # Errors
    /// The world gives no such task, however it is drawn.
    pub fn generate(&self, index: usize) -> Result<Task, PipelineError> {
        let planned = &self.tasks[index];
        let world = &self.worlds[planned.world];
        let dials = Dials::preset(planned.difficulty);
        let mut last = String::new();
        for draw in 0..MAX_DRAWS {
            match world.generate(planned.seed.wrapping_add(draw), &dials, planned.language) {
                Ok(task) => return Ok(task),
                Err(error) => last = error,
            }
        }
        Err(PipelineError::Task {
            world: world.name().to_owned(),
            cause: format!(
                "{MAX_DRAWS} draws of a {} task failed; the last: {last}",
                planned.difficulty.as_str()
            ),
        })
    }
}

fn planned_task(recipe: &Recipe, harnesses: &[Vec<String>], index: u64) -> PlannedTask {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"nex task 1");
    hasher.update(&recipe.seed.to_le_bytes());
    hasher.update(&index.to_le_bytes());
    let mut rng = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
    let difficulty = match draw(&recipe.difficulty, &mut rng) {
        "easy" => Difficulty::Easy,
        "hard" => Difficulty::Hard,
        _ => Difficulty::Medium,
    };
    let language = match draw(&recipe.languages, &mut rng) {
        "zh" => Language::Zh,
        _ => Language::En,
    };
    let (turn, world) = (index as usize / harnesses.len(), index as usize % harnesses.len());
    let here = &harnesses[world];
    PlannedTask {
        world,
        harness: here[turn % here.len()].clone(),
        // Room for the further draws of one task without meeting those of another.
        seed: rng.random::<u64>() & !0xff,
        difficulty,
        language,
    }
}

/// A name, each with the chance of its share.
fn draw<'a>(shares: &'a IndexMap<String, f64>, rng: &mut ChaCha8Rng) -> &'a str {
    let total: f64 = shares.values().sum();
    let mut at = rng.random::<f64>() * total;
    for (name, share) in shares {
        at -= share;
        if at < 0.0 {
            return name;
        }
    }
    shares.iter().rev().find(|(_, share)| **share > 0.0).map_or("", |(name, _)| name)
}

/// The worlds that a recipe names: `*`, names of built-in ones, paths.
fn open_worlds(names: &[&str]) -> Result<Vec<WorldSource>, PipelineError> {
    let mut worlds: Vec<WorldSource> = Vec::new();
    for name in names {
        if *name == "*" {
            worlds.extend(WorldSource::builtin()?);
        } else {
            worlds.push(WorldSource::open(name)?);
        }
    }
    for (index, world) in worlds.iter().enumerate() {
        if worlds[..index].iter().any(|other| other.name() == world.name()) {
            return Err(PipelineError::value("worlds", format!("world `{}` stands twice", world.name())));
        }
    }
    Ok(worlds)
}

/// `tasks.jsonl` with the place of each line: tasks are read when they are needed.
pub struct TaskFile {
    path: PathBuf,
    offsets: Vec<u64>,
}

impl TaskFile {
    /// The tasks of `plan` in `folder`: read where they are there, else generated on `threads`
    /// threads. `progress` is told how many are done.
    ///
    /// # Errors
    /// A task cannot be generated, or the file cannot be read or written.
    pub fn open_or_make(
        folder: &RunFolder,
        plan: &Plan,
        threads: usize,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, PipelineError> {
        let path = folder.tasks_path();
        if !path.exists() {
            make(&path, plan, threads.max(1), progress)?;
        }
        let offsets = line_offsets(&path)?;
        if offsets.len() != plan.tasks.len() + 1 {
            return Err(PipelineError::file(
                &path,
                format!(
                    "it holds {} tasks, the recipe plans {}; delete it to have it made anew",
                    offsets.len().saturating_sub(1),
                    plan.tasks.len()
                ),
            ));
        }
        Ok(Self { path, offsets })
    }

    /// Task `index`.
    ///
    /// # Errors
    /// The file cannot be read or its line is no task.
    pub fn get(&self, index: usize) -> Result<Task, PipelineError> {
        let fail = |e: std::io::Error| PipelineError::file(&self.path, e);
        let (start, end) = (self.offsets[index], self.offsets[index + 1]);
        let mut file = File::open(&self.path).map_err(fail)?;
        file.seek(SeekFrom::Start(start)).map_err(fail)?;
        let mut line = Vec::with_capacity((end - start) as usize);
        file.take(end - start).read_to_end(&mut line).map_err(fail)?;
        serde_json::from_slice(&line)
            .map_err(|e| PipelineError::file(&self.path, format!("line {}: {e}", index + 1)))
    }
}

/// Generates in batches, so that memory holds one batch; lines stand in plan order.
fn make(
    path: &Path,
    plan: &Plan,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<(), PipelineError> {
    let fail = |e: std::io::Error| PipelineError::file(path, e);
    let partial = beside(path);
    let mut out = BufWriter::new(File::create(&partial).map_err(fail)?);
    let done = AtomicUsize::new(0);
    let batch = threads * 64;
    for start in (0..plan.tasks.len()).step_by(batch) {
        let end = (start + batch).min(plan.tasks.len());
        let next = AtomicUsize::new(start);
        let lines: Vec<(usize, Result<Vec<u8>, PipelineError>)> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| {
                        let mut lines = Vec::new();
                        loop {
                            let index = next.fetch_add(1, Ordering::Relaxed);
                            if index >= end {
                                return lines;
                            }
                            let line = plan.generate(index).and_then(|task| {
                                serde_json::to_vec(&task).map_err(|e| PipelineError::file(path, e))
                            });
                            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                            lines.push((index, line));
                        }
                    })
                })
                .collect();
            workers.into_iter().flat_map(|w| w.join().expect("a generator thread panicked")).collect()
        });
        let mut lines = lines;
        lines.sort_by_key(|(index, _)| *index);
        for (_, line) in lines {
            out.write_all(&line?).and_then(|()| out.write_all(b"\n")).map_err(fail)?;
        }
    }
    out.flush().map_err(fail)?;
    out.get_ref().sync_all().map_err(fail)?;
    std::fs::rename(&partial, path).map_err(fail)
}

/// Starts of the lines, and the end of the file.
fn line_offsets(path: &Path) -> Result<Vec<u64>, PipelineError> {
    let fail = |e: std::io::Error| PipelineError::file(path, e);
    let mut reader = BufReader::with_capacity(1 << 18, File::open(path).map_err(fail)?);
    let (mut offsets, mut at, mut line) = (vec![0], 0, Vec::new());
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(fail)? as u64;
        if read == 0 {
            return Ok(offsets);
        }
        at += read;
        offsets.push(at);
    }
}

//! From a run folder to its `report.html`.
//!
//! Reads `run.json`, `metrics.json`, `topology.json` and the store in `episodes/`; writes
//! `report.html` through a temporary file, so that a reader never sees half of it. Episodes are
//! read one at a time, twice: once to see what kinds there are, once for those that are shown.

use crate::report::{ReportInput, render_report};
use crate::sample::{Sampler, Sketch};
use nex_trajectory::store::{Reader, StoreError};
use nex_trajectory::{Episode, EpisodeId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Version of `run.json` that this reads.
const RUN_VERSION: u32 = 1;
/// Episodes shown at most.
const SHOWN_EPISODES: usize = 72;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// The folder is not there.
    #[error("{dir} is no folder; `nex demo --out DIR` or `nex synth RECIPE.yaml --out DIR` makes a run folder", dir = dir.display())]
    NoFolder {
        /// The folder asked for.
        dir: PathBuf,
    },
    /// A file of the run folder is not there.
    #[error("{path} is missing: {what}; {way_out}", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it would hold.
        what: &'static str,
        /// Which command makes it.
        way_out: &'static str,
    },
    /// A file of the run folder is not what it should be.
    #[error("{path}, line {line}, column {column}: {cause}; {way_out}", path = path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line from 1, 0 where none is known.
        line: usize,
        /// Column from 1, 0 where none is known.
        column: usize,
        /// What is wrong.
        cause: String,
        /// Which command makes it anew.
        way_out: &'static str,
    },
    /// A newer Nex wrote the folder.
    #[error("{path} is of version {found}, this nex reads up to {RUN_VERSION}; view it with the nex that wrote it, or a newer one", path = path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The episodes cannot be read.
    #[error("the episodes of the run cannot be read: {0}")]
    Episodes(#[from] StoreError),
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// Writes `report.html` into the run folder `run_dir` and gives its path.
///
/// # Errors
/// The folder, or one of its files, is missing, broken or of a newer version; each error names the
/// file and the command that makes it. Damaged episodes are no error: the report counts them.
pub fn write_report(run_dir: impl AsRef<Path>) -> Result<PathBuf, ViewError> {
    let dir = run_dir.as_ref();
    let html = render_report(&read_folder(dir)?);
    let path = dir.join("report.html");
    let partial = dir.join("report.html.partial");
    let refused = |action, path: &Path| {
        let path = path.to_owned();
        move |source| ViewError::Io { action, path, source }
    };
    fs::write(&partial, html).map_err(refused("write", &partial))?;
    fs::rename(&partial, &path).map_err(refused("replace", &path))?;
    Ok(path)
}

fn read_folder(dir: &Path) -> Result<ReportInput, ViewError> {
    if !dir.is_dir() {
        return Err(ViewError::NoFolder { dir: dir.to_owned() });
    }
    let path = dir.join("run.json");
    let manifest: nex_trajectory::run::RunManifest = read_json(
        &path,
        "what the run was asked to do",
        "is this a run folder? `nex demo --out DIR` or `nex synth RECIPE.yaml --out DIR` makes one",
    )?;
    if manifest.version > RUN_VERSION {
        return Err(ViewError::NewerVersion { path, found: manifest.version });
    }
    let rerun = "run the command that made the folder again: it goes on where it stopped and writes this file at its end";
    let metrics = read_json(&dir.join("metrics.json"), "the figures of the run", rerun)?;
    let topology = read_json(&dir.join("topology.json"), "the shape of worlds and agents", rerun)?;
    let sample = read_sample(&dir.join("episodes"))?;
    Ok(ReportInput {
        manifest,
        metrics,
        topology,
        episodes: sample.episodes,
        episodes_total: sample.total,
        notes: sample.notes,
    })
}

fn read_json<T: DeserializeOwned>(
    path: &Path,
    what: &'static str,
    way_out: &'static str,
) -> Result<T, ViewError> {
    let bytes = fs::read(path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ViewError::Missing { path: path.to_owned(), what, way_out },
        _ => ViewError::Io { action: "read", path: path.to_owned(), source },
    })?;
    serde_json::from_slice(&bytes).map_err(|error| ViewError::Broken {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        cause: error.to_string().split(" at line ").next().unwrap_or_default().to_owned(),
        way_out,
    })
}

struct Sample {
    episodes: Vec<Episode>,
    total: u64,
    notes: Vec<String>,
}

fn read_sample(dir: &Path) -> Result<Sample, ViewError> {
    let mut sampler = Sampler::default();
    let mut notes = Vec::new();
    let mut damaged = 0_u64;
    for sketch in Reader::<Sketch>::open(dir)? {
        match sketch {
            Ok(sketch) => sampler.offer(sketch),
            Err(StoreError::Damaged { .. } | StoreError::WrongRecord { .. }) => damaged += 1,
            Err(error) if error.is_torn_tail() => {
                notes.push(
                    "The last episode was cut off while it was written; resuming the run makes it again."
                        .to_owned(),
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    if damaged > 0 {
        let records = if damaged == 1 { "record in episodes/ was" } else { "records in episodes/ were" };
        notes.push(format!(
            "{damaged} damaged {records} passed over; resuming the run makes what is missing again."
        ));
    }
    let total = sampler.offered();
    let order = sampler.pick(SHOWN_EPISODES);
    Ok(Sample { episodes: read_episodes(dir, &order)?, total, notes })
}

#[derive(Deserialize)]
struct IdOnly {
    id: EpisodeId,
}

/// The episodes that `order` names, in that order.
fn read_episodes(dir: &Path, order: &[EpisodeId]) -> Result<Vec<Episode>, ViewError> {
    let places: HashMap<&EpisodeId, usize> =
        order.iter().enumerate().map(|(place, id)| (id, place)).collect();
    let mut found: Vec<Option<Episode>> = vec![None; order.len()];
    // Most records are only passed over: their id is read, the rest is left as text.
    for record in Reader::<Box<RawValue>>::open(dir)?.flatten() {
        let Ok(IdOnly { id }) = serde_json::from_str(record.get()) else { continue };
        if let Some(place) = places.get(&id) {
            found[*place] = serde_json::from_str(record.get()).ok();
        }
    }
    Ok(found.into_iter().flatten().collect())
}

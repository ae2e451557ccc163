//! Import into a run folder, which all commands on runs read.
//!
//! The folder's fingerprint covers the inputs' names and sizes and how they are read, so the same
//! import goes on where it was and another one is refused. Episodes that are stored are not stored
//! again.

use super::fault::Fault;
use super::reader::RecordReader;
use super::stream::{Batch, Batches, Inputs};
use super::{Input, Source};
use crate::execute::finished_ids;
use crate::measure::Measurement;
use crate::ordered::ordered;
use crate::reasons::Reasons;
use crate::run_folder::{MANIFEST_VERSION, write_json};
use crate::{PipelineError, RunFolder};
use nex_trajectory::run::{RunManifest, Topology};
use nex_trajectory::store::{Store, StoreError};
use nex_trajectory::{Episode, EpisodeId};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;

/// How an import is done.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions {
    /// Threads that read records; at least 1.
    pub threads: usize,
    /// The first record that cannot be read ends it.
    pub is_strict: bool,
}

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// How the inputs were read.
    pub from: String,
    /// Episodes that were read.
    pub episodes: u64,
    /// Of these, stored by an earlier call.
    pub already_there: u64,
    /// Records that could not be read, by reason.
    pub unreadable: Reasons,
}

/// Reads `inputs`, which `names` names, as `source` says into the run folder `out`; `progress` is
/// told of bytes read, decompressed.
///
/// # Errors
/// A file cannot be read or written, the folder holds another run, or, if strict, the first record
/// that cannot be read.
pub fn into_run(
    source: &Source,
    names: &[Input],
    inputs: Inputs,
    out: &Path,
    options: &ImportOptions,
    mut progress: impl FnMut(u64),
) -> Result<ImportReport, PipelineError> {
    let mut manifest = manifest(source, names, out);
    let folder = RunFolder::open(out, &manifest)?;
    let mut keeper = Keeper::open(&folder, source)?;
    let worker = || {
        let mut reader = RecordReader::new(source);
        move |batch: Result<Batch, PipelineError>| -> Result<(u64, Vec<Result<Kept, Fault>>), PipelineError> {
            let batch = batch?;
            let mut results = Vec::with_capacity(batch.block.records.len());
            reader.read(&batch, |place, read| {
                results.push(read.map(|episode| Kept {
                    file: place.file.to_owned(),
                    line: place.line,
                    episode,
                }));
            });
            Ok((batch.read_bytes(), results))
        }
    };
    ordered(options.threads, Batches::new(source, inputs), worker, |read| {
        let (bytes, results) = read?;
        for result in results {
            match result.map(|kept| keeper.keep(kept)) {
                Ok(kept) => kept?,
                Err(fault) if options.is_strict => return Err(PipelineError::Record(fault)),
                Err(fault) => keeper.report.unreadable.add_fault(&fault),
            }
        }
        progress(bytes);
        Ok::<(), PipelineError>(())
    })?;
    let report = keeper.finish(&folder)?;
    // Known only now: what the figures are shares of.
    manifest.recipe["episodes"] = report.episodes.into();
    write_json(&folder.manifest_path(), &manifest)?;
    Ok(report)
}

/// An episode on its way into the store.
struct Kept {
    file: String,
    line: u64,
    episode: Episode,
}

struct Keeper {
    store: Store<Episode>,
    done: HashSet<EpisodeId>,
    report: ImportReport,
    measurement: Measurement,
}

impl Keeper {
    fn open(folder: &RunFolder, source: &Source) -> Result<Self, PipelineError> {
        let dir = folder.episodes_dir();
        let (store, _) = Store::<Episode>::open(&dir).map_err(|e| PipelineError::file(&dir, e))?;
        Ok(Self {
            store,
            done: finished_ids(folder)?,
            report: ImportReport { from: source.name().to_owned(), ..ImportReport::default() },
            measurement: Measurement::default(),
        })
    }

    fn keep(&mut self, kept: Kept) -> Result<(), PipelineError> {
        let Kept { file, line, episode } = kept;
        if self.done.contains(&episode.id) {
            self.report.already_there += 1;
        } else {
            match self.store.append(&episode) {
                Ok(()) => {}
                // The record's fault; the disk is well.
                Err(error @ (StoreError::TooLarge { .. } | StoreError::Encode(_))) => {
                    let fault = Fault { file, line, key: String::new(), message: error.to_string() };
                    self.report.unreadable.add_fault(&fault);
                    return Ok(());
                }
                Err(error) => return Err(PipelineError::file(self.store.dir(), error)),
            }
        }
        self.report.episodes += 1;
        self.measurement.add(&episode);
        Ok(())
    }

    fn finish(self, folder: &RunFolder) -> Result<ImportReport, PipelineError> {
        self.store.sync().map_err(|e| PipelineError::file(self.store.dir(), e))?;
        let metrics = self.measurement.planned(self.report.episodes).finish();
        write_json(&folder.metrics_path(), &metrics)?;
        write_json(&folder.topology_path(), &Topology::default())?;
        Ok(self.report)
    }
}

fn manifest(source: &Source, names: &[Input], out: &Path) -> RunManifest {
    let inputs: Vec<Value> =
        names.iter().map(|input| json!({"name": input.name(), "bytes": input.size_bytes()})).collect();
    let recipe = json!({
        "import": {"from": source.name(), "dialect": source.dialect(), "inputs": inputs},
    });
    let fingerprint = blake3::hash(recipe.to_string().as_bytes()).to_hex().to_string();
    RunManifest {
        version: MANIFEST_VERSION,
        name: out.file_name().map_or_else(|| "import".to_owned(), |name| name.to_string_lossy().into_owned()),
        nex_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: 0,
        driver: format!("imported from {}", source.name()),
        recipe,
        fingerprint,
    }
}

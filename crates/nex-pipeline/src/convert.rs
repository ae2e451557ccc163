//! Conversion: a run folder, or files that others wrote, into any export target.
//!
//! ```text
//! batches of records ─▶ workers: read, render, serialise ─▶ one writer, in input order
//! ```
//! A few batches are in memory, whatever the size of the input. The output appears whole or not at
//! all, and is the same for any number of threads.

use crate::export::{ExportSink, ExportTarget, Prepared};
use crate::import::{Batch, Batches, Inputs, RecordReader, Source};
use crate::in_order::EpisodesInOrder;
use crate::ordered::ordered;
use crate::reasons::Reasons;
use crate::recipe::Keep;
use crate::{PipelineError, RunFolder};
use nex_trajectory::Episode;
use nex_trajectory::store::{Place, fetch};
use parking_lot::Mutex;
use serde::Serialize;
use std::path::Path;

/// Episodes of a run that one worker takes at once.
const RUN_BATCH: usize = 64;

/// How a conversion is done.
#[derive(Clone, Copy, Debug)]
pub struct ConvertOptions {
    /// Which episodes become samples.
    pub keep: Keep,
    /// Threads that read and render; at least 1.
    pub threads: usize,
    /// The first record that cannot be read ends it, and nothing is written.
    pub is_strict: bool,
}

/// What a conversion did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConvertReport {
    /// Episodes that were read.
    pub episodes: u64,
    /// Samples, or rows, that were written.
    pub samples: u64,
    /// Samples that the target cannot hold, by reason.
    pub not_representable: Reasons,
    /// Records that could not be read, by reason.
    pub unreadable: Reasons,
}

/// Converts `inputs`, read as `source` says, into the file `out`. `progress` is told of bytes read,
/// decompressed.
///
/// # Errors
/// A file cannot be read or written, or, if strict, the first record that cannot be read.
pub fn convert_files(
    source: &Source,
    inputs: Inputs,
    target: &ExportTarget,
    options: &ConvertOptions,
    out: &Path,
    mut progress: impl FnMut(u64),
) -> Result<ConvertReport, PipelineError> {
    let mut sink = ExportSink::create(target, out)?;
    let mut report = ConvertReport::default();
    let spare = Spare::default();
    let worker = || {
        let mut reader = RecordReader::new(source);
        let spare = &spare;
        move |batch: Result<Batch, PipelineError>| -> Result<Done, PipelineError> {
            let batch = batch?;
            let mut done = Done { prepared: spare.take(), ..Done::default() };
            let mut first_fault = None;
            reader.read(&batch, |place, read| match read {
                Ok(episode) => {
                    done.prepare(target, options.keep, episode, || format!("{}:{}", place.file, place.line))
                }
                Err(fault) => {
                    done.unreadable.add_fault(&fault);
                    first_fault.get_or_insert(fault);
                }
            });
            done.read_bytes = batch.read_bytes();
            match first_fault.filter(|_| options.is_strict) {
                Some(fault) => Err(PipelineError::Record(fault)),
                None => Ok(done),
            }
        }
    };
    ordered(options.threads, Batches::new(source, inputs), worker, |done| {
        let done = done?;
        progress(done.read_bytes);
        done.write(&mut sink, &mut report, &spare)
    })?;
    finish(sink, report)
}

/// Converts the run in `folder` into the file `out`. `progress` is told of episodes read.
///
/// # Errors
/// The folder cannot be read or the file cannot be written.
pub fn convert_run(
    folder: &RunFolder,
    target: &ExportTarget,
    options: &ConvertOptions,
    out: &Path,
    mut progress: impl FnMut(u64),
) -> Result<ConvertReport, PipelineError> {
    let episodes = EpisodesInOrder::open(folder)?;
    let mut sink = ExportSink::create(target, out)?;
    let mut report = ConvertReport::default();
    let spare = Spare::default();
    let worker = || {
        |places: Vec<&Place>| -> Result<Done, PipelineError> {
            let mut done = Done { prepared: spare.take(), ..Done::default() };
            for place in &places {
                let episode = fetch::<Episode>(place).map_err(|e| PipelineError::file("episodes", e))?;
                let id = episode.id.clone();
                done.prepare(target, options.keep, episode, || id.0);
            }
            done.read_bytes = places.len() as u64;
            Ok(done)
        }
    };
    let places: Vec<&Place> = episodes.places().collect();
    let batches = places.chunks(RUN_BATCH).map(<[&Place]>::to_vec);
    ordered(options.threads, batches, worker, |done| {
        let done = done?;
        progress(done.read_bytes);
        done.write(&mut sink, &mut report, &spare)
    })?;
    finish(sink, report)
}

fn finish(sink: ExportSink, mut report: ConvertReport) -> Result<ConvertReport, PipelineError> {
    let written = sink.finish()?;
    report.samples = written.samples;
    // What the sink itself leaves out (a second row of one task) has no place of its own.
    for (reason, count) in &written.skipped {
        let known = report.not_representable.count_of(reason);
        if *count > known {
            report.not_representable.add(reason, count - known, String::new);
        }
    }
    Ok(report)
}

/// What a worker made of one batch.
#[derive(Default)]
struct Done {
    prepared: Prepared,
    not_representable: Reasons,
    unreadable: Reasons,
    episodes: u64,
    read_bytes: u64,
}

impl Done {
    /// Renders `episode`; what the target cannot hold is counted with the place.
    fn prepare(
        &mut self,
        target: &ExportTarget,
        keep: Keep,
        episode: Episode,
        place: impl FnOnce() -> String,
    ) {
        self.episodes += 1;
        let skipped_before = self.prepared.report().skipped.values().sum::<u64>();
        let before = (skipped_before > 0).then(|| self.prepared.report().skipped.clone());
        target.prepare(episode, keep, &mut self.prepared);
        let skipped = &self.prepared.report().skipped;
        if skipped.values().sum::<u64>() == skipped_before {
            return;
        }
        let before = before.unwrap_or_default();
        let place = place();
        for (reason, count) in skipped {
            let more = count - before.get(reason).copied().unwrap_or(0);
            if more > 0 {
                self.not_representable.add(reason, more, || place.clone());
            }
        }
    }

    fn write(
        mut self,
        sink: &mut ExportSink,
        report: &mut ConvertReport,
        spare: &Spare,
    ) -> Result<(), PipelineError> {
        report.episodes += self.episodes;
        report.not_representable.take(self.not_representable);
        report.unreadable.take(self.unreadable);
        sink.write(&mut self.prepared)?;
        spare.keep(self.prepared);
        Ok(())
    }
}

/// Emptied buffers that go back to the workers: memory that was never used has to be zeroed first.
#[derive(Debug, Default)]
struct Spare(Mutex<Vec<Prepared>>);

impl Spare {
    fn take(&self) -> Prepared {
        self.0.lock().pop().unwrap_or_default()
    }

    fn keep(&self, prepared: Prepared) {
        self.0.lock().push(prepared);
    }
}

//! Export: episodes become training samples and tables, each target in the shape its reader takes.
//!
//! One branch of one agent's trajectory is one sample; sub-agents' branches are samples of their
//! own. (`atif` and `verifiers` hold a whole episode in one row and keep its sub-agents in it.) A
//! sample that a target cannot hold is left out of that target with its reason, and counted. Of an
//! episode whose surroundings failed nothing is exported but the `parquet` record.
//!
//! ```text
//! Episode ──ExportTarget::prepare──▶ Prepared ──ExportSink::write──▶ dataset/
//!           pure, on any thread        lines      in order, one thread
//!
//! dataset/
//!   openai.jsonl, hermes.jsonl, trl.jsonl …   one line a sample
//!   verl-sft.parquet …                        the same lines as columns
//!   episodes.parquet                          all episodes, whole (`nex_trajectory::parquet`)
//!   README.md                                 the dataset card
//! ```
//! Files are written beside their place and renamed, so a reader never sees half a file. The same
//! episodes in the same order give the same bytes. Memory: one row group, or one task's samples.

mod atif;
mod atropos;
mod branch;
mod chat;
mod episodes;
mod llama_factory;
mod ms_swift;
mod nexrl;
mod openai;
mod prepared;
mod rl_prompt;
mod sink;
mod table;
mod target;
mod text;
mod token_source;
mod tokens;
mod trl;
mod trl_tokens;
mod verifiers;
mod verl_sft;
mod whole_file;

pub use prepared::{ExportReport, Prepared};
pub use sink::ExportSink;
pub use target::{About, ExportOptions, ExportTarget, TargetError, TokenSplit};

use crate::in_order::EpisodesInOrder;
use crate::recipe::Keep;
use crate::{PipelineError, RunFolder};
use std::path::Path;

/// Writes one target of `folder` to `path`.
///
/// # Errors
/// The folder cannot be read or the file cannot be written.
pub fn write_one(
    folder: &RunFolder,
    target: &ExportTarget,
    keep: Keep,
    path: &Path,
) -> Result<ExportReport, PipelineError> {
    let mut sink = ExportSink::create(target, path)?;
    let mut prepared = Prepared::default();
    let episodes = EpisodesInOrder::open(folder)?;
    for episode in episodes.iter() {
        target.prepare(episode?, keep, &mut prepared);
        sink.write(&mut prepared)?;
    }
    sink.finish()
}

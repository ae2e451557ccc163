//! Export: episodes in plan order become training samples and tables.
//!
//! One branch of one agent's trajectory is one sample; sub-agents' branches are samples of their
//! own. A sample that a format cannot hold is left out of that format with its reason, and counted.
//!
//! ```text
//! dataset/
//!   openai.jsonl        {"messages": […], "tools": […]}: OpenAI fine-tuning, TRL, LLaMA-Factory …
//!   openai.ids.jsonl    line by line: sample, episode, agent, reward
//!   hermes.jsonl        {"id", "episode", "agent", "reward", "text", "spans": [{start, end, kind, is_trainable}]}
//!   episodes.parquet    all episodes, whole (schema: `nex_trajectory::parquet`)
//!   README.md           the dataset card
//! ```
//! Files are written beside their place and renamed, so a reader never sees half a file. The same
//! episodes give the same bytes.

use crate::in_order::EpisodesInOrder;
use crate::recipe::{Keep, unknown_name};
use crate::run_folder::beside;
use crate::{PipelineError, RunFolder};
use nex_tool_formats::{Sample, Span, ToolCallFormat};
use nex_trajectory::parquet::EpisodeWriter;
use nex_trajectory::{Episode, NodeId, Outcome, Role, Trajectory};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// What an export writes.
#[derive(Clone, Copy, Debug)]
pub enum ExportTarget {
    /// Samples in a tool-call format.
    Samples(&'static dyn ToolCallFormat),
    /// Whole episodes as Parquet.
    Parquet,
}

impl ExportTarget {
    /// The target called `name`.
    ///
    /// # Errors
    /// There is none; the message lists those there are.
    pub fn by_name(name: &str) -> Result<Self, String> {
        if name == "parquet" {
            return Ok(Self::Parquet);
        }
        nex_tool_formats::by_name(name).map(Self::Samples).map_err(|_| {
            let known: Vec<&str> =
                nex_tool_formats::all().iter().map(|f| f.name()).chain(["parquet"]).collect();
            unknown_name(name, &known)
        })
    }

    /// The file's name in `dataset/`.
    pub fn file_name(&self) -> String {
        match self {
            Self::Samples(format) => format!("{}.jsonl", format.name()),
            Self::Parquet => "episodes.parquet".to_owned(),
        }
    }
}

/// What an export wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExportReport {
    /// Episodes that were read.
    pub episodes: u64,
    /// Samples, or rows, that were written.
    pub samples: u64,
    /// Samples left out, by reason.
    pub skipped: BTreeMap<String, u64>,
}

/// Where one sample comes from.
#[derive(Clone, Debug, Serialize)]
struct SampleSource<'a> {
    id: String,
    episode: &'a str,
    trajectory: &'a str,
    agent: &'a str,
    world: &'a str,
    language: &'a str,
    difficulty: &'a str,
    driver: &'a str,
    reward: Option<f64>,
}

#[derive(Serialize)]
struct TextSample<'a> {
    #[serde(flatten)]
    source: SampleSource<'a>,
    text: &'a str,
    spans: &'a [Span],
}

/// Writes one target of `folder` to `path`.
///
/// # Errors
/// The folder cannot be read or the file cannot be written.
pub fn write_one(
    folder: &RunFolder,
    target: ExportTarget,
    keep: Keep,
    path: &Path,
) -> Result<ExportReport, PipelineError> {
    let mut sink = Sink::create(target, path)?;
    let mut report = ExportReport::default();
    let episodes = EpisodesInOrder::open(folder)?;
    for episode in episodes.iter() {
        let episode = episode?;
        report.episodes += 1;
        sink.write(episode, keep, &mut report)?;
    }
    sink.finish()?;
    Ok(report)
}

enum Sink {
    Text { format: &'static dyn ToolCallFormat, file: WholeFile },
    Messages { format: &'static dyn ToolCallFormat, file: WholeFile, ids: WholeFile },
    Parquet { writer: EpisodeWriter<File>, beside: PathBuf, path: PathBuf },
}

impl Sink {
    fn create(target: ExportTarget, path: &Path) -> Result<Self, PipelineError> {
        match target {
            ExportTarget::Samples(format) if format.name() == "openai" => {
                let ids = path.with_extension("ids.jsonl");
                Ok(Self::Messages { format, file: WholeFile::create(path)?, ids: WholeFile::create(&ids)? })
            }
            ExportTarget::Samples(format) => Ok(Self::Text { format, file: WholeFile::create(path)? }),
            ExportTarget::Parquet => {
                let beside = beside(path);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).map_err(|e| PipelineError::file(parent, e))?;
                }
                let file = File::create(&beside).map_err(|e| PipelineError::file(&beside, e))?;
                let writer = EpisodeWriter::new(file).map_err(|e| PipelineError::file(&beside, e))?;
                Ok(Self::Parquet { writer, beside, path: path.to_owned() })
            }
        }
    }

    fn write(
        &mut self,
        episode: Episode,
        keep: Keep,
        report: &mut ExportReport,
    ) -> Result<(), PipelineError> {
        if let Self::Parquet { writer, beside, .. } = self {
            report.samples += 1;
            return writer.write(episode).map_err(|e| PipelineError::file(beside.clone(), e));
        }
        if !is_kept(&episode, keep) {
            return Ok(());
        }
        let mut branches = Vec::new();
        episode.trajectory.walk(&mut |trajectory| {
            branches.extend(trajectory.leaves().into_iter().map(|leaf| (trajectory, leaf)));
        });
        for (trajectory, leaf) in branches {
            self.write_branch(&episode, trajectory, leaf, report)?;
        }
        Ok(())
    }

    fn write_branch(
        &mut self,
        episode: &Episode,
        trajectory: &Trajectory,
        leaf: NodeId,
        report: &mut ExportReport,
    ) -> Result<(), PipelineError> {
        let sample = Sample::from_branch(trajectory, leaf);
        // The root of a fixed pipeline holds the task and a copied answer: nothing was sampled.
        if !sample.nodes.iter().any(|n| n.message.role == Role::Assistant && !n.is_synthetic) {
            return Ok(());
        }
        let (Self::Text { format, .. } | Self::Messages { format, .. }) = self else { return Ok(()) };
        let rendered = match format.render(&sample, &nex_tool_formats::RenderOptions::default()) {
            Ok(rendered) => rendered,
            Err(refusal) => {
                *report.skipped.entry(refusal.reason).or_default() += 1;
                return Ok(());
            }
        };
        let source = SampleSource {
            id: format!("{}#{}", trajectory.id, leaf.0),
            episode: episode.id.as_str(),
            trajectory: trajectory.id.as_str(),
            agent: &trajectory.agent,
            world: &episode.task.world,
            language: &episode.task.language,
            difficulty: &episode.task.difficulty,
            driver: &episode.driver,
            reward: episode.reward.as_ref().map(|r| r.total),
        };
        report.samples += 1;
        match self {
            Self::Text { file, .. } => {
                file.line(&TextSample { source, text: &rendered.text, spans: &rendered.spans })
            }
            Self::Messages { file, ids, .. } => {
                file.raw_line(rendered.text.as_bytes())?;
                ids.line(&source)
            }
            Self::Parquet { .. } => Ok(()),
        }
    }

    fn finish(self) -> Result<(), PipelineError> {
        match self {
            Self::Text { file, .. } => file.finish(),
            Self::Messages { file, ids, .. } => {
                ids.finish()?;
                file.finish()
            }
            Self::Parquet { writer, beside, path } => {
                writer.finish().map_err(|e| PipelineError::file(&beside, e))?;
                std::fs::rename(&beside, &path).map_err(|e| PipelineError::file(&path, e))
            }
        }
    }
}

fn is_kept(episode: &Episode, keep: Keep) -> bool {
    match keep {
        Keep::Success => episode.outcome == Outcome::Success,
        Keep::Scored => episode.reward.is_some(),
    }
}

/// A file that appears whole or not at all.
struct WholeFile {
    out: BufWriter<File>,
    path: PathBuf,
}

impl WholeFile {
    fn create(path: &Path) -> Result<Self, PipelineError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|e| PipelineError::file(parent, e))?;
        }
        let file = File::create(beside(path)).map_err(|e| PipelineError::file(path, e))?;
        Ok(Self { out: BufWriter::with_capacity(1 << 18, file), path: path.to_owned() })
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), PipelineError> {
        serde_json::to_writer(&mut self.out, value).map_err(|e| PipelineError::file(&self.path, e))?;
        self.out.write_all(b"\n").map_err(|e| PipelineError::file(&self.path, e))
    }

    fn raw_line(&mut self, line: &[u8]) -> Result<(), PipelineError> {
        self.out
            .write_all(line)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|e| PipelineError::file(&self.path, e))
    }

    fn finish(mut self) -> Result<(), PipelineError> {
        let fail = |e: std::io::Error| PipelineError::file(&self.path, e);
        self.out.flush().map_err(fail)?;
        self.out.get_ref().sync_all().map_err(fail)?;
        std::fs::rename(beside(&self.path), &self.path).map_err(fail)
    }
}

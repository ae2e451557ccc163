//! Supervised fine-tuning: next-action prediction with the loss on action tokens only (Nexus-1 §5.1).
//!
//! A run lives in a folder: `checkpoints/step-N/` and `metrics.jsonl`. Killed at any step and started
//! again with the same options, it goes on from its last checkpoint and ends with the same bytes.

use crate::curriculum::{RowStream, check_stages};
use crate::{
    CrossEntropy, EncodedSample, GradientEngine, Model, ModelConfig, Optimizer, OptimizerConfig, PackedRow,
    PolicyTokenizer, Schedule, Stage, TrainError, TrainerState, checkpoint, default_threads,
};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How a policy is fine-tuned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SftOptions {
    /// The model that is trained.
    pub model: ModelConfig,
    /// How parameters follow gradients.
    pub optimizer: OptimizerConfig,
    /// Optimiser steps.
    pub steps: u64,
    /// Steps of the warm-up.
    pub warmup_steps: u64,
    /// Learning rate at the end, as a share of the peak.
    pub final_fraction: f32,
    /// Tokens read a step, about: as many whole rows as fit, at least one. More than the machine can
    /// hold at once is gradient accumulation, and nothing else is needed for it.
    pub step_tokens: usize,
    /// Stages of growing context.
    pub stages: Vec<Stage>,
    /// Seed of parameters and order.
    pub seed: u64,
    /// Partial sums of the gradient. The result depends on it; the number of threads it allows does not.
    pub shards: usize,
    /// Keep only layer inputs and compute the rest again on the way back: less memory, a third more work.
    pub recompute_activations: bool,
    /// Steps between checkpoints; the last step always makes one.
    pub checkpoint_every: u64,
    /// Checkpoints kept, the newest.
    pub keep_checkpoints: usize,
}

impl SftOptions {
    /// The paper's numbers (Nexus-1 §4, §5.1): AdamW (0.9, 0.95), decay 0.1, 2e-5 → 2e-6, clip 1, three
    /// stages of context. They are meant for a model that was pre-trained.
    pub fn paper(model: ModelConfig, steps: u64, step_tokens: usize) -> Self {
        Self {
            optimizer: OptimizerConfig::default(),
            stages: crate::PAPER_STAGES.to_vec(),
            warmup_steps: steps / 100,
            ..Self::from_scratch(model, steps, step_tokens)
        }
    }

    /// For a small model from nothing: Muon, a tenth of the steps warm-up, one stage.
    pub fn from_scratch(model: ModelConfig, steps: u64, step_tokens: usize) -> Self {
        Self {
            model,
            optimizer: OptimizerConfig::from_scratch(),
            steps,
            warmup_steps: steps / 10,
            final_fraction: 0.1,
            step_tokens,
            stages: vec![Stage { context: 1.0, share: 1.0 }],
            seed: 0,
            shards: 8,
            recompute_activations: false,
            checkpoint_every: 100,
            keep_checkpoints: 2,
        }
    }

    fn validate(&self) -> Result<(), TrainError> {
        self.model.validate()?;
        self.optimizer.validate()?;
        check_stages(&self.stages)?;
        let at_least_one = |option, value: u64| match value {
            0 => Err(TrainError::Option { option, reason: "it is 0 and must be at least 1".to_owned() }),
            _ => Ok(()),
        };
        at_least_one("steps", self.steps)?;
        at_least_one("step_tokens", self.step_tokens as u64)?;
        at_least_one("shards", self.shards as u64)?;
        at_least_one("checkpoint_every", self.checkpoint_every)?;
        at_least_one("keep_checkpoints", self.keep_checkpoints as u64)
    }

    /// Tokens of a row in `stage`.
    fn row_tokens(&self, stage: &Stage) -> usize {
        ((self.model.context as f32 * stage.context).round() as usize).clamp(1, self.model.context)
    }

    /// The first step of each stage, and behind it the end.
    fn stage_ends(&self) -> Vec<u64> {
        let mut share = 0.0;
        let mut ends: Vec<u64> = self
            .stages
            .iter()
            .map(|stage| {
                share += f64::from(stage.share);
                (share * self.steps as f64).round() as u64
            })
            .collect();
        if let Some(last) = ends.last_mut() {
            *last = self.steps;
        }
        ends
    }
}

/// One line of `metrics.jsonl`: a point of the curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepMetrics {
    /// Steps made, this one included.
    pub step: u64,
    /// Mean loss of the step's action tokens before its update, in nats.
    pub loss: f64,
    /// Length of the gradient before clipping.
    pub gradient_norm: f64,
    /// What the peak learning rates were multiplied by.
    pub rate_factor: f32,
    /// Tokens read in this step.
    pub tokens: usize,
    /// Those of them that took part in the loss.
    pub action_tokens: usize,
    /// Stage of the curriculum, from 0.
    pub stage: usize,
    /// Epochs of the stage's samples begun.
    pub epoch: u64,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct SftReport {
    /// The trained model.
    pub model: Model,
    /// The checkpoint of the last step made.
    pub checkpoint: PathBuf,
    /// The last step's point of the curves; none if there was nothing left to do.
    pub last: Option<StepMetrics>,
    /// The checkpoint that the run went on from.
    pub resumed_from: Option<PathBuf>,
    /// Newer checkpoints that could not be used, with the reason.
    pub skipped: Vec<String>,
}

/// Fine-tunes a policy on `samples` in the folder `dir`. `start` gives the parameters to begin with; without
/// it they are drawn from the seed. `progress` sees each step and may end the run there: the checkpoint of
/// that step is written, and a later call goes on.
///
/// # Errors
/// Options that make no sense; a sample that does not fit the model; a loss that is no number
/// ([`TrainError::NotFinite`]: the state before that step is kept as a checkpoint); a checkpoint in `dir` of
/// another run; files that cannot be written.
pub fn train_sft(
    dir: &Path,
    options: &SftOptions,
    samples: &[EncodedSample],
    tokenizer: &PolicyTokenizer,
    start: Option<&Model>,
    progress: &mut dyn FnMut(&StepMetrics) -> ControlFlow<()>,
) -> Result<SftReport, TrainError> {
    options.validate()?;
    let mut run = Run::open(dir, options, samples, tokenizer, start)?;
    let resumed_from = run.resumed_from.take();
    let mut last = None;
    let ends = options.stage_ends();
    let mut begin = 0;
    'stages: for (index, (stage, end)) in options.stages.iter().zip(ends).enumerate() {
        if run.optimizer.steps() < end {
            let capacity = options.row_tokens(stage);
            let rows_a_step = (options.step_tokens / capacity).max(1);
            let mut stream = RowStream::new(samples, capacity, index as u64, options.seed)?;
            for _ in begin..run.optimizer.steps() {
                stream.next_rows(rows_a_step);
            }
            while run.optimizer.steps() < end {
                let rows = stream.next_rows(rows_a_step);
                let mut metrics = run.step(&rows, tokenizer)?;
                (metrics.stage, metrics.epoch) = (index, stream.epochs);
                run.record(&metrics)?;
                let is_cancelled = progress(&metrics).is_break();
                if metrics.step % options.checkpoint_every == 0
                    || metrics.step == options.steps
                    || is_cancelled
                {
                    run.save(tokenizer)?;
                }
                last = Some(metrics);
                if is_cancelled {
                    break 'stages;
                }
            }
        }
        begin = end;
    }
    let checkpoint = run.checkpoints.join(checkpoint::name(run.optimizer.steps()));
    Ok(SftReport { model: run.model, checkpoint, last, resumed_from, skipped: run.skipped })
}

/// A run under way.
struct Run<'a> {
    options: &'a SftOptions,
    schedule: Schedule,
    model: Model,
    optimizer: Optimizer,
    engine: GradientEngine,
    checkpoints: PathBuf,
    metrics: File,
    metrics_path: PathBuf,
    identity: String,
    resumed_from: Option<PathBuf>,
    skipped: Vec<String>,
}

impl<'a> Run<'a> {
    fn open(
        dir: &Path,
        options: &'a SftOptions,
        samples: &[EncodedSample],
        tokenizer: &PolicyTokenizer,
        start: Option<&Model>,
    ) -> Result<Self, TrainError> {
        let config = &options.model;
        if tokenizer.vocabulary() > config.vocabulary {
            let reason = format!("it is {}, the tokenizer has {}", config.vocabulary, tokenizer.vocabulary());
            return Err(TrainError::Option { option: "model.vocabulary", reason });
        }
        if samples.iter().all(|sample| sample.action_tokens() == 0) {
            return Err(TrainError::NoActionTokens {
                reason: format!("{} samples without any", samples.len()),
            });
        }
        let mut model = Model::new(config.clone(), options.seed)?;
        if let Some(start) = start {
            if start.config != *config {
                let reason = "it is not the config of the model to start from".to_owned();
                return Err(TrainError::Option { option: "model", reason });
            }
            model.parameters.copy_from_slice(&start.parameters);
        }
        let threads = default_threads();
        let mut optimizer = Optimizer::new(options.optimizer.clone(), &model.layout, threads);
        let identity = identity(options, samples, tokenizer, &model);
        let checkpoints = dir.join("checkpoints");
        fs::create_dir_all(&checkpoints).map_err(TrainError::io("create", &checkpoints))?;
        let (mut resumed_from, mut skipped) = (None, Vec::new());
        for (_, path) in checkpoint::list(&checkpoints)?.into_iter().rev() {
            match checkpoint::load_training(&path, &mut model, tokenizer, &mut optimizer, &identity) {
                Ok(_) => {
                    resumed_from = Some(path);
                    break;
                }
                // A torn one is passed over for the one before; one of another run is never written over.
                Err(fault @ (TrainError::Damaged { .. } | TrainError::Io { .. })) => {
                    skipped.push(fault.to_string());
                    let aside = path.with_extension("damaged");
                    fs::rename(&path, &aside).map_err(TrainError::io("move aside", &path))?;
                }
                Err(fault) => return Err(fault),
            }
        }
        if resumed_from.is_none() && !skipped.is_empty() {
            // A damaged checkpoint may have been read in part.
            model = Model::new(config.clone(), options.seed)?;
            if let Some(start) = start {
                model.parameters.copy_from_slice(&start.parameters);
            }
            optimizer = Optimizer::new(options.optimizer.clone(), &model.layout, threads);
        }
        let longest = options.stages.iter().map(|stage| options.row_tokens(stage)).max().unwrap_or(1);
        let recomputes = options.recompute_activations;
        let metrics_path = dir.join("metrics.jsonl");
        Ok(Self {
            schedule: Schedule {
                warmup_steps: options.warmup_steps,
                total_steps: options.steps,
                final_fraction: options.final_fraction,
            },
            engine: GradientEngine::new(config, longest, threads, options.shards, recomputes),
            metrics: reopen_metrics(&metrics_path, optimizer.steps())?,
            metrics_path,
            options,
            model,
            optimizer,
            checkpoints,
            identity,
            resumed_from,
            skipped,
        })
    }

    /// One optimiser step; the model is untouched if its loss or gradient is no number.
    fn step(&mut self, rows: &[PackedRow], tokenizer: &PolicyTokenizer) -> Result<StepMetrics, TrainError> {
        let action_tokens: usize = rows.iter().map(|row| row.targets.len()).sum();
        let scale = 1.0 / action_tokens.max(1) as f32;
        let batch = self.engine.compute(&self.model.parameters, rows, |_| CrossEntropy { scale })?;
        let what = match batch {
            _ if !batch.loss.is_finite() => Some("loss"),
            _ if !batch.gradient_norm.is_finite() => Some("gradient norm"),
            _ => None,
        };
        if let Some(what) = what {
            self.save(tokenizer)?;
            let kept = Some(self.checkpoints.join(checkpoint::name(self.optimizer.steps())));
            return Err(TrainError::NotFinite { step: self.optimizer.steps() + 1, what, kept });
        }
        let rate_factor = self.schedule.factor(self.optimizer.steps());
        self.optimizer.step(
            &mut self.model.parameters,
            self.engine.gradient(),
            batch.gradient_norm,
            rate_factor,
        );
        Ok(StepMetrics {
            step: self.optimizer.steps(),
            loss: batch.loss,
            gradient_norm: batch.gradient_norm,
            rate_factor,
            tokens: rows.iter().map(|row| row.tokens.len()).sum(),
            action_tokens,
            stage: 0,
            epoch: 0,
        })
    }

    fn record(&mut self, metrics: &StepMetrics) -> Result<(), TrainError> {
        let mut line =
            serde_json::to_vec(metrics).unwrap_or_else(|error| unreachable!("plain data: {error}"));
        line.push(b'\n');
        self.metrics.write_all(&line).map_err(TrainError::io("write", &self.metrics_path))
    }

    fn save(&self, tokenizer: &PolicyTokenizer) -> Result<(), TrainError> {
        let step = self.optimizer.steps();
        let path = self.checkpoints.join(checkpoint::name(step));
        if !path.exists() {
            let state = TrainerState { step, run: self.identity.clone() };
            checkpoint::save_training(&path, &self.model, tokenizer, &self.optimizer, &state)?;
        }
        let all = checkpoint::list(&self.checkpoints)?;
        let surplus = all.len().saturating_sub(self.options.keep_checkpoints);
        for (_, old) in &all[..surplus] {
            fs::remove_dir_all(old).map_err(TrainError::io("remove", old))?;
        }
        Ok(())
    }
}

/// A fingerprint of all that decides a run's bytes. How often it is saved does not.
fn identity(
    options: &SftOptions,
    samples: &[EncodedSample],
    tokenizer: &PolicyTokenizer,
    start: &Model,
) -> String {
    let options = SftOptions { checkpoint_every: 1, keep_checkpoints: 1, ..options.clone() };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&serde_json::to_vec(&options).unwrap_or_default());
    hasher.update(tokenizer.fingerprint().as_bytes());
    hasher.update(bytemuck::cast_slice(&start.parameters));
    for sample in samples {
        hasher.update(&(sample.id.len() as u64).to_le_bytes()).update(sample.id.as_bytes());
        hasher.update(&(sample.tokens.len() as u64).to_le_bytes());
        hasher.update(bytemuck::cast_slice(&sample.tokens));
        hasher.update(&sample.is_action.iter().map(|is| u8::from(*is)).collect::<Vec<_>>());
        for link in &sample.links {
            for end in [link.call.start, link.call.end, link.output.start, link.output.end] {
                hasher.update(&(end as u64).to_le_bytes());
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Opens the curves for appending, without the points behind `step`: those steps are made again.
fn reopen_metrics(path: &Path, step: u64) -> Result<File, TrainError> {
    let mut kept = Vec::new();
    if let Ok(file) = File::open(path) {
        for line in BufReader::new(file).lines() {
            let line = line.map_err(TrainError::io("read", path))?;
            match serde_json::from_str::<StepMetrics>(&line) {
                Ok(metrics) if metrics.step <= step => kept.push(line),
                _ => break,
            }
        }
    }
    let partial = path.with_extension("jsonl.partial");
    let text: String = kept.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    fs::write(&partial, text).map_err(TrainError::io("write", &partial))?;
    fs::rename(&partial, path).map_err(TrainError::io("rename to", path))?;
    OpenOptions::new().append(true).open(path).map_err(TrainError::io("open", path))
}

#[cfg(test)]
mod tests;

//! `nex train`: what a training run takes, and fine-tuning of small policies on the episodes of runs.

use crate::failure::{Code, Failure, Outcome};
use crate::interrupt;
use crate::terminal::{Tint, is_rich, print, tell, tint};
use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use nex_train::plan::{PRESETS, disagreements, plan, preset};
use nex_train::{
    DataReport, Declaration, EncodedSample, Encoder, EncodingStyle, EpisodeFilter, EpisodeSource,
    ModelConfig, PolicyTokenizer, SftOptions, StepMetrics, TooLong, ToolBias, TrainError, train_sft,
};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Bytes of text that a tokenizer is trained on.
const TOKENIZER_BYTES: usize = 64 << 20;
/// Where a learned bias begins.
const INITIAL_BIAS: f32 = 0.5;

/// What of training.
#[derive(Debug, Subcommand)]
pub(crate) enum TrainCommand {
    /// Work out parameters, FLOPs, memory and device hours of a run, with the arithmetic.
    Plan(PlanArgs),
    /// Fine-tune a small policy from nothing on the episodes of runs (next action, action tokens only).
    Sft(SftArgs),
}

/// `nex train plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nex train plan            lists the presets\n  nex train plan nexus-1")]
pub(crate) struct PlanArgs {
    /// A preset; none lists them.
    preset: Option<String>,
}

/// `nex train sft`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  nex synth recipe.yaml --out runs/demos\n  \
nex train sft runs/demos --out runs/policy --steps 400\n\n\
The folder gets checkpoints in Hugging Face's layout and metrics.jsonl, one line a step. Killed anywhere, the same \
command goes on from the last checkpoint to the same bytes.")]
pub(crate) struct SftArgs {
    /// Run folders whose episodes are learned from.
    #[arg(required = true)]
    runs: Vec<PathBuf>,
    /// The folder for checkpoints and curves.
    #[arg(long)]
    out: PathBuf,
    /// Which episodes: successful ones, those also rated 4 or better, or all.
    #[arg(long, value_enum, default_value_t = Filter::Successful)]
    filter: Filter,
    /// Optimiser steps.
    #[arg(long, default_value_t = 400)]
    steps: u64,
    /// Tokens read a step, about.
    #[arg(long, default_value_t = 8192)]
    step_tokens: usize,
    /// Layers of the model.
    #[arg(long, default_value_t = 4)]
    layers: usize,
    /// Attention heads.
    #[arg(long, default_value_t = 4)]
    heads: usize,
    /// Hidden size.
    #[arg(long, default_value_t = 128)]
    hidden: usize,
    /// Tokens that the model sees at once.
    #[arg(long, default_value_t = 2048)]
    context: usize,
    /// Entries of the tokenizer, which is trained on the episodes.
    #[arg(long, default_value_t = 1024)]
    vocabulary: usize,
    /// Learn a bias of each head between a call and its result (Nexus-1 §3).
    #[arg(long)]
    tool_bias: bool,
    /// Seed of parameters and order.
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Which episodes are learned from.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Filter {
    /// The verifier accepts them whole.
    Successful,
    /// That, and a rating of 4 or better.
    Rated,
    /// Failed and unjudged ones too.
    All,
}

/// Runs what is asked for.
pub(crate) fn run(command: TrainCommand) -> Outcome {
    match command {
        TrainCommand::Plan(args) => show_plan(&args),
        TrainCommand::Sft(args) => sft(&args),
    }
}

fn show_plan(args: &PlanArgs) -> Outcome {
    let Some(name) = &args.preset else {
        PRESETS.iter().for_each(print);
        return Ok(());
    };
    let input = preset(name).map_err(Failure::usage)?;
    print(plan(&input).map_err(told)?.text);
    if *name == "nexus-1" {
        print(tint(Tint::Strong, "Where the published figures do not agree:"));
        print(disagreements().map_err(told)?);
    }
    Ok(())
}

fn sft(args: &SftArgs) -> Outcome {
    let filter = match args.filter {
        Filter::Successful => EpisodeFilter::Successful,
        Filter::Rated => EpisodeFilter::PAPER,
        Filter::All => EpisodeFilter::All,
    };
    let stores = args.runs.iter().map(|run| run.join("episodes")).collect();
    let source = EpisodeSource { stores, filter };
    let style = EncodingStyle::Structured { tools: Declaration::None };
    let (tokenizer, samples) = data(args, &source, style)?;
    let model = ModelConfig {
        smeared_keys: true,
        tool_bias: if args.tool_bias { ToolBias::Learned { initial: INITIAL_BIAS } } else { ToolBias::Off },
        ..ModelConfig::new(args.layers, args.heads, args.hidden, tokenizer.vocabulary(), args.context)
    };
    let mut options = SftOptions::from_scratch(model, args.steps, args.step_tokens);
    options.seed = args.seed;
    let runtime = super::synth::runtime()?;
    let cancel = runtime.block_on(async {
        interrupt::cancel_on_signal("the step under way is finished and kept as a checkpoint")
    });
    let bar = if is_rich() { ProgressBar::new(args.steps) } else { ProgressBar::hidden() };
    let looks = ProgressStyle::with_template("{bar:32.cyan/dim} {pos}/{len} steps · {msg} · {eta} left");
    bar.set_style(looks.expect("the template is valid").progress_chars("━╸─"));
    let mut on_step = |metrics: &StepMetrics| {
        bar.set_position(metrics.step);
        bar.set_message(format!("loss {:.4}", metrics.loss));
        if !is_rich() && metrics.step.is_multiple_of(50) {
            tell(format!("step {} of {}: loss {:.4}", metrics.step, args.steps, metrics.loss));
        }
        if cancel.is_cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let report = train_sft(&args.out, &options, &samples, &tokenizer, None, &mut on_step);
    bar.finish_and_clear();
    runtime.shutdown_background();
    let report = report.map_err(told)?;
    for skipped in &report.skipped {
        tell(format!("{} {skipped}", tint(Tint::Doubtful, "warning:")));
    }
    if let Some(from) = &report.resumed_from {
        tell(format!("went on from {}", from.display()));
    }
    match &report.last {
        Some(last) => print(format!("loss {:.4} after {} steps", last.loss, last.step)),
        None => print("nothing was left to do"),
    }
    print(report.checkpoint.display().to_string());
    match report.last.is_some_and(|last| last.step < args.steps) {
        true => Err(Failure::new(Code::Interrupted, "stopped before the end; the same command goes on")),
        false => Ok(()),
    }
}

/// The tokenizer of the run, trained the first time, and the samples.
fn data(
    args: &SftArgs,
    source: &EpisodeSource,
    style: EncodingStyle,
) -> Result<(PolicyTokenizer, Vec<EncodedSample>), Failure> {
    let tokenizer = source.train_tokenizer(&style, args.vocabulary, TOKENIZER_BYTES).map_err(told)?;
    let encoder = Encoder::new(tokenizer.clone(), style);
    let (samples, report) = source.samples(&encoder, args.context, TooLong::CutBehindReply).map_err(told)?;
    tell_data(&report, &args.out);
    Ok((tokenizer, samples))
}

fn tell_data(report: &DataReport, out: &Path) {
    tell(format!(
        "{} {}: {} samples of {} episodes, {} tokens, of them {} of actions",
        tint(Tint::Strong, "train"),
        out.display(),
        report.samples,
        report.episodes,
        report.tokens,
        report.action_tokens
    ));
    for (reason, count) in &report.left_out {
        tell(format!("{count:>7} left out: {reason}"));
    }
}

fn told(error: TrainError) -> Failure {
    let code = match &error {
        TrainError::Config { .. } | TrainError::Option { .. } => Code::Usage,
        TrainError::NotFinite { .. } => Code::Found,
        TrainError::Io { action, .. } if *action != "read" => Code::Surroundings,
        _ => Code::Input,
    };
    Failure::new(code, error)
}

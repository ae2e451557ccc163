//! `nex data import` and `nex data convert`: files that others wrote, and what trainers read.

use crate::args::{ConvertArgs, ImportArgs, KeepChoice, SourceArgs, SplitChoice};
use crate::failure::{Code, Failure, Outcome};
use crate::terminal::{Tint, is_rich, safe, tell, tint};
use indicatif::{ProgressBar, ProgressStyle};
use nex_pipeline::convert::{ConvertOptions, ConvertReport, convert_files, convert_run};
use nex_pipeline::export::{ExportOptions, ExportTarget, TargetError, TokenSplit};
use nex_pipeline::import::{ImportOptions, Input, Inputs, Source, decide, into_run};
use nex_pipeline::reasons::Reasons;
use nex_pipeline::recipe::Keep;
use nex_pipeline::run_folder::write_json;
use nex_pipeline::{PipelineError, RunFolder};
use std::path::{Path, PathBuf};

/// Reasons that are shown of each kind; the report file has all.
const SHOWN_REASONS: usize = 12;

/// `nex data import`.
pub(crate) fn import(args: ImportArgs) -> Outcome {
    let (names, inputs, source) = open(&args.inputs, &args.source)?;
    let bar = Bar::new(&names);
    let options = ImportOptions { threads: threads(&args.source), is_strict: args.source.strict };
    let report = into_run(&source, &names, inputs, &args.out, &options, |bytes| bar.add(bytes));
    bar.finish();
    let report = report.map_err(failed)?;
    let again = match report.already_there {
        0 => String::new(),
        count => format!(" ({count} were there already)"),
    };
    tell(format!("{} episodes in {}{again}", report.episodes, args.out.display()));
    tell_reasons("records could not be read", &report.unreadable);
    write_report(args.report.as_deref(), &report)?;
    ended(&report.unreadable)
}

/// `nex data convert`.
pub(crate) fn convert(args: ConvertArgs) -> Outcome {
    let wishes = ExportOptions {
        tokenizer: args.tokenizer,
        text_format: args.text_format,
        token_split: args.token_split.map(|split| match split {
            SplitChoice::Whole => TokenSplit::Whole,
            SplitChoice::Boundaries => TokenSplit::Boundaries,
        }),
        file_each: args.file_each,
    };
    let target = ExportTarget::by_name(&args.to, &wishes).map_err(|error| match error {
        TargetError::Choice(_) => Failure::usage(error),
        TargetError::Tokenizer(_) => Failure::input(error),
    })?;
    let run = run_of(&args.inputs)?;
    let keep = match args.keep {
        Some(KeepChoice::Success) => Keep::Success,
        Some(KeepChoice::Scored) => Keep::Scored,
        Some(KeepChoice::All) => Keep::All,
        None => default_keep(run.as_ref()),
    };
    let options = ConvertOptions { keep, threads: threads(&args.source), is_strict: args.source.strict };
    let report = match run {
        Some(folder) => {
            folder.read_manifest().map_err(Failure::input)?;
            convert_run(&folder, &target, &options, &args.out, |_| {}).map_err(failed)?
        }
        None => {
            let (names, inputs, source) = open(&args.inputs, &args.source)?;
            let bar = Bar::new(&names);
            let report = convert_files(&source, inputs, &target, &options, &args.out, |bytes| bar.add(bytes));
            bar.finish();
            report.map_err(failed)?
        }
    };
    tell_converted(&report, &args.out);
    write_report(args.report.as_deref(), &report)?;
    ended(&report.unreadable)
}

/// The run folder, if the one input is a folder.
fn run_of(inputs: &[PathBuf]) -> Result<Option<RunFolder>, Failure> {
    match inputs {
        [one] if one.is_dir() => Ok(Some(RunFolder::new(one))),
        many if many.iter().any(|input| input.is_dir()) => {
            Err(Failure::usage("a run folder is converted by itself: name one folder, or files"))
        }
        _ => Ok(None),
    }
}

/// Nobody judged what was imported, so all of it is kept.
fn default_keep(run: Option<&RunFolder>) -> Keep {
    let is_own = run.is_some_and(|folder| {
        folder.read_manifest().is_ok_and(|manifest| manifest.recipe.get("import").is_none())
    });
    if is_own { Keep::Success } else { Keep::All }
}

fn threads(args: &SourceArgs) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, |cores| cores.get());
    args.threads.map_or_else(cores, usize::from)
}

/// The inputs with how they are read.
fn open(paths: &[PathBuf], args: &SourceArgs) -> Result<(Vec<Input>, Inputs, Source), Failure> {
    let names: Vec<Input> = paths.iter().map(|path| Input::from_argument(path)).collect();
    if names.iter().filter(|name| **name == Input::Stdin).count() > 1 {
        return Err(Failure::usage("standard input (`-`) can be read once only"));
    }
    // A wrong word on the command line is told before a file is looked at.
    let dialect = args.dialect.as_deref();
    if args.from != "auto" {
        let source = Source::by_name(&args.from, dialect).map_err(Failure::usage)?;
        let inputs = Inputs::open(names.clone()).map_err(Failure::input)?;
        return Ok((names, inputs, source));
    }
    Source::by_name("openai", dialect).map_err(Failure::usage)?;
    let mut inputs = Inputs::open(names.clone()).map_err(Failure::input)?;
    let decision = decide(&mut inputs, dialect).map_err(Failure::input)?;
    tell(format!("read as {}: {} in {}", decision.source.name(), decision.because, names[0].name()));
    Ok((names, inputs, decision.source))
}

fn failed(error: PipelineError) -> Failure {
    match error {
        PipelineError::Record(fault) => Failure::input(format!("{fault} (--strict ends at the first)")),
        other => Failure::input(other),
    }
}

fn tell_converted(report: &ConvertReport, out: &Path) {
    tell(format!("{} samples of {} episodes in {}", report.samples, report.episodes, out.display()));
    tell_reasons("samples left out", &report.not_representable);
    tell_reasons("records could not be read", &report.unreadable);
}

fn tell_reasons(what: &str, reasons: &Reasons) {
    if reasons.is_empty() {
        return;
    }
    tell(format!("{} {} {what}:", tint(Tint::Doubtful, "note:"), reasons.count()));
    let rows = reasons.by_count();
    for (reason, found) in rows.iter().take(SHOWN_REASONS) {
        tell(format!("{:>8}  {}", found.count, safe(reason, 300)));
        for example in found.examples.iter().filter(|example| !example.is_empty()) {
            tell(format!("          {}", tint(Tint::Faint, &safe(example, 300))));
        }
    }
    if rows.len() > SHOWN_REASONS {
        tell(format!("          … and {} more reasons; --report writes all", rows.len() - SHOWN_REASONS));
    }
}

fn write_report(path: Option<&Path>, report: &impl serde::Serialize) -> Outcome {
    match path {
        Some(path) => write_json(path, report).map_err(Failure::surroundings),
        None => Ok(()),
    }
}

fn ended(unreadable: &Reasons) -> Outcome {
    if unreadable.is_empty() { Ok(()) } else { Err(Failure::new(Code::Found, "")) }
}

/// Bytes read so far, on a terminal.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(inputs: &[Input]) -> Self {
        if !is_rich() {
            return Self(None);
        }
        // Of a pipe or a compressed file it is not known how much is to come.
        let is_plain = |input: &Input| {
            let name = input.name();
            !(name.ends_with(".gz") || name.ends_with(".zst") || *input == Input::Stdin)
        };
        let total: Option<u64> = inputs.iter().map(|i| i.size_bytes().filter(|_| is_plain(i))).sum();
        let (bar, template) = match total {
            Some(total) => {
                let template = "{bar:32.cyan/dim} {bytes}/{total_bytes} · {bytes_per_sec} · {eta} left";
                (ProgressBar::new(total), template)
            }
            None => (ProgressBar::new_spinner(), "{spinner} {bytes} · {bytes_per_sec}"),
        };
        let style = ProgressStyle::with_template(template).expect("the template is valid");
        bar.set_style(style.progress_chars("━╸─"));
        Self(Some(bar))
    }

    fn add(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.inc(bytes);
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

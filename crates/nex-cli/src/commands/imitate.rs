//! `nex world imitate`: a world's dynamics learned from a real MCP server.

use super::mcp::{redactor, session_id};
use crate::failure::{Failure, Outcome};
use crate::terminal::{Tint, is_rich, print, safe, tell, tint};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use nex_tools::catalogue::ServerList;
use nex_tools::mcp::recording::{
    PlannedCall, Recorder, Recording, Survey, SurveyConfig, SurveyError, run_survey,
};
use nex_tools::{McpPool, McpServerSpec, PoolConfig};
use nex_world::imitate::{
    Fit, ImitateConfig, Imitation, PatchError, Rate, dynamics_yaml, imitate, patch_world,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `nex world imitate`.
#[derive(Debug, Args)]
#[command(after_help = "Where the server comes from, one of:\n  \
nex world imitate --recording calls.jsonl              a recording, of this command or of `nex mcp record`\n  \
nex world imitate --servers servers.json --server git  a server of a list\n  \
nex world imitate -- mcp-server-time                   a program and its arguments\n\n\
Only tools that the server declares to be read-only are called, with arguments made up from their schemas; better\n\
ones come from --calls, JSON lines of {\"tool\": …, \"arguments\": {…}, \"times\": 50}. Other tools are called only\n\
from such a file, and only with --allow-writes.\n\n\
What is learned and how far to trust it: docs/mcp-servers.md.")]
pub(crate) struct ImitateArgs {
    /// Learn from this recording; nothing is called.
    #[arg(long, conflicts_with_all = ["servers", "command", "calls", "keep"])]
    pub(crate) recording: Option<PathBuf>,
    /// A list of servers, see `nex tools catalogue`.
    #[arg(long, requires = "server", conflicts_with = "command")]
    pub(crate) servers: Option<PathBuf>,
    /// The name of the server in the list.
    #[arg(long, requires = "servers")]
    pub(crate) server: Option<String>,
    /// The calls to make, as JSON lines.
    #[arg(long)]
    pub(crate) calls: Option<PathBuf>,
    /// How often each call is made that does not say so itself.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeats: u32,
    /// Milliseconds between an answer and the next call.
    #[arg(long, default_value_t = 0)]
    pub(crate) pause_ms: u64,
    /// The calls of --calls may be of tools that write.
    #[arg(long, requires = "calls")]
    pub(crate) allow_writes: bool,
    /// Calls at the beginning of each tool whose latency is left out.
    #[arg(long, default_value_t = 1)]
    pub(crate) warm_up: usize,
    /// Keep what was recorded in this file.
    #[arg(long)]
    pub(crate) keep: Option<PathBuf>,
    /// A world to give the dynamics to: a built-in name or a file.
    #[arg(long, requires = "out")]
    pub(crate) world: Option<String>,
    /// The file for that world with its new dynamics.
    #[arg(long, requires = "world")]
    pub(crate) out: Option<PathBuf>,
    /// Which tool tells the dynamics of which operation, as TOOL=OPERATION; equal names by default.
    #[arg(long, value_name = "TOOL=OPERATION")]
    pub(crate) map: Vec<String>,
    /// Write all that was learned to this file, as JSON.
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
    /// Of what is compared with the recording.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// The server: a program and its arguments, behind `--`.
    #[arg(last = true)]
    pub(crate) command: Vec<String>,
}

/// Records, learns, prints.
pub(crate) fn run(args: ImitateArgs) -> Outcome {
    let recording = match &args.recording {
        Some(path) => Recording::load(path).map_err(Failure::input)?,
        None => survey(&args)?,
    };
    let config = ImitateConfig { warm_up: args.warm_up, seed: args.seed };
    let learned = imitate(&recording, &config).map_err(Failure::input)?;
    show(&learned);
    print(format!("\n{}", dynamics_yaml(&learned.whole.dynamics, 0).trim_end()));
    if let Some(path) = &args.report {
        let json = serde_json::to_string_pretty(&learned).map_err(Failure::surroundings)?;
        write(path, &(json + "\n"))?;
        tell(format!("the report is in {}", path.display()));
    }
    match (&args.world, &args.out) {
        (Some(world), Some(out)) => patch(&args, &learned, world, out),
        _ => Ok(()),
    }
}

/// Calls the server and reads back what was recorded.
fn survey(args: &ImitateArgs) -> Result<Recording, Failure> {
    let spec = server(args)?;
    let planned = args.calls.as_deref().map(planned).transpose()?;
    let config = SurveyConfig {
        repeats: args.repeats,
        allow_writes: args.allow_writes,
        pause: Duration::from_millis(args.pause_ms),
    };
    let scratch = std::env::temp_dir().join(format!("nex-{}.jsonl", session_id()));
    let path = args.keep.clone().unwrap_or_else(|| scratch.clone());
    let recorded = survey_into(&path, &spec, planned, &config);
    let recording = recorded.and_then(|()| Recording::load(&path).map_err(Failure::surroundings));
    if args.keep.is_none() {
        // It may never have been made.
        let _ = std::fs::remove_file(&scratch);
    }
    recording
}

fn survey_into(
    path: &Path,
    spec: &McpServerSpec,
    planned: Option<Vec<PlannedCall>>,
    config: &SurveyConfig,
) -> Outcome {
    let runtime = super::synth::runtime()?;
    let outcome = runtime.block_on(async {
        let cancel = crate::interrupt::cancel_on_signal("what was recorded so far is used");
        let pool = McpPool::new(PoolConfig::default());
        let lease = pool.lease(spec).await.map_err(Failure::surroundings)?;
        let survey = match planned {
            Some(calls) => Survey::of_calls(calls, lease.list(), config),
            None => Survey::of_reading_tools(lease.list()),
        };
        let survey = survey.map_err(Failure::usage)?;
        for (tool, why) in &survey.left_out {
            tell(tint(Tint::Faint, &format!("not called: {}: {why}", safe(tool, 100))));
        }
        let mut recorder = Recorder::open(path, session_id(), spec.name.clone(), redactor(&[]))
            .map_err(Failure::surroundings)?;
        let count = survey.call_count(config);
        let bar = if is_rich() { ProgressBar::new(count) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:32.cyan/dim} {pos}/{len} calls · {eta} left");
        bar.set_style(style.expect("the template is valid").progress_chars("━╸─"));
        tell(format!("{count} calls of {} kinds, one after the other", survey.calls.len()));
        let made = run_survey(&lease, &survey, config, &mut recorder, || {
            bar.inc(1);
            !cancel.is_cancelled()
        });
        let made = made.await.map_err(|error| match error {
            SurveyError::Recording(_) => Failure::surroundings(error),
            _ => Failure::usage(error),
        });
        bar.finish_and_clear();
        lease.release().await;
        pool.close().await;
        made
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    outcome
}

fn server(args: &ImitateArgs) -> Result<McpServerSpec, Failure> {
    if let (Some(path), Some(name)) = (&args.servers, &args.server) {
        let list = ServerList::load(path).map_err(Failure::input)?;
        let known: Vec<String> = list.servers.iter().map(|server| server.name.clone()).collect();
        let found = list.servers.into_iter().find(|server| server.name == *name).ok_or_else(|| {
            let known = known.join(", ");
            Failure::input(format!("{}: there is no server `{name}`; known: {known}", path.display()))
        })?;
        return found.spec.map_err(|cause| Failure::input(format!("{}: `{name}`: {cause}", path.display())));
    }
    match args.command.split_first() {
        Some((program, rest)) => {
            let name = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
            Ok(McpServerSpec::stdio(name.unwrap_or_default(), program.clone(), rest.iter().cloned()))
        }
        None => Err(Failure::usage(
            "say what to imitate: --recording FILE, --servers LIST --server NAME, or `-- COMMAND ARGS`",
        )),
    }
}

fn planned(path: &Path) -> Result<Vec<PlannedCall>, Failure> {
    let text =
        std::fs::read_to_string(path).map_err(|e| Failure::input(format!("{}: {e}", path.display())))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let shape = r#"a line is {"tool": "NAME", "arguments": {…}, "times": 50}"#;
            serde_json::from_str(line)
                .map_err(|e| Failure::input(format!("{}, line {}: {e}; {shape}", path.display(), at + 1)))
        })
        .collect()
}

fn show(learned: &Imitation) {
    print(format!("{} · {} calls", tint(Tint::Strong, &safe(&learned.server, 100)), learned.whole.calls));
    show_fit("all tools", &learned.whole);
    for (tool, fit) in learned.tools.iter().filter(|_| learned.tools.len() > 1) {
        show_fit(&safe(tool, 60), fit);
    }
    if let Some(limit) = &learned.rate_limit {
        let (low, high) = limit.window_interval_s;
        print(format!(
            "rate limit: {} calls in {} s (the window is {low:.1} to {high:.1} s), {} calls refused",
            limit.spec.calls, limit.spec.window_s, limit.refused
        ));
    }
    for note in &learned.notes {
        tell(format!("{} {}", tint(Tint::Doubtful, "note:"), safe(note, 600)));
    }
}

fn show_fit(name: &str, fit: &Fit) {
    print(tint(Tint::Strong, &format!("\n{name}: {} calls", fit.calls)));
    if fit.deserved_errors == fit.calls {
        return print("  an error each time, as far as can be told for the arguments");
    }
    if let Some(latency) = &fit.latency {
        let cells = |pick: fn(&nex_world::imitate::QuantileRow) -> f64| {
            latency.quantiles.iter().map(|row| format!("{:>8.1}", pick(row))).collect::<String>()
        };
        let heads: String = latency
            .quantiles
            .iter()
            .map(|row| format!("{:>8}", format!("p{:.0}", 100.0 * row.share)))
            .collect();
        print(format!("  latency in ms   {heads}"));
        print(format!("    recorded      {}", cells(|row| row.real_ms)));
        print(format!("    imitated      {}", cells(|row| row.imitated_ms)));
        let held_out = latency.ks_held_out.map_or(String::new(), |ks| format!(", {ks:.3} held out"));
        print(format!(
            "    distance (KS) {:.3}{held_out}; over {:.3} is more than chance",
            latency.ks, latency.ks_by_chance
        ));
    }
    print(format!("  passing errors  {}", shown(&fit.transient)));
    for (kind, rate) in &fit.errors {
        print(format!("    {kind:<14}{}", shown(rate)));
    }
    let replies = &fit.replies;
    print(format!(
        "  replies         {:.0} bytes at the median, {:.0} at p95; cut {}; swollen {}",
        replies.median_bytes,
        replies.p95_bytes,
        shown(&replies.truncated),
        shown(&replies.verbose)
    ));
}

fn shown(rate: &Rate) -> String {
    format!(
        "{} of {} = {:.1} % ({:.1} to {:.1})",
        rate.hits,
        rate.of,
        100.0 * rate.share,
        100.0 * rate.low,
        100.0 * rate.high
    )
}

fn patch(args: &ImitateArgs, learned: &Imitation, name: &str, out: &Path) -> Outcome {
    let world = super::world::declared(name)?;
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    for tool in learned.tools.keys().filter(|tool| world.operation(tool).is_some()) {
        names.insert(tool, tool);
    }
    for pair in &args.map {
        let (tool, operation) = pair
            .split_once('=')
            .ok_or_else(|| Failure::usage(format!("--map {pair}: write it as TOOL=OPERATION")))?;
        if !learned.tools.contains_key(tool) {
            return Err(Failure::usage(format!("--map {pair}: no call of the tool `{tool}` was recorded")));
        }
        names.insert(tool, operation);
    }
    let operations: BTreeMap<String, nex_world::DynamicsSpec> = names
        .iter()
        .map(|(tool, operation)| ((*operation).to_owned(), learned.tools[*tool].dynamics.clone()))
        .collect();
    let patched = patch_world(world.source(), name, &learned.whole.dynamics, &operations);
    let patched = patched.map_err(|error| match error {
        PatchError::UnknownOperation(_) => Failure::usage(error),
        _ => Failure::input(error),
    })?;
    write(out, &patched)?;
    tell(format!(
        "{} with these dynamics is in {}; {} operations have their own",
        world.name(),
        out.display(),
        operations.len()
    ));
    Ok(())
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).map_err(|e| Failure::surroundings(format!("{}: {e}", path.display())))
}

//! `nex mcp`: real MCP servers recorded, and recordings served.

use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::terminal::{Tint, tell, tint};
use clap::{Args, Subcommand};
use nex_tools::McpServerSpec;
use nex_tools::mcp::McpTransport;
use nex_tools::mcp::recording::{
    ProxyError, Recorder, Recording, Redactor, Replay, ReplayOptions, record_stdio, serve_replay,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `nex mcp`.
#[derive(Debug, Subcommand)]
pub(crate) enum McpCommand {
    /// Stand between a client and an MCP server, and record what is called and answered.
    Record(RecordArgs),
    /// Serve a recording as an MCP server.
    Replay(ReplayArgs),
}

/// `nex mcp record`.
#[derive(Debug, Args)]
#[command(after_help = "Name it as the server wherever a client wants a command:\n  \
command: nex, args: [mcp, record, --out, git.jsonl, --, mcp-server-git, --repository, .]\n\n\
The server gets the environment of this command. Each session is appended to the file.\n\
Kept: the server's name and tools; of each call the tool, arguments, answer and times.\n\
Not kept: command line, environment, resources, prompts, logs. The values of variables whose names sound like a\n\
secret (KEY, TOKEN, SECRET, PASSWORD, AUTH …), and of those named by --redact, stand as *** in what is kept.\n\
What a tool returns is kept as it is otherwise: look before you share a recording.")]
pub(crate) struct RecordArgs {
    /// The recording; sessions are appended.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// What to call the server in the recording; its program's name by default.
    #[arg(long)]
    pub(crate) label: Option<String>,
    /// A variable of the environment whose value is a secret.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) redact: Vec<String>,
    /// The server: a program and its arguments, behind `--`.
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<String>,
}

/// `nex mcp replay`.
#[derive(Debug, Args)]
#[command(
    after_help = "Equal calls (same tool, same arguments) get their recorded answers in order, then the last one\n\
again. A call that is not in the recording gets an error that says what is."
)]
pub(crate) struct ReplayArgs {
    /// The recording.
    pub(crate) recording: PathBuf,
    /// Answers take as long as they took.
    #[arg(long)]
    pub(crate) latency: bool,
    /// Only this session of the recording, from 1; by default all, one after the other.
    #[arg(long)]
    pub(crate) session: Option<usize>,
    /// The variables that were named when it was recorded.
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) redact: Vec<String>,
}

/// Does what is asked for.
pub(crate) fn run(command: McpCommand) -> Outcome {
    match command {
        McpCommand::Record(args) => record(&args),
        McpCommand::Replay(args) => replay(&args),
    }
}

/// Names a session of a recording: no two processes and moments are alike.
pub(super) fn session_id() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", std::process::id(), now.as_nanos())
}

/// The secrets of our environment, which is the server's too.
pub(super) fn redactor(named: &[String]) -> Redactor {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Redactor::of_environment(variables, named)
}

fn record(args: &RecordArgs) -> Outcome {
    let (program, rest) = args.command.split_first().expect("clap asks for one word at least");
    let mut spec = McpServerSpec::stdio(program.clone(), program.clone(), rest.iter().cloned());
    if let McpTransport::Stdio { env, .. } = &mut spec.transport {
        // The client gave us the server's environment.
        env.extend(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
    }
    let file_name = Path::new(program).file_name().map(|name| name.to_string_lossy().into_owned());
    let label = args.label.clone().or(file_name).unwrap_or_default();
    let recorder = Recorder::open(&args.out, session_id(), label, redactor(&args.redact));
    let recorder = recorder.map_err(Failure::surroundings)?;
    let runtime = super::synth::runtime()?;
    let outcome = runtime.block_on(async {
        let cancel = interrupt::cancel_on_signal("the server is ended");
        record_stdio(&spec, recorder, tokio::io::stdin(), tokio::io::stdout(), cancel).await
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    let report = outcome.map_err(|error| match error {
        ProxyError::Spawn { .. } => Failure::input(error),
        _ => Failure::surroundings(error),
    })?;
    tell(tint(
        Tint::Faint,
        &format!(
            "{} calls recorded in {}, {} without an answer; the server: {}",
            report.answered,
            args.out.display(),
            report.lost,
            report.end
        ),
    ));
    Ok(())
}

fn replay(args: &ReplayArgs) -> Outcome {
    let recording = Recording::load(&args.recording).map_err(Failure::input)?;
    for (line, what) in &recording.damaged {
        tell(format!("{} line {line} is left out: {what}", tint(Tint::Doubtful, "note:")));
    }
    let options =
        ReplayOptions { with_latency: args.latency, session: args.session, redactor: redactor(&args.redact) };
    let replay = Replay::new(&recording, options)
        .map_err(|cause| Failure::input(format!("{}: {cause}", args.recording.display())))?;
    let runtime = super::synth::runtime()?;
    let served = runtime.block_on(async {
        let cancel = interrupt::cancel_on_signal("the replay ends");
        serve_replay(replay, tokio::io::stdin(), tokio::io::stdout(), cancel).await
    });
    runtime.shutdown_timeout(Duration::from_millis(100));
    served.map_err(Failure::surroundings)
}

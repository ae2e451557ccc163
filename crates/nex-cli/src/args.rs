//! The command line as clap sees it: what can be said, and what `--help` says about it.
//!
//! Nothing is resolved here; each command's room turns its arguments into a configuration.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// From a world to verified trajectories, training data and a report.
#[derive(Debug, Parser)]
#[command(
    name = "nex",
    version,
    about,
    long_about = "Nex turns worlds (declarative, stateful environments) into tasks, runs agents on them, verifies \
what they did by the world's state, and writes training data and a report.\n\n\
It implements NexAU (the agent runtime), NexA4A (builders, and a planner without LLM), and the execution and \
export stages of NexGAP of the Nex-N1 paper, and the trajectory record of Nexus-1.",
    after_help = "Exit codes:\n  \
0  done, and what was asked for holds\n  \
1  done, but something does not hold: a check found errors, the agent did not answer\n  \
2  the command line cannot be understood\n  \
3  an input file is missing or wrong\n  \
4  the surroundings failed: a model, a server, the disk\n  \
130  interrupted; `nex demo` and `nex synth` go on where they were when run again\n\n\
Start with:  nex demo --out runs/demo"
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// More words on what happens (also: RUST_LOG=nex=debug).
    #[arg(long, short, global = true)]
    pub(crate) verbose: bool,
    /// When to use colours and progress bars.
    #[arg(long, global = true, value_enum, default_value_t = ColourChoice::Auto)]
    pub(crate) color: ColourChoice,
}

/// When to use colours and progress bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole way on the built-in worlds: tasks, agents over MCP, verified episodes, dataset, report.
    Demo(DemoArgs),
    /// Run one agent (NexAU): `nex run AGENT.yaml "task" --model openai:NAME`.
    Run(RunArgs),
    /// Check agents, recipes and worlds, and say what is wrong and where.
    Check(CheckArgs),
    /// Make a framework of agents and its world from a sentence (NexA4A: built-in planner, or LLM builders).
    Forge(ForgeArgs),
    /// Make a dataset from a recipe (NexGAP: execution and export).
    Synth(SynthArgs),
    /// Convert, count and look at episodes.
    #[command(subcommand)]
    Data(DataCommand),
    /// Declarative worlds: check, tools, tasks, play, serve.
    #[command(subcommand)]
    World(WorldCommand),
    /// Real MCP servers: a catalogue of their tools.
    #[command(subcommand)]
    Tools(crate::commands::tools::ToolsCommand),
    /// Real MCP servers: record one, replay a recording.
    #[command(subcommand)]
    Mcp(crate::commands::mcp::McpCommand),
    /// Small policies: what a training run takes, and fine-tuning on episodes.
    #[command(subcommand)]
    Train(crate::commands::train::TrainCommand),
    /// Write the report of a run folder anew and say where it is.
    View(ViewArgs),
    /// Say what this machine can do, and what is missing.
    Doctor,
}

/// `nex demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The run folder.
    #[arg(long, default_value = "runs/demo")]
    pub(crate) out: PathBuf,
    /// Everything random follows from it: the same seed gives the same dataset, byte for byte.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Episodes to make.
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) episodes: u64,
    /// What drives the agents: expert (built in, not an LLM), openai:NAME, anthropic:NAME, script:PATH …
    #[arg(long, default_value = "expert")]
    pub(crate) model: String,
    /// Episodes under way at once; with MCP also the most servers a world has.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Call the worlds as functions in place of MCP servers in child processes.
    #[arg(long)]
    pub(crate) in_process: bool,
}

/// `nex run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
nex run agent.yaml \"Which of my notes mention Lisbon?\" --model openai:gpt-5-mini\n  \
nex run runs/demo/frameworks/parcel_desk/team/agent.yaml \"Cancel order QK402911.\" --world parcel_desk --model anthropic:claude-sonnet-4-5\n  \
nex run agent.yaml \"task\" --model script:replies.jsonl --trace run.jsonl\n\n\
Keys come from OPENAI_API_KEY and ANTHROPIC_API_KEY, addresses from OPENAI_BASE_URL and ANTHROPIC_BASE_URL.")]
pub(crate) struct RunArgs {
    /// The agent or pipeline (NexAU's YAML).
    pub(crate) agent: PathBuf,
    /// What it is told.
    pub(crate) task: String,
    /// The model; the agent file's `llm_config` by default.
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// A world whose tools the agent gets: a built-in name or a file.
    #[arg(long)]
    pub(crate) world: Option<String>,
    /// Seed of the world's state.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Append the trajectory to this file, one JSON line.
    #[arg(long)]
    pub(crate) trace: Option<PathBuf>,
    /// Model calls at most, over the agent file's `max_iterations`.
    #[arg(long)]
    pub(crate) max_turns: Option<u32>,
    /// Seconds at most, over the agent file's `timeout`.
    #[arg(long)]
    pub(crate) timeout_s: Option<u64>,
    /// Only print the answer.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `nex check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Agent, pipeline, world or recipe files, or folders of them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// What the files are; told from their keys by default.
    #[arg(long, value_enum)]
    pub(crate) kind: Option<FileKind>,
}

/// What a YAML file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileKind {
    /// An agent or a pipeline of agents.
    Agent,
    /// A world.
    World,
    /// A recipe.
    Recipe,
}

/// `nex forge`.
#[derive(Debug, Args)]
#[command(
    long_about = "Makes a framework from a sentence: a new world (YAML), the agents that act in it (NexAU's \
YAML), and framework.json, which says what was made and from which seed.\n\n\
A planner that is built in does it, by retrieval over the sentence and seeded grammars; no LLM takes part. With \
--model five builders do it, which are agents on that model (docs/frameworks.md); framework.json says which. What \
is made is checked before it is written: the agents load, their tools are the world's, and the world's tasks are \
proven by their oracle (which earns 1, where doing nothing earns 0).",
    after_help = "Examples:\n  \
nex forge \"a hospital ward with discharge rules and a team of four agents\" --out runs/ward\n  \
nex forge --pattern three_layers --agents 12 --domain film --out runs/film\n  \
nex forge \"a code reviewer system in two layers\" --model openai:NAME --out runs/reviewers\n  \
nex forge --count 300 --seed 1 --out runs/fleet\n  \
nex forge --builders runs/builders          # the builders' own agent files, to read\n  \
nex world check runs/ward/worlds/*.yaml\n  \
nex forge --domains"
)]
pub(crate) struct ForgeArgs {
    /// What is wanted, in any words; `-` or nothing leaves all to the seed.
    #[arg(default_value = "")]
    pub(crate) sentence: String,
    /// The folder to write, which must not exist or be empty.
    #[arg(long, default_value = "runs/forged")]
    pub(crate) out: PathBuf,
    /// How the agents work together: single_agent, hub_and_spoke, two_layers, three_layers, sequential.
    #[arg(long)]
    pub(crate) pattern: Option<String>,
    /// How many agents, 1 to 34.
    #[arg(long)]
    pub(crate) agents: Option<usize>,
    /// The id of a domain (see --domains).
    #[arg(long)]
    pub(crate) domain: Option<String>,
    /// Real MCP servers that agents may get where the sentence calls for them (see `nex tools catalogue`).
    #[arg(long)]
    pub(crate) catalogue: Option<PathBuf>,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Make so many, spread over patterns, sizes and domains, and a report of how they differ.
    #[arg(long, conflicts_with_all = ["sentence", "pattern", "agents", "domain", "model", "catalogue"])]
    pub(crate) count: Option<usize>,
    /// Have LLM builders do it on this model: openai:NAME, anthropic:NAME, script:PATH … (as in `nex run`).
    #[arg(long)]
    pub(crate) model: Option<String>,
    /// Write the builders' own agent files to this folder and stop.
    #[arg(long, value_name = "DIR")]
    pub(crate) builders: Option<PathBuf>,
    /// List the domains and stop.
    #[arg(long)]
    pub(crate) domains: bool,
}

/// `nex synth`.
#[derive(Debug, Args)]
#[command(after_help = "A recipe is YAML; every key has a default:\n\n  \
seed: 7\n  episodes: 2000\n  worlds: [parcel_desk, ./my_world.yaml]     # \"*\": all built-in ones\n  \
harnesses: [single, team, pipeline]\n  driver: expert                             # or openai:NAME …\n  \
expert: {error_propagation: 0.1, shallow_exploration: 0.1, feedback_neglect: 0.1, recovery: 0.5}\n  \
difficulty: {easy: 4, medium: 4, hard: 2}\n  languages: {en: 7, zh: 3}\n  attempts: 1\n  concurrency: 64\n  \
transport: in_process                      # or mcp\n  \
export: {formats: [openai, hermes], parquet: true, keep: success}\n\n\
Killed anywhere, the same command goes on where it was.")]
pub(crate) struct SynthArgs {
    /// The recipe.
    pub(crate) recipe: PathBuf,
    /// The run folder.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Stop after this many episodes of this call; the next call goes on.
    #[arg(long)]
    pub(crate) limit: Option<u64>,
}

/// `nex data`.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Read files that others wrote into a run folder: OpenAI, Langfuse, OTLP, ATIF, sharegpt …
    Import(ImportArgs),
    /// Write a run, or files that others wrote, as what a trainer reads.
    Convert(ConvertArgs),
    /// Count what is in a run: outcomes, stops, defects, turns, calls, tokens.
    Stats(StatsArgs),
    /// Show one episode as a tree.
    Inspect(InspectArgs),
    /// The tool-call formats: list them, show one at work, or test them all.
    Formats(FormatsArgs),
}

/// `nex data formats`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
nex data formats                       all formats, with the models that speak them\n  \
nex data formats glm-4.5               one conversation in it; what a model is trained on is marked\n  \
nex data formats --conformance         every case in every format, as Markdown; exit code 1 if one fails")]
pub(crate) struct FormatsArgs {
    /// The format to show.
    #[arg(conflicts_with = "conformance")]
    pub(crate) format: Option<String>,
    /// Run the conformance cases in all formats: batch, character by character, byte by byte.
    #[arg(long)]
    pub(crate) conformance: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How foreign files are read.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// What the files are; `auto` tells by their first records. A tool-call format reads its raw text.
    #[arg(long, default_value = "auto")]
    pub(crate) from: String,
    /// The tool-call format of raw text inside other files (replies of nexgap, sharegpt, text).
    #[arg(long)]
    pub(crate) dialect: Option<String>,
    /// End at the first record that cannot be read.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Threads; as many as there are cores by default. The output is the same for any number.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
}

/// `nex data import`.
#[derive(Debug, Args)]
#[command(after_help = "\
--from: auto, openai, anthropic, sharegpt, ms-swift, langfuse, otlp, nexgap, atif, text, nex, or a tool-call\n\
format such as hermes for raw text. Files may be JSONL, one JSON array, JSON documents one after the other,\n\
and compressed by gzip or zstd; `-` is standard input. See docs/data.md.\n\n\
Examples:\n  \
nex data import traces.jsonl --out runs/traces\n  \
nex data import logs/*.jsonl.gz --from openai --out runs/logs\n  \
nex data stats runs/logs; nex data inspect runs/logs; nex view runs/logs\n\n\
A record that cannot be read is reported and counted, and the others go on; the exit code is then 1.")]
pub(crate) struct ImportArgs {
    /// Files to read, in this order; `-` is standard input.
    #[arg(required = true, value_name = "IN")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// The run folder to write. The same command goes on where it was.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Write what could not be read, by reason, to this file as JSON.
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
}

/// `nex data convert`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
nex data convert runs/demo --to hermes --out hermes.jsonl\n  \
nex data convert traces.jsonl --to openai --out train.jsonl --report left-out.json\n  \
nex data convert samples.jsonl --from hermes --to parquet --out samples.parquet\n\n\
A sample that the target cannot hold is left out and counted, with the first few places of each reason.\n\
The exit code is 1 where a record could not be read.")]
pub(crate) struct ConvertArgs {
    /// A run folder, or files to read, in this order; `-` is standard input.
    #[arg(required = true, value_name = "IN")]
    pub(crate) inputs: Vec<PathBuf>,
    /// How files are read.
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// What to write: openai, parquet, a tool-call format, or a trainer's format.
    #[arg(long)]
    pub(crate) to: String,
    /// The file to write; it appears whole or not at all.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Which episodes; success for a run folder, all for files, which nobody judged.
    #[arg(long, value_enum)]
    pub(crate) keep: Option<KeepChoice>,
    /// A `tokenizer.json`: trl-tokens, nexrl and atropos make their ids with it, in place of those
    /// of the record.
    #[arg(long)]
    pub(crate) tokenizer: Option<PathBuf>,
    /// The text format that is tokenised then; hermes by default.
    #[arg(long)]
    pub(crate) text_format: Option<String>,
    /// Where the text is cut before it is tokenised; whole by default.
    #[arg(long, value_enum)]
    pub(crate) token_split: Option<SplitChoice>,
    /// With `--to atif`: a folder with one file a trajectory.
    #[arg(long)]
    pub(crate) file_each: bool,
    /// Write what was left out, by reason, to this file as JSON.
    #[arg(long)]
    pub(crate) report: Option<PathBuf>,
}

/// Where a text is cut before it is tokenised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitChoice {
    /// Nowhere; a token over the edge of a reply is not trained on.
    Whole,
    /// At the edges of replies, as a model samples.
    Boundaries,
}

/// Which episodes become samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeepChoice {
    /// Those that the verifier accepts whole.
    Success,
    /// All that have a reward.
    Scored,
    /// All, judged or not; never those whose surroundings failed.
    All,
}

/// `nex data stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// A run folder.
    pub(crate) run: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `nex data inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A run folder.
    pub(crate) run: PathBuf,
    /// The episode's id, or the first letters of it; the first episode by default.
    #[arg(long)]
    pub(crate) episode: Option<String>,
    /// Only list episodes: id, task, outcome, reward.
    #[arg(long)]
    pub(crate) list: bool,
    /// Characters shown of each text.
    #[arg(long, default_value_t = 400)]
    pub(crate) width: usize,
}

/// `nex world`.
#[derive(Debug, Subcommand)]
pub(crate) enum WorldCommand {
    /// List the built-in worlds.
    List,
    /// Check a world: language, references, expressions, tasks in both languages.
    Check(WorldArgs),
    /// Print its tools as the model sees them (JSON).
    Tools(WorldArgs),
    /// Generate tasks and print them.
    Tasks(TasksArgs),
    /// Make tasks of a repository of yours: bugs that its tests notice.
    Mutate(MutateArgs),
    /// Call its operations by hand.
    Play(PlayArgs),
    /// Learn a world's dynamics from a real MCP server.
    Imitate(crate::commands::imitate::ImitateArgs),
    /// Serve it over MCP: stdio, or streamable HTTP with --http.
    Serve(ServeArgs),
}

/// A world by name or file.
#[derive(Debug, Args)]
pub(crate) struct WorldArgs {
    /// A built-in world's name (`nex world list`) or a world file.
    pub(crate) world: String,
}

/// `nex world tasks`.
#[derive(Debug, Args)]
pub(crate) struct TasksArgs {
    /// A built-in world's name or a world file.
    pub(crate) world: String,
    /// How many.
    #[arg(long, short = 'n', default_value_t = 5)]
    pub(crate) count: u64,
    /// Seed of the first; the others follow.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// `easy`, `medium`, `hard`: the dials' starting point.
    #[arg(long, default_value = "medium")]
    pub(crate) difficulty: String,
    /// `en` or `zh`.
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
    /// Dial: calls of the oracle plan, 1 to 20.
    #[arg(long)]
    pub(crate) hops: Option<u8>,
    /// Dial: independent goals, 1 to 8.
    #[arg(long)]
    pub(crate) breadth: Option<u8>,
    /// Dial: tools offered beside those needed.
    #[arg(long)]
    pub(crate) distractors: Option<u8>,
    /// Dial: chance that a description fits several records, 0 to 1.
    #[arg(long)]
    pub(crate) ambiguity: Option<f64>,
    /// Dial: requests that a policy forbids or conditions, 0 to 2.
    #[arg(long)]
    pub(crate) policy_traps: Option<u8>,
    /// Dial: faults, 0 to 1.
    #[arg(long)]
    pub(crate) faults: Option<f64>,
    /// Dial: vague dates and amounts, 0 to 1.
    #[arg(long)]
    pub(crate) fuzziness: Option<f64>,
    /// Print the whole tasks as JSON lines: plan, checks, everything.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `nex world mutate`.
#[derive(Debug, Args)]
#[command(after_help = "The repository is only read; its code runs in the sandbox. Example:\n  \
nex world mutate ./my-project --tests \"python3 -m unittest\" --count 10 --json > tasks.jsonl")]
pub(crate) struct MutateArgs {
    /// The repository's folder: Python, shell and awk files get the bugs.
    pub(crate) path: PathBuf,
    /// A command that succeeds in it and that a bug makes fail; give several to tell bugs apart.
    #[arg(long, required = true)]
    pub(crate) tests: Vec<String>,
    /// Files and folders that agents do not see, but that the test commands may use.
    #[arg(long)]
    pub(crate) hide: Vec<String>,
    /// How many tasks.
    #[arg(long, short = 'n', default_value_t = 5)]
    pub(crate) count: u64,
    /// Seed of the first; the others follow.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// `en` or `zh`: the language of the issue reports.
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
    /// Print the whole tasks as JSON lines: files, plan, what they are judged by.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `nex world play`.
#[derive(Debug, Args)]
pub(crate) struct PlayArgs {
    /// A built-in world's name or a world file.
    pub(crate) world: String,
    /// Seed of the state.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// `en` or `zh`: the language of the data.
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
}

/// `nex world serve`.
#[derive(Debug, Args)]
#[command(
    after_help = "Each MCP session has a world of its own. Both protocol eras are spoken: the handshake, and \
2026-07-28 without one.\nWith NEX_CONTROL_TOKEN set, the tools nex_reset and nex_export exist for a harness that \
knows the token."
)]
pub(crate) struct ServeArgs {
    /// A built-in world's name or a world file.
    pub(crate) world: String,
    /// Seed of the state of a new session.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// `en` or `zh`: the language of the data.
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
    /// Serve streamable HTTP at this address in place of stdio, as 127.0.0.1:8080.
    #[arg(long)]
    pub(crate) http: Option<std::net::SocketAddr>,
    /// Do not offer the tool `reset_world`.
    #[arg(long)]
    pub(crate) no_reset: bool,
}

/// `nex view`.
#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// A run folder.
    pub(crate) run: PathBuf,
}

//! `nex tools`: the tools of MCP servers, catalogued and found.

use crate::failure::{Code, Failure, Outcome};
use crate::terminal::{Tint, is_rich, print, safe, tell, tint};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use nex_tools::catalogue::{
    Catalogue, CatalogueConfig, CatalogueEntry, ServerList, ServerState, build, search,
};
use nex_tools::mcp::ToolAnnotations;
use std::path::PathBuf;

/// Characters that are shown of a description.
const SHOWN_CHARS: usize = 100;

/// `nex tools`.
#[derive(Debug, Subcommand)]
pub(crate) enum ToolsCommand {
    /// Start the MCP servers of a list, and write down their tools.
    Catalogue(CatalogueArgs),
    /// List the servers and tools of a catalogue.
    List(ListArgs),
    /// Find tools of a catalogue by words.
    Search(SearchArgs),
}

/// `nex tools catalogue`.
#[derive(Debug, Args)]
#[command(after_help = "A list of servers is JSON or YAML, as other programs keep it:\n  \
{\"mcpServers\": {\"git\": {\"command\": \"mcp-server-git\", \"args\": [\"--repository\", \".\"], \"env\": {\"TOKEN\": \"${env.TOKEN}\"}}}}\n\
or a list of {name: git, command: …}. `url` and `headers` in place of `command` name a server that runs elsewhere.\n\n\
A server that does not start is a row with its reason. Values of env and headers are not written down, only the\n\
names of the variables that hold them. See docs/mcp-servers.md.")]
pub(crate) struct CatalogueArgs {
    /// Lists of servers; their names must differ.
    #[arg(required = true)]
    pub(crate) lists: Vec<PathBuf>,
    /// The catalogue to write.
    #[arg(long, default_value = "catalogue.json")]
    pub(crate) out: PathBuf,
    /// Servers that run at the same time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: u16,
    /// Seconds that a server may take to list its tools.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) start_timeout_s: u64,
}

/// `nex tools list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The catalogue.
    #[arg(default_value = "catalogue.json")]
    pub(crate) catalogue: PathBuf,
    /// Only the tools of this server.
    #[arg(long)]
    pub(crate) server: Option<String>,
    /// Print the rows of the tools as JSON lines.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `nex tools search`.
#[derive(Debug, Args)]
pub(crate) struct SearchArgs {
    /// What the tool is for, in any words.
    pub(crate) query: String,
    /// The catalogue.
    #[arg(long, default_value = "catalogue.json")]
    pub(crate) catalogue: PathBuf,
    /// Tools at most.
    #[arg(long, short = 'n', default_value_t = 10)]
    pub(crate) count: usize,
    /// Print the rows of the tools as JSON lines, the best first.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Does what is asked for.
pub(crate) fn run(command: ToolsCommand) -> Outcome {
    match command {
        ToolsCommand::Catalogue(args) => catalogue(&args),
        ToolsCommand::List(args) => list(&args),
        ToolsCommand::Search(args) => find(&args),
    }
}

fn catalogue(args: &CatalogueArgs) -> Outcome {
    let mut servers: Vec<nex_tools::catalogue::ListedServer> = Vec::new();
    for path in &args.lists {
        for server in ServerList::load(path).map_err(Failure::input)?.servers {
            if servers.iter().any(|known| known.name == server.name) {
                return Err(Failure::input(format!(
                    "{}: the name `{}` stands in another list too; names tell servers apart",
                    path.display(),
                    server.name
                )));
            }
            if !server.ignored.is_empty() {
                let keys = server.ignored.join(", ");
                tell(format!(
                    "{} `{}`: keys that mean nothing here: {}",
                    tint(Tint::Faint, "note:"),
                    safe(&server.name, 100),
                    safe(&keys, 200)
                ));
            }
            servers.push(server);
        }
    }
    let config = CatalogueConfig {
        concurrency: usize::from(args.concurrency),
        start_timeout_ms: args.start_timeout_s * 1000,
    };
    let bar = if is_rich() { ProgressBar::new(servers.len() as u64) } else { ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{bar:32.cyan/dim} {pos}/{len} servers · {msg}");
    bar.set_style(style.expect("the template is valid").progress_chars("━╸─"));
    let runtime = super::synth::runtime()?;
    let mut done = 0;
    let made = runtime.block_on(build(&servers, &config, |row| {
        done += 1;
        bar.inc(1);
        bar.set_message(row.name.clone());
        if !is_rich() {
            tell(format!("{done}/{} {}", servers.len(), server_line(&row.name, &row.state)));
        }
    }));
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    bar.finish_and_clear();
    made.save(&args.out).map_err(Failure::surroundings)?;
    if is_rich() {
        made.servers.iter().for_each(|row| print(server_line(&row.name, &row.state)));
    }
    let failed = made.servers.iter().filter(|row| row.is_failed()).count();
    print(format!(
        "{} servers, {} tools, {failed} servers failed; written to {}",
        made.servers.len(),
        made.tools.len(),
        args.out.display()
    ));
    if failed > 0 && failed == made.servers.len() {
        return Err(Failure::new(Code::Found, "no server listed its tools"));
    }
    Ok(())
}

fn server_line(name: &str, state: &ServerState) -> String {
    let name = format!("{:<24}", safe(name, 60));
    match state {
        ServerState::Listed { tool_count, server_version, protocol, start_ms, refused, .. } => {
            let refused = match refused.len() {
                0 => String::new(),
                count => format!(", {count} unusable"),
            };
            format!(
                "{} {tool_count:>3} tools{refused}  {start_ms:>5} ms  protocol {}  version {}",
                tint(Tint::Good, &name),
                safe(protocol, 40),
                safe(server_version, 40)
            )
        }
        ServerState::Failed { kind, cause } => {
            format!("{} {kind}: {}", tint(Tint::Bad, &name), safe(cause, 600))
        }
    }
}

fn list(args: &ListArgs) -> Outcome {
    let catalogue = Catalogue::load(&args.catalogue).map_err(Failure::input)?;
    if let Some(name) = &args.server
        && !catalogue.servers.iter().any(|row| row.name == *name)
    {
        let known: Vec<&str> = catalogue.servers.iter().map(|row| row.name.as_str()).collect();
        return Err(Failure::input(format!("there is no server `{name}`; known: {}", known.join(", "))));
    }
    for row in
        catalogue.servers.iter().filter(|row| args.server.as_ref().is_none_or(|name| *name == row.name))
    {
        if !args.json {
            print(server_line(&row.name, &row.state));
        }
        for entry in catalogue.tools_of(&row.name) {
            show(entry, args.json)?;
        }
    }
    Ok(())
}

fn find(args: &SearchArgs) -> Outcome {
    let catalogue = Catalogue::load(&args.catalogue).map_err(Failure::input)?;
    let hits = search(&catalogue, &args.query, args.count);
    if hits.is_empty() {
        return Err(Failure::new(Code::Found, "no tool shares a word with that"));
    }
    hits.iter().try_for_each(|hit| show(hit.entry, args.json))
}

fn show(entry: &CatalogueEntry, as_json: bool) -> Outcome {
    if as_json {
        print(serde_json::to_string(entry).map_err(Failure::surroundings)?);
        return Ok(());
    }
    let first = entry.description.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let name = format!("{}/{}", entry.server, entry.tool);
    print(format!(
        "  {:<44} {:<6} {}",
        safe(&name, 80),
        manners(&entry.annotations),
        tint(Tint::Faint, &safe(first.trim(), SHOWN_CHARS))
    ));
    Ok(())
}

fn manners(annotations: &ToolAnnotations) -> &'static str {
    match annotations {
        told if told.says_read_only() => "reads",
        ToolAnnotations { read_only: Some(_), .. } => "writes",
        _ => "?",
    }
}

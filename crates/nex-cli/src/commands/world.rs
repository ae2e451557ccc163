//! `nex world`: check, tools, tasks, play, serve.

use crate::args::{PlayArgs, ServeArgs, TasksArgs, WorldArgs};
use crate::failure::{Code, Failure, Outcome};
use crate::interrupt;
use crate::terminal::{Tint, is_rich, print, safe, tell, tint};
use nex_pipeline::WorldSource;
use nex_world::serve::{HttpServer, ServeOptions, serve_stdio};
use nex_world::task::{Dials, Difficulty};
use nex_world::{Language, SessionOptions, World, WorldSession, diff};
use serde_json::Value;
use std::io::BufRead;
use std::sync::Arc;

/// Tasks that `nex world check` generates for each difficulty and language.
const CHECK_TASKS: u64 = 5;

/// `nex world list`.
pub(crate) fn list() -> Outcome {
    let mut worlds = WorldSource::builtin().map_err(super::synth::told)?;
    worlds.extend(WorldSource::of_programs());
    for world in worlds {
        let shape = world.shape();
        print(format!(
            "{:<20} {:>3} operations  {:>2} entities  {}",
            shape.name,
            shape.operations.len(),
            shape.entities.len(),
            shape.title
        ));
    }
    Ok(())
}

/// `nex world check`.
pub(crate) fn check(args: WorldArgs) -> Outcome {
    let world = open(&args.world)?;
    print(format!(
        "{}: {} operations, {} entities: the file is right",
        world.name(),
        world.shape().operations.len(),
        world.shape().entities.len()
    ));
    let mut is_whole = true;
    for difficulty in [Difficulty::Easy, Difficulty::Medium, Difficulty::Hard] {
        for language in [Language::En, Language::Zh] {
            let (mut made, mut calls, mut last) = (0, 0, String::new());
            for seed in 0..CHECK_TASKS {
                match world.generate(seed, &Dials::preset(difficulty), language) {
                    Ok(task) => {
                        made += 1;
                        calls += task.plan.steps.len();
                    }
                    Err(error) => last = error,
                }
            }
            let line = format!(
                "{:<7} {}: {made} of {CHECK_TASKS} tasks, proven by their oracle; {:.1} calls on average",
                difficulty.as_str(),
                language.as_str(),
                calls as f64 / f64::from(made.max(1))
            );
            let is_good = made > 0;
            is_whole &= is_good;
            print(if is_good { line } else { tint(Tint::Bad, &format!("{line}; {last}")) });
        }
    }
    if is_whole {
        Ok(())
    } else {
        Err(Failure::new(Code::Found, "some kinds of tasks cannot be made in this world"))
    }
}

/// `nex world tools`.
pub(crate) fn tools(args: WorldArgs) -> Outcome {
    let world = declared(&args.world)?;
    let specs: Vec<_> = world.declarations().iter().map(|declaration| declaration.spec()).collect();
    print(serde_json::to_string_pretty(&specs).map_err(Failure::input)?);
    Ok(())
}

/// `nex world tasks`.
pub(crate) fn tasks(args: TasksArgs) -> Outcome {
    let world = open(&args.world)?;
    let language = language(&args.language)?;
    let dials = dials(&args)?;
    for seed in args.seed..args.seed.saturating_add(args.count) {
        let task = world.generate(seed, &dials, language).map_err(Failure::input)?;
        if args.json {
            print(serde_json::to_string(&task).map_err(Failure::input)?);
            continue;
        }
        print(format!(
            "{} · {} · {} calls · {} tools offered",
            tint(Tint::Strong, task.record.id.as_str()),
            task.record.difficulty,
            task.plan.steps.len(),
            task.tools.len()
        ));
        print(format!("{}\n", task.record.instruction));
        for (number, step) in task.plan.steps.iter().enumerate() {
            print(format!("  {:>2}. {:<24} {}", number + 1, step.operation, tint(Tint::Faint, &step.reason)));
        }
        print("");
    }
    Ok(())
}

fn dials(args: &TasksArgs) -> Result<Dials, Failure> {
    let difficulty = match args.difficulty.as_str() {
        "easy" => Difficulty::Easy,
        "medium" => Difficulty::Medium,
        "hard" => Difficulty::Hard,
        other => return Err(Failure::usage(format!("--difficulty {other}: choose easy, medium or hard"))),
    };
    let mut dials = Dials::preset(difficulty);
    dials.hops = args.hops.unwrap_or(dials.hops);
    dials.breadth = args.breadth.unwrap_or(dials.breadth);
    dials.distractor_tools = args.distractors.unwrap_or(dials.distractor_tools);
    dials.ambiguity = args.ambiguity.unwrap_or(dials.ambiguity);
    dials.policy_traps = args.policy_traps.unwrap_or(dials.policy_traps);
    dials.faults = args.faults.unwrap_or(dials.faults);
    dials.fuzziness = args.fuzziness.unwrap_or(dials.fuzziness);
    Ok(dials)
}

/// `nex world play`: one operation a line, `name {"json": "arguments"}`.
pub(crate) fn play(args: PlayArgs) -> Outcome {
    let world = declared(&args.world)?;
    let options = SessionOptions { language: language(&args.language)?, ..SessionOptions::default() };
    let mut session = WorldSession::new(world.clone(), args.seed, options).map_err(Failure::input)?;
    let start = session.snapshot();
    tell(world.briefing(language(&args.language)?));
    tell(format!(
        "\n{} operations; a line calls one: {} {{\"…\": …}}\n:ops lists them, :log and :diff show what was done, \
         :reset starts anew, :quit ends",
        world.operations().len(),
        world.operations().first().map_or("name", |o| o.name.as_str())
    ));
    let stdin = std::io::stdin();
    loop {
        if is_rich() {
            eprint!("> ");
        }
        let mut line = String::new();
        let read = stdin.lock().read_line(&mut line).map_err(Failure::surroundings)?;
        let line = line.trim();
        match line {
            _ if read == 0 => return Ok(()),
            "" => {}
            ":quit" | ":q" => return Ok(()),
            ":ops" => list_operations(&world),
            ":reset" => session.restore(&start),
            ":log" => {
                for record in session.log() {
                    print(safe(&serde_json::to_string(&record).unwrap_or_default(), 2_000));
                }
            }
            ":diff" => {
                let mut before = session.clone();
                before.restore(&start);
                for change in diff(world.schema(), before.state(), session.state()) {
                    print(safe(&change.describe(world.schema()), 2_000));
                }
            }
            call => play_call(&mut session, call),
        }
    }
}

fn list_operations(world: &World) {
    for declaration in world.declarations() {
        let spec = declaration.spec();
        let arguments: Vec<&str> = spec.input_schema["properties"]
            .as_object()
            .map(|properties| properties.keys().map(String::as_str).collect())
            .unwrap_or_default();
        print(format!(
            "{:<24} ({})  {}",
            spec.name,
            arguments.join(", "),
            tint(Tint::Faint, &spec.description)
        ));
    }
}

fn play_call(session: &mut WorldSession, line: &str) {
    let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let arguments: Value = match rest.trim() {
        "" => Value::Object(serde_json::Map::new()),
        text => match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return tell(format!("the arguments are no JSON: {error}")),
        },
    };
    let reply = session.call(name, &arguments);
    let text = serde_json::to_string_pretty(&reply.json()).unwrap_or_default();
    print(if reply.is_error { tint(Tint::Bad, &safe(&text, 20_000)) } else { safe(&text, 20_000) });
}

/// `nex world serve`.
pub(crate) fn serve(args: ServeArgs) -> Outcome {
    let world = declared(&args.world)?;
    let options = ServeOptions {
        seed: args.seed,
        language: language(&args.language)?,
        control_token: std::env::var("NEX_CONTROL_TOKEN").ok().filter(|token| !token.is_empty()),
        offer_reset: !args.no_reset,
        ..ServeOptions::default()
    };
    // One session needs one thread: a pool of such servers is many processes.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::surroundings(format!("cannot start the runtime: {e}")))?;
    let result = runtime.block_on(async {
        let cancel = interrupt::cancel_on_signal("the server ends");
        match args.http {
            Some(address) => {
                let server = HttpServer::bind(world, address, options).await?;
                tell(format!("MCP at http://{}/mcp", server.local_addr()));
                server.run(cancel).await
            }
            None => serve_stdio(world, options, cancel).await,
        }
    });
    // A blocked read of standard input must not keep the process alive.
    runtime.shutdown_background();
    result.map_err(Failure::surroundings)
}

fn open(name: &str) -> Result<WorldSource, Failure> {
    WorldSource::open(name).map_err(super::synth::told)
}

/// A world that is declared in YAML, and so has operations that can be called by themselves.
pub(crate) fn declared(name: &str) -> Result<Arc<World>, Failure> {
    match open(name)? {
        WorldSource::Declared(world) => Ok(world),
        other => Err(Failure::usage(format!(
            "{} is more than operations that can be called by themselves; `nex world check|tasks` know it, and \
             so does `nex synth`",
            other.name()
        ))),
    }
}

pub(super) fn language(name: &str) -> Result<Language, Failure> {
    match name {
        "en" => Ok(Language::En),
        "zh" => Ok(Language::Zh),
        other => Err(Failure::usage(format!("--language {other}: choose en or zh"))),
    }
}

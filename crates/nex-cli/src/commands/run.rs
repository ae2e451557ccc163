//! `nex run`: one agent or pipeline on one task.

use super::inspect::trajectory_tree;
use crate::args::RunArgs;
use crate::failure::{Code, Failure, Outcome};
use crate::terminal::{Tint, print, safe, tell, tint};
use crate::{interrupt, models};
use nex_agent::{
    LimitsOverride, LlmConfig, LoadOptions, Observer, RunContext, Runnable, RunnableSpec, SystemClock,
    ToolBindings, load_runnable,
};
use nex_tools::Tool;
use nex_tools::mcp::{McpPool, PoolConfig};
use nex_trajectory::{
    ContentBlock, Message, StopReason, ToolCall, ToolResult, Trajectory, TrajectoryId, Turn,
};
use nex_world::{Language, SessionOptions, WorldSession, session_tools};
use parking_lot::Mutex;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Characters of each text that are shown while an agent runs.
const SHOWN: usize = 300;

/// Runs the agent and prints its answer.
pub(crate) fn run(args: RunArgs) -> Outcome {
    let options = LoadOptions::default();
    let spec = load_runnable(&args.agent, &options).map_err(Failure::input)?;
    for warning in nex_agent::check(&args.agent, &options) {
        tell(tint(Tint::Doubtful, &safe(&warning.to_string(), 2_000)));
    }
    let model = models::open(args.model.as_deref(), Some(llm_of(&spec)))?;
    let runnable = Runnable::compile(spec, &ToolBindings::new()).map_err(Failure::input)?;
    let environment = match &args.world {
        Some(world) => world_tools(world, args.seed)?,
        None => Vec::new(),
    };
    let runtime = super::synth::runtime()?;
    let trajectory = runtime.block_on(async {
        let id = TrajectoryId::new(format!("run-{}", std::process::id()));
        let mut context = RunContext::new(id, model, Arc::new(SystemClock::start()));
        context.environment_tools = environment.into();
        context.cancel = interrupt::cancel_on_signal("the agent is told to stop");
        context.limits = LimitsOverride {
            max_turns: args.max_turns,
            timeout: args.timeout_s.map(Duration::from_secs),
            ..LimitsOverride::default()
        };
        let pool = Arc::new(McpPool::new(PoolConfig::default()));
        context.mcp = Some(pool.clone());
        if !args.quiet {
            context.observer = Some(Arc::new(Narrator));
        }
        let trajectory = runnable.run(&args.task, context).await;
        pool.close().await;
        trajectory
    });
    runtime.shutdown_timeout(Duration::from_secs(5));
    if let Some(path) = &args.trace {
        append_trace(path, &trajectory)?;
    }
    finish(&trajectory)
}

/// What decides about the model: the outermost agent, or a pipeline's or workflow's first.
fn llm_of(spec: &RunnableSpec) -> &LlmConfig {
    static NONE: std::sync::LazyLock<LlmConfig> = std::sync::LazyLock::new(LlmConfig::default);
    match spec {
        RunnableSpec::Agent(agent) => &agent.llm,
        RunnableSpec::Pipeline(pipeline) => pipeline.stages.first().map_or(&NONE, |stage| &stage.agent.llm),
        RunnableSpec::Workflow(workflow) => {
            workflow.assignments().first().map_or(&NONE, |(_, assignment)| &assignment.agent.llm)
        }
    }
}

fn world_tools(name: &str, seed: u64) -> Result<Vec<Arc<dyn Tool>>, Failure> {
    let world = super::world::declared(name)?;
    let options = SessionOptions { language: Language::En, ..SessionOptions::default() };
    let session = WorldSession::new(world, seed, options).map_err(Failure::input)?;
    Ok(session_tools(Arc::new(Mutex::new(session))))
}

pub(super) fn append_trace(path: &Path, trajectory: &Trajectory) -> Outcome {
    let fail = |e: &dyn std::fmt::Display| Failure::surroundings(format!("{}: {e}", path.display()));
    let mut line = serde_json::to_vec(trajectory).map_err(|e| fail(&e))?;
    line.push(b'\n');
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(|e| fail(&e))?;
    file.write_all(&line).map_err(|e| fail(&e))
}

fn finish(trajectory: &Trajectory) -> Outcome {
    if let Some(answer) = &trajectory.answer {
        print(safe(answer, usize::MAX));
    }
    match &trajectory.stop {
        stop if stop.is_answer() => Ok(()),
        StopReason::Cancelled => Err(Failure::new(Code::Interrupted, "")),
        StopReason::Infra(failure) => {
            Err(Failure::surroundings(format!("stopped by `{}`: {}", failure.kind, failure.message)))
        }
        stop => {
            tell(trajectory_tree(trajectory, 160));
            Err(Failure::new(Code::Found, format!("the agent stopped without an answer: {}", stop.name())))
        }
    }
}

/// Prints what happens as it happens.
struct Narrator;

impl Observer for Narrator {
    fn on_start(&self, run: &TrajectoryId, agent: &str, depth: u32) {
        tell(format!(
            "{}{} {}",
            "  ".repeat(depth as usize),
            tint(Tint::Strong, agent),
            tint(Tint::Faint, run.as_str())
        ));
    }

    fn on_turn(&self, _run: &TrajectoryId, message: &Message, _turn: &Turn) {
        for block in &message.content {
            match block {
                ContentBlock::Text { text } => tell(format!("  {}", safe(text, SHOWN))),
                ContentBlock::Reasoning { text, .. } => {
                    tell(format!("  {}", tint(Tint::Faint, &safe(text, SHOWN))))
                }
                _ => {}
            }
        }
    }

    fn on_call(&self, _run: &TrajectoryId, call: &ToolCall) {
        tell(format!("  → {}({})", safe(&call.name, SHOWN), safe(call.arguments.as_text(), SHOWN)));
    }

    fn on_result(&self, _run: &TrajectoryId, result: &ToolResult) {
        let shade = if result.is_error { Tint::Bad } else { Tint::Faint };
        tell(format!("  ← {}", tint(shade, &safe(&result.text(), SHOWN))));
    }

    fn on_stop(&self, _run: &TrajectoryId, stop: &StopReason, _answer: Option<&str>) {
        tell(format!("  {}", tint(Tint::Faint, &format!("stopped: {}", stop.name()))));
    }
}

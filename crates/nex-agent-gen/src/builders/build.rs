//! [`build`]: the run of the builders, from a request to a framework or a named failure.

use super::catalogue::Catalogue;
use super::failure::BuildFailure;
use super::limits::BuildLimits;
use super::workspace::Workspace;
use super::{team, tools};
use crate::brief::Brief;
use crate::forge::{ForgeError, ForgeRequest, Forged, NoRehearsal, Rehearsal};
use crate::world::domains;
use nex_agent::{
    Clock, LimitsOverride, Observer, RunContext, Runnable, SystemClock, ToolBindings, ToolFailurePolicy,
};
use nex_llm::ChatModel;
use nex_trajectory::{StopReason, Trajectory, TrajectoryId};
use parking_lot::Mutex;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// Bytes of a model's prose that a failure shows.
const MAX_SAID_BYTES: usize = 400;

/// What the builders run with, besides the model.
#[derive(Clone)]
pub struct BuildOptions {
    /// What they may use up.
    pub limits: BuildLimits,
    /// The real MCP tools that they may give to agents.
    pub catalogue: Catalogue,
    /// Plays the agents before they are given out.
    pub rehearsal: Arc<dyn Rehearsal>,
    /// Who watches.
    pub observer: Option<Arc<dyn Observer>>,
    /// Told when the building is to stop.
    pub cancel: CancellationToken,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self {
            limits: BuildLimits::default(),
            catalogue: Catalogue::default(),
            rehearsal: Arc::new(NoRehearsal),
            observer: None,
            cancel: CancellationToken::new(),
            clock: Arc::new(SystemClock::start()),
        }
    }
}

/// What the building came to.
#[derive(Debug)]
pub struct BuildOutcome {
    /// The framework, checked, or why there is none.
    pub result: Result<Forged, BuildFailure>,
    /// The builders' trajectories: one for each time that the MetaAgent was asked.
    pub record: Vec<Trajectory>,
}

/// Lets the builders make a framework for `request` with `model`.
///
/// Never gives a part of a framework: either all of it passed the whole check, or there is a named
/// failure. What the model wrote is run by `options.rehearsal` only, once it was checked, and nothing
/// is written but to temporary folders.
pub async fn build(request: &ForgeRequest, model: Arc<dyn ChatModel>, options: BuildOptions) -> BuildOutcome {
    let mut record = Vec::new();
    let result = run(request, model, options, &mut record).await;
    BuildOutcome { result, record }
}

async fn run(
    request: &ForgeRequest,
    model: Arc<dyn ChatModel>,
    options: BuildOptions,
    record: &mut Vec<Trajectory>,
) -> Result<Forged, BuildFailure> {
    let brief = Brief::of(&request.sentence);
    check_request(request)?;
    let folder = tempfile::tempdir()?;
    team::write_builders(folder.path())?;
    let builders = Runnable::compile(team::load(folder.path())?, &ToolBindings::new())?;
    let identity = model.identity();
    let cancel = options.cancel.child_token();
    let first = instruction(request, &brief);
    let workspace = Arc::new(Mutex::new(Workspace::new(
        request.clone(),
        brief,
        options.limits.clone(),
        options.catalogue,
        format!("LLM builders: {}:{}", identity.provider, identity.model),
        options.rehearsal,
        cancel.clone(),
    )));
    let environment: Arc<[_]> = tools::tools(&workspace).into();
    let mut said = String::new();
    let mut stop = "";
    let rounds = options.limits.max_reminders.saturating_add(1);
    for round in 1..=rounds {
        let id = TrajectoryId::new(format!("build-{round}"));
        let mut context = RunContext::new(id, model.clone(), options.clock.clone());
        context.environment_tools = environment.clone();
        context.cancel = cancel.clone();
        context.observer = options.observer.clone();
        // A tool that broke may have left the workspace in doubt.
        context.on_tool_failure = ToolFailurePolicy::Stop;
        context.limits = LimitsOverride {
            token_budget: options.limits.token_budget,
            timeout: Some(options.limits.timeout),
            ..LimitsOverride::default()
        };
        let told = match round {
            1 => first.clone(),
            _ => reminder(&first, &workspace.lock().missing()),
        };
        let trajectory = builders.run(&told, context).await;
        let ended = workspace.lock().take_ended();
        stop = trajectory.stop.name();
        let stopped = trajectory.stop.clone();
        said = trajectory.answer.clone().unwrap_or_default();
        record.push(trajectory);
        if let Some(ended) = ended {
            return ended;
        }
        match stopped {
            StopReason::Cancelled => return Err(BuildFailure::Interrupted),
            StopReason::Infra(failure) => {
                return Err(BuildFailure::ModelFailed { kind: failure.kind, message: failure.message });
            }
            // It only talked, or said nothing: it is asked again, with what is missing.
            StopReason::FinalAnswer | StopReason::EmptyReplies { .. } => {}
            // Whatever was used up is used up.
            _ => break,
        }
    }
    let workspace = workspace.lock();
    if workspace.is_untouched() && matches!(stop, "final_answer" | "empty_replies") {
        said.truncate(said.floor_char_boundary(MAX_SAID_BYTES));
        return Err(BuildFailure::ProseOnly { rounds, said });
    }
    Err(BuildFailure::NeverFinished { stop: stop.to_owned(), missing: workspace.missing() })
}

/// What no builder could put right.
fn check_request(request: &ForgeRequest) -> Result<(), ForgeError> {
    if let Some(id) = &request.domain
        && !domains().iter().any(|domain| domain.id == *id)
    {
        return Err(ForgeError::UnknownDomain(id.clone()));
    }
    match (request.pattern, request.agents) {
        (_, Some(count)) if !(1..=crate::forge::MAX_AGENTS).contains(&count) => {
            Err(ForgeError::AgentCount(count))
        }
        (Some(pattern), Some(asked)) if !pattern.agent_counts().contains(&asked) => {
            let counts = pattern.agent_counts();
            let (least, most) = (*counts.start(), *counts.end());
            Err(crate::framework::PlanError::AgentCount { pattern, least, most, asked }.into())
        }
        _ => Ok(()),
    }
}

/// What the MetaAgent is told. The sentence stands in it as data: between marks, and without any mark of
/// its own.
fn instruction(request: &ForgeRequest, brief: &Brief) -> String {
    let mut text = String::from("Build a framework of agents, with the world that they act in.\n\n");
    if brief.sentence.is_empty() {
        let id = request.domain.clone().unwrap_or_else(|| {
            let mut rng = ChaCha8Rng::seed_from_u64(request.seed);
            domains()[rng.random_range(0..domains().len())].id.clone()
        });
        let title =
            domains().iter().find(|domain| domain.id == id).map_or("", |domain| domain.title.as_str());
        let _ = writeln!(text, "No description was given. Build for the archetype `{id}` ({title}).");
    } else {
        let sentence = brief.sentence.replace("<description>", "").replace("</description>", "");
        let _ = writeln!(text, "<description>\n{sentence}\n</description>");
    }
    let mut asked = Vec::new();
    if let Some(pattern) = request.pattern {
        asked.push(format!("the pattern is {pattern}"));
    }
    if let Some(agents) = request.agents {
        asked.push(format!("there are exactly {agents} agents"));
    }
    if let Some(domain) = request.domain.as_ref().filter(|_| !brief.sentence.is_empty()) {
        asked.push(format!("the world's `domain` is {domain}"));
    }
    if !asked.is_empty() {
        let _ = writeln!(text, "\nAsked for besides: {}.", asked.join("; "));
    }
    for note in &brief.notes {
        let _ = writeln!(text, "\nNote: {note}.");
    }
    text
}

fn reminder(first: &str, missing: &[String]) -> String {
    format!(
        "{first}\nYou, or someone before you, stopped before the framework was whole. What was built so far is in the \
         workspace (list_files, read_file). Prose builds nothing: only calls of tools do. Missing or wrong:\n- {}\n\n\
         Go on from there, and end by calling finish.",
        missing.join("\n- ")
    )
}

//! [`Workspace`]: what the builders have built so far, and the only way to change it.
//!
//! In: what a builder writes. Out: it is taken, or refused with the place and the way out; nothing that is
//! refused leaves a trace. Invariants: all that is in here was parsed and checked by the loaders of its
//! kind; what comes out by [`Workspace::finish`] passed the whole check; nothing is run but operations of
//! worlds, which are data, and nothing is written to disk but into temporary folders.

mod agents;
mod flow;
mod look;
mod whole;
mod world;

use super::BuildFailure;
use super::agent_draft::{AgentDraft, check_text};
use super::catalogue::Catalogue;
use super::limits::BuildLimits;
use super::world_parts::WorldParts;
use super::yaml::is_prose;
use crate::brief::Brief;
use crate::forge::{ForgeRequest, Forged, Rehearsal};
use crate::framework::WorkflowPattern;
use indexmap::IndexMap;
use nex_tools::ToolOutput;
use nex_world::World;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What a builder's write came to: what to tell it, good or bad.
type Attempt = Result<String, String>;

/// What the builders have built so far.
pub(super) struct Workspace {
    request: ForgeRequest,
    brief: Brief,
    limits: BuildLimits,
    catalogue: Catalogue,
    /// What the manifest says of who planned it.
    planner: String,
    /// Plays the agents before they are given out.
    rehearsal: Arc<dyn Rehearsal>,
    /// Told when the building has ended.
    cancel: CancellationToken,
    pattern: Option<WorkflowPattern>,
    world: Option<WorldDraft>,
    agents: IndexMap<String, AgentDraft>,
    /// The text of the workflow or pipeline, where the pattern has one.
    flow: Option<String>,
    /// Refused versions in a row, by artefact.
    refused: BTreeMap<String, u32>,
    /// Writes that were taken.
    written: u32,
    ended: Option<Result<Forged, BuildFailure>>,
}

/// The world, as far as it is.
struct WorldDraft {
    parts: WorldParts,
    text: String,
    world: Arc<World>,
}

impl Workspace {
    /// An empty workspace for `request`.
    pub(super) fn new(
        request: ForgeRequest,
        brief: Brief,
        limits: BuildLimits,
        catalogue: Catalogue,
        planner: String,
        rehearsal: Arc<dyn Rehearsal>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            request,
            brief,
            limits,
            catalogue,
            planner,
            rehearsal,
            cancel,
            pattern: None,
            world: None,
            agents: IndexMap::new(),
            flow: None,
            refused: BTreeMap::new(),
            written: 0,
            ended: None,
        }
    }

    /// How the building ended, if it did; taken out.
    pub(super) fn take_ended(&mut self) -> Option<Result<Forged, BuildFailure>> {
        self.ended.take()
    }

    /// Whether anything was ever written.
    pub(super) fn is_untouched(&self) -> bool {
        self.written == 0
    }

    /// Makes one write: counts it where it is refused, and ends the building where it was refused too
    /// often in a row.
    fn write(&mut self, artefact: &str, attempt: impl FnOnce(&mut Self) -> Attempt) -> ToolOutput {
        if self.ended.is_some() {
            return ToolOutput::error("the building has ended; nothing more can be written");
        }
        let last_error = match attempt(self) {
            Ok(told) => {
                self.refused.remove(artefact);
                self.written += 1;
                return ToolOutput::text(told);
            }
            Err(error) => error,
        };
        let attempts = self.refused.entry(artefact.to_owned()).or_default();
        *attempts += 1;
        let (attempts, most) = (*attempts, self.limits.max_repairs.max(1));
        if attempts < most {
            return ToolOutput::error(format!(
                "Refused, and nothing was changed ({artefact}, {attempts} of at most {most} refusals in a row): {last_error}"
            ));
        }
        let told = ToolOutput::error(format!(
            "Refused for the {attempts}th time in a row; the building ends here: {last_error}"
        ));
        self.ended =
            Some(Err(BuildFailure::RepairLimit { artefact: artefact.to_owned(), attempts, last_error }));
        self.cancel.cancel();
        told
    }

    /// What is wrong with `text` before anyone parses it.
    fn check_size(&self, key: &str, text: &str) -> Result<(), String> {
        let most = self.limits.max_file_bytes;
        if text.len() > most {
            return Err(format!("`{key}` has {} bytes, at most {most} are taken; write less", text.len()));
        }
        if text.trim().is_empty() {
            return Err(format!("`{key}` is empty"));
        }
        if is_prose(text) {
            return Err(format!(
                "`{key}` is prose: no line of it is `key: value`. Send the YAML, and nothing else"
            ));
        }
        check_text(key, &text.replace('\r', ""))
    }

    /// Chooses the pattern by which the agents work together.
    pub(super) fn choose_pattern(&mut self, name: &str) -> ToolOutput {
        self.write("pattern", |this| {
            let known = || WorkflowPattern::ALL.map(WorkflowPattern::as_str).join(", ");
            let pattern = WorkflowPattern::from_name(name)
                .ok_or_else(|| format!("there is no pattern `{name}`; the patterns are: {}", known()))?;
            if let Some(asked) = this.request.pattern.filter(|asked| *asked != pattern) {
                return Err(format!("the pattern was asked for as `{asked}`; choose that"));
            }
            let counts = pattern.agent_counts();
            if let Some(count) = this.request.agents.filter(|count| !counts.contains(count)) {
                return Err(format!(
                    "{count} agents were asked for, and {pattern} takes {} to {}; choose another",
                    counts.start(),
                    counts.end()
                ));
            }
            if this.pattern != Some(pattern) {
                this.flow = None;
            }
            this.pattern = Some(pattern);
            let next = match (pattern, pattern.is_fixed()) {
                (WorkflowPattern::Sequential, _) => {
                    "the runtime runs the agents one after the other; write_workflow takes a pipeline"
                }
                (_, true) => "the runtime decides who is next; write_workflow takes the stages",
                (WorkflowPattern::SingleAgent, _) => "one agent, and no workflow file",
                _ => "agents call each other by sub_agents, and there is no workflow file; one agent is called by none and leads",
            };
            Ok(format!(
                "{}: {}. It takes {} to {} agents; {next}.",
                pattern,
                pattern.title(),
                counts.start(),
                counts.end()
            ))
        })
    }

    fn world(&self) -> Result<&WorldDraft, String> {
        let world = self.world.as_ref().ok_or("there is no world yet; define_world comes first")?;
        if world.parts.is_without_operations() {
            return Err("the world has no operations yet; define_operation comes first".to_owned());
        }
        Ok(world)
    }
}

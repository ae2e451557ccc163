//! Cutting a framework to one task: its briefing in the task's language, and only the tools that
//! the task offers.

use crate::WorldProfile;
use nex_agent::{AgentSpec, RunnableSpec};
use nex_world::task::Briefing;
use serde_json::{Map, Value};
use std::sync::Arc;

/// All that the agents of one task depend on besides the framework.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cut {
    pub(crate) world: String,
    pub(crate) language: String,
    /// The text of the briefing, which decides what the agents are told.
    pub(crate) briefing: String,
    pub(crate) offered: Vec<String>,
}

/// `spec` for the task of `cut`.
pub(crate) fn tailor(
    spec: &RunnableSpec,
    cut: &Cut,
    briefing: &Briefing,
    profile: &WorldProfile,
) -> RunnableSpec {
    let context = context(briefing, &cut.language, profile);
    match spec {
        RunnableSpec::Agent(agent) => RunnableSpec::Agent(tailor_agent(agent, cut, &context)),
        RunnableSpec::Pipeline(pipeline) => {
            let mut pipeline = pipeline.clone();
            for stage in &mut pipeline.stages {
                stage.agent = Arc::new(tailor_agent(&stage.agent, cut, &context));
            }
            RunnableSpec::Pipeline(pipeline)
        }
        RunnableSpec::Workflow(workflow) => RunnableSpec::Workflow(
            workflow.clone().map_agents(&mut |agent| tailor_agent(agent, cut, &context)),
        ),
    }
}

/// The variables that the frameworks' prompts read.
pub(crate) fn context(briefing: &Briefing, language: &str, profile: &WorldProfile) -> Map<String, Value> {
    let mut context = Map::new();
    context.insert("language".to_owned(), language.into());
    context.insert("world_title".to_owned(), profile.title(language).into());
    context.insert("role".to_owned(), briefing.role.as_str().into());
    context.insert("facts".to_owned(), briefing.facts.clone().into());
    context.insert("policies".to_owned(), briefing.policies.clone().into());
    context
}

/// The same call again is right after a passing fault, and worlds can be stubborn: the runtime's own
/// bound would take five such retries for a loop.
const MIN_REPEATS: u32 = 20;

fn tailor_agent(agent: &AgentSpec, cut: &Cut, context: &Map<String, Value>) -> AgentSpec {
    let mut agent = agent.clone();
    agent.context.extend(context.clone());
    agent.limits.max_repeats = agent.limits.max_repeats.max(MIN_REPEATS);
    // A tool that this task does not offer is no fault of the framework.
    agent.tools.retain(|entry| {
        let is_from_environment = entry.binding.is_none() && !entry.name.contains('*');
        !is_from_environment || cut.offered.contains(&entry.name)
    });
    for sub in &mut agent.sub_agents {
        sub.agent = Arc::new(tailor_agent(&sub.agent, cut, context));
    }
    agent
}

//! Whether the agents of a framework are whole, and their tools are those of their world.
//!
//! In: the files, and the plan that made them. Out: [`Finding`]s, each with the rule that is broken.
//! Agents are loaded here and played by whoever gives a [`Rehearsal`]; worlds are tried out by
//! [`crate::world::check_world`].

use crate::forge::{CHECK_TASKS, MANIFEST_FILE, Manifest, Rehearsal, Rehearsed};
use crate::framework::{FrameworkPlan, WorkflowPattern};
use crate::world::check_world;
use nex_agent::{AgentSpec, LoadOptions, RunnableSpec, Severity, load_runnable, tool_name_fits};
use nex_world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::path::Path;

/// Levels of delegation that a framework may have.
const MAX_DEPTH: usize = 8;
/// Agents that a framework may have.
const MAX_AGENTS: usize = 64;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule that is broken: `schema`, `binding`, `reachability`, `limits`, `pattern`,
    /// `world`, `smoke`.
    pub rule: String,
    /// What breaks it, and where.
    pub message: String,
}

impl Finding {
    /// `message` under `rule`.
    pub fn new(rule: &str, message: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.message)
    }
}

/// What is wrong with the framework in `folder`, by its `framework.json`: agents, world, whether they
/// fit, and whether `rehearsal` gets through; with what playing it showed.
pub fn check_framework(folder: &Path, rehearsal: &dyn Rehearsal) -> (Vec<Finding>, Option<Rehearsed>) {
    let manifest = std::fs::read(folder.join(MANIFEST_FILE)).map_err(|cause| cause.to_string());
    let manifest = manifest.and_then(|text| {
        serde_json::from_slice::<Manifest>(&text).map_err(|cause| format!("{MANIFEST_FILE}: {cause}"))
    });
    let manifest = match manifest {
        Ok(manifest) => manifest,
        Err(cause) => return (vec![Finding::new("schema", cause)], None),
    };
    let world_file = folder.join(&manifest.world_file);
    let world = match World::load(&world_file) {
        Ok(world) => world,
        Err(cause) => return (vec![Finding::new("world", cause.to_string())], None),
    };
    let seeds = (0..CHECK_TASKS).map(|at| manifest.seed.wrapping_add(at));
    let name = world_file.display().to_string();
    let mut found: Vec<Finding> = check_world(world.source(), &name, seeds)
        .err()
        .map(|cause| Finding::new("world", cause.to_string()))
        .into_iter()
        .collect();
    let entry = folder.join(&manifest.entry);
    found.extend(check_agents(&entry, &world, Some(&manifest.plan)));
    if !found.is_empty() {
        return (found, None);
    }
    match rehearsal.rehearse(&entry, &world, manifest.seed) {
        Ok(rehearsed) => (found, rehearsed),
        Err(finding) => (vec![finding], None),
    }
}

/// What is wrong with the agents in the file `entry` for `world`. With a plan, also where they are
/// not what it says.
pub fn check_agents(entry: &Path, world: &World, plan: Option<&FrameworkPlan>) -> Vec<Finding> {
    let mut found: Vec<Finding> = nex_agent::check(entry, &LoadOptions::default())
        .into_iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(|diagnostic| Finding::new("schema", diagnostic.to_string()))
        .collect();
    if !found.is_empty() {
        return found;
    }
    let spec = match load_runnable(entry, &LoadOptions::default()) {
        Ok(spec) => spec,
        Err(error) => return vec![Finding::new("schema", error.to_string())],
    };
    let mut agents: Vec<(usize, &AgentSpec)> = Vec::new();
    match &spec {
        RunnableSpec::Agent(agent) => walk(agent, 1, &mut agents),
        RunnableSpec::Pipeline(pipeline) => {
            pipeline.stages.iter().for_each(|stage| walk(&stage.agent, 1, &mut agents));
        }
        RunnableSpec::Workflow(workflow) => {
            for (_, assignment) in workflow.assignments() {
                walk(&assignment.agent, 1, &mut agents);
            }
        }
    }
    let operations: HashSet<&str> =
        world.operations().iter().map(|operation| operation.name.as_str()).collect();
    let mut held = HashSet::new();
    for (_, agent) in &agents {
        // A tool with a declaration or a binding of its own is none of the world's.
        for tool in agent.tools.iter().filter(|tool| tool.spec.is_none() && tool.binding.is_none()) {
            let given: Vec<&str> =
                operations.iter().copied().filter(|name| tool_name_fits(&tool.name, name)).collect();
            if given.is_empty() {
                let message = format!(
                    "agent `{}` has the tool `{}`, which the world `{}` does not give",
                    agent.name,
                    tool.name,
                    world.name()
                );
                found.push(Finding::new("binding", message));
            }
            held.extend(given);
        }
    }
    let mut lost: Vec<&str> = operations.difference(&held).copied().collect();
    lost.sort_unstable();
    if !lost.is_empty() {
        found.push(Finding::new("binding", format!("no agent has the operations {}", lost.join(", "))));
    }
    let depth = agents.iter().map(|(depth, _)| *depth).max().unwrap_or(0);
    if depth > MAX_DEPTH || agents.len() > MAX_AGENTS {
        let message =
            format!("{} agents in {depth} levels; at most {MAX_AGENTS} in {MAX_DEPTH}", agents.len());
        found.push(Finding::new("limits", message));
    }
    if let Some(plan) = plan {
        conforms(plan, &spec, &agents, depth, &mut found);
    }
    found
}

fn walk<'a>(agent: &'a AgentSpec, depth: usize, agents: &mut Vec<(usize, &'a AgentSpec)>) {
    agents.push((depth, agent));
    agent.sub_agents.iter().for_each(|sub| walk(&sub.agent, depth + 1, agents));
}

fn conforms(
    plan: &FrameworkPlan,
    spec: &RunnableSpec,
    agents: &[(usize, &AgentSpec)],
    depth: usize,
    found: &mut Vec<Finding>,
) {
    let reached: BTreeSet<&str> = agents.iter().map(|(_, agent)| agent.name.as_str()).collect();
    for agent in plan.agents.iter().filter(|agent| !reached.contains(agent.name.as_str())) {
        found.push(Finding::new("reachability", format!("nothing leads from the entry to `{}`", agent.name)));
    }
    let is_of_kind = match spec {
        RunnableSpec::Agent(_) => !plan.pattern.is_fixed(),
        RunnableSpec::Pipeline(_) => plan.pattern == WorkflowPattern::Sequential,
        RunnableSpec::Workflow(_) => plan.pattern.is_fixed() && plan.pattern != WorkflowPattern::Sequential,
    };
    let levels = plan.pattern.levels();
    if !is_of_kind || depth != levels {
        let message = format!("{} has {levels} levels of agents, these have {depth}", plan.pattern);
        found.push(Finding::new("pattern", message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::{FrameworkFile, plan_framework};
    use nex_world::builtin_world;
    use std::sync::Arc;

    fn parcel_desk() -> Arc<World> {
        builtin_world("parcel_desk").unwrap().load().unwrap()
    }

    /// Each rule is broken once, and named.
    #[test]
    fn what_is_broken_is_found() {
        let world = parcel_desk();
        let plan = plan_framework(&world, WorkflowPattern::TwoLayers, 4, 1).unwrap();
        let told = |breaks: &dyn Fn(&mut FrameworkPlan, &mut Vec<FrameworkFile>)| {
            let (mut plan, folder) = (plan.clone(), tempfile::tempdir().unwrap());
            let mut files = plan.files(&world);
            breaks(&mut plan, &mut files);
            std::fs::create_dir(folder.path().join("agents")).unwrap();
            for FrameworkFile { path, text } in files {
                std::fs::write(folder.path().join(path), text).unwrap();
            }
            check_agents(&folder.path().join(plan.entry()), &world, Some(&plan))
        };
        let rules = |found: Vec<Finding>| found.into_iter().map(|finding| finding.rule).collect::<Vec<_>>();
        assert_eq!(told(&|_, _| {}), []);
        assert_eq!(
            rules(told(&|_, files| files[1].text = files[1].text.replace("name: find_", "name: seek_"))),
            ["binding", "binding"]
        );
        assert_eq!(rules(told(&|_, files| files[1].text.push_str("  bad indent\n x"))), ["schema"]);
        assert_eq!(rules(told(&|plan, _| plan.pattern = WorkflowPattern::ThreeLayers)), ["pattern"]);
        let unreached = |plan: &mut FrameworkPlan, _: &mut Vec<FrameworkFile>| {
            let mut twin = plan.agents[1].clone();
            twin.name = "nobody_calls_me".to_owned();
            plan.agents.push(twin);
        };
        assert_eq!(rules(told(&unreached)), ["reachability"]);
    }
}

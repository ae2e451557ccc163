//! The whole framework: what is missing, the check of everything, and the way out.

use super::agents::load;
use super::world::describe;
use super::{Attempt, Workspace};
use crate::builders::derive::{framework_plan, world_plan};
use crate::forge::{
    CHECK_TASKS, Forged, MANIFEST_FILE, MANIFEST_VERSION, Manifest, Rehearsed, try_out, write,
};
use crate::framework::{FrameworkFile, FrameworkPlan, WorkflowPattern};
use crate::world::WorldCheck;
use nex_tools::ToolOutput;
use nex_world::Language;

/// All that a framework consists of, checked.
struct Whole {
    files: Vec<FrameworkFile>,
    plan: FrameworkPlan,
    trial: WorldCheck,
    rehearsed: Option<Rehearsed>,
    world_file: String,
}

impl Workspace {
    /// Says what is missing or wrong; changes nothing.
    pub(in crate::builders) fn check(&self) -> ToolOutput {
        match self.whole() {
            Ok(whole) => ToolOutput::text(format!(
                "All is well: {} agents, {} Call finish.",
                whole.plan.agents.len(),
                describe(&whole.trial)
            )),
            Err(missing) => ToolOutput::text(format!("Not whole yet:\n- {}", missing.join("\n- "))),
        }
    }

    /// What is missing or wrong.
    pub(in crate::builders) fn missing(&self) -> Vec<String> {
        self.whole().err().unwrap_or_default()
    }

    /// Checks everything, and ends the building where all is well.
    pub(in crate::builders) fn finish(&mut self) -> ToolOutput {
        self.write("framework", |this| {
            let whole = this
                .whole()
                .map_err(|missing| format!("the framework is not whole:\n- {}", missing.join("\n- ")))?;
            this.conclude(whole)
        })
    }

    fn conclude(&mut self, whole: Whole) -> Attempt {
        let Whole { mut files, plan, trial, rehearsed, world_file } = whole;
        let world = &self.world()?.world;
        let name = format!("{}_{}_{}", world.name(), plan.pattern.as_str(), plan.agents.len());
        let manifest = Manifest {
            version: MANIFEST_VERSION,
            title: format!("{}: {}", world.title().get(Language::En), plan.pattern.title()),
            name: name.clone(),
            brief: self.brief.clone(),
            planner: self.planner.clone(),
            seed: self.request.seed,
            entry: plan.entry(),
            world_file,
            plan,
            world: world_plan(world),
            trial,
            rehearsal: rehearsed,
            servers: Vec::new(),
        };
        let mut text = serde_json::to_string_pretty(&manifest).map_err(|error| error.to_string())?;
        text.push('\n');
        files.insert(0, FrameworkFile { path: MANIFEST_FILE.to_owned(), text });
        self.ended = Some(Ok(Forged { manifest, files }));
        Ok(format!("The framework `{name}` is whole and was checked."))
    }

    /// Everything, or what is missing or wrong.
    fn whole(&self) -> Result<Whole, Vec<String>> {
        let missing = self.gaps();
        if !missing.is_empty() {
            return Err(missing);
        }
        let one = |cause: String| vec![cause];
        let (Some(pattern), Ok(world)) = (self.pattern, self.world()) else { return Err(missing) };
        if let (Some(flow), true) = (&self.flow, pattern.is_fixed()) {
            // Agents may have changed since it was written.
            self.check_flow(flow, pattern).map_err(|cause| one(format!("workflow: {cause}")))?;
        }
        let mut files = self.files().map_err(one)?;
        let entry = self.entry(pattern).map_err(one)?;
        let folder = tempfile::tempdir().map_err(|error| one(error.to_string()))?;
        write(&files, folder.path()).map_err(|error| one(error.to_string()))?;
        let spec = load(&folder.path().join(&entry), folder.path()).map_err(one)?;
        let drafts: Vec<_> = self.agents.values().collect();
        let plan = framework_plan(&spec, &drafts, pattern, &world.world);
        let trial = self.try_out(world, CHECK_TASKS).map_err(|cause| one(format!("world: {cause}")))?;
        let seed = self.request.seed;
        // Whoever plays the agents may block; this thread belongs to the builders' runtime.
        let tried = std::thread::scope(|scope| {
            scope.spawn(|| try_out(&files, &plan, &world.world, seed, &*self.rehearsal)).join()
        });
        let rehearsed = match tried {
            Ok(Ok(Ok(rehearsed))) => rehearsed,
            Ok(Ok(Err(found))) => return Err(found.iter().map(ToString::to_string).collect()),
            Ok(Err(error)) => return Err(one(error.to_string())),
            Err(_) => return Err(one("smoke: playing the agents broke off".to_owned())),
        };
        let world_file = format!("worlds/{}.yaml", world.world.name());
        files.push(FrameworkFile { path: world_file.clone(), text: world.text.clone() });
        // What runs first stands first, as in a planned framework.
        files.sort_by_key(|file| file.path != entry);
        Ok(Whole { files, plan, trial, rehearsed, world_file })
    }

    /// What has not been written at all, or in the wrong number.
    fn gaps(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if let Err(cause) = self.world() {
            missing.push(cause);
        }
        if self.agents.is_empty() {
            missing.push("there are no agents yet; write_agent writes them".to_owned());
        }
        for (name, agent) in &self.agents {
            for sub in agent.sub_agents.iter().filter(|sub| !self.agents.contains_key(*sub)) {
                missing.push(format!("agent `{name}` calls `{sub}`, which is not written yet"));
            }
        }
        let Some(pattern) = self.pattern else {
            missing.push("no pattern is chosen yet; choose_pattern chooses it".to_owned());
            return missing;
        };
        let (counts, count) = (pattern.agent_counts(), self.agents.len());
        if count > 0 && !counts.contains(&count) {
            missing.push(format!(
                "{pattern} takes {} to {} agents, there are {count}",
                counts.start(),
                counts.end()
            ));
        }
        if let Some(asked) = self.request.agents.filter(|asked| count > 0 && *asked != count) {
            missing.push(format!("{asked} agents were asked for, there are {count}"));
        }
        if pattern.is_fixed() && self.flow.is_none() {
            missing.push(format!("a {pattern} needs a workflow; write_workflow writes it"));
        }
        missing
    }

    /// The file to run.
    fn entry(&self, pattern: WorkflowPattern) -> Result<String, String> {
        if pattern.is_fixed() {
            let name = if pattern == WorkflowPattern::Sequential { "pipeline" } else { "workflow" };
            return Ok(format!("{name}.yaml"));
        }
        let is_called = |name: &String| self.agents.values().any(|agent| agent.sub_agents.contains(name));
        let leads: Vec<&String> = self.agents.keys().filter(|name| !is_called(name)).collect();
        match leads.as_slice() {
            [lead] => Ok(format!("agents/{lead}.yaml")),
            several => {
                let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                Err(format!(
                    "one agent must lead and be called by none; these are called by none: {}; connect the others or remove them",
                    names.join(", ")
                ))
            }
        }
    }

    /// The agents' files and the workflow's.
    pub(super) fn files(&self) -> Result<Vec<FrameworkFile>, String> {
        let mut files = team_files(self)?;
        if let (Some(pattern), Some(flow)) = (self.pattern.filter(|pattern| pattern.is_fixed()), &self.flow) {
            files.push(FrameworkFile { path: self.entry(pattern)?, text: flow.clone() });
        }
        Ok(files)
    }
}

/// The files of all agents.
pub(super) fn team_files(workspace: &Workspace) -> Result<Vec<FrameworkFile>, String> {
    let world = &workspace.world()?.world;
    let about = |name: &String| workspace.agents.get(name).map_or("", |agent| agent.description.as_str());
    Ok(workspace
        .agents
        .values()
        .map(|agent| {
            let team: Vec<(&str, &str)> =
                agent.sub_agents.iter().map(|name| (name.as_str(), about(name))).collect();
            FrameworkFile {
                path: format!("agents/{}.yaml", agent.name),
                text: agent.file(world, &workspace.catalogue, &team),
            }
        })
        .collect())
}

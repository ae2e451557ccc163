//! Writing agents, and who may call whom.

use super::{Attempt, Workspace};
use crate::builders::agent_draft::AgentDraft;
use crate::builders::yaml::unfenced;
use nex_agent::{LoadOptions, RunnableSpec, Severity};
use nex_tools::ToolOutput;
use std::collections::BTreeMap;
use std::path::Path;

impl Workspace {
    /// Takes the agent `name` that `yaml` describes.
    pub(in crate::builders) fn write_agent(&mut self, name: &str, yaml: &str) -> ToolOutput {
        let yaml = unfenced(yaml);
        self.write(&format!("agent {}", short(name)), |this| {
            this.check_size("yaml", yaml)?;
            let draft = AgentDraft::parse(name, yaml)?;
            if !this.agents.contains_key(name) && this.agents.len() >= this.limits.max_agents {
                return Err(format!("there are {} agents already, which is the most", this.agents.len()));
            }
            draft.check_tools(&this.world()?.world, &this.catalogue)?;
            this.check_file(&draft)?;
            this.take_agent(draft)
        })
    }

    /// Takes out the agent `name`.
    pub(in crate::builders) fn remove_agent(&mut self, name: &str) -> ToolOutput {
        self.write(&format!("agent {}", short(name)), |this| {
            if this.agents.shift_remove(name).is_none() {
                return Err(this.no_agent(name));
            }
            Ok(this.team())
        })
    }

    /// Lets the agent `from` call the agent `to`, or no longer.
    pub(in crate::builders) fn connect(&mut self, from: &str, to: &str, is_off: bool) -> ToolOutput {
        self.write("connection", |this| {
            let mut draft = this.agents.get(from).cloned().ok_or_else(|| this.no_agent(from))?;
            if !is_off && !this.agents.contains_key(to) {
                return Err(this.no_agent(to));
            }
            draft.sub_agents.retain(|name| name != to);
            if !is_off {
                draft.sub_agents.push(to.to_owned());
            }
            this.take_agent(draft)
        })
    }

    fn take_agent(&mut self, draft: AgentDraft) -> Attempt {
        if let Some(cycle) = self.cycle_with(&draft) {
            return Err(format!("agents would call each other in a circle: {cycle}; leave one of these out"));
        }
        let told = format!(
            "Agent `{}` is taken, with {} tools, {} sub-agents and {} MCP servers. ",
            draft.name,
            draft.tools.len(),
            draft.sub_agents.len(),
            draft.servers.len()
        );
        self.agents.insert(draft.name.clone(), draft);
        Ok(told + &self.team())
    }

    /// The agents so far, and what is still to come.
    fn team(&self) -> String {
        let names: Vec<&str> = self.agents.keys().map(String::as_str).collect();
        let mut told =
            format!("Agents: {}.", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
        let mut missing: Vec<&str> = self
            .agents
            .values()
            .flat_map(|agent| agent.sub_agents.iter().map(String::as_str))
            .filter(|name| !self.agents.contains_key(*name))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        if !missing.is_empty() {
            told.push_str(&format!(" Named as sub-agents and still to be written: {}.", missing.join(", ")));
        }
        if let Ok(world) = self.world() {
            let idle: Vec<&str> = world
                .world
                .operations()
                .iter()
                .map(|operation| operation.name.as_str())
                .filter(|name| !self.agents.values().any(|agent| agent.tools.iter().any(|tool| tool == name)))
                .collect();
            if !idle.is_empty() {
                told.push_str(&format!(" Operations that no agent has yet: {}.", idle.join(", ")));
            }
        }
        told
    }

    fn no_agent(&self, name: &str) -> String {
        let names: Vec<&str> = self.agents.keys().map(String::as_str).collect();
        format!("there is no agent `{}`; there are: {}", short(name), names.join(", "))
    }

    /// The circle of calls that `draft` would close.
    fn cycle_with(&self, draft: &AgentDraft) -> Option<String> {
        let calls = |name: &str| match name == draft.name {
            true => draft.sub_agents.as_slice(),
            false => self.agents.get(name).map_or(&[][..], |agent| agent.sub_agents.as_slice()),
        };
        // Breadth first from the draft back to itself.
        let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
        let mut waiting = vec![draft.name.as_str()];
        while let Some(at) = waiting.pop() {
            for next in calls(at) {
                if *next == draft.name {
                    let mut path = vec![draft.name.as_str(), at];
                    let mut place = at;
                    while let Some(before) = came_from.get(place).filter(|_| place != draft.name) {
                        path.push(before);
                        place = before;
                    }
                    path.dedup();
                    path.reverse();
                    if path.len() == 1 {
                        path.push(&draft.name);
                    }
                    return Some(path.join(" -> "));
                }
                if !came_from.contains_key(next.as_str()) {
                    came_from.insert(next, at);
                    waiting.push(next);
                }
            }
        }
        None
    }

    /// Loads the file of `draft` by itself: what it says must be what the loader reads.
    fn check_file(&self, draft: &AgentDraft) -> Result<(), String> {
        let world = &self.world()?.world;
        let alone = draft.alone();
        let folder = tempfile::tempdir().map_err(|error| format!("the check has no folder: {error}"))?;
        let path = folder.path().join(format!("{}.yaml", draft.name));
        std::fs::write(&path, alone.file(world, &self.catalogue, &[]))
            .map_err(|error| format!("the check cannot write: {error}"))?;
        match load(&path, folder.path())? {
            RunnableSpec::Agent(agent)
                if agent.system_prompt.len() == 1
                    && agent.system_prompt[0].content.trim_end() == alone.whole_prompt(world).trim_end() =>
            {
                Ok(())
            }
            _ => {
                Err("the prompt does not come out of its file as it went in; use plain lines of text"
                    .to_owned())
            }
        }
    }
}

/// Loads and checks `path`, without the machine's environment and nothing outside of `folder`.
pub(super) fn load(path: &Path, folder: &Path) -> Result<RunnableSpec, String> {
    let options = LoadOptions { root: Some(folder.to_owned()), environment: Some(BTreeMap::new()) };
    let found: Vec<String> = nex_agent::check(path, &options)
        .into_iter()
        .filter(|diagnostic| diagnostic.severity == Severity::Error)
        .map(|diagnostic| diagnostic.to_string())
        .collect();
    // The temporary folder is no place that a builder knows.
    let place = folder.display().to_string();
    let told =
        |text: String| text.replace(&format!("{place}/"), "").replace(&place, "the framework's folder");
    if !found.is_empty() {
        return Err(told(found.join("\n")));
    }
    nex_agent::load_runnable(path, &options).map_err(|error| told(error.to_string()))
}

fn short(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}

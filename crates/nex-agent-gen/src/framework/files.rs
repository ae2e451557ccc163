//! A plan as files: NexAU's YAML, one file an agent.

use super::WorkflowPattern;
use super::plan::{AgentPlan, FrameworkPlan};
use super::stages::stages;
use nex_world::{Language, World};
use serde_json::{Value, json};
use std::fmt::Write;

/// One file of a framework.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameworkFile {
    /// Its path, relative to the framework's folder, with `/`.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl FrameworkPlan {
    /// The file to run, relative to the framework's folder.
    pub fn entry(&self) -> String {
        match self.pattern {
            WorkflowPattern::Sequential => "pipeline.yaml".to_owned(),
            pattern if pattern.is_fixed() => "workflow.yaml".to_owned(),
            _ => format!("agents/{}.yaml", self.agents[0].name),
        }
    }

    /// All files of its agents for `world`, the one to run first.
    pub fn files(&self, world: &World) -> Vec<FrameworkFile> {
        let agents = self.agents.iter().map(|agent| FrameworkFile {
            path: format!("agents/{}.yaml", agent.name),
            text: self.agent_file(agent, world),
        });
        let fixed = self.pattern.is_fixed();
        let flow = fixed.then(|| FrameworkFile { path: self.entry(), text: self.flow_file(world) });
        flow.into_iter().chain(agents).collect()
    }

    fn agent_file(&self, agent: &AgentPlan, world: &World) -> String {
        let mut text = String::new();
        let _ =
            writeln!(text, "type: agent\nname: {}\ndescription: {}", agent.name, quoted(&agent.description));
        text.push_str("system_prompt: |\n");
        for line in agent.prompt.lines() {
            let _ = writeln!(text, "{}{line}", if line.is_empty() { "" } else { "  " });
        }
        text.push_str(
            "# The model is the caller's choice.\nllm_config: {}\nmax_iterations: 60\ntimeout: 900\n",
        );
        if !agent.operations.is_empty() {
            text.push_str("tools:\n");
            for operation in &agent.operations {
                let _ = writeln!(text, "  - name: {operation}");
            }
        }
        if !agent.sub_agents.is_empty() {
            text.push_str("sub_agents:\n");
            for sub in &agent.sub_agents {
                let name = &self.agents[*sub].name;
                let _ = writeln!(text, "  - name: {name}\n    config_path: ./{name}.yaml");
            }
        }
        text.push_str("context:\n");
        for (key, value) in context(world) {
            let _ = writeln!(text, "  {key}: {value}");
        }
        text
    }

    /// The pipeline, or the workflow: what runs its agents.
    fn flow_file(&self, world: &World) -> String {
        let kind = if self.pattern == WorkflowPattern::Sequential { "pipeline" } else { "workflow" };
        let title = world.title().get(Language::En);
        let about = format!("{title}: {} of {} agents.", self.pattern.title(), self.agents.len());
        let mut text = String::new();
        let _ = writeln!(text, "type: {kind}\nname: {}_{}", world.name(), self.pattern);
        let _ = writeln!(text, "description: {}\ntimeout: 1800", quoted(&about));
        if self.pattern == WorkflowPattern::Blackboard {
            text.push_str("state:\n  notes: []\n");
        }
        text.push_str("stages:\n");
        text.push_str(&stages(self));
        text
    }
}

/// The variables of the prompts, as JSON, which is YAML.
pub(crate) fn context(world: &World) -> [(&'static str, Value); 4] {
    let policies: Vec<&str> = world.policies().iter().map(|policy| policy.text.get(Language::En)).collect();
    [
        ("language", "en".into()),
        ("world_title", world.title().get(Language::En).into()),
        ("role", world.role().get(Language::En).into()),
        ("policies", json!(policies)),
    ]
}

/// A JSON string, which YAML reads as it is.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

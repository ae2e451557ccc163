//! Replies of builders that know their trade, for a code review desk in two layers.
#![allow(dead_code, reason = "each test file uses its part")]

use super::server::Script;
use serde_json::{Value, json};

pub(crate) const FOUNDATION: &str = include_str!("code_review/foundation.yaml");
pub(crate) const OPERATIONS: &str = include_str!("code_review/operations.yaml");
pub(crate) const POLICIES: &str = include_str!("code_review/policies.yaml");

/// The operations of [`OPERATIONS`], each with its own YAML.
pub(crate) fn operations() -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for line in OPERATIONS.lines() {
        if !line.starts_with(' ') {
            found.push((line.trim_end_matches(':').to_owned(), String::new()));
        } else if let Some((_, body)) = found.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    found
}

/// The world in one file.
pub(crate) fn whole_world() -> String {
    let indented = |text: &str| text.lines().map(|line| format!("  {line}\n")).collect::<String>();
    format!("{FOUNDATION}\noperations:\n{}\npolicies:\n{}", indented(OPERATIONS), indented(POLICIES))
}

/// Agents by name.
pub(crate) fn agents() -> [(&'static str, Value); 4] {
    let agent = |name: &'static str, yaml: &str| (name, json!({"name": name, "yaml": yaml}));
    [
        agent(
            "lead",
            "description: Takes the request, hands out the work, answers.\nsystem_prompt: |\n  You lead the code reviews. Your team sees only your message.\nsub_agents: [reader, reviewer, integrator]\n",
        ),
        agent(
            "reader",
            "description: Looks up changes, findings and engineers.\nsystem_prompt: |\n  # {{ world_title }}: reader\n  You look things up and report ids and values.\ntools: [find_change, get_change, list_changes, find_engineer, list_findings, find_finding]\n",
        ),
        agent(
            "reviewer",
            "description: Notes and resolves findings, assigns reviewers.\nsystem_prompt: |\n  {{ role }}\n  You review. Look before you note.\nskills:\n  - {name: weigh a finding, when: you note one, how: A blocker stops the merge. A minor one does not.}\ntools: [add_finding, resolve_finding, assign_reviewer, find_change, list_findings]\n",
        ),
        agent(
            "integrator",
            "description: Approves, returns and merges changes.\nsystem_prompt: |\n  You approve, return and merge.\n  {{ rules }}\ntools: [approve_change, return_change, merge_change, get_change, assign_reviewer]\n",
        ),
    ]
}

/// The foundation, then the operations, then the policies.
pub(crate) fn good_world(script: Script) -> Script {
    let operations = operations();
    let written: Vec<(&str, Value)> = operations
        .iter()
        .map(|(name, yaml)| ("define_operation", json!({"name": name, "yaml": yaml})))
        .collect();
    let policies: Vec<(&str, Value)> = POLICIES
        .split("\n- ")
        .map(|policy| {
            ("define_policy", json!({"yaml": policy.trim_start_matches("- ").replace("\n  ", "\n")}))
        })
        .collect();
    script
        .calls("You are the WorldBuilder", &[("reference", json!({"topic": "world_example"}))])
        .calls("You are the WorldBuilder", &[("define_world", json!({"yaml": FOUNDATION}))])
        .says("You are the WorldBuilder", "The foundation stands.")
        .calls("You are the WorldBuilder", &policies)
        .says("You are the WorldBuilder", "The policies stand.")
        .calls("You are the ToolBuilder", &[("read_file", json!({"path": "world.yaml"}))])
        .calls("You are the ToolBuilder", &written)
        .says("You are the ToolBuilder", "The operations stand.")
}

/// Calls that write all agents.
pub(crate) fn good_agents(script: Script) -> Script {
    let written: Vec<(&str, Value)> =
        agents().into_iter().map(|(_, arguments)| ("write_agent", arguments)).collect();
    script
        .calls("You are the AgentBuilder", &written)
        .says("You are the AgentBuilder", "The agents stand.")
        .calls("You are the FrameworkBuilder", &[("check", json!({}))])
        .says("You are the FrameworkBuilder", "The lead calls all others.")
}

/// The MetaAgent that does all in order.
pub(crate) fn good_lead(script: Script) -> Script {
    let meta = "You are the MetaAgent";
    script
        .calls(meta, &[("search_domains", json!({"query": "code review"}))])
        .calls(meta, &[("choose_pattern", json!({"pattern": "two_layers"}))])
        .asks(meta, "WorldBuilder", "Lay the foundation of a code review desk.")
        .asks(meta, "ToolBuilder", "Write the operations.")
        .asks(meta, "WorldBuilder", "Write the policies.")
        .asks(meta, "AgentBuilder", "Write lead, reader, reviewer, integrator.")
        .asks(meta, "FrameworkBuilder", "Set the edges.")
        .calls(meta, &[("check", json!({}))])
        .calls(meta, &[("finish", json!({}))])
}

/// Everything well at the first go.
pub(crate) fn good() -> Script {
    good_lead(good_agents(good_world(Script::default())))
}

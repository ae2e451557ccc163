//! [`AgentDraft`]: an agent as a builder may write it, and the file that is made of it.
//!
//! In: YAML with a few keys. Out: a draft, and NexAU's YAML with exactly what the draft says. What is not
//! in the draft cannot get into the file: no hooks, bindings, code, paths, models, keys or commands.

use super::catalogue::Catalogue;
use super::templates::check_prompt;
use super::yaml::read;
use crate::framework::files::{context, quoted};
use indexmap::IndexMap;
use nex_world::World;
use serde::Deserialize;
use serde_json::json;
use std::fmt::Write;

/// Model calls of one agent at the most.
const MAX_ITERATIONS: u32 = 200;
/// Seconds of one agent at the most.
const MAX_TIMEOUT_S: u32 = 3_600;
/// Tools, sub-agents, servers or skills of one agent.
const MAX_ENTRIES: usize = 64;

/// An agent as a builder may write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentDraft {
    pub(super) name: String,
    pub(super) description: String,
    /// The prompt as it was written, skills in it.
    pub(super) prompt: String,
    /// Operations of the world.
    pub(super) tools: Vec<String>,
    /// Agents that it may call.
    pub(super) sub_agents: Vec<String>,
    /// Servers of the catalogue.
    pub(super) servers: Vec<String>,
    max_iterations: u32,
    timeout_s: u32,
}

/// The keys that a builder may write.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentYaml {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: Option<String>,
    description: String,
    system_prompt: String,
    #[serde(default)]
    skills: Vec<Skill>,
    #[serde(default)]
    tools: Vec<Named>,
    #[serde(default)]
    sub_agents: Vec<Named>,
    #[serde(default)]
    mcp_servers: Vec<Named>,
    max_iterations: Option<u32>,
    timeout: Option<u32>,
}

/// A way of doing one thing, written into the prompt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Skill {
    name: String,
    when: String,
    how: String,
}

/// `read_file`, or `{name: read_file}`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "an entry is a name, or a map with `name`")]
enum Named {
    Plain(String),
    Map(IndexMap<String, serde_json::Value>),
}

impl AgentDraft {
    /// The agent `name` that `yaml` describes.
    pub(super) fn parse(name: &str, yaml: &str) -> Result<Self, String> {
        check_name(name)?;
        let file: AgentYaml = read(yaml).map_err(|cause| {
            format!(
                "{cause}. An agent is a YAML map with the keys name, description, system_prompt, skills, tools, sub_agents, \
                 mcp_servers, max_iterations, timeout and no others: models, keys, hooks, bindings, files and commands are \
                 not for builders to set"
            )
        })?;
        if file.kind.as_deref().is_some_and(|kind| kind != "agent") {
            return Err("`type` must be `agent`; a workflow is written with write_workflow".to_owned());
        }
        if let Some(other) = file.name.as_deref().filter(|own| *own != name) {
            return Err(format!(
                "the YAML names the agent `{}`, the call names it `{name}`; use one name",
                shown(other)
            ));
        }
        for (key, text) in [("description", &file.description), ("system_prompt", &file.system_prompt)] {
            if text.trim().is_empty() {
                return Err(format!("`{key}` is empty"));
            }
        }
        let mut prompt = file.system_prompt.trim().to_owned();
        for (at, Skill { name, when, how }) in file.skills.iter().enumerate() {
            if at == 0 {
                prompt.push_str("\n\n## Skills");
            }
            let _ = write!(prompt, "\n\n### {}\nWhen {}:\n{}", name.trim(), when.trim(), how.trim());
        }
        check_text("description", &file.description)?;
        check_text("system_prompt", &prompt)?;
        check_prompt(&prompt)?;
        let draft = Self {
            name: name.to_owned(),
            description: file.description.split_whitespace().collect::<Vec<_>>().join(" "),
            prompt,
            tools: names("tools", file.tools)?,
            sub_agents: names("sub_agents", file.sub_agents)?,
            servers: names("mcp_servers", file.mcp_servers)?,
            max_iterations: bounded("max_iterations", file.max_iterations.unwrap_or(60), MAX_ITERATIONS)?,
            timeout_s: bounded("timeout", file.timeout.unwrap_or(900), MAX_TIMEOUT_S)?,
        };
        Ok(draft)
    }

    /// The same agent without those that it calls.
    pub(super) fn alone(&self) -> Self {
        Self { sub_agents: Vec::new(), ..self.clone() }
    }

    /// The tools and servers that do not exist, told with what there is.
    pub(super) fn check_tools(&self, world: &World, catalogue: &Catalogue) -> Result<(), String> {
        for tool in &self.tools {
            if world.operation(tool).is_none() {
                let known: Vec<&str> = world.operations().iter().map(|op| op.name.as_str()).collect();
                return Err(format!(
                    "agent `{}` has the tool `{tool}`, which is no operation of the world; its operations are: {}",
                    self.name,
                    known.join(", ")
                ));
            }
        }
        for server in &self.servers {
            if catalogue.launch(server).is_none() {
                let known: Vec<&str> = catalogue.servers().take(40).collect();
                let known = if known.is_empty() {
                    "none, for no catalogue was given".to_owned()
                } else {
                    known.join(", ")
                };
                return Err(format!(
                    "agent `{}` has the MCP server `{server}`, which is not in the catalogue; its servers are: {known}",
                    self.name
                ));
            }
        }
        Ok(())
    }

    /// The agent's file.
    pub(super) fn file(&self, world: &World, catalogue: &Catalogue, team: &[(&str, &str)]) -> String {
        let mut text = String::new();
        let _ =
            writeln!(text, "type: agent\nname: {}\ndescription: {}", self.name, quoted(&self.description));
        text.push_str("system_prompt: |\n");
        for line in self.whole_prompt(world).lines() {
            let _ = writeln!(text, "{}{line}", if line.is_empty() { "" } else { "  " });
        }
        let _ = writeln!(
            text,
            "# The model is the caller's choice.\nllm_config: {{}}\nmax_iterations: {}\ntimeout: {}",
            self.max_iterations, self.timeout_s
        );
        if !self.tools.is_empty() {
            text.push_str("tools:\n");
            self.tools.iter().for_each(|tool| {
                let _ = writeln!(text, "  - name: {tool}");
            });
        }
        if !self.sub_agents.is_empty() {
            text.push_str("sub_agents:\n");
            for name in &self.sub_agents {
                let _ = writeln!(text, "  - name: {name}\n    config_path: ./{name}.yaml");
            }
        }
        let launches: Vec<_> =
            self.servers.iter().filter_map(|name| Some((name, catalogue.launch(name)?))).collect();
        if !launches.is_empty() {
            text.push_str("mcp_servers:\n");
        }
        for (name, launch) in launches {
            let _ = writeln!(
                text,
                "  - name: {}\n    type: stdio\n    command: {}",
                quoted(name),
                quoted(&launch.command)
            );
            let _ = writeln!(text, "    args: {}", json!(launch.args));
            if !launch.env.is_empty() {
                text.push_str("    env:\n");
            }
            for (variable, value) in &launch.env {
                let _ = writeln!(text, "      {}: {}", quoted(variable), quoted(value));
            }
        }
        text.push_str("context:\n");
        for (key, value) in context(world) {
            let _ = writeln!(text, "  {key}: {value}");
        }
        let rules: Vec<String> = world
            .policies()
            .iter()
            .enumerate()
            .map(|(at, policy)| format!("{}. {}", at + 1, policy.text.get(nex_world::Language::En).trim()))
            .collect();
        let team: Vec<String> = team.iter().map(|(name, about)| format!("- {name}: {about}")).collect();
        let _ =
            writeln!(text, "  rules: {}\n  team: {}", quoted(&rules.join("\n")), quoted(&team.join("\n")));
        text
    }

    /// The prompt, with the world's rules and the team where the builder left them out.
    pub(super) fn whole_prompt(&self, world: &World) -> String {
        let mut prompt = self.prompt.clone();
        let names = |value: &str| {
            self.prompt
                .split("{{")
                .skip(1)
                .any(|rest| rest.trim_start_matches('-').trim_start().starts_with(value))
        };
        if !self.tools.is_empty() && !world.policies().is_empty() && !names("rules") {
            prompt.push_str("\n\n## Rules\n{{ rules }}");
        }
        if !self.sub_agents.is_empty() && !names("team") {
            prompt.push_str("\n\n## Your team\n{{ team }}");
        }
        prompt
    }
}

/// What is wrong with `name` as the name of an agent.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.len() <= 48;
    if is_plain {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name of an agent: use at most 48 lower case letters, digits and _, beginning with a letter",
        shown(name)
    ))
}

/// What is wrong with `text` wherever it stands.
pub(super) fn check_text(key: &str, text: &str) -> Result<(), String> {
    // Besides controls: other line ends, and what turns the direction of text around.
    let is_odd = |c: &char| match *c {
        '\n' | '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        c => c.is_control(),
    };
    if let Some(odd) = text.chars().find(is_odd) {
        return Err(format!("`{key}` holds the control character U+{:04X}; leave it out", u32::from(odd)));
    }
    if text.contains("${") || text.contains("$env:") {
        return Err(format!(
            "`{key}` holds `${{…}}` or `$env:`, by which files read variables and secrets of the machine; no file of a \
             framework may: leave it out"
        ));
    }
    Ok(())
}

/// What is wrong with any text in the YAML `text`, as its reader will see it: `"\u0024{env.HOME}"` is
/// `${env.HOME}`.
pub(super) fn check_values(key: &str, text: &str) -> Result<(), String> {
    fn walk(key: &str, value: &serde_json::Value) -> Result<(), String> {
        match value {
            serde_json::Value::String(text) => check_text(key, text),
            serde_json::Value::Array(items) => items.iter().try_for_each(|item| walk(key, item)),
            serde_json::Value::Object(entries) => entries.iter().try_for_each(|(name, value)| {
                check_text(key, name)?;
                walk(key, value)
            }),
            _ => Ok(()),
        }
    }
    walk(key, &read(text)?)
}

fn names(key: &str, entries: Vec<Named>) -> Result<Vec<String>, String> {
    let mut found: Vec<String> = Vec::with_capacity(entries.len().min(MAX_ENTRIES));
    if entries.len() > MAX_ENTRIES {
        return Err(format!("`{key}` has {} entries, at most {MAX_ENTRIES} are allowed", entries.len()));
    }
    for entry in entries {
        let name = match entry {
            Named::Plain(name) => name,
            Named::Map(mut map) => {
                let name = map.shift_remove("name").and_then(|name| name.as_str().map(str::to_owned));
                let name = name.ok_or_else(|| format!("an entry of `{key}` has no `name`"))?;
                // The path follows from the name; one that says the same is no harm.
                if map.get("config_path").and_then(|path| path.as_str()) == Some(&format!("./{name}.yaml")) {
                    map.shift_remove("config_path");
                }
                if let Some(odd) = map.keys().next() {
                    return Err(format!(
                        "an entry of `{key}` has the key `{}`; it takes `name` alone, the rest follows from the world, \
                         the other agents and the catalogue",
                        shown(odd)
                    ));
                }
                name
            }
        };
        if found.contains(&name) {
            return Err(format!("two entries of `{key}` are named `{}`; remove one", shown(&name)));
        }
        if key == "sub_agents" {
            check_name(&name)?;
        }
        if name.is_empty() || name.len() > 128 || name.chars().any(|c| c.is_control() || c == '*') {
            return Err(format!(
                "`{}` is no name for an entry of `{key}`; patterns with * are not allowed",
                shown(&name)
            ));
        }
        found.push(name);
    }
    Ok(found)
}

fn bounded(key: &str, value: u32, most: u32) -> Result<u32, String> {
    if (1..=most).contains(&value) { Ok(value) } else { Err(format!("`{key}` is {value}; give 1 to {most}")) }
}

fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(80)]
}

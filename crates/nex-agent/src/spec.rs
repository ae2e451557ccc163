//! [`AgentSpec`]: an agent as data, with every file that it names already read.
//!
//! `load_agent` makes it from NexAU's YAML; a program may as well build it by hand
//! ([`AgentSpec::new`] and public fields). It holds no paths to be resolved later, so that a spec
//! can be sent, hashed and compiled anywhere.

use crate::Limits;
use nex_llm::Sampling;
use nex_tools::McpServerSpec;
use nex_trajectory::ToolSpec;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// One agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AgentSpec {
    /// Its name, in records and for `sub_agent_name`.
    pub name: String,
    /// What it is for; told to the parent that may call it.
    #[serde(default)]
    pub description: String,
    /// Its system prompt, in blocks; each is a Jinja template.
    #[serde(default)]
    pub system_prompt: Vec<PromptBlock>,
    /// Added after the prompt, on a paragraph of its own.
    #[serde(default)]
    pub system_prompt_suffix: String,
    /// Which model drives it, and how.
    #[serde(default)]
    pub llm: LlmConfig,
    /// Its tools.
    #[serde(default)]
    pub tools: Vec<ToolEntry>,
    /// Agents that it may call.
    #[serde(default)]
    pub sub_agents: Vec<SubAgentEntry>,
    /// Servers whose tools it has, as `mcp__<server>__<tool>`.
    #[serde(default)]
    pub mcp_servers: Vec<McpEntry>,
    /// Tools whose successful call ends the run.
    #[serde(default)]
    pub stop_tools: Vec<String>,
    /// Variables of its templates.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// Its bounds.
    #[serde(default)]
    pub limits: Limits,
    /// The file it came from, for messages; empty where it was built by hand.
    #[serde(default)]
    pub source: String,
}

impl AgentSpec {
    /// An agent that only answers: no prompt, no tools, default limits.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            system_prompt: Vec::new(),
            system_prompt_suffix: String::new(),
            llm: LlmConfig::default(),
            tools: Vec::new(),
            sub_agents: Vec::new(),
            mcp_servers: Vec::new(),
            stop_tools: Vec::new(),
            context: Map::new(),
            limits: Limits::default(),
            source: String::new(),
        }
    }

    /// The same agent with `prompt` as its whole system prompt.
    #[must_use]
    pub fn with_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.system_prompt = vec![PromptBlock { content: prompt.into(), cache: true }];
        self
    }

    /// The same agent with one more tool, taken from the environment by name or pattern.
    #[must_use]
    pub fn with_environment_tool(mut self, pattern: impl Into<String>) -> Self {
        self.tools.push(ToolEntry::environment(pattern));
        self
    }

    /// The same agent with one more agent that it may call.
    #[must_use]
    pub fn with_sub_agent(mut self, agent: AgentSpec) -> Self {
        self.sub_agents.push(SubAgentEntry { name: agent.name.clone(), agent: Arc::new(agent) });
        self
    }

    /// Calls `visit` on this agent and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a AgentSpec)) {
        visit(self);
        for sub in &self.sub_agents {
            sub.agent.walk(visit);
        }
    }
}

/// One block of a system prompt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptBlock {
    /// The template.
    pub content: String,
    /// Whether the provider may keep it in its prompt cache.
    pub cache: bool,
}

/// Which model drives an agent. The runtime itself reads `sampling` only; the rest is for whoever
/// builds the [`nex_llm::ChatModel`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmConfig {
    /// The model's name.
    pub model: Option<String>,
    /// Where its API is.
    pub base_url: Option<String>,
    /// The key. Never written to records.
    #[serde(skip_serializing)]
    pub api_key: Option<String>,
    /// `openai_chat_completion` (default), `anthropic_chat_completion` …
    pub api_type: Option<String>,
    /// Temperature, length, stop sequences and every key that is passed through.
    pub sampling: Sampling,
    /// Deadline of one request in seconds.
    pub timeout_s: Option<f64>,
    /// Requests after a failed one.
    pub max_retries: Option<u32>,
    /// Whether replies are streamed.
    pub stream: bool,
}

/// One tool of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolEntry {
    /// Its name for the model; for an environment tool a name or a pattern with `*`.
    pub name: String,
    /// Its declaration, where the agent brings one (`yaml_path`).
    #[serde(default)]
    pub spec: Option<ToolSpec>,
    /// What implements it (see [`crate::ToolBindings`]); none takes it from the environment.
    #[serde(default)]
    pub binding: Option<String>,
    /// Arguments that the model does not see, for the binding.
    #[serde(default)]
    pub extra_kwargs: Map<String, Value>,
    /// Its calls do not overlap with others of the same turn.
    #[serde(default)]
    pub is_serial: bool,
}

impl ToolEntry {
    /// Tools of the environment whose name fits `pattern` (`*` stands for any text).
    pub fn environment(pattern: impl Into<String>) -> Self {
        Self { name: pattern.into(), spec: None, binding: None, extra_kwargs: Map::new(), is_serial: false }
    }
}

/// One agent that another may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubAgentEntry {
    /// The name under which it is called; it may differ from the agent's own.
    pub name: String,
    /// The agent.
    pub agent: Arc<AgentSpec>,
}

/// One MCP server of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct McpEntry {
    /// The server; its name is part of its tools' names.
    pub server: McpServerSpec,
    /// Its calls do not overlap with others of the same turn.
    #[serde(default)]
    pub is_serial: bool,
}

//! [`Agent`]: a spec compiled once, run many times.
//!
//! In: an [`AgentSpec`] and [`ToolBindings`]. Out: templates parsed, schemas compiled, bindings
//! resolved, sub-agents compiled, so that starting a session only puts Arcs together.
//! Invariant: a run changes nothing here but caches, so runs cannot see each other.

use crate::binding::{Redeclared, environment_name};
use crate::prompt::{Prompt, PromptScope, tools_value};
use crate::sub_agent::{AGENT_TOOL, agent_tool};
use crate::{AgentError, AgentSpec, BindingRequest, RunContext, ToolBindings, ToolEntry};
use nex_llm::ToolSet;
use nex_tools::{McpLease, Tool, ToolDeclaration, ToolLimits, Toolbox};
use nex_trajectory::{InfraFailure, Message, ToolSpec, Trajectory};
use parking_lot::Mutex;
use serde_json::Map;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Sets of tools whose encoding and prompt are kept. Beyond that the cache starts anew: tasks that
/// each offer other tools must not make it grow without end.
const MAX_CACHED_KITS: usize = 512;

/// An agent, ready to run. Cloning it is cheap.
#[derive(Clone)]
pub struct Agent {
    pub(crate) compiled: Arc<CompiledAgent>,
}

pub(crate) struct CompiledAgent {
    pub(crate) spec: AgentSpec,
    pub(crate) sub_agents: Vec<(String, Agent)>,
    pub(crate) stop_tools: HashSet<String>,
    pub(crate) agent_tool: Option<Arc<ToolDeclaration>>,
    prompt: Prompt,
    slots: Vec<Slot>,
    kits: Mutex<HashMap<Vec<usize>, Arc<Kit>>>,
    /// Renamed declarations by the original, which is held so that its address stays taken.
    renamed: Mutex<HashMap<(usize, String), (Arc<ToolDeclaration>, Arc<ToolDeclaration>)>>,
}

/// Where one `tools` entry gets its tool from.
enum Slot {
    Own(Arc<dyn Tool>),
    Environment { pattern: String, is_serial: bool },
    EnvironmentRenamed { from: String, entry: ToolEntry },
    EnvironmentAs { name: String, declaration: Arc<ToolDeclaration>, entry: ToolEntry },
}

/// What all sessions with the same tools share.
pub(crate) struct Kit {
    pub(crate) tool_set: ToolSet,
    pub(crate) serial: HashSet<String>,
    for_prompt: minijinja::Value,
    /// The system message and the day for which it was rendered.
    system: Mutex<Option<(u64, Option<Arc<Message>>)>>,
    /// Held so that no other declaration can take the address of one that is a key.
    _declarations: Vec<Arc<ToolDeclaration>>,
}

/// The tools of one session.
pub(crate) struct SessionTools {
    pub(crate) toolbox: Toolbox,
    pub(crate) kit: Arc<Kit>,
}

impl Agent {
    /// Compiles `spec` and all its sub-agents.
    ///
    /// # Errors
    /// A template, schema, binding or limit is wrong, or two tools have one name.
    pub fn compile(spec: AgentSpec, bindings: &ToolBindings) -> Result<Self, AgentError> {
        check_limits(&spec)?;
        let prompt = Prompt::compile(&spec)?;
        let slots = spec
            .tools
            .iter()
            .map(|entry| slot(&spec.name, entry, bindings))
            .collect::<Result<Vec<_>, _>>()?;
        let mut sub_agents: Vec<(String, Agent)> = Vec::with_capacity(spec.sub_agents.len());
        for sub in &spec.sub_agents {
            if sub_agents.iter().any(|(name, _)| *name == sub.name) {
                let tool = format!("{AGENT_TOOL}({})", sub.name);
                return Err(AgentError::DuplicateTool { agent: spec.name.clone(), tool });
            }
            sub_agents.push((sub.name.clone(), Self::compile(AgentSpec::clone(&sub.agent), bindings)?));
        }
        let agent_tool = match sub_agents.is_empty() {
            true => None,
            false => Some(Arc::new(agent_tool(&sub_agents))),
        };
        let stop_tools = spec.stop_tools.iter().cloned().collect();
        let compiled = CompiledAgent {
            spec,
            sub_agents,
            stop_tools,
            agent_tool,
            prompt,
            slots,
            kits: Mutex::default(),
            renamed: Mutex::default(),
        };
        compiled.check_names()?;
        Ok(Self { compiled: Arc::new(compiled) })
    }

    /// The agent as data.
    pub fn spec(&self) -> &AgentSpec {
        &self.compiled.spec
    }

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.compiled.spec.name
    }

    /// The agents that it may call, by the names under which it calls them.
    pub fn sub_agents(&self) -> impl Iterator<Item = (&str, &Agent)> {
        self.compiled.sub_agents.iter().map(|(name, agent)| (name.as_str(), agent))
    }

    /// Names that its templates read and nothing defines, sub-agents left out.
    pub fn undeclared_variables(&self) -> Vec<String> {
        self.compiled.prompt.undeclared()
    }

    /// Runs the agent on `instruction` until it stops, and gives the record.
    ///
    /// It never fails: whatever ends it is the record's [`nex_trajectory::StopReason`]. Starting
    /// costs tens of microseconds; many runs of one agent may go on at the same time. Dropping the
    /// future abandons the run and its record; cancelling through the context keeps the record.
    pub async fn run(&self, instruction: &str, context: RunContext) -> Trajectory {
        crate::run::run_root(self, instruction, context).await
    }
}

impl CompiledAgent {
    /// The tools of a session in `context`; an error where the environment lacks one.
    pub(crate) fn session_tools(
        &self,
        context: &RunContext,
        leased: Vec<Arc<dyn Tool>>,
    ) -> Result<SessionTools, InfraFailure> {
        let environment = &context.environment_tools;
        let mut tools: Vec<Arc<dyn Tool>> =
            Vec::with_capacity(self.slots.len() + environment.len() + leased.len());
        let mut serial: Vec<&str> = Vec::new();
        for slot in &self.slots {
            match slot {
                Slot::Own(tool) => tools.push(tool.clone()),
                Slot::Environment { pattern, is_serial } => {
                    let before = tools.len();
                    for tool in environment.iter().filter(|tool| fits(pattern, name_of(tool))) {
                        if !tools.iter().any(|known| Arc::ptr_eq(known, tool)) {
                            tools.push(tool.clone());
                        }
                        if *is_serial {
                            serial.push(name_of(tool));
                        }
                    }
                    let is_missing = tools.len() == before
                        && !pattern.contains('*')
                        && !environment.iter().any(|tool| name_of(tool) == pattern);
                    if is_missing {
                        return Err(self.missing(pattern, context));
                    }
                }
                Slot::EnvironmentRenamed { from, entry } => {
                    let tool = environment.iter().find(|tool| name_of(tool) == from);
                    let tool = tool.ok_or_else(|| self.missing(from, context))?.clone();
                    let name = entry.name.clone();
                    tools.push(self.renamed(tool, name, entry.is_serial, entry.extra_kwargs.clone()));
                }
                Slot::EnvironmentAs { name, declaration, entry } => {
                    let inner = environment.iter().find(|tool| name_of(tool) == name);
                    let inner = inner.ok_or_else(|| self.missing(name, context))?.clone();
                    tools.push(Arc::new(Redeclared {
                        inner,
                        declaration: declaration.clone(),
                        extra_kwargs: entry.extra_kwargs.clone(),
                        is_serial: entry.is_serial,
                        has_own_schema: true,
                    }));
                }
            }
        }
        tools.extend(leased);
        let kit = self.kit(&tools, &serial);
        let toolbox = Toolbox::new(tools, ToolLimits::default()).map_err(|duplicate| InfraFailure {
            kind: "duplicate_tool".to_owned(),
            message: format!("agent `{}`: {duplicate}", self.spec.name),
        })?;
        Ok(SessionTools { toolbox, kit })
    }

    /// What sessions with exactly these tools share. The key is the declarations' addresses, which
    /// stay taken as long as the entry lives.
    fn kit(&self, tools: &[Arc<dyn Tool>], serial: &[&str]) -> Arc<Kit> {
        let key: Vec<usize> = tools.iter().map(|tool| Arc::as_ptr(tool.declaration()) as usize).collect();
        let mut kits = self.kits.lock();
        if let Some(kit) = kits.get(&key) {
            return kit.clone();
        }
        let declarations: Vec<Arc<ToolDeclaration>> =
            tools.iter().map(|tool| tool.declaration().clone()).collect();
        let all = declarations.iter().chain(&self.agent_tool);
        let specs: Arc<Vec<ToolSpec>> = Arc::new(all.map(|declaration| declaration.spec().clone()).collect());
        let mut serial: HashSet<String> = serial.iter().map(|name| (*name).to_owned()).collect();
        serial.extend(tools.iter().filter(|tool| tool.is_serial()).map(|tool| name_of(tool).to_owned()));
        let kit = Arc::new(Kit {
            for_prompt: tools_value(&specs),
            tool_set: ToolSet::new(specs),
            serial,
            system: Mutex::new(None),
            _declarations: declarations,
        });
        if kits.len() >= MAX_CACHED_KITS {
            kits.clear();
        }
        kits.insert(key, kit.clone());
        kit
    }

    /// The system message of a session with `kit`.
    pub(crate) fn system_message(
        &self,
        kit: &Kit,
        context: &RunContext,
    ) -> Result<Option<Arc<Message>>, InfraFailure> {
        let unix_ms = context.clock.unix_ms();
        let scope = PromptScope { unix_ms, tools: &kit.for_prompt, variables: context.variables.as_deref() };
        let render = || {
            self.prompt.render(&scope).map_err(|cause| InfraFailure {
                kind: "prompt_failed".to_owned(),
                message: format!("agent `{}`, {cause}", self.spec.name),
            })
        };
        if context.variables.is_some() {
            return render();
        }
        let day = unix_ms / 86_400_000;
        let mut kept = kit.system.lock();
        match &*kept {
            Some((of_day, message)) if *of_day == day => Ok(message.clone()),
            _ => {
                let message = render()?;
                *kept = Some((day, message.clone()));
                Ok(message)
            }
        }
    }

    /// A filter, test or function that the prompt names and the engine does not have.
    pub(crate) fn unknown_names_in_prompt(&self) -> Option<String> {
        self.prompt.unknown_names()
    }

    /// Leases the agent's MCP servers and gives their tools, named `mcp__<server>__<tool>`. The
    /// servers are held as long as the leases.
    pub(crate) async fn lease_servers(
        &self,
        context: &RunContext,
    ) -> Result<(Vec<McpLease>, Vec<Arc<dyn Tool>>), InfraFailure> {
        let entries = &self.spec.mcp_servers;
        let Some(pool) = context.mcp.as_ref().filter(|_| !entries.is_empty()) else {
            return match entries.first() {
                None => Ok((Vec::new(), Vec::new())),
                Some(entry) => Err(InfraFailure {
                    kind: "no_mcp_pool".to_owned(),
                    message: format!(
                        "agent `{}` needs MCP server `{}`, and this run has no pool of servers",
                        self.spec.name, entry.server.name
                    ),
                }),
            };
        };
        let starting = entries.iter().map(|entry| pool.lease(&entry.server));
        let mut leases = Vec::with_capacity(entries.len());
        let mut tools = Vec::new();
        for (entry, lease) in entries.iter().zip(futures_util::future::join_all(starting).await) {
            let lease = lease.map_err(|error| InfraFailure {
                kind: error.kind().to_owned(),
                message: format!("agent `{}`: {error}", self.spec.name),
            })?;
            for tool in lease.tools() {
                let name = format!("mcp__{}__{}", entry.server.name, name_of(&tool));
                tools.push(self.renamed(tool, name, entry.is_serial, Map::new()));
            }
            leases.push(lease);
        }
        Ok((leases, tools))
    }

    /// `tool` under the name `name`. The declaration is kept, so that all sessions have the same.
    fn renamed(
        &self,
        tool: Arc<dyn Tool>,
        name: String,
        is_serial: bool,
        extra_kwargs: Map<String, serde_json::Value>,
    ) -> Arc<dyn Tool> {
        let original = tool.declaration().clone();
        let mut cache = self.renamed.lock();
        if cache.len() >= MAX_CACHED_KITS {
            cache.clear();
        }
        let key = (Arc::as_ptr(&original) as usize, name.clone());
        let (_, declaration) =
            cache.entry(key).or_insert_with(|| (original.clone(), Arc::new(original.renamed(name))));
        Arc::new(Redeclared {
            inner: tool,
            declaration: declaration.clone(),
            extra_kwargs,
            is_serial,
            has_own_schema: false,
        })
    }

    /// The sub-agent called `name`.
    pub(crate) fn sub_agent(&self, name: &str) -> Option<&Agent> {
        self.sub_agents.iter().find(|(known, _)| known == name).map(|(_, agent)| agent)
    }

    fn missing(&self, tool: &str, context: &RunContext) -> InfraFailure {
        let names = context.environment_tools.iter().map(name_of);
        InfraFailure {
            kind: "tool_missing".to_owned(),
            message: format!(
                "agent `{}` takes tool `{tool}` from its environment, which does not have it; it has: {}",
                self.spec.name,
                crate::nearest::list_nearest(tool, names)
            ),
        }
    }

    /// Names known at compile time: no two alike, `Agent` only where it is ours, stop tools known.
    fn check_names(&self) -> Result<(), AgentError> {
        let mut names: Vec<&str> = self.agent_tool.iter().map(|d| d.spec().name.as_str()).collect();
        let mut is_open = !self.spec.mcp_servers.is_empty();
        for slot in &self.slots {
            let name = match slot {
                Slot::Own(tool) => name_of(tool),
                Slot::EnvironmentAs { declaration, .. } => &declaration.spec().name,
                Slot::EnvironmentRenamed { entry, .. } => &entry.name,
                Slot::Environment { pattern, .. } if pattern.contains('*') => {
                    is_open = true;
                    continue;
                }
                Slot::Environment { pattern, .. } => pattern,
            };
            if names.contains(&name) {
                return Err(AgentError::DuplicateTool {
                    agent: self.spec.name.clone(),
                    tool: name.to_owned(),
                });
            }
            names.push(name);
        }
        for tool in &self.spec.stop_tools {
            if !is_open && !names.contains(&tool.as_str()) {
                return Err(AgentError::UnknownStopTool {
                    agent: self.spec.name.clone(),
                    tool: tool.clone(),
                    known: crate::nearest::list_nearest(tool, names.iter().copied()),
                });
            }
        }
        Ok(())
    }
}

fn name_of(tool: &Arc<dyn Tool>) -> &str {
    &tool.declaration().spec().name
}

fn slot(agent: &str, entry: &ToolEntry, bindings: &ToolBindings) -> Result<Slot, AgentError> {
    let compile = |spec: ToolSpec| {
        ToolDeclaration::new(spec)
            .map(Arc::new)
            .map_err(|e| AgentError::Schema { agent: agent.to_owned(), cause: e.to_string() })
    };
    let from_environment = match &entry.binding {
        None => Some(entry.name.as_str()),
        Some(binding) => environment_name(binding),
    };
    if let Some(name) = from_environment {
        return Ok(match &entry.spec {
            Some(spec) => Slot::EnvironmentAs {
                name: name.to_owned(),
                declaration: compile(ToolSpec { name: entry.name.clone(), ..spec.clone() })?,
                entry: entry.clone(),
            },
            None if name == entry.name && entry.extra_kwargs.is_empty() => {
                Slot::Environment { pattern: name.to_owned(), is_serial: entry.is_serial }
            }
            None => Slot::EnvironmentRenamed { from: name.to_owned(), entry: entry.clone() },
        });
    }
    let binding = entry.binding.as_deref().unwrap_or_default();
    let Some((short, factory)) = bindings.find(binding) else {
        return Err(AgentError::UnknownBinding {
            agent: agent.to_owned(),
            tool: entry.name.clone(),
            binding: binding.to_owned(),
            known: bindings.nearest(binding),
        });
    };
    let request = BindingRequest {
        binding: &short,
        name: &entry.name,
        spec: entry.spec.as_ref(),
        extra_kwargs: &entry.extra_kwargs,
    };
    let tool = factory(&request).map_err(|cause| AgentError::Factory {
        agent: agent.to_owned(),
        tool: entry.name.clone(),
        cause,
    })?;
    let own = tool.declaration().spec();
    let wanted = match &entry.spec {
        Some(spec) => ToolSpec { name: entry.name.clone(), ..spec.clone() },
        None => ToolSpec { name: entry.name.clone(), ..own.clone() },
    };
    if *own == wanted && entry.extra_kwargs.is_empty() && !entry.is_serial {
        return Ok(Slot::Own(tool));
    }
    Ok(Slot::Own(Arc::new(Redeclared {
        inner: tool,
        declaration: compile(wanted)?,
        extra_kwargs: entry.extra_kwargs.clone(),
        is_serial: entry.is_serial,
        has_own_schema: true,
    })))
}

/// Whether `name` fits `pattern`, in which `*` stands for any text.
fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn check_limits(spec: &AgentSpec) -> Result<(), AgentError> {
    let limits = &spec.limits;
    let at_least_one = [
        ("max_iterations", u64::from(limits.max_turns)),
        ("max_running_subagents", u64::from(limits.max_running_subagents)),
        ("max_parallel_calls", u64::from(limits.max_parallel_calls)),
        ("max_repeats", u64::from(limits.max_repeats)),
        ("max_empty_replies", u64::from(limits.max_empty_replies)),
    ];
    for (limit, value) in at_least_one {
        if value == 0 {
            return Err(AgentError::Limit { agent: spec.name.clone(), limit, value });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        let table = [
            ("*", "anything", true),
            ("get_*", "get_order", true),
            ("get_*", "list_orders", false),
            ("*_order", "get_order", true),
            ("*order*", "list_orders_of", true),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("ab*ba", "aba", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}

//! [`Agent`]: a spec compiled once, run many times.
//!
//! In: an [`AgentSpec`] and [`ToolBindings`]. Out: templates parsed, schemas compiled, bindings
//! resolved, sub-agents compiled, so that starting a session only puts Arcs together.
//! Invariant: a run changes nothing here but caches, so runs cannot see each other.

mod session_tools;

use crate::binding::{Redeclared, environment_name};
use crate::prompt::Prompt;
use crate::sub_agent::{AGENT_TOOL, agent_tool};
use crate::{AgentError, AgentSpec, BindingRequest, RunContext, ToolBindings, ToolEntry};
use nex_tools::{Tool, ToolDeclaration};
use nex_trajectory::{ToolSpec, Trajectory};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use session_tools::RenamedDeclaration;
pub use session_tools::fits;
pub(crate) use session_tools::{Kit, SessionTools};

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
    renamed: Mutex<HashMap<(usize, String), RenamedDeclaration>>,
}

/// Where one `tools` entry gets its tool from.
enum Slot {
    Own(Arc<dyn Tool>),
    Environment { pattern: String, is_serial: bool },
    EnvironmentRenamed { from: String, entry: ToolEntry },
    EnvironmentAs { name: String, declaration: Arc<ToolDeclaration>, entry: ToolEntry },
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
    /// A filter, test or function that the prompt names and the engine does not have.
    pub(crate) fn unknown_names_in_prompt(&self) -> Option<String> {
        self.prompt.unknown_names()
    }

    /// The sub-agent called `name`.
    pub(crate) fn sub_agent(&self, name: &str) -> Option<&Agent> {
        self.sub_agents.iter().find(|(known, _)| known == name).map(|(_, agent)| agent)
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

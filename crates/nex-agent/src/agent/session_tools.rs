//! What a run gets from its agent: tools, their encoding, the system message, leased servers.
//!
//! In: the compiled agent and a run's context. Out: [`SessionTools`]. What depends only on which
//! tools there are is made once and kept ([`Kit`]); a further session with the same tools costs a
//! look-up.

use super::{CompiledAgent, Slot, name_of};
use crate::RunContext;
use crate::binding::Redeclared;
use crate::prompt::{PromptScope, tools_value};
use nex_llm::ToolSet;
use nex_tools::{McpLease, Tool, ToolDeclaration, ToolLimits, Toolbox};
use nex_trajectory::{InfraFailure, Message, ToolSpec};
use parking_lot::Mutex;
use serde_json::Map;
use std::collections::HashSet;
use std::sync::Arc;

/// Sets of tools whose encoding and prompt are kept. Beyond that the cache starts anew: tasks that
/// each offer other tools must not make it grow without end.
const MAX_CACHED_KITS: usize = 512;

/// A declaration under another name, kept by the address of the original and that name.
pub(super) struct RenamedDeclaration {
    renamed: Arc<ToolDeclaration>,
    /// Held so that its address stays taken.
    _original: Arc<ToolDeclaration>,
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
        let kept = cache.entry(key).or_insert_with(|| RenamedDeclaration {
            renamed: Arc::new(original.renamed(name)),
            _original: original.clone(),
        });
        Arc::new(Redeclared {
            inner: tool,
            declaration: kept.renamed.clone(),
            extra_kwargs,
            is_serial,
            has_own_schema: false,
        })
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
}

/// Whether the tool name `name` fits `pattern`, in which `*` stands for any text.
pub fn fits(pattern: &str, name: &str) -> bool {
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

//! The keys of an agent file.

use super::{Loader, MAX_AGENTS};
use crate::fields::Fields;
use crate::yaml::Yaml;
use crate::{AgentSpec, Limits, LlmConfig, McpEntry, Severity, SubAgentEntry, ToolEntry};
use nex_llm::Sampling;
use nex_tools::{McpServerSpec, McpTransport};
use nex_trajectory::ToolSpec;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

impl Loader<'_> {
    /// The agent that `root`, the content of `file` or a part of it, describes.
    pub(super) fn agent(&mut self, root: &Yaml, file: &Path) -> Option<Arc<AgentSpec>> {
        let mut found = Vec::new();
        let mut fields = Fields::of(root, "the agent", file, &mut found);
        let spec = fields.as_mut().map(|fields| self.agent_fields(fields));
        if let Some(fields) = fields {
            fields.finish();
        }
        self.found.append(&mut found);
        let spec = spec?;
        let agents: usize = spec.sub_agents.iter().map(|sub| self.count_of(&sub.agent)).sum();
        if agents >= MAX_AGENTS {
            let message = format!("agent `{}` has more than {MAX_AGENTS} agents below it", spec.name);
            self.error(file, Some(root.at), message);
            return None;
        }
        Some(Arc::new(spec))
    }

    fn agent_fields(&mut self, fields: &mut Fields<'_, '_>) -> AgentSpec {
        let file = fields.file();
        if let Some(kind) = fields.text("type").filter(|kind| kind != "agent") {
            fields.error(fields.at, format!("`type` is `{kind}`; known types: agent, pipeline, workflow"));
        }
        let name = match fields.text("name") {
            Some(name) if name.trim().is_empty() => {
                fields.error(fields.at, "`name` is empty");
                name
            }
            Some(name) => name,
            None => "configured_agent".to_owned(),
        };
        let mut spec = AgentSpec::new(name);
        spec.source = file.display().to_string();
        spec.description = fields.text("description").unwrap_or_default();
        spec.system_prompt = self.prompt(fields);
        spec.system_prompt_suffix = fields.text("system_prompt_suffix").unwrap_or_default();
        spec.llm = fields.take("llm_config").map(|value| llm_config(value, file, fields)).unwrap_or_default();
        spec.limits = limits(fields);
        spec.tools = fields.list("tools").iter().filter_map(|entry| self.tool_entry(entry, fields)).collect();
        spec.sub_agents =
            fields.list("sub_agents").iter().filter_map(|entry| self.sub_agent(entry, fields)).collect();
        spec.mcp_servers = fields
            .list("mcp_servers")
            .iter()
            .filter_map(|entry| mcp_server(entry, file, fields.found()))
            .collect();
        spec.stop_tools = fields.texts("stop_tools");
        spec.context =
            fields.json_map("context").or_else(|| fields.json_map("initial_context")).unwrap_or_default();
        self.no_twins(&spec, fields);
        if let Some(mode) = fields.text("tool_call_mode").filter(|mode| mode == "xml") {
            let message = format!(
                "`tool_call_mode: {mode}` is a known NexAU value that is not supported yet: calls are made in \
                 the provider's own format"
            );
            fields.warn(fields.at, message);
        }
        fields.take("source_id");
        fields.take("initial_context");
        fields.unsupported(
            &["permissions"],
            Severity::Error,
            "without it the agent could do what the file forbids; remove it to accept that",
        );
        fields.unsupported(
            &[
                "skills",
                "middlewares",
                "before_agent_hooks",
                "after_agent_hooks",
                "before_model_hooks",
                "after_model_hooks",
                "before_tool_hooks",
                "after_tool_hooks",
                "sandbox_config",
                "plugins",
                "skipped_components",
                "tracers",
                "token_counter",
                "global_storage",
                "initial_state",
                "initial_config",
                "error_handler",
                "retry_attempts",
                "retry_backoff_max_seconds",
            ],
            Severity::Warning,
            "it has no effect",
        );
        spec
    }

    fn tool_entry(&mut self, value: &Yaml, outer: &mut Fields<'_, '_>) -> Option<ToolEntry> {
        let file = outer.file();
        let mut fields = Fields::of(value, "the `tools` entry", file, outer.found())?;
        let name = fields.text("name");
        let path = fields.take("yaml_path");
        let binding = fields.text("binding");
        let extra_kwargs = fields.json_map("extra_kwargs").unwrap_or_default();
        let mut is_serial = fields.boolean("disable_parallel").unwrap_or(false);
        fields.take("source_id");
        fields.unsupported(
            &["as_skill", "lazy", "defer_loading"],
            Severity::Warning,
            "the tool is offered from the start",
        );
        fields.unsupported(
            &["permissions"],
            Severity::Error,
            "without it the tool could do what the file forbids; remove it to accept that",
        );
        fields.finish();
        let mut spec: Option<ToolSpec> = None;
        let mut file_binding = None;
        if let Some(path) = path {
            let tool = self.tool_file(path, file)?;
            is_serial |= tool.is_serial;
            file_binding = tool.binding;
            spec = Some(tool.spec);
        }
        let Some(name) = name.or_else(|| spec.as_ref().map(|spec| spec.name.clone())) else {
            outer.error(value.at, "the `tools` entry has neither `name` nor `yaml_path`");
            return None;
        };
        if name.contains('*') && (spec.is_some() || binding.is_some() || !extra_kwargs.is_empty()) {
            let message = format!(
                "`{name}` stands for any number of tools of the environment, so it can have neither `yaml_path`, \
                 `binding` nor `extra_kwargs`"
            );
            outer.error(value.at, message);
        }
        if let Some(spec) = &mut spec {
            spec.name.clone_from(&name);
        }
        Some(ToolEntry { name, spec, binding: binding.or(file_binding), extra_kwargs, is_serial })
    }

    fn sub_agent(&mut self, value: &Yaml, outer: &mut Fields<'_, '_>) -> Option<SubAgentEntry> {
        let file = outer.file();
        let mut fields = Fields::of(value, "the `sub_agents` entry", file, outer.found())?;
        let name = fields.text("name");
        let path = fields.take("config_path");
        let inline = fields.take("agent");
        fields.take("source_id");
        fields.finish();
        let agent = self.named_agent(value, path, inline, file, "the `sub_agents` entry")?;
        Some(SubAgentEntry { name: name.unwrap_or_else(|| agent.name.clone()), agent })
    }

    /// The agent of an entry that names a file or holds the agent itself.
    pub(super) fn named_agent(
        &mut self,
        entry: &Yaml,
        path: Option<&Yaml>,
        inline: Option<&Yaml>,
        file: &Path,
        what: &str,
    ) -> Option<Arc<AgentSpec>> {
        match (path, inline) {
            (Some(path), None) => {
                let name = self.path_text(path, file)?;
                self.agent_file(&Self::beside(file, &name), file, path.at)
            }
            (None, Some(inline)) => self.agent(inline, file),
            (Some(_), Some(_)) => {
                self.error(
                    file,
                    Some(entry.at),
                    format!("{what} has both `config_path` and `agent`; keep one"),
                );
                None
            }
            (None, None) => {
                self.error(file, Some(entry.at), format!("{what} lacks `config_path`"));
                None
            }
        }
    }

    /// The text of a path, without the forms that need Python.
    pub(super) fn path_text(&mut self, value: &Yaml, file: &Path) -> Option<String> {
        let crate::yaml::YamlNode::Text(text) = &value.node else {
            self.error(file, Some(value.at), format!("a path must be text, it is {}", value.kind()));
            return None;
        };
        if text.starts_with("pkg:") {
            let message = format!("`{text}` names data of a Python package; copy the file beside this one");
            self.error(file, Some(value.at), message);
            return None;
        }
        Some(text.clone())
    }

    fn no_twins(&mut self, spec: &AgentSpec, fields: &mut Fields<'_, '_>) {
        let lists: [(&str, Vec<&str>); 3] = [
            ("tools", spec.tools.iter().map(|tool| tool.name.as_str()).collect()),
            ("sub_agents", spec.sub_agents.iter().map(|sub| sub.name.as_str()).collect()),
            ("mcp_servers", spec.mcp_servers.iter().map(|entry| entry.server.name.as_str()).collect()),
        ];
        for (list, names) in lists {
            let twin = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
            if let Some((_, name)) = twin {
                let at = fields.at;
                fields.error(at, format!("two entries of `{list}` are named `{name}`; rename one"));
            }
        }
    }
}

fn llm_config(value: &Yaml, file: &Path, outer: &mut Fields<'_, '_>) -> LlmConfig {
    let found = outer.found();
    let Some(mut fields) = Fields::of(value, "`llm_config`", file, found) else {
        return LlmConfig::default();
    };
    let mut config = LlmConfig {
        model: fields.text("model"),
        base_url: fields.text("base_url"),
        api_key: fields.text("api_key"),
        api_type: fields.text("api_type"),
        timeout_s: fields.seconds("timeout"),
        max_retries: fields.count("max_retries", 0),
        stream: fields.boolean("stream").unwrap_or(false),
        sampling: Sampling {
            temperature: fields.float("temperature"),
            top_p: fields.float("top_p"),
            max_tokens: fields.count("max_tokens", 1),
            stop: fields.texts("stop"),
            seed: fields.whole("seed", 0, u64::MAX),
            logprobs: fields.boolean("logprobs").unwrap_or(false),
            ..Sampling::default()
        },
    };
    fields.unsupported(
        &[
            "debug",
            "additional_drop_params",
            "cache_control_ttl",
            "tokenizer_path",
            "stream_idle_timeout_ms",
            "connect_timeout_ms",
            "tool_streaming",
            "allow_unsigned_thinking",
        ],
        Severity::Warning,
        "it has no effect",
    );
    config.sampling.extra = fields.rest();
    // NexAU passes every other key to the API as it is, so a misspelt one cannot be told from a
    // provider's own; those near to a known name are pointed out.
    let known = [
        "model",
        "base_url",
        "api_key",
        "api_type",
        "timeout",
        "max_retries",
        "stream",
        "temperature",
        "max_tokens",
    ];
    let passed: Vec<String> = config.sampling.extra.keys().cloned().collect();
    for key in passed {
        if let Some(near) = crate::nearest::did_you_mean(&key, known) {
            let message =
                format!("`{key}` in `llm_config` is passed to the API as it is; did you mean `{near}`?");
            fields.warn(value.at, message);
        }
    }
    config
}

fn limits(fields: &mut Fields<'_, '_>) -> Limits {
    let default = Limits::default();
    Limits {
        max_turns: fields.count("max_iterations", 1).unwrap_or(default.max_turns),
        max_tool_calls: fields.count("max_tool_calls", 0).unwrap_or(default.max_tool_calls),
        token_budget: fields.whole("token_budget", 1, u64::MAX),
        max_context_tokens: fields
            .whole("max_context_tokens", 1, u64::MAX)
            .unwrap_or(default.max_context_tokens),
        timeout: fields.seconds("timeout").map_or(default.timeout, Duration::from_secs_f64),
        max_depth: fields.count("max_depth", 0).unwrap_or(default.max_depth),
        max_running_subagents: fields
            .count("max_running_subagents", 1)
            .unwrap_or(default.max_running_subagents),
        max_parallel_calls: fields.count("max_parallel_calls", 1).unwrap_or(default.max_parallel_calls),
        max_calls_per_turn: fields.count("max_calls_per_turn", 1).unwrap_or(default.max_calls_per_turn),
        max_repeats: fields.count("max_repeats", 2).unwrap_or(default.max_repeats),
        max_empty_replies: fields.count("max_empty_replies", 1).unwrap_or(default.max_empty_replies),
    }
}

fn mcp_server(value: &Yaml, file: &Path, found: &mut Vec<crate::Diagnostic>) -> Option<McpEntry> {
    let mut fields = Fields::of(value, "the `mcp_servers` entry", file, found)?;
    let name = fields.required_text("name");
    let kind = fields.text("type").unwrap_or_else(|| "stdio".to_owned());
    let timeout_s = fields.seconds("timeout");
    let is_serial = fields.boolean("disable_parallel").unwrap_or(false);
    let transport = match kind.as_str() {
        "stdio" => fields.required_text("command").map(|command| McpTransport::Stdio {
            command,
            args: fields.texts("args"),
            env: fields.text_map("env"),
            cwd: None,
        }),
        "http" => fields
            .required_text("url")
            .map(|url| McpTransport::Http { url, headers: fields.text_map("headers") }),
        "sse" => {
            let message =
                "servers of type `sse` are not supported, the protocol has replaced them; use `type: http`";
            fields.error(value.at, message);
            for key in ["url", "headers"] {
                fields.take(key);
            }
            None
        }
        other => {
            fields.error(value.at, format!("`type` is `{other}`; known types: stdio, http"));
            for key in ["command", "args", "env", "url", "headers"] {
                fields.take(key);
            }
            None
        }
    };
    fields.take("source_id");
    fields.unsupported(
        &["permissions", "tool_permissions"],
        Severity::Error,
        "without it the server could do what the file forbids; remove it to accept that",
    );
    fields.finish();
    let mut server = McpServerSpec::http(name?, String::new());
    server.transport = transport?;
    if let Some(timeout_s) = timeout_s {
        server.limits.call_timeout_ms = (timeout_s * 1e3) as u64;
    }
    Some(McpEntry { server, is_serial })
}

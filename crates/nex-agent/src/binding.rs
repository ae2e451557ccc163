//! [`ToolBindings`]: from the `binding` strings of agent files to tools.
//!
//! NexAU binds tools to Python import paths. Those of its own built-in tools are read as
//! `builtin:<function>`; `env:<name>` names a tool of the environment and is resolved when a run
//! starts; everything else must have been bound by whoever embeds the runtime.

use async_trait::async_trait;
use indexmap::IndexMap;
use nex_tools::{CallContext, Tool, ToolDeclaration, ToolFailure, ToolOutput};
use nex_trajectory::ToolSpec;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Makes the tool of one `tools` entry; called once, when the agent is compiled.
pub type ToolFactory = Arc<dyn Fn(&BindingRequest<'_>) -> Result<Arc<dyn Tool>, String> + Send + Sync>;

/// What a factory is asked for.
pub struct BindingRequest<'a> {
    /// The binding, in its short form.
    pub binding: &'a str,
    /// The tool's name for the model.
    pub name: &'a str,
    /// The declaration that the agent brings, if it does.
    pub spec: Option<&'a ToolSpec>,
    /// Arguments that the model does not see.
    pub extra_kwargs: &'a Map<String, Value>,
}

/// The known bindings.
#[derive(Clone, Default)]
pub struct ToolBindings {
    factories: IndexMap<String, ToolFactory>,
}

impl ToolBindings {
    /// No bindings: agents may have environment tools, MCP servers and sub-agents only.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds `binding` (for example `builtin:read_file`) to `factory`; a later one replaces it.
    pub fn bind(&mut self, binding: impl Into<String>, factory: ToolFactory) -> &mut Self {
        self.factories.insert(binding.into(), factory);
        self
    }

    /// Binds `binding` to one tool that all agents share.
    pub fn bind_tool(&mut self, binding: impl Into<String>, tool: Arc<dyn Tool>) -> &mut Self {
        self.bind(binding, Arc::new(move |_| Ok(tool.clone())))
    }

    /// The factory of `binding`, and its short form.
    pub(crate) fn find(&self, binding: &str) -> Option<(String, &ToolFactory)> {
        let short = short_form(binding);
        self.factories.get(&short).map(|factory| (short, factory))
    }

    /// The known bindings nearest to `binding`, for an error message.
    pub(crate) fn nearest(&self, binding: &str) -> String {
        crate::nearest::list_nearest(&short_form(binding), self.factories.keys().map(String::as_str))
    }
}

/// The name of the environment tool that `binding` stands for.
pub(crate) fn environment_name(binding: &str) -> Option<&str> {
    binding.strip_prefix("env:")
}

/// `nexau.archs.tool.builtin.file_tools:read_file` is `builtin:read_file`, as are the names that
/// earlier versions of NexAU used.
fn short_form(binding: &str) -> String {
    let Some((module, function)) = binding.rsplit_once(':') else { return binding.to_owned() };
    if module != "builtin" && !module.starts_with("nexau.archs.tool.builtin") {
        return binding.to_owned();
    }
    let function = match function {
        "todo_write" => "write_todos",
        "bash_tool" | "bash" => "run_shell_command",
        "ls_tool" | "ls" => "list_directory",
        "multiedit_tool" => "multiedit",
        "serper_search" => "google_web_search",
        other => other,
    };
    format!("builtin:{function}")
}

/// A tool under another declaration: another name, description or schema, hidden arguments.
pub(crate) struct Redeclared {
    pub(crate) inner: Arc<dyn Tool>,
    pub(crate) declaration: Arc<ToolDeclaration>,
    pub(crate) extra_kwargs: Map<String, Value>,
    pub(crate) is_serial: bool,
    /// The declaration's schema is not the inner tool's, which must be checked too.
    pub(crate) has_own_schema: bool,
}

#[async_trait]
impl Tool for Redeclared {
    fn declaration(&self) -> &Arc<ToolDeclaration> {
        &self.declaration
    }

    async fn call(&self, arguments: Value, context: &CallContext<'_>) -> Result<ToolOutput, ToolFailure> {
        let mut arguments = arguments;
        if let Value::Object(map) = &mut arguments {
            for (key, value) in &self.extra_kwargs {
                map.insert(key.clone(), value.clone());
            }
        }
        // The agent file's schema let them pass; the tool itself may ask for more.
        if self.has_own_schema
            && let Err(error) = self.inner.declaration().validator().validate(&arguments)
        {
            let place = error.instance_path().to_string();
            return Ok(ToolOutput::error(format!("invalid arguments at `{place}`: {error}")));
        }
        self.inner.call(arguments, context).await
    }

    fn is_serial(&self) -> bool {
        self.is_serial || self.inner.is_serial()
    }

    fn deadline(&self) -> Option<Duration> {
        self.inner.deadline()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_nexau_builtins_become_short() {
        let table = [
            ("nexau.archs.tool.builtin.file_tools:read_file", "builtin:read_file"),
            ("nexau.archs.tool.builtin:todo_write", "builtin:write_todos"),
            ("builtin:bash_tool", "builtin:run_shell_command"),
            ("my_tools.search:search", "my_tools.search:search"),
            ("./tools/lookup.py:lookup", "./tools/lookup.py:lookup"),
            ("plain", "plain"),
        ];
        for (binding, short) in table {
            assert_eq!(short_form(binding), short);
        }
    }
}

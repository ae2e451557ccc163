//! System prompts: Jinja templates, parsed once an agent, rendered once a day and tool set.

use crate::clock::civil_date;
use crate::{AgentError, AgentSpec};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value};
use nex_trajectory::{Message, ToolSpec};
use serde_json::Map;
use std::sync::Arc;

/// The names that every template may use, besides the agent's `context`.
pub(crate) const BUILTIN_VARIABLES: [&str; 9] = [
    "date",
    "username",
    "working_directory",
    "operating_system",
    "agent_name",
    "agent_description",
    "tools",
    "sub_agents",
    "context",
];

/// An agent's prompt, parsed.
pub(crate) struct Prompt {
    engine: Environment<'static>,
    names: Vec<String>,
    /// Values that no run changes.
    fixed: Vec<(String, Value)>,
}

/// What a template may see of a run.
pub(crate) struct PromptScope<'a> {
    pub(crate) unix_ms: u64,
    pub(crate) tools: &'a Value,
    pub(crate) variables: Option<&'a Map<String, serde_json::Value>>,
}

/// A template engine without file access, whose undefined names render as nothing, as in NexAU.
pub(crate) fn engine() -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_recursion_limit(64);
    // As NexAU's engine is set up, so that its templates render alike.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    engine.set_syntax(syntax.expect("the delimiters are the engine's own"));
    engine
}

impl Prompt {
    /// Parses the prompt of `spec`.
    pub(crate) fn compile(spec: &AgentSpec) -> Result<Self, AgentError> {
        let mut engine = engine();
        let mut names = Vec::new();
        let mut blocks: Vec<&str> = spec.system_prompt.iter().map(|block| block.content.as_str()).collect();
        if !spec.system_prompt_suffix.is_empty() {
            blocks.push(&spec.system_prompt_suffix);
        }
        for (index, block) in blocks.into_iter().enumerate() {
            let name = format!("system_prompt block {}", index + 1);
            engine.add_template_owned(name.clone(), block.to_owned()).map_err(|e| AgentError::Template {
                place: format!("agent `{}`, {name}", spec.name),
                cause: describe(&e),
            })?;
            names.push(name);
        }
        let subs: Vec<Value> = spec
            .sub_agents
            .iter()
            .map(|sub| minijinja::context! { name => sub.name.clone(), description => sub.agent.description.clone() })
            .collect();
        let mut fixed = vec![
            ("username".to_owned(), Value::from(environment_variable("USER"))),
            (
                "working_directory".to_owned(),
                Value::from(std::env::current_dir().map(|dir| dir.display().to_string()).unwrap_or_default()),
            ),
            ("operating_system".to_owned(), Value::from(std::env::consts::OS)),
            ("agent_name".to_owned(), Value::from(spec.name.clone())),
            ("agent_description".to_owned(), Value::from(spec.description.clone())),
            ("sub_agents".to_owned(), Value::from(subs)),
            ("context".to_owned(), json_map(&spec.context)),
        ];
        fixed.extend(spec.context.iter().map(|(key, value)| (key.clone(), json_value(value))));
        Ok(Self { engine, names, fixed })
    }

    /// The names that the templates read and nothing defines.
    pub(crate) fn undeclared(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .names
            .iter()
            .filter_map(|name| self.engine.get_template(name).ok())
            .flat_map(|template| template.undeclared_variables(false))
            .filter(|name| !BUILTIN_VARIABLES.contains(&name.as_str()))
            .filter(|name| !self.fixed.iter().any(|(known, _)| known == name))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// A filter, test or function that a template names and the engine does not have. The engine
    /// finds out only when it renders, so this renders; what fails for want of values is no matter.
    pub(crate) fn unknown_names(&self) -> Option<String> {
        let context = Value::from_pairs(self.fixed.iter().cloned());
        self.names.iter().find_map(|name| {
            let error = self.engine.get_template(name).ok()?.render(&context).err()?;
            let is_unknown = matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
            );
            is_unknown.then(|| format!("{name}, {}", describe(&error)))
        })
    }

    /// The system message; none where the agent has no prompt.
    pub(crate) fn render(&self, scope: &PromptScope<'_>) -> Result<Option<Arc<Message>>, String> {
        if self.names.is_empty() {
            return Ok(None);
        }
        let mut values: Vec<(String, Value)> = self.fixed.clone();
        values.push(("date".to_owned(), Value::from(civil_date(scope.unix_ms))));
        values.push(("tools".to_owned(), scope.tools.clone()));
        for (key, value) in scope.variables.into_iter().flatten() {
            values.push((key.clone(), json_value(value)));
        }
        let context = Value::from_pairs(values);
        let mut text = String::new();
        for name in &self.names {
            let template = self.engine.get_template(name).map_err(|e| format!("{name}: {}", describe(&e)))?;
            let rendered = template.render(&context).map_err(|e| format!("{name}: {}", describe(&e)))?;
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(rendered.trim());
        }
        Ok(Some(Arc::new(Message::system(text))))
    }
}

/// The tools as templates see them.
pub(crate) fn tools_value(specs: &[ToolSpec]) -> Value {
    specs
        .iter()
        .map(
            |spec| minijinja::context! { name => spec.name.clone(), description => spec.description.clone() },
        )
        .collect()
}

/// A JSON value as templates see it.
pub(crate) fn json_value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(yes) => Value::from(*yes),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(whole), _, _) => Value::from(whole),
            (None, Some(whole), _) => Value::from(whole),
            (None, None, float) => Value::from(float.unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => items.iter().map(json_value).collect(),
        serde_json::Value::Object(map) => json_map(map),
    }
}

fn json_map(map: &Map<String, serde_json::Value>) -> Value {
    Value::from_pairs(map.iter().map(|(key, value)| (key.clone(), json_value(value))))
}

fn environment_variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}

/// The engine's message with the line; its own rendering repeats the template's name.
pub(crate) fn describe(error: &minijinja::Error) -> String {
    let detail = error.detail().map(str::to_owned).unwrap_or_else(|| error.kind().to_string());
    match error.line() {
        Some(line) => format!("line {line}: {detail}"),
        None => detail,
    }
}

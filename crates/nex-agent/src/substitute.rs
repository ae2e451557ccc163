//! `${env.NAME}`, `${this_file_dir}` and `${variables.a.b}` in the values of an agent file.
//!
//! NexAU pastes them into the text before it is parsed; here they are replaced in the parsed
//! values, so that no value can add keys or change the structure, and comments are left alone. A
//! value that is nothing but `${variables.…}` takes over the variable as it is, lists and maps
//! included. Every other `${…}` is none of ours and stays.

use crate::yaml::{Yaml, YamlNode};
use crate::{Diagnostic, LoadOptions};
use std::path::Path;

/// A text made longer than this by its variables is a mistake or an attack.
const MAX_EXPANDED_BYTES: usize = 1024 * 1024;

/// Replaces what stands for something in `root`, the content of `file`; `variables:` is taken out.
pub(crate) fn substitute(root: &mut Yaml, file: &Path, options: &LoadOptions, found: &mut Vec<Diagnostic>) {
    let mut scope = Substitution { file, options, variables: None, found };
    let taken = match &mut root.node {
        YamlNode::Map(entries) => {
            let place = entries.iter().position(|(key, _)| key.name == "variables");
            place.map(|place| entries.remove(place).1)
        }
        _ => None,
    };
    if let Some(mut variables) = taken {
        if !matches!(variables.node, YamlNode::Map(_)) {
            let message = format!("`variables` must be a map, it is {}", variables.kind());
            scope.found.push(Diagnostic::error(file, Some(variables.at), message));
        }
        scope.visit(&mut variables);
        scope.variables = Some(variables);
    }
    scope.visit(root);
}

struct Substitution<'a> {
    file: &'a Path,
    options: &'a LoadOptions,
    variables: Option<Yaml>,
    found: &'a mut Vec<Diagnostic>,
}

impl Substitution<'_> {
    fn visit(&mut self, value: &mut Yaml) {
        match &mut value.node {
            YamlNode::Text(text) if text.contains("${") => {
                if let Some(whole) = self.whole_variable(text) {
                    value.node = whole.node;
                    return;
                }
                if let Some(replaced) = self.replace(text, value.at) {
                    value.is_substituted = true;
                    value.node = YamlNode::Text(replaced);
                }
            }
            YamlNode::List(items) => items.iter_mut().for_each(|item| self.visit(item)),
            YamlNode::Map(entries) => entries.iter_mut().for_each(|(_, value)| self.visit(value)),
            _ => {}
        }
    }

    fn variable(&self, path: &str) -> Option<&Yaml> {
        path.split('.').try_fold(self.variables.as_ref()?, |value, name| value.get(name))
    }

    fn whole_variable(&self, text: &str) -> Option<Yaml> {
        let path = text.strip_prefix("${variables.")?.strip_suffix('}')?;
        self.variable(path).cloned()
    }

    /// The text with everything replaced; none where nothing of ours is in it.
    fn replace(&mut self, text: &str, at: (u64, u64)) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut is_changed = false;
        while let Some(start) = rest.find("${") {
            let Some(length) = rest[start..].find('}') else { break };
            out.push_str(&rest[..start]);
            let whole = &rest[start..=start + length];
            match self.value_of(&whole[2..whole.len() - 1]) {
                Ok(Some(value)) => {
                    is_changed = true;
                    out.push_str(&value);
                }
                Ok(None) => out.push_str(whole),
                Err(message) => {
                    self.found.push(Diagnostic::error(self.file, Some(at), message));
                    out.push_str(whole);
                }
            }
            rest = &rest[start + length + 1..];
            if out.len() > MAX_EXPANDED_BYTES {
                let message = format!("the value becomes longer than {MAX_EXPANDED_BYTES} bytes");
                self.found.push(Diagnostic::error(self.file, Some(at), message));
                return None;
            }
        }
        out.push_str(rest);
        is_changed.then_some(out)
    }

    fn value_of(&self, expression: &str) -> Result<Option<String>, String> {
        if expression == "this_file_dir" {
            let dir = self.file.parent().unwrap_or(Path::new(""));
            let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
            return Ok(Some(dir.display().to_string()));
        }
        if let Some(name) = expression.strip_prefix("env.") {
            return self.options.variable(name).map(Some).ok_or_else(|| {
                format!("environment variable `{name}` is not set; set it or remove `${{env.{name}}}`")
            });
        }
        let Some(path) = expression.strip_prefix("variables.") else { return Ok(None) };
        match self.variable(path).map(|value| (&value.node, value.kind())) {
            None => Err(format!("`variables` has no `{path}`; define it at the top of this file")),
            Some((YamlNode::Text(text), _)) => Ok(Some(text.clone())),
            Some((YamlNode::Number(number), _)) => Ok(Some(number.to_string())),
            Some((YamlNode::Bool(yes), _)) => Ok(Some(yes.to_string())),
            Some((_, kind)) => Err(format!("variable `{path}` is {kind} and cannot stand inside text")),
        }
    }
}

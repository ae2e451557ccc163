//! Tool files: `name`, `description`, `input_schema` and what binds them.

use super::Loader;
use crate::Severity;
use crate::fields::Fields;
use crate::yaml::{Yaml, YamlNode};
use nex_trajectory::ToolSpec;
use serde_json::json;
use std::path::Path;

/// What a tool file says.
pub(super) struct ToolFile {
    pub(super) spec: ToolSpec,
    pub(super) binding: Option<String>,
    pub(super) is_serial: bool,
}

impl Loader<'_> {
    /// The tool in the file that `path`, a value in `from`, names. Tool files know no `${…}`.
    pub(super) fn tool_file(&mut self, path: &Yaml, from: &Path) -> Option<ToolFile> {
        let name = self.path_text(path, from)?;
        let file = Self::beside(from, &name);
        let text = self.read(&file, Some((from, path.at)))?;
        let root = match Yaml::parse(&text, &file) {
            Ok(root) => root,
            Err(diagnostic) => {
                self.found.push(diagnostic);
                return None;
            }
        };
        let mut fields = Fields::of(&root, "the tool", &file, &mut self.found)?;
        if let Some(kind) = fields.text("type").filter(|kind| kind != "tool") {
            fields.error(root.at, format!("`type` is `{kind}`, a tool file has `type: tool`"));
        }
        let name = fields.required_text("name");
        let description = fields.text("description").unwrap_or_default();
        let schema = fields.take("input_schema");
        let input_schema = match schema.map(|value| (value, &value.node)) {
            None => json!({"type": "object", "properties": {}}),
            Some((value, YamlNode::Map(entries))) if !entries.is_empty() => value.to_json(),
            Some((_, YamlNode::Map(_))) => json!({"type": "object", "properties": {}}),
            Some((value, _)) => {
                fields.error(value.at, format!("`input_schema` must be a map, it is {}", value.kind()));
                return None;
            }
        };
        let binding = fields.text("binding");
        let builtin = fields.text("builtin");
        let is_serial = fields.boolean("disable_parallel").unwrap_or(false);
        fields.unsupported(
            &["lazy", "defer_loading", "skill_description", "search_hint"],
            Severity::Warning,
            "the tool is offered from the start",
        );
        fields.unsupported(
            &["template_override", "formatter"],
            Severity::Warning,
            "results are sent as they are",
        );
        fields.finish();
        let spec = ToolSpec { name: name?, description, input_schema };
        if let Err(error) = nex_tools::ToolDeclaration::new(spec.clone()) {
            let at = schema.map(|value| value.at);
            self.error(&file, at, error.to_string());
            return None;
        }
        let binding = binding.or_else(|| builtin.map(|name| format!("builtin:{name}")));
        Some(ToolFile { spec, binding, is_serial })
    }
}

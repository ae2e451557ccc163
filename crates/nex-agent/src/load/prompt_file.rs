//! `system_prompt` and `system_prompt_type`: text, or files with text.

use super::Loader;
use crate::PromptBlock;
use crate::fields::Fields;
use crate::yaml::{Yaml, YamlNode};

impl Loader<'_> {
    /// The blocks of the prompt, files read.
    pub(super) fn prompt(&mut self, fields: &mut Fields<'_, '_>) -> Vec<PromptBlock> {
        let kind = fields.text("system_prompt_type").unwrap_or_else(|| "string".to_owned());
        let is_file = match kind.as_str() {
            "string" => false,
            // In NexAU both name a file, and both are templates.
            "file" | "jinja" => true,
            other => {
                fields.error(
                    fields.at,
                    format!("`system_prompt_type` is `{other}`; known: string, file, jinja"),
                );
                false
            }
        };
        let Some(value) = fields.take("system_prompt") else { return Vec::new() };
        let items = match &value.node {
            YamlNode::List(items) => items.as_slice(),
            _ => std::slice::from_ref(value),
        };
        items.iter().filter_map(|item| self.block(item, is_file, fields)).collect()
    }

    fn block(&mut self, value: &Yaml, is_file: bool, outer: &mut Fields<'_, '_>) -> Option<PromptBlock> {
        let file = outer.file();
        if let YamlNode::Text(text) = &value.node {
            return self
                .content(text, value, is_file, file)
                .map(|content| PromptBlock { content, cache: true });
        }
        let mut fields = Fields::of(value, "a block of `system_prompt`", file, outer.found())?;
        let text = fields.required_text("content");
        let cache = fields.boolean("cache").unwrap_or(true);
        fields.finish();
        self.content(&text?, value, is_file, file).map(|content| PromptBlock { content, cache })
    }

    fn content(&mut self, text: &str, value: &Yaml, is_file: bool, file: &std::path::Path) -> Option<String> {
        if !is_file {
            return Some(text.to_owned());
        }
        let name = self.path_text(&Yaml { node: YamlNode::Text(text.to_owned()), ..value.clone() }, file)?;
        self.read(&Self::beside(file, &name), Some((file, value.at)))
    }
}
